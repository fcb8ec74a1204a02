// The small parts: throttle, typing, backoff, activity, session id.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActivityTracker } from '../dist/activity.js';
import { Backoff } from '../dist/backoff.js';
import { Timer } from '../dist/clock.js';
import { Emitter } from '../dist/emitter.js';
import { leaveSessionId, takeSessionId } from '../dist/session-id.js';
import { Throttle } from '../dist/throttle.js';
import { TypingReporter } from '../dist/typing.js';
import { TestClock } from './support/clock.js';
import { testPage } from './support/page.js';

test('throttle: the first at once, then the last of each interval, and the last one always', async () => {
  const clock = new TestClock();
  const sent = [];
  const throttle = new Throttle(clock, 50, (value) => sent.push(value) > 0);
  for (let i = 0; i < 100; i++) {
    throttle.push(i);
    await clock.advance(1);
  }
  assert.deepEqual(sent, [0, 49, 99]);
  await clock.advance(1000);
  throttle.push('late');
  assert.deepEqual(sent, [0, 49, 99, 'late']);
  assert.equal(clock.pending, 0);
});

test('throttle: what could not be sent waits, replaced by what is newer', async () => {
  const clock = new TestClock();
  const sent = [];
  let open = false;
  const throttle = new Throttle(clock, 50, (value) => open && sent.push(value) > 0);
  throttle.push(1);
  throttle.push(2);
  open = true;
  throttle.flush();
  throttle.flush();
  assert.deepEqual(sent, [2]);
});

test('throttle: a clock that is set back does not silence it', async () => {
  const clock = new TestClock();
  const sent = [];
  const throttle = new Throttle(clock, 50, (value) => sent.push(value) > 0);
  throttle.push(1);
  clock.set(-3_600_000);
  throttle.push(2);
  await clock.advance(50);
  assert.deepEqual(sent, [1, 2]);
});

test('typing: told at the first key, again while it goes on, ended after a pause', async () => {
  const clock = new TestClock();
  const start = clock.now();
  const told = [];
  const typing = new TypingReporter(clock, { repeat: 2000, pause: 3000 }, (is) => told.push([clock.now() - start, is]));
  for (let i = 0; i < 50; i++) {
    typing.keystroke();
    await clock.advance(100);
  }
  await clock.advance(60_000);
  assert.deepEqual(told, [[0, true], [2000, true], [4000, true], [6000, true], [4900 + 3000, false]]);
  assert.equal(clock.pending, 0);
});

test('typing: the server, which ends it after 3 s, never sees a hole of 3 s between slow keys', async () => {
  const clock = new TestClock();
  const told = [];
  const typing = new TypingReporter(clock, { repeat: 2000, pause: 3000 }, (is) => told.push([clock.now(), is]));
  for (const wait of [1900, 2500, 2999, 1, 2700, 2000]) {
    typing.keystroke();
    await clock.advance(wait);
  }
  assert.ok(told.every(([, is]) => is));
  for (let i = 1; i < told.length; i++) assert.ok(told[i][0] - told[i - 1][0] < 3000, `${told[i][0] - told[i - 1][0]} ms`);
});

test('typing: stop ends it once, and a stop of nothing tells nothing', async () => {
  const clock = new TestClock();
  const told = [];
  const typing = new TypingReporter(clock, { repeat: 2000, pause: 3000 }, (is) => told.push(is));
  typing.stop();
  typing.keystroke();
  typing.stop();
  typing.stop();
  await clock.advance(10_000);
  assert.deepEqual(told, [true, false]);
});

test('backoff: doubles up to a maximum, anywhere below it, and begins anew', () => {
  let share = 0.999999;
  const backoff = new Backoff({ base: 500, max: 30_000, random: () => share });
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map(() => backoff.next()), [499, 999, 1999, 3999, 7999, 15999, 29999, 29999, 29999]);
  share = 0;
  assert.equal(backoff.next(), 0);
  backoff.reset();
  share = 0.5;
  assert.equal(backoff.next(), 250);
  for (let i = 0; i < 2000; i++) assert.ok(backoff.next() <= 30_000);
});

