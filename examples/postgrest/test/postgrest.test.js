// The schema `api` as PostgREST calls it, on a real server that has presence preloaded.
//
// The connection of a superuser comes from PGHOST, PGPORT, PGUSER and PGPASSWORD. The test makes the database
// presence_postgrest_test and the roles of roles.sql, sets presence.trusted_gateways, and takes all of it back.
'use strict';

const assert = require('node:assert');
const { randomUUID } = require('node:crypto');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Client } = require('pg');
const { Gateway } = require('./gateway');

const database = 'presence_postgrest_test';
const roles = ['authenticator', 'web_user', 'web_anon', 'sql_user'];
const ann = { role: 'web_user', sub: 'ann' };
const ben = { role: 'web_user', sub: 'ben' };
const password = randomUUID();

let admin;
let owner;
let login;
let gateway;

async function connect(config) {
  const client = new Client(config);
  await client.connect();
  return client;
}

const script = (name) => owner.query(readFileSync(path.join(__dirname, '..', name), 'utf8'));

async function trust(logins) {
  await admin.query(`ALTER SYSTEM SET presence.trusted_gateways = '${logins}'`);
  await admin.query('SELECT pg_reload_conf()');
  let now;
  do {
    now = (await admin.query('SHOW presence.trusted_gateways')).rows[0]['presence.trusted_gateways'];
  } while (now !== logins);
}

// With GET where that is possible.
function as(claims, name, body, headers) {
  return gateway.request(gateway.functions.get(name).stable ? 'GET' : 'POST', name, body, claims, headers);
}

const denied = (request, code = '42501') => assert.rejects(request, { code });

// The functions among these whose request is not refused.
async function allowed(names, request) {
  const list = [];
  for (const name of names) {
    const code = await request(name).then(() => null, (error) => error.code);
    if (code !== '42501') list.push(name);
  }
  return list;
}

// Only what this test has made is taken away after it.
let isOurs = false;

before(async () => {
  admin = await connect({ database: 'postgres' });
  const { rows } = await admin.query('SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)', [roles]);
  assert.deepStrictEqual(rows, [], 'these roles are there already: take a server for tests');
  await admin.query(`CREATE DATABASE ${database}`);
  isOurs = true;
  await trust('authenticator');
  owner = await connect({ database });
  await owner.query('CREATE SCHEMA presence; CREATE EXTENSION presence SCHEMA presence');
  await script('roles.sql');
  await script('api.sql');
  await owner.query(`ALTER ROLE authenticator PASSWORD '${password}'`);
  login = await connect({ database, user: 'authenticator', password });
  gateway = new Gateway(login);
  await gateway.load();
});

after(async () => {
  if (!isOurs) return void (await admin?.end());
  await login?.end();
  await owner?.end();
  await admin.query('ALTER SYSTEM RESET presence.trusted_gateways');
  await admin.query('SELECT pg_reload_conf()');
  await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
  for (const role of roles) await admin.query(`DROP ROLE IF EXISTS ${role}`);
  await admin.end();
});

// A body for each function, in an order in which all of them work, and what it answers; undefined is whatever it is.
const calls = [
  ['connect', { session_id: 'ann-1', user_data: { name: 'Ann' }, device: 'phone', page_url: '/', status: 'online', lease: '2 min' }],
  ['heartbeat', { session_id: 'ann-1' }, true],
  ['touch', { activity_type: 'click', page_url: '/inbox', session_id: 'ann-1', interactions: 2 }, 'online'],
  ['sessions', {}],
  ['set_status', { status: 'busy', status_message: 'in a call' }],
  ['set_message', { status_message: 'still there' }],
  ['clear_status', {}],
  ['status', { user_id: 'ann' }, 'online'],
  ['get', { user_id: 'ann' }],
  ['get_many', { user_ids: ['ann', 'nobody'] }],
  ['online_users', { max_users: 10, statuses: ['online'], active_within: '1 hour' }],
  ['counts', {}, { online: 1, busy: 0, away: 0, total: 1 }],
  ['join', { channel_id: 'lobby', user_data: { name: 'Ann' }, session_id: 'ann-1' }],
  ['set_state', { channel_id: 'lobby', state: { hand: 'raised' }, clock: 1 }, ''],
  ['typing', { channel_id: 'lobby', typing: true, user_name: 'Ann' }, ''],
  ['typing_users', { channel_id: 'lobby' }],
  ['members', { channel_id: 'lobby', max_members: 10, active_within: '1 hour' }],
  ['member_count', { channel_id: 'lobby' }, 1],
  ['channels', {}, ['lobby']],
  ['leave', { channel_id: 'lobby' }, true],
  ['join_document', { document_id: '7', cursor_position: { line: 1 }, selection_range: [1, 2], user_data: {}, session_id: 'ann-1' }],
  ['move_cursor', { document_id: '7', cursor_position: { line: 2 }, selection_range: null, clock: 1 }, ''],
  ['leave_document', { document_id: '7', session_id: 'ann-1' }, true],
  ['set_visibility', { audience: 'contacts', detail: 'full' }, ''],
  ['visibility_of', {}],
  ['add_contact', { contact_id: 'ben', detail: 'status' }, true],
  ['remove_contact', { contact_id: 'ben' }, true],
  ['set_contacts', { contact_ids: ['ben', 'cleo'] }],
  ['block', { other: 'dan' }, true],
  ['preview', { viewer: 'dan' }],
  ['unblock', { other: 'dan' }, true],
  ['info', {}],
  ['snapshot', { channel_id: 'global_presence', max_users: 10 }],
  ['version', { channel_id: 'global_presence' }],
  ['events', { channel_id: 'global_presence', epoch: 'another run', seq: 0, max_events: 10 }],
  ['wait', { channel_id: 'global_presence', epoch: 'another run', seq: 0, timeout: '1 s' }],
  ['disconnect', { session_id: 'ann-1', reason: 'closed' }, true],
  ['logout', {}],
];
const sample = new Map(calls);

