'use strict';
// Tools that run in the agent's own process: each call is signed for whoever acts, decided about, and run.
const { failure } = require('./native.cjs');
const { Actor, SubAgent, acting, currentActor } = require('./actor.cjs');
const { ApprovalRequest } = require('./approval.cjs');
const { DeputizeError } = require('./errors.cjs');
const { Approval } = require('./evidence.cjs');
const { Guard, denialOf, refusalOf } = require('./guarding.cjs');
const { kindOf, options } = require('./options.cjs');
const { argumentsFor } = require('./outcome.cjs');
const { approversOf, decideAll } = require('./signing.cjs');
const { isMap } = require('./tape.cjs');

const OPTIONS = ['tools', 'context', 'subAgents', 'approver'];
const guarded = new WeakMap();
/** The requests that calls of this process wait for, and the actors that were handed over, by who did: each as long as it may be needed. */
const waitingFor = new Map();
const handed = new WeakMap();
const MOST = 1024;

/**
 * A guard before tools of this process. What a tool starts acts as nobody, unless it is one of `subAgents`: then as the sub-agent that is declared
 * for it. `approver` is asked where a call needs approvals. `context` is a function of the call that names its partition.
 */
class LocalGuard {
  #edge;
  #audience;
  #context;
  #subAgents;
  #approvers;

  constructor(verifier, given, where) {
    const read = options(given, OPTIONS, where);
    this.#edge = new Guard(verifier, { tools: read.get('tools') });
    this.#audience = verifier.audience;
    this.#context = read.get('context');
    if (this.#context !== undefined && typeof this.#context !== 'function') throw failure('config-invalid', 'a function of the call:', 'context');
    this.#subAgents = subAgentsOf(read.get('subAgents'), where);
    this.#approvers = approversOf(read.get('approver'));
    Object.freeze(this);
  }

  /** Refuses sub-agents of which there is no tool. */
  knows(names) {
    for (const name of this.#subAgents.keys()) if (!names.includes(name)) throw failure('config-invalid', 'a sub-agent that is no tool here:', name);
  }

  /**
   * One call: throws what refuses it. `about` is what `context` gets beside the name and the arguments; `approvals` are those that came since an
   * earlier attempt. `wait`, where the framework can hold a call, is given what it waits for, and gives the answer, or nothing if that comes by
   * another call.
   */
  async call(tool, input, { about, approvals = [], wait, errorOf }, run) {
    const args = defined(input);
    const asked = { context: await this.#contextOf(tool, args, about) };
    let authorized;
    try {
      authorized = await this.#edge.admitHere(tool, args, asked, approvals.map((one) => Approval.fromText(one)));
    } catch (error) {
      const request = this.#requested(error, tool, args, asked);
      if (request === undefined) throw error;
      const came = this.#approvers.length > 0 ? await decideAll(this.#approvers, request) : await this.#waited(error, request, args, asked, wait);
      if (came === undefined) return undefined;
      authorized = await this.#edge.admitHere(tool, args, asked, came);
    }
    const above = actorHere();
    const within = () => acting(handedBy(this.#subAgents.get(tool), above), () => run(argumentsFor(authorized)));
    return this.#edge.run(authorized, within, errorOf);
  }

  async #waited(error, request, args, asked, wait) {
    if (wait === undefined) throw error;
    keep(waitingFor, request.id, request);
    const given = await wait({ request_id: request.id, text: request.text, tool: request.tool, arguments: args, audience: this.#audience, ...asked });
    if (given === undefined) return undefined;
    const approvals = approvalsIn(given);
    if (approvals === undefined) throw error;
    return approvals.map((one) => Approval.fromText(one));
  }

  #requested(error, tool, args, asked) {
    if (!(error instanceof DeputizeError) || error.code !== 'approval-required') return undefined;
    const request = this.#edge.requestHere(tool, args, asked);
    return request.id === error.requestId ? request : undefined;
  }

  /** Where finding a context fails, no call is allowed: one that is `null` is refused. */
  async #contextOf(tool, args, about) {
    if (this.#context === undefined) return undefined;
    try {
      return await this.#context(tool, structuredClone(args), about);
    } catch {
      return null;
    }
  }
}

/** Who acts within what was handed over: the sub-agent, or nobody where none is declared or nobody acts. */
function handedBy(subAgent, actor = actorHere()) {
  if (subAgent === undefined || actor === undefined) return null;
  const key = `${actor.agent.did} ${actor.chain.text}`;
  if (!handed.has(subAgent)) handed.set(subAgent, new Map());
  const kept = handed.get(subAgent).get(key);
  // A call that was suspended goes on with the token that it was approved for.
  if (kept !== undefined && kept.chain.unverifiedClaims().at(-1).expires * 1000 > Date.now()) return kept;
  return keep(handed.get(subAgent), key, actor.handOver(subAgent));
}

/** Whoever acts here, if anybody. */
function actorHere() {
  try {
    return currentActor();
  } catch {
    return undefined;
  }
}

function keep(map, key, value) {
  map.set(key, value);
  if (map.size > MOST) map.delete(map.keys().next().value);
  return value;
}

/**
 * What approvers answer to what a call waits for, which resumes it. They see the request of the call in this process, or, where there is none, as the
 * actor's chain makes it.
 */
async function answer(waiting, actor, approver) {
  const { request_id: id, tool, arguments: args, audience, context } = waiting ?? {};
  if (!(actor instanceof Actor)) throw failure('config-invalid', 'an Actor, not', kindOf(actor));
  const request = waitingFor.get(id) ?? new ApprovalRequest(actor.chain, tool, args, audience, { context });
  if (request.id !== id) throw failure('approval-required', 'another call than that of this actor is waiting:', String(id));
  return { approvals: (await decideAll(approversOf(approver), request)).map((one) => one.text) };
}

/** The approvals in what resumes a call, if it is that. */
function approvalsIn(resumed) {
  if (typeof resumed !== 'object' || resumed === null || !Array.isArray(resumed.approvals)) return undefined;
  return resumed.approvals.every((one) => typeof one === 'string') ? resumed.approvals.slice(0, 16) : undefined;
}

/** A refusal as an error of a tool: its message is for a model, its `denial` for a program. */
function toolError(error) {
  if (!(error instanceof DeputizeError)) return error;
  return Object.assign(new Error(refusalOf(error)), { name: 'ToolRefused', code: error.code, denial: denialOf(error) });
}

/** Puts something in the place of a tool's function, once. */
function inPlace(tool, name, make) {
  const own = tool[name];
  if (guarded.has(own)) throw failure('config-invalid', 'guarded already:', 'a tool');
  const instead = make(own);
  guarded.set(instead, tool);
  Object.defineProperty(tool, name, { value: instead, enumerable: true, writable: false, configurable: false });
}

const isGuarded = (run) => guarded.has(run);

function subAgentsOf(given, where) {
  const found = new Map(Object.entries(given ?? {}));
  if (given !== undefined && !isMap(given)) throw failure('config-invalid', `${where}: subAgents is a plain object, not`, kindOf(given));
  for (const [name, declared] of found) if (!(declared instanceof SubAgent)) throw failure('config-invalid', 'a sub-agent without a SubAgent, which says what it may do:', name);
  return found;
}

/** Arguments without members that are not there; whatever else is wrong with them is refused where they are decided about. */
function defined(input) {
  if (input === undefined || input === null) return {};
  return isMap(input) ? Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) : input;
}

module.exports = { LocalGuard, answer, approvalsIn, handedBy, inPlace, isGuarded, subAgentsOf, toolError };
