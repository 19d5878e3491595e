'use strict';
const { call } = require('./native.cjs');
const { Constraint, Optional, functions } = require('./constraint.cjs');

/** Whether a text is an address of the public internet. */
const isPublicAddress = (text) => typeof text === 'string' && call('isPublicAddress', text);

module.exports = { Constraint, Optional, ...functions, isPublicAddress };
