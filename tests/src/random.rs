//! Random values, constraints and chains: small enough that honest and wide, right and damaged are all frequent.

use ciborium::Value as Cbor;
use fastrand::Rng;

use crate::forge::{Map, bytes, cnf, hash, header, key, presentation, public, seal, sha256};
use crate::scenarios::{AUDIENCE, CALL, CAPABILITY, NOW, constraint};

/// A call to decide about.
#[derive(Clone, Debug)]
pub struct Case {
    /// The presentation, as received.
    pub presentation: Vec<u8>,
    /// The tool.
    pub tool: String,
    /// The deterministic encoding of the arguments.
    pub arguments: Vec<u8>,
    /// The context of the call.
    pub context: Option<String>,
    /// The time in milliseconds.
    pub now_ms: u64,
}

fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())].clone()
}

/// Texts that sit on the edges of the patterns below.
const TEXTS: [&str; 44] = [
    "a",
    "b",
    "c",
    "ab",
    "abb",
    "a/b",
    "/",
    "/d",
    "/d/x",
    "/d/x/y",
    "/dx",
    "/d/..",
    "/d/x.y",
    "",
    "A",
    "main",
    "main-x",
    "é",
    "a\n",
    "a%2f",
    "..",
    "10.0.0.1",
    "10.0.1.0",
    "11.0.0.1",
    "010.0.0.1",
    "::1",
    "2001:db8::1",
    "a@x.io",
    "b.c@a.x.io",
    "a@X.io",
    "a@y.io",
    "a@@x.io",
    "https://x.io/",
    "https://x.io",
    "https://a.x.io/v1/p",
    "http://x.io/v1/",
    "https://x.io:8443/v1/p?q=1#f",
    "https://x.io:443/",
    "https://x.io/v1/../p",
    "https://u@x.io/",
    "1970-01-01T00:00:05Z",
    "1970-01-01T01:00:06+01:00",
    "1970-01-01T00:00:06.5Z",
    "1970-01-01",
];

/// One of a few values that sit on each other's edges.
pub fn scalar(rng: &mut Rng) -> Cbor {
    match rng.u8(..14) {
        0 => Cbor::Null,
        1 => true.into(),
        2 => false.into(),
        3..=5 => rng.i64(-1..4).into(),
        6 => pick(rng, &[0.5, 1.5, 2.5]).into(),
        7 => Cbor::Bytes(vec![rng.u8(..2)]),
        8..=10 => pick(rng, &["a", "b", "c"]).into(),
        _ => pick(rng, &TEXTS).into(),
    }
}

/// A scalar, a short list or a small map.
pub fn value(rng: &mut Rng) -> Cbor {
    match rng.u8(..8) {
        0 | 1 => Cbor::Array((0..rng.usize(..3)).map(|_| scalar(rng)).collect()),
        2 => {
            let names = ["x", "y", "z"].into_iter().filter(|_| rng.bool()).collect::<Vec<_>>();
            Cbor::Map(names.into_iter().map(|name| (name.into(), scalar(rng))).collect())
        }
        _ => scalar(rng),
    }
}

fn set(rng: &mut Rng, least: usize, element: fn(&mut Rng) -> Cbor) -> Cbor {
    let mut values: Vec<Cbor> = (0..rng.usize(least..4)).map(|_| element(rng)).collect();
    values.sort_by_key(bytes);
    values.dedup();
    Cbor::Array(values)
}

fn bound(rng: &mut Rng) -> Cbor {
    if rng.u8(..4) == 0 { pick(rng, &[0.5, 1.5, 2.5]).into() } else { rng.i64(-1..4).into() }
}

/// How many types of constraints there are.
pub const TYPES: i64 = 20;

/// A constraint that decodes.
pub fn any_constraint(rng: &mut Rng, depth: usize) -> Cbor {
    let types: Vec<i64> = (0..TYPES).filter(|kind| depth > 0 || !matches!(kind, 7 | 8 | 15 | 17)).collect();
    let kind = pick(rng, &types);
    constraint_of(rng, kind, depth)
}

/// A constraint of this type, whose parts are at most so deep.
pub fn constraint_of(rng: &mut Rng, kind: i64, depth: usize) -> Cbor {
    loop {
        let made = constraint(kind, &operands(rng, kind, depth));
        if deputize::Constraint::decode(&bytes(&made)).is_ok() {
            return made;
        }
    }
}

const GLOBS: [&str; 14] = ["*", "**", "a*", "a?", "a*b", "/d/*", "/d/**", "/**", "main", "main-*", "?", "*/b", "https://**", "*b"];
const REGEXES: [&str; 14] = [
    "a*",
    "[a-c]",
    "a|b",
    "(ab?)*",
    ".*",
    "[^/]*",
    "main(-[a-z]+)?",
    "/d(/[a-z]+)*",
    "\\p{L}",
    "[a-z.]+@x\\.io",
    "a{1,3}",
    "",
    "b+",
    "https://x\\.io/.*",
];

