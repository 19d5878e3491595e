//! What an approver is asked: bytes that travel from whoever was refused to the approver.

use sha2::{Digest as _, Sha256};

use crate::cbor::{Decoder, Encoder, Type};
use crate::claims::{Claims, Mode, read_name, read_text};
use crate::cose::{Envelope, ObjectKind};
use crate::id::{Digest, RequestId, SessionId, is_context, is_name};
use crate::key::VerifyingKey;
use crate::proof::Call;
use crate::time::Timestamp;
use crate::token::{Tokens, UnverifiedChain};
use crate::value::Arguments;
use crate::{Code, Error, Result, limits};

const VERSION: u64 = 1;

/// Exactly what an approval is for: a verifier takes it from the call, an approver from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked<'a> {
    /// The hash of the leaf.
    pub(crate) token: Digest,
    pub(crate) tool: &'a str,
    pub(crate) arguments: Digest,
    pub(crate) audience: &'a str,
    pub(crate) session: SessionId,
    pub(crate) context: Option<&'a str>,
}

impl Asked<'_> {
    /// What the request is called.
    pub(crate) fn id(&self) -> RequestId {
        let mut out = Encoder::with_capacity(256);
        out.array(7).unsigned(VERSION).bytes(self.token.as_bytes()).text(self.tool).bytes(self.arguments.as_bytes());
        write_context(out.text(self.audience).bytes(self.session.as_bytes()), self.context);
        let digest: [u8; 32] = Sha256::digest(out.into_bytes()).into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        RequestId::from_bytes(id)
    }

    /// The first thing in which another is not the same.
    pub(crate) fn difference(&self, other: &Asked<'_>) -> Option<&'static str> {
        let same = [
            ("token", self.token == other.token),
            ("tool", self.tool == other.tool),
            ("arguments", self.arguments == other.arguments),
            ("audience", self.audience == other.audience),
            ("session", self.session == other.session),
            ("context", self.context == other.context),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
    }
}

/// A call that somebody is asked to approve. The chain holds together by its hashes; its signatures are unverified.
#[derive(Clone, Debug)]
pub struct ApprovalRequest {
    bytes: Vec<u8>,
    chain: UnverifiedChain,
    claims: Vec<Claims>,
    token: Digest,
    tool: String,
    arguments: Arguments,
    audience: String,
    context: Option<String>,
}

impl ApprovalRequest {
    /// The request for a call that was refused with `approval-required`. `name-invalid`, `claim-invalid` for a context that is none, and what
    /// [`ApprovalRequest::decode`] refuses.
    pub fn new(chain: &UnverifiedChain, call: &Call<'_>, audience: &str) -> Result<Self> {
        for (what, name) in [("tool", call.tool), ("audience", audience)] {
            if !is_name(name) {
                return Err(Error::named(Code::NameInvalid, what, name));
            }
        }
        let arguments = call.arguments.encoding();
        let mut out = Encoder::with_capacity(chain.encode().len() + arguments.len() + 1024);
        out.array(6).unsigned(VERSION).raw(chain.encode()).text(call.tool).raw(arguments).text(audience);
        write_context(&mut out, call.context);
        ApprovalRequest::decode(&out.into_bytes())
    }

    /// Reads a request. `too-large`, `malformed`, `not-canonical`, `version-unsupported`, `too-many` for more than 256 arguments, `parent-mismatch` and
    /// `invariant-changed` for a chain that does not hold together, and what tokens and arguments are refused with.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > limits::MAX_APPROVAL_REQUEST {
            return Err(Error::about(Code::TooLarge, "request for approval"));
        }
        let mut decoder = Decoder::new(bytes);
        if decoder.array()? != 6 {
            return Err(Error::about(Code::Malformed, "not a request for approval"));
        }
        if decoder.unsigned()? != VERSION {
            return Err(Code::VersionUnsupported.into());
        }
        let start = decoder.position();
        Tokens::read(&mut decoder)?;
        let chain = UnverifiedChain::decode(decoder.since(start))?;
        let tool = read_name(&mut decoder, "tool")?;
        let arguments = read_arguments(&mut decoder)?;
        let audience = read_name(&mut decoder, "audience")?;
        let context = read_context(&mut decoder)?;
        decoder.finish()?;
        let claims = chain.unverified_claims()?;
        let token = hold_together(&chain, &claims)?;
        Ok(ApprovalRequest { bytes: bytes.to_vec(), chain, claims, token, tool, arguments, audience, context })
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    /// What the request is called: 16 bytes, as in the error of the call.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.asked().id()
    }

    /// What a person has to see before signing: every line is made from the bytes that are signed, and nothing in them can forge or hide one.
    #[must_use]
    pub fn to_text(&self) -> String {
        super::render::render(self)
    }

    /// The chain. To verify it: [`Verifier::verify_chain`](crate::Verifier::verify_chain).
    #[must_use]
    pub const fn chain(&self) -> &UnverifiedChain {
        &self.chain
    }

    /// The claims of every token, root first; at least one. Their signatures are unverified.
    #[must_use]
    pub fn unverified_claims(&self) -> &[Claims] {
        &self.claims
    }

    /// The accountable principal, unverified.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.leaf().subject
    }

    /// Whose authority is used, unverified.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.leaf().mode
    }

    /// The keys of the holders, root first. The last one calls.
    pub fn holders(&self) -> impl ExactSizeIterator<Item = &VerifyingKey> {
        self.claims.iter().map(|claims| &claims.holder)
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The arguments.
    #[must_use]
    pub const fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The verifier that the call is for.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The partition that the call is about.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.leaf().session
    }

    /// When the first token of the chain expires, and the call with it.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        self.claims.iter().map(|claims| claims.expires).min().unwrap_or(self.leaf().expires)
    }

    /// Why, as the last holder who said so put it.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.claims.iter().rev().find_map(|claims| claims.reason.as_deref())
    }

    /// There is one: a chain is never empty.
    pub(super) fn leaf(&self) -> &Claims {
        &self.claims[self.claims.len() - 1]
    }

    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            token: self.token,
            tool: &self.tool,
            arguments: self.arguments.digest(),
            audience: &self.audience,
            session: self.session(),
            context: self.context(),
        }
    }
}

