//! `deputize audit checkpoint`.

use deputize::os::{check_log, load};
use deputize::{CheckpointPolicy, Code, Error, NoteKey};
use serde_json::json;

use crate::DONE;
use crate::args::Checkpoint;
use crate::files::{beside, open_regular, read_text, unavailable, write};
use crate::screen::{Failure, Screen};

pub(super) fn run(arguments: &Checkpoint, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let Checkpoint { log, key, origin, output } = arguments;
    let output = output.as_ref().filter(|output| output.as_os_str() != "-");
    let signer = load(key)?;
    let note_key = NoteKey::of_log(origin, signer.verifying_key())?;
    match super::read::origin(&log.path, screen)? {
        Some(found) if found == *origin => {}
        found => return Err(Error::named(Code::LogForeign, "the origin", found.as_deref().unwrap_or("")).into()),
    }
    // Neither the one beside the log nor the one that is replaced may be of another history, or a longer one.
    let policy = CheckpointPolicy::new([note_key.clone()])?;
    let mut before = Vec::new();
    for path in [Some(beside(&log.path, ".checkpoint")), output.cloned()].into_iter().flatten() {
        if path.try_exists().unwrap_or(true) {
            open_regular(&path).map_err(|error| unavailable("cannot be opened", &error, &path))?;
            before.push(policy.verify(&read_text(&path, screen)?, screen.now)?);
        }
    }
    let report = check_log(&log.path, before, |_, _| {})?;
    let note = report.head.checkpoint(origin).sign(&signer)?;
    if let Some(output) = output {
        write(output, note.as_bytes(), &log.path)?;
    }
    if screen.is_json {
        screen.json(
            &json!({ "size": report.head.size(), "root": report.head.root().to_string(), "note": note, "note_key": note_key.to_text() }),
        )?;
    } else if let Some(output) = output {
        screen.text(&format!(
            "signed {} of {origin} into {}; keep it where the log is not",
            super::entries_of(report.head.size()),
            output.display()
        ))?;
        screen.text(&format!("its key: {}", note_key.to_text()))?;
    } else {
        screen.verbatim(&note)?;
    }
    Ok(DONE)
}
