//! Host patterns, for url and email (specification, constraints.md, "Hosts").

use super::address;
use super::set::Set;
use crate::cbor::Decoder;
use crate::{Code, Error, Result};

/// The longest domain of a pattern, in characters.
const MAX_DOMAIN: usize = 253;

/// Whether a text is a domain: labels of lower-case letters, digits, `-` and `_`, the last of which begins with a letter.
pub(super) fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    text.split('.').all(is_label) && text.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// Whether a text is an address as a URL writes it.
pub(super) fn is_address(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => address::parse(v6).is_some_and(|address| address.is_ipv6()),
        None => address::parse(host).is_some_and(|address| address.is_ipv4()),
    }
}

/// Names that no public resolver knows, or that lead to the machine itself (RFC 6761, RFC 6762, RFC 7686, RFC 8375).
const SPECIAL: [&str; 8] = ["localhost", "local", "internal", "test", "invalid", "onion", "home.arpa", "localdomain"];

/// Whether a domain can be one of the public internet.
pub(super) fn is_public_domain(domain: &str) -> bool {
    domain.contains('.') && !SPECIAL.iter().any(|special| is_below(domain, special) || domain == *special)
}

/// Whether `host` is a domain below `domain`.
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// A set of host patterns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hosts {
    pub(super) set: Set,
}

impl Hosts {
    pub(super) fn new<'a>(hosts: impl IntoIterator<Item = &'a str>, addresses: bool) -> Result<Self> {
        Hosts::of(Set::new(hosts)?, addresses)
    }

    pub(super) fn read(decoder: &mut Decoder<'_>, addresses: bool) -> Result<Self> {
        Hosts::of(Set::read_texts(decoder)?, addresses)
    }

    fn of(set: Set, addresses: bool) -> Result<Self> {
        let set = set.not_empty()?;
        if let Some(pattern) = set.texts().find(|pattern| !is_pattern(pattern, addresses)) {
            return Err(Error::named(Code::ConstraintInvalid, "host", pattern));
        }
        Ok(Hosts { set })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.set.texts()
    }

    /// Whether a host is one of them: a domain or an address in canonical form.
    pub(super) fn accept(&self, host: &str) -> bool {
        let is_domain = !is_address(host);
        self.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some("") => is_domain,
            Some(rest) => is_domain && is_below(host, &rest[1..]),
            None => pattern == host,
        })
    }

    /// A pattern of the child whose hosts are not all among these. A child need not be public; with `public`, this one is.
    pub(super) fn missing<'c>(&self, child: &'c Hosts, public: bool) -> Option<&'c str> {
        child.iter().find(|pattern| !self.covers(pattern) || (public && !only_public(pattern)))
    }

    fn covers(&self, child: &str) -> bool {
        let Some(rest) = child.strip_prefix('*') else { return self.accept(child) };
        self.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some("") => true,
            Some(suffix) => rest == suffix || is_below(rest.trim_start_matches('.'), &suffix[1..]),
            None => false,
        })
    }
}

fn is_pattern(pattern: &str, addresses: bool) -> bool {
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|domain| domain.len() <= MAX_DOMAIN && is_domain(domain)),
        None => (pattern.len() <= MAX_DOMAIN && is_domain(pattern)) || (addresses && is_address(pattern)),
    }
}

/// Whether every host of a pattern is public.
fn only_public(pattern: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => !SPECIAL.iter().any(|special| domain == *special || is_below(domain, special) || is_below(special, domain)),
        None if pattern == "*" => false,
        None if is_address(pattern) => address::is_public_address(pattern.trim_matches(['[', ']'])),
        None => is_public_domain(pattern),
    }
}
