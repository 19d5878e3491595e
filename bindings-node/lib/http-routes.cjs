'use strict';
// Methods with paths, and the tools that they are, as a client declares them.
const { failure } = require('./native.cjs');
const { kindOf } = require('./options.cjs');
const { decoded } = require('./http-call.cjs');

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

module.exports = { routesOf };
