//! The native part of the Python package: values and exceptions across the boundary, and nothing that decides.

mod constraints;
mod convert;
mod errors;
mod keys;
mod token;
mod verifier;

/// Deputize, native part. Import `deputize` instead.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::constraints::{
        Constraint, OptionalArgument, all_of, any_of, anything, arguments_digest, at_least, at_most, between, contains, decode_tools,
        decode_value, encode_tools, encode_value, exact, in_range, not_one_of, one_of, optional, path, subset, tools_subsume,
        value_from_json, value_to_json,
    };
    #[pymodule_export]
    use crate::errors::make_error;
    #[pymodule_export]
    use crate::keys::{SigningKey, VerifyingKey};
    #[pymodule_export]
    use crate::token::{Chain, Presentation, delegate, issue, prove};
    #[pymodule_export]
    use crate::verifier::{AuditRecord, Authorized, MemoryReplayStore, TrustAnchor, VerifiedChain, Verifier};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("codes", crate::errors::codes(module.py())?)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    #[cfg(feature = "test-panic")]
    #[pyfunction]
    fn _test_panic() -> PyResult<()> {
        crate::errors::entry(|| panic!("a panic, for a test"))
    }
}
