//! Everything but decisions that an audit log records: what was signed, revoked, opened, closed, and what became of a call.

#[cfg(feature = "os")]
use std::borrow::Cow;

use crate::approval::Approval;
#[cfg(feature = "os")]
use crate::audit::Salt;
use crate::audit::giving;
use crate::authorize::Authorized;
use crate::consent::Consent;
use crate::id::Digest;
use crate::identity::UnverifiedIdentity;
use crate::json::{Members, list, object, quoted};
use crate::key::VerifyingKey;
use crate::plan::Revocable;
use crate::session::Session;
use crate::time::Now;
use crate::token::UnverifiedChain;
use crate::trust::{RevocationList, Rotation};
use crate::{Code, Error, Result};

/// The most targets of a revocation list that an event names; of more it says how many.
const MAX_TARGETS: usize = 256;

/// Something that happened, for the audit log (specification, audit.md). Who makes it vouches for it: it is made where the thing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    kind: &'static str,
    time: Now,
    json: String,
    /// Of an answer to a request.
    arguments: Option<Digest>,
}

impl AuditEvent {
    /// A chain was signed with this key: `issued` for a root, `delegated` for more. Codes of a chain that is none.
    pub fn issued(chain: &UnverifiedChain, by: &VerifyingKey, now: Now) -> Result<Self> {
        let claims = chain.unverified_claims()?;
        let kind = if claims.len() > 1 { "delegated" } else { "issued" };
        let (Some(root), Some(leaf)) = (claims.first(), claims.last()) else { return Err(Error::new(Code::Malformed)) };
        Ok(Self::new(kind, now, |members| {
            if let Some(audiences) = &leaf.audience {
                list(members.name("audiences"), audiences, |out, audience| quoted(out, audience));
            }
            members.text("by", &by.did_key());
            list(members.name("chain"), &claims, giving);
            members.optional("context", leaf.context.as_deref());
            members.text("expires", &leaf.expires.to_rfc3339());
            members.optional("issuer", root.issuer.as_deref());
            members.text("kind", kind);
            members.text("mode", leaf.mode.as_str());
            members.text("principal", &leaf.subject);
            members.text("session", &leaf.session.to_string());
            members.optional("task", leaf.task.map(|task| task.to_string()));
            members.text("time", &now.to_rfc3339());
            list(members.name("tools"), leaf.tools.names(), quoted);
        }))
    }

    /// An approver answered: `approved` or `refused`.
    #[must_use]
    pub fn answered(approval: &Approval, now: Now) -> Self {
        let claims = approval.unverified_claims();
        let kind = if claims.approves { "approved" } else { "refused" };
        let event = Self::new(kind, now, |members| {
            members.text("arguments_digest", &claims.arguments.to_string());
            members.text("audience", &claims.audience);
            members.text("by", &claims.approver.did_key());
            members.optional("context", claims.context.as_deref());
            members.text("expires", &claims.expires.to_rfc3339());
            members.text("id", &claims.id.to_string());
            members.text("kind", kind);
            members.optional("name", claims.name.as_deref());
            members.optional("reason", claims.reason.as_deref());
            members.text("request", &approval.request().to_string());
            members.text("session", &claims.session.to_string());
            members.text("time", &now.to_rfc3339());
            members.text("tool", &claims.tool);
        });
        AuditEvent { arguments: Some(claims.arguments), ..event }
    }

    /// A principal consented to an impersonation: `consented`.
    pub fn consented(consent: &Consent, now: Now) -> Result<Self> {
        let claims = consent.unverified_claims()?;
        Ok(Self::new("consented", now, |members| {
            members.text("audience", &claims.audience);
            members.text("expires", &claims.expires.to_rfc3339());
            members.text("holder", &claims.holder.did_key());
            members.text("id", &claims.id.to_string());
            members.text("issuer", &claims.issuer);
            members.text("kind", "consented");
            members.text("principal", &claims.subject);
            members.text("time", &now.to_rfc3339());
            if let Some(tools) = &claims.tools {
                list(members.name("tools"), tools, |out, tool| quoted(out, tool));
            }
        }))
    }

    /// An authority issued an identity: `identified`.
    #[must_use]
    pub fn identified(identity: &UnverifiedIdentity, now: Now) -> Self {
        Self::new("identified", now, |members| {
            members.optional("attestor", identity.attestor());
            members.text("authority", identity.authority());
            members.optional("environment", identity.environment());
            members.text("expires", &identity.expires().to_rfc3339());
            members.text("id", &identity.id().to_string());
            members.text("identity_kind", identity.kind().as_str());
            members.text("key", &identity.key().did_key());
            members.text("kind", "identified");
            members.text("name", identity.name());
            members.text("state", identity.state().as_str());
            members.text("time", &now.to_rfc3339());
        })
    }

