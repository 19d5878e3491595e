'use strict';
// What is recorded: decisions and events. Where to, is the program's.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { read } = require('./tape.cjs');
const { kindOf, options } = require('./options.cjs');
const { NATIVE, onlyNative } = require('./keys.cjs');
const { isThenable, settled } = require('./promises.cjs');

let decisionOf;
let eventOf;

/** One decision, allowed or denied. */
class AuditRecord {
  #handle;
  #info;
  static {
    decisionOf = (value) => (typeof value === 'object' && value !== null && #handle in value ? value.#handle : undefined);
  }

  constructor(token, handle) {
    onlyNative(token, 'AuditRecord');
    this.#handle = handle;
    Object.freeze(this);
  }

  get #read() {
    return (this.#info ??= read(call('recordInfo', this.#handle)));
  }

  get kind() {
    return 'decision';
  }

  /** One line of canonical JSON; with the arguments if asked for. */
  json(given) {
    return call('recordJson', this.#handle, options(given, ['arguments'], 'json').get('arguments') === true);
  }

  get sentence() {
    return this.#read.sentence;
  }

  get allowed() {
    return this.#read.allowed;
  }

  get code() {
    return this.#read.code;
  }

  /** The id of the call's proof, in hex; null unless it was verified. */
  get proof() {
    return this.#read.proof ?? null;
  }

  get timeMs() {
    return this.#read.timeMs;
  }

  toString() {
    return this.sentence;
  }

  toJSON() {
    return JSON.parse(this.json());
  }

  [inspect.custom]() {
    return `AuditRecord(${this.sentence})`;
  }
}

/** Something else that happened: what was signed, revoked or opened, and what became of a call. */
class AuditEvent {
  #handle;
  #info;
  static {
    eventOf = (value) => (typeof value === 'object' && value !== null && #handle in value ? value.#handle : undefined);
  }

  constructor(token, handle) {
    onlyNative(token, 'AuditEvent');
    this.#handle = handle;
    Object.freeze(this);
  }

  get #read() {
    return (this.#info ??= read(call('eventInfo', this.#handle)));
  }

  get kind() {
    return this.#read.kind;
  }

  /** One line of canonical JSON. Events have no arguments of calls. */
  json(given) {
    options(given, ['arguments'], 'json');
    return call('eventJson', this.#handle);
  }

  get sentence() {
    return this.#read.sentence;
  }

  get timeMs() {
    return this.#read.timeMs;
  }

  toString() {
    return this.sentence;
  }

  toJSON() {
    return JSON.parse(this.json());
  }

  [inspect.custom]() {
    return `AuditEvent(${this.sentence})`;
  }
}

function recordHandle(record) {
  const [decision, event] = [decisionOf(record), eventOf(record)];
  if (decision === undefined && event === undefined) throw failure('config-invalid', 'neither an AuditRecord nor an AuditEvent:', kindOf(record));
  return { decision, event };
}

/** The answer of a sink. A generator is none: nothing of it has run, and nobody runs it. */
function taken(answer) {
  if (typeof answer?.next === 'function') throw failure('audit-unavailable', 'nobody runs', 'a generator');
  return answer;
}

/** Tells a sink what happened; what it does not take at once is not recorded. */
function tell(sink, name, ...parameters) {
  if (sink === undefined) return;
  const event = new AuditEvent(NATIVE, call(name, ...parameters));
  let isLater;
  try {
    isLater = isThenable(settled(taken(sink(event))));
  } catch {
    throw failure('audit-unavailable', 'not recorded:', event.kind);
  }
  if (isLater) throw failure('audit-unavailable', 'cannot wait for', 'a promise');
}

/** The same, for a sink that answers with a promise. */
async function tellAsync(sink, name, ...parameters) {
  if (sink === undefined) return;
  const event = new AuditEvent(NATIVE, call(name, ...parameters));
  try {
    taken(await sink(event));
  } catch {
    throw failure('audit-unavailable', 'not recorded:', event.kind);
  }
}

module.exports = { AuditEvent, AuditRecord, recordHandle, taken, tell, tellAsync };
