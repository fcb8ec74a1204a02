import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClient, testClient } from './support/client.js';
import { settled } from './support/clock.js';

test('hello is the first message, with what the options say', async () => {
  const t = testClient({ userData: { name: 'Ann' }, device: 'phone', status: 'busy' });
  const states = [];
  for (const state of ['connecting', 'open', 'closed']) t.client.on(state, (now) => states.push(now));
  const connected = t.client.connect();
  void t.client.channel('lobby').subscribe();
  void t.client.channel('lobby').track();
  await settled();
  assert.equal(t.client.state, 'connecting');
  await t.socket.accept();
  const [hello, ...others] = t.socket.sent;
  assert.deepEqual(others, []);
  assert.deepEqual({ ...hello, ref: 0 }, { call: 'hello', ref: 0, session_id: null, user_data: { name: 'Ann' }, device: 'phone', status: 'busy' });
  await t.socket.answer(hello, { user_id: 'ann', session_id: 's1', status: 'busy', epoch: 'e1', seq: 1, heartbeat_every: 30_000 });
  assert.equal((await connected).session_id, 's1');
  assert.deepEqual(t.socket.sent.map(({ call }) => call), ['hello', 'join', 'subscribe']);
  assert.deepEqual(states, ['connecting', 'open']);
  assert.deepEqual([t.client.userId, t.client.sessionId], ['ann', 's1']);
});

test('a new connection goes on with the session, and with the position', async () => {
  const t = await openClient();
  const lobby = t.client.subscribe('lobby');
  await t.socket.push({ snapshot: { channel: 'lobby', epoch: 'e1', seq: 40, users: [] } });
  await t.socket.answer(t.socket.last('subscribe'), { channel: 'lobby', epoch: 'e1', seq: 42 });
  await t.socket.end();
  assert.equal(t.client.state, 'connecting');
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.equal(t.sockets.length, 2);
  assert.equal(t.socket.calls('hello')[0].session_id, 's1');
  assert.deepEqual({ ...t.socket.last('subscribe'), ref: 0 }, { call: 'subscribe', ref: 0, channel: 'lobby', epoch: 'e1', seq: 42 });
  assert.deepEqual(lobby.position, { epoch: 'e1', seq: 42 });
});

test('calls made while connecting wait for the connection, for ten seconds in all', async () => {
  const t = testClient();
  void t.client.connect().catch(() => {});
  const early = t.client.setStatus('busy', { message: 'in a call', expiresAt: new Date(0) });
  const late = t.client.setMessage('x').catch((error) => error.code);
  await settled();
  await t.socket.welcome();
  assert.deepEqual({ ...t.socket.last('set_status'), ref: 0 }, { call: 'set_status', ref: 0, status: 'busy', status_message: 'in a call', expires_at: '1970-01-01T00:00:00.000Z' });
  await t.socket.answer(t.socket.last('set_status'), { status: 'busy' });
  assert.deepEqual(await early, { status: 'busy' });
  await t.clock.advance(10_000);
  assert.equal(await late, 'timeout');
});

test('a call whose connection is lost before the answer fails, since nobody knows whether it was done', async () => {
  const t = await openClient();
  const call = t.client.setStatus('busy').catch((error) => error.code);
  await t.socket.end();
  assert.equal(await call, 'closed');
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.equal(t.socket.calls('set_status').length, 0);
});

test('an error has SQLSTATE and hint', async () => {
  const t = await openClient();
  const refused = assert.rejects(t.client.setStatus('asleep'), { code: '22023', message: 'invalid status "asleep"', hint: 'online, away, busy' });
  await t.socket.push({ ref: t.socket.last('set_status').ref, error: { code: '22023', message: 'invalid status "asleep"', hint: 'online, away, busy' } });
  await refused;
});

test('without connect a call fails at once', async () => {
  const { client } = testClient();
  await assert.rejects(client.setStatus('busy'), { code: 'closed' });
  assert.equal(client.touch(), false);
});

test('heartbeats as often as hello says, each with an answer', async () => {
  const t = await openClient();
  for (let beat = 1; beat <= 3; beat++) {
    await t.clock.advance(30_000);
    assert.equal(t.socket.calls('heartbeat').length, beat);
    await t.socket.answer(t.socket.last('heartbeat'), true);
  }
  assert.equal(t.sockets.length, 1);
});

test('a connection that does not answer a heartbeat is dead', async () => {
  const t = await openClient();
  await t.clock.advance(30_000 + 10_000);
  assert.equal(t.socket.closed, true);
  assert.equal(t.client.state, 'connecting');
  await t.clock.advance(250);
  assert.equal(t.sockets.length, 2);
});

test('a heartbeat answered with false begins the session anew, one with an error does not', async () => {
  const t = await openClient();
  await t.clock.advance(30_000);
  await t.socket.refuse(t.socket.last('heartbeat'), '57P01');
  assert.equal(t.client.state, 'open');
  await t.clock.advance(30_000);
  await t.socket.answer(t.socket.last('heartbeat'), false);
  assert.equal(t.client.state, 'connecting');
});

test('an answer to a heartbeat of an earlier connection does not touch this one', async () => {
  const t = await openClient();
  await t.clock.advance(30_000);
  const [first] = t.sockets;
  const beat = first.last('heartbeat');
  await first.end();
  await t.clock.advance(250);
  await t.socket.welcome();
  await first.answer(beat, false);
  await first.end();
  await t.clock.advance(9_000);
  assert.equal(t.client.state, 'open');
  assert.equal(t.sockets.length, 2);
});

