//! What is left of a private key in memory once it is dropped: nothing that this test knows how to look for.
//!
//! The test starts itself again as a child. The child gets seeds and what to look for in a masked form, so that it holds them nowhere but where
//! the keys do; it works with the keys, drops them, and searches everything it could write to.
#![cfg(all(target_os = "linux", feature = "os"))]

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use base64::Engine;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use deputize::os::SysRng;
use deputize::*;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

const CHILD: &str = "DEPUTIZE_TEST_MEMORY";
const DONE: &str = "everything was searched";
const MASK: u8 = 0x5c;
const MASKS: u64 = u64::from_le_bytes([MASK; WORD]);
const WORD: usize = 8;

/// What is searched for: every eight bytes of a secret in a row are a place to find it by, masked.
type Needles = HashMap<u64, String>;

/// Everything that is as good as the key: `name` and what it is, and the bytes.
fn secrets(name: &str, seed: &[u8; 32]) -> Vec<(String, Vec<u8>)> {
    let key = SigningKey::from_seed(seed).unwrap();
    let hash: [u8; 64] = Sha512::digest(seed).into();
    let scalar = clamp_integer(*hash.first_chunk().unwrap());
    let reduced = Scalar::from_bytes_mod_order(scalar).to_bytes();
    let pem = key.to_pem().lines().nth(1).unwrap().as_bytes().to_vec();
    let base64url = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(seed);
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    // The hash function reads its input as words of eight bytes, the first byte highest.
    let words = seed.chunks(WORD).flat_map(|word| word.iter().rev().copied()).collect();
    let secrets = [
        ("seed", seed.to_vec()),
        ("words", words),
        // 21 digits of the block are the same for every key.
        ("pem", pem[24..].to_vec()),
        ("base64url", base64url.into_bytes()),
        ("hex", hex.into_bytes()),
        ("hash", hash.to_vec()),
        ("clamped", scalar.to_vec()),
        ("scalar", reduced.to_vec()),
        ("digits", digits(&reduced)),
    ];
    secrets.into_iter().map(|(what, bytes)| (format!("{name} {what}"), bytes)).collect()
}

/// The scalar in digits of base 16 from −8 to 8, as a multiplication takes it apart.
fn digits(scalar: &[u8; 32]) -> Vec<u8> {
    let mut carry = 0;
    let digit = |nibble: u8| {
        let digit = nibble as i8 + carry;
        carry = (digit + 8) >> 4;
        (digit - (carry << 4)) as u8
    };
    scalar.iter().flat_map(|byte| [byte & 15, byte >> 4]).map(digit).collect()
}

fn masked(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{:02x}", byte ^ MASK)).collect()
}

/// Undoes [`masked`], byte by byte into its place.
fn unmask(text: &str, place: &mut [u8]) {
    for (at, byte) in place.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap() ^ MASK;
    }
}

/// A generator that gives one seed.
struct Gives<'a>(&'a str);

impl rand_core::TryRng for Gives<'_> {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        unmask(self.0, bytes);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Gives<'_> {}

/// The key of a masked seed. The seed is unmasked in a place that is wiped.
fn key(seed: &str) -> SigningKey {
    let mut bytes = Box::new(Zeroizing::new([0; 32]));
    unmask(seed, &mut bytes[..]);
    SigningKey::from_seed(&bytes).unwrap()
}

type Way = fn(&str);

