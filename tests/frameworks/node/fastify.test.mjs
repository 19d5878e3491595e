// row: {"framework": "Fastify", "language": "Node", "package": "fastify", "extra": "fastify", "guards": "routes", "carries": "header", "approvals": "denial with a request"}
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { caller, guardRoutes } from 'deputize/fastify';
import { headersFor } from 'deputize/http';
import { AUDIENCE, makeWorld, refused, GATEWAY, suite } from './support/http-suite.mjs';
import { example, run, snippets } from './support/running.mjs';

const SCHEMA = { body: { type: ['object', 'null'], properties: { replicas: { type: 'integer', default: 1 } } } };

function application(world) {
  const app = Fastify();
  guardRoutes(app, world.verifier);
  app.register(async (plugin) => {
    plugin.post('/deploy/:env', { config: { tool: 'deploy' }, schema: SCHEMA }, async (request) => {
      await null;
      const { caller: name, arguments: args } = caller();
      const { env } = request.params;
      const replicas = request.body?.replicas ?? 1;
      world.ran.push(['deploy', env, replicas]);
      return { caller: name, arguments: args, env, replicas, dry: request.query.dry };
    });
  });
  app.get('/search', { config: { tool: 'search' } }, (request, reply) => {
    world.ran.push(['search', request.query.q]);
    reply.send({ caller: caller().caller, q: request.query.q });
  });
  app.get('/health', { config: { unguarded: true } }, async () => 'ok');
  return app;
}

suite('Fastify', async (world) => {
  const app = application(world);
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() };
});

test('Fastify: a route that is not declared is an error when it is made', async () => {
  const { verifier } = makeWorld();
  const handler = async () => 'ran';
  for (const wrong of [undefined, {}, () => {}]) refused(() => guardRoutes(wrong, verifier));
  refused(() => guardRoutes(Fastify(), {}));
  const late = Fastify();
  late.get('/x', handler);
  refused(() => guardRoutes(late, verifier));
  const app = Fastify();
  guardRoutes(app, verifier);
  refused(() => guardRoutes(app, verifier));
  refused(() => app.get('/x', handler));
  refused(() => app.all('/x', handler));
  refused(() => app.route({ method: ['GET', 'POST'], url: '/x', handler }));
  refused(() => app.get('/x', { config: { tool: 'x', unguarded: true } }, handler));
  refused(() => app.get('/x', { config: { tool: '' } }, handler));
  refused(() => app.get('/x', { config: { unguarded: 1 } }, handler));
  refused(() => app.get('/files/*', { config: { tool: 'x' } }, handler));
  refused(() => app.route({ method: 'GET', url: '/ws', websocket: true, config: { unguarded: true }, handler }));
  app.register(async (plugin) => plugin.get('/inner', handler), { prefix: '/v1' });
  await assert.rejects(app.ready(), (error) => error.code === 'config-invalid');
});

test('Fastify: other hooks run after the decision, and types that a schema coerces are decided about as they were sent', async () => {
  const world = makeWorld();
  const app = Fastify();
  guardRoutes(app, world.verifier);
  const later = [];
  const hook = (name) => async () => void later.push(name);
  app.post('/deploy/:env', { config: { tool: 'deploy' }, schema: SCHEMA, preParsing: hook('preParsing'), preValidation: hook('preValidation') }, async (request) => {
    world.ran.push(request.body.replicas);
    return caller().caller;
  });
  const send = async (body, args) =>
    app.inject({ method: 'POST', url: '/deploy/staging', headers: await headersFor(world.actor, 'deploy', { env: 'staging', ...args }, AUDIENCE), body });
  assert.equal((await send({ replicas: '2' }, { replicas: 2 })).json().error.code, 'proof-mismatch');
  assert.equal((await send({ replicas: '2' }, { replicas: '2' })).json().error.code, 'argument-refused');
  assert.deepEqual([later, world.ran], [[], []]);
  assert.equal((await send({}, {})).body, 'coder');
  assert.deepEqual([later, world.ran], [['preParsing', 'preValidation'], [1]]);
  await app.close();
});

test('Fastify: the body of the handler has the values that were decided about', async () => {
  const world = makeWorld();
  const app = Fastify();
  guardRoutes(app, world.verifier);
  app.post('/deploy/:env', { config: { tool: 'deploy' } }, async (request) => void world.ran.push(request.body));
  const note = { $n: 9007199254740993n };
  const headers = { ...(await headersFor(world.actor, 'deploy', { env: 'staging', note }, AUDIENCE)), 'Content-Type': 'application/json' };
  const answer = await app.inject({ method: 'POST', url: '/deploy/staging', headers, body: '{"note":{"$$n":{"$integer":"9007199254740993"}}}' });
  assert.equal(answer.statusCode, 200, answer.body);
  assert.deepEqual(world.ran, [{ note }]);
  await app.close();
});

test('Fastify: the guide and the example run as they are written', () => {
  assert.deepEqual(run(...snippets('http.md', '## Fastify')), ['200 coder looks for cats', '403 argument-refused']);
  assert.deepEqual(run(example('fastify.mjs')), GATEWAY);
});
