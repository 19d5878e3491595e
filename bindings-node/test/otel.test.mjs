// Telemetry, with the SDK of OpenTelemetry and its exporters in memory.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SpanStatusCode, context, propagation, trace as traces } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { Actor, Agent, ApprovalPolicy, ApprovalRequest, AuditLog, Authority, RevocationList, TrustState, readLog } from 'deputize';
import { guard, signCalls } from 'deputize/mcp';
import { audit, trace } from 'deputize/otel';
import { AUDIENCE, chainFor, denied, folder, refused, rejected, verifierFor } from '../support/helpers.mjs';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

function telemetry(t) {
  const [spans, logs, metrics] = [new InMemorySpanExporter(), new InMemoryLogRecordExporter(), new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)];
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logs })] });
  const meterProvider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter: metrics, exportIntervalMillis: 3_600_000 })] });
  t.after(() => Promise.all([tracerProvider.shutdown(), loggerProvider.shutdown(), meterProvider.shutdown()]));
  const points = async (name) => {
    await meterProvider.forceFlush();
    const found = metrics.getMetrics().at(-1)?.scopeMetrics.flatMap((scope) => scope.metrics).find((metric) => metric.descriptor.name === name);
    return found?.dataPoints ?? [];
  };
  return { spans, logs, points, providers: { tracerProvider, loggerProvider, meterProvider }, tracer: tracerProvider.getTracer('test') };
}

test('each decision is a span, a log record, and counted', async (t) => {
  const { ana, coder, chain } = chainFor();
  const { spans, logs, points, providers } = telemetry(t);
  const path = join(folder(t), 'calls.log');
  const sink = audit(new AuditLog(path), providers);
  const verifier = verifierFor(ana, { audit: sink, clock: sink.clock });
  const proof = coder.prove(chain, 'deploy', {}, AUDIENCE);
  verifier.authorize(proof, 'deploy', {});
  denied('proof-replayed', () => verifier.authorize(proof, 'deploy', {}));
  await rejected('proof-missing', verifier.authorizeAsync(null, 'deploy', {}));
  const [allowed, replayed, missing] = spans.getFinishedSpans();
  assert.deepEqual([allowed.name, replayed.name, missing.name], ['authorize deploy', 'authorize deploy', 'authorize']);
  assert.equal(allowed.attributes['gen_ai.agent.id'], coder.did);
  assert.deepEqual(allowed.attributes['deputize.chain.names'], ['planner', 'coder']);
  assert.deepEqual([allowed.status.code, replayed.status], [SpanStatusCode.UNSET, { code: SpanStatusCode.ERROR, message: 'proof-replayed' }]);
  const told = logs.getFinishedLogRecords();
  assert.deepEqual(told.map(({ eventName, severityText }) => [eventName, severityText]), [['deputize.decision', 'INFO'], ['deputize.decision', 'WARN'], ['deputize.decision', 'WARN']]);
  assert.equal(told[0].spanContext.traceId, allowed.spanContext().traceId);
  assert.match(told[0].body, /ALLOW coder called deploy for ana/);
  const counted = Object.fromEntries((await points('deputize.decisions')).map(({ attributes, value }) => [attributes['deputize.code'], value]));
  assert.deepEqual(counted, { allowed: 1, 'proof-replayed': 1, 'proof-missing': 1 });
  assert.deepEqual((await points('deputize.replays')).map(({ value }) => value), [1]);
  const durations = (await points('deputize.decision.duration')).map(({ value }) => value);
  assert.equal(durations.reduce((all, { count }) => all + count, 0), 3);
  assert.ok(durations.every(({ sum }) => sum > 0 && sum < 5));
  assert.deepEqual(Array.from(readLog(path), ([, { kind }]) => kind), ['opened', 'decision', 'decision', 'decision']);
});

test('calls that wait for a store at the same time are timed each by itself', async (t) => {
  const { ana, coder, chain } = chainFor();
  const { points, providers } = telemetry(t);
  const sink = audit(async () => { await turn(); }, providers);
  const later = { commit: (operations) => new Promise((resolve) => setTimeout(resolve, Number(waits.shift()), true)) };
  const waits = [60, 5];
  const verifier = verifierFor(ana, { audit: sink, clock: sink.clock, store: later });
  await Promise.all([0, 1].map(() => verifier.authorizeAsync(coder.prove(chain, 'deploy', {}, AUDIENCE), 'deploy', {})));
  const [{ value }] = await points('deputize.decision.duration');
  assert.equal(value.count, 2);
  assert.ok(value.min < 0.05 && value.max > 0.055, JSON.stringify(value));
});

