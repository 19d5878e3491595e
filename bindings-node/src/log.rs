//! The audit log: events, its file, checks, checkpoints, witnesses and receipts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deputize::os::{self, LogFile, LogOptions, LogPieces};
use deputize::{
    Approval, AuditEvent, Checkpoint, CheckpointPolicy, Code, Consent, Digest, Error, LogCheck, LogRecord, NoteKey, Result, Session,
    SessionId, Signal, SigningKey, UnverifiedChain, UnverifiedIdentity, Value, Witness, verify_receipt,
};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::errors::{self, thrown};
use crate::fields::{Fields, bytes, list, map, number, text};
use crate::grant::system_now;
use crate::record::Decision;
use crate::revocation::listed;
use crate::revoke::Target;
use crate::signals::Watch;
use crate::verifier::time;
use crate::{keys, tape};

type Event = External<AuditEvent>;

/// The event of what a key signed: its kind, and its bytes.
#[napi(catch_unwind)]
pub fn event_signed(kind: String, encoding: BufferSlice, by: BufferSlice) -> errors::Result<Event> {
    let event = || {
        let now = system_now()?;
        match kind.as_str() {
            "chain" => AuditEvent::issued(&UnverifiedChain::decode(&encoding)?, &keys::public(&by)?, now),
            "approval" => Ok(AuditEvent::answered(&Approval::decode(&encoding)?, now)),
            "consent" => AuditEvent::consented(&Consent::decode(&encoding)?, now),
            "identity" => Ok(AuditEvent::identified(&UnverifiedIdentity::decode(&encoding)?, now)),
            "rotation" => AuditEvent::rotated(&encoding, now),
            _ => Err(tape::broken()),
        }
    };
    event().map(External::new).map_err(thrown)
}

/// The event of a revocation list of these members.
#[napi(catch_unwind)]
pub fn event_listed(authority: String, members: BufferSlice) -> errors::Result<Event> {
    let event = || Ok(AuditEvent::listed(&listed(&members)?, &authority, system_now()?));
    event().map(External::new).map_err(thrown)
}

/// The event of a session that an issuer opened.
#[napi(catch_unwind)]
pub fn event_opened(session: BufferSlice, task: Option<BufferSlice>, issuer: String, by: BufferSlice) -> errors::Result<Event> {
    let event = || {
        let task = task.map(|task| Digest::try_from_slice(&task)).transpose()?;
        let session = Session::of(SessionId::try_from_slice(&session)?, task);
        Ok(AuditEvent::opened(&session, &issuer, &keys::public(&by)?, system_now()?))
    };
    event().map(External::new).map_err(thrown)
}

/// The event of something that was revoked in a store.
#[napi(catch_unwind)]
pub fn event_revoked(target: BufferSlice, now_ms: Option<f64>) -> errors::Result<Event> {
    let event = || Ok(AuditEvent::revoked(&Target::read(&target)?.revocable(), time(now_ms)?));
    event().map(External::new).map_err(thrown)
}

