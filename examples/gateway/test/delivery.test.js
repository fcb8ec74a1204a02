// What a browser knows is true, whatever happens to it, to the gateway and to the gateway's connections.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Browser } from './support/browser.js';
import { GRACE, openDatabase, TOO_MUCH } from './support/database.js';
import { Gateway } from './support/gateway.js';
import { outline } from './support/picture.js';
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

/** The browser knows what the database says, soon. */
async function knowsTheTruth(browser, channel) {
  const isTrue = async () => isDeepStrictEqual(outline(browser.picture(channel)), outline(await database.snapshot(channel)));
  await until('the truth', isTrue).catch(() => {});
  assert.deepEqual(outline(browser.picture(channel)), outline(await database.snapshot(channel)));
  assert.deepEqual(browser.complaints, []);
}

// Those that wait for a grace do so together.
describe('while the gateway runs', { concurrency: true }, () => {
  test('a snapshot, then events', async () => {
    await database.enter('d1-old', 'd1');
    const browser = await Browser.open(gateway, 'd1-me', ['d1']);
    assert.ok(browser.picture('d1').users.has('d1-old'), 'the snapshot comes before the answer');
    assert.equal(browser.picture('d1').snapshots, 1);

    await database.enter('d1-new', 'd1');
    await database.setStatus('d1-new', 'busy', { message: 'in a call' });
    await browser.call('join', { channel: 'd1' });
    await browser.hears('d1', 'itself', ({ user_id }) => user_id === 'd1-me');
    assert.deepEqual(browser.picture('d1').users.get('d1-new').status, 'busy');
    await knowsTheTruth(browser, 'd1');
    assert.equal(browser.picture('d1').snapshots, 1);
    await browser.close();
  });

  test('events that come while the snapshot is read are not lost', async () => {
    const changes = (async () => { for (let i = 0; i < 60; i++) await database.setStatus('d2-other', i % 2 ? 'busy' : 'away', { message: `${i}` }); })();
    const browsers = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      await sleep(10 * i);
      return Browser.open(gateway, `d2-${i}`, ['global_presence']);
    }));
    await changes;
    for (const browser of browsers) {
      await until('the last change', () => browser.picture('global_presence').users.get('d2-other')?.status_message === '59');
      assert.deepEqual(browser.complaints, []);
      await browser.close();
    }
  });

  test('an event that had no room for everything says so, and the next snapshot has it', async () => {
    await database.enter('d13-other', 'd13');
    const browser = await Browser.open(gateway, 'd13-me', ['d13']);
    await database.say('d13-other', TOO_MUCH);
    const event = await browser.hears('d13', 'of it', ({ user_id, truncated }) => user_id === 'd13-other' && truncated === true);
    assert.deepEqual(event.user, { id: 'd13-other', name: 'Mia', avatar: null });
    await browser.subscribe('d13');
    assert.deepEqual(browser.picture('d13').users.get('d13-other').user_data, JSON.parse(TOO_MUCH));
    await browser.close();
  });

  test('who comes back with a position hears what it missed, and no snapshot', async () => {
    await database.enter('d3-other', 'd3');
    const first = await Browser.open(gateway, 'd3-me', ['d3']);
    const { position } = first.picture('d3');
    first.cut();
    await database.setStatus('d3-other', 'busy', { channel: 'd3' });
    await database.setStatus('d3-other', 'away', { channel: 'd3' });

    const second = await Browser.open(gateway, 'd3-me', [], { session_id: first.hello.session_id });
    assert.equal(second.hello.session_id, first.hello.session_id);
    const answer = await second.subscribe('d3', position);
    // While somebody else takes a snapshot the database may tell a change once more.
    const statuses = second.picture('d3').events.map(({ status }) => status);
    assert.deepEqual(statuses.filter((status, i) => status !== statuses[i - 1]), ['busy', 'away']);
    assert.equal(second.picture('d3').snapshots, 0);
    assert.deepEqual(second.complaints, []);
    assert.ok(answer.seq >= second.picture('d3').events.at(-1).seq);
    assert.deepEqual({ channel: 'd3', ...second.picture('d3').position }, answer);
    await second.close();
  });

  test('with a position that is not known any more it begins anew', async () => {
    const browser = await Browser.open(gateway, 'd4-me');
    await browser.subscribe('d4', { epoch: '0123456789abcdef', seq: 7 });
    assert.equal(browser.picture('d4').snapshots, 1);
    await browser.close();
  });

  test('a channel that is subscribed to again in mid-stream is told once', async () => {
    const browser = await Browser.open(gateway, 'd5-me', ['d5']);
    await browser.subscribe('d5', browser.picture('d5').position);
    await database.enter('d5-other', 'd5');
    await browser.hears('d5', 'the other', ({ event }) => event === 'user_joined');
    await sleep(100);
    // While somebody else takes a snapshot the database may tell once more how somebody is, but nobody joins twice.
    assert.equal(browser.picture('d5').events.filter(({ event }) => event === 'user_joined').length, 1);

    assert.equal(await browser.call('unsubscribe', { channel: 'd5' }), true);
    const { length } = browser.picture('d5').events;
    await database.setStatus('d5-other', 'busy');
    await sleep(200);
    assert.equal(browser.picture('d5').events.length, length);
    await browser.close();
  });

  test('two tabs are one user until the last is closed', async () => {
    const watcher = await Browser.open(gateway, 'd7-watcher', ['d7']);
    const tabs = [await Browser.open(gateway, 'd7-me'), await Browser.open(gateway, 'd7-me')];
    assert.notEqual(tabs[0].hello.session_id, tabs[1].hello.session_id);
    for (const tab of tabs) await tab.call('join', { channel: 'd7' });
    await tabs[0].close();
    await sleep(GRACE + 500);
    assert.equal(await database.status('d7-me'), 'online');
    const comings = watcher.picture('d7').events.filter(({ event, user_id }) => user_id === 'd7-me' && event !== 'user_updated');
    assert.deepEqual(comings.map(({ event }) => event), ['user_joined']);
    await tabs[1].close();
    await watcher.hears('d7', 'the end', ({ event, user_id }) => event === 'user_left' && user_id === 'd7-me');
    await watcher.close();
  });

  test('a page that closes says goodbye by beacon', async () => {
    const watcher = await Browser.open(gateway, 'd8-watcher', ['global_presence']);
    const browser = await Browser.open(gateway, 'd8-me');
    const answer = await fetch(`http://${gateway.address}/presence/bye`,
      { method: 'POST', body: JSON.stringify({ session_id: browser.hello.session_id }) });
    assert.equal(answer.status, 204);
    await watcher.hears('global_presence', 'the end', ({ status, user_id }) => status === 'offline' && user_id === 'd8-me');
    browser.cut();
    await watcher.close();
  });

  test('a reload within the grace is no event, however the goodbye and the new page meet', async () => {
    const watcher = await Browser.open(gateway, 'd9-watcher', ['global_presence']);
    let browser = await Browser.open(gateway, 'd9-me');
    await watcher.hears('global_presence', 'it', ({ user_id }) => user_id === 'd9-me');
    for (let i = 0; i < 10; i++) {
      const session = { session_id: browser.hello.session_id };
      browser.cut();
      browser = await Browser.open(gateway, 'd9-me', [], session);
    }
    // The other way round: the new page is there before the old one is gone.
    const old = browser;
    browser = await Browser.open(gateway, 'd9-me', [], { session_id: old.hello.session_id });
    await old.close();
    await sleep(GRACE + 500);
    assert.equal(await browser.call('heartbeat'), true);
    const heard = watcher.picture('global_presence').events.filter(({ event, user_id }) => user_id === 'd9-me' && event !== 'user_updated');
    assert.deepEqual(heard.map(({ event }) => event), ['user_status_changed', 'user_joined'], 'the first connect alone');
    await browser.close();
    await watcher.close();
  });
});

