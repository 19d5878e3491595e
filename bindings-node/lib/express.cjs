'use strict';
// A guard for Express 5: each route says which tool it is, and its request is decided about before anything reads the body.
const { METHODS } = require('node:http');
const { failure } = require('./native.cjs');
const { caller } = require('./guarding.cjs');
const { kindOf } = require('./options.cjs');
const { HEADER } = require('./mcp-names.cjs');
const { answerTo } = require('./http-call.cjs');
const { DeputizeError } = require('./errors.cjs');
const { RouteGuard, headerOf, queryAsSent, toolName } = require('./http-guard.cjs');

const declared = new WeakSet();
const watched = new WeakSet();
const PARSERS = /^(json|urlencoded|raw|text)Parser$/;

/** Says of a route, as its first handler, that nobody has to prove anything. */
function unguarded(request, response, next) {
  next();
}
declared.add(unguarded);

/**
 * Comes before the routes of an application or a router. Gives a function that makes the first handler of a route: `guarded('deploy')`. From now on
 * a route whose first handler is neither that nor `unguarded` is an error, and so is a router that is not guarded.
 */
function guardRoutes(app, verifier, given) {
  const guard = new RouteGuard(verifier, given);
  const router = routerOf(app);
  if (watched.has(router)) throw failure('config-invalid', 'guarded already:', 'this application');
  if (router.stack.length > 0) throw failure('config-invalid', 'guardRoutes comes before', 'its routes');
  const { route, use } = router;
  router.route = (path) => watchedRoute(Reflect.apply(route, router, [path]), path);
  router.use = (...handlers) => {
    checkMiddleware(handlers, router.mergeParams);
    return Reflect.apply(use, router, handlers);
  };
  if (app !== router) watchUse(app);
  watched.add(router);
  watched.add(app);
  return function guarded(tool) {
    const name = toolName(tool, 'guarded');
    const handler = (request, response, next) => void admit(guard, name, request, response, next);
    declared.add(handler);
    return handler;
  };
}

async function admit(guard, tool, request, response, next) {
  let decision;
  try {
    if (request.body !== undefined || request.readableEnded) throw failure('config-invalid', 'read before the guard:', 'the body');
    const [contentType, presentation] = ['Content-Type', HEADER].map((name) => headerOf(request, name));
    const parts = { path: request.params, query: queryAsSent(request.url), contentType, presentation };
    decision = await guard.decide(tool, { ...parts, body: await guard.read(request) }, request);
  } catch (error) {
    if (!(error instanceof DeputizeError)) return next(error);
    const { status, headers, body } = answerTo(error);
    return response.status(status).set(headers).json(body);
  }
  request.body = decision.body;
  Object.defineProperty(request, 'query', { value: decision.query, writable: true, configurable: true, enumerable: true });
  return guard.runUntilClosed(decision.authorized, response, next);
}

function routerOf(app) {
  let router;
  try {
    router = typeof app?.set === 'function' ? app.router : app;
  } catch {
    // Express 4.
  }
  if (typeof router !== 'function' || !Array.isArray(router.stack) || typeof router.route !== 'function') {
    throw failure('config-invalid', 'neither an application nor a router of Express 5:', kindOf(app));
  }
  return router;
}

/** A route whose methods take a declaration first. */
function watchedRoute(route, path) {
  const had = new Set();
  for (const method of ['all', ...METHODS.map((name) => name.toLowerCase())]) {
    const add = route[method];
    if (typeof add !== 'function') continue;
    route[method] = (...handlers) => {
      const [first] = handlers.flat(Infinity);
      if (!declared.has(first) && !had.has(method) && !had.has('all')) {
        throw failure('config-invalid', 'declare the route first: guarded(tool) or unguarded, before the handler of', String(path));
      }
      const named = typeof path === 'string' && !path.includes('*');
      if (declared.has(first) && first !== unguarded && !named) throw failure('config-invalid', 'a guarded path names its parameters:', String(path));
      had.add(method);
      return Reflect.apply(add, route, handlers);
    };
  }
  return route;
}

/** An application within another has to be guarded too. */
function watchUse(app) {
  const { use } = app;
  app.use = (...handlers) => {
    checkMiddleware(handlers, false);
    return Reflect.apply(use, app, handlers);
  };
}

/** What is used below a path. Parameters of that path, or of one above, are arguments of all calls below. */
function checkMiddleware(handlers, below) {
  const all = handlers.flat(Infinity);
  const named = below === true || all.some((one) => one instanceof RegExp || (typeof one === 'string' && /[:*]/.test(one)));
  for (const one of all) if (typeof one === 'function') checkHandler(one, named);
}

function checkHandler(handler, named) {
  if (watched.has(handler)) {
    if (named && handler.mergeParams !== true) throw failure('config-invalid', 'parameters of the path above are arguments too: make it by', 'express.Router({ mergeParams: true })');
    return;
  }
  if (handler === unguarded) return;
  if (declared.has(handler)) throw failure('config-invalid', 'a guarded path names its parameters; make it a route:', 'guarded() in use()');
  if (Array.isArray(handler.stack) || typeof handler.handle === 'function') {
    throw failure('config-invalid', 'call guardRoutes for each router and application within:', handler.name);
  }
  if (PARSERS.test(handler.name)) throw failure('config-invalid', 'the guard reads the body; leave out', `express.${handler.name.replace('Parser', '')}()`);
  if (handler.length < 3) throw failure('config-invalid', 'no middleware, for it takes no next; make it a route:', handler.name);
}

module.exports = { guardRoutes, unguarded, caller, HEADER };
