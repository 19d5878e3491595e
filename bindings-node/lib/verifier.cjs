'use strict';
const cluster = require('node:cluster');
const { inspect, types } = require('node:util');
const { call, failure, shorten } = require('./native.cjs');
const { DeputizeError } = require('./errors.cjs');
const { giveBack, read, takeWriter } = require('./tape.cjs');
const { bytes, kindOf, options, orElse, text } = require('./options.cjs');
const { NATIVE } = require('./keys.cjs');
const { MOST_PRESENTATION, MOST_PRESENTATION_TEXT, presentationBytes, requiredChain } = require('./chain.cjs');
const { clockOf, millisOf } = require('./clock.cjs');
const { writeArguments } = require('./values.cjs');
const { Authorized, VerifiedChain, authorizedHandle, deniedFrom } = require('./outcome.cjs');
const { isThenable, settled } = require('./promises.cjs');
const { MemoryStore, storeOf } = require('./trust.cjs');
const { requiredState, tellNews } = require('./trust-state.cjs');
const { OPTIONS, configTape } = require('./verifier-config.cjs');
const { taken, tell, tellAsync } = require('./audit.cjs');
const { sinkOf } = require('./log.cjs');
const { targets } = require('./revocable.cjs');

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
  #allowsUnrecorded;
  #audience;
  #clock;
  #state;

  constructor(given) {
    const read = options(given, OPTIONS, 'Verifier');
    this.#clock = clockOf(read.get('clock'));
    this.#audit = sinkOf(read.get('audit'));
    this.#allowsUnrecorded = orElse(read, 'dangerAllowUnrecorded', false);
    if (typeof this.#allowsUnrecorded !== 'boolean') throw failure('config-invalid', 'true or false:', 'dangerAllowUnrecorded');
    this.#state = read.get('state');
    const state = this.#state === undefined ? undefined : requiredState(this.#state);
    const config = configTape(read);
    this.#audience = read.get('audience');
    const store = read.has('store') ? read.get('store') : defaultStore();
    const memory = storeOf(store, this.#created());
    if (memory === undefined) {
      this.#commit = commitOf(store);
      begin(store, this.#created() ?? Date.now());
    }
    this.#handle = call('verifierNew', config, memory, state);
    Object.freeze(this);
  }

  /** What proofs have to name. */
  get audience() {
    return this.#audience;
  }

  /** Allows the call, or throws a Denied. */
  authorize(presentation, tool, args, given) {
    let outcome = this.#decide(presentation, tool, args, given);
    if (Object.hasOwn(outcome, 'waiting')) {
      outcome = call('admit', outcome.waiting, ...this.#asked(read(outcome.question)));
    }
    if (!types.isExternal(outcome)) {
      const denied = deniedFrom(outcome);
      if (Object.hasOwn(outcome, 'question')) this.#asked(read(outcome.question));
      try {
        settled(this.#audit?.(denied.record));
      } catch {
        // The denial stands without its record.
      }
      throw denied;
    }
    const authorized = new Authorized(NATIVE, outcome);
    try {
      if (isThenable(settled(taken(this.#audit?.(authorized.record))))) throw failure('audit-unavailable', 'authorize cannot wait for', 'a promise');
    } catch {
      if (!this.#allowsUnrecorded) throw deniedFrom(call('unrecorded', outcome));
    }
    return authorized;
  }

  /** The same, for a store or audit function that answers with a promise. */
  async authorizeAsync(presentation, tool, args, given) {
    let outcome = this.#decide(presentation, tool, args, given);
    if (Object.hasOwn(outcome, 'waiting')) {
      outcome = call('admit', outcome.waiting, ...(await this.#askedAsync(read(outcome.question))));
    }
    if (!types.isExternal(outcome)) {
      const denied = deniedFrom(outcome);
      if (Object.hasOwn(outcome, 'question')) await this.#askedAsync(read(outcome.question));
      try {
        await this.#audit?.(denied.record);
      } catch {
        // The denial stands without its record.
      }
      throw denied;
    }
    const authorized = new Authorized(NATIVE, outcome);
    try {
      if (this.#audit !== undefined) taken(await this.#audit(authorized.record));
    } catch {
      if (!this.#allowsUnrecorded) throw deniedFrom(call('unrecorded', outcome));
    }
    return authorized;
  }

  /** Checks a chain without a call. */
  verifyChain(chain) {
    try {
      return new VerifiedChain(NATIVE, call('verifyChain', this.#handle, requiredChain(chain), this.#now()));
    } finally {
      if (this.#state !== undefined) tellNews(this.#state);
    }
  }

  /** Gives back what a call took from budgets, for a tool that failed. Once: a second time gives nothing. */
  refund(authorized) {
    const refund = this.#refund(authorized);
    if (refund !== undefined) call('settle', ...this.#asked(refund), true);
  }

  async refundAsync(authorized) {
    const refund = this.#refund(authorized);
    if (refund !== undefined) call('settle', ...(await this.#askedAsync(refund)), true);
  }

  /** Records what became of a call that was allowed: without an error it succeeded. An error is a word or two, and never what the tool answered. */
  outcome(authorized, given) {
    tell(this.#audit, 'eventOutcome', ...this.#ended(authorized, given));
  }

  async outcomeAsync(authorized, given) {
    await tellAsync(this.#audit, 'eventOutcome', ...this.#ended(authorized, given));
  }

  #ended(authorized, given) {
    const handle = authorizedHandle(authorized);
    if (handle === undefined) throw failure('config-invalid', 'not an Authorized:', kindOf(authorized));
    const error = options(given, ['error'], 'outcome').get('error');
    return [handle, error === undefined ? undefined : text(error, 'config-invalid', 'error'), this.#now()];
  }

  /** Revokes a token and everything below it, at once, for every verifier that shares the store. */
  revokeToken(id) {
    this.#revoke(targets.token(id));
  }

  async revokeTokenAsync(id) {
    await this.#revokeAsync(targets.token(id));
  }

  /** Revokes a key: every chain in which it issued or holds a token, and every approval and identity by it. */
  revokeKey(key) {
    this.#revoke(targets.key(key));
  }

  async revokeKeyAsync(key) {
    await this.#revokeAsync(targets.key(key));
  }

  /** Closes a session of an issuer: nothing in it is allowed any more. */
  closeSession(issuer, session) {
    this.#revoke(targets.session(issuer, session));
  }

  async closeSessionAsync(issuer, session) {
    await this.#revokeAsync(targets.session(issuer, session));
  }

  /** Closes a task of an issuer: nothing for it is allowed any more. */
  closeTask(issuer, task) {
    this.#revoke(targets.task(issuer, task));
  }

  async closeTaskAsync(issuer, task) {
    await this.#revokeAsync(targets.task(issuer, task));
  }

  /** Takes back one approval of an approver. */
  withdrawApproval(approver, id) {
    this.#revoke(targets.approval(approver, id));
  }

  async withdrawApprovalAsync(approver, id) {
    await this.#revokeAsync(targets.approval(approver, id));
  }

  #revoke(target) {
    const mark = this.#mark(target);
    if (mark !== undefined) call('settle', ...this.#asked(mark), false);
    tell(this.#audit, 'eventRevoked', target, this.#now());
  }

  async #revokeAsync(target) {
    const mark = this.#mark(target);
    if (mark !== undefined) call('settle', ...(await this.#askedAsync(mark)), false);
    await tellAsync(this.#audit, 'eventRevoked', target, this.#now());
  }

  /** Marks a target in a store in memory, or gives what another store is asked. */
  #mark(target) {
    if (this.#commit !== undefined) return read(call('revokeQuestion', this.#handle, target, this.#now()));
    return void call('revoke', this.#handle, target, this.#now());
  }

  #refund(authorized) {
    const handle = authorizedHandle(authorized);
    if (handle === undefined) throw failure('config-invalid', 'not an Authorized:', kindOf(authorized));
    if (this.#commit !== undefined) {
      const back = call('refundQuestion', handle, this.#now());
      return back === null ? undefined : read(back);
    }
    return void call('refund', this.#handle, handle, this.#now());
  }

  /** The answer of a store of JavaScript's. */
  #asked(question) {
    try {
      return answerOf(settled(this.#commit(...question)));
    } catch {
      return UNAVAILABLE;
    }
  }

  async #askedAsync(question) {
    try {
      return answerOf(await this.#commit(...question));
    } catch {
      return UNAVAILABLE;
    }
  }

  /** Everything up to the question to a store of JavaScript's; the arguments are taken before anything else runs. */
  #decide(presentation, tool, args, given) {
    const writer = takeWriter();
    let nowMs;
    try {
      writeArguments(writer, args);
      const name = text(tool, 'name-invalid', 'tool').slice(0, MOST_PRESENTATION);
      const extra = options(given, ['challenge', 'context', 'hint'], 'authorize');
      const challenge = extra.has('challenge') ? bytes(extra.get('challenge'), 'config-invalid', 'challenge') : undefined;
      const context = extra.has('context') ? text(extra.get('context'), 'config-invalid', 'context') : undefined;
      const hint = extra.has('hint') ? text(extra.get('hint'), 'config-invalid', 'hint') : undefined;
      writePresentation(writer, presentation);
      writer.text(name);
      if (challenge === undefined) writer.letter('N');
      else writer.bytes(challenge);
      if (context === undefined) writer.letter('N');
      else writer.text(context);
      if (hint === undefined) writer.letter('N');
      else writer.text(hint);
      nowMs = this.#now();
      return call('decide', this.#handle, writer.done(), nowMs, this.#commit === undefined);
    } catch (error) {
      return this.#refuse(tool, nowMs ?? this.#created(), error);
    } finally {
      giveBack(writer);
      if (this.#state !== undefined) tellNews(this.#state);
    }
  }

  #refuse(tool, nowMs, error) {
    const name = typeof tool === 'string' ? tool : `(${kindOf(tool)})`;
    const { code, context } = error instanceof DeputizeError ? error : { code: 'internal', context: null };
    const [what, about] = partsOf(context);
    return call('refuse', this.#handle, shorten(name), code, what, about, nowMs);
  }

  #now() {
    return millisOf(this.#clock);
  }

  /** When a store in memory begins, and when what could not be read is refused. If the clock gives no time now, it is the system's. */
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
  if (typeof presentation === 'string') return writer.text(presentation.slice(0, MOST_PRESENTATION_TEXT).toWellFormed());
  const own = presentationBytes(presentation);
  if (own !== undefined) return writer.bytes(own);
  if (!types.isUint8Array(presentation) || !writer.view(presentation, MOST_PRESENTATION)) writer.bytes(NO_PRESENTATION);
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

module.exports = { UNAVAILABLE, Verifier, answerOf, commitOf };
