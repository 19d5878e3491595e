// row: {"framework": "A2A", "language": "Node", "package": "@a2a-js/sdk", "extra": "a2a", "guards": "methods of a request handler; signs the calls of a client", "carries": "message metadata; header for other methods", "approvals": "denial with a request"}
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { test } from 'node:test';
import { Role, SendMessageRequest } from '@a2a-js/sdk';
import { ClientFactory, ClientFactoryOptions, JsonRpcTransportFactory, RestTransportFactory } from '@a2a-js/sdk/client';
import { AgentEvent, DefaultRequestHandler, InMemoryTaskStore } from '@a2a-js/sdk/server';
import { jsonRpcHandler, restHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import express from 'express';
import { acting, Actor, Agent, anything, ApprovalPolicy, ApprovalRequest, currentActor, optional, Verifier } from 'deputize';
import { caller, EXTENSION, guard, META_KEY, signCalls } from 'deputize/a2a';
import { listening } from './support/http-suite.mjs';
import { example, run, snippets } from './support/running.mjs';

const AUDIENCE = 'https://translator.example';
const METHODS = { SendMessage: 'translate', SendStreamingMessage: 'translate', GetTask: 'look' };
const TOOLS = { translate: { message: anything(), configuration: optional(anything()) }, look: { id: anything(), historyLength: optional(anything()) } };
let count = 0;
const message = (text, more = {}) => ({
  messageId: `m-${(count += 1)}`, contextId: '', taskId: '', role: Role.ROLE_USER, metadata: undefined, extensions: [], referenceTaskIds: [],
  parts: [{ content: { $case: 'text', value: text }, metadata: undefined, filename: '', mediaType: '' }], ...more,
});
const request = (text, more) => ({ tenant: '', message: message(text, more), configuration: undefined, metadata: undefined });

function makeWorld(given) {
  const [ana, coder] = ['ana', 'coder'].map((name) => Agent.generate(name));
  const records = [];
  const verifier = new Verifier({ trust: ana, audience: AUDIENCE, audit: (record) => void records.push(record), ...given });
  const ran = [];
  const executor = {
    async execute(context, bus) {
      await null;
      const text = context.userMessage.parts[0].content.value;
      ran.push([caller().caller, text]);
      assert.ok(!JSON.stringify(context.userMessage).includes(META_KEY));
      const { contextId, taskId } = context;
      if (text === 'task') {
        bus.publish(AgentEvent.task({ id: taskId, contextId, status: { state: 6, message: undefined, timestamp: undefined }, artifacts: [], history: [context.userMessage], metadata: undefined }));
      } else {
        bus.publish(AgentEvent.message(message(`${caller().caller}: ${text}`, { role: Role.ROLE_AGENT, contextId })));
      }
      bus.finished();
    },
    async cancelTask() {
      ran.push(['cancel']);
    },
  };
  return { ana, coder, records, verifier, ran, executor, actor: new Actor(coder, ana.issue({ to: coder, tools: TOOLS })) };
}

const makeCard = (url, binding) => ({
  name: 'translator', description: 'translates', version: '1', provider: undefined, documentationUrl: undefined, iconUrl: undefined,
  capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
  securitySchemes: {}, securityRequirements: [], defaultInputModes: ['text/plain'], defaultOutputModes: ['text/plain'], signatures: [],
  skills: [], supportedInterfaces: [{ url, protocolBinding: binding, protocolVersion: '1.0', tenant: '' }],
});

async function serve(world, binding) {
  const app = express();
  const { url, close } = await listening(http.createServer(app));
  const card = makeCard(url, binding);
  const requestHandler = guard(new DefaultRequestHandler(card, new InMemoryTaskStore(), world.executor), world.verifier, card, METHODS);
  const handler = binding === 'JSONRPC' ? jsonRpcHandler : restHandler;
  app.use(handler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));
  const connect = (...interceptors) =>
    new ClientFactory(
      ClientFactoryOptions.createFrom(ClientFactoryOptions.default, {
        transports: [new JsonRpcTransportFactory(), new RestTransportFactory()],
        clientConfig: { interceptors },
      }),
    ).createFromAgentCard(card);
  return { connect, close, url };
}

async function send(client, given, streaming) {
  const sent = typeof given === 'string' ? request(given) : given;
  if (!streaming) return (await client.sendMessage(sent)).parts?.[0].content.value;
  let last;
  for await (const event of client.sendMessageStream(sent)) last = event;
  return last.payload.value.parts[0].content.value;
}

const WITH_EXTENSION = { serviceParameters: { 'A2A-Extensions': EXTENSION } };

