'use strict';
// The audit log: its file, how it is checked, and how it is read.
const { basename } = require('node:path');
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, read } = require('./tape.cjs');
const { bytes, count, kindOf, options, orElse, text } = require('./options.cjs');
const { NATIVE, onlyNative } = require('./keys.cjs');
const { clockOf, millisOf } = require('./clock.cjs');
const { keyOf, requiredAgent } = require('./holder.cjs');
const { AuditEvent, recordHandle } = require('./audit.cjs');
const { settled } = require('./promises.cjs');
const { signalOf, watchOf } = require('./signal-watch.cjs');

const taped = (value) => {
  const writer = new Writer();
  writer.value(value);
  return Buffer.from(writer.done());
};
const pathOf = (path) => text(path, 'config-invalid', 'the path of a log');
const noteOf = (note) => text(note, 'checkpoint-invalid', 'a note');
const listOf = (value, what) => {
  if (!Array.isArray(value)) throw failure('config-invalid', `a list of ${what}, not`, kindOf(value));
  return Array.from(value);
};
const nowOf = (given, where) => millisOf(clockOf(options(given, ['clock'], where).get('clock')));

function hashOf(hash, code) {
  const data = typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) ? Buffer.from(hash, 'hex') : bytes(hash, code, 'a hash');
  if (data.length !== 32) throw failure(code, 'a hash has 32 bytes:', 'root');
  return data;
}

let checkpointParts;

