//! Bounds. Each is checked before the work that it bounds (specification, encoding.md, "Limits").

/// Bytes of a presentation: a chain, a proof, evidence and their heads.
pub const MAX_PRESENTATION: usize = 128 * 1024;
/// Identities, approvals and consents in a presentation.
pub const MAX_EVIDENCE: usize = 64;
/// Bytes of a chain.
pub const MAX_CHAIN: usize = 64 * 1024;
/// Tokens in a chain.
pub const MAX_TOKENS: usize = 16;
/// Bytes of a proof.
pub const MAX_PROOF: usize = 2 * 1024;
/// Bytes of a value's encoding.
pub const MAX_VALUE: usize = 1024 * 1024;
/// Nesting of lists and maps in a value.
pub const MAX_DEPTH: usize = 16;
/// List elements and map entries in a value, at every depth together.
pub const MAX_ITEMS: usize = 65_536;
/// Nesting of constraints in a constraint, itself counted.
pub const MAX_CONSTRAINT_DEPTH: usize = 8;
/// Tools in a token.
pub const MAX_TOOLS: usize = 256;
/// Named arguments of a tool.
pub const MAX_ARGUMENTS: usize = 256;
/// Audiences in a token.
pub const MAX_AUDIENCES: usize = 16;
/// Approval requirements of a tool, and approvers in one.
pub const MAX_APPROVERS: usize = 16;
/// Budgets of a token.
pub const MAX_BUDGETS: usize = 8;
/// What a budget may count to: integers that every language has exactly.
pub const MAX_AMOUNT: u64 = (1 << 53) - 1;
/// Bytes of a name.
pub const MAX_NAME: usize = 256;
/// Bytes of free text.
pub const MAX_TEXT: usize = 1024;
/// Bytes of the root of a path.
pub const MAX_PATH: usize = 4096;
/// Segments of a context.
pub const MAX_CONTEXT_SEGMENTS: usize = 16;
/// The highest `depth` and `max_depth`.
pub const MAX_DELEGATION_DEPTH: u8 = MAX_TOKENS as u8 - 1;
/// Bytes of a pattern.
pub const MAX_PATTERN: usize = 1024;
/// Size of a pattern: its classes of characters, once counted repetitions are written out; a category of Unicode weighs ten.
pub const MAX_PATTERN_SIZE: usize = 500;
/// Sizes of the patterns of a token together.
pub const MAX_PATTERNS_SIZE: usize = 4096;
/// The most that a constraint on length may say.
pub const MAX_LENGTH: u64 = MAX_VALUE as u64;
/// Steps that the narrowing of one token may take, and the constraints of one decision beside [`STEPS_PER_BYTE`].
pub const MAX_STEPS: u32 = 16_000;
/// Steps more that the constraints of one decision may take for each byte of the arguments.
pub const STEPS_PER_BYTE: u32 = 4;
/// Seconds from `iat` to `exp` of a token: 30 days.
pub const MAX_LIFETIME: u64 = 30 * 24 * 3600;
/// Seconds from `iat` to `exp` of a proof.
pub const MAX_PROOF_LIFETIME: u64 = 60;
/// Seconds that an `iat` may be ahead of now.
pub const LEEWAY: u64 = 30;
/// Seconds that the clock may go back within a verifier.
pub const MAX_STEP_BACK: u64 = 60;
/// Bytes of a challenge.
pub const MAX_CHALLENGE: usize = 64;
/// Bytes of an approval.
pub const MAX_APPROVAL: usize = 4 * 1024;
/// Seconds from `iat` to `exp` of an approval.
pub const MAX_APPROVAL_LIFETIME: u64 = 3600;
/// Approvals that come with one call.
pub const MAX_APPROVALS: usize = 64;
/// Bytes of a request for approval: a chain, arguments, three names and their heads.
pub const MAX_APPROVAL_REQUEST: usize = MAX_CHAIN + MAX_VALUE + 1024;
/// Arguments of a call that can be approved: as many as a person is asked to read.
pub const MAX_APPROVAL_ARGUMENTS: usize = 256;
/// Bytes of a consent.
pub const MAX_CONSENT: usize = 16 * 1024;
/// Seconds from `iat` to `exp` of a consent.
pub const MAX_CONSENT_LIFETIME: u64 = 24 * 3600;
/// Bytes of a message, its payload apart.
pub const MAX_MESSAGE: usize = 1024;
/// Bytes of a message's payload.
pub const MAX_PAYLOAD: usize = 16 * 1024 * 1024;
/// Seconds from `iat` to `exp` of a message.
pub const MAX_MESSAGE_LIFETIME: u64 = 3600;
/// The highest sequence number, of a message and of a revocation list.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;
/// Senders that an inbox remembers, and sessions that it has closed.
pub const MAX_SENDERS: usize = 65_536;
/// Bytes of an identity document.
pub const MAX_IDENTITY: usize = 4096;
/// Seconds from `iat` to `exp` of an identity document: one day.
pub const MAX_IDENTITY_LIFETIME: u64 = 24 * 3600;
/// Attributes in an identity document.
pub const MAX_ATTRIBUTES: usize = 32;
/// Seconds from `iat` to `exp` of a challenge for an enrolment, and of what answers it.
pub const MAX_ENROLMENT_LIFETIME: u64 = 600;
/// Bytes of a challenge for an enrolment.
pub const MAX_CHALLENGE_OBJECT: usize = 1024;
/// Bytes of an enrolment request.
pub const MAX_ENROLMENT: usize = 20 * 1024;
/// Bytes of the evidence in an enrolment request.
pub const MAX_ENROLMENT_EVIDENCE: usize = 16 * 1024;
/// Bytes of a JWKS.
pub const MAX_JWKS: usize = 64 * 1024;
/// Keys in a JWKS.
pub const MAX_JWKS_KEYS: usize = 64;
/// Bytes of the head of a revocation list.
pub const MAX_LIST_HEAD: usize = 160 * 1024;
/// Parts of a full revocation list.
pub const MAX_LIST_PARTS: usize = 4096;
/// Parts of a change to a revocation list.
pub const MAX_CHANGE_PARTS: usize = 16;
/// Bytes of one part of a revocation list.
pub const MAX_PART: usize = 1024 * 1024;
/// Ids in one part of a revocation list.
pub const MAX_PART_IDS: usize = 65_536;
/// Ids in a revocation list: 2^25. Fewer in the crate's own tests, which have to reach it.
pub const MAX_LIST_IDS: usize = if cfg!(test) { 1 << 16 } else { 1 << 25 };
/// Changes to one full revocation list.
pub const MAX_CHANGES: u32 = 1024;
/// Seconds from `iat` to `exp` of a revocation list: 30 days.
pub const MAX_LIST_LIFETIME: u64 = 30 * 24 * 3600;
/// Bytes of a rotation.
pub const MAX_ROTATION: usize = 2 * 1024;
/// Seconds for which both keys of a rotation are good.
pub const MAX_OVERLAP: u64 = 24 * 3600;
/// Seconds from `iat` of a rotation until it is accepted.
pub const MAX_ROTATION_AGE: u64 = 24 * 3600;
/// Rotations that a trust state keeps.
pub const MAX_ROTATIONS: usize = 65_536;
/// Equivocations that a trust state keeps.
pub const MAX_EQUIVOCATIONS: usize = 64;
/// Keys of one trust anchor that are tried: the newest.
pub const MAX_KEYS_TRIED: usize = 8;
/// Revocations whose first denial an observer is told of.
pub const MAX_WATCHED: usize = 65_536;
