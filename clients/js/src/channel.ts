// One channel as the application uses it: who is in it, handlers for what happens there, and one's own part in it.

import type { Clock } from './clock.js';
import type { Push } from './connection.js';
import { Emitter, type Handler } from './emitter.js';
import type { PresenceError } from './errors.js';
import type { Link } from './link.js';
import { Participation, type ParticipationOptions } from './participation.js';
import { Subscription } from './subscription.js';
import type { Change, ChangeOf, Json, Position, Typist, User, UserData } from './types.js';

export type Users = ReadonlyMap<string, User>;

export type ChannelEvents = { [T in Change['type']]: ChangeOf<T> } & {
  sync: Users;
  resync: { channel: string };
  error: PresenceError;
};

/** The guide's handlers, and more of their kind. Each gets what the handler of `on` gets. */
export interface ChannelHandlers {
  onUserStatusChanged?: Handler<ChangeOf<'status'>>;
  onUserJoined?: Handler<ChangeOf<'join'>>;
  onUserLeft?: Handler<ChangeOf<'leave'>>;
  onUserUpdated?: Handler<ChangeOf<'update'>>;
  onCursorMoved?: Handler<ChangeOf<'cursor'>>;
  onStateChanged?: Handler<ChangeOf<'state'>>;
  onTypingStart?: Handler<ChangeOf<'typing'>>;
  onTypingStop?: Handler<ChangeOf<'typing'>>;
  onOccupancy?: Handler<ChangeOf<'occupancy'>>;
  onSync?: Handler<Users>;
  onResync?: Handler<{ channel: string }>;
  onError?: Handler<PresenceError>;
}

export class Channel {
  readonly name: string;
  readonly #emitter = new Emitter<ChannelEvents>();
  readonly #subscription: Subscription;
  readonly #participation: Participation;

  constructor(name: string, link: Link, clock: Clock, options: ParticipationOptions) {
    this.name = name;
    const failed = (error: PresenceError) => this.#emitter.emit('error', error);
    this.#participation = new Participation(name, link, clock, options, failed);
    this.#subscription = new Subscription(name, link, {
      changed: (changes) => {
        for (const change of changes) this.#emitter.emit(change.type, change as never);
      },
      synced: () => this.#emitter.emit('sync', this.users),
      resyncing: () => this.#emitter.emit('resync', { channel: name }),
      failed,
    });
  }

  /** Everybody in the channel by user id; without a connection, as it was last known. */
  get users(): Users {
    return this.#subscription.view.users;
  }

  /** Who types, members or not. */
  get typists(): ReadonlyMap<string, Typist> {
    return this.#subscription.view.typists;
  }

  /** How many there are. In a `large` channel joins and leaves are not told, and `users` is not all of them. */
  get occupancy(): { members: number; large: boolean } {
    return this.#subscription.view.occupancy ?? { members: this.users.size, large: false };
  }

  /** There were too many for the snapshot: `users` is not all of them, though whoever does something comes into it. */
  get isTruncated(): boolean {
    return this.#subscription.view.isTruncated;
  }

  /** How far the channel's events are known. */
  get position(): Position | null {
    return this.#subscription.view.position;
  }

  presenceState(): Record<string, User> {
    return Object.fromEntries(this.users);
  }

  on<K extends keyof ChannelEvents>(name: K, handler: Handler<ChannelEvents[K]>): this {
    this.#emitter.on(name, handler);
    return this;
  }

  off<K extends keyof ChannelEvents>(name: K, handler: Handler<ChannelEvents[K]>): this {
    this.#emitter.off(name, handler);
    return this;
  }

  /** Adds handlers. Returns what takes them away again. */
  handle(handlers: ChannelHandlers): () => void {
    const { onTypingStart, onTypingStop } = handlers;
    const added = [
      this.#add('status', handlers.onUserStatusChanged),
      this.#add('join', handlers.onUserJoined),
      this.#add('leave', handlers.onUserLeft),
      this.#add('update', handlers.onUserUpdated),
      this.#add('cursor', handlers.onCursorMoved),
      this.#add('state', handlers.onStateChanged),
      this.#add('typing', onTypingStart && ((change) => change.typing && onTypingStart(change))),
      this.#add('typing', onTypingStop && ((change) => !change.typing && onTypingStop(change))),
      this.#add('occupancy', handlers.onOccupancy),
      this.#add('sync', handlers.onSync),
      this.#add('resync', handlers.onResync),
      this.#add('error', handlers.onError),
    ];
    return () => {
      for (const remove of added) remove();
    };
  }

  /** Follows the channel from now on, reconnects included. Resolves when everybody in it is known. */
  subscribe(): Promise<void> {
    return this.#subscription.begin();
  }

  unsubscribe(): void {
    this.#subscription.end();
  }

  /** Becomes a member, or brings other user data along; again after each reconnect. */
  track(userData: UserData | null = null): Promise<void> {
    return this.#participation.join(userData);
  }

  /** Is a member no longer. */
  untrack(): Promise<void> {
    return this.#participation.leave();
  }

  /** For a member, in a document's channel. The last position is always told, after a reconnect if need be. */
  moveCursor(position: Json, selectionRange: Json = null): void {
    this.#participation.moveCursor(position, selectionRange);
  }

  /** For a member: any JSON that all see, like a raised hand. */
  setState(state: Json): void {
    this.#participation.setState(state);
  }

  /** To be called at each keystroke: tells that typing begins, goes on and, a while after the last one, ends. */
  keystroke(userName: string | null = null): void {
    this.#participation.keystroke(userName);
  }

  /** The text was sent, or thrown away. */
  stopTyping(): void {
    this.#participation.stopTyping();
  }

  /** @internal The connection is open: says again what is wanted. */
  opened(): void {
    this.#participation.opened();
    this.#subscription.opened();
  }

  /** @internal A message of the gateway about this channel. */
  received(push: Push): void {
    this.#subscription.received(push);
  }

  #add<K extends keyof ChannelEvents>(name: K, handler: Handler<ChannelEvents[K]> | undefined): () => void {
    return handler ? this.#emitter.on(name, handler) : () => {};
  }
}
