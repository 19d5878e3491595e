'use strict';
// The client's side: every attempt on the wire is signed afresh, over the arguments as they are sent.
const { failure } = require('./native.cjs');
const { actorFor } = require('./actor.cjs');
const { kindOf, options, text, toolNames } = require('./options.cjs');
const { META_KEY, METHOD, traceOf } = require('./mcp-names.cjs');

const signing = new WeakSet();

/** The `_meta` of one call. */
async function metaFor(actor, tool, args, audience, given) {
  return { [META_KEY]: (await actorFor(actor)().prove(tool, args, audience, given)).text };
}

/**
 * Signs every `tools/call` that a client sends. `actor` is who calls, or a function that says so for each call: `currentActor`, where a client
 * serves several. `tools` says what tools are called in tokens, where that differs from their name here. `trace` of `deputize/otel` sends the
 * trace context with each call. Takes a `Client` before or after it is connected, and returns it.
 */
function signCalls(client, actor, audience, given) {
  const find = actorFor(actor);
  const read = options(given, ['tools', 'trace'], 'signCalls');
  const names = toolNames(read.get('tools'), 'signCalls');
  const trace = traceOf(read.get('trace'));
  text(audience, 'name-invalid', 'audience');
  if (typeof client?.connect !== 'function' || typeof client.callTool !== 'function' || !('transport' in client)) {
    throw failure('config-invalid', 'not a client of @modelcontextprotocol/sdk:', kindOf(client));
  }
  if (signing.has(client)) throw failure('config-invalid', 'signed already:', 'the calls of this client');
  const sign = (message) => signed(message, find, audience, names, trace);
  const connect = client.connect;
  client.connect = (transport, ...rest) => Reflect.apply(connect, client, [signer(transport, sign), ...rest]);
  if (client.transport !== undefined) signer(client.transport, sign);
  signing.add(client);
  return client;
}

/** The same transport, which signs what passes. It calls its own `send` for a retry, which is signed anew. */
function signer(transport, sign) {
  const send = transport.send;
  transport.send = async function sendSigned(message, ...rest) {
    return Reflect.apply(send, transport, [await (Array.isArray(message) ? Promise.all(message.map(sign)) : sign(message)), ...rest]);
  };
  return transport;
}

/** A copy of a call, with its arguments as JSON keeps them and a proof of exactly those. */
async function signed(message, find, audience, names, trace) {
  if (message?.method !== METHOD || !('id' in message)) return message;
  const traced = trace?.inject();
  const params = { ...message.params };
  if (params.arguments !== undefined) params.arguments = JSON.parse(JSON.stringify(params.arguments));
  const meta = await metaFor(find(), names.get(params.name) ?? params.name, params.arguments ?? {}, audience);
  return { ...message, params: { ...params, _meta: { ...params._meta, ...traced, ...meta } } };
}

module.exports = { metaFor, signCalls };
