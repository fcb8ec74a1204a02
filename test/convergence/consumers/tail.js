// A consumer by LISTEN: the program presence-tail, and what its lines say.

import { start } from '../processes.js';
import { Picture } from '../picture.js';

export class TailConsumer {
  kind = 'presence-tail';
  viewer = null;
  #process;
  #pictures;
  #complaints = [];

  constructor(name, channels) {
    this.name = name;
    this.channels = channels;
    this.#pictures = new Map(channels.map((channel) => [channel, new Picture((what) => this.#complaints.push(`${channel}: ${what}`))]));
  }

  start({ tools, server, dir }) {
    this.#process = start(`${tools}/presence-tail`, [...this.channels, '--json', '--snapshot', '--max-users', '100000'], {
      env: { ...server.environment, PGAPPNAME: this.name },
      log: `${dir}/${this.name}.log`,
      onLine: (line) => this.#take(JSON.parse(line)),
    });
    this.#process.ended.then((how) => { if (!this.isStopped) this.#complaints.push(`ended by itself: ${how}`); });
  }

  /** Stands still for a while, as a process on a busy machine does. */
  freeze(ms) {
    this.#process.kill('SIGSTOP');
    setTimeout(() => this.#process.kill('SIGCONT'), ms);
  }

  picture(channel) {
    return this.#pictures.get(channel);
  }

  complaints() {
    return this.#complaints;
  }

  async stop() {
    this.isStopped = true;
    this.#process.kill('SIGTERM');
    const how = await this.#process.ended;
    if (how !== 0) this.#complaints.push(`SIGTERM ended it with ${how}`);
  }

  #take(line) {
    if ('snapshot' in line) this.#pictures.get(line.snapshot.channel).applySnapshot(line.snapshot);
    else this.#pictures.get(line.channel).applyEvent(line);
  }
}
