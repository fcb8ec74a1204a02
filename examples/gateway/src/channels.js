// Which channels are subscribed to, by whom, and on which name each is heard. A channel is listened to from its first
// subscription to its last one, and a subscription asks for its beginning only when that is so: nothing can happen in
// between. Who begins with a snapshot is refused by that where a channel is not for browsers; of who resumes it is asked here.

import { isConnectionError } from './errors.js';
import { isForBrowsers, notForBrowsers } from './for-browsers.js';

export class Channels {
  #listener;
  #catchUp;
  /** @type {Map<string, Set<import('./subscription.js').Subscription>>} */
  #byName = new Map();
  /** @type {Map<string, Set<import('./subscription.js').Subscription>>} */
  #byViewer = new Map();
  #listening = new Map();
  /** channel → the name on which it is heard @type {Map<string, string>} */
  #names = new Map();
  /** channel → whether it is for browsers, when that was asked @type {Map<string, Promise<boolean>>} */
  #forBrowsers = new Map();

  /**
   * @param {import('./listener.js').Listener} listener
   * @param {import('./catch-up.js').CatchUp} catchUp
   */
  constructor(listener, catchUp) {
    this.#listener = listener;
    this.#catchUp = catchUp;
  }

  /** @param {import('./subscription.js').Subscription} subscription */
  async add(subscription) {
    const { channel, viewer } = subscription;
    if (!this.#byName.has(channel)) this.#listen(channel);
    insert(this.#byName, channel, subscription);
    insert(this.#byViewer, viewer, subscription);
    if (!await this.#listening.get(channel)) return;
    if (subscription.needsSnapshot || await this.#mayBeResumed(channel)) subscription.resume();
  }

  remove(subscription) {
    const { channel, viewer } = subscription;
    erase(this.#byViewer, viewer, subscription);
    erase(this.#byName, channel, subscription);
    if (this.#byName.has(channel)) return;
    this.#listening.delete(channel);
    this.#names.delete(channel);
    this.#forBrowsers.delete(channel);
    this.#listener.unlisten(channel).catch(() => {}); // A lost connection does not listen either.
  }

  names() {
    return this.#byName.keys();
  }

  of(channel) {
    return this.#byName.get(channel) ?? [];
  }

  /** Whether an event was heard on its own channel. The special channels tell it, too, under another position. */
  isOwnName({ channel }, name) {
    return this.#names.get(channel) === name;
  }

  ofViewer(viewer) {
    return this.#byViewer.get(viewer) ?? [];
  }

  *all() {
    for (const subscriptions of this.#byName.values()) yield* subscriptions;
  }

  /** The database connection is a new one, and nobody knows what has happened since the old one. */
  async listenAgain() {
    const names = [...this.#byName.keys()];
    for (const name of names) this.#listen(name);
    await Promise.all(names.map((name) => this.#listening.get(name)));
    if (!this.#listener.isReady) return; // Lost again; there will be another one.
    for (const subscription of this.all()) subscription.resume();
    this.#catchUp.resume();
  }

  /** Without a connection it is not listened to; `listenAgain` comes back to it. */
  #listen(channel) {
    const listening = this.#listener.listen(channel)
      .then((name) => this.#listens(channel, name), (error) => this.#failed(channel, error));
    this.#listening.set(channel, listening);
  }

  #listens(channel, name) {
    if (this.#byName.has(channel)) this.#names.set(channel, name); // Else it was left meanwhile.
    return true;
  }

  /** Asked once a channel, as snapshots have their price: what happens at the same time may be told twice. */
  #mayBeResumed(channel) {
    const asked = this.#forBrowsers.get(channel) ?? this.#askWhetherForBrowsers(channel);
    this.#forBrowsers.set(channel, asked);
    return asked;
  }

  async #askWhetherForBrowsers(channel) {
    try {
      const isRoom = await this.#listener.isRoom(channel);
      if (!isForBrowsers(channel, { isRoom })) throw notForBrowsers();
      return true;
    } catch (error) {
      this.#forBrowsers.delete(channel);
      return this.#failed(channel, error);
    }
  }

  #failed(channel, error) {
    if (isConnectionError(error)) return false;
    for (const subscription of this.of(channel)) subscription.fail(error);
    return false;
  }
}

function insert(map, key, subscription) {
  const set = map.get(key);
  if (set) set.add(subscription);
  else map.set(key, new Set([subscription]));
}

function erase(map, key, subscription) {
  const set = map.get(key);
  set?.delete(subscription);
  if (set?.size === 0) map.delete(key);
}
