// What the person does on the page: counts interactions, reports them now and then, and notices when there are none.

import { Timer, type Clock } from './clock.js';

export interface ActivityOptions {
  /** Without any activity for so long the person is idle, ms. */
  idleTimeout: number;
  /** At most one report in so long, ms. */
  touchInterval: number;
}

export interface ActivityReports {
  /** `interactions` so many since the last report that went out. Returns whether this one did. */
  touch(interactions: number): boolean;
  idle(): void;
  active(): void;
}

export class ActivityTracker {
  readonly #clock: Clock;
  readonly #options: ActivityOptions;
  readonly #reports: ActivityReports;
  readonly #idleTimer: Timer;
  readonly #touchTimer: Timer;
  #lastActivity: number;
  #lastTouch = -Infinity;
  #interactions = 0;
  #idle = false;

  constructor(clock: Clock, options: ActivityOptions, reports: ActivityReports) {
    this.#clock = clock;
    this.#options = options;
    this.#reports = reports;
    this.#lastActivity = clock.now();
    this.#idleTimer = new Timer(clock, () => this.#lookForIdle());
    this.#touchTimer = new Timer(clock, () => this.report());
  }

  get isIdle(): boolean {
    return this.#idle;
  }

  start(): void {
    this.#lastActivity = this.#clock.now();
    this.#idle = false;
    this.#idleTimer.set(this.#options.idleTimeout);
  }

  stop(): void {
    this.#idleTimer.clear();
    this.#touchTimer.clear();
  }

  /** One click, key or move. Cheap: no timer is set again for it. */
  record(): void {
    this.#lastActivity = this.#clock.now();
    this.#interactions++;
    if (this.#idle) return this.#wake();
    if (this.#touchTimer.isSet) return;
    const rest = this.#lastTouch + this.#options.touchInterval - this.#lastActivity;
    if (rest <= 0) this.report();
    else this.#touchTimer.set(Math.min(rest, this.#options.touchInterval));
  }

  /** Reports what has not been reported yet. */
  report(): void {
    this.#touchTimer.clear();
    if (this.#interactions === 0 || !this.#reports.touch(this.#interactions)) return;
    this.#interactions = 0;
    this.#lastTouch = this.#clock.now();
  }

  #wake(): void {
    this.#idle = false;
    this.#idleTimer.set(this.#options.idleTimeout);
    this.#reports.active();
    this.report();
  }

  /** A timer in a sleeping laptop or a hidden tab comes late: the clock decides, not the timer. */
  #lookForIdle(): void {
    const rest = this.#lastActivity + this.#options.idleTimeout - this.#clock.now();
    if (rest > 0) return this.#idleTimer.set(Math.min(rest, this.#options.idleTimeout));
    this.#idle = true;
    this.#reports.idle();
  }
}

/** Calls `record` for each of `names` on `target`, wherever on the page it happens. Returns what ends that. */
export function listenForActivity(target: EventTarget, names: readonly string[], record: () => void): () => void {
  const options = { capture: true, passive: true };
  for (const name of names) target.addEventListener(name, record, options);
  return () => {
    for (const name of names) target.removeEventListener(name, record, options);
  };
}
