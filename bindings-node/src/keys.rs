//! Keys. A private key stays behind its external; a public key is its 32 bytes.

use deputize::{SigningKey, VerifyingKey, os};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::errors::{Result, thrown};

type Handle = External<SigningKey>;

/// A public key from bytes that JavaScript holds.
pub(crate) fn public(bytes: &[u8]) -> deputize::Result<VerifyingKey> {
    VerifyingKey::try_from_slice(bytes)
}

fn handle(key: deputize::Result<SigningKey>) -> Result<Handle> {
    key.map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn key_generate() -> Result<Handle> {
    handle(os::generate_key())
}

#[napi(catch_unwind)]
pub fn key_from_seed(seed: BufferSlice) -> Result<Handle> {
    handle(SigningKey::try_from_seed_slice(&seed))
}

#[napi(catch_unwind)]
pub fn key_to_seed(key: &Handle) -> Buffer {
    key.to_seed().to_vec().into()
}

#[napi(catch_unwind)]
pub fn key_from_pem(text: String) -> Result<Handle> {
    handle(SigningKey::from_pem(&Zeroizing::new(text)))
}

#[napi(catch_unwind)]
pub fn key_to_pem(key: &Handle) -> String {
    key.to_pem().to_string()
}

#[napi(catch_unwind)]
pub fn key_from_jwk(text: String) -> Result<Handle> {
    handle(SigningKey::from_jwk(&Zeroizing::new(text)))
}

#[napi(catch_unwind)]
pub fn key_to_jwk(key: &Handle) -> String {
    key.to_jwk().to_string()
}

#[napi(catch_unwind)]
pub fn key_save(key: &Handle, path: String) -> Result<()> {
    os::save(path, key).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn key_load(path: String) -> Result<Handle> {
    handle(os::load(path))
}

#[napi(catch_unwind)]
pub fn key_load_or_create(path: String) -> Result<Handle> {
    handle(os::load_or_create(path))
}

#[napi(catch_unwind)]
pub fn key_public(key: &Handle) -> Buffer {
    key.verifying_key().as_bytes().to_vec().into()
}

fn bytes_of(key: deputize::Result<VerifyingKey>) -> Result<Buffer> {
    key.map(|key| key.as_bytes().to_vec().into()).map_err(thrown)
}

fn text_of(bytes: &[u8], form: impl FnOnce(&VerifyingKey) -> String) -> Result<String> {
    public(bytes).map(|key| form(&key)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn public_from_bytes(bytes: BufferSlice) -> Result<Buffer> {
    bytes_of(public(&bytes))
}

#[napi(catch_unwind)]
pub fn public_from_did_key(text: String) -> Result<Buffer> {
    bytes_of(VerifyingKey::from_did_key(&text))
}

#[napi(catch_unwind)]
pub fn public_from_jwk(text: String) -> Result<Buffer> {
    bytes_of(VerifyingKey::from_jwk(&text))
}

#[napi(catch_unwind)]
pub fn public_from_pem(text: String) -> Result<Buffer> {
    bytes_of(VerifyingKey::from_pem(&text))
}

#[napi(catch_unwind)]
pub fn public_did_key(bytes: BufferSlice) -> Result<String> {
    text_of(&bytes, VerifyingKey::did_key)
}

#[napi(catch_unwind)]
pub fn public_to_jwk(bytes: BufferSlice) -> Result<String> {
    text_of(&bytes, VerifyingKey::to_jwk)
}

#[napi(catch_unwind)]
pub fn public_to_pem(bytes: BufferSlice) -> Result<String> {
    text_of(&bytes, VerifyingKey::to_pem)
}

#[napi(catch_unwind)]
pub fn public_thumbprint(bytes: BufferSlice) -> Result<String> {
    text_of(&bytes, VerifyingKey::thumbprint)
}

/// A public key for verifying: to read its point from the bytes is a tenth of a verification.
#[napi(catch_unwind)]
pub fn public_handle(bytes: BufferSlice) -> Result<External<VerifyingKey>> {
    public(&bytes).map(External::new).map_err(thrown)
}

/// Whether the signature is this key's over the message.
#[napi(catch_unwind)]
pub fn public_verify(key: &External<VerifyingKey>, message: BufferSlice, signature: BufferSlice) -> bool {
    <&[u8; 64]>::try_from(signature.as_ref()).is_ok_and(|signature| key.verify(&message, signature).is_ok())
}