test('the last event is not lost either, when it comes while a large snapshot is read', async () => {
  await database.ask(`SELECT count(presence_connect('d6-' || i, 'd6-' || i)) FROM generate_series(1, 3000) AS i`);
  await until('they are here', async () => (await database.snapshot('global_presence')).users.length >= 3_000);
  await until('they are told', () => database.ask('SELECT fresh FROM presence_info()'));
  for (let i = 1; i <= 12; i++) {
    const browser = await Browser.open(gateway, `d6-${i}`);
    const subscribed = browser.subscribe('global_presence');
    await sleep(4 * i);
    await database.ask('SELECT presence_set_status($1, $2)', [`d6-${i}`, 'busy']);
    await subscribed;
    await until('the last event', () => browser.picture('global_presence').users.get(`d6-${i}`)?.status === 'busy');
    await browser.close();
  }
});

test('after presence_resync the browser asks again, and has one snapshot', async () => {
  await database.enter('d6-other', 'd6');
  const browser = await Browser.open(gateway, 'd6-me', ['d6']);
  await database.ask('SELECT presence_resync()');
  await browser.hears('d6', 'the resync', ({ event }) => event === 'presence_resync');
  await sleep(200);
  assert.equal(browser.picture('d6').snapshots, 1, 'of the subscription alone');
  await browser.subscribe('d6');
  assert.equal(browser.picture('d6').snapshots, 1, 'of the new subscription alone');
  await knowsTheTruth(browser, 'd6');
  await browser.close();
});

