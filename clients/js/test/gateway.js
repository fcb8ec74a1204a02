// The client against a real gateway and a real server: GATEWAY_URL=ws://127.0.0.1:8787/presence npm run test:gateway
// Not part of `npm test`, which needs no network. The users' names are new in each run.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import WebSocket from 'ws';
import { PresenceClient } from '../dist/index.js';

const { GATEWAY_URL } = process.env;
const run = Date.now().toString(36);
const clients = [];

/** A WebSocket that a test can cut. */
class CutSocket extends WebSocket {
  static all = new Map();

  constructor(url) {
    super(url);
    CutSocket.all.set(url, this);
  }
}

function clientOf(name, options = {}) {
  const id = `${name}-${run}`;
  const url = `${GATEWAY_URL}?user_id=${id}&name=${name}`;
  const client = new PresenceClient({ url, WebSocket: CutSocket, userData: { name }, reconnectBase: 50, page: null, ...options });
  clients.push(client);
  /** Resolves when the client knows; it may be back a moment later. */
  client.cut = () => new Promise((lost) => {
    client.on('connecting', lost);
    CutSocket.all.get(url).close();
  });
  return Object.assign(client, { id });
}

async function until(what, isSo) {
  for (let i = 0; i < 3_000; i++) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`not within 30 s: ${what}`);
}

function log(channel) {
  const heard = [];
  for (const name of ['join', 'leave', 'update', 'status', 'cursor', 'state', 'typing', 'error'])
    channel.on(name, (payload) => heard.push({ name, ...payload }));
  heard.of = (name, id) => heard.filter((each) => each.name === name && (each.user_id ?? '') === id);
  return heard;
}

after(() => {
  for (const client of clients) client.disconnect();
});

test('two people in a document', async () => {
  const ann = clientOf('Ann');
  const ben = clientOf('Ben');
  await ann.connect();
  const everybody = ann.subscribe('global_presence');
  const heard = log(everybody);
  await everybody.subscribe();
  assert.equal(ann.userId, ann.id);

  await ben.connect();
  await until('Ben is online, with his name', () => heard.of('join', ben.id).length);
  assert.equal(heard.of('join', ben.id)[0].user.name, 'Ben');
  assert.equal(heard.of('join', ben.id).length + heard.of('update', ben.id).length, 1);

  const room = `paper-${run}`;
  const [annsPaper, bensPaper] = [ann.document(room), ben.document(room)];
  const inPaper = log(annsPaper);
  await Promise.all([annsPaper.subscribe(), annsPaper.track(), bensPaper.subscribe(), bensPaper.track({ name: 'Ben', role: 'host' })]);
  await until('both are members for both', () => annsPaper.users.size === 2 && bensPaper.users.size === 2);
  assert.equal(annsPaper.users.get(ben.id).user_data.role, 'host');

  for (let x = 0; x <= 30; x++) {
    bensPaper.moveCursor({ x });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until('the last cursor', () => annsPaper.users.get(ben.id).cursor_position?.x === 30);
  bensPaper.setState({ hand: 'raised' });
  await until('the state', () => annsPaper.users.get(ben.id).state?.hand === 'raised');
  bensPaper.keystroke('Benny');
  await until('typing', () => annsPaper.typists.get(ben.id)?.user_name === 'Ben');
  bensPaper.stopTyping();
  await until('no typing', () => annsPaper.typists.size === 0);

  await ben.setStatus('busy', { message: 'in a call' });
  await until('busy', () => ann.users.get(ben.id).status === 'busy' && annsPaper.users.get(ben.id).status_message === 'in a call');
  await assert.rejects(ben.setStatus('asleep'), { code: '22023' });
  await ben.clearStatus();
  await until('online', () => ann.users.get(ben.id).status === 'online');

  await bensPaper.untrack();
  await until('Ben left the paper', () => !annsPaper.users.has(ben.id));
  assert.equal(inPaper.of('leave', ben.id).length, 1);
  assert.ok(ann.users.has(ben.id));
});

test('a lost connection: nobody leaves, and what happened meanwhile is known afterwards, once', async () => {
  const cat = clientOf('Cat');
  const dan = clientOf('Dan');
  await Promise.all([cat.connect(), dan.connect()]);
  const room = `room-${run}`;
  const [cats, dans] = [cat.channel(room), dan.channel(room)];
  const heard = log(cats);
  const ofDan = log(dans);
  await Promise.all([cats.subscribe(), cats.track(), dans.subscribe(), dans.track()]);
  await until('both are there', () => cats.users.size === 2 && dans.users.size === 2);
  const { sessionId } = cat;

  await cat.cut();
  await dan.setStatus('away');
  await until('back, and knows', () => cat.state === 'open' && cats.users.get(dan.id)?.status === 'away');
  assert.equal(cat.sessionId, sessionId);
  assert.deepEqual(heard.of('update', dan.id).map(({ user }) => user.status), ['away']);
  assert.deepEqual([heard.of('leave', dan.id), ofDan.of('leave', cat.id), ofDan.of('update', cat.id)], [[], [], []]);

  for (let i = 0; i < 20; i++) {
    void dan.setMessage(`message ${i}`).catch(() => {});
    if (i % 5 === 0) void cat.cut();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await until('the last message', () => cats.users.get(dan.id)?.status_message === 'message 19');
});

test('idle for a moment is away for all, and an activity online again, also after a reconnect', async () => {
  const page = {
    document: Object.assign(new EventTarget(), { visibilityState: 'visible' }),
    window: new EventTarget(), sessionStorage: null, path: () => '/inbox', sendBeacon: () => false,
  };
  const eve = clientOf('Eve', { page, idleTimeout: 3_000 });
  const fay = clientOf('Fay');
  await Promise.all([eve.connect(), fay.connect()]);
  await fay.subscribe('global_presence').subscribe();
  const eves = () => fay.users.get(eve.id)?.status;
  page.document.dispatchEvent(new Event('click'));
  await until('online', () => eves() === 'online');
  await until('away', () => eves() === 'away');
  await eve.cut();
  await until('back', () => eve.state === 'open');
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(eves(), 'away');
  page.document.dispatchEvent(new Event('click'));
  await until('online again', () => eves() === 'online');
});

test('a beacon is a goodbye', async () => {
  const gus = clientOf('Gus');
  await gus.connect();
  const bye = GATEWAY_URL.replace(/^ws/, 'http') + '/bye';
  const answer = await fetch(bye, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: JSON.stringify({ session_id: gus.sessionId }) });
  assert.ok(answer.ok, `${answer.status}`);
});
