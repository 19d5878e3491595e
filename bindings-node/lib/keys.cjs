'use strict';
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { bytes, text } = require('./options.cjs');

const NATIVE = Symbol('native');

function onlyNative(token, name) {
  if (token !== NATIVE) throw failure('config-invalid', 'there is no public constructor of', name);
}

function jwkText(jwk) {
  if (typeof jwk === 'string') return text(jwk, 'key-invalid', 'a JWK');
  if (typeof jwk !== 'object' || jwk === null) throw failure('key-invalid', 'not a JWK:', typeof jwk);
  return JSON.stringify(jwk);
}

let publicBytes;

/** An Ed25519 public key. */
class VerifyingKey {
  #bytes;
  #handle;
  static {
    publicBytes = (key) => (typeof key === 'object' && key !== null && #bytes in key ? key.#bytes : undefined);
  }

  constructor(token, checked) {
    onlyNative(token, 'VerifyingKey');
    this.#bytes = Buffer.from(checked);
    Object.freeze(this);
  }

  static fromBytes(key) {
    return publicKey(call('publicFromBytes', Buffer.from(bytes(key, 'key-invalid', 'a public key'))));
  }

  static fromDidKey(did) {
    return publicKey(call('publicFromDidKey', text(did, 'key-invalid', 'a did:key')));
  }

  static fromPem(pem) {
    return publicKey(call('publicFromPem', text(pem, 'key-invalid', 'a PEM block')));
  }

  static fromJwk(jwk) {
    return publicKey(call('publicFromJwk', jwkText(jwk)));
  }

  get bytes() {
    return new Uint8Array(this.#bytes);
  }

  get didKey() {
    return call('publicDidKey', this.#bytes);
  }

  get thumbprint() {
    return call('publicThumbprint', this.#bytes);
  }

  toPem() {
    return call('publicToPem', this.#bytes);
  }

  toJwk() {
    return call('publicToJwk', this.#bytes);
  }

  verify(message, signature) {
    const [signed, given] = [bytes(message, 'value-unsupported', 'the message'), bytes(signature, 'value-unsupported', 'the signature')];
    this.#handle ??= call('publicHandle', this.#bytes);
    return call('publicVerify', this.#handle, signed, given);
  }

  toString() {
    return this.didKey;
  }

  toJSON() {
    return this.didKey;
  }

  [inspect.custom]() {
    return `VerifyingKey(${this.didKey})`;
  }
}

/** A public key from bytes that the native part has checked. */
function publicKey(checked) {
  return new VerifyingKey(NATIVE, checked);
}

let signingHandle;

// A property of the instance that holds a function: structuredClone, postMessage and v8.serialize refuse the whole object because of it.
const keptOut = Object.freeze(function toJSON() {
  return signingHandle(this) === undefined ? '[SigningKey]' : `[SigningKey ${this.verifyingKey.didKey}]`;
});

/** An Ed25519 private key. The key itself is native; what JavaScript has is a handle that cannot be read, copied or sent. */
class SigningKey {
  #handle;
  static {
    signingHandle = (key) => (typeof key === 'object' && key !== null && #handle in key ? key.#handle : undefined);
  }

  constructor(token, handle) {
    onlyNative(token, 'SigningKey');
    this.#handle = handle;
    this.toJSON = keptOut;
    Object.freeze(this);
  }

  static generate() {
    return new SigningKey(NATIVE, call('keyGenerate'));
  }

  static fromSeed(seed) {
    const copy = Buffer.from(bytes(seed, 'key-invalid', 'a seed'));
    try {
      return new SigningKey(NATIVE, call('keyFromSeed', copy));
    } finally {
      copy.fill(0);
    }
  }

  static fromPem(pem) {
    return new SigningKey(NATIVE, call('keyFromPem', text(pem, 'key-invalid', 'a PEM block')));
  }

  static fromJwk(jwk) {
    return new SigningKey(NATIVE, call('keyFromJwk', jwkText(jwk)));
  }

  static load(path) {
    return new SigningKey(NATIVE, call('keyLoad', text(path, 'key-file-invalid', 'a path')));
  }

  static loadOrCreate(path) {
    return new SigningKey(NATIVE, call('keyLoadOrCreate', text(path, 'key-file-invalid', 'a path')));
  }

  save(path) {
    call('keySave', this.#handle, text(path, 'key-file-invalid', 'a path'));
  }

  get verifyingKey() {
    return publicKey(call('keyPublic', this.#handle));
  }

  toSeed() {
    const native = call('keyToSeed', this.#handle);
    const seed = new Uint8Array(native);
    native.fill(0);
    return seed;
  }

  toPem() {
    return call('keyToPem', this.#handle);
  }

  toJwk() {
    return call('keyToJwk', this.#handle);
  }

  toString() {
    return this.toJSON();
  }

  [inspect.custom]() {
    return this.toJSON();
  }
}

module.exports = { SigningKey, VerifyingKey, NATIVE, onlyNative, publicKey, publicBytes, signingHandle };
