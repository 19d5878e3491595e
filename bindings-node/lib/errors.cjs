'use strict';

/** A refusal: a stable code, where it happened, and what to do about it. */
class DeputizeError extends Error {
  constructor(fields, options) {
    super(fields.message, options);
    this.code = fields.code;
    this.link = fields.link ?? null;
    this.entry = fields.entry ?? null;
    this.context = fields.context ?? null;
    this.help = fields.help;
  }

  get name() {
    return 'DeputizeError';
  }
}

/** A refused call, with its audit record. */
class Denied extends DeputizeError {
  constructor(fields, record) {
    super(fields);
    Object.defineProperty(this, 'record', { value: record, enumerable: false });
    this.requestId = fields.requestId ?? null;
  }

  get name() {
    return 'Denied';
  }
}

module.exports = { DeputizeError, Denied };
