// row: {"framework": "Express", "language": "Node", "package": "express", "extra": "express", "guards": "routes", "carries": "header", "approvals": "denial with a request"}
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { Actor } from 'deputize';
import express from 'express';
import { caller, guardRoutes, unguarded } from 'deputize/express';
import { headersFor, signCalls } from 'deputize/http';
import { AUDIENCE, denied, listening, makeWorld, refused, GATEWAY, suite } from './support/http-suite.mjs';
import { example, run, snippets } from './support/running.mjs';

function application(world, given) {
  const app = express();
  const guarded = guardRoutes(app, world.verifier, given);
  app.use((request, response, next) => next());
  app.post('/deploy/:env', guarded('deploy'), async (request, response) => {
    await null;
    const { replicas = 1 } = request.body;
    const who = caller();
    world.ran.push(['deploy', request.params.env, replicas]);
    response.json({ caller: who.caller, arguments: who.arguments, env: request.params.env, replicas, dry: request.query.dry });
  });
  app.get('/search', guarded('search'), (request, response) => {
    world.ran.push(['search', request.query.q]);
    response.json({ caller: caller().caller, q: request.query.q });
  });
  app.get('/health', unguarded, (request, response) => response.send('ok'));
  return app;
}

suite('Express', (world) => listening(http.createServer(application(world))));

test('Express: a route that is not declared is an error when it is made', () => {
  const { verifier } = makeWorld();
  const handler = (request, response) => response.send('ran');
  for (const wrong of [undefined, {}, () => {}, http.createServer()]) refused(() => guardRoutes(wrong, verifier));
  refused(() => guardRoutes(express(), {}));
  refused(() => guardRoutes(express(), verifier, { unknown: 1 }));
  const late = express();
  late.get('/x', handler);
  refused(() => guardRoutes(late, verifier));

  const app = express();
  const guarded = guardRoutes(app, verifier);
  refused(() => guardRoutes(app, verifier));
  refused(() => app.get('/x', handler));
  refused(() => app.get('/x', (request, response, next) => next(), guarded('x'), handler));
  refused(() => app.all('/x', handler));
  refused(() => app.route('/x').get(handler));
  refused(() => app.route('/x').post(guarded('x'), handler).get(handler));
  refused(() => app.get('/files/*path', guarded('x'), handler));
  refused(() => app.get(/x/, guarded('x'), handler));
  refused(() => app.use('/x', handler));
  refused(() => app.use('/x', express.Router()));
  refused(() => app.use('/x', express()));
  refused(() => app.use(express.json()));
  refused(() => app.use([[express.urlencoded({ extended: true })]]));
  refused(() => app.router.use(express.Router()));
  refused(() => app.router.get('/x', handler));
  refused(() => app.use('/files', guarded('x'), (request, response, next) => next()));
  refused(() => app.router.use(guarded('x')));
  const within = (made) => (guardRoutes(made, verifier), made);
  for (const path of ['/tenants/:tenant', '/*rest', /^\/t/, ['/a', '/b/:c']]) {
    refused(() => app.use(path, within(express.Router())));
    refused(() => app.use(path, within(express())));
  }
  refused(() => within(express.Router({ mergeParams: true })).use('/below', within(express.Router())));
  within(express.Router({ mergeParams: true })).use('/below', within(express.Router({ mergeParams: true })));
  for (const name of [undefined, '', 5]) refused(() => guarded(name));
  app.route('/x').all(guarded('x')).get(handler);
  app.get('/y', unguarded, handler);
});

