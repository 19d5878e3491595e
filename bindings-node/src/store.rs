//! The store in memory, and what a store in JavaScript is asked and answers.

use std::sync::Arc;

use deputize::{MemoryStore, Now, Operation, Outcome, Store, StoreKey, Value};
use napi::bindgen_prelude::External;
use napi_derive::napi;

use crate::chain::seconds;
use crate::errors::{Result, thrown};
use crate::grant::system_now;
use crate::verifier::time;

/// The store in memory: the verifier and JavaScript hold on to it together.
pub(crate) type Memory = Arc<MemoryStore>;

/// A store that JavaScript has: it is asked there, between the evaluation and the admission.
pub(crate) struct Elsewhere;

impl Store for Elsewhere {
    fn commit(&self, _: &[Operation], _: Now) -> Outcome {
        Outcome::Unavailable
    }
}

pub(crate) struct Shared(Memory);

impl Shared {
    pub(crate) fn of(memory: &Memory) -> Self {
        Shared(Arc::clone(memory))
    }
}

impl Store for Shared {
    fn commit(&self, transaction: &[Operation], now: Now) -> Outcome {
        self.0.commit(transaction, now)
    }
}

#[napi(catch_unwind)]
pub fn store_new(capacity: f64, created_ms: Option<f64>) -> Result<External<Memory>> {
    let usable = (0.0..=f64::from(u32::MAX)).contains(&capacity) && capacity.fract() == 0.0;
    let capacity = if usable { capacity as usize } else { 0 };
    let store = time(created_ms).or_else(|_| system_now()).and_then(|created| MemoryStore::new(capacity, created));
    store.map(|store| External::new(Arc::new(store))).map_err(thrown)
}

/// What a store in JavaScript is asked: `[operations, nowMs]`.
pub(crate) fn question(transaction: &[Operation], now: Now) -> Value {
    let operations = transaction.iter().map(operation).collect();
    Value::List(vec![Value::List(operations), millis(now)])
}

fn operation(operation: &Operation) -> Value {
    let named = |name: &str, key: &StoreKey, rest: &[Value]| {
        let mut parts = vec![Value::Text(name.into()), Value::Bytes(key.as_bytes().to_vec())];
        parts.extend_from_slice(rest);
        Value::List(parts)
    };
    match operation {
        Operation::Claim { key, expires, since } => named("claim", key, &[seconds(*expires), millis(*since)]),
        Operation::Absent { key, since } => named("absent", key, &[millis(*since)]),
        Operation::Mark { key, expires } => named("mark", key, &[seconds(*expires)]),
        Operation::Spend { key, amount, limit, expires, since } => {
            named("spend", key, &[number(*amount), number(*limit), seconds(*expires), millis(*since)])
        }
        Operation::Refund { key, amount } => named("refund", key, &[number(*amount)]),
    }
}

fn millis(time: Now) -> Value {
    number(time.millis())
}

/// Amounts and limits are below 2^53; what is not, is above every limit.
fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The answer of a store in JavaScript; what is no answer is no store.
pub(crate) fn answered(answer: &str, index: f64) -> Outcome {
    match answer {
        "committed" => Outcome::Committed,
        "refused" => Outcome::Refused(index as usize),
        "predates" => Outcome::Predates(index as usize),
        "full" => Outcome::Full,
        _ => Outcome::Unavailable,
    }
}

/// The script of a store in Redis, which every language runs.
#[napi(catch_unwind)]
pub fn commit_script() -> &'static str {
    deputize::COMMIT_SCRIPT
}
