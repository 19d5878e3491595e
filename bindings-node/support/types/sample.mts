// Compiled, never run: what a program may write, and (with ts-expect-error) what it may not.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  Actor, Agent, Approval, ApprovalPolicy, ApprovalRequest, Approver, AuditLog, Authority, Authorized, Budget, CodeAttestor, Consent, Denied, DeputizeError, Identity, IdentityPolicy, IdentityRule, Inbox, JwtAttestor,
  Guard, MemoryStore, Outbox, ParentAttestor, ReceivedMessage, Registrar, RenewalPolicy, RevocationList, Session, SigningKey, StateFile, SubAgent, Target, TrustAnchor, TrustState, Verifier, VerifyingKey, acting, codes, currentActor, joinContexts, openBeneath, rotate,
} from 'deputize';
import {
  Constraint, anyOf, atLeast, cidr, each, email, exact, fields, glob, inRange, isPublicAddress, length, notGlob, optional, path, regex, subset, timeWindow, url,
  type Entry, type Tools,
} from 'deputize/constraints';
import { guard as guardTools } from 'deputize/ai';
import * as a2a from 'deputize/a2a';
import * as express from 'deputize/express';
import * as fastify from 'deputize/fastify';
import * as hono from 'deputize/hono';
import * as http from 'deputize/http';
import { actingAs, guard as guardChain } from 'deputize/langchain';
import { answer, guard as guardMastra, guardServer, supervise } from 'deputize/mastra';
import { caller, guard, metaFor, signCalls, signingFetch } from 'deputize/mcp';
import { toAct, toCloudEvent, toOcsf, toTelemetry } from 'deputize/export';
import { audit, trace } from 'deputize/otel';
import { RedisStore } from 'deputize/redis';
import { Signals } from 'deputize/signals';
import { createClient, createCluster } from 'redis';

const ana = Agent.generate('ana');
const planner = new Agent('planner', SigningKey.fromSeed(new Uint8Array(32).fill(7)));
const tools: Tools = { deploy: { tag: ['v1', 'v2'], count: atLeast(1), labels: optional(subset('bug')), '*': 'x' } };
const chain = ana.issue({ to: planner, tools, ttl: '10m', mode: 'on_behalf_of', session: new Uint8Array(16) });
const key: VerifyingKey = planner.key;
const narrower = planner.delegate(chain, { to: key, audience: ['https://a'], approvals: { deploy: { count: 1, approvers: [ana] } } });
const verifier = new Verifier({
  trust: [ana, new TrustAnchor('idp', key, { mayImpersonate: true })],
  audience: 'https://a',
  audit: new AuditLog('audit.jsonl', { arguments: true }),
  store: new MemoryStore(10),
  clock: () => Date.now(),
});
const presentation = planner.prove(chain, 'deploy', { tag: 'v1', n: 1n, b: new Uint8Array(1) }, 'https://a', { challenge: new Uint8Array(8) });
const authorized: Authorized = verifier.authorize(presentation.text, 'deploy', { tag: 'v1' }, { context: 'a/b' });
const pending: Promise<Authorized> = verifier.authorizeAsync(presentation, 'deploy', {});
const depth: number | undefined = narrower.unverifiedClaims()[0]?.maxDepth;
const who: string = authorized.caller + authorized.onBehalfOf + authorized.chain.principal + authorized.record.json({ arguments: true });
new Verifier({ trust: ana, audience: 'a', store: { commit: async (operations, nowMs) => operations[0]?.[1].length === nowMs || ['refused', 0] } });
new Verifier({ trust: ana, audience: 'a', store: new RedisStore({ url: 'redis://127.0.0.1' }, { prefix: 'a', timeout: 0.5, durable: true }) });
for (const client of [createClient(), createCluster({ rootNodes: [] })]) new RedisStore(client).close();
try {
  verifier.verifyChain(chain);
} catch (error) {
  if (error instanceof Denied) console.log(error.record.sentence);
  if (error instanceof DeputizeError) console.log(error.code, error.link?.toFixed(), error.context, error.help);
}
console.log(depth, who, pending, codes[0]?.family, caller().caller);

