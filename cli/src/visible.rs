//! Texts of others, so that people see all that is in them.

use deputize::shown;

/// Marks on one letter that are shown.
const MARKS: usize = 4;

/// As [`shown`]; and characters that take no room, and marks that pile up on a letter, are escaped too.
pub(crate) fn visible(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let mut marks = 0;
    for c in shown(text, most).chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if is_hidden(c) || marks > MARKS { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// What Unicode lets a screen ignore, as far as [`shown`] lets it through.
const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_shown_as_another_or_as_none() {
        assert_eq!(visible("ana\u{200b}", 9), "ana\\u{200b}");
        assert_eq!(visible("\u{feff}\u{2060}\u{e0041}\u{3164}", 9), "\\u{feff}\\u{2060}\\u{e0041}\\u{3164}");
        assert_eq!(visible("\u{202e}é\u{1f980}e\u{301}", 9), "\\u{202e}é\u{1f980}e\u{301}");
        assert_eq!(
            visible(&format!("a{}b\u{301}", "\u{301}".repeat(6)), 99),
            format!("a{}\\u{{301}}\\u{{301}}b\u{301}", "\u{301}".repeat(4))
        );
        assert_eq!(visible("abc", 2), "ab…");
    }
}
