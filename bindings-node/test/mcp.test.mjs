// The Model Context Protocol with the real SDK: stdio, streamable HTTP on loopback, and in memory; FFI-19.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { Actor } from 'deputize';
import { DENIAL_KEY, HEADER, META_KEY, caller, guard, metaFor, signCalls } from 'deputize/mcp';
import { AUDIENCE, chainFor, folder, refused, rejected, verifierFor } from '../support/helpers.mjs';

const { ana, coder, mallory, chain } = chainFor('deploy', { tag: ['v1', 'v2'] });
const newClient = () => new Client({ name: 'coder', version: '1.0.0' });
const name = 'deploy';
const codeOf = (result) => { assert.equal(result.isError, true, JSON.stringify(result)); return result._meta[DENIAL_KEY].code; };

/** A server whose tool notes who called it with what. */
function deployer(options = {}) {
  const ran = [];
  const server = new McpServer({ name: 'deployer', version: '1.0.0' });
  const register = () => server.registerTool(name, { inputSchema: { tag: z.string(), region: z.string().default('eu') } }, async (args) => {
    await turn();
    const who = caller();
    ran.push({ ...args, caller: who.caller, onBehalfOf: who.onBehalfOf, signed: Object.keys(who.arguments) });
    return { content: [{ type: 'text', text: 'done' }] };
  });
  if (options.registerFirst) register();
  guard(server, options.verifier ?? verifierFor(ana), options.guard);
  if (!options.registerFirst) register();
  return { server, ran };
}

async function connected(t, server, client) {
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  await client.connect(near);
  t.after(() => Promise.all([client.close(), server.close()]));
  return near;
}

/** One call as HTTP sends it, with the headers as they are given. */
function post(url, headers, params) {
  return new Promise((resolve, reject) => {
    const all = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers };
    const request = httpRequest(url, { method: 'POST', headers: all }, async (response) => {
      let body = '';
      for await (const chunk of response.setEncoding('utf8')) body += chunk;
      resolve(JSON.parse(body));
    });
    request.on('error', reject);
    request.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
  });
}

test('over stdio: allowed, denied, replayed, without proof; the denied ones do nothing', async (t) => {
  const file = join(folder(t), 'ran.txt');
  writeFileSync(file, '');
  const script = fileURLToPath(new URL('../support/mcp-stdio-server.mjs', import.meta.url));
  const start = async (client) => {
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [script, file] }));
    t.after(() => client.close());
    return client;
  };
  const signed = await start(signCalls(newClient(), new Actor(coder, chain), AUDIENCE));
  assert.equal((await signed.listTools()).tools[0].name, name);
  const good = await signed.callTool({ name, arguments: { tag: 'v1' } });
  assert.equal(good.content[0].text, `${AUDIENCE} deployed v1 to eu for ana`);
  assert.equal(codeOf(await signed.callTool({ name, arguments: { tag: 'v3' } })), 'argument-refused');
  assert.equal(codeOf(await signed.callTool({ name, arguments: { tag: 'v1', region: 'us' } })), 'argument-unexpected');
  const plain = await start(newClient());
  assert.equal(codeOf(await plain.callTool({ name, arguments: { tag: 'v1' } })), 'proof-missing');
  const _meta = await metaFor(new Actor(coder, chain), name, { tag: 'v2' }, AUDIENCE);
  assert.ok(!(await plain.callTool({ name, arguments: { tag: 'v2' }, _meta })).isError);
  assert.equal(codeOf(await plain.callTool({ name, arguments: { tag: 'v2' }, _meta })), 'proof-replayed');
  assert.equal(readFileSync(file, 'utf8'), 'coder ana v1 eu\ncoder ana v2 eu\n');
});

