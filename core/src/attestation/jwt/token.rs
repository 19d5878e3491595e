//! A JWT in the compact form (RFC 7515 section 3.1), and what its header may say.

use super::super::failed;
use super::keys::Keys;
use super::{member, text};
use crate::json::value_from_json;
use crate::text::bytes_from_text;
use crate::value::Value;
use crate::{Code, Error, Result, limits};

/// Members of a header that bring a key, name a place to fetch one from, or change what is signed or how it is read.
const REFUSED: [&str; 8] = ["crit", "jwk", "jku", "x5c", "x5u", "b64", "enc", "zip"];

/// A token of the right shape, whose signature is not checked yet.
pub(super) struct Token<'a> {
    header: Value,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > limits::MAX_ENROLMENT_EVIDENCE {
            return Err(Error::about(Code::TooLarge, "token"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| failed("not a JWT"))?;
        let (signed, signature) = text.rsplit_once('.').ok_or(failed("not a JWT"))?;
        let (header, payload) = signed.split_once('.').ok_or(failed("not a JWT"))?;
        let token = Token { header: json(header)?, signed, payload, signature: bytes_of(signature)? };
        token.refuse_header()?;
        Ok(token)
    }

    fn refuse_header(&self) -> Result<()> {
        if !matches!(self.header, Value::Map(_)) {
            return Err(failed("a header that is no object"));
        }
        if let Some(name) = REFUSED.into_iter().find(|name| member(&self.header, name).is_some()) {
            return Err(Error::named(Code::AttestationFailed, "a header with", name));
        }
        match (member(&self.header, "typ"), text(&self.header, &["typ"])) {
            (None, _) => Ok(()),
            (_, Some(kind)) if kind.eq_ignore_ascii_case("JWT") || kind.eq_ignore_ascii_case("JOSE") => Ok(()),
            _ => Err(failed("typ is not JWT")),
        }
    }

    /// Checks the signature with the key of the JWKS that the header selects, and gives the claims.
    pub(super) fn verify(&self, keys: &Keys) -> Result<Value> {
        let id = match (member(&self.header, "kid"), text(&self.header, &["kid"])) {
            (Some(_), None) => return Err(failed("kid is not text")),
            (_, id) => id,
        };
        let key = keys.select(id)?;
        let named = text(&self.header, &["alg"]).ok_or(failed("no alg"))?;
        if !key.algorithm().is_called(named) {
            return Err(Error::named(Code::AttestationFailed, "not the algorithm of the key: alg", named));
        }
        if !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(failed("the signature of the token does not verify"));
        }
        match json(self.payload)? {
            claims @ Value::Map(_) => Ok(claims),
            _ => Err(failed("claims that are no object")),
        }
    }
}

fn bytes_of(part: &str) -> Result<Vec<u8>> {
    bytes_from_text(part, limits::MAX_ENROLMENT_EVIDENCE).map_err(|_| failed("a part of the token is not base64url"))
}

/// Strict: a member that is there twice is refused.
fn json(part: &str) -> Result<Value> {
    let text = String::from_utf8(bytes_of(part)?).map_err(|_| failed("a part of the token is not text"))?;
    value_from_json(&text).map_err(|_| failed("a part of the token is not JSON, has a member twice, or a number that cannot be kept"))
}
