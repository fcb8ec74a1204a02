// Tells that somebody types, from the keystrokes of an input: at the first one, again every `repeat` while they go on (the
// server ends what is not repeated), and the end when there was none for `pause`.

import { Timer, type Clock } from './clock.js';

export interface TypingOptions {
  repeat: number;
  pause: number;
}

export class TypingReporter {
  readonly #clock: Clock;
  readonly #options: TypingOptions;
  readonly #tell: (typing: boolean) => void;
  readonly #timer: Timer;
  #typing = false;
  #lastKey = 0;
  #lastTold = 0;

  constructor(clock: Clock, options: TypingOptions, tell: (typing: boolean) => void) {
    this.#clock = clock;
    this.#options = options;
    this.#tell = tell;
    this.#timer = new Timer(clock, () => this.#look());
  }

  keystroke(): void {
    this.#lastKey = this.#clock.now();
    if (!this.#typing || this.#lastKey - this.#lastTold >= this.#options.repeat) this.#tellTyping();
    this.#arm();
  }

  /** The text was sent, or thrown away. */
  stop(): void {
    this.#timer.clear();
    if (!this.#typing) return;
    this.#typing = false;
    this.#tell(false);
  }

  #look(): void {
    const now = this.#clock.now();
    if (now - this.#lastKey >= this.#options.pause) return this.stop();
    if (this.#lastKey > this.#lastTold && now - this.#lastTold >= this.#options.repeat) this.#tellTyping();
    this.#arm();
  }

  #tellTyping(): void {
    this.#typing = true;
    this.#lastTold = this.#clock.now();
    this.#tell(true);
  }

  #arm(): void {
    const { repeat, pause } = this.#options;
    const end = this.#lastKey + pause;
    const next = this.#lastKey > this.#lastTold ? Math.min(end, this.#lastTold + repeat) : end;
    this.#timer.set(Math.max(0, next - this.#clock.now()));
  }
}
