//! Tokens of workloads: honest ones of each platform and algorithm are admitted, and the published attacks are refused.
#![cfg(feature = "jwt")]

use std::sync::LazyLock;

use deputize::os::SysRng;
use deputize::*;
use p256::ecdsa::signature::Signer as _;
use rsa::traits::PublicKeyParts;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

const SECOND: u64 = 1_764_000_000;
const AUTHORITY: &str = "ids.acme.example";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://ids.acme.example";

/// Made once for all tests: this takes a moment.
static RSA: LazyLock<rsa::RsaPrivateKey> = LazyLock::new(|| rsa_of(2048));

fn rsa_of(bits: usize) -> rsa::RsaPrivateKey {
    rsa::RsaPrivateKey::new(&mut rand_core::UnwrapErr(SysRng), bits).unwrap()
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn p256_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

fn p384_key() -> p384::ecdsa::SigningKey {
    p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap()
}

fn at(second: u64) -> Now {
    Now::from_millis(second * 1000).unwrap()
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    text_from_bytes(bytes.as_ref())
}

fn rsa_jwk(key: &rsa::RsaPrivateKey, more: Json) -> Json {
    let (n, e) = (key.n().as_ref().to_be_bytes_trimmed_vartime(), key.e().to_be_bytes_trimmed_vartime());
    with(json!({"kty": "RSA", "n": encoded(n), "e": encoded(e)}), more)
}

fn with(mut object: Json, more: Json) -> Json {
    for (name, value) in more.as_object().unwrap() {
        match value {
            Json::Null => object.as_object_mut().unwrap().remove(name),
            value => object.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    object
}

fn ec_jwk(curve: &str, point: &[u8], more: Json) -> Json {
    let size = point.len() / 2;
    with(json!({"kty": "EC", "crv": curve, "x": encoded(&point[1..=size]), "y": encoded(&point[1 + size..])}), more)
}

fn p256_jwk() -> Json {
    ec_jwk("P-256", p256_key().verifying_key().to_sec1_point(false).as_bytes(), json!({"kid": "p256", "use": "sig"}))
}

fn p384_jwk() -> Json {
    ec_jwk("P-384", p384_key().verifying_key().to_sec1_point(false).as_bytes(), json!({"kid": "p384", "alg": "ES384"}))
}

fn ed_jwk() -> Json {
    with(serde_json::from_str(&key(8).verifying_key().to_jwk()).unwrap(), json!({"kid": "ed", "use": "jwt-svid"}))
}

fn set(keys: &[Json]) -> Vec<u8> {
    json!({"keys": keys}).to_string().into_bytes()
}

/// Every algorithm; the kid is what the signer of a test is called.
fn jwks() -> Vec<u8> {
    let rsa = rsa_jwk(&RSA, json!({"kid": "rsa", "alg": "RS256", "use": "sig"}));
    let pss = rsa_jwk(&RSA, json!({"kid": "pss", "alg": "PS256"}));
    let encryption = rsa_jwk(&RSA, json!({"kid": "enc", "use": "enc"}));
    let other = json!({"kty": "EC", "crv": "P-521", "kid": "p521"});
    set(&[rsa, pss, p256_jwk(), p384_jwk(), ed_jwk(), encryption, other])
}

fn signed(with_key: &str, message: &str) -> Vec<u8> {
    let message = message.as_bytes();
    match with_key {
        "rsa" => RSA.sign(rsa::Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message)).unwrap(),
        "pss" => sign_pss(message, 32),
        "p256" => Signature256::sign(&p256_key(), message),
        "p384" => {
            let signature: p384::ecdsa::Signature = p384_key().sign(message);
            signature.to_bytes().to_vec()
        }
        "ed" => Signer::sign(&key(8), message).unwrap().to_vec(),
        other => panic!("{other}"),
    }
}

struct Signature256;

impl Signature256 {
    fn sign(key: &p256::ecdsa::SigningKey, message: &[u8]) -> Vec<u8> {
        let signature: p256::ecdsa::Signature = key.sign(message);
        signature.to_bytes().to_vec()
    }
}

fn sign_pss(message: &[u8], salt: usize) -> Vec<u8> {
    let scheme = rsa::Pss::<Sha256>::new_with_salt(salt);
    RSA.sign_with_rng(&mut rand_core::UnwrapErr(SysRng), scheme, &Sha256::digest(message)).unwrap()
}

fn algorithm(with_key: &str) -> &'static str {
    match with_key {
        "rsa" => "RS256",
        "pss" => "PS256",
        "p256" => "ES256",
        "p384" => "ES384",
        _ => "EdDSA",
    }
}

fn header(with_key: &str) -> Json {
    json!({"alg": algorithm(with_key), "kid": with_key, "typ": "JWT"})
}

/// A token of these texts, whatever they are.
fn raw(header: &str, claims: &str, with_key: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    format!("{message}.{}", encoded(signed(with_key, &message)))
}

fn token(header: &Json, claims: &Json, with_key: &str) -> String {
    raw(&header.to_string(), &claims.to_string(), with_key)
}

fn bound(audience: &str, n: u8) -> String {
    format!("{audience}#{}", key(n).verifying_key().thumbprint())
}

fn claims() -> Json {
    json!({"iss": ISSUER, "sub": "job:7", "aud": bound(AUDIENCE, 3), "iat": SECOND, "exp": SECOND + 300, "tier": 2})
}

fn attestor() -> JwtAttestor {
    JwtAttestor::new("ci", ISSUER, AUDIENCE, Constraint::glob("job:*").unwrap(), &jwks()).unwrap()
}

/// What the agent with key 3 gets for a token.
fn admit(attestor: JwtAttestor, token: &str, second: u64) -> Result<IdentityGrant> {
    let authority = IdentityAuthority::new(AUTHORITY, key(1).verifying_key()).unwrap();
    let registrar = Registrar::new(authority).with_attestor(attestor).unwrap();
    let challenge = registrar.challenge(&key(1), 60, &mut SysRng, at(second)).unwrap();
    let request = enrol(&key(3), AUTHORITY, &challenge, "ci", token.as_bytes(), at(second))?;
    registrar.admit(&request, &MemoryStore::new(10, at(1)).unwrap(), at(second))
}

fn identity(grant: &IdentityGrant) -> VerifiedIdentity {
    let document = issue_identity(&key(1), AUTHORITY, grant, &mut SysRng, at(SECOND)).unwrap();
    let authority = IdentityAuthority::new(AUTHORITY, key(1).verifying_key()).unwrap();
    IdentityPolicy::new([authority]).unwrap().verify(&document, at(SECOND)).unwrap()
}

fn refused(token: &str) {
    let error = admit(attestor(), token, SECOND).unwrap_err();
    assert_eq!(error.code(), Code::AttestationFailed, "{token}: {error}");
}

#[test]
fn a_token_of_each_algorithm_is_admitted() {
    for with_key in ["rsa", "pss", "p256", "p384", "ed"] {
        let grant = admit(attestor().attribute("tier", ["tier"]), &token(&header(with_key), &claims(), with_key), SECOND).unwrap();
        let identity = identity(&grant);
        assert_eq!((identity.name(), identity.attestor()), ("job:7", Some("ci")), "{with_key}");
        assert_eq!(identity.attribute("tier"), Some(&2.into()));
        assert_eq!(identity.key(), key(3).verifying_key());
    }
    let by_its_new_name = token(&with(header("ed"), json!({"alg": "Ed25519"})), &claims(), "ed");
    admit(attestor(), &by_its_new_name, SECOND).unwrap();
}

#[test]
fn the_algorithm_is_that_of_the_key() {
    for with_key in ["rsa", "pss", "p256", "p384", "ed"] {
        for alg in ["none", "None", "", "HS256", "RS384", "RS512", "ES256K", "ES512", "RS256", "PS256", "ES256", "ES384", "EdDSA", "rs256"]
        {
            if alg != algorithm(with_key) {
                refused(&token(&with(header(with_key), json!({"alg": alg})), &claims(), with_key));
            }
        }
        refused(&token(&with(header(with_key), json!({"alg": null})), &claims(), with_key));
        refused(&token(&with(header(with_key), json!({"alg": 1})), &claims(), with_key));
    }
    // Signed right, by the other scheme of the same key.
    refused(&token(&with(header("rsa"), json!({"alg": "PS256"})), &claims(), "pss"));
    refused(&token(&header("rsa"), &claims(), "pss"));
    refused(&token(&header("pss"), &claims(), "rsa"));
}

#[test]
fn a_public_key_is_no_secret_for_a_mac() {
    // HMAC-SHA256 (RFC 2104) with what an attacker can read as the key.
    fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
        let mut block = [0; 64];
        let key: Vec<u8> = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
        block[..key.len()].copy_from_slice(&key);
        let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36), message].concat());
        Sha256::digest([&block.map(|byte| byte ^ 0x5c)[..], &inner[..]].concat()).to_vec()
    }
    let jwk = rsa_jwk(&RSA, json!({"kid": "rsa", "alg": "RS256", "use": "sig"})).to_string();
    let modulus = RSA.n().as_ref().to_be_bytes_trimmed_vartime();
    for secret in [jwk.as_bytes(), &modulus, &jwks(), b""] {
        for alg in ["HS256", "RS256"] {
            let message = format!("{}.{}", encoded(with(header("rsa"), json!({"alg": alg})).to_string()), encoded(claims().to_string()));
            refused(&format!("{message}.{}", encoded(hmac(secret, message.as_bytes()))));
        }
    }
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let honest = token(&header("rsa"), &claims(), "rsa");
    let unsigned = honest.rsplit_once('.').unwrap().0;
    for wrong in [unsigned.to_owned(), format!("{unsigned}."), format!("{unsigned}.AA"), format!("{honest}."), format!(".{honest}")] {
        refused(&wrong);
    }
    let none = encoded(json!({"alg": "none", "kid": "rsa"}).to_string());
    refused(&format!("{none}.{}.", encoded(claims().to_string())));
    // Zeros, which ECDSA without a check of its range takes for a signature of everything.
    let message = format!("{}.{}", encoded(header("p256").to_string()), encoded(claims().to_string()));
    refused(&format!("{message}.{}", encoded([0; 64])));
}

