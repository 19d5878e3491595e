'use strict';
// What the guards of web frameworks have in common: a request becomes a call, is decided about, and ends with an outcome.
const { failure } = require('./native.cjs');
const { Guard, found } = require('./guarding.cjs');
const { count, kindOf, options, orElse, text } = require('./options.cjs');
const { MAX_BODY, partsOf } = require('./http-call.cjs');
const { argumentsFor } = require('./outcome.cjs');

class RouteGuard {
  #edge;
  #challenge;
  #context;

  constructor(verifier, given) {
    const read = options(given, ['challenge', 'context', 'maxBody'], 'guardRoutes');
    this.#edge = new Guard(verifier);
    [this.#challenge, this.#context] = ['challenge', 'context'].map((name) => functionOrNone(read.get(name), name));
    this.maxBody = Math.min(count(orElse(read, 'maxBody', MAX_BODY), 'config-invalid', 'maxBody'), MAX_BODY);
  }

  /** Decides about a request: what its parts are, and what the framework calls it. Gives the decision, and its query and body for the handler. */
  async decide(tool, { path, query, contentType, body, presentation }, request) {
    const { args, queried, sent } = partsOf(path, query, contentType, body);
    const [challenge, context] = await Promise.all([found(this.#challenge, request), found(this.#context, request)]);
    const authorized = await this.#edge.admit(tool, args, presentation, { challenge, context });
    const own = argumentsFor(authorized);
    const pick = (names) => Object.fromEntries(names.map((name) => [name, own[name]]));
    return { authorized, query: pick(queried), body: pick(sent) };
  }

  /** Runs what comes after the guard until the response is over. */
  runUntilClosed(authorized, response, next) {
    const ended = new Promise((resolve) => (response.closed ? resolve() : response.once('close', resolve))); // whoever asked may be gone by now
    const run = () => {
      next();
      return ended;
    };
    return this.run(authorized, run, () => (response.writableFinished ? failedStatus(response.statusCode) : 'closed early'));
  }

  run(authorized, run, errorOf) {
    return this.#edge.run(authorized, run, errorOf);
  }

  /** The whole body of a request of node:http; the rest of one that is too large is thrown away. */
  read(request) {
    return new Promise((resolve, reject) => {
      const pieces = [];
      let size = 0;
      const refuse = () => {
        request.off('data', take).resume();
        reject(failure('too-large', `the body, of at most ${this.maxBody} bytes`, ''));
      };
      const take = (piece) => {
        size += piece.length;
        if (size > this.maxBody) return refuse();
        return void pieces.push(piece);
      };
      if (Number(request.headers?.['content-length'] ?? 0) > this.maxBody) return refuse();
      request.on('data', take);
      request.on('end', () => resolve(Buffer.concat(pieces)));
      request.on('close', () => reject(failure('malformed', 'not whole:', 'the body')));
      return void request.on('error', reject);
    });
  }
}

/** A header of a request of node:http; several of a name are one text that nothing takes. */
function headerOf(request, name) {
  const values = request.headersDistinct?.[name.toLowerCase()] ?? [request.headers[name.toLowerCase()] ?? []].flat();
  return values.length === 0 ? undefined : values.join(', ');
}

/** What the outcome of a response is. */
function failedStatus(status) {
  return status >= 400 ? `status ${status}` : undefined;
}

/** The query of a URL or of the target of a request, as it was sent. */
function queryAsSent(url) {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at + 1).replace(/#.*$/s, '');
}

/** A tool's name as a route declares it. */
function toolName(tool, where) {
  if (typeof tool !== 'string' || tool === '') throw failure('config-invalid', 'name the tool of the route:', where);
  return text(tool, 'config-invalid', where);
}

function functionOrNone(find, name) {
  if (find !== undefined && typeof find !== 'function') throw failure('config-invalid', `${name}: a function of the request, not`, kindOf(find));
  return find;
}

module.exports = { RouteGuard, failedStatus, headerOf, queryAsSent, toolName };
