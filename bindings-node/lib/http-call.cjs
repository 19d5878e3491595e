'use strict';
// A call as an HTTP request: what its arguments are, and what a refused one is answered with.
const { codes, failure } = require('./native.cjs');
const { Denied } = require('./errors.cjs');
const { denialOf } = require('./guarding.cjs');
const { valueFromJson } = require('./values.cjs');

/** Bytes of a body: as many as values may have. */
const MAX_BODY = 1024 * 1024;
const JSON_TYPE = /^application\/json[ \t]*(;[ \t]*charset=("utf-8"|utf-8)[ \t]*)?$/i;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Denials that another signature, or another audience, would mend. */
const PROOF = new Set(['audience-mismatch', 'challenge-mismatch', ...codes().flatMap(({ family, code }) => (family === 'encoding' ? [code] : []))]);

/** The arguments of a request: parameters of its path and query, which are texts, and the members of its body. */
function argumentsOf(path, query, contentType, body) {
  return partsOf(path, query, contentType, body).args;
}

/** The same, and which of them came in the query and which in the body. */
function partsOf(path, query, contentType, body) {
  const given = [Object.entries(path).filter(([, text]) => text !== undefined), queryOf(query), Object.entries(bodyOf(contentType, body))];
  if (!given[0].every(([, text]) => typeof text === 'string')) malformed('no text: a parameter of the', 'path');
  const found = new Map();
  for (const [name, value] of given.flat()) {
    if (found.has(name)) malformed('given in two places: the argument', name);
    found.set(name, value);
  }
  const [, queried, sent] = given.map((part) => part.map(([name]) => name));
  return { args: Object.fromEntries(found), queried, sent };
}

/** The parameters of a query, each once, as names and texts. */
function queryOf(query) {
  if (!/^[!-~]*$/.test(query)) malformed('not percent-encoded:', 'the query');
  const found = new Map();
  for (const piece of query === '' ? [] : query.split('&')) {
    const at = piece.includes('=') ? piece.indexOf('=') : piece.length;
    const [name, value] = [piece.slice(0, at), piece.slice(at + 1)].map((part) => decoded(part.replaceAll('+', ' '), 'the query'));
    if (name === '') malformed('a parameter without a name:', 'the query');
    if (found.has(name)) malformed('given twice in the query: the argument', name);
    found.set(name, value);
  }
  return [...found];
}

function bodyOf(contentType, body) {
  if (body.length === 0) return {};
  if (body.length > MAX_BODY) throw failure('too-large', 'the body, of at most 1 MiB', '');
  if (typeof contentType !== 'string' || !JSON_TYPE.test(contentType.replace(/^[ \t]+|[ \t]+$/g, ''))) malformed('not application/json:', 'the body');
  let text;
  try {
    text = utf8.decode(body);
  } catch {
    malformed('not UTF-8:', 'the body');
  }
  const members = valueFromJson(text);
  if (typeof members !== 'object' || members === null || Array.isArray(members) || members instanceof Uint8Array) malformed('no JSON object:', 'the body');
  return members;
}

function decoded(text, where) {
  try {
    return decodeURIComponent(text);
  } catch {
    return malformed('not percent-encoded UTF-8:', where);
  }
}

/** The status of a refusal: 413 too large, 400 no call, 401 to sign again, 403 everything else. */
function statusOf(error) {
  if (error.code === 'too-large') return 413;
  if (!(error instanceof Denied)) return error.code === 'config-invalid' || error.code === 'internal' ? 500 : 400;
  return PROOF.has(error.code) || error.code.startsWith('proof-') ? 401 : 403;
}

/** What a refused request is answered with. */
function answerTo(error) {
  const status = statusOf(error);
  return { status, headers: status === 401 ? { 'WWW-Authenticate': 'Deputize' } : {}, body: { error: denialOf(error) } };
}

function malformed(what, name) {
  throw failure('malformed', what, name);
}

module.exports = { MAX_BODY, answerTo, argumentsOf, decoded, partsOf, statusOf };
