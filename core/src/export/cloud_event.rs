//! CloudEvents 1.0, in their JSON format.

use super::entry_name;
use crate::audit::LogRecord;
use crate::json::{object, value_from_json, value_to_json};
use crate::{Code, Error, Result};

impl LogRecord {
    /// An entry of a log, given as its record in JSON, as a structured CloudEvent: its `data` is the whole record. The id is the same whenever the
    /// same entry is sent. `malformed` for what is no record; those of [`value_from_json`](crate::value_from_json).
    pub fn cloud_event(record: &str, origin: &str, sequence: u64) -> Result<String> {
        let read = LogRecord::from_json(record)?;
        if read.kind.is_empty() || origin.is_empty() {
            return Err(Error::about(Code::Malformed, "a record without a kind, or a log without an origin"));
        }
        let data = value_to_json(&value_from_json(record)?);
        let mut out = String::with_capacity(data.len() + 256);
        object(&mut out, |members| {
            members.name("data").push_str(&data);
            members.text("datacontenttype", "application/json");
            members.text("id", &entry_name(origin, sequence));
            members.text("source", &reference(origin));
            members.text("specversion", "1.0");
            members.optional("subject", read.subject());
            members.optional("time", Some(&read.time).filter(|time| crate::time::instant(time).is_some()));
            members.text("type", &format!("dev.deputize.{}", read.kind));
        });
        Ok(out)
    }

    /// What the record is about: the tool of a call, otherwise who it is for.
    fn subject(&self) -> Option<&str> {
        self.tool.as_deref().or(self.principal.as_deref()).filter(|subject| !subject.is_empty())
    }
}

/// A relative reference of RFC 3986 with one spelling: whatever is neither unreserved nor a slash within is escaped.
fn reference(origin: &str) -> String {
    let mut out = String::with_capacity(origin.len());
    let mut before = b'/';
    for byte in origin.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') || byte == b'/' && before != b'/';
        if is_plain {
            out.push(char::from(byte))
        } else {
            out.push_str(&format!("%{byte:02X}"))
        }
        before = byte;
    }
    out
}
