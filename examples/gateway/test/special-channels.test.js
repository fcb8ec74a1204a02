// The firehose and the private channel tell of all channels. They are not for browsers, and what is heard on them reaches
// nobody who follows a room.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Browser } from './support/browser.js';
import { openDatabase, privateChannel } from './support/database.js';
import { Gateway } from './support/gateway.js';
import { Stream } from './support/stream.js';
import { until } from './support/until.js';

const FIREHOSE = 'everything';
const REFUSED = { code: '42501', message: 'this channel is not for browsers' };

let database;

before(async () => {
  database = await openDatabase();
});

after(async () => {
  await database?.close();
});

async function settingIs(name, value) {
  await database.ask(`ALTER SYSTEM SET presence.${name} = '${value}'`);
  await database.ask('SELECT pg_reload_conf()');
  await until('it is so', async () => await database.ask('SELECT current_setting($1)', [`presence.${name}`]) === value);
  await sleep(100); // The worker reads it at about the same time.
}

let probes = 0;

/** The worker calls channels large with more members than that: one that it has not heard of before. */
async function workerCallsLarge(members) {
  const first = probes + 1;
  await until('the worker knows', async () => {
    const probe = `probe-${++probes}`;
    for (let i = 0; i <= members; i++) await database.ask('SELECT presence_join($1, $2)', [`${probe}-${i}`, probe]);
    return database.ask("SELECT bool_or((presence_snapshot('probe-' || i) -> 'large')::bool) FROM generate_series($1::int, $2::int) AS i", [first, probes]);
  });
}

const firehoseIs = (name) => settingIs('firehose_channel', name);

for (const [mode, settings] of [['public', {}], ['viewer', { PRESENCE_PRIVATE_CHANNEL: privateChannel }]]) {
  describe(`in ${mode} mode`, () => {
    const room = `special-${mode}`;
    const secretive = `secretive-${mode}`;
    let gateway;
    let browsers = [];

    before(async () => {
      gateway = await Gateway.start(settings);
      await database.enter(secretive, room);
      await database.ask("SELECT presence_set_visibility($1, 'nobody')", [secretive]);
    });

    afterEach(async () => {
      for (const browser of browsers.splice(0)) await browser.close();
      await settingIs('large_channel', '500');
      await firehoseIs('');
    });

    after(() => gateway?.stop());

    async function open(user, channels) {
      const browser = await Browser.open(gateway, `${user}-${mode}`, channels);
      browsers.push(browser);
      return browser;
    }

    /** Something happens to the secretive one, and then, for all to hear, to somebody else. */
    async function muchHappens(other) {
      await database.ask('SELECT presence_set_state($1, $2, $3)', [secretive, room, JSON.stringify('psst')]);
      await database.enter(other, room);
      await database.setStatus(other, 'busy', { channel: room });
      await sleep(200);
    }

    async function heardOnce(browser, other) {
      await browser.hears(room, 'the change', ({ event, user_id }) => event === 'user_status_changed' && user_id === other);
      const told = browser.picture(room).events.filter(({ user_id }) => user_id === other).map(({ event }) => event);
      assert.deepEqual(told, ['user_joined', 'user_status_changed']);
      assert.deepEqual(browser.complaints, []);
      assert.ok(browser.heard.every((text) => !/"audience"|"detail"|psst/.test(text)), 'nothing that is not for it');
    }

    test('they are refused before anything is told, and it does no harm to others', async () => {
      await firehoseIs(FIREHOSE);
      const watcher = await open('watcher', [room]);
      const curious = await open('curious', [room]);
      const { position } = curious.picture(room);
      for (const channel of [FIREHOSE, privateChannel]) {
        curious.heard = [];
        await assert.rejects(curious.subscribe(channel), REFUSED);
        await assert.rejects(curious.subscribe(channel, position), REFUSED);
        assert.ok(curious.heard.every((text) => !text.includes(channel)), 'nothing of it');
        const stream = await Stream.open(gateway, 'curious', channel);
        assert.equal(stream.status, 403);
        stream.close();
      }
      await muchHappens(`first-${mode}`);
      await heardOnce(watcher, `first-${mode}`);
      await heardOnce(curious, `first-${mode}`);
    });

    test('a room whose name becomes that of the firehose: the others hear all once, and nobody follows it from then on', async () => {
      const watcher = await open('watcher', [room]);
      await open('follower', [FIREHOSE]);
      const { position } = watcher.picture(room);
      await firehoseIs(FIREHOSE);
      await watcher.subscribe(room);
      await muchHappens(`second-${mode}`);
      await heardOnce(watcher, `second-${mode}`);
      const late = await open('late');
      await assert.rejects(late.subscribe(FIREHOSE), REFUSED);
      await assert.rejects(late.subscribe(FIREHOSE, position), REFUSED);
    });

    test('how many are in a large channel is told once', async () => {
      const hall = `hall-${mode}`;
      const watcher = await open('watcher', [hall]);
      await open('follower', [FIREHOSE]);
      await firehoseIs(FIREHOSE);
      await settingIs('large_channel', '2');
      await workerCallsLarge(2);
      await watcher.subscribe(hall);
      for (const number of [1, 2, 3]) await database.ask('SELECT presence_join($1, $2)', [`large-${mode}-${number}`, hall]);
      await watcher.hears(hall, 'how many', ({ members }) => members > 2);
      await sleep(1_500);
      const told = watcher.picture(hall).events.filter(({ event }) => event === 'channel_occupancy').map(({ members }) => members);
      assert.deepEqual(told, [...new Set(told)]);
      assert.deepEqual(watcher.complaints, []);
    });
  });
}
