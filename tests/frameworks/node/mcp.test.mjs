// row: {"framework": "MCP TypeScript SDK v2", "language": "Node", "package": "@modelcontextprotocol/server", "extra": "mcp", "guards": "tools/call of a server; signs the calls of a client", "carries": "metadata, header or argument", "approvals": "approver of signCalls, elicitation, input_required"}
// row: {"framework": "MCP TypeScript SDK v1", "language": "Node", "package": "@modelcontextprotocol/sdk", "extra": "mcp", "guards": "tools/call of a server; signs the calls of a client", "carries": "metadata, header or argument", "approvals": "approver of signCalls, elicitation"}
// Both lines of the SDK, over stdio, streamable HTTP on loopback, and in memory, on both protocol revisions.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApprovalPolicy, ApprovalRequest, Approver, acting, caller, currentActor } from 'deputize';
import { DENIAL_KEY, HEADER, META_KEY, approvalForm, guard, metaFor, signCalls, signingFetch } from 'deputize/mcp';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { acceptedContent, inputRequired } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { AUDIENCE, actorOf, assertNoCredentials, bo, coder, example, mallory, run, snippets, thief, verifierOf } from './support/cast.mjs';
import { lines } from './support/mcp-lines.mjs';

const name = 'deploy';
const codeOf = (result) => {
  assert.equal(result.isError, true, JSON.stringify(result));
  return result._meta[DENIAL_KEY].code;
};

/** A server of one line, whose tool notes what it got, and of whom. */
function deployer(line, ran, options = {}, verifier = verifierOf().verifier) {
  const server = new line.McpServer({ name: 'deployer', version: '1.0.0' }, { capabilities: { tools: {} } });
  guard(server, verifier, options);
  const inputSchema = line.schema({ env: z.string(), replicas: z.coerce.number().int().default(1) });
  server.registerTool(name, { inputSchema }, async (args) => {
    await sleep(1);
    ran.push({ ...args, caller: caller().caller, onBehalfOf: caller().onBehalfOf, signed: { ...caller().arguments } });
    return { content: [{ type: 'text', text: `${caller().caller}: ${args.env} × ${args.replicas}` }] };
  });
  return server;
}

async function inMemory(t, line, server, client) {
  const [near, far] = line.InMemoryTransport.createLinkedPair();
  await server.connect(far);
  await client.connect(near);
  t.after(() => Promise.all([client.close(), server.close()]));
  return near;
}

