//! `deputize audit open`: calls that were allowed, and of which nobody said how they ended.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::read::entries;
use super::records::{Record, sentence_line};
use crate::DONE;
use crate::args::Log;
use crate::screen::{Failure, Line, Screen};

/// Calls that are kept: the latest.
const MOST: usize = 10_000;

struct Call {
    line: Line,
    proof: String,
    time: String,
    tool: Option<String>,
    caller: Option<String>,
}

pub(super) fn run(arguments: &Log, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let mut open: BTreeMap<u64, Call> = BTreeMap::new();
    let mut by_proof: HashMap<String, u64> = HashMap::new();
    let mut older: u64 = 0;
    entries(&arguments.path, Vec::new(), screen, |entry, _| {
        let Some(record) = Record::of(entry) else { return Ok(()) };
        let brief = |text: &str| text.chars().take(256).collect::<String>();
        let Some(proof) = record.record.proof.as_deref().map(brief) else { return Ok(()) };
        match &*record.record.kind {
            "decision" if record.record.is_allowed() => {
                let line = sentence_line(entry.sequence, Some(&record), false);
                let (time, tool) = (brief(&record.record.time), record.record.tool.as_deref().map(brief));
                let caller = record.record.caller_name().map(brief);
                by_proof.insert(proof.clone(), entry.sequence);
                open.insert(entry.sequence, Call { line, proof, time, tool, caller });
            }
            "outcome" => match by_proof.remove(&proof) {
                Some(sequence) => drop(open.remove(&sequence)),
                None => older = older.saturating_sub(1),
            },
            _ => {}
        }
        if open.len() > MOST
            && let Some((_, call)) = open.pop_first()
        {
            by_proof.remove(&call.proof);
            older += 1;
        }
        Ok(())
    })?;
    if older > 0 {
        screen.note(&format!("{older} older calls that may be open are not shown"));
    }
    if open.is_empty() {
        screen.note("every call that was allowed has an outcome");
    }
    for (sequence, call) in &open {
        if screen.is_json {
            screen
                .json(&json!({ "sequence": sequence, "proof": call.proof, "time": call.time, "tool": call.tool, "caller": call.caller }))?;
        } else {
            screen.line(&call.line)?;
        }
    }
    Ok(DONE)
}
