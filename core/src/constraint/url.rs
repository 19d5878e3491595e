//! URLs, in the one form that the parser of the WHATWG URL Standard gives back unchanged (specification, constraints.md, "Url").

use super::Kind;
use super::address::is_public_address;
use super::hosts::{Hosts, is_address, is_domain, is_public_domain};
use super::set::Set;
use super::text_pattern::TextPattern;
use crate::cbor::{Decoder, Encoder, Type};
use crate::steps::Steps;
use crate::{Code, Error, Result};

/// Which URLs are accepted: schemes, hosts, ports, path. Made by [`UrlRule::hosts`], then changed as needed.
#[derive(Clone, Debug)]
pub struct UrlRule {
    /// Of `http`, `https`, `ws`, `wss`, `ftp`; at first `https` alone.
    pub schemes: Vec<String>,
    /// Domains, `*.` and a domain, `*`, IPv4 and bracketed IPv6 addresses.
    pub hosts: Vec<String>,
    /// Port numbers, or any; at first 443 alone.
    pub ports: Option<Vec<u16>>,
    /// A glob for the path, or any; at first any.
    pub path: Option<String>,
    /// Whether only names and addresses of the public internet are accepted; at first no.
    pub public: bool,
}

impl UrlRule {
    /// `https` at the default port of these hosts, any path.
    pub fn hosts<S: Into<String>>(hosts: impl IntoIterator<Item = S>) -> Self {
        UrlRule {
            schemes: vec!["https".into()],
            hosts: hosts.into_iter().map(Into::into).collect(),
            ports: Some(vec![443]),
            path: None,
            public: false,
        }
    }

    /// The default ports of these schemes, for [`UrlRule::ports`]; a scheme that is not known has none.
    #[must_use]
    pub fn default_ports(schemes: &[String]) -> Vec<u16> {
        schemes.iter().filter_map(|scheme| default_port(scheme)).collect()
    }
}

/// The schemes that are known, with their default ports.
pub(super) const SCHEMES: [(&str, u16); 5] = [("ftp", 21), ("http", 80), ("https", 443), ("ws", 80), ("wss", 443)];

/// A rule that was found valid.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Url {
    pub(super) schemes: Set,
    pub(super) hosts: Hosts,
    pub(super) ports: Option<Vec<u16>>,
    pub(super) path: Option<TextPattern>,
    pub(super) public: bool,
}

impl Url {
    pub(super) fn new(rule: UrlRule) -> Result<Self> {
        let ports = rule.ports.map(|mut ports| {
            ports.sort_unstable();
            ports.dedup();
            ports
        });
        let path = rule.path.as_deref().map(TextPattern::url_path).transpose()?;
        let hosts = Hosts::new(rule.hosts.iter().map(String::as_str), true)?;
        Url { schemes: Set::new(rule.schemes)?, hosts, ports, path, public: rule.public }.validated()
    }

    /// Reads what follows the type, of an array of so many elements.
    pub(super) fn read(decoder: &mut Decoder<'_>, length: usize) -> Result<Self> {
        let schemes = check_schemes(Set::read_texts(decoder)?)?;
        let hosts = Hosts::read(decoder, true)?;
        let ports = match decoder.peek()? {
            Type::Null => decoder.null().map(|()| None)?,
            _ => Some(read_ports(decoder)?),
        };
        let path = match decoder.peek()? {
            Type::Null => decoder.null().map(|()| None)?,
            _ => Some(TextPattern::url_path(decoder.text()?)?),
        };
        let public = length == 6;
        if public && decoder.unsigned()? != 1 {
            return Err(Code::ConstraintUnknown.into());
        }
        Url { schemes, hosts, ports, path, public }.validated()
    }

    /// Writes the whole array, with its type.
    pub(super) fn write(&self, out: &mut Encoder) {
        out.array(if self.public { 6 } else { 5 }).unsigned(12);
        self.schemes.write(out);
        self.hosts.set.write(out);
        match &self.ports {
            None => drop(out.null()),
            Some(ports) => {
                out.array(ports.len());
                for port in ports {
                    out.unsigned((*port).into());
                }
            }
        }
        match &self.path {
            None => drop(out.null()),
            Some(path) => drop(out.text(path.text())),
        }
        if self.public {
            out.unsigned(1);
        }
    }

    fn validated(mut self) -> Result<Self> {
        self.schemes = check_schemes(self.schemes)?;
        if self.ports.as_ref().is_some_and(|ports| ports.is_empty() || ports[0] == 0) {
            return Err(Error::about(Code::ConstraintInvalid, "ports from 1 to 65535 are expected"));
        }
        let private = |host: &&str| is_address(host) && !is_public_address(host.trim_matches(['[', ']']));
        if let Some(host) = self.hosts.iter().find(private).filter(|_| self.public) {
            return Err(Error::named(Code::ConstraintInvalid, "not a public address:", host));
        }
        Ok(self)
    }

