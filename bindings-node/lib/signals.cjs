'use strict';
// What `deputize/signals` gives.
const { Signals } = require('./signal-watch.cjs');

module.exports = { Signals };
