// One round: a server, its consumers, the changes and disasters of one seed, and the comparison after it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { BrowserConsumer } from './consumers/browser.js';
import { PollingConsumer } from './consumers/poller.js';
import { TailConsumer } from './consumers/tail.js';
import { DISASTERS, scheduleOf } from './disasters.js';
import { Gateway } from './gateway.js';
import { CHANNELS, People, call } from './people.js';
import { randomOf } from './random.js';
import { PRIVATE_CHANNEL, Server } from './server.js';
import { GLOBAL, differences, publicTruth, seenBy } from './truth.js';
import { sleep, until } from './wait.js';

const USERS = Array.from({ length: 30 }, (_, i) => `u${i + 1}`);
const STRANGER = 'stranger';
const OF_EACH_KIND = 20;
const CALLS_A_SECOND = 60;
const CALLS_AT_A_TIME = 8;

/** Runs a round. Returns what is wrong, as lines, and what was done, as counts. */
export async function runRound({ seed, seconds, programs, tools, gateway, client, say }) {
  const random = randomOf(seed);
  const dir = mkdtempSync(join(tmpdir(), 'presence-c'));
  const server = new Server(programs, dir);
  await server.start();
  const gateways = {
    viewers: new Gateway(gateway, server, `${dir}/gateway.log`, PRIVATE_CHANNEL),
    everybody: new Gateway(gateway, server, `${dir}/public-gateway.log`, null),
  };
  for (const one of Object.values(gateways)) await one.start();
  const db = new pg.Pool({ ...server.direct, max: CALLS_AT_A_TIME, application_name: 'people' });
  db.on('error', () => {});
  const consumers = makeConsumers();
  const world = { random, server, gateways, consumers, db, tools, client, dir };
  const wrong = [];

  const counts = await live(world, seconds, wrong);
  await db.query("SELECT presence.presence_connect('last', 'last')").catch(() => {});
  wrong.push(...await compare(world));
  counts.compared = world.compared;

  for (const consumer of consumers) await consumer.stop();
  for (const [name, one] of Object.entries(gateways)) {
    if (one.endedByItself !== undefined) wrong.push(`the gateway for ${name} ended by itself: ${one.endedByItself}`);
    await one.stop();
  }
  await db.end();
  await server.stop();
  for (const consumer of consumers)
    wrong.push(...consumer.complaints().map((what) => `${describe(consumer)}: ${what}`));
  wrong.push(...server.crashes());
  if (wrong.length === 0) rmSync(dir, { recursive: true });
  else say(`logs are in ${dir}`);
  return { wrong, counts };
}

function makeConsumers() {
  const channelsOf = (i) => [GLOBAL, CHANNELS[i % 3], CHANNELS[(i + 1) % 3]];
  const consumers = [];
  for (let i = 0; i < OF_EACH_KIND; i++) {
    consumers.push(new TailConsumer(`tail-${i}`, channelsOf(i)));
    consumers.push(new PollingConsumer(`poll-${i}`, channelsOf(i), {
      by: i % 3 === 2 ? 'wait' : 'events',
      way: i % 3 === 0 ? 'pooled' : 'direct',
      viewer: i % 2 === 0 ? null : USERS[i],
      claims: i % 4 === 3,
    }));
    consumers.push(new BrowserConsumer(`browser-${i}`, channelsOf(i), {
      user: USERS[i], viewer: i % 2 === 0 ? USERS[i] : null, gateway: i % 2 === 0 ? 'viewers' : 'everybody',
    }));
  }
  return consumers;
}

/** Makes the calls and lets the disasters happen. A third of the consumers comes later. */
async function live(world, seconds, wrong) {
  const { random, consumers, db } = world;
  const schedule = scheduleOf(random.fork(), seconds * 1000);
  const late = random.some(consumers, OF_EACH_KIND);
  const people = new People(random.fork(), USERS);
  const begun = async (one) => {
    await one.start(world);
    one.isStarted = true;
  };
  await Promise.all(consumers.filter((one) => !late.includes(one)).map(begun));
  const begin = Date.now();
  const counts = { calls: 0, disasters: schedule.length };
  let disaster = Promise.resolve();
  const under = new Set();
  while (Date.now() - begin < seconds * 1000) {
    const passed = Date.now() - begin;
    while (schedule.length > 0 && schedule[0].at <= passed) {
      const { name, random: own } = schedule.shift();
      // One after the other, while the people go on.
      disaster = disaster.then(() => DISASTERS[name]({ ...world, random: own })).catch((error) => wrong.push(`${name}: ${error.message}`));
    }
    if (late.length > 0 && passed > (seconds * 1000 * (OF_EACH_KIND - late.length)) / OF_EACH_KIND) await begun(late.pop());
    if (under.size < CALLS_AT_A_TIME) {
      counts.calls++;
      const made = call(db, people.next()).then((error) => { if (error) wrong.push(error); }).finally(() => under.delete(made));
      under.add(made);
    }
    await sleep(1000 / CALLS_A_SECOND);
  }
  for (const one of late) await begun(one);
  await disaster;
  await Promise.all(under);
  return counts;
}

/** When nothing happens any more, compares each consumer with what is true for it. */
async function compare(world) {
  const { db } = world;
  await until('the database comes to rest', () => isQuiet(db), 60);
  let lines = [];
  for (let attempt = 0; attempt < 10; attempt++) {
    const before = await positionOf(db);
    lines = await differencesOf(world);
    if (lines.length === 0 && (await positionOf(db)) === before) return [];
    await sleep(1500);
  }
  return lines.length > 0 ? lines : ['the database does not come to rest'];
}

async function differencesOf(world) {
  const { db, consumers } = world;
  world.compared = 0;
  const viewers = [...USERS, STRANGER];
  const truths = new Map();
  const lines = [];
  for (const consumer of consumers) {
    for (const channel of consumer.channels) {
      const key = `${channel} of ${consumer.viewer ?? 'everybody'}`;
      if (!truths.has(key))
        truths.set(key, consumer.viewer === null ? await publicTruth(db, viewers, channel) : await seenBy(db, consumer.viewer, channel));
      const picture = consumer.picture(channel);
      if (!picture.position) lines.push(`${describe(consumer)}: ${channel}: knows nothing`);
      if (!picture.position || picture.isLarge) continue; // of a large channel joins are not told
      world.compared++;
      lines.push(...differences(truths.get(key), picture.members()).map((line) => `${describe(consumer)}: ${channel}: ${line}`));
    }
  }
  return lines;
}

/** Nothing new for so long that idle timeouts, leases and graces have passed. */
async function isQuiet(db) {
  const before = await positionOf(db);
  await sleep(3000);
  return before !== null && (await positionOf(db)) === before;
}

async function positionOf(db) {
  const { rows } = await db.query('SELECT epoch, seq, complete, fresh FROM presence.presence_info()').catch(() => ({ rows: [] }));
  const [info] = rows;
  return info?.complete && info.fresh ? `${info.epoch}:${info.seq}` : null;
}

function describe({ name, kind, viewer }) {
  return `${name} (${kind}, ${viewer === null ? 'what everybody may know' : `as ${viewer}`})`;
}