guard(new McpServer({ name: 'x', version: '1' }), verifier, { context: () => 'a/b', tools: { t: 'acme.t' } }).registerTool('t', {}, () => ({ content: [] }));
guard(new Server({ name: 'x', version: '1' }), verifier);
signCalls(new Client({ name: 'x', version: '1' }), new Actor(planner, () => chain), 'https://a', { tools: { t: 'acme.t' } });
const meta: { [key: string]: string } = await metaFor(new Actor(planner, chain), 'deploy', {}, 'https://a');
console.log(meta);

const descriptor: number = openBeneath('/data', '/data/notes.txt') + openBeneath('/data', 'new.txt', { write: true, truncate: true, refuseHardLinks: true });
console.log(descriptor);
// @ts-expect-error: a misspelt restriction
openBeneath('/data', 'notes.txt', { refuseHardlinks: true });

const entries: Entry[] = [
  null, true, 1, 1n, 'x', new Uint8Array(1), ['a', 1, { b: [2] }], new Set(['a', 1]), { a: 1, b: optional(['x']), c: { d: glob('x*') } },
  glob('/src/**'), notGlob('*.pem'), regex('[a-z]+'), cidr('10.0.0.0/8'), email('a.example', '*.b.example'), each(path('/a')), each({ a: 1 }), length(1), length(1, 5), length(0n, null),
  fields({ a: 1, '*': optional(2).constraint }), timeWindow('2026-12-01T00:00:00Z', null), timeWindow(0, new Date()), inRange({ min: 1, maxOpen: true, max: 2n }),
  url('a.example'), url(['a.example', '*.b.example'], { schemes: ['http', 'https'], ports: [8080], path: '/v1/**', public: true }), url('*', { ports: null, path: null }),
];
const shown: { value: unknown } | null = path('/a').counterexample(path('/b'));
const met: Constraint = path('/a').narrow(exact('/a/b'));
planner.delegate(chain, { to: key, tools: chain.narrow({ deploy: { tag: 'v1', at: { x: 1 } } }) });
authorized.checkValue('url', ['https://a.example/']);
authorized.checkAddress('url', '192.0.2.1');
console.log(entries.length, shown?.value, `${met}`, isPublicAddress('192.0.2.1'));

// @ts-expect-error: a date is no entry
ana.issue({ to: planner, tools: { t: { at: new Date() } } });
// @ts-expect-error: nor is a regular expression of JavaScript
ana.issue({ to: planner, tools: { t: { at: /x/ } } });
// @ts-expect-error: nor a Map
ana.issue({ to: planner, tools: { t: { at: new Map([['a', 1]]) } } });
// @ts-expect-error: nor undefined
ana.issue({ to: planner, tools: { t: { at: undefined } } });
// @ts-expect-error: nor a constructor that was not called
ana.issue({ to: planner, tools: { t: { at: glob } } });
// @ts-expect-error: constraints in a list are written anyOf
ana.issue({ to: planner, tools: { t: { at: [path('/a'), path('/b')] } } });
ana.issue({ to: planner, tools: { t: { at: anyOf(path('/a'), path('/b')) } } });
// @ts-expect-error: an element is there or not
each(optional(1));
// @ts-expect-error: a pattern is a text
regex(/x/);
// @ts-expect-error: ports are a list
url('a.example', { ports: 80 });
// @ts-expect-error: a misspelt restriction
url('a.example', { paths: '/v1/*' });
// @ts-expect-error: hosts of email are given one by one
email(['a.example']);
// @ts-expect-error: both bounds are given
timeWindow(0);
// @ts-expect-error: bounds have names
inRange(1, 2);
// @ts-expect-error: a count
length('1');
// @ts-expect-error: constraints are compared with constraints
path('/a').counterexample('/a');
// @ts-expect-error: keys are made by the named constructors
new SigningKey();
// @ts-expect-error: an allowed call is made by a verifier only
new Authorized();
// @ts-expect-error: a misspelt restriction
ana.issue({ to: planner, tool: {} });
// @ts-expect-error: undefined is no value
planner.prove(chain, 'deploy', { tag: undefined }, 'https://a');
// @ts-expect-error: a date is no value
planner.prove(chain, 'deploy', { at: new Date() }, 'https://a');
// @ts-expect-error: subject is the root's
planner.delegate(chain, { to: key, subject: 'eve' });
// @ts-expect-error: not a server
guard({}, verifier);

