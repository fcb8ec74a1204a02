// What PostgREST does with a request on its connection, statement by statement: the transaction, the settings, the call.
'use strict';

const { escapeIdentifier } = require('pg');

class Gateway {
  // The client is logged in as `authenticator`.
  constructor(client) {
    this.client = client;
  }

  // PostgREST's schema cache: names, arguments and volatility of what it exposes.
  async load() {
    const { rows } = await this.client.query(`
      SELECT proname AS name, provolatile = 's' AS stable, proretset AS set, coalesce(proconfig, '{}') AS settings,
             ARRAY(SELECT json_build_object('name', proargnames[n], 'type', format_type(proargtypes[n - 1], NULL))
                   FROM generate_series(1, pronargs) AS n) AS arguments
      FROM pg_proc WHERE pronamespace = 'api'::regnamespace ORDER BY proname`);
    this.functions = new Map(rows.map((row) => [row.name, row]));
  }

  // One request to /rpc/<name>; its claims are those of a token, or null. Returns the body, throws the database's error.
  async request(method, name, body = {}, claims = null, headers = {}) {
    const called = this.functions.get(name);
    const role = claims ? claims.role : 'web_anon';
    const settings = [
      ['search_path', '"api", "public"'],
      ['role', role],
      ['request.jwt.claims', JSON.stringify({ ...claims, role })],
      ['request.method', method],
      ['request.path', `/rpc/${name}`],
      ['request.headers', JSON.stringify(headers)],
      ...called.settings.map((setting) => setting.split('=')),
    ];
    const places = settings.map((_, n) => `set_config($${2 * n + 1}, $${2 * n + 2}, true)`);
    const mode = method === 'GET' || called.stable ? 'READ ONLY' : 'READ WRITE';

    await this.client.query(`BEGIN ISOLATION LEVEL READ COMMITTED ${mode}`);
    try {
      await this.client.query(`SELECT ${places.join(', ')}`, settings.flat());
      const { rows } = await this.client.query(...this.call(called, body));
      await this.client.query('COMMIT');
      return called.set ? rows[0].body : rows[0].body[0];
    } catch (error) {
      await this.client.query('ROLLBACK');
      throw error;
    }
  }

  // The statement that calls a function with the arguments that the body has.
  call(called, body) {
    const given = called.arguments.filter(({ name }) => name in body);
    const columns = given.map(({ name, type }) => `${escapeIdentifier(name)} ${type}`);
    const named = given.map(({ name }) => `${escapeIdentifier(name)} := body.${escapeIdentifier(name)}`);
    const from = given.length > 0 ? `json_to_record($1) AS body (${columns.join(', ')}), LATERAL` : '';
    const text = `SELECT coalesce(json_agg(to_json(called)), '[]') AS body
                  FROM ${from} api.${escapeIdentifier(called.name)}(${named.join(', ')}) AS called`;
    return given.length > 0 ? [text, [JSON.stringify(body)]] : [text];
  }
}

module.exports = { Gateway };
