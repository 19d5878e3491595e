//! What programs give in several places: ids, names with their keys, agents that sign, clocks.

use deputize::{Code, Error, Now, VerifyingKey};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::convert::{self, is_exactly, sequence, text, unsigned, verifying_key};
use crate::errors::{Result, failed_callback};
use crate::keys::SigningKey;

/// An id: its bytes, or the lower-case hex that records show. There is no other spelling.
pub fn id<const N: usize>(object: &Bound<'_, PyAny>, what: &'static str) -> deputize::Result<[u8; N]> {
    let refused = || Error::about(Code::ClaimInvalid, what);
    if object.cast_exact::<PyString>().is_ok() {
        return hex(&text(object, Code::ClaimInvalid, what)?).ok_or_else(refused);
    }
    convert::bytes(object)?.and_then(|bytes| bytes.try_into().ok()).ok_or_else(refused)
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        for digit in pair {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            *byte = *byte << 4 | value;
        }
    }
    Some(bytes)
}

/// A name and a key: an `Agent`, another object with both, or a tuple of both.
pub fn named_key(object: &Bound<'_, PyAny>, code: Code, what: &'static str) -> deputize::Result<(String, VerifyingKey)> {
    if let Ok(pair) = object.cast_exact::<PyTuple>() {
        let (name, key) = pair_of(pair).ok_or(Error::about(code, what))?;
        return Ok((text(&name, code, what)?, verifying_key(&key, code, what)?));
    }
    let name = object.getattr("name").map_err(|_| Error::about(code, what))?;
    Ok((text(&name, code, what)?, verifying_key(object, code, what)?))
}

/// The two elements of a tuple of two.
pub fn pair_of<'py>(tuple: &Bound<'py, PyTuple>) -> Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if tuple.len() == 2 { Some((tuple.get_item(0).ok()?, tuple.get_item(1).ok()?)) } else { None }
}

/// Several of them, in a list or tuple.
pub fn named_keys(object: &Bound<'_, PyAny>, code: Code, what: &'static str) -> deputize::Result<Vec<(String, VerifyingKey)>> {
    let list = sequence(object).ok_or(Error::about(code, what))?;
    list.iter_borrowed().map(|one| named_key(&one, code, what)).collect()
}

/// Keys, or agents with keys, in a list or tuple.
pub fn keys(object: &Bound<'_, PyAny>, code: Code, what: &'static str) -> deputize::Result<Vec<VerifyingKey>> {
    let list = sequence(object).ok_or(Error::about(code, what))?;
    list.iter_borrowed().map(|key| verifying_key(&key, code, what)).collect()
}

/// Texts, in a list or tuple.
pub fn texts(object: &Bound<'_, PyAny>, code: Code, what: &'static str) -> deputize::Result<Vec<String>> {
    let list = sequence(object).ok_or(Error::about(code, what))?;
    list.iter_borrowed().map(|one| text(&one, code, what)).collect()
}

/// The name of an agent, or a text.
pub fn name(object: &Bound<'_, PyAny>, what: &'static str) -> deputize::Result<String> {
    if object.cast_exact::<PyString>().is_ok() {
        return text(object, Code::NameInvalid, what);
    }
    let name = object.getattr("name").map_err(|_| Error::about(Code::NameInvalid, what))?;
    text(&name, Code::NameInvalid, what)
}

/// The name and the private key of an `Agent`, and of nothing that resembles one.
pub fn signer(agent: &Bound<'_, PyAny>) -> Result<(String, Py<SigningKey>)> {
    const WHAT: &str = "an Agent signs this";
    if !is_exactly(agent, "deputize.agent", "Agent")? {
        return Err(Error::about(Code::KeyInvalid, WHAT).into());
    }
    let key = agent.getattr("_Agent__signing_key")?;
    let key = key.cast_into_exact::<SigningKey>().map_err(|_| Error::about(Code::KeyInvalid, WHAT))?;
    Ok((name(agent, "the name of an agent")?, key.unbind()))
}

/// Something that is called back, or nothing.
pub fn callback(object: Option<Bound<'_, PyAny>>, what: &'static str) -> deputize::Result<Option<Py<PyAny>>> {
    match object {
        Some(object) if !object.is_callable() => Err(Error::about(Code::ConfigInvalid, what)),
        object => Ok(object.map(Bound::unbind)),
    }
}

/// The time of the system's clock.
pub fn system_now() -> deputize::Result<Now> {
    deputize::os::now()
}

/// The clock: milliseconds since 1970, an `int` and nothing else.
pub fn read_clock(py: Python<'_>, clock: Option<&Py<PyAny>>) -> Result<Now> {
    let Some(clock) = clock else { return Ok(system_now()?) };
    const WHAT: &str = "the clock did not give an int of milliseconds";
    match clock.bind(py).call0() {
        Ok(answer) => Ok(Now::from_millis(unsigned(&answer, Code::ClockInvalid, WHAT)?)?),
        Err(error) => {
            failed_callback(py, error)?;
            Err(Error::about(Code::ClockInvalid, "the clock raised an exception").into())
        }
    }
}
