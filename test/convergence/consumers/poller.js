// A consumer by presence_events or presence_wait, on a connection of its own or through the pooler.

import pg from 'pg';
import { Picture } from '../picture.js';
import { isAway } from '../people.js';
import { Tally } from '../tally.js';
import { sleep } from '../wait.js';

const MAX_EVENTS = 50; // little, so that an answer is often not all of it

const functionOf = {
  events: (view) => `presence.presence_events($1, $2, $3, ${MAX_EVENTS}${view})`,
  wait: (view) => `presence.presence_wait($1, $2, $3, '300 ms'${view})`,
};

export class PollingConsumer {
  family = 'pollers';
  tally = new Tally();
  #pictures;
  #complaints = [];
  #ended;

  /**
   * `by`: events or wait. `way`: direct or pooled. `viewer`: whose view it is, or null. With `claims` the viewer is a user
   * who asks for itself, as behind PostgREST.
   */
  constructor(name, channels, { by, way, viewer = null, claims = false }) {
    this.name = name;
    this.kind = `${by === 'wait' ? 'presence_wait' : 'presence_events'}, ${way}`;
    this.channels = channels;
    this.viewer = viewer;
    this.way = { by, way, claims };
    this.#pictures = new Map(channels.map((channel) => [channel, new Picture((what) => this.#complaints.push(`${channel}: ${what}`))]));
  }

  start({ server }) {
    const { way, claims } = this.way;
    this.config = { ...server[way], application_name: this.name, user: claims ? 'gate' : 'app' };
    this.#ended = this.#poll();
  }

  picture(channel) {
    return this.#pictures.get(channel);
  }

  complaints() {
    return this.#complaints;
  }

  async stop() {
    this.isStopped = true;
    await this.#ended;
  }

  async #poll() {
    while (!this.isStopped) {
      const db = new pg.Client(this.config);
      db.on('error', () => {}); // the query that is under way, or the next one, fails as well
      let isConnected = false;
      try {
        await db.connect();
        isConnected = true;
        while (!this.isStopped) await this.#round(db);
      } catch (error) {
        if (isConnected) this.tally.cuts++;
        // A pooler answers with an error of its own while the server is away.
        if (!isAway(error) && !/server|pgbouncer/i.test(error.message)) this.#complaints.push(`${error.code} ${error.message}`);
        await sleep(200);
      } finally {
        await db.end().catch(() => {});
      }
    }
  }

  async #round(db) {
    for (const channel of this.channels) {
      const picture = this.#pictures.get(channel);
      if (!picture.position) await this.#begin(db, picture, channel);
      while (await this.#proceed(db, picture, channel)) continue;
    }
    if (this.way.by === 'events') await sleep(300 + 20 * this.name.length);
  }

  async #begin(db, picture, channel) {
    this.tally.snapshots++;
    picture.applySnapshot(await this.#ask(db, (view) => `presence.presence_snapshot($1${view}, max_users => 100000)`, [channel]));
  }

  /** Whether there may be more at once. */
  async #proceed(db, picture, channel) {
    const { epoch, seq } = picture.position;
    const answer = await this.#ask(db, functionOf[this.way.by], [channel, epoch, seq]);
    if (answer.resync) {
      this.tally.resyncs++;
      await this.#begin(db, picture, channel);
      return false;
    }
    for (const event of answer.events) {
      // Between two events for a viewer there may be one for everybody that the viewer is told in words of its own.
      if (this.viewer === null && event.prev > picture.position.seq) this.#complaints.push(`${channel}: ${event.seq} says prev ${event.prev} after ${picture.position.seq}`);
      picture.applyEvent(event);
      const isResync = event.event === 'presence_resync';
      if (isResync) this.tally.resyncs++;
      if (event.truncated) this.tally.truncations++;
      if (isResync || picture.isIncomplete) {
        await this.#begin(db, picture, channel);
        return true;
      }
    }
    picture.applyPosition(answer);
    return answer.events.length === MAX_EVENTS;
  }

  async #ask(db, call, values) {
    if (this.way.claims) return this.#askForItself(db, call, values);
    const viewer = this.viewer === null ? '' : `, viewer => '${this.viewer}'`;
    const { rows } = await db.query(`SELECT ${call(viewer)} AS answer`, values);
    return rows[0].answer;
  }

  async #askForItself(db, call, values) {
    await db.query('BEGIN');
    await db.query('SET LOCAL ROLE authenticated');
    await db.query(`SET LOCAL request.jwt.claims = '{"sub": "${this.viewer}"}'`);
    const { rows } = await db.query(`SELECT ${call('')} AS answer`, values);
    await db.query('COMMIT');
    return rows[0].answer;
  }
}
