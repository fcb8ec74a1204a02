// A clock that stands still until it is told to go on. Timers run in the order of their time.

export class TestClock {
  #now = 1_700_000_000_000;
  #timers = new Map();
  #lastId = 0;

  now() {
    return this.#now;
  }

  setTimeout(run, ms) {
    this.#timers.set(++this.#lastId, { at: this.#now + Math.max(0, ms), run });
    return this.#lastId;
  }

  clearTimeout(id) {
    this.#timers.delete(id);
  }

  get pending() {
    return this.#timers.size;
  }

  /** Time passes; what promises do because of a timer is done before the next one. */
  async advance(ms) {
    const until = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].filter(([, { at }]) => at <= until).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!next) break;
      const [id, { at, run }] = next;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      run();
      await settled();
    }
    this.#now = until;
    await settled();
  }

  /** The computer has slept: time has passed, and no timer ran. */
  sleep(ms) {
    this.#now += ms;
  }

  /** The computer's clock is set: timers do not mind. */
  set(ms) {
    this.#now += ms;
    for (const timer of this.#timers.values()) timer.at += ms;
  }
}

/** All promises that can go on have gone on. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}
