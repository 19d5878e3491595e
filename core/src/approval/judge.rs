//! Judging the approvals that come with a call.

use super::claims::ApprovalClaims;
use super::request::Asked;
use crate::id::TokenId;
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::trust::{Place, TrustState};
use crate::{Code, Error, Result, limits};

/// What the approvals of a call come to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Every requirement is met. These are to be claimed: one for each approver.
    Approved(Vec<CountedApproval>),
    /// Somebody who may said no. `approval-denied`, and to be marked until it expires.
    Denied(Box<CountedApproval>),
}

/// An approval or a denial that counts; of several denials, the one that stands longest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CountedApproval {
    pub(crate) approver: VerifyingKey,
    pub(crate) id: TokenId,
    pub(crate) issued: Now,
    pub(crate) expires: Timestamp,
    pub(crate) name: Option<String>,
    pub(crate) reason: Option<String>,
}

/// What the approvals of a call are judged against. The codes are those of the specification's approval.md, "Judging approvals", but for a denial,
/// which is a verdict.
pub(crate) struct Judge<'a> {
    pub(crate) asked: Asked<'a>,
    /// Each of so many distinct approvers.
    pub(crate) requirements: &'a [(usize, &'a [VerifyingKey])],
    pub(crate) holders: &'a [&'a VerifyingKey],
    /// What is known of keys and approvals, and whose chain it is.
    pub(crate) known: Option<(&'a TrustState, &'a str)>,
    pub(crate) now: Now,
}

impl Judge<'_> {
    pub(crate) fn judge(&self, approvals: &[&[u8]]) -> Result<Verdict> {
        if approvals.len() > limits::MAX_APPROVALS {
            return Err(Error::about(Code::TooMany, "approvals"));
        }
        let mut counted: Vec<(Place, CountedApproval)> = Vec::new();
        let mut denial: Option<CountedApproval> = None;
        for bytes in approvals {
            let (place, claims) = self.open(bytes)?;
            let approves = claims.approves;
            let issued = claims.instant()?;
            let ApprovalClaims { approver, id, expires, name, reason, .. } = claims;
            let approval = CountedApproval { approver, id, issued, expires, name, reason };
            if !approves {
                if denial.as_ref().is_none_or(|other| (other.expires, other.id) < (expires, id)) {
                    denial = Some(approval);
                }
                continue;
            }
            let rank = |(place, approval): &(Place, CountedApproval)| (place.before(), approval.issued, approval.id);
            let approval = (place, approval);
            match counted.iter_mut().find(|(other, _)| other.is_of(&place)) {
                None => counted.push(approval),
                Some(other) if rank(other) < rank(&approval) => *other = approval,
                Some(_) => {}
            }
        }
        if let Some(denial) = denial {
            return Ok(Verdict::Denied(Box::new(denial)));
        }
        for (count, approvers) in self.requirements {
            let there = counted.iter().filter(|(place, approval)| self.names(approvers, &approval.approver, place)).count();
            if there < *count {
                let (missing, request) = (count - there, self.asked.id());
                return Err(Error::of(Code::ApprovalRequired, &format!("{missing} of {count} approvals are missing, request {request}")));
            }
        }
        Ok(Verdict::Approved(counted.into_iter().map(|(_, approval)| approval).collect()))
    }

    /// One approval, and where its approver stands: what costs nothing first, its signature once, then what is known of its key and of it.
    fn open(&self, bytes: &[u8]) -> Result<(Place, ApprovalClaims)> {
        let (envelope, claims) = ApprovalClaims::read(bytes)?;
        if let Some(what) = self.asked.difference(&claims.asked()) {
            return Err(Error::about(Code::ApprovalMismatch, what));
        }
        let (approver, place) = (&claims.approver, self.place(&claims.approver));
        if self.holders.iter().any(|holder| self.place(holder).is_of(&place)) {
            return Err(Error::about(Code::ApproverRefused, "a holder of the chain"));
        }
        if !self.requirements.iter().any(|(_, approvers)| self.names(approvers, approver, &place)) {
            return Err(Error::about(Code::ApproverRefused, "no requirement names this key"));
        }
        if claims.issued.secs() > self.now.secs() + limits::LEEWAY {
            return Err(Code::ApprovalNotYetValid.into());
        }
        if self.now.secs() >= claims.expires.secs() {
            return Err(Code::ApprovalExpired.into());
        }
        envelope.open(approver).map_err(|_| Error::new(Code::ApprovalInvalid))?;
        if let Some((state, issuer)) = self.known {
            state.judge_key(issuer, approver, self.now)?;
            state.judge_approval(issuer, &claims.id, self.now)?;
        }
        Ok((place, claims))
    }

    /// Where a key stands in the rotations that are known.
    fn place(&self, key: &VerifyingKey) -> Place {
        self.known.map_or(Place::alone(key), |(state, _)| state.place(key))
    }

    /// Whether a key is one of these, or a successor of one.
    fn names(&self, approvers: &[VerifyingKey], key: &VerifyingKey, place: &Place) -> bool {
        approvers.contains(key) || (place.before() > 0 && approvers.iter().any(|named| place.follows(&self.place(named))))
    }
}
