// What happens on the page: activity, idleness, closing, coming back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClient, testClient } from './support/client.js';
import { settled } from './support/clock.js';
import { testPage } from './support/page.js';

async function openPage(options = {}) {
  const page = testPage();
  const t = await openClient({ page, ...options });
  return Object.assign(t, { page, act: (name) => page.document.dispatchEvent(new Event(name)) });
}

test('clicks, keys, scrolls, moves and touches are reported, at most every ten seconds, and counted', async () => {
  const t = await openPage({ activityType: 'interaction' });
  for (const name of ['click', 'keypress', 'scroll', 'mousemove', 'touchstart']) t.act(name);
  await t.clock.advance(10_000);
  assert.deepEqual(t.socket.calls('touch'), [1, 4].map((interactions) => ({ call: 'touch', activity_type: 'interaction', page_url: '/inbox', interactions })));
});

test('without a page nothing is reported, and nobody is idle', async () => {
  const t = await openClient();
  await t.clock.advance(29_000);
  assert.equal(t.client.isIdle, false);
  assert.deepEqual(t.socket.sent.map(({ call }) => call), ['hello']);
});

test('idle after five minutes says away for this session alone, and the next activity is told at once', async () => {
  const t = await openPage({ callTimeout: 1e9 });
  const heard = [];
  t.client.on('idle', () => heard.push('idle')).on('active', () => heard.push('active'));
  t.act('click');
  await t.clock.advance(299_999);
  assert.deepEqual(t.socket.calls('set_status'), []);
  await t.clock.advance(1);
  assert.deepEqual(t.socket.calls('set_status'), [{ call: 'set_status', status: 'away', session_only: true }]);
  const before = t.socket.calls('touch').length;
  t.act('mousemove');
  assert.equal(t.socket.calls('touch').length, before + 1);
  assert.deepEqual(heard, ['idle', 'active']);
});

test('a connection that is lost and found while the person is idle does not make it active', async () => {
  const t = await openPage({ callTimeout: 1e9 });
  void t.client.channel('lobby').track();
  await t.clock.advance(300_000);
  await t.socket.end();
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.equal(t.socket.last('hello').status, 'away');
  assert.deepEqual(t.socket.sent.map(({ call }) => call), ['hello', 'join', 'set_status']);
});

test('what was done without a connection is reported when there is one', async () => {
  const t = await openPage();
  await t.socket.end();
  for (let i = 0; i < 3; i++) t.act('click');
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.equal(t.socket.last('touch').interactions, 3);
});

test('a page that goes says goodbye by beacon, and the next one of the tab goes on with the session', async () => {
  const t = await openPage();
  t.page.window.dispatchEvent(new Event('pagehide'));
  assert.deepEqual(t.page.beacons, [{ url: 'http://gateway.test/presence/bye', text: '{"session_id":"s1"}' }]);
  assert.deepEqual([t.socket.closed, t.clock.pending], [true, 0]);

  const next = testClient({ page: t.page });
  void next.client.connect().catch(() => {});
  await settled();
  await next.socket.accept();
  assert.equal(next.socket.last('hello').session_id, 's1');
  assert.equal(t.page.stored.size, 0);
});

test('two tabs, one a duplicate of the other, have sessions of their own', async () => {
  const t = await openPage();
  const twin = testClient({ page: t.page });
  void twin.client.connect().catch(() => {});
  await settled();
  await twin.socket.accept();
  assert.equal(twin.socket.last('hello').session_id, null);
});

test('a beacon that the browser does not take is said on the socket', async () => {
  const t = await openPage();
  t.page.sendBeacon = () => false;
  t.page.window.dispatchEvent(new Event('pagehide'));
  assert.equal(t.socket.sent.at(-1).call, 'disconnect');
});

test('back by the back button: the same session, another connection, and no id left for a duplicate', async () => {
  const t = await openPage();
  t.page.window.dispatchEvent(new Event('pagehide'));
  assert.equal(t.page.stored.size, 1);
  t.page.window.dispatchEvent(new Event('pageshow'));
  await settled();
  await t.socket.accept();
  assert.deepEqual([t.sockets.length, t.socket.last('hello').session_id, t.page.stored.size], [2, 's1', 0]);
});

test('visible again: an activity, a heartbeat to see whether the connection lives, and no more waiting for it', async () => {
  const t = await openPage();
  t.act('visibilitychange');
  assert.deepEqual(t.socket.sent.slice(1).map(({ call }) => call), ['touch', 'heartbeat']);
  t.page.document.visibilityState = 'hidden';
  t.act('visibilitychange');
  assert.equal(t.socket.calls('heartbeat').length, 1);
  await t.socket.end();
  t.page.document.visibilityState = 'visible';
  t.act('visibilitychange');
  await settled();
  assert.equal(t.sockets.length, 2);
});

test('the network is back: no more waiting', async () => {
  const t = await openPage();
  await t.socket.end();
  t.page.window.dispatchEvent(new Event('online'));
  await settled();
  assert.equal(t.sockets.length, 2);
  t.page.window.dispatchEvent(new Event('online'));
  await settled();
  assert.equal(t.sockets.length, 2);
});

test('after disconnect the page is left alone', async () => {
  const t = await openPage();
  t.client.disconnect();
  t.act('click');
  t.act('visibilitychange');
  for (const name of ['pagehide', 'pageshow', 'online']) t.page.window.dispatchEvent(new Event(name));
  await t.clock.advance(1_000_000);
  assert.deepEqual([t.sockets.length, t.page.beacons, t.clock.pending], [1, [], 0]);
});
