'use strict';
// Who acts: whose run this is, and what its sub-agents may do.
const { AsyncLocalStorage } = require('node:async_hooks');
const { inspect } = require('node:util');
const { failure } = require('./native.cjs');
const { Chain, requiredChain } = require('./chain.cjs');
const { evidenceTape } = require('./evidence.cjs');
const { agentOf, keyOf, requiredAgent } = require('./holder.cjs');
const { kindOf, options } = require('./options.cjs');
const { toolsTape } = require('./tools.cjs');

const DECLARED = ['ttl', 'audience', 'maxDepth', 'context', 'holderName', 'approvals', 'budgets'];
const current = new AsyncLocalStorage();

/** The agent that signs, and the chain that says for whom, in which session and what. */
class Actor {
  #agent;
  #chain;
  #evidence;

  constructor(agent, chain, given) {
    requiredAgent(agent);
    if (typeof chain !== 'function') requiredChain(chain);
    this.#agent = agent;
    this.#chain = chain;
    this.#evidence = evidenceOf(options(given, ['evidence'], 'Actor').get('evidence'));
    Object.freeze(this);
  }

  get agent() {
    return this.#agent;
  }

  /** The chain for a call that is made now. */
  get chain() {
    const chain = this.#chain instanceof Chain ? this.#chain : this.#chain();
    requiredChain(chain);
    return chain;
  }

  /** What travels with one attempt of a call. Each attempt, also a retry, needs a new one. */
  async prove(tool, args, audience, given) {
    const challenge = options(given, ['challenge'], 'prove').get('challenge');
    const evidence = await this.#evidence?.(tool, structuredClone(args));
    const extra = { ...(challenge !== undefined && { challenge }), ...(evidence !== undefined && { evidence }) };
    return this.#agent.prove(this.chain, tool, args, audience, extra);
  }

  /** The same with the chain of now, for a call that is signed again when it was approved. */
  pinned() {
    return new Actor(this.#agent, this.chain, { evidence: this.#evidence });
  }

  /** The same, with other evidence: an approval that has come, say. */
  withEvidence(evidence) {
    return new Actor(this.#agent, this.#chain, { evidence });
  }

  /** A chain for a sub-agent: what was declared for it, as far as this actor may give it. */
  delegate(subAgent, given) {
    const reason = options(given, ['reason'], 'delegate').get('reason');
    if (!(subAgent instanceof SubAgent)) throw failure('config-invalid', 'a SubAgent, which says what it may do, not', kindOf(subAgent));
    const { chain } = this;
    const declared = { ...subAgent.declared, to: subAgent.holder, tools: chain.narrow(subAgent.tools), reason };
    try {
      return this.#agent.delegate(chain, declared);
    } catch (error) {
      if (error.code !== 'lifetime-widened' || declared.ttl === undefined) throw error;
      // It lives for as long as its parent where that is shorter.
      return this.#agent.delegate(chain, { ...declared, ttl: undefined });
    }
  }

  /** The sub-agent as an actor, where its key is in this process: for `acting`. */
  handOver(subAgent, given) {
    const chain = this.delegate(subAgent, given);
    if (agentOf(subAgent.holder) === undefined) {
      throw failure('config-invalid', 'the key of the sub-agent is elsewhere; send it the chain of', 'delegate()');
    }
    return new Actor(subAgent.holder, chain, { evidence: subAgent.evidence });
  }

  toJSON() {
    throw failure('config-invalid', 'not serialized, because it holds a key:', 'Actor');
  }

  [inspect.custom]() {
    return `Actor(${inspect(this.#agent.name)})`;
  }
}

/** What a sub-agent may do, declared once: its agent, or its key where that is in another process, and its tools. */
class SubAgent {
  constructor(holder, tools, given) {
    keyOf(holder);
    toolsTape(tools); // what is wrong with them is said here, and not at the first call
    const read = options(given, [...DECLARED, 'evidence'], 'SubAgent');
    this.holder = holder;
    this.tools = Object.freeze({ ...tools });
    this.evidence = read.get('evidence');
    evidenceOf(this.evidence);
    read.delete('evidence');
    this.declared = Object.freeze(Object.fromEntries(read));
    Object.freeze(this);
  }
}

/** Runs something as an actor: every guarded call within is of this one. With `null` nobody acts, and every guarded tool refuses. */
function acting(actor, run) {
  if (actor !== null && !(actor instanceof Actor)) throw failure('config-invalid', 'an Actor, or null, not', kindOf(actor));
  return current.run(actor, run);
}

/** Whose run this is. */
function currentActor() {
  const actor = current.getStore() ?? undefined;
  if (actor === undefined) throw failure('proof-missing', 'nobody acts here; run it within', 'acting()');
  return actor;
}

/** A function that gives the actor of a call, for whoever signs. */
function actorFor(given) {
  if (given instanceof Actor) return () => given;
  if (typeof given !== 'function') throw failure('config-invalid', 'neither an Actor nor a function that gives one:', kindOf(given));
  return () => {
    const actor = given();
    if (!(actor instanceof Actor)) throw failure('config-invalid', 'the function gave no Actor but', kindOf(actor));
    return actor;
  };
}

/** The function that gives the evidence of a call, if there is any. */
function evidenceOf(evidence) {
  if (evidence === undefined || typeof evidence === 'function') return evidence;
  evidenceTape(evidence);
  const listed = Array.from(evidence);
  return () => listed;
}

module.exports = { Actor, SubAgent, acting, actorFor, currentActor };
