// What browsers may say, and what they are told when they may not.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { Browser } from './support/browser.js';
import { openDatabase, privateChannel } from './support/database.js';
import { Gateway } from './support/gateway.js';
import { until } from './support/until.js';

let database;
let gateway;

before(async () => {
  database = await openDatabase();
  gateway = await Gateway.start({ PRESENCE_PRIVATE_CHANNEL: privateChannel, PRESENCE_MAX_CHANNELS: '3' });
});

after(async () => {
  await gateway?.stop();
  await database?.close();
});

const post = async (path, body, query = 'user_id=poster&name=Poster') => {
  const answer = await fetch(`http://${gateway.address}${path}?${query}`, { method: 'POST', body });
  return { status: answer.status, ...await answer.json() };
};

test('what is no call is told so, and the connection goes on', async () => {
  const browser = await Browser.open(gateway, 'c1');
  for (const text of ['{', '7', 'null', '[]', '{"ref": 1}', '{"call": 7}', '']) {
    const heard = browser.heard.length;
    browser.sendText(text);
    await until('an error', () => browser.heard.length > heard);
    assert.equal(JSON.parse(browser.heard.at(-1)).error.code, '22023', text);
  }
  browser.sendBinary(Buffer.from('{"call": "touch"}'));
  await assert.rejects(browser.call('drop_table'), { code: '22023', message: 'unknown call "drop_table"' });
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
    await assert.rejects(browser.call(name), { code: '22023' });
  assert.equal(await browser.call('touch'), 'online');
  await browser.close();
});

test('arguments of the wrong type are refused before the database is asked', async () => {
  const browser = await Browser.open(gateway, 'c2');
  await assert.rejects(browser.call('join'), { code: '22023', message: '"channel" is missing' });
  await assert.rejects(browser.call('join', { channel: {} }), { code: '22023' });
  await assert.rejects(browser.call('join', { channel: 'c', user_data: [1] }), { code: '22023' });
  await assert.rejects(browser.call('touch', { interactions: 1.5 }), { code: '22023' });
  await assert.rejects(browser.call('typing', { channel: 'c', typing: 'yes' }), { code: '22023' });
  await assert.rejects(browser.call('subscribe', { channel: 'c', epoch: 'abc' }), { code: '22023' });
  await assert.rejects(browser.call('subscribe', { channel: 'c', epoch: 'abc', seq: -1 }), { code: '22023', message: '"seq" must not be negative' });
  await browser.close();
});

test('what the database refuses comes with its SQLSTATE and hint', async () => {
  const browser = await Browser.open(gateway, 'c3');
  await assert.rejects(browser.call('set_status', { status: 'sleepy' }), { code: '22023' });
  await assert.rejects(browser.call('move_cursor', { document_id: '1', cursor_position: {} }), { code: '55000' });
  await assert.rejects(browser.call('set_status', { status: 'offline' }), (error) => error.code === '22023' && error.hint.length > 0);
  await assert.rejects(browser.call('join', { channel: 'a\u0000b' }), (error) => /^22/.test(error.code));
  await assert.rejects(browser.call('subscribe', { channel: 'a\u0000b' }), (error) => /^22/.test(error.code));
  await assert.rejects(browser.call('subscribe', { channel: 'x'.repeat(5_000) }), (error) => /^22/.test(error.code));
  assert.equal((await browser.subscribe('c3')).channel, 'c3', 'one that is refused does no harm to others');
  await browser.close();
});

test('every call does what its function does', async () => {
  const browser = await Browser.open(gateway, 'c4', ['document_4'], { user_data: { name: 'Eve', city: 'Ulm' }, device: 'phone' });
  assert.deepEqual(browser.hello.heartbeat_every, 30_000);
  await browser.call('join', { channel: 'document_4' });
  await browser.call('move_cursor', { document_id: 4, cursor_position: { line: 1 }, clock: 5 });
  await browser.call('set_state', { channel: 'document_4', state: { hand: 'raised' } });
  await browser.call('set_status', { status: 'busy', status_message: 'here' });
  await browser.call('set_message', { status_message: 'there' });
  await until('the cursor', () => browser.picture('document_4').users.get('c4')?.cursor_position?.line === 1);
  await until('the state', () => browser.picture('document_4').users.get('c4').state?.hand === 'raised');
  await until('the message', () => browser.picture('document_4').users.get('c4').status_message === 'there');
  // By then the snapshot that its join may have led to is there: typing would be in that, and no event.
  await browser.call('typing', { channel: 'document_4', user_name: 'Mallory' });
  const { user_name } = await browser.hears('document_4', 'typing', ({ event }) => event === 'typing_start');
  assert.equal(user_name, 'c4', 'the name of who authenticated');
  assert.deepEqual((await database.snapshot('document_4')).users[0].user_data, { name: 'c4', city: 'Ulm' });
  await browser.call('clear_status');
  await browser.call('set_status', { status: 'away', session_only: true });
  assert.equal(await database.status('c4'), 'away');
  assert.equal(await browser.call('touch', { page_url: '/inbox' }), 'online');
  await browser.call('set_visibility', { audience: 'contacts' });
  assert.equal(await browser.call('leave', { channel: 'document_4' }), true);
  assert.equal(await browser.call('disconnect'), true);
  await browser.close();
});

