// The database that the gateway serves, from the PG* environment, as its owner. Its server has the settings below.

import pg from 'pg';
import { until } from './until.js';

/** The disconnect_grace in ms: enough for a reload by a slow machine. */
export const GRACE = 6_000;

/** User data, as JSON, with which an event is longer than events can be; few bytes as jsonb. */
export const TOO_MUCH = '{"name": "Mia", "smallest": 1e-7900}';

export const privateChannel = process.env.PRESENCE_PRIVATE_CHANNEL;

/** Connected to a presence without anybody. */
export async function openDatabase() {
  const database = new pg.Client({ options: '-c search_path=presence,public' });
  await database.connect();
  const { rows: [{ grace, name }] } = await database.query(
    "SELECT extract(epoch FROM current_setting('presence.disconnect_grace')::interval) * 1000 AS grace, current_setting('presence.private_channel') AS name");
  if (Number(grace) !== GRACE) throw new Error(`the server needs presence.disconnect_grace = '${GRACE}ms', it has ${Number(grace)} ms`);
  if (!name || name !== privateChannel) throw new Error('PRESENCE_PRIVATE_CHANNEL is not the server\'s presence.private_channel');
  await database.query('CREATE SCHEMA IF NOT EXISTS presence');
  await database.query('CREATE EXTENSION IF NOT EXISTS presence SCHEMA presence');
  await database.query('SELECT presence_reset()');
  return new TestDatabase(database);
}

class TestDatabase {
  #client;

  constructor(client) {
    this.#client = client;
  }

  /** The first column of the first row. */
  async ask(text, values = []) {
    const { rows } = await this.#client.query({ text, values, rowMode: 'array' });
    return rows[0]?.[0];
  }

  snapshot(channel, viewer = null) {
    return this.ask('SELECT presence_snapshot($1, $2, 10000)', [channel, viewer]);
  }

  /** Whether nothing has happened after a position. */
  knowsAll(channel, { epoch, seq }, viewer = null) {
    return this.ask("SELECT answer -> 'events' = '[]' AND NOT (answer ->> 'resync')::boolean FROM presence_events($1, $2, $3, viewer => $4) AS answer",
      [channel, epoch, seq, viewer]);
  }

  status(user) {
    return this.ask('SELECT presence_status($1)', [user]);
  }

  /** Somebody is in a channel, with a session of its own. */
  enter(user, channel) {
    return this.#isToldOn(channel, user, async () => {
      await this.ask('SELECT presence_connect($1, $2, $3)', [user, `session-${user}`, { name: user }]);
      await this.ask('SELECT presence_join($1, $2, session_id => $3)', [user, channel, `session-${user}`]);
    });
  }

  /** Other user data, as JSON, in all of its channels. */
  say(user, userData) {
    return this.ask('SELECT presence_connect($1, $2, $3)', [user, `session-${user}`, userData]);
  }

  /** A choice of a status, which does not become one event with the next. */
  setStatus(user, status, { message = null, channel = 'global_presence' } = {}) {
    return this.#isToldOn(channel, user, () => this.ask('SELECT presence_set_status($1, $2, $3)', [user, status, message]));
  }

  /** Does something, and waits until listeners have heard of it. */
  async #isToldOn(channel, user, change) {
    const { epoch, seq } = await this.ask('SELECT to_jsonb(i) FROM presence_info() AS i');
    await change();
    await until(`${user} is told of on ${channel}`, () => this.ask(
      `SELECT EXISTS (SELECT FROM jsonb_array_elements(presence_events($1, $2, $3, 10000) -> 'events') AS e WHERE e ->> 'user_id' = $4)`,
      [channel, epoch, seq, user]));
  }

  /** Ends the connections of a gateway; how many there were. */
  async cutOff(gateway) {
    return Number(await this.ask(
      'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1', [gateway.name]));
  }

  close() {
    return this.#client.end();
  }
}
