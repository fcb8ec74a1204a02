// How long to wait before the next attempt to connect: exponential with full jitter, so that the clients of a gateway that
// went away do not all come back in the same moment.

export interface BackoffOptions {
  /** Upper end of the first delay, ms. */
  base: number;
  /** Upper end of any delay, ms. */
  max: number;
  /** A number from 0 up to 1. */
  random: () => number;
}

export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  next(): number {
    const { base, max, random } = this.#options;
    const ceiling = Math.min(max, base * 2 ** Math.min(this.#attempts++, 30));
    return Math.floor(random() * ceiling);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