for (const line of lines) {
  const newClient = () => new line.Client({ name: 'coder', version: '1.0.0' }, line.clientOptions);
  const signedClient = (actor = actorOf(), options = {}, audience = AUDIENCE) => signCalls(newClient(), actor, audience, options);

  async function overHttp(t, ran, options, verifier = verifierOf().verifier) {
    const http = createServer(line.httpHandler(() => deployer(line, ran, options, verifier)));
    await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
    t.after(() => { http.closeAllConnections(); http.close(); });
    const url = new URL(`http://127.0.0.1:${http.address().port}/mcp`);
    return async (client, init = {}) => {
      await client.connect(new line.StreamableHTTPClientTransport(url, init));
      t.after(() => client.close());
      return client;
    };
  }

  test(`${line.name}: allowed and denied in memory; what the tool gets has its defaults, what was signed has not`, async (t) => {
    const ran = [];
    const client = signedClient();
    await inMemory(t, line, deployer(line, ran), client);
    assert.equal((await client.callTool({ name, arguments: { env: 'staging' } })).content[0].text, 'coder: staging × 1');
    assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'production' } })), 'argument-refused');
    assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'staging', replicas: '2' } })), 'argument-refused');
    assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'staging', other: 1 } })), 'argument-unexpected');
    assert.equal(codeOf(await client.callTool({ name: 'drop', arguments: {} })), 'tool-not-allowed');
    assert.deepEqual(ran, [{ env: 'staging', replicas: 1, caller: 'coder', onBehalfOf: 'ana', signed: { env: 'staging' } }]);
  });

  test(`${line.name}: no token, another agent's, one for another server, one that was used`, async (t) => {
    const ran = [];
    for (const [client, code] of [
      [newClient(), 'proof-missing'],
      [signedClient(actorOf(), {}, 'https://other.example'), 'audience-mismatch'],
    ]) {
      await inMemory(t, line, deployer(line, ran), client);
      assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'staging' } })), code);
    }
    const stolen = signedClient(thief());
    await inMemory(t, line, deployer(line, ran), stolen);
    await assert.rejects(stolen.callTool({ name, arguments: { env: 'staging' } }), { code: 'holder-mismatch' });
    assert.deepEqual(ran, []);
    const plain = newClient();
    await inMemory(t, line, deployer(line, ran), plain);
    const _meta = await metaFor(actorOf(), name, { env: 'staging' }, AUDIENCE);
    assert.ok(!(await plain.callTool({ name, arguments: { env: 'staging' }, _meta })).isError);
    assert.equal(codeOf(await plain.callTool({ name, arguments: { env: 'staging' }, _meta })), 'proof-replayed');
    assert.equal(ran.length, 1);
  });

  test(`${line.name}: over stdio`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'deputize-frameworks-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'ran.txt');
    writeFileSync(file, '');
    const script = fileURLToPath(new URL('./support/mcp-stdio-server.mjs', import.meta.url));
    for (const [carry, signed] of [['metadata', true], ['argument', true], ['metadata', false]]) {
      const client = signed ? signedClient(actorOf(), { carry }) : newClient();
      await client.connect(new line.StdioClientTransport({ command: process.execPath, args: [script, line.name, file] }));
      t.after(() => client.close());
      await client.listTools();
      await sleep(1100); // a store refuses what is older than itself, by the second
      const result = await client.callTool({ name, arguments: { env: 'staging' } });
      if (signed) assert.equal(result.content[0].text, 'coder: staging × 1');
      else assert.equal(codeOf(result), 'proof-missing');
    }
    assert.equal(readFileSync(file, 'utf8'), 'staging\nstaging\n');
    await assert.rejects(signedClient(actorOf(), { carry: 'header' }).connect(new line.StdioClientTransport({ command: process.execPath, args: ['-e', '0'] })), { code: 'config-invalid' });
  });

  test(`${line.name}: over streamable HTTP, in each of the places, which a server reads in their order`, async (t) => {
    const ran = [];
    const start = await overHttp(t, ran, { acceptArgument: true });
    for (const carry of ['metadata', 'header', 'argument']) {
      const requests = [];
      const spy = { fetch: (url, init) => { if (init?.method === 'POST') requests.push([String(init.body), new Headers(init.headers)]); return fetch(url, init); } };
      const client = await start(signedClient(actorOf(), { carry }), spy);
      assert.equal((await client.callTool({ name, arguments: { env: 'staging' } })).content[0].text, 'coder: staging × 1', carry);
      assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'production' } })), 'argument-refused');
      const calls = requests.filter(([body]) => body.includes('"tools/call"'));
      assert.equal(calls.length, 2);
      for (const [body, headers] of calls) {
        assert.equal(headers.has(HEADER), carry === 'header');
        const { params } = JSON.parse(body);
        assert.equal(Object.hasOwn(params._meta ?? {}, META_KEY), carry === 'metadata');
        assert.equal(Object.hasOwn(params.arguments, META_KEY), carry === 'argument');
      }
      for (const [body, headers] of requests) if (!body.includes('"tools/call"')) assert.ok(!headers.has(HEADER) && !body.includes(META_KEY));
    }
    const text = async () => (await metaFor(actorOf(), name, { env: 'staging' }, AUDIENCE))[META_KEY];
    const plain = await start(newClient());
    const call = async (more, _meta) => plain.callTool({ name, arguments: { env: 'staging', ...more }, ...(_meta && { _meta }) });
    assert.ok(!(await call({ [META_KEY]: await text() })).isError);
    assert.equal(codeOf(await call({ [META_KEY]: await text() }, { [META_KEY]: '' })), 'proof-missing');
    assert.equal(codeOf(await call({ [META_KEY]: 5 })), 'malformed');
    assert.ok(!(await call({ [META_KEY]: 'x' }, { [META_KEY]: await text() })).isError);
    const byHeader = await start(newClient(), { requestInit: { headers: { [HEADER]: 'x' } } });
    assert.equal(codeOf(await byHeader.callTool({ name, arguments: { env: 'staging', [META_KEY]: await text() } })), 'text-malformed');
    assert.equal(ran.length, 5);
    assert.ok(ran.every((call) => !Object.hasOwn(call, META_KEY) && !Object.hasOwn(call.signed, META_KEY)));
  });

  test(`${line.name}: an argument is no place unless both sides say so`, async (t) => {
    const ran = [];
    const client = signedClient(actorOf(), { carry: 'argument' });
    await inMemory(t, line, deployer(line, ran), client);
    assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'staging' } })), 'proof-missing');
    assert.deepEqual(ran, []);
  });

  test(`${line.name}: an approver is asked, sees what is signed, and the call is signed afresh`, async (t) => {
    const shown = [];
    const answers = [true, false, 'yes', true];
    const approver = new Approver(bo, { ask: (request) => { shown.push(request.text); return answers.shift(); } });
    const ran = [];
    const { verifier, records } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
    for (const carry of ['metadata', 'argument']) {
      const client = signedClient(actorOf(), { approver, carry });
      await inMemory(t, line, deployer(line, ran, { acceptArgument: true }, verifier), client);
      assert.ok(!(await client.callTool({ name, arguments: { env: 'staging' } })).isError);
      assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'test' } })), carry === 'metadata' ? 'approval-denied' : 'approval-required');
      if (carry === 'metadata') assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'test' } })), 'approval-required');
    }
    assert.equal(ran.length, 2);
    assert.equal(records.filter((record) => record.code === 'allowed').length, 2);
    assert.ok(shown.every((text) => text.includes('deploy') && text.includes('ana')));
    const forged = signedClient(actorOf(), { approver: new Approver(coder, { ask: () => true }) });
    await inMemory(t, line, deployer(line, ran, {}, verifier), forged);
    assert.equal(codeOf(await forged.callTool({ name, arguments: { env: 'staging' } })), 'approval-required');
    assert.equal(ran.length, 2);
  });

  /** A client with a handler of forms, connected to a server that asks by them: on the last revision over HTTP, which answers by the result. */
  async function asked(t, ran, answer, { elicit = true, actor = actorOf(), verifier = approved(), forms = {} } = {}) {
    const client = signCalls(new line.Client({ name: 'coder', version: '1.0.0' }, { ...line.clientOptions, capabilities: answer && { elicitation: forms } }), actor, AUDIENCE);
    if (answer !== undefined) line.onForm(client, answer);
    if (line.name.endsWith('2026-07-28')) return (await overHttp(t, ran, { elicit }, verifier))(client);
    await inMemory(t, line, deployer(line, ran, { elicit }, verifier), client);
    return client;
  }
  const approved = () => verifierOf({ approvals: new ApprovalPolicy(1, [bo]) }).verifier;
  const call = { name, arguments: { env: 'staging' } };

  test(`${line.name}: a form asks for an approval`, async (t) => {
    const [ran, shown, actor] = [[], [], actorOf()];
    const approver = new Approver(bo, { ask: (request) => { shown.push(request.text); return true; } });
    const { verifier, records } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
    const client = await asked(t, ran, approvalForm(approver, AUDIENCE), { actor, verifier });
    assert.equal((await client.callTool(call)).content[0].text, 'coder: staging × 1');
    assert.deepEqual(shown, [new ApprovalRequest(actor.chain, name, call.arguments, AUDIENCE).text]);
    assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'production' } })), 'argument-refused');
    assert.ok(!(await client.callTool(call)).isError);
    assert.deepEqual([ran.length, shown.length], [2, 2]);
    assert.deepEqual(records.map((record) => record.code).filter((code) => code !== undefined), ['approval-required', 'allowed', 'argument-refused', 'approval-required', 'allowed']);
  });

  test(`${line.name}: a form over stdio`, async (t) => {
    const script = fileURLToPath(new URL('./support/mcp-stdio-server.mjs', import.meta.url));
    const client = signCalls(new line.Client({ name: 'coder', version: '1.0.0' }, { ...line.clientOptions, capabilities: { elicitation: {} } }), actorOf(), AUDIENCE);
    line.onForm(client, approvalForm(new Approver(bo, { ask: () => true }), AUDIENCE));
    await client.connect(new line.StdioClientTransport({ command: process.execPath, args: [script, line.name, devNull, 'elicit'] }));
    t.after(() => client.close());
    await sleep(1100); // a store refuses what is older than itself, by the second
    assert.equal((await client.callTool(call)).content[0].text, 'coder: staging × 1');
  });

  test(`${line.name}: only a signature answers a form`, async (t) => {
    const [ran, seen, shown, actor] = [[], [], [], actorOf()];
    const ask = (said) => new Approver(bo, { ask: (request) => { shown.push(request.text); return said; } });
    const accept = (content) => (request) => { seen.push(request.params); return { action: 'accept', content }; };
    const KEY = 'dev.deputize/approval';
    const request = new ApprovalRequest(actor.chain, name, call.arguments, AUDIENCE);
    const forged = mallory.approve(request).text;
    const another = bo.approve(new ApprovalRequest(actor.chain, name, {}, AUDIENCE)).text;
    for (const [answer, code] of [
      [accept({}), 'approval-required'],
      [accept({ approve: true }), 'approval-required'],
      ...['yes', '', 1, true].map((said) => [accept({ [KEY]: said }), 'approval-required']),
      [accept({ [KEY]: forged }), 'approver-refused'],
      [accept({ [KEY]: another }), 'approval-mismatch'],
      [accept({ [KEY]: Array(17).fill(bo.approve(request).text).join(' ') }), 'approval-required'],
      [() => ({ action: 'decline' }), 'approval-required'],
      [() => ({ action: 'cancel' }), 'approval-required'],
      [approvalForm(ask(false), AUDIENCE), 'approval-denied'],
      [approvalForm(ask('yes'), AUDIENCE), 'approval-required'],
      [approvalForm(ask(true), 'https://other.example'), 'approval-required'], // it signs for calls to one server only
    ]) assert.equal(codeOf(await (await asked(t, ran, answer, { actor })).callTool(call)), code, answer.toString());
    assert.equal(seen[0].message, request.text);
    assert.equal(seen[0].requestedSchema.properties[KEY].description, request.textForm);
    const before = seen.length;
    for (const [answer, options] of [[undefined, {}], [accept({}), { elicit: false }], [accept({}), { forms: { url: {} } }]]) {
      assert.equal(codeOf(await (await asked(t, ran, answer, { actor, ...options })).callTool(call)), 'approval-required');
    }
    assert.equal(seen.length, before);
    if (!line.name.endsWith('2026-07-28')) {
      const fails = () => { throw new Error('no window'); };
      assert.equal(codeOf(await (await asked(t, ran, fails, { actor })).callTool(call)), 'approval-required');
    }
    assert.deepEqual([ran, new Set(shown)], [[], new Set([request.text])]);
  });

  test(`${line.name}: fifty sessions at once over one client, each as itself`, async (t) => {
    const ran = [];
    const client = signedClient(currentActor);
    await inMemory(t, line, deployer(line, ran), client);
    await assert.rejects(client.callTool({ name, arguments: { env: 'staging' } }), { code: 'proof-missing' });
    const results = await Promise.all(Array.from({ length: 50 }, (_, at) => acting(actorOf(at % 2 ? coder : bo), async () => {
      await sleep(at % 7);
      return (await client.callTool({ name, arguments: { env: 'staging' } })).content[0].text;
    })));
    assert.deepEqual(results, results.map((_, at) => `${at % 2 ? 'coder' : 'bo'}: staging × 1`));
    assert.equal(ran.length, 50);
  });

  test(`${line.name}: capabilities that were declared before, and handlers that come later, are guarded`, async (t) => {
    const ran = [];
    const server = new line.Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } });
    const handle = async (request) => { ran.push(request.params.arguments); return { content: [] }; };
    line.onCall(server, handle);
    guard(server, verifierOf().verifier);
    line.onCall(server, handle);
    const client = newClient();
    await inMemory(t, line, server, client);
    assert.equal(codeOf(await client.callTool({ name, arguments: { env: 'staging' } })), 'proof-missing');
    assert.deepEqual(ran, []);
    const fallback = new line.Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } });
    guard(fallback, verifierOf().verifier).fallbackRequestHandler = handle;
    const second = newClient();
    await inMemory(t, line, fallback, second);
    assert.equal(codeOf(await second.callTool({ name, arguments: { env: 'staging' } })), 'proof-missing');
    assert.deepEqual(ran, []);
    const exchanged = guard(new line.McpServer({ name: 'x', version: '1' }), verifierOf().verifier);
    exchanged.server._requestHandlers = new Map();
    await assert.rejects(exchanged.connect(line.InMemoryTransport.createLinkedPair()[0]), { code: 'config-invalid' });
  });

  test(`${line.name}: what cannot be guarded or signed is refused at start`, () => {
    const { verifier } = verifierOf();
    for (const wrong of [newClient(), {}, null, createServer()]) assert.throws(() => guard(wrong, verifier), { code: 'config-invalid' });
    const server = () => new line.McpServer({ name: 'x', version: '1' });
    for (const options of [{ acceptArgument: 'yes' }, { accept: true }, { challenge: 'x' }, { elicit: 1 }]) assert.throws(() => guard(server(), verifier, options), { code: 'config-invalid' });
    for (const wrong of [server(), {}, undefined]) assert.throws(() => signCalls(wrong, actorOf(), AUDIENCE), { code: 'config-invalid' });
    for (const options of [{ carry: 'authorization' }, { carry: null }, { approver: bo }, { approvers: [] }]) assert.throws(() => signCalls(newClient(), actorOf(), AUDIENCE, options), { code: 'config-invalid' });
    assert.throws(() => guard(guard(server(), verifier), verifier), { code: 'config-invalid' });
    for (const wrong of ['bo', [bo], null]) assert.throws(() => approvalForm(wrong, AUDIENCE), { code: 'config-invalid' });
    for (const options of [{ otherwise: 'x' }, { other: () => {} }]) assert.throws(() => approvalForm([], AUDIENCE, options), { code: 'config-invalid' });
  });
}

