'use strict';
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { read } = require('./tape.cjs');
const { bytes, kindOf, text } = require('./options.cjs');
const { NATIVE, onlyNative, publicKey } = require('./keys.cjs');
const { evidenceTape } = require('./evidence.cjs');
const { toolsFrom, toolsTape } = require('./tools.cjs');

/** The longest text of a chain, and one character more: what is longer is refused by its length alone. */
const MOST_CHAIN_TEXT = Math.ceil(65536 / 3) * 4 + 1;
/** One byte or character more than any presentation has: what is longer is refused by its length alone. */
const MOST_PRESENTATION = 131072 + 1;
const MOST_PRESENTATION_TEXT = Math.ceil(131072 / 3) * 4 + 1;

/** Claims as the native part gives them, with keys and tools as objects. */
function claimsFrom(claims) {
  const approvals = Object.create(null);
  for (const [tool, count, approvers] of claims.approvals ?? []) {
    const one = Object.freeze({ count, approvers: Object.freeze(approvers.map(publicKey)) });
    approvals[tool] = Object.freeze([...(approvals[tool] ?? []), one]);
  }
  const read = { ...claims, holder: publicKey(claims.holder), tools: toolsFrom(claims.tools) };
  if (claims.approvals !== undefined) read.approvals = Object.freeze(approvals);
  return Object.freeze(read);
}

let chainBytes;

/** A chain of tokens, root first. Its shape is right; nobody has checked its signatures. */
class Chain {
  #bytes;
  static {
    chainBytes = (value) => (typeof value === 'object' && value !== null && #bytes in value ? value.#bytes : undefined);
  }

  constructor(token, checked) {
    onlyNative(token, 'Chain');
    this.#bytes = Buffer.from(checked);
    Object.freeze(this);
  }

  static decode(encoding) {
    const copy = Buffer.from(bytes(encoding, 'malformed', 'a chain'));
    call('chainCheck', copy);
    return new Chain(NATIVE, copy);
  }

  static fromText(encoding) {
    return new Chain(NATIVE, call('chainFromText', text(encoding, 'text-malformed', 'a chain').slice(0, MOST_CHAIN_TEXT)));
  }

  get bytes() {
    return new Uint8Array(this.#bytes);
  }

  get text() {
    return call('toText', this.#bytes);
  }

  get tokens() {
    return call('chainTokens', this.#bytes).map((token) => new Uint8Array(token));
  }

  unverifiedClaims() {
    return read(call('chainClaims', this.#bytes)).map(claimsFrom);
  }

  /** Of the tools that are asked for, what the leaf may give: for `delegate`. The leaf is read and not verified. */
  narrow(tools) {
    return toolsFrom(read(call('chainNarrow', this.#bytes, toolsTape(tools))));
  }

  toString() {
    return this.text;
  }

  toJSON() {
    return this.text;
  }

  [inspect.custom]() {
    return `Chain(${this.#bytes.length} bytes)`;
  }
}

function requiredChain(chain) {
  const encoding = chainBytes(chain);
  if (encoding === undefined) throw failure('malformed', 'not a Chain:', kindOf(chain));
  return encoding;
}

let presentationBytes;

/** A chain and the proof of one call: what travels with it. */
class Presentation {
  #handle;
  #bytes;
  static {
    presentationBytes = (value) => (typeof value === 'object' && value !== null && #handle in value ? value.#encoding : undefined);
  }

  constructor(token, handle) {
    onlyNative(token, 'Presentation');
    this.#handle = handle;
    Object.freeze(this);
  }

  /** Reads size and shape. A verifier takes the bytes or the text, and needs none of this. */
  static decode(encoding) {
    return new Presentation(NATIVE, call('presentationDecode', Buffer.from(bytes(encoding, 'malformed', 'a presentation'))));
  }

  static fromText(encoding) {
    return new Presentation(NATIVE, call('presentationFromText', text(encoding, 'text-malformed', 'a presentation').slice(0, MOST_PRESENTATION_TEXT)));
  }

  get #encoding() {
    return (this.#bytes ??= call('presentationBytes', this.#handle));
  }

  get bytes() {
    return new Uint8Array(this.#encoding);
  }

  get text() {
    return call('presentationText', this.#handle);
  }

  /** The chain, which nobody has checked. */
  unverifiedChain() {
    return new Chain(NATIVE, call('presentationChain', this.#handle));
  }

  /** The same presentation with more evidence: approvals, consents, identities, or their bytes. */
  attach(...evidence) {
    return new Presentation(NATIVE, call('presentationAttach', this.#handle, evidenceTape(evidence)));
  }

  toString() {
    return this.text;
  }

  toJSON() {
    return this.text;
  }

  [inspect.custom]() {
    return `Presentation(${this.#encoding.length} bytes)`;
  }
}

module.exports = { Chain, MOST_PRESENTATION, MOST_PRESENTATION_TEXT, Presentation, claimsFrom, presentationBytes, requiredChain };
