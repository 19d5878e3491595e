'use strict';
// Signs calls that are HTTP requests, as they are sent.
const { failure } = require('./native.cjs');
const { actorFor } = require('./actor.cjs');
const { kindOf, options, text } = require('./options.cjs');
const { HEADER } = require('./mcp-names.cjs');
const { argumentsOf } = require('./http-call.cjs');
const { routesOf } = require('./http-routes.cjs');

/** The headers of one attempt of one call, for clients that send it themselves. */
async function headersFor(actor, tool, args, audience, given) {
  const challenge = options(given, ['challenge'], 'headersFor').get('challenge');
  return { [HEADER]: (await actorFor(actor)().prove(tool, args, audience, challenge === undefined ? {} : { challenge })).text };
}

/**
 * A `fetch` that signs each call. `server` is the URL below which the routes are; nothing is signed for another origin. `routes` are methods with
 * paths, and what the tools are called in tokens: `{'POST /deploy/{env}': 'deploy'}`. What is no such route is sent without a presentation. A
 * signed call follows no redirect. `actor` is who calls, or a function that says so for each call: `currentActor`.
 */
function signCalls(fetch, actor, audience, server, routes) {
  if (typeof fetch !== 'function') throw failure('config-invalid', 'not a fetch:', kindOf(fetch));
  const find = actorFor(actor);
  const routeOf = routesOf(routes);
  const base = URL.parse?.(server) ?? parsed(server);
  if (!/^https?:$/.test(base?.protocol) || base.search !== '' || base.hash !== '') {
    throw failure('config-invalid', 'not the URL of a server:', String(server));
  }
  text(audience, 'name-invalid', 'audience');
  const prefix = base.pathname.replace(/\/+$/, '');
  return async function fetchSigned(input, init) {
    const request = new Request(input, init);
    request.headers.delete(HEADER);
    const { origin, pathname, search } = new URL(request.url);
    const here = origin === base.origin && pathname.startsWith(`${prefix}/`);
    const route = here ? routeOf(request.method, pathname.slice(prefix.length)) : undefined;
    if (route === undefined) return fetch(request);
    const body = Buffer.from(await request.clone().arrayBuffer());
    const args = argumentsOf(route.path, search.slice(1), request.headers.get('Content-Type'), body);
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(await headersFor(find(), route.tool, args, audience))) headers.set(name, value);
    return fetch(new Request(request, { headers, redirect: 'manual' }));
  };
}

function parsed(server) {
  try {
    return new URL(server);
  } catch {
    return undefined;
  }
}

module.exports = { HEADER, headersFor, signCalls };
