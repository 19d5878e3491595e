// A request as a call, with the table that Python reads too, and the statuses of refusals.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Actor, Agent, Verifier } from '../lib/index.mjs';
import { HEADER, headersFor, signCalls } from '../lib/http.mjs';

const require = createRequire(import.meta.url);
const { MAX_BODY, argumentsOf, statusOf } = require('../lib/http-call.cjs');
const { routesOf } = require('../lib/http-routes.cjs');
const table = JSON.parse(readFileSync(new URL('../../tests/http/requests.json', import.meta.url)));
const AUDIENCE = 'https://tools.acme.example';

function refused(run) {
  try {
    run();
  } catch (error) {
    assert.ok(error.help);
    return error;
  }
  return assert.fail('allowed');
}

for (const given of table) {
  test(`a request is one call or none: ${given.name}`, () => {
    const read = () => argumentsOf(given.path, given.query, given.content_type ?? undefined, Buffer.from(given.body));
    if (given.code !== undefined) return assert.equal(refused(read).code, given.code);
    return assert.equal(JSON.stringify(read()), JSON.stringify(given.arguments));
  });
}

test('a body has a bound and is UTF-8', () => {
  const read = (body) => argumentsOf({}, '', 'application/json', Buffer.from(body));
  assert.ok(read(`{"a":"${'x'.repeat(MAX_BODY - 8)}"}`));
  assert.equal(refused(() => read(`{"a":"${'x'.repeat(MAX_BODY - 7)}"}`)).code, 'too-large');
  assert.equal(refused(() => read([123, 34, 255, 34, 58, 49, 125])).code, 'malformed');
  assert.equal(refused(() => read(Buffer.from('{"a":1}', 'utf16le'))).code, 'malformed');
  assert.equal(refused(() => argumentsOf({ n: ['a'] }, '', undefined, Buffer.alloc(0))).code, 'malformed');
});

test('the status says whether to sign again', () => {
  const [ana, coder] = ['ana', 'coder'].map((name) => Agent.generate(name));
  const verifier = new Verifier({ trust: ana, audience: AUDIENCE });
  const chain = ana.issue({ to: coder, tools: { deploy: { env: 'staging' } } });
  const shown = coder.prove(chain, 'deploy', { env: 'staging' }, AUDIENCE);
  for (const [presentation, args, status] of [
    [undefined, { env: 'staging' }, 401],
    ['a b', { env: 'staging' }, 401],
    [shown, { env: 'other' }, 401],
    [coder.prove(chain, 'deploy', { env: 'staging' }, 'https://other.example'), { env: 'staging' }, 401],
    [coder.prove(chain, 'deploy', { env: 'production' }, AUDIENCE), { env: 'production' }, 403],
  ]) {
    assert.equal(statusOf(refused(() => verifier.authorize(presentation, 'deploy', args))), status);
  }
  assert.equal(statusOf(refused(() => argumentsOf({}, 'a=1&a=2', undefined, Buffer.alloc(0)))), 400);
  assert.equal(statusOf(refused(() => routesOf({ deploy: 'deploy' }))), 500);
});

test('routes are methods with paths', () => {
  const find = routesOf({ 'GET /a/b': 'fixed', 'GET /a/{b}': 'one', 'POST /f/{rest:path}': 'all', 'GET /v1.0/{x}-{y}': 'two' });
  assert.deepEqual(find('GET', '/a/b'), { tool: 'fixed', path: {} });
  assert.deepEqual(find('HEAD', '/a/c%2Fd'), { tool: 'one', path: { b: 'c/d' } });
  assert.deepEqual(find('POST', '/f/x/y'), { tool: 'all', path: { rest: 'x/y' } });
  assert.deepEqual(find('GET', '/v1.0/p-q'), { tool: 'two', path: { x: 'p', y: 'q' } });
  for (const [method, path] of [['POST', '/a/b'], ['GET', '/a/'], ['GET', '/a/b/c'], ['GET', '/v1x0/p-q'], ['get', '/a/b']]) assert.equal(find(method, path), undefined);
  for (const wrong of ['/a', 'get /a', 'GET a', 'GET /a?b', '']) assert.equal(refused(() => routesOf({ [wrong]: 'tool' })).code, 'config-invalid');
  assert.equal(refused(() => routesOf({ 'GET /a': 5 })).code, 'config-invalid');
});

test('what cannot sign is refused at the start', async () => {
  const [ana, coder] = ['ana', 'coder'].map((name) => Agent.generate(name));
  const actor = new Actor(coder, ana.issue({ to: coder, tools: { deploy: {} } }));
  for (const wrong of [undefined, {}, 'fetch']) assert.equal(refused(() => signCalls(wrong, actor, AUDIENCE, 'http://127.0.0.1', {})).code, 'config-invalid');
  for (const server of ['127.0.0.1', 'ftp://127.0.0.1', 'http://127.0.0.1/?a=1', '', undefined]) {
    assert.equal(refused(() => signCalls(fetch, actor, AUDIENCE, server, {})).code, 'config-invalid');
  }
  assert.deepEqual(Object.keys(await headersFor(actor, 'deploy', {}, AUDIENCE)), [HEADER]);
});
