'use strict';
// Who judges the evidence of an agent that enrols. Each is its configuration; the registrar makes the judge of it.
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer, isMap } = require('./tape.cjs');
const { bytes, kindOf, options, orElse, text } = require('./options.cjs');
const { advice, writeEntry } = require('./constraint.cjs');
const { writeNamedKeys } = require('./holder.cjs');
const { digest } = require('./ids.cjs');

let attestorTape;

class Attestor {
  #tape;
  #name;
  static {
    attestorTape = (value) => (typeof value === 'object' && value !== null && #tape in value ? value.#tape : undefined);
  }

  constructor(kind, name, members) {
    this.#name = text(name, 'config-invalid', 'an attestor');
    const writer = new Writer(advice);
    writer.map(2 + members.length);
    writer.key('attestor');
    writer.text(kind);
    writer.key('name');
    writer.text(this.#name);
    for (const [member, write] of members) {
      writer.key(member);
      write(writer);
    }
    this.#tape = Buffer.from(writer.done());
    call('attestorCheck', this.#tape);
    Object.freeze(this);
  }

  get name() {
    return this.#name;
  }

  [inspect.custom]() {
    return `${this.constructor.name}(${inspect(this.#name)})`;
  }
}

const launched = (launchers) => ['launchers', (writer) => writeNamedKeys(writer, launchers, 'a launcher')];
const textOf = (read, name) => [name, (writer) => writer.text(text(read.get(name), 'config-invalid', name))];

/** Takes a launcher's word for an agent's name, which is below the launcher's. */
class ParentAttestor extends Attestor {
  constructor(name, launchers) {
    super('parent', name, [launched(launchers)]);
  }
}

/** Takes a launcher's word for what code an agent was started from: `{digest: agent's name}`. */
class CodeAttestor extends Attestor {
  constructor(name, launchers, measurements) {
    if (!isMap(measurements)) throw failure('config-invalid', 'measurements are a plain object, not', kindOf(measurements));
    const named = Object.keys(measurements).map((measured) => [digest(measured, 'a measurement'), text(measurements[measured], 'config-invalid', 'the name for a measurement')]);
    super('code', name, [launched(launchers), ['measurements', (writer) => writer.value(named)]]);
  }
}

/** Takes a JWT of a platform, bound to the agent's key, for who an agent is. */
class JwtAttestor extends Attestor {
  constructor(name, given) {
    const platform = given instanceof Platform ? given : undefined;
    const read = platform?.read ?? options(given, ['issuer', 'audience', 'subjects', 'jwks', 'require', 'attributes'], 'JwtAttestor');
    const needed = platform?.needed ?? ['issuer', 'audience'];
    for (const option of [...needed, 'jwks', ...(platform === undefined ? ['subjects'] : [])]) {
      if (!read.has(option)) throw failure('config-invalid', 'JwtAttestor needs', option);
    }
    const members = [['platform', (writer) => writer.text(platform?.name ?? 'any')], ...needed.map((option) => textOf(read, option))];
    if (platform === undefined) members.push(['subjects', (writer) => writeEntry(writer, read.get('subjects'), 1)]);
    const keys = jwksBytes(read.get('jwks'));
    members.push(['jwks', (writer) => writer.bytes(keys)]);
    members.push(['require', (writer) => writeRequired(writer, orElse(read, 'require', []))]);
    members.push(['attributes', (writer) => writeAttributes(writer, orElse(read, 'attributes', {}))]);
    super('jwt', name, members);
  }

  /** For jobs of GitHub Actions in a repository. */
  static githubActions(name, given) {
    return new JwtAttestor(name, new Platform('github_actions', given, ['audience', 'repository']));
  }

  /** For pods of Kubernetes that run under a service account. */
  static kubernetes(name, given) {
    return new JwtAttestor(name, new Platform('kubernetes', given, ['issuer', 'audience', 'namespace', 'account']));
  }

  /** For workloads of a SPIFFE trust domain. */
  static spiffe(name, given) {
    return new JwtAttestor(name, new Platform('spiffe', given, ['audience', 'trustDomain']));
  }
}

/** A platform whose rules core knows, and what it needs to be told. */
class Platform {
  constructor(name, given, needed) {
    this.name = name;
    this.needed = needed;
    this.read = options(given, [...needed, 'jwks', 'require', 'attributes'], `JwtAttestor for ${name}`);
  }
}

/** A JWKS as its bytes, its text, or an object. */
function jwksBytes(jwks) {
  if (typeof jwks === 'string') return Buffer.from(text(jwks, 'config-invalid', 'a JWKS'));
  if (isMap(jwks)) return Buffer.from(jsonOf(jwks));
  return bytes(jwks, 'config-invalid', 'a JWKS');
}

/** The JSON of an object, whatever its members do. */
function jsonOf(object) {
  let json;
  try {
    json = JSON.stringify(object);
  } catch {
    // A cycle, a bigint, or what a getter throws.
  }
  if (typeof json !== 'string') throw failure('config-invalid', 'not JSON:', 'a JWKS');
  return json;
}

/** Where a claim is: its name, or the names on the way to it. */
function writePath(writer, path) {
  const names = Array.isArray(path) ? Array.from(path) : [path];
  writer.value(names.map((name) => text(name, 'config-invalid', 'the path of a claim')));
}

/** `[[path, constraint], …]` */
function writeRequired(writer, required) {
  if (!Array.isArray(required)) throw failure('config-invalid', 'require is a list, not', kindOf(required));
  const listed = Array.from(required);
  writer.list(listed.length);
  for (const pair of listed) {
    if (!Array.isArray(pair) || pair.length !== 2) throw failure('config-invalid', 'require has a path and a constraint, not', kindOf(pair));
    const [path, constraint] = pair;
    writer.list(2);
    writePath(writer, path);
    writeEntry(writer, constraint, 1);
  }
}

/** `{attribute: path}` */
function writeAttributes(writer, attributes) {
  if (!isMap(attributes)) throw failure('config-invalid', 'attributes are a plain object, not', kindOf(attributes));
  const names = Object.keys(attributes);
  writer.list(names.length);
  for (const name of names) {
    writer.list(2);
    writer.text(text(name, 'config-invalid', 'an attribute'));
    writePath(writer, attributes[name]);
  }
}

module.exports = { CodeAttestor, JwtAttestor, ParentAttestor, attestorTape };
