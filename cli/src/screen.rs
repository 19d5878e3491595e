//! All output: lines that are escaped, with colours and aligned columns in a terminal only.

use std::io::{BufWriter, Read, Write};

use deputize::{Code, Error, Now};
use serde_json::{Value as Json, json};

use crate::visible::visible;
use crate::{REFUSED, Streams, Terminal, USAGE};

/// Characters of one piece of text that are shown.
pub(crate) const MOST: usize = 4000;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was refused.
    Refused(Error),
    /// It was not asked for as it has to be.
    Usage(String),
    /// Nobody takes the output.
    Output(std::io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Refused(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Output(error)
    }
}

/// How a piece of a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Warn,
}

impl Style {
    const fn codes(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Bold => "\x1b[1m",
            Style::Dim => "\x1b[2m",
            Style::Good => "\x1b[32m",
            Style::Bad => "\x1b[1;31m",
            Style::Warn => "\x1b[33m",
        }
    }
}

/// A line in pieces. Each piece is escaped when it is put in: there is no other way to the output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Vec<(Style, String)>);

impl Line {
    pub(crate) fn of(text: &str) -> Self {
        Line::default().and(Style::Plain, text)
    }

    pub(crate) fn styled(style: Style, text: &str) -> Self {
        Line::default().and(style, text)
    }

    pub(crate) fn and(mut self, style: Style, text: &str) -> Self {
        self.0.push((style, visible(text, MOST)));
        self
    }

    fn length(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    fn render(&self, terminal: Option<Terminal>) -> String {
        let mut out = String::new();
        for (style, text) in &self.0 {
            match terminal {
                Some(terminal) if terminal.has_colours && *style != Style::Plain => {
                    out.push_str(style.codes());
                    out.push_str(text);
                    out.push_str("\x1b[0m");
                }
                _ => out.push_str(text),
            }
        }
        out
    }
}

/// Where commands write.
pub(crate) struct Screen<'a> {
    pub(crate) input: &'a mut dyn Read,
    output: BufWriter<&'a mut dyn Write>,
    error: &'a mut dyn Write,
    terminal: Option<Terminal>,
    error_terminal: Option<Terminal>,
    pub(crate) now: Now,
    pub(crate) is_json: bool,
    /// Whether progress stands in the last line of the error terminal.
    has_progress: bool,
    /// Whether there was output: progress would get in between.
    has_output: bool,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(streams: Streams<'a>, is_json: bool) -> Self {
        let Streams { input, output, error, terminal, error_terminal, now } = streams;
        Screen {
            input,
            output: BufWriter::new(output),
            error,
            terminal,
            error_terminal,
            now,
            is_json,
            has_progress: false,
            has_output: false,
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.line(&Line::of(text))
    }

    pub(crate) fn line(&mut self, line: &Line) -> Result<(), Failure> {
        self.put(&line.render(self.terminal))
    }

    /// A line that is escaped already.
    fn put(&mut self, line: &str) -> Result<(), Failure> {
        self.end_progress();
        self.has_output = true;
        Ok(writeln!(self.output, "{line}")?)
    }

    /// Rows below each other: aligned in a terminal, otherwise with tabs between.
    pub(crate) fn table(&mut self, rows: &[Vec<Line>]) -> Result<(), Failure> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<_> =
            (0..columns).map(|at| rows.iter().filter_map(|row| row.get(at)).map(Line::length).max().unwrap_or(0)).collect();
        for row in rows {
            let mut out = String::new();
            for (at, cell) in row.iter().enumerate() {
                out.push_str(&cell.render(self.terminal));
                match self.terminal {
                    _ if at + 1 == row.len() => {}
                    Some(_) => out.push_str(&" ".repeat(widths[at] - cell.length() + 2)),
                    None => out.push('\t'),
                }
            }
            self.put(&out)?;
        }
        Ok(())
    }

    /// An object as one line.
    pub(crate) fn json(&mut self, value: &Json) -> Result<(), Failure> {
        self.put(&escaped_json(&value.to_string()))
    }

    /// A line of JSON as it is elsewhere: byte by byte, but for what a terminal must not get.
    pub(crate) fn json_line(&mut self, line: &str) -> Result<(), Failure> {
        match self.terminal {
            Some(_) => self.put(&escaped_json(line)),
            None => self.put(line),
        }
    }

