//! Consents to impersonation: a chain of one token, in which the coder acts as ben.

use ciborium::Value as Cbor;

use crate::evidence::consent;
use crate::forge::{cnf, header, key, public, seal};
use crate::scenarios::{NOW, Scenario, impersonating, impersonating_claims, knows_ben, root_hash, scenario, scenarios, single, texts};
use crate::vector::{Anchor, Named, hex};

pub(super) fn acting(s: &mut Scenario) {
    let Scenario { name, why, code, link, .. } = *s;
    *s = Scenario { code, link, may_impersonate: true, config: knows_ben, ..single(name, why) };
    s.root = impersonating_claims;
    s.root_capability = impersonating;
    s.call = |c| {
        c.set(0, root_hash(impersonating_claims, impersonating));
    };
}

fn tools(count: usize) -> Cbor {
    Cbor::Array((0..count).map(|n| format!("{n:03}").into()).collect())
}

pub(super) fn all() -> Vec<Scenario> {
    scenarios! {
        "allow-impersonation-with-this-tool", "a consent to some tools covers these" => None, None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().saying(|o| { o.set(2, texts(&["github.merge_pr", "github.update_pr"])); }).seal()];
        }
        "allow-impersonation-of-a-trust-anchor", "a trust anchor's consent is signed with the key that is known already" => None, None, |s| {
            acting(s);
            s.config = |c| c.anchors.push(Anchor { name: "ben".into(), key: hex(&public(30)), may_impersonate: false, bounds: None });
            s.evidence = |_| vec![consent().seal()];
        }
        "allow-impersonation-at-the-last-second", "a consent is valid while now is before exp" => None, None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().with(|c| { c.set(6, NOW - 86_399).set(4, NOW + 1); }).seal()];
        }
        "allow-impersonation-twice", "a consent is not spent" => None, None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().seal()];
            s.before = &[crate::scenarios::Before { change: super::another_proof, code: None }];
        }
        "deny-impersonation-without-consent", "nobody is impersonated without a word of its own" => Some("consent-missing"), None, |s| { acting(s); }
        "deny-impersonation-with-two-consents", "one consent is enough, and another one too many" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().seal(), consent().seal()];
        }
        "deny-consent-in-another-mode", "a consent that nobody asked for is not passed over" => Some("consent-invalid"), None, |s| {
            s.config = knows_ben;
            s.evidence = |_| vec![consent().seal()];
        }
        "deny-consent-of-an-unknown-principal", "the key of a principal is never taken from its consent" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.config = |_| {};
            s.evidence = |_| vec![consent().seal()];
        }
        "deny-consent-of-another-principal", "a consent is the subject's own" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.config = |c| { knows_ben(c); c.principals.push(Named { name: "carol".into(), key: hex(&public(31)) }); };
            s.evidence = |_| vec![consent().with(|c| { c.set(2, "carol"); }).signed_by(31).seal()];
        }
        "deny-consent-to-another-issuer", "a consent names the trust anchor that may issue it" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().saying(|o| { o.set(1, "eve"); }).seal()];
        }
        "deny-consent-to-another-holder", "a consent names the key that may act" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().with(|c| { c.set(8, cnf(&public(2))); }).seal()];
        }
        "deny-consent-at-another-audience", "a consent is for one verifier" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().with(|c| { c.set(3, "https://other.example"); }).seal()];
        }
        "deny-consent-to-other-tools", "a consent to some tools covers no others" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().saying(|o| { o.set(2, texts(&["GitHub.update_pr"])); }).seal()];
        }
        "deny-consent-from-the-future", "a consent's iat is at most 30 seconds ahead" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().with(|c| { c.set(6, NOW + 31); }).seal()];
        }
        "deny-consent-expired", "a consent is expired at exp" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().with(|c| { c.set(6, NOW - 60).set(4, NOW); }).seal()];
        }
        "deny-consent-signed-by-the-impersonator", "whoever acts does not consent for the other" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().signed_by(3).seal()];
        }
        "deny-consent-signed-by-the-issuer", "the issuer does not consent for the other" => Some("consent-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().signed_by(1).seal()];
        }
        "deny-consent-of-25-hours", "a consent lives at most a day" => Some("claim-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().with(|c| { c.set(4, NOW + 86_401); }).seal()];
        }
        "deny-consent-of-version-2", "another version is refused" => Some("version-unsupported"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().saying(|o| { o.set(0, 2); }).seal()];
        }
        "deny-consent-with-an-unknown-claim", "an unknown claim of a consent is refused" => Some("claim-unknown"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().with(|c| { c.set(1, "ben"); }).seal()];
        }
        "deny-consent-without-an-issuer", "a consent names an issuer" => Some("claim-missing"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().saying(|o| { o.remove(1); }).seal()];
        }
        "deny-consent-to-no-tools", "a set of tools is not empty" => Some("claim-invalid"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().saying(|o| { o.set(2, tools(0)); }).seal()];
        }
        "deny-consent-to-257-tools", "a consent names at most 256 tools" => Some("too-many"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().saying(|o| { o.set(2, tools(257)); }).seal()];
        }
        "deny-consent-to-tools-out-of-order", "sets ascend" => Some("not-canonical"), None, |s| {
            acting(s);
            s.evidence = |_| vec![consent().saying(|o| { o.set(2, texts(&["b", "a"])); }).seal()];
        }
        "deny-consent-too-large", "a consent has at most 16 KiB" => Some("too-large"), None, |s| {
            acting(s);
            s.evidence = |_| vec![seal(&key(30), &header("consent"), &[0xa0; 16_400])];
        }
        "deny-consent-before-tools", "the consent is judged before the tools" => Some("consent-missing"), None, |s| {
            acting(s);
            s.tool = "deploy";
            s.call = |c| { c.set(0, root_hash(impersonating_claims, impersonating)).set(1, "deploy"); };
        }
    }
}