    /// Something was revoked in a store: `revoked`.
    #[must_use]
    pub fn revoked(what: &Revocable<'_>, now: Now) -> Self {
        let (issuer, approver, target) = match what {
            Revocable::Token(id) => (None, None, format!("token:{id}")),
            Revocable::Key(key) => (None, None, format!("key:{}", key.did_key())),
            Revocable::Session(issuer, id) => (Some(*issuer), None, format!("session:{id}")),
            Revocable::Task(issuer, id) => (Some(*issuer), None, format!("task:{id}")),
            Revocable::Approval(approver, id) => (None, Some(approver.did_key()), format!("approval:{id}")),
        };
        Self::new("revoked", now, |members| {
            members.optional("approver", approver);
            members.name("count").push('1');
            members.optional("issuer", issuer);
            members.text("kind", "revoked");
            list(members.name("targets"), [target], |out, target| quoted(out, &target));
            members.text("time", &now.to_rfc3339());
        })
    }

    /// An authority signed a revocation list: `revoked`, with the first targets of it.
    #[must_use]
    pub fn listed(list_of: &RevocationList, authority: &str, now: Now) -> Self {
        let targets: Vec<_> = list_of.changes().collect();
        Self::new("revoked", now, |members| {
            members.text("authority", authority);
            members.name("count").push_str(&targets.len().to_string());
            members.text("kind", "revoked");
            members.name("sequence").push_str(&list_of.sequence().to_string());
            list(members.name("targets"), targets.iter().take(MAX_TARGETS), |out, target| quoted(out, target));
            members.text("time", &now.to_rfc3339());
        })
    }

    /// A key was rotated: `rotated`. Codes of a rotation that is none.
    pub fn rotated(rotation: &[u8], now: Now) -> Result<Self> {
        let rotation = Rotation::read(rotation)?.claims;
        Ok(Self::new("rotated", now, |members| {
            members.text("kind", "rotated");
            members.optional("name", rotation.name.as_deref());
            members.text("new", &rotation.new.did_key());
            members.text("old", &rotation.old.did_key());
            members.name("overlap").push_str(&rotation.overlap.to_string());
            members.text("time", &now.to_rfc3339());
        }))
    }

    /// A session was opened by an issuer: `session_opened`.
    #[must_use]
    pub fn opened(session: &Session, issuer: &str, key: &VerifyingKey, now: Now) -> Self {
        Self::new("session_opened", now, |members| {
            members.text("by", &key.did_key());
            members.text("issuer", issuer);
            members.text("kind", "session_opened");
            members.text("session", &session.id().to_string());
            members.optional("task", session.task().map(|task| task.to_string()));
            members.text("time", &now.to_rfc3339());
        })
    }

    /// What became of a call that was allowed: `outcome`. An error is a word or two of the tool's, and never what it answered.
    #[must_use]
    pub fn outcome(call: &Authorized, error: Option<&str>, now: Now) -> Self {
        let leaf = call.chain().leaf();
        Self::new("outcome", now, |members| {
            members.text("caller", &leaf.holder.did_key());
            members.optional("error", error.map(|error| crate::error::shown(error, 128)));
            members.text("kind", "outcome");
            members.optional("proof", call.record().proof.map(|proof| proof.to_string()));
            members.text("result", if error.is_none() { "succeeded" } else { "failed" });
            members.text("session", &leaf.session.to_string());
            members.text("time", &now.to_rfc3339());
            members.text("tool", call.tool());
        })
    }

    fn new(kind: &'static str, time: Now, write: impl FnOnce(&mut Members<'_>)) -> Self {
        let mut json = String::with_capacity(512);
        object(&mut json, |members| {
            write(members);
            members.name("version").push('1');
        });
        AuditEvent { kind, time, json, arguments: None }
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// When.
    #[must_use]
    pub const fn time(&self) -> Now {
        self.time
    }

    /// One line of canonical JSON (RFC 8785).
    #[must_use]
    pub fn to_json(&self) -> &str {
        &self.json
    }

    /// The line that a log with this salt keeps: its digest of arguments is salted as those of decisions are.
    #[cfg(feature = "os")]
    pub(crate) fn to_json_salted(&self, salt: Option<&Salt>) -> Cow<'_, str> {
        let (Some(digest), Some(salt)) = (self.arguments, salt) else { return Cow::Borrowed(&self.json) };
        let salted = format!("{}\",\"arguments_salted\":true", salt.digest(&digest));
        Cow::Owned(self.json.replacen(&format!("{digest}\""), &salted, 1))
    }
}
