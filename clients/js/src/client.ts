// The client: one connection, its channels, and the page that it runs in.

import { ActivityTracker, listenForActivity } from './activity.js';
import type { Arguments } from './calls.js';
import { Backoff } from './backoff.js';
import { Channel, type ChannelHandlers, type Users } from './channel.js';
import { systemClock, type Clock } from './clock.js';
import { Connection, type ConnectionState, type Push, type SocketConstructor, type UrlSource } from './connection.js';
import { deferred, type Deferred } from './deferred.js';
import { Emitter, type Handler } from './emitter.js';
import { PresenceError } from './errors.js';
import { browserPage, type Page } from './page.js';
import { leaveSessionId, takeSessionId } from './session-id.js';
import { GLOBAL } from './state.js';
import type { Status, UserData, Welcome } from './types.js';

export interface ClientOptions {
  /** Of the gateway, as ws:// or wss://, or what makes one up for each connection, with a fresh token. */
  url: UrlSource;
  /** Where there is none: Node before 22 takes that of the package `ws`. */
  WebSocket?: SocketConstructor;
  /** What others see of this user: name, avatar and anything else. */
  userData?: UserData | null;
  /** What the user is on, as `presence_sessions` shows it. */
  device?: string | null;
  /** Status of the session when it begins. */
  status?: Status | null;
  /** ms without activity until the session says that it is away. */
  idleTimeout?: number;
  /** ms between two reports of activity, at least. */
  touchInterval?: number;
  /** Names of the DOM events that are activity. */
  activityEvents?: readonly string[];
  /** With one, reports are also rows of `user_activities`. */
  activityType?: string | null;
  /** ms between two cursors, and two states, of a channel, at least. */
  cursorInterval?: number;
  /** ms until typing that goes on is told again. */
  typingRepeat?: number;
  /** ms from the last keystroke to the end of typing. */
  typingPause?: number;
  /** ms, upper end of the first delay before connecting again; it doubles with each attempt. */
  reconnectBase?: number;
  /** ms, upper end of all delays. */
  reconnectMax?: number;
  /** ms that a call, a connection attempt or a heartbeat waits for its answer. */
  callTimeout?: number;
  /** The page; null: none, so no activity, no beacon, no storage. */
  page?: Page | null;
  clock?: Clock;
  random?: () => number;
}

export type ClientEvents = { [S in ConnectionState]: ConnectionState } & {
  welcome: Welcome;
  idle: void;
  active: void;
  unauthorized: void;
  error: Error;
};

export interface StatusOptions {
  message?: string | null;
  expiresAt?: Date | string | null;
}

const DEFAULTS = {
  userData: null,
  device: null,
  status: null,
  idleTimeout: 300_000,
  touchInterval: 10_000,
  activityEvents: ['click', 'keypress', 'scroll', 'mousemove', 'touchstart'],
  activityType: null,
  cursorInterval: 50,
  typingRepeat: 2_000,
  typingPause: 3_000,
  reconnectBase: 500,
  reconnectMax: 30_000,
  callTimeout: 10_000,
} as const;

type Settings = ClientOptions & { [K in keyof typeof DEFAULTS]: NonNullable<ClientOptions[K]> | (typeof DEFAULTS)[K] };

export class PresenceClient {
  readonly #options: Settings;
  readonly #clock: Clock;
  readonly #page: Page | null;
  readonly #emitter = new Emitter<ClientEvents>();
  readonly #channels = new Map<string, Channel>();
  readonly #connection: Connection;
  readonly #activity: ActivityTracker;
  readonly #link: { readonly isOpen: boolean } & Pick<Connection, 'call' | 'post'>;
  #wanted: Deferred<Welcome> | null = null;
  #welcome: Welcome | null = null;
  #stopListening: () => void = () => {};

