//! OCSF 1.9.0: API Activity with the profile `ai_operation`.

use super::entry_name;
use crate::audit::LogRecord;
use crate::json::{Members, list, object, quoted};
use crate::time::{NANOS, instant};

/// The version of the schema.
const VERSION: &str = "1.9.0";
const CLASS: u32 = 6003;

/// What a record of a kind is in OCSF: the id and name of its activity.
fn activity(kind: &str) -> Option<(u32, &str)> {
    match kind {
        "issued" | "delegated" | "approved" | "refused" | "consented" | "identified" | "session_opened" => Some((1, "Create")),
        "rotated" => Some((3, "Update")),
        "revoked" => Some((4, "Delete")),
        "decision" | "outcome" | "suppressed" => Some((99, kind)),
        _ => None,
    }
}

/// Whoever acted: what it is called, and its key.
#[derive(Default)]
struct Who<'a> {
    name: Option<&'a str>,
    uid: Option<&'a str>,
}

impl Who<'_> {
    /// Of somebody who is not known the schema wants a name all the same.
    fn write(&self, members: &mut Members<'_>) {
        let name = self.name.or(if self.uid.is_none() { Some("unknown") } else { None });
        members.optional("name", name);
        members.optional("uid", self.uid);
    }
}

impl LogRecord {
    /// An entry of a log as an event of OCSF's class API Activity (6003), as JSON. Nothing of records that are about no activity: `opened`,
    /// `continued`, `signal`, kinds that are not known, and what has no time.
    #[must_use]
    pub fn to_ocsf(&self, origin: &str, sequence: u64) -> Option<String> {
        let (activity_id, activity_name) = activity(&self.kind)?;
        let millis = instant(&self.time).filter(|instant| *instant >= 0)? / (NANOS / 1000);
        let mut out = String::with_capacity(1024);
        object(&mut out, |members| {
            members.name("activity_id").push_str(&activity_id.to_string());
            members.text("activity_name", activity_name);
            object(members.name("actor"), |members| {
                if let Some(session) = &self.session {
                    object(members.name("session"), |members| {
                        members.optional("issuer", self.issuer.as_deref());
                        members.text("uid", session);
                    });
                }
                object(members.name("user"), |members| self.user().write(members));
            });
            self.agent(members);
            object(members.name("api"), |members| {
                members.text("operation", self.tool.as_deref().unwrap_or(&self.kind));
                if let Some(proof) = &self.proof {
                    object(members.name("request"), |members| members.text("uid", proof));
                }
                if let Some(audience) = &self.audience {
                    object(members.name("service"), |members| members.text("name", audience));
                }
            });
            members.text("category_name", "Application Activity");
            members.name("category_uid").push('6');
            members.text("class_name", "API Activity");
            members.name("class_uid").push_str(&CLASS.to_string());
            if let (Some(count), "suppressed") = (self.count, &*self.kind) {
                members.name("count").push_str(&count.min(i32::MAX as u64).to_string());
            }
            self.delegation(members);
            members.text("message", &self.to_sentence());
            object(members.name("metadata"), |members| {
                members.text("event_code", &self.kind);
                members.text("log_name", origin);
                members.text("original_time", &self.time);
                object(members.name("product"), |members| {
                    members.text("name", "Deputize");
                    members.text("vendor_name", "Deputize");
                });
                list(members.name("profiles"), ["ai_operation"], quoted);
                members.text("uid", &entry_name(origin, sequence));
                members.text("version", VERSION);
            });
            let (severity_id, severity) = self.severity();
            members.text("severity", severity);
            members.name("severity_id").push(severity_id);
            object(members.name("src_endpoint"), |members| self.source().write(members));
            let is_failure = self.is_failure();
            members.text("status", if is_failure { "Failure" } else { "Success" });
            members.optional("status_code", self.code.as_deref());
            members.optional("status_detail", self.error.as_deref());
            members.name("status_id").push(if is_failure { '2' } else { '1' });
            members.name("time").push_str(&millis.to_string());
            members.text("type_name", &format!("API Activity: {}", if activity_id == 99 { "Other" } else { activity_name }));
            members.name("type_uid").push_str(&(CLASS * 100 + activity_id).to_string());
            object(members.name("unmapped"), |members| self.unmapped(members));
        });
        Some(out)
    }

