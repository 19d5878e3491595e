//! `deputize audit show` and `deputize audit query`.

use std::collections::VecDeque;

use super::read::{Entry, entries};
use super::records::{Fits, Record, sentence_line};
use crate::DONE;
use crate::args::{Filter, Show};
use crate::screen::{Failure, Line, Screen};

/// What is put out of an entry.
enum Out {
    Sentence(Line),
    Json(String),
}

impl Out {
    fn put(&self, screen: &mut Screen<'_>) -> Result<(), Failure> {
        match self {
            Out::Sentence(line) => screen.line(line),
            Out::Json(line) => screen.json_line(line),
        }
    }
}

pub(super) fn run(arguments: &Show, filter: &Filter, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let fits = Fits::new(filter)?;
    let mut last = VecDeque::new();
    let mut is_any = false;
    let read = entries(&arguments.log.path, Vec::new(), screen, |entry, screen| {
        let Some(out) = out(entry, &fits, arguments.arguments, screen.is_json) else { return Ok(()) };
        is_any = true;
        let Some(limit) = arguments.limit else { return out.put(screen) };
        last.push_back(out);
        if last.len() > limit {
            last.pop_front();
        }
        Ok(())
    });
    // What holds together is shown, also of a log that does not.
    for out in last {
        out.put(screen)?;
    }
    read?;
    if !is_any && !fits.takes_all() {
        screen.note("no record fits");
    }
    Ok(DONE)
}

fn out(entry: &Entry<'_>, fits: &Fits<'_>, with_arguments: bool, is_json: bool) -> Option<Out> {
    let record = Record::of(entry);
    let is_wanted = fits.takes_all() || record.as_ref().is_some_and(|record| fits.fits(&record.record));
    is_wanted.then(|| match is_json {
        true => Out::Json(entry.line.to_owned()),
        false => Out::Sentence(sentence_line(entry.sequence, record.as_ref(), with_arguments)),
    })
}