test('the gateway is killed: who comes back within the grace was never away, and misses nothing; others are away after it', async () => {
  const before = await Browser.open(gateway, 'd10-me', ['d10']);
  await before.call('join', { channel: 'd10' });
  await before.hears('d10', 'itself', ({ user_id }) => user_id === 'd10-me');
  const { position, users } = before.picture('d10');
  await Browser.open(gateway, 'd10-gone');
  await gateway.stop('SIGKILL');
  assert.equal(await database.status('d10-gone'), 'online');
  await database.enter('d10-other', 'd10');
  await gateway.run();

  const back = await Browser.open(gateway, 'd10-me', [], { session_id: before.hello.session_id });
  await back.subscribe('d10', position);
  for (const user of users.values()) back.picture('d10').users.set(user.user_id, user);
  assert.deepEqual(back.picture('d10').events.map(({ user_id }) => user_id), ['d10-other']);
  assert.equal(back.picture('d10').snapshots, 0);
  await until('the grace is over', async () => await database.status('d10-gone') === 'offline');
  await sleep(500);
  await knowsTheTruth(back, 'd10');
  await back.close();
});

test('its database connections are cut: nobody is away, and nothing is missed', async () => {
  const browser = await Browser.open(gateway, 'd11-me', ['d11', 'global_presence']);
  await browser.call('join', { channel: 'd11' });
  const errors = gateway.errors.length;
  for (let i = 0; i < 3; i++) {
    await until('there is a connection to cut', async () => await database.cutOff(gateway) >= 1);
    await database.enter(`d11-${i}`, 'd11');
    await until('the gateway is back', () => gateway.isReady());
    await sleep(300);
  }
  await browser.hears('d11', 'the last', ({ user_id }) => user_id === 'd11-2');
  assert.match(gateway.errors.slice(errors), /the connection was lost/);
  await sleep(GRACE + 500);
  assert.equal(browser.closed, null);
  assert.equal(await database.status('d11-me'), 'online');
  assert.equal(browser.picture('d11').snapshots, 1, 'it goes on from its position');
  await database.enter('d11-after', 'd11');
  await browser.hears('d11', 'what comes after', ({ user_id }) => user_id === 'd11-after');
  assert.equal(await browser.call('heartbeat'), true);
  await knowsTheTruth(browser, 'd11');
  await browser.close();
});

test('it stops when it is asked to, and says so', async () => {
  const other = await Gateway.start();
  const browser = await Browser.open(other, 'd12-me');
  assert.equal(await other.stop(), 0);
  await until('the socket is closed', () => browser.closed !== null);
  assert.equal(browser.closed, 1012);
  assert.equal(other.errors, '');
});

test('nothing was said on stderr but lost connections', () => {
  const unexpected = gateway.errors.split('\n').filter((line) => line && !line.startsWith('database: '));
  assert.deepEqual(unexpected, []);
});
