// The gateway as a process of its own, which can be killed and comes back at the same address.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

const PROGRAM = fileURLToPath(new URL('../../gateway.js', import.meta.url));

export class Gateway {
  #env;
  #process;
  #errors = '';

  /** @param {Record<string, string>} settings beside those of PG* */
  static async start(settings = {}) {
    const gateway = new Gateway();
    const port = await freePort();
    gateway.address = `127.0.0.1:${port}`;
    /** By which its connections are known in pg_stat_activity. */
    gateway.name = `gateway-test-${port}`;
    gateway.#env = { ...process.env, PRESENCE_PRIVATE_CHANNEL: '', ...settings, PORT: String(port), PGAPPNAME: gateway.name };
    await gateway.run();
    return gateway;
  }

  async run() {
    this.#process = spawn(process.execPath, [PROGRAM], { env: this.#env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr.setEncoding('utf8').on('data', (text) => { this.#errors += text; });
    await until('the gateway answers', async () => {
      if (this.#process.exitCode !== null) throw new Error(`the gateway has ended: ${this.#errors}`);
      return this.isReady();
    });
  }

  async isReady() {
    return (await this.health())?.ready ?? false;
  }

  /** Null when it does not answer. */
  async health() {
    try {
      return await (await fetch(`http://${this.address}/healthz`)).json();
    } catch {
      return null;
    }
  }

  /** Bytes of memory that it has now. */
  memory() {
    const [, pages] = readFileSync(`/proc/${this.#process.pid}/statm`, 'utf8').split(' ');
    return Number(pages) * 4_096;
  }

  /** What it has said on stderr. */
  get errors() {
    return this.#errors;
  }

  async stop(signal = 'SIGTERM') {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return this.#process.exitCode;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    const [code] = await ended;
    return code;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