#[test]
fn the_kid_selects_within_the_jwks_and_does_nothing_else() {
    let kids = ["../../rsa", "/dev/null", "rsa' OR '1'='1", "RSA", "rsa ", "", "enc", "p521", "https://evil.example/jwks", "rsa\u{0}"];
    for kid in kids {
        refused(&token(&with(header("rsa"), json!({"kid": kid})), &claims(), "rsa"));
    }
    for kid in [json!(7), json!(["rsa"]), json!({"rsa": 1}), json!(true)] {
        refused(&token(&with(header("rsa"), json!({"kid": kid})), &claims(), "rsa"));
    }
    // With several keys there has to be one; a single key needs none.
    let without = token(&with(header("p256"), json!({"kid": null})), &claims(), "p256");
    refused(&without);
    let single = JwtAttestor::new("ci", ISSUER, AUDIENCE, Constraint::any(), &set(&[p256_jwk()])).unwrap();
    admit(single, &without, SECOND).unwrap();
    // The key of another kid.
    refused(&token(&with(header("p256"), json!({"kid": "p384"})), &claims(), "p256"));
}

#[test]
fn a_key_that_the_token_brings_is_not_used() {
    let own = p256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    let jwk = ec_jwk("P-256", own.verifying_key().to_sec1_point(false).as_bytes(), json!({"kid": "own"}));
    let sign = |header: Json| {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims().to_string()));
        format!("{message}.{}", encoded(Signature256::sign(&own, message.as_bytes())))
    };
    refused(&sign(json!({"alg": "ES256", "jwk": jwk})));
    refused(&sign(json!({"alg": "ES256", "kid": "p256", "jwk": jwk})));
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["AA"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!(1)),
    ] {
        refused(&token(&with(header("rsa"), json!({ name: value })), &claims(), "rsa"));
    }
    for fine in [json!({"typ": "jose"}), json!({"typ": null}), json!({"x5t": "AA"})] {
        admit(attestor(), &token(&with(header("rsa"), fine), &claims(), "rsa"), SECOND).unwrap();
    }
}

