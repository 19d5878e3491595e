'use strict';
// Agents, for the parts of the library that sign as one. An Agent's own parts are private; its class says here how they are read.
const { failure } = require('./native.cjs');
const { kindOf } = require('./options.cjs');
const { publicBytes, signingHandle } = require('./keys.cjs');

let partsOf = () => undefined;

/** Set once, by the class. */
function agentsAreReadBy(read) {
  partsOf = read;
}

/** The name, key and signing handle of an agent; nothing for anything else. */
const agentOf = (value) => partsOf(value);
const agentKey = (value) => partsOf(value)?.key;

function requiredAgent(value) {
  const agent = partsOf(value);
  if (agent === undefined) throw failure('key-invalid', 'not an Agent:', kindOf(value));
  return agent;
}

/** The public key that an agent or a key stands for. */
function keyOf(value) {
  const key = publicBytes(value) ?? publicBytes(agentKey(value));
  if (key === undefined) throw failure('key-invalid', 'neither an Agent nor a VerifyingKey:', kindOf(value));
  return key;
}

/** What signs for an agent or a SigningKey. */
function signerOf(value) {
  const handle = signingHandle(value) ?? partsOf(value)?.signing;
  if (handle === undefined) throw failure('key-invalid', 'neither an Agent nor a SigningKey:', kindOf(value));
  return handle;
}

/** Writes names with their keys: agents, or `[name, key]`. */
function writeNamedKeys(writer, given, what) {
  const listed = Array.isArray(given) ? Array.from(given) : [given];
  writer.list(listed.length);
  for (const one of listed) {
    const [name, key] = agentOf(one) === undefined ? pairOf(one, what) : [agentOf(one).name, one];
    if (typeof name !== 'string' || !name.isWellFormed()) throw failure('name-invalid', 'not a text: the name of', what);
    writer.list(2);
    writer.text(name);
    writer.bytes(keyOf(key));
  }
}

function pairOf(value, what) {
  if (!Array.isArray(value) || value.length !== 2) throw failure('config-invalid', 'neither an Agent nor a name and a key:', what);
  return Array.from(value);
}

module.exports = { agentKey, agentOf, agentsAreReadBy, keyOf, requiredAgent, signerOf, writeNamedKeys };
