// Who acts, what a sub-agent gets, and the guard before a tool in the same process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Actor, Agent, ApprovalPolicy, ApprovalRequest, Guard, SubAgent, acting, caller, currentActor, oneOf, path } from 'deputize';
import { AUDIENCE, cast, refused, rejected, verifierFor } from '../support/helpers.mjs';

const { ana, planner, coder, mallory } = cast();
const issue = (tools, options = {}) => ana.issue({ to: coder, tools, ...options });
const leaf = (chain) => chain.unverifiedClaims().at(-1);

test('an actor signs with its chain of now', async () => {
  const verifier = verifierFor(ana);
  const chains = [issue({ read: {} }), issue({ write: {} })];
  const actor = new Actor(coder, () => chains[0]);
  assert.equal(verifier.authorize(await actor.prove('read', {}, AUDIENCE), 'read', {}).caller, 'coder');
  chains.shift();
  const presentation = await actor.prove('read', {}, AUDIENCE);
  refused('tool-not-allowed', () => verifier.authorize(presentation, 'read', {}));
  assert.equal(actor.agent, coder);
  assert.equal(actor.chain.text, chains[0].text);
});

test('an actor is an agent with a chain and nothing else', async () => {
  const chain = issue({ read: {} });
  for (const agent of ['coder', coder.key, null, {}]) refused('key-invalid', () => new Actor(agent, chain));
  for (const wrong of [chain.text, null, undefined, {}]) refused('malformed', () => new Actor(coder, wrong));
  refused('malformed', () => new Actor(coder, chain, { evidence: 'x' }));
  refused('config-invalid', () => new Actor(coder, chain, { evidences: [] }));
  refused('malformed', () => new Actor(coder, () => chain.text).chain);
  await rejected('malformed', new Actor(coder, chain, { evidence: () => null }).prove('read', {}, AUDIENCE));
  refused('config-invalid', () => new Actor(coder, chain).delegate(planner));
  refused('key-invalid', () => new SubAgent('coder', {}));
  refused('config-invalid', () => new SubAgent(coder, {}, { tools: {} }));
  for (const wrong of [coder, undefined, chain]) refused('config-invalid', () => acting(wrong, () => 1));
  refused('proof-missing', currentActor);
  refused('config-invalid', () => new Guard('verifier'));
  refused('config-invalid', () => new Guard(verifierFor(ana), { tools: ['read'] }));
});

test('an actor shows no key', () => {
  const actor = new Actor(coder, issue({ read: {} }));
  assert.equal(inspect(actor), "Actor('coder')");
  refused('config-invalid', () => JSON.stringify(actor));
  assert.deepEqual(Object.keys(actor), []);
});

test('evidence goes with the calls of an actor', async () => {
  const bo = Agent.generate('bo');
  const guard = new Guard(verifierFor(ana, { approvals: new ApprovalPolicy(1, [bo]) }));
  const actor = new Actor(coder, issue({ deploy: {} }));
  const refusal = await rejected('approval-required', acting(actor, () => guard.admitHere('deploy', { env: 'staging' })));
  const request = new ApprovalRequest(actor.chain, 'deploy', { env: 'staging' }, AUDIENCE);
  assert.equal(refusal.requestId, request.id);
  const seen = [];
  const evidence = async (tool, args) => {
    seen.push([tool, { ...args }]);
    args.env = 'production';
    return [bo.approve(request)];
  };
  const authorized = await acting(actor.withEvidence(evidence), () => guard.admitHere('deploy', { env: 'staging' }));
  assert.equal(authorized.arguments.env, 'staging');
  assert.deepEqual(seen, [['deploy', { env: 'staging' }]]);
});