test('over streamable HTTP: allowed, denied, replayed, without proof; by header too', async (t) => {
  const ran = [];
  const verifier = verifierFor(ana);
  const http = createServer(async (request, response) => {
    const { server, ran: mine } = deployer({ verifier });
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    response.on('close', () => { ran.push(...mine); void server.close(); });
    await server.connect(transport);
    await transport.handleRequest(request, response);
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  t.after(() => { http.closeAllConnections(); http.close(); });
  const url = new URL(`http://127.0.0.1:${http.address().port}/mcp`);
  const start = async (client, headers = {}) => {
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    t.after(() => client.close());
    return client;
  };
  const signed = await start(signCalls(newClient(), new Actor(coder, chain), AUDIENCE));
  assert.equal((await signed.callTool({ name, arguments: { tag: 'v1' } })).content[0].text, 'done');
  assert.equal(codeOf(await signed.callTool({ name, arguments: { tag: 'v9' } })), 'argument-refused');
  const plain = await start(newClient());
  assert.equal(codeOf(await plain.callTool({ name, arguments: { tag: 'v1' } })), 'proof-missing');
  const _meta = await metaFor(new Actor(coder, chain), name, { tag: 'v1' }, AUDIENCE);
  assert.ok(!(await plain.callTool({ name, arguments: { tag: 'v1' }, _meta })).isError);
  assert.equal(codeOf(await plain.callTool({ name, arguments: { tag: 'v1' }, _meta })), 'proof-replayed');
  const text = () => coder.prove(chain, name, { tag: 'v2' }, AUDIENCE).text;
  const byHeader = await start(newClient(), { [HEADER]: text() });
  assert.equal((await byHeader.callTool({ name, arguments: { tag: 'v2' } })).content[0].text, 'done');
  const bearer = await start(newClient(), { Authorization: `Bearer ${text()}` });
  assert.equal(codeOf(await bearer.callTool({ name, arguments: { tag: 'v2' } })), 'proof-missing');
  assert.equal(codeOf((await post(url, { [HEADER]: [text(), text()] }, { name, arguments: { tag: 'v2' } })).result), 'text-malformed');
  assert.ok(!(await post(url, { [HEADER.toUpperCase()]: text() }, { name, arguments: { tag: 'v2' } })).result.isError);
  const metaWins = await start(newClient(), { [HEADER]: text() });
  assert.equal(codeOf(await metaWins.callTool({ name, arguments: { tag: 'v2' }, _meta: { [META_KEY]: '' } })), 'proof-missing');
  for (const client of [signed, plain, byHeader, bearer, metaWins]) await client.close();
  await turn();
  assert.deepEqual(ran.map((call) => `${call.caller} ${call.tag} ${call.region}`), ['coder v1 eu', 'coder v1 eu', 'coder v2 eu', 'coder v2 eu']);
});

test('the guard holds before and after tools are registered, and caller() is right in parallel', async (t) => {
  for (const registerFirst of [true, false]) {
    const { server, ran } = deployer({ registerFirst });
    const client = signCalls(newClient(), new Actor(coder, () => chain), AUDIENCE);
    await connected(t, server, client);
    const results = await Promise.all(['v1', 'v2', 'v3', 'v1'].map((tag) => client.callTool({ name, arguments: { tag } })));
    assert.deepEqual(results.map((result) => result.isError === true), [false, false, true, false]);
    assert.deepEqual(ran.map((call) => [call.tag, call.region, call.caller, call.onBehalfOf, call.signed]), ['v1', 'v2', 'v1'].map((tag) => [tag, 'eu', 'coder', 'ana', ['tag']]));
  }
  refused('config-invalid', caller);
});

test('a low-level server is guarded, its fallback too', async (t) => {
  for (const fallback of [false, true]) {
    const ran = [];
    const server = new Server({ name: 'low', version: '1.0.0' }, { capabilities: { tools: {} } });
    const handle = (request) => { ran.push([request.params.arguments, caller().tool]); return { content: [] }; };
    if (fallback) server.fallbackRequestHandler = async (request) => handle(request);
    else server.setRequestHandler(CallToolRequestSchema, handle);
    guard(server, verifierFor(ana));
    if (!fallback) server.setRequestHandler(CallToolRequestSchema, handle);
    if (fallback) server.fallbackRequestHandler = async (request) => handle(request);
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
    const client = newClient();
    await connected(t, server, client);
    assert.deepEqual((await client.listTools()).tools, []);
    assert.equal(codeOf(await client.callTool({ name, arguments: { tag: 'v1' } })), 'proof-missing');
    for (const bad of [null, 5, { text: 'x' }]) assert.notEqual((await client.callTool({ name, arguments: { tag: 'v1' }, _meta: { [META_KEY]: bad } })).isError, undefined);
    assert.deepEqual(ran, []);
    const _meta = await metaFor(new Actor(coder, chain), name, { tag: 'v1' }, AUDIENCE);
    await client.callTool({ name, arguments: { tag: 'v1' }, _meta });
    assert.deepEqual(ran, [[{ tag: 'v1' }, name]]);
  }
});

test('what the tool gets is what was decided about', async (t) => {
  const { server, ran } = deployer({ verifier: verifierFor(ana, { store: { async commit() { held.params.arguments.tag = 'v9'; await turn(); return true; } } }) });
  const client = newClient();
  const near = await connected(t, server, client);
  let held;
  const send = near.send.bind(near);
  near.send = (message, ...rest) => { if (message.method === 'tools/call') held = message; return send(message, ...rest); };
  const args = { tag: 'v1' };
  await client.callTool({ name, arguments: args, _meta: await metaFor(new Actor(coder, chain), name, { tag: 'v1' }, AUDIENCE) });
  assert.equal(held.params.arguments.tag, 'v9');
  assert.equal(ran[0].tag, 'v1');
});

test('each attempt on the wire is signed afresh, over what is sent', async (t) => {
  const { server, ran } = deployer();
  const client = signCalls(newClient(), new Actor(coder, chain), AUDIENCE);
  const [near, far] = InMemoryTransport.createLinkedPair();
  const wire = [];
  const send = near.send.bind(near);
  near.send = (message, ...rest) => { if (message.method === 'tools/call') wire.push(message); return send(message, ...rest); };
  await server.connect(far);
  await client.connect(near);
  t.after(() => client.close());
  await client.callTool({ name, arguments: { tag: 'v1', left: undefined }, _meta: { other: 1 } });
  const again = { ...wire[0], id: 77, params: { ...wire[0].params } };
  near.onmessage = () => {};
  await near.send(again);
  assert.equal(wire.length, 2);
  assert.notEqual(wire[0].params._meta[META_KEY], wire[1].params._meta[META_KEY]);
  assert.equal(wire[0].params._meta.other, 1);
  assert.ok(!('left' in wire[0].params.arguments));
  for (let left = 2000; ran.length < 2 && left > 0; left--) await turn();
  assert.equal(ran.length, 2);
  await assert.rejects(client.request({ method: 'tools/call', params: { name, arguments: { tag: 1e21 } } }, z.any()), { code: 'value-unsupported' });
});

test('headers are read in every form a transport gives, and two of the name are refused', async () => {
  const { server, ran } = deployer();
  const [near, far] = InMemoryTransport.createLinkedPair();
  await server.connect(far);
  const answers = [];
  near.onmessage = (message) => answers.push(message);
  const text = () => coder.prove(chain, name, { tag: 'v1' }, AUDIENCE).text;
  const call = async (headers) => {
    const id = answers.length + 1;
    far.onmessage({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: { tag: 'v1' } } }, { requestInfo: { headers } });
    for (let left = 2000; answers.length < id && left > 0; left--) await turn();
    return answers[id - 1].result;
  };
  for (const good of [{ [HEADER]: text() }, { [HEADER.toLowerCase()]: [text()] }, new Headers({ [HEADER]: text() })]) assert.equal((await call(good)).isError, undefined);
  const twice = new Headers({ [HEADER]: text() });
  twice.append(HEADER, text());
  for (const bad of [{ [HEADER.toLowerCase()]: [text(), text()] }, { [HEADER]: text(), [HEADER.toLowerCase()]: text() }, twice]) assert.equal(codeOf(await call(bad)), 'text-malformed');
  for (const none of [undefined, null, {}, { authorization: text() }, { [HEADER]: undefined }, { [HEADER]: [] }, { [HEADER]: '' }]) assert.equal(codeOf(await call(none)), 'proof-missing');
  assert.equal(ran.length, 3);
  await server.close();
});

test('challenges and contexts of the server are asked for at each call', async (t) => {
  let challenge = new Uint8Array(8);
  const options = { challenge: async () => { if (challenge === 'broken') throw new Error('no challenges'); return challenge; } };
  const { server, ran } = deployer({ guard: options });
  const client = newClient();
  await connected(t, server, client);
  const call = async (given) => client.callTool({ name, arguments: { tag: 'v1' }, _meta: await metaFor(new Actor(coder, chain), name, { tag: 'v1' }, AUDIENCE, given) });
  assert.equal(codeOf(await call()), 'challenge-mismatch');
  assert.ok(!(await call({ challenge })).isError);
  challenge = 'broken';
  assert.equal(codeOf(await call()), 'config-invalid');
  assert.equal(ran.length, 1);
});

test('tools may have other names in tokens', async (t) => {
  const tools = { [name]: 'acme.deploy' };
  const { chain: named } = chainFor('acme.deploy');
  const { server, ran } = deployer({ guard: { tools } });
  const client = signCalls(newClient(), new Actor(coder, named), AUDIENCE, { tools });
  await connected(t, server, client);
  assert.ok(!(await client.callTool({ name, arguments: { tag: 'v1' } })).isError);
  const other = deployer({ guard: { tools } });
  const plain = signCalls(newClient(), new Actor(coder, named), AUDIENCE);
  await connected(t, other.server, plain);
  assert.equal(codeOf(await plain.callTool({ name, arguments: { tag: 'v1' } })), 'proof-mismatch');
  assert.equal(codeOf(await plain.callTool({ name: 'constructor', arguments: {} })), 'tool-not-allowed');
  assert.deepEqual([ran.length, other.ran.length], [1, 0]);
});

test('a tool gets a copy of its own of what was decided about, whatever its members are called', async () => {
  const { ana: issuer, coder: holder, chain: any } = chainFor(name);
  let got;
  const server = guard(new Server({ name: 'x', version: '1' }, { capabilities: { tools: {} } }), verifierFor(issuer));
  server.fallbackRequestHandler = (request) => { got = request.params.arguments; return { content: [] }; };
  const args = JSON.parse('{"tag":"v1","__proto__":{"admin":true},"list":[{"constructor":1}]}');
  const _meta = { [META_KEY]: holder.prove(any, name, args, AUDIENCE).text };
  assert.deepEqual(await server.fallbackRequestHandler({ method: 'tools/call', params: { name, arguments: args, _meta } }, {}), { content: [] });
  assert.equal(JSON.stringify(got), '{"tag":"v1","list":[{"constructor":1}],"__proto__":{"admin":true}}');
  for (const map of [got, got.list[0]]) assert.equal(Object.getPrototypeOf(map), Object.prototype);
  assert.equal(got.admin, undefined);
  got.list.push('more');
  assert.equal(args.list.length, 1);
});

test('a server that would serve calls without the guard does not start', async () => {
  const [, far] = InMemoryTransport.createLinkedPair();
  const { server } = deployer();
  server.server._requestHandlers = new Map(server.server._requestHandlers);
  await assert.rejects(server.connect(far), { code: 'config-invalid' });
  const late = deployer().server;
  await late.connect(InMemoryTransport.createLinkedPair()[1]);
  late.server._requestHandlers = new Map();
  assert.throws(() => late.server._onrequest({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } }), { code: 'config-invalid' });
  refused('config-invalid', () => guard(late, verifierFor(ana)));
  const unguarded = new McpServer({ name: 'x', version: '1' });
  await unguarded.connect(InMemoryTransport.createLinkedPair()[1]);
  refused('config-invalid', () => guard(unguarded, verifierFor(ana)));
});

