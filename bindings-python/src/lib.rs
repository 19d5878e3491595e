//! The native part of the Python package: values and exceptions across the boundary, and nothing that decides.

mod anchor;
mod approval;
mod attestation;
mod budget;
mod command;
mod configuration;
mod constraints;
mod convert;
mod decision;
mod errors;
mod evidence;
mod export;
mod files;
mod given;
mod identity;
mod keys;
mod log;
mod message;
mod renewal;
mod revocation;
mod signals;
mod state_file;
mod store;
mod token;
mod trust;
mod verifier;

/// Deputize, native part. Import `deputize` instead.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::anchor::TrustAnchor;
    #[pymodule_export]
    use crate::approval::{Approval, ApprovalPolicy, ApprovalRequest, approve, deny, hint_from_annotations};
    #[pymodule_export]
    use crate::attestation::{Admitted, CodeAttestor, JwtAttestor, ParentAttestor, Registrar, enrol, measure, vouch};
    #[pymodule_export]
    use crate::budget::{Budget, Session};
    #[pymodule_export]
    use crate::command::main;
    #[pymodule_export]
    use crate::constraints::make::{
        all_of, any_of, anything, at_least, at_most, between, cidr, contains, each, email, exact, fields, glob, in_range, length, not_glob,
        not_one_of, one_of, optional, path, regex, subset, time_window, url,
    };
    #[pymodule_export]
    use crate::constraints::tools::{
        arguments_digest, decode_tools, decode_value, encode_tools, encode_value, is_public_address, join_contexts, tools_subsume,
        value_from_json, value_to_json,
    };
    #[pymodule_export]
    use crate::constraints::{Constraint, OptionalArgument};
    #[pymodule_export]
    use crate::decision::{AuditRecord, Authorized, VerifiedChain};
    #[pymodule_export]
    use crate::errors::make_error;
    #[pymodule_export]
    use crate::evidence::{Consent, consent};
    #[pymodule_export]
    use crate::export::{export_act, export_cloud_event, export_ocsf, export_telemetry};
    #[pymodule_export]
    use crate::files::open_beneath;
    #[pymodule_export]
    use crate::identity::{Identity, IdentityPolicy, IdentityRule, VerifiedIdentity, issue_identity};
    #[pymodule_export]
    use crate::keys::{SigningKey, VerifyingKey};
    #[pymodule_export]
    use crate::log::{
        AuditEvent, AuditLog, Checkpoint, CheckpointPolicy, LogCheck, LogReader, LogReport, NoteKey, Witness, check_log, log_files,
        make_receipt, prove_consistency, puts_off, record_sentence, record_signed, verify_receipt,
    };
    #[pymodule_export]
    use crate::message::{Inbox, Outbox, ReceivedMessage};
    #[pymodule_export]
    use crate::renewal::RenewalPolicy;
    #[pymodule_export]
    use crate::revocation::{RevocationList, Target, rotate};
    #[pymodule_export]
    use crate::signals::SignalWatch;
    #[pymodule_export]
    use crate::state_file::StateFile;
    #[pymodule_export]
    use crate::store::MemoryStore;
    #[pymodule_export]
    use crate::token::{Chain, Presentation, delegate, issue, prove};
    #[pymodule_export]
    use crate::trust::{Authority, ListLoader, TrustState};
    #[pymodule_export]
    use crate::verifier::Verifier;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("codes", crate::errors::codes(module.py())?)?;
        module.add("COMMIT_SCRIPT", deputize::COMMIT_SCRIPT)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    #[cfg(feature = "test-panic")]
    #[pyfunction]
    fn _test_panic() -> PyResult<()> {
        crate::errors::entry(|| panic!("a panic, for a test"))
    }
}
