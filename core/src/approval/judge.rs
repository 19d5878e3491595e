//! Judging the approvals that come with a call.

use super::claims::ApprovalClaims;
use super::request::Asked;
use crate::id::TokenId;
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

/// What the approvals of a call come to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Every requirement is met. These are to be claimed: one for each approver.
    Approved(Vec<CountedApproval>),
    /// Somebody who may said no. `approval-denied`, and to be marked until it expires.
    Denied(Box<Denial>),
}

/// An approval that counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CountedApproval {
    pub(crate) approver: VerifyingKey,
    pub(crate) id: TokenId,
    pub(crate) issued: Now,
    pub(crate) expires: Timestamp,
    pub(crate) name: Option<String>,
    pub(crate) reason: Option<String>,
}

/// A denial that stands; of several, the one that stands longest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Denial {
    pub(crate) approver: VerifyingKey,
    pub(crate) id: TokenId,
    pub(crate) expires: Timestamp,
    pub(crate) name: Option<String>,
    pub(crate) reason: Option<String>,
}

/// Judges the approvals of a call against requirements, each of so many distinct keys. The codes are those of the specification's approval.md, "Judging
/// approvals", but for a denial, which is a verdict.
pub(crate) fn judge(
    asked: &Asked<'_>,
    requirements: &[(usize, &[VerifyingKey])],
    holders: &[&VerifyingKey],
    approvals: &[&[u8]],
    now: Now,
) -> Result<Verdict> {
    if approvals.len() > limits::MAX_APPROVALS {
        return Err(Error::about(Code::TooMany, "approvals"));
    }
    let mut counted: Vec<CountedApproval> = Vec::new();
    let mut denial: Option<Denial> = None;
    for bytes in approvals {
        let claims = open(bytes, asked, requirements, holders, now)?;
        let issued = claims.instant()?;
        let ApprovalClaims { approver, id, expires, name, reason, .. } = claims;
        if !claims.approves {
            if denial.as_ref().is_none_or(|other| (other.expires, other.id) < (expires, id)) {
                denial = Some(Denial { approver, id, expires, name, reason });
            }
            continue;
        }
        let approval = CountedApproval { approver, id, issued, expires, name, reason };
        match counted.iter_mut().find(|other| other.approver == approval.approver) {
            None => counted.push(approval),
            Some(other) if (other.issued, other.id) < (approval.issued, approval.id) => *other = approval,
            Some(_) => {}
        }
    }
    if let Some(denial) = denial {
        return Ok(Verdict::Denied(Box::new(denial)));
    }
    for (count, approvers) in requirements {
        let there = counted.iter().filter(|approval| approvers.contains(&approval.approver)).count();
        if there < *count {
            let missing = count - there;
            return Err(Error::of(Code::ApprovalRequired, &format!("{missing} of {count} approvals are missing, request {}", asked.id())));
        }
    }
    Ok(Verdict::Approved(counted))
}

/// One approval: what costs nothing first, its signature last and once.
fn open(
    bytes: &[u8],
    asked: &Asked<'_>,
    requirements: &[(usize, &[VerifyingKey])],
    holders: &[&VerifyingKey],
    now: Now,
) -> Result<ApprovalClaims> {
    let (envelope, claims) = ApprovalClaims::read(bytes)?;
    if let Some(what) = asked.difference(&claims.asked()) {
        return Err(Error::about(Code::ApprovalMismatch, what));
    }
    if holders.contains(&&claims.approver) {
        return Err(Error::about(Code::ApproverRefused, "a holder of the chain"));
    }
    if !requirements.iter().any(|(_, approvers)| approvers.contains(&claims.approver)) {
        return Err(Error::about(Code::ApproverRefused, "no requirement names this key"));
    }
    if claims.issued.secs() > now.secs() + limits::LEEWAY {
        return Err(Code::ApprovalNotYetValid.into());
    }
    if now.secs() >= claims.expires.secs() {
        return Err(Code::ApprovalExpired.into());
    }
    envelope.open(&claims.approver).map_err(|_| Error::new(Code::ApprovalInvalid))?;
    Ok(claims)
}
