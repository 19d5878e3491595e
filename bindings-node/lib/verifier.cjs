'use strict';
const cluster = require('node:cluster');
const { inspect, types } = require('node:util');
const { call, failure, shorten } = require('./native.cjs');
const { DeputizeError } = require('./errors.cjs');
const { Writer, giveBack, read, takeWriter } = require('./tape.cjs');
const { bytes, kindOf, options, text } = require('./options.cjs');
const { NATIVE, publicBytes } = require('./keys.cjs');
const { presentationBytes, requiredChain } = require('./chain.cjs');
const { AuditLog } = require('./audit.cjs');
const { writeArguments } = require('./values.cjs');
const { Authorized, VerifiedChain, deniedFrom } = require('./outcome.cjs');
const { MemoryStore, anchorOf, storeOf } = require('./trust.cjs');

/** One byte or character more than any presentation has: what is longer is refused by its length alone. */
const MOST_BYTES = 69632 + 1;
const MOST_TEXT = Math.ceil(69632 / 3) * 4 + 1;
/** Bytes that are no presentation, for something that is neither bytes nor text. */
const NO_PRESENTATION = Buffer.from([0]);
const NOTHING = Buffer.alloc(0);
const UNAVAILABLE = Object.freeze(['unavailable', 0]);

/** A store in memory, unless this process is one of several workers: each would accept a proof once. */
function defaultStore() {
  if (cluster.isWorker) throw failure('config-invalid', 'store: one of several processes needs a store that they share, such as RedisStore of deputize/redis, or says so with', 'new MemoryStore()');
  return new MemoryStore();
}

/** Decides about calls. */
class Verifier {
  #handle;
  #commit;
  #audit;
  #clock;

