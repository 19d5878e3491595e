//! The table of codes: one line for each, the only place where they are written.

macro_rules! codes {
    ($( $variant:ident = $code:literal, $class:ident, $summary:literal, $help:literal; )+) => {
        /// Why something was refused. The text form ([`Code::as_str`]) is stable and the same in every language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $( #[doc = $summary] $variant, )+
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[ $( Code::$variant, )+ ];

            /// The stable name, in kebab case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Code::$variant => $code, )+ }
            }

            /// One sentence: what was wrong.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $( Code::$variant => $summary, )+ }
            }

            /// What to do about it.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self { $( Code::$variant => $help, )+ }
            }

            /// The family the code belongs to.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $( Code::$variant => Family::$class, )+ }
            }
        }
    };
}

/// Families of codes, in the order in which a decision meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Bounds on size, count and depth.
    Limit,
    /// Bytes or text that are not what the specification says.
    Encoding,
    /// Claims that are missing, unknown or out of range.
    Claim,
    /// Values and names given by a program.
    Value,
    /// Keys and key files.
    Key,
    /// Who is trusted, and how a chain holds together.
    Chain,
    /// Clocks and lifetimes.
    Time,
    /// A token that is wider than its parent.
    Narrowing,
    /// Revocation lists, suspensions, closed sessions, rotated keys.
    Revocation,
    /// The proof of possession, audience and replay.
    Proof,
    /// Identity documents, attestation, consent.
    Identity,
    /// What the token allows.
    Authority,
    /// Approvals by people, and budgets.
    Approval,
    /// Signed messages between agents.
    Message,
    /// The audit log: entries, checkpoints, receipts.
    Log,
    /// Configuration, stores, files.
    System,
}

impl Family {
    /// The name as it appears in the documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Family::Limit => "limits",
            Family::Encoding => "encoding",
            Family::Claim => "claims",
            Family::Value => "values and names",
            Family::Key => "keys",
            Family::Chain => "trust and chains",
            Family::Time => "time",
            Family::Narrowing => "narrowing",
            Family::Revocation => "revocation and rotation",
            Family::Proof => "proof and replay",
            Family::Identity => "identity",
            Family::Authority => "authority",
            Family::Approval => "approvals and budgets",
            Family::Message => "messages",
            Family::Log => "the audit log",
            Family::System => "configuration, stores and files",
        }
    }
}

