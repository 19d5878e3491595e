'use strict';
const { Constraint, Optional, functions } = require('./constraint.cjs');

module.exports = { Constraint, Optional, ...functions };
