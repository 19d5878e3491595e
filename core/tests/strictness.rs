//! Signatures that are made to tell one rule from another: the classes of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020) and
//! of C2SP CCTV, generated here. Each is judged three times: by this crate, by ed25519-dalek's `verify_strict`, and by the rule of
//! docs/spec/encoding.md ("Keys") written out below. The three must agree in every case.

use std::collections::BTreeSet;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use deputize::{Code, VerifyingKey};
use sha2::{Digest, Sha512};

type Bytes = [u8; 32];

/// The group order L and the field's prime p, little-endian.
const L: Bytes = {
    let mut l = [0; 32];
    let low = 0x14de_f9de_a2f7_9cd6_5812_631a_5cf5_d3ed_u128.to_le_bytes();
    let mut at = 0;
    while at < 16 {
        l[at] = low[at];
        at += 1;
    }
    l[31] = 0x10;
    l
};
const P: Bytes = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

fn less(a: &Bytes, b: &Bytes) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// The sum, if it has 32 bytes.
fn sum(a: &Bytes, b: &Bytes) -> Option<Bytes> {
    let mut sum = [0; 32];
    let mut carry = 0;
    for at in 0..32 {
        let digit = u16::from(a[at]) + u16::from(b[at]) + carry;
        (sum[at], carry) = (digit as u8, digit >> 8);
    }
    (carry == 0).then_some(sum)
}

/// What a lax decoder makes of an encoding: y is taken modulo p, and a sign is allowed where x is 0.
fn lax(encoding: &Bytes) -> Option<EdwardsPoint> {
    CompressedEdwardsY(*encoding).decompress()
}

fn strict(encoding: &Bytes) -> Option<EdwardsPoint> {
    let point = lax(encoding).filter(|point| point.compress().0 == *encoding)?;
    (Scalar::from(8u8) * point != EdwardsPoint::identity()).then_some(point)
}

/// SHA-512 over R, A and the message, as a number of 64 bytes.
fn hash(r: &Bytes, a: &Bytes, message: &[u8]) -> [u8; 64] {
    Sha512::new().chain_update(r).chain_update(a).chain_update(message).finalize().into()
}

/// One encoding of the point `log · B + torsion · T`, where T has order 8.
struct Point {
    encoding: Bytes,
    canonical: Bytes,
    log: Scalar,
    torsion: usize,
}

impl Point {
    fn is_small_order(&self) -> bool {
        self.log == Scalar::ZERO
    }
}

/// Every encoding of `log · B` plus each of the eight points of small order.
fn points(log: Scalar) -> Vec<Point> {
    let mut points = Vec::new();
    for (torsion, small) in EIGHT_TORSION.iter().enumerate() {
        let point = EdwardsPoint::mul_base(&log) + small;
        let canonical = point.compress().0;
        let mut y = canonical;
        y[31] &= 0x7f;
        for low in [Some(y), sum(&y, &P)].into_iter().flatten().filter(|y| y[31] & 0x80 == 0) {
            for sign in [0, 0x80] {
                let mut encoding = low;
                encoding[31] |= sign;
                if lax(&encoding) == Some(point) {
                    points.push(Point { encoding, canonical, log, torsion });
                }
            }
        }
    }
    points
}

/// The encodings with y of p to 2^255 − 1 that are of points of large order. Nobody knows their logarithms.
fn strangers() -> Vec<Bytes> {
    let encodings = (0xed..=0xff).flat_map(|low| [0x7f, 0xff].map(|high| (low, high)));
    encodings
        .map(|(low, high)| {
            let mut encoding = [0xff; 32];
            (encoding[0], encoding[31]) = (low, high);
            encoding
        })
        .filter(|encoding| lax(encoding).is_some_and(|point| !point.is_small_order()))
        .collect()
}

/// S itself, S with multiples of L, 0, its inverse and neighbour, and S with bits that it cannot have.
fn variants(s: &Scalar) -> Vec<Bytes> {
    let s = s.to_bytes();
    let multiples: Vec<Bytes> = std::iter::successors(Some(s), |s| sum(s, &L)).collect();
    let mut variants = vec![s, multiples[1], multiples[2], *multiples.last().unwrap(), [0; 32], L];
    variants.push((-Scalar::from_bytes_mod_order(s)).to_bytes());
    variants.push((Scalar::from_bytes_mod_order(s) + Scalar::ONE).to_bytes());
    for bit in [0x20, 0x40, 0x80] {
        let mut high = s;
        high[31] |= bit;
        variants.push(high);
    }
    variants
}

/// One signature, and what each rule says of it.
struct Case<'a> {
    a: Bytes,
    r: Bytes,
    s: Bytes,
    message: &'a [u8],
}