#[test]
fn times_are_judged_with_a_leeway_of_thirty_seconds() {
    for (more, second, allowed) in [
        (json!({}), SECOND + 329, true),
        (json!({}), SECOND + 330, false),
        (json!({}), SECOND - 30, true),
        (json!({}), SECOND - 31, false),
        (json!({"nbf": SECOND + 60}), SECOND + 30, true),
        (json!({"nbf": SECOND + 60}), SECOND + 29, false),
        (json!({"iat": SECOND as f64 + 0.5}), SECOND, true),
        (json!({"exp": null}), SECOND, false),
        (json!({"iat": null}), SECOND, false),
        (json!({"exp": SECOND}), SECOND, false),
        (json!({"exp": SECOND - 1}), SECOND, false),
        (json!({"exp": (SECOND + 300).to_string()}), SECOND, false),
        (json!({"exp": -1}), SECOND, false),
        (json!({"exp": -0.5}), SECOND, false),
        (json!({"iat": true}), SECOND, false),
        (json!({"nbf": "0"}), SECOND, false),
        (json!({"exp": u64::MAX}), SECOND, false),
    ] {
        let answer = admit(attestor(), &token(&header("p256"), &with(claims(), more.clone()), "p256"), second);
        assert_eq!(answer.err().map(|error| error.code()), (!allowed).then_some(Code::AttestationFailed), "{more} at {second}");
    }
}

