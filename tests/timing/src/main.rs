//! Does the time of what touches a private key depend on the key? The method is dudect (Reparaz, Balasch, Verbauwhede 2017): the same work with one
//! fixed key and with random keys, in random order, and Welch's t-test over the two sets of times. With |t| above 4.5 the times tell the two apart.
//!
//! `SAMPLES` in the environment says how many (100,000 if it is not there). The machine should have nothing else to do.

use deputize::{Signer, SigningKey};
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main};
use rand_core::Rng;

/// Inputs that are made before any of them is timed.
const BATCH: usize = 10_000;
const FIXED: [u8; 32] = [0x5a; 32];

fn random<const N: usize>(rng: &mut BenchRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Times `work` over inputs that were made of the fixed and of random seeds. Both classes get an input of their own each time, so that neither
/// is warmer than the other.
fn compare<I, O>(runner: &mut CtRunner, rng: &mut BenchRng, make: impl Fn(&[u8; 32], &mut BenchRng) -> I, work: impl Fn(&I) -> O) {
    let samples = std::env::var("SAMPLES").map_or(100_000, |number| number.parse().expect("SAMPLES is a number"));
    let mut left = samples;
    while left > 0 {
        let batch: Vec<_> = (0..left.min(BATCH))
            .map(|_| {
                let (coin, seed) = (rng.next_u32() & 1, random(rng));
                let (class, seed) = if coin == 0 { (Class::Left, FIXED) } else { (Class::Right, seed) };
                (class, make(&seed, rng))
            })
            .collect();
        batch.iter().for_each(|(class, input)| runner.run_one(*class, || work(input)));
        left -= batch.len();
    }
}

fn key(seed: &[u8; 32]) -> SigningKey {
    SigningKey::from_seed(seed).unwrap()
}

/// The control: a comparison that ends at the first difference must be told apart, or nothing would be.
fn a_control_that_leaks(runner: &mut CtRunner, rng: &mut BenchRng) {
    compare(runner, rng, |seed, _| seed.repeat(8), |bytes| bytes.iter().zip(FIXED.iter().cycle()).take_while(|(a, b)| a == b).count());
}

fn derive_public_key(runner: &mut CtRunner, rng: &mut BenchRng) {
    compare(runner, rng, |seed, _| *seed, key);
}

fn sign(runner: &mut CtRunner, rng: &mut BenchRng) {
    let make = |seed: &[u8; 32], rng: &mut BenchRng| (key(seed), random::<64>(rng));
    compare(runner, rng, make, |(key, message)| key.sign(message));
}

fn write_pem(runner: &mut CtRunner, rng: &mut BenchRng) {
    compare(runner, rng, |seed, _| key(seed), SigningKey::to_pem);
}

fn write_jwk(runner: &mut CtRunner, rng: &mut BenchRng) {
    compare(runner, rng, |seed, _| key(seed), SigningKey::to_jwk);
}

fn read_pem(runner: &mut CtRunner, rng: &mut BenchRng) {
    compare(runner, rng, |seed, _| key(seed).to_pem(), |text| SigningKey::from_pem(text).unwrap());
}

fn read_jwk(runner: &mut CtRunner, rng: &mut BenchRng) {
    compare(runner, rng, |seed, _| key(seed).to_jwk(), |text| SigningKey::from_jwk(text).unwrap());
}

ctbench_main!(a_control_that_leaks, derive_public_key, sign, write_pem, write_jwk, read_pem, read_jwk);