for (const [binding, streaming] of [['JSONRPC', false], ['JSONRPC', true], ['HTTP+JSON', false], ['HTTP+JSON', true]]) {
  test(`A2A: a signed message runs and no other: ${binding}${streaming ? ', streaming' : ''}`, async () => {
    const world = makeWorld();
    const { connect, close } = await serve(world, binding);
    try {
      const other = Agent.generate('other');
      const foreign = new Actor(world.coder, other.issue({ to: world.coder, tools: TOOLS }));
      const narrow = new Actor(world.coder, world.ana.issue({ to: world.coder, tools: { look: { id: anything() } } }));
      const bare = { before: async (args) => void (args.options = { ...args.options, serviceParameters: { ...args.options?.serviceParameters, ...WITH_EXTENSION.serviceParameters } }), after: async () => {} };
      for (const [interceptor, code] of [
        [bare, /proof-missing/],
        [signCalls(world.actor, 'https://other.example', METHODS), /audience-mismatch/],
        [signCalls(foreign, AUDIENCE, METHODS), /issuer-untrusted/],
        [signCalls(narrow, AUDIENCE, METHODS), /tool-not-allowed/],
        [signCalls(world.actor, AUDIENCE, { ...METHODS, SendMessage: 'look', SendStreamingMessage: 'look' }), /proof-mismatch/],
      ]) {
        await assert.rejects(send(await connect(interceptor), 'hi', streaming), code);
      }
      await assert.rejects(send(await connect(), 'hi', streaming));
      assert.deepEqual(world.ran, []);
      const client = await connect(signCalls(world.actor, AUDIENCE, METHODS));
      assert.equal(await send(client, 'hi', streaming), 'coder: hi');
      // The same request again is another attempt.
      const again = request('twice');
      for (let round = 0; round < 2; round += 1) assert.equal(await send(client, again, streaming), 'coder: twice');
      assert.equal(again.message.metadata, undefined);
      assert.equal(world.ran.length, 3);
      assert.equal(world.records.filter((record) => record.kind === 'outcome').length, 3);
    } finally {
      await close();
    }
  });
}

test('A2A: what was signed is the whole request and is good once', async () => {
  const world = makeWorld();
  const { connect, close } = await serve(world, 'JSONRPC');
  try {
    let change;
    const changing = { before: async (args) => change(args.input), after: async () => {} };
    const client = await connect(signCalls(world.actor, AUDIENCE, METHODS), changing);
    for (const [made, code] of [
      [({ value }) => (value.message.parts[0].content.value = 'other'), /proof-mismatch/],
      [({ value }) => (value.message.metadata.more = 1), /proof-mismatch/],
      [({ value }) => (value.metadata = { more: 1 }), /proof-mismatch/],
      [({ value }) => (value.configuration = { ...value.configuration, acceptedOutputModes: ['a/b'] }), /proof-mismatch/],
      [({ value }) => (value.message.metadata[META_KEY] = 5), /malformed/],
    ]) {
      change = made;
      await assert.rejects(send(client, 'hi'), code);
    }
    assert.deepEqual(world.ran, []);
    let kept;
    change = (input) => void (kept = structuredClone(input.value));
    assert.equal(await send(client, 'hi'), 'coder: hi');
    change = (input) => void (input.value = kept);
    await assert.rejects(send(client, 'hi'), /proof-replayed/);
    assert.equal(world.ran.length, 1);
  } finally {
    await close();
  }
});

test('A2A: other methods are tools too, and those without a name are not served', async () => {
  for (const binding of ['JSONRPC', 'HTTP+JSON']) {
    const world = makeWorld();
    const { connect, close } = await serve(world, binding);
    try {
      const client = await connect(signCalls(world.actor, AUDIENCE, METHODS));
      const bare = await connect();
      const task = await client.sendMessage(request('task'));
      assert.ok(!JSON.stringify(task).includes(META_KEY));
      const look = { tenant: '', id: task.id, historyLength: undefined };
      assert.equal((await client.getTask(look)).id, task.id);
      await assert.rejects(bare.getTask(look), /proof-missing/);
      for (const each of [client, bare]) await assert.rejects(each.cancelTask({ tenant: '', id: task.id, metadata: undefined }), /not served here: CancelTask/);
      assert.deepEqual(world.ran, [['coder', 'task']]);
    } finally {
      await close();
    }
  }
});

test('A2A: what is too deep is refused, however deep it is', async () => {
  const world = makeWorld();
  const { connect, close, url } = await serve(world, 'JSONRPC');
  try {
    await connect();
    for (const depth of [20, 100, 40_000]) {
      const data = `${'['.repeat(depth)}${']'.repeat(depth)}`;
      const body = `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"data":${data}}]}}}`;
      const headers = { 'Content-Type': 'application/json', 'A2A-Version': '1.0', ...WITH_EXTENSION.serviceParameters };
      const { error } = await (await fetch(url, { method: 'POST', body, headers })).json();
      assert.match(error.message, /too-deep/);
    }
    assert.deepEqual(world.ran, []);
  } finally {
    await close();
  }
});

test('A2A: fifty sessions at once are fifty callers', async () => {
  const world = makeWorld();
  const { connect, close } = await serve(world, 'JSONRPC');
  try {
    const client = await connect(signCalls(currentActor, AUDIENCE, METHODS));
    await assert.rejects(send(client, 'hi'), (error) => error.code === 'proof-missing');
    const agents = Array.from({ length: 50 }, (_, number) => Agent.generate(`agent-${number}`));
    await Promise.all(
      agents.flatMap((agent) =>
        [false, true].map((streaming) =>
          acting(new Actor(agent, world.ana.issue({ to: agent, tools: TOOLS })), async () => assert.equal(await send(client, 'hi', streaming), `${agent.name}: hi`)),
        ),
      ),
    );
    assert.equal(world.ran.length, 100);
  } finally {
    await close();
  }
});

