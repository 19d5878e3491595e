// The tests of Mastra, for Node 22.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core';
import { MockMemory } from '@mastra/core/memory';
import { InMemoryStore } from '@mastra/core/storage';
import { createTool } from '@mastra/core/tools';
import { createStep, createWorkflow } from '@mastra/core/workflows';
import { MCPClient, MCPServer } from '@mastra/mcp';
import { Actor, ApprovalPolicy, Approver, SubAgent, acting, currentActor } from 'deputize';
import { answer, caller, guard, guardServer, supervise } from 'deputize/mastra';
import { signingFetch } from 'deputize/mcp';
import { z } from 'zod';
import { MODEL, AUDIENCE, TOOLS, actorOf, ana, assertNoCredentials, bo, coder, mallory, planner, thief, verifierOf, example, run, snippets } from './cast.mjs';
import { scripted } from '../../../../examples/node/scripted.mjs';

const codes = (records) => records.map((record) => record.code).filter(Boolean);
const schema = z.object({ env: z.string(), replicas: z.coerce.number().default(1) });

/** A tool that notes what it got, and of whom; guarded, unless there is no verifier. */
function deployer(ran, verifier, options, more = {}) {
  const tool = createTool({
    id: 'deploy', description: 'deploys', inputSchema: schema, ...more,
    execute: async (input, context) => {
      await sleep(1);
      ran.push({ input, who: caller().caller, for: caller().onBehalfOf, resumed: context?.agent?.resumeData });
      return { deployed: input.env, by: caller().caller };
    },
  });
  return verifier ? guard(tool, verifier, options) : tool;
}

const agentWith = (tools, turns, more = {}) => new Agent({ id: 'worker', name: 'worker', description: 'works', instructions: 'work', model: scripted(turns), tools, ...more });
const stored = (agents) => new Mastra({ agents, storage: new InMemoryStore(), logger: false });
const deploys = (...environments) => environments.map((env) => ['deploy', { env }]);

for (const way of ['generate', 'stream']) {
  test(`an agent's tools run for whoever acts, and what is refused never runs: ${way}`, async () => {
    const ran = [];
    const { verifier, records } = verifierOf();
    const agent = agentWith({ deploy: deployer(ran, verifier) }, [deploys('staging', 'production', 'test'), 'done']);
    const { model } = agent;
    const result = await acting(actorOf(), () => agent[way]('deploy'));
    assert.equal(await result.text, 'done');
    assert.deepEqual(ran.map((one) => [one.input, one.who, one.for]), [[{ env: 'staging', replicas: 1 }, 'coder', 'ana'], [{ env: 'test', replicas: 1 }, 'coder', 'ana']]);
    assert.deepEqual(codes(records).sort(), ['allowed', 'allowed', 'argument-refused']);
    const told = model.prompts.at(-1);
    assert.ok(told.includes('denied: argument-refused') && told.includes('stay within the constraint'), told);
    assertNoCredentials(model.prompts.join());
    assertNoCredentials(await result.steps);
  });
}

test('nobody, a thief, another audience, what the schema coerced: refused with its code, and nothing runs', async () => {
  const ran = [];
  const { verifier, records } = verifierOf();
  const attempt = async (actor, args, tools = { deploy: deployer(ran, verifier) }) => {
    const agent = agentWith(tools, [[['deploy', args]], 'done']);
    await acting(actor, () => agent.generate('deploy'));
    return /(?:denied|refused): ([a-z-]+):/.exec(agent.model.prompts.at(-1))?.[1];
  };
  assert.equal(await attempt(null, { env: 'staging' }), 'proof-missing');
  assert.equal(await attempt(thief(), { env: 'staging' }), 'holder-mismatch');
  assert.equal(await attempt(actorOf(coder, { deploy: { env: 'staging' } }), { env: 'staging' }), 'argument-unexpected');
  assert.equal(await attempt(actorOf(), { env: 'staging', replicas: '7' }), 'argument-refused');
  assert.equal(await attempt(actorOf(coder, { read: {} }), { env: 'staging' }), 'tool-not-allowed');
  const bound = new Actor(coder, ana.issue({ to: coder, tools: TOOLS, audience: 'https://other.example' }));
  assert.equal(await attempt(bound, { env: 'staging' }), 'audience-mismatch');
  assert.deepEqual(ran, []);
  assert.ok(!codes(records).includes('allowed'));
  assert.equal(await attempt(actorOf(), { env: 'staging', replicas: '2' }), undefined);
  assert.deepEqual(ran[0].input, { env: 'staging', replicas: 2 });
});

