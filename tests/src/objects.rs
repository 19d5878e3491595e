//! The tables of signed objects: what each kind is read as, and what it is refused with; and what a trust state makes of lists and rotations in a row.

use ciborium::Value as Cbor;
use serde_json::{Value as Json, json};

use crate::evidence::{LISTS, Object, approval, change, consent, head, identity, list, listing, message, part, rotation, succession};
use crate::forge::{bytes, cnf, header, public, sha256};
use crate::scenarios::{AUDIENCE, NOW, Scenario, texts};
use crate::vector::{Authority, Trust, Update, hex};

/// What the message is about.
pub const PAYLOAD: &[u8] = b"please review";
const LEAF: [u8; 32] = [0x1e; 32];

/// Both tables, by the names of their files.
#[must_use]
pub fn all() -> Vec<(&'static str, Json)> {
    let mut cases = Cases(Vec::new());
    approvals(&mut cases);
    consents(&mut cases);
    identities(&mut cases);
    messages(&mut cases);
    rotations(&mut cases);
    lists(&mut cases);
    requests(&mut cases);
    let [registry, ana, planner] = [20, LISTS, 2].map(|number| hex(&public(number)));
    let objects = json!({
        "kind": "objects",
        "now_ms": NOW * 1000,
        "identity_authority": { "name": "registry", "key": registry },
        "revocation_authority": { "name": "ana", "key": ana, "allow_stale": true },
        "recipient": "coder",
        "began_ms": (NOW - 10) * 1000,
        "sender": planner,
        "payload": hex(PAYLOAD),
        "cases": cases.0,
    });
    vec![("objects.json", objects), ("updates.json", json!({ "kind": "updates", "cases": updates() }))]
}

struct Cases(Vec<Json>);

impl Cases {
    fn read(&mut self, object: &str, why: &str, bytes: &[u8], claims: Json) {
        self.0.push(json!({ "object": object, "why": why, "hex": hex(bytes), "claims": claims }));
    }

    fn refused(&mut self, object: &str, why: &str, bytes: &[u8], code: &str) {
        self.0.push(json!({ "object": object, "why": why, "hex": hex(bytes), "code": code }));
    }

    /// Each claim left out, null, and beside an unknown one; every other kind; cut, longer, and with bits flipped.
    fn by_rule(&mut self, object: &str, good: &Object, finish: fn(&Object) -> Vec<u8>, special: &[(i64, &str)], optional: &[i64]) {
        for label in good.labels() {
            let code = special.iter().find(|(other, _)| *other == label).map_or("claim-missing", |(_, code)| code);
            self.refused(
                object,
                &format!("without the claim {label}"),
                &finish(&good.edited(|claims, _| {
                    claims.remove(label);
                })),
                code,
            );
            let code = special.iter().find(|(other, _)| *other == label).map_or("malformed", |(_, code)| code);
            self.refused(
                object,
                &format!("the claim {label} is null"),
                &finish(&good.edited(|claims, _| {
                    claims.set(label, Cbor::Null);
                })),
                code,
            );
        }
        self.refused(object, "without the map of its kind", &finish(&good.without_its_own()), "claim-missing");
        for key in good.keys() {
            if !optional.contains(&key) {
                self.refused(
                    object,
                    &format!("without the key {key}"),
                    &finish(&good.edited(|_, own| {
                        own.remove(key);
                    })),
                    "claim-missing",
                );
            }
            self.refused(
                object,
                &format!("the key {key} is null"),
                &finish(&good.edited(|_, own| {
                    own.set(key, Cbor::Null);
                })),
                "malformed",
            );
        }
        for label in [9, -65_500, -100_001] {
            self.refused(
                object,
                &format!("an unknown claim {label}"),
                &finish(&good.edited(|claims, _| {
                    claims.set(label, 1);
                })),
                "claim-unknown",
            );
        }
        for key in [20, -1] {
            self.refused(
                object,
                &format!("an unknown key {key}"),
                &finish(&good.edited(|_, own| {
                    own.set(key, 1);
                })),
                "claim-unknown",
            );
        }
        let backwards = good.edited(|_, own| own.0.swap(0, 1));
        self.refused(object, "keys out of order", &finish(&backwards), "not-canonical");
    }

    fn by_form(&mut self, object: &str, good: &[u8]) {
        self.refused(object, "nothing", &[], if object == "list" { "revocation-incomplete" } else { "malformed" });
        let cut = if object == "list" { "revocation-incomplete" } else { "malformed" };
        self.refused(object, "cut off", &good[..good.len() - 1], cut);
        self.refused(object, "longer by a byte", &[good, &[0]].concat(), "malformed");
    }
}

fn sealed(object: &Object) -> Vec<u8> {
    object.seal()
}

