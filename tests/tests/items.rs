//! ENC-11: every item that is ill-formed or not canonical, in every place where CBOR is read. Each place takes a good item first.

use ciborium::Value as Cbor;
use deputize::*;
use deputize_tests::forge::{self, Map, bytes, cnf, hash, header, key, public};
use deputize_tests::items::{self, Item};
use deputize_tests::scenarios::{AUDIENCE, CAPABILITY, NOW, constraint, tool};

/// A value that no other is part of, in whose place an item is put.
const HERE: &str = "the item goes here";

/// `1.5`: a good item wherever a value is read.
const GOOD: [u8; 3] = [0xf9, 0x3e, 0x00];

type Read = fn(&[u8]) -> Result<(), Error>;
type Decode = Box<dyn Fn(&[u8]) -> Result<(), Error>>;

/// Somewhere an item can be.
struct Place {
    name: String,
    /// What is around the item.
    around: [Vec<u8>; 2],
    decode: Decode,
    /// Whether any value can be here; otherwise something else is expected, and a value of another type is `malformed`.
    of_values: bool,
}

impl Place {
    fn new(name: &str, around: [&[u8]; 2], decode: impl Fn(&[u8]) -> Result<(), Error> + 'static, of_values: bool) -> Self {
        Place { name: name.into(), around: around.map(<[u8]>::to_vec), decode: Box::new(decode), of_values }
    }

    fn code(&self, item: &[u8]) -> Option<Code> {
        (self.decode)(&[&self.around[0], item, &self.around[1]].concat()).err().map(|error| error.code())
    }

    /// Where nothing follows the item, it may also end early.
    fn takes(&self, item: &Item) -> bool {
        item.whole || self.around[1].is_empty()
    }

    fn refuses_every_item(&self) -> usize {
        let items = items::all();
        let items = items.iter().filter(|item| self.takes(item));
        items
            .map(|item| {
                let expected = if self.of_values || item.in_head { item.code } else { Code::Malformed };
                assert_eq!(self.code(&item.bytes), Some(expected), "{}: {}, {:02x?}", self.name, item.why, item.bytes);
            })
            .count()
    }
}

/// What can be around a value within a value.
const WITHIN: [(&str, &[u8]); 7] = [
    ("", &[]),
    (" in a list", &[0x81]),
    (" second in a list", &[0x82, 0x00]),
    (" two lists deep", &[0x81, 0x81]),
    (" in a map", &[0xa1, 0x61, b'k']),
    (" second in a map", &[0xa2, 0x61, b'a', 0x00, 0x61, b'k']),
    (" in a list in a map in a list", &[0x81, 0xa1, 0x61, b'k', 0x81]),
];

fn decodes<T>(decode: fn(&[u8]) -> Result<T, Error>) -> impl Fn(&[u8]) -> Result<(), Error> {
    move |bytes| decode(bytes).map(drop)
}

/// The places for values that are bytes before the value, and nothing after it.
fn of_values() -> Vec<Place> {
    let mut places = vec![Place::new("a value", [&[], &[]], decodes(Value::decode), true)];
    let arguments: [(&str, &[u8]); 2] =
        [("an argument", &[0xa1, 0x61, b'x']), ("a second argument", &[0xa2, 0x61, b'a', 0x00, 0x61, b'x'])];
    for (name, before) in arguments {
        places.push(Place::new(name, [before, &[]], decodes(Arguments::decode), true));
    }
    let operands: [(&str, &[u8]); 12] = [
        ("exact", &[0x82, 1]),
        ("one_of", &[0x82, 3, 0x81]),
        ("one_of, second", &[0x82, 3, 0x82, 0x00]),
        ("not_one_of", &[0x82, 4, 0x81]),
        ("not_one_of, second", &[0x82, 4, 0x82, 0x00]),
        ("contains", &[0x82, 5, 0x81]),
        ("contains, second", &[0x82, 5, 0x82, 0x00]),
        ("subset", &[0x82, 6, 0x81]),
        ("subset, second", &[0x82, 6, 0x82, 0x00]),
        ("exact in all", &[0x82, 7, 0x81, 0x82, 1]),
        ("exact in any_of, second", &[0x82, 8, 0x82, 0x81, 0, 0x82, 1]),
        ("one_of in all in any_of", &[0x82, 8, 0x81, 0x82, 7, 0x81, 0x82, 3, 0x81]),
    ];
    for (name, before) in operands {
        places.push(Place::new(name, [before, &[]], decodes(Constraint::decode), true));
    }
    let rules: [(&str, &[u8]); 3] = [
        ("a tool's argument", &[0xa1, 0x61, b't', 0xa1, 0x61, b'x', 0x82, 1]),
        ("a tool's optional argument", &[0xa1, 0x61, b't', 0xa1, 0x61, b'x', 0x82, 0x20, 0x82, 1]),
        ("a tool's other arguments", &[0xa1, 0x61, b't', 0xa1, 0x61, b'*', 0x82, 6, 0x81]),
    ];
    for (name, before) in rules {
        places.push(Place::new(name, [before, &[]], decodes(Tools::decode), true));
    }
    places
}