test('what cannot be guarded or signed is refused', async () => {
  const verifier = verifierFor(ana);
  const odd = { _requestHandlers: new Map(), connect() {}, setRequestHandler() {} };
  for (const server of [undefined, null, 5, {}, { server: {} }, odd, newClient(), new Map(), createServer()]) refused('config-invalid', () => guard(server, verifier));
  const server = () => new McpServer({ name: 'x', version: '1' });
  for (const bad of [undefined, {}, ana, { authorizeAsync: async () => ({}) }]) refused('config-invalid', () => guard(server(), bad));
  refused('config-invalid', () => guard(server(), verifier, { contexts: () => 'a' }));
  refused('config-invalid', () => guard(server(), verifier, { context: 'a' }));
  for (const tools of [null, 5, ['deploy'], { deploy: 1 }, { deploy: undefined }]) {
    refused('config-invalid', () => guard(server(), verifier, { tools }));
    refused('config-invalid', () => signCalls(newClient(), new Actor(coder, chain), AUDIENCE, { tools }));
  }
  const twice = guard(server(), verifier);
  refused('config-invalid', () => guard(twice, verifier));
  for (const client of [undefined, {}, server(), 5]) refused('config-invalid', () => signCalls(client, new Actor(coder, chain), AUDIENCE));
  refused('key-invalid', () => signCalls(newClient(), new Actor('coder', chain), AUDIENCE));
  refused('malformed', () => signCalls(newClient(), new Actor(coder, chain.text), AUDIENCE));
  refused('name-invalid', () => signCalls(newClient(), new Actor(coder, chain)));
  const client = signCalls(newClient(), new Actor(coder, chain), AUDIENCE);
  refused('config-invalid', () => signCalls(client, new Actor(coder, chain), AUDIENCE));
  await rejected('holder-mismatch', metaFor(new Actor(mallory, chain), name, {}, AUDIENCE));
});
