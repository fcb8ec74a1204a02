// gateway.js: the gateway of examples/gateway as a process, with the page of examples/web.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const examples = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../examples');
const patience = 45_000;
const privateChannel = process.env.PRESENCE_PRIVATE_CHANNEL ?? '';

export class Gateway {
  #process = null;

  static async start() {
    const gateway = new Gateway();
    gateway.port = await freePort();
    gateway.address = `http://127.0.0.1:${gateway.port}`;
    await gateway.run();
    return gateway;
  }

  async run() {
    this.#process = spawn(process.execPath, [path.join(examples, 'gateway/gateway.js')], {
      env: { ...process.env, PORT: this.port, PRESENCE_STATIC: path.join(examples, 'web'), PRESENCE_PRIVATE_CHANNEL: privateChannel },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const deadline = Date.now() + patience;
    while (!(await this.#answers())) {
      if (this.#process.exitCode !== null) throw new Error(`the gateway has ended with ${this.#process.exitCode}`);
      if (Date.now() > deadline) throw new Error('the gateway does not answer');
      await sleep(50);
    }
  }

  async stop(signal = 'SIGTERM') {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill(signal);
    await ended;
  }

  async #answers() {
    try {
      return (await fetch(`${this.address}/healthz`)).ok;
    } catch {
      return false;
    }
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
