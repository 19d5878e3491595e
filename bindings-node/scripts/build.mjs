// Builds the native part with cargo and puts it beside package.json. `--debug` builds without optimisation; `--test-panic` builds the one with
// a function that panics, under a name of its own that is not in the package.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageFolder = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const workspace = resolve(packageFolder, '..');
const unknown = process.argv.slice(2).filter((argument) => !['--debug', '--test-panic'].includes(argument));
if (unknown.length > 0) {
  console.error(`unknown option: ${unknown.join(' ')}`);
  process.exit(2);
}
const profile = process.argv.includes('--debug') ? 'debug' : 'release';
const panics = process.argv.includes('--test-panic');
const name = panics ? 'test-panic.node' : 'deputize.node';

const cargo = ['build', '--package', 'deputize-node', ...(profile === 'release' ? ['--release'] : []), ...(panics ? ['--features', 'test-panic'] : [])];
const built = spawnSync(process.env.CARGO || 'cargo', cargo, { cwd: workspace, stdio: 'inherit' });
if (built.status !== 0) {
  console.error(built.error ? `cargo could not be started: ${built.error.message}` : 'cargo failed');
  process.exit(1);
}

const library = { win32: 'deputize_node.dll', darwin: 'libdeputize_node.dylib' }[process.platform] ?? 'libdeputize_node.so';
const target = resolve(workspace, process.env.CARGO_TARGET_DIR || 'target');

// A process that has the old file open keeps it: the new one takes its name and not its content.
const draft = mkdtempSync(join(packageFolder, '.build-'));
try {
  copyFileSync(join(target, profile, library), join(draft, name));
  renameSync(join(draft, name), join(packageFolder, name));
} finally {
  rmSync(draft, { recursive: true, force: true });
}
console.log(`${name}: ${profile}`);
