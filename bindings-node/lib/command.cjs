#!/usr/bin/env node
'use strict';
// The command `deputize`.
const { call } = require('./native.cjs');

try {
  process.exitCode = call('commandRun', process.argv.slice(2).map((argument) => argument.toWellFormed()));
} catch (error) {
  console.error(`error: ${error.message}\nhelp: ${error.help}`);
  process.exitCode = 1;
}
