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
