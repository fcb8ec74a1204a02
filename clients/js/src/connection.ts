// One WebSocket after the other, and the session that outlives them: says hello, sends heartbeats, comes back after a loss.
//
//   closed --open()--> connecting --hello answered--> open --socket lost--> connecting (after a delay) ...
//   any --close()--> closed;   closed by the gateway with 4001 and nothing new to authenticate with --> closed
//
// Each attempt has a number. What belongs to an earlier one (a socket that closes late, an answer) is not listened to.

import { Backoff } from './backoff.js';
import { Calls, message, type Answer, type Arguments } from './calls.js';
import { Timer, type Clock } from './clock.js';
import { PresenceError } from './errors.js';
import type { Position, PresenceEvent, Snapshot, Welcome } from './types.js';

export type ConnectionState = 'connecting' | 'open' | 'closed';

/** What is used of a WebSocket, the browser's or that of the package `ws`. */
export interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(name: 'open' | 'error', handler: () => void): void;
  addEventListener(name: 'message', handler: (event: { data: unknown }) => void): void;
  addEventListener(name: 'close', handler: (event: { code: number }) => void): void;
}

export type SocketConstructor = new (url: string) => Socket;
export type UrlSource = string | (() => string | Promise<string>);

/** What the gateway says by itself. */
export type Push = { snapshot: Snapshot } | { event: PresenceEvent } | { position: Position & { channel: string } };

export interface ConnectionOptions {
  url: UrlSource;
  WebSocket: SocketConstructor;
  clock: Clock;
  backoff: Backoff;
  callTimeout: number;
  /** The arguments of `hello` besides session_id, asked for at each connection. */
  hello: () => Arguments;
}

export interface ConnectionListener {
  stateChanged(state: ConnectionState): void;
  /** Hello was answered, and no other message has been sent or received yet. */
  welcomed(welcome: Welcome): void;
  received(push: Push): void;
  unauthorized(): void;
  failed(error: Error): void;
}

