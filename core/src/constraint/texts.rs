//! Texts: every constraint on them is a language, and automata decide which is within which.

use std::sync::Arc;

use super::languages;
use super::narrower::{Verdict, Witness, is_excess};
use super::text_pattern::TextPattern;
use super::url::Url;
use super::{Constraint, Kind};
use crate::cbor::Decoder;
use crate::limits;
use crate::pattern::{Atom, Automaton, Formula, Found, Node, plain, search};
use crate::steps::Steps;
use crate::time::Timestamp;
use crate::value::Value;

pub(super) fn judge(parent: &Constraint, child: &Constraint, steps: &mut Steps) -> Verdict {
    if let (Kind::Url(outer), Kind::Url(inner)) = (&parent.0, &child.0) {
        return Err(outer.widened_by(inner, steps).unwrap_or(Witness(None)));
    }
    if let (Kind::Cidr(outer), Kind::Cidr(inner)) = (&parent.0, &child.0) {
        return Err(Witness(inner.outside(outer).map(|address| Value::Text(address.to_string()))));
    }
    if let (Kind::TimeWindow(..), Kind::TimeWindow(from, until)) = (&parent.0, &child.0) {
        let ends = [*from, *until, Some(0), Some(Timestamp::MAX.secs())].into_iter().flatten();
        let times = ends.filter_map(|seconds| Timestamp::from_secs(seconds).ok()).map(|time| Value::Text(time.to_rfc3339()));
        let before_1970 = Value::Text("1969-12-31T23:59:59Z".into());
        return Err(Witness(steps.aside(|steps| times.chain([before_1970]).find(|time| is_excess(parent, child, time, steps)))));
    }
    let mut languages = Languages::default();
    let (wanted, allowed) = match (languages.formula(child, Role::Child, steps), languages.formula(parent, Role::Parent, steps)) {
        (Some(wanted), Some(allowed)) => (wanted, allowed),
        _ => return Err(Witness(None)),
    };
    match search(&languages.atoms, &wanted, &allowed, steps) {
        Found::None => Ok(()),
        Found::Unknown => Err(Witness(None)),
        // A url, network or time window stood for a larger set: the text need not be one.
        Found::Text(text) => {
            let text = Value::Text(text);
            Err(Witness(steps.aside(|steps| is_excess(parent, child, &text, steps)).then_some(text)))
        }
    }
}

/// What it costs to write down a constraint as a formula.
const FORMULA: usize = 20;

/// Whose language it is: what no automaton says exactly is made larger for a child and smaller for a parent.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Parent,
    Child,
}