    pub(super) fn accepts(&self, text: &str, steps: &mut Steps) -> bool {
        let Some(parts) = Parts::of(text) else { return false };
        self.schemes.has_text(parts.scheme)
            && self.hosts.accept(parts.host)
            && self.ports.as_ref().is_none_or(|ports| ports.binary_search(&parts.port).is_ok())
            && (!self.public || is_address(parts.host) || is_public_domain(parts.host))
            && self.path.as_ref().is_none_or(|path| path.matches(parts.path, steps) == Some(true))
    }
}

fn check_schemes(schemes: Set) -> Result<Set> {
    let schemes = schemes.not_empty()?;
    if let Some(scheme) = schemes.texts().find(|scheme| default_port(scheme).is_none()) {
        return Err(Error::named(Code::ConstraintInvalid, "scheme", scheme));
    }
    Ok(schemes)
}

fn read_ports(decoder: &mut Decoder<'_>) -> Result<Vec<u16>> {
    let length = decoder.array()?;
    let mut ports = Vec::with_capacity(length.min(64));
    let mut previous: &[u8] = &[];
    for _ in 0..length {
        let start = decoder.position();
        let port = decoder.unsigned()?;
        decoder.ascending(&mut previous, start)?;
        ports.push(u16::try_from(port).map_err(|_| Error::about(Code::ConstraintInvalid, "ports from 1 to 65535 are expected"))?);
    }
    Ok(ports)
}

fn default_port(scheme: &str) -> Option<u16> {
    SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port)
}

/// What a canonical URL consists of.
pub(super) struct Parts<'a> {
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) path: &'a str,
}

impl<'a> Parts<'a> {
    /// Of a URL in canonical form, and of nothing else.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let default = default_port(scheme)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = match authority.rfind(':').filter(|at| !authority[*at..].contains(']')) {
            Some(colon) => (&authority[..colon], explicit_port(&authority[colon + 1..], default)?),
            None => (authority, default),
        };
        if !is_domain(host) && !is_address(host) {
            return None;
        }
        let (before_fragment, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = before_fragment.split_once('?').unwrap_or((before_fragment, ""));
        let path = if rest.is_empty() { "/" } else { path };
        (is_path(path) && is_tail(query) && is_tail(fragment)).then_some(Parts { scheme, host, port, path })
    }
}

/// A port that is written out, and so is not the default.
fn explicit_port(text: &str, default: u16) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    (port != 0 && port != default && port.to_string() == text).then_some(port)
}

fn is_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let (before, last) = rest.rsplit_once('/').map_or((None, rest), |(before, last)| (Some(before), last));
    let is_segment = |segment: &str| segment.bytes().any(|byte| byte != b'.') && is_written(segment, b"-._~!$&'()*+,=:@", is_harmless);
    before.is_none_or(|before| before.split('/').all(is_segment)) && (last.is_empty() || is_segment(last))
}

/// Whether a glob looks like a path: as a path, but with `?`.
pub(super) fn is_path_pattern(pattern: &str) -> bool {
    is_path(&pattern.replace('?', "*"))
}

/// A query or fragment.
fn is_tail(text: &str) -> bool {
    is_written(text, b"-._~!$&()*+,;=:@/?", |_, _| true)
}

/// Letters, digits, these, and `%XX` with two hexadecimal digits that are allowed.
fn is_written(text: &str, more: &[u8], allowed: fn(u8, u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => match (bytes.next(), bytes.next()) {
                (Some(high), Some(low)) => high.is_ascii_hexdigit() && low.is_ascii_hexdigit() && allowed(high, low),
                _ => false,
            },
            _ => byte.is_ascii_alphanumeric() || more.contains(&byte),
        };
        if !fine {
            return false;
        }
    }
    true
}

/// Upper-case digits that decode to no control character, percent sign, dot, slash or backslash.
fn is_harmless(high: u8, low: u8) -> bool {
    let upper = |digit: u8| !digit.is_ascii_lowercase();
    let refused = matches!((high, low), (b'0' | b'1', _) | (b'2', b'5' | b'E' | b'F') | (b'5', b'C') | (b'7', b'F'));
    upper(high) && upper(low) && !refused
}

impl super::Constraint {
    /// Whether a url in here, on any branch and at any depth, speaks of public addresses only. More than one branch is not told apart: an address alone
    /// does not say which of them a value took.
    pub(super) fn requires_public(&self) -> bool {
        match &self.0 {
            Kind::Url(url) => url.public,
            Kind::All(parts) | Kind::AnyOf(parts) => parts.iter().any(Self::requires_public),
            Kind::Each(element) => element.requires_public(),
            Kind::Fields(rules) => rules.iter().any(|(_, constraint, _)| constraint.requires_public()),
            _ => false,
        }
    }
}
