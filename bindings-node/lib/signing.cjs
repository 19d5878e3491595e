'use strict';
// What signs the attempts of calls, on whatever wire they are sent.
const { AsyncLocalStorage } = require('node:async_hooks');
const { failure } = require('./native.cjs');
const { actorFor } = require('./actor.cjs');
const { ApprovalRequest } = require('./approval.cjs');
const { Approver } = require('./approver.cjs');
const { DeputizeError } = require('./errors.cjs');
const { HEADER, META_KEY } = require('./mcp-names.cjs');
const { kindOf, options, orElse, text, toolNames } = require('./options.cjs');

const PLACES = ['metadata', 'header', 'argument'];
const OPTIONS = ['tools', 'carry', 'approver', 'context'];

/** Who signs the calls to one server. `approver` is asked where a call needs approvals; `context` is the partition that an approval names. */
class Signer {
  #find;
  #audience;
  #names;
  #approvers;
  #context;
  #attempt = new AsyncLocalStorage();

  constructor(actor, audience, given, where) {
    const read = options(given, OPTIONS, where);
    this.#find = actorFor(actor);
    this.#audience = text(audience, 'name-invalid', 'audience');
    this.#names = toolNames(read.get('tools'), where);
    this.#approvers = approversOf(read.get('approver'));
    this.#context = read.get('context');
    this.carry = orElse(read, 'carry', 'metadata');
    if (!PLACES.includes(this.carry)) throw failure('config-invalid', 'carry: metadata, header or argument, not', kindOf(this.carry));
    Object.freeze(this);
  }

  /** What travels with one attempt. */
  async sign(tool, args) {
    const { actor = this.#find(), approvals = [] } = this.#attempt.getStore() ?? {};
    const presentation = await actor.prove(this.#named(tool), args, this.#audience);
    return (approvals.length === 0 ? presentation : presentation.attach(...approvals)).text;
  }

  /** Sends a call; if it needs approvals, asks for them and sends it once more, signed afresh. */
  async attempt(tool, argsOf, send, denialIn) {
    if (this.#approvers.length === 0) return send();
    const actor = this.#find().pinned();
    const result = await this.#attempt.run({ actor }, send);
    const denial = denialIn(result);
    if (denial?.code !== 'approval-required') return result;
    let approvals;
    try {
      const request = new ApprovalRequest(actor.chain, this.#named(tool), argsOf(), this.#audience, { context: this.#context });
      if (request.id !== denial.request_id) return result; // the server asks about another call than the one that was made
      approvals = await decideAll(this.#approvers, request);
    } catch (error) {
      if (error instanceof DeputizeError) return result; // nobody decided
      throw error;
    }
    return this.#attempt.run({ actor, approvals }, send);
  }

  /** Puts a presentation into the parameters of a call of MCP; gives the headers that it needs. */
  place(presentation, params) {
    if (this.carry === 'header') return { [HEADER]: presentation };
    const inside = this.carry === 'metadata' ? '_meta' : 'arguments';
    params[inside] = { ...params[inside], [META_KEY]: presentation };
    return {};
  }

  #named(tool) {
    return this.#names.get(tool) ?? tool;
  }
}

/** The approvers that a program names. */
function approversOf(given) {
  const approvers = given === undefined ? [] : [given].flat();
  if (!approvers.every((one) => one instanceof Approver)) throw failure('config-invalid', 'approver: an Approver or a list of those, not', kindOf(given));
  return approvers;
}

/** What each of them answers, signed. The first no ends the asking. */
async function decideAll(approvers, request) {
  const answers = [];
  for (const approver of approvers) {
    answers.push(await approver.decide(request));
    if (!answers.at(-1).approves) break;
  }
  return answers;
}

module.exports = { Signer, approversOf, decideAll };
