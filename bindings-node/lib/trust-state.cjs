'use strict';
// What a verifier knows of revocations and rotations. It moves only forward.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, read } = require('./tape.cjs');
const { bytes, count, kindOf, options, orElse, text } = require('./options.cjs');
const { NATIVE, onlyNative, publicKey } = require('./keys.cjs');
const { clockOf, millisOf } = require('./clock.cjs');
const { agentOf, keyOf } = require('./holder.cjs');
const { approvalId } = require('./ids.cjs');
const { settled } = require('./promises.cjs');

let authorityTape;

/** Who says what is revoked. */
class Authority {
  #name;
  #tape;
  static {
    authorityTape = (value) => (typeof value === 'object' && value !== null && #tape in value ? value.#tape : undefined);
  }

  constructor(name, key, given) {
    const known = options(given, ['forEveryIssuer', 'atLeast', 'dangerAllowStale'], 'Authority');
    const flag = (option) => {
      const value = orElse(known, option, false);
      if (typeof value !== 'boolean') throw failure('config-invalid', 'true or false:', option);
      return value;
    };
    this.#name = text(name, 'name-invalid', 'an authority');
    const form = { name: this.#name, key: keyOf(key), everyIssuer: flag('forEveryIssuer'), allowStale: flag('dangerAllowStale') };
    if (known.has('atLeast')) form.atLeast = count(known.get('atLeast'), 'config-invalid', 'atLeast');
    const writer = new Writer();
    writer.value(form);
    this.#tape = Buffer.from(writer.done());
    call('authorityCheck', this.#tape);
    Object.freeze(this);
  }

  get name() {
    return this.#name;
  }

  [inspect.custom]() {
    return `Authority(${inspect(this.#name)})`;
  }
}

const OBSERVERS = { revoked: 'onRevoked', revokedMore: 'onRevokedMore', denied: 'onDenied' };

let stateHandle;
let stateMillis;
let tellNews;

/** The lists of some authorities, and the rotations that were accepted. Share it between verifiers. */
class TrustState {
  #handle;
  #clock;
  #observers;
  static {
    stateHandle = (value) => (typeof value === 'object' && value !== null && #handle in value ? value.#handle : undefined);
    stateMillis = (state) => millisOf(state.#clock);
    tellNews = (state) => state.#tell();
  }

  constructor(authorities, given) {
    const known = options(given, ['clock', ...Object.values(OBSERVERS)], 'TrustState');
    this.#clock = clockOf(known.get('clock'));
    for (const option of Object.values(OBSERVERS)) {
      const observer = known.get(option);
      if (observer !== undefined && typeof observer !== 'function') throw failure('config-invalid', `${option} is a function, not`, kindOf(observer));
      if (observer !== undefined) this.#observers = { ...this.#observers, [option]: observer };
    }
    const tapes = (Array.isArray(authorities) ? Array.from(authorities) : [authorities]).map((one) => {
      const tape = authorityTape(agentOf(one) === undefined ? one : new Authority(one.name, one.key));
      if (tape === undefined) throw failure('config-invalid', 'neither an Authority nor an Agent:', kindOf(one));
      return tape;
    });
    this.#handle = call('stateNew', tapes, this.#observers !== undefined);
    Object.freeze(this);
  }

  /** Takes a list; `accepted`, or `unchanged` if it is held already. Refused, it changes nothing. */
  applyList(list) {
    return this.#telling('stateApplyList', bytes(list, 'malformed', 'a list'), millisOf(this.#clock));
  }

  /** Takes a rotation, in the same way. */
  applyRotation(rotation) {
    return this.#telling('stateApplyRotation', bytes(rotation, 'malformed', 'a rotation'), millisOf(this.#clock));
  }

  /** A loader for a list that comes in chunks. */
  loader() {
    return new ListLoader(NATIVE, this, call('loaderNew', this.#handle, millisOf(this.#clock)), this.#clock);
  }

  /** What is held of an authority's lists; `null` without one. */
  held(authority) {
    const tape = call('stateHeld', this.#handle, text(authority, 'name-invalid', 'authority'));
    return tape === null ? null : read(tape);
  }

  /** The equivocations that were seen: two signed objects each, which cannot both be true. */
  get evidence() {
    return read(call('stateEvidence', this.#handle));
  }

  /** A key and its successors, oldest first, each with whether its time is over. */
  keysOf(key) {
    const used = read(call('stateKeysOf', this.#handle, keyOf(key), millisOf(this.#clock)));
    return used.map(([bytes, retired]) => Object.freeze({ key: publicKey(bytes), retired }));
  }

  /** Throws unless a key is good for signing about chains of this issuer. */
  judgeKey(issuer, key) {
    this.#telling('stateJudgeKey', text(issuer, 'name-invalid', 'issuer'), keyOf(key), millisOf(this.#clock));
  }

  /** Throws unless an approval of a call of this issuer's chain still stands. */
  judgeApproval(issuer, approval) {
    const id = Buffer.from(approvalId(approval));
    this.#telling('stateJudgeApproval', text(issuer, 'name-invalid', 'issuer'), id, millisOf(this.#clock));
  }

  #telling(name, ...parameters) {
    try {
      return call(name, this.#handle, ...parameters);
    } finally {
      this.#tell();
    }
  }

  /** Tells the observers what happened. It is over: what they throw or answer changes nothing of it. */
  #tell() {
    if (this.#observers === undefined) return;
    const news = call('stateNews', this.#handle);
    if (news === null) return;
    for (const { event, ...about } of read(news)) {
      try {
        settled(this.#observers[OBSERVERS[event]]?.(Object.freeze(about)));
      } catch {
        // The observer's own matter.
      }
    }
  }

  [inspect.custom]() {
    return 'TrustState';
  }
}

/** The native part of a state. */
function requiredState(value) {
  const handle = stateHandle(value);
  if (handle === undefined) throw failure('config-invalid', 'not a TrustState:', kindOf(value));
  return handle;
}

/** A list that is being loaded. Until `finish` nothing changes. */
class ListLoader {
  #state;
  #handle;
  #clock;
  #isFinished = false;

  constructor(token, state, handle, clock) {
    onlyNative(token, 'ListLoader');
    this.#state = state;
    this.#handle = handle;
    this.#clock = clock;
    Object.freeze(this);
  }

  /** Takes the next bytes. After a refusal, every further call is refused in the same way. */
  push(chunk) {
    if (this.#isFinished) throw failure('config-invalid', 'finished already:', 'this loader');
    call('loaderPush', this.#handle, bytes(chunk, 'malformed', 'a chunk of a list'));
  }

  /** The end of the list: from now on it is what the state holds. */
  finish() {
    if (this.#isFinished) throw failure('config-invalid', 'finished already:', 'this loader');
    const nowMs = millisOf(this.#clock);
    this.#isFinished = true;
    try {
      return call('loaderFinish', this.#handle, nowMs);
    } finally {
      tellNews(this.#state);
    }
  }

  [inspect.custom]() {
    return 'ListLoader';
  }
}

module.exports = { Authority, ListLoader, TrustState, requiredState, stateHandle, stateMillis, tellNews };
