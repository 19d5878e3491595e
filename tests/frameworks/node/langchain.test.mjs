// row: {"framework": "LangChain.js", "language": "Node", "package": "langchain", "extra": "langchain", "guards": "tools of createAgent, of a ToolNode, and alone", "carries": "in process", "approvals": "interrupt, or an approver"}
// row: {"framework": "LangGraph.js", "language": "Node", "package": "@langchain/langgraph", "extra": "langchain", "guards": "tools of a ToolNode; sub-agents as nodes of a graph", "carries": "in process", "approvals": "interrupt, or an approver"}
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { DynamicTool, tool } from '@langchain/core/tools';
import { Command, MemorySaver, MessagesAnnotation, START, StateGraph, interrupt } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { ApprovalPolicy, Approver, SubAgent, acting, anything } from 'deputize';
import { answer, caller, guard, actingAs, onlyGuarded } from 'deputize/langchain';
import { createAgent, createMiddleware } from 'langchain';
import { z } from 'zod';
import { TOOLS, actorOf, assertNoCredentials, bo, coder, example, mallory, planner, run, snippets, thief, verifierOf } from './support/cast.mjs';

const codes = (records) => records.map((record) => record.code).filter(Boolean);
const deploys = (...environments) => environments.map((env) => ['deploy', { env }]);

/** A model that says what a script says, and keeps what it was told. */
class Scripted extends BaseChatModel {
  constructor(turns) {
    super({});
    Object.assign(this, { turns, prompts: [] });
  }

  _llmType() {
    return 'scripted';
  }

  bindTools() {
    return this;
  }

  async _generate(messages) {
    this.prompts.push(JSON.stringify(messages));
    const answered = messages.filter((one) => one.getType() === 'ai').length;
    const said = this.turns[Math.min(answered, this.turns.length - 1)];
    const calls = typeof said === 'string' ? [] : said.map(([name, args], at) => ({ name, args, id: `call-${answered}-${at}`, type: 'tool_call' }));
    const message = new AIMessage({ content: typeof said === 'string' ? said : '', tool_calls: calls });
    return { generations: [{ text: '', message }] };
  }
}

function deployer(ran, verifier, options) {
  const deploy = tool(async (input) => {
    await sleep(1);
    ran.push({ input, who: caller().caller, for: caller().onBehalfOf });
    return `${input.env} by ${caller().caller}`;
  }, { name: 'deploy', description: 'deploys', schema: z.object({ env: z.string(), replicas: z.coerce.number().default(1) }) });
  return verifier ? guard(deploy, verifier, options) : deploy;
}

const agentWith = (tools, turns, more = {}) => {
  const model = new Scripted(turns);
  return Object.assign(createAgent({ model, tools, ...more }), { scripted: model });
};
const asked = { messages: [new HumanMessage('deploy')] };
const toolMessages = (result) => result.messages.filter((one) => one.getType() === 'tool');

const ways = {
  invoke: (agent) => agent.invoke(asked),
  stream: async (agent) => { let last; for await (const state of await agent.stream(asked, { streamMode: 'values' })) last = state; return last; },
};

for (const [name, way] of Object.entries(ways)) {
  test(`an agent's tools run for whoever acts, and what is refused never runs: ${name}`, async () => {
    const ran = [];
    const { verifier, records } = verifierOf();
    const agent = agentWith([deployer(ran, verifier)], [deploys('staging', 'production', 'test'), 'done'], { middleware: [createMiddleware({ name: 'only', wrapToolCall: onlyGuarded })] });
    const result = await acting(actorOf(), () => way(agent));
    assert.deepEqual(ran.map((one) => [one.input, one.who, one.for]), [[{ env: 'staging', replicas: 1 }, 'coder', 'ana'], [{ env: 'test', replicas: 1 }, 'coder', 'ana']]);
    assert.deepEqual(codes(records).sort(), ['allowed', 'allowed', 'argument-refused']);
    const told = toolMessages(result);
    assert.deepEqual(told.map((one) => one.status === 'error'), [false, true, false]);
    assert.match(told[1].content, /^denied: argument-refused: .* stay within the constraint/);
    assert.equal(told[1].artifact.code, 'argument-refused');
    assertNoCredentials(agent.scripted.prompts.join());
  });
}

test('what was decided about is what was called, before the schema adds or coerces anything', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const attempt = async (actor, args) => {
    const agent = agentWith([deployer(ran, verifier)], [[['deploy', args]], 'done']);
    const [told] = toolMessages(await acting(actor, () => agent.invoke(asked)));
    return /(?:denied|refused): ([a-z-]+):/.exec(told.content)?.[1];
  };
  assert.equal(await attempt(null, { env: 'staging' }), 'proof-missing');
  assert.equal(await attempt(thief(), { env: 'staging' }), 'holder-mismatch');
  assert.equal(await attempt(actorOf(), { env: 'staging', replicas: '2' }), 'argument-refused');
  assert.equal(await attempt(actorOf(coder, { read: {} }), { env: 'staging' }), 'tool-not-allowed');
  assert.deepEqual(ran, []);
  assert.equal(await attempt(actorOf(coder, { deploy: { env: 'staging' } }), { env: 'staging' }), undefined);
  assert.deepEqual(ran.map((one) => one.input), [{ env: 'staging', replicas: 1 }]);
});

