//! Deputize.
#![forbid(unsafe_code)]

mod error;

pub use error::{Code, Error, Family, Result};
