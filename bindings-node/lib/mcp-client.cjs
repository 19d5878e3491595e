'use strict';
// The client's side: every attempt on the wire is signed afresh, over the arguments as they are sent.
const { failure } = require('./native.cjs');
const { requiredAgent } = require('./holder.cjs');
const { requiredChain } = require('./chain.cjs');
const { evidenceTape } = require('./evidence.cjs');
const { kindOf, options, text, toolNames } = require('./options.cjs');
const { META_KEY, METHOD, traceOf } = require('./mcp-names.cjs');

const signing = new WeakSet();

/** The `_meta` of one call. */
function metaFor(agent, chain, tool, args, audience, given) {
  requiredAgent(agent);
  return { [META_KEY]: agent.prove(chain, tool, args, audience, given).text };
}

/**
 * Signs every `tools/call` that a client sends. `chain` is a Chain, or a function that gives one for each call, for chains that are renewed.
 * `tools` says what tools are called in tokens, where that differs from their name here. `evidence` is a list for every call, or a function that
 * gives one for each: approvals, consents, identities. `trace` of `deputize/otel` sends the trace context with each call. Takes a `Client` before
 * or after it is connected, and returns it.
 */
function signCalls(client, agent, chain, audience, given) {
  requiredAgent(agent);
  const read = options(given, ['tools', 'evidence', 'trace'], 'signCalls');
  const names = toolNames(read.get('tools'), 'signCalls');
  const evidence = evidenceOf(read.get('evidence'));
  const trace = traceOf(read.get('trace'));
  text(audience, 'name-invalid', 'audience');
  const current = typeof chain === 'function' ? chain : () => chain;
  if (typeof chain !== 'function') requiredChain(chain);
  if (typeof client?.connect !== 'function' || typeof client.callTool !== 'function' || !('transport' in client)) {
    throw failure('config-invalid', 'not a client of @modelcontextprotocol/sdk:', kindOf(client));
  }
  if (signing.has(client)) throw failure('config-invalid', 'signed already:', 'the calls of this client');
  const sign = (message) => signed(message, agent, current, audience, names, evidence, trace);
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
async function signed(message, agent, current, audience, names, evidence, trace) {
  if (message?.method !== METHOD || !('id' in message)) return message;
  const traced = trace?.inject();
  const params = { ...message.params };
  if (params.arguments !== undefined) params.arguments = JSON.parse(JSON.stringify(params.arguments));
  const [tool, args] = [names.get(params.name) ?? params.name, params.arguments ?? {}];
  const shown = await evidence?.(tool, args);
  const meta = metaFor(agent, current(), tool, args, audience, shown === undefined ? undefined : { evidence: shown });
  return { ...message, params: { ...params, _meta: { ...params._meta, ...traced, ...meta } } };
}

/** The function that gives the evidence of a call, if there is any. */
function evidenceOf(evidence) {
  if (evidence === undefined || typeof evidence === 'function') return evidence;
  evidenceTape(evidence);
  const listed = Array.from(evidence);
  return () => listed;
}

module.exports = { metaFor, signCalls };
