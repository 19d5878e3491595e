//! `deputize audit receipt` and `deputize audit verify-receipt`.

use deputize::os::make_receipt;
use deputize::{Code, Error, LogRecord, verify_receipt};
use serde::Deserialize;
use serde_json::json;

use super::anchors::policy;
use super::read::entries;
use crate::DONE;
use crate::args::{Receipt, VerifyReceipt};
use crate::files::{note_keys, read_text, write};
use crate::screen::{Failure, Line, Screen, Style};

pub(super) fn run(arguments: &Receipt, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let Receipt { log, sequence, note, line } = arguments;
    let note = read_text(note, screen)?;
    let receipt = make_receipt(&log.path, *sequence, &note)?;
    let mut found = None;
    entries(&log.path, Vec::new(), screen, |entry, _| {
        if entry.sequence == *sequence {
            found = Some(entry.line.to_owned());
        }
        Ok(())
    })?;
    let found = found.ok_or(Error::new(Code::LogTruncated).at_entry(*sequence))?;
    if let Some(line) = line {
        write(line, format!("{found}\n").as_bytes(), &log.path)?;
    }
    if screen.is_json {
        screen.json(&json!({ "sequence": sequence, "receipt": receipt, "line": found }))?;
    } else {
        screen.verbatim(&receipt)?;
    }
    Ok(DONE)
}

pub(super) fn verify(arguments: &VerifyReceipt, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    #[derive(Deserialize)]
    struct Entry {
        record: LogRecord,
        sequence: u64,
    }
    let VerifyReceipt { receipt, line, key, witness, witnesses } = arguments;
    if receipt.as_os_str() == "-" && line.as_os_str() == "-" {
        return Err(Error::about(Code::ConfigInvalid, "one of receipt and line from standard input").into());
    }
    let policy = policy(&note_keys(key)?, witness, *witnesses)?.ok_or(Error::about(Code::ConfigInvalid, "the key of the log"))?;
    let (receipt, line) = (read_text(receipt, screen)?, read_text(line, screen)?);
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let checkpoint = verify_receipt(&receipt, line, &policy, screen.now)?;
    let entry: Entry = serde_json::from_str(line).map_err(|_| Error::about(Code::LogMalformed, "a record of a later version"))?;
    let (origin, size) = (checkpoint.origin(), checkpoint.size());
    if screen.is_json {
        screen.json(&json!({ "verified": true, "origin": origin, "sequence": entry.sequence, "size": size, "sentence": entry.record.to_sentence() }))?;
        return Ok(DONE);
    }
    let head = Line::styled(Style::Good, "verified");
    screen.line(&head.and(Style::Plain, &format!(": entry {} of {origin}, as it was at {size} entries:", entry.sequence)))?;
    screen.text(&entry.record.to_sentence())?;
    Ok(DONE)
}
