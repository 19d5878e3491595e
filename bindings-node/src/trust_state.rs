//! What a verifier knows of revocations and rotations. What an observer is told waits here until JavaScript asks: nothing of a program runs in
//! the midst of a decision.

use std::sync::{Arc, Mutex, PoisonError};

use deputize::{
    Authority, FirstDenial, KeyInUse, ListLoader, Result, Revocation, RevocationObserver, Standing, TokenId, TrustState, Update, Value,
};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::chain::seconds;
use crate::errors::{self, thrown};
use crate::fields::{Fields, key, map, number, text};
use crate::verifier::time;
use crate::{keys, tape};

/// A state, and what its observer was not told yet.
pub struct State {
    state: Arc<TrustState>,
    news: Arc<News>,
}

impl State {
    pub(crate) fn shared(&self) -> Arc<TrustState> {
        Arc::clone(&self.state)
    }
}

#[derive(Default)]
struct News(Mutex<Vec<Value>>);

impl News {
    fn add(&self, members: Vec<(&str, Option<Value>)>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(map(members));
    }

    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Telling(Arc<News>);

fn count(number: u64) -> Option<Value> {
    Some(Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn word(word: &str) -> Option<Value> {
    Some(Value::from(word))
}

impl RevocationObserver for Telling {
    fn revoked(&self, revocation: &Revocation<'_>) {
        let standing = match revocation.standing {
            Standing::Revoked => "revoked",
            Standing::Suspended => "suspended",
            Standing::Pending => "pending",
        };
        self.0.add(vec![
            ("event", word("revoked")),
            ("target", Some(Value::Text(revocation.target.to_string()))),
            ("standing", word(standing)),
            ("authority", word(revocation.authority)),
            ("sequence", count(revocation.sequence)),
            ("acceptedMs", count(revocation.accepted.millis())),
        ]);
    }

    fn revoked_more(&self, authority: &str, sequence: u64, more: u64) {
        self.0.add(vec![
            ("event", word("revokedMore")),
            ("authority", word(authority)),
            ("sequence", count(sequence)),
            ("count", count(more)),
        ]);
    }

    fn denied(&self, denial: &FirstDenial<'_>) {
        self.0.add(vec![
            ("event", word("denied")),
            ("target", Some(Value::Text(denial.target.to_string()))),
            ("authority", word(denial.authority)),
            ("acceptedMs", count(denial.accepted.millis())),
            ("afterMs", count(denial.after)),
        ]);
    }
}

/// An authority of `{name, key, everyIssuer, allowStale, atLeast}`.
fn authority(value: Value) -> Result<Authority> {
    let mut given = Fields::of(value)?;
    let mut authority = Authority::new(&given.required("name", text)?, &given.required("key", key)?)?;
    if given.flag("everyIssuer")? {
        authority = authority.for_every_issuer();
    }
    if given.flag("allowStale")? {
        authority = authority.danger_allow_stale();
    }
    Ok(match given.optional("atLeast", number)? {
        Some(sequence) => authority.at_least(sequence),
        None => authority,
    })
}

/// Refuses members that are no authority's.
#[napi(catch_unwind)]
pub fn authority_check(members: BufferSlice) -> errors::Result<()> {
    tape::read(&members).and_then(authority).map(drop).map_err(thrown)
}

/// A state of these authorities; with an observer, what it is told is kept for JavaScript.
#[napi(catch_unwind)]
pub fn state_new(authorities: Vec<BufferSlice>, is_observed: bool) -> errors::Result<External<State>> {
    let make = || {
        let authorities = authorities.iter().map(|members| authority(tape::read(members)?)).collect::<Result<Vec<_>>>()?;
        let (state, news) = (TrustState::new(authorities)?, Arc::new(News::default()));
        let state = if is_observed { state.with_observer(Telling(Arc::clone(&news))) } else { state };
        Ok(State { state: Arc::new(state), news })
    };
    make().map(External::new).map_err(thrown)
}

/// What the observer is to be told now, each thing once.
#[napi(catch_unwind)]
pub fn state_news(state: &External<State>) -> Option<Buffer> {
    let news = state.news.take();
    (!news.is_empty()).then(|| tape::write(&Value::List(news)).into())
}

/// What became of a list or rotation, in one word.
pub(crate) fn outcome(update: Result<Update>) -> errors::Result<String> {
    let word = |update| if update == Update::Accepted { "accepted" } else { "unchanged" };
    update.map(|update| word(update).to_owned()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn state_apply_list(state: &External<State>, bytes: BufferSlice, now_ms: Option<f64>) -> errors::Result<String> {
    outcome(time(now_ms).and_then(|now| state.state.apply_list(&bytes, now)))
}

#[napi(catch_unwind)]
pub fn state_apply_rotation(state: &External<State>, bytes: BufferSlice, now_ms: Option<f64>) -> errors::Result<String> {
    outcome(time(now_ms).and_then(|now| state.state.apply_rotation(&bytes, now)))
}

/// What is held of an authority's lists.
#[napi(catch_unwind)]
pub fn state_held(state: &External<State>, name: String) -> Option<Buffer> {
    let held = state.state.held(&name)?;
    let info = map(vec![
        ("sequence", count(held.sequence)),
        ("nextUpdate", Some(seconds(held.next_update))),
        ("acceptedMs", count(held.accepted.millis())),
        ("ids", count(held.ids as u64)),
    ]);
    Some(tape::write(&info).into())
}

/// The equivocations that were seen.
#[napi(catch_unwind)]
pub fn state_evidence(state: &External<State>) -> Buffer {
    let one = |found: &deputize::Equivocation| {
        map(vec![
            ("code", word(found.code.as_str())),
            ("about", word(&found.about)),
            ("first", Some(Value::Bytes(found.first.to_vec()))),
            ("second", Some(Value::Bytes(found.second.to_vec()))),
        ])
    };
    tape::write(&Value::List(state.state.evidence().iter().map(one).collect())).into()
}

/// A key and its successors, oldest first: `[key, retired]`.
#[napi(catch_unwind)]
pub fn state_keys_of(state: &External<State>, configured: BufferSlice, now_ms: Option<f64>) -> errors::Result<Buffer> {
    let keys = || {
        let used = state.state.keys_of(&keys::public(&configured)?, time(now_ms)?).into_iter();
        let one = |used: KeyInUse| Value::List(vec![Value::Bytes(used.key.as_bytes().to_vec()), Value::Bool(used.retired)]);
        Ok(tape::write(&Value::List(used.map(one).collect())).into())
    };
    keys().map_err(thrown)
}

#[napi(catch_unwind)]
pub fn state_judge_key(state: &External<State>, issuer: String, key: BufferSlice, now_ms: Option<f64>) -> errors::Result<()> {
    let judge = || state.state.judge_key(&issuer, &keys::public(&key)?, time(now_ms)?);
    judge().map_err(thrown)
}

#[napi(catch_unwind)]
pub fn state_judge_approval(state: &External<State>, issuer: String, id: BufferSlice, now_ms: Option<f64>) -> errors::Result<()> {
    let judge = || state.state.judge_approval(&issuer, &TokenId::try_from_slice(&id)?, time(now_ms)?);
    judge().map_err(thrown)
}

type Loader = External<Option<ListLoader<'static>>>;

#[napi(catch_unwind)]
pub fn loader_new(state: &External<State>, now_ms: Option<f64>) -> errors::Result<Loader> {
    time(now_ms).map(|now| External::new(Some(state.shared().shared_loader(now)))).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn loader_push(loader: &mut Loader, chunk: BufferSlice) -> errors::Result<()> {
    let Some(loader) = &mut **loader else { return Err(thrown(tape::broken())) };
    loader.push(&chunk).map_err(thrown)
}

/// The end of the list. The loader is used up.
#[napi(catch_unwind)]
pub fn loader_finish(loader: &mut Loader, now_ms: Option<f64>) -> errors::Result<String> {
    let loader = loader.take().ok_or_else(|| thrown(tape::broken()))?;
    outcome(time(now_ms).and_then(|now| loader.finish(now)))
}
