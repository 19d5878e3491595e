// The tests of the AI SDK, for Node 22.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolLoopAgent, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { ApprovalPolicy, ApprovalRequest, Approver, SubAgent, acting } from 'deputize';
import { caller, guard } from 'deputize/ai';
import { z } from 'zod';
import { MODEL, AUDIENCE, TOOLS, actorOf, assertNoCredentials, bo, coder, mallory, planner, thief, verifierOf, example, run, snippets } from './cast.mjs';
import { scripted } from '../../../../examples/node/scripted.mjs';

const codes = (records) => records.map((record) => record.code).filter(Boolean);
const deploys = (...environments) => environments.map((env) => ['deploy', { env }]);
const stopWhen = stepCountIs(5);
const model = (turns) => scripted(turns, 'v4');

function deployer(ran, verifier, options) {
  const deploy = tool({
    description: 'deploys',
    inputSchema: z.object({ env: z.string(), replicas: z.coerce.number().default(1) }),
    execute: async (input) => {
      await sleep(1);
      ran.push({ input, who: caller().caller, for: caller().onBehalfOf });
      return { deployed: input.env, by: caller().caller };
    },
  });
  return verifier ? guard({ deploy }, verifier, options) : { deploy };
}

const ways = {
  generateText: (settings) => generateText({ ...settings, stopWhen, prompt: 'x' }),
  streamText: async (settings) => {
    const result = streamText({ ...settings, stopWhen, prompt: 'x', onError() {} });
    await result.consumeStream();
    return { text: await result.text, steps: await result.steps };
  },
  ToolLoopAgent: (settings) => new ToolLoopAgent({ ...settings, stopWhen }).generate({ prompt: 'x' }),
};

for (const [name, way] of Object.entries(ways)) {
  test(`tools run for whoever acts, and what is refused never runs: ${name}`, async () => {
    const ran = [];
    const { verifier, records } = verifierOf();
    const said = model([deploys('staging', 'production', 'test'), 'done']);
    const result = await acting(actorOf(), () => way({ model: said, tools: deployer(ran, verifier) }));
    assert.equal(result.text, 'done');
    assert.deepEqual(ran.map((one) => [one.input, one.who, one.for]), [[{ env: 'staging', replicas: 1 }, 'coder', 'ana'], [{ env: 'test', replicas: 1 }, 'coder', 'ana']]);
    assert.deepEqual(codes(records).sort(), ['allowed', 'allowed', 'argument-refused']);
    assert.ok(said.prompts.at(-1).includes('denied: argument-refused'));
    const errors = result.steps.flatMap((step) => step.content).filter((part) => part.type === 'tool-error');
    assert.deepEqual(errors.map(({ error }) => [error.name, error.denial.code]), [['ToolRefused', 'argument-refused']]);
    assertNoCredentials(said.prompts.join());
    assertNoCredentials(result.steps.map((step) => step.content));
  });
}

test('nobody, a thief, another audience, what the schema coerced: refused with its code, and nothing runs', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const attempt = async (actor, args) => {
    const said = model([[['deploy', args]], 'done']);
    await acting(actor, () => generateText({ model: said, tools: deployer(ran, verifier), stopWhen, prompt: 'x' }));
    return /(?:denied|refused): ([a-z-]+):/.exec(said.prompts.at(-1))?.[1];
  };
  assert.equal(await attempt(null, { env: 'staging' }), 'proof-missing');
  assert.equal(await attempt(thief(), { env: 'staging' }), 'holder-mismatch');
  assert.equal(await attempt(actorOf(coder, { deploy: { env: 'staging' } }), { env: 'staging' }), 'argument-unexpected');
  assert.equal(await attempt(actorOf(), { env: 'staging', replicas: '7' }), 'argument-refused');
  assert.equal(await attempt(actorOf(coder, { read: {} }), { env: 'staging' }), 'tool-not-allowed');
  const elsewhere = verifierOf({ audience: 'https://other.example' });
  const bound = actorOf(coder, TOOLS, {});
  assert.equal(await acting(bound, async () => {
    const { deploy } = deployer(ran, elsewhere.verifier);
    return (await deploy.execute({ env: 'staging' }, {})).by;
  }), 'coder');
  ran.length = 0;
  assert.equal(await attempt(actorOf(), { env: 'staging', replicas: '2' }), undefined);
  assert.deepEqual(ran.map((one) => one.input), [{ env: 'staging', replicas: 2 }]);
});

