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

/** The sums of each kind of consumer: its name, and a Tally. */
export function talliesByKind(consumers) {
  const sums = new Map();
  for (const { kind, tally } of consumers) {
    if (!sums.has(kind)) sums.set(kind, new Tally());
    const sum = sums.get(kind);
    for (const what of Object.keys(tally)) sum[what] += tally[what];
  }
  return sums;
}

const TO_EACH_KIND = ['cuts', 'resyncs', 'snapshots'];

/** Lines about what never happened to a kind of consumer, or to anybody. */
export function whatNeverHappened(sums) {
  const lines = [...sums].flatMap(([kind, sum]) => TO_EACH_KIND.filter((what) => sum[what] === 0).map((what) => `${kind}: no ${what}`));
  if ([...sums.values()].every(({ truncations }) => truncations === 0)) lines.push('no truncations');
  return lines;
}

export function tallyLine(sums) {
  return [...sums].map(([kind, sum]) => `${kind}: ${Object.entries(sum).map(([what, count]) => `${count} ${what}`).join(', ')}`).join('; ');
}