  constructor(options: ClientOptions) {
    const { clock = systemClock, page = browserPage(), random = Math.random } = options;
    const settings = withDefaults(options);
    this.#options = settings;
    this.#clock = clock;
    this.#page = page;
    this.#activity = new ActivityTracker(clock, settings, {
      touch: (interactions) => this.touch(this.#options.activityType, { interactions }),
      idle: () => this.#idle(),
      active: () => this.#emitter.emit('active', undefined),
    });
    this.#connection = new Connection(
      {
        url: settings.url,
        WebSocket: webSocketOf(options),
        clock,
        backoff: new Backoff({ base: settings.reconnectBase, max: settings.reconnectMax, random }),
        callTimeout: settings.callTimeout,
        hello: () => this.#hello(),
      },
      {
        stateChanged: (state) => this.#stateChanged(state),
        welcomed: (welcome) => this.#welcomed(welcome),
        received: (push) => this.#received(push),
        unauthorized: () => this.#emitter.emit('unauthorized', undefined),
        failed: (error) => this.#emitter.emit('error', error),
      },
      takeSessionId(page?.sessionStorage ?? null),
    );
    const connection = this.#connection;
    this.#link = {
      get isOpen() {
        return connection.state === 'open';
      },
      call: (name, args) => connection.call(name, args),
      post: (name, args) => connection.post(name, args),
    };
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Who the gateway says that this is; null before the first connection. */
  get userId(): string | null {
    return this.#welcome?.user_id ?? null;
  }

  get sessionId(): string | null {
    return this.#connection.sessionId;
  }

  get isIdle(): boolean {
    return this.#activity.isIdle;
  }

  /** Everybody who is present: the users of `global_presence`, once that is subscribed to. */
  get users(): Users {
    return this.channel(GLOBAL).users;
  }

  on<K extends keyof ClientEvents>(name: K, handler: Handler<ClientEvents[K]>): this {
    this.#emitter.on(name, handler);
    return this;
  }

  off<K extends keyof ClientEvents>(name: K, handler: Handler<ClientEvents[K]>): this {
    this.#emitter.off(name, handler);
    return this;
  }

  /** Connects, and stays connected. Resolves at the first success. */
  connect(): Promise<Welcome> {
    if (!this.#wanted) {
      this.#wanted = deferred();
      this.#listenToPage();
      this.#connection.open();
    }
    return this.#wanted.promise;
  }

  /** Says goodbye; the session ends after the grace of the database. */
  disconnect(): void {
    this.#connection.close();
  }

  /** The channel of this name, always the same object. */
  channel(name: string): Channel {
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = new Channel(name, this.#link, this.#clock, this.#options);
      this.#channels.set(name, channel);
    }
    return channel;
  }

  /** The channel of a document. */
  document(id: string | number): Channel {
    return this.channel(`document_${id}`);
  }

  /** Adds handlers and follows the channel. */
  subscribe(name: string, handlers: ChannelHandlers = {}): Channel {
    const channel = this.channel(name);
    channel.handle(handlers);
    void channel.subscribe();
    return channel;
  }

  setStatus(status: Status, { message = null, expiresAt = null }: StatusOptions = {}): Promise<unknown> {
    return this.#connection.call('set_status', { status, status_message: message, expires_at: moment(expiresAt) });
  }

  setMessage(message: string | null, { expiresAt = null }: Pick<StatusOptions, 'expiresAt'> = {}): Promise<unknown> {
    return this.#connection.call('set_message', { status_message: message, expires_at: moment(expiresAt) });
  }

  clearStatus(): Promise<unknown> {
    return this.#connection.call('clear_status', {});
  }

  setVisibility(audience: string, detail = 'full', channel: string | null = null): Promise<unknown> {
    return this.#connection.call('set_visibility', { audience, detail, channel });
  }

  /** The person did something. Returns whether that could be said. */
  touch(activityType: string | null = null, { pageUrl = this.#page?.path() ?? null, interactions = 1 } = {}): boolean {
    return this.#connection.post('touch', { activity_type: activityType, page_url: pageUrl, interactions });
  }

  /** One interaction that the client does not notice by itself; reported as all others are. */
  recordActivity(): void {
    this.#activity.record();
  }

  #hello(): Arguments {
    const { userData, device, status } = this.#options;
    return { user_data: userData, device, status: this.#activity.isIdle ? 'away' : status };
  }

  #welcomed(welcome: Welcome): void {
    this.#welcome = welcome;
    for (const channel of this.#channels.values()) channel.opened();
    // To join is an activity, but not one of the person.
    if (this.#activity.isIdle) this.#sayAway();
    else this.#activity.report();
    this.#emitter.emit('welcome', welcome);
    this.#wanted?.resolve(welcome);
  }

  #received(push: Push): void {
    const about = 'snapshot' in push ? push.snapshot : 'event' in push ? push.event : push.position;
    if (about) this.#channels.get(about.channel)?.received(push);
  }

  #stateChanged(state: ConnectionState): void {
    if (state === 'closed') this.#ended();
    this.#emitter.emit(state, state);
  }

  #ended(): void {
    this.#activity.stop();
    this.#stopListening();
    this.#wanted?.reject(new PresenceError('closed', 'the connection was closed'));
    this.#wanted = null;
  }

  #idle(): void {
    this.#sayAway();
    this.#emitter.emit('idle', undefined);
  }

  /** Of this session alone; its next touch ends it. */
  #sayAway(): void {
    this.#connection.post('set_status', { status: 'away', session_only: true });
  }

  #listenToPage(): void {
    const page = this.#page;
    if (!page) return;
    const { document, window } = page;
    const visible = () => document.visibilityState === 'visible' && this.#becameVisible();
    const online = () => this.#connection.retryNow();
    const hide = () => this.#pageHidden(page);
    const stopActivity = listenForActivity(document, this.#options.activityEvents, () => this.#activity.record());
    document.addEventListener('visibilitychange', visible);
    window.addEventListener('online', online);
    window.addEventListener('pagehide', hide);
    this.#activity.start();
    this.#stopListening = () => {
      stopActivity();
      document.removeEventListener('visibilitychange', visible);
      window.removeEventListener('online', online);
      window.removeEventListener('pagehide', hide);
    };
  }

  /** Timers of a hidden tab are late, and the connection may be dead without anybody having noticed. */
  #becameVisible(): void {
    this.#activity.record();
    this.#connection.retryNow();
    void this.#connection.heartbeat();
  }

  /** The page goes, or is put aside for the back button. The next page of this tab goes on with the session. */
  #pageHidden(page: Page): void {
    const { sessionId, address } = this.#connection;
    if (sessionId && address && page.sendBeacon(byeUrl(address), JSON.stringify({ session_id: sessionId })))
      this.#connection.abandon();
    else this.#connection.close();
    if (sessionId) leaveSessionId(page.sessionStorage, sessionId);
    page.window.addEventListener('pageshow', () => this.#pageShown(page), { once: true });
  }

  #pageShown(page: Page): void {
    takeSessionId(page.sessionStorage);
    void this.connect();
  }
}

/** An option that is there but undefined is none. */
function withDefaults(options: ClientOptions): Settings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given) } as Settings;
}

function webSocketOf({ WebSocket = globalThis.WebSocket as SocketConstructor | undefined }: ClientOptions) {
  if (!WebSocket) throw new TypeError('there is no WebSocket here: give one as an option');
  return WebSocket;
}

/** `ws://host/presence?…` has its goodbyes at `http://host/presence/bye`. */
function byeUrl(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol.replace('ws', 'http')}//${host}${pathname.replace(/\/$/, '')}/bye`;
}

function moment(time: Date | string | null): string | null {
  return time instanceof Date ? time.toISOString() : time;
}
