'use strict';
// How agents with new keys come to identities.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { read } = require('./tape.cjs');
const { bytes, kindOf, options, orElse, seconds, text } = require('./options.cjs');
const { NATIVE, onlyNative, publicBytes } = require('./keys.cjs');
const { tell } = require('./audit.cjs');
const { attestorTape } = require('./attestor.cjs');
const { Identity } = require('./evidence.cjs');
const { requiredAgent } = require('./holder.cjs');
const { identityTape } = require('./identity-grant.cjs');
const { settled } = require('./promises.cjs');
const { storeOf } = require('./trust.cjs');
const { UNAVAILABLE, answerOf, commitOf } = require('./verifier.cjs');

let admittedHandle;

/** An agent whose evidence was accepted, and whose challenge was used up: `Registrar.issue` makes its identity. */
class Admitted {
  #handle;
  static {
    admittedHandle = (value) => (typeof value === 'object' && value !== null && #handle in value ? value.#handle : undefined);
  }

  constructor(token, handle) {
    onlyNative(token, 'Admitted');
    this.#handle = handle;
    Object.freeze(this);
  }

  [inspect.custom]() {
    return 'Admitted';
  }
}

const ADDED = ['kind', 'state', 'environment', 'attributes', 'ttl'];

/** Name, key, attestor and evidence are not for the authority to choose here. */
function addedTape(given) {
  return identityTape(Object.fromEntries(options(given, ADDED, 'an identity')), 'an identity');
}

/** Lets agents enrol with one authority. */
class Registrar {
  #agent;
  #handle;

  constructor(agent, attestors) {
    const { name, signing } = requiredAgent(agent);
    this.#agent = agent;
    if (!Array.isArray(attestors)) throw failure('config-invalid', 'attestors are a list, not', kindOf(attestors));
    const tapes = Array.from(attestors, (attestor) => {
      const tape = attestorTape(attestor);
      if (tape === undefined) throw failure('config-invalid', 'not an attestor:', kindOf(attestor));
      return tape;
    });
    this.#handle = call('registrarNew', signing, name, tapes);
    Object.freeze(this);
  }

  /** A challenge that one request can answer. */
  challenge(given) {
    const ttl = orElse(options(given, ['ttl'], 'challenge'), 'ttl', 60);
    return new Uint8Array(call('registrarChallenge', this.#handle, requiredAgent(this.#agent).signing, seconds(ttl), undefined));
  }

  /** Judges a request. The challenge is claimed in the store, so that nothing else answers it. */
  admit(request, store) {
    const asked = this.#asked(request, store);
    if (asked.handle !== undefined) return new Admitted(NATIVE, asked.handle);
    let answer;
    try {
      answer = answerOf(settled(asked.commit(...asked.question)));
    } catch {
      answer = UNAVAILABLE;
    }
    return this.#answered(asked, answer);
  }

  /** The same, for a store that answers with a promise. */
  async admitAsync(request, store) {
    const asked = this.#asked(request, store);
    if (asked.handle !== undefined) return new Admitted(NATIVE, asked.handle);
    let answer;
    try {
      answer = answerOf(await asked.commit(...asked.question));
    } catch {
      answer = UNAVAILABLE;
    }
    return this.#answered(asked, answer);
  }

  /** The identity of an agent that was admitted, with what the authority says of it. */
  issue(admitted, given) {
    return this.#issued(admitted, addedTape(given));
  }

  /** Admits an agent and issues its identity. */
  enrol(request, store, given) {
    const tape = addedTape(given);
    return this.#issued(this.admit(request, store), tape);
  }

  async enrolAsync(request, store, given) {
    const tape = Buffer.from(addedTape(given));
    return this.#issued(await this.admitAsync(request, store), tape);
  }

  #issued(admitted, tape) {
    const handle = admittedHandle(admitted);
    if (handle === undefined) throw failure('config-invalid', 'not what admit gave:', kindOf(admitted));
    const { name, signing, key, audit } = requiredAgent(this.#agent);
    const identity = new Identity(NATIVE, call('admissionIssue', handle, signing, name, tape));
    tell(audit, 'eventSigned', 'identity', Buffer.from(identity.bytes), publicBytes(key));
    return identity;
  }

  /** The admission by a store in memory, or what another one is asked. */
  #asked(request, store) {
    const copy = Buffer.from(bytes(request, 'malformed', 'a request'));
    const memory = storeOf(store);
    if (memory !== undefined) return { handle: call('registrarAdmit', this.#handle, copy, memory, undefined) };
    const commit = commitOf(store);
    return { copy, commit, question: read(call('registrarQuestion', this.#handle, copy, undefined)) };
  }

  #answered({ copy, question }, answer) {
    return new Admitted(NATIVE, call('registrarAnswered', this.#handle, copy, question[1], ...answer));
  }

  [inspect.custom]() {
    return `Registrar(${inspect(this.#agent)})`;
  }
}

/** The digest of files below a root: what a CodeAttestor has on its list. */
function measure(root, paths) {
  if (!Array.isArray(paths)) throw failure('file-unavailable', 'paths are a list, not', kindOf(paths));
  const named = Array.from(paths, (path) => text(path, 'file-unavailable', 'a path'));
  return new Uint8Array(call('measure', text(root, 'file-unavailable', 'the root'), named));
}

module.exports = { Admitted, Registrar, measure };