fn both_sealed(object: &Object) -> Vec<u8> {
    rotation(object, [4, 14])
}

fn alone(head: &Object) -> Vec<u8> {
    list(head, &[])
}

fn approvals(cases: &mut Cases) {
    let good = approval(9, LEAF).saying(|o| {
        o.set(5, "carol").set(6, "looked at it").set(7, "tenant:1");
    });
    let arguments = good.own_entry(2);
    let asked = [
        1.into(),
        Cbor::Bytes(LEAF.to_vec()),
        "github.update_pr".into(),
        arguments,
        AUDIENCE.into(),
        Cbor::Bytes(vec![0xa0; 16]),
        "tenant:1".into(),
    ];
    let request = hex(&sha256(&bytes(&Cbor::Array(asked.to_vec())))[..16]);
    let claims = |approves| json!({ "approves": approves, "id": hex(&[0x49; 16]), "approver": hex(&public(9)), "expires": NOW + 300, "request": request });
    cases.read("approval", "a yes with everything", &good.seal(), claims(true));
    cases.read(
        "approval",
        "a no",
        &good
            .clone()
            .saying(|o| {
                o.set(3, 0);
            })
            .seal(),
        claims(false),
    );
    cases.read("approval", "the signature is a verifier's matter", &good.clone().signed_by(66).seal(), claims(true));
    cases.by_form("approval", &good.seal());
    cases.by_rule("approval", &good, sealed, &[], &[5, 6, 7]);
    for (why, edit, code) in [
        (
            "an hour and a second",
            (|c, _| {
                c.set(4, NOW + 3601);
            }) as Edit,
            "claim-invalid",
        ),
        (
            "no time to live",
            |c, _| {
                c.set(4, NOW);
            },
            "claim-invalid",
        ),
        (
            "a short id",
            |c, _| {
                c.set(7, Cbor::Bytes(vec![7; 15]));
            },
            "claim-invalid",
        ),
        (
            "an audience with a line break",
            |c, _| {
                c.set(3, "a\nb");
            },
            "claim-invalid",
        ),
        (
            "a key of small order",
            |c, _| {
                c.set(8, cnf(&small_order()));
            },
            "key-invalid",
        ),
        (
            "a short digest of a token",
            |_, o| {
                o.set(0, Cbor::Bytes(vec![7; 31]));
            },
            "claim-invalid",
        ),
        (
            "an empty tool",
            |_, o| {
                o.set(1, "");
            },
            "claim-invalid",
        ),
        (
            "a decision of 2",
            |_, o| {
                o.set(3, 2);
            },
            "claim-invalid",
        ),
        (
            "a decision of -1",
            |_, o| {
                o.set(3, -1);
            },
            "claim-invalid",
        ),
        (
            "a decision of true",
            |_, o| {
                o.set(3, true);
            },
            "malformed",
        ),
        (
            "a context with dots",
            |_, o| {
                o.set(7, "tenant:1/..");
            },
            "claim-invalid",
        ),
        (
            "a reason with an override",
            |_, o| {
                o.set(6, "\u{202e}");
            },
            "claim-invalid",
        ),
        (
            "a reason of 1,025 bytes",
            |_, o| {
                o.set(6, "x".repeat(1025));
            },
            "claim-invalid",
        ),
        (
            "a millisecond of 1000",
            |_, o| {
                o.set(8, 1000);
            },
            "claim-invalid",
        ),
    ] {
        cases.refused("approval", why, &good.edited(edit).seal(), code);
    }
    cases.refused("approval", "a consent", &consent().seal(), "kind-mismatch");
    cases.refused("approval", "4,097 bytes", &vec![0; 4097], "too-large");
}

type Edit = fn(&mut crate::forge::Map, &mut crate::forge::Map);

fn small_order() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
}

fn consents(cases: &mut Cases) {
    let good = consent().saying(|o| {
        o.set(2, texts(&["read", "send"]));
    });
    cases.read("consent", "to two tools", &good.seal(), json!({}));
    cases.read("consent", "to every tool", &consent().seal(), json!({}));
    cases.read(
        "consent",
        "of a day",
        &good
            .edited(|c, _| {
                c.set(4, NOW + 86_400);
            })
            .seal(),
        json!({}),
    );
    cases.by_form("consent", &good.seal());
    cases.by_rule("consent", &good, sealed, &[], &[2]);
    for (why, edit, code) in [
        (
            "a day and a second",
            (|c, _| {
                c.set(4, NOW + 86_401);
            }) as Edit,
            "claim-invalid",
        ),
        (
            "no time to live",
            |c, _| {
                c.set(4, NOW);
            },
            "claim-invalid",
        ),
        (
            "version 2",
            |_, o| {
                o.set(0, 2);
            },
            "version-unsupported",
        ),
        (
            "no tools",
            |_, o| {
                o.set(2, texts(&[]));
            },
            "claim-invalid",
        ),
        (
            "tools out of order",
            |_, o| {
                o.set(2, texts(&["send", "read"]));
            },
            "not-canonical",
        ),
        (
            "a tool twice",
            |_, o| {
                o.set(2, texts(&["read", "read"]));
            },
            "not-canonical",
        ),
        (
            "an empty tool",
            |_, o| {
                o.set(2, texts(&[""]));
            },
            "claim-invalid",
        ),
    ] {
        cases.refused("consent", why, &good.edited(edit).seal(), code);
    }
    cases.refused("consent", "16,385 bytes", &vec![0; 16_385], "too-large");
}

