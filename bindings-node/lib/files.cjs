'use strict';
const { call, failure } = require('./native.cjs');
const { options, text } = require('./options.cjs');

const NAMES = ['write', 'truncate', 'refuseHardLinks'];

/** A file descriptor for `node:fs` of a regular file at or below the root, which no symbolic link leads out of. Whoever opens it closes it. */
function openBeneath(root, path, given) {
  const read = options(given, NAMES, 'openBeneath');
  const [write, truncate, refuseHardLinks] = NAMES.map((name) => {
    const value = read.get(name) ?? false;
    if (typeof value !== 'boolean') throw failure('config-invalid', 'true or false:', name);
    return value;
  });
  if (truncate && !write) throw failure('config-invalid', 'only with write:', 'truncate');
  const below = text(root, 'config-invalid', 'a root');
  return call('fileOpen', below, text(path, 'argument-refused', 'a path'), write, truncate, refuseHardLinks);
}

module.exports = { openBeneath };