fn operands(rng: &mut Rng, kind: i64, depth: usize) -> Vec<Cbor> {
    let below = depth.saturating_sub(1);
    match kind {
        0 => vec![],
        1 => vec![value(rng)],
        2 => match rng.u8(..6) {
            0 => vec![Cbor::Null, bound(rng)],
            1 => vec![bound(rng), Cbor::Null],
            2 => vec![bound(rng), bound(rng), rng.i64(1..4).into()],
            _ => vec![bound(rng), bound(rng)],
        },
        3 => vec![set(rng, 0, value)],
        4 => vec![set(rng, 1, value)],
        5 => vec![set(rng, 1, scalar)],
        6 => vec![set(rng, 0, scalar)],
        7 | 8 => vec![Cbor::Array((0..rng.usize(1..4)).map(|_| any_constraint(rng, below)).collect())],
        9 => vec![pick(rng, &["/", "/d", "/d/x", "/dx"]).into()],
        10 | 19 => vec![pick(rng, &GLOBS).into()],
        11 => vec![pick(rng, &REGEXES).into()],
        12 => {
            let schemes = set(rng, 1, |rng| pick(rng, &["https", "http"]).into());
            let hosts = set(rng, 1, |rng| pick(rng, &["x.io", "*.x.io", "*", "a.x.io", "8.8.8.8"]).into());
            let ports = if rng.u8(..3) == 0 { Cbor::Null } else { set(rng, 1, |rng| pick(rng, &[80, 443, 8443]).into()) };
            let path = if rng.bool() { Cbor::Null } else { pick(rng, &["/", "/v1/*", "/v1/**", "/**", "/v1/p"]).into() };
            let mut operands = vec![schemes, hosts, ports, path];
            operands.extend((rng.u8(..4) == 0).then_some(1.into()));
            operands
        }
        13 => vec![pick(rng, &["10.0.0.0/8", "10.0.0.0/24", "10.0.0.1/32", "0.0.0.0/0", "::/0", "2001:db8::/32", "11.0.0.0/8"]).into()],
        14 => vec![set(rng, 1, |rng| pick(rng, &["x.io", "*.x.io", "*", "a.x.io", "y.io"]).into())],
        15 => vec![any_constraint(rng, below)],
        16 => vec![rng.u64(..3).into(), if rng.u8(..3) == 0 { Cbor::Null } else { rng.u64(1..4).into() }],
        17 => {
            let mut entries = Vec::new();
            if rng.u8(..3) == 0 {
                entries.push(("*".into(), any_constraint(rng, below)));
            }
            for name in ["x", "y"] {
                if rng.bool() {
                    let constraint = any_constraint(rng, below);
                    entries.push((name.into(), entry(rng, constraint)));
                }
            }
            vec![Cbor::Map(entries)]
        }
        _ => {
            let bound = |rng: &mut Rng| if rng.u8(..3) == 0 { Cbor::Null } else { rng.u64(4..8).into() };
            vec![bound(rng), bound(rng)]
        }
    }
}

fn entry(rng: &mut Rng, constraint: Cbor) -> Cbor {
    if rng.u8(..4) == 0 { Cbor::Array(vec![(-1).into(), constraint]) } else { constraint }
}

/// Simple enough that every narrowing is within the budget of steps, which another implementation need not count alike.
fn rules(rng: &mut Rng) -> Vec<(Cbor, Cbor)> {
    let mut rules = Vec::new();
    if rng.u8(..4) == 0 {
        rules.push(("*".into(), any_constraint(rng, 1)));
    }
    for name in ["x", "y", "z"] {
        if rng.bool() {
            let constraint = any_constraint(rng, 1);
            rules.push((name.into(), entry(rng, constraint)));
        }
    }
    rules
}

/// Rules below these: mostly the same, sometimes other ones, sometimes one more or one less.
fn rules_below(rng: &mut Rng, parent: &[(Cbor, Cbor)]) -> Vec<(Cbor, Cbor)> {
    let mut rules_below = parent.to_vec();
    for rule in &mut rules_below {
        match rng.u8(..8) {
            0 => rule.1 = any_constraint(rng, 1),
            1 | 2 if rule.1.as_array().is_some_and(|array| array[0] != (-1).into()) => {
                let more = any_constraint(rng, 1);
                rule.1 = constraint(7, &[Cbor::Array(vec![rule.1.clone(), more])]);
            }
            _ => {}
        }
    }
    match rng.u8(..10) {
        0 => rules(rng),
        1 if !rules_below.is_empty() => {
            rules_below.remove(rng.usize(..rules_below.len()));
            rules_below
        }
        _ => rules_below,
    }
}

