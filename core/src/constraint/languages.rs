//! The languages of paths, e-mail addresses and URLs, for comparing with patterns: `path`, `check` and `url` decide about values by hand.

use regex_syntax::hir::ClassUnicode;

use super::address::Network;
use super::hosts::Hosts;
use super::url::{SCHEMES, Url};
use crate::pattern::{Node, iregexp, plain_chars, without};

/// A language in the notation of RFC 9485.
fn language(pattern: &str) -> Option<Node> {
    iregexp(pattern).ok()
}

/// Paths equal to or below a root.
pub(super) fn path(root: &str) -> Node {
    let inner = without(plain_chars(), &['/', ':']);
    let last = Node::Class(without(inner.clone(), &['.', ' ']));
    let below = Node::Concat(vec![Node::literal("/"), Node::any_number(inner), last]);
    match root {
        "/" => Node::Alternation(vec![Node::literal("/"), below.repeated(1, None)]),
        root => Node::Concat(vec![Node::literal(root), below.repeated(0, None)]),
    }
}

const LABEL: &str = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?";
const LAST_LABEL: &str = "[a-z]([a-z0-9_-]*[a-z0-9_])?";

/// The hosts of a pattern.
fn host(pattern: &str) -> Option<Node> {
    match pattern.strip_prefix("*.") {
        Some(domain) => Some(Node::Concat(vec![language(&format!(r"({LABEL}\.)+"))?, Node::literal(domain)])),
        None if pattern == "*" => language(&format!(r"({LABEL}\.)*{LAST_LABEL}")),
        None => Some(Node::literal(pattern)),
    }
}

fn any_of<'a>(patterns: impl IntoIterator<Item = &'a str>, node: impl Fn(&str) -> Option<Node>) -> Option<Node> {
    patterns.into_iter().map(node).collect::<Option<Vec<_>>>().map(Node::Alternation)
}

/// E-mail addresses at these hosts, whose letters may be of either case.
pub(super) fn email(hosts: &Hosts) -> Option<Node> {
    const ATOM: &str = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    let local = language(&format!(r"{ATOM}(\.{ATOM})*@"))?;
    Some(Node::Concat(vec![local, any_of(hosts.iter(), host)?.map(&in_either_case)]))
}

/// A class of lower-case ASCII characters, with the upper-case ones.
fn in_either_case(mut class: ClassUnicode) -> ClassUnicode {
    let upper = class.ranges().iter().filter(|range| range.start().is_ascii_lowercase() && range.end().is_ascii_lowercase());
    let upper: Vec<_> = upper.map(|range| (range.start().to_ascii_uppercase(), range.end().to_ascii_uppercase())).collect();
    class.union(&crate::pattern::class(upper));
    class
}

/// The paths of canonical URLs.
fn url_paths() -> String {
    const PLAIN: &str = "[A-Za-z0-9_~!$&'()*+,=:@-]";
    const ESCAPED: &str = "%([3468-9A-F][0-9A-F]|2[0-46-9A-D]|5[0-9ABD-F]|7[0-9A-E])";
    let segment = format!(r"\.*({PLAIN}|{ESCAPED})({PLAIN}|\.|{ESCAPED})*");
    format!("(/{segment})*/({segment})?")
}

pub(super) fn any_url_path() -> Option<Node> {
    language(&url_paths())
}

/// The URLs of a rule, and more: after the host and port, any characters that URLs are written with.
pub(super) fn url(rule: &Url) -> Option<Node> {
    const REST: &str = "([/?#][A-Za-z0-9._~!$&'()*+,;=:@/?#%-]*)?";
    let hosts = any_of(rule.hosts.iter(), host)?;
    let schemes = any_of(rule.schemes.texts(), |scheme| {
        let (_, default) = SCHEMES.into_iter().find(|(name, _)| *name == scheme)?;
        let port = match &rule.ports {
            None => language("(:[0-9]+)?")?,
            Some(ports) => Node::Alternation(
                ports.iter().map(|port| if *port == default { Node::empty() } else { Node::literal(&format!(":{port}")) }).collect(),
            ),
        };
        Some(Node::Concat(vec![Node::literal(&format!("{scheme}://")), hosts.clone(), port]))
    })?;
    Some(Node::Concat(vec![schemes, language(REST)?]))
}

/// The addresses of a network, and more: of an IPv4 address the whole numbers that are fixed, of an IPv6 address nothing.
pub(super) fn addresses(network: &Network) -> Option<Node> {
    language(&match network.fixed_octets() {
        Some(fixed) => (0..4).map(|at| fixed.get(at).map_or("[0-9]{1,3}".to_owned(), u8::to_string)).collect::<Vec<_>>().join(r"\."),
        None => "[0-9a-f:]+".to_owned(),
    })
}

/// Timestamps of any time, and more.
pub(super) fn timestamps() -> Option<Node> {
    language(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
}