describe('the surface', () => {
  test('each function that a user may call has one of the same name, but those for LISTEN and of the type', async () => {
    const { rows } = await owner.query(`
      SELECT substr(proname, 10) AS name FROM pg_proc
      WHERE pronamespace = 'presence'::regnamespace AND has_function_privilege('web_user', oid, 'EXECUTE') AND proname !~ '^presence_id_'
      ORDER BY 1`);
    const listening = ['listen', 'unlisten', 'notify_channel'];
    assert.deepStrictEqual(rows.map(({ name }) => name).filter((name) => !listening.includes(name)), [...gateway.functions.keys()]);
  });

  test('it takes the same arguments, but who one is, and what the gateway or the request says', async () => {
    const { rows } = await owner.query(`
      SELECT substr(proname, 10) AS name, coalesce(proargnames[1:pronargs], '{}') AS arguments FROM pg_proc
      WHERE pronamespace = 'presence'::regnamespace`);
    const about = ['get', 'status'];
    const said = ['gateway', 'bind', 'ip_address', 'user_agent'];
    const wanted = new Map(rows.map(({ name, arguments: all }) => [name, all.filter((argument) =>
      !said.includes(argument) && (argument !== 'user_id' || about.includes(name)) && (argument !== 'viewer' || name === 'preview'))]));
    for (const [name, called] of gateway.functions) {
      assert.deepStrictEqual(called.arguments.map((argument) => argument.name), wanted.get(name), name);
    }
  });

  test('no function runs with other rights than the caller’s', async () => {
    const { rows } = await owner.query("SELECT proname FROM pg_proc WHERE pronamespace = 'api'::regnamespace AND prosecdef");
    assert.deepStrictEqual(rows, []);
  });
});

describe('a request for oneself', () => {
  test('there is a call for each function', () => {
    assert.deepStrictEqual([...sample.keys()].sort(), [...gateway.functions.keys()].sort());
  });

  for (const [name, body, answer] of calls) {
    test(name, async () => {
      const got = await as(ann, name, body);
      if (answer !== undefined) assert.deepStrictEqual(got, answer);
    });
  }

  test('address and agent are those of the request', async () => {
    await as(ann, 'connect', { session_id: 'ann-2' }, { 'x-forwarded-for': '203.0.113.7, 10.0.0.1', 'user-agent': 'curl' });
    const [session] = await as(ann, 'sessions');
    assert.deepStrictEqual([session.ip_address, session.user_agent], ['203.0.113.7', 'curl']);
  });

  test('with GET, in a READ ONLY transaction, works all but what is durable', async () => {
    const refused = [];
    for (const [name, body] of calls) {
      if (name === 'logout' || name === 'disconnect') continue;           // they would end what the others need
      await gateway.request('GET', name, body, ann).catch((error) => refused.push([name, error.code]));
    }
    const durable = ['set_status', 'set_message', 'clear_status', 'set_visibility', 'add_contact', 'remove_contact', 'set_contacts', 'block', 'unblock'];
    assert.deepStrictEqual(refused, durable.map((name) => [name, '25006']));
  });
});

