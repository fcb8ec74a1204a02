// The comparison: what each consumer knows of each of its channels, beside what is true for it.

import { CHANNELS, joinInDroves, leaveInDroves } from './people.js';
import { differences, largeChannels, publicTruth, seenBy } from './truth.js';
import { sleep, until } from './wait.js';

const STRANGER = 'stranger';

/** People come to a channel until it is large. */
export async function makeLarge(db, channel, users) {
  await until(`${channel} is large`, async () => {
    await joinInDroves(db, users, channel);
    return (await largeChannels(db, CHANNELS)).includes(channel);
  });
}

/**
 * Members leave until no channel is large: that a channel is one no longer must reach everybody, and of a large one joins
 * are not told, so that there would be nothing to compare. Returns how many were large.
 */
export async function endLargeChannels(db) {
  const ended = new Set();
  await until('the end of all large channels', async () => {
    const large = await largeChannels(db, CHANNELS);
    for (const channel of large) {
      ended.add(channel);
      await leaveInDroves(db, channel);
    }
    return large.length === 0;
  });
  return ended.size;
}

/**
 * When nothing happens any more, compares each consumer with what is true for it. Returns what is wrong, as lines, and how
 * many maps were compared.
 */
export async function compare({ db, consumers, users }) {
  await until('the database comes to rest', () => isQuiet(db), 60);
  let result;
  for (let attempt = 0; attempt < 10; attempt++) {
    const before = await positionOf(db);
    result = await compareAll(db, consumers, users);
    if (result.wrong.length === 0 && (await positionOf(db)) === before) return result;
    await sleep(1500);
  }
  if (result.wrong.length === 0) result.wrong.push('the database does not come to rest');
  return result;
}

export function describe({ name, kind, viewer }) {
  return `${name} (${kind}, ${viewer === null ? 'what everybody may know' : `as ${viewer}`})`;
}

async function compareAll(db, consumers, users) {
  const viewers = [...users, STRANGER];
  const large = await largeChannels(db, CHANNELS);
  const truths = new Map();
  const truthFor = async (viewer, channel) => {
    const key = `${channel} of ${viewer ?? 'everybody'}`;
    if (!truths.has(key))
      truths.set(key, viewer === null ? await publicTruth(db, viewers, channel) : await seenBy(db, viewer, channel));
    return truths.get(key);
  };
  const wrong = [];
  let compared = 0;
  for (const consumer of consumers) {
    for (const channel of consumer.channels) {
      const picture = consumer.picture(channel);
      const differs = (what) => wrong.push(`${describe(consumer)}: ${channel}: ${what}`);
      if (!picture.position) {
        differs('knows nothing');
        continue;
      }
      const isLarge = large.includes(channel);
      if (picture.isLarge !== isLarge) differs(`large is ${isLarge}, known as ${picture.isLarge}`);
      differences(await truthFor(consumer.viewer, channel), picture.members()).forEach(differs);
      compared++;
    }
  }
  return { wrong, compared };
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
