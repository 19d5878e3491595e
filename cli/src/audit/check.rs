//! `deputize audit verify`.

use deputize::os::check_log;
use deputize::{Error, LogReport};
use serde_json::json;

use super::anchors::{Anchored, anchors};
use super::read::Progress;
use crate::args::Check;
use crate::screen::{Failure, Line, Screen, Style, error_json};
use crate::{DONE, REFUSED, UNANCHORED};

/// What to do about a log that nothing anchors.
pub(crate) const KEEP: &str = "keep a signed checkpoint elsewhere and give it with --checkpoint, or the log's key with --key";

pub(crate) fn run(arguments: &Check, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let path = &arguments.log.path;
    let anchored = anchors(path, &arguments.anchors, screen)?;
    let mut progress = Progress::new();
    let checked = check_log(path, anchored.checkpoints.clone(), |done, all| progress.at(done, all, screen));
    screen.end_progress();
    match checked {
        Ok(report) => whole(&report, &anchored, screen),
        // Without a position it is the file that failed.
        Err(error) if error.entry().is_some() => broken(&error, screen),
        Err(error) => Err(error.into()),
    }
}

fn broken(error: &Error, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    if screen.is_json {
        screen.json(&json!({ "state": "broken", "fault": error_json(error) }))?;
        return Ok(REFUSED);
    }
    let at = place(error);
    screen.line(&Line::styled(Style::Bad, "BROKEN").and(Style::Plain, &format!(" {at}: {}", error.code().as_str())))?;
    Err(error.clone().into())
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Where the fault is: at an entry, or, where only a checkpoint says so, at one of those since the checkpoint before.
pub(crate) fn place(error: &Error) -> String {
    let first = error.entry().unwrap_or(0);
    let size = error
        .context()
        .and_then(|context| context.strip_prefix("not what the checkpoint of size ")?.strip_suffix(" says")?.parse::<u64>().ok());
    match size {
        Some(size) if size > first + 1 => format!("somewhere in entries {first} to {}", size - 1),
        _ => format!("at entry {first}"),
    }
}

fn whole(report: &LogReport, anchored: &Anchored, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let size = report.head.size();
    let up_to = anchored.up_to(size);
    let code = if up_to.is_some() { DONE } else { UNANCHORED };
    if screen.is_json {
        screen.json(&json!({
            "state": if up_to.is_some() { "anchored" } else { "unanchored" }, "size": size, "root": report.head.root().to_string(), "anchored": up_to,
            "checkpoint": up_to.map(|_| anchored.from()), "steps_back": report.steps_back, "first_step_back": report.first_step_back,
        }))?;
        return Ok(code);
    }
    let entries = super::entries_of(size);
    let (hold, they) = if size == 1 { ("holds", "it is") } else { ("hold", "they are") };
    match up_to {
        None => {
            let line = Line::styled(Style::Warn, "UNANCHORED").and(
                Style::Plain,
                &format!(": {entries} {hold} together, and nothing says that {they} all, or the first that were written"),
            );
            screen.line(&line)?;
            screen.line(&Line::styled(Style::Bold, "what to do: ").and(Style::Plain, KEEP))?;
        }
        Some(up_to) => {
            let line = Line::styled(Style::Good, "WHOLE")
                .and(Style::Plain, &format!(": {entries}, anchored up to {up_to} by {}", anchored.from()));
            screen.line(&line)?;
            if up_to < size {
                let last = size - 1;
                screen.text(&match up_to == last {
                    true => format!("entry {last} came after that checkpoint: it holds together, and is not anchored"),
                    false => format!("entries {up_to} to {last} came after that checkpoint: they hold together, and are not anchored"),
                })?;
            }
            if anchored.is_beside {
                screen.note("this checkpoint lies beside the log: who can change both can go back to older ones; keep one elsewhere");
            }
        }
    }
    screen.line(&Line::styled(Style::Dim, &format!("root {}", report.head.root())))?;
    if let Some(first) = report.first_step_back {
        screen.line(&Line::styled(Style::Dim, &format!("the clock stepped back {}, first at entry {first}", times(report.steps_back))))?;
    }
    Ok(code)
}