/// The atoms of both formulas, each once.
#[derive(Default)]
struct Languages<'a> {
    atoms: Vec<Atom<'a>>,
    known: Vec<(Language<'a>, usize)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Language<'a> {
    Glob(&'a str),
    Regex(&'a str),
    Plain,
    Path(&'a str),
    Timestamps,
}

impl<'a> Languages<'a> {
    /// None when the steps are used up, or an automaton would be too large.
    fn formula(&mut self, constraint: &'a Constraint, role: Role, steps: &mut Steps) -> Option<Formula> {
        if !steps.take(FORMULA) {
            return None;
        }
        Some(match &constraint.0 {
            Kind::Any => Formula::Constant(true),
            Kind::Exact(operand) => self.words(Decoder::new(&operand.0).text().ok().into_iter().collect()),
            Kind::OneOf(set) => self.words(set.texts().collect()),
            Kind::NotOneOf(set) => Formula::Not(Box::new(self.words(set.texts().collect()))),
            Kind::Range(_) | Kind::Contains(_) | Kind::Subset(_) | Kind::Each(_) | Kind::Fields(_) => Formula::Constant(false),
            Kind::All(parts) => Formula::All(self.formulas(parts, role, steps)?),
            Kind::AnyOf(parts) => Formula::Any(self.formulas(parts, role, steps)?),
            Kind::Path(root) => self.node(Some(Language::Path(root)), || Some(languages::path(root)), steps)?,
            Kind::Glob(pattern) => {
                Formula::All(vec![self.domain(pattern, steps)?, self.pattern(Language::Glob(pattern.text()), pattern, steps)?])
            }
            Kind::NotGlob(pattern) => {
                let matched = self.pattern(Language::Glob(pattern.text()), pattern, steps)?;
                Formula::All(vec![self.domain(pattern, steps)?, Formula::Not(Box::new(matched))])
            }
            Kind::Regex(pattern) => self.pattern(Language::Regex(pattern.text()), pattern, steps)?,
            Kind::Email(hosts) => self.node(None, || languages::email(hosts), steps)?,
            Kind::Url(_) | Kind::Cidr(_) | Kind::TimeWindow(..) if role == Role::Parent => Formula::Constant(false),
            Kind::Url(url) => self.node(None, || languages::url(url), steps)?,
            Kind::Length(least, most) => self.add(Atom::Length(*least, *most)),
            Kind::Cidr(network) => self.node(None, || languages::addresses(network), steps)?,
            Kind::TimeWindow(..) => self.node(Some(Language::Timestamps), languages::timestamps, steps)?,
        })
    }

    fn formulas(&mut self, parts: &'a [Constraint], role: Role, steps: &mut Steps) -> Option<Vec<Formula>> {
        parts.iter().map(|part| self.formula(part, role, steps)).collect()
    }

    /// The texts that a glob is about.
    fn domain(&mut self, pattern: &TextPattern, steps: &mut Steps) -> Option<Formula> {
        match pattern.is_about_paths() {
            true => self.node(Some(Language::Path("/")), || Some(languages::path("/")), steps),
            false => self.node(Some(Language::Plain), || Some(plain()), steps),
        }
    }

    fn words(&mut self, mut words: Vec<&'a str>) -> Formula {
        words.sort_unstable();
        if words.is_empty() { Formula::Constant(false) } else { self.add(Atom::Words(words)) }
    }

    fn pattern(&mut self, language: Language<'a>, pattern: &'a TextPattern, steps: &mut Steps) -> Option<Formula> {
        if let Some(at) = self.find(language) {
            return Some(Formula::Atom(at));
        }
        let automaton = pattern.automaton(steps)?.clone();
        self.known.push((language, self.atoms.len()));
        Some(self.add(Atom::Pattern(automaton)))
    }

    fn node(&mut self, language: Option<Language<'a>>, node: impl FnOnce() -> Option<Node>, steps: &mut Steps) -> Option<Formula> {
        if let Some(at) = language.and_then(|language| self.find(language)) {
            return Some(Formula::Atom(at));
        }
        let node = node()?;
        let size = node.size();
        if size > limits::MAX_PATTERN_SIZE || !steps.take(super::text_pattern::compile_steps(size)) {
            return None;
        }
        self.known.extend(language.map(|language| (language, self.atoms.len())));
        Some(self.add(Atom::Pattern(Arc::new(Automaton::new(&node)))))
    }

    fn find(&self, language: Language<'a>) -> Option<usize> {
        self.known.iter().find(|(known, _)| *known == language).map(|(_, at)| *at)
    }

    fn add(&mut self, atom: Atom<'a>) -> Formula {
        self.atoms.push(atom);
        Formula::Atom(self.atoms.len() - 1)
    }
}

impl Url {
    /// Nothing, if every URL of the child is one of these: component by component, because any scheme, host, port and path go together.
    pub(super) fn widened_by(&self, child: &Url, steps: &mut Steps) -> Option<Witness> {
        if !steps.take(1 + self.hosts.set.len() * child.hosts.set.len()) {
            return Some(Witness(None));
        }
        let scheme = child.schemes.texts().find(|scheme| !self.schemes.has_text(scheme));
        let host = self.hosts.missing(&child.hosts, self.public && !child.public);
        let port = match (&self.ports, &child.ports) {
            (None, _) => None,
            (Some(ports), Some(by_child)) => by_child.iter().find(|port| !ports.contains(port)).copied(),
            (Some(ports), None) => (1..=u16::MAX).rev().find(|port| !ports.contains(port)),
        };
        let path = match &self.path {
            Some(path) if child.path.as_ref() != Some(path) => path_outside(path, child.path.as_ref(), steps),
            _ => Found::None,
        };
        if (scheme, host, port) == (None, None, None) && path == Found::None {
            return None;
        }
        let path = match path {
            Found::Text(path) => path,
            _ => child.path.as_ref().map_or_else(|| "/".to_owned(), |path| path.text().replace(['*', '?'], "a")),
        };
        Some(Witness(steps.aside(|steps| self.example(child, (scheme, host, port), &path, steps))))
    }

    /// A URL of the child that is none of these, with the components that were found, and others that the child has.
    fn example(
        &self,
        child: &Url,
        (scheme, host, port): (Option<&str>, Option<&str>, Option<u16>),
        path: &str,
        steps: &mut Steps,
    ) -> Option<Value> {
        let scheme = scheme.or_else(|| child.schemes.texts().next())?;
        let host = host.or_else(|| child.hosts.iter().next())?;
        let ports = port.or_else(|| child.ports.as_ref().and_then(|ports| ports.first().copied()));
        ["a", "b.a", "localhost"].iter().find_map(|name| {
            let host = match host.strip_prefix('*') {
                Some("") => format!("{name}.example.com"),
                Some(rest) => format!("{name}{rest}"),
                None => host.to_owned(),
            };
            let hosts = [host, (*name).to_owned()];
            hosts.into_iter().find_map(|host| {
                let port = ports.map_or(String::new(), |port| format!(":{port}"));
                [port, String::new()].into_iter().find_map(|port| {
                    let url = format!("{scheme}://{host}{port}{path}");
                    let paid = steps.take(child.hosts.set.len() + self.hosts.set.len());
                    let shows = paid && child.accepts(&url, steps) && !self.accepts(&url, steps) && !steps.are_used_up();
                    shows.then_some(Value::Text(url))
                })
            })
        })
    }
}

/// A path of a URL that the child's glob has and the parent's has not.
fn path_outside(parent: &TextPattern, child: Option<&TextPattern>, steps: &mut Steps) -> Found {
    let mut languages = Languages::default();
    let any = languages.node(None, languages::any_url_path, steps);
    let wanted = match (any, child) {
        (Some(any), None) => Some(any),
        (Some(any), Some(child)) => {
            languages.pattern(Language::Glob(child.text()), child, steps).map(|child| Formula::All(vec![any, child]))
        }
        (None, _) => None,
    };
    let allowed = languages.pattern(Language::Glob(parent.text()), parent, steps);
    match (wanted, allowed) {
        (Some(wanted), Some(allowed)) => search(&languages.atoms, &wanted, &allowed, steps),
        _ => Found::Unknown,
    }
}