test('what is changed while a store is asked is not what runs', async (t) => {
  const [line] = lines;
  const ran = [];
  const params = { name, arguments: { env: 'staging', replicas: 2 } };
  const commit = async () => {
    delete params.arguments;
    params.name = 'other';
    return true;
  };
  const server = deployer(line, ran, {}, verifierOf({ store: { commit } }).verifier);
  server.registerTool('other', {}, () => void ran.push('other'));
  const [near, far] = line.InMemoryTransport.createLinkedPair();
  await server.connect(far);
  t.after(() => server.close());
  params._meta = await metaFor(actorOf(), name, params.arguments, AUDIENCE);
  const answered = new Promise((resolve) => { near.onmessage = resolve; });
  await near.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  assert.equal((await answered).result.content[0].text, 'coder: staging × 2');
  assert.equal(ran.length, 1);
});

for (const line of lines) {
  test(`${line.name}: a tool and its telemetry get no presentation`, async (t) => {
    const seen = [];
    const server = guard(new line.Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } }), verifierOf().verifier);
    line.onCall(server, async (request) => {
      seen.push(request.params);
      return { content: [] };
    });
    const client = signCalls(new line.Client({ name: 'coder', version: '1' }, line.clientOptions), actorOf(), AUDIENCE);
    await inMemory(t, line, server, client);
    await client.callTool({ name, arguments: { env: 'staging' }, _meta: { mine: 1 } });
    assertNoCredentials(seen);
    assert.deepEqual([seen[0].arguments, seen[0]._meta.mine], [{ env: 'staging' }, 1]);
  });
}

