//! Canonical JSON (RFC 8785) to deterministic CBOR, in one pass and without a tree: what checking a log spends most of its time on.

use std::borrow::Cow;
use std::ops::Range;

use crate::cbor::{Encoder, is_fraction};
use crate::json::MAX_SAFE;
use crate::limits;

/// Deeper than any record: a value within the arguments of a record.
const MAX_DEPTH: usize = limits::MAX_DEPTH + 4;

/// Bytes that are not the canonical JSON of a value.
#[derive(Debug)]
pub(crate) struct NotCanonical;

type Result<T, E = NotCanonical> = std::result::Result<T, E>;

/// What is reused from one text to the next.
#[derive(Debug, Default)]
pub(crate) struct Transcoder {
    out: Encoder,
    /// Of the maps that are being read, innermost last.
    entries: Vec<Entry>,
    /// A map in its new order.
    ordered: Encoder,
}

/// An entry of a map, in the output.
#[derive(Clone, Debug)]
struct Entry {
    key: Range<usize>,
    end: usize,
}

impl Transcoder {
    /// What was put out since the last time that it was cleared.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.out.as_slice()
    }

    /// For what goes around a text.
    pub(crate) const fn out(&mut self) -> &mut Encoder {
        &mut self.out
    }

    pub(crate) fn clear(&mut self) {
        self.out.clear();
        self.entries.clear();
    }

    /// Reads the object that a text begins with. Its length, and where the member `time` stands in the text, if it is a text itself.
    pub(crate) fn object(&mut self, text: &str) -> Result<(usize, Option<Range<usize>>)> {
        let mut reader = Reader { text, at: 0, time: None, to: self };
        if reader.peek() != Some(b'{') {
            return Err(NotCanonical);
        }
        reader.value(0)?;
        Ok((reader.at, reader.time))
    }
}

impl Transcoder {
    /// Puts the entries of the innermost map, which begin there, in the order of their encoded keys, and the head of the map in front.
    fn order(&mut self, start: usize, first: usize) {
        let bytes = self.out.as_slice();
        self.entries[first..].sort_unstable_by(|a, b| bytes[a.key.clone()].cmp(&bytes[b.key.clone()]));
        let mut ordered = std::mem::take(&mut self.ordered);
        ordered.clear();
        ordered.map(self.entries.len() - first);
        for entry in &self.entries[first..] {
            ordered.raw(&bytes[entry.key.start..entry.end]);
        }
        self.entries.truncate(first);
        self.out.truncate(start);
        self.out.raw(ordered.as_slice());
        self.ordered = ordered;
    }
}

struct Reader<'a, 't> {
    text: &'a str,
    at: usize,
    time: Option<Range<usize>>,
    to: &'t mut Transcoder,
}

