'use strict';
const { call } = require('./native.cjs');
const { text } = require('./options.cjs');
const { Constraint, Optional, functions } = require('./constraint.cjs');

/** Whether a text is an address of the public internet. */
const isPublicAddress = (address) => call('isPublicAddress', text(address, 'value-unsupported', 'an address'));

module.exports = { Constraint, Optional, ...functions, isPublicAddress };