function tracker(reports = {}) {
  const clock = new TestClock();
  const start = clock.now();
  const told = [];
  const activity = new ActivityTracker(clock, { idleTimeout: 300_000, touchInterval: 10_000 }, {
    touch: (interactions) => told.push([clock.now() - start, interactions]) > 0,
    idle: () => told.push([clock.now() - start, 'idle']),
    active: () => told.push([clock.now() - start, 'active']),
    ...reports,
  });
  activity.start();
  return { clock, told, activity };
}

test('activity: one report in ten seconds, and none of the interactions is lost', async () => {
  const { clock, told, activity } = tracker();
  for (let i = 0; i < 1000; i++) {
    activity.record();
    await clock.advance(25);
  }
  await clock.advance(20_000);
  assert.deepEqual(told, [[0, 1], [10_000, 399], [20_000, 400], [30_000, 200]]);
});

test('activity: idle to the moment after the last one, once, and back with the next, at once', async () => {
  const { clock, told, activity } = tracker();
  await clock.advance(200_000);
  activity.record();
  await clock.advance(299_999);
  assert.equal(activity.isIdle, false);
  await clock.advance(1);
  assert.equal(activity.isIdle, true);
  await clock.advance(1_000_000);
  activity.record();
  assert.deepEqual(told, [[200_000, 1], [500_000, 'idle'], [1_500_000, 'active'], [1_500_000, 1]]);
  await clock.advance(300_000);
  assert.deepEqual(told.at(-1), [1_800_000, 'idle']);
});

test('activity: back from idle is told although there was a report a moment ago', async () => {
  const clock = new TestClock();
  const told = [];
  const activity = new ActivityTracker(clock, { idleTimeout: 1000, touchInterval: 10_000 }, {
    touch: () => told.push('touch') > 0, idle: () => told.push('idle'), active: () => told.push('active'),
  });
  activity.start();
  activity.record();
  await clock.advance(1500);
  activity.record();
  assert.deepEqual(told, ['touch', 'idle', 'active', 'touch']);
});

test('activity: after the sleep of a laptop the first move is told at once, idle or not', async () => {
  const { clock, told, activity } = tracker();
  activity.record();
  clock.sleep(3_600_000);
  activity.record();
  assert.deepEqual(told, [[0, 1], [3_600_000, 1]]);
  await clock.advance(1000);
  assert.equal(activity.isIdle, false);
});

test('activity: what could not be reported is reported later, all of it', async () => {
  let open = false;
  const sent = [];
  const { clock, activity } = tracker({ touch: (interactions) => open && sent.push(interactions) > 0 });
  for (let i = 0; i < 5; i++) {
    activity.record();
    await clock.advance(4000);
  }
  open = true;
  activity.report();
  assert.deepEqual(sent, [5]);
});

test('activity: stopped, it leaves no timer behind', async () => {
  const { clock, activity } = tracker();
  activity.record();
  activity.record();
  activity.stop();
  assert.equal(clock.pending, 0);
});

test('a timer longer than the system can do does not fire at once', () => {
  let longest = 0;
  const clock = { now: () => 0, setTimeout: (_run, ms) => ((longest = ms), 1), clearTimeout: () => {} };
  new Timer(clock, () => {}).set(1e12);
  assert.equal(longest, 2 ** 31 - 1);
});

test('session id: a duplicated tab finds none', () => {
  const { sessionStorage } = testPage();
  leaveSessionId(sessionStorage, 's1');
  assert.equal(takeSessionId(sessionStorage), 's1');
  assert.equal(takeSessionId(sessionStorage), null);
});

test('session id: storage that throws is like none', () => {
  const fail = () => {
    throw new Error('denied');
  };
  const storage = { getItem: fail, setItem: fail, removeItem: fail };
  assert.equal(takeSessionId(storage), null);
  leaveSessionId(storage, 's1');
});

test('emitter: a handler that throws or takes itself away does not keep others from hearing', async () => {
  const thrown = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', (error) => thrown.push(error.message));
  const emitter = new Emitter();
  const heard = [];
  const remove = emitter.on('x', () => remove());
  emitter.on('x', () => {
    throw new Error('mine');
  });
  emitter.on('x', (value) => heard.push(value));
  emitter.emit('x', 1);
  await new Promise((resolve) => setImmediate(resolve));
  for (const listener of before) process.on('uncaughtException', listener);
  assert.deepEqual([heard, thrown], [[1], ['mine']]);
});
