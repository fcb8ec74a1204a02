// What happens to connections, processes and the server meanwhile.

import { isAway } from './people.js';

/**
 * Each disaster once at least, at random moments of the time, and more of the harmless ones. Each has its own generator:
 * when it happens, and how many it finds to choose from, changes nothing for what comes after it.
 */
export function scheduleOf(random, milliseconds) {
  const names = [...Object.keys(DISASTERS), ...Array.from({ length: 12 }, () => random.of(FREQUENT))];
  return names
    .map((name) => ({ name, at: random.below(milliseconds * 0.9), random: random.fork() }))
    .sort((a, b) => a.at - b.at);
}

const FREQUENT = ['cut database connections', 'cut WebSockets', 'burst', 'freeze presence-tail'];

/** Names and what they do with what the round has started, and a generator. */
export const DISASTERS = {
  'cut database connections': ({ db, random, consumers }) =>
    query(db, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY ($1)`,
      [random.some(consumers.map(({ name }) => name), 15)]),

  'cut WebSockets': ({ random, consumers }) => {
    for (const consumer of random.some(consumers.filter(({ cut, isStarted }) => cut && isStarted), 7)) consumer.cut();
  },

  'cut gateways\' database connections': async ({ db, random }) => {
    const pids = (await query(db, `SELECT pid FROM pg_stat_activity WHERE application_name LIKE '%gateway%' ORDER BY backend_start`))
      .map(({ pid }) => pid);
    await query(db, `SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid`, [random.some(pids, Math.ceil(0.7 * pids.length))]);
  },

  'freeze presence-tail': ({ random, consumers }) => {
    for (const consumer of random.some(consumers.filter(({ freeze, isStarted }) => freeze && isStarted), 4)) consumer.freeze(random.between(100, 1500));
  },

  // More than the event buffer holds, and more than once.
  burst: async ({ db }) => {
    await query(db, `SELECT presence.presence_touch_many(array_agg('crowd' || i)) FROM generate_series(1, 600) AS i`);
    await query(db, `SELECT count(presence.presence_logout('crowd' || i)) FROM generate_series(1, 600) AS i`);
  },

  'kill gateway': ({ random, gateways }) => random.of(Object.values(gateways)).kill(random.between(0, 1000)),
  'kill the other gateway': ({ random, gateways }) => random.of(Object.values(gateways)).kill(random.between(0, 1000)),
  'restart the server, fast': ({ server }) => server.restart('fast'),
  'restart the server, immediate': ({ server }) => server.restart('immediate'),

  'end the worker': ({ db }) =>
    query(db, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'presence worker'`),

  'say resync': ({ db }) => query(db, 'SELECT presence.presence_resync()'),
  'reset everything': ({ db }) => query(db, 'SELECT presence.presence_reset()'),
};

async function query(db, sql, values) {
  try {
    return (await db.query(sql, values)).rows;
  } catch (error) {
    if (!isAway(error)) throw error;
    return [];
  }
}
