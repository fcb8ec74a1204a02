// One round: a server, its consumers, the changes and disasters of one seed, and the comparison after it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { compare, describe, endLargeChannels, makeLarge } from './comparison.js';
import { BrowserConsumer } from './consumers/browser.js';
import { PollingConsumer } from './consumers/poller.js';
import { TailConsumer } from './consumers/tail.js';
import { DISASTERS, scheduleOf } from './disasters.js';
import { Gateway } from './gateway.js';
import { CHANNELS, People, call } from './people.js';
import { randomOf } from './random.js';
import { PRIVATE_CHANNEL, Server } from './server.js';
import { talliesByKind, whatNeverHappened } from './tally.js';
import { GLOBAL } from './truth.js';
import { sleep } from './wait.js';

const USERS = Array.from({ length: 30 }, (_, i) => `u${i + 1}`);
const OF_EACH_KIND = 20;
const CALLS_A_SECOND = 60;
const CALLS_AT_A_TIME = 8;
const LEAST_CALLS = 300; // also of a slow machine: fewer would not lead to all that a round must have seen

/** Runs a round. Returns what is wrong, as lines, what was done, as counts, and what happened to consumers, by kind. */
export async function runRound({ seed, seconds, programs, tools, gateway, client, say }) {
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
  const world = { server, gateways, consumers, db, tools, client, dir };
  const wrong = [];

  const counts = await live(world, randomOf(seed), seconds, wrong);
  // What comes and goes after the disasters heals whoever has lost the last event of a channel: in every second round only.
  const isHealed = seed % 2 === 0;
  if (isHealed) await makeLarge(db, CHANNELS[seed % CHANNELS.length], USERS);
  counts.large = await endLargeChannels(db);
  if (isHealed) await db.query("SELECT presence.presence_connect('last', 'last')").catch(() => {});
  const comparison = await compare({ db, consumers, users: USERS });
  wrong.push(...comparison.wrong);
  counts.compared = comparison.compared;

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
  const tallies = talliesByKind(consumers);
  wrong.push(...whatNeverHappened(consumers));
  if (wrong.length === 0) rmSync(dir, { recursive: true });
  else say(`logs are in ${dir}`);
  return { wrong, counts, tallies };
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
async function live(world, random, seconds, wrong) {
  const { consumers, db } = world;
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
  while (Date.now() - begin < seconds * 1000 || counts.calls < LEAST_CALLS) {
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