codes! {
    TooLarge = "too-large", Limit, "the input is larger than the limit", "send less: the limits are in the specification, encoding.md";
    TooMany = "too-many", Limit, "the input has more items than the limit", "send fewer items: the limits are in the specification, encoding.md";
    TooDeep = "too-deep", Limit, "the input is nested deeper than the limit", "flatten the value; a value that contains itself cannot be signed";

    TextMalformed = "text-malformed", Encoding, "the text is not unpadded base64url", "pass on the text form exactly as it was received";
    Malformed = "malformed", Encoding, "the bytes are not what the specification says", "pass on the bytes exactly as they were received";
    NotCanonical = "not-canonical", Encoding, "the bytes are not in the one deterministic form", "encode by RFC 8949 section 4.2.1; a re-encoded token does not verify";
    HeaderInvalid = "header-invalid", Encoding, "the envelope has a header it must not have", "use the protected header that the specification fixes, and no other";
    AlgorithmUnsupported = "algorithm-unsupported", Encoding, "the algorithm is not Ed25519", "sign with Ed25519 (COSE algorithm -19)";
    KindMismatch = "kind-mismatch", Encoding, "the object is of another kind", "a token is no proof and a proof is no token: pass each where it belongs";
    VersionUnsupported = "version-unsupported", Encoding, "the format version is not supported", "use a token of version 1, or a newer release";

    ClaimMissing = "claim-missing", Claim, "a required claim is missing", "issue the token again with this library";
    ClaimInvalid = "claim-invalid", Claim, "a claim has a value that its rule does not allow", "correct the value that is named in the message";
    ClaimUnknown = "claim-unknown", Claim, "a claim is not known", "the token was made for a newer version, or by something else";
    ConstraintUnknown = "constraint-unknown", Claim, "the type of a constraint is not known", "the token was made for a newer version; it cannot be judged here";
    ConstraintInvalid = "constraint-invalid", Claim, "a constraint breaks its own rule", "correct the operand that is named in the message";

    ValueUnsupported = "value-unsupported", Value, "the value cannot be signed without loss", "use null, booleans, 64-bit integers, floats with a fractional part, text, bytes, lists and maps with text keys; write `1` for `1.0`";
    NameInvalid = "name-invalid", Value, "the name is empty, too long, or has characters that names must not have", "use 1 to 256 bytes without control and bidirectional characters";

    KeyInvalid = "key-invalid", Key, "the key is not a valid Ed25519 key in the expected form", "use a key made by this library, OpenSSL or another Ed25519 implementation";
    KeyFileInsecure = "key-file-insecure", Key, "the key file or its folder is open to others", "chmod 600 the file and 700 its folder; if others may have read the key, make a new one";
    KeyFileInvalid = "key-file-invalid", Key, "the key file cannot be read as a private key", "the file must be one unencrypted PKCS#8 PEM block with an Ed25519 key";
    KeyFileUnwritable = "key-file-unwritable", Key, "the key file cannot be written", "choose a folder that you can write in, with room on its disk";
    KeyFileExists = "key-file-exists", Key, "the key file exists already", "choose another path; a key is never overwritten";
    RandomnessUnavailable = "randomness-unavailable", Key, "the source of randomness failed", "check the system's random generator; nothing was created";
    SigningFailed = "signing-failed", Key, "the signer did not sign", "check the service or device that holds the key";

    IssuerUntrusted = "issuer-untrusted", Chain, "the root was not issued by a trust anchor", "add the issuer's name and key to the verifier's trust anchors, if it is to be trusted";
    ImpersonationRefused = "impersonation-refused", Chain, "the issuer may not impersonate", "issue on behalf of the person instead, or allow this trust anchor to impersonate";
    SignatureInvalid = "signature-invalid", Chain, "a signature does not verify", "what it signs was changed, or another key signed it; a token is signed by the holder of its parent";
    ParentMismatch = "parent-mismatch", Chain, "the token does not follow from the one before it", "send the whole chain, in order, as it was delegated";
    HolderRepeated = "holder-repeated", Chain, "a key holds two places in the chain", "give every agent a key of its own";
    HolderIsApprover = "holder-is-approver", Chain, "the holder would approve its own calls", "name approvers other than the holder";
    HolderMismatch = "holder-mismatch", Chain, "the key is not the holder of the token", "sign with the key that the token was issued to";

    ClockInvalid = "clock-invalid", Time, "the clock does not give a usable time", "give the time as milliseconds since 1970";
    ClockBehind = "clock-behind", Time, "the clock went back", "set the clock right; time must not run backwards in a verifier";
    TokenExpired = "token-expired", Time, "the token has expired", "ask for a fresh token from whoever delegated it";
    TokenNotYetValid = "token-not-yet-valid", Time, "the token is not valid yet", "wait, or set the clocks right";

    InvariantChanged = "invariant-changed", Narrowing, "subject, session, task or mode differs from the parent's", "these stay the same along a chain; issue a new root for another task";
    DepthExceeded = "depth-exceeded", Narrowing, "the chain may not get longer", "issue the root with a higher max_depth";
    LifetimeWidened = "lifetime-widened", Narrowing, "the token lives outside its parent's lifetime", "choose a shorter ttl, or delegate from a fresher token";
    AudienceWidened = "audience-widened", Narrowing, "the token names an audience that its parent does not", "name only audiences of the parent";
    ContextWidened = "context-widened", Narrowing, "the context is not equal to or below the parent's", "use the parent's context, or one below it";
    ApprovalsDropped = "approvals-dropped", Narrowing, "an approval that the parent requires is missing", "keep every requirement of the parent; more may be added";
    ToolNotGranted = "tool-not-granted", Narrowing, "the parent does not allow this tool", "delegate only tools that the parent allows";
    NotProvablyNarrower = "not-provably-narrower", Narrowing, "the arguments are not provably narrower than the parent's", "narrow each argument, or combine: all of the parent's constraint and yours";

    RevocationStale = "revocation-stale", Revocation, "there is no fresh revocation list of this issuer", "load the issuer's current list; without one nothing below this issuer is allowed";
    RevocationRollback = "revocation-rollback", Revocation, "the list is older than the one that is held", "load a list with a higher sequence number";
    RevocationEquivocation = "revocation-equivocation", Revocation, "two different lists have one sequence number", "ask the issuer which is right; both are kept as evidence, and its key may be in other hands";
    RevocationGap = "revocation-gap", Revocation, "the change does not continue the list that is held", "load the full list, or the changes in between";
    RevocationIncomplete = "revocation-incomplete", Revocation, "the list is not whole", "load every part of the list, in order, as it was made";
    RevocationUntrusted = "revocation-untrusted", Revocation, "the list is not by a known authority", "name the authority and its key in the configuration, if it is to be trusted";
    TokenRevoked = "token-revoked", Revocation, "the token was revoked", "ask whoever delegated it; everything below a revoked token is refused";
    KeyRevoked = "key-revoked", Revocation, "the key was revoked", "make a new key and enrol it; what the old one holds or signed is refused";
    KeyRetired = "key-retired", Revocation, "the key was replaced and its overlap is over", "use the new key, and tokens that were issued to it";
    AgentSuspended = "agent-suspended", Revocation, "the agent is suspended", "ask the authority that suspended it";
    AgentPending = "agent-pending", Revocation, "the agent is not active yet", "wait until the authority activates it";
    IssuedBeforeEpoch = "issued-before-epoch", Revocation, "the root is older than the issuer accepts", "ask the issuer for a fresh root";
    SessionClosed = "session-closed", Revocation, "the session was closed", "open a new session; nothing of a closed one is allowed";
    TaskClosed = "task-closed", Revocation, "the task was closed", "issue a token for another task";
    RotationInvalid = "rotation-invalid", Revocation, "the rotation is not signed by both keys, or cannot be", "sign the same rotation with the old key and the new one";
    RotationEquivocation = "rotation-equivocation", Revocation, "the key has another successor already", "revoke the old key: somebody else may have it; both rotations are kept as evidence";
    AnchorExceeded = "anchor-exceeded", Revocation, "the root is wider than this trust anchor may issue", "stay within the tools, lifetime and depth that the verifier grants this issuer";

    AudienceMismatch = "audience-mismatch", Proof, "the token or proof is for another audience", "prove for the audience that this verifier is configured with";
    ContextMismatch = "context-mismatch", Proof, "the token is not for this context", "use a token of this tenant, task or partition";
    ProofMissing = "proof-missing", Proof, "there is no proof of possession", "call through the client helper, which signs each call";
    ProofSignatureInvalid = "proof-signature-invalid", Proof, "the proof was not signed by the holder of the token", "sign with the key that the leaf token was issued to";
    ProofExpired = "proof-expired", Proof, "the proof has expired", "sign each attempt afresh";
    ProofNotYetValid = "proof-not-yet-valid", Proof, "the proof is from the future", "set the clocks right";
    ProofPredatesStore = "proof-predates-store", Proof, "the proof is older than this verifier's memory", "sign the call again";
    ProofMismatch = "proof-mismatch", Proof, "the proof is for another token, tool or arguments", "sign exactly the call that is sent, before defaults are added";
    ChallengeMismatch = "challenge-mismatch", Proof, "the proof does not answer the server's challenge", "sign again with the challenge that the server gave";
    ProofReplayed = "proof-replayed", Proof, "the proof was used already", "sign each attempt afresh";
    StoreFull = "store-full", Proof, "the store is full", "wait a minute, raise its capacity, or use a shared store";
    StoreUnavailable = "store-unavailable", Proof, "the store does not answer", "check the store; calls are refused until it answers";
    TokenPredatesStore = "token-predates-store", Proof, "the token or approval is older than the memory of the store that counts it", "issue it again; a store that survives restarts keeps counting";

    IdentityRequired = "identity-required", Identity, "a holder that has to be identified is not", "attach the identity document of every agent that the verifier asks for";
    IdentityUntrusted = "identity-untrusted", Identity, "the identity is not by a known authority", "name the authority and its key in the configuration, if it is to be trusted";
    IdentityInvalid = "identity-invalid", Identity, "the identity was not signed by its authority", "attach the document exactly as the authority issued it";
    IdentityExpired = "identity-expired", Identity, "the identity has expired", "attest again for a fresh identity";
    IdentityNotYetValid = "identity-not-yet-valid", Identity, "the identity is from the future", "set the clocks right";
    IdentityRefused = "identity-refused", Identity, "the identity is not one that this verifier asks for", "use an agent of the kind, attributes and attestation that are named in the message";
    AttestationFailed = "attestation-failed", Identity, "the evidence does not attest this agent", "correct what is named in the message; nothing was issued";
    ConsentMissing = "consent-missing", Identity, "the impersonated principal has not consented", "attach the principal's signed consent";
    ConsentInvalid = "consent-invalid", Identity, "the consent does not cover this call", "ask the principal for a consent to this issuer, holder, tool and audience";

    ToolNotAllowed = "tool-not-allowed", Authority, "the token does not allow this tool", "ask for a token that allows it";
    ArgumentMissing = "argument-missing", Authority, "an argument that the token constrains is missing", "pass the argument that is named in the message";
    ArgumentRefused = "argument-refused", Authority, "an argument is outside its constraint", "stay within the constraint, or ask for a wider token";
    ArgumentUnexpected = "argument-unexpected", Authority, "the token does not allow this argument", "leave the argument out, or ask for a token that allows it";

    ApprovalRequired = "approval-required", Approval, "the call needs more approvals", "ask the approvers for their signatures, and call again with them";
    ApprovalInvalid = "approval-invalid", Approval, "the approval was not signed by its approver", "attach the approval exactly as it was signed";
    ApprovalMismatch = "approval-mismatch", Approval, "the approval is for another request", "ask for an approval of exactly this token, tool, arguments and audience";
    ApprovalExpired = "approval-expired", Approval, "the approval has expired", "ask again";
    ApprovalNotYetValid = "approval-not-yet-valid", Approval, "the approval is from the future", "set the clocks right";
    ApprovalDenied = "approval-denied", Approval, "an approver said no", "do not ask again with the same request; a denial stands until it expires";
    ApprovalSpent = "approval-spent", Approval, "the approval was used already", "ask again: an approval is for one call";
    ApprovalWithdrawn = "approval-withdrawn", Approval, "the approver withdrew the approval", "ask again, or leave it";
    ApproverRefused = "approver-refused", Approval, "this key may not approve this call", "ask an approver that the requirement names and that has no part in the chain";
    BudgetExhausted = "budget-exhausted", Approval, "the budget is used up", "wait for the next window, or ask for a token with a budget of its own";

    SenderUnknown = "sender-unknown", Message, "the sender is not known", "name the sender's key or identity authority to the receiver";
    MessageMismatch = "message-mismatch", Message, "the message is for another recipient, session or payload", "send each message to the one it was signed for, with its payload";
    MessageExpired = "message-expired", Message, "the message has expired", "sign it again";
    MessageNotYetValid = "message-not-yet-valid", Message, "the message is from the future", "set the clocks right";
    MessageReplayed = "message-replayed", Message, "the message was received already", "send each message once";
    MessageOutOfOrder = "message-out-of-order", Message, "a message before this one is missing", "send the messages in their order";

    LogMalformed = "log-malformed", Log, "a line of the log is no entry in its canonical form", "take the log from a copy that is whole; the entry that is named was changed";
    LogGap = "log-gap", Log, "entries of the log are missing, there twice, or in another order", "take the log from a copy that is whole; it was changed at the entry that is named";
    LogChanged = "log-changed", Log, "an entry of the log was changed", "take the log from a copy that is whole; what was written is known by its checkpoints and receipts only";
    LogTruncated = "log-truncated", Log, "the log is shorter than a checkpoint says", "take the log from a copy that is whole; its end was cut off";
    LogTorn = "log-torn", Log, "the last line of the log does not end", "open the log for writing once: the torn line was never acknowledged, and is set aside";
    LogForeign = "log-foreign", Log, "the file is another log, or none", "name the origin that the log was made with, or another file";
    CheckpointInvalid = "checkpoint-invalid", Log, "the checkpoint is not one, or not by the keys that are asked for", "use the checkpoint as it was signed, and the log's key and origin";
    CheckpointRollback = "checkpoint-rollback", Log, "the checkpoint is older than one that was seen", "show the newest checkpoint; the log may have been cut";
    CheckpointEquivocation = "checkpoint-equivocation", Log, "two checkpoints of one size have different roots", "keep both: they are evidence that the log signed two histories";
    CheckpointInconsistent = "checkpoint-inconsistent", Log, "the log does not continue the one that was seen", "send the consistency proof from the size that was seen; the log may have been written anew";
    ReceiptInvalid = "receipt-invalid", Log, "the receipt does not show that the entry is in the log", "use the receipt of exactly this entry";

    ConfigInvalid = "config-invalid", System, "the configuration is not usable", "correct what is named in the message";
    AuditUnavailable = "audit-unavailable", System, "the audit log cannot be read or written", "check that it is there, and who may read and write it; no record, no action";
    FileUnavailable = "file-unavailable", System, "the file cannot be opened", "check that it is there, is a regular file, and that this process may open it";
    StateUnavailable = "state-unavailable", System, "the trust state cannot be read or written", "restore the file, or load the issuers' current lists into a new one";
    Internal = "internal", System, "an internal error", "please report it; the call was refused";
}
