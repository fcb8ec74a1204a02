// Server-Sent Events: the same messages, to read only.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDatabase, TOO_MUCH } from './support/database.js';
import { Gateway } from './support/gateway.js';
import { outline } from './support/picture.js';
import { Stream } from './support/stream.js';
import { until } from './support/until.js';

let database;
let gateway;

before(async () => {
  database = await openDatabase();
  gateway = await Gateway.start();
});

after(async () => {
  await gateway?.stop();
  await database?.close();
});

test('a snapshot, then events', async () => {
  await database.enter('e1-old', 'e1');
  const stream = await Stream.open(gateway, 'e1-me', 'e1');
  await database.enter('e1-new', 'e1');
  await until('the new one', () => stream.picture.users.has('e1-new'));
  assert.deepEqual(stream.kinds, ['snapshot', 'event']);
  assert.deepEqual(outline(stream.picture), outline(await database.snapshot('e1')));
  assert.deepEqual(stream.picture.complaints, []);
  stream.close();
});

test('with the id of the last message it goes on from there', async () => {
  await database.enter('e2-other', 'e2');
  const first = await Stream.open(gateway, 'e2-me', 'e2');
  await until('the snapshot', () => first.lastId);
  first.close();
  await database.setStatus('e2-other', 'busy', { channel: 'e2' });
  await database.setStatus('e2-other', 'away', { channel: 'e2' });

  const second = await Stream.open(gateway, 'e2-me', 'e2', first.lastId);
  await until('both', () => second.picture.events.length === 2);
  assert.deepEqual(second.picture.events.map(({ status }) => status), ['busy', 'away']);
  assert.equal(second.picture.snapshots, 0);
  assert.deepEqual(second.picture.complaints, []);
  second.close();
});

test('it opens although nothing has happened', async () => {
  const first = await Stream.open(gateway, 'e3-me', 'e3');
  await until('the snapshot', () => first.lastId);
  const second = await Stream.open(gateway, 'e3-me', 'e3', first.lastId);
  await until('a position', () => second.kinds.includes('position'));
  first.close();
  second.close();
});

test('an id that is not known any more, or none at all, begins with a snapshot', async () => {
  for (const id of ['0123456789abcdef:7', 'nonsense']) {
    const stream = await Stream.open(gateway, 'e4-me', 'e4', id);
    await until('the snapshot', () => stream.kinds.includes('snapshot'));
    stream.close();
  }
});

test('after presence_resync it has a new snapshot', async () => {
  const stream = await Stream.open(gateway, 'e5-me', 'e5');
  await database.enter('e5-other', 'e5');
  await database.ask('SELECT presence_resync()');
  await until('the second snapshot', () => stream.picture.snapshots === 2);
  assert.ok(stream.heard.every((text) => !text.includes('presence_resync')));
  await database.setStatus('e5-other', 'busy');
  await until('what comes after', () => stream.picture.users.get('e5-other').status === 'busy');
  assert.deepEqual(stream.picture.complaints, []);
  stream.close();
});

test('after an event that had no room for everything it has a new snapshot', async () => {
  await database.enter('e8-other', 'e8');
  const stream = await Stream.open(gateway, 'e8-me', 'e8');
  await until('the first snapshot', () => stream.picture.snapshots === 1);
  await database.say('e8-other', TOO_MUCH);
  await until('the second snapshot', () => stream.picture.snapshots === 2);
  assert.deepEqual(stream.kinds, ['snapshot', 'snapshot']);
  assert.deepEqual(stream.picture.users.get('e8-other').user_data, JSON.parse(TOO_MUCH));
  await database.setStatus('e8-other', 'busy');
  await until('what comes after', () => stream.picture.users.get('e8-other').status === 'busy');
  assert.deepEqual(stream.picture.complaints, []);
  stream.close();
});

test('it lives through a lost database connection', async () => {
  const stream = await Stream.open(gateway, 'e6-me', 'e6');
  await until('the snapshot', () => stream.lastId);
  await database.cutOff(gateway);
  await database.enter('e6-other', 'e6');
  await until('who came meanwhile', () => stream.picture.users.has('e6-other'));
  assert.equal(stream.picture.snapshots, 1);
  assert.deepEqual(stream.picture.complaints, []);
  stream.close();
  await until('the gateway forgets it', async () => (await gateway.health()).streams === 0);
});

test('what is refused is told', async () => {
  const ask = (query) => fetch(`http://${gateway.address}/presence/events?${query}`);
  assert.equal((await ask('channel=e7')).status, 401);
  assert.equal((await ask('user_id=e7')).status, 400);
  const { error } = await (await ask(`user_id=e7&channel=${'x'.repeat(5_000)}`)).json();
  assert.match(error.code, /^22/);
  await until('nothing is left of it', async () => (await gateway.health()).streams === 0);
});
