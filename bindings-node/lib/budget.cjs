'use strict';
const { inspect } = require('node:util');
const { call, failure } = require('./native.cjs');
const { Writer } = require('./tape.cjs');
const { count, kindOf, options, orElse, seconds, text } = require('./options.cjs');
const { NATIVE, onlyNative } = require('./keys.cjs');

let formOf;

/** How many calls, or how much of an argument: all together, or in each window of time. */
class Budget {
  #form;
  static {
    formOf = (value) => (typeof value === 'object' && value !== null && #form in value ? value.#form : undefined);
  }

  constructor(token, form) {
    onlyNative(token, 'Budget');
    this.#form = form;
    Object.freeze(this);
  }

  /** So many calls. */
  static calls(limit, given) {
    return budget(limit, options(given, ['tool', 'per', 'over'], 'Budget.calls'));
  }

  /** So much of an argument of a tool, summed over its calls. */
  static total(limit, given) {
    const read = options(given, ['tool', 'argument', 'per', 'over'], 'Budget.total');
    for (const name of ['tool', 'argument']) if (!read.has(name)) throw failure('claim-missing', 'Budget.total needs', name);
    return budget(limit, read);
  }

  get limit() {
    return this.#form.limit;
  }

  get scope() {
    return this.#form.over;
  }

  get tool() {
    return this.#form.tool ?? null;
  }

  get argument() {
    return this.#form.argument ?? null;
  }

  /** Seconds of a window. */
  get window() {
    return this.#form.per ?? null;
  }

  [inspect.custom]() {
    return `Budget(${inspect(this.#form)})`;
  }
}

function budget(limit, read) {
  const form = { limit: count(limit, 'claim-invalid', "a budget's limit"), over: text(orElse(read, 'over', 'family'), 'claim-invalid', 'over') };
  for (const name of ['tool', 'argument']) if (read.has(name)) form[name] = text(read.get(name), 'name-invalid', name);
  if (read.has('per')) form.per = seconds(read.get('per'), 'per');
  const writer = new Writer();
  writer.value(form);
  call('budgetCheck', writer.done());
  return new Budget(NATIVE, Object.freeze(form));
}

/** Writes the budgets of a token. */
function writeBudgets(writer, value) {
  if (!Array.isArray(value)) throw failure('claim-invalid', 'budgets are a list, not', kindOf(value));
  const forms = Array.from(value, (one) => {
    const form = formOf(one);
    if (form === undefined) throw failure('claim-invalid', 'not a Budget:', kindOf(one));
    return form;
  });
  writer.value(forms);
}

module.exports = { Budget, writeBudgets };
