//! Identities: of the holders, by an authority that the verifier knows.

use ciborium::Value as Cbor;

use super::mark;
use crate::evidence::{REGISTRY, identity};
use crate::forge::{Map, header, key, public, seal};
use crate::scenarios::{NOW, Scenario, scenario, scenarios};
use crate::vector::{Config, Identities, Named, Rule, hex};

fn knowing(config: &mut Config, rules: Vec<Rule>) {
    let authorities = vec![Named { name: "registry".into(), key: hex(&public(REGISTRY)) }];
    config.identities = Some(Identities { authorities, rules });
}

fn on(hops: &str) -> Rule {
    Rule { on: hops.into(), ..Rule::default() }
}

fn both() -> Vec<Vec<u8>> {
    vec![identity(2, "acme/planner").seal(), identity(3, "acme/coder").seal()]
}

fn coder(edit: fn(&mut Map)) -> Vec<Vec<u8>> {
    vec![identity(3, "acme/coder").saying(edit).seal()]
}

fn attributes(entries: &[(&str, Cbor)]) -> Cbor {
    Cbor::Map(entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect())
}

fn in_production(own: &mut Map) {
    let attested = attributes(&[("repo", "acme/app".into()), ("cores", 4.into()), ("signed", true.into())]);
    own.set(3, "production").set(4, attested).set(5, "github").set(6, Cbor::Bytes(vec![0xee; 32]));
}

fn asks_for(config: &mut Config, name: &str, value: serde_json::Value) {
    knowing(config, vec![Rule { attributes: [(name.to_owned(), value)].into_iter().collect(), ..on("leaf") }]);
}

