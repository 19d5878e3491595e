//! `deputize audit report`: one page, to be read without a network, a script or the log.

mod chart;
mod gather;
mod graph;
mod html;
mod page;

use deputize::Error;
use serde_json::json;

use crate::DONE;
use crate::args::Report;
use crate::audit::{Record, anchors, entries, entries_of};
use crate::files::write;
use crate::screen::{Failure, Screen};
use gather::Facts;

/// What can be said of the log as a whole.
#[derive(Debug)]
enum Integrity {
    Anchored {
        /// Up to which size, and by which checkpoint.
        size: u64,
        from: String,
        /// Whether its signature was checked, and whether it lies beside the log.
        is_signed: bool,
        is_beside: bool,
    },
    Unanchored,
    Broken(Error),
}

impl Integrity {
    const fn state(&self) -> &'static str {
        match self {
            Integrity::Anchored { .. } => "anchored",
            Integrity::Unanchored => "unanchored",
            Integrity::Broken(_) => "broken",
        }
    }
}

pub(crate) fn run(arguments: &Report, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let path = &arguments.log.path;
    let anchored = anchors(path, &arguments.anchors, screen)?;
    let mut facts = Facts::new();
    let read = entries(path, anchored.checkpoints.clone(), screen, |entry, _| {
        facts.add(entry.sequence, Record::of(entry));
        Ok(())
    });
    let mut root = None;
    let integrity = match read {
        Ok(report) => {
            root = Some(report.head.root().to_string());
            match anchored.up_to(report.head.size()) {
                Some(size) => {
                    let is_signed = !arguments.anchors.key.is_empty();
                    Integrity::Anchored { size, from: anchored.from(), is_signed, is_beside: anchored.is_beside }
                }
                None => Integrity::Unanchored,
            }
        }
        // What holds together is reported, and that it does not go on.
        Err(Failure::Refused(error)) if error.entry().is_some() => Integrity::Broken(error),
        Err(failure) => return Err(failure),
    };
    let html = page::page(&facts, &integrity, root.as_deref(), screen.now);
    if arguments.output.as_os_str() == "-" {
        screen.verbatim(&html)?;
    } else {
        write(&arguments.output, html.as_bytes(), path)?;
        let file = arguments.output.display().to_string();
        match screen.is_json {
            true => screen.json(&json!({ "file": file, "entries": facts.entries, "state": integrity.state() }))?,
            false => screen.text(&format!("{}, {}: {file}", entries_of(facts.entries), integrity.state()))?,
        }
    }
    match integrity {
        Integrity::Broken(error) => Err(error.into()),
        _ => Ok(DONE),
    }
}
