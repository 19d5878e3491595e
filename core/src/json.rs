//! Canonical JSON (RFC 8785), and the one mapping between values and JSON.

use crate::text::text_from_bytes;
use crate::value::Value;
use crate::{Code, Error, Result};

/// Integers beyond this are not numbers in JSON (RFC 8785 section 3.2.2.3).
pub(crate) const MAX_SAFE: i64 = (1 << 53) - 1;

/// A value as canonical JSON: bytes become `{"$bytes": …}`, integers beyond 2^53 `{"$integer": …}`, and keys that start with `$` get one more.
#[must_use]
pub fn value_to_json(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Integer(value) if (-MAX_SAFE..=MAX_SAFE).contains(value) => out.push_str(&value.to_string()),
        Value::Integer(value) => object(out, |members| members.text("$integer", &value.to_string())),
        Value::Float(value) => out.push_str(ryu_js::Buffer::new().format(*value)),
        Value::Text(text) => quoted(out, text),
        Value::Bytes(bytes) => object(out, |members| members.text("$bytes", &text_from_bytes(bytes))),
        Value::List(values) => list(out, values, write_value),
        Value::Map(map) => entries(out, map.iter().map(|(key, value)| (key.as_str(), value))),
    }
}

/// A map as an object. One more `$` in front of those that have one changes nothing in the order of keys.
pub(crate) fn entries<'a>(out: &mut String, entries: impl Iterator<Item = (&'a str, &'a Value)>) {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
    object(out, |members| {
        for (key, value) in entries {
            let out = if key.starts_with('$') { members.name(&format!("${key}")) } else { members.name(key) };
            write_value(out, value);
        }
    });
}

/// Members being written; they come in the order of their names' UTF-16 code units (RFC 8785 section 3.2.3).
pub(crate) struct Members<'a> {
    out: &'a mut String,
    first: bool,
}

impl Members<'_> {
    /// Writes a name; the value comes next.
    pub(crate) fn name(&mut self, name: &str) -> &mut String {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        quoted(self.out, name);
        self.out.push(':');
        self.out
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        quoted(self.name(name), text);
    }

    pub(crate) fn optional(&mut self, name: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(name, text.as_ref());
        }
    }
}

pub(crate) fn object(out: &mut String, write: impl FnOnce(&mut Members<'_>)) {
    out.push('{');
    write(&mut Members { out, first: true });
    out.push('}');
}

pub(crate) fn list<T>(out: &mut String, values: impl IntoIterator<Item = T>, write: impl Fn(&mut String, T)) {
    out.push('[');
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(out, value);
    }
    out.push(']');
}

/// A JSON string by RFC 8785 section 3.2.2.2, which is how serde_json writes them. Most texts have nothing to escape.
pub(crate) fn quoted(out: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return out.push_str(&serde_json::Value::from(text).to_string());
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
}

/// A value from JSON, by the same mapping. A number without a fractional part that is written as a float (`1.0`, `1e3`) is `value-unsupported`, as is
/// an integer beyond 2^53; duplicate keys and bad JSON are `malformed`.
pub fn value_from_json(json: &str) -> Result<Value> {
    if json.len() > crate::limits::MAX_VALUE {
        return Err(Code::TooLarge.into());
    }
    let value: Json = serde_json::from_str(json).map_err(|_| Error::about(Code::Malformed, "not JSON, or a key given twice"))?;
    value.into_value()
}

/// JSON as it is written: keys in order and none twice.
enum Json {
    Value(Value),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    Unsafe,
}

impl Json {
    fn into_value(self) -> Result<Value> {
        match self {
            Json::Value(value) => Ok(value),
            Json::List(values) => Ok(Value::List(values.into_iter().map(Json::into_value).collect::<Result<_>>()?)),
            Json::Unsafe => Err(Error::about(Code::ValueUnsupported, "a number that JSON does not keep")),
            Json::Object(mut entries) => {
                if entries.len() == 1 && matches!(&*entries[0].0, "$bytes" | "$integer") {
                    let (key, value) = entries.remove(0);
                    return special(&key, value);
                }
                Ok(Value::Map(
                    entries.into_iter().map(|(key, value)| Ok((unescaped_key(key)?, value.into_value()?))).collect::<Result<_>>()?,
                ))
            }
        }
    }
}