/// What one can do with a key.
const WAYS: [(&str, Way); 10] = [
    ("from_seed", |seed| drop(key(seed))),
    ("generate", |seed| drop(SigningKey::generate(&mut Gives(seed)).unwrap())),
    ("sign", |seed| {
        let key = key(seed);
        (0..100u8).for_each(|number| assert!(key.sign(&[number]).is_ok()));
    }),
    ("issue and prove", |seed| {
        let (issuer, holder, now) = (key(seed), SigningKey::from_seed(&[7; 32]).unwrap(), os::now().unwrap());
        let tools = || Tools::new().allow("t", ArgumentRules::new()).unwrap();
        let chain = issue(&issuer, "ana", &Grant::to(holder.verifying_key()).tools(tools()), &mut SysRng, now).unwrap();
        assert!(chain.token_bytes().is_ok());
        let chain = issue(&holder, "ana", &Grant::to(issuer.verifying_key()).tools(tools()), &mut SysRng, now).unwrap();
        let arguments = Arguments::new(vec![]).unwrap();
        prove(&issuer, &chain, &Call::new("t", &arguments), "a", &mut SysRng, now).unwrap();
    }),
    ("to_seed", |seed| drop(key(seed).to_seed())),
    ("PEM", |seed| drop(SigningKey::from_pem(&key(seed).to_pem()).unwrap())),
    ("JWK", |seed| drop(SigningKey::from_jwk(&key(seed).to_jwk()).unwrap())),
    ("a refusal", |seed| {
        SigningKey::from_pem(&Zeroizing::new(key(seed).to_pem().replace("END", "AND"))).unwrap_err();
        VerifyingKey::from_pem(&key(seed).to_pem()).unwrap_err();
        VerifyingKey::from_jwk(&key(seed).to_jwk()).unwrap_err();
    }),
    ("Debug", |seed| assert!(format!("{:?}", key(seed)).starts_with("SigningKey("))),
    ("a file", |seed| {
        let folder = std::env::temp_dir().join(format!("deputize-memory-{}", std::process::id()));
        let file = folder.join("key.pem");
        os::save(&file, &key(seed)).unwrap();
        assert!(os::load(&file).is_ok() && os::load_or_create(&file).is_ok());
        fs::remove_dir_all(folder).unwrap();
    }),
];

/// How often each secret is found in what this process can write to.
fn found(needles: &Needles) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0u8; 1 << 16];
    let own = [buffer.as_ptr_range().start as u64, buffer.as_ptr_range().end as u64];
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let mut fields = line.split(' ');
        let (start, end) = fields.next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        if !fields.next().unwrap().contains('w') {
            continue;
        }
        // Not the buffer, which holds copies.
        for (mut at, end) in [(start, end.min(own[0])), (start.max(own[1]), end)] {
            while at < end {
                let length = buffer.len().min((end - at) as usize);
                memory.read_exact_at(&mut buffer[..length], at).unwrap();
                for word in buffer[..length].windows(WORD) {
                    if let Some(secret) = needles.get(&(u64::from_le_bytes(word.try_into().unwrap()) ^ MASKS)) {
                        *found.entry(secret.clone()).or_default() += 1;
                    }
                }
                // A secret may lie across two pieces.
                at += if at + length as u64 == end { length } else { length - (WORD - 1) } as u64;
            }
        }
    }
    found
}

fn child() {
    let mut seeds = BTreeMap::new();
    let mut needles = Needles::new();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (name, masked) = line.rsplit_once(' ').unwrap();
        if let Some(name) = name.strip_prefix("key ") {
            seeds.insert(name.to_owned(), masked.to_owned());
        } else {
            needles.insert(u64::from_str_radix(masked, 16).unwrap().swap_bytes(), name.to_owned());
        }
    }
    for (name, way) in WAYS {
        in_a_thread(&seeds[name], way);
        assert_eq!(found(&needles), BTreeMap::new(), "{name}");
    }
    // While a key lives, its seed is there once, and nothing that was made of it.
    let kept = key(&seeds["kept"]);
    kept.sign(b"message").unwrap();
    let once = |secret: &str| (secret.to_owned(), 32 / WORD);
    assert_eq!(found(&needles), BTreeMap::from([once("kept seed")]));
    drop(kept);
    // What a thread leaves on its stack is found, so the search above would have found it.
    in_a_thread(&seeds["careless"], |seed| {
        let mut place = [0; 32];
        unmask(seed, black_box(&mut place));
    });
    assert_eq!(found(&needles), BTreeMap::from([once("careless seed")]));
    println!("{DONE}");
}

/// In a thread that ends, so deep that its end does not touch what is left there.
fn in_a_thread(seed: &str, way: Way) {
    let deep = || {
        let room = [0u8; 1 << 14];
        black_box(&room);
        way(seed);
        black_box(&room);
    };
    std::thread::scope(|scope| scope.spawn(deep).join().unwrap());
}

#[test]
fn nothing_of_a_private_key_is_in_memory_once_it_is_dropped() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let mut input = String::new();
    for name in WAYS.map(|(name, _)| name).into_iter().chain(["kept", "careless"]) {
        let seed = *Sha512::digest(name).first_chunk().unwrap();
        input += &format!("key {name} {}\n", masked(&seed));
        for (what, bytes) in secrets(name, &seed) {
            bytes.chunks_exact(WORD).for_each(|word| input += &format!("{what} {}\n", masked(word)));
        }
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "nothing_of_a_private_key_is_in_memory_once_it_is_dropped", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains(DONE), "{text}");
}
