//! Approvals: what a person is asked, what the person signs, and what a verifier makes of it (specification, approval.md).

mod claims;
mod judge;
mod policy;
mod render;
mod request;
mod sign;
#[cfg(test)]
mod tests;

pub(crate) use judge::{CountedApproval, Judge, Verdict};
pub use policy::ApprovalPolicy;
pub use request::ApprovalRequest;
pub(crate) use request::Asked;
pub use sign::{Approval, ApprovalGrant, DEFAULT_APPROVAL_TTL, approve, deny};