    /// Text as it has to be for whoever reads it next: byte by byte, but for what a terminal must not get.
    pub(crate) fn verbatim(&mut self, text: &str) -> Result<(), Failure> {
        if self.terminal.is_none() {
            return Ok(self.output.write_all(text.as_bytes())?);
        }
        text.lines().try_for_each(|line| self.text(line))
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.output.flush()?)
    }

    /// How far something is, on the error output, if that is a terminal.
    pub(crate) fn progress(&mut self, done: u64, all: u64) {
        let is_in_the_way = self.is_json || (self.has_output && self.terminal.is_some());
        let Some(terminal) = self.error_terminal.filter(|_| !is_in_the_way) else { return };
        let percent = (done.saturating_mul(100) / all.max(1)).min(100);
        let most = terminal.width.saturating_sub(12).min(60);
        let full = most * percent as usize / 100;
        let _ = write!(self.error, "\r[{}{}] {percent:>3} %", "#".repeat(full), "-".repeat(most - full));
        let _ = self.error.flush();
        self.has_progress = true;
    }

    pub(crate) fn end_progress(&mut self) {
        if std::mem::take(&mut self.has_progress) {
            let _ = write!(self.error, "\r\x1b[K");
        }
    }

    /// A note for people beside the output.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.is_json {
            self.end_progress();
            let line = Line::styled(Style::Warn, "note: ").and(Style::Plain, text).render(self.error_terminal);
            let _ = writeln!(self.error, "{line}");
        }
    }

    /// Says why, and gives the exit code.
    pub(crate) fn fail(&mut self, failure: &Failure) -> u8 {
        self.end_progress();
        // What was said before comes first, where both go to one place.
        let _ = self.output.flush();
        let text = match failure {
            Failure::Refused(error) if self.is_json => format!("{}\n", escaped_json(&error_json(error).to_string())),
            Failure::Usage(text) if self.is_json => format!("{}\n", escaped_json(&usage_json(text).to_string())),
            other => Screen::error_text(other, self.error_terminal),
        };
        let _ = self.error.write_all(text.as_bytes());
        match failure {
            Failure::Usage(_) => USAGE,
            Failure::Refused(_) | Failure::Output(_) => REFUSED,
        }
    }

    pub(crate) fn error_text(failure: &Failure, terminal: Option<Terminal>) -> String {
        let lines = match failure {
            Failure::Refused(error) => vec![
                Line::styled(Style::Bad, "error: ").and(Style::Plain, &error.to_string()),
                Line::styled(Style::Bold, "help: ").and(Style::Plain, &error.help()),
            ],
            Failure::Usage(text) => text.lines().map(Line::of).collect(),
            Failure::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Vec::new(),
            Failure::Output(error) => {
                vec![Line::styled(Style::Bad, "error: ").and(Style::Plain, &format!("the output cannot be written: {error}"))]
            }
        };
        lines.iter().map(|line| line.render(terminal) + "\n").collect()
    }

    pub(crate) fn finish(&mut self) -> std::io::Result<()> {
        self.end_progress();
        self.output.flush()
    }
}

pub(crate) fn error_json(error: &Error) -> Json {
    json!({
        "code": error.code().as_str(), "message": error.to_string(), "help": error.help(), "link": error.link(), "entry": error.entry(),
    })
}

/// What clap says, in the members of an error: its first line, and how it is used.
fn usage_json(text: &str) -> Json {
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let help = text.lines().find(|line| line.starts_with("Usage: ")).unwrap_or_default();
    json!({ "code": Code::ConfigInvalid.as_str(), "message": message, "help": help, "link": null, "entry": null })
}

/// The same JSON, in which nothing is a character that a terminal or a reader could take for something else.
fn escaped_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Only texts have characters that are escaped: what is not ASCII, and DEL.
        if c.is_ascii() && c != '\u{7f}' || visible(c.encode_utf8(&mut [0; 4]), 1).starts_with(c) {
            out.push(c);
        } else {
            out.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is put out, and what is put out as errors.
    fn shown_on(terminal: Option<Terminal>, work: impl FnOnce(&mut Screen<'_>)) -> (String, String) {
        let (mut input, mut output, mut error) = (&b""[..], Vec::new(), Vec::new());
        let now = Now::from_millis(1).unwrap();
        let streams = Streams { input: &mut input, output: &mut output, error: &mut error, terminal, error_terminal: terminal, now };
        let mut screen = Screen::new(streams, false);
        work(&mut screen);
        screen.finish().unwrap();
        drop(screen);
        (String::from_utf8(output).unwrap(), String::from_utf8(error).unwrap())
    }

    const PLAIN: Option<Terminal> = Some(Terminal { width: 32, has_colours: false });
    const COLOURED: Option<Terminal> = Some(Terminal { width: 32, has_colours: true });

    #[test]
    fn columns_are_aligned_in_a_terminal_and_tabs_elsewhere() {
        let rows = [vec![Line::styled(Style::Bold, "a"), Line::of("b")], vec![Line::of("long\u{202e}"), Line::of("c")]];
        let table = |terminal| shown_on(terminal, |screen| screen.table(&rows).unwrap()).0;
        assert_eq!(table(None), "a\tb\nlong\\u{202e}\tc\n");
        assert_eq!(table(PLAIN), "a             b\nlong\\u{202e}  c\n");
        assert_eq!(table(COLOURED), "\x1b[1ma\x1b[0m             b\nlong\\u{202e}  c\n");
    }

    #[test]
    fn progress_is_for_terminals_and_gone_before_anything_else() {
        let work = |screen: &mut Screen<'_>| {
            screen.progress(1, 4);
            screen.text("done").unwrap();
            screen.progress(2, 4);
        };
        assert_eq!(shown_on(None, work), ("done\n".into(), String::new()));
        let bar = format!("\r[{}{}]  25 %\r\x1b[K", "#".repeat(5), "-".repeat(15));
        assert_eq!(shown_on(PLAIN, work), ("done\n".into(), bar));
        assert_eq!(shown_on(PLAIN, |screen| screen.progress(9, 0)).1, format!("\r[{}] 100 %\r\x1b[K", "#".repeat(20)));
    }

    #[test]
    fn json_has_no_character_that_a_terminal_takes_for_something_else() {
        let line = "{\"a\":\"\u{1b}\u{7f}\u{9b}é\u{202e}\u{1f980}\"}";
        let escaped = "{\"a\":\"\u{1b}\\u007f\\u009bé\\u202e\u{1f980}\"}".replace('\u{1b}', "\\u001b");
        assert_eq!(shown_on(PLAIN, |screen| screen.json_line(&line.replace('\u{1b}', "\\u001b")).unwrap()).0, format!("{escaped}\n"));
        assert_eq!(shown_on(None, |screen| screen.json_line(line).unwrap()).0, format!("{line}\n"));
        assert_eq!(shown_on(None, |screen| screen.json(&json!({ "a": "\u{9b}\n" })).unwrap()).0, "{\"a\":\"\\u009b\\n\"}\n");
    }
}
