// The state file: what a trust state accepted is there after a restart, also after one in the midst of writing; REV-06.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, Authority, RevocationList, StateFile, Target, TrustState, rotate } from 'deputize';
import { ana, following } from '../support/state-process.mjs';
import { AUDIENCE, cast, folder, refused, verifierFor } from '../support/helpers.mjs';

const KILLS = 20;
const PROCESS = fileURLToPath(new URL('../support/state-process.mjs', import.meta.url));
const { planner, coder } = cast();

const newState = (options) => new TrustState(ana, options);
const list = (sequence, options = {}, by = ana) => new RevocationList(sequence, options).sign(by, { ttl: '1h' });
const sequence = (state) => state.held('ana')?.sequence;
/** What a new process would know. */
const opened = (path) => sequence(StateFile.open(path, newState()).state);

function made(t) {
  const path = join(folder(t), 'trust.state');
  const file = StateFile.create(path, newState());
  assert.equal(file.applyList(list(1)), 'accepted');
  return { path, file };
}

test('what was accepted is there after a restart', (t) => {
  const { path, file } = made(t);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const anew = Agent.generate('planner');
  const [change, rotation] = [list(2, { base: 1, revoke: [Target.key(coder)] }), rotate(planner, anew)];
  assert.deepEqual([file.applyList(change), file.applyList(change)], ['accepted', 'unchanged']);
  assert.deepEqual([file.applyRotation(rotation), file.applyRotation(rotation)], ['accepted', 'unchanged']);
  refused('rotation-equivocation', () => file.applyRotation(rotate(planner, Agent.generate('planner'))));

  const { state } = StateFile.open(path, newState());
  assert.deepEqual([state.held('ana'), state.evidence], [file.state.held('ana'), file.state.evidence]);
  assert.deepEqual(state.evidence.map((found) => found.code), ['rotation-equivocation']);
  assert.deepEqual(state.keysOf(planner).map((used) => [String(used.key), used.retired]), [[planner.did, true], [anew.did, false]]);
  const verifier = verifierFor(ana, { state });
  for (const [agent, code] of [[coder, 'key-revoked'], [planner, 'key-retired'], [anew]]) {
    const proof = agent.prove(ana.issue({ to: agent, tools: { read: {} } }), 'read', {}, AUDIENCE);
    if (code === undefined) assert.ok(verifier.authorize(proof, 'read', {}));
    else refused(code, () => verifier.authorize(proof, 'read', {}));
  }
});

test('processes take over from each other', (t) => {
  const { path, file } = made(t);
  const inAnotherProcess = () => {
    const ran = spawnSync(process.execPath, [PROCESS, 'once', path], { encoding: 'utf8', timeout: 60_000 });
    assert.equal(ran.status, 0, ran.stderr);
    return Number(ran.stdout);
  };
  for (const number of [2, 4]) {
    assert.equal(inAnotherProcess(), number);
    assert.equal(sequence(file.state), number - 1);
    // A change to what the other one took.
    assert.equal(file.applyList(list(number + 1, { base: number })), 'accepted');
    assert.equal(sequence(file.state), number + 1);
  }
  assert.equal(inAnotherProcess(), 6);
  assert.equal(file.refresh(), undefined);
  assert.deepEqual([sequence(file.state), opened(path)], [6, 6]);
});

test('a process that is killed leaves what it kept', async (t) => {
  const { path, file } = made(t);
  let found;
  for (let kill = 0; kill < KILLS; kill++) {
    const child = spawn(process.execPath, [PROCESS, 'keep', path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'close');
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => { said += chunk; });
    while (!said.includes('\n')) await once(child.stdout, 'data');
    // Once it is at work, at an instant that is another each time.
    await pause(((kill * 397) % 20_000) / 1000);
    child.kill('SIGKILL');
    await exited;
    const kept = Math.max(...said.split('\n').slice(0, -1).map(Number));
    found = opened(path);
    assert.ok(found === kept || found === kept + 1, `kill ${kill}: kept ${kept}, found ${found}`);
  }
  file.refresh();
  assert.equal(sequence(file.state), found);
  assert.equal(file.applyList(following(file.state)), 'accepted');
});

