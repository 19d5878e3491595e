//! Making constraints.

use super::text_pattern::TextPattern;
use super::{ArgumentRules, Constraint, Kind, Range, Set, UrlRule, address, hosts, path, set, url, window};
use crate::time::Timestamp;
use crate::value::Value;
use crate::{Code, Error, Result, limits};

impl Constraint {
    /// Every value.
    #[must_use]
    pub const fn any() -> Self {
        Constraint(Kind::Any)
    }

    /// This value, of this type. Errors as [`Value::encode`].
    pub fn exact(value: impl Into<Value>) -> Result<Self> {
        Ok(Constraint(Kind::Exact(set::Operand::new(&value.into())?)))
    }

    /// Numbers within bounds. `constraint-invalid` if no number can be within.
    pub fn range(range: Range) -> Result<Self> {
        range.validate()?;
        Ok(Constraint(Kind::Range(range)))
    }

    /// One of these values; none at all accepts nothing.
    pub fn one_of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        Ok(Constraint(Kind::OneOf(Set::new(values)?)))
    }

    /// Every value but these. `constraint-invalid` for none.
    pub fn not_one_of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        Ok(Constraint(Kind::NotOneOf(Set::new(values)?.not_empty()?)))
    }

    /// Lists in which each of these occurs. `constraint-invalid` for none.
    pub fn contains<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        Ok(Constraint(Kind::Contains(Set::new(values)?.not_empty()?)))
    }

    /// Lists whose elements are all among these.
    pub fn subset<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        Ok(Constraint(Kind::Subset(Set::new(values)?)))
    }

    /// What all of these accept. `constraint-invalid` for none, `too-deep` beyond the limit.
    pub fn all(parts: Vec<Constraint>) -> Result<Self> {
        Constraint(Kind::All(parts)).validated()
    }

    /// What at least one of these accepts. `constraint-invalid` for none, `too-deep` beyond the limit.
    pub fn any_of(parts: Vec<Constraint>) -> Result<Self> {
        Constraint(Kind::AnyOf(parts)).validated()
    }

    /// Absolute paths equal to or below `root`. `constraint-invalid` for a root that is not normalised.
    pub fn path(root: &str) -> Result<Self> {
        path::check_root(root)?;
        Ok(Constraint(Kind::Path(root.to_owned())))
    }

    /// Plain texts that match: `*` within a segment, `**` across, `?` one character. `constraint-invalid`, `too-large`.
    pub fn glob(pattern: &str) -> Result<Self> {
        Ok(Constraint(Kind::Glob(TextPattern::glob(pattern)?)))
    }

    /// Plain texts that do not match. `constraint-invalid`, `too-large`.
    pub fn not_glob(pattern: &str) -> Result<Self> {
        Ok(Constraint(Kind::NotGlob(TextPattern::glob(pattern)?)))
    }

    /// Texts that match an I-Regexp (RFC 9485) as a whole. `constraint-invalid`, `too-large`.
    pub fn regex(pattern: &str) -> Result<Self> {
        Ok(Constraint(Kind::Regex(TextPattern::regex(pattern)?)))
    }

    /// Canonical URLs within a rule. `constraint-invalid`, `too-large`.
    pub fn url(rule: UrlRule) -> Result<Self> {
        Ok(Constraint(Kind::Url(Box::new(url::Url::new(rule)?))))
    }

    /// Addresses in a network, such as `10.0.0.0/8`. `constraint-invalid` unless it is in canonical form.
    pub fn cidr(network: &str) -> Result<Self> {
        Ok(Constraint(Kind::Cidr(address::Network::new(network)?)))
    }

    /// E-mail addresses at these hosts: a domain, `*.` and a domain, or `*`. `constraint-invalid`.
    pub fn email<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        Ok(Constraint(Kind::Email(hosts::Hosts::new(hosts, false)?)))
    }

    /// Lists each of whose elements this accepts. `too-deep` beyond the limit.
    pub fn each(element: Constraint) -> Result<Self> {
        Constraint(Kind::Each(Box::new(element))).validated()
    }

    /// Texts of so many characters, lists of so many elements. `constraint-invalid` if the least is above the most.
    pub fn length(least: u64, most: Option<u64>) -> Result<Self> {
        if most.is_some_and(|most| most < least) || least.max(most.unwrap_or(0)) > limits::MAX_LENGTH {
            return Err(Error::about(Code::ConstraintInvalid, "a length"));
        }
        Ok(Constraint(Kind::Length(least, most)))
    }

    /// Maps whose entries satisfy these rules. Errors as [`crate::Tools::allow`], and `too-deep`.
    pub fn fields(rules: ArgumentRules) -> Result<Self> {
        Constraint(Kind::Fields(rules.validated()?)).validated()
    }

    /// Timestamps (RFC 3339) between two instants, both included. `constraint-invalid` for two that are missing, or from after until.
    pub fn time_window(from: Option<Timestamp>, until: Option<Timestamp>) -> Result<Self> {
        let (from, until) = (from.map(Timestamp::secs), until.map(Timestamp::secs));
        window::check_window(from, until)?;
        Ok(Constraint(Kind::TimeWindow(from, until)))
    }

    /// The depth of constraints in constraints.
    pub(super) fn depth(&self) -> usize {
        let below = match &self.0 {
            Kind::All(parts) | Kind::AnyOf(parts) => parts.iter().map(Constraint::depth).max(),
            Kind::Each(element) => Some(element.depth()),
            Kind::Fields(rules) => rules.iter().map(|(_, constraint, _)| constraint.depth()).max(),
            _ => None,
        };
        1 + below.unwrap_or(0)
    }

    /// The sizes of its patterns together.
    pub(crate) fn pattern_size(&self) -> usize {
        match &self.0 {
            Kind::Glob(pattern) | Kind::Regex(pattern) | Kind::NotGlob(pattern) => pattern.size(),
            Kind::Url(url) => url.path.as_ref().map_or(0, TextPattern::size),
            Kind::All(parts) | Kind::AnyOf(parts) => parts.iter().map(Constraint::pattern_size).sum(),
            Kind::Each(element) => element.pattern_size(),
            Kind::Fields(rules) => rules.pattern_size(),
            _ => 0,
        }
    }

    fn validated(self) -> Result<Self> {
        if let Kind::All(parts) | Kind::AnyOf(parts) = &self.0
            && parts.is_empty()
        {
            return Err(Error::about(Code::ConstraintInvalid, "no parts"));
        }
        if self.depth() > limits::MAX_CONSTRAINT_DEPTH { Err(Code::TooDeep.into()) } else { Ok(self) }
    }
}