fn identities(cases: &mut Cases) {
    let attributes = Cbor::Map(vec![("repo".into(), "acme/app".into()), ("cores".into(), 4.into()), ("signed".into(), true.into())]);
    let mut good = identity(3, "acme/coder");
    good = good.edited(|_, own| {
        own.set(3, "production").set(4, attributes).set(5, "github").set(6, Cbor::Bytes(vec![0xee; 32]));
    });
    let claims = json!({
        "authority": "registry", "name": "acme/coder", "key": hex(&public(3)), "id": hex(&[0x63; 16]), "issued": NOW, "expires": NOW + 3600,
        "kind": "agent", "state": "active", "environment": "production", "attestor": "github", "evidence": hex(&[0xee; 32]),
        "attributes": { "repo": "acme/app", "cores": 4, "signed": true },
    });
    cases.read("identity", "with everything", &good.seal(), claims);
    for (number, kind) in ["human", "agent", "service", "tool"].iter().enumerate() {
        let plain = json!({
            "authority": "registry", "name": "x", "key": hex(&public(3)), "id": hex(&[0x63; 16]), "issued": NOW, "expires": NOW + 3600,
            "kind": kind, "state": "pending", "attributes": {},
        });
        let object = identity(3, "x").edited(|_, own| {
            own.set(1, number as u64).set(2, 0);
        });
        cases.read("identity", &format!("a pending {kind}"), &object.seal(), plain);
    }
    cases.by_form("identity", &good.seal());
    cases.by_rule("identity", &good, sealed, &[(1, "identity-untrusted")], &[3, 4, 5, 6]);
    for (why, edit, code) in [
        (
            "a day and a second",
            (|c, _| {
                c.set(4, NOW + 86_401);
            }) as Edit,
            "claim-invalid",
        ),
        (
            "an authority that is not known",
            |c, _| {
                c.set(1, "registry2");
            },
            "identity-untrusted",
        ),
        (
            "issued 31 seconds ahead",
            |c, _| {
                c.set(6, NOW + 31);
            },
            "identity-not-yet-valid",
        ),
        (
            "expired now",
            |c, _| {
                c.set(6, NOW - 60).set(4, NOW);
            },
            "identity-expired",
        ),
        (
            "a key of small order",
            |c, _| {
                c.set(8, cnf(&small_order()));
            },
            "key-invalid",
        ),
        (
            "version 2",
            |_, o| {
                o.set(0, 2);
            },
            "version-unsupported",
        ),
        (
            "a kind of 4",
            |_, o| {
                o.set(1, 4);
            },
            "claim-invalid",
        ),
        (
            "a state of 2",
            |_, o| {
                o.set(2, 2);
            },
            "claim-invalid",
        ),
        (
            "no attributes in the map",
            |_, o| {
                o.set(4, Cbor::Map(vec![]));
            },
            "claim-invalid",
        ),
        (
            "an attribute that is null",
            |_, o| {
                o.set(4, Cbor::Map(vec![("a".into(), Cbor::Null)]));
            },
            "malformed",
        ),
        (
            "an attribute that is a float",
            |_, o| {
                o.set(4, Cbor::Map(vec![("a".into(), 1.5.into())]));
            },
            "malformed",
        ),
        (
            "an attribute without a name",
            |_, o| {
                o.set(4, Cbor::Map(vec![("".into(), 1.into())]));
            },
            "claim-invalid",
        ),
        (
            "attributes out of order",
            |_, o| {
                o.set(4, Cbor::Map(vec![("b".into(), 1.into()), ("a".into(), 1.into())]));
            },
            "not-canonical",
        ),
        (
            "evidence of 31 bytes",
            |_, o| {
                o.set(6, Cbor::Bytes(vec![1; 31]));
            },
            "claim-invalid",
        ),
    ] {
        cases.refused("identity", why, &good.edited(edit).seal(), code);
    }
    cases.refused("identity", "signed by its holder", &good.clone().signed_by(3).seal(), "identity-invalid");
    cases.refused(
        "identity",
        "a bad signature before bad claims",
        &good
            .edited(|_, o| {
                o.set(1, 4);
            })
            .signed_by(3)
            .seal(),
        "identity-invalid",
    );
    cases.refused("identity", "4,097 bytes", &vec![0; 4097], "too-large");
}

