//! Every way in which one CBOR item can be ill-formed or not in its one form, made by rule and not by hand. The codes are those that
//! docs/spec/encoding.md names: the form of a head comes first, then its type.

use std::collections::BTreeSet;

use deputize::Code;

/// An item that no decoder may take.
#[derive(Clone, Debug)]
pub struct Item {
    /// What is wrong.
    pub why: String,
    /// The item.
    pub bytes: Vec<u8>,
    /// The code where a value is expected.
    pub code: Code,
    /// Whether the fault is in the item's first head; otherwise it is in what the item holds.
    pub in_head: bool,
    /// Whether the item is all there; if not, it takes what follows it for its own.
    pub whole: bool,
}

/// Adds to a list of items.
struct Items(Vec<Item>);

impl Items {
    fn add(&mut self, why: impl Into<String>, bytes: impl Into<Vec<u8>>, code: Code) -> &mut Item {
        self.0.push(Item { why: why.into(), bytes: bytes.into(), code, in_head: true, whole: true });
        self.0.last_mut().expect("it was just added")
    }

    fn cut(&mut self, why: impl Into<String>, bytes: impl Into<Vec<u8>>, code: Code) {
        self.add(why, bytes, code).whole = false;
    }

    fn inside(&mut self, why: impl Into<String>, bytes: impl Into<Vec<u8>>, code: Code) {
        self.add(why, bytes, code).in_head = false;
    }
}

const TYPES: [&str; 8] = ["unsigned", "negative", "bytes", "text", "list", "map", "tag", "simple"];
const WIDTHS: [usize; 4] = [1, 2, 4, 8];

/// The head of a major type with its argument in so many bytes.
fn head(major: u8, width: usize, argument: u64) -> Vec<u8> {
    let at = WIDTHS.iter().position(|known| *known == width).expect("a width of CBOR");
    [&[major << 5 | (24 + at as u8)], &argument.to_be_bytes()[8 - width..]].concat()
}

/// What comes after a head: so many bytes, elements or entries, all in their one form.
fn content(major: u8, count: u64) -> Vec<u8> {
    match major {
        2 | 3 => vec![b'x'; count as usize],
        4 => vec![0; count as usize],
        5 => (0..count).flat_map(|key| [0x61, b'a' + key as u8, 0]).collect(),
        6 => vec![0],
        _ => vec![],
    }
}

/// Every item.
#[must_use]
pub fn all() -> Vec<Item> {
    let mut items = Items(Vec::new());
    heads(&mut items);
    lengths(&mut items);
    numbers(&mut items);
    simple(&mut items);
    floats(&mut items);
    texts(&mut items);
    maps(&mut items);
    items.0
}

/// Each major type with each additional information that its head must not have.
fn heads(items: &mut Items) {
    for major in 0..8u8 {
        let name = TYPES[usize::from(major)];
        for low in 28..31 {
            items.add(format!("{name}, additional information {low}"), [major << 5 | low], Code::Malformed);
        }
        match major {
            2..=5 => {
                let chunk: &[u8] = match major {
                    2 => &[0x41, 0],
                    3 => &[0x61, b'x'],
                    4 => &[0],
                    _ => &[0x60, 0],
                };
                let start = [major << 5 | 31];
                for (why, rest) in [("of nothing", &[0xff][..]), ("of one", &[chunk, &[0xff]].concat())] {
                    items.add(format!("{name}, indefinite, {why}"), [&start, rest].concat(), Code::NotCanonical);
                }
                items.cut(format!("{name}, indefinite, without an end"), [&start, chunk].concat(), Code::NotCanonical);
            }
            _ => drop(items.add(format!("{name}, additional information 31"), [major << 5 | 31], Code::Malformed)),
        }
        if major == 7 {
            continue;
        }
        for width in WIDTHS {
            let least = if width == 1 { 24 } else { 1 << (4 * width) };
            for argument in BTreeSet::from([0, 1, 23, least - 1]) {
                let bytes = [head(major, width, argument), content(major, argument.min(26))].concat();
                let item = items.add(format!("{name} {argument} in {width} more bytes"), bytes, Code::NotCanonical);
                item.whole = major < 2 || argument <= 26;
            }
            for there in 0..width {
                items.cut(format!("{name}, {there} of {width} bytes of its head"), &head(major, width, 0)[..=there], Code::Malformed);
            }
        }
    }
}

