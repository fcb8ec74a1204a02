// The gateway of examples/gateway as a process that is killed now and then.

import { createServer } from 'node:net';
import { start } from './processes.js';
import { sleep } from './wait.js';

export class Gateway {
  #program;
  #server;
  #log;
  #privateChannel;
  #process;

  /** With the name of the private channel it shows to each what it may see, without it what everybody may know. */
  constructor(program, server, log, privateChannel) {
    this.#program = program;
    this.#server = server;
    this.#log = log;
    this.#privateChannel = privateChannel;
  }

  async start() {
    this.port ??= await freePort();
    this.#process = start(process.execPath, [this.#program], {
      env: { ...this.#server.environment, PORT: String(this.port), PRESENCE_PRIVATE_CHANNEL: this.#privateChannel ?? '' },
      log: this.#log,
    });
    const child = this.#process;
    child.ended.then((how) => { if (child === this.#process && !this.isStopped) this.endedByItself = how; });
  }

  async kill(ms) {
    const child = this.#process;
    this.#process = null;
    child.kill('SIGKILL');
    await child.ended;
    await sleep(ms);
    await this.start();
  }

  async stop() {
    this.isStopped = true;
    this.#process.kill('SIGTERM');
    await this.#process.ended;
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
