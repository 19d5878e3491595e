// What every guard of a web framework does. `make(world, options)` serves `POST /deploy/:env` as the tool deploy, `GET /search` as search and an
// unguarded `GET /health`, and gives the address and how to close.
import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { acting, Actor, Agent, anything, ApprovalPolicy, ApprovalRequest, atMost, currentActor, oneOf, optional, Verifier } from 'deputize';
import { HEADER, headersFor, signCalls } from 'deputize/http';

export const AUDIENCE = 'https://deploy.example';
export const ROUTES = { 'POST /deploy/{env}': 'deploy', 'GET /search': 'search' };
export const TOOLS = {
  deploy: { env: oneOf('staging', 'production'), replicas: optional(atMost(3)), note: optional(anything()), dry: optional('yes') },
  search: { q: anything() },
};

export function makeWorld(given) {
  const [ana, coder] = ['ana', 'coder'].map((name) => Agent.generate(name));
  const records = [];
  const verifier = new Verifier({ trust: ana, audience: AUDIENCE, audit: (record) => void records.push(record), ...given });
  return { ana, coder, records, verifier, ran: [], actor: new Actor(coder, ana.issue({ to: coder, tools: TOOLS })) };
}

/** Serves with node:http on a free port of the loopback interface. */
export async function listening(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))) };
}

export async function denied(answer, status, code) {
  const body = await answer.json();
  assert.deepEqual([answer.status, body.error?.code], [status, code], JSON.stringify(body));
  assert.equal(answer.headers.get('WWW-Authenticate'), status === 401 ? 'Deputize' : null);
  assert.ok(body.error.help);
  return body.error;
}

export function refused(run) {
  assert.throws(run, (error) => error.code === 'config-invalid');
}

const json = (body, headers = {}) => ({ method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } });

export function suite(framework, make) {
  const served = (name, run, given) =>
    test(`${framework}: ${name}`, async () => {
      const world = makeWorld(given);
      const { url, close } = await make(world);
      try {
        await run({ world, url, send: (path, init) => fetch(`${url}${path}`, init), signed: signCalls(fetch, world.actor, AUDIENCE, url, ROUTES) });
      } finally {
        await close();
      }
    });

  served('a signed request runs with the arguments that were decided about', async ({ world, url, signed }) => {
    const answer = await signed(`${url}/deploy/staging?dry=yes`, json({ replicas: 2 }));
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { caller: 'coder', arguments: { dry: 'yes', env: 'staging', replicas: 2 }, env: 'staging', replicas: 2, dry: 'yes' });
    // A default that the handler adds was not signed, and is not missed.
    assert.equal((await (await signed(`${url}/deploy/staging`, { method: 'POST' })).json()).replicas, 1);
    assert.deepEqual(await (await signed(`${url}/search?q=a+b%26c%3D%C3%A9`)).json(), { caller: 'coder', q: 'a b&c=é' });
    assert.equal((await signed(`${url}/health`)).status, 200);
    assert.equal((await signed(`${url}/search?q=x`, { method: 'HEAD' })).status, 200);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const kinds = world.records.map((record) => record.kind);
    assert.equal(kinds.filter((kind) => kind === 'outcome').length, world.ran.length);
  });

  served('what is not signed for exactly this request never runs', async ({ world, send }) => {
    const args = { env: 'staging', replicas: 2 };
    const by = (actor, more, audience = AUDIENCE) => headersFor(actor, 'deploy', { ...args, ...more }, audience);
    const other = Agent.generate('other');
    const foreign = new Actor(world.coder, other.issue({ to: world.coder, tools: TOOLS }));
    await denied(await send('/deploy/staging', { method: 'POST' }), 401, 'proof-missing');
    await denied(await send('/deploy/staging', json({ replicas: 2 }, { [HEADER]: 'x y' })), 401, 'text-malformed');
    await denied(await send('/deploy/staging', json({ replicas: 2 }, await by(world.actor, {}, 'https://other.example'))), 401, 'audience-mismatch');
    await denied(await send('/deploy/staging', json({ replicas: 2 }, await by(foreign))), 403, 'issuer-untrusted');
    await denied(await send('/deploy/production', json({ replicas: 2 }, await by(world.actor))), 401, 'proof-mismatch');
    await denied(await send('/deploy/staging?dry=yes', json({ replicas: 2 }, await by(world.actor))), 401, 'proof-mismatch');
    await denied(await send('/deploy/staging', json({ replicas: '2' }, await by(world.actor))), 401, 'proof-mismatch');
    await denied(await send('/deploy/staging', json({ replicas: '2' }, await by(world.actor, { replicas: '2' }))), 403, 'argument-refused');
    await denied(await send('/deploy/staging', json({ replicas: 2, more: 1 }, await by(world.actor, { more: 1 }))), 403, 'argument-unexpected');
    await denied(await send('/deploy/staging', json({ replicas: 2 }, await headersFor(world.actor, 'search', { q: 'x' }, AUDIENCE))), 401, 'proof-mismatch');
    const twice = new Headers(await by(world.actor));
    twice.append(HEADER, twice.get(HEADER));
    await denied(await send('/deploy/staging', json({ replicas: 2 }, Object.fromEntries(twice))), 401, 'text-malformed');
    assert.deepEqual(world.ran, []);
    const once = await by(world.actor);
    assert.equal((await send('/deploy/staging', json({ replicas: 2 }, once))).status, 200);
    await denied(await send('/deploy/staging', json({ replicas: 2 }, once)), 401, 'proof-replayed');
    assert.equal(world.ran.length, 1);
  });

  served('whoever asked may be gone when the decision comes: the call ends with an outcome all the same', async ({ world, url }) => {
    const gone = new AbortController();
    const headers = await headersFor(world.actor, 'search', { q: 'x' }, AUDIENCE);
    setTimeout(() => gone.abort(), 100);
    await assert.rejects(fetch(`${url}/search?q=x`, { headers, signal: gone.signal }));
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.deepEqual(world.records.map((record) => record.kind ?? 'decision').filter((kind) => kind === 'outcome').length, 1);
  }, { store: { commit: () => new Promise((resolve) => setTimeout(resolve, 300, true)) } });

  served('what is no call is refused before anything is decided', async ({ world, send, url }) => {
    const type = { 'Content-Type': 'application/json' };
    for (const [body, headers] of [
      ['{"replicas":1,"replicas":3}', type],
      ['{"env":"production"}', type],
      ['[1]', type],
      ['replicas=1', { 'Content-Type': 'application/x-www-form-urlencoded' }],
      [Buffer.from('{"replicas":1}'), {}],
    ]) {
      await denied(await send('/deploy/staging', { method: 'POST', body, headers }), 400, 'malformed');
    }
    await denied(await send('/deploy/staging?env=production', { method: 'POST' }), 400, 'malformed');
    await denied(await send('/search?q=a&q=b'), 400, 'malformed');
    await denied(await send('/deploy/staging', json({ note: 'x'.repeat(1024 * 1024) })), 413, 'too-large');
    const pieces = async function* pieces() {
      for (let at = 0; at < 17; at += 1) yield Buffer.alloc(65536, 32);
    };
    await denied(await send('/deploy/staging', { method: 'POST', body: ReadableStream.from(pieces()), duplex: 'half', headers: type }), 413, 'too-large');
    const twice = await new Promise((resolve) => {
      const request = http.request(`${url}/deploy/staging`, { method: 'POST' }, async (response) => resolve([response.statusCode, (await response.toArray()).join('')]));
      request.setHeader('Content-Type', ['application/json', 'text/plain']);
      request.end('{}');
    });
    assert.equal(twice[0], 400);
    assert.match(twice[1], /malformed/);
    assert.equal((await send('/nowhere')).status, 404);
    assert.deepEqual([world.ran, world.records], [[], []]);
  });

  served('fifty sessions at once are fifty callers', async ({ world, url }) => {
    const actors = Array.from({ length: 50 }, (_, number) => {
      const agent = Agent.generate(`agent-${number}`);
      return new Actor(agent, world.ana.issue({ to: agent, tools: TOOLS }));
    });
    const signed = signCalls(fetch, currentActor, AUDIENCE, url, ROUTES);
    await assert.rejects(signed(`${url}/search?q=x`), (error) => error.code === 'proof-missing');
    await Promise.all(
      actors.map((actor) =>
        acting(actor, async () => {
          for (let round = 0; round < 2; round += 1) {
            const answers = await Promise.all([signed(`${url}/deploy/staging`, json({ note: actor.agent.name })), signed(`${url}/search?q=${actor.agent.name}`)]);
            for (const answer of answers) assert.equal((await answer.json()).caller, actor.agent.name);
          }
        }),
      ),
    );
    assert.equal(world.ran.length, 200);
  });

  test(`${framework}: an approval is asked for and signed beside the next attempt`, async () => {
    const bo = Agent.generate('bo');
    const world = makeWorld({ approvals: new ApprovalPolicy(1, [bo], { harmless: ['search'] }) });
    const { url, close } = await make(world);
    try {
      const deploy = (actor) => signCalls(fetch, actor, AUDIENCE, url, ROUTES)(`${url}/deploy/staging`, { method: 'POST' });
      const error = await denied(await deploy(world.actor), 403, 'approval-required');
      assert.deepEqual(world.ran, []);
      const request = new ApprovalRequest(world.actor.chain, 'deploy', { env: 'staging' }, AUDIENCE);
      assert.equal(request.id, error.request_id);
      assert.match(request.text, /staging/);
      const mallory = Agent.generate('mallory');
      assert.equal((await deploy(world.actor.withEvidence([mallory.approve(request)]))).status, 403);
      assert.equal((await deploy(world.actor.withEvidence([bo.approve(request)]))).status, 200);
      assert.equal(world.ran.length, 1);
    } finally {
      await close();
    }
  });

  served('nothing signed goes to another host', async ({ world, url }) => {
    const seen = [];
    const elsewhere = await listening(http.createServer((request, response) => (seen.push(request.headers), response.end('ok'))));
    const moved = await listening(http.createServer((request, response) => response.writeHead(307, { Location: `${elsewhere.url}/search?q=x` }).end()));
    try {
      const signed = signCalls(fetch, world.actor, AUDIENCE, moved.url, ROUTES);
      assert.equal((await signed(`${moved.url}/search?q=x`)).status, 307);
      assert.deepEqual(seen, []);
      assert.equal(await (await signed(`${elsewhere.url}/search?q=x`, { headers: await headersFor(world.actor, 'search', { q: 'x' }, AUDIENCE) })).text(), 'ok');
      assert.equal(seen[0][HEADER.toLowerCase()], undefined);
      assert.ok(url);
    } finally {
      await Promise.all([elsewhere.close(), moved.close()]);
    }
  });
}

/** What each example of a gateway prints. */
export const GATEWAY = [
  'without a proof: proof-missing',
  'two replicas: 200 2 replicas of staging by coder for ana',
  'nine replicas: argument-refused',
  'a number given twice: malformed',
  'a release: approval-required',
  'with an approval: 200 released by coder',
  'again: approval-required',
];