/// Follows the hashes from the root to the leaf, so that the leaf's covers all that is shown, and gives it.
fn hold_together(chain: &UnverifiedChain, claims: &[Claims]) -> Result<Digest> {
    let tokens = chain.token_bytes()?;
    let mut parent: Option<Digest> = None;
    let root = claims.first().ok_or(Error::new(Code::Malformed))?;
    for (link, (token, own)) in tokens.into_iter().zip(claims).enumerate() {
        if own.parent != parent || usize::from(own.depth) != link {
            return Err(Error::new(Code::ParentMismatch).at_link(link));
        }
        if (&own.subject, own.session, own.task, own.mode) != (&root.subject, root.session, root.task, root.mode) {
            return Err(Error::new(Code::InvariantChanged).at_link(link));
        }
        parent = Some(Envelope::read(token, ObjectKind::Token)?.unverified_hash());
    }
    parent.ok_or(Error::new(Code::Malformed))
}

/// Counts before it reads.
fn read_arguments(decoder: &mut Decoder<'_>) -> Result<Arguments> {
    let start = decoder.position();
    if decoder.clone().map()? > limits::MAX_APPROVAL_ARGUMENTS {
        return Err(Error::about(Code::TooMany, "more than 256 arguments cannot be approved"));
    }
    decoder.skip()?;
    Arguments::decode(decoder.since(start))
}

fn read_context(decoder: &mut Decoder<'_>) -> Result<Option<String>> {
    if decoder.peek()? == Type::Null {
        decoder.null()?;
        return Ok(None);
    }
    read_text(decoder, "context", is_context).map(Some)
}

fn write_context(out: &mut Encoder, context: Option<&str>) {
    match context {
        Some(context) => out.text(context),
        None => out.null(),
    };
}
