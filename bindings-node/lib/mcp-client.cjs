'use strict';
// The client's side: every attempt on the wire is signed afresh, over the arguments as they are sent.
const { AsyncLocalStorage } = require('node:async_hooks');
const { failure } = require('./native.cjs');
const { actorFor } = require('./actor.cjs');
const { kindOf, options } = require('./options.cjs');
const { DENIAL_KEY, META_KEY, METHOD, traceOf } = require('./mcp-names.cjs');
const { Signer } = require('./signing.cjs');

const signing = new WeakSet();
/** A transport's own functions, by those that were put in their place. */
const plain = new WeakMap();

/** The `_meta` of one call. */
async function metaFor(actor, tool, args, audience, given) {
  return { [META_KEY]: (await actorFor(actor)().prove(tool, args, audience, given)).text };
}

/**
 * Signs every `tools/call` that a client sends. `actor` is who calls, or a function that says so for each call: `currentActor`, where a client
 * serves several. `tools` says what tools are called in tokens, where that differs from their name here. `carry` is where a presentation
 * travels: in the metadata, or in a `header` or an `argument` where something on the way drops that. `approver` is asked where a call needs
 * approvals, and `context` is the partition that the server's calls are about. `trace` of `deputize/otel` sends the trace context with each
 * call. Takes a `Client` before or after it is connected, and returns it.
 */
function signCalls(client, actor, audience, given) {
  const { trace, ...rest } = Object.fromEntries(options(given, ['tools', 'carry', 'approver', 'context', 'trace'], 'signCalls'));
  const signer = new Signer(actor, audience, rest, 'signCalls');
  const wire = { signer, trace: traceOf(trace), carried: signer.carry === 'header' ? new AsyncLocalStorage() : undefined };
  if (typeof client?.connect !== 'function' || typeof client.callTool !== 'function' || !('transport' in client)) {
    throw failure('config-invalid', 'not a client of @modelcontextprotocol/sdk or @modelcontextprotocol/client:', kindOf(client));
  }
  if (signing.has(client)) throw failure('config-invalid', 'signed already:', 'the calls of this client');
  if (client.transport !== undefined) signTransport(client.transport, wire);
  const { connect, callTool } = client;
  client.connect = async (transport, ...others) => Reflect.apply(connect, client, [signTransport(transport, wire), ...others]);
  client.callTool = (params, ...others) => {
    const send = () => Reflect.apply(callTool, client, [params, ...others]);
    return signer.attempt(params?.name, () => asSent(params?.arguments ?? {}), send, (result) => result?._meta?.[DENIAL_KEY]);
  };
  signing.add(client);
  return client;
}

/**
 * A `fetch` that signs every `tools/call` in what it posts: for clients of MCP over HTTP that take one, and no `signCalls`. Options as there,
 * without `approver` and `context`; `fetch` is what sends. What is posted follows no redirect, unless the client says so.
 */
function signingFetch(actor, audience, given) {
  const { fetch: send = globalThis.fetch, trace, ...rest } = Object.fromEntries(options(given, ['tools', 'carry', 'trace', 'fetch'], 'signingFetch'));
  if (typeof send !== 'function') throw failure('config-invalid', 'fetch is a function, not', kindOf(send));
  const wire = { signer: new Signer(actor, audience, rest, 'signingFetch'), trace: traceOf(trace) };
  return async (url, init, ...others) => {
    if (init?.method !== 'POST' || typeof init.body !== 'string' || !init.body.includes(METHOD)) return send(url, init, ...others);
    const [message, headers] = await signed(JSON.parse(init.body), wire);
    return send(url, { redirect: 'manual', ...init, body: JSON.stringify(message), headers: withHeaders(init.headers, headers) }, ...others);
  };
}

/** The same transport, which signs what passes. It calls its own `send` for a retry, which is signed anew. */
function signTransport(transport, wire) {
  if (typeof transport?.send !== 'function') throw failure('config-invalid', 'not a transport of MCP:', kindOf(transport));
  if (wire.carried !== undefined) sendHeaders(transport, wire.carried);
  const send = ownOf(transport, 'send');
  put(transport, 'send', send, async (message, ...rest) => {
    const [ready, headers] = await signed(message, wire);
    const pass = () => Reflect.apply(send, transport, [ready, ...rest]);
    return wire.carried === undefined ? pass() : wire.carried.run(headers, pass);
  });
  return transport;
}

/** An HTTP transport posts through its `_fetch`, where it has one, and gets the header there. It may ask another host for a token meanwhile. */
function sendHeaders(transport, carried) {
  if (!('_fetch' in transport)) throw failure('config-invalid', 'carry: a header needs a transport over HTTP, not', transport.constructor?.name ?? kindOf(transport));
  const own = ownOf(transport, '_fetch');
  const send = own ?? fetch;
  put(transport, '_fetch', send, async (url, init) => {
    const found = carried.getStore();
    const here = [transport._url, transport._endpoint].some((own) => own !== undefined && new URL(own).origin === new URL(url, own).origin);
    if (!here || init?.method !== 'POST' || found === undefined) return send(url, init);
    return send(url, { redirect: 'manual', ...init, headers: withHeaders(init.headers, found) });
  });
}

function withHeaders(given, more) {
  const headers = new Headers(given);
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  return headers;
}

const ownOf = (transport, name) => plain.get(transport[name]) ?? transport[name];

function put(transport, name, own, instead) {
  plain.set(instead, own);
  transport[name] = instead;
}

/** What is sent, with a proof of exactly that, and the headers that go with it. */
function signed(message, wire) {
  return Array.isArray(message) ? signedBatch(message, wire) : signedCall(message, wire);
}

async function signedBatch(message, wire) {
  const all = await Promise.all(message.map((one) => signedCall(one, wire)));
  const headers = all.map(([, found]) => found).filter((found) => Object.keys(found).length > 0);
  if (headers.length > 1) throw failure('config-invalid', 'carry: a header is for one call, and not for', 'a batch');
  return [all.map(([one]) => one), headers[0] ?? {}];
}

async function signedCall(message, { signer, trace }) {
  if (message?.method !== METHOD || !('id' in message)) return [message, {}];
  const traced = trace?.inject();
  const params = { ...message.params };
  if (params.arguments !== undefined) params.arguments = asSent(params.arguments);
  if (traced !== undefined) params._meta = { ...params._meta, ...traced };
  const headers = signer.place(await signer.sign(params.name, params.arguments ?? {}), params);
  return [{ ...message, params }, headers];
}

/** Arguments as JSON keeps them. */
const asSent = (args) => JSON.parse(JSON.stringify(args));

module.exports = { metaFor, signCalls, signingFetch };
