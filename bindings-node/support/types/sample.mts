// Compiled, never run: what a program may write, and (with ts-expect-error) what it may not.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { Agent, AuditLog, Authorized, Denied, DeputizeError, MemoryReplayStore, SigningKey, TrustAnchor, Verifier, VerifyingKey, codes } from 'deputize';
import { atLeast, optional, subset, type Tools } from 'deputize/constraints';
import { caller, guard, metaFor, signCalls } from 'deputize/mcp';

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
  replay: new MemoryReplayStore(10),
  clock: () => Date.now(),
});
const presentation = planner.prove(chain, 'deploy', { tag: 'v1', n: 1n, b: new Uint8Array(1) }, 'https://a', { challenge: new Uint8Array(8) });
const authorized: Authorized = verifier.authorize(presentation.text, 'deploy', { tag: 'v1' }, { context: 'a/b' });
const pending: Promise<Authorized> = verifier.authorizeAsync(presentation, 'deploy', {});
const depth: number | undefined = narrower.unverifiedClaims()[0]?.maxDepth;
const who: string = authorized.caller + authorized.onBehalfOf + authorized.chain.principal + authorized.record.json({ arguments: true });
new Verifier({ trust: ana, audience: 'a', replay: { claim: async (claimed: Uint8Array, expires: number) => claimed.length > expires } });
try {
  verifier.verifyChain(chain);
} catch (error) {
  if (error instanceof Denied) console.log(error.record.sentence);
  if (error instanceof DeputizeError) console.log(error.code, error.link?.toFixed(), error.context, error.help);
}
console.log(depth, who, pending, codes[0]?.family, caller().caller);

guard(new McpServer({ name: 'x', version: '1' }), verifier, { context: () => 'a/b', tools: { t: 'acme.t' } }).registerTool('t', {}, () => ({ content: [] }));
guard(new Server({ name: 'x', version: '1' }), verifier);
signCalls(new Client({ name: 'x', version: '1' }), planner, () => chain, 'https://a', { tools: { t: 'acme.t' } });
const meta: { [key: string]: string } = metaFor(planner, chain, 'deploy', {}, 'https://a');
console.log(meta);

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