impl<'a> Reader<'a, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, text: &str) -> Result<()> {
        if !self.text.as_bytes()[self.at..].starts_with(text.as_bytes()) {
            return Err(NotCanonical);
        }
        self.at += text.len();
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(NotCanonical);
        }
        match self.peek() {
            Some(b'"') => {
                let text = self.string()?;
                self.to.out.text(&text);
            }
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b't') => {
                self.take("true")?;
                self.to.out.bool(true);
            }
            Some(b'f') => {
                self.take("false")?;
                self.to.out.bool(false);
            }
            Some(b'n') => {
                self.take("null")?;
                self.to.out.null();
            }
            _ => self.number()?,
        }
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<()> {
        let start = self.to.out.len();
        let mut count = 0;
        self.take("[")?;
        while self.peek() != Some(b']') {
            if count > 0 {
                self.take(",")?;
            }
            self.value(depth + 1)?;
            count += 1;
        }
        self.at += 1;
        let mut head = Encoder::new();
        head.array(count);
        self.to.out.insert(start, head.as_slice());
        Ok(())
    }

    /// Keys come in the order of their UTF-16 code units (RFC 8785 section 3.2.3) and go out in that of their encoding.
    fn map(&mut self, depth: usize) -> Result<()> {
        let (start, first) = (self.to.out.len(), self.to.entries.len());
        let mut before: Option<Cow<'a, str>> = None;
        self.take("{")?;
        while self.peek() != Some(b'}') {
            if before.is_some() {
                self.take(",")?;
            }
            let key = self.string()?;
            self.take(":")?;
            if before.as_ref().is_some_and(|before| !before.encode_utf16().lt(key.encode_utf16())) {
                return Err(NotCanonical);
            }
            let name = match key.strip_prefix('$') {
                None => &*key,
                Some(rest) if rest.starts_with('$') => rest,
                Some(_) if before.is_none() && depth > 0 => return self.special(&key),
                Some(_) => return Err(NotCanonical),
            };
            let key_start = self.to.out.len();
            self.to.out.text(name);
            let key_end = self.to.out.len();
            let value_start = self.at;
            self.value(depth + 1)?;
            if depth == 0 && name == "time" && self.text.as_bytes()[value_start] == b'"' {
                self.time = Some(value_start + 1..self.at - 1);
            }
            self.to.entries.push(Entry { key: key_start..key_end, end: self.to.out.len() });
            before = Some(key);
        }
        self.at += 1;
        self.to.order(start, first);
        Ok(())
    }

    /// `{"$bytes": …}` and `{"$integer": …}`, after the key and the colon.
    fn special(&mut self, key: &str) -> Result<()> {
        let text = self.string()?;
        self.take("}")?;
        match key {
            "$bytes" => {
                let bytes = crate::text::bytes_from_text(&text, limits::MAX_VALUE).map_err(|_| NotCanonical)?;
                self.to.out.bytes(&bytes);
            }
            "$integer" => {
                let integer: i64 = text.parse().map_err(|_| NotCanonical)?;
                if integer.to_string() != *text || (-MAX_SAFE..=MAX_SAFE).contains(&integer) {
                    return Err(NotCanonical);
                }
                self.to.out.integer(integer);
            }
            _ => return Err(NotCanonical),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e')).unwrap_or(rest.len());
        let text = &rest[..end];
        self.at += end;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let integer: i64 = text.parse().map_err(|_| NotCanonical)?;
            let is_canonical = (!digits.starts_with('0') || text == "0") && (-MAX_SAFE..=MAX_SAFE).contains(&integer);
            if !is_canonical {
                return Err(NotCanonical);
            }
            self.to.out.integer(integer);
            return Ok(());
        }
        let float: f64 = text.parse().map_err(|_| NotCanonical)?;
        if !is_fraction(float) || ryu_js::Buffer::new().format(float) != text {
            return Err(NotCanonical);
        }
        self.to.out.float(float);
        Ok(())
    }

    /// A string, unescaped. What may be written as it is must not be escaped (RFC 8785 section 3.2.2.2).
    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.take("\"")?;
        let rest = &self.text[self.at..];
        let end = plain(rest)?;
        if rest.as_bytes()[end] == b'"' {
            self.at += end + 1;
            return Ok(Cow::Borrowed(&rest[..end]));
        }
        let (mut text, mut at) = (String::new(), 0);
        loop {
            let end = at + plain(&rest[at..])?;
            text.push_str(&rest[at..end]);
            if rest.as_bytes()[end] == b'"' {
                self.at += end + 1;
                return Ok(Cow::Owned(text));
            }
            let escape = &rest.as_bytes()[end + 1..];
            let (c, length) = match escape {
                [b'"', ..] => ('"', 1),
                [b'\\', ..] => ('\\', 1),
                [b'b', ..] => ('\u{8}', 1),
                [b't', ..] => ('\t', 1),
                [b'n', ..] => ('\n', 1),
                [b'f', ..] => ('\u{c}', 1),
                [b'r', ..] => ('\r', 1),
                [b'u', b'0', b'0', high @ (b'0' | b'1'), low @ (b'0'..=b'9' | b'a'..=b'f'), ..] => {
                    let low = if low.is_ascii_digit() { low - b'0' } else { low - b'a' + 10 };
                    let code = (high - b'0') * 16 + low;
                    if matches!(code, 8..=10 | 12 | 13) {
                        return Err(NotCanonical);
                    }
                    (char::from(code), 5)
                }
                _ => return Err(NotCanonical),
            };
            text.push(c);
            at = end + 1 + length;
        }
    }
}

