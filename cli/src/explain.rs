//! `deputize explain`.

use std::path::Path;

use deputize::{Code, Error};
use serde_json::json;

use crate::DONE;
use crate::args::Explain;
use crate::files::read_text;
use crate::screen::{Failure, Line, Screen, Style};

pub(crate) fn run(arguments: &Explain, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let text = match &arguments.text[..] {
        [one] if one == "-" => read_text(Path::new("-"), screen)?,
        words => words.join(" "),
    };
    let codes = codes_in(&text);
    if codes.is_empty() {
        return Err(Error::named(Code::ConfigInvalid, "no code is in", &text).into());
    }
    for (at, code) in codes.into_iter().enumerate() {
        let (name, family) = (code.as_str(), code.family().as_str());
        if screen.is_json {
            screen.json(&json!({ "code": name, "family": family, "summary": code.summary(), "help": code.help() }))?;
            continue;
        }
        if at > 0 {
            screen.text("")?;
        }
        screen.line(&Line::styled(Style::Bold, name).and(Style::Dim, &format!(" ({family})")))?;
        screen.text(&format!("  what was wrong: {}", code.summary()))?;
        screen.text(&format!("  what to do:     {}", code.help()))?;
    }
    Ok(DONE)
}

/// The codes in a text, in their order, each once.
fn codes_in(text: &str) -> Vec<Code> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
    let mut found = Vec::new();
    let mut internal = None;
    for word in words {
        let word = word.to_ascii_lowercase().replace('_', "-");
        match Code::ALL.iter().copied().find(|code| code.as_str() == word) {
            // Words that occur in sentences.
            Some(code) if !word.contains('-') => internal = internal.or(Some(code)),
            Some(code) if !found.contains(&code) => found.push(code),
            _ => {}
        }
    }
    if found.is_empty() { internal.into_iter().collect() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_what_was_pasted() {
        let line = "deputize.errors.Denied: tool-not-granted: the parent does not allow this tool (tool `deploy`) at link 1";
        assert_eq!(codes_in(line), [Code::ToolNotGranted]);
        assert_eq!(codes_in("TOKEN_EXPIRED, then `key-revoked`; token-expired"), [Code::TokenExpired, Code::KeyRevoked]);
        assert_eq!(codes_in("malformed"), [Code::Malformed]);
        assert_eq!(codes_in("internal error: proof-replayed"), [Code::ProofReplayed]);
        assert_eq!(codes_in("nothing is wrong"), []);
    }
}
