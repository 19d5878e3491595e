'use strict';
// The server's side. An MCP server keeps one handler for `tools/call`, whoever registers tools and whenever; the guard stands where the server
// looks that handler up, so that arguments are decided about as they were received, before any schema adds defaults.
const { call, failure } = require('./native.cjs');
const { DeputizeError } = require('./errors.cjs');
const { Guard, denialOf, found, refusalOf } = require('./guarding.cjs');
const { kindOf, options, orElse } = require('./options.cjs');
const { argumentsFor } = require('./outcome.cjs');
const { requestOf } = require('./asking.cjs');
const { Asking, admitAsking, withoutAnswer } = require('./mcp-forms.cjs');
const { DENIAL_KEY, HEADER, META_KEY, METHOD, traceOf } = require('./mcp-names.cjs');

const guarded = new WeakSet();
/** JSON-RPC: an error of the server's own. */
const REFUSED = -32001;

/**
 * Lets a server run a tool only for calls that the verifier allows. Takes an `McpServer` or a low-level `Server`, before or after its tools are
 * registered, and returns it. With `elicit`, a call that needs an approval is asked about by a form, where the client has forms.
 */
function guard(server, verifier, given) {
  const extra = options(given, ['tools', 'acceptArgument', 'challenge', 'context', 'elicit', 'trace'], 'guard');
  const edge = new Guard(verifier, { tools: extra.get('tools'), acceptArgument: extra.get('acceptArgument') });
  for (const name of ['challenge', 'context']) {
    if (extra.has(name) && typeof extra.get(name) !== 'function') throw failure('config-invalid', 'a function of the request and its extra:', name);
  }
  const elicit = orElse(extra, 'elicit', false);
  if (typeof elicit !== 'boolean') throw failure('config-invalid', 'true or false:', 'elicit');
  const protocol = protocolOf(server);
  if (guarded.has(protocol)) throw failure('config-invalid', 'guarded already:', 'this server');
  const decide = traced(traceOf(extra.get('trace')), decider(edge, extra.get('challenge'), extra.get('context'), registryOf(server), elicit ? protocol : undefined));
  const check = install(protocol, decide);
  guardConnect(protocol, check);
  guarded.add(protocol);
  return server;
}

/** The object that keeps the handlers: the server itself, or the one inside an `McpServer`. */
function protocolOf(server) {
  for (const candidate of [server, server?.server]) {
    const serves = candidate?._requestHandlers instanceof Map && typeof candidate._onrequest === 'function';
    if (serves && typeof candidate.setRequestHandler === 'function' && typeof candidate.connect === 'function' && isServer(candidate)) {
      if (candidate.transport !== undefined) throw failure('config-invalid', 'connected already:', 'guard the server first');
      return candidate;
    }
  }
  throw failure('config-invalid', 'not a server of @modelcontextprotocol/sdk or @modelcontextprotocol/server:', kindOf(server));
}

/** A client keeps handlers in the same way; only a server answers what it can do. */
function isServer(candidate) {
  return typeof candidate.getClientCapabilities === 'function';
}

/** Puts the guard where handlers are looked up. The result says whether it still stands. */
function install(protocol, decide) {
  const handlers = protocol._requestHandlers;
  const lookUp = handlers.get.bind(handlers);
  const wrappers = new WeakMap();
  const wrapped = (handler) => {
    if (typeof handler !== 'function') return handler;
    if (!wrappers.has(handler)) wrappers.set(handler, (request, extra) => decide(handler, request, extra));
    return wrappers.get(handler);
  };
  const get = (method) => (method === METHOD ? wrapped(lookUp(method)) : lookUp(method));
  Object.defineProperty(handlers, 'get', { value: get, writable: false, configurable: false });

  // A fallback handler may serve tools/call too.
  let fallback = protocol.fallbackRequestHandler;
  const readFallback = () => {
    if (typeof fallback !== 'function') return fallback;
    const own = fallback;
    return (request, extra) => (request.method === METHOD ? wrapped(own)(request, extra) : own(request, extra));
  };
  const accessor = { get: readFallback, set: (handler) => void (fallback = handler), configurable: false, enumerable: true };
  Object.defineProperty(protocol, 'fallbackRequestHandler', accessor);

  return () => protocol._requestHandlers === handlers && handlers.get === get;
}

