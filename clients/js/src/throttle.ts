// At most one value an interval: the first at once, of those in between the last one, and that one always.

import { Timer, type Clock } from './clock.js';

export class Throttle<T> {
  readonly #send: (value: T) => boolean;
  readonly #interval: number;
  readonly #clock: Clock;
  readonly #timer: Timer;
  #waiting: { value: T } | null = null;
  #sentAt = -Infinity;

  /** `send` says whether the value went out; one that did not waits for the next `flush` or `push`. */
  constructor(clock: Clock, interval: number, send: (value: T) => boolean) {
    this.#clock = clock;
    this.#interval = interval;
    this.#send = send;
    this.#timer = new Timer(clock, () => this.flush());
  }

  push(value: T): void {
    this.#waiting = { value };
    if (this.#timer.isSet) return;
    const rest = this.#sentAt + this.#interval - this.#clock.now();
    if (rest <= 0) this.flush();
    else this.#timer.set(Math.min(rest, this.#interval));
  }

  /** Sends what waits now. */
  flush(): void {
    this.#timer.clear();
    if (!this.#waiting || !this.#send(this.#waiting.value)) return;
    this.#waiting = null;
    this.#sentAt = this.#clock.now();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#timer.clear();
    this.#waiting = null;
  }
}
