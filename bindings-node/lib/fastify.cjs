'use strict';
// A guard for Fastify 5: each route says in its config which tool it is, and its request is decided about before its body is parsed or validated.
const { Readable } = require('node:stream');
const { failure } = require('./native.cjs');
const { caller } = require('./guarding.cjs');
const { kindOf } = require('./options.cjs');
const { HEADER } = require('./mcp-names.cjs');
const { answerTo } = require('./http-call.cjs');
const { DeputizeError } = require('./errors.cjs');
const { RouteGuard, headerOf, queryAsSent, toolName } = require('./http-guard.cjs');

const watched = new WeakSet();
const guards = new WeakSet();
/** The members of the bodies that were decided about, by their requests. */
const bodies = new WeakMap();

/** A parser knows nothing of keys that begin with `$`, of bytes and of integers beyond 53 bits. */
function decidedBody(request, reply, done) {
  if (bodies.has(request)) request.body = bodies.get(request);
  done();
}
guards.add(decidedBody);

/**
 * Comes before the routes of an application. Each route then has in its config either `tool`, as tokens name it, or `unguarded: true`; one that has
 * neither is an error, also within plugins and later.
 */
function guardRoutes(app, verifier, given) {
  const guard = new RouteGuard(verifier, given);
  if (typeof app?.addHook !== 'function' || typeof app.version !== 'string' || !app.version.startsWith('5.')) {
    throw failure('config-invalid', 'not an application of Fastify 5:', kindOf(app));
  }
  if (watched.has(app)) throw failure('config-invalid', 'guarded already:', 'this application');
  if (/[─└├]/.test(app.printRoutes())) throw failure('config-invalid', 'guardRoutes comes before', 'its routes');
  watched.add(app);
  app.addHook('onRoute', (route) => declare(guard, route));
  return app;
}

function declare(guard, route) {
  const { tool, unguarded } = route.config ?? {};
  const where = `${route.method} ${route.url}`;
  if (route.websocket) throw failure('config-invalid', 'a route that cannot be guarded:', where);
  if (tool === undefined && unguarded === true) return;
  if (tool === undefined || unguarded !== undefined) throw failure('config-invalid', 'declare config.tool, or config.unguarded: true, of', where);
  const name = toolName(tool, where);
  if (route.url.includes('*')) throw failure('config-invalid', 'a guarded path names its parameters:', where);
  const first = (request, reply, payload, done) => void admit(guard, name, request, reply, payload, done);
  guards.add(first);
  const others = (name) => [route[name] ?? []].flat().filter((hook) => !guards.has(hook));
  route.preParsing = [first, ...others('preParsing')];
  route.preValidation = [decidedBody, ...others('preValidation')];
}

async function admit(guard, tool, request, reply, payload, done) {
  let decision;
  let body;
  try {
    body = await guard.read(payload);
    const { raw } = request;
    const [contentType, presentation] = ['Content-Type', HEADER].map((name) => headerOf(raw, name));
    const parts = { path: request.params, query: queryAsSent(raw.url), contentType, presentation };
    decision = await guard.decide(tool, { ...parts, body }, request);
  } catch (error) {
    if (!(error instanceof DeputizeError)) return done(error);
    const answer = answerTo(error);
    return reply.code(answer.status).headers(answer.headers).send(answer.body);
  }
  request.query = decision.query;
  if (body.length > 0) bodies.set(request, decision.body);
  const again = Readable.from(body.length === 0 ? [] : [body]);
  again.receivedEncodedLength = body.length;
  return guard.runUntilClosed(decision.authorized, reply.raw, () => done(null, again));
}

module.exports = { guardRoutes, caller, HEADER };
