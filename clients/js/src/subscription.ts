// Following one channel: asks for its stream, applies what comes, and asks again where something was missed.
//
// `subscribe` goes out with the position that is known. Until it is answered the gateway tells what was missed, and the answer
// says how far that reaches. What cannot be applied meanwhile was sent before what was missed, which most likely brings it
// again: there is another question only if the answer does not reach that far.

import { deferred, type Deferred } from './deferred.js';
import { PresenceError } from './errors.js';
import type { Link } from './link.js';
import type { Push } from './connection.js';
import {
  emptyView, positionOf, receiveEvent, receivePosition, receiveSnapshot, type Outcome, type View,
} from './state.js';
import type { Change, Position, PresenceEvent } from './types.js';

export interface SubscriptionListener {
  changed(changes: readonly Change[]): void;
  /** An answer came: the view is what the database knows. */
  synced(): void;
  resyncing(): void;
  failed(error: PresenceError): void;
}

interface Request {
  readonly from: Position | null;
  /** The last event that could not be applied since. */
  refused: Position | null;
  /** A `presence_resync` came since, and no snapshot after it. */
  resync: boolean;
}

export class Subscription {
  readonly #channel: string;
  readonly #link: Link;
  readonly #listener: SubscriptionListener;
  #view: View = emptyView();
  #wanted: Deferred<void> | null = null;
  #request: Request | null = null;

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

  opened(): void {
    if (this.#wanted) void this.#ask(this.#view.position);
  }

  received(push: Push): void {
    if (!this.#wanted) return;
    if ('snapshot' in push) this.#receivedSnapshot(receiveSnapshot(this.#view, push.snapshot));
    else if ('event' in push) this.#receivedEvent(receiveEvent(this.#view, push.event), push.event);
    // Before the answer, a position may be one that knows nothing of what was missed.
    else if (!this.#request) this.#askIfBehind(receivePosition(this.#view, push.position));
  }

  #receivedSnapshot(outcome: Outcome): void {
    if (outcome.verdict !== 'applied') return;
    if (this.#request) this.#request.resync = false;
    this.#tell(outcome.changes);
  }

  #receivedEvent(outcome: Outcome, event: PresenceEvent): void {
    if (outcome.verdict === 'applied') return this.#tell(outcome.changes);
    if (outcome.verdict === 'resync') this.#listener.resyncing();
    if (!this.#request) return this.#askIfBehind(outcome);
    if (outcome.verdict === 'resync') this.#request.resync = true;
    else if (isLater(event, this.#request.refused)) this.#request.refused = event;
  }

  #askIfBehind({ verdict }: Outcome): void {
    if (verdict === 'resume') void this.#ask(this.#view.position);
    if (verdict === 'resync') void this.#ask(null);
  }

  #tell(changes: readonly Change[]): void {
    if (changes.length) this.#listener.changed(changes);
    if (!this.#request && changes.some(({ type }) => type === 'join' || type === 'leave' || type === 'update'))
      this.#listener.synced();
  }

  async #ask(from: Position | null): Promise<void> {
    const request: Request = { from, refused: null, resync: false };
    this.#request = request;
    try {
      const args = { channel: this.#channel, epoch: from?.epoch ?? null, seq: from?.seq ?? null };
      const reached = (await this.#link.call('subscribe', args)) as Partial<Position>;
      if (this.#request === request) this.#answered(request, positionOf(reached.epoch, reached.seq));
    } catch (error) {
      if (this.#request === request) this.#refused(error as PresenceError);
    }
  }

  #answered(request: Request, reached: Position | null): void {
    if (request.resync) return void this.#ask(null);
    this.#request = null;
    if (reached) this.#askIfBehind(receivePosition(this.#view, reached));
    if (this.#request) return;
    const position = this.#view.position;
    if (request.refused && position && !reaches(position, request.refused, request.from))
      return void this.#ask(position);
    this.#wanted?.resolve();
    this.#listener.synced();
  }

  #refused(error: PresenceError): void {
    this.#request = null;
    if (error.code === 'timeout' && this.#link.isOpen) return void this.#ask(this.#view.position);
    if (error.isTransient) return; // `opened` asks again.
    this.#forget(error);
    this.#listener.failed(error);
  }

  #forget(error: PresenceError): void {
    this.#wanted?.reject(error);
    this.#wanted = null;
    this.#request = null;
    this.#view = emptyView();
  }
}

function isLater(position: Position, than: Position | null): boolean {
  return !than || position.epoch !== than.epoch || position.seq > than.seq;
}

/** Whether what was refused is covered. Of two epochs the newer is the one that came since the question. */
function reaches(position: Position, refused: Position, from: Position | null): boolean {
  if (position.epoch !== refused.epoch) return position.epoch !== from?.epoch;
  return position.seq >= refused.seq;
}
