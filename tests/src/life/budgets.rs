//! Budgets over several calls.

use ciborium::Value as Cbor;

use super::another_proof;
use crate::forge::Map;
use crate::scenarios::{Before, NOW, Scenario, budget, budgets, constraint, digest, one_audience, scenario, scenarios, tool};

fn once(capability: &mut Map) {
    capability.set(13, budgets(vec![budget(1, 0)]));
}

fn number(capability: &mut Map) {
    capability.set(5, tool("github.update_pr", &[("n", constraint(0, &[]))]));
}

fn summing(s: &mut Scenario, child: fn(&mut Map)) {
    s.root = one_audience;
    s.root_capability = number;
    s.child_capability = child;
    six(s);
}

fn six(s: &mut Scenario) {
    s.arguments = r#"{"n":6}"#;
    s.call = |c| {
        c.set(2, digest(Cbor::Map(vec![("n".into(), 6.into())])));
    };
}

fn session(limit: u64) -> Cbor {
    budgets(vec![budget(limit, 1)])
}

/// A root of its own in the same session.
fn another_root(s: &mut Scenario) {
    another_proof(s);
    s.root = |c| {
        one_audience(c);
        c.set(7, Cbor::Bytes(vec![0x12; 16]));
    };
}

const ONE_BEFORE: &[Before] = &[Before { change: another_proof, code: None }];

pub(super) fn all() -> Vec<Scenario> {
    scenarios! {
        "deny-budget-exhausted", "a budget of one lasts for one call" => Some("budget-exhausted"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = once;
            s.before = ONE_BEFORE;
        }
        "allow-the-second-of-two", "a budget of two lasts for two calls" => None, None, |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(2, 0)])); };
            s.before = ONE_BEFORE;
        }
        "deny-budget-of-the-parent-exhausted", "what a child spends its parent has spent" => Some("budget-exhausted"), Some(0), |s| {
            s.root = one_audience;
            s.root_capability = once;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(100, 0)])); };
            s.before = ONE_BEFORE;
        }
        "deny-the-second-budget-exhausted", "every budget of a token lasts" => Some("budget-exhausted"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(2, 0), budget(1, 0).with(2, "github.update_pr")])); };
            s.before = ONE_BEFORE;
        }
        "allow-budget-of-another-tool", "a budget of another tool takes nothing" => None, None, |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0).with(2, "deploy")])); };
            s.before = ONE_BEFORE;
        }
        "allow-budget-after-a-refused-call", "a call that is refused spends nothing" => None, None, |s| {
            s.root = one_audience;
            s.child_capability = once;
            s.before = &[Before { change: |s| { s.tool = "deploy"; s.call = |c| { c.set(1, "deploy"); }; }, code: Some("tool-not-allowed") }];
        }
        "allow-budget-after-a-replay", "a replay spends nothing" => None, None, |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(2, 0)])); };
            s.before = &[Before { change: another_proof, code: None }, Before { change: another_proof, code: Some("proof-replayed") }];
        }
        "deny-replayed-before-exhausted", "a replay is a replay, also with a budget that is used up" => Some("proof-replayed"), None, |s| {
            s.root = one_audience;
            s.child_capability = once;
            s.presented_before = true;
        }
        "allow-a-sum-up-to-the-limit", "an argument is summed" => None, None, |s| {
            summing(s, |c| { number(c); c.set(13, budgets(vec![budget(12, 0).with(2, "github.update_pr").with(3, "n")])); });
            s.before = ONE_BEFORE;
        }
        "deny-a-sum-above-the-limit", "a sum never passes its limit" => Some("budget-exhausted"), Some(1), |s| {
            summing(s, |c| { number(c); c.set(13, budgets(vec![budget(11, 0).with(2, "github.update_pr").with(3, "n")])); });
            s.before = ONE_BEFORE;
        }
        "allow-a-sum-of-an-argument-that-is-not-there", "an absent argument takes nothing" => None, None, |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0).with(2, "github.update_pr").with(3, "n")])); };
            s.before = ONE_BEFORE;
        }
        "deny-a-negative-amount", "nothing is given back by a call" => Some("argument-refused"), Some(1), |s| {
            summing(s, |c| { number(c); c.set(13, budgets(vec![budget(11, 0).with(2, "github.update_pr").with(3, "n")])); });
            s.arguments = r#"{"n":-1}"#;
            s.call = |c| { c.set(2, digest(Cbor::Map(vec![("n".into(), (-1).into())]))); };
        }
        "deny-an-amount-beyond-exact-integers", "an amount is at most 2^53 - 1" => Some("argument-refused"), Some(1), |s| {
            summing(s, |c| { number(c); c.set(13, budgets(vec![budget(11, 0).with(2, "github.update_pr").with(3, "n")])); });
            s.arguments = r#"{"n":{"$integer":"9007199254740992"}}"#;
            s.call = |c| { c.set(2, digest(Cbor::Map(vec![("n".into(), (1u64 << 53).into())]))); };
        }
        "deny-within-one-window", "a rate counts in its window" => Some("budget-exhausted"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0).with(4, 60)])); };
            s.now_ms = NOW * 1000 + 59_999;
            s.before = &[Before { change: |s| { another_proof(s); s.now_ms = NOW * 1000; }, code: None }];
        }
        "allow-in-the-next-window", "a rate counts anew in the next window" => None, None, |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0).with(4, 60)])); };
            s.now_ms = (NOW + 60) * 1000;
            s.proof = |c| { c.set(6, NOW + 1).set(4, NOW + 61); };
            s.before = &[Before { change: |s| { another_proof(s); s.now_ms = NOW * 1000 + 59_999; }, code: None }];
        }
        "deny-budget-of-the-session-exhausted", "a session counts over all of its roots" => Some("budget-exhausted"), Some(0), |s| {
            s.root = one_audience;
            s.root_capability = |c| { c.set(13, session(1)); };
            s.before = &[Before { change: another_root, code: None }];
        }
        "allow-budget-of-another-session", "another session counts by itself" => None, None, |s| {
            s.root = one_audience;
            s.root_capability = |c| { c.set(13, session(1)); };
            s.before = &[Before {
                change: |s| {
                    another_root(s);
                    s.root_capability = |c| { c.set(13, session(1)).set(6, Cbor::Bytes(vec![0xa1; 16])); };
                    s.child_capability = |c| { c.set(6, Cbor::Bytes(vec![0xa1; 16])); };
                },
                code: None,
            }];
        }
        "allow-budget-of-another-root", "a family counts by itself" => None, None, |s| {
            s.root = one_audience;
            s.root_capability = once;
            s.before = &[Before { change: another_root, code: None }];
        }
        "allow-the-second-of-two-in-a-session-that-parent-and-child-count", "a call takes once from a counter that several tokens share" => None, None, |s| {
            s.root = one_audience;
            s.root_capability = |c| { c.set(13, session(2)); };
            s.child_capability = |c| { c.set(13, session(2)); };
            s.before = ONE_BEFORE;
        }
        "deny-the-smaller-limit-of-a-shared-counter", "the limit is each token's own" => Some("budget-exhausted"), Some(1), |s| {
            s.root = one_audience;
            s.root_capability = |c| { c.set(13, session(2)); };
            s.child_capability = |c| { c.set(13, session(1)); };
            s.before = ONE_BEFORE;
        }
        "allow-budget-of-the-stores-first-instant", "a budget has milliseconds" => None, None, |s| {
            s.root = one_audience;
            s.child_capability = once;
            s.store_created_ms = NOW * 1000 + 7;
        }
    }
}
