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
    assert.match(row.session_id, /^[0-9a-f]{32}$/);
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

  // ---- the guide's stacks, each one call ------------------------------------------------------------------------------

  // What a client of the guide hears: events of some channels, in order.
  async function listen(...channels) {
    const listener = new Client();
    await listener.connect();
    const events = [];
    const waiting = [];
    listener.on('notification', ({ channel, payload }) => {
      events.push({ heardOn: channel, ...JSON.parse(payload) });
      for (const look of waiting.splice(0)) look();
    });
    for (const channel of channels) await listener.query('SELECT presence.presence_listen($1)', [channel]);
    // The first event that fulfils the condition.
    const next = (name, matches) => new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${name} was not heard`)), 30000);
      const look = () => {
        const found = events.find(matches);
        if (!found) return waiting.push(look);
        clearTimeout(late);
        return resolve(found);
      };
      look();
    });
    return { events, next, end: () => listener.end() };
  }
  const fieldsOf = (event) => Object.keys(event).filter((name) => name !== 'heardOn').sort().join(' ');
  const common = ['channel', 'epoch', 'event', 'prev', 'seq', 'timestamp', 'v'];
  const fields = (...own) => [...common, ...own].sort().join(' ');
  const ids = [
    ['a literal', "'801'", [], '801'],
    ['a number in the text', '802', [], '802'],
    ['an untyped $1 with a string', '$1', ['803'], '803'],
    ['an untyped $1 with a number', '$1', [804], '804'],
    ['$1::smallint', '$1::smallint', [805], '805'],
    ['$1::int', '$1::int', [806], '806'],
    ['$1::bigint', '$1::bigint', ['9007199254740993'], '9007199254740993'],
    ['$1::varchar', '$1::varchar', ['807'], '807'],
    ['$1::text', '$1::text', ['808'], '808'],
    ['$1::uuid', '$1::uuid', [uuid], uuid],
    ['an untyped $1 with a uuid', '$1', [uuid], uuid],
  ];

  // As a user, as a channel and as a document, each in the same way.
  for (const [name, id, values, text] of ids) {
    await check(`joining, leaving and asking with ${name} as user, channel and document`, async () => {
      const { rows: [joined] } = await client.query(`SELECT * FROM presence_join(${id}, ${id})`, values);
      assert.strictEqual(joined.user_id, text);
      assert.strictEqual(joined.channel_id, text);
      assert.strictEqual(joined.joined_at instanceof Date, true);
      const { rows: [document] } = await client.query(`SELECT * FROM presence_join_document(${id}, ${id}, '{"x": 1}')`, values);
      assert.strictEqual(document.channel_id, `document_${text}`);
      assert.deepStrictEqual(document.cursor_position, { x: 1 });
      assert.deepStrictEqual((await client.query(`SELECT c FROM presence_channels(${id}) AS c`, values)).rows, [{ c: text }, { c: `document_${text}` }].sort((a, b) => (a.c < b.c ? -1 : 1)));
      assert.strictEqual(await value(`SELECT presence_member_count(${id})`, values), 1);
      const { rows: [member] } = await client.query(`SELECT * FROM presence_members(${id})`, values);
      assert.strictEqual(member.user_id, text);
      await client.query(`SELECT presence_set_state(${id}, ${id}, '{"hand": true}')`, values);
      await client.query(`SELECT presence_move_cursor(${id}, ${id}, '{"x": 2}')`, values);
      await client.query(`SELECT presence_typing(${id}, ${id})`, values);
      const { rows: [typist] } = await client.query(`SELECT * FROM presence_typing_users(${id})`, values);
      assert.strictEqual(typist.user_id, text);
      await client.query(`SELECT presence_typing(${id}, ${id}, false)`, values);
      assert.strictEqual((await client.query(`SELECT presence_notify_channel(${id}) AS name`, values)).rows[0].name, text);
      const { rows: [after] } = await client.query('SELECT * FROM presence_members($1)', [`document_${text}`]);
      assert.deepStrictEqual(after.cursor_position, { x: 2 });
      assert.strictEqual(await value(`SELECT presence_leave_document(${id}, ${id})`, values), true);
      assert.strictEqual(await value(`SELECT presence_leave(${id}, ${id})`, values), true);
      assert.strictEqual(await value(`SELECT presence_leave(${id}, ${id})`, values), false);
    });
  }

  await check('join_document: who may not gets 42501, what is not there P0002, others join, and listeners hear it', async () => {
    await client.query('DROP SCHEMA IF EXISTS application CASCADE');
    await client.query('CREATE SCHEMA application');
    await client.query('CREATE TABLE application.documents (id int PRIMARY KEY, readers text[])');
    await client.query("INSERT INTO application.documents VALUES (7, '{901,902}')");
    await client.query(`CREATE FUNCTION application.may_enter(user_id text, channel_id text, action text) RETURNS boolean LANGUAGE sql STABLE
      AS $$ SELECT user_id = ANY (readers) FROM application.documents WHERE 'document_' || id = channel_id $$`);
    await client.query("SET presence.authorize_function = 'application.may_enter'");
    const listener = await listen('document_7');
    await assert.rejects(client.query('SELECT * FROM presence_join_document($1, $2)', [901, 8]), { code: 'P0002' });
    await assert.rejects(client.query('SELECT * FROM presence_join_document($1, $2)', [903, 7]), { code: '42501' });
    await client.query('SELECT presence_connect($1, $2, $3)', [901, 'tab 1', { name: 'Ännchen', avatar: '/a.png' }]);
    const { rows: [row] } = await client.query('SELECT * FROM presence_join_document($1, $2, $3, $4)', [901, 7, { line: 3, ch: 14 }, { from: 1, to: 2 }]);
    assert.strictEqual(row.user_id, '901');
    assert.deepStrictEqual(row.selection_range, { from: 1, to: 2 });
    assert.deepStrictEqual(row.session_ids, ['tab 1']);
    const joined = await listener.next('user_joined', (event) => event.event === 'user_joined');
    assert.strictEqual(joined.heardOn, 'document_7');
    assert.strictEqual(joined.channel, 'document_7');
    assert.deepStrictEqual(joined.user, { id: '901', name: 'Ännchen', avatar: '/a.png' });
    assert.strictEqual(joined.user_id, '901');
    assert.strictEqual(fieldsOf(joined), fields('user', 'user_id', 'status', 'previous_status', 'status_message', 'reason'));
    assert.strictEqual(Number.isNaN(Date.parse(joined.timestamp)), false);
    assert.strictEqual(typeof joined.seq, 'number');
    const moved = await listener.next('cursor_moved', (event) => event.event === 'cursor_moved');
    assert.deepStrictEqual(moved.cursor_position, { line: 3, ch: 14 });
    assert.strictEqual(moved.prev, joined.seq);
    assert.strictEqual(listener.events.some((event) => event.user_id === '903'), false);
    await listener.end();
    await client.query('RESET presence.authorize_function');
  });

  await check('update_cursor_position: one call, and the last one is heard', async () => {
    const listener = await listen('document_7');
    for (let i = 1; i <= 100; i++) {
      await client.query({ name: 'move', text: 'SELECT presence_move_cursor($1, $2, $3, $4, $5)', values: [901, 7, { line: i }, JSON.stringify([i, i + 1]), i] });
    }
    await client.query('SELECT presence_move_cursor($1, $2, $3, clock => $4)', ['901', '7', { line: 1 }, 50]);
    const moved = await listener.next('the last move', (event) => event.event === 'cursor_moved' && event.cursor_position.line === 100);
    assert.strictEqual(fieldsOf(moved), fields('user_id', 'cursor_position', 'selection_range'));
    assert.deepStrictEqual(moved.selection_range, [100, 101]);
    const { rows: [member] } = await client.query('SELECT * FROM presence_members($1)', ['document_7']);
    assert.deepStrictEqual(member.cursor_position, { line: 100 });
    assert.strictEqual(member.last_active instanceof Date, true);
    await client.query('SELECT presence_set_state($1, $2, $3)', [901, 'document_7', { hand: true, 'größe': [1.5, null] }]);
    const state = await listener.next('state_changed', (event) => event.event === 'state_changed');
    assert.strictEqual(fieldsOf(state), fields('user_id', 'state'));
    assert.deepStrictEqual(state.state, { hand: true, 'größe': [1.5, null] });
    await assert.rejects(client.query('SELECT presence_move_cursor($1, $2, $3)', [902, 7, {}]), { code: '55000' });
    await listener.end();
  });

  await check('start_typing and stop_typing, and what ends by itself', async () => {
    const listener = await listen('room 1');
    await client.query('SELECT presence_typing($1, $2, user_name => $3)', [901, 'room 1', 'Ännchen']);
    const start = await listener.next('typing_start', (event) => event.event === 'typing_start');
    assert.strictEqual(fieldsOf(start), fields('user_id', 'user_name'));
    assert.strictEqual(start.user_name, 'Ännchen');
    const { rows: typists } = await client.query('SELECT * FROM presence_typing_users($1)', ['room 1']);
    assert.deepStrictEqual(typists.map((typist) => [typist.user_id, typist.user_name, typist.since instanceof Date]), [['901', 'Ännchen', true]]);
    await client.query('SELECT presence_typing($1, $2, $3)', [901, 'room 1', false]);
    const stop = await listener.next('typing_stop', (event) => event.event === 'typing_stop');
    assert.strictEqual(fieldsOf(stop), fields('user_id', 'reason'));
    assert.strictEqual(stop.reason, 'stopped');
    await client.query('SELECT presence_typing($1, $2)', [902, 'room 1']);
    const ended = await listener.next('typing that ends by itself', (event) => event.event === 'typing_stop' && event.user_id === '902');
    assert.strictEqual(ended.reason, 'timeout');
    assert.strictEqual(Date.parse(ended.timestamp) - Date.parse((await listener.next('its start', (event) => event.event === 'typing_start' && event.user_id === '902')).timestamp), 3000);
    await listener.end();
  });

  await check('getChannelPresence: who was active in the last five minutes, beside the application\'s own table', async () => {
    await client.query('CREATE TABLE application.users (id int PRIMARY KEY, name text, avatar text)');
    await client.query("INSERT INTO application.users VALUES (901, 'Ann', '/ann.png'), (902, 'Ben', NULL)");
    const listener = await listen('room 1');
    await client.query('SELECT presence_join($1, $2), presence_join($3, $2, $4)', [901, 'room 1', 902, { role: 'host' }]);
    // Rows may be written before listeners are told, and who leaves before that was never there.
    for (const id of ['901', '902']) await listener.next(`the join of ${id}`, (event) => event.event === 'user_joined' && event.user_id === id);
    await listener.end();
    const { rows } = await client.query(`SELECT m.user_id, u.name, u.avatar, m.joined_at, m.last_active, m.user_data
      FROM presence_members($1, active_within => $2) AS m JOIN application.users AS u ON u.id::text = m.user_id ORDER BY m.last_active DESC, u.id`, ['room 1', '5 minutes']);
    assert.deepStrictEqual(rows.map((row) => [row.user_id, row.name, row.avatar, row.user_data]), [['902', 'Ben', null, { role: 'host' }], ['901', 'Ann', '/ann.png', { name: 'Ännchen', avatar: '/a.png' }]]);
    for (let i = 0; ; i++) {
      const { rows: [count] } = await client.query("SELECT count(*)::int AS n FROM channel_presence AS cp JOIN application.users AS u ON cp.user_id = u.id::text WHERE cp.channel_id = 'room 1' AND cp.last_active > now() - interval '5 minutes'");
      if (count.n === 2) break;
      assert.ok(i < 300, 'the rows did not come');
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
    assert.strictEqual(typeof await value('SELECT presence_member_count($1)', ['room 1']), 'number');
    const { rows: page } = await client.query('SELECT user_id FROM presence_members($1, $2, after => $3)', ['room 1', 1, '902']);
    assert.deepStrictEqual(page, [{ user_id: '901' }]);
  });

  await check('leaving: user_left, and a disconnect leaves everywhere', async () => {
    const listener = await listen('room 1', 'document_7');
    assert.strictEqual(await value('SELECT presence_leave($1, $2)', [902, 'room 1']), true);
    const left = await listener.next('user_left', (event) => event.event === 'user_left' && event.user_id === '902');
    assert.strictEqual(fieldsOf(left), fields('user', 'user_id', 'status', 'previous_status', 'status_message', 'reason'));
    assert.deepStrictEqual(left.user, { id: '902', name: null, avatar: null, role: 'host' });
    assert.strictEqual(left.reason, 'leave');
    await client.query('SELECT presence_logout($1)', [901]);
    for (const channel of ['room 1', 'document_7']) {
      const gone = await listener.next(`user_left in ${channel}`, (event) => event.event === 'user_left' && event.user_id === '901' && event.heardOn === channel);
      assert.strictEqual(gone.reason, 'logout');
      assert.strictEqual(gone.status, 'offline');
    }
    assert.deepStrictEqual((await client.query('SELECT * FROM presence_channels($1)', [901])).rows, []);
    await listener.end();
  });

  await check('a channel with a long name and any letters', async () => {
    const name = 'Größe "🦉" '.repeat(8).slice(0, 60);
    const listener = await listen(name);
    await client.query('SELECT presence_join($1, $2)', [901, name]);
    const joined = await listener.next('user_joined', (event) => event.event === 'user_joined');
    assert.strictEqual(joined.channel, name);
    assert.ok(Buffer.byteLength(joined.heardOn) <= 63);
    await listener.end();
  });
  await client.end();
}

main().then(() => process.exit(failures === 0 ? 0 : 1), (error) => {
  console.log(`not ok - ${error.message}`);
  process.exit(1);
});
