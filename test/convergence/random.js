// Random numbers that are the same again with the same seed.

/** A generator with what the test draws from it. mulberry32: small, and good enough to choose calls. */
export function randomOf(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(next() * n);
  const of = (list) => list[below(list.length)];
  return {
    below,
    of,
    /** A generator of its own: how much is drawn from it, and when, changes nothing here. */
    fork: () => randomOf(below(2 ** 32)),
    /** From `least` to `most`, both included. */
    between: (least, most) => least + below(most - least + 1),
    /** One of `[weight, value]`. */
    weighted(choices) {
      let left = below(choices.reduce((sum, [weight]) => sum + weight, 0));
      return choices.find(([weight]) => (left -= weight) < 0)[1];
    },
    some(list, count) {
      const rest = [...list];
      const chosen = [];
      while (chosen.length < count && rest.length > 0) chosen.push(...rest.splice(below(rest.length), 1));
      return chosen;
    },
    shuffled(list) {
      return this.some(list, list.length);
    },
  };
}
