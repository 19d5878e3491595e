// A warm `authorize` through Node, over the bytes that `core/benches/bindings.rs` wrote and timed before: `authorize.mjs FILE`.
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { MemoryStore, TrustAnchor, Verifier, VerifyingKey } from 'deputize';

const shared = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const bytes = (text) => Uint8Array.from(Buffer.from(text, 'base64url'));
const issuer = VerifyingKey.fromBytes(bytes(shared.issuer));
const messages = shared.messages.map(bytes);
const signatures = shared.signatures.map(bytes);
const [first, ...presentations] = shared.presentations.map(bytes).reverse();

/** Further down on the stack: where the vectors of a verification lie there changes its time. */
function deeper(frames, work) {
  return frames === 0 ? work() : deeper(frames - 1, work);
}

/** The nanoseconds of one call in the fastest of all rounds. Between rounds the event loop turns, as it does between the requests of a
 * service: only then does Node free what the objects of earlier calls hold. */
async function fastest(count, prepare, work) {
  let best = Infinity;
  for (let round = 0; round < shared.rounds; round++) {
    await setImmediate();
    const prepared = prepare();
    const time = deeper(round % 16, () => {
      const start = process.hrtime.bigint();
      for (let number = 0; number < count; number++) work(prepared, number);
      return Number(process.hrtime.bigint() - start) / count;
    });
    best = Math.min(best, time);
  }
  return best;
}

function warm() {
  const store = new MemoryStore(presentations.length + 1);
  const verifier = new Verifier({ trust: new TrustAnchor('ana', issuer), audience: shared.audience, store, clock: () => shared.now_ms });
  verifier.authorize(first, shared.tool, shared.arguments);
  return verifier;
}

const verification = await fastest(messages.length, () => issuer, (key, number) => key.verify(messages[number], signatures[number]));
const call = await fastest(presentations.length, warm, (verifier, number) => verifier.authorize(presentations[number], shared.tool, shared.arguments));
console.log(`| Node | ${(call / verification).toFixed(3)} | ${(call / shared.rust_ns.authorize).toFixed(3)} |`);