test('a guarded tool is guarded wherever it is used: alone, renamed, in toolsets, in a workflow, by alias', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const deploy = deployer(ran, undefined, {}, { outputSchema: z.object({ deployed: z.string(), by: z.string() }) });
  const agent = agentWith({ renamed: deploy }, [[['renamed', { env: 'staging' }]], 'done']);
  const step = createStep(deploy);
  guard({ deploy }, verifier);
  await assert.rejects(deploy.execute({ env: 'staging' }, {}), { name: 'ToolRefused', code: 'proof-missing' });
  await agent.generate('x');
  await agentWith({}, [deploys('staging'), 'done']).generate('x', { toolsets: { more: { deploy } } });
  await agentWith(() => ({ deploy }), [deploys('staging'), 'done']).generate('x');
  const workflow = () => createWorkflow({ id: 'w', inputSchema: schema, outputSchema: z.any() }).then(step).commit();
  assert.equal((await (await workflow().createRun()).start({ inputData: { env: 'staging' } })).status, 'failed');
  assert.deepEqual(ran, []);
  const result = await acting(actorOf(), async () => (await workflow().createRun()).start({ inputData: { env: 'staging' } }));
  assert.equal(result.status, 'success');
  const refusedRun = await acting(actorOf(), async () => (await workflow().createRun()).start({ inputData: { env: 'production' } }));
  assert.equal(refusedRun.status, 'failed');
  assert.ok(refusedRun.error.message.includes('denied: argument-refused'), refusedRun.error.message);
  assert.equal((await acting(actorOf(), () => deploy.execute({ env: 'staging' }, {}))).by, 'coder');
  assert.equal(ran.length, 2);
});

test('a call that needs approval suspends: a person sees what is signed, and only a signature resumes it', async () => {
  const ran = [];
  const { verifier, records } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
  const deploy = deployer(ran, verifier);
  const actor = actorOf();
  const start = async () => {
    const agent = agentWith({ deploy }, [deploys('staging'), 'done']);
    stored({ agent });
    const stream = await acting(actor, () => agent.stream('deploy'));
    const waiting = [];
    for await (const chunk of stream.fullStream) if (chunk.type === 'tool-call-suspended') waiting.push(chunk.payload);
    const resume = async (data, as = actor) => {
      const resumed = await acting(as, () => agent.resumeStream(data, { runId: stream.runId, toolCallId: waiting[0].toolCallId }));
      const seen = [];
      for await (const chunk of resumed.fullStream) seen.push(chunk.type);
      return seen;
    };
    return { agent, resume, payload: waiting[0].suspendPayload };
  };
  const good = await start();
  assertNoCredentials(good.payload);
  const shown = [];
  const approver = new Approver(bo, { ask: (request) => { shown.push(request.text); return true; } });
  const approved = await answer(good.payload, actor, approver);
  assert.deepEqual(shown, [good.payload.text]);
  assert.ok((await good.resume(approved)).includes('tool-result'));
  assert.deepEqual([ran.length, ran[0].input, ran[0].resumed], [1, { env: 'staging', replicas: 1 }, undefined]);

  for (const wrong of [{ approvals: [] }, { approvals: ['x'] }, { approved: true }, await answer((await start()).payload, actor, new Approver(mallory, { ask: () => true })), approved]) {
    const { resume } = await start();
    const seen = await resume(wrong);
    assert.ok(!seen.includes('tool-result'), JSON.stringify(wrong));
  }
  const other = await start();
  assert.ok(!(await other.resume(await answer(other.payload, actor, approver), null)).includes('tool-result'));
  const no = await start();
  await no.resume(await answer(no.payload, actor, new Approver(bo, { ask: () => false })));
  assert.ok(no.agent.model.prompts.at(-1).includes('approval-denied'));
  await assert.rejects(answer({ ...other.payload, request_id: '0'.repeat(32) }, actor, approver), { code: 'approval-required' });
  shown.length = 0;
  await answer({ ...other.payload, text: 'harmless', arguments: { env: 'test' } }, actor, approver);
  assert.deepEqual(shown, [other.payload.text]);
  assert.equal(ran.length, 1);
  assert.equal(codes(records).filter((code) => code === 'allowed').length, 1);
});

