//! Signed messages.

use deputize::{Digest, Inbox, Outbox, Outgoing, Result, SessionId, SigningKey, Value, os};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::chain::seconds;
use crate::errors::{self, thrown};
use crate::fields::{Fields, bytes, map, number, text};
use crate::verifier::time;
use crate::{keys, tape};

fn session(bytes: &[u8]) -> Result<SessionId> {
    SessionId::try_from_slice(bytes)
}

#[napi(catch_unwind)]
pub fn outbox_new(signer: &External<SigningKey>) -> External<Outbox> {
    External::new(Outbox::new(signer.verifying_key()))
}

#[napi(catch_unwind)]
pub fn outbox_decode(state: BufferSlice) -> errors::Result<External<Outbox>> {
    Outbox::decode(&state).map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn outbox_encode(outbox: &External<Outbox>) -> Buffer {
    outbox.encode().into()
}

/// Signs the next message, with `{to, session, token, ttl}`.
#[napi(catch_unwind)]
pub fn outbox_sign(
    outbox: &mut External<Outbox>,
    signer: &External<SigningKey>,
    payload: BufferSlice,
    options: BufferSlice,
    now_ms: Option<f64>,
) -> errors::Result<Buffer> {
    let mut sign = || -> Result<Vec<u8>> {
        let mut given = Fields::read(&options)?;
        let to = given.required("to", text)?;
        let message = Outgoing::new(&payload, &to, session(&given.required("session", bytes)?)?);
        let message = match given.optional("token", bytes)? {
            Some(token) => message.token(Digest::try_from_slice(&token)?),
            None => message,
        };
        let message = match given.optional("ttl", number)? {
            Some(ttl) => message.ttl(ttl),
            None => message,
        };
        let signer: &SigningKey = signer;
        outbox.sign(signer, &message, &mut os::SysRng, time(now_ms)?)
    };
    sign().map(Buffer::from).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn outbox_close(outbox: &mut External<Outbox>, id: BufferSlice) -> errors::Result<()> {
    session(&id).map(|id| outbox.close(id)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn inbox_new(recipient: String, capacity: f64, now_ms: Option<f64>) -> errors::Result<External<Inbox>> {
    time(now_ms).and_then(|now| Inbox::new(&recipient, capacity as usize, now)).map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn inbox_decode(state: BufferSlice, recipient: String, capacity: f64) -> errors::Result<External<Inbox>> {
    Inbox::decode(&state, &recipient, capacity as usize).map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn inbox_encode(inbox: &External<Inbox>) -> Buffer {
    inbox.encode().into()
}

#[napi(catch_unwind)]
pub fn inbox_know(inbox: &mut External<Inbox>, sender: BufferSlice) -> errors::Result<()> {
    keys::public(&sender).and_then(|sender| inbox.know(&sender)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn inbox_forget(inbox: &mut External<Inbox>, sender: BufferSlice) -> errors::Result<()> {
    keys::public(&sender).map(|sender| inbox.forget(&sender)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn inbox_close(inbox: &mut External<Inbox>, id: BufferSlice, now_ms: Option<f64>) -> errors::Result<()> {
    let close = session(&id).and_then(|id| inbox.close(id, time(now_ms)?));
    close.map_err(thrown)
}

/// Receives a message; what is known of it as a tape. The payload is the caller's copy.
#[napi(catch_unwind)]
pub fn inbox_receive(
    inbox: &mut External<Inbox>,
    message: BufferSlice,
    payload: BufferSlice,
    expected: Option<BufferSlice>,
    now_ms: Option<f64>,
) -> errors::Result<Buffer> {
    let mut receive = || {
        let expected = expected.as_deref().map(session).transpose()?;
        let received = inbox.receive(&message, &payload, expected, time(now_ms)?)?;
        let info = map(vec![
            ("sender", Some(Value::Bytes(received.sender().as_bytes().to_vec()))),
            ("session", Some(Value::Text(received.session().to_string()))),
            ("sequence", Some(Value::Integer(received.sequence() as i64))),
            ("id", Some(Value::Text(received.id().to_string()))),
            ("token", received.token().map(|token| Value::Text(token.to_string()))),
            ("issued", Some(seconds(received.issued()))),
        ]);
        Ok(tape::write(&info).into())
    };
    receive().map_err(thrown)
}