fn special(key: &str, value: Json) -> Result<Value> {
    let malformed = Error::about(Code::Malformed, "$bytes or $integer");
    let Json::Value(Value::Text(text)) = value else { return Err(malformed) };
    if key == "$bytes" {
        return crate::text::bytes_from_text(&text, crate::limits::MAX_VALUE).map(Value::Bytes);
    }
    match text.parse::<i64>() {
        Ok(integer) if integer.to_string() == text && !(-MAX_SAFE..=MAX_SAFE).contains(&integer) => Ok(Value::Integer(integer)),
        _ => Err(malformed),
    }
}

fn unescaped_key(key: String) -> Result<String> {
    match key.strip_prefix('$') {
        None => Ok(key),
        Some(rest) if rest.starts_with('$') => Ok(rest.to_owned()),
        Some(_) => Err(Error::about(Code::Malformed, "a key that starts with one $")),
    }
}

impl<'de> serde::Deserialize<'de> for Json {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> serde::de::Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> std::result::Result<Json, E> {
        Ok(Json::Value(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Json, E> {
        Ok(Json::Value(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Json, E> {
        Ok(if value < -MAX_SAFE { Json::Unsafe } else { Json::Value(Value::Integer(value)) })
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Json, E> {
        Ok(if value > MAX_SAFE as u64 { Json::Unsafe } else { Json::Value(Value::Integer(value as i64)) })
    }

    fn visit_f64<E>(self, value: f64) -> std::result::Result<Json, E> {
        Ok(if crate::cbor::is_fraction(value) { Json::Value(Value::Float(value)) } else { Json::Unsafe })
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Json, E> {
        Ok(Json::Value(Value::Text(value.to_owned())))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut values: A) -> std::result::Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> std::result::Result<Json, A::Error> {
        let mut entries: Vec<(String, Json)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            if !seen.insert(key.clone()) {
                return Err(serde::de::Error::custom("a key given twice"));
            }
            entries.push((key, value));
        }
        Ok(Json::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_json_and_back() {
        for (value, json) in [
            (Value::Integer(MAX_SAFE), "9007199254740991"),
            (Value::Integer(MAX_SAFE + 1), r#"{"$integer":"9007199254740992"}"#),
            (Value::Float(1.5e-7), "1.5e-7"),
            (Value::Bytes(vec![1]), r#"{"$bytes":"AQ"}"#),
            (Value::Map(vec![("$bytes".into(), Value::from("AQ"))]), r#"{"$$bytes":"AQ"}"#),
            (Value::from("\u{7f}\n\u{1}é"), "\"\u{7f}\\n\\u0001é\""),
        ] {
            assert_eq!(value_to_json(&value), json);
            assert_eq!(value_from_json(json).unwrap(), value);
        }
    }

    #[test]
    fn numbers_that_json_does_not_keep_are_refused() {
        for json in ["1.0", "1e3", "-0.0", "9007199254740992", "1e400", "[1.0]"] {
            assert!(matches!(value_from_json(json).unwrap_err().code(), Code::ValueUnsupported | Code::Malformed), "{json}");
        }
        assert_eq!(value_from_json(r#"{"a":1,"a":2}"#).unwrap_err().code(), Code::Malformed);
    }

    #[test]
    fn members_are_in_the_order_of_utf_16() {
        let map = Value::Map(vec![("\u{ff5e}".into(), Value::Null), ("\u{1f600}".into(), Value::Null), ("a".into(), Value::Null)]);
        assert_eq!(value_to_json(&map), "{\"a\":null,\"\u{1f600}\":null,\"\u{ff5e}\":null}");
    }
}