/// Lengths of what is not there.
fn lengths(items: &mut Items) {
    for major in 2..6u8 {
        let name = TYPES[usize::from(major)];
        for count in [1, 2, 23] {
            let there = content(major, count - 1);
            items.cut(
                format!("{name} of {count}, one of them missing"),
                [&[major << 5 | count as u8], &there[..]].concat(),
                Code::Malformed,
            );
        }
        for (width, argument) in [
            (1, 24),
            (1, 255),
            (2, 256),
            (2, 65_535),
            (4, 1 << 16),
            (4, u64::from(u32::MAX)),
            (8, 1 << 32),
            (8, i64::MAX as u64),
            (8, u64::MAX),
        ] {
            items.cut(format!("{name} of {argument}, and nothing there"), head(major, width, argument), Code::Malformed);
        }
    }
    items.cut("map, a key without its value", [0xa1, 0x61, b'a'], Code::Malformed);
}

/// Integers that have no 64 signed bits, and tags, those of big numbers too.
fn numbers(items: &mut Items) {
    for major in [0, 1] {
        for argument in [1 << 63, (1 << 63) + 1, u64::MAX] {
            items.add(format!("{} {argument}", TYPES[usize::from(major)]), head(major, 8, argument), Code::Malformed);
        }
    }
    for tag in 0..24u8 {
        let of: &[u8] = if matches!(tag, 2 | 3) { &[0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0] } else { &[0] };
        items.add(format!("tag {tag}"), [&[0xc0 | tag], of].concat(), Code::Malformed);
    }
    for (width, tag) in [(1, 24), (1, 61), (1, 97), (2, 258), (2, 55_799), (4, 1_668_546_817), (8, u64::MAX)] {
        items.add(format!("tag {tag}"), [head(6, width, tag), vec![0]].concat(), Code::Malformed);
    }
}

/// Simple values but false, true and null.
fn simple(items: &mut Items) {
    for value in (0..20).chain([23]) {
        items.add(format!("simple value {value}"), [0xe0 | value], Code::Malformed);
    }
    for value in 0..=255 {
        items.add(format!("simple value {value} in one more byte"), [0xf8, value], Code::Malformed);
    }
    items.cut("simple value, its byte missing", [0xf8], Code::Malformed);
}

/// Floats that are none of ours, and floats in longer forms.
fn floats(items: &mut Items) {
    let half = [(0x0000, "0.0"), (0x8000, "-0.0"), (0x3c00, "1.0"), (0xbc00, "-1.0"), (0x7bff, "65504.0"), (0x6400, "1024.0")];
    let special = [
        (0x7c00, "infinity"),
        (0xfc00, "-infinity"),
        (0x7e00, "NaN"),
        (0xfe00, "-NaN"),
        (0x7c01, "NaN, signalling"),
        (0x7fff, "NaN, all bits"),
    ];
    for (bits, name) in half.into_iter().chain(special) {
        items.add(format!("{name} in 2 bytes"), [&[0xf9], &u16::to_be_bytes(bits)[..]].concat(), Code::NotCanonical);
    }
    let single = [
        f32::INFINITY.to_bits(),
        f32::NEG_INFINITY.to_bits(),
        f32::NAN.to_bits(),
        0x7f80_0001,
        0xffff_ffff,
        0f32.to_bits(),
        (-0f32).to_bits(),
        1f32.to_bits(),
        65_536f32.to_bits(),
        f32::MAX.to_bits(),
        // With a fractional part, and shorter in 2 bytes.
        1.5f32.to_bits(),
        (-0.25f32).to_bits(),
        2f32.powi(-24).to_bits(),
        1023.5f32.to_bits(),
    ];
    for bits in single {
        items.add(format!("{:?} in 4 bytes", f32::from_bits(bits)), [&[0xfa], &bits.to_be_bytes()[..]].concat(), Code::NotCanonical);
    }
    let double = [
        f64::INFINITY.to_bits(),
        f64::NEG_INFINITY.to_bits(),
        f64::NAN.to_bits(),
        0x7ff0_0000_0000_0001,
        u64::MAX,
        0f64.to_bits(),
        (-0f64).to_bits(),
        1f64.to_bits(),
        2f64.powi(53).to_bits(),
        2f64.powi(64).to_bits(),
        1e300f64.to_bits(),
        f64::MAX.to_bits(),
        // With a fractional part, and shorter in 2 or 4 bytes.
        1.5f64.to_bits(),
        2f64.powi(-24).to_bits(),
        2f64.powi(-149).to_bits(),
        f64::from(0.1f32).to_bits(),
        f64::from(f32::MIN_POSITIVE).to_bits(),
    ];
    for bits in double {
        items.add(format!("{:?} in 8 bytes", f64::from_bits(bits)), [&[0xfb], &bits.to_be_bytes()[..]].concat(), Code::NotCanonical);
    }
    for (first, width) in [(0xf9, 2), (0xfa, 4), (0xfb, 8)] {
        for there in 0..width {
            items.cut(format!("float, {there} of {width} bytes"), [vec![first], vec![0; there]].concat(), Code::Malformed);
        }
    }
}

