// This client's own part in one channel: being a member, its cursor and state, typing. What is wanted is kept, and said
// again when the connection is back: the server may have ended the session meanwhile.

import type { Clock } from './clock.js';
import { deferred, type Deferred } from './deferred.js';
import { PresenceError } from './errors.js';
import type { Link } from './link.js';
import { Throttle } from './throttle.js';
import { TypingReporter } from './typing.js';
import type { Json, UserData } from './types.js';

export interface ParticipationOptions {
  /** At most one cursor, and one state, in so long, ms. */
  cursorInterval: number;
  /** Typing that goes on is told again so often, ms. */
  typingRepeat: number;
  /** It ends so long after the last keystroke, ms. */
  typingPause: number;
}

interface Membership {
  readonly userData: UserData | null;
  readonly waiting: Deferred<void>;
  /** On this connection. */
  joined: boolean;
}

interface Cursor {
  readonly cursor_position: Json;
  readonly selection_range: Json;
  readonly clock: number;
}

const DOCUMENT = 'document_';

export class Participation {
  readonly #channel: string;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #failed: (error: PresenceError) => void;
  readonly #cursor: Throttle<Cursor>;
  readonly #state: Throttle<{ state: Json; clock: number }>;
  readonly #typing: TypingReporter;
  #membership: Membership | null = null;
  /** Left, and the server is not known to know: the session may outlive the connection and still be a member. */
  #leaving = false;
  #userName: string | null = null;
  #lastClock = 0;

  constructor(
    channel: string, link: Link, clock: Clock, options: ParticipationOptions, failed: (error: PresenceError) => void,
  ) {
    this.#channel = channel;
    this.#link = link;
    this.#clock = clock;
    this.#failed = failed;
    this.#cursor = new Throttle(clock, options.cursorInterval, (cursor) => this.#sendCursor(cursor));
    this.#state = new Throttle(clock, options.cursorInterval, (state) => this.#sendState(state));
    const typing = { repeat: options.typingRepeat, pause: options.typingPause };
    this.#typing = new TypingReporter(clock, typing, (is) => this.#sendTyping(is));
  }

  join(userData: UserData | null): Promise<void> {
    const before = this.#membership;
    const waiting = deferred<void>();
    if (before) waiting.promise.then(before.waiting.resolve, before.waiting.reject);
    this.#membership = { userData, waiting, joined: false };
    this.#leaving = false;
    if (this.#link.isOpen) void this.#join();
    return waiting.promise;
  }

  async leave(): Promise<void> {
    if (!this.#membership) return;
    this.#membership.waiting.reject(new PresenceError('closed', `left ${this.#channel}`));
    this.#dropMembership();
    this.#typing.stop();
    this.#leaving = true;
    if (this.#link.isOpen) await this.#leave();
  }

  moveCursor(position: Json, selectionRange: Json): void {
    if (!this.#channel.startsWith(DOCUMENT)) throw new TypeError(`${this.#channel} is not the channel of a document`);
    this.#cursor.push({ cursor_position: position, selection_range: selectionRange, clock: this.#tick() });
  }

  setState(state: Json): void {
    this.#state.push({ state, clock: this.#tick() });
  }

  keystroke(userName: string | null): void {
    this.#userName = userName;
    this.#typing.keystroke();
  }

  stopTyping(): void {
    this.#typing.stop();
  }

  opened(): void {
    if (this.#membership) void this.#join();
    if (this.#leaving) this.#leave().catch(this.#failed);
  }

  async #join(): Promise<void> {
    const membership = this.#membership;
    if (!membership) return;
    membership.joined = false;
    try {
      await this.#link.call('join', { channel: this.#channel, user_data: membership.userData });
      if (membership === this.#membership) this.#joined(membership);
    } catch (error) {
      if (membership === this.#membership) this.#refused(error as PresenceError, membership);
    }
  }

  #joined(membership: Membership): void {
    membership.joined = true;
    membership.waiting.resolve();
    this.#cursor.flush();
    this.#state.flush();
  }

  #refused(error: PresenceError, membership: Membership): void {
    if (error.code === 'timeout' && this.#link.isOpen) return void this.#join();
    if (error.isTransient) return; // `opened` joins again.
    membership.waiting.reject(error);
    this.#dropMembership();
    this.#failed(error);
  }

  async #leave(): Promise<void> {
    try {
      await this.#link.call('leave', { channel: this.#channel });
    } catch (error) {
      if ((error as PresenceError).isTransient) return; // `opened` leaves again.
      this.#leaving = false;
      throw error;
    }
    this.#leaving = false;
  }

  #dropMembership(): void {
    this.#membership = null;
    this.#cursor.clear();
    this.#state.clear();
  }

  #sendCursor(cursor: Cursor): boolean {
    if (!this.#membership?.joined) return false;
    return this.#link.post('move_cursor', { document_id: this.#channel.slice(DOCUMENT.length), ...cursor });
  }

  #sendState(state: { state: Json; clock: number }): boolean {
    if (!this.#membership?.joined || !this.#link.isOpen) return false;
    this.#link.call('set_state', { channel: this.#channel, ...state }).catch((error: PresenceError) => {
      if (!error.isTransient) this.#failed(error);
    });
    return true;
  }

  #sendTyping(typing: boolean): void {
    this.#link.post('typing', { channel: this.#channel, typing, user_name: this.#userName });
  }

  /** Common to all clients of the member, and never back, whatever is done to the computer's clock. */
  #tick(): number {
    return (this.#lastClock = Math.max(this.#lastClock, this.#clock.now()));
  }
}
