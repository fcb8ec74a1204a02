// Following one channel: asks for its stream, applies what comes, and asks again where something was missed.
//
//   off --begin()--> asking --answered--> current --gap, other epoch, resync--> leaving --answered--> asking ...
//   any --connection lost--> (waits) --opened()--> asking;   any --end()--> off
//
// What comes while asking answers the question: a snapshot, or all that was missed. So that nothing else comes then, the old
// stream is unsubscribed from first, and what it still brings is left out.

import { deferred, type Deferred } from './deferred.js';
import { PresenceError } from './errors.js';
import type { Link } from './link.js';
import type { Push } from './connection.js';
import {
  emptyView, positionOf, receiveEvent, receiveMissed, receivePosition, receiveSnapshot, type Outcome, type View,
} from './state.js';
import type { Change, Position } from './types.js';

export interface SubscriptionListener {
  changed(changes: readonly Change[]): void;
  /** The view is what the database knows. */
  synced(): void;
  resyncing(): void;
  failed(error: PresenceError): void;
}

type Phase = 'off' | 'asking' | 'current' | 'leaving';

export class Subscription {
  readonly #channel: string;
  readonly #link: Link;
  readonly #listener: SubscriptionListener;
  #view: View = emptyView();
  #phase: Phase = 'off';
  /** Wanted, and who waits for it. */
  #wanted: Deferred<void> | null = null;
  /** Answers to earlier questions are not listened to. */
  #question = 0;
  /** A question that is due. `resync` is so until a snapshot has come, over lost answers and connections. */
  #owed: 'resume' | 'resync' | null = null;

  constructor(channel: string, link: Link, listener: SubscriptionListener) {
    this.#channel = channel;
    this.#link = link;
    this.#listener = listener;
  }

  get view(): Readonly<View> {
    return this.#view;
  }

  begin(): Promise<void> {
    if (!this.#wanted) {
      this.#wanted = deferred();
      if (this.#link.isOpen) void this.#ask(null);
    }
    return this.#wanted.promise;
  }

  end(): void {
    if (!this.#wanted) return;
    this.#forget(new PresenceError('closed', `unsubscribed from ${this.#channel}`));
    this.#link.post('unsubscribe', { channel: this.#channel });
  }

  /** There is a new connection: no old stream, and the position to go on from. */
  opened(): void {
    if (this.#wanted) void this.#ask(this.#from);
  }

  received(push: Push): void {
    if (this.#phase !== 'asking' && this.#phase !== 'current') return;
    const { verdict, changes } = this.#apply(push);
    if (verdict === 'applied') this.#tell(changes, 'snapshot' in push);
    if (verdict === 'resync') this.#listener.resyncing();
    if (verdict === 'resume' || verdict === 'resync') this.#owe(verdict);
  }

  #apply(push: Push): Outcome {
    if ('snapshot' in push) return receiveSnapshot(this.#view, push.snapshot);
    if ('position' in push) return receivePosition(this.#view, push.position);
    return this.#phase === 'asking' ? receiveMissed(this.#view, push.event) : receiveEvent(this.#view, push.event);
  }

  #tell(changes: readonly Change[], isSnapshot: boolean): void {
    if (isSnapshot) this.#owed = null;
    if (changes.length) this.#listener.changed(changes);
    if (this.#phase === 'current' && changes.some(({ type }) => type === 'join' || type === 'leave' || type === 'update'))
      this.#listener.synced();
  }

  #owe(what: 'resume' | 'resync'): void {
    if (this.#owed !== 'resync') this.#owed = what;
    if (this.#phase === 'current') void this.#askAgain();
  }

  get #from(): Position | null {
    return this.#owed === 'resync' ? null : this.#view.position;
  }

  async #askAgain(): Promise<void> {
    const question = ++this.#question;
    this.#phase = 'leaving';
    try {
      await this.#link.call('unsubscribe', { channel: this.#channel });
      if (question === this.#question) void this.#ask(this.#from);
    } catch (error) {
      if (question === this.#question) this.#refused(error as PresenceError);
    }
  }

  async #ask(from: Position | null): Promise<void> {
    const question = ++this.#question;
    this.#phase = 'asking';
    if (this.#owed === 'resume') this.#owed = null;
    try {
      const args = { channel: this.#channel, epoch: from?.epoch ?? null, seq: from?.seq ?? null };
      const reached = (await this.#link.call('subscribe', args)) as Partial<Position> | null;
      if (question === this.#question) this.#answered(positionOf(reached?.epoch, reached?.seq));
    } catch (error) {
      if (question === this.#question) this.#refused(error as PresenceError);
    }
  }

  #answered(reached: Position | null): void {
    if (reached && !this.#owed && receivePosition(this.#view, reached).verdict === 'resume') this.#owed = 'resume';
    if (this.#owed) return void this.#askAgain();
    this.#phase = 'current';
    this.#wanted?.resolve();
    this.#listener.synced();
  }

  #refused(error: PresenceError): void {
    if (error.code === 'timeout' && this.#link.isOpen) return void this.#askAgain();
    if (error.isTransient) return; // `opened` asks again.
    this.#forget(error);
    this.#listener.failed(error);
  }

  #forget(error: PresenceError): void {
    this.#question++;
    this.#phase = 'off';
    this.#wanted?.reject(error);
    this.#wanted = null;
    this.#owed = null;
    this.#view = emptyView();
  }
}