describe('a request that is not for oneself', () => {
  test('a session of somebody else is refused; leaving with it does nothing', async () => {
    await as(ben, 'connect', { session_id: 'ben-1' });
    const names = [...gateway.functions.values()].filter((called) => called.arguments.some(({ name }) => name === 'session_id')).map(({ name }) => name);
    assert.deepStrictEqual(await allowed(names, (name) => as(ann, name, { ...sample.get(name), session_id: 'ben-1' })), ['leave', 'leave_document']);
    assert.strictEqual(await as(ann, 'leave', { channel_id: 'lobby', session_id: 'ben-1' }), false);
  });

  test('who blocks is offline for the blocked one', async () => {
    await as(ben, 'block', { other: 'ann' });
    assert.strictEqual(await as(ann, 'status', { user_id: 'ben' }), 'offline');
    assert.strictEqual(await as({ role: 'web_user', sub: 'cleo' }, 'status', { user_id: 'ben' }), 'online');
    await as(ben, 'unblock', { other: 'ann' });
  });

  test('without a token nothing can be called, and not even looked up', async () => {
    const { rows } = await owner.query(`SELECT proname FROM pg_proc WHERE pronamespace = 'api'::regnamespace AND has_function_privilege('web_anon', oid, 'EXECUTE')
                                        UNION SELECT nspname FROM pg_namespace WHERE nspname IN ('api', 'presence') AND has_schema_privilege('web_anon', oid, 'USAGE')`);
    assert.deepStrictEqual(rows, []);
    assert.deepStrictEqual(await allowed(gateway.functions.keys(), (name) => as(null, name, sample.get(name))), []);
  });

  test('a token without `sub` acts for nobody, and reads as a stranger', async () => {
    const stranger = { role: 'web_user' };
    const own = ['channels', 'preview', 'sessions', 'visibility_of'];
    const reading = [...gateway.functions.values()].filter(({ name, stable }) => stable && !own.includes(name)).map(({ name }) => name);
    assert.deepStrictEqual(await allowed(gateway.functions.keys(), (name) => as(stranger, name, sample.get(name))), reading);
    await as(ben, 'set_visibility', { audience: 'nobody' });
    assert.strictEqual(await as(stranger, 'status', { user_id: 'ben' }), 'offline');
    await as(ben, 'set_visibility', { audience: null });
  });

  test('the login itself, without a role, can do nothing', async () => {
    await denied(login.query("SELECT api.touch()"));
  });

  test('claims that a SQL user sets itself do nothing', async () => {
    await owner.query(`CREATE ROLE sql_user LOGIN IN ROLE web_user PASSWORD '${password}'`);
    const forger = await connect({ database, user: 'sql_user', password });
    await forger.query(`SET request.jwt.claims = '{"role": "web_user", "sub": "ann"}'; SET ROLE web_user`);
    const { rows } = await forger.query("SELECT (api.set_status('busy')).user_id");
    await forger.end();
    assert.deepStrictEqual(rows, [{ user_id: 'sql_user' }]);
    assert.notStrictEqual(await as(ann, 'status', { user_id: 'ann' }), 'busy');
  });

  test('a login that is not trusted is not believed', async () => {
    await trust('');
    const client = await connect({ database, user: 'authenticator', password });
    const other = new Gateway(client);
    await other.load();
    const state = await other.request('POST', 'set_message', { status_message: 'me' }, ann);
    await client.end();
    await trust('authenticator');
    assert.strictEqual(state.user_id, 'authenticator');
  });
});

describe('delivery', () => {
  test('what comes after a snapshot is told by events, and by wait as soon as it happens', async () => {
    const old = await as(ben, 'snapshot');
    await as(ann, 'set_visibility', { audience: 'everyone' });
    // Who sees whom is another question now, and all that listen are told: what follows begins after that.
    const isTold = async () => (await as(ben, 'events', { channel_id: 'global_presence', epoch: old.epoch, seq: old.seq })).resync;
    for (let i = 0; !(await isTold()); i++) {
      assert(i < 6_000, 'not told within a minute');
      await sleep(10);
    }
    const { epoch, seq } = await as(ben, 'snapshot');
    const before = await as(ben, 'version');
    const second = await connect({ database, user: 'authenticator', password });
    const waiting = new Gateway(second);
    await waiting.load();
    // Were it not told, the statement_timeout of 30 s would end the wait with an error.
    const wait = (after) => waiting.request('GET', 'wait', { channel_id: 'global_presence', epoch, seq: after, timeout: '1 hour' }, ben);
    const answer = wait(seq);
    await as(ann, 'set_status', { status: 'busy' });
    const told = [];
    for (let { events, seq: last } = await answer; ; { events, seq: last } = await wait(last)) {
      told.push(...events);
      if (events.some((event) => event.user_id === 'ann' && event.status === 'busy')) break;
    }
    await second.end();
    assert.deepStrictEqual((await as(ben, 'events', { channel_id: 'global_presence', epoch, seq })).events.slice(0, told.length), told);
    assert.notStrictEqual(await as(ben, 'version'), before);
  });

  test('the call to wait brings its own statement_timeout', () => {
    assert.deepStrictEqual(gateway.functions.get('wait').settings, ['statement_timeout=30s']);
  });
});

describe('authorize.sql', () => {
  let guarded;

  before(async () => {
    await script('authorize.sql');
    await owner.query("INSERT INTO rooms VALUES ('lobby', '{ann}')");
    guarded = await connect({ database, user: 'authenticator', password });     // the setting counts for new connections
    gateway.client = guarded;
  });
  after(async () => {
    gateway.client = login;
    await guarded.end();
  });

  test('who is in the room may join', async () => {
    assert.strictEqual((await as(ann, 'join', { channel_id: 'lobby' })).channel_id, 'lobby');
  });
  test('who is not is refused', () => denied(as(ben, 'join', { channel_id: 'lobby' })));
  test('a room that is not there is 404', () => denied(as(ann, 'typing', { channel_id: 'nowhere' }), 'PT404'));
});