fn messages(cases: &mut Cases) {
    let good = message(PAYLOAD).saying(|o| {
        o.set(3, Cbor::Bytes(vec![0x1e; 32]));
    });
    let claims =
        json!({ "id": hex(&[0x70; 16]), "session": hex(&[0xa0; 16]), "sequence": 0, "sender": hex(&public(2)), "token": hex(&[0x1e; 32]) });
    cases.read("message", "about a token", &good.seal(), claims);
    let claims = json!({ "id": hex(&[0x70; 16]), "session": hex(&[0xa0; 16]), "sequence": 0, "sender": hex(&public(2)) });
    cases.read("message", "about no token", &message(PAYLOAD).seal(), claims);
    cases.by_form("message", &good.seal());
    cases.by_rule("message", &good, sealed, &[], &[3]);
    for (why, edit, code) in [
        (
            "an hour and a second",
            (|c, _| {
                c.set(4, NOW + 3601);
            }) as Edit,
            "claim-invalid",
        ),
        (
            "for another recipient",
            |c, _| {
                c.set(3, "Coder");
            },
            "message-mismatch",
        ),
        (
            "by a sender that is not known",
            |c, _| {
                c.set(8, cnf(&public(66)));
            },
            "sender-unknown",
        ),
        (
            "issued 31 seconds ahead",
            |c, _| {
                c.set(6, NOW + 31);
            },
            "message-not-yet-valid",
        ),
        (
            "expired now",
            |c, _| {
                c.set(6, NOW - 5).set(4, NOW);
            },
            "message-expired",
        ),
        (
            "from before the inbox",
            |c, _| {
                c.set(6, NOW - 11);
            },
            "message-replayed",
        ),
        (
            "the second before the first",
            |_, o| {
                o.set(1, 1);
            },
            "message-out-of-order",
        ),
        (
            "a sequence of -1",
            |_, o| {
                o.set(1, -1);
            },
            "claim-invalid",
        ),
        (
            "a sequence beyond exact integers",
            |_, o| {
                o.set(1, 1u64 << 53);
            },
            "claim-invalid",
        ),
        (
            "another payload",
            |_, o| {
                o.set(2, Cbor::Bytes(vec![1; 32]));
            },
            "message-mismatch",
        ),
        (
            "a session of 15 bytes",
            |_, o| {
                o.set(0, Cbor::Bytes(vec![1; 15]));
            },
            "claim-invalid",
        ),
    ] {
        cases.refused("message", why, &good.edited(edit).seal(), code);
    }
    cases.refused("message", "signed by another", &good.clone().signed_by(66).seal(), "signature-invalid");
    cases.refused("message", "1,025 bytes", &vec![0; 1025], "too-large");
}

fn rotations(cases: &mut Cases) {
    let good = succession(4, 14, 60).saying(|o| {
        o.set(4, "acme/planner");
    });
    cases.read("rotation", "with a name", &both_sealed(&good), json!({}));
    cases.read("rotation", "at once", &both_sealed(&succession(4, 14, 0)), json!({}));
    cases.read("rotation", "within a day", &both_sealed(&succession(4, 14, 86_400)), json!({}));
    cases.by_form("rotation", &both_sealed(&good));
    cases.by_rule("rotation", &good, both_sealed, &[], &[4]);
    for (why, edit, code) in [
        (
            "version 2",
            (|_, o| {
                o.set(0, 2);
            }) as Edit,
            "version-unsupported",
        ),
        (
            "an overlap of a day and a second",
            |_, o| {
                o.set(3, 86_401);
            },
            "claim-invalid",
        ),
        (
            "a key that follows itself",
            |_, o| {
                o.set(2, Cbor::Bytes(public(4).to_vec()));
            },
            "rotation-invalid",
        ),
        (
            "a key of small order",
            |_, o| {
                o.set(2, Cbor::Bytes(small_order().to_vec()));
            },
            "key-invalid",
        ),
        (
            "signed 31 seconds ahead",
            |c, _| {
                c.set(6, NOW + 31);
            },
            "rotation-invalid",
        ),
        (
            "signed a day and a second ago",
            |c, _| {
                c.set(6, NOW - 86_401);
            },
            "rotation-invalid",
        ),
    ] {
        cases.refused("rotation", why, &both_sealed(&good.edited(edit)), code);
    }
    cases.refused("rotation", "signed by the old key twice", &rotation(&good, [4, 4]), "signature-invalid");
    cases.refused("rotation", "signed by the new key twice", &rotation(&good, [14, 14]), "signature-invalid");
    cases.refused("rotation", "signed in the other order", &rotation(&good, [14, 4]), "signature-invalid");
    let halves = [good.clone().signed_by(4).seal(), succession(4, 14, 61).signed_by(14).seal()].map(Cbor::Bytes);
    cases.refused("rotation", "of two different rotations", &bytes(&Cbor::Array(halves.to_vec())), "rotation-invalid");
    cases.refused("rotation", "signed once", &bytes(&Cbor::Array(vec![Cbor::Bytes(good.seal())])), "malformed");
    cases.refused("rotation", "of two heads of lists", &rotation(&head(1, &[]), [4, 14]), "kind-mismatch");
    cases.refused("rotation", "2,049 bytes", &vec![0; 2049], "too-large");
}