test('arguments that look like a call are the arguments: nothing within them is run in their place', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const deploy = guard(tool(async (input) => void ran.push(input), { name: 'deploy', description: 'deploys', schema: z.looseObject({ env: z.string() }) }), verifier);
  const hidden = { type: 'tool_call', env: 'staging', args: { env: 'production' } };
  await acting(actorOf(coder, { deploy: { env: 'staging', '*': anything() } }), async () => {
    for (const args of [hidden, { ...hidden, id: '1', name: 'deploy' }]) {
      await agentWith([deploy], [[['deploy', args]], 'done']).invoke(asked);
      assert.deepEqual(ran.splice(0), [args]);
      await deploy.call({ type: 'tool_call', args: { env: 'staging', inner: args } }).catch(() => {});
      assert.deepEqual(ran.splice(0), [{ env: 'staging', inner: args }]);
    }
    await assert.rejects(deploy.call(hidden), { code: 'argument-refused' });
  });
  assert.deepEqual(ran, []);
});

test('a guarded tool is guarded wherever it is used: alone, in a tool node, in batches and streams, as a plain tool', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const deploy = deployer(ran);
  const node = new ToolNode([deploy]);
  guard(deploy, verifier);
  const calls = [{ name: 'deploy', args: { env: 'staging' }, id: '1', type: 'tool_call' }];
  const refused = { name: 'ToolRefused', code: 'proof-missing' };
  await assert.rejects(deploy.invoke({ env: 'staging' }), refused);
  assert.equal((await deploy.invoke(calls[0])).artifact.code, 'proof-missing');
  await assert.rejects(deploy.call({ env: 'staging' }), refused);
  await assert.rejects(deploy.batch([{ env: 'staging' }]), refused);
  await assert.rejects(deploy.stream({ env: 'staging' }), refused);
  const { messages } = await node.invoke({ messages: [new AIMessage({ content: '', tool_calls: calls })] });
  assert.ok(messages[0].content.includes('denied: proof-missing'));
  assert.deepEqual(ran, []);
  const plain = guard(new DynamicTool({ name: 'read', description: 'reads', func: async (input) => `read ${input} ${caller().caller}` }), verifier);
  await acting(actorOf(), async () => {
    assert.equal(await plain.invoke('x'), 'read x coder');
    assert.equal(await deploy.invoke({ env: 'staging' }), 'staging by coder');
    assert.equal((await deploy.invoke(calls[0])).content, 'staging by coder');
    const done = await node.invoke({ messages: [new AIMessage({ content: '', tool_calls: calls })] });
    assert.equal(done.messages[0].content, 'staging by coder');
  });
  await assert.rejects(plain.invoke('x'), refused);
});

test('a call that needs approval interrupts: a person sees what is signed, and only a signature resumes it', async () => {
  const ran = [];
  const { verifier, records } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
  const actor = actorOf();
  const checkpointer = new MemorySaver();
  const agent = agentWith([deployer(ran, verifier, { interrupt })], [deploys('staging'), 'done'], { checkpointer });
  let thread = 0;
  const start = async () => {
    const config = { configurable: { thread_id: String(++thread) } };
    const { __interrupt__: [{ value }] } = await acting(actor, () => agent.invoke(asked, config));
    return { value, resume: (resume, as = actor) => acting(as, () => agent.invoke(new Command({ resume }), config)) };
  };
  const shown = [];
  const approver = new Approver(bo, { ask: (request) => { shown.push(request.text); return true; } });
  const good = await start();
  assertNoCredentials(good.value);
  const approved = await answer(good.value, actor, approver);
  assert.deepEqual(shown, [good.value.text]);
  assert.equal(toolMessages(await good.resume(approved))[0].content, 'staging by coder');
  const told = async (waiting, resume, as) => toolMessages(await waiting.resume(resume, as))[0]?.content ?? 'interrupted';
  for (const wrong of [{ approvals: ['x'] }, { approved: true }, true, await answer((await start()).value, actor, new Approver(mallory, { ask: () => true })), approved]) {
    assert.match(await told(await start(), wrong), /(denied|refused): |interrupted/);
  }
  const fresh = await start();
  assert.match(await told(fresh, await answer(fresh.value, actor, approver), null), /proof-missing/);
  const no = await start();
  assert.match(await told(no, await answer(no.value, actor, new Approver(bo, { ask: () => false }))), /approval-denied/);
  assert.equal(ran.length, 1);
  assert.equal(codes(records).filter((code) => code === 'allowed').length, 1);
  for await (const { checkpoint } of checkpointer.list({ configurable: {} })) assertNoCredentials(checkpoint);
});

