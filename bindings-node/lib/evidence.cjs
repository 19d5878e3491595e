'use strict';
// What travels beside a proof. Each is its bytes; nobody has checked the signature.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, read } = require('./tape.cjs');
const { bytes, kindOf, text } = require('./options.cjs');
const { NATIVE, onlyNative, publicKey } = require('./keys.cjs');

/** One object more than a presentation may have. */
const MOST_OBJECTS = 64 + 1;
/** One character more than the longest text of any of them. */
const MOST_TEXT = Math.ceil(16384 / 3) * 4 + 1;

let encodingOf;

class Evidence {
  #bytes;
  static {
    encodingOf = (value) => (typeof value === 'object' && value !== null && #bytes in value ? value.#bytes : undefined);
  }

  constructor(token, encoding, name) {
    onlyNative(token, name);
    this.#bytes = Buffer.from(encoding);
  }

  get bytes() {
    return new Uint8Array(this.#bytes);
  }

  get text() {
    return call('toText', this.#bytes);
  }

  toString() {
    return this.text;
  }

  toJSON() {
    return this.text;
  }
}

const given = (encoding, what) => Buffer.from(bytes(encoding, 'malformed', what));
const givenText = (encoding, what) => text(encoding, 'text-malformed', what).slice(0, MOST_TEXT);

let approvalInfo;

/** An approver's word on one request. */
class Approval extends Evidence {
  #info;
  static {
    approvalInfo = (value) => (typeof value === 'object' && value !== null && #info in value ? value.#info : undefined);
  }

  constructor(token, encoding) {
    super(token, encoding, 'Approval');
    this.#info = read(call('approvalInfo', encoding));
    Object.freeze(this);
  }

  static decode(encoding) {
    return new Approval(NATIVE, given(encoding, 'an approval'));
  }

  static fromText(encoding) {
    return new Approval(NATIVE, call('approvalFromText', givenText(encoding, 'an approval')));
  }

  /** Whether it says yes. */
  get approves() {
    return this.#info.approves;
  }

  get approver() {
    return publicKey(this.#info.approver);
  }

  /** With the approver's key, what is withdrawn. */
  get id() {
    return this.#info.id;
  }

  /** The id of the request that it answers. */
  get request() {
    return this.#info.request;
  }

  get expires() {
    return this.#info.expires;
  }

  [inspect.custom]() {
    return `Approval(${this.approves ? 'yes' : 'no'} to ${this.request})`;
  }
}

/** A principal's consent to be impersonated. */
class Consent extends Evidence {
  constructor(token, encoding) {
    super(token, encoding, 'Consent');
    Object.freeze(this);
  }

  static decode(encoding) {
    const copy = given(encoding, 'a consent');
    call('consentCheck', copy);
    return new Consent(NATIVE, copy);
  }

  static fromText(encoding) {
    return new Consent(NATIVE, call('consentFromText', givenText(encoding, 'a consent')));
  }

  [inspect.custom]() {
    return `Consent(${this.bytes.length} bytes)`;
  }
}

/** An authority's word on who holds a key. */
class Identity extends Evidence {
  #info;

  constructor(token, encoding) {
    super(token, encoding, 'Identity');
    this.#info = read(call('identityInfo', encoding));
    Object.freeze(this);
  }

  static decode(encoding) {
    return new Identity(NATIVE, given(encoding, 'an identity'));
  }

  static fromText(encoding) {
    return new Identity(NATIVE, call('identityFromText', givenText(encoding, 'an identity')));
  }

  /** For display, and to know when to ask for another. */
  unverifiedClaims() {
    return identityFrom(this.#info);
  }

  [inspect.custom]() {
    return `Identity(${inspect(this.#info.name)})`;
  }
}

/** What an identity says, with its key as an object. */
function identityFrom(info) {
  return Object.freeze({ ...info, key: publicKey(info.key) });
}

/** A tape of the evidence for one presentation: objects, or their bytes. */
function evidenceTape(evidence) {
  if (!Array.isArray(evidence)) throw failure('malformed', 'evidence is a list, not', kindOf(evidence));
  const listed = Array.from(evidence.slice(0, MOST_OBJECTS), (one) => encodingOf(one) ?? bytes(one, 'malformed', 'evidence'));
  const writer = new Writer();
  writer.list(listed.length);
  for (const one of listed) {
    writer.bounded(one.length);
    writer.bytes(one);
  }
  return writer.done();
}

/** The bytes of an identity, or bytes as they were received. */
function identityBytes(value) {
  return encodingOf(value) ?? Buffer.from(bytes(value, 'malformed', 'an identity'));
}

module.exports = { Approval, Consent, Identity, approvalInfo, evidenceTape, identityBytes, identityFrom };