test('an approver can be asked at once, and requireApproval of Mastra approves nothing by itself', async () => {
  const ran = [];
  const { verifier } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
  const answers = [true, false];
  const deploy = deployer(ran, verifier, { approver: new Approver(bo, { ask: () => answers.shift() }) });
  const agent = agentWith({ deploy }, [deploys('staging', 'test'), 'done']);
  await acting(actorOf(), () => agent.generate('x', { toolCallConcurrency: 1 }));
  assert.deepEqual(ran.map((one) => one.input.env), ['staging']);
  const asks = agentWith({ deploy: deployer(ran, verifier, {}, { requireApproval: true }) }, [deploys('staging'), 'done']);
  stored({ asks });
  const stream = await acting(actorOf(), () => asks.stream('x'));
  for await (const chunk of stream.fullStream) void chunk;
  const approved = await acting(actorOf(), () => asks.approveToolCall({ runId: stream.runId }));
  const seen = [];
  for await (const chunk of approved.fullStream) seen.push(chunk.type);
  assert.ok(seen.includes('tool-call-suspended') && !seen.includes('tool-result'), seen.join());
  assert.equal(ran.length, 1);
});

test('a supervisor hands over a narrower token; a sub-agent without a declaration acts as nobody', async () => {
  const ran = [];
  const { verifier, records } = verifierOf();
  const deploy = deployer(ran, verifier);
  const sub = (id) => new Agent({ id, name: id, description: id, instructions: 'x', model: scripted([deploys('staging', 'test'), 'sub done']), tools: { deploy } });
  const agents = { coder: sub('coder'), stranger: sub('stranger') };
  const model = scripted([[['agent-coder', { prompt: 'go' }], ['agent-stranger', { prompt: 'go' }]], 'done']);
  const boss = new Agent({ id: 'boss', name: 'boss', instructions: 'x', model, agents, tools: { deploy } });
  supervise(boss, { coder: new SubAgent(coder, { deploy: { env: 'staging', replicas: 1 }, read: {} }) });
  for (const way of ['generate', 'stream']) {
    model.prompts.length = 0;
    for (const one of Object.values(agents)) one.model.prompts.length = 0;
    ran.length = records.length = 0;
    const result = await acting(actorOf(planner), () => boss[way]('go'));
    assert.equal(await result.text, 'done');
    assert.deepEqual(ran.map((one) => [one.input.env, one.who, one.for]), [['staging', 'coder', 'ana']]);
    assert.deepEqual(codes(records).sort(), ['allowed', 'argument-refused', 'proof-missing', 'proof-missing']);
    assertNoCredentials([model, agents.coder.model, agents.stranger.model].flatMap((one) => one.prompts).join());
  }
  assert.equal(currentActorOrNone(), undefined);
  await boss.generate('go');
  assert.equal(ran.length, 1);
});

test('a fork of a supervisor, as of another version of it, hands over as it does', async () => {
  const ran = [];
  const { verifier, records } = verifierOf();
  const deploy = deployer(ran, verifier);
  const sub = new Agent({ id: 'coder', name: 'coder', description: 'codes', instructions: 'x', model: scripted([deploys('staging', 'test'), 'sub done']), tools: { deploy } });
  const boss = new Agent({ id: 'boss', name: 'boss', instructions: 'x', model: scripted([[['agent-coder', { prompt: 'go' }]], 'done']), agents: { coder: sub } });
  supervise(boss, { coder: new SubAgent(coder, { deploy: { env: 'staging', replicas: 1 } }) });
  await acting(actorOf(planner), () => boss.__fork().__fork().generate('go'));
  assert.deepEqual(ran.map((one) => [one.input.env, one.who]), [['staging', 'coder']]);
  assert.deepEqual(codes(records).sort(), ['allowed', 'argument-refused']);
});