test('a file that is not whole, not ours or not private is never an empty state', (t) => {
  const { path, file } = made(t);
  const good = readFileSync(path);
  const unavailable = () => {
    refused('state-unavailable', () => opened(path));
    refused('state-unavailable', () => file.refresh());
    refused('state-unavailable', () => file.applyList(list(9)));
    assert.equal(sequence(file.state), 1);
  };
  for (let at = 0; at < good.length; at += 5) {
    writeFileSync(path, good.subarray(0, at));
    unavailable();
    const flipped = Buffer.from(good);
    flipped[at] ^= 1;
    writeFileSync(path, flipped);
    refused('state-unavailable', () => opened(path));
  }
  for (const wrong of ['', 'hello', list(1), Buffer.concat([good, Buffer.alloc(1)])]) {
    writeFileSync(path, wrong);
    unavailable();
  }
  writeFileSync(path, good);
  for (const mode of [0o602, 0o620, 0o604, 0o640, 0o644, 0o666]) {
    chmodSync(path, mode);
    unavailable();
  }
  chmodSync(path, 0o600);
  chmodSync(dirname(path), 0o777);
  unavailable();
  chmodSync(dirname(path), 0o700);
  const elsewhere = join(dirname(path), 'elsewhere');
  renameSync(path, elsewhere);
  unavailable();
  symlinkSync(elsewhere, path);
  unavailable();
  unlinkSync(path);
  mkdirSync(path);
  unavailable();
  rmdirSync(path);
  renameSync(elsewhere, path);
  for (const other of [Agent.generate('ana'), Agent.generate('bo')]) refused('state-unavailable', () => StateFile.open(path, new TrustState(other)));
  assert.equal(opened(path), 1);
});

test('an older file is refused while somebody knows better', (t) => {
  const { path, file } = made(t);
  copyFileSync(path, `${path}.older`);
  file.applyList(list(5));
  copyFileSync(`${path}.older`, path);
  refused('revocation-rollback', () => file.refresh());
  refused('revocation-rollback', () => file.applyList(list(6)));
  refused('revocation-rollback', () => StateFile.open(path, new TrustState(new Authority('ana', ana, { atLeast: 5 }))));
  const knows = newState();
  knows.applyList(list(5));
  refused('revocation-rollback', () => StateFile.open(path, knows));
  refused('clock-behind', () => StateFile.open(path, newState({ clock: () => Date.now() - 60_000 })));
});

test('a file is made once, for an empty state, and everything comes through it', (t) => {
  const { path, file } = made(t);
  refused('state-unavailable', () => StateFile.create(path, newState()));
  refused('state-unavailable', () => StateFile.create(join(path, 'no', 'such'), newState()));
  const filled = newState();
  filled.applyList(list(1));
  refused('config-invalid', () => StateFile.create(`${path}.other`, filled));
  refused('config-invalid', () => StateFile.open(path, file.state));
  const loader = file.state.loader();
  refused('config-invalid', () => loader.push(list(2)));
  refused('config-invalid', () => loader.finish());
  refused('config-invalid', () => file.state.applyList(list(2)));
  refused('config-invalid', () => file.state.applyRotation(rotate(planner, coder)));
  assert.equal(file.applyList(Buffer.from(list(2))), 'accepted');
  const before = readFileSync(path);
  refused('revocation-rollback', () => file.applyList(list(1)));
  refused('revocation-gap', () => file.applyList(list(9, { base: 8 })));
  refused('revocation-incomplete', () => file.applyList(list(3).subarray(0, -1)));
  refused('revocation-untrusted', () => file.applyList(list(3, {}, coder)));
  assert.deepEqual(readFileSync(path), before);
  for (const wrong of [undefined, null, 'x', 5, {}]) {
    refused('malformed', () => file.applyList(wrong));
    refused('malformed', () => file.applyRotation(wrong));
  }
  for (const make of [StateFile.create, StateFile.open]) {
    for (const wrong of [undefined, null, 5, ana, [ana], file, {}, new Proxy(file.state, {}), Object.create(file.state)]) refused('config-invalid', () => make(path, wrong));
    for (const wrong of [undefined, null, 5, {}, Buffer.from(path), '', `${path}\0`, '\ud800']) refused('state-unavailable', () => make(wrong, newState()));
  }
  refused('config-invalid', () => verifierFor(ana, { state: file }));
  refused('config-invalid', () => new StateFile(path, newState()));
});

test('observers are told when it is over, and may use the file', (t) => {
  const path = join(folder(t), 'trust.state');
  const told = [];
  const onRevoked = (event) => {
    file.refresh();
    told.push([event.sequence, sequence(file.state)]);
    if (event.sequence === 1) file.applyList(list(2, { suspend: [planner] }));
    throw new Error('odd');
  };
  const file = StateFile.create(path, newState({ onRevoked }));
  assert.equal(file.applyList(list(1, { suspend: [coder] })), 'accepted');
  assert.deepEqual(told, [[1, 1], [2, 2]]);
  assert.equal(opened(path), 2);
});
