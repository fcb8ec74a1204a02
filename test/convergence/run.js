// The command line, and one round after the other. See --help.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { killAll } from './processes.js';
import { runRound } from './round.js';
import { tallyLine } from './tally.js';

const USAGE = `usage: node run.js [--seeds N] [--seed FIRST] [--seconds N] [--minutes N]

Sixty consumers follow a server while people come, change and go, connections are cut, gateways are killed, the server is
restarted and its event buffer runs over. After each round all of them must know exactly what is true.

  --seeds N      how many rounds (2)
  --seed N       the seed of the first (1); the others count on from it
  --seconds N    how long a round lives at least (20)
  --minutes N    rounds until so much time has passed, instead of --seeds

environment:
  PRESENCE_NORMAL   the directory above the bin of a PostgreSQL with presence installed
  PRESENCE_TOOLS    the directory of presence-tail
pgbouncer is found in the PATH; the packages of this directory and of examples/gateway are installed, and clients/js is built.
`;

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    seeds: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    minutes: { type: 'string' },
  },
});

const LINES_SHOWN = 20;
const CHARACTERS_SHOWN = 300;

async function main() {
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { PRESENCE_NORMAL, PRESENCE_TOOLS } = process.env;
  if (!PRESENCE_NORMAL || !PRESENCE_TOOLS) throw new Error('PRESENCE_NORMAL and PRESENCE_TOOLS must be set; see --help');
  const begin = Date.now();
  const isOver = options.minutes
    ? () => Date.now() - begin > Number(options.minutes) * 60_000
    : (done) => done === Number(options.seeds);
  const failed = [];
  let done = 0;
  let calls = 0;
  for (; !isOver(done); done++) {
    const seed = Number(options.seed) + done;
    const { wrong, counts, tallies } = await runRound({
      seed,
      seconds: Number(options.seconds),
      programs: `${PRESENCE_NORMAL}/bin`,
      tools: PRESENCE_TOOLS,
      gateway: fileURLToPath(new URL('../../examples/gateway/gateway.js', import.meta.url)),
      client: fileURLToPath(new URL('../../clients/js/dist/index.js', import.meta.url)),
      say,
    });
    calls += counts.calls;
    say(`${wrong.length === 0 ? 'ok' : 'not ok'} - seed ${seed}: ${counts.calls} calls, ${counts.disasters} disasters, ` +
      `${counts.large} large channels ended, ${counts.compared} maps compared; ${tallyLine(tallies)}`);
    if (wrong.length === 0) continue;
    failed.push(seed);
    for (const line of wrong.slice(0, LINES_SHOWN)) say(`    ${line.slice(0, CHARACTERS_SHOWN)}`);
    if (wrong.length > LINES_SHOWN) say(`    and ${wrong.length - LINES_SHOWN} more`);
  }
  say(`${done} seeds, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(', ')}` : ''}; ` +
    `60 consumers each, ${calls} calls, ${Math.round((Date.now() - begin) / 1000)} s`);
  return failed.length === 0 ? 0 : 1;
}

function say(text) {
  process.stdout.write(`${text}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { killAll(); process.exit(130); });
main().then((code) => { killAll(); process.exit(code); }, (error) => {
  killAll();
  say(`not ok - ${error.stack}`);
  process.exit(1);
});
