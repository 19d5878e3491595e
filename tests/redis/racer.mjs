// One of several processes that race for the same proofs, approvals and last units: see test_race.py.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { TrustAnchor, Verifier, VerifyingKey } from '../../bindings-node/lib/index.mjs';
import { RedisStore } from '../../bindings-node/lib/redis.mjs';

const [url, path] = process.argv.slice(2);
const scene = JSON.parse(readFileSync(path, 'utf8'));
const nowMs = scene.now_ms;
const store = new RedisStore({ url });
const trust = new TrustAnchor('ana', VerifyingKey.fromDidKey(scene.issuer));
const verifier = new Verifier({ trust, audience: scene.audience, store, clock: () => nowMs });
await store.begin(nowMs);
console.log('ready');
await once(process.stdin, 'data');
const won = { proofs: [], approvals: [], units: [] };
const expires = Math.floor(nowMs / 1000) + 60;
for (const [at, presentation] of scene.presentations.entries()) {
  try {
    await verifier.authorizeAsync(presentation, 't', {});
    won.proofs.push(at);
  } catch (error) {
    assert.equal(error.code, 'proof-replayed', error);
  }
  const key = (letter, size) => {
    const bytes = Buffer.alloc(size);
    bytes.write(letter);
    bytes.writeUInt32BE(at, size - 4);
    return bytes;
  };
  for (const [name, operation] of [
    ['approvals', ['claim', key('a', 49), expires, nowMs]],
    ['units', ['spend', key('b', 34), 1, 3, expires, nowMs]],
  ]) {
    const answer = await store.commit([operation], nowMs);
    if (answer === true) won[name].push(at);
    else assert.deepEqual(answer, ['refused', 0]);
  }
}
console.log(JSON.stringify(won));
process.exit(0);
