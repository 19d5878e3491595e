//! Identity, delegation and proof for AI agents: who acts, for whom, and what it may do.
//!
//! Ana lets a planner update pull requests; the planner lets a coder do less; a server decides about the coder's call.
//!
//! ```
//! use deputize::os::{SysRng, generate_key, now};
//! use deputize::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (ana, planner, coder) = (generate_key()?, generate_key()?, generate_key()?);
//! let repos = |names: &[&str]| Constraint::one_of(names.iter().copied()).map(|set| ArgumentRules::new().required("repo", set));
//!
//! let wide = Tools::new().allow("update_pr", repos(&["acme/app", "acme/web"])?)?;
//! let task = issue(&ana, "ana", &Grant::to(planner.verifying_key()).holder_name("planner").tools(wide), &mut SysRng, now()?)?;
//! let narrow = Tools::new().allow("update_pr", repos(&["acme/app"])?)?;
//! let part = delegate(&planner, &task, &Grant::to(coder.verifying_key()).holder_name("coder").tools(narrow).ttl(600), &mut SysRng, now()?)?;
//!
//! let store = MemoryStore::new(MemoryStore::DEFAULT_CAPACITY, now()?)?;
//! let verifier = Verifier::new([TrustAnchor::new("ana", ana.verifying_key())?], "https://tools.acme.example", store)?;
//!
//! let arguments = Arguments::new(vec![("repo".into(), "acme/app".into())])?;
//! let call = Call::new("update_pr", &arguments);
//! let presentation = prove(&coder, &part, &call, "https://tools.acme.example", &mut SysRng, now()?)?;
//! let allowed = verifier.authorize(&presentation, &call, now()?)?;
//! assert_eq!((allowed.caller().as_str(), allowed.on_behalf_of()), ("coder", "ana"));
//!
//! let again = verifier.authorize(&presentation, &call, now()?).unwrap_err();
//! assert_eq!(again.code(), Code::ProofReplayed);
//! # Ok(())
//! # }
//! ```
//!
//! # What is guaranteed
//!
//! - An [`Authorized`] exists only if every check of the specification passed: trust anchor, signatures, times, narrowing, audience, proof, constraints,
//!   replay. Nothing but [`Verifier::authorize`] and [`Admissible::admit`] makes one.
//! - A delegated token is never wider than its parent: the function that decides is the same when it is made and when it is verified.
//! - Every refusal has a [`Code`], the same in every language. No input makes the library panic, or do more work than its [`limits`] say.
//! - No secret leaves a [`SigningKey`] but by the methods that are named for it.
//!
//! # What is not
//!
//! - Tokens are signed, not encrypted. A holder that is compromised can use what it was given until it expires.
//! - A path constraint speaks about names. A tool opens files with `os::open_beneath`, which no symbolic link leads out of.
//! - [`MemoryStore`] is for one process. Several share a `RedisStore` (feature `redis`), or a store of their own behind [`Store`].
//!
//! Time, randomness and bytes are arguments. The feature `os` (on by default) adds the module `os` with the system's clock and randomness,
//! key files, and files below a root. The feature `jwt` adds `JwtAttestor`, for the tokens that platforms give their workloads.
#![forbid(unsafe_code)]

mod approval;
mod attestation;
mod audit;
mod authorize;
mod budget;
mod cache;
mod capability;
mod cbor;
mod chain;
mod claims;
mod consent;
mod constraint;
mod cose;
mod error;
mod export;
mod hint;
mod id;
mod identity;
mod issue;
mod json;
mod key;
pub mod limits;
mod log;
mod message;
mod narrowing;
#[cfg(feature = "os")]
pub mod os;
mod pattern;
mod plan;
mod proof;
#[cfg(feature = "redis")]
mod redis_store;
mod renew;
mod requirement;
mod session;
mod signals;
mod steps;
mod store;
mod text;
mod time;
mod token;
mod trust;
mod value;
mod verify;

pub use approval::{Approval, ApprovalGrant, ApprovalPolicy, ApprovalRequest, DEFAULT_APPROVAL_TTL, approve, deny};
#[cfg(feature = "jwt")]
pub use attestation::JwtAttestor;
pub use attestation::{Attestor, CodeAttestor, Enrolment, Launch, Launcher, ParentAttestor, Registrar, enrol, vouch};
pub use audit::{AuditRecord, LogApproval, LogHolder, LogIdentity, LogRecord};
pub use authorize::{Admissible, Authorized, Denied};
pub use budget::{Budget, Budgets, Scope};
pub use capability::Tools;
pub use chain::{Bounds, TrustAnchor, VerifiedChain};
pub use claims::{Claims, Mode};
pub use consent::{Consent, ConsentGrant, DEFAULT_CONSENT_TTL, consent};
pub use constraint::{ArgumentRules, Constraint, Number, Range, UrlRule, is_public_address};
pub use error::{Code, Error, Family, Result, shown};
pub use hint::ToolHint;
pub use id::{Digest, RequestId, SessionId, TokenId, join_contexts};
pub use identity::{
    DEFAULT_IDENTITY_TTL, Hops, IdentityAuthority, IdentityGrant, IdentityKind, IdentityPolicy, IdentityRule, IdentityState,
    UnverifiedIdentity, VerifiedIdentity, issue_identity,
};
pub use issue::{DEFAULT_MAX_DEPTH, DEFAULT_TTL, Grant, delegate, issue};
pub use json::{value_from_json, value_to_json};
pub use key::{Signature, Signer, SigningKey, VerifyingKey};
pub use log::{AuditEvent, Checkpoint, CheckpointPolicy, LogCheck, LogHead, LogProof, LogReport, NoteKey, Witness, verify_receipt};
pub use message::{DEFAULT_MESSAGE_TTL, Inbox, Outbox, Outgoing, ReceivedMessage};
pub use plan::Revocable;
pub use proof::{Call, Presentation, Received, UnverifiedProof, prove};
#[cfg(feature = "redis")]
pub use redis_store::RedisStore;
pub use renew::RenewalPolicy;
pub use requirement::ApprovalRules;
pub use session::Session;
pub use signals::{Signal, Signals, Thresholds};
pub use store::{COMMIT_SCRIPT, MemoryStore, Operation, Outcome, Store, StoreKey};
pub use text::{bytes_from_text, text_from_bytes};
pub use time::{Now, Timestamp};
pub use token::UnverifiedChain;
pub use trust::{
    Authority, ChainFacts, Equivocation, FirstDenial, HeldList, KeyInUse, LinkFacts, ListLoader, Revocation, RevocationList,
    RevocationObserver, Standing, Target, TrustState, Update, rotate,
};
pub use value::{Arguments, Value};
pub use verify::Verifier;
