#!/usr/bin/env node
// What a thousand browsers cost, and how long a change takes to each of them: `npm run thousand -- --help`.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openDatabase, privateChannel } from './support/database.js';
import { Gateway } from './support/gateway.js';

const USAGE = `usage: node test/thousand.js [--clients 1000] [--seconds 20] [--rate 100] [--viewers]

Starts a gateway, opens that many WebSockets which all follow global_presence, and changes so many statuses a second.
Prints the gateway's memory per client, and the time from before a change's COMMIT to a client. Fails when a client missed a change.
The database is that of PG*; presence in it is emptied. With --viewers each client sees what its user may see.
`;

const PEOPLE = 500;

const kilobytes = (bytes, clients) => (bytes / clients / 1_024).toFixed(1);

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '100' },
    viewers: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else process.exitCode = await measure(Number(values.clients), Number(values.seconds), Number(values.rate), values.viewers ? privateChannel : '');

/** The exit code. */
async function measure(clients, seconds, rate, viewersChannel) {
  const database = await openDatabase();
  const gateway = await Gateway.start({ PRESENCE_PRIVATE_CHANNEL: viewersChannel });
  const crowd = fork(fileURLToPath(new URL('support/crowd.js', import.meta.url)));
  try {
    const begun = Date.now();
    const empty = gateway.memory();
    crowd.send({ address: gateway.address, clients });
    await once(crowd, 'message');
    const full = gateway.memory();
    const opening = Date.now() - begun;
    const changes = await change(database, seconds, rate);
    crowd.send({ last: changes });
    const [{ missed, events, p50, p99 }] = await once(crowd, 'message');

    console.log(`${clients} clients were there after ${(opening / 1_000).toFixed(1)} s`);
    console.log(`${changes} changes in ${seconds} s, ${events} deliveries`);
    console.log(`memory: ${kilobytes(full - empty, clients)} kB a client, ${kilobytes(gateway.memory() - empty, clients)} kB at the end`);
    console.log(`from before COMMIT to client: p50 ${p50} ms, p99 ${p99} ms`);
    console.log(missed === 0 ? 'nobody missed anything' : `${missed} clients missed something`);
    return missed === 0 ? 0 : 1;
  } finally {
    crowd.kill();
    await gateway.stop();
    await database.close();
  }
}

/** Changes people's statuses in turn, at an even pace; how many. */
async function change(database, seconds, rate) {
  const start = Date.now();
  const changes = seconds * rate;
  for (let number = 1; number <= changes; number++) {
    const due = start + (number - 1) * 1_000 / rate;
    if (due > Date.now()) await sleep(due - Date.now());
    await database.ask('SELECT presence_set_status($1, $2, $3)',
      [`person-${number % PEOPLE}`, number % 2 ? 'busy' : 'away', `${number} ${Date.now()}`]);
  }
  return changes;
}

