// A consumer by LISTEN: the program presence-tail, and what its lines say.

import { start } from '../processes.js';
import { Picture } from '../picture.js';
import { Tally } from '../tally.js';
import { sleep } from '../wait.js';

export class TailConsumer {
  kind = 'presence-tail';
  family = 'listeners';
  tally = new Tally();
  viewer = null;
  #process;
  #pictures;
  #complaints = [];
  #hasHeard = false;

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
      // It makes one remark about each connection that is lost.
      onErrorLine: () => { if (this.#hasHeard && !this.isStopped) this.tally.cuts++; },
    });
    this.#process.ended.then((how) => this.#ended(how, { tools, server, dir }));
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

  /** Who finds no server at the very beginning ends with 2, and is started again as a service would be. */
  async #ended(how, world) {
    if (this.isStopped) return;
    if (how !== 2 || this.#hasHeard) this.#complaints.push(`ended by itself: ${how}`);
    await sleep(300);
    if (!this.isStopped) this.start(world);
  }

  #take(line) {
    this.#hasHeard = true;
    if ('snapshot' in line) this.#takeSnapshot(line.snapshot);
    else this.#takeEvent(line);
  }

  #takeSnapshot(snapshot) {
    const picture = this.#pictures.get(snapshot.channel);
    this.tally.snapshots++;
    if (picture.position && !picture.isIncomplete) this.tally.resyncs++;
    picture.applySnapshot(snapshot);
  }

  #takeEvent(event) {
    if (event.truncated) this.tally.truncations++;
    this.#pictures.get(event.channel).applyEvent(event);
  }
}
