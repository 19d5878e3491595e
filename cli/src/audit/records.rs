//! Records as lines, and which of them fit a question.

use std::collections::BTreeMap;

use deputize::{Code, Error, LogRecord, shown};
use serde::Deserialize;
use serde_json::Value as Json;

use super::read::Entry;
use crate::args::Filter;
use crate::screen::{Line, Style};
use crate::time;

/// Characters of arguments that are shown.
const ARGUMENTS: usize = 200;

/// A record, and what the library does not read of it.
pub(crate) struct Record {
    pub(crate) record: LogRecord,
    /// Of a call, where the log has them: JSON, cut.
    pub(crate) arguments: Option<String>,
}

impl Record {
    /// None of something that is no record of any version.
    pub(crate) fn of(entry: &Entry<'_>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Call {
            arguments: Option<BTreeMap<String, Json>>,
        }
        let record = LogRecord::from_json(entry.record).ok()?;
        let has = entry.record.contains("\"arguments\":");
        let call = has.then(|| serde_json::from_str::<Call>(entry.record).ok()).flatten();
        let arguments = call.and_then(|call| call.arguments).map(|arguments| {
            let json = serde_json::to_string(&arguments).unwrap_or_default();
            shown(&json, ARGUMENTS)
        });
        Some(Record { record, arguments })
    }
}

/// A record as a line: its sequence and its sentence.
pub(crate) fn sentence_line(sequence: u64, record: Option<&Record>, with_arguments: bool) -> Line {
    let line = Line::styled(Style::Dim, &format!("{sequence} "));
    let Some(Record { record, arguments }) = record else { return line.and(Style::Warn, "a record that cannot be read as one") };
    let sentence = record.to_sentence();
    let (time, what) = sentence.split_once(' ').unwrap_or(("", &sentence));
    let line = line.and(Style::Dim, &format!("{time} "));
    let (first, rest) = what.split_once(' ').unwrap_or((what, ""));
    let style = match (&*record.kind, first) {
        ("decision", "ALLOW") => Style::Good,
        ("decision", "DENY") => Style::Bad,
        ("signal", _) => Style::Warn,
        _ => return line.and(Style::Plain, what),
    };
    let line = line.and(style, first).and(Style::Plain, &format!(" {rest}"));
    match arguments {
        Some(arguments) if with_arguments => line.and(Style::Dim, &format!(" with {arguments}")),
        _ => line,
    }
}

/// A filter that was read.
pub(crate) struct Fits<'a> {
    filter: &'a Filter,
    since: Option<u64>,
    until: Option<u64>,
}

impl<'a> Fits<'a> {
    /// `config-invalid`.
    pub(crate) fn new(filter: &'a Filter) -> Result<Self, Error> {
        let millis = |text: &Option<String>| text.as_deref().map(|text| time::given(text).map(|time| time.secs() * 1000)).transpose();
        if let Some(session) = &filter.session
            && !(1..=32).contains(&session.len())
        {
            return Err(Error::named(Code::ConfigInvalid, "not the hex digits of a session:", session));
        }
        Ok(Fits { filter, since: millis(&filter.since)?, until: millis(&filter.until)? })
    }

    pub(crate) fn takes_all(&self) -> bool {
        let Filter { principal, agent, session, tool, code, kind, since, until } = self.filter;
        [principal, agent, session, tool, code, kind, since, until].iter().all(|one| one.is_none())
    }

    pub(crate) fn fits(&self, record: &LogRecord) -> bool {
        let Filter { principal, agent, session, tool, code, kind, .. } = self.filter;
        let is = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        let time = time::of_record(&record.time);
        let in_time = self.since.is_none_or(|since| time.is_some_and(|time| time >= since))
            && self.until.is_none_or(|until| time.is_some_and(|time| time < until));
        let session = session
            .as_ref()
            .is_none_or(|session| record.session.as_ref().is_some_and(|found| found.starts_with(&session.to_ascii_lowercase())));
        let tool = tool.as_ref().is_none_or(|tool| record.tool.as_ref() == Some(tool) || record.tools.contains(tool));
        let kind = kind.as_ref().is_none_or(|kind| *kind == record.kind);
        in_time
            && session
            && tool
            && kind
            && is(principal, &record.principal)
            && is(code, &record.code)
            && agent.as_ref().is_none_or(|agent| has_agent(record, agent))
    }
}

fn has_agent(record: &LogRecord, agent: &str) -> bool {
    let keys = [&record.by, &record.caller, &record.holder, &record.key, &record.old, &record.new];
    let in_chain = (0..record.chain.len()).any(|link| record.chain[link].key == agent || record.holder_name(link) == Some(agent));
    let is_named = matches!(&*record.kind, "identified" | "approved" | "refused" | "rotated") && record.name.as_deref() == Some(agent);
    in_chain || is_named || keys.iter().any(|key| key.as_deref() == Some(agent))
}
