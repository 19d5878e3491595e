'use strict';
// Deputize in OpenTelemetry: what an audit sink records, as telemetry too. The names are those of docs/spec/export.md.
const { AsyncLocalStorage } = require('node:async_hooks');
const { version } = require('../package.json');
const { call, failure } = require('./native.cjs');
const { clockOf } = require('./clock.cjs');
const { sinkOf } = require('./log.cjs');
const { taken } = require('./audit.cjs');
const { kindOf, options } = require('./options.cjs');
const { isThenable } = require('./promises.cjs');
const { recordJson } = require('./recorded.cjs');

const api = required('@opentelemetry/api');
const logs = optional('@opentelemetry/api-logs');

const SCOPE = 'deputize';
/** The most requests for approval that are remembered as waiting, and for how many milliseconds. */
const MAX_WAITING = 10_000;
const WAITING_MS = 3_600_000;
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** What W3C Trace Context has, in texts as long as it allows and no longer. */
const CARRIED = { traceparent: 55, tracestate: 512 };
const OPTIONS = ['state', 'authorities', 'clock', 'tracerProvider', 'meterProvider', 'loggerProvider'];

function required(name) {
  try {
    return require(name);
  } catch (cause) {
    throw new Error(`deputize/otel needs the API of OpenTelemetry: npm install ${name}`, { cause });
  }
}

function optional(name) {
  try {
    return require(name);
  } catch {
    return undefined;
  }
}

/**
 * An audit sink that hands each record to another, and to OpenTelemetry what it took. What the other refuses stays refused; what goes wrong with
 * telemetry changes nothing. `state` and `authorities`: whose revocation lists the gauge of their age is about. `clock` is the verifier's own. The
 * providers are the global ones unless given.
 */
function audit(sink, given) {
  const read = options(given, OPTIONS, 'audit');
  const authorities = read.get('authorities') ?? [];
  if (!Array.isArray(authorities)) throw failure('config-invalid', 'authorities: a list of names, not', kindOf(authorities));
  if (authorities.length > 0 && read.get('state') === undefined) throw failure('config-invalid', 'authorities are of a TrustState:', 'state');
  const into = sinkOf(sink);
  const clock = clockOf(read.get('clock'));
  const now = () => (clock === undefined ? Date.now() : clock());
  const began = new AsyncLocalStorage();
  const waiting = new Map();
  const teller = tellerOf(read, waiting, { state: read.get('state'), authorities: Array.from(authorities), now });

  const told = (record, seconds, answer) => {
    try {
      teller(record, seconds);
    } catch {
      // Telemetry is no condition of anything.
    }
    return answer;
  };
  function tell(record) {
    const start = began.getStore();
    const seconds = start === undefined ? undefined : (performance.now() - start) / 1000;
    if (start !== undefined) began.enterWith(undefined);
    const answer = taken(into?.(record));
    return isThenable(answer) ? answer.then((value) => told(record, seconds, taken(value))) : told(record, seconds, answer);
  }
  /** The clock for a verifier, in milliseconds: from its reading on a decision is timed. */
  tell.clock = () => {
    began.enterWith(performance.now());
    return now();
  };
  return tell;
}

function tellerOf(read, waiting, ages) {
  const tracer = (read.get('tracerProvider') ?? api.trace).getTracer(SCOPE, version);
  const logger = (read.get('loggerProvider') ?? logs?.logs)?.getLogger(SCOPE, version);
  const instruments = instrumentsOf((read.get('meterProvider') ?? api.metrics).getMeter(SCOPE, version), waiting, ages);
  return (record, seconds) => {
    const told = JSON.parse(call('exportTelemetry', recordJson(record)));
    const { attributes, event } = told;
    count(instruments, told, seconds);
    wait(waiting, told);
    const time = new Date(record.timeMs);
    let span = api.trace.getActiveSpan();
    if (span?.isRecording()) {
      span.addEvent(event, attributes, time);
    } else {
      span = tracer.startSpan(told.span, { attributes, startTime: time });
      if (told.status === 'error') span.setStatus({ code: api.SpanStatusCode.ERROR, message: attributes['error.type'] });
      span.end();
    }
    logger?.emit({
      eventName: event,
      timestamp: time,
      context: api.trace.setSpan(api.context.active(), span),
      severityNumber: told.severity.number,
      severityText: told.severity.text,
      body: record.sentence,
      attributes,
    });
  };
}

function instrumentsOf(meter, waiting, { state, authorities, now }) {
  const gauge = (name, unit, description, observe) => meter.createObservableGauge(name, { unit, description }).addCallback(observe);
  gauge('deputize.approvals.waiting', '{request}', 'Requests for approval without an answer', (result) => {
    const oldest = performance.now() - WAITING_MS;
    for (const [asked, since] of waiting) if (since < oldest) waiting.delete(asked);
    result.observe(waiting.size);
  });
  if (authorities.length > 0) {
    gauge('deputize.revocation.age', 's', 'Since a revocation list was accepted', (result) => {
      for (const authority of authorities) {
        const held = state.held(authority);
        if (held) result.observe(Math.max(0, (now() - held.acceptedMs) / 1000), { 'deputize.authority': authority });
      }
    });
  }
  return {
    decisions: meter.createCounter('deputize.decisions', { unit: '{decision}', description: 'Decisions, by decision and code' }),
    replays: meter.createCounter('deputize.replays', { unit: '{call}', description: 'Proofs that were sent again' }),
    duration: meter.createHistogram('deputize.decision.duration', {
      unit: 's', description: 'From reading the clock to the record', advice: { explicitBucketBoundaries: SECONDS },
    }),
  };
}

function count({ decisions, replays, duration }, { event, attributes }, seconds) {
  if (event !== 'deputize.decision') return;
  const few = { 'deputize.decision': attributes['deputize.decision'], 'deputize.code': attributes['deputize.code'] };
  decisions.add(1, few);
  if (attributes['deputize.code'] === 'proof-replayed') replays.add(1);
  if (seconds !== undefined) duration.record(seconds, few);
}

/** A call waits for approvals from its first denial on until somebody answers or it is allowed. */
function wait(waiting, { event, attributes }) {
  const names = ['gen_ai.tool.name', 'deputize.session', 'deputize.audience', 'deputize.arguments.digest'];
  const asked = JSON.stringify(names.map((name) => attributes[name]));
  if (event === 'deputize.approved' || event === 'deputize.refused' || attributes['deputize.decision'] === 'allow') {
    waiting.delete(asked);
  } else if (attributes['deputize.code'] === 'approval-required' && !waiting.has(asked)) {
    waiting.set(asked, performance.now());
    if (waiting.size > MAX_WAITING) waiting.delete(waiting.keys().next().value);
  }
}

/** W3C Trace Context in the `_meta` of MCP, for the option `trace` of `guard` and `signCalls`. It is what the caller says, and proves nothing. */
const trace = Object.freeze({
  /** The members of `_meta` that carry the context that is active. */
  inject() {
    const all = {};
    api.propagation.inject(api.context.active(), all);
    return carried(all);
  },

  /** Runs something within the context that a `_meta` carries. */
  within(meta, run) {
    return api.context.with(api.propagation.extract(api.context.active(), carried(meta)), run);
  },
});

function carried(meta) {
  const found = {};
  for (const [name, most] of Object.entries(CARRIED)) {
    const text = typeof meta === 'object' && meta !== null && Object.hasOwn(meta, name) ? meta[name] : undefined;
    if (typeof text === 'string' && text.length <= most) found[name] = text;
  }
  return found;
}

module.exports = { audit, trace };
