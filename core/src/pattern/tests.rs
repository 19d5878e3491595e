use super::*;

#[test]
fn plain_texts_are_those_of_the_language() {
    let automaton = Automaton::new(&plain());
    let alphabet = ['a', '/', '.', ' ', '%', '\n', '\u{2024}', '\u{e9}'];
    let mut texts = vec![String::new()];
    let mut last = texts.clone();
    for _ in 0..5 {
        last = last.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
        texts.extend(last.iter().cloned());
    }
    for text in texts {
        assert_eq!(automaton.matches(&text, &mut crate::steps::Steps::for_arguments(text.len())), Some(is_plain(&text)), "{text:?}");
    }
}

#[test]
fn the_size_of_a_pattern_is_known_before_its_categories_are() {
    for pattern in ["a", "(ab){3}c?", r"\p{L}{2,5}[^\P{Lu}x]|[\P{L}]", "", "a{0}(b{2,})*", "-]"] {
        assert_eq!(iregexp(pattern).map(|node| node.size()).ok(), iregexp_size(pattern).ok(), "{pattern}");
    }
    assert_eq!(iregexp_size(r"\p{L}{2,5}a|[\p{N}_]"), Ok(61));
}

#[test]
fn plain_characters_are_those_of_their_class() {
    let class = plain_chars();
    for c in '\0'..=char::MAX {
        let within = class
            .ranges()
            .binary_search_by(|range| {
                if range.end() < c {
                    std::cmp::Ordering::Less
                } else if range.start() > c {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_ok();
        assert_eq!(within, c == '/' || is_plain(&c.to_string()) || c == '.', "{c:?}");
    }
}

#[test]
fn the_size_of_a_glob_is_that_of_its_node() {
    for pattern in ["a", "*", "**", "a*b**?c", "/x/**"] {
        assert_eq!(glob(pattern).size(), glob_size(pattern), "{pattern}");
    }
}

#[test]
fn a_glob_that_looks_back_again_and_again_gives_up() {
    let (parent, child) = (format!("**{}b", "*a".repeat(200)), "a".repeat(450));
    let mut steps = crate::steps::Steps::for_token();
    assert!(!absorbs(&parent, &child, &mut steps) && !steps.are_used_up());
    assert!(absorbs("**/*.py", "/src/*/x.py", &mut steps) && !absorbs("/src/*", "/src/**", &mut steps));
}