/// The places of something else: the head counts first, then that it is not what belongs there.
fn of_others() -> Vec<Place> {
    let before: [(&str, &[u8], Read); 8] = [
        ("a key of a map", &[0xa1], |bytes| Value::decode(bytes).map(drop)),
        ("a name of an argument", &[0xa1], |bytes| Arguments::decode(bytes).map(drop)),
        ("a name of a tool", &[0xa1], |bytes| Tools::decode(bytes).map(drop)),
        ("the end of a range", &[0x83, 2, 0xf6], |bytes| Constraint::decode(bytes).map(drop)),
        ("the root of a path", &[0x82, 9], |bytes| Constraint::decode(bytes).map(drop)),
        ("the type of a constraint", &[0x81], |bytes| Constraint::decode(bytes).map(drop)),
        ("the elements of one_of", &[0x82, 3], |bytes| Constraint::decode(bytes).map(drop)),
        ("a part of all", &[0x82, 7, 0x81], |bytes| Constraint::decode(bytes).map(drop)),
    ];
    let mut places: Vec<Place> = before.iter().map(|(name, before, decode)| Place::new(name, [before, &[]], *decode, false)).collect();
    places.push(Place::new("the start of a range", [&[0x83, 2], &[0xf6]], decodes(Constraint::decode), false));
    places
}

fn root() -> Map {
    Map::of([
        (1, "ana".into()),
        (2, "ana".into()),
        (4, (NOW + 3600).into()),
        (6, NOW.into()),
        (7, Cbor::Bytes(vec![0x11; 16])),
        (8, cnf(&public(2))),
        (CAPABILITY, capability(0).into()),
    ])
}

fn capability(depth: u64) -> Map {
    let session = Cbor::Bytes(vec![0xa0; 16]);
    Map::of([(0, 1.into()), (1, 1.into()), (2, depth.into()), (3, 3.into()), (5, Cbor::Map(vec![])), (6, session)])
}

fn child() -> Map {
    let mut capability = capability(1);
    capability.set(4, Cbor::Bytes(hash(&header("cap"), &bytes(&root().into())).to_vec()));
    let mut claims = root();
    claims.remove(1).set(7, Cbor::Bytes(vec![0x22; 16])).set(8, cnf(&public(3))).set(CAPABILITY, capability);
    claims
}

/// The place of [`HERE`] in the claims of a token.
fn in_token(name: &str, claims: Map, link: usize, of_values: bool) -> Place {
    let (payload, here) = (bytes(&claims.into()), bytes(&HERE.into()));
    let at = payload.windows(here.len()).position(|window| window == here).expect("the place");
    let before: Vec<Vec<u8>> = if link == 0 { vec![] } else { vec![forge::seal(&key(1), &header("cap"), &bytes(&root().into()))] };
    let anchor = TrustAnchor::new("ana", &VerifyingKey::from_bytes(&public(1)).unwrap()).unwrap();
    let now = Now::from_millis(NOW * 1000 + 500).unwrap();
    let verifier = Verifier::new([anchor], AUDIENCE, MemoryStore::new(1, now).unwrap()).unwrap();
    let decode = move |payload: &[u8]| {
        let token = forge::seal(&key(link as u8 + 1), &header("cap"), payload);
        let tokens = before.iter().cloned().chain([token]).map(Cbor::Bytes).collect();
        let outcome = verifier.verify_chain(&UnverifiedChain::decode(&bytes(&Cbor::Array(tokens)))?, now);
        assert!(!matches!(&outcome, Err(error) if error.link() != Some(link)), "{outcome:?}");
        outcome.map(drop)
    };
    Place::new(name, [&payload[..at], &payload[at + here.len()..]], decode, of_values)
}

/// The claims with [`HERE`] for one of them, or in one tool's rules.
fn with(claims: &Map, label: i64, value: Cbor) -> Map {
    let mut claims = claims.clone();
    claims.set(label, value);
    claims
}

fn with_tools(claims: &Map, rule: Cbor) -> Map {
    let Cbor::Map(entries) = claims.entry(CAPABILITY).clone() else { panic!("a map") };
    let mut capability = Map(entries);
    capability.set(5, tool("t", &[("x", rule)]));
    with(claims, CAPABILITY, capability.into())
}

#[test]
fn every_bad_item_is_refused_wherever_a_value_is_read() {
    let mut cases = 0;
    for mut place in of_values() {
        let name = place.name.clone();
        let outside = place.around[0].clone();
        for (within, more) in WITHIN {
            place.name = format!("{name}{within}");
            place.around[0] = [&outside, more].concat();
            assert_eq!(place.code(&GOOD), None, "{}", place.name);
            cases += place.refuses_every_item();
        }
    }
    assert!(cases > 90_000, "{cases}");
}

#[test]
fn every_bad_item_is_refused_wherever_something_else_is_read() {
    let cases: usize = of_others().iter().map(Place::refuses_every_item).sum();
    assert!(cases > 6_000, "{cases}");
}

#[test]
fn every_bad_item_in_a_signed_token_is_refused_at_its_link() {
    let mut cases = 0;
    for (link, claims) in [(0, root()), (1, child())] {
        let exact = constraint(1, &[HERE.into()]);
        let places = [
            ("a claim to be ignored", with(&claims, -100_001, HERE.into())),
            ("a list in a claim to be ignored", with(&claims, -100_001, Cbor::Array(vec![HERE.into()]))),
            ("a tool's argument in a token", with_tools(&claims, exact.clone())),
        ];
        for (name, claims) in places {
            let place = in_token(name, claims, link, true);
            // The child's tools would be wider than the root's, which has none; the claims before that are good.
            let wider = (link == 1 && name.starts_with("a tool")).then_some(Code::ToolNotGranted);
            assert_eq!(place.code(&GOOD), wider, "{name}");
            cases += place.refuses_every_item();
        }
        for label in [2, 4, 5, 6, 7] {
            cases += in_token(&format!("claim {label}"), with(&claims, label, HERE.into()), link, false).refuses_every_item();
        }
        cases += in_token("an audience", with(&claims, 3, Cbor::Array(vec![HERE.into()])), link, false).refuses_every_item();
    }
    assert!(cases > 10_000, "{cases}");
}