test('Express: routers and applications within are guarded on their own, and their paths are arguments', async () => {
  const world = makeWorld();
  const app = express();
  guardRoutes(app, world.verifier);
  const router = express.Router({ mergeParams: true });
  const guarded = guardRoutes(router, world.verifier);
  router.get('/search', guarded('search'), (request, response) => (world.ran.push(1), response.send(caller().caller)));
  const inner = express();
  guardRoutes(inner, world.verifier);
  app.use('/tenants/:q', router);
  app.use('/inner', inner);
  const { url, close } = await listening(http.createServer(app));
  try {
    const signed = signCalls(fetch, world.actor, AUDIENCE, url, { 'GET /tenants/{q}/search': 'search' });
    assert.equal(await (await signed(`${url}/tenants/a%2Fb/search`)).text(), 'coder');
    await denied(await fetch(`${url}/tenants/b/search`, { headers: await headersFor(world.actor, 'search', { q: 'a' }, AUDIENCE) }), 401, 'proof-mismatch');
    assert.deepEqual(world.ran, [1]);
  } finally {
    await close();
  }
});

test('Express: a body that something read before the guard is no call', async () => {
  const world = makeWorld();
  const app = express();
  const guarded = guardRoutes(app, world.verifier);
  const parse = express.json();
  app.use((request, response, next) => parse(request, response, next));
  app.post('/deploy/:env', guarded('deploy'), (request, response) => (world.ran.push(1), response.send('ran')));
  const { url, close } = await listening(http.createServer(app));
  try {
    const signed = signCalls(fetch, world.actor, AUDIENCE, url, { 'POST /deploy/{env}': 'deploy' });
    const answer = await signed(`${url}/deploy/staging`, { method: 'POST', body: '{"replicas":1}', headers: { 'Content-Type': 'application/json' } });
    await denied(answer, 500, 'config-invalid');
    assert.deepEqual(world.ran, []);
  } finally {
    await close();
  }
});

test('Express: a challenge and a context come from the server, and what fails is recorded', async () => {
  const world = makeWorld();
  const app = express();
  const context = (request) => {
    if (request.headers['x-tenant'] === undefined) throw new Error('nobody');
    return `tenant:${request.headers['x-tenant']}`;
  };
  const guarded = guardRoutes(app, world.verifier, { context, challenge: async () => Buffer.alloc(16, 1), maxBody: 10 });
  app.get('/search', guarded('search'), () => {
    world.ran.push(1);
    throw new TypeError('no');
  });
  app.post('/add', guarded('search'), () => void world.ran.push(1));
  app.use((error, request, response, next) => void (next, response.status(500).send('broken')));
  const chain = world.ana.issue({ to: world.coder, tools: { search: {} }, context: 'tenant:1' });
  const { url, close } = await listening(http.createServer(app));
  try {
    const send = async (tenant, fill) => {
      const given = fill === undefined ? {} : { challenge: Buffer.alloc(16, fill) };
      const headers = await headersFor(new Actor(world.coder, chain), 'search', { q: 'x' }, AUDIENCE, given);
      return fetch(`${url}/search?q=x`, { headers: { ...headers, ...(tenant && { 'X-Tenant': tenant }) } });
    };
    await denied(await send('2', 1), 403, 'context-mismatch');
    await denied(await send(undefined, 1), 403, 'config-invalid');
    await denied(await send('1', 2), 401, 'challenge-mismatch');
    await denied(await send('1'), 401, 'challenge-mismatch');
    assert.deepEqual(world.ran, []);
    assert.equal(await (await send('1', 1)).text(), 'broken');
    await denied(await fetch(`${url}/search?q=x`, { headers: { 'X-Tenant': '1' } }), 401, 'proof-missing');
    await denied(await fetch(`${url}/add`, { method: 'POST', body: '{"q":"long"}', headers: { 'Content-Type': 'application/json' } }), 413, 'too-large');
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(world.records.some((record) => record.kind === 'outcome' && record.json().includes('status 500')));
  } finally {
    await close();
  }
});

test('Express: the guide and the example run as they are written', () => {
  const [gateway, client] = snippets('http.md', '## Express');
  assert.deepEqual(run(client, { 'gateway.mjs': gateway }), ['proof-missing', 'coder for ana: staging × 2', 'argument-refused']);
  assert.deepEqual(run(example('express.mjs')), GATEWAY);
});
