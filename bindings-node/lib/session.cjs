'use strict';
const { inspect } = require('node:util');
const { call } = require('./native.cjs');
const { bytes, options, text } = require('./options.cjs');
const { NATIVE, onlyNative } = require('./keys.cjs');

let sessionParts;

/** What belongs together because it serves one task. It says nothing by itself; tokens carry its id. */
class Session {
  #id;
  #task;
  static {
    sessionParts = (value) => (typeof value === 'object' && value !== null && #id in value ? { id: value.#id, task: value.#task } : undefined);
  }

  constructor(token, id, task) {
    onlyNative(token, 'Session');
    this.#id = Buffer.from(id);
    this.#task = task === undefined ? undefined : Buffer.from(task);
    Object.freeze(this);
  }

  /** A new session, with a random id. The task is a text or bytes; tokens carry its digest. */
  static open(given) {
    const task = options(given, ['task'], 'Session.open').get('task');
    const described = typeof task === 'string' ? Buffer.from(text(task, 'claim-invalid', 'task')) : task;
    const [id, digest] = call('sessionOpen', described === undefined ? undefined : Buffer.from(bytes(described, 'claim-invalid', 'task')));
    return new Session(NATIVE, id, digest);
  }

  get id() {
    return new Uint8Array(this.#id);
  }

  get task() {
    return this.#task === undefined ? null : new Uint8Array(this.#task);
  }

  /** The id as claims and records show it. */
  toString() {
    return this.#id.toString('hex');
  }

  toJSON() {
    return this.toString();
  }

  [inspect.custom]() {
    return `Session(${this})`;
  }
}

/** The context of what is made of data of these: texts, or `null` for data of no context. */
function joinContexts(...contexts) {
  return call('joinContexts', contexts.map((one) => (one === null ? undefined : text(one, 'context-mismatch', 'a context')))) ?? null;
}

module.exports = { Session, joinContexts, sessionParts };
