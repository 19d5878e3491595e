//! The table of pairs in the specification, cell by cell.

use std::collections::BTreeMap;

use deputize::{Constraint, Number, Range, Value};
use deputize_tests::forge::bytes;
use deputize_tests::random;

const NAMES: [&str; random::TYPES as usize] = [
    "any",
    "exact",
    "range",
    "one_of",
    "not_one_of",
    "contains",
    "subset",
    "all",
    "any_of",
    "path",
    "glob",
    "regex",
    "url",
    "cidr",
    "email",
    "each",
    "length",
    "fields",
    "time_window",
    "not_glob",
];

/// The cells of the table in the specification.
fn table() -> BTreeMap<(usize, usize), char> {
    let text = include_str!("../../docs/spec/constraints.md");
    let mut cells = BTreeMap::new();
    let cells_of = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('*').to_owned()).collect::<Vec<_>>();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| parent ∖ child"));
    let columns = cells_of(lines.next().expect("a table"));
    assert_eq!(columns[1..], NAMES);
    for (row, line) in lines.skip(1).take_while(|line| line.starts_with('|')).enumerate() {
        let line = cells_of(line);
        assert_eq!(line[0], NAMES[row]);
        for (column, letter) in line[1..].iter().enumerate() {
            cells.insert((row, column), letter.parse().expect("one letter"));
        }
    }
    cells
}

fn kind_of(constraint: &Constraint) -> usize {
    match Value::decode(&constraint.encode()).unwrap() {
        Value::List(parts) => match parts[0] {
            Value::Integer(kind) => kind as usize,
            _ => unreachable!("a type"),
        },
        _ => unreachable!("an array"),
    }
}

/// Pairs that chance hardly finds: (parent, child), each narrower.
fn rare() -> Vec<(Constraint, Constraint)> {
    let glob = |pattern| Constraint::glob(pattern).unwrap();
    let regex = |pattern| Constraint::regex(pattern).unwrap();
    let exact = |text: &str| Constraint::exact(text).unwrap();
    let email = Constraint::email(["x.io"]).unwrap();
    let url = Constraint::url(deputize::UrlRule::hosts(["x.io"])).unwrap();
    let cidr = Constraint::cidr("10.1.0.0/16").unwrap();
    let window = Constraint::time_window(None, Some(deputize::Timestamp::from_secs(5).unwrap())).unwrap();
    let one = Constraint::range(Range::between(Number::Integer(1), Number::Integer(1))).unwrap();
    let long = Constraint::length(1, None).unwrap();
    vec![
        (Constraint::exact(1).unwrap(), one.clone()),
        (Constraint::one_of([1, 2]).unwrap(), one),
        (exact("a"), glob("a")),
        (exact("a"), regex("a")),
        (Constraint::one_of(["a", "b"]).unwrap(), glob("a")),
        (Constraint::one_of(["a", "b"]).unwrap(), regex("a|b")),
        (email.clone(), glob("a@x.io")),
        (email.clone(), regex(r"[a-z]+@x\.io")),
        (regex(r".*@[xX]\.[iI][oO]"), email.clone()),
        (regex("https://x.*"), url.clone()),
        (regex(r"10\.1\.[0-9.]*"), cidr.clone()),
        (regex("[0-9TZ.:+-]*"), window.clone()),
        (glob("10.1.*"), cidr.clone()),
        (glob("*T*"), window.clone()),
        (Constraint::not_glob("11.*").unwrap(), cidr.clone()),
        (Constraint::not_glob("x*").unwrap(), window.clone()),
        (Constraint::path("/d").unwrap(), regex("/d/[a-z]+")),
        (Constraint::path("/").unwrap(), Constraint::not_glob("/d/**").unwrap()),
        (glob("/**"), Constraint::not_glob("/d/**").unwrap()),
        (regex("(.|\n|\r)*"), Constraint::not_glob("a").unwrap()),
        (Constraint::not_glob("b*").unwrap(), regex("[ac]+")),
        (long.clone(), url),
        (long.clone(), cidr),
        (long.clone(), email),
        (long.clone(), window),
        (long.clone(), glob("?*")),
        (long.clone(), Constraint::path("/").unwrap()),
        (long.clone(), Constraint::not_glob("*").unwrap()),
        (Constraint::length(0, None).unwrap(), Constraint::not_glob("*").unwrap()),
        (long.clone(), Constraint::contains([1]).unwrap()),
        (Constraint::length(0, None).unwrap(), Constraint::subset([1]).unwrap()),
        (Constraint::length(0, None).unwrap(), Constraint::each(Constraint::any()).unwrap()),
        (Constraint::each(Constraint::any()).unwrap(), Constraint::contains([1]).unwrap()),
        (Constraint::subset([1, 2]).unwrap(), Constraint::each(Constraint::exact(1).unwrap()).unwrap()),
    ]
}

#[test]
fn every_pair_of_types_is_decided_as_the_table_says() {
    let table = table();
    let nothing = Constraint::one_of(Vec::<Value>::new()).unwrap();
    let mut rare_cells: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (parent, child) in rare() {
        assert!(parent.subsumes(&child), "{child} within {parent}: {:?}", parent.counterexample(&child));
        *rare_cells.entry((kind_of(&parent), kind_of(&child))).or_default() += 1;
    }
    let mut rng = fastrand::Rng::with_seed(21);
    let mut compared = 0;
    for (row, parent_name) in NAMES.iter().enumerate() {
        for (column, child_name) in NAMES.iter().enumerate() {
            let letter = *table.get(&(row, column)).unwrap_or_else(|| panic!("no cell for {parent_name} and {child_name}"));
            let (mut yes, mut no) = (rare_cells.get(&(row, column)).copied().unwrap_or(0), 0);
            for tries in 0..1500 {
                if tries >= 100 && (letter == 'T' || letter == 'F' || (yes > 0 && no > 0)) {
                    break;
                }
                let [parent, child] =
                    [row, column].map(|kind| Constraint::decode(&bytes(&random::constraint_of(&mut rng, kind as i64, 2))).unwrap());
                compared += 1;
                match parent.subsumes(&child) {
                    true if letter == 'F' => assert!(nothing.subsumes(&child), "{child} within {parent}, which the table says is never"),
                    true => yes += 1,
                    false => no += 1,
                }
            }
            let (parent, child) = (parent_name, child_name);
            match letter {
                'T' => assert_eq!(no, 0, "{parent} {child}"),
                'F' => {}
                'V' | 'A' | 'P' => assert!(yes > 0 && (no > 0 || letter == 'P'), "{parent} {child}: {yes} narrower, {no} not"),
                other => panic!("{other} in the table"),
            }
        }
    }
    println!("{} cells, {compared} pairs", table.len());
    assert_eq!(table.len(), 400);
}