test('a sub-agent gets what was declared, as far as its supervisor has it', () => {
  const root = ana.issue({ to: planner, tools: { read: { path: path('/src') }, write: {} }, ttl: '5m' });
  const supervisor = new Actor(planner, root);
  const chain = supervisor.delegate(new SubAgent(coder, { read: { path: path('/') }, drop: {} }, { ttl: '1h' }), { reason: 'fix the login bug' });
  assert.deepEqual(Object.keys(leaf(chain).tools), ['read']);
  assert.equal(String(leaf(chain).tools.read.path), String(path('/src')));
  assert.equal(leaf(chain).expires, chain.unverifiedClaims()[0].expires);
  assert.deepEqual([leaf(chain).reason, leaf(chain).holderName], ['fix the login bug', 'coder']);
  assert.deepEqual(Object.keys(leaf(supervisor.delegate(new SubAgent(coder, { drop: {} }))).tools), []);
  const short = leaf(supervisor.delegate(new SubAgent(coder, { read: {} }, { ttl: '1m', maxDepth: 1 })));
  assert.ok(short.expires <= short.issued + 60);
  assert.equal(short.maxDepth, 1);
});

test('who hands over signs for nobody whose key is elsewhere', async () => {
  const supervisor = new Actor(planner, ana.issue({ to: planner, tools: { read: {} } }));
  const guard = new Guard(verifierFor(ana));
  const authorized = await acting(supervisor.handOver(new SubAgent(coder, { read: {} }), { reason: 'help' }), () => guard.admitHere('read', {}));
  assert.deepEqual([authorized.caller, authorized.onBehalfOf], ['coder', 'ana']);
  const away = new SubAgent(coder.key, { read: {} }, { holderName: 'coder' });
  assert.equal(leaf(supervisor.delegate(away)).holderName, 'coder');
  refused('config-invalid', () => supervisor.handOver(away));
});

test('nobody acts unless somebody says so', async () => {
  const records = [];
  const guard = new Guard(verifierFor(ana, { audit: (record) => void records.push(record.code) }));
  const here = () => guard.admitHere('read', {});
  await rejected('proof-missing', here());
  await acting(new Actor(coder, issue({ read: {} })), async () => {
    await here();
    await rejected('proof-missing', acting(null, here));
    await here();
  });
  await rejected('proof-missing', here());
  await rejected('holder-mismatch', acting(new Actor(mallory, issue({ read: {} })), here));
  assert.deepEqual(records, ['proof-missing', 'allowed', 'proof-missing', 'allowed', 'proof-missing']);
});

test('runs side by side act for whoever started them', async () => {
  const guard = new Guard(verifierFor(ana));
  const names = Array.from({ length: 50 }, (_, at) => `agent${at}`);
  const callers = await Promise.all(names.map((name) => {
    const agent = Agent.generate(name);
    return acting(new Actor(agent, ana.issue({ to: agent, tools: { read: {} } })), async () => {
      await sleep(Math.random() * 5);
      const authorized = await guard.admitHere('read', { name });
      return guard.run(authorized, async () => {
        await sleep(Math.random() * 5);
        refused('proof-missing', currentActor);
        return caller().caller;
      });
    });
  }));
  assert.deepEqual(callers, names);
});

test('what becomes of a call is recorded', async () => {
  const records = [];
  const guard = new Guard(verifierFor(ana, { audit: (record) => void records.push(record.sentence) }), { tools: { look: 'read' } });
  await acting(new Actor(coder, issue({ read: { n: oneOf(1, 2, 3) } })), async () => {
    assert.equal(await guard.run(await guard.admitHere('look', { n: 1 }), () => caller().tool), 'read');
    await guard.run(await guard.admitHere('look', { n: 2 }), () => 2, (result) => `no ${result}`);
    const third = await guard.admitHere('look', { n: 3 });
    await assert.rejects(guard.run(third, () => { throw new RangeError('x'); }), RangeError);
  });
  const outcomes = records.filter((sentence) => !sentence.includes('ALLOW'));
  assert.equal(outcomes.length, 3);
  for (const [at, word] of ['succeeded', 'no 2', 'RangeError'].entries()) assert.ok(outcomes[at].includes(word), outcomes[at]);
  refused('config-invalid', caller);
});

