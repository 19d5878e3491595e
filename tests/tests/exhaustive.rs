//! Narrowing of globs and regular expressions against brute force: every pair of short patterns, every short text.

use deputize::{Constraint, Value};

/// Patterns of so many symbols; more in the long run.
fn symbols(usual: usize) -> usize {
    std::env::var("EXHAUSTIVE_SYMBOLS").ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// Every text over an alphabet of at most so many characters.
fn texts(alphabet: &[&str], longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last.iter().flat_map(|text| alphabet.iter().map(move |more| format!("{text}{more}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Which of the texts a pattern accepts, as bits.
struct Language {
    constraint: Constraint,
    accepted: Vec<u64>,
}

impl Language {
    fn new(constraint: Constraint, texts: &[String], oracle: impl Fn(&str) -> bool) -> Self {
        let mut accepted = vec![0; texts.len().div_ceil(64)];
        for (at, text) in texts.iter().enumerate() {
            let expected = oracle(text);
            assert_eq!(constraint.accepts(&Value::from(text.as_str())), expected, "{constraint} {text:?}");
            accepted[at / 64] |= u64::from(expected) << (at % 64);
        }
        Language { constraint, accepted }
    }

    fn is_within(&self, parent: &Language) -> bool {
        self.accepted.iter().zip(&parent.accepted).all(|(child, parent)| child & !parent == 0)
    }
}

/// Compares every pair; the number of pairs and of those that are narrower.
fn compare(languages: &[Language]) -> (usize, usize) {
    let mut narrower = 0;
    for parent in languages {
        for child in languages {
            let expected = child.is_within(parent);
            narrower += usize::from(expected);
            let decided = parent.constraint.subsumes(&child.constraint);
            assert_eq!(
                decided,
                expected,
                "{} within {}: {:?}",
                child.constraint,
                parent.constraint,
                parent.constraint.counterexample(&child.constraint)
            );
        }
    }
    (languages.len() * languages.len(), narrower)
}

/// The definition of a glob, by trying every way.
fn glob_matches(pattern: &str, text: &str) -> bool {
    let cut = |text: &str, bytes: usize| text.char_indices().nth(bytes).map_or(text.len(), |(at, _)| at);
    let run = |rest: &str, stop: Option<char>| {
        let longest = text.find(|c| Some(c) == stop).unwrap_or(text.len());
        text.char_indices().map(|(at, _)| at).chain([text.len()]).take_while(|at| *at <= longest).any(|at| glob_matches(rest, &text[at..]))
    };
    if let Some(rest) = pattern.strip_prefix("**") {
        return run(rest, None);
    }
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => run(&pattern[1..], Some('/')),
        Some('?') => !text.is_empty() && !text.starts_with('/') && glob_matches(&pattern[1..], &text[cut(text, 1)..]),
        Some(c) => text.starts_with(c) && glob_matches(&pattern[c.len_utf8()..], &text[c.len_utf8()..]),
    }
}

/// Whether a glob accepts a text: one that begins with a slash is about paths.
fn glob_accepts(pattern: &str, text: &str) -> bool {
    let is_path = text == "/" || (text.starts_with('/') && text[1..].split('/').all(|segment| !segment.is_empty()));
    (is_path || !pattern.starts_with('/')) && glob_matches(pattern, text)
}

#[test]
fn globs_are_decided_as_by_brute_force() {
    let texts = texts(&["a", "b", "c", "/"], symbols(3) + 2);
    let patterns = self::texts(&["a", "b", "/", "?", "*", "**"], symbols(3));
    let mut seen = std::collections::BTreeSet::new();
    let languages: Vec<Language> = patterns
        .iter()
        .filter(|pattern| seen.insert((*pattern).clone()))
        .filter_map(|pattern| Some((pattern, Constraint::glob(pattern).ok()?)))
        .map(|(pattern, constraint)| Language::new(constraint, &texts, |text| glob_accepts(pattern, text)))
        .collect();
    let (pairs, narrower) = compare(&languages);
    println!(
        "globs: {} patterns, {pairs} pairs compared over {} texts, {narrower} narrower, 0 disagreements",
        languages.len(),
        texts.len()
    );
    assert!(languages.len() > 200 && narrower > pairs / 100);
}

#[test]
fn regular_expressions_are_decided_as_by_brute_force() {
    let texts = texts(&["a", "b", "c", "\n"], 5);
    let patterns = self::texts(&["a", "b", ".", "[^a]", "|", "*", "?", "+", "{2}", "(", ")"], symbols(3));
    let languages: Vec<Language> = patterns
        .iter()
        .filter_map(|pattern| Some((pattern, Constraint::regex(pattern).ok()?)))
        .map(|(pattern, constraint)| {
            let oracle = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
            Language::new(constraint, &texts, |text| oracle.is_match(text))
        })
        .collect();
    let (pairs, narrower) = compare(&languages);
    println!(
        "regex: {} patterns, {pairs} pairs compared over {} texts, {narrower} narrower, 0 disagreements",
        languages.len(),
        texts.len()
    );
    assert!(languages.len() > 200 && narrower > pairs / 100);
}

#[test]
fn globs_and_regular_expressions_are_decided_among_each_other() {
    let texts = texts(&["a", "b", "c", "/"], 5);
    let globs = self::texts(&["a", "/", "?", "*", "**"], 2);
    let regexes = self::texts(&["a", "/", "[^/]*", ".*", "|"], 3);
    let globs = globs.iter().filter_map(|pattern| Some((Constraint::glob(pattern).ok()?, pattern.clone())));
    let globs = globs.map(|(constraint, pattern)| Language::new(constraint, &texts, |text| glob_accepts(&pattern, text)));
    let regexes = regexes.iter().filter_map(|pattern| Some((Constraint::regex(pattern).ok()?, pattern)));
    let regexes = regexes.map(|(constraint, pattern)| {
        let oracle = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
        Language::new(constraint, &texts, |text| oracle.is_match(text))
    });
    let (globs, regexes): (Vec<_>, Vec<_>) = (globs.collect(), regexes.collect());
    let mut narrower = 0;
    for (glob, regex) in globs.iter().flat_map(|glob| regexes.iter().map(move |regex| (glob, regex))) {
        // A regular expression may allow what is no plain text; `.*` is the one that tells.
        let found = glob.constraint.counterexample(&regex.constraint);
        assert_eq!(glob.constraint.subsumes(&regex.constraint), found.is_none(), "{} {}", glob.constraint, regex.constraint);
        assert!(found.is_some() || regex.is_within(glob), "{} {}", glob.constraint, regex.constraint);
        assert_eq!(regex.constraint.subsumes(&glob.constraint), glob.is_within(regex), "{} {}", glob.constraint, regex.constraint);
        narrower += usize::from(found.is_none()) + usize::from(glob.is_within(regex));
    }
    println!("mixed: {} pairs compared, {narrower} narrower, 0 disagreements", 2 * globs.len() * regexes.len());
    assert!(narrower > 100);
}
