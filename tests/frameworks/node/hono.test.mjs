// row: {"framework": "Hono", "language": "Node", "package": "hono", "extra": "hono", "guards": "routes", "carries": "header", "approvals": "denial with a request"}
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAdaptorServer } from '@hono/node-server';
import { acting, currentActor } from 'deputize';
import { Hono } from 'hono';
import { caller, guardRoutes, unguarded } from 'deputize/hono';
import { headersFor, signCalls } from 'deputize/http';
import { AUDIENCE, denied, listening, makeWorld, refused, GATEWAY, suite } from './support/http-suite.mjs';
import { example, run, snippets } from './support/running.mjs';

function application(world) {
  const app = new Hono();
  const guarded = guardRoutes(app, world.verifier);
  app.use(async (context, next) => next());
  app.post('/deploy/:env', guarded('deploy'), async (context) => {
    const text = await context.req.text();
    const { replicas = 1 } = text === '' ? {} : await context.req.json();
    const who = caller();
    const env = context.req.param('env');
    world.ran.push(['deploy', env, replicas]);
    return context.json({ caller: who.caller, arguments: who.arguments, env, replicas, dry: context.req.query('dry') });
  });
  app.get('/search', guarded('search'), (context) => {
    world.ran.push(['search', context.req.query('q')]);
    return context.json({ caller: caller().caller, q: context.req.query('q') });
  });
  app.get('/health', unguarded, (context) => context.text('ok'));
  return app;
}

suite('Hono', (world) => listening(createAdaptorServer({ fetch: application(world).fetch })));

test('Hono: a route that is not declared is an error when it is made', () => {
  const { verifier } = makeWorld();
  const handler = (context) => context.text('ran');
  for (const wrong of [undefined, {}, () => {}]) refused(() => guardRoutes(wrong, verifier));
  refused(() => guardRoutes(new Hono(), {}));
  refused(() => guardRoutes(new Hono().get('/x', handler), verifier));
  const app = new Hono();
  const guarded = guardRoutes(app, verifier);
  refused(() => guardRoutes(app, verifier));
  refused(() => app.get('/x', handler));
  refused(() => app.get('/x', async (context, next) => next(), guarded('x'), handler));
  refused(() => app.all('/x', handler));
  refused(() => app.on(['GET', 'PURGE'], ['/x'], handler));
  refused(() => app.use('/x', handler));
  refused(() => app.basePath('/v1').get('/x', handler));
  refused(() => app.get('/files/*', guarded('x'), handler));
  refused(() => app.use(guarded('x')));
  refused(() => app.mount('/x', () => new Response('ran')));
  refused(() => app.basePath('/v1').basePath('/v2').mount('/x', () => new Response('ran')));
  refused(() => app.route('/v1', new Hono().get('/x', handler)));
  refused(() => app.route('/v2', new Hono().onError(() => new Response('broken')).get('/x', handler)));
  for (const name of [undefined, '', 5]) refused(() => guarded(name));
  app.all('/y', guarded('y'), handler);
  app.get('/z', unguarded, handler);
});

test('Hono: routes that another application brings along are guarded, and their paths are arguments', async () => {
  const world = makeWorld();
  const app = new Hono();
  const guarded = guardRoutes(app, world.verifier);
  const inner = new Hono().onError((error, context) => context.text('broken', 500));
  inner.get('/search', guarded('search'), (context) => (world.ran.push(1), context.text(caller().caller)));
  inner.get('/broken', guarded('search'), () => {
    throw new TypeError('no');
  });
  app.route('/tenants/:q', inner);
  const signed = signCalls((request) => app.fetch(request), world.actor, AUDIENCE, 'http://127.0.0.1', {
    'GET /tenants/{q}/search': 'search',
    'GET /tenants/{q}/broken': 'search',
  });
  assert.equal(await (await signed('http://127.0.0.1/tenants/a/search')).text(), 'coder');
  assert.equal(await (await signed('http://127.0.0.1/tenants/a/broken')).text(), 'broken');
  await denied(await app.request('/tenants/a/search'), 401, 'proof-missing');
  assert.deepEqual(world.ran, [1]);
  assert.deepEqual(world.records.filter((record) => record.kind === 'outcome').map((record) => /TypeError|500/.test(record.json())), [false, true]);
});

test('Hono: a body that something read before the guard is no call', async () => {
  const world = makeWorld();
  const app = new Hono();
  const guarded = guardRoutes(app, world.verifier);
  app.use(async (context, next) => (await context.req.text(), next()));
  app.post('/deploy/:env', guarded('deploy'), (context) => (world.ran.push(1), context.text('ran')));
  await denied(await app.request('/deploy/staging', { method: 'POST', body: '{}' }), 500, 'config-invalid');
  assert.deepEqual(world.ran, []);
});

test('Hono: the body of the handler has the values that were decided about', async () => {
  const world = makeWorld();
  const app = new Hono();
  const guarded = guardRoutes(app, world.verifier);
  app.post('/deploy/:env', guarded('deploy'), async (context) => {
    world.ran.push(await context.req.json(), await context.req.json());
    return context.text('done');
  });
  const note = { $n: 9007199254740993n };
  const headers = { ...(await headersFor(world.actor, 'deploy', { env: 'staging', note }, AUDIENCE)), 'Content-Type': 'application/json' };
  const answer = await app.request('/deploy/staging', { method: 'POST', headers, body: '{"note":{"$$n":{"$integer":"9007199254740993"}}}' });
  assert.equal(answer.status, 200, await answer.text());
  assert.deepEqual(world.ran, [{ note }, { note }]);
});

test('Hono: nobody acts within a handler, also where its application is in the process of the caller', async () => {
  const world = makeWorld();
  const app = new Hono();
  const guarded = guardRoutes(app, world.verifier);
  app.get('/search', guarded('search'), async (context) => {
    await null;
    assert.throws(currentActor, { code: 'proof-missing' });
    return context.text(caller().caller);
  });
  const signed = signCalls(app.request.bind(app), currentActor, AUDIENCE, 'http://localhost', { 'GET /search': 'search' });
  assert.equal(await (await acting(world.actor, () => signed('http://localhost/search?q=x'))).text(), 'coder');
});

test('Hono: the guide and the example run as they are written', () => {
  assert.deepEqual(run(...snippets('http.md', '## Hono')), ['200 coder looks for cats', '403 argument-refused']);
  assert.deepEqual(run(example('hono.mjs')), GATEWAY);
});
