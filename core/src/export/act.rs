//! The claim `act` of RFC 8693 section 4.1.

use crate::audit::LogRecord;
use crate::json::{Members, object};
use crate::limits;

impl LogRecord {
    /// A decision about a caller who proved itself, as claims that readers of RFC 8693 know: `sub`, and in `act` who acts for it, the caller
    /// outermost. Nothing of other records, and of chains that are too long to be one. It is for reading: what authorizes is the chain, and never this.
    #[must_use]
    pub fn to_act(&self) -> Option<String> {
        // No chain is longer, and a record that says so must not make this deeper.
        let caller = self.proven_caller().filter(|_| self.kind == "decision" && self.chain.len() <= limits::MAX_TOKENS)?;
        let mut out = String::new();
        object(&mut out, |members| {
            // In own behalf the first holder is its own principal, and nobody's actor.
            let first = usize::from(self.mode.as_deref() == Some("own_behalf"));
            if self.chain.len() > first {
                actor(members, self, self.chain.len() - 1, first);
            }
            members.optional("aud", self.audience.as_deref());
            members.optional("iss", self.issuer.as_deref());
            members.text("sub", self.principal.as_deref().unwrap_or(&caller.key));
        });
        Some(out)
    }
}

/// The holder at a link, and in it those who gave it authority.
fn actor(members: &mut Members<'_>, record: &LogRecord, link: usize, first: usize) {
    let holder = &record.chain[link];
    object(members.name("act"), |members| {
        if link > first {
            actor(members, record, link - 1, first);
        }
        members.optional("iss", holder.identity.as_ref().map(|identity| &identity.authority));
        members.optional("name", record.holder_name(link).filter(|name| **name != holder.key));
        members.text("sub", &holder.key);
    });
}