/** How many entries a log had, and the root of its tree. */
class Checkpoint {
  #parts;
  static {
    checkpointParts = (value) => {
      if (typeof value !== 'object' || value === null || !(#parts in value)) throw failure('config-invalid', 'not a Checkpoint:', kindOf(value));
      return value.#parts;
    };
  }

  constructor(origin, size, root) {
    const parts = { origin: text(origin, 'checkpoint-invalid', 'origin'), size: count(size, 'checkpoint-invalid', 'size'), root: hashOf(root, 'checkpoint-invalid') };
    call('checkpointCheck', taped(parts));
    this.#parts = parts;
    Object.freeze(this);
  }

  /** A checkpoint whose signatures nobody has checked. */
  static unverified(note) {
    return checkpointFrom(call('checkpointUnverified', noteOf(note)));
  }

  get origin() {
    return this.#parts.origin;
  }

  get size() {
    return this.#parts.size;
  }

  /** In hex. */
  get root() {
    return Buffer.from(this.#parts.root).toString('hex');
  }

  /** The note, signed by an agent with the log's key. */
  sign(agent) {
    return call('checkpointSign', requiredAgent(agent).signing, taped(this.#parts));
  }

  toJSON() {
    return { origin: this.origin, size: this.size, root: this.root };
  }

  [inspect.custom]() {
    return `Checkpoint(${inspect(this.origin)}, ${this.size}, ${inspect(this.root)})`;
  }
}

function checkpointFrom(tape) {
  const { origin, size, root } = read(tape);
  return new Checkpoint(origin, size, root);
}

const checkpointsTape = (list) => taped(listOf(list, 'Checkpoint').map(checkpointParts));

let keyText;

/** The key of a log or a witness, as notes name it. */
class NoteKey {
  #text;
  #name;
  static {
    keyText = (value) => {
      if (typeof value !== 'object' || value === null || !(#text in value)) throw failure('config-invalid', 'not a NoteKey:', kindOf(value));
      return value.#text;
    };
  }

  constructor(token, form) {
    onlyNative(token, 'NoteKey');
    this.#name = call('noteKeyName', form);
    this.#text = form;
    Object.freeze(this);
  }

  static ofLog(origin, key) {
    return new NoteKey(NATIVE, call('noteKeyText', text(origin, 'name-invalid', 'origin'), keyOf(key), false));
  }

  static ofWitness(name, key) {
    return new NoteKey(NATIVE, call('noteKeyText', text(name, 'name-invalid', 'a witness'), keyOf(key), true));
  }

  static fromText(form) {
    return new NoteKey(NATIVE, text(form, 'checkpoint-invalid', 'the text of a key'));
  }

  get name() {
    return this.#name;
  }

  toString() {
    return this.#text;
  }

  toJSON() {
    return this.#text;
  }

  [inspect.custom]() {
    return `NoteKey(${inspect(this.#text)})`;
  }
}

let policyHandle;

/** Whose signatures make a checkpoint good: the log's, and those of some witnesses. */
class CheckpointPolicy {
  #handle;
  static {
    policyHandle = (value) => {
      if (typeof value !== 'object' || value === null || !(#handle in value)) throw failure('config-invalid', 'not a CheckpointPolicy:', kindOf(value));
      return value.#handle;
    };
  }

  constructor(keys, given) {
    const known = options(given, ['witnesses', 'count'], 'CheckpointPolicy');
    const witnesses = listOf(orElse(known, 'witnesses', []), 'NoteKey').map(keyText);
    const asked = known.has('witnesses') ? count(orElse(known, 'count', witnesses.length), 'config-invalid', 'count') : undefined;
    this.#handle = call('policyNew', listOf(keys, 'NoteKey').map(keyText), witnesses, asked);
    Object.freeze(this);
  }

  /** The checkpoint, if its signatures are those that are asked for. */
  verify(note, given) {
    return checkpointFrom(call('policyVerify', this.#handle, noteOf(note), nowOf(given, 'verify')));
  }

  [inspect.custom]() {
    return 'CheckpointPolicy';
  }
}

/** Saw a log grow, and says so of no other history. Keep `seen` before the cosignature is given away. */
class Witness {
  #handle;

  constructor(agent, policy, given) {
    const { name, signing } = requiredAgent(agent);
    const known = options(given, ['seen', 'clock'], 'Witness');
    const seen = known.has('seen') ? noteOf(known.get('seen')) : undefined;
    this.#handle = call('witnessNew', signing, name, policyHandle(policy), seen, millisOf(clockOf(known.get('clock'))));
    Object.freeze(this);
  }

  /** The newest checkpoint that it saw, as a note. */
  get seen() {
    return call('witnessSeen', this.#handle) ?? null;
  }

  /** Sees a checkpoint; the line that cosigns it. */
  cosign(note, given) {
    const known = options(given, ['proof', 'clock'], 'cosign');
    const proof = listOf(orElse(known, 'proof', []), 'hashes').map((hash) => hashOf(hash, 'checkpoint-inconsistent'));
    return call('witnessCosign', this.#handle, noteOf(note), proof.map((hash) => Buffer.from(hash)), millisOf(clockOf(known.get('clock'))));
  }

  [inspect.custom]() {
    return 'Witness';
  }
}

const OPTIONS = ['origin', 'key', 'checkpointEvery', 'expect', 'arguments', 'salt', 'sync', 'rotateAt', 'unprovenPerMinute', 'clock', 'signals', 'onSignal'];

/** An audit log in a file. */
class AuditLog {
  #handle;
  #clock;
  #path;
  #origin;
  #onSignal;
  #isTelling = false;

  constructor(path, given) {
    const known = options(given, OPTIONS, 'AuditLog');
    this.#path = pathOf(path);
    this.#clock = clockOf(known.get('clock'));
    this.#origin = text(orElse(known, 'origin', basename(this.#path)), 'name-invalid', 'origin');
    const form = { origin: this.#origin, expect: listOf(orElse(known, 'expect', []), 'Checkpoint').map(checkpointParts) };
    const shown = orElse(known, 'arguments', false);
    if (Array.isArray(shown)) form.disclosed = Array.from(shown, (name) => text(name, 'config-invalid', 'the name of an argument'));
    form.arguments = form.disclosed === undefined ? shown : false;
    form.sync = orElse(known, 'sync', false);
    for (const name of ['arguments', 'sync']) if (typeof form[name] !== 'boolean') throw failure('config-invalid', 'true or false:', name);
    if (known.has('salt')) form.salt = bytes(known.get('salt'), 'config-invalid', 'a salt');
    for (const name of ['rotateAt', 'unprovenPerMinute', 'checkpointEvery']) if (known.has(name)) form[name] = count(known.get(name), 'config-invalid', name);
    const signer = known.has('key') ? requiredAgent(known.get('key')).signing : undefined;
    if (signer === undefined && known.has('checkpointEvery')) throw failure('config-invalid', 'needs a key:', 'checkpointEvery');
    const watch = known.has('signals') ? watchOf(known.get('signals')) : undefined;
    this.#onSignal = known.get('onSignal');
    if (this.#onSignal !== undefined && (watch === undefined || typeof this.#onSignal !== 'function')) {
      throw failure('config-invalid', 'a function, and needs signals:', 'onSignal');
    }
    this.#handle = call('logOpen', this.#path, signer, watch, taped(form), millisOf(this.#clock));
    Object.freeze(this);
  }

  get path() {
    return this.#path;
  }

  get origin() {
    return this.#origin;
  }

  /** How many entries there are, as this process knows. */
  get size() {
    return call('logSize', this.#handle);
  }

  /** Records a decision or an event: its sequence; null for a denial that was only counted. */
  append(record) {
    const { decision, event } = recordHandle(record);
    if (event !== undefined) return this.#telling('logEvent', event);
    return this.#telling('logRecord', decision) ?? null;
  }

  /** Puts records, which are canonical JSON, at the end with one write: the sequence of the first. */
  appendJson(records) {
    const list = Array.isArray(records) ? Array.from(records) : [undefined];
    return this.#telling('logAppend', list.map((record) => text(record, 'log-malformed', 'a record')), millisOf(this.#clock));
  }

  /** A signed checkpoint of the log as it is. It is beside the log too. */
  checkpoint() {
    return call('logCheckpoint', this.#handle, millisOf(this.#clock));
  }

  /** The latest checkpoint that was signed. */
  get latestCheckpoint() {
    return call('logLatestCheckpoint', this.#handle) ?? null;
  }

  /** Writes what is left, signs a checkpoint if there is a key for it, and ends. */
  close() {
    this.#telling('logClose', millisOf(this.#clock));
  }

  #telling(name, ...parameters) {
    try {
      return call(name, this.#handle, ...parameters);
    } finally {
      if (this.#onSignal !== undefined && !this.#isTelling) this.#tell();
    }
  }

  /** Tells what was out of the ordinary, one after another: what comes of it is told after it. What the function throws or answers changes nothing. */
  #tell() {
    this.#isTelling = true;
    for (let signal; (signal = call('logSignal', this.#handle) ?? undefined) !== undefined; ) {
      try {
        settled(this.#onSignal.call(undefined, signalOf(signal)));
      } catch {
        // The function's own matter.
      }
    }
    this.#isTelling = false;
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.close();
  }

  [inspect.custom]() {
    return `AuditLog(${inspect(this.#path)})`;
  }
}

/** What takes records: a function, or an AuditLog. */
function sinkOf(audit) {
  if (audit === undefined || typeof audit === 'function') return audit;
  if (audit instanceof AuditLog) return (record) => void audit.append(record);
  throw failure('config-invalid', 'audit is an AuditLog or a function, not', kindOf(audit));
}

/** What a whole log is like. */
class LogReport {
  constructor(token, { size, root, anchored, stepsBack, firstStepBack }) {
    onlyNative(token, 'LogReport');
    this.size = size;
    this.root = root;
    this.anchored = anchored ?? null;
    this.stepsBack = stepsBack;
    this.firstStepBack = firstStepBack ?? null;
    Object.freeze(this);
  }
}

/** Checks a log that comes in pieces. */
class LogCheck {
  #handle;

  constructor(checkpoints = []) {
    this.#handle = call('checkNew', checkpointsTape(checkpoints));
    Object.freeze(this);
  }

  /** The next piece: the records that it completes, as pairs of their sequence and canonical JSON. */
  push(piece) {
    const data = typeof piece === 'string' ? Buffer.from(text(piece, 'log-malformed', 'a piece of a log')) : bytes(piece, 'log-malformed', 'a piece of a log');
    const found = read(call('checkPush', this.#handle, Buffer.from(data), true));
    return Array.from({ length: found.length / 2 }, (_, at) => [found[2 * at], found[2 * at + 1]]);
  }

  finish() {
    return new LogReport(NATIVE, read(call('checkFinish', this.#handle)));
  }

  [inspect.custom]() {
    return 'LogCheck';
  }
}

/** The files of a log, in order. */
function logFiles(path) {
  return call('logFiles', pathOf(path));
}

/** The bytes of a log as it is, whatever is appended meanwhile. */
function* pieces(path, progress) {
  const reader = call('piecesOpen', pathOf(path));
  try {
    for (let piece; (piece = call('piecesNext', reader) ?? undefined) !== undefined; ) {
      yield piece;
      progress?.(...call('piecesProgress', reader));
    }
  } finally {
    call('piecesClose', reader);
  }
}

/** The records of a log with their sequences, each checked against what is before it; its end by the checkpoints. */
function* readLog(path, checkpoints = []) {
  const check = new LogCheck(checkpoints);
  for (const piece of pieces(path)) for (const [sequence, record] of check.push(piece)) yield [sequence, JSON.parse(record)];
  check.finish();
}

/** Checks a whole log, with all of its files; `progress` is called with the bytes that are done and those in all. */
function checkLog(path, checkpoints = [], given) {
  const progress = options(given, ['progress'], 'checkLog').get('progress');
  if (progress !== undefined && typeof progress !== 'function') throw failure('config-invalid', 'progress is a function, not', kindOf(progress));
  const check = call('checkNew', checkpointsTape(checkpoints));
  for (const piece of pieces(path, progress)) call('checkPush', check, piece, false);
  return new LogReport(NATIVE, read(call('checkFinish', check)));
}

/** The calls that were allowed and have no outcome: their tools may have run. */
function openCalls(path) {
  const waiting = new Map();
  for (const [sequence, record] of readLog(path)) {
    if (record.kind === 'decision' && record.decision === 'allow') {
      const holders = Array.isArray(record.chain) ? record.chain : [];
      waiting.set(named(holders.at(-1)?.key, record.proof) ?? sequence, [sequence, record]);
    } else if (record.kind === 'outcome') {
      waiting.delete(named(record.caller, record.proof));
    }
  }
  return [...waiting.values()];
}

/** What names an allowed call: its last holder and its proof. A log holds whatever was put into it. */
function named(key, proof) {
  return typeof key === 'string' && typeof proof === 'string' ? `${key} ${proof}` : undefined;
}

/** The receipt of an entry: that it is in the log, by a checkpoint of it. */
function makeReceipt(path, sequence, note) {
  return call('logReceipt', pathOf(path), count(sequence, 'config-invalid', 'the number of an entry'), noteOf(note));
}

/** The hashes that show that the log at a checkpoint continues the log of an older size. */
function proveConsistency(path, size, checkpoint) {
  const hashes = call('logConsistency', pathOf(path), count(size, 'config-invalid', 'size'), taped(checkpointParts(checkpoint)));
  return hashes.map((hash) => new Uint8Array(hash));
}

/** That the entry of this line is in the log, by its receipt: the checkpoint that says so. */
function verifyReceipt(receipt, line, policy, given) {
  const shown = [text(receipt, 'receipt-invalid', 'a receipt'), text(line, 'log-malformed', 'a line')];
  return checkpointFrom(call('receiptVerify', ...shown, policyHandle(policy), nowOf(given, 'verifyReceipt')));
}

/** A record of a log, as a sentence. */
function recordSentence(record) {
  return call('recordSentence', text(record, 'malformed', 'a record'));
}

module.exports = {
  AuditEvent, AuditLog, Checkpoint, CheckpointPolicy, LogCheck, LogReport, NoteKey, Witness, checkLog, logFiles, makeReceipt, openCalls,
  proveConsistency, readLog, recordSentence, sinkOf, verifyReceipt,
};
