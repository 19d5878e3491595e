'use strict';
// The client's side: every attempt on the wire is signed afresh, over the arguments as they are sent.
const { failure } = require('./native.cjs');
const { requiredAgent } = require('./holder.cjs');
const { requiredChain } = require('./chain.cjs');
const { kindOf, options, text, toolNames } = require('./options.cjs');
const { META_KEY, METHOD } = require('./mcp-names.cjs');

const signing = new WeakSet();

/** The `_meta` of one call. */
function metaFor(agent, chain, tool, args, audience, given) {
  requiredAgent(agent);
  return { [META_KEY]: agent.prove(chain, tool, args, audience, given).text };
}

/**
 * Signs every `tools/call` that a client sends. `chain` is a Chain, or a function that gives one for each call, for chains that are renewed.
 * `tools` says what tools are called in tokens, where that differs from their name here. Takes a `Client` before or after it is connected, and returns it.
 */
function signCalls(client, agent, chain, audience, given) {
  requiredAgent(agent);
  const names = toolNames(options(given, ['tools'], 'signCalls').get('tools'), 'signCalls');
  text(audience, 'name-invalid', 'audience');
  const current = typeof chain === 'function' ? chain : () => chain;
  if (typeof chain !== 'function') requiredChain(chain);
  if (typeof client?.connect !== 'function' || typeof client.callTool !== 'function' || !('transport' in client)) {
    throw failure('config-invalid', 'not a client of @modelcontextprotocol/sdk:', kindOf(client));
  }
  if (signing.has(client)) throw failure('config-invalid', 'signed already:', 'the calls of this client');
  const sign = (message) => signed(message, agent, current, audience, names);
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
    return Reflect.apply(send, transport, [Array.isArray(message) ? message.map(sign) : sign(message), ...rest]);
  };
  return transport;
}

/** A copy of a call, with its arguments as JSON keeps them and a proof of exactly those. */
function signed(message, agent, current, audience, names) {
  if (message?.method !== METHOD || !('id' in message)) return message;
  const params = { ...message.params };
  if (params.arguments !== undefined) params.arguments = JSON.parse(JSON.stringify(params.arguments));
  const meta = metaFor(agent, current(), names.get(params.name) ?? params.name, params.arguments ?? {}, audience);
  return { ...message, params: { ...params, _meta: { ...params._meta, ...meta } } };
}

function requiredAgent(agent) {
  if (agentKey(agent) === undefined) throw failure('key-invalid', 'not an Agent:', kindOf(agent));
}

module.exports = { metaFor, signCalls };
