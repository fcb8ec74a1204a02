// How long to wait before the next attempt: longer each time, and never for all at the same moment.

const FIRST = 100;
const LONGEST = 3_000;

export class Backoff {
  #delay = FIRST;

  next() {
    const delay = this.#delay;
    this.#delay = Math.min(2 * delay, LONGEST);
    return delay * (0.5 + Math.random() / 2);
  }

  reset() {
    this.#delay = FIRST;
  }
}
