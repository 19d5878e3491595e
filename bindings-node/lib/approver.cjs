'use strict';
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { kindOf, options, orElse, seconds } = require('./options.cjs');
const { requiredAgent } = require('./holder.cjs');
const { requiredRequest } = require('./approval.cjs');
const { askAtTerminal } = require('./terminal.cjs');

const LONGEST = 3_600_000;

/** Someone who is shown each request and decides: at the terminal, or wherever a function asks. */
class Approver {
  #agent;
  #ask;
  #timeoutMs;
  #ttl;

  constructor(agent, given) {
    requiredAgent(agent);
    const read = options(given, ['ask', 'timeoutMs', 'ttl'], 'Approver');
    this.#agent = agent;
    this.#ask = read.get('ask');
    if (this.#ask !== undefined && typeof this.#ask !== 'function') throw failure('config-invalid', 'ask is a function, not', kindOf(this.#ask));
    this.#timeoutMs = orElse(read, 'timeoutMs', 120_000);
    const usable = Number.isSafeInteger(this.#timeoutMs) && this.#timeoutMs >= 1 && this.#timeoutMs <= LONGEST;
    if (!usable) throw failure('config-invalid', 'timeoutMs: 1 to 3,600,000, not', kindOf(this.#timeoutMs));
    this.#ttl = read.has('ttl') ? seconds(read.get('ttl')) : undefined;
    Object.freeze(this);
  }

  /** Signs what was decided. Only `true` approves and only `false` denies; for anything else, and for no answer in time, nothing is signed. */
  async decide(request) {
    // What a person sees is what is signed, whatever a class below ApprovalRequest says its text is.
    const shown = call('requestText', requiredRequest(request));
    const answer = await this.#answer(request, shown);
    if (answer !== true && answer !== false) throw failure('approval-required', 'an answer is true or false, not', kindOf(answer));
    const given = this.#ttl === undefined ? {} : { ttl: this.#ttl };
    return answer ? this.#agent.approve(request, given) : this.#agent.deny(request, given);
  }

  async #answer(request, shown) {
    const timeout = new AbortController();
    const deadline = performance.now() + this.#timeoutMs;
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => {
        timeout.abort();
        reject(noAnswer('in time'));
      }, this.#timeoutMs);
    });
    try {
      const answer = await Promise.race([this.#asked(request, shown, timeout.signal), late]);
      // A function that blocks keeps the timer from running.
      if (performance.now() > deadline) throw noAnswer('in time');
      return answer;
    } finally {
      clearTimeout(timer);
      late.catch(() => {});
    }
  }

  /** The answer, or a refusal that says nothing of what a function threw. */
  async #asked(request, shown, signal) {
    try {
      return await (this.#ask === undefined ? askAtTerminal(shown, signal) : this.#ask(request));
    } catch {
      throw noAnswer(this.#ask === undefined ? 'at a terminal' : 'but an error');
    }
  }

  [inspect.custom]() {
    return `Approver(${inspect(this.#agent)})`;
  }
}

const noAnswer = (how) => failure('approval-required', 'the approver gave no answer', how);

module.exports = { Approver };