fn lists(cases: &mut Cases) {
    let ids: &[&[u8]] = &[&[1; 16], &[2; 16]];
    let one = part(&[(0, ids), (1, &[&public(5)]), (5, &[&public(6)])]);
    let two = part(&[(0, &[&[3; 16]])]);
    let parts = [one.clone(), two.clone()];
    let held = |sequence: u64, ids: u64| json!({ "sequence": sequence, "next_update": NOW + 3600, "ids": ids });
    cases.read("list", "of nothing", &listing(1, &[]), held(1, 0));
    cases.read("list", "of two parts", &list(&head(7, &parts), &parts), held(7, 5));
    cases.read(
        "list",
        "with an epoch",
        &alone(&head((1 << 53) - 1, &[]).saying(|o| {
            o.set(4, NOW);
        })),
        held((1 << 53) - 1, 0),
    );
    cases.by_form("list", &list(&head(7, &parts), &parts));
    let plain = head(1, &[]).saying(|o| {
        o.set(4, NOW);
    });
    cases.by_rule("list", &plain, alone, &[(1, "revocation-untrusted")], &[4]);
    for (why, edit, code) in [
        (
            "version 2",
            (|_, o| {
                o.set(0, 2);
            }) as Edit,
            "version-unsupported",
        ),
        (
            "a sequence of 0",
            |_, o| {
                o.set(1, 0);
            },
            "claim-invalid",
        ),
        (
            "a sequence beyond exact integers",
            |_, o| {
                o.set(1, 1u64 << 53);
            },
            "claim-invalid",
        ),
        (
            "30 days and a second",
            |c, _| {
                c.set(4, NOW - 60 + 2_592_001);
            },
            "claim-invalid",
        ),
        (
            "issued 31 seconds ahead",
            |c, _| {
                c.set(6, NOW + 31);
            },
            "claim-invalid",
        ),
        (
            "of an authority that is not known",
            |c, _| {
                c.set(1, "ben");
            },
            "revocation-untrusted",
        ),
        (
            "a change to itself",
            |_, o| {
                o.set(1, 2).set(2, 2);
            },
            "claim-invalid",
        ),
        (
            "a change to nothing",
            |_, o| {
                o.set(1, 2).set(2, 0);
            },
            "claim-invalid",
        ),
        (
            "a change to what is not held",
            |_, o| {
                o.set(1, 2).set(2, 1);
            },
            "revocation-gap",
        ),
        (
            "a digest of 31 bytes",
            |_, o| {
                o.set(3, Cbor::Array(vec![Cbor::Bytes(vec![1; 31])]));
            },
            "claim-invalid",
        ),
        (
            "4,097 parts",
            |_, o| {
                o.set(3, Cbor::Array(vec![Cbor::Bytes(vec![1; 32]); 4097]));
            },
            "too-many",
        ),
        (
            "a change of 17 parts",
            |_, o| {
                o.set(1, 2).set(2, 1).set(3, Cbor::Array(vec![Cbor::Bytes(vec![1; 32]); 17]));
            },
            "too-many",
        ),
    ] {
        cases.refused("list", why, &alone(&plain.edited(edit)), code);
    }
    cases.refused("list", "signed by another", &alone(&plain.clone().signed_by(66)), "signature-invalid");
    cases.refused("list", "an approval", &approval(9, LEAF).seal(), "kind-mismatch");
    cases.refused("list", "without its last part", &list(&head(7, &parts), &parts[..1]), "revocation-incomplete");
    cases.refused("list", "with its parts in the other order", &list(&head(7, &parts), &[two.clone(), one]), "revocation-incomplete");
    cases.refused("list", "with a part too many", &list(&head(7, &parts), &[&parts[..], &[two]].concat()), "malformed");
    for (why, content, code) in [
        ("a part of nothing", vec![0xa0], "claim-invalid"),
        ("ids of another length", part(&[(0, &[&[1; 15]])]), "claim-invalid"),
        ("no ids", part(&[(0, &[])]), "claim-invalid"),
        ("an id twice", part(&[(0, &[&[1; 16], &[1; 16]])]), "not-canonical"),
        ("ids out of order", part(&[(0, &[&[2; 16], &[1; 16]])]), "not-canonical"),
        ("sections out of order", part(&[(1, &[&[1; 32]]), (0, &[&[1; 16]])]), "not-canonical"),
        ("an unknown section", part(&[(8, &[&[1; 32]])]), "claim-unknown"),
        ("active again in a full list", part(&[(7, &[&[1; 32]])]), "claim-unknown"),
        ("a section that is a text", bytes(&Cbor::Map(vec![(0.into(), "0123456789abcdef".into())])), "malformed"),
        ("bytes after a part's map", [part(&[(0, &[&[1; 16]])]), vec![0]].concat(), "malformed"),
    ] {
        let parts = [content];
        cases.refused("list", why, &list(&head(1, &parts), &parts), code);
    }
    let split = [part(&[(0, &[&[2; 16]])]), part(&[(0, &[&[1; 16]])])];
    cases.refused("list", "ids out of order over two parts", &list(&head(1, &split), &split), "not-canonical");
    let start = [&[0xd2, 0x84][..], &bytes(&Cbor::Bytes(header("revocation"))), &[0xa0]].concat();
    for (why, rest, code) in [
        ("a payload that is a text", &[0x61, b'x'][..], "malformed"),
        ("a payload of indefinite length", &[0x5f, 0x40, 0xff], "not-canonical"),
        ("a payload with a longer head than it needs", &[0x58, 0x01, 0], "not-canonical"),
        ("a head of more than 160 KiB", &[0x5a, 0, 2, 0x80, 0], "too-large"),
        ("a head that declares a gigabyte", &[0x5a, 0x40, 0, 0, 0], "too-large"),
    ] {
        cases.refused("list", why, &[&start, rest].concat(), code);
    }
    let declared = [alone(&head(1, &[vec![]])), vec![0x5a, 0, 0x10, 0, 1]].concat();
    cases.refused("list", "a part that declares more than 1 MiB", &declared, "too-large");
}

