// Where a name leads: the rule about public addresses holds for every token of a chain.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent, Verifier, url } from 'deputize';
import { AUDIENCE, refused } from '../support/helpers.mjs';

test('a holder that names its hosts keeps the rule about public addresses', () => {
  const [ana, planner, coder] = ['ana', 'planner', 'coder'].map((name) => Agent.generate(name));
  const verifier = new Verifier({ trust: [ana], audience: AUDIENCE });
  const root = ana.issue({ to: planner, tools: { fetch: { to: url('*', { public: true }) } } });
  const args = { to: 'https://rebind.example/' };
  const chain = planner.delegate(root, { to: coder, tools: { fetch: args } });
  const allowed = verifier.authorize(coder.prove(chain, 'fetch', args, AUDIENCE), 'fetch', args);
  allowed.checkAddress('to', '93.184.216.34');
  assert.equal(refused('argument-refused', () => allowed.checkAddress('to', '169.254.169.254')).link, 0);
});
