// A `redis-server` on a port of its own, for the tests of the store: started, crashed and started again.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { folder } from './helpers.mjs';

/** False where there is a `redis-server`; else why the tests are skipped. With `DEPUTIZE_REQUIRE_REDIS` they run, and fail. */
export const skip = spawnSync('redis-server', ['--version']).error !== undefined && !process.env.DEPUTIZE_REQUIRE_REDIS && 'no redis-server on the PATH';

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export class Server {
  #where;
  #process;

  static async start(t, ...given) {
    const server = new Server();
    server.port = await freePort();
    server.url = `redis://127.0.0.1:${server.port}/0`;
    server.#where = ['--port', server.port, '--bind', '127.0.0.1', '--save', '', '--dir', folder(t), ...given].map(String);
    await server.start();
    t.after(() => server.crash());
    return server;
  }

  async start() {
    this.#process = spawn('redis-server', this.#where, { stdio: 'ignore' });
    await once(this.#process, 'spawn');
    for (let tries = 0; !(await this.run('PING').catch(() => '')).includes('PONG'); tries++) {
      if (tries > 1000) throw new Error('redis-server does not answer');
      await pause(20);
    }
  }

  /** As a crash does: nothing is saved. */
  async crash() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  run(...words) {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1');
      socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
      socket.on('error', reject);
      socket.on('data', (data) => {
        socket.destroy();
        resolve(data.toString());
      });
      socket.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
    });
  }
}
