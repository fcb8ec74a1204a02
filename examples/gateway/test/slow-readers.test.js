// A browser that does not read is cut, and costs the gateway no more memory than it may.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './support/browser.js';
import { openDatabase } from './support/database.js';
import { Gateway } from './support/gateway.js';
import { Stream } from './support/stream.js';
import { until } from './support/until.js';

const MEGABYTE = 1_048_576;
const MAX_BUFFERED = 65_536;
const READERS = 30;

let database;
let gateway;

before(async () => {
  database = await openDatabase();
  gateway = await Gateway.start({ PRESENCE_MAX_BUFFERED: String(MAX_BUFFERED) });
});

after(async () => {
  await gateway?.stop();
  await database?.close();
});

/** Tells more and more, 250 kB at a time, until those who do not read are gone: the operating system's buffers are large. */
async function tellUntil(isEnough) {
  for (let round = 0; round < 300 && !isEnough(await gateway.health()); round++)
    await database.ask(
      `SELECT count(presence_set_status('loud-' || i, CASE WHEN $1 % 2 = 0 THEN 'busy' ELSE 'away' END, repeat('x', 400)))
         FROM generate_series(1, 400) AS i`, [round]);
}

test('a socket that stops reading is cut with 4000, and the memory is bounded', async () => {
  const fast = await Browser.open(gateway, 'fast', ['global_presence']);
  const slow = await Promise.all(Array.from({ length: READERS }, (_, i) => Browser.open(gateway, `slow-${i}`, ['global_presence'])));
  for (const browser of slow) browser.stopReading();
  const before = gateway.memory();

  await tellUntil(({ sockets }) => sockets === 1);
  assert.equal((await gateway.health()).sockets, 1, 'who does not read is gone');
  const growth = gateway.memory() - before;
  assert.ok(growth < 100 * MEGABYTE, `the gateway grew by ${Math.round(growth / MEGABYTE)} MB`);

  // At once: the gateway says the code for some seconds after it has cut them.
  for (const browser of slow) browser.drain();
  await until('the sockets are closed', () => slow.every(({ closed }) => closed !== null));
  assert.deepEqual(new Set(slow.map(({ closed }) => closed)), new Set([4000]));

  await until('who reads has heard all', () => database.knowsAll('global_presence', fast.picture('global_presence').position));
  assert.deepEqual(fast.complaints, []);
  await fast.close();
});

test('who was cut resumes', async () => {
  const slow = await Browser.open(gateway, 'resumes', ['global_presence']);
  slow.stopReading();
  await tellUntil(({ sockets }) => sockets === 0);
  slow.readAgain();
  await until('the socket is closed', () => slow.closed !== null);

  const back = await Browser.open(gateway, 'resumes');
  await back.subscribe('global_presence', slow.picture('global_presence').position);
  assert.deepEqual(back.complaints, []);
  await until('it knows all', () => database.knowsAll('global_presence', back.picture('global_presence').position));
  await back.close();
});

test('a stream that stops reading is cut', async () => {
  const stream = await Stream.open(gateway, 'reader', 'global_presence');
  await until('the snapshot', () => stream.kinds.includes('snapshot'));
  stream.stopReading();
  await tellUntil(({ streams }) => streams === 0);
  assert.equal((await gateway.health()).streams, 0);
  stream.readAgain();
  await until('the stream is over', () => stream.isOver);
});

test('a snapshot that is larger than the buffer arrives', async () => {
  await database.ask(`SELECT count(presence_connect('many-' || i, 'many-' || i, user_data => jsonb_build_object('about', repeat('x', 500))))
                        FROM generate_series(1, 2000) AS i`);
  await until('they are here', async () => (await database.snapshot('global_presence')).users.length > 2_000);
  const browser = await Browser.connect(gateway, 'patient');
  await browser.call('hello');
  const subscribed = browser.subscribe('global_presence');
  await database.setStatus('many-1', 'busy');
  await database.setStatus('many-1', 'away');
  await subscribed;
  assert.equal(browser.closed, null);
  assert.ok(browser.picture('global_presence').users.size > 2_000, 'all of them, not the first 1,000');
  await browser.close();
});

test('a browser that says more than it waits for is slowed down, not cut', async () => {
  const browser = await Browser.open(gateway, 'chatty');
  const answers = await Promise.all(Array.from({ length: 500 }, () => browser.call('touch')));
  assert.equal(answers.length, 500);
  assert.equal(browser.closed, null);
  await browser.close();
});