/// Text that is not UTF-8 (RFC 3629), also as a key.
fn texts(items: &mut Items) {
    let bad: [(&str, &[u8]); 15] = [
        ("a byte of a sequence alone", b"\x80"),
        ("the last such byte", b"\xbf"),
        ("a sequence of two cut", b"\xc3"),
        ("a sequence of three cut", b"\xe2\x82"),
        ("a sequence of four cut", b"\xf0\x9f\x98"),
        ("NUL in two bytes", b"\xc0\x80"),
        ("a solidus in two bytes", b"\xc0\xaf"),
        ("a solidus in three bytes", b"\xe0\x80\xaf"),
        ("a solidus in four bytes", b"\xf0\x80\x80\xaf"),
        ("the first surrogate", b"\xed\xa0\x80"),
        ("the last surrogate", b"\xed\xbf\xbf"),
        ("a pair of surrogates", b"\xed\xa0\xbd\xed\xb8\x80"),
        ("beyond U+10FFFF", b"\xf4\x90\x80\x80"),
        ("a sequence of five", b"\xf8\x88\x80\x80\x80"),
        ("a byte that is never there", b"\xff"),
    ];
    for (why, text) in bad {
        let item = [&[0x60 | text.len() as u8], text].concat();
        items.inside(format!("text with {why}"), item.clone(), Code::Malformed);
        items.inside(format!("a key with {why}"), [&[0xa1], &item[..], &[0]].concat(), Code::Malformed);
    }
}

/// Keys of maps: of other types, twice, out of order, in longer forms.
fn maps(items: &mut Items) {
    let keys: [(&str, &[u8]); 9] = [
        ("an integer", &[0]),
        ("a negative integer", &[0x20]),
        ("bytes", &[0x41, b'a']),
        ("a list", &[0x80]),
        ("a map", &[0xa0]),
        ("false", &[0xf4]),
        ("null", &[0xf6]),
        ("a float", &[0xf9, 0x3e, 0]),
        ("a tag", &[0xc0, 0x61, b'a']),
    ];
    for (why, key) in keys {
        items.inside(format!("a key that is {why}"), [&[0xa1], key, &[0]].concat(), Code::Malformed);
    }
    items.inside("a key in a longer form", [0xa1, 0x78, 1, b'a', 0], Code::NotCanonical);
    items.inside("an indefinite key", [0xa1, 0x7f, 0x61, b'a', 0xff, 0], Code::NotCanonical);
    let orders: [(&str, &[&str]); 6] = [
        ("a key twice", &["a", "a"]),
        ("the empty key twice", &["", ""]),
        ("a key twice, with one between", &["a", "b", "a"]),
        ("keys out of order", &["b", "a"]),
        ("a longer key first", &["aa", "b"]),
        ("the empty key last", &["a", ""]),
    ];
    for (why, keys) in orders {
        let entries: Vec<u8> = keys.iter().flat_map(|key| [&[0x60 | key.len() as u8], key.as_bytes(), &[0]].concat()).collect();
        items.inside(why, [&[0xa0 | keys.len() as u8], &entries[..]].concat(), Code::NotCanonical);
    }
}
