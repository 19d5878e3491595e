'use strict';
// What is out of the ordinary in an audit log, told to people. Nothing is blocked by it.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { count, kindOf, options } = require('./options.cjs');
const { recordJson } = require('./recorded.cjs');
const { Writer } = require('./tape.cjs');

const NUMBERS = ['learning', 'capacity', 'mostPerMinute'];
const BURSTS = ['denials', 'approvals'];

let watchOf;

/** Watches a log, record by record. Its memory has fixed bounds. Given to an AuditLog, a copy of it is fed by the log. */
class Signals {
  #watch;
  static {
    watchOf = (value) => {
      if (typeof value !== 'object' || value === null || !(#watch in value)) throw failure('config-invalid', 'not Signals:', kindOf(value));
      return value.#watch;
    };
  }

  constructor(given) {
    const thresholds = {};
    for (const [name, value] of options(given, [...NUMBERS, ...BURSTS], 'Signals')) {
      thresholds[name] = NUMBERS.includes(name) ? count(value, 'config-invalid', name) : burst(value, name);
    }
    const writer = new Writer();
    writer.value(thresholds);
    this.#watch = call('signalsWatch', Buffer.from(writer.done()));
    Object.freeze(this);
  }

  /** What is out of the ordinary about the next record, which is the entry of that sequence. */
  observe(record, sequence) {
    return call('signalsObserve', this.#watch, recordJson(record), count(sequence, 'config-invalid', 'sequence')).map(signalOf);
  }

  [inspect.custom]() {
    return 'Signals';
  }
}

/** A signal, from its record. */
function signalOf(record) {
  const { signal, entry, text } = JSON.parse(record);
  return Object.freeze({ kind: signal, entry, text, record });
}

function burst(value, name) {
  if (!Array.isArray(value) || value.length !== 2) throw failure('config-invalid', 'a number, and within how many seconds:', name);
  return [count(value[0], 'config-invalid', name), count(value[1], 'config-invalid', name)];
}

module.exports = { Signals, signalOf, watchOf };