test('a call of a sub-agent that needs approval suspends the supervisor, and goes on with the token that was approved', async () => {
  const ran = [];
  const { verifier } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
  const deploy = deployer(ran, verifier);
  const sub = new Agent({ id: 'coder', name: 'coder', description: 'codes', instructions: 'x', model: scripted([deploys('staging'), 'sub done']), tools: { deploy } });
  const boss = new Agent({ id: 'boss', name: 'boss', instructions: 'x', model: scripted([[['agent-coder', { prompt: 'go' }]], 'done']), agents: { coder: sub } });
  stored({ boss });
  supervise(boss, { coder: new SubAgent(coder, { deploy: { env: 'staging', replicas: 1 } }) });
  const actor = actorOf(planner);
  const stream = await acting(actor, () => boss.stream('go'));
  const waiting = [];
  for await (const chunk of stream.fullStream) if (chunk.type === 'tool-call-suspended') waiting.push(chunk.payload);
  const approved = await answer(waiting[0].suspendPayload, actor, new Approver(bo, { ask: () => true }));
  const resumed = await acting(actor, () => boss.resumeStream(approved, { runId: stream.runId, toolCallId: waiting[0].toolCallId }));
  for await (const chunk of resumed.fullStream) void chunk;
  assert.deepEqual(ran.map((one) => [one.input.env, one.who]), [['staging', 'coder']]);
});

const currentActorOrNone = () => { try { return currentActor(); } catch { return undefined; } };

test('in a network the sub-agents act as in a supervisor', async () => {
  const ran = [];
  const { verifier, records } = verifierOf();
  const deploy = deployer(ran, verifier);
  for (const [name, expected] of [['coder', ['allowed', 'argument-refused']], ['stranger', ['proof-missing', 'proof-missing']]]) {
    const sub = new Agent({ id: name, name, description: name, instructions: 'x', model: scripted([deploys('staging', 'test'), 'sub done']), tools: { deploy } });
    const said = [JSON.stringify({ primitiveId: name, primitiveType: 'agent', prompt: 'go', selectionReason: 'it can' }), JSON.stringify({ isComplete: true, completionReason: 'done', finalResult: 'done' })];
    const boss = new Agent({ id: 'boss', name: 'boss', instructions: 'x', model: scripted(said), agents: { [name]: sub }, memory: new MockMemory() });
    stored({ boss });
    supervise(boss, name === 'coder' ? { coder: new SubAgent(coder, { deploy: { env: 'staging', replicas: 1 } }) } : {});
    records.length = 0;
    await acting(actorOf(planner), async () => {
      const stream = await boss.network('go', { maxSteps: 1, memory: { thread: 't', resource: 'r' } });
      for await (const chunk of stream) void chunk;
    });
    assert.deepEqual(codes(records).sort(), expected, name);
  }
  assert.deepEqual(ran.map((one) => one.who), ['coder']);
});

test('what a tool starts acts as nobody, unless it is declared', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const deploy = deployer(ran, verifier);
  const inner = () => agentWith({ deploy }, [deploys('staging'), 'done']);
  const ask = (id) => createTool({ id, description: 'asks', inputSchema: z.object({}), execute: async () => ({ text: (await inner().generate('x')).text }) });
  const tools = guard({ helper: ask('helper'), sneak: ask('sneak') }, verifier, { subAgents: { helper: new SubAgent(coder, { deploy: { env: 'staging', replicas: 1 } }) } });
  const agent = agentWith(tools, [[['helper', {}], ['sneak', {}]], 'done']);
  await acting(actorOf(planner, { ...TOOLS, helper: {}, sneak: {} }), () => agent.generate('x'));
  assert.deepEqual(ran.map((one) => one.who), ['coder']);
});

test('fifty runs at once, each as itself, and each with parallel calls', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const deploy = deployer(ran, verifier);
  const results = await Promise.all(Array.from({ length: 50 }, (_, at) => {
    const who = [coder, bo, planner][at % 3];
    const agent = agentWith({ deploy }, [deploys('staging', 'test'), 'done']);
    return acting(actorOf(who), async () => {
      await sleep(at % 5);
      const { steps } = await agent.generate('x');
      return JSON.stringify(steps).includes(`"by":"${who.name}"`) && !['coder', 'bo', 'planner'].some((name) => name !== who.name && JSON.stringify(steps).includes(`"by":"${name}"`));
    });
  }));
  assert.ok(results.every(Boolean));
  assert.equal(ran.length, 100);
});