test('within a span a decision is its event', (t) => {
  const { ana, coder, chain } = chainFor();
  const { spans, logs, providers, tracer } = telemetry(t);
  const verifier = verifierFor(ana, { audit: audit(undefined, providers) });
  tracer.startActiveSpan('request', (span) => {
    verifier.authorize(coder.prove(chain, 'deploy', {}, AUDIENCE), 'deploy', {});
    span.end();
  });
  const [span] = spans.getFinishedSpans();
  assert.deepEqual([span.name, span.events[0].name, span.events[0].attributes['deputize.code']], ['request', 'deputize.decision', 'allowed']);
  assert.equal(logs.getFinishedLogRecords()[0].spanContext.spanId, span.spanContext().spanId);
});

test('what the sink refuses stays refused, and telemetry that fails denies nothing', async (t) => {
  const { ana, coder, chain } = chainFor();
  const { spans, providers } = telemetry(t);
  const proof = () => coder.prove(chain, 'deploy', {}, AUDIENCE);
  const full = audit(() => { throw new Error('the disk is full'); }, providers);
  denied('audit-unavailable', () => verifierFor(ana, { audit: full }).authorize(proof(), 'deploy', {}));
  const later = audit(async () => { throw new Error('the disk is full'); }, providers);
  denied('audit-unavailable', () => verifierFor(ana, { audit: later }).authorize(proof(), 'deploy', {}));
  await rejected('audit-unavailable', verifierFor(ana, { audit: later }).authorizeAsync(proof(), 'deploy', {}));
  assert.deepEqual(spans.getFinishedSpans(), []);
  const broken = { getTracer: () => ({ startSpan() { throw new Error('broken'); } }) };
  verifierFor(ana, { audit: audit(undefined, { ...providers, tracerProvider: broken }) }).authorize(proof(), 'deploy', {});
});

test('requests for approval wait until they are answered', async (t) => {
  const { ana, coder, chain } = chainFor();
  const { points, providers } = telemetry(t);
  const sink = audit(undefined, providers);
  const waiting = async () => (await points('deputize.approvals.waiting'))[0].value;
  const ben = Agent.generate('ben', { audit: sink });
  const verifier = verifierFor(ana, { audit: sink, approvals: new ApprovalPolicy(1, [ben]) });
  const calls = [{ to: 'staging' }, { to: 'production' }];
  for (const args of [...calls, calls[0]]) denied('approval-required', () => verifier.authorize(coder.prove(chain, 'deploy', args, AUDIENCE), 'deploy', args));
  assert.equal(await waiting(), 2);
  ben.deny(new ApprovalRequest(chain, 'deploy', calls[1], AUDIENCE));
  assert.equal(await waiting(), 1);
  ben.approve(new ApprovalRequest(chain, 'deploy', calls[0], AUDIENCE));
  assert.equal(await waiting(), 0);
});

test('the age of revocation lists is a gauge', async (t) => {
  const { ana } = chainFor();
  const { points, providers } = telemetry(t);
  const state = new TrustState([new Authority('ana', ana)]);
  audit(undefined, { ...providers, state, authorities: ['ana'] });
  assert.deepEqual(await points('deputize.revocation.age'), []);
  state.applyList(new RevocationList(1).sign(ana, { ttl: '1h' }));
  const [{ value, attributes }] = await points('deputize.revocation.age');
  assert.ok(value >= 0 && value < 60);
  assert.deepEqual(attributes, { 'deputize.authority': 'ana' });
});

