//! A chain of JSON Web Tokens as one would write it by hand with `jsonwebtoken`: each token names the key of its holder and the hash of the token
//! before it, and the proof is one more token. This is about the least that does the job: narrowing is a comparison of sets.

use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{AUDIENCE, DEPTHS, Peer, TOOL, labels, seed};

const NOW: u64 = 1_764_000_000;

#[derive(Serialize, Deserialize)]
struct Link {
    iss: String,
    sub: String,
    iat: u64,
    exp: u64,
    jti: String,
    cnf: Confirmation,
    tool: String,
    repo: Vec<String>,
    min_number: i64,
    labels: Vec<String>,
    parent: Option<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
struct Confirmation {
    x: String,
}

#[derive(Serialize, Deserialize)]
struct Proof {
    aud: String,
    iat: u64,
    exp: u64,
    jti: String,
    token: [u8; 32],
    tool: String,
    arguments: [u8; 32],
}

#[derive(Serialize)]
struct Arguments {
    labels: Vec<String>,
    number: i64,
    repo: String,
}

/// Keys, and what the server knows.
pub struct Jwt {
    keys: Vec<EncodingKey>,
    public: Vec<String>,
    root: DecodingKey,
    rules: Validation,
    arguments: Arguments,
    count: u64,
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Jwt {
    /// With the key of the issuer as the trusted one.
    #[must_use]
    pub fn new() -> Self {
        let keys = (0..=DEPTHS[DEPTHS.len() - 1]).map(|number| ed25519_dalek::SigningKey::from_bytes(&seed(number)));
        let (mut encoding, mut public) = (Vec::new(), Vec::new());
        for key in keys {
            // Without the public key: the crate behind `jsonwebtoken` derives it.
            let pair = ed25519_dalek::pkcs8::KeypairBytes { secret_key: key.to_bytes(), public_key: None };
            encoding.push(EncodingKey::from_ed_der(pair.to_pkcs8_der().unwrap().as_bytes()));
            public.push(deputize::text_from_bytes(key.verifying_key().as_bytes()));
        }
        let mut rules = Validation::new(Algorithm::EdDSA);
        // Times are of the story, so they are compared below.
        (rules.validate_exp, rules.validate_aud) = (false, false);
        let arguments = Arguments { labels: owned(&["bug", "urgent"]), number: 1719, repo: "acme/app".to_owned() };
        Jwt { root: DecodingKey::from_ed_components(&public[0]).unwrap(), keys: encoding, public, rules, arguments, count: 0 }
    }

    fn id(&mut self) -> String {
        self.count += 1;
        format!("{:032x}", self.count)
    }

    fn link(&mut self, hop: usize, parent: Option<[u8; 32]>) -> String {
        let link = Link {
            iss: format!("agent-{hop}"),
            sub: "ana".to_owned(),
            iat: NOW,
            exp: NOW + 600,
            jti: self.id(),
            cnf: Confirmation { x: self.public[hop + 1].clone() },
            tool: TOOL.to_owned(),
            repo: owned(&["acme/app", "acme/web"]),
            min_number: 1,
            labels: owned(labels(hop)),
            parent,
        };
        encode(&Header::new(Algorithm::EdDSA), &link, &self.keys[hop]).unwrap()
    }

    fn arguments_hash(&self) -> [u8; 32] {
        hash(&serde_json::to_vec(&self.arguments).unwrap())
    }

    fn check(&self, presentation: &[u8]) -> Option<()> {
        let mut texts: Vec<&str> = std::str::from_utf8(presentation).ok()?.split('~').collect();
        let proof = texts.pop()?;
        let (mut key, mut parent) = (self.root.clone(), None::<(Link, [u8; 32])>);
        for text in texts {
            let link = decode::<Link>(text, &key, &self.rules).ok()?.claims;
            if link.iat > NOW || NOW >= link.exp || link.parent != parent.as_ref().map(|(_, hash)| *hash) {
                return None;
            }
            if let Some((parent, _)) = &parent
                && !link.narrows(parent)
            {
                return None;
            }
            key = DecodingKey::from_ed_components(&link.cnf.x).ok()?;
            parent = Some((link, hash(text.as_bytes())));
        }
        let (leaf, token) = parent?;
        let proof = decode::<Proof>(proof, &key, &self.rules).ok()?.claims;
        let bound = proof.aud == AUDIENCE && proof.token == token && proof.tool == TOOL && proof.arguments == self.arguments_hash();
        let called = &self.arguments;
        let within = leaf.repo.contains(&called.repo)
            && called.number >= leaf.min_number
            && called.labels.iter().all(|label| leaf.labels.contains(label));
        (bound && within && leaf.tool == TOOL && proof.iat <= NOW && NOW < proof.exp).then_some(())
    }
}

impl Link {
    fn narrows(&self, parent: &Link) -> bool {
        self.sub == parent.sub
            && self.exp <= parent.exp
            && self.tool == parent.tool
            && self.min_number >= parent.min_number
            && self.repo.iter().all(|repo| parent.repo.contains(repo))
            && self.labels.iter().all(|label| parent.labels.contains(label))
    }
}

impl Default for Jwt {
    fn default() -> Self {
        Jwt::new()
    }
}

impl Peer for Jwt {
    /// Tokens, joined by `~`.
    type Chain = String;

    const NAME: &'static str = "jsonwebtoken, a chain by hand";

    fn mint(&mut self) -> String {
        self.link(0, None)
    }

    fn delegate(&mut self, chain: &String, hop: usize) -> String {
        let parent = chain.rsplit('~').next().map(|text| hash(text.as_bytes()));
        format!("{chain}~{}", self.link(hop + 1, parent))
    }

    fn present(&mut self, chain: &String, depth: usize) -> Vec<u8> {
        let token = hash(chain.rsplit('~').next().unwrap_or_default().as_bytes());
        let (aud, tool) = (AUDIENCE.to_owned(), TOOL.to_owned());
        let proof = Proof { aud, iat: NOW, exp: NOW + 60, jti: self.id(), token, tool, arguments: self.arguments_hash() };
        let proof = encode(&Header::new(Algorithm::EdDSA), &proof, &self.keys[depth]).unwrap();
        format!("{chain}~{proof}").into_bytes()
    }

    fn decide(&mut self, presentation: &[u8]) -> bool {
        self.check(presentation).is_some()
    }
}