test('within a tool nobody acts, also where its server is in the process of the caller', async (t) => {
  for (const line of lines) {
    const server = guard(new line.Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } }), verifierOf().verifier);
    line.onCall(server, async () => {
      await sleep(1);
      assert.throws(currentActor, { code: 'proof-missing' });
      return { content: [{ type: 'text', text: caller().caller }] };
    });
    const client = signCalls(new line.Client({ name: 'coder', version: '1' }, line.clientOptions), currentActor, AUDIENCE);
    await inMemory(t, line, server, client);
    const { content } = await acting(actorOf(), () => client.callTool({ name, arguments: { env: 'staging' } }));
    assert.equal(content[0].text, 'coder');
  }
});

test('v1: a header goes to the server of the call, and not to where a token is asked for', async (t) => {
  const [line] = lines;
  const sent = [];
  const json = (body, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });
  const answer = async (url, init) => {
    const { origin, pathname } = new URL(url);
    sent.push([origin, new Headers(init?.headers).has(HEADER), init?.redirect]);
    if (pathname.startsWith('/.well-known/oauth-protected-resource')) return json({ resource: 'https://mcp.example/mcp', authorization_servers: ['https://auth.example'] });
    if (pathname.startsWith('/.well-known/')) return json({ issuer: 'https://auth.example', authorization_endpoint: 'https://auth.example/a', token_endpoint: 'https://auth.example/token', response_types_supported: ['code'] });
    if (pathname === '/token') return json({ access_token: 'new', token_type: 'Bearer' });
    return json({}, 403, { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="deploy"' });
  };
  const authProvider = {
    redirectUrl: undefined, clientMetadata: { redirect_uris: [], grant_types: ['client_credentials'] }, clientInformation: () => ({ client_id: 'c', client_secret: 's' }),
    tokens: () => ({ access_token: 'old', token_type: 'Bearer' }), saveTokens() {}, prepareTokenRequest: () => new URLSearchParams({ grant_type: 'client_credentials' }),
  };
  const transport = new line.StreamableHTTPClientTransport(new URL('https://mcp.example/mcp'), { fetch: answer, authProvider });
  const client = new line.Client({ name: 'c', version: '1' });
  client.connect = async () => {};
  signCalls(client, actorOf(), AUDIENCE, { carry: 'header' });
  await client.connect(transport);
  t.after(() => transport.close());
  await transport.start();
  await assert.rejects(transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { env: 'staging' } } }));
  assert.ok(sent.some(([origin, carried, redirect]) => origin === 'https://mcp.example' && carried && redirect === 'manual'), JSON.stringify(sent));
  assert.ok(sent.some(([origin]) => origin === 'https://auth.example'), JSON.stringify(sent));
  assert.deepEqual(sent.filter(([origin, carried]) => origin === 'https://auth.example' && carried), []);
});

