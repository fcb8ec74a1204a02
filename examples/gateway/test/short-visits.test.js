// Who comes and goes leaves nothing behind, though the gateway was busy meanwhile: with who it is, or with a database that is away.

import assert from 'node:assert/strict';
import { get } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { CatchUp } from '../src/catch-up.js';
import { readConfig } from '../src/config.js';
import { Gateway } from '../src/gateway.js';
import { Subscription } from '../src/subscription.js';
import { until } from './support/until.js';

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc');

test('a stream that is closed before it is known whose it is', async (t) => {
  let asked = 0;
  let tell;
  const told = new Promise((resolve) => { tell = resolve; });
  const gateway = new Gateway({ ...readConfig(process.env), port: 0, privateChannel: null }, async () => {
    asked++;
    await told;
    return { id: 'impatient', data: {} };
  });
  const { port } = await gateway.start();
  t.after(() => gateway.stop());
  // Not by fetch: that of node 18 may forget the signal that would end it.
  const visits = Array.from({ length: 5 }, () => get(`http://127.0.0.1:${port}/presence/events?channel=hall`).on('error', () => {}));
  await until('all are asked who they are', () => asked === 5);
  const gone = visits.map((visit) => new Promise((resolve) => { visit.on('close', resolve); }));
  for (const visit of visits) visit.destroy();
  await Promise.all(gone);
  await sleep(100); // The gateway hears of it.
  tell();
  await sleep(300);
  assert.equal(gateway.streams.size, 0);
  assert.deepEqual([...gateway.channels.names()], []);
});

test('subscriptions while nobody can be asked', async () => {
  const catchUp = new CatchUp(null, (event) => event);
  const closed = [];
  for (let i = 0; i < 1_000; i++) {
    const subscription = new Subscription({ channel: 'hall', viewer: null, position: null }, { send() {}, resync() {}, fail() {} }, catchUp);
    subscription.resume();
    subscription.close();
    closed.push(new WeakRef(subscription));
  }
  await sleep(1); // What a WeakRef was made of lives until the turn is over.
  collectGarbage();
  const left = closed.filter((one) => one.deref()).length;
  assert.ok(left < 10, `${left} of 1,000 are still there`);
});
