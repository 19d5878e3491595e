'use strict';
// A guard for Hono 4: each route says which tool it is, and its request is decided about before anything reads the body.
const { failure } = require('./native.cjs');
const { caller } = require('./guarding.cjs');
const { kindOf } = require('./options.cjs');
const { HEADER } = require('./mcp-names.cjs');
const { answerTo } = require('./http-call.cjs');
const { DeputizeError } = require('./errors.cjs');
const { RouteGuard, failedStatus, queryAsSent, toolName } = require('./http-guard.cjs');

const declared = new WeakSet();
const watched = new WeakSet();
/** Where Hono keeps the handler of a route that another application brought along. */
const COMPOSED = '__COMPOSED_HANDLER';

/** Says of a route, as its first handler, that nobody has to prove anything. */
function unguarded(context, next) {
  return next();
}
declared.add(unguarded);

/**
 * Comes before the routes of an application. Gives a function that makes the first handler of a route: `guarded('deploy')`. From now on a route
 * whose first handler is neither that nor `unguarded` is an error, also one that another application brings along.
 */
function guardRoutes(app, verifier, given) {
  const guard = new RouteGuard(verifier, given);
  const router = app?.router;
  if (typeof router?.add !== 'function' || typeof router.match !== 'function' || !Array.isArray(app.routes) || typeof app.basePath !== 'function') {
    throw failure('config-invalid', 'not an application of Hono:', kindOf(app));
  }
  if (watched.has(router)) throw failure('config-invalid', 'guarded already:', 'this application');
  if (app.routes.length > 0) throw failure('config-invalid', 'guardRoutes comes before', 'its routes');
  const known = new Set();
  app.router = {
    name: router.name,
    add(method, path, entry) {
      check(known, method, path, entry[0]);
      router.add(method, path, entry);
    },
    match: (method, path) => router.match(method, path),
  };
  watched.add(app.router);
  withoutMounts(app);
  return function guarded(tool) {
    const name = toolName(tool, 'guarded');
    const handler = (context, next) => admit(guard, name, context, next);
    declared.add(handler);
    return handler;
  };
}

async function admit(guard, tool, context, next) {
  const { req } = context;
  let decision;
  let body;
  try {
    if (req.raw.bodyUsed || Object.keys(req.bodyCache).length > 0) throw failure('config-invalid', 'read before the guard:', 'the body');
    body = await bodyOf(req.raw, guard.maxBody);
    const parts = { path: req.param(), query: queryAsSent(req.raw.url), contentType: req.raw.headers.get('Content-Type') ?? undefined };
    decision = await guard.decide(tool, { ...parts, body, presentation: req.raw.headers.get(HEADER) ?? undefined }, context);
  } catch (error) {
    if (!(error instanceof DeputizeError)) throw error;
    const answer = answerTo(error);
    return context.json(answer.body, answer.status, answer.headers);
  }
  req.bodyCache = { text: Promise.resolve(body.toString()) };
  // JSON.parse knows nothing of keys that begin with `$`, of bytes and of integers beyond 53 bits.
  if (body.length > 0) req.json = async () => structuredClone(decision.body);
  await guard.run(decision.authorized, next, () => (context.error === undefined ? failedStatus(context.res.status) : context.error.name));
  return undefined;
}

async function bodyOf(request, most) {
  const tooLarge = () => failure('too-large', `the body, of at most ${most} bytes`, '');
  if (Number(request.headers.get('Content-Length') ?? 0) > most) throw tooLarge();
  const pieces = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > most) throw tooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** A handler comes after a declaration for its method and path; what is for every path and takes a `next` is middleware. */
function check(known, method, path, entry) {
  let handler = entry;
  while (typeof handler?.[COMPOSED] === 'function') handler = handler[COMPOSED];
  const where = `${method} ${path}`;
  if (declared.has(handler)) {
    if (handler !== unguarded && path.includes('*')) throw failure('config-invalid', 'a guarded path names its parameters:', where);
    known.add(where);
    return;
  }
  if (known.has(where) || known.has(`ALL ${path}`)) return;
  if (method === 'ALL' && handler.length >= 2) return;
  throw failure('config-invalid', 'declare the route first: guarded(tool) or unguarded, before the handler of', where);
}

/** A mounted application of another framework has routes that nobody sees. */
function withoutMounts(app) {
  app.mount = (path) => {
    throw failure('config-invalid', 'cannot be guarded: what is mounted at', String(path));
  };
  const { basePath } = app;
  app.basePath = (path) => withoutMounts(Reflect.apply(basePath, app, [path]));
  return app;
}

module.exports = { guardRoutes, unguarded, caller, HEADER };