/// Where the first quotation mark or backslash is; there are no controls before it.
fn plain(text: &str) -> Result<usize> {
    let end = memchr::memchr2(b'"', b'\\', text.as_bytes()).ok_or(NotCanonical)?;
    if text.as_bytes()[..end].iter().fold(false, |any, byte| any | (*byte < b' ')) { Err(NotCanonical) } else { Ok(end) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn transcoded(text: &str) -> Option<Vec<u8>> {
        let mut to = Transcoder::default();
        let (length, _) = to.object(text).ok()?;
        (length == text.len()).then(|| to.bytes().to_vec())
    }

    /// The same by the mapping of values, which keeps trees.
    fn mapped(text: &str) -> Option<Vec<u8>> {
        let value = crate::json::value_from_json(text).ok()?;
        (matches!(value, Value::Map(_)) && crate::json::value_to_json(&value) == text).then(|| value.encode().expect("a value"))
    }

    #[test]
    fn canonical_json_becomes_the_cbor_of_its_value() {
        for text in [
            "{}",
            r#"{"a":1,"b":[],"c":[1,-1,0,24,255,65536,9007199254740991,-9007199254740991],"d":{"e":null,"f":true,"g":false}}"#,
            r#"{"bb":1,"c":0.5,"d":1.1,"e":-1e-7,"f":5e-324}"#,
            r#"{"$$a":{"$bytes":"AQ"},"$$integer":{"$integer":"9007199254740992"},"b":{"$integer":"-9223372036854775808"}}"#,
            r#"{"a":"\"\\\b\t\n\f\r\u0000\u001f é 工具 😀"}"#,
            "{\"\u{1f600}\":1,\"\u{fb33}\":2}",
            &format!("{{\"a\":[{}1],\"b\":\"{}\"}}", "0,".repeat(300), "x".repeat(70_000)),
            &format!("{{{}}}", (100..400).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(",")),
        ] {
            let expected = mapped(text);
            assert!(expected.is_some(), "{text}");
            assert_eq!(transcoded(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        for text in [
            "",
            "{",
            "[]",
            "1",
            "null",
            "{} ",
            " {}",
            r#"{"a" :1}"#,
            r#"{"a": 1}"#,
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[,1]}"#,
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            "{\"\u{fb33}\":1,\"\u{1f600}\":2}",
            r#"{"a":01}"#,
            r#"{"a":-0}"#,
            r#"{"a":+1}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e3}"#,
            r#"{"a":0.50}"#,
            r#"{"a":9007199254740992}"#,
            r#"{"a":1e400}"#,
            r#"{"a":NaN}"#,
            r#"{"a":.5}"#,
            r#"{"a":-}"#,
            r#"{"a":}"#,
            r#"{"a":tru}"#,
            r#"{"a":"\/"}"#,
            r#"{"a":"\u0041"}"#,
            r#"{"a":"\u000a"}"#,
            r#"{"a":"\u001F"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\"}"#,
            "{\"a\":\"\n\"}",
            "{\"a\":\"\u{1}\"}",
            r#"{"$a":1}"#,
            r#"{"$bytes":1}"#,
            r#"{"$bytes":"A"}"#,
            r#"{"$integer":"1"}"#,
            r#"{"a":{"$integer":"09007199254740992"}}"#,
            r#"{"a":{"$bytes":"AQ","b":1}}"#,
            r#"{"a":{"b":1,"$bytes":"AQ"}}"#,
            r#"{"a":{"$bytes":"AQ=="}}"#,
            r#"{"$bytes":"AQ"}"#,
            r#"{"$integer":"9007199254740992"}"#,
        ] {
            assert_eq!(transcoded(text), None, "{text}");
        }
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(transcoded(&nested(MAX_DEPTH)).is_some());
        assert!(transcoded(&nested(MAX_DEPTH + 1)).is_none());
        assert!(transcoded(&nested(1_000_000)).is_none());
    }

    /// Each byte replaced, taken out and put in.
    #[test]
    fn both_ways_agree_about_every_text_beside_a_canonical_one() {
        for text in [
            r#"{"a":1,"b":[true,-1.5,{"$$c":"\"\n\u0001é"}],"d":{"$bytes":"AQ"},"e":{"$integer":"-9007199254740992"},"f":[],"g":{}}"#,
            "{\"\u{1f600}\":5e-324,\"\u{fb33}\":null,\"\u{ffff}\":9007199254740991}",
        ] {
            assert!(transcoded(text).is_some(), "{text}");
            for at in 0..text.len() {
                let pieces = [&[][..], &text.as_bytes()[at..=at]].into_iter();
                for piece in pieces.chain((b' '..=b'~').collect::<Vec<_>>().chunks(1)) {
                    for after in [at, at + 1] {
                        let other = [&text.as_bytes()[..at], piece, &text.as_bytes()[after..]].concat();
                        let Ok(other) = String::from_utf8(other) else { continue };
                        assert_eq!(transcoded(&other), mapped(&other), "{other}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_time_is_found_where_it_is_a_member_of_the_object_itself() {
        let time = |text: &str| Transcoder::default().object(text).unwrap().1.map(|range| text[range].to_owned());
        assert_eq!(time(r#"{"a":{"time":"x"},"time":"2026","z":1}"#).as_deref(), Some("2026"));
        assert_eq!(time(r#"{"a":{"time":"x"},"time":5}"#), None);
    }
}
