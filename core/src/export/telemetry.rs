//! Names and values for OpenTelemetry: one flat table.

use crate::audit::LogRecord;
use crate::json::{Members, list, object, quoted};

impl LogRecord {
    /// What OpenTelemetry is told of a record, as JSON: `attributes`, the `event`'s name, `severity` (number and text) of a log record, the name of a
    /// `span`, and its `status`. Names of spans and events, and the attributes `deputize.code` and `deputize.kind`, have few values, whatever a
    /// caller sends.
    #[must_use]
    pub fn to_telemetry(&self) -> String {
        let is_error = self.is_failure();
        let (number, severity) = if is_error || self.kind == "signal" { ("13", "WARN") } else { ("9", "INFO") };
        let mut out = String::with_capacity(1024);
        object(&mut out, |members| {
            object(members.name("attributes"), |members| self.attributes(members));
            members.text("event", &format!("deputize.{}", self.kind));
            object(members.name("severity"), |members| {
                members.name("number").push_str(number);
                members.text("text", severity);
            });
            members.text("span", &self.span());
            members.text("status", if is_error { "error" } else { "unset" });
        });
        out
    }

    /// A tool is in the name once a caller has proven that it is its call.
    fn span(&self) -> String {
        match (&*self.kind, &self.tool, self.proven_caller()) {
            ("decision", Some(tool), Some(_)) => format!("authorize {tool}"),
            ("decision", ..) => "authorize".to_owned(),
            (kind, ..) => format!("deputize {kind}"),
        }
    }

    fn attributes(&self, members: &mut Members<'_>) {
        let caller = self.proven_caller();
        if !self.approvals.is_empty() {
            list(members.name("deputize.approvers"), &self.approvals, |out, approval| quoted(out, &approval.approver));
        }
        members.optional("deputize.arguments.digest", self.arguments_digest.as_deref());
        members.optional("deputize.audience", self.audience.as_deref());
        if !self.chain.is_empty() {
            list(members.name("deputize.chain.keys"), &self.chain, |out, holder| quoted(out, &holder.key));
            let names = (0..self.chain.len()).filter_map(|link| self.holder_name(link));
            list(members.name("deputize.chain.names"), names, quoted);
            list(members.name("deputize.chain.tokens"), &self.chain, |out, holder| quoted(out, &holder.token));
        }
        members.optional("deputize.code", self.code.as_deref());
        members.optional("deputize.consent", self.consent.as_deref());
        members.optional("deputize.context", self.context.as_deref());
        if let Some(count) = self.count {
            members.name("deputize.count").push_str(&count.to_string());
        }
        members.optional("deputize.decision", self.decision.as_deref());
        members.optional("deputize.issuer", self.issuer.as_deref());
        members.text("deputize.kind", &self.kind);
        if let Some(link) = self.link {
            members.name("deputize.link").push_str(&link.to_string());
        }
        members.optional("deputize.mode", self.mode.as_deref());
        members.optional("deputize.proof", self.proof.as_deref());
        members.optional(
            "deputize.reason",
            self.reason.as_ref().or_else(|| self.chain.iter().rev().find_map(|holder| holder.reason.as_ref())),
        );
        members.optional("deputize.request", self.request.as_deref());
        members.optional("deputize.result", self.result.as_deref());
        members.optional("deputize.session", self.session.as_deref());
        members.optional("deputize.signal", self.signal.as_deref());
        members.optional("deputize.signer", self.by.as_deref());
        if !self.targets.is_empty() {
            list(members.name("deputize.targets"), &self.targets, |out, target| quoted(out, target));
        }
        members.optional("deputize.task", self.task.as_deref());
        members.optional("deputize.text", self.text.as_deref());
        members.optional("enduser.id", self.principal.as_deref().filter(|_| self.kind != "decision" || caller.is_some()));
        members.optional("error.type", self.code.as_deref().filter(|_| self.is_failure()).or(self.error.as_deref().map(|_| "tool-failed")));
        members.optional("gen_ai.agent.id", caller.map(|caller| &*caller.key).or(self.caller.as_deref()));
        members.optional("gen_ai.agent.name", caller.and(self.caller_name()));
        members.optional("gen_ai.tool.name", self.tool.as_deref());
    }
}
