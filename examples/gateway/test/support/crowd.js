// Many browsers in a process of their own: their work must not delay, nor count as, that of the gateway. It follows
// global_presence with each, and tells its parent when all do, and at the end who missed what and how long it took.
//
// An event's status_message says when the change was begun; both processes are on one machine and have one clock.

import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

const AT_ONCE = 50;
const QUIET = 500;

let lastHeard = 0;
const parsed = new Map();

process.once('message', ({ address, clients }) => run(address, clients));

async function run(address, clients) {
  const browsers = [];
  for (let first = 0; first < clients; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, clients - first) }, (_, i) => follow(address, `client-${first + i}`));
    browsers.push(...await Promise.all(some));
  }
  while (Date.now() - lastHeard < QUIET) await sleep(QUIET); // They are told of each other.
  process.on('message', async ({ last }) => {
    if (!last) return;
    await allHeard(browsers, last);
    report(browsers, last);
  });
  process.send({ following: browsers.length });
}

/** Resolves with what it hears when it knows the beginning. */
function follow(address, user) {
  return new Promise((resolve, reject) => {
    const browser = { numbers: new Set(), delays: [], gaps: 0, position: 0 };
    const socket = new WebSocket(`ws://${address}/presence?user_id=${user}`);
    socket.on('error', reject);
    socket.on('close', () => { browser.gaps += 1; });
    socket.on('open', () => {
      socket.send('{"call": "hello"}');
      socket.send('{"call": "subscribe", "ref": 1, "channel": "global_presence"}');
    });
    socket.on('message', (data) => {
      lastHeard = Date.now();
      const message = parse(String(data));
      if (message.event) hear(browser, message.event);
      if (message.snapshot ?? message.position) browser.position = (message.snapshot ?? message.position).seq;
      if (message.error) reject(new Error(message.error.message));
      if (message.ref === 1) resolve(browser);
    });
  });
}

/** All are told the same: who parsed it a thousand times would measure itself. */
function parse(text) {
  if (text.length > 4_096) return JSON.parse(text);
  if (parsed.size > 1_000) parsed.clear();
  if (!parsed.has(text)) parsed.set(text, JSON.parse(text));
  return parsed.get(text);
}

function hear(browser, event) {
  if (event.prev > browser.position) browser.gaps += 1;
  browser.position = event.seq;
  const [number, begun] = (event.status_message ?? '').split(' ').map(Number);
  if (!begun || browser.numbers.has(number)) return;
  browser.numbers.add(number);
  browser.delays.push(Date.now() - begun);
}

/** Or a minute: who has not heard all by then has missed something. */
async function allHeard(browsers, last) {
  for (let i = 0; i < 600 && browsers.some(({ numbers }) => numbers.size < last); i++) await sleep(100);
}

function report(browsers, last) {
  const delays = browsers.flatMap((browser) => browser.delays).sort((a, b) => a - b);
  const percentile = (share) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))];
  process.send({
    missed: browsers.filter(({ numbers, gaps }) => numbers.size < last || gaps > 0).length,
    events: delays.length,
    p50: percentile(0.5),
    p99: percentile(0.99),
  }, () => process.exit());
}
