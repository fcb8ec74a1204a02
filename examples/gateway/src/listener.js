// The one database connection that LISTENs. Sessions are bound to it: whatever becomes of the gateway, the database sees
// this connection end, and the sessions with it.
//
// Emits `ready` whenever it is connected (nothing is listened to yet), `lost` when that is over, and `event` with each
// event of presence and the name it was heard on. When the connection is lost it comes back by itself.

import { EventEmitter } from 'node:events';
import pg from 'pg';
import { Backoff } from './backoff.js';
import { connectionSettings } from './database.js';

/** A dead network is found out, and the worker's process id looked up again. */
const CHECK_EVERY = 5_000;
const CHECK_TIMEOUT = 30_000;

export class Listener extends EventEmitter {
  #config;
  #schema;
  #backoff = new Backoff();
  /** @type {pg.Client | null} */
  #client = null;
  #closed = false;
  #retry = null;
  #check = null;
  #worker = null;
  #lastQuery = Promise.resolve();
  #asking = false;
  #unchecked = [];

  /** @param {import('./config.js').Config} config */
  constructor(config) {
    super();
    this.#config = config;
    this.#schema = pg.escapeIdentifier(config.schema);
  }

  get isReady() {
    return this.#client !== null;
  }

  async open() {
    const client = new pg.Client(connectionSettings(this.#config));
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', (notification) => this.#heard(client, notification));
    try {
      await client.connect();
      if (this.#closed) return void client.end();
      this.#worker = await this.#askForWorker(client);
    } catch (error) {
      client.end().catch(() => {});
      if (!this.#closed) this.#openLater(error);
      return;
    }
    this.#client = client;
    this.#backoff.reset();
    this.#check = setInterval(() => this.#checkConnection(client), CHECK_EVERY);
    this.emit('ready');
  }

  async close() {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#check);
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  /** What had to be done on the new connection could not be done. */
  reopen(error) {
    if (!this.#client) return; // It is already lost.
    console.error(`database: ${error.message}`);
    this.#client.connection.stream.destroy();
  }

  /** Queries are done in the order in which they are asked. */
  query(text, values) {
    if (!this.#client) return Promise.reject(new Error('no connection to the database'));
    return this.#queryInTurn(this.#client, text, values);
  }

  #queryInTurn(client, text, values) {
    const answer = this.#lastQuery.then(() => client.query(text, values));
    this.#lastQuery = answer.catch(() => {});
    return answer;
  }

  /**
   * Returns the name on which the channel's events are heard, and whether it is a room.
   *
   * @returns {Promise<{name: string, isRoom: boolean}>}
   */
  async listen(channel) {
    const { rows: [listened] } = await this.query(
      `SELECT ${this.#schema}.presence_listen($1) AS name,
              ${this.#schema}.presence_snapshot($1, max_users => 0) ? 'members' AS "isRoom"`, [channel]);
    return listened;
  }

  async unlisten(channel) {
    await this.query(`SELECT ${this.#schema}.presence_unlisten($1)`, [channel]);
  }

  #lost(client) {
    if (client !== this.#client) return;
    this.#client = null;
    clearInterval(this.#check);
    this.#unchecked = [];
    this.emit('lost');
    this.#openLater(new Error('the connection was lost'));
  }

  #openLater(error) {
    const delay = this.#backoff.next();
    console.error(`database: ${error.message || error.code}; next attempt in ${Math.round(delay)} ms`);
    this.#retry = setTimeout(() => this.open(), delay);
  }

  // ---- Anybody may say NOTIFY. A real event comes from presence's worker. ----

  #heard(client, { processId, channel, payload }) {
    if (processId === this.#worker && !this.#asking) return this.#tell(channel, payload);
    this.#unchecked.push({ processId, channel, payload });
    if (!this.#asking) this.#checkConnection(client);
  }

  async #checkConnection(client) {
    if (this.#asking) return;
    this.#asking = true;
    const before = this.#worker;
    const tooLate = setTimeout(() => client.connection.stream.destroy(), CHECK_TIMEOUT);
    try {
      this.#worker = await this.#askForWorker(client);
    } catch (error) {
      if (client === this.#client) this.reopen(error);
    }
    clearTimeout(tooLate);
    this.#asking = false;
    // What a worker said that has ended meanwhile is true, too.
    for (const { processId, channel, payload } of this.#unchecked.splice(0))
      if (processId === this.#worker || processId === before) this.#tell(channel, payload);
  }

  async #askForWorker(client) {
    const { rows: [info] } = await this.#queryInTurn(client, `SELECT worker_pid FROM ${this.#schema}.presence_info()`);
    return info.worker_pid;
  }

  #tell(channel, payload) {
    this.emit('event', JSON.parse(payload), channel);
  }
}
