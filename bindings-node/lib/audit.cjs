'use strict';
const { closeSync, openSync, writeSync } = require('node:fs');
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { read } = require('./tape.cjs');
const { options, text } = require('./options.cjs');
const { onlyNative } = require('./keys.cjs');

/** One decision, allowed or denied. */
class AuditRecord {
  #handle;
  #info;

  constructor(token, handle) {
    onlyNative(token, 'AuditRecord');
    this.#handle = handle;
    Object.freeze(this);
  }

  get #read() {
    return (this.#info ??= read(call('recordInfo', this.#handle)));
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

/** Appends one JSON line a decision to a file that only its owner can read. */
class AuditLog {
  #file;
  #arguments;
  #torn = false;

  constructor(path, given) {
    const name = text(path, 'config-invalid', 'the path of an audit log');
    const withArguments = options(given, ['arguments'], 'AuditLog').get('arguments') ?? false;
    if (typeof withArguments !== 'boolean') throw failure('config-invalid', 'true or false:', 'arguments');
    this.#arguments = withArguments;
    try {
      this.#file = openSync(name, 'a', 0o600);
    } catch {
      throw failure('config-invalid', 'the audit log cannot be opened:', name);
    }
  }

  /** Hands the line to the system in one write; throws if it did not take all of it. */
  append(record) {
    if (this.#file === undefined) throw failure('audit-unavailable', 'the audit log', 'closed');
    const line = Buffer.from(`${this.#torn ? '\n' : ''}${record.json({ arguments: this.#arguments })}\n`);
    let written = 0;
    try {
      written = writeSync(this.#file, line, 0, line.length, null);
    } catch {
      throw failure('audit-unavailable', 'the audit log', 'not written');
    }
    this.#torn = written !== line.length;
    if (this.#torn) throw failure('audit-unavailable', 'the audit log', 'written in part');
  }

  close() {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.close();
  }

  [inspect.custom]() {
    return `AuditLog(${this.#file === undefined ? 'closed' : 'open'})`;
  }
}

module.exports = { AuditLog, AuditRecord };