test('nobody speaks for another', async () => {
  const mine = await Browser.open(gateway, 'c5-mine');
  const other = await Browser.connect(gateway, 'c5-other');
  await assert.rejects(other.call('touch'), { code: '55000' });
  await assert.rejects(other.call('subscribe', { channel: 'c5' }), { code: '55000' });
  await assert.rejects(other.call('hello', { session_id: mine.hello.session_id }), { code: '42501' });
  await other.call('hello', { user_id: 'c5-mine' });
  await other.call('join', { channel: 'c5', user_id: 'c5-mine', user_data: { name: 'c5-mine' } });
  assert.deepEqual((await database.snapshot('c5')).users.map(({ user_id, name }) => [user_id, name]), [['c5-other', 'c5-other']]);
  await mine.close();
  await other.close();
});

test('the private channel is closed to browsers', async () => {
  const browser = await Browser.open(gateway, 'c6', ['global_presence']);
  await assert.rejects(browser.call('subscribe', { channel: privateChannel }), { code: '42501' });
  const stream = await fetch(`http://${gateway.address}/presence/events?user_id=c6&channel=${privateChannel}`);
  assert.equal(stream.status, 403);
  await database.setStatus('c6-other', 'busy');
  await browser.hears('global_presence', 'the other', ({ user_id }) => user_id === 'c6-other');
  await browser.close();
});

test('there is a limit to channels', async () => {
  const browser = await Browser.open(gateway, 'c7', ['c7-a', 'c7-b', 'c7-c']);
  await assert.rejects(browser.subscribe('c7-d'), { code: '54000' });
  await browser.subscribe('c7-a');
  await browser.call('unsubscribe', { channel: 'c7-a' });
  await browser.subscribe('c7-d');
  await browser.close();
});

test('calls over HTTP need no session', async () => {
  assert.deepEqual(await post('/presence/call', '{"call": "touch", "ref": 7}'), { status: 200, ref: 7, result: 'online' });
  assert.equal((await post('/presence/call', '{"call": "hello"}')).error.code, '22023');
  assert.equal((await post('/presence/call', '{')).error.code, '22023');
  assert.equal((await post('/presence/call', `"${'x'.repeat(100_000)}"`)).status, 413);
  assert.equal((await post('/presence/call', '{"call": "touch"}', '')).status, 401);
  assert.equal((await post('/presence/bye', '{"session_id": 7}')).status, 400);
});

test('who does not say who it is is told 4001', async () => {
  const socket = new WebSocket(`ws://${gateway.address}/presence`);
  const [code] = await once(socket, 'close');
  assert.equal(code, 4001);
});

test('a message that is too long ends the connection, not the gateway', async () => {
  const browser = await Browser.open(gateway, 'c10');
  browser.sendText(JSON.stringify({ call: 'touch', page_url: 'x'.repeat(100_000) }));
  await until('it is closed', () => browser.closed !== null);
  assert.equal(browser.closed, 1009);
  assert.ok(await gateway.isReady());
});

test('requests that make no sense do no harm', async () => {
  for (const request of ['GET // HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /presence/events?channel=%ff&user_id=a HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 1:2:3\r\n\r\n',
    'GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n', 'POST //presence/call HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}', 'nonsense\r\n\r\n',
    'GET /presence?user_id=%00 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n']) {
    const socket = connect(Number(gateway.address.split(':')[1]), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(request);
    await once(socket, 'data');
    socket.destroy();
  }
  assert.ok(await gateway.isReady());
});

test('sockets that close while they wait leave nothing behind', async () => {
  await Promise.all(Array.from({ length: 40 }, async (_, i) => {
    const browser = await Browser.connect(gateway, `c12-${i}`);
    browser.sendText('{"call": "hello"}');
    browser.sendText('{"call": "subscribe", "channel": "c12"}');
    browser.sendText('{"call": "join", "channel": "c12"}');
    if (i % 2) await new Promise(setImmediate);
    browser.cut();
  }));
  await until('no socket is left', async () => (await gateway.health()).sockets === 0);
  await until('nobody is left after the grace', () =>
    database.ask("SELECT bool_and(presence_status('c12-' || i) = 'offline') FROM generate_series(0, 39) AS i"));
  assert.equal(gateway.errors, '');
});