test('toolApproval asks, a signature decides', async () => {
  const ran = [];
  const { verifier } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
  const actor = actorOf();
  const tools = deployer(ran, verifier);
  const start = async () => {
    const said = model([deploys('staging'), 'done']);
    const settings = { model: said, tools, stopWhen, toolApproval: { deploy: 'user-approval' } };
    const messages = [{ role: 'user', content: 'deploy' }];
    const first = await acting(actor, () => generateText({ ...settings, messages }));
    const asked = first.content.find((part) => part.type === 'tool-approval-request');
    const request = new ApprovalRequest(actor.chain, asked.toolCall.toolName, asked.toolCall.input, AUDIENCE);
    const goOn = async (evidence, as = actor) => {
      const answer = { role: 'tool', content: [{ type: 'tool-approval-response', approvalId: asked.approvalId, approved: true }] };
      await acting(as?.withEvidence(evidence) ?? null, () => generateText({ ...settings, messages: [...messages, ...first.response.messages, answer] }));
      return said.prompts.at(-1);
    };
    return { request, goOn };
  };
  const good = await start();
  const shown = [];
  const approver = new Approver(bo, { ask: (request) => { shown.push(request.text); return true; } });
  const approval = await approver.decide(good.request);
  await good.goOn([approval]);
  assert.equal(ran.length, 1);
  assert.ok(shown[0].includes('tool: "deploy"'));
  for (const evidence of [[], [approval], [mallory.approve(good.request)], [bo.deny(good.request)]]) {
    assert.match(await (await start()).goOn(evidence), /denied: approv(al|er)-/);
  }
  assert.equal(ran.length, 1);
});

test('an approver can be asked at once', async () => {
  const ran = [];
  const { verifier } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
  const answers = { staging: true, test: false };
  const approver = new Approver(bo, { ask: (request) => answers[request.arguments.env] });
  await acting(actorOf(), () => generateText({ model: model([deploys('staging', 'test'), 'done']), tools: deployer(ran, verifier, { approver }), stopWhen, prompt: 'x' }));
  assert.deepEqual(ran.map((one) => one.input.env), ['staging']);
});

test('a sub-agent as a tool acts with what was declared for it, and as nobody without', async () => {
  const ran = [];
  const { verifier, records } = verifierOf();
  const inner = deployer(ran, verifier);
  const sub = () => tool({
    description: 'a sub-agent', inputSchema: z.object({}),
    execute: async () => (await generateText({ model: model([deploys('staging', 'test'), 'sub done']), tools: inner, stopWhen, prompt: 'x' })).text,
  });
  const tools = guard({ coder: sub(), stranger: sub() }, verifier, { subAgents: { coder: new SubAgent(coder, { deploy: { env: 'staging', replicas: 1 } }) } });
  const said = model([[['coder', {}], ['stranger', {}]], 'done']);
  await acting(actorOf(planner, { ...TOOLS, coder: {}, stranger: {} }), () => generateText({ model: said, tools, stopWhen, prompt: 'x' }));
  assert.deepEqual(ran.map((one) => [one.input.env, one.who, one.for]), [['staging', 'coder', 'ana']]);
  assert.deepEqual(codes(records).sort(), ['allowed', 'allowed', 'allowed', 'argument-refused', 'proof-missing', 'proof-missing']);
});

