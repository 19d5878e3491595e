'use strict';
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { kindOf, options, text } = require('./options.cjs');
const { publicBytes, VerifyingKey } = require('./keys.cjs');
const { agentKey } = require('./agent.cjs');

/** Someone whose roots a verifier accepts. */
class TrustAnchor {
  #name;
  #key;
  #mayImpersonate;

  constructor(name, key, given) {
    this.#name = text(name, 'name-invalid', 'a trust anchor');
    const bytes = publicBytes(key) ?? publicBytes(agentKey(key));
    if (bytes === undefined) throw failure('key-invalid', 'not a VerifyingKey:', kindOf(key));
    this.#key = bytes;
    this.#mayImpersonate = options(given, ['mayImpersonate'], 'TrustAnchor').get('mayImpersonate') ?? false;
    if (typeof this.#mayImpersonate !== 'boolean') throw failure('config-invalid', 'true or false:', 'mayImpersonate');
    call('anchorCheck', this.#name, bytes);
    Object.freeze(this);
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
  if (value instanceof TrustAnchor) return value;
  if (agentKey(value) !== undefined) return new TrustAnchor(value.name, value.key);
  throw failure('config-invalid', 'neither a TrustAnchor nor an Agent:', kindOf(value));
}

let storeOf;

/** The store of one process. It begins to remember when the first verifier takes it, by that verifier's clock. */
class MemoryStore {
  #capacity;
  #handle;
  static {
    storeOf = (value, nowMs) => {
      if (typeof value !== 'object' || value === null || !(#handle in value)) return undefined;
      return (value.#handle ??= call('storeNew', value.#capacity, nowMs));
    };
  }

  constructor(capacity = 100000) {
    if (new.target !== MemoryStore) throw failure('config-invalid', 'give the verifier an object with commit() instead of a class of', 'MemoryStore');
    if (!Number.isSafeInteger(capacity) || capacity < 1 || capacity > 0xffffffff) throw failure('config-invalid', 'the capacity of a store:', String(capacity));
    this.#capacity = capacity;
    Object.freeze(this);
  }
}

module.exports = { TrustAnchor, MemoryStore, anchorOf, storeOf };