const session = Session.open({ task: 'release 1.0' });
const counted = ana.issueOnBehalfOf('ben', { to: planner, session, audience: 'https://a', budgets: [Budget.calls(10, { per: '1m' }), Budget.total(100, { tool: 'pay', argument: 'amount', over: 'session' })] });
ana.issueOwnBehalf({ to: key, name: 'planner' });
ana.issueImpersonation('ben', { to: planner, audience: 'https://a' });
const ids = Agent.generate('ids');
const identity: Identity = ids.issueIdentity('planner', planner, { kind: 'agent', attributes: { level: 3 }, ttl: '1h' });
const careful = new Verifier({
  trust: new TrustAnchor('ana', ana, { tools, maxLifetime: '1h', maxDepth: 2 }),
  audience: 'https://a',
  identities: new IdentityPolicy([ids, ['other', key]], [new IdentityRule('leaf', { kind: 'agent' })]),
  approvals: new ApprovalPolicy(1, [ids, key], { harmless: ['read'], require: { pay: { count: 2, approvers: [ids, key] } }, byAnnotation: true }),
  principals: { ben: key },
  state: new TrustState([ids, new Authority('ana', ana, { forEveryIssuer: true })], { onRevoked: (event) => event.target, onDenied: ({ afterMs }) => afterMs.toFixed() }),
});
const request = new ApprovalRequest(counted, 'pay', { amount: 1 }, 'https://a');
const approved: Promise<Approval> = new Approver(ids, { ask: async (asked) => asked.text.length > 0 }).decide(request);
const consented: Consent = ids.consent({ holder: planner, issuer: 'ana', audience: 'https://a', tools: ['pay'] });
careful.authorize(presentation.attach(identity, consented, new Uint8Array(1)), 'pay', {}, { hint: 'read_only' });
careful.refund(authorized);
const revoked: Promise<void> = careful.revokeTokenAsync('00');
careful.closeSession('ana', session);
const joined: string | null = joinContexts('tenant:1', null);
const registrar = new Registrar(ids, [new ParentAttestor('parent', planner), new CodeAttestor('code', [['runner', key]], {}), JwtAttestor.spiffe('spiffe', { trustDomain: 'a', audience: 'b', jwks: '{}' })]);
registrar.enrol(planner.enrol(registrar.challenge(), 'ids', 'parent', planner.vouch('planner/x', key, registrar.challenge())), new MemoryStore(), { environment: 'test' });
const received: ReceivedMessage = new Inbox('x', { know: [planner] }).receive(new Outbox(planner).send(new Uint8Array(1), { to: 'x', session }), new Uint8Array(1), { session });
console.log(approved, joined, revoked, received.sequence, rotate(ana, SigningKey.generate(), { overlap: '1h' }), new RevocationList(2, { base: 1, revoke: [Target.key(planner), 'token:00'] }).sign(ids, { ttl: '1h' }));
signCalls(new Client({ name: 'y', version: '1' }), new Actor(planner, counted, { evidence: async () => [identity] }), 'https://a');
const file: StateFile = StateFile.open('trust.state', new TrustState(ana));
file.refresh();
const update: 'accepted' | 'unchanged' = file.applyList(new Uint8Array(1));
const renewal = new RenewalPolicy('1m', 2_000_000_000, { state: file.state });
const fresh = renewal.renewRoot(ana, chain) ?? renewal.renew(planner, chain, narrower) ?? chain;
console.log(update, fresh.text);
// @ts-expect-error: a file keeps a state
new Verifier({ trust: ana, audience: 'a', state: file });
// @ts-expect-error: there may be nothing to renew yet
renewal.renewRoot(ana, chain).text;
// @ts-expect-error: a sum needs its argument
Budget.total(100, { tool: 'pay' });
// @ts-expect-error: a principal is named
ana.issueOnBehalfOf(undefined, { to: planner });
// @ts-expect-error: an answer is true or false
new Approver(ids, { ask: () => 'yes' });
// @ts-expect-error: not the server's own word
careful.authorize(presentation, 'pay', {}, { hint: 'readOnly' });
// @ts-expect-error: an attestor of its own
new Registrar(ids, [{ name: 'x' }]);