/** The gateway wants to have this client authenticate again. */
const UNAUTHORIZED = 4001;
/** The database does not let this user have the session: somebody else was logged in in this tab. */
const NOT_ALLOWED = '42501';
/** A connection that has held for so long is taken for a good one: the next delay is a short one again. */
const STABLE_AFTER = 5_000;
/** Whatever the gateway asks for. */
const SHORTEST_HEARTBEAT = 1_000;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #calls: Calls;
  readonly #openingTimer: Timer;
  readonly #retryTimer: Timer;
  readonly #stableTimer: Timer;
  readonly #heartbeatTimer: Timer;
  #state: ConnectionState = 'closed';
  #attempt = 0;
  #socket: Socket | null = null;
  #sessionId: string | null;
  #address: string | null = null;
  #heartbeatEvery = 0;

  constructor(options: ConnectionOptions, listener: ConnectionListener, sessionId: string | null) {
    const { clock, callTimeout } = options;
    this.#options = options;
    this.#listener = listener;
    this.#sessionId = sessionId;
    this.#calls = new Calls(clock, callTimeout);
    this.#openingTimer = new Timer(clock, () => this.#lost());
    this.#retryTimer = new Timer(clock, () => void this.#connect());
    this.#stableTimer = new Timer(clock, () => options.backoff.reset());
    this.#heartbeatTimer = new Timer(clock, () => void this.heartbeat());
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get sessionId(): string | null {
    return this.#sessionId;
  }

  /** Where the last attempt went to. */
  get address(): string | null {
    return this.#address;
  }

  open(): void {
    if (this.#state !== 'closed') return;
    this.#setState('connecting');
    void this.#connect();
  }

  /** With a goodbye, if there is a connection. */
  close(): void {
    if (this.#state === 'open') this.post('disconnect', {});
    this.#end();
  }

  /** Without one: it has been said in another way. */
  abandon(): void {
    this.#end();
  }

  /** Does not wait any longer with the next attempt. */
  retryNow(): void {
    if (!this.#retryTimer.isSet) return;
    this.#retryTimer.clear();
    void this.#connect();
  }

  /** With an answer. While connecting, it waits for the connection. */
  call(name: string, args: Arguments): Promise<unknown> {
    if (this.#state === 'closed') return Promise.reject(new PresenceError('closed', `not connected: ${name}`));
    return this.#calls.call(name, args, this.#state === 'open' ? this.#send : undefined);
  }

  /** Without an answer, now or not at all. Returns whether it was sent. */
  post(name: string, args: Arguments): boolean {
    if (this.#state !== 'open') return false;
    this.#send(message(name, args));
    return true;
  }

  /** No answer: the connection is dead, though nobody has told. `false`: the session has ended, and begins anew. */
  async heartbeat(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#heartbeatTimer.set(this.#heartbeatEvery);
    const attempt = this.#attempt;
    const alive = await this.#calls.call('heartbeat', {}, this.#send).catch((error: PresenceError) => !error.isTransient);
    if (attempt === this.#attempt && alive === false) this.#lost();
  }

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#openingTimer.set(this.#options.callTimeout);
    try {
      const { url } = this.#options;
      const address = typeof url === 'string' ? url : await url();
      if (attempt !== this.#attempt) return;
      this.#address = address;
      this.#listen(new this.#options.WebSocket(address));
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.#listener.failed(error as Error);
      this.#lost();
    }
  }

  #listen(socket: Socket): void {
    const attempt = this.#attempt;
    const current = () => attempt === this.#attempt;
    this.#socket = socket;
    socket.addEventListener('open', () => current() && void this.#hello());
    socket.addEventListener('message', ({ data }) => current() && this.#received(data));
    socket.addEventListener('close', ({ code }) => current() && this.#closed(code));
    // A close should follow, but does not everywhere (Node 20, when nobody listens there).
    socket.addEventListener('error', () => current() && this.#lost());
  }

  async #hello(): Promise<void> {
    const attempt = this.#attempt;
    const args = { session_id: this.#sessionId, ...this.#options.hello() };
    try {
      const welcome = (await this.#calls.call('hello', args, this.#send)) as Welcome;
      if (attempt === this.#attempt) this.#welcomed(welcome);
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if ((error as PresenceError).code === NOT_ALLOWED && this.#sessionId) this.#sessionId = null;
      else this.#listener.failed(error as Error);
      this.#lost();
    }
  }

  #welcomed(welcome: Welcome): void {
    this.#openingTimer.clear();
    this.#sessionId = welcome.session_id;
    this.#heartbeatEvery = Math.max(welcome.heartbeat_every || 0, SHORTEST_HEARTBEAT);
    this.#heartbeatTimer.set(this.#heartbeatEvery);
    this.#stableTimer.set(STABLE_AFTER);
    this.#state = 'open';
    this.#listener.welcomed(welcome);
    this.#calls.flush(this.#send);
    this.#listener.stateChanged('open');
  }

  #received(data: unknown): void {
    const parsed = parse(data);
    if (!parsed) return;
    if ('ref' in parsed) this.#calls.answered(parsed);
    else this.#listener.received(parsed);
  }

  #closed(code: number): void {
    if (code !== UNAUTHORIZED) return this.#lost();
    this.#listener.unauthorized();
    // A fixed address would be refused again and again.
    if (typeof this.#options.url === 'string') this.#end();
    else this.#lost();
  }

  #lost(): void {
    if (this.#state === 'closed') return;
    this.#dropSocket();
    this.#calls.connectionLost();
    this.#retryTimer.set(this.#options.backoff.next());
    this.#setState('connecting');
  }

  #end(): void {
    this.#dropSocket();
    this.#retryTimer.clear();
    this.#calls.end();
    this.#options.backoff.reset();
    this.#setState('closed');
  }

  #dropSocket(): void {
    this.#attempt++;
    for (const timer of [this.#openingTimer, this.#heartbeatTimer, this.#stableTimer]) timer.clear();
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #setState(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.stateChanged(state);
  }

  readonly #send = (text: string): void => this.#socket?.send(text);
}

function parse(data: unknown): Answer | Push | null {
  if (typeof data !== 'string') return null;
  try {
    const parsed: unknown = JSON.parse(data);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Answer | Push) : null;
  } catch {
    return null;
  }
}