test('an approver can be asked at once', async () => {
  const ran = [];
  const { verifier } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
  const approver = new Approver(bo, { ask: (request) => request.arguments.env === 'staging' });
  await acting(actorOf(), () => agentWith([deployer(ran, verifier, { approver })], [deploys('staging', 'test'), 'done']).invoke(asked));
  assert.deepEqual(ran.map((one) => one.input.env), ['staging']);
});

test('a supervisor with sub-agents as tools: each acts with what was declared for it, and as nobody without', async () => {
  const ran = [];
  const { verifier, records } = verifierOf();
  const deploy = deployer(ran, verifier);
  const sub = (name) => tool(async () => (await agentWith([deploy], [deploys('staging', 'test'), 'sub done']).invoke(asked)).messages.at(-1).content, { name, description: name, schema: z.object({}) });
  const tools = guard([sub('coder'), sub('stranger')], verifier, { subAgents: { coder: new SubAgent(coder, { deploy: { env: 'staging' } }) } });
  await acting(actorOf(planner, { ...TOOLS, coder: {}, stranger: {} }), () => agentWith(tools, [[['coder', {}], ['stranger', {}]], 'done']).invoke(asked));
  assert.deepEqual(ran.map((one) => [one.input.env, one.who, one.for]), [['staging', 'coder', 'ana']]);
  assert.deepEqual(codes(records).sort(), ['allowed', 'allowed', 'allowed', 'argument-refused', 'proof-missing', 'proof-missing']);
});

test('sub-agents as nodes of a graph: a narrower token at the hand-over, and nobody with null', async () => {
  const ran = [];
  const { verifier, records } = verifierOf();
  const deploy = deployer(ran, verifier);
  const node = () => agentWith([deploy], [deploys('staging', 'test'), 'done']);
  for (const [declared, expected] of [[new SubAgent(coder, { deploy: { env: 'staging' } }), ['allowed', 'argument-refused']], [null, ['proof-missing', 'proof-missing']]]) {
    records.length = 0;
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('supervisor', () => new Command({ goto: 'coder' }), { ends: ['coder'] })
      .addNode('coder', actingAs(node(), declared))
      .addEdge(START, 'supervisor').compile();
    await acting(actorOf(planner), () => graph.invoke(asked));
    assert.deepEqual(codes(records).sort(), expected);
  }
  assert.deepEqual(ran.map((one) => one.who), ['coder']);
});

test('fifty runs at once, each as itself, and each with parallel calls', async () => {
  const ran = [];
  const { verifier } = verifierOf();
  const deploy = deployer(ran, verifier);
  const results = await Promise.all(Array.from({ length: 50 }, (_, at) => {
    const who = [coder, bo, planner][at % 3];
    return acting(actorOf(who), async () => {
      await sleep(at % 5);
      const result = await agentWith([deploy], [deploys('staging', 'test'), 'done']).invoke(asked);
      return toolMessages(result).map((one) => one.content).join() === `staging by ${who.name},test by ${who.name}`;
    });
  }));
  assert.ok(results.every(Boolean));
  assert.equal(ran.length, 100);
});

test('what is not guarded is loud', async () => {
  const { verifier } = verifierOf();
  const free = deployer([]);
  const provider = { type: 'web_search', name: 'web_search' };
  class Own extends DynamicTool {
    async invoke(input) {
      return this.func(input);
    }
  }
  const own = new Own({ name: 'own', description: 'runs by itself', func: async () => 'ran' });
  const assigned = Object.assign(deployer([]), { invoke: async () => 'ran' });
  for (const wrong of [own, assigned, provider, [free, provider], agentWith([], ['x']), null, 'x', [[free]], [free, deployer([])]]) assert.throws(() => guard(wrong, verifier), { code: 'config-invalid' });
  const once = guard(deployer([]), verifier);
  assert.throws(() => guard([once], verifier), { code: 'config-invalid' });
  assert.throws(() => { once.call = async () => 'free'; }, TypeError);
  for (const options of [{ interrupt: true }, { interupt: interrupt }, { subAgents: { other: new SubAgent(coder, {}) } }]) assert.throws(() => guard(deployer([]), verifier, options), { code: 'config-invalid' });
  assert.throws(() => actingAs(agentWith([], ['x'])), { code: 'config-invalid' });
  assert.throws(() => actingAs({}, null), { code: 'config-invalid' });
  const agent = agentWith([free], [deploys('staging'), 'done'], { middleware: [createMiddleware({ name: 'only', wrapToolCall: onlyGuarded })] });
  await assert.rejects(acting(actorOf(), () => agent.invoke(asked)), /no guard is before the tool/);
});

test('the example and the guide tell their story', () => {
  assert.match(run({ 'langchain.mjs': example('langchain.mjs') }), /^approval request [^]*tool: production, deployed by coder for ana\nai: done\n$/);
  const [program] = snippets('mastra.md', '## LangChain.js and LangGraph.js');
  const source = example('langchain.mjs');
  const model = `${source.slice(0, source.indexOf('const [ana')).replace("env: 'production'", "env: 'staging'")}export const model = new Scripted({});\n`;
  assert.equal(run({ 'model.mjs': model, 'guide.mjs': program }), 'staging for ana\ndone\n');
});