const telemetry = audit(new AuditLog('telemetry.log'), { state: new TrustState([new Authority('ana', ana)]), authorities: ['ana'] });
new Verifier({ trust: [ana], audience: 'https://a', audit: telemetry, clock: telemetry.clock });
guard(new Server({ name: 's', version: '1' }), verifier, { trace });
signCalls(new Client({ name: 'c', version: '1' }), new Actor(planner, chain), 'https://a', { trace });
const watch = new Signals({ learning: 0, denials: [20, 60] });
const told: string[] = watch.observe({ kind: 'decision' }, 1).map((signal) => signal.record);
const inner: string | undefined = toAct('{}')?.act?.act?.sub;
const event: string = toCloudEvent('{}', 'calls', 1).id + told + inner + toOcsf('{}', 'calls', 1)?.['time'] + toTelemetry('{}').span;
// @ts-expect-error a number and seconds
new Signals({ denials: 20 });
// @ts-expect-error no sink
audit('calls.log');

const coderMay = new SubAgent(key, { deploy: { tag: 'v1' } }, { ttl: '5m', maxDepth: 0, evidence: async (tool: string) => (tool === 'deploy' ? [] : undefined) });
const run: Promise<string> = acting(new Actor(planner, () => chain), async () => currentActor().delegate(coderMay, { reason: 'v1' }).text);
const edge = new Guard(verifier, { tools: { t: 'acme.t' } });
const ran: number = await edge.run(await edge.admitHere('t', {}, { context: 'a', hint: 'read_only' }), () => 1, (result) => (result > 0 ? undefined : 'none'));
console.log(run, ran, acting(null, () => 1), await edge.admit('t', {}, presentation.text));
// @ts-expect-error: who acts is an Actor
acting(planner, () => 1);
// @ts-expect-error: a sub-agent without a declaration
new SubAgent(key);

const web: Promise<Response> = http.signCalls(fetch, () => new Actor(planner, chain), 'https://a', 'http://127.0.0.1', { 'GET /a': 'a' })('http://127.0.0.1/a', { method: 'GET' });
const handlers = [express.guardRoutes({ use() {}, route() {}, get() {} }, verifier, { context: (request) => request.url, maxBody: 10 })('a'), express.unguarded];
const steps = [hono.guardRoutes({ router: {}, routes: [], basePath() {} }, verifier)('a'), hono.unguarded];
const fast: string = fastify.guardRoutes({ addHook() {}, version: '5.0.0' }, verifier, { challenge: () => new Uint8Array(16) }).version;
const interceptor = a2a.signCalls(currentActor, 'https://a', { SendMessage: 'a' });
console.log(web, handlers, steps, fast, interceptor, a2a.EXTENSION, await http.headersFor(currentActor, 'a', { b: 1 }, 'https://a'));
// @ts-expect-error a route has one tool
http.signCalls(fetch, currentActor, 'https://a', 'http://127.0.0.1', { 'GET /a': ['a'] });
// @ts-expect-error no such option
fastify.guardRoutes({ addHook() {}, version: '5.0.0' }, verifier, { tools: {} });

const acts = new Actor(planner, chain);
const tooled = { execute: async (input: { env: string }) => input.env };
const same: typeof tooled = guardTools({ run: tooled }, verifier, { approver: new Approver(ana), subAgents: { run: new SubAgent(planner, {}) } }).run;
const mastraTool: { id: string; execute: (input: string) => string } = guardMastra({ id: 'run', execute: (input: string) => input }, verifier, { context: async (tool, args) => `${tool}/${args.env}` });
const waits: Promise<{ approvals: string[] }> = answer({ request_id: '', text: '', tool: '', arguments: {}, audience: '' }, acts.pinned(), new Approver(ana));
supervise({ listAgents() {}, stream() {} }, { coder: new SubAgent(planner, {}) });
guardServer({ async executeTool() {} }, verifier, { acceptArgument: true, tools: { run: 'deploy' } });
const node: (state: number) => string = actingAs({ invoke: (state: number) => String(state) }, null);
guardChain([{ name: 'run', invoke() {}, call() {} }], verifier, { interrupt: (waiting) => waiting });
const post: Promise<Response> = signingFetch(currentActor, 'https://a', { carry: 'header', fetch })('https://a', { method: 'POST' });
const taken: unknown = new Guard(verifier, { acceptArgument: true }).received({}, {}, undefined).presentation;
// @ts-expect-error: a sub-agent is declared by a SubAgent
supervise({ listAgents() {}, stream() {} }, { coder: planner });
// @ts-expect-error: a place that there is not
signCalls(new Client({ name: 'c', version: '1' }), acts, 'https://a', { carry: 'authorization' });
// @ts-expect-error: a Guard is before tools that run
guardMastra({ execute() {} }, verifier);
void [same, mastraTool, waits, node, post, taken];
