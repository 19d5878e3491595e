'use strict';
// Signs calls that are HTTP requests, as they are sent.
const { failure } = require('./native.cjs');
const { actorFor } = require('./actor.cjs');
const { kindOf, options, text } = require('./options.cjs');
const { HEADER } = require('./mcp-names.cjs');
const { argumentsOf, decoded } = require('./http-call.cjs');

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
  if (!/^https?:$/.test(base?.protocol) || base.search !== '' || base.hash !== '') throw failure('config-invalid', 'not the URL of a server:', String(server));
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

/** A function that finds the tool of a request and the parameters of its path: the first route that fits is the one. */
function routesOf(routes) {
  if (typeof routes !== 'object' || routes === null) throw failure('config-invalid', 'routes: methods with paths, and tools, not', kindOf(routes));
  const table = Object.entries(routes).map(([route, tool]) => {
    if (typeof tool !== 'string') throw failure('config-invalid', 'what a tool is called in tokens is a text:', route);
    return { ...compiled(route), tool };
  });
  return (method, path) => {
    const wanted = method === 'HEAD' ? 'GET' : method;
    for (const { method: declared, pattern, tool } of table) {
      const match = declared === wanted ? pattern.exec(path) : null;
      if (match !== null) return { tool, path: Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, part]) => [name, decoded(part, 'the path')])) };
    }
    return undefined;
  };
}

const PARAMETER = /\{([A-Za-z_][A-Za-z0-9_]*)(:path)?\}/g;

function compiled(route) {
  const [, method, path] = /^([A-Z]+) (\/[^?#]*)$/.exec(route) ?? [];
  if (method === undefined) throw failure('config-invalid', 'a route is written like `POST /deploy/{env}`, not', route);
  const quoted = (literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  let [pattern, at] = ['', 0];
  for (const parameter of path.matchAll(PARAMETER)) {
    pattern += `${quoted(path.slice(at, parameter.index))}(?<${parameter[1]}>${parameter[2] === undefined ? '[^/]+' : '.+'})`;
    at = parameter.index + parameter[0].length;
  }
  return { method, pattern: new RegExp(`^${pattern}${quoted(path.slice(at))}$`) };
}

module.exports = { HEADER, headersFor, routesOf, signCalls };