test('a socket that never opens, and a hello that is never answered, are given up', async () => {
  const t = testClient();
  void t.client.connect().catch(() => {});
  await settled();
  await t.clock.advance(10_000 + 250);
  assert.deepEqual([t.sockets.length, t.sockets[0].closed], [2, true]);
  await t.socket.accept();
  await t.clock.advance(10_000 + 500);
  assert.deepEqual([t.sockets.length, t.sockets[1].closed], [3, true]);
});

test('a socket that fails without a close is given up at once, and one with both counts once', async () => {
  const t = testClient();
  void t.client.connect().catch(() => {});
  await settled();
  await t.socket.fail();
  await t.clock.advance(250);
  assert.equal(t.sockets.length, 2);
  await t.socket.fail();
  await t.socket.end();
  await t.clock.advance(500);
  assert.equal(t.sockets.length, 3);
});

test('reconnecting slows down, also when each connection opens and is lost at once', async () => {
  const t = await openClient();
  const delays = [];
  for (let i = 0; i < 9; i++) {
    const lostAt = t.clock.now();
    const before = t.sockets.length;
    await t.socket.end(1012);
    while (t.sockets.length === before) await t.clock.advance(50);
    delays.push(t.clock.now() - lostAt);
    await t.socket.welcome();
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  await t.clock.advance(5_000);
  await t.socket.end();
  const before = t.sockets.length;
  await t.clock.advance(250);
  assert.equal(t.sockets.length, before + 1);
});

test('a thousand clients of a gateway that restarts do not come back together', async () => {
  const delays = [];
  for (let i = 0; i < 1000; i++) {
    const t = testClient({ random: Math.random });
    void t.client.connect().catch(() => {});
    await settled();
    await t.socket.welcome();
    const at = t.clock.now();
    t.clock.setTimeout = (run, ms) => (delays.push(ms), 0);
    await t.socket.end(1012);
    assert.equal(t.clock.now(), at);
  }
  const slots = new Set(delays.map((ms) => Math.floor(ms / 50)));
  assert.equal(delays.length, 1000);
  assert.equal(slots.size, 10);
});

test('too slow (4000): comes back and resumes', async () => {
  const t = await openClient();
  await t.socket.end(4000);
  await t.clock.advance(250);
  assert.equal(t.sockets.length, 2);
});

test('authenticate again (4001): a fixed address is given up, a function is asked for a new one', async () => {
  const fixed = await openClient();
  let told = 0;
  fixed.client.on('unauthorized', () => told++);
  await fixed.socket.end(4001);
  await fixed.clock.advance(100_000);
  assert.deepEqual([told, fixed.client.state, fixed.sockets.length, fixed.clock.pending], [1, 'closed', 1, 0]);

  let token = 0;
  const fresh = await openClient({ url: async () => `ws://gateway.test/presence?token=${++token}` });
  await fresh.socket.end(4001);
  await fresh.clock.advance(250);
  assert.equal(fresh.socket.url, 'ws://gateway.test/presence?token=2');
});

test('an address that cannot be had is tried again', async () => {
  const errors = [];
  let tries = 0;
  const t = testClient({
    url: async () => {
      if (++tries === 1) throw new Error('no token');
      return 'ws://gateway.test/presence';
    },
  });
  t.client.on('error', (error) => errors.push(error.message));
  void t.client.connect().catch(() => {});
  await settled();
  await t.clock.advance(250);
  assert.deepEqual([errors, t.sockets.length], [['no token'], 1]);
});

test('an address that comes after disconnect is not connected to', async () => {
  let give;
  const t = testClient({ url: () => new Promise((resolve) => (give = resolve)) });
  void t.client.connect().catch(() => {});
  t.client.disconnect();
  give('ws://gateway.test/presence');
  await settled();
  assert.equal(t.sockets.length, 0);
});

test('a session that belongs to somebody else is dropped for a new one', async () => {
  const t = await openClient();
  await t.socket.end();
  await t.clock.advance(250);
  await t.socket.accept();
  assert.equal(t.socket.last('hello').session_id, 's1');
  await t.socket.refuse(t.socket.last('hello'), '42501');
  await t.clock.advance(500);
  await t.socket.accept();
  assert.equal(t.socket.last('hello').session_id, null);
});

test('disconnect says goodbye, leaves no timer, and stays away', async () => {
  const t = await openClient();
  const waiting = t.client.setStatus('busy').catch((error) => error.code);
  t.client.disconnect();
  assert.equal(t.socket.sent.at(-1).call, 'disconnect');
  assert.equal(await waiting, 'closed');
  assert.deepEqual([t.client.state, t.clock.pending], ['closed', 0]);
  await t.clock.advance(100_000);
  assert.equal(t.sockets.length, 1);
});

test('connect after disconnect is a new connection, and connect twice is one', async () => {
  const t = await openClient();
  t.client.disconnect();
  void t.client.connect();
  void t.client.connect();
  await settled();
  assert.equal(t.sockets.length, 2);
});

test('what is no message of the protocol is left out', async () => {
  const t = await openClient();
  t.client.subscribe('lobby');
  for (const text of ['', 'null', '[]', '7', '{', '{}', '{"event": null}', '{"ref": 999, "result": 1}', '{"hallo": {}}']) await t.socket.push(text);
  await t.socket.push({ snapshot: { channel: 'elsewhere', epoch: 'e1', seq: 1, users: [] } });
  assert.equal(t.client.state, 'open');
});

test('no WebSocket, and nobody gave one: said at once, not in a loop of attempts', async () => {
  const { PresenceClient } = await import('../dist/index.js');
  const own = globalThis.WebSocket;
  delete globalThis.WebSocket;
  try {
    assert.throws(() => new PresenceClient({ url: 'ws://gateway.test/presence' }), TypeError);
  } finally {
    if (own) globalThis.WebSocket = own;
  }
});
