// The pool of database connections for everything but LISTEN, and the SQL of a call.
//
// Names of functions and arguments are the gateway's own; what comes from a browser is a parameter, always.

import pg from 'pg';

/** How a connection to the database is opened, that of the pool and the one that listens. */
export function connectionSettings({ databaseUrl }) {
  return {
    connectionString: databaseUrl,
    fallback_application_name: 'presence-gateway',
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  };
}

/**
 * A call with its arguments by name. Those that are undefined are left out: the function's default holds.
 *
 * @param {string} schema
 * @param {string} name
 * @param {Record<string, unknown>} args
 */
export function callStatement(schema, name, args) {
  const given = Object.entries(args).filter(([, value]) => value !== undefined);
  const list = given.map(([argument], index) => `${argument} => $${index + 1}`).join(', ');
  return {
    text: `SELECT to_jsonb(f) AS result FROM ${pg.escapeIdentifier(schema)}.${name}(${list}) AS f`,
    values: given.map(([, value]) => value),
  };
}

export class Database {
  #pool;
  #schema;

  /** @param {import('./config.js').Config} config */
  constructor(config) {
    this.#schema = config.schema;
    this.#pool = new pg.Pool({ ...connectionSettings(config), max: config.poolSize });
    this.#pool.on('error', () => {}); // An idle connection was lost; the pool opens another one.
  }

  /** The schema's name, ready for SQL. */
  get schema() {
    return pg.escapeIdentifier(this.#schema);
  }

  query(text, values) {
    return this.#pool.query(text, values);
  }

  /** The result of a function as JSON. */
  async call(name, args) {
    const { rows: [{ result }] } = await this.#pool.query(callStatement(this.#schema, name, args));
    return result === '' ? null : result; // a function that returns void
  }

  end() {
    return this.#pool.end();
  }
}
