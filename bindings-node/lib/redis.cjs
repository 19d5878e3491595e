'use strict';
// A store in Redis, for verifiers in several processes and machines.
const { createHash } = require('node:crypto');
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { kindOf, options, text } = require('./options.cjs');

const SCRIPT = call('commitScript');
const SHA1 = createHash('sha1').update(SCRIPT).digest('hex');
const ANSWER = /^(refused|predates) (0|[1-9][0-9]{0,5})$/;

/** What verifiers share on one server. Whatever goes wrong throws, and denies. */
class RedisStore {
  #given;
  #url;
  #own;
  #prefix;
  #timeout;
  #durable;

  constructor(server, given) {
    const read = options(given, ['prefix', 'timeout', 'durable'], 'RedisStore');
    this.#prefix = prefixOf(read.get('prefix') ?? 'deputize');
    this.#timeout = millisecondsOf(read.get('timeout') ?? 2);
    this.#durable = read.get('durable') ?? false;
    if (typeof this.#durable !== 'boolean') throw failure('config-invalid', 'true or false:', 'durable');
    if (isClient(server)) {
      this.#given = server;
    } else {
      this.#url = text(options(server, ['url'], 'RedisStore').get('url'), 'config-invalid', 'a connected client of the package redis, or url');
      this.#make();
    }
    Object.freeze(this);
  }

  /** Called by each verifier that takes the store: where the server remembers nothing yet, its memory begins now and not with the first call. */
  async begin(nowMs) {
    await this.commit([], nowMs);
  }

  async commit(operations, nowMs) {
    const [keys, words] = [[`{${this.#prefix}}:began`], [String(nowMs), this.#durable ? '1' : '0']];
    for (const [name, key, ...numbers] of operations) {
      keys.push(`{${this.#prefix}}:${String.fromCharCode(key[0])}:${Buffer.from(key.subarray(1)).toString('hex')}`);
      words.push(name, ...numbers.map(String));
    }
    const own = this.#given === undefined ? this.#open() : undefined;
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(failure('store-unavailable', 'no answer in time from', 'Redis')), this.#timeout);
    });
    try {
      return answerOf(await Promise.race([run(own?.ready ?? this.#given, { keys, arguments: words }), late]));
    } catch (error) {
      // Whatever else a connection has that failed is not waited for.
      if (own !== undefined) this.#drop(own);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  close() {
    if (this.#own !== undefined) this.#drop(this.#own);
  }

  /** The connection of this store; another one if it was lost. */
  #open() {
    if (this.#own !== undefined && (this.#own.connecting || this.#own.client.isReady)) return this.#own;
    this.close();
    const client = this.#make();
    // Each failure is told by the commit that meets it.
    client.on('error', () => {});
    // A connection alone does not keep the process; the timer of a commit does.
    client.unref();
    const own = { client, connecting: true, ready: client.connect().finally(() => (own.connecting = false)) };
    own.ready.catch(() => {});
    this.#own = own;
    return own;
  }

  #make() {
    let redis;
    try {
      redis = require('redis');
    } catch {
      throw failure('config-invalid', 'RedisStore needs the package', 'redis');
    }
    try {
      const socket = { connectTimeout: this.#timeout, reconnectStrategy: false };
      return redis.createClient({ url: this.#url, socket, disableOfflineQueue: true });
    } catch {
      // The address may have a password in it.
      throw failure('config-invalid', 'not the address of a Redis server:', 'url');
    }
  }

  #drop(own) {
    if (this.#own === own) this.#own = undefined;
    try {
      own.client.destroy();
    } catch {
      // It was closed already.
    }
  }

  [inspect.custom]() {
    return `RedisStore(${inspect(this.#prefix)})`;
  }
}

function isClient(server) {
  return (typeof server === 'object' || typeof server === 'function') && server !== null && typeof server.evalSha === 'function' && typeof server.eval === 'function';
}

function prefixOf(prefix) {
  if (typeof prefix === 'string' && /^[A-Za-z0-9.:_-]{1,64}$/.test(prefix)) return prefix;
  throw failure('config-invalid', '1 to 64 letters, digits and .:_- are a', 'prefix');
}

function millisecondsOf(seconds) {
  if (typeof seconds === 'number' && seconds > 0 && seconds <= 60) return Math.ceil(seconds * 1000);
  throw failure('config-invalid', 'seconds above 0 and at most 60, not', typeof seconds === 'number' ? String(seconds) : kindOf(seconds));
}

/** The script's answer. A server that does not know the script yet is given it. */
async function run(connected, given) {
  const client = await connected;
  try {
    return await client.evalSha(SHA1, given);
  } catch (error) {
    if (!String(error?.message).startsWith('NOSCRIPT')) throw error;
    return client.eval(SCRIPT, given);
  }
}

function answerOf(answer) {
  const word = Buffer.isBuffer(answer) ? answer.toString('latin1') : answer;
  if (word === 'committed') return true;
  if (word === 'full') return 'full';
  const [, outcome, index] = (typeof word === 'string' && ANSWER.exec(word)) || [];
  if (outcome === undefined) throw failure('store-unavailable', 'no answer of the script:', kindOf(answer));
  return [outcome, Number(index)];
}

module.exports = { RedisStore };
