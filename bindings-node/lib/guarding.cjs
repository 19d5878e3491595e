'use strict';
// What stands before a tool, wherever it is served: a call is decided about, runs, and its outcome is recorded.
const { AsyncLocalStorage } = require('node:async_hooks');
const { failure } = require('./native.cjs');
const { Denied } = require('./errors.cjs');
const { Verifier } = require('./verifier.cjs');
const { acting, currentActor } = require('./actor.cjs');
const { ApprovalRequest } = require('./approval.cjs');
const { META_KEY } = require('./mcp-names.cjs');
const { kindOf, options, orElse, toolNames } = require('./options.cjs');

const current = new AsyncLocalStorage();

/** Who calls the tool that is running, and for whom. Outside of a guarded call it throws. */
function caller() {
  const authorized = current.getStore();
  if (authorized === undefined) throw failure('config-invalid', 'there is no guarded call around', 'caller()');
  return authorized;
}

/** Runs something as a guarded tool: `caller()` is the decision, and nobody acts. */
function calling(authorized, run) {
  return current.run(authorized, () => acting(null, run));
}

/**
 * A verifier before tools. `tools` says what tools are called in tokens, where that differs from their name. `acceptArgument` takes a presentation
 * from the arguments too, where a transport keeps nothing else.
 */
class Guard {
  #verifier;
  #names;
  #acceptArgument;

  constructor(verifier, given) {
    if (!(verifier instanceof Verifier)) throw failure('config-invalid', 'a Guard needs a Verifier, not', kindOf(verifier));
    const read = options(given, ['tools', 'acceptArgument'], 'Guard');
    this.#verifier = verifier;
    this.#names = toolNames(read.get('tools'), 'Guard');
    this.#acceptArgument = orElse(read, 'acceptArgument', false);
    if (typeof this.#acceptArgument !== 'boolean') throw failure('config-invalid', 'true or false:', 'acceptArgument');
    Object.freeze(this);
  }

  /** The arguments to decide about, and the presentation from the first place that has one. */
  received(args, metadata, header) {
    let carried;
    if (this.#acceptArgument && has(args, META_KEY)) ({ [META_KEY]: carried, ...args } = args);
    return { args, presentation: has(metadata, META_KEY) ? metadata[META_KEY] : (header ?? carried) };
  }

  /** Decides about a call with what it was presented with. */
  admit(tool, args, presentation, asked) {
    return this.#verifier.authorizeAsync(presentation, this.#names.get(tool) ?? tool, args, asked);
  }

  /** Decides about a call of the actor in this process, which signs it now, with approvals that came for it. If nobody acts, it is denied. */
  async admitHere(tool, args, asked, approvals = []) {
    let actor;
    try {
      actor = currentActor();
    } catch {
      return this.admit(tool, args, undefined, asked);
    }
    const presentation = await actor.prove(this.#names.get(tool) ?? tool, args, this.#verifier.audience);
    return this.admit(tool, args, approvals.length === 0 ? presentation : presentation.attach(...approvals), asked);
  }

  /** What approvers of such a call see and sign. */
  requestHere(tool, args, asked) {
    return this.request(currentActor().chain, tool, args, asked);
  }

  /** The same for a call with a chain that came with it. */
  request(chain, tool, args, { context } = {}) {
    return new ApprovalRequest(chain, this.#names.get(tool) ?? tool, args, this.#verifier.audience, { context });
  }

  /**
   * Runs a tool: within, `caller()` is this decision; the outcome is recorded at the end. `errorOf` says of a result what went wrong, if anything,
   * and `null` of one that is no end: a task goes on after its answer, and whoever ends it says what became of it.
   */
  async run(authorized, tool, errorOf = () => undefined) {
    let result;
    try {
      result = await calling(authorized, tool);
    } catch (raised) {
      await this.#ended(authorized, () => (raised instanceof Error ? raised.name : kindOf(raised)));
      throw raised;
    }
    await this.#ended(authorized, () => errorOf(result));
    return result;
  }

  /** The same for a tool that gives one thing after another; between them whoever reads is not the caller. */
  async *stream(authorized, tool) {
    let error = 'cancelled';
    try {
      const items = calling(authorized, tool)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const { done, value } = await calling(authorized, () => items.next());
          if (done) break;
          yield value;
        }
        error = undefined;
      } finally {
        if (error !== undefined) await calling(authorized, () => items.return?.());
      }
    } catch (raised) {
      error = raised instanceof Error ? raised.name : kindOf(raised);
      throw raised;
    } finally {
      await this.#ended(authorized, () => error);
    }
  }

  /** Without its outcome the call stays open in the log: what the tool did is done. */
  async #ended(authorized, errorOf) {
    const given = {};
    try {
      const error = errorOf();
      if (error === null) return;
      if (error !== undefined) given.error = String(error).toWellFormed();
    } catch {
      given.error = 'unknown';
    }
    try {
      await this.#verifier.outcomeAsync(authorized, given);
    } catch {
      // The log lists it.
    }
  }
}

const has = (object, name) => typeof object === 'object' && object !== null && Object.hasOwn(object, name);

/** A challenge or context of a call, as the server finds it. Where that fails, no call is allowed: an option that is `null` is refused. */
async function found(find, ...about) {
  if (find === undefined) return undefined;
  try {
    return await find(...about);
  } catch {
    return null;
  }
}

/** What a refused caller is told, as data: the same keys in every language. */
function denialOf(error) {
  const about = { code: error.code, help: error.help };
  if (error.link !== null) about.link = error.link;
  if (error instanceof Denied && error.requestId) about.request_id = error.requestId;
  if (error instanceof Denied && error.record.proof !== null) about.proof = error.record.proof;
  return about;
}

/** What a refused caller is told, as text for a model. */
function refusalOf(error) {
  return `${error instanceof Denied ? 'denied' : 'refused'}: ${error.message}. ${error.help}`;
}

module.exports = { Guard, caller, denialOf, found, refusalOf };