#[test]
fn a_token_is_bound_to_the_key_of_the_agent() {
    let (own, foreign) = (key(3).verifying_key().thumbprint(), key(4).verifying_key().thumbprint());
    for (more, allowed) in [
        (json!({"aud": [bound(AUDIENCE, 3)]}), true),
        (json!({"aud": AUDIENCE, "cnf": {"jkt": own}}), true),
        (json!({"cnf": {"jkt": own}}), true),
        (json!({"aud": bound(AUDIENCE, 4)}), false),
        (json!({"aud": AUDIENCE}), false),
        (json!({"aud": format!("{AUDIENCE}#")}), false),
        (json!({"aud": format!("{AUDIENCE}#{own}#")}), false),
        (json!({"aud": format!("{AUDIENCE}/x#{own}")}), false),
        (json!({"aud": format!("{AUDIENCE}{own}")}), false),
        (json!({"aud": bound("https://other.example", 3)}), false),
        (json!({"aud": own}), false),
        (json!({"aud": null}), false),
        (json!({"aud": []}), false),
        (json!({"aud": [bound(AUDIENCE, 3), "https://other.example"]}), false),
        (json!({"aud": [bound(AUDIENCE, 4), bound(AUDIENCE, 3)]}), false),
        (json!({"aud": {"0": AUDIENCE}}), false),
        (json!({"aud": AUDIENCE, "cnf": {"jkt": foreign}}), false),
        (json!({"cnf": {"jkt": foreign}}), false),
        (json!({"cnf": {"x5t#S256": own}}), false),
        (json!({"cnf": {}}), false),
        (json!({"cnf": own}), false),
        (json!({"aud": "https://other.example", "cnf": {"jkt": own}}), false),
    ] {
        let answer = admit(attestor(), &token(&header("p256"), &with(claims(), more.clone()), "p256"), SECOND);
        assert_eq!(answer.err().map(|error| error.code()), (!allowed).then_some(Code::AttestationFailed), "{more}");
    }
}