/// A request for approval of the story's call, by its six parts.
fn request(change: fn(&mut Scenario), arguments: Cbor, context: Cbor) -> Vec<Cbor> {
    let mut story = Scenario::new("request", "the story, refused");
    change(&mut story);
    let presentation: Cbor = ciborium::from_reader(story.presentation().as_slice()).expect("cbor");
    let chain = presentation.as_array().expect("an array")[0].clone();
    vec![1.into(), chain, "github.update_pr".into(), arguments, AUDIENCE.into(), context]
}

fn asking(parts: &[Cbor]) -> Vec<u8> {
    bytes(&Cbor::Array(parts.to_vec()))
}

fn text_map(entries: &[(&str, Cbor)]) -> Cbor {
    let mut entries: Vec<(Cbor, Cbor)> = entries.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    entries.sort_by_key(|(name, _)| bytes(name));
    Cbor::Map(entries)
}

fn requests(cases: &mut Cases) {
    let plain = text_map(&[("repo", "acme/app".into()), ("labels", texts(&["bug"]))]);
    let strange = text_map(&[
        ("a", "line\nbreak\"\u{202e}evil  two spaces".into()),
        ("b", Cbor::Bytes(vec![0; 300])),
        ("c", "x".repeat(198).into()),
        ("d", "x".repeat(199).into()),
        ("e", Cbor::Array(vec![1.5.into(), (-7).into(), (1i64 << 60).into(), true.into(), Cbor::Null])),
        ("f", "\u{e0041}\u{300}\u{5d0}\u{a0}\u{e000}\u{1f980}a\u{301}".into()),
        ("g", text_map(&[("$x", texts(&["y"; 60]))])),
        ("h\u{200b}", "".into()),
    ]);
    let approved = |s: &mut Scenario| {
        s.child_capability = |c| {
            c.set(9, crate::scenarios::approvals("github.update_pr", 2, &[9, 10])).set(11, "and\u{a0}why");
        };
    };
    for (why, parts) in [
        ("the story's call", request(|_| {}, plain.clone(), Cbor::Null)),
        ("with a requirement and a reason", request(approved, plain.clone(), Cbor::Null)),
        ("in a context", request(|_| {}, plain.clone(), "tenant:1/task:7".into())),
        ("without arguments", request(|_| {}, Cbor::Map(vec![]), Cbor::Null)),
        ("with strange arguments", request(|_| {}, strange, Cbor::Null)),
    ] {
        let bytes = asking(&parts);
        let request = deputize::ApprovalRequest::decode(&bytes).expect("a request");
        assert_eq!(request.id().to_string(), request_id(&parts));
        cases.read("request", why, &bytes, json!({ "id": request_id(&parts), "text": request.to_text() }));
    }
    let good = request(|_| {}, plain, Cbor::Null);
    cases.by_form("request", &asking(&good));
    let many = Cbor::Map((0..257).map(|n| (format!("{n:03}").into(), n.into())).collect());
    for (why, place, part, code) in [
        ("version 2", 0, 2.into(), "version-unsupported"),
        ("no chain", 1, Cbor::Array(vec![]), "malformed"),
        ("a chain of garbage", 1, Cbor::Array(vec![Cbor::Bytes(vec![0])]), "malformed"),
        ("17 tokens", 1, Cbor::Array(vec![Cbor::Bytes(vec![0]); 17]), "too-many"),
        ("an empty tool", 2, "".into(), "claim-invalid"),
        ("257 arguments", 3, many, "too-many"),
        ("arguments that are a list", 3, texts(&[]), "malformed"),
        ("an audience with a line break", 4, "a\nb".into(), "claim-invalid"),
        ("a context with dots", 5, "a/..".into(), "claim-invalid"),
        ("a context that is true", 5, true.into(), "malformed"),
    ] {
        let mut parts = good.clone();
        parts[place] = part;
        cases.refused("request", why, &asking(&parts), code);
    }
    cases.refused("request", "five parts", &asking(&good[..5]), "malformed");
    for (why, change, code) in [
        (
            "a parent that is another",
            (|s| {
                s.child_capability = |c| {
                    c.set(4, Cbor::Bytes(vec![7; 32]));
                }
            }) as fn(&mut Scenario),
            "parent-mismatch",
        ),
        (
            "a depth that is not one more",
            |s| {
                s.child_capability = |c| {
                    c.set(2, 2);
                }
            },
            "parent-mismatch",
        ),
        (
            "another subject below the root",
            |s| {
                s.child = |c| {
                    c.set(2, "ben");
                }
            },
            "invariant-changed",
        ),
        (
            "another session below the root",
            |s| {
                s.child_capability = |c| {
                    c.set(6, Cbor::Bytes(vec![0xa1; 16]));
                }
            },
            "invariant-changed",
        ),
        ("a child alone", |s| s.tokens = |t| vec![t[1].clone()], "claim-missing"),
    ] {
        cases.refused("request", why, &asking(&request(change, Cbor::Map(vec![]), Cbor::Null)), code);
    }
}