test('A2A: an approval is asked for and signed beside the next attempt', async () => {
  const [bo, mallory] = ['bo', 'mallory'].map((name) => Agent.generate(name));
  const world = makeWorld({ approvals: new ApprovalPolicy(1, [bo]) });
  const { connect, close } = await serve(world, 'JSONRPC');
  try {
    let [approvers, seen] = [[], undefined];
    const evidence = (tool, args) => {
      seen = new ApprovalRequest(world.actor.chain, tool, args, AUDIENCE);
      return approvers.map((approver) => approver.approve(seen));
    };
    const client = await connect(signCalls(world.actor.withEvidence(evidence), AUDIENCE, METHODS));
    const given = request('hi');
    await assert.rejects(send(client, given), /approval-required/);
    assert.match(seen.text, /hi/);
    approvers = [mallory];
    await assert.rejects(send(client, given), /approv/);
    assert.deepEqual(world.ran, []);
    approvers = [bo];
    assert.equal(await send(client, given), 'coder: hi');
  } finally {
    await close();
  }
});

test('A2A: what cannot be guarded is refused at the start', () => {
  const world = makeWorld();
  const card = makeCard('http://127.0.0.1', 'JSONRPC');
  const handler = new DefaultRequestHandler(card, new InMemoryTaskStore(), world.executor);
  for (const make of [
    () => guard({}, world.verifier, card, METHODS),
    () => guard(undefined, world.verifier, card, METHODS),
    () => guard(handler, {}, card, METHODS),
    () => guard(handler, world.verifier, {}, METHODS),
    () => guard(handler, world.verifier, card, { 'message/send': 'translate' }),
    () => guard(handler, world.verifier, card, METHODS, { unguarded: ['GetTask'] }),
    () => guard(handler, world.verifier, card, METHODS, { unguarded: ['Nothing'] }),
    () => guard(handler, world.verifier, card, METHODS, { context: 5 }),
    () => guard(guard(handler, world.verifier, card, METHODS), world.verifier, card, METHODS),
    () => signCalls({}, AUDIENCE, METHODS),
    () => signCalls(world.actor, undefined, METHODS),
    () => signCalls(world.actor, AUDIENCE, { Nothing: 'x' }),
  ]) {
    assert.throws(make, (error) => error.code === 'config-invalid' || error.code === 'name-invalid');
  }
  assert.deepEqual(card.capabilities.extensions.map(({ uri, required }) => [uri, required]), [[EXTENSION, true]]);
});

test('A2A: a request is the same arguments in both languages', async () => {
  for (const given of JSON.parse(readFileSync(new URL('../../http/a2a-requests.json', import.meta.url)))) {
    let signed;
    const actor = new Actor(...(() => {
      const [ana, coder] = ['ana', 'coder'].map((name) => Agent.generate(name));
      return [coder, ana.issue({ to: coder, tools: TOOLS }), { evidence: (tool, args) => void (signed = args) }];
    })());
    const input = { method: 'sendMessage', value: SendMessageRequest.fromJSON(given.request) };
    await signCalls(actor, AUDIENCE, METHODS).before({ input });
    assert.deepEqual(signed, given.arguments, given.name);
    assert.notEqual(input.value.message.metadata[META_KEY], 'AA');
  }
});

test('A2A: a stream that nobody reads to its end is wound up as the call that it is', async () => {
  const world = makeWorld();
  const card = makeCard('https://translator.example', 'JSONRPC');
  class Handler extends DefaultRequestHandler {
    async *sendMessageStream() {
      try {
        for (;;) yield { payload: undefined };
      } finally {
        world.ran.push(caller().caller);
      }
    }
  }
  const handler = guard(new Handler(card, new InMemoryTaskStore(), world.executor), world.verifier, card, METHODS);
  const args = { input: { method: 'sendMessageStream', value: request('hi') } };
  await signCalls(world.actor, AUDIENCE, METHODS).before(args);
  for await (const one of handler.sendMessageStream(args.input.value, {})) if (one !== undefined) break;
  assert.deepEqual(world.ran, ['coder']);
  assert.match(world.records.at(-1).json(), /cancelled/);
});

test('A2A: the guide and the example run as they are written', () => {
  assert.deepEqual(run(`${snippets('http.md', '## A2A')[0]}\nconsole.log(Object.keys(TOOLS).join(), typeof guarded, typeof interceptors);`), ['SendMessage,SendStreamingMessage function function']);
  assert.deepEqual(run(example('a2a.mjs')), [
    'without a proof: proof-missing',
    'planner for ana: 2 words',
    'coder, whom the planner asked: 3 words',
    'coder, a longer text: argument-refused',
  ]);
});
