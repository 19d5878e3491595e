//! Records as canonical JSON.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::AuditRecord;
use crate::approval::CountedApproval;
use crate::chain::VerifiedChain;
use crate::claims::Claims;
use crate::id::{Digest, hex};
use crate::identity::VerifiedIdentity;
use crate::json::{entries, list, object};
use crate::{Code, Error};

/// Longer arguments are known by their digest only: a line of a log has a limit.
const MAX_ARGUMENTS: usize = 32 * 1024;

/// What of the arguments of calls a record shows beside their digest, and whether the digest is salted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disclosure {
    pub(crate) arguments: Disclosed,
    /// Without it, whoever knows all that an argument may be finds it by its digest.
    pub(crate) salt: Option<Salt>,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Disclosed {
    #[default]
    Nothing,
    Everything,
    /// Arguments of these names.
    Named(BTreeSet<String>),
}

impl Disclosed {
    fn shows(&self, name: &str) -> bool {
        match self {
            Disclosed::Nothing => false,
            Disclosed::Everything => true,
            Disclosed::Named(names) => names.contains(name),
        }
    }
}

/// A secret of a log.
#[derive(Clone)]
pub(crate) struct Salt(pub(crate) zeroize::Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt")
    }
}

impl Salt {
    /// The digest of arguments as this log shows it.
    pub(crate) fn digest(&self, digest: &Digest) -> Digest {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes keys of any length");
        mac.update(digest.as_bytes());
        Digest::from_bytes(mac.finalize().into_bytes().into())
    }
}

pub(super) fn record(record: &AuditRecord, disclosure: &Disclosure) -> String {
    let chain = record.chain.as_ref();
    let leaf = chain.map(VerifiedChain::leaf);
    let mut out = String::with_capacity(1024);
    object(&mut out, |members| {
        if !record.approvals.is_empty() {
            list(members.name("approvals"), &record.approvals, approval);
        }
        if let Some(arguments) = record.arguments.as_ref() {
            if !matches!(disclosure.arguments, Disclosed::Nothing) {
                let mut text = String::new();
                entries(&mut text, arguments.iter().filter(|(name, _)| disclosure.arguments.shows(name)));
                if text.len() <= MAX_ARGUMENTS {
                    members.name("arguments").push_str(&text);
                }
            }
            let digest = arguments.digest();
            match &disclosure.salt {
                None => members.text("arguments_digest", &hex(digest.as_bytes())),
                Some(salt) => {
                    members.text("arguments_digest", &hex(salt.digest(&digest).as_bytes()));
                    members.name("arguments_salted").push_str("true");
                }
            }
        }
        members.text("audience", &record.audience);
        if record.by_identity {
            members.name("by_identity").push_str("true");
        }
        if let Some(chain) = chain {
            list(members.name("chain"), chain.claims().enumerate(), |out, (link, claims)| holder(out, record, link, claims));
        }
        members.text("code", record.code().map_or("allowed", Code::as_str));
        members.optional("consent", record.consent.map(|consent| hex(consent.as_bytes())));
        members.optional("context", chain.and(record.context.as_deref()));
        members.text("decision", if record.is_allowed() { "allow" } else { "deny" });
        let ignored = record.ignored();
        if !ignored.is_empty() {
            list(members.name("ignored"), ignored, |out, label| out.push_str(&label.to_string()));
        }
        members.optional("issuer", chain.map(|chain| chain.issuer().name()));
        members.optional("issuer_key", chain.map(|chain| chain.issuer().key().did_key()));
        members.text("kind", "decision");
        if let Some(link) = record.refusal.as_ref().and_then(Error::link) {
            members.name("link").push_str(&link.to_string());
        }
        members.optional("mode", leaf.map(|leaf| leaf.mode.as_str()));
        members.optional("principal", leaf.map(|leaf| leaf.subject.as_str()));
        members.optional("proof", record.proof.map(|proof| hex(proof.as_bytes())));
        members.optional("session", leaf.map(|leaf| hex(leaf.session.as_bytes())));
        members.optional("task", leaf.and_then(|leaf| leaf.task).map(|task| hex(task.as_bytes())));
        members.text("time", &record.time.to_rfc3339());
        members.text("tool", &record.tool);
        members.name("version").push('1');
    });
    out
}

fn holder(out: &mut String, record: &AuditRecord, link: usize, claims: &Claims) {
    given(out, record.identities.get(link).and_then(Option::as_ref), claims);
}

/// A holder whose identity nobody looked at.
pub(crate) fn giving(out: &mut String, claims: &Claims) {
    given(out, None, claims);
}

fn given(out: &mut String, identity: Option<&VerifiedIdentity>, claims: &Claims) {
    object(out, |members| {
        if let Some(identity) = identity {
            identified(members.name("identity"), identity);
        }
        members.text("key", &claims.holder.did_key());
        members.optional("name", claims.holder_name.as_deref());
        members.optional("reason", claims.reason.as_deref());
        members.text("token", &hex(claims.id.as_bytes()));
    });
}

fn identified(out: &mut String, identity: &VerifiedIdentity) {
    object(out, |members| {
        members.optional("attestor", identity.attestor());
        members.text("authority", identity.authority().name());
        members.optional("environment", identity.environment());
        members.text("id", &hex(identity.id().as_bytes()));
        members.text("kind", identity.kind().as_str());
        members.text("name", identity.name());
    });
}

fn approval(out: &mut String, approval: &CountedApproval) {
    object(out, |members| {
        members.text("approver", &approval.approver.did_key());
        members.text("id", &hex(approval.id.as_bytes()));
        members.optional("name", approval.name.as_deref());
        members.optional("reason", approval.reason.as_deref());
    });
}