#[test]
fn issuer_subject_and_required_claims_are_those_of_the_configuration() {
    let require = || attestor().require(["a", "b"], Constraint::exact(1).unwrap()).attribute("b", ["a", "b"]);
    let nested = with(claims(), json!({"a": {"b": 1}}));
    assert_eq!(identity(&admit(require(), &token(&header("p256"), &nested, "p256"), SECOND).unwrap()).attribute("b"), Some(&1.into()));
    for more in [
        json!({"iss": "https://issuer.example/"}),
        json!({"iss": [ISSUER]}),
        json!({"iss": null}),
        json!({"sub": "person:7"}),
        json!({"sub": null}),
        json!({"sub": 7}),
        json!({"sub": format!("job:{}", "x".repeat(256))}),
        json!({"a": null}),
        json!({"a": 1}),
        json!({"a": {"b": "1"}}),
        json!({"a": {"b": [1]}}),
        json!({"a": [{"b": 1}]}),
    ] {
        let answer = admit(require(), &token(&header("p256"), &with(nested.clone(), more.clone()), "p256"), SECOND);
        assert_eq!(answer.unwrap_err().code(), Code::AttestationFailed, "{more}");
    }
    let list = with(claims(), json!({"tier": [2]}));
    let answer = admit(attestor().attribute("tier", ["tier"]), &token(&header("p256"), &list, "p256"), SECOND);
    assert_eq!(answer.unwrap_err().code(), Code::AttestationFailed);
}