test('a trace goes through a chain of agents', async (t) => {
  const { ana, coder, chain } = chainFor('ask');
  const { spans, providers, tracer } = telemetry(t);
  const sink = audit(undefined, providers);
  const newServer = (run) => {
    const server = new McpServer({ name: 'server', version: '1.0.0' });
    server.registerTool('ask', {}, run);
    return guard(server, verifierFor(ana, { audit: sink }), { trace });
  };
  const asked = async (server, given) => {
    const client = signCalls(new Client({ name: 'coder', version: '1.0.0' }), new Actor(coder, chain), AUDIENCE, given);
    const [near, far] = InMemoryTransport.createLinkedPair();
    await server.connect(far);
    await client.connect(near);
    t.after(() => Promise.all([client.close(), server.close()]));
    return client.callTool({ name: 'ask', arguments: {} });
  };
  const done = { content: [{ type: 'text', text: 'done' }] };
  const inner = newServer(async () => done);
  const outer = newServer(async () => {
    await asked(inner, { trace });
    return done;
  });
  const traceId = await tracer.startActiveSpan('request', async (span) => {
    const answer = await asked(outer, { trace });
    assert.notEqual(answer.isError, true, JSON.stringify(answer));
    span.end();
    return span.spanContext().traceId;
  });
  const decided = spans.getFinishedSpans().filter(({ name }) => name === 'authorize ask');
  assert.deepEqual(decided.map((span) => span.spanContext().traceId), [traceId, traceId]);
  // Without the option nothing is sent.
  const sent = [];
  const seen = (extra) => {
    sent.push(Object.hasOwn(extra._meta, 'traceparent'));
    return done;
  };
  for (const given of [undefined, { trace }]) await tracer.startActiveSpan('request', (span) => asked(newServer(seen), given).finally(() => span.end()));
  assert.deepEqual(sent, [false, true]);
});

test('a context that a caller makes up is of no use or none', () => {
  const parent = (meta) => trace.within(meta, () => traces.getSpanContext(context.active()));
  const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  assert.equal(parent({ traceparent: good }).traceId, '0af7651916cd43dd8448eb211c80319c');
  for (const meta of [undefined, null, 7, {}, { traceparent: 7 }, { traceparent: [good] }, { traceparent: good.replace('b7', 'B7g') }, { traceparent: `${good}-${'a'.repeat(1000)}` }, Object.create({ traceparent: good })]) {
    assert.equal(parent(meta), undefined, JSON.stringify(meta));
  }
  assert.deepEqual(trace.inject(), {});
});

test('telemetry is told of nothing that was put off, and of no time that nobody measured', async (t) => {
  const { ana, coder, chain } = chainFor();
  const { spans, points, providers } = telemetry(t);
  const generator = audit(function* () { yield; }, providers);
  denied('audit-unavailable', () => verifierFor(ana, { audit: generator }).authorize(coder.prove(chain, 'deploy', {}, AUDIENCE), 'deploy', {}));
  assert.deepEqual([spans.getFinishedSpans(), await points('deputize.decisions')], [[], []]);
  // A call that cannot be read is timed from its own clock reading, and not from that of the verifier's making.
  const sink = audit(undefined, providers);
  const verifier = verifierFor(ana, { audit: sink, clock: sink.clock });
  await new Promise((resolve) => { setTimeout(resolve, 300); });
  denied('value-unsupported', () => verifier.authorize(null, 'deploy', { a: undefined }));
  const [{ value }] = await points('deputize.decision.duration');
  assert.ok(value.count === 1 && value.sum < 0.25, JSON.stringify(value));
});

test('no metric has what a caller chooses', async (t) => {
  const { ana } = chainFor();
  const { points, providers } = telemetry(t);
  const verifier = verifierFor(ana, { audit: audit(undefined, providers) });
  for (let n = 0; n < 200; n++) denied('malformed', () => verifier.authorize(new Uint8Array(3), `tool-${n}`, { [`a${n}`]: 1 }));
  assert.deepEqual((await points('deputize.decisions')).map(({ attributes, value }) => [attributes, value]), [[{ 'deputize.decision': 'deny', 'deputize.code': 'malformed' }, 200]]);
});

test('what is no sink or no option is refused, and a missing package is named with its fix', () => {
  refused('config-invalid', () => audit('calls.log'));
  refused('config-invalid', () => audit(undefined, { clock: 1 }));
  refused('config-invalid', () => audit(undefined, { authorities: ['ana'] }));
  refused('config-invalid', () => audit(undefined, { providers: {} }));
  const { ana, coder, chain } = chainFor();
  refused('config-invalid', () => guard(new McpServer({ name: 's', version: '1' }), verifierFor(ana), { trace: {} }));
  refused('config-invalid', () => signCalls(new Client({ name: 'c', version: '1' }), new Actor(coder, chain), AUDIENCE, { trace: true }));
  const program = "const { _resolveFilename: find } = require('node:module'); require('node:module')._resolveFilename = (name, ...rest) => { if (name.startsWith('@opentelemetry')) throw new Error('gone'); return find(name, ...rest); }; require('deputize/otel')";
  const done = spawnSync(process.execPath, ['-e', program], { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' });
  assert.match(done.stderr, /deputize\/otel needs the API of OpenTelemetry: npm install @opentelemetry\/api/);
});
