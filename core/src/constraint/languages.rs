//! The languages of paths, e-mail addresses and URLs: what `path`, `check` and `url` decide by hand, for comparing with patterns.

use regex_syntax::hir::ClassUnicode;

use super::hosts::Hosts;
use super::url::{SCHEMES, Url};
use crate::pattern::{Node, iregexp, plain_chars, without};
use crate::steps::Steps;

/// A language in the notation of RFC 9485.
pub(super) fn language(pattern: &str) -> Option<Node> {
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

/// Every canonical URL, and some that write out the default port or have an address in another form.
pub(super) fn any_url() -> Option<Node> {
    const TAIL: &str = "([A-Za-z0-9._~!$&()*+,;=:@/?-]|%[0-9A-Fa-f][0-9A-Fa-f])*";
    const PORT: &str = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
    let host = format!(r"(({LABEL}\.)*{LAST_LABEL}|[0-9.]+|\[[0-9a-f:.]+\])");
    language(&format!(r"(https?|wss?|ftp)://{host}(:{PORT})?({}(\?{TAIL})?(#{TAIL})?)?", url_paths()))
}

/// URLs that write out the default port of their scheme.
pub(super) fn default_ports() -> Option<Node> {
    let ends = |(scheme, port): (&str, u16)| format!("{scheme}://[^/?#]*:{port}");
    let schemes: Vec<String> = SCHEMES.into_iter().map(ends).collect();
    language(&format!(r"({})([/?#](.|\n|\r)*)?", schemes.join("|")))
}

/// What a rule says, without what is true of every URL.
pub(super) fn url(rule: &Url) -> Option<Node> {
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
    let rest = match &rule.path {
        None => language(r"([/?#](.|\n|\r)*)?")?,
        Some(path) => {
            let end = language(r"([?#](.|\n|\r)*)?")?;
            // Its wildcards end where the path ends.
            let glob = path.node().map(&|class| without(class, &['?', '#']));
            let within = Node::Concat(vec![glob, end]);
            let accepts_root = path.matches("/", &mut Steps::for_token()) == Some(true);
            if accepts_root { within.optional() } else { within }
        }
    };
    Some(Node::Concat(vec![schemes, rest]))
}