    /// A denial, a failed tool.
    pub(super) fn is_failure(&self) -> bool {
        self.decision.as_deref() == Some("deny") || self.result.as_deref() == Some("failed") || self.kind == "suppressed"
    }

    fn severity(&self) -> (char, &'static str) {
        match (&*self.kind, self.code.as_deref()) {
            ("suppressed", _) | (_, Some("proof-replayed" | "token-revoked" | "key-revoked" | "session-closed" | "task-closed")) => {
                ('3', "Medium")
            }
            _ if self.is_failure() => ('2', "Low"),
            _ => ('1', "Informational"),
        }
    }

    /// For whom a call was made, if its caller proved itself; of other records who signed.
    fn user(&self) -> Who<'_> {
        match &*self.kind {
            "decision" => Who { name: self.principal.as_deref().filter(|_| self.proven_caller().is_some()), uid: None },
            _ => self.source(),
        }
    }

    /// Where the record came from: the caller, or who signed.
    fn source(&self) -> Who<'_> {
        match &*self.kind {
            "decision" => self.proven_caller().map_or_else(Who::default, |caller| Who { name: self.caller_name(), uid: Some(&caller.key) }),
            "outcome" => Who { name: None, uid: self.caller.as_deref() },
            "issued" | "session_opened" => Who { name: self.issuer.as_deref(), uid: self.by.as_deref() },
            "approved" | "refused" => Who { name: self.name.as_deref(), uid: self.by.as_deref() },
            "consented" => Who { name: self.principal.as_deref(), uid: None },
            "identified" | "revoked" => Who { name: self.authority.as_deref().or(self.issuer.as_deref()), uid: None },
            "rotated" => Who { name: self.name.as_deref(), uid: self.old.as_deref() },
            _ => Who { name: None, uid: self.by.as_deref() },
        }
    }

    /// The agent that called.
    fn agent(&self, members: &mut Members<'_>) {
        let (name, uid) = match (&*self.kind, self.proven_caller()) {
            ("decision", Some(caller)) => (self.caller_name(), Some(&caller.key)),
            ("outcome", _) => (None, self.caller.as_ref()),
            _ => return,
        };
        if let Some(uid) = uid {
            object(members.name("ai_agent"), |members| {
                members.optional("name", name);
                members.text("uid", uid);
            });
        }
    }

    /// The token at the end of the chain.
    fn delegation(&self, members: &mut Members<'_>) {
        let Some(leaf) = self.chain.last() else { return };
        object(members.name("delegation"), |members| {
            members.optional("issuer_uid", self.issuer_key.as_deref().or(self.issuer.as_deref()));
            members.optional("parent_uid", self.chain.iter().rev().nth(1).map(|parent| &parent.token));
            members.text("uid", &leaf.token);
        });
    }

    /// What the schema has no place for.
    fn unmapped(&self, members: &mut Members<'_>) {
        if !self.approvals.is_empty() {
            list(members.name("approvers"), &self.approvals, |out, approval| quoted(out, &approval.approver));
        }
        members.optional("arguments_digest", self.arguments_digest.as_deref());
        if !self.chain.is_empty() {
            list(members.name("chain"), &self.chain, |out, holder| quoted(out, &holder.key));
        }
        members.optional("consent", self.consent.as_deref());
        members.optional("context", self.context.as_deref());
        members.optional("decision", self.decision.as_deref());
        if let Some(link) = self.link {
            members.name("link").push_str(&link.to_string());
        }
        members.optional("mode", self.mode.as_deref());
        members.optional("reason", self.reason.as_ref().or_else(|| self.chain.iter().rev().find_map(|holder| holder.reason.as_ref())));
        if !self.targets.is_empty() {
            list(members.name("targets"), &self.targets, |out, target| quoted(out, target));
        }
        members.optional("task", self.task.as_deref());
    }
}