/// What became of an allowed call.
#[napi(catch_unwind)]
pub fn event_outcome(decision: &External<Decision>, error: Option<String>, now_ms: Option<f64>) -> errors::Result<Event> {
    let authorized = decision.authorized()?;
    time(now_ms).map(|now| External::new(AuditEvent::outcome(authorized, error.as_deref(), now))).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn event_json(event: &Event) -> String {
    event.to_json().to_owned()
}

#[napi(catch_unwind)]
pub fn event_info(event: &Event) -> errors::Result<Buffer> {
    let sentence = LogRecord::from_json(event.to_json()).map_err(thrown)?.to_sentence();
    let members = vec![
        ("kind", Some(Value::from(event.kind()))),
        ("sentence", Some(Value::Text(sentence))),
        ("timeMs", Some(Value::Integer(event.time().millis() as i64))),
    ];
    Ok(tape::write(&map(members)).into())
}

/// A record of a log, as a sentence.
#[napi(catch_unwind)]
pub fn record_sentence(record: String) -> errors::Result<String> {
    LogRecord::from_json(&record).map(|record| record.to_sentence()).map_err(thrown)
}

/// A key of its own for a log or witness, which outlives the handle.
fn own(signer: &SigningKey) -> Result<SigningKey> {
    SigningKey::from_seed(&signer.to_seed())
}

fn hash(value: Value) -> Result<Digest> {
    match value {
        Value::Bytes(bytes) => Digest::try_from_slice(&bytes),
        _ => Err(tape::broken()),
    }
    .map_err(|_| Error::about(Code::CheckpointInvalid, "a hash has 32 bytes"))
}

/// `{origin, size, root}`
fn checkpoint(value: Value) -> Result<Checkpoint> {
    let mut given = Fields::of(value)?;
    Checkpoint::new(&given.required("origin", text)?, given.required("size", number)?, given.required("root", hash)?)
}

fn checkpoints(members: &[u8]) -> Result<Vec<Checkpoint>> {
    list(checkpoint)(tape::read(members)?)
}

fn parts(checkpoint: &Checkpoint) -> Buffer {
    let members = vec![
        ("origin", Some(Value::from(checkpoint.origin()))),
        ("size", Some(Value::Integer(checkpoint.size() as i64))),
        ("root", Some(Value::Bytes(checkpoint.root().as_bytes().to_vec()))),
    ];
    tape::write(&map(members)).into()
}

/// A log of `{origin, expect, arguments, disclosed, salt, sync, rotateAt, unprovenPerMinute, checkpointEvery}`.
#[napi(catch_unwind)]
pub fn log_open(
    path: String,
    signer: Option<&External<SigningKey>>,
    watch: Option<&Watch>,
    members: BufferSlice,
    now_ms: Option<f64>,
) -> errors::Result<External<LogFile>> {
    let open = || {
        let mut given = Fields::read(&members)?;
        let mut options = LogOptions::new().with_arguments(given.flag("arguments")?).synced(given.flag("sync")?);
        if let Some(names) = given.optional("disclosed", list(text))? {
            options = options.disclosing(names);
        }
        if let Some(salt) = given.optional("salt", bytes)? {
            options = options.salted(salt.try_into().map_err(|_| Error::about(Code::ConfigInvalid, "a salt has 32 bytes"))?);
        }
        if let Some(bytes) = given.optional("rotateAt", number)? {
            options = options.rotate_at(bytes);
        }
        if let Some(most) = given.optional("unprovenPerMinute", number)? {
            options = options.unproven_per_minute(most);
        }
        if let Some(signer) = signer {
            options = options.checkpoints(Arc::new(own(signer)?), given.optional("checkpointEvery", number)?.unwrap_or(1000));
        }
        if let Some(watch) = watch {
            options = options.signals(held(watch).clone());
        }
        for checkpoint in given.required("expect", list(checkpoint))? {
            options = options.expected(checkpoint);
        }
        LogFile::open(path, &given.required("origin", text)?, options, time(now_ms)?)
    };
    open().map(External::new).map_err(thrown)
}

fn sequence(sequence: u64) -> f64 {
    sequence as f64
}

/// Records a decision; nothing for a denial that was only counted.
#[napi(catch_unwind)]
pub fn log_record(log: &External<LogFile>, decision: &External<Decision>) -> errors::Result<Option<f64>> {
    log.record(decision.record()).map(|at| at.map(sequence)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn log_event(log: &External<LogFile>, event: &Event) -> errors::Result<f64> {
    log.event(event).map(sequence).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn log_append(log: &External<LogFile>, records: Vec<String>, now_ms: Option<f64>) -> errors::Result<f64> {
    time(now_ms).and_then(|now| log.append(&records, now)).map(sequence).map_err(thrown)
}

/// The next signal that nobody was told of, as its record.
#[napi(catch_unwind)]
pub fn log_signal(log: &External<LogFile>) -> Option<String> {
    log.take_signal().as_ref().map(Signal::to_json)
}

#[napi(catch_unwind)]
pub fn log_size(log: &External<LogFile>) -> f64 {
    sequence(log.head().size())
}

#[napi(catch_unwind)]
pub fn log_checkpoint(log: &External<LogFile>, now_ms: Option<f64>) -> errors::Result<String> {
    time(now_ms).and_then(|now| log.sign_checkpoint(now)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn log_latest_checkpoint(log: &External<LogFile>) -> Option<String> {
    log.checkpoint()
}

#[napi(catch_unwind)]
pub fn log_close(log: &External<LogFile>, now_ms: Option<f64>) -> errors::Result<()> {
    time(now_ms).and_then(|now| log.close(now)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn log_files(path: String) -> errors::Result<Vec<String>> {
    let files = os::log_files(path).map_err(thrown)?;
    Ok(files.into_iter().map(|file| file.to_string_lossy().into_owned()).collect())
}

/// A log that is read; gone once it is closed.
type Pieces = External<Mutex<Option<LogPieces>>>;

#[napi(catch_unwind)]
pub fn pieces_open(path: String) -> errors::Result<Pieces> {
    LogPieces::open(path).map(|pieces| External::new(Mutex::new(Some(pieces)))).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn pieces_next(pieces: &Pieces) -> errors::Result<Option<Buffer>> {
    let next = held(pieces).as_mut().map_or(Ok(None), LogPieces::next_piece);
    next.map(|piece| piece.map(Buffer::from)).map_err(thrown)
}

/// How many bytes were given, and how many there are.
#[napi(catch_unwind)]
pub fn pieces_progress(pieces: &Pieces) -> Vec<f64> {
    let (done, all) = held(pieces).as_ref().map_or((0, 0), LogPieces::progress);
    vec![done as f64, all as f64]
}

#[napi(catch_unwind)]
pub fn pieces_close(pieces: &Pieces) {
    drop(held(pieces).take());
}

#[napi(catch_unwind)]
pub fn log_receipt(path: String, sequence: f64, note: String) -> errors::Result<String> {
    os::make_receipt(path, sequence as u64, &note).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn log_consistency(path: String, size: f64, members: BufferSlice) -> errors::Result<Vec<Buffer>> {
    let prove = || os::prove_consistency(path, size as u64, &checkpoint(tape::read(&members)?)?);
    let hashes = prove().map_err(thrown)?;
    Ok(hashes.iter().map(|hash| Buffer::from(hash.as_bytes().to_vec())).collect())
}

/// A check of a log that comes in pieces; gone once it has finished.
type Check = External<Mutex<Option<LogCheck>>>;

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn over() -> napi::Error {
    thrown(Error::about(Code::ConfigInvalid, "the check is over"))
}

#[napi(catch_unwind)]
pub fn check_new(members: BufferSlice) -> errors::Result<Check> {
    checkpoints(&members).map(|anchors| External::new(Mutex::new(Some(LogCheck::new(anchors))))).map_err(thrown)
}

/// The next piece: the records that it completes, each after its sequence.
#[napi(catch_unwind)]
pub fn check_push(check: &Check, piece: BufferSlice, wants_records: bool) -> errors::Result<Buffer> {
    let mut found = Vec::new();
    let mut check = held(check);
    let pushed = check.as_mut().ok_or_else(over)?.push_each(&piece, |sequence, record| {
        if wants_records {
            found.extend([Value::Integer(sequence as i64), Value::from(record)]);
        }
        Ok(())
    });
    pushed.map(|()| tape::write(&Value::List(found)).into()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn check_finish(check: &Check) -> errors::Result<Buffer> {
    let report = held(check).take().ok_or_else(over)?.finish().map_err(thrown)?;
    let count = |number: u64| Some(Value::Integer(number as i64));
    let members = vec![
        ("size", count(report.head.size())),
        ("root", Some(Value::Text(report.head.root().to_string()))),
        ("anchored", report.anchored.and_then(count)),
        ("stepsBack", count(report.steps_back)),
        ("firstStepBack", report.first_step_back.and_then(count)),
    ];
    Ok(tape::write(&map(members)).into())
}

/// A checkpoint by its parts, if it is one.
#[napi(catch_unwind)]
pub fn checkpoint_check(members: BufferSlice) -> errors::Result<()> {
    tape::read(&members).and_then(checkpoint).map(drop).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn checkpoint_unverified(note: String) -> errors::Result<Buffer> {
    Checkpoint::unverified(&note).map(|checkpoint| parts(&checkpoint)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn checkpoint_sign(signer: &External<SigningKey>, members: BufferSlice) -> errors::Result<String> {
    let signer: &SigningKey = signer;
    tape::read(&members).and_then(checkpoint).and_then(|checkpoint| checkpoint.sign(signer)).map_err(thrown)
}

/// The text of a key that checks notes.
#[napi(catch_unwind)]
pub fn note_key_text(name: String, key: BufferSlice, is_witness: bool) -> errors::Result<String> {
    let made = || {
        let key = keys::public(&key)?;
        if is_witness { NoteKey::of_witness(&name, &key) } else { NoteKey::of_log(&name, &key) }
    };
    made().map(|key| key.to_text()).map_err(thrown)
}

/// The name in the text of a key.
#[napi(catch_unwind)]
pub fn note_key_name(form: String) -> errors::Result<String> {
    NoteKey::from_text(&form).map(|key| key.name().to_owned()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn policy_new(keys: Vec<String>, witnesses: Vec<String>, count: Option<f64>) -> errors::Result<External<CheckpointPolicy>> {
    let read = |texts: Vec<String>| texts.iter().map(|text| NoteKey::from_text(text)).collect::<Result<Vec<_>>>();
    let made = || {
        let policy = CheckpointPolicy::new(read(keys)?)?;
        match count {
            None => Ok(policy),
            Some(count) => policy.with_witnesses(count as usize, read(witnesses)?),
        }
    };
    made().map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn policy_verify(policy: &External<CheckpointPolicy>, note: String, now_ms: Option<f64>) -> errors::Result<Buffer> {
    time(now_ms).and_then(|now| policy.verify(&note, now)).map(|checkpoint| parts(&checkpoint)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn receipt_verify(receipt: String, line: String, policy: &External<CheckpointPolicy>, now_ms: Option<f64>) -> errors::Result<Buffer> {
    let verified = time(now_ms).and_then(|now| verify_receipt(&receipt, &line, policy, now));
    verified.map(|checkpoint| parts(&checkpoint)).map_err(thrown)
}

type Watching = External<Mutex<(Witness, SigningKey)>>;

#[napi(catch_unwind)]
pub fn witness_new(
    signer: &External<SigningKey>,
    name: String,
    policy: &External<CheckpointPolicy>,
    seen: Option<String>,
    now_ms: Option<f64>,
) -> errors::Result<Watching> {
    let made = || {
        let policy: &CheckpointPolicy = policy;
        Ok((Witness::new(&name, policy.clone(), seen.as_deref(), time(now_ms)?)?, own(signer)?))
    };
    made().map(|witness| External::new(Mutex::new(witness))).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn witness_seen(witness: &Watching) -> Option<String> {
    held(witness).0.seen().map(ToOwned::to_owned)
}

#[napi(catch_unwind)]
pub fn witness_cosign(witness: &Watching, note: String, proof: Vec<BufferSlice>, now_ms: Option<f64>) -> errors::Result<String> {
    let cosign = || {
        let wrong = |_| Error::about(Code::CheckpointInconsistent, "a hash has 32 bytes");
        let proof = proof.iter().map(|hash| Digest::try_from_slice(hash).map_err(wrong)).collect::<Result<Vec<_>>>()?;
        let mut witness = held(witness);
        let (witness, signer) = &mut *witness;
        witness.cosign(&note, &proof, signer, time(now_ms)?)
    };
    cosign().map_err(thrown)
}
