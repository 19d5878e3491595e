//! Biscuit. There is no proof of possession: a presentation is a bearer token. Plain blocks are signed by ephemeral keys, so they do not say who
//! delegated; third-party blocks are signed by the keys of the holders as well, and that is the variant `IDENTITIES`.

use std::time::{Duration, SystemTime};

use biscuit_auth::builder::{Algorithm, AuthorizerBuilder, BlockBuilder, Term};
use biscuit_auth::macros::{authorizer, biscuit, block};
use biscuit_auth::{AuthorizerLimits, KeyPair, PrivateKey, PublicKey};

use crate::{DEPTHS, Peer, TOOL, labels, seed};

/// Keys; what a hop may do is written in its block.
pub struct Biscuit<const IDENTITIES: bool> {
    keys: Vec<KeyPair>,
    root: PublicKey,
}

fn set(values: &[&str]) -> Term {
    Term::Set(values.iter().map(|value| Term::Str((*value).to_owned())).collect())
}

fn narrower(hop: usize) -> BlockBuilder {
    block!(
        r#"
        check if repo($repo), ["acme/app", "acme/web"].contains($repo);
        check if number($number), $number >= 1;
        check if labels($labels), {labels}.contains($labels);
        check if time($time), $time < {expires};
        "#,
        labels = set(labels(hop)),
        expires = expires(),
    )
}

fn expires() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_000_600)
}

fn call() -> AuthorizerBuilder {
    authorizer!(
        r#"
        tool({tool});
        repo("acme/app");
        number(1719);
        labels({labels});
        time({now});
        allow if right($tool), tool($tool);
        "#,
        tool = TOOL,
        labels = set(&["bug", "urgent"]),
        now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_000_000),
    )
}

impl<const IDENTITIES: bool> Biscuit<IDENTITIES> {
    /// With the key of the issuer as root key.
    #[must_use]
    pub fn new() -> Self {
        let key = |number| KeyPair::from(&PrivateKey::from_bytes(&seed(number), Algorithm::Ed25519).unwrap());
        let keys: Vec<KeyPair> = (0..=DEPTHS[DEPTHS.len() - 1]).map(key).collect();
        Biscuit { root: keys[0].public(), keys }
    }
}

impl<const IDENTITIES: bool> Default for Biscuit<IDENTITIES> {
    fn default() -> Self {
        Biscuit::new()
    }
}

impl<const IDENTITIES: bool> Peer for Biscuit<IDENTITIES> {
    type Chain = biscuit_auth::Biscuit;

    const NAME: &'static str = if IDENTITIES { "biscuit-auth, hops signed by identities" } else { "biscuit-auth" };

    fn mint(&mut self) -> biscuit_auth::Biscuit {
        let rules = narrower(0);
        biscuit!(r#"right({tool});"#, tool = TOOL).merge(rules).build(&self.keys[0]).unwrap()
    }

    fn delegate(&mut self, chain: &biscuit_auth::Biscuit, hop: usize) -> biscuit_auth::Biscuit {
        if !IDENTITIES {
            return chain.append(narrower(hop + 1)).unwrap();
        }
        let own = &self.keys[hop + 1];
        let block = chain.third_party_request().unwrap().create_block(&own.private(), narrower(hop + 1)).unwrap();
        chain.append_third_party(own.public(), block).unwrap()
    }

    fn present(&mut self, chain: &biscuit_auth::Biscuit, _: usize) -> Vec<u8> {
        chain.to_vec().unwrap()
    }

    fn decide(&mut self, presentation: &[u8]) -> bool {
        let Ok(token) = biscuit_auth::Biscuit::from(presentation, self.root) else { return false };
        // Its own limit is a millisecond of wall-clock time, which a busy machine exceeds.
        let limits = AuthorizerLimits { max_time: Duration::from_secs(10), ..AuthorizerLimits::default() };
        let authorizer = call().set_limits(limits).build(&token);
        authorizer.is_ok_and(|mut authorizer| authorizer.authorize().is_ok())
    }
}