test('what signingFetch posts follows no redirect by itself', async () => {
  const inits = [];
  const signs = signingFetch(actorOf(), AUDIENCE, { fetch: async (_, init) => void inits.push(init.redirect) });
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { env: 'staging' } } });
  await signs('https://mcp.example/mcp', { method: 'POST', body });
  await signs('https://mcp.example/mcp', { method: 'POST', body, redirect: 'follow' });
  assert.deepEqual(inits, ['manual', 'follow']);
});

test('v2: a tool that asks for more is called again, and each round on the wire is signed', async (t) => {
  const line = lines.at(-1);
  const rounds = [];
  const { verifier, records } = verifierOf();
  const http = createServer(line.httpHandler(() => {
    const server = guard(new line.McpServer({ name: 'x', version: '1' }), verifier);
    server.registerTool('read', { inputSchema: z.object({}) }, (_, ctx) => {
      rounds.push(caller().caller);
      const told = acceptedContent(ctx.mcpReq.inputResponses, 'more');
      if (told) return { content: [{ type: 'text', text: told.why }] };
      const requestedSchema = { type: 'object', properties: { why: { type: 'string' } }, required: ['why'] };
      return inputRequired({ inputRequests: { more: inputRequired.elicit({ message: 'why?', requestedSchema }) } });
    });
    return server;
  }));
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => { http.closeAllConnections(); http.close(); });
  const client = new line.Client({ name: 'c', version: '1' }, { ...line.clientOptions, capabilities: { elicitation: { form: {} } } });
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { why: 'release' } }));
  await signCalls(client, actorOf(), AUDIENCE).connect(new line.StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${http.address().port}/mcp`)));
  t.after(() => client.close());
  assert.equal((await client.callTool({ name: 'read', arguments: {} })).content[0].text, 'release');
  assert.deepEqual(rounds, ['coder', 'coder']);
  assert.equal(records.filter((record) => record.code === 'allowed').length, 2);
});

test('forms of others are for others', async () => {
  const request = { method: 'elicitation/create', params: { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } } };
  const approver = new Approver(bo, { ask: () => assert.fail('asked') });
  assert.deepEqual(await approvalForm(approver, AUDIENCE)(request), { action: 'decline' });
  const sure = { action: 'accept', content: { sure: true } };
  assert.equal(await approvalForm(approver, AUDIENCE, { otherwise: async () => sure })(request), sure);
});

test('v1: a form over streamable HTTP, in a session; without one nobody can be asked', async (t) => {
  const [line] = lines;
  const [ran, { verifier }] = [[], verifierOf({ approvals: new ApprovalPolicy(1, [bo]) })];
  for (const [sessionIdGenerator, text] of [[() => '1', 'coder: staging × 1'], [undefined, undefined]]) {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator });
    if (sessionIdGenerator !== undefined) await deployer(line, ran, { elicit: true }, verifier).connect(transport);
    const stateless = line.httpHandler(() => deployer(line, ran, { elicit: true }, verifier));
    const http = createServer((request, response) => (sessionIdGenerator === undefined ? stateless(request, response) : transport.handleRequest(request, response)));
    await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
    t.after(() => { http.closeAllConnections(); http.close(); });
    const client = signCalls(new line.Client({ name: 'coder', version: '1.0.0' }, { capabilities: { elicitation: {} } }), actorOf(), AUDIENCE);
    line.onForm(client, approvalForm(new Approver(bo, { ask: () => true }), AUDIENCE));
    await client.connect(new line.StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${http.address().port}/mcp`)));
    t.after(() => client.close());
    const result = await client.callTool({ name, arguments: { env: 'staging' } });
    if (text === undefined) assert.equal(codeOf(result), 'approval-required');
    else assert.equal(result.content[0].text, text);
  }
  assert.equal(ran.length, 1);
});

