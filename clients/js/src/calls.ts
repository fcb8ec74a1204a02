// Calls that wait: for the connection to open, and for their answer. Each waits for `timeout` in all.

import type { Clock, TimerId } from './clock.js';
import { PresenceError } from './errors.js';

export type Arguments = { [key: string]: unknown };
export type Send = (text: string) => void;

export interface Answer {
  ref: number;
  result?: unknown;
  error?: { code: string; message: string; hint?: string | null };
}

interface Pending {
  readonly text: string;
  sent: boolean;
  resolve(result: unknown): void;
  reject(error: PresenceError): void;
  timer: TimerId;
}

export class Calls {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #pending = new Map<number, Pending>();
  #lastRef = 0;

  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.#timeout = timeout;
  }

  /** Sent at once with `send`, or without it by the next `flush`. */
  call(name: string, args: Arguments, send?: Send): Promise<unknown> {
    const ref = ++this.#lastRef;
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(
        () => this.#take(ref)?.reject(new PresenceError('timeout', `no answer to ${name}`)),
        this.#timeout,
      );
      const pending = { text: message(name, args, ref), sent: false, resolve, reject, timer };
      this.#pending.set(ref, pending);
      if (send) transmit(pending, send);
    });
  }

  flush(send: Send): void {
    for (const pending of this.#pending.values()) if (!pending.sent) transmit(pending, send);
  }

  answered(answer: Answer): void {
    const pending = this.#take(answer.ref);
    if (!pending) return;
    const { error } = answer;
    if (error) pending.reject(new PresenceError(error.code, error.message, error.hint ?? null));
    else pending.resolve(answer.result);
  }

  /** The connection is gone: nobody knows whether what was sent has been done. What was not sent waits on. */
  connectionLost(): void {
    this.#rejectAll((pending) => pending.sent, 'the connection was lost before the answer');
  }

  /** There will be no connection. */
  end(): void {
    this.#rejectAll(() => true, 'the connection was closed');
  }

  #rejectAll(which: (pending: Pending) => boolean, reason: string): void {
    for (const [ref, pending] of [...this.#pending])
      if (which(pending)) this.#take(ref)?.reject(new PresenceError('closed', reason));
  }

  #take(ref: number): Pending | undefined {
    const pending = this.#pending.get(ref);
    if (!pending) return undefined;
    this.#pending.delete(ref);
    this.#clock.clearTimeout(pending.timer);
    return pending;
  }
}

/** A call as it is sent; without `ref` there is no answer. */
export function message(name: string, args: Arguments, ref?: number): string {
  return JSON.stringify({ call: name, ref, ...args });
}

function transmit(pending: Pending, send: Send): void {
  pending.sent = true;
  send(pending.text);
}
