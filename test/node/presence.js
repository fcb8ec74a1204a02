// presence through node's `pg` driver: ids of every type in every way that drivers send them, and events by LISTEN.
//
// The connection comes from PGHOST and PGUSER. Prints "ok" or "not ok" a line a case; the exit code says whether all are ok.
'use strict';

const assert = require('assert');
const { Client } = require('pg');

const uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
let failures = 0;

async function check(name, run) {
  try {
    await run();
    console.log(`ok - ${name}`);
  } catch (error) {
    failures++;
    console.log(`not ok - ${name}: ${error.message}`);
  }
}

async function main() {
  const client = new Client();
  await client.connect();
  await client.query('DROP SCHEMA IF EXISTS presence CASCADE');
  await client.query('CREATE SCHEMA presence');
  await client.query('CREATE EXTENSION presence SCHEMA presence');
  await client.query('SET search_path = presence, public');

  const value = async (text, values) => Object.values((await client.query(text, values)).rows[0])[0];
  const touched = [
    ['a literal', "'42'", undefined],
    ['an untyped $1 with a string', '$1', ['42']],
    ['an untyped $1 with a number', '$1', [42]],
    ['$1::smallint', '$1::smallint', [42]],
    ['$1::int', '$1::int', [42]],
    ['$1::bigint', '$1::bigint', ['42']],
    ['$1::varchar', '$1::varchar', ['42']],
    ['$1::text', '$1::text', ['42']],
    ['a number in the text', '42', undefined],
  ];
  for (const [name, id, values] of touched) {
    await check(`presence_touch with ${name}`, async () => {
      assert.strictEqual(await value(`SELECT presence_touch(${id})`, values), 'online');
    });
    await check(`presence_set_status with ${name}`, async () => {
      assert.strictEqual(await value(`SELECT status FROM presence_set_status(${id}, 'online')`, values), 'online');
    });
  }
  await check('all of them are one person', async () => {
    assert.strictEqual(await value('SELECT total FROM presence_counts()'), 1);
    assert.strictEqual(await value("SELECT activity_count FROM presence_get('42')") >= touched.length, true);
  });
  await check('presence_touch with a uuid, typed and untyped', async () => {
    assert.strictEqual(await value('SELECT presence_touch($1::uuid)', [uuid]), 'online');
    assert.strictEqual(await value('SELECT presence_touch($1)', [uuid]), 'online');
    assert.strictEqual(await value(`SELECT presence_touch('${uuid}'::uuid)`), 'online');
    assert.strictEqual(await value('SELECT total FROM presence_counts()'), 2);
  });
  await check('a named prepared statement, again and again', async () => {
    for (let i = 0; i < 20; i++) {
      const result = await client.query({ name: 'touch', text: 'SELECT presence_touch($1) AS status', values: [`p${i % 5}`] });
      assert.strictEqual(result.rows[0].status, 'online');
    }
  });
  await check('arrays of ids', async () => {
    assert.strictEqual(await value('SELECT presence_touch_many($1)', [['a', 'b', 'it"s, {}']]), 3);
    assert.strictEqual(await value('SELECT presence_touch_many($1::int[])', [[1, 2]]), 2);
    const { rows } = await client.query('SELECT user_id, status FROM presence_get_many($1)', [['it"s, {}', 'nobody']]);
    assert.deepStrictEqual(rows, [{ user_id: 'it"s, {}', status: 'online' }, { user_id: 'nobody', status: 'offline' }]);
  });
  await check('counts are numbers, ids are strings, times are dates', async () => {
    const { rows: [state] } = await client.query("SELECT * FROM presence_set_status(42, 'busy', 'in a call')");
    assert.strictEqual(state.user_id, '42');
    assert.strictEqual(state.status_message, 'in a call');
    assert.strictEqual(state.last_seen instanceof Date, true);
    assert.strictEqual(typeof state.session_count, 'number');
    assert.strictEqual(typeof state.activity_count, 'number');
    assert.strictEqual(typeof state.interactions_per_minute, 'number');
    const { rows: [counts] } = await client.query('SELECT * FROM presence_counts()');
    for (const count of ['online', 'busy', 'away', 'total']) assert.strictEqual(typeof counts[count], 'number');
  });
  await check('an error has its SQLSTATE and hint', async () => {
    await assert.rejects(client.query('SELECT presence_set_status($1, $2)', [42, 'x']), (error) => {
      assert.strictEqual(error.code, '22023');
      assert.strictEqual(error.message, 'invalid status "x"');
      assert.match(error.hint, /online.*away.*busy.*offline/);
      return true;
    });
  });
  await check('presence_connect with ids of every type, untyped and typed', async () => {
    const connects = [
      ['$1', ['77'], '77'],
      ['$1', [77], '77'],
      ['$1::smallint', [77], '77'],
      ['$1::int', [77], '77'],
      ['$1::bigint', ['9007199254740993'], '9007199254740993'],
      ['$1', ['9007199254740993'], '9007199254740993'],
      ['$1::uuid', [uuid], uuid],
      ['$1', [uuid], uuid],
      ["'it''s \"me\"'", [], 'it\'s "me"'],
    ];
    for (const [index, [user, values, id]] of connects.entries()) {
      const session = `node ${index}`;
      const { rows: [row] } = await client.query(`SELECT * FROM presence_connect(${user}, $${values.length + 1})`, [...values, session]);
      assert.strictEqual(row.session_id, session);
      assert.strictEqual(row.status, 'online');
      const { rows: sessions } = await client.query('SELECT session_id FROM presence_sessions($1) WHERE session_id = $2', [id, session]);
      assert.deepStrictEqual(sessions, [{ session_id: session }]);
    }
    assert.strictEqual(await value('SELECT session_count FROM presence_get($1)', ['77']), 4);
  });
  await check('presence_connect: a made up id, the lease as an interval, the seq of the event to go on from', async () => {
    const { rows: [row] } = await client.query('SELECT * FROM presence_connect($1, lease => $2)', ['leaser', '90 seconds']);
    assert.match(row.session_id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.strictEqual(row.lease.minutes, 1);
    assert.strictEqual(row.lease.seconds, 30);
    assert.strictEqual(row.heartbeat_every.seconds, 30);
    assert.match(row.epoch, /^[0-9a-f]{16}$/);
    assert.match(String(row.seq), /^[0-9]+$/);
    assert.strictEqual(await value('SELECT presence_heartbeat($1)', [row.session_id]), true);
    assert.strictEqual(await value('SELECT presence_disconnect($1)', [row.session_id]), true);
    assert.strictEqual(await value('SELECT presence_heartbeat($1)', [row.session_id]), false);
    const { rows: [precise] } = await client.query("SELECT lease, heartbeat_every FROM presence_connect('leaser', lease => '10 s')");
    assert.strictEqual(precise.lease.seconds, 10);
    assert.strictEqual(precise.heartbeat_every.seconds, 3);
  });
  await check('presence_connect with an object as user_data and all that a request has', async () => {
    const data = { name: 'Größe "🦉"', avatar: null, nested: [1, { two: true }] };
    await client.query('SELECT presence_connect($1, $2, $3, $4, $5, $6, $7)', [
      'dressed', 'dressed 1', data, 'phone', '203.0.113.7:5123, 10.0.0.1', 'Mozilla/5.0 (X11)', '/inbox?a=1']);
    const { rows: [state] } = await client.query('SELECT * FROM presence_get($1)', ['dressed']);
    assert.deepStrictEqual(state.user_data, data);
    assert.strictEqual(state.current_page, '/inbox?a=1');
    const { rows: [session] } = await client.query('SELECT * FROM presence_sessions($1)', ['dressed']);
    assert.strictEqual(session.ip_address, '203.0.113.7');
    assert.strictEqual(session.device, 'phone');
    assert.strictEqual(session.user_agent, 'Mozilla/5.0 (X11)');
    assert.strictEqual(session.connected_at instanceof Date, true);
    assert.strictEqual(session.last_seen instanceof Date, true);
    assert.strictEqual(session.last_heartbeat, null);
  });
  await check('presence_touch in a session, by every type of id, and a prepared one', async () => {
    for (const [id, values] of [['$1', [78]], ['$1::int', [78]], ['$1::bigint', ['78']], ['$1', ['78']]]) {
      assert.strictEqual(await value(`SELECT presence_touch(${id}, session_id => 'touched')`, values), 'online');
    }
    for (let i = 0; i < 10; i++) {
      const touch = { name: 'touch in a session', text: 'SELECT presence_touch($1, $2, $3, $4) AS status', values: ['78', 'click', '/p', `touched ${i % 2}`] };
      assert.strictEqual((await client.query(touch)).rows[0].status, 'online');
    }
    assert.strictEqual(await value("SELECT session_count FROM presence_get('78')"), 3);
    assert.strictEqual(await value('SELECT presence_touch($1::uuid, session_id => $2)', [uuid, 'node uuid']), 'online');
  });
  await check('presence_heartbeat_many and presence_gateway with arrays and numbers', async () => {
    assert.deepStrictEqual(await value('SELECT presence_heartbeat_many($1)', [['touched', 'no, "such" {}', 'touched 0']]), ['no, "such" {}']);
    assert.deepStrictEqual(await value('SELECT presence_heartbeat_many($1)', [[]]), []);
    await client.query("SELECT presence_connect($1, $2, gateway => $3)", ['gated', 'gated 1', 'node-1']);
    assert.strictEqual(await value('SELECT presence_gateway($1, $2)', ['node-1', '20 s']), 1);
    assert.strictEqual(await value('SELECT presence_gateway($1)', ['node-2']), 0);
    assert.strictEqual(await value('SELECT presence_logout($1)', [78]), 3);
  });
  await check('a session of somebody else is error 42501', async () => {
    await assert.rejects(client.query('SELECT presence_touch($1, session_id => $2)', [1, 'gated 1']), (error) => {
      assert.strictEqual(error.code, '42501');
      return true;
    });
    await assert.rejects(client.query('SELECT presence_connect($1, $2)', [1, 'gated 1']), { code: '42501' });
  });
  await check('events arrive by LISTEN, each a JSON object', async () => {
    const listener = new Client();
    await listener.connect();
    const heard = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing was heard')), 30000);
      listener.on('notification', ({ channel, payload }) => {
        const event = JSON.parse(payload);
        if (event.user_id !== 'heard' || event.event !== 'user_status_changed') return;
        clearTimeout(late);
        resolve({ channel, event });
      });
    });
    await listener.query("SELECT presence.presence_listen('global_presence')");
    await client.query("SELECT presence_set_status('heard', 'busy', $1)", ['größe "🦉"\n']);
    const { channel, event } = await heard;
    await listener.end();
    assert.strictEqual(channel, 'global_presence');
    assert.strictEqual(event.status, 'busy');
    assert.strictEqual(event.previous_status, 'offline');
    assert.strictEqual(event.status_message, 'größe "🦉"\n');
  });
  await client.end();
}

main().then(() => process.exit(failures === 0 ? 0 : 1), (error) => {
  console.log(`not ok - ${error.message}`);
  process.exit(1);
});
