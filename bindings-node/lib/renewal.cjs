'use strict';
// Short-lived tokens, renewed before they end.
const { inspect } = require('node:util');
const { call } = require('./native.cjs');
const { count, options, seconds } = require('./options.cjs');
const { NATIVE, publicBytes } = require('./keys.cjs');
const { tell } = require('./audit.cjs');
const { clockOf, millisOf } = require('./clock.cjs');
const { requiredAgent } = require('./holder.cjs');
const { Chain, requiredChain } = require('./chain.cjs');
const { requiredState, stateHandle, tellNews } = require('./trust-state.cjs');

/** When a token is renewed, and until when that goes on. */
class RenewalPolicy {
  #handle;
  #state;
  #clock;

  constructor(before, until, given) {
    const known = options(given, ['state', 'clock'], 'RenewalPolicy');
    this.#clock = clockOf(known.get('clock'));
    this.#state = known.get('state');
    if (known.has('state')) requiredState(this.#state);
    this.#handle = call('renewalNew', seconds(before, 'before'), count(until, 'claim-invalid', 'until'));
    Object.freeze(this);
  }

  /** A fresh root instead of one that this agent issued and that ends soon; `null` while it is not due. */
  renewRoot(agent, chain) {
    const { name, signing, ...by } = requiredAgent(agent);
    return this.#renewed(by, 'renewalRoot', signing, name, requiredChain(chain));
  }

  /** A fresh token below `parent` instead of the leaf of `chain`, which this agent delegated and which ends soon; `null` while it is not due. */
  renew(agent, parent, chain) {
    const { signing, ...by } = requiredAgent(agent);
    return this.#renewed(by, 'renewalLeaf', signing, requiredChain(parent), requiredChain(chain));
  }

  /** Recorded before anybody gets it, as what the agent issues and delegates by itself. */
  #renewed({ audit, key }, name, ...parameters) {
    try {
      const renewed = call(name, this.#handle, stateHandle(this.#state), millisOf(this.#clock), ...parameters);
      if (renewed === null) return null;
      const chain = new Chain(NATIVE, renewed);
      tell(audit, 'eventSigned', 'chain', Buffer.from(chain.bytes), publicBytes(key));
      return chain;
    } finally {
      if (this.#state !== undefined) tellNews(this.#state);
    }
  }

  [inspect.custom]() {
    return 'RenewalPolicy';
  }
}

module.exports = { RenewalPolicy };