#[test]
fn json_is_read_in_one_way() {
    let claims = claims().to_string();
    let header = header("p256").to_string();
    let twice = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    for (header, claims) in [
        (twice(&header, r#""alg":"none""#), claims.clone()),
        (header.clone(), twice(&claims, r#""sub":"job:8""#)),
        (header.clone(), twice(&claims, r#""s\u0075b":"job:8""#)),
        (header.clone(), twice(&claims, r#""x":{"y":1,"y":2}"#)),
        (header.clone(), format!("{claims} x")),
        (header.clone(), format!("[{claims}]")),
        (header.clone(), r#""claims""#.into()),
        (header.clone(), String::new()),
        (format!("[{header}]"), claims.clone()),
        (String::new(), claims.clone()),
        (header.clone(), format!(r#"{{"x":{},"y":1}}"#, "[".repeat(4000))),
    ] {
        refused(&raw(&header, &claims, "p256"));
    }
    let honest = raw(&header, &claims, "p256");
    for wrong in [
        format!("{honest}="),
        honest.replace('.', "\n."),
        format!(" {honest}"),
        honest.replacen('.', ".=", 1),
        "..".into(),
        ".".into(),
        String::new(),
    ] {
        refused(&wrong);
    }
    let too_large = "x".repeat(limits::MAX_ENROLMENT_EVIDENCE + 1);
    assert_eq!(admit(attestor(), &too_large, SECOND).unwrap_err().code(), Code::TooLarge);
}

#[test]
fn every_prefix_and_every_single_bit_flip_is_refused() {
    for with_key in ["rsa", "pss", "p256", "ed"] {
        let honest = token(&header(with_key), &claims(), with_key);
        let authority = IdentityAuthority::new(AUTHORITY, key(1).verifying_key()).unwrap();
        let registrar = Registrar::new(authority).with_attestor(attestor()).unwrap();
        let challenge = registrar.challenge(&key(1), 60, &mut SysRng, at(SECOND)).unwrap();
        let store = MemoryStore::new(10, at(1)).unwrap();
        let attest = |token: &[u8]| {
            let request = enrol(&key(3), AUTHORITY, &challenge, "ci", token, at(SECOND)).unwrap();
            registrar.admit(&request, &store, at(SECOND))
        };
        for end in 0..honest.len() {
            assert!(attest(&honest.as_bytes()[..end]).is_err(), "{with_key} {end}");
        }
        for bit in 0..honest.len() * 8 {
            let mut flipped = honest.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(attest(&flipped).is_err(), "{with_key} {bit}");
        }
    }
}

#[test]
fn a_salt_of_another_length_is_refused() {
    let message = format!("{}.{}", encoded(header("pss").to_string()), encoded(claims().to_string()));
    for salt in [0, 20, 31, 33] {
        refused(&format!("{message}.{}", encoded(sign_pss(message.as_bytes(), salt))));
    }
}

#[test]
fn a_jwks_that_is_dangerous_or_useless_is_refused() {
    let of = |jwks: &[u8]| JwtAttestor::new("ci", ISSUER, AUDIENCE, Constraint::any(), jwks).unwrap_err().code();
    let small = rsa_jwk(&rsa_of(1024), json!({}));
    let nearly = |bytes: &[u8]| rsa_jwk(&RSA, json!({"n": encoded(bytes)}));
    let modulus = RSA.n().as_ref().to_be_bytes_trimmed_vartime().to_vec();
    let halved: Vec<u8> = [&[modulus[0] >> 1], &modulus[1..]].concat();
    let even: Vec<u8> = [&modulus[..255], &[modulus[255] & 0xfe]].concat();
    let mut wrong_point = p256_jwk();
    wrong_point["y"] = wrong_point["x"].clone();
    for (keys, expected) in [
        (vec![], Code::ConfigInvalid),
        (vec![json!({"kty": "EC", "crv": "P-521"})], Code::ConfigInvalid),
        (vec![with(p256_jwk(), json!({"use": "enc"}))], Code::ConfigInvalid),
        (vec![with(p256_jwk(), json!({"key_ops": ["sign"]}))], Code::ConfigInvalid),
        (vec![with(p256_jwk(), json!({"alg": "ECDH-ES"}))], Code::ConfigInvalid),
        (vec![rsa_jwk(&RSA, json!({"alg": "RS512"}))], Code::ConfigInvalid),
        // Private and symmetric keys, beside a key that could be used.
        (vec![p256_jwk(), rsa_jwk(&RSA, json!({"d": "AQ"}))], Code::ConfigInvalid),
        (vec![p256_jwk(), with(p256_jwk(), json!({"kid": "x", "d": "AQ"}))], Code::ConfigInvalid),
        (vec![p256_jwk(), json!({"kty": "oct", "k": "c2VjcmV0"})], Code::ConfigInvalid),
        (vec![p256_jwk(), json!({"kty": "oct", "use": "enc", "k": "c2VjcmV0"})], Code::ConfigInvalid),
        // Weak ones.
        (vec![small.clone()], Code::ConfigInvalid),
        (vec![p256_jwk(), small], Code::ConfigInvalid),
        (vec![nearly(&halved)], Code::ConfigInvalid),
        (vec![nearly(&modulus[1..])], Code::ConfigInvalid),
        (vec![nearly(&[&[0], &modulus[..]].concat())], Code::ConfigInvalid),
        (vec![nearly(&even)], Code::ConfigInvalid),
        (vec![nearly(&[0xff; 513])], Code::ConfigInvalid),
        (vec![rsa_jwk(&RSA, json!({"e": "Aw"}))], Code::ConfigInvalid),
        (vec![rsa_jwk(&RSA, json!({"e": "AQ"}))], Code::ConfigInvalid),
        (vec![rsa_jwk(&RSA, json!({"e": "AQAA"}))], Code::ConfigInvalid),
        (vec![rsa_jwk(&RSA, json!({"e": encoded([0xff; 8])}))], Code::ConfigInvalid),
        (vec![rsa_jwk(&RSA, json!({"e": null}))], Code::ConfigInvalid),
        (vec![wrong_point], Code::ConfigInvalid),
        (vec![with(p256_jwk(), json!({"x": "AQ"}))], Code::ConfigInvalid),
        (vec![with(ed_jwk(), json!({"x": encoded([0; 32])}))], Code::ConfigInvalid),
        (vec![p256_jwk(), p256_jwk()], Code::ConfigInvalid),
        (vec![with(p256_jwk(), json!({"kid": 7}))], Code::ConfigInvalid),
        (vec![json!("key")], Code::Malformed),
        (vec![p256_jwk(); 65], Code::TooMany),
    ] {
        assert_eq!(of(&set(&keys)), expected, "{keys:?}");
    }
    for (jwks, expected) in [("{}", Code::Malformed), ("[]", Code::Malformed), ("", Code::Malformed), (r#"{"keys":{}}"#, Code::Malformed)] {
        assert_eq!(of(jwks.as_bytes()), expected, "{jwks}");
    }
    assert_eq!(of(&[0xff]), Code::Malformed);
    assert_eq!(of(&vec![b' '; limits::MAX_JWKS + 1]), Code::TooLarge);
    let twice = format!(r#"{{"keys":[{{"kty":"EC",{}]}}"#, &p256_jwk().to_string()[1..]);
    assert_eq!(of(twice.as_bytes()), Code::Malformed);
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused() {
    let any = || Constraint::any();
    for (issuer, audience) in [("", AUDIENCE), (ISSUER, ""), (ISSUER, "a#b"), ("a\n", AUDIENCE)] {
        assert_eq!(JwtAttestor::new("ci", issuer, audience, any(), &jwks()).unwrap_err().code(), Code::ConfigInvalid);
    }
    for repository in ["", "acme", "/app", "acme/", "acme/*", "acme/app/x", "acme/a pp", "acme/app:ref"] {
        let error = JwtAttestor::github_actions("ci", AUDIENCE, repository, &jwks()).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid, "{repository}");
    }
    for (namespace, account) in [("", "a"), ("a", ""), ("a:b", "a"), ("a", "B")] {
        let error = JwtAttestor::kubernetes("ci", ISSUER, AUDIENCE, namespace, account, &jwks()).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid);
    }
    for domain in ["", "Acme.example", "acme/example", "acme.*"] {
        assert_eq!(JwtAttestor::spiffe("ci", domain, AUDIENCE, &jwks()).unwrap_err().code(), Code::ConfigInvalid, "{domain}");
    }
}

// The platforms.

fn shape(make: fn() -> JwtAttestor, honest: &Json, name: &str, attributes: &[(&str, &str)], wrong: &[Json]) {
    let answer = |claims: &Json| admit(make(), &token(&header("rsa"), claims, "rsa"), SECOND);
    let identity = identity(&answer(honest).unwrap());
    assert_eq!(identity.name(), name);
    let found: Vec<_> = identity.attributes().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let expected: Vec<_> = attributes.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    assert_eq!(found, expected);
    for more in wrong {
        let error = answer(&with(honest.clone(), more.clone())).unwrap_err();
        assert_eq!(error.code(), Code::AttestationFailed, "{more}");
    }
}

#[test]
fn a_job_of_github_actions_enrols() {
    let honest = json!({
        "iss": "https://token.actions.githubusercontent.com", "sub": "repo:acme/app:ref:refs/heads/main", "aud": bound(AUDIENCE, 3),
        "jti": "example-id", "ref": "refs/heads/main", "sha": "0123abcd", "repository": "acme/app", "repository_owner": "acme",
        "repository_id": "74", "actor": "ana", "workflow": "agents", "workflow_ref": "acme/app/.github/workflows/agents.yml@refs/heads/main",
        "ref_protected": "true", "runner_environment": "github-hosted", "event_name": "push", "nbf": SECOND - 600, "exp": SECOND + 300,
        "iat": SECOND,
    });
    let attributes =
        [("ref", "refs/heads/main"), ("repository", "acme/app"), ("workflow_ref", "acme/app/.github/workflows/agents.yml@refs/heads/main")];
    let wrong = [
        json!({"iss": "https://token.actions.githubusercontent.example"}),
        json!({"sub": "repo:acme/app2:ref:refs/heads/main"}),
        json!({"sub": "repo:acme/app"}),
        json!({"sub": "repo:evil/acme/app:ref:refs/heads/main"}),
        json!({"repository": "acme/other"}),
        json!({"repository": null}),
        json!({"workflow_ref": null}),
    ];
    let make = || JwtAttestor::github_actions("ci", AUDIENCE, "acme/app", &jwks()).unwrap();
    shape(make, &honest, "repo:acme/app:ref:refs/heads/main", &attributes, &wrong);
}

#[test]
fn a_pod_of_kubernetes_enrols() {
    let honest = json!({
        "iss": "https://kubernetes.default.svc.cluster.local", "sub": "system:serviceaccount:agents:coder", "aud": [bound(AUDIENCE, 3)],
        "exp": SECOND + 600, "iat": SECOND, "nbf": SECOND, "jti": "example-id",
        "kubernetes.io": {
            "namespace": "agents", "node": {"name": "node-1", "uid": "u1"}, "pod": {"name": "coder-1", "uid": "u2"},
            "serviceaccount": {"name": "coder", "uid": "u3"},
        },
    });
    let wrong = [
        json!({"iss": ISSUER}),
        json!({"sub": "system:serviceaccount:agents:coder2"}),
        json!({"sub": "system:serviceaccount:other:coder"}),
        json!({"sub": "system:node:coder"}),
        json!({"kubernetes.io": {"namespace": "other", "serviceaccount": {"name": "coder"}}}),
        json!({"kubernetes.io": {"namespace": "agents", "serviceaccount": {"name": "other"}}}),
        json!({"kubernetes.io": null}),
        json!({"aud": ["https://kubernetes.default.svc"]}),
    ];
    let make = || {
        let issuer = "https://kubernetes.default.svc.cluster.local";
        JwtAttestor::kubernetes("ci", issuer, AUDIENCE, "agents", "coder", &jwks()).unwrap()
    };
    shape(make, &honest, "system:serviceaccount:agents:coder", &[("namespace", "agents"), ("service_account", "coder")], &wrong);
}

#[test]
fn a_workload_of_spiffe_enrols() {
    let honest = json!({"sub": "spiffe://acme.example/agents/coder", "aud": [bound(AUDIENCE, 3)], "iat": SECOND, "exp": SECOND + 300});
    let wrong = [
        json!({"sub": "spiffe://acme.example"}),
        json!({"sub": "spiffe://acme.example/"}),
        json!({"sub": "spiffe://acme.example/agents/"}),
        json!({"sub": "spiffe://acme.example//coder"}),
        json!({"sub": "spiffe://acme.example/agents/../admin"}),
        json!({"sub": "spiffe://acme.example/./coder"}),
        json!({"sub": "spiffe://acmeXexample/agents/coder"}),
        json!({"sub": "spiffe://acme.example.evil/agents/coder"}),
        json!({"sub": "spiffe://other.example/agents/coder"}),
        json!({"sub": "https://acme.example/agents/coder"}),
        json!({"exp": null}),
        json!({"aud": null}),
    ];
    shape(
        || JwtAttestor::spiffe("ci", "acme.example", AUDIENCE, &jwks()).unwrap(),
        &honest,
        "spiffe://acme.example/agents/coder",
        &[],
        &wrong,
    );
    let by_issuer = with(honest, json!({"iss": "https://spire.acme.example"}));
    let attestor = JwtAttestor::spiffe("ci", "acme.example", AUDIENCE, &jwks()).unwrap();
    admit(attestor, &token(&header("ed"), &by_issuer, "ed"), SECOND).unwrap();
}
