//! Constraints as sentences: what a value must be.

use std::fmt;

use super::{Constraint, Kind, Set};
use crate::error::shown;
use crate::json::value_to_json;
use crate::time::Timestamp;
use crate::value::Value;

/// How many characters of one operand are shown, and how many operands of a set.
const MAX_OPERAND: usize = 60;
const MAX_OPERANDS: usize = 8;

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.write_str("anything"),
            Kind::Exact(operand) => f.write_str(&operand_text(&operand.0)),
            Kind::Range(range) => {
                let bound = |number: super::Number| value_to_json(&number.to_value());
                let low = range.min.map(|min| format!("{} {}", if range.min_open { "above" } else { "at least" }, bound(min)));
                let high = range.max.map(|max| format!("{} {}", if range.max_open { "below" } else { "at most" }, bound(max)));
                write!(f, "a number {}", [low, high].into_iter().flatten().collect::<Vec<_>>().join(" and "))
            }
            Kind::OneOf(set) if set.len() == 0 => f.write_str("nothing at all"),
            Kind::OneOf(set) => write!(f, "one of {}", list(set)),
            Kind::NotOneOf(set) => write!(f, "anything but {}", list(set)),
            Kind::Contains(set) => write!(f, "a list with {}", list(set)),
            Kind::Subset(set) => write!(f, "a list of any of {}", list(set)),
            Kind::All(parts) => joined(f, parts, " and "),
            Kind::AnyOf(parts) => joined(f, parts, " or "),
            Kind::Path(root) => write!(f, "a path at or below `{}`", text(root)),
            Kind::Glob(pattern) => write!(f, "a text like `{}`", text(pattern.text())),
            Kind::NotGlob(pattern) => write!(f, "a text not like `{}`", text(pattern.text())),
            Kind::Regex(pattern) => write!(f, "a text that matches `{}`", text(pattern.text())),
            Kind::Url(url) => {
                let schemes: Vec<&str> = url.schemes.texts().collect();
                write!(
                    f,
                    "a URL ({}) at {}{}",
                    schemes.join(", "),
                    if url.public { "a public host of " } else { "" },
                    list(&url.hosts.set)
                )?;
                if let Some(ports) = &url.ports {
                    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
                    write!(f, ", port {}", text(&ports.join(" or ")))?;
                }
                if let Some(path) = &url.path {
                    write!(f, ", with a path like `{}`", text(path.text()))?;
                }
                Ok(())
            }
            Kind::Cidr(network) => write!(f, "an address in {}", network.text()),
            Kind::Email(hosts) => write!(f, "an e-mail address at {}", list(&hosts.set)),
            Kind::Each(element) => write!(f, "a list in which each is {element}"),
            Kind::Length(least, Some(most)) => write!(f, "{least} to {most} long"),
            Kind::Length(least, None) => write!(f, "at least {least} long"),
            Kind::Fields(rules) => {
                let names: Vec<String> = rules.iter().map(|(name, ..)| format!("`{}`", text(name))).collect();
                write!(f, "a map of {}", if names.is_empty() { "anything".to_owned() } else { names.join(", ") })
            }
            Kind::TimeWindow(from, until) => {
                let time = |seconds: u64| Timestamp::from_secs(seconds).map_or(String::new(), Timestamp::to_rfc3339);
                let from = from.map(|from| format!("from {}", time(from)));
                let until = until.map(|until| format!("until {}", time(until)));
                write!(f, "a time {}", [from, until].into_iter().flatten().collect::<Vec<_>>().join(" "))
            }
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Constraint], between: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        match &part.0 {
            Kind::All(_) | Kind::AnyOf(_) => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

fn list(set: &Set) -> String {
    let mut shown: Vec<String> = set.iter().take(MAX_OPERANDS).map(operand_text).collect();
    if set.len() > MAX_OPERANDS {
        shown.push(format!("{} more", set.len() - MAX_OPERANDS));
    }
    shown.join(", ")
}

fn operand_text(encoding: &[u8]) -> String {
    Value::decode(encoding).map_or(String::new(), |value| value_text(&value))
}

/// A value as people read it: a text between backticks, the rest as JSON; cut.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Text(value) => format!("`{}`", text(value)),
        value => text(&value_to_json(value)),
    }
}

fn text(text: &str) -> String {
    shown(text, MAX_OPERAND)
}
