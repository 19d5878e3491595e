//! Constraints: what values an argument may have, and when one constraint is narrower than another.
//!
//! The first nine types follow section 4.5 of draft-niyikiza-oauth-attenuating-agent-tokens-02 (specification, constraints.md).

mod address;
mod check;
mod codec;
mod describe;
mod hosts;
mod languages;
mod make;
mod meet;
mod narrower;
mod number;
mod path;
mod rules;
mod scalars;
mod set;
mod structures;
mod text_pattern;
mod texts;

mod url;
mod window;

pub use address::is_public_address;
pub use number::{Number, Range};
pub use rules::ArgumentRules;
pub use url::UrlRule;

pub(crate) use describe::value_text;
pub(crate) use narrower::Witness;
#[cfg(feature = "os")]
pub(crate) use path::is_path;
pub(crate) use rules::{Excess, OTHERS, Widened};
pub(crate) use set::Set;

use crate::steps::Steps;
use crate::value::Value;

/// What values an argument may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint(pub(crate) Kind);

/// The types, by their number on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Any,
    Exact(set::Operand),
    Range(Range),
    OneOf(Set),
    NotOneOf(Set),
    Contains(Set),
    Subset(Set),
    All(Vec<Constraint>),
    AnyOf(Vec<Constraint>),
    Path(String),
    Glob(text_pattern::TextPattern),
    Regex(text_pattern::TextPattern),
    Url(Box<url::Url>),
    Cidr(address::Network),
    Email(hosts::Hosts),
    Each(Box<Constraint>),
    Length(u64, Option<u64>),
    Fields(ArgumentRules),
    TimeWindow(Option<u64>, Option<u64>),
    NotGlob(text_pattern::TextPattern),
}

impl Constraint {
    /// Whether a value is accepted. A value that cannot be encoded is not.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        value.encode().is_ok_and(|encoding| self.accepts_encoded(&encoding, &mut Steps::for_arguments(encoding.len())))
    }

    /// Whether every value that `child` accepts is accepted by this constraint (specification, constraints.md, "Narrower"). The same function
    /// decides when a token is made and when it is verified.
    #[must_use]
    pub fn subsumes(&self, child: &Constraint) -> bool {
        narrower::judge(self, child, &mut Steps::for_token()).is_ok()
    }

    /// A value that `child` accepts and this constraint does not: the proof that it is wider. None if it is narrower, and where none was found.
    #[must_use]
    pub fn counterexample(&self, child: &Constraint) -> Option<Value> {
        narrower::judge(self, child, &mut Steps::for_token()).err()?.0
    }

    /// The tightest constraint that can be expressed and accepts only what this one and `wanted` both accept: what may be given of what is asked
    /// for (specification, constraints.md, "Meet"). `too-deep` beyond the limit.
    pub fn narrow(&self, wanted: &Constraint) -> crate::Result<Constraint> {
        meet::narrow(self, wanted)
    }

    /// Whether a resolved network address may be connected to for a value of this argument: false if a url in here speaks of public addresses only
    /// and this is none, or no address at all.
    #[must_use]
    pub fn allows_address(&self, address: &str) -> bool {
        !self.requires_public() || is_public_address(address)
    }
}
