'use strict';
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer } = require('./tape.cjs');
const { count, kindOf, options, seconds, text } = require('./options.cjs');
const { publicBytes, VerifyingKey } = require('./keys.cjs');
const { advice } = require('./constraint.cjs');
const { agentKey } = require('./holder.cjs');
const { writeTools } = require('./tools.cjs');

let anchorTape;

/** Someone whose roots a verifier accepts, within bounds if there are any. */
class TrustAnchor {
  #name;
  #key;
  #mayImpersonate;
  #tape;
  static {
    anchorTape = (value) => (typeof value === 'object' && value !== null && #tape in value ? value.#tape : undefined);
  }

  constructor(name, key, given) {
    this.#name = text(name, 'name-invalid', 'a trust anchor');
    const bytes = publicBytes(key) ?? publicBytes(agentKey(key));
    if (bytes === undefined) throw failure('key-invalid', 'not a VerifyingKey:', kindOf(key));
    this.#key = bytes;
    const read = options(given, ['mayImpersonate', 'tools', 'maxLifetime', 'maxDepth'], 'TrustAnchor');
    this.#mayImpersonate = read.get('mayImpersonate') ?? false;
    if (typeof this.#mayImpersonate !== 'boolean') throw failure('config-invalid', 'true or false:', 'mayImpersonate');
    this.#tape = Buffer.from(this.#written(read));
    call('anchorBoundsCheck', this.#tape);
    Object.freeze(this);
  }

  #written(read) {
    const bounds = {
      tools: writeTools,
      maxLifetime: (writer, value) => writer.integer(seconds(value, 'maxLifetime')),
      maxDepth: (writer, value) => writer.integer(count(value, 'config-invalid', 'maxDepth')),
    };
    const given = Object.keys(bounds).filter((bound) => read.has(bound));
    const writer = new Writer(advice);
    writer.map(3 + given.length);
    writer.key('name');
    writer.text(this.#name);
    writer.key('key');
    writer.bytes(this.#key);
    writer.key('mayImpersonate');
    writer.boolean(this.#mayImpersonate);
    for (const bound of given) {
      writer.key(bound);
      bounds[bound](writer, read.get(bound));
    }
    return writer.done();
  }

  get name() {
    return this.#name;
  }

  get key() {
    return VerifyingKey.fromBytes(this.#key);
  }

  get mayImpersonate() {
    return this.#mayImpersonate;
  }

  [inspect.custom]() {
    return `TrustAnchor(${inspect(this.#name)}, ${this.key})`;
  }
}

/** What one element of `trust` stands for: an agent is an anchor that may not impersonate. */
function anchorOf(value) {
  if (anchorTape(value) !== undefined) return value;
  if (agentKey(value) !== undefined) return new TrustAnchor(value.name, value.key);
  throw failure('config-invalid', 'neither a TrustAnchor nor an Agent:', kindOf(value));
}

let storeOf;

/** The store of one process. It remembers from when it was made; for a verifier with a clock of its own, from when that one takes it. */
class MemoryStore {
  #capacity;
  #madeMs = Date.now();
  #handle;
  static {
    storeOf = (value, nowMs) => {
      if (typeof value !== 'object' || value === null || !(#handle in value)) return undefined;
      return (value.#handle ??= call('storeNew', value.#capacity, nowMs ?? value.#madeMs));
    };
  }

  constructor(capacity = 100000) {
    if (new.target !== MemoryStore) throw failure('config-invalid', 'give the verifier an object with commit() instead of a class of', 'MemoryStore');
    if (!Number.isSafeInteger(capacity) || capacity < 1 || capacity > 0xffffffff) throw failure('config-invalid', 'the capacity of a store:', String(capacity));
    this.#capacity = capacity;
    Object.freeze(this);
  }
}

module.exports = { TrustAnchor, MemoryStore, anchorOf, anchorTape, storeOf };
