//! Renewing tokens by a policy.

use deputize::{RenewalPolicy, SigningKey, Timestamp, UnverifiedChain, os};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::errors::{Result, thrown};
use crate::trust_state::State;
use crate::verifier::time;

type Policy = External<RenewalPolicy<'static>>;

/// A policy of seconds before the end, and of the second until when it renews: both are counts.
#[napi(catch_unwind)]
pub fn renewal_new(before: f64, until: f64) -> Result<Policy> {
    let until = Timestamp::from_secs(until as u64).map_err(thrown)?;
    Ok(External::new(RenewalPolicy::new(before as u64, until)))
}

fn renewed(
    policy: &Policy,
    state: Option<&External<State>>,
    renew: impl FnOnce(RenewalPolicy<'_>) -> deputize::Result<Option<UnverifiedChain>>,
) -> Result<Option<Buffer>> {
    let state = state.map(|state| state.shared());
    let policy: &RenewalPolicy<'static> = policy;
    let chain = match &state {
        Some(state) => renew(policy.with_trust_state(state)),
        None => renew(*policy),
    };
    chain.map(|chain| chain.map(|chain| chain.encode().to_vec().into())).map_err(thrown)
}

/// A fresh root instead of one that ends soon; nothing while it is not due.
#[napi(catch_unwind)]
pub fn renewal_root(
    policy: &Policy,
    state: Option<&External<State>>,
    now_ms: Option<f64>,
    key: &External<SigningKey>,
    issuer: String,
    chain: BufferSlice,
) -> Result<Option<Buffer>> {
    let signer: &SigningKey = key;
    renewed(policy, state, |policy| policy.renew_root(signer, &issuer, &UnverifiedChain::decode(&chain)?, &mut os::SysRng, time(now_ms)?))
}

/// A fresh token below the parent instead of the leaf of a chain; nothing while it is not due.
#[napi(catch_unwind)]
pub fn renewal_leaf(
    policy: &Policy,
    state: Option<&External<State>>,
    now_ms: Option<f64>,
    key: &External<SigningKey>,
    parent: BufferSlice,
    chain: BufferSlice,
) -> Result<Option<Buffer>> {
    let signer: &SigningKey = key;
    renewed(policy, state, |policy| {
        let (parent, chain) = (UnverifiedChain::decode(&parent)?, UnverifiedChain::decode(&chain)?);
        policy.renew(signer, &parent, &chain, &mut os::SysRng, time(now_ms)?)
    })
}
