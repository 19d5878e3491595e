//! The decision scenarios about what changes over the life of authority: approvals, consents, identities, budgets, revocation.

mod approvals;
mod budgets;
mod consents;
mod identities;
mod revocation;
mod signers;
mod trust;

use crate::forge::{Map, public, sha256};
use crate::scenarios::Scenario;
use crate::vector::{Mark, Requirement, hex};

use ciborium::Value as Cbor;

/// Every scenario. The allowed ones say what the store is asked.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let mut all = approvals::all();
    all.extend(consents::all());
    all.extend(identities::all());
    all.extend(budgets::all());
    all.extend(revocation::all());
    all.extend(trust::all());
    all.extend(signers::all());
    all.iter_mut().for_each(|scenario| scenario.with_operations = true);
    all
}

/// Another proof of the same call.
fn another_proof(scenario: &mut Scenario) {
    scenario.proof = |claims| {
        claims.set(7, Cbor::Bytes(vec![0x34; 16]));
    };
}

fn in_task(capability: &mut Map) {
    capability.set(7, Cbor::Bytes(vec![0x77; 32]));
}

fn of(count: usize, approvers: &[u8]) -> Requirement {
    Requirement { count, approvers: approvers.iter().map(|number| hex(&public(*number))).collect() }
}

/// A mark in the store: the key is a letter and its parts, as in store.md.
fn mark(what: &str, id: &[u8], issuer: Option<&str>, approver: Option<u8>) -> Mark {
    let letter: &[u8] = match what {
        "token" => b"T",
        "key" => b"K",
        "session" => b"S",
        "task" => b"Y",
        _ => b"A",
    };
    let issuer_part = issuer.map(|name| sha256(name.as_bytes()).to_vec()).unwrap_or_default();
    let approver_part = approver.map(|number| public(number).to_vec()).unwrap_or_default();
    Mark {
        store_key: hex(&[letter, &issuer_part, &approver_part, id].concat()),
        what: what.into(),
        id: hex(id),
        issuer: issuer.map(Into::into),
        approver: approver.map(|number| hex(&public(number))),
    }
}
