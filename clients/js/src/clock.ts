// Time and timers as the client uses them. Tests give a clock of their own and do not wait.

export type TimerId = unknown;

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  setTimeout(run: () => void, ms: number): TimerId;
  clearTimeout(timer: TimerId): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** What is longer fires at once (24 days; the number has 31 bits). */
const LONGEST = 2 ** 31 - 1;

/** One timer that is set again and again. */
export class Timer {
  readonly #clock: Clock;
  readonly #run: () => void;
  #timer: TimerId = null;

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock;
    this.#run = run;
  }

  get isSet(): boolean {
    return this.#timer !== null;
  }

  set(ms: number): void {
    this.clear();
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null;
      this.#run();
    }, Math.min(ms, LONGEST));
  }

  clear(): void {
    if (this.#timer === null) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
