// One of several processes says which store it uses: each would accept a proof once.
import assert from 'node:assert/strict';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

test('a worker of a cluster does not get a store in memory by default', async () => {
  cluster.setupPrimary({ exec: join(dirname(fileURLToPath(import.meta.url)), '..', 'support', 'cluster-worker.mjs') });
  const worker = cluster.fork();
  const exited = once(worker, 'exit');
  const [outcomes] = await once(worker, 'message');
  await exited;
  assert.deepEqual(outcomes, ['config-invalid', 'made']);
});