pub(super) fn all() -> Vec<Scenario> {
    scenarios! {
        "allow-identified", "every holder has an identity, and is called by it" => None, None, |s| {
            s.config = |c| knowing(c, vec![on("all")]);
            s.evidence = |_| both();
        }
        "allow-identified-in-any-order", "documents come in any order" => None, None, |s| {
            s.config = |c| knowing(c, vec![on("all")]);
            s.evidence = |_| both().into_iter().rev().collect();
        }
        "allow-without-identities-where-none-is-asked-for", "a verifier that knows identities calls others by their keys" => None, None, |s| {
            s.config = |c| knowing(c, vec![]);
        }
        "allow-one-identity-where-none-is-asked-for", "an identity may be there" => None, None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|_| {});
        }
        "allow-identified-root", "a rule about the root is met by the planner" => None, None, |s| {
            s.config = |c| knowing(c, vec![Rule { kind: Some("service".into()), ..on("root") }]);
            s.evidence = |_| vec![identity(2, "acme/planner").saying(|o| { o.set(1, 2); }).seal()];
        }
        "allow-identity-that-meets-every-condition", "kind, environment, attributes and attestor" => None, None, |s| {
            s.config = |c| knowing(c, vec![Rule {
                kind: Some("agent".into()),
                environment: Some("production".into()),
                attributes: [("repo".to_owned(), "acme/app".into()), ("cores".to_owned(), 4.into()), ("signed".to_owned(), true.into())].into_iter().collect(),
                attestors: vec!["kubernetes".into(), "github".into()],
                ..on("leaf")
            }]);
            s.evidence = |_| coder(in_production);
        }
        "allow-identity-issued-30-seconds-ahead", "an iat up to 30 seconds ahead of now is accepted" => None, None, |s| {
            s.config = |c| knowing(c, vec![on("leaf")]);
            s.evidence = |_| vec![identity(3, "acme/coder").with(|c| { c.set(6, NOW + 30); }).seal()];
        }
        "allow-identity-at-its-last-second", "an identity is valid while now is before exp" => None, None, |s| {
            s.config = |c| knowing(c, vec![on("leaf")]);
            s.evidence = |_| vec![identity(3, "acme/coder").with(|c| { c.set(6, NOW - 86_399).set(4, NOW + 1); }).seal()];
        }
        "deny-identity-required", "the first holder without an identity is named" => Some("identity-required"), Some(0), |s| {
            s.config = |c| knowing(c, vec![on("all")]);
            s.evidence = |_| coder(|_| {});
        }
        "deny-identity-of-the-leaf-required", "who calls has to be known" => Some("identity-required"), Some(1), |s| {
            s.config = |c| knowing(c, vec![on("leaf")]);
            s.evidence = |_| vec![identity(2, "acme/planner").seal()];
        }
        "deny-identity-where-nobody-knows-authorities", "an identity that cannot be checked is not passed over" => Some("identity-untrusted"), None, |s| {
            s.evidence = |_| coder(|_| {});
        }
        "deny-identity-by-another-authority", "an authority is configured" => Some("identity-untrusted"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| vec![identity(3, "acme/coder").with(|c| { c.set(1, "Registry"); }).seal()];
        }
        "deny-identity-by-itself", "nobody vouches for itself" => Some("identity-invalid"), None, |s| {
            s.config = |c| knowing(c, vec![on("leaf")]);
            s.evidence = |_| vec![identity(3, "acme/coder").signed_by(3).seal()];
        }
        "deny-identity-not-yet-valid", "an iat is at most 30 seconds ahead" => Some("identity-not-yet-valid"), None, |s| {
            s.config = |c| knowing(c, vec![on("leaf")]);
            s.evidence = |_| vec![identity(3, "acme/coder").with(|c| { c.set(6, NOW + 31); }).seal()];
        }
        "deny-identity-expired", "an identity is expired at exp" => Some("identity-expired"), None, |s| {
            s.config = |c| knowing(c, vec![on("leaf")]);
            s.evidence = |_| vec![identity(3, "acme/coder").with(|c| { c.set(6, NOW - 60).set(4, NOW); }).seal()];
        }
        "deny-identity-of-another-kind", "a rule about the kind" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| knowing(c, vec![Rule { kind: Some("human".into()), ..on("leaf") }]);
            s.evidence = |_| coder(|_| {});
        }
        "deny-identity-in-another-environment", "a rule about the environment" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| knowing(c, vec![Rule { environment: Some("staging".into()), ..on("leaf") }]);
            s.evidence = |_| coder(in_production);
        }
        "deny-identity-without-an-environment", "what is absent meets no condition" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| knowing(c, vec![Rule { environment: Some("production".into()), ..on("leaf") }]);
            s.evidence = |_| coder(|_| {});
        }
        "deny-identity-with-another-attribute", "a rule about an attribute" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| asks_for(c, "repo", "acme/web".into());
            s.evidence = |_| coder(in_production);
        }
        "deny-identity-with-an-attribute-of-another-type", "true is not 1" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| asks_for(c, "signed", 1.into());
            s.evidence = |_| coder(in_production);
        }
        "deny-identity-with-an-attribute-in-other-case", "names of attributes compare exactly" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| asks_for(c, "Repo", "acme/app".into());
            s.evidence = |_| coder(in_production);
        }
        "deny-identity-by-another-attestor", "a rule about attestors" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| knowing(c, vec![Rule { attestors: vec!["kubernetes".into()], ..on("leaf") }]);
            s.evidence = |_| coder(in_production);
        }
        "deny-identity-without-an-attestor", "a rule about attestors is met by one that is named" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| knowing(c, vec![Rule { attestors: vec!["github".into()], ..on("leaf") }]);
            s.evidence = |_| coder(|_| {});
        }
        "deny-the-second-rule", "every rule is met" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| knowing(c, vec![on("all"), Rule { environment: Some("production".into()), ..on("leaf") }]);
            s.evidence = |_| both();
        }
        "deny-identity-of-nobody-here", "an identity is of a holder of the chain" => Some("identity-refused"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| vec![identity(3, "acme/coder").seal(), identity(5, "acme/other").seal()];
        }
        "deny-identity-of-the-issuer", "the issuer is no holder" => Some("identity-refused"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| vec![identity(1, "ana").seal()];
        }
        "deny-two-identities-of-one-key", "a holder is one" => Some("identity-refused"), Some(1), |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| vec![identity(3, "acme/coder").seal(), identity(3, "acme/root").seal()];
        }
        "deny-pending", "a pending agent does not act" => Some("agent-pending"), Some(1), |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.set(2, 0); });
        }
        "deny-pending-before-the-rules", "a pending agent is refused before rules are read" => Some("agent-pending"), Some(1), |s| {
            s.config = |c| knowing(c, vec![on("all")]);
            s.evidence = |_| coder(|o| { o.set(2, 0); });
        }
        "deny-identity-of-25-hours", "an identity lives at most a day" => Some("claim-invalid"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| vec![identity(3, "acme/coder").with(|c| { c.set(4, NOW + 86_401); }).seal()];
        }
        "deny-identity-of-version-2", "another version is refused" => Some("version-unsupported"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.set(0, 2); });
        }
        "deny-identity-of-an-unknown-kind", "there are four kinds" => Some("claim-invalid"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.set(1, 4); });
        }
        "deny-identity-of-an-unknown-state", "there are two states" => Some("claim-invalid"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.set(2, 2); });
        }
        "deny-identity-with-an-unknown-claim", "an unknown claim of an identity is refused" => Some("claim-unknown"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.set(7, 1); });
        }
        "deny-identity-without-a-state", "an identity has a state" => Some("claim-missing"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.remove(2); });
        }
        "deny-identity-without-attributes-in-its-map", "a map of attributes is not empty" => Some("claim-invalid"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.set(4, attributes(&[])); });
        }
        "deny-identity-with-33-attributes", "an identity has at most 32 attributes" => Some("too-many"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.set(4, Cbor::Map((0..33).map(|n| (format!("{n:02}").into(), n.into())).collect())); });
        }
        "deny-identity-with-a-list-as-attribute", "an attribute is a text, a boolean or an integer" => Some("malformed"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| coder(|o| { o.set(4, attributes(&[("repo", Cbor::Array(vec![]))])); });
        }
        "deny-identity-too-large", "an identity has at most 4 KiB" => Some("too-large"), None, |s| {
            s.config = |c| knowing(c, vec![]);
            s.evidence = |_| vec![seal(&key(REGISTRY), &header("identity"), &[0xa0; 4200])];
        }
        "deny-identity-by-a-revoked-authority", "a revoked identity authority vouches for nobody" => Some("key-revoked"), None, |s| {
            s.config = |c| { knowing(c, vec![]); c.revoked = vec![mark("key", &public(REGISTRY), None, None)]; };
            s.evidence = |_| both();
        }
        "deny-identity-before-tools", "identities are judged before tools" => Some("identity-required"), Some(0), |s| {
            s.config = |c| knowing(c, vec![on("all")]);
            s.tool = "deploy";
            s.call = |c| { c.set(1, "deploy"); };
        }
    }
}