impl Case<'_> {
    /// The rule of the specification.
    fn by_the_rule(&self) -> Result<(), Code> {
        let a = strict(&self.a).ok_or(Code::KeyInvalid)?;
        let equation = |r: EdwardsPoint| {
            let k = Scalar::from_bytes_mod_order_wide(&hash(&self.r, &self.a, self.message));
            EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(self.s)) == r + k * a
        };
        let valid = less(&self.s, &L) && strict(&self.r).is_some_and(equation);
        if valid { Ok(()) } else { Err(Code::SignatureInvalid) }
    }

    /// The most lenient rule: any encodings, any S, and the equation multiplied by the cofactor.
    fn by_the_most_lenient_rule(&self) -> bool {
        let (Some(a), Some(r)) = (lax(&self.a), lax(&self.r)) else { return false };
        let k = Scalar::from_bytes_mod_order_wide(&hash(&self.r, &self.a, self.message));
        let difference = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(self.s)) - r - k * a;
        Scalar::from(8u8) * difference == EdwardsPoint::identity()
    }

    fn signature(&self) -> [u8; 64] {
        [self.r, self.s].concat().try_into().unwrap()
    }

    fn by_this_crate(&self) -> Result<(), Code> {
        VerifyingKey::from_bytes(&self.a).and_then(|key| key.verify(self.message, &self.signature())).map_err(|error| error.code())
    }

    fn by_dalek(&self, verify: fn(&ed25519_dalek::VerifyingKey, &[u8], &ed25519_dalek::Signature) -> bool) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&self.signature());
        ed25519_dalek::VerifyingKey::from_bytes(&self.a).is_ok_and(|key| verify(&key, self.message, &signature))
    }
}

/// How many cases there were, and how many each rule accepted.
#[derive(Default, Debug, PartialEq)]
struct Counts {
    cases: usize,
    accepted: usize,
    accepted_by_dalek_without_strict: usize,
    accepted_by_the_most_lenient_rule: usize,
}

impl Counts {
    fn judge(&mut self, case: &Case) {
        let verdict = case.by_this_crate();
        let place = || format!("A {:02x?}\nR {:02x?}\nS {:02x?}\nmessage {:?}", case.a, case.r, case.s, case.message);
        assert_eq!(verdict, case.by_the_rule(), "{}", place());
        assert_eq!(verdict.is_ok(), case.by_dalek(|key, message, s| key.verify_strict(message, s).is_ok()), "{}", place());
        self.cases += 1;
        self.accepted += usize::from(verdict.is_ok());
        let without = case.by_dalek(|key, message, s| ed25519_dalek::Verifier::verify(key, message, s).is_ok());
        self.accepted_by_dalek_without_strict += usize::from(without);
        self.accepted_by_the_most_lenient_rule += usize::from(case.by_the_most_lenient_rule());
    }
}

/// What is peculiar about a signature. The first eight are the flags of CCTV.
fn class(a: &Point, r: &Point, reencoded: bool, [residue, unreduced_residue]: [bool; 2]) -> [bool; 9] {
    [
        a.is_small_order(),
        r.is_small_order(),
        a.torsion != 0,
        r.torsion != 0,
        residue,
        a.canonical != a.encoding,
        r.canonical != r.encoding,
        reencoded,
        residue != unreduced_residue,
    ]
}

#[test]
fn every_crafted_signature_is_judged_by_the_rule_and_as_verify_strict_does() {
    let (a_log, r_log) = (Scalar::from_bytes_mod_order([0x35; 32]), Scalar::from_bytes_mod_order([0x53; 32]));
    let [keys, nonces] = [a_log, r_log].map(|log| points(Scalar::ZERO).into_iter().chain(points(log)).collect::<Vec<_>>());
    assert_eq!((keys.len(), nonces.len()), (22, 22));

    let mut counts = Counts::default();
    let mut classes = BTreeSet::new();
    for (a, r) in keys.iter().flat_map(|a| nonces.iter().map(move |r| (a, r))) {
        let mut seen = BTreeSet::new();
        for message in (0..64u8).map(|number| [number]) {
            // S for k of the bytes as they are, and for k of the canonical encodings of the same points.
            for (r_hashed, a_hashed) in [(r.encoding, a.encoding), (r.canonical, a.canonical)] {
                let hash = hash(&r_hashed, &a_hashed, &message);
                let k = Scalar::from_bytes_mod_order_wide(&hash);
                // What is left of R + kA − SB: nothing, or a point of small order that the cofactor clears. It depends on whether k is
                // reduced modulo L before it is taken modulo 8.
                let residue = |k: u8| !(r.torsion + usize::from(k) * a.torsion).is_multiple_of(8);
                let residues = [residue(k.as_bytes()[0]), residue(hash[0])];
                let reencoded = (r_hashed, a_hashed) != (r.encoding, a.encoding);
                if seen.insert(class(a, r, reencoded, residues)) {
                    for s in variants(&(r.log + k * a.log)) {
                        counts.judge(&Case { a: a.encoding, r: r.encoding, s, message: &message });
                    }
                }
            }
        }
        classes.extend(seen);
    }
    assert_eq!(
        counts,
        Counts { cases: 20_053, accepted: 66, accepted_by_dalek_without_strict: 582, accepted_by_the_most_lenient_rule: 9_141 }
    );
    assert_eq!(classes.len(), 140);
}

#[test]
fn no_signature_of_a_point_that_nobody_has_the_logarithm_of_is_accepted() {
    let strangers = strangers();
    let log = Scalar::from_bytes_mod_order([0x35; 32]);
    let known = points(log);
    let mut counts = Counts::default();
    for stranger in &strangers {
        for other in known.iter().map(|point| &point.encoding).chain([stranger]) {
            for (a, r) in [(stranger, other), (other, stranger)] {
                for s in variants(&log) {
                    counts.judge(&Case { a: *a, r: *r, s, message: b"m" });
                }
            }
        }
    }
    assert_eq!((strangers.len(), counts), (20, Counts { cases: 3_960, ..Counts::default() }));
}