/// The first half of the digest of what is asked.
fn request_id(parts: &[Cbor]) -> String {
    let leaf = parts[1].as_array().and_then(|tokens| tokens.last()).and_then(Cbor::as_bytes).expect("a leaf");
    let leaf: Cbor = ciborium::from_reader(leaf.as_slice()).expect("cbor");
    let Cbor::Tag(18, envelope) = leaf else { panic!("no envelope") };
    let payload = envelope.as_array().expect("an array")[2].as_bytes().expect("a payload").clone();
    let hash = crate::forge::hash(&header("cap"), &payload);
    let arguments = Cbor::Bytes(sha256(&bytes(&parts[3])).to_vec());
    let asked = [
        1.into(),
        Cbor::Bytes(hash.to_vec()),
        parts[2].clone(),
        arguments,
        parts[4].clone(),
        Cbor::Bytes(vec![0xa0; 16]),
        parts[5].clone(),
    ];
    hex(&sha256(&asking(&asked))[..16])
}

fn updates() -> Vec<Json> {
    let after = |seconds: u64, what: &str, bytes: Vec<u8>, outcome: &str| Update {
        now_ms: (NOW + seconds) * 1000,
        what: what.into(),
        hex: hex(&bytes),
        outcome: outcome.into(),
    };
    let changing = |sequence, sections: &[(i64, &[&[u8]])]| {
        let parts = [part(sections)];
        list(&change(sequence, &parts), &parts)
    };
    let followed = |old, new, overlap| rotation(&succession(old, new, overlap), [old, new]);
    let by = |sequence, key| alone(&head(sequence, &[]).signed_by(key));
    let cases = vec![
        (
            "a sequence goes only up",
            vec![
                after(0, "list", listing(2, &[]), "accepted"),
                after(1, "list", listing(2, &[]), "unchanged"),
                after(2, "list", listing(1, &[]), "revocation-rollback"),
                after(3, "list", listing(2, &[(0, &[&[1; 16]])]), "revocation-equivocation"),
                after(4, "list", listing(9, &[]), "accepted"),
                after(5, "list", listing(2, &[]), "revocation-rollback"),
            ],
        ),
        (
            "a change follows exactly what is held",
            vec![
                after(0, "list", changing(2, &[(0, &[&[1; 16]])]), "revocation-gap"),
                after(1, "list", listing(1, &[]), "accepted"),
                after(2, "list", changing(3, &[(0, &[&[1; 16]])]), "revocation-gap"),
                after(3, "list", changing(2, &[(0, &[&[1; 16]])]), "accepted"),
                after(4, "list", changing(3, &[(0, &[&[1; 16]])]), "accepted"),
                after(5, "list", changing(3, &[(0, &[&[2; 16]])]), "revocation-equivocation"),
            ],
        ),
        (
            "a key is not active and something else at once",
            vec![
                after(0, "list", listing(1, &[]), "accepted"),
                after(1, "list", changing(2, &[(5, &[&public(5)]), (7, &[&public(5)])]), "claim-invalid"),
                after(2, "list", changing(2, &[(5, &[&public(5)]), (7, &[&public(6)])]), "accepted"),
            ],
        ),
        ("a list that is stale already is taken", vec![after(3600, "list", listing(1, &[]), "accepted")]),
        (
            "an authority that is revoked revokes nothing more",
            vec![after(0, "list", listing(1, &[(1, &[&public(LISTS)])]), "accepted"), after(1, "list", listing(2, &[]), "key-revoked")],
        ),
        (
            "an authority's successor signs its lists",
            vec![
                after(0, "list", by(1, LISTS), "accepted"),
                after(1, "list", by(2, 50), "signature-invalid"),
                after(2, "rotation", followed(LISTS, 50, 10), "accepted"),
                after(3, "list", by(2, 50), "accepted"),
                after(11, "list", by(3, LISTS), "accepted"),
                after(12, "list", by(4, LISTS), "key-retired"),
                after(13, "list", by(4, 50), "accepted"),
            ],
        ),
        (
            "a key does not rotate where a list about it may be kept away; an authority's does",
            vec![
                after(0, "rotation", followed(4, 14, 0), "revocation-stale"),
                after(1, "rotation", followed(LISTS, 50, 10), "accepted"),
                after(2, "list", by(1, 50), "accepted"),
                after(3, "rotation", followed(4, 14, 0), "accepted"),
                after(7200, "rotation", followed(4, 14, 0), "unchanged"),
                after(7200, "rotation", followed(5, 15, 0), "revocation-stale"),
                after(7200, "rotation", followed(50, 60, 0), "accepted"),
            ],
        ),
        (
            "a key has one successor",
            vec![
                after(0, "list", listing(1, &[]), "accepted"),
                after(0, "rotation", followed(4, 14, 0), "accepted"),
                after(1, "rotation", followed(4, 14, 0), "unchanged"),
                after(2, "rotation", followed(4, 24, 0), "rotation-equivocation"),
                after(200_000, "rotation", followed(4, 14, 0), "unchanged"),
            ],
        ),
        (
            "a succession has no circle, and no two keys become one",
            vec![
                after(0, "list", listing(1, &[]), "accepted"),
                after(0, "rotation", followed(4, 14, 0), "accepted"),
                after(1, "rotation", followed(14, 4, 0), "rotation-invalid"),
                after(2, "rotation", followed(5, 14, 0), "rotation-invalid"),
                after(3, "rotation", followed(5, 4, 0), "rotation-invalid"),
                after(4, "rotation", followed(5, LISTS, 0), "rotation-invalid"),
                after(5, "rotation", followed(14, 24, 0), "accepted"),
            ],
        ),
        (
            "who is revoked or suspended does not slip away to another key",
            vec![
                after(0, "list", listing(1, &[(1, &[&public(4)]), (5, &[&public(5)]), (6, &[&public(6)])]), "accepted"),
                after(1, "rotation", followed(4, 14, 0), "key-revoked"),
                after(2, "rotation", followed(5, 15, 0), "agent-suspended"),
                after(3, "rotation", followed(6, 16, 0), "agent-pending"),
                after(4, "rotation", followed(7, 4, 0), "key-revoked"),
            ],
        ),
        (
            "an authority's rotation names no other",
            vec![
                after(
                    0,
                    "rotation",
                    rotation(
                        &succession(LISTS, 50, 0).saying(|o| {
                            o.set(4, "ben");
                        }),
                        [LISTS, 50],
                    ),
                    "rotation-invalid",
                ),
                after(
                    1,
                    "rotation",
                    rotation(
                        &succession(LISTS, 50, 0).saying(|o| {
                            o.set(4, "ana");
                        }),
                        [LISTS, 50],
                    ),
                    "accepted",
                ),
            ],
        ),
    ];
    let authorities = || vec![Authority { name: "ana".into(), key: hex(&public(LISTS)), for_every_issuer: false, allow_stale: false }];
    let case = |(why, updates): (&str, Vec<Update>)| {
        let trust = serde_json::to_value(Trust { authorities: authorities(), updates }).expect("json");
        json!({ "why": why, "trust": trust })
    };
    cases.into_iter().map(case).collect()
}
