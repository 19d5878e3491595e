//! What a person sees before signing. Nothing in the data can begin a line, leave its place in one, or be there unseen.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::request::ApprovalRequest;
use crate::claims::Mode;
use crate::id::hex;
use crate::json::value_to_json;
use crate::value::Value;

/// Characters of a value's JSON that are shown.
const MOST: usize = 200;

pub(super) fn render(request: &ApprovalRequest) -> String {
    let mut page = Page(String::with_capacity(1024));
    let leaf = request.leaf();
    page.line("approval request", &[&request.id().to_string()]);
    page.line("tool:", &[request.tool()]);
    let mode = match leaf.mode {
        Mode::OwnBehalf => "own behalf",
        Mode::OnBehalfOf => "on behalf of",
        Mode::Impersonation => "impersonation",
    };
    page.raw(&format!("for: {}, {mode}", quoted(&leaf.subject)));
    if let Some(issuer) = request.unverified_claims().first().and_then(|root| root.issuer.as_ref()) {
        page.raw(&format!("issuer: {} (not verified here)", quoted(issuer)));
    }
    for (number, claims) in (1..).zip(request.unverified_claims()) {
        let key = claims.holder.did_key();
        match &claims.holder_name {
            Some(name) => page.line(&format!("holder {number}:"), &[name, &key]),
            None => page.line(&format!("holder {number}:"), &[&key]),
        }
        if let Some(reason) = &claims.reason {
            page.line(&format!("holder {number} reason:"), &[reason]);
        }
    }
    page.line("at:", &[request.audience()]);
    if let Some(context) = request.context() {
        page.line("context:", &[context]);
    }
    page.line("session:", &[&leaf.session.to_string()]);
    if let Some(task) = leaf.task {
        page.line("task:", &[&task.to_string()]);
    }
    page.line("until:", &[&request.expires().to_rfc3339()]);
    for requirement in leaf.approvals.of(request.tool()) {
        let (count, approvers) = requirement.parts();
        let keys: Vec<String> = approvers.iter().map(|key| quoted(&key.did_key())).collect();
        page.raw(&format!("approvals: \"{count}\" of {}", keys.join(" ")));
    }
    page.line("arguments:", &[&request.arguments().iter().len().to_string()]);
    for (name, value) in request.arguments().iter() {
        page.raw(&format!("argument {}: {}", quoted(name), shown_value(value)));
    }
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, label: &str, texts: &[&str]) {
        self.0.push_str(label);
        for text in texts {
            self.0.push(' ');
            self.0.push_str(&quoted(text));
        }
        self.0.push('\n');
    }

    /// A line whose data is escaped already.
    fn raw(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

/// A text in quotation marks.
fn quoted(text: &str) -> String {
    visible(&value_to_json(&Value::from(text)))
}

fn shown_value(value: &Value) -> String {
    let json = value_to_json(value);
    let Some((end, _)) = json.char_indices().nth(MOST) else { return visible(&json) };
    let content = match value {
        Value::Text(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        _ => json.as_bytes(),
    };
    let digest = hex(&Sha256::digest(content));
    format!("(\"{}\" bytes, SHA-256 \"{digest}\", it begins) {}", content.len(), visible(&json[..end]))
}

/// JSON in which everything is seen, and in the order in which it stands. It is still the same JSON.
fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut previous = '\0';
    for c in json.chars() {
        if is_hidden(c) || (c == ' ' && previous == ' ') {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
        previous = c;
    }
    out
}

/// Whether a character is written as an escape (specification, approval.md, "What a person sees").
fn is_hidden(c: char) -> bool {
    match c {
        '\0'..='\u{1f}' => true,
        ' '..='~' => false,
        _ => is_control_or_format(c) || is_blank(c) || is_drawn_over(c) || is_right_to_left(c) || is_private(c),
    }
}

/// Controls, format characters and those that are ignored by default.
const fn is_control_or_format(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffc}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Spaces other than the usual one, and what looks like one.
const fn is_blank(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{2800}' | '\u{3000}')
}

/// Marks that are drawn over what stands before them: strokes through a text, towers into other lines.
const fn is_drawn_over(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{a670}'..='\u{a672}' | '\u{fe20}'..='\u{fe2f}')
}

/// A screen moves what stands beside these to another place, without any control.
const fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// What each font draws as it likes, or not at all.
const fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..) || (c as u32) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(class: &str) -> Vec<char> {
        let hir = regex_syntax::parse(class).unwrap();
        let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = hir.kind() else { panic!() };
        class.iter().flat_map(|range| range.start()..=range.end()).collect()
    }

    #[test]
    fn no_control_format_blank_private_or_enclosing_character_is_shown() {
        let shown: Vec<char> = all(r"[\p{Cc}\p{Cf}\p{Co}\p{Z}\p{Me}]").into_iter().filter(|c| !is_hidden(*c)).collect();
        assert_eq!(shown, [' ']);
    }

    #[test]
    fn letters_and_signs_of_most_scripts_are_shown() {
        for c in "aZ09~!éßøłžαωбяאن你好カかक하ไทย€∞→🦀".chars() {
            assert_eq!(is_hidden(c), is_right_to_left(c), "{c}");
        }
        for plane in 0..=16u32 {
            for end in [0xfffe, 0xffff] {
                assert!(char::from_u32(plane << 16 | end).is_some_and(is_hidden));
            }
        }
    }

    #[test]
    fn a_space_is_shown_and_a_second_one_is_counted() {
        assert_eq!(quoted("a b  c"), "\"a b \\u0020c\"");
        assert_eq!(quoted("\u{1f980}\u{e0041}\n\""), "\"\u{1f980}\\udb40\\udc41\\n\\\"\"");
    }
}