test('a tool that streams is guarded, and streams', async () => {
  const { verifier, records } = verifierOf();
  let ran = 0;
  const read = tool({ description: 'reads', inputSchema: z.object({}), async *execute() { ran += 1; for (const part of ['a', 'ab']) { await sleep(1); yield `${part} ${caller().caller}`; } } });
  const tools = guard({ read }, verifier);
  const parts = [];
  await acting(actorOf(), async () => {
    const result = streamText({ model: model([[['read', {}]], 'done']), tools, stopWhen, prompt: 'x' });
    for await (const part of result.fullStream) if (part.type === 'tool-result') parts.push([part.preliminary ?? false, part.output]);
  });
  assert.deepEqual(parts, [[true, 'a coder'], [true, 'ab coder'], [false, 'ab coder']]);
  assert.equal(records.at(-1).sentence.includes('succeeded'), true);
  const said = model([[['read', {}]], 'done']);
  await generateText({ model: said, tools, stopWhen, prompt: 'x' });
  assert.ok(said.prompts.at(-1).includes('proof-missing'));
  const leaky = guard({ read: { inputSchema: jsonSchema({}), execute: () => (async function* () { ran += 1; yield caller().caller; })() } }, verifier);
  assert.equal(await acting(actorOf(), () => leaky.read.execute({}, {})), 'coder');
  await assert.rejects(leaky.read.execute({}, {}), { code: 'proof-missing' });
  assert.equal(ran, 2);
});

test('fifty runs at once, each as itself, and each with parallel calls', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const tools = deployer(ran, verifier);
  const results = await Promise.all(Array.from({ length: 50 }, (_, at) => {
    const who = [coder, bo, planner][at % 3];
    return acting(actorOf(who), async () => {
      await sleep(at % 5);
      const { steps } = await generateText({ model: model([deploys('staging', 'test'), 'done']), tools, stopWhen, prompt: 'x' });
      return steps.flatMap((step) => step.toolResults).map((one) => one.output.by).join() === `${who.name},${who.name}`;
    });
  }));
  assert.ok(results.every(Boolean));
  assert.equal(ran.length, 100);
});

test('what cannot be guarded is refused at start', () => {
  const { verifier } = verifierOf();
  const client = tool({ description: 'asks the user', inputSchema: z.object({}) });
  const provider = { type: 'provider', id: 'x.search', args: {}, inputSchema: jsonSchema({}) };
  const both = { ...provider, isProviderExecuted: true, execute: async () => 'ran' };
  for (const wrong of [{ client }, { provider }, { both }, { ...deployer([]), client }, [deployer([]).deploy], null, 'x', deployer([]).deploy, { x: null }]) assert.throws(() => guard(wrong, verifier), { code: 'config-invalid' });
  const tools = deployer([], verifier);
  assert.throws(() => guard(tools, verifier), { code: 'config-invalid' });
  assert.throws(() => guard({ other: tools.deploy }, verifier), { code: 'config-invalid' });
  const shared = deployer([]).deploy;
  assert.throws(() => guard({ one: shared, two: shared }, verifier), { code: 'config-invalid' });
  assert.throws(() => { tools.deploy.execute = () => 'free'; }, TypeError);
  assert.throws(() => guard(deployer([]), verifier, { subAgents: { other: new SubAgent(coder, {}) } }), { code: 'config-invalid' });
});

test('the example and the guide tell their story', () => {
  const files = { 'scripted.mjs': example('scripted.mjs') };
  const story = run({ ...files, 'ai-sdk.mjs': example('ai-sdk.mjs') });
  assert.match(story, /ALLOW planner called reviewer[^]*DENY argument-refused: coder called read_file[^]*reviewed\n$/);
  const [program] = snippets('mastra.md', '## The AI SDK');
  assert.equal(run({ ...files, 'model.mjs': MODEL.replace("'v2'", "'v4'"), 'guide.mjs': program }), 'staging for ana\ndone\n');
});
