'use strict';
// A question to the person at the terminal of this process, and to nobody else: what is piped into it is not asked.
const { closeSync, constants, openSync, readSync } = require('node:fs');
const { ReadStream, WriteStream, isatty } = require('node:tty');

const MOST_ANSWER = 64;

/** Shows a text and reads one line: true for `yes`, false for `no`, and nothing for any other. Rejects if there is no terminal. */
function askAtTerminal(shown, signal) {
  const descriptor = openSync('/dev/tty', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  if (!isatty(descriptor)) {
    closeSync(descriptor);
    throw new Error('not a terminal');
  }
  forget(descriptor);
  return new Promise((resolve, reject) => {
    const input = new ReadStream(descriptor);
    const output = new WriteStream(openSync('/dev/tty', constants.O_WRONLY | constants.O_NOCTTY));
    let line = '';
    const end = (finish, value) => {
      input.destroy();
      output.destroy();
      finish(value);
    };
    signal.addEventListener('abort', () => end(reject, signal.reason), { once: true });
    input.setEncoding('utf8');
    input.on('error', (error) => end(reject, error));
    input.on('end', () => end(resolve, undefined));
    input.on('data', (data) => {
      line += data;
      if (line.length > MOST_ANSWER) end(resolve, undefined);
      else if (line.includes('\n')) end(resolve, answerOf(line));
    });
    output.on('error', (error) => end(reject, error));
    output.write(`\n${shown}\n\nApprove this call? Answer yes or no: `);
  });
}

function answerOf(line) {
  const word = line.slice(0, line.indexOf('\n')).replace(/\r$/, '');
  return { yes: true, no: false }[word];
}

/** What was typed before the question is no answer to it. */
function forget(descriptor) {
  const typed = Buffer.alloc(4096);
  try {
    while (readSync(descriptor, typed, 0, typed.length, null) > 0);
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
  }
}

module.exports = { askAtTerminal };