  constructor(given) {
    const read = options(given, ['trust', 'audience', 'audit', 'store', 'clock'], 'Verifier');
    this.#clock = clockOf(read.get('clock'));
    this.#audit = sinkOf(read.get('audit'));
    const config = configTape(read.get('trust'), read.get('audience'));
    const store = read.has('store') ? read.get('store') : defaultStore();
    const memory = storeOf(store, this.#created());
    if (memory === undefined) {
      this.#commit = commitOf(store);
      begin(store, this.#created() ?? Date.now());
    }
    this.#handle = call('verifierNew', config, memory);
    Object.freeze(this);
  }

  /** Allows the call, or throws a Denied. */
  authorize(presentation, tool, args, given) {
    let outcome = this.#decide(presentation, tool, args, given);
    if (Object.hasOwn(outcome, 'waiting')) {
      let answer;
      try {
        answer = answerOf(settled(this.#commit(...read(outcome.question))));
      } catch {
        answer = UNAVAILABLE;
      }
      outcome = call('admit', outcome.waiting, ...answer);
    }
    if (!types.isExternal(outcome)) {
      const denied = deniedFrom(outcome);
      try {
        settled(this.#audit?.(denied.record));
      } catch {
        // The denial stands without its record.
      }
      throw denied;
    }
    const authorized = new Authorized(NATIVE, outcome);
    try {
      if (isThenable(settled(this.#audit?.(authorized.record)))) throw failure('audit-unavailable', 'authorize cannot wait for', 'a promise');
    } catch {
      throw deniedFrom(call('unrecorded', outcome));
    }
    return authorized;
  }

  /** The same, for a store or audit function that answers with a promise. */
  async authorizeAsync(presentation, tool, args, given) {
    let outcome = this.#decide(presentation, tool, args, given);
    if (Object.hasOwn(outcome, 'waiting')) {
      let answer;
      try {
        answer = answerOf(await this.#commit(...read(outcome.question)));
      } catch {
        answer = UNAVAILABLE;
      }
      outcome = call('admit', outcome.waiting, ...answer);
    }
    if (!types.isExternal(outcome)) {
      const denied = deniedFrom(outcome);
      try {
        await this.#audit?.(denied.record);
      } catch {
        // The denial stands without its record.
      }
      throw denied;
    }
    const authorized = new Authorized(NATIVE, outcome);
    try {
      await this.#audit?.(authorized.record);
    } catch {
      throw deniedFrom(call('unrecorded', outcome));
    }
    return authorized;
  }

  /** Checks a chain without a call. */
  verifyChain(chain) {
    return new VerifiedChain(NATIVE, call('verifyChain', this.#handle, requiredChain(chain), this.#now()));
  }

  /** Everything up to the question to a store of JavaScript's; the arguments are taken before anything else runs. */
  #decide(presentation, tool, args, given) {
    const writer = takeWriter();
    let nowMs;
    try {
      writeArguments(writer, args);
      const name = text(tool, 'name-invalid', 'tool').slice(0, MOST_BYTES);
      const extra = options(given, ['challenge', 'context'], 'authorize');
      const challenge = extra.has('challenge') ? bytes(extra.get('challenge'), 'config-invalid', 'challenge') : undefined;
      const context = extra.has('context') ? text(extra.get('context'), 'config-invalid', 'context') : undefined;
      writePresentation(writer, presentation);
      writer.text(name);
      if (challenge === undefined) writer.letter('N');
      else writer.bytes(challenge);
      if (context === undefined) writer.letter('N');
      else writer.text(context);
      nowMs = this.#now();
      return call('decide', this.#handle, writer.done(), nowMs, this.#commit === undefined);
    } catch (error) {
      return this.#refuse(tool, nowMs, error);
    } finally {
      giveBack(writer);
    }
  }

  #refuse(tool, nowMs, error) {
    const name = typeof tool === 'string' ? tool : `(${kindOf(tool)})`;
    const { code, context } = error instanceof DeputizeError ? error : { code: 'internal', context: null };
    const [what, about] = partsOf(context);
    return call('refuse', this.#handle, shorten(name), code, what, about, nowMs);
  }

  /** The milliseconds of the verifier's clock; none for the system's, which the native part reads. */
  #now() {
    if (this.#clock === undefined) return undefined;
    let now;
    try {
      now = settled(this.#clock());
    } catch {
      throw failure('clock-invalid', 'the clock', 'threw');
    }
    if (!Number.isSafeInteger(now) || now <= 0) throw failure('clock-invalid', 'not milliseconds since 1970:', typeof now === 'number' ? now : kindOf(now));
    return now;
  }

  /** When a store in memory begins. If the clock gives no time now, it is the system's: calls are then refused, never replayed. */
  #created() {
    try {
      return this.#now();
    } catch {
      return undefined;
    }
  }

  [inspect.custom]() {
    return 'Verifier';
  }
}

/** Core's context is ``what `name` ``; a refusal made here is handed back in its two parts. */
function partsOf(context) {
  const [, what, name] = /^([^`]*) `([\s\S]*)`$/.exec(context ?? '') ?? [];
  return what === undefined ? ['', ''] : [what, name];
}

/** A presentation for the native part: text, or bytes. */
function writePresentation(writer, presentation) {
  if (presentation === undefined || presentation === null) return writer.bytes(NOTHING);
  if (typeof presentation === 'string') return writer.text(presentation.slice(0, MOST_TEXT).toWellFormed());
  const own = presentationBytes(presentation);
  if (own !== undefined) return writer.bytes(own);
  if (!types.isUint8Array(presentation) || !writer.view(presentation, MOST_BYTES)) writer.bytes(NO_PRESENTATION);
}

/** The store's answer as a word and the operation that it is about; what is no answer is no store. */
function answerOf(answer) {
  if (answer === true) return ['committed', 0];
  if (answer === 'full') return ['full', 0];
  if (!Array.isArray(answer) || types.isProxy(answer) || answer.length !== 2) return UNAVAILABLE;
  const [word, index] = answer;
  const known = (word === 'refused' || word === 'predates') && Number.isSafeInteger(index) && index >= 0;
  return known ? [word, index] : UNAVAILABLE;
}

function isThenable(value) {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && typeof value.then === 'function';
}

/** Passes a value on. If it is a promise that nobody waits for, its failure is not left unhandled. */
function settled(value) {
  if (isThenable(value)) value.then(undefined, () => {});
  return value;
}

function configTape(trust, audience) {
  const listed = Array.isArray(trust) ? Array.from(trust) : [trust];
  if (trust === undefined) throw failure('config-invalid', 'Verifier needs', 'trust');
  const anchors = listed.map(anchorOf);
  const writer = new Writer();
  writer.map(2);
  writer.key('audience');
  writer.text(text(audience, 'config-invalid', 'audience'));
  writer.key('anchors');
  writer.list(anchors.length);
  for (const anchor of anchors) {
    writer.list(3);
    writer.text(anchor.name);
    writer.bytes(publicBytes(anchor.key));
    writer.boolean(anchor.mayImpersonate);
  }
  return writer.done();
}

function clockOf(clock) {
  if (clock === undefined || typeof clock === 'function') return clock;
  throw failure('config-invalid', 'clock is a function, not', kindOf(clock));
}

function sinkOf(audit) {
  if (audit instanceof AuditLog) return (record) => audit.append(record);
  if (audit === undefined || typeof audit === 'function') return audit;
  throw failure('config-invalid', 'audit is an AuditLog or a function, not', kindOf(audit));
}

/** Tells a store that has a method for it that a verifier has taken it. One that fails is asked again at each decision. */
function begin(store, nowMs) {
  try {
    settled(store.begin?.(nowMs));
  } catch {
    // Its answers to commits decide.
  }
}

function commitOf(store) {
  const commit = store?.commit;
  if (typeof commit !== 'function') throw failure('config-invalid', 'store is a MemoryStore or has commit(); it is', kindOf(store));
  return (operations, nowMs) => Reflect.apply(commit, store, [operations, nowMs]);
}

module.exports = { Verifier };
