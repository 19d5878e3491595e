'use strict';

function isThenable(value) {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && typeof value.then === 'function';
}

/** Passes a value on. If it is a promise that nobody waits for, its failure is not left unhandled. */
function settled(value) {
  if (isThenable(value)) value.then(undefined, () => {});
  return value;
}

module.exports = { isThenable, settled };