/// A chain of one to five tokens and a call with its last, sound or damaged.
pub fn case(rng: &mut Rng) -> Case {
    let depth = rng.usize(1..6);
    let tools = |rules: &[(Cbor, Cbor)]| Cbor::Map(vec![("t".into(), Cbor::Map(rules.to_vec())), ("u".into(), Cbor::Map(vec![]))]);
    let mut rules = rules(rng);
    let context = (rng.u8(..4) == 0).then_some("a/b");
    let mut tokens: Vec<Vec<u8>> = Vec::new();
    let mut parent = None;
    for link in 0..depth {
        let mut capability = Map::of([(0, 1.into()), (1, 1.into()), (2, (link as i64).into()), (3, 5.into())]);
        capability.set(6, Cbor::Bytes(vec![0xa0; 16])).set(5, tools(&rules));
        if let Some(parent) = parent {
            capability.set(4, Cbor::Bytes(Vec::from(parent)));
        }
        if let Some(context) = context {
            capability.set(12, if link > 0 { "a/b/c" } else { context });
        }
        let mut claims =
            Map::of([(2, "ana".into()), (4, (NOW + 600 - link as u64).into()), (6, NOW.into()), (7, Cbor::Bytes(vec![link as u8; 16]))]);
        claims.set(8, cnf(&public(link as u8 + 2)));
        if link == 0 {
            claims.set(1, "ana");
        }
        damage(rng, &mut claims, &mut capability);
        claims.set(CAPABILITY, capability);
        let mut payload = bytes(&claims.into());
        if rng.u8(..80) == 0 {
            mutate(rng, &mut payload);
        }
        let signer = if rng.u8(..100) == 0 { 66 } else { link as u8 + 1 };
        tokens.push(seal(&key(signer), &header("cap"), &payload));
        parent = Some(hash(&header("cap"), &payload));
        rules = rules_below(rng, &rules);
    }
    let arguments: Vec<(Cbor, Cbor)> =
        ["x", "y", "z"].into_iter().filter(|_| rng.u8(..4) > 0).map(|name| (name.into(), Cbor::Null)).collect();
    let arguments: Vec<(Cbor, Cbor)> = arguments.into_iter().map(|(name, _)| (name, value(rng))).collect();
    let arguments = bytes(&Cbor::Map(arguments));
    let tool = if rng.u8(..4) == 0 { "u" } else { "t" };
    let mut call = Map::of([(0, Cbor::Bytes(parent.unwrap_or_default().to_vec())), (1, tool.into()), (3, 0.into())]);
    call.set(2, Cbor::Bytes(sha256(&arguments).to_vec()));
    let mut proof = Map::of([(3, AUDIENCE.into()), (4, (NOW + 60).into()), (6, NOW.into()), (7, Cbor::Bytes(vec![0x33; 16]))]);
    if rng.u8(..40) == 0 {
        proof.set(pick(rng, &[3, 4, 6, 7, 8, 10]), value(rng));
    }
    if rng.u8(..40) == 0 {
        call.set(rng.i64(0..5), value(rng));
    }
    proof.set(CALL, call);
    let proof = seal(&key(depth as u8 + 1), &header("pop"), &bytes(&proof.into()));
    if rng.u8(..40) == 0 {
        let (a, b) = (rng.usize(..tokens.len()), rng.usize(..tokens.len()));
        tokens.swap(a, b);
    }
    let mut presentation = presentation(&tokens, &proof);
    if rng.u8(..12) == 0 {
        mutate(rng, &mut presentation);
    }
    let now_ms = match rng.u8(..20) {
        0 => (NOW + 599) * 1000,
        1 => (NOW - 31) * 1000,
        2 => (NOW + 60) * 1000,
        _ => NOW * 1000 + 500,
    };
    let context = match rng.u8(..12) {
        0 => Some("a"),
        1 => None,
        _ => context.map(|_| "a/b/c/d"),
    };
    Case { presentation, tool: tool.into(), arguments, context: context.map(Into::into), now_ms }
}

/// Sometimes changes, adds or drops a claim.
fn damage(rng: &mut Rng, claims: &mut Map, capability: &mut Map) {
    if rng.u8(..40) == 0 {
        match rng.u8(..5) {
            0 => claims.remove(rng.i64(1..9)),
            1 => claims.set(rng.i64(1..10), value(rng)),
            2 => claims.set(5, NOW + rng.u64(..2)),
            3 => claims.set(3, set(rng, 0, |rng| pick(rng, &[AUDIENCE, "https://b.example"]).into())),
            _ => claims.set(4, NOW + rng.u64(..1200)),
        };
    }
    if rng.u8(..40) == 0 {
        match rng.u8(..4) {
            0 => capability.remove(rng.i64(0..13)),
            1 => capability.set(rng.i64(0..14), value(rng)),
            2 => capability.set(3, rng.i64(0..17)),
            _ => capability.set(12, pick(rng, &["a", "a/b", "a/b/c", "a/../b", "*"])),
        };
    }
}

/// Flips a bit, drops the end, doubles a byte, or overwrites one.
fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let at = rng.usize(..bytes.len());
    match rng.u8(..4) {
        0 => bytes[at] ^= 1 << rng.u8(..8),
        1 => bytes.truncate(at),
        2 => bytes.insert(at, bytes[at]),
        _ => bytes[at] = rng.u8(..),
    }
}
