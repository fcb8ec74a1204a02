// A PostgreSQL server of the test's own in a temporary directory, and PgBouncer in front of it.

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { run, start } from './processes.js';
import { until } from './wait.js';

export const PRIVATE_CHANNEL = 'a-name-that-nobody-knows';

// Short timeouts, so that everything that happens by itself happens within the test. The least buffer: 600 people who come
// at once are more than it holds.
const SETTINGS = `
listen_addresses = ''
shared_preload_libraries = 'presence'
max_connections = 200
fsync = off
log_statement = none
presence.event_buffer = '64kB'
presence.idle_timeout = '2s'
presence.session_timeout = '4s'
presence.disconnect_grace = '300ms'
presence.typing_timeout = '1s'
presence.large_channel = 12
presence.private_channel = '${PRIVATE_CHANNEL}'
presence.trusted_gateways = 'gate'
`;

export class Server {
  #programs;
  #dir;
  #env;
  #pooler;

  /** `programs`: the directory of initdb and pg_ctl, with presence installed. */
  constructor(programs, dir) {
    this.#programs = programs;
    this.#dir = dir;
    this.#env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', HOME: dir };
  }

  /** How to reach it: directly, or through the pooler. Names as libpq and pg know them. */
  get direct() {
    return { host: this.#dir, port: 5432, user: 'app', database: 'postgres' };
  }

  get pooled() {
    return { ...this.direct, host: join(this.#dir, 'pooler'), port: 6432 };
  }

  get environment() {
    const { host, port, user, database } = this.direct;
    return { ...this.#env, PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database };
  }

  async start() {
    const data = join(this.#dir, 'data');
    await this.#run('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync');
    appendFileSync(join(data, 'postgresql.conf'), `${SETTINGS}unix_socket_directories = '${this.#dir}'\n`);
    await this.#control('start');
    const db = new pg.Client({ ...this.direct, user: 'postgres' });
    await db.connect();
    await db.query(`
      CREATE SCHEMA presence;
      CREATE EXTENSION presence SCHEMA presence;
      CREATE ROLE app SUPERUSER LOGIN;
      CREATE ROLE authenticated;
      CREATE ROLE gate LOGIN IN ROLE authenticated;
      SELECT presence.presence_grant('authenticated', 'user')`);
    await db.end();
    await this.#startPooler();
  }

  async restart(mode) {
    await this.#control('stop', mode);
    await this.#control('start');
  }

  async stop() {
    this.#pooler?.kill('SIGINT');
    await this.#pooler?.ended;
    await this.#control('stop', 'fast');
  }

  /** What no server may say: a crash, a broken assertion. An immediate stop is neither. */
  crashes() {
    return readFileSync(join(this.#dir, 'log'), 'utf8').match(/^.*(terminated by signal|PANIC:|TRAP:).*$/gm) ?? [];
  }

  async #startPooler() {
    const dir = join(this.#dir, 'pooler');
    mkdirSync(dir);
    writeFileSync(join(dir, 'users'), '"app" ""\n"gate" ""\n');
    writeFileSync(join(dir, 'ini'), `
[databases]
postgres = host=${this.#dir} port=5432
[pgbouncer]
unix_socket_dir = ${dir}
listen_port = 6432
auth_type = trust
auth_file = ${dir}/users
pool_mode = transaction
default_pool_size = 6
server_login_retry = 1
`);
    this.#pooler = start('pgbouncer', [join(dir, 'ini')], { env: this.#env, log: join(dir, 'log') });
    await until('the pooler', async () => {
      const db = new pg.Client(this.pooled);
      db.on('error', () => {});
      return db.connect().then(() => db.end()).then(() => true, () => false);
    });
  }

  #control(command, mode) {
    const args = ['-D', join(this.#dir, 'data'), '-l', join(this.#dir, 'log'), '-w', '-t', '60', command];
    return this.#run('pg_ctl', ...args, ...(mode ? ['-m', mode] : []));
  }

  #run(program, ...args) {
    return run(join(this.#programs, program), args, this.#env);
  }
}
