//! The native part of Deputize for Node.js: functions over bytes, tapes and handles. `lib/` makes the public API of them, and nothing else may
//! call them: every argument was checked there, and every refusal is turned into a `DeputizeError` there.
//!
//! Values cross the boundary as a *tape* ([`tape`]), written and read in one pass. Secrets and state stay here, behind externals.
// napi registers its functions in every build but that of unit tests, of which there are none: this crate is tested from JavaScript.
#![cfg_attr(test, allow(dead_code))]

mod approval;
mod budget;
mod chain;
mod command;
mod constraints;
mod enrolment;
mod errors;
mod evidence;
mod export;
mod fields;
mod files;
mod grant;
mod identity;
mod keys;
mod log;
mod message;
mod record;
mod renewal;
mod revocation;
mod revoke;
mod session;
mod signals;
mod state_file;
mod store;
mod tape;
mod trust_state;
mod values;
mod verifier;