test('v2: the answer to the guard\'s form is not the tool\'s, and a round with answers for the tool is not asked about', async (t) => {
  const line = lines.at(-1);
  const [seen, shown] = [[], []];
  const { verifier } = verifierOf({ approvals: new ApprovalPolicy(1, [bo]) });
  const http = createServer(line.httpHandler(() => {
    const server = guard(new line.McpServer({ name: 'x', version: '1' }), verifier, { elicit: true });
    server.registerTool('read', { inputSchema: z.object({}) }, (_, ctx) => {
      seen.push(ctx.mcpReq.inputResponses);
      const requestedSchema = { type: 'object', properties: { why: { type: 'string' } }, required: ['why'] };
      return inputRequired({ inputRequests: { more: inputRequired.elicit({ message: 'why?', requestedSchema }) } });
    });
    return server;
  }));
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => { http.closeAllConnections(); http.close(); });
  const client = new line.Client({ name: 'coder', version: '1.0.0' }, { ...line.clientOptions, capabilities: { elicitation: {} } });
  const approver = new Approver(bo, { ask: (request) => { shown.push(request.text); return true; } });
  line.onForm(client, approvalForm(approver, AUDIENCE, { otherwise: () => ({ action: 'accept', content: { why: 'release' } }) }));
  await signCalls(client, actorOf(), AUDIENCE).connect(new line.StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${http.address().port}/mcp`)));
  t.after(() => client.close());
  assert.equal(codeOf(await client.callTool({ name: 'read', arguments: {} })), 'approval-required');
  assert.deepEqual([seen, shown.length], [[undefined], 1]);
});

test('the example and the guide tell their story', () => {
  const story = run({ 'mcp.mjs': example('mcp.mjs') });
  assert.match(story, /^read production: coder for ana\ndeploy production: argument-refused\nbo is shown:\n {2}approval request [^]*deploy staging: coder for ana\n$/);
  const [server, client] = snippets('mcp.md', '## Node, the second line of the SDK');
  assert.equal(run({ 'server.mjs': server, 'client.mjs': client }), 'false coder for ana: staging × 1\n');
  const [forms] = snippets('mcp.md', '## A person approves');
  assert.match(run({ 'forms.mjs': forms }), /^deployed to staging\ndenied: approval-denied: [^\n]*\n$/);
});
