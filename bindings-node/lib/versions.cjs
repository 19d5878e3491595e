'use strict';
// Which releases of a framework an integration was tested with: the peer dependencies of this package. Another one is refused when it is loaded.
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');
const { peerDependencies } = require('../package.json');
const { failure } = require('./native.cjs');

/** What loads from a package. Throws `config-invalid`, with the command that mends it, unless a release in the range is installed. */
function tested(name) {
  const range = peerDependencies[name];
  const [version, load] = installed(name);
  if (version === undefined || !within(version, range)) {
    throw failure('config-invalid', `${name} is ${version ?? 'not installed'}, and this integration needs another: npm install`, `${name}@${range}`);
  }
  return load;
}

/** The version beside this package, or in the program that runs, and what loads from there. */
function installed(name) {
  for (const from of [__filename, join(process.cwd(), 'index.cjs')]) {
    const load = createRequire(from);
    for (const folder of load.resolve.paths(name) ?? []) {
      try {
        return [JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')).version, load];
      } catch {
        // Not in this folder.
      }
    }
  }
  return [];
}

/** Whether a version is in a range of the form `^1.2.3`; a release candidate counts as its release. */
function within(version, range) {
  const [found, least] = [version, range.slice(1)].map((text) => text.split(/[.+-]/, 3).map(Number));
  const differ = found.findIndex((number, at) => number !== least[at]);
  return found[0] === least[0] && (differ === -1 || found[differ] > least[differ]);
}

module.exports = { tested, within };
