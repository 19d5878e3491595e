//! A page that is put together: what comes from elsewhere gets in escaped, or not at all.

use std::fmt::Write as _;

use crate::visible::visible;

/// Characters of one text that are shown.
const MOST: usize = 300;
/// And of a sentence.
pub(super) const SENTENCE: usize = 600;

/// HTML. Only texts of this program are put in as they are.
#[derive(Debug, Default)]
pub(super) struct Html(String);

/// Numbers, which have no characters that mean something.
pub(super) trait Number: std::fmt::Display {}

impl Number for u64 {}
impl Number for usize {}

impl Html {
    pub(super) fn raw(&mut self, html: &'static str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    pub(super) fn number(&mut self, number: impl Number) -> &mut Self {
        let _ = write!(self.0, "{number}");
        self
    }

    /// A text, isolated: letters that are written from right to left do not move what stands beside them.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.raw("<bdi>").plain(text).raw("</bdi>")
    }

    /// A sentence of texts with arrows between them: letters that are written from right to left turn no arrow around.
    pub(super) fn sentence(&mut self, text: &str) -> &mut Self {
        for (at, part) in text.split(" → ").enumerate() {
            self.raw(if at == 0 { "<bdi dir=\"ltr\">" } else { " → <bdi dir=\"ltr\">" }).cut(part, SENTENCE).raw("</bdi>");
        }
        self
    }

    /// A text where there can be no element: in a title, an attribute, an SVG.
    pub(super) fn plain(&mut self, text: &str) -> &mut Self {
        self.cut(text, MOST)
    }

    /// The same, of so many characters, those of escapes counted.
    pub(super) fn cut(&mut self, text: &str, most: usize) -> &mut Self {
        for (at, c) in visible(text, most).chars().enumerate() {
            if at == most {
                self.0.push('…');
                break;
            }
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_put_in_as_text_is_markup() {
        let mut page = Html::default();
        page.text("<script>alert('1')</script>&\"\u{202e}\u{1b}[31m");
        assert_eq!(page.finish(), "<bdi>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;\\u{202e}\\u{1b}[31m</bdi>");
        let mut page = Html::default();
        page.sentence("a → \u{5d0}<");
        assert_eq!(page.finish(), "<bdi dir=\"ltr\">a</bdi> → <bdi dir=\"ltr\">\u{5d0}&lt;</bdi>");
        let mut page = Html::default();
        page.plain(&"<".repeat(1_000_000));
        assert_eq!(page.finish(), format!("{}…", "&lt;".repeat(MOST)));
    }
}
