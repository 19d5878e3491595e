//! The claims of an approval.

use super::request::Asked;
use crate::cbor::{Decoder, Encoder};
use crate::claims::{AUD, CNF, CTI, EXP, IAT, need, read_holder, read_name, read_text, read_time, write_holder};
use crate::cose::{Envelope, ObjectKind};
use crate::id::{Digest, SessionId, TokenId, is_context, is_free_text};
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

const APPROVAL: i64 = -65_539;

/// What an approver signs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApprovalClaims {
    pub(crate) audience: String,
    pub(crate) expires: Timestamp,
    pub(crate) issued: Timestamp,
    pub(crate) millisecond: u16,
    pub(crate) id: TokenId,
    pub(crate) approver: VerifyingKey,
    pub(crate) token: Digest,
    pub(crate) tool: String,
    pub(crate) arguments: Digest,
    pub(crate) approves: bool,
    pub(crate) session: SessionId,
    pub(crate) name: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) context: Option<String>,
}

impl ApprovalClaims {
    /// Size, envelope and claims of an approval whose signature is not checked yet.
    pub(super) fn read(bytes: &[u8]) -> Result<(Envelope<'_>, Self)> {
        if bytes.len() > limits::MAX_APPROVAL {
            return Err(Error::about(Code::TooLarge, "approval"));
        }
        let envelope = Envelope::read(bytes, ObjectKind::Approval)?;
        let claims = ApprovalClaims::decode(envelope.unverified_payload())?;
        Ok((envelope, claims))
    }

    /// What it is for.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked {
            token: self.token,
            tool: &self.tool,
            arguments: self.arguments,
            audience: &self.audience,
            session: self.session,
            context: self.context.as_deref(),
        }
    }

    /// When it was signed.
    pub(super) fn instant(&self) -> Result<Now> {
        Now::from_millis(self.issued.secs() * 1000 + u64::from(self.millisecond))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(384);
        out.map(6).integer(AUD).text(&self.audience);
        out.integer(EXP).unsigned(self.expires.secs()).integer(IAT).unsigned(self.issued.secs());
        out.integer(CTI).bytes(self.id.as_bytes());
        write_holder(&mut out, &self.approver);
        let optional = [&self.name, &self.reason, &self.context];
        out.integer(APPROVAL).map(6 + optional.iter().filter(|text| text.is_some()).count());
        out.unsigned(0).bytes(self.token.as_bytes()).unsigned(1).text(&self.tool).unsigned(2).bytes(self.arguments.as_bytes());
        out.unsigned(3).unsigned(self.approves.into()).unsigned(4).bytes(self.session.as_bytes());
        for (key, text) in (5..).zip(optional) {
            if let Some(text) = text {
                out.unsigned(key).text(text);
            }
        }
        out.unsigned(8).unsigned(self.millisecond.into());
        out.into_bytes()
    }

    pub(super) fn decode(payload: &[u8]) -> Result<Self> {
        let (mut audience, mut expires, mut issued, mut id, mut approver, mut approval) = (None, None, None, None, None, None);
        let mut decoder = Decoder::new(payload);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                AUD => audience = Some(read_name(&mut decoder, "aud")?),
                EXP => expires = Some(read_time(&mut decoder)?),
                IAT => issued = Some(read_time(&mut decoder)?),
                CTI => id = Some(TokenId::from_bytes(decoder.fixed()?)),
                CNF => approver = Some(VerifyingKey::try_from_slice(read_holder(&mut decoder)?)?),
                APPROVAL => approval = Some(Draft::read(&mut decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        decoder.finish()?;
        let approval = need(approval, "approval")?;
        let claims = ApprovalClaims {
            audience: need(audience, "aud")?,
            expires: need(expires, "exp")?,
            issued: need(issued, "iat")?,
            millisecond: need(approval.millisecond, "millisecond")?,
            id: need(id, "cti")?,
            approver: need(approver, "cnf")?,
            token: need(approval.token, "token")?,
            tool: need(approval.tool, "tool")?,
            arguments: need(approval.arguments, "arguments")?,
            approves: need(approval.approves, "decision")?,
            session: need(approval.session, "session")?,
            name: approval.name,
            reason: approval.reason,
            context: approval.context,
        };
        let (issued, expires) = (claims.issued.secs(), claims.expires.secs());
        if expires <= issued || expires - issued > limits::MAX_APPROVAL_LIFETIME {
            return Err(Error::about(Code::ClaimInvalid, "an approval lives 1 second to 1 hour"));
        }
        Ok(claims)
    }
}

/// The map of the approval as it is read: nothing is required yet.
#[derive(Default)]
struct Draft {
    token: Option<Digest>,
    tool: Option<String>,
    arguments: Option<Digest>,
    approves: Option<bool>,
    session: Option<SessionId>,
    name: Option<String>,
    reason: Option<String>,
    context: Option<String>,
    millisecond: Option<u16>,
}

impl Draft {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut draft = Draft::default();
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => draft.token = Some(Digest::from_bytes(decoder.fixed()?)),
                1 => draft.tool = Some(read_name(decoder, "tool")?),
                2 => draft.arguments = Some(Digest::from_bytes(decoder.fixed()?)),
                3 => draft.approves = Some(read_decision(decoder)?),
                4 => draft.session = Some(SessionId::from_bytes(decoder.fixed()?)),
                5 => draft.name = Some(read_name(decoder, "name")?),
                6 => draft.reason = Some(read_text(decoder, "reason", is_free_text)?),
                7 => draft.context = Some(read_text(decoder, "context", is_context)?),
                8 => draft.millisecond = Some(decoder.at_most(999, "millisecond")? as u16),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        Ok(draft)
    }
}

fn read_decision(decoder: &mut Decoder<'_>) -> Result<bool> {
    match decoder.integer()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::about(Code::ClaimInvalid, "decision")),
    }
}