/** A server whose handlers were exchanged behind the guard does not start, and if it runs already, serves no call. */
function guardConnect(protocol, stands) {
  const { connect, _onrequest: receive } = protocol;
  protocol._onrequest = (request, extra) => {
    if (request.method === METHOD && !stands()) throw failure('config-invalid', 'served without a guard:', METHOD);
    return Reflect.apply(receive, protocol, [request, extra]);
  };
  protocol.connect = async function connectGuarded(transport) {
    if (!stands()) throw failure('config-invalid', 'served without a guard:', METHOD);
    return Reflect.apply(connect, protocol, [transport]);
  };
}

/** What an `McpServer` registered under a name; a low-level server keeps no such list. */
function registryOf(server) {
  return (name) => {
    const tools = server._registeredTools;
    return typeof tools === 'object' && tools !== null && typeof name === 'string' && Object.hasOwn(tools, name) ? tools[name] : undefined;
  };
}

/** What the server itself says that a tool does, in one word. */
function hintOf(tool) {
  if (tool?.annotations === undefined) return undefined;
  const { readOnlyHint, destructiveHint } = tool.annotations ?? {};
  const said = (hint) => (typeof hint === 'boolean' ? hint : undefined);
  return call('hintOf', said(readOnlyHint), said(destructiveHint)) ?? undefined;
}

/** `asking` is the server whose client is asked by forms, if any is. */
function decider(edge, challengeFor, contextFor, registered, asking) {
  return async (handler, request, extra) => {
    // What the tool gets is what was decided about, and not what somebody may change while a store is asked.
    const params = { ...request.params };
    const { name } = params;
    let authorized;
    try {
      const asked = { hint: hintOf(registered(name)) };
      if (challengeFor !== undefined) asked.challenge = await found(challengeFor, request, extra);
      if (contextFor !== undefined) asked.context = await found(contextFor, request, extra);
      const { args, presentation } = edge.received(argumentsOf(params), params._meta, headerOf(headersOf(extra)));
      const admit = (presented) => edge.admit(name, args, presented, asked);
      const requested = (error) => requestOf(edge, error, presentation, name, args, asked);
      authorized = await (asking === undefined ? admit(presentation) : admitAsking(asking, extra, presentation, admit, requested));
    } catch (error) {
      if (error instanceof Asking) return error.result;
      if (!(error instanceof DeputizeError)) throw error;
      return refusal(error, params);
    }
    const own = { ...request, params };
    if (params.arguments !== undefined) params.arguments = argumentsFor(authorized);
    if (typeof params._meta === 'object' && params._meta !== null) params._meta = withoutPresentation(params._meta);
    const errorOf = (result) => (result?.isError === true ? 'the tool reported an error' : undefined);
    return edge.run(authorized, () => handler(own, withoutAnswer(extra)), params.task === undefined ? errorOf : () => null);
  };
}

/** The same, within the trace that the caller says it is of: that proves nothing, and decides nothing. */
function traced(trace, decide) {
  if (trace === undefined) return decide;
  return (handler, request, extra) => trace.within(request.params?._meta, () => decide(handler, request, extra));
}

/** What proved the call is not for the tool, and for no telemetry of it. */
function withoutPresentation({ [META_KEY]: _, ...others }) {
  return others;
}

/** A call without arguments has none; `null` is not that. */
function argumentsOf(params) {
  return params.arguments === undefined ? {} : params.arguments;
}

/** The headers of a request, where both lines of the SDK have them. */
const headersOf = (extra) => extra?.requestInfo?.headers ?? extra?.http?.req?.headers;

/** Two headers of the name are joined as HTTP joins them, which no text form survives. */
function headerOf(headers) {
  if (typeof headers !== 'object' || headers === null) return undefined;
  if (typeof headers.get === 'function') return headers.get(HEADER) ?? undefined;
  const found = Object.keys(headers).filter((name) => name.toLowerCase() === HEADER.toLowerCase()).flatMap((name) => headers[name]);
  const values = found.filter((value) => value !== undefined);
  return values.length > 1 ? values.join(', ') : values[0];
}

/** A refusal as the result of the tool; for a call that asks for a task, whose result would be a task, as an error. */
function refusal(error, params) {
  const [text, about] = [refusalOf(error), denialOf(error)];
  if (params.task !== undefined) throw Object.assign(new Error(text), { code: REFUSED, data: about });
  return { isError: true, content: [{ type: 'text', text }], _meta: { [DENIAL_KEY]: about } };
}

module.exports = { guard };