test('what cannot be guarded is refused at start', () => {
  const { verifier } = verifierOf();
  const tool = () => deployer([]);
  const elsewhere = createTool({ id: 'x', description: 'runs in the browser', inputSchema: schema });
  for (const wrong of [elsewhere, { a: tool(), b: elsewhere }, { a: { id: 'a', execute() {} } }, agentWith({}, ['x']), null, [tool()], 'deploy']) assert.throws(() => guard(wrong, verifier), { code: 'config-invalid' });
  const once = guard(tool(), verifier);
  assert.throws(() => guard(once, verifier), { code: 'config-invalid' });
  assert.throws(() => { once.execute = async () => 'free'; }, TypeError);
  for (const options of [{ context: 'x' }, { approver: bo }, { subAgents: { deploy: coder } }, { subAgents: { other: new SubAgent(coder, {}) } }, { challenge: () => 1 }]) assert.throws(() => guard(tool(), verifier, options), { code: 'config-invalid' }, JSON.stringify(Object.keys(options)));
  assert.throws(() => guard(tool(), {}), { code: 'config-invalid' });
  const boss = new Agent({ id: 'b', name: 'b', instructions: 'x', model: scripted(['x']), agents: { coder: agentWith({}, ['x']) } });
  assert.throws(() => supervise(boss, { codr: new SubAgent(coder, {}) }), { code: 'config-invalid' });
  assert.throws(() => supervise({}, {}), { code: 'config-invalid' });
  assert.throws(() => supervise(supervise(boss, {}), {}), { code: 'config-invalid' });
  assert.throws(() => guardServer({}, verifier), { code: 'config-invalid' });
});

test('an MCPServer verifies what an MCPClient signs, before schemas add anything; executeTool is no way around', async (t) => {
  const ran = [];
  const { verifier, records } = verifierOf();
  const server = guardServer(new MCPServer({ id: 's', name: 's', version: '1', tools: { deploy: deployer(ran) } }), verifier, { acceptArgument: true });
  const http = createServer((request, response) => void server.startHTTP({ url: new URL(request.url, 'http://127.0.0.1'), httpPath: '/mcp', req: request, res: response }));
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => { http.closeAllConnections(); http.close(); });
  const url = new URL(`http://127.0.0.1:${http.address().port}/mcp`);
  const clients = [];
  t.after(() => Promise.all(clients.map((one) => one.disconnect())));
  const use = async (actor, options) => {
    const client = new MCPClient({ id: `c${clients.length}`, servers: { deployer: { url, ...(actor && { fetch: signingFetch(currentActor, AUDIENCE, options) }) } } });
    clients.push(client);
    return acting(actor, async () => (await client.listTools()).deployer_deploy ?? (await client.listTools()).deploy);
  };
  for (const carry of ['metadata', 'header', 'argument']) {
    const tool = await use(actorOf(), { carry });
    const agent = agentWith({ deploy: tool }, [[['deploy', { env: 'staging' }], ['deploy', { env: 'production' }]], 'done']);
    await acting(actorOf(), () => agent.generate('x'));
    assert.ok(agent.model.prompts.at(-1).includes('denied: argument-refused'), agent.model.prompts.at(-1));
    assertNoCredentials(agent.model.prompts.join());
  }
  assert.deepEqual(ran.map((one) => [one.input, one.who]), Array(3).fill([{ env: 'staging', replicas: 1 }, 'coder']));
  assert.equal(codes(records).filter((code) => code === 'allowed').length, 3);
  const plain = agentWith({ deploy: await use(null) }, [deploys('staging'), 'done']);
  await plain.generate('x');
  assert.ok(plain.model.prompts.at(-1).includes('denied: proof-missing'));
  await assert.rejects(server.executeTool('deploy', { env: 'staging' }), { code: 'proof-missing' });
  assert.equal(ran.length, 3);
  const started = Object.assign(new MCPServer({ id: 'x', name: 'x', version: '1', tools: {} }), { stdioInstance: {} });
  assert.throws(() => guardServer(started, verifier), { code: 'config-invalid' });
  assert.throws(() => guardServer(server, verifier), { code: 'config-invalid' });
});

test('the example and the guide tell their story', () => {
  const files = { 'scripted.mjs': example('scripted.mjs') };
  const story = run({ ...files, 'mastra.mjs': example('mastra.mjs') });
  assert.match(story, /ALLOW coder called read_file for ana/);
  assert.match(story, /DENY tool-not-allowed: coder called deploy/);
  assert.match(story, /DENY approval-required: planner called deploy[^]*bo is shown:\n {2}approval request[^]*ALLOW planner called deploy[^]*result: production, deployed by planner for ana\n$/);
  const [program] = snippets('mastra.md', '## Mastra');
  assert.equal(run({ ...files, 'model.mjs': MODEL, 'guide.mjs': program }), 'staging for ana\ndone\n');
});
