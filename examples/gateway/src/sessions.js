// The sessions of the browsers, bound to the listening connection. One session may have several sockets for a moment (the
// old one of a reconnect is not known to be dead yet); it ends with the last of them.

import { callStatement } from './database.js';

export class Sessions {
  #schema;
  #listener;
  #database;
  /** session id → { userId, sockets } */
  #sessions = new Map();

  /**
   * @param {string} schema
   * @param {import('./listener.js').Listener} listener
   * @param {import('./database.js').Database} database
   */
  constructor(schema, listener, database) {
    this.#schema = schema;
    this.#listener = listener;
    this.#database = database;
  }

  /**
   * The session begins, or is back.
   *
   * @param {{close: (code: number, reason: string) => void}} socket
   * @param {Record<string, unknown>} args of presence_connect
   */
  async connect(socket, args) {
    const statement = callStatement(this.#schema, 'presence_connect', { ...args, bind: true });
    const { rows: [{ result }] } = await this.#listener.query(statement);
    const sockets = this.#sessions.get(result.session_id)?.sockets ?? new Set();
    this.#sessions.set(result.session_id, { userId: args.user_id, sockets: sockets.add(socket) });
    return result;
  }

  /** The socket is closed. */
  async release(id, socket) {
    const session = this.#sessions.get(id);
    if (!session?.sockets.delete(socket) || session.sockets.size > 0) return;
    this.#sessions.delete(id);
    if (this.#listener.isReady) await this.goodbye(id); // Else it has ended with the connection.
  }

  /**
   * The session ends after the grace, unless somebody comes back to it: on the connection of `connect`, or a goodbye might
   * overtake a reload.
   */
  async goodbye(id) {
    const { rows: [{ result }] } =
      await this.#listener.query(callStatement(this.#schema, 'presence_disconnect', { session_id: id }));
    return result;
  }

  /**
   * All sessions have lost the connection that they were bound to. Those that are still in their grace are bound to the new
   * one; the browsers of the others begin anew, which brings back their channels, too.
   */
  async bindAgain() {
    const ids = [...this.#sessions.keys()];
    if (ids.length === 0) return;
    // Who was idle stays so: connecting is no activity of the person here.
    const { rows } = await this.#listener.query(
      `SELECT s.session_id AS id
         FROM unnest($1::text[], $2::text[]) AS s (user_id, session_id),
              LATERAL (SELECT status FROM ${this.#database.schema}.presence_sessions(s.user_id) AS live
                        WHERE live.session_id = s.session_id) AS was,
              LATERAL ${this.#database.schema}.presence_connect(s.user_id, s.session_id, bind => true, status => was.status) AS c`,
      [ids.map((id) => this.#sessions.get(id).userId), ids]);
    const bound = new Set(rows.map(({ id }) => id));
    for (const id of ids) if (!bound.has(id)) this.#forget(id);
  }

  /** The gateway stops. */
  async endAll() {
    const ids = [...this.#sessions.keys()];
    this.#sessions.clear();
    await this.#database.query(
      `SELECT ${this.#database.schema}.presence_disconnect(id) FROM unnest($1::text[]) AS id`, [ids]);
  }

  #forget(id) {
    const sockets = this.#sessions.get(id)?.sockets ?? []; // Its last socket may be closed by now.
    this.#sessions.delete(id);
    for (const socket of sockets) socket.close(1012, 'the session has ended');
  }
}
