// What consumers have been through. A round in which nothing happened to them proves nothing.

/** What happened to one consumer. */
export class Tally {
  /** Connections lost. */
  cuts = 0;
  /** What was known was to be thrown away. */
  resyncs = 0;
  snapshots = 0;
  /** Events that had no room for all. */
  truncations = 0;
}

/** The sums by a property of consumers: its values, each with a Tally. */
function talliesBy(property, consumers) {
  const sums = new Map();
  for (const consumer of consumers) {
    const value = consumer[property];
    if (!sums.has(value)) sums.set(value, new Tally());
    const sum = sums.get(value);
    for (const what of Object.keys(consumer.tally)) sum[what] += consumer.tally[what];
  }
  return sums;
}

export const talliesByKind = (consumers) => talliesBy('kind', consumers);

const TO_EACH_FAMILY = ['cuts', 'resyncs', 'snapshots'];

/** Lines about what never happened to a family of consumers, or to anybody. Not each seed cuts each few of a family. */
export function whatNeverHappened(consumers) {
  const sums = talliesBy('family', consumers);
  const lines = [...sums].flatMap(([family, sum]) => TO_EACH_FAMILY.filter((what) => sum[what] === 0).map((what) => `${family}: no ${what}`));
  if ([...sums.values()].every(({ truncations }) => truncations === 0)) lines.push('no truncations');
  return lines;
}

export function tallyLine(sums) {
  return [...sums].map(([kind, sum]) => `${kind}: ${Object.entries(sum).map(([what, count]) => `${count} ${what}`).join(', ')}`).join('; ');
}
