// Each user sees what it may see. The private channel has everything about everybody; what everybody may know goes on at
// once, and all else is a reason to ask the database for each viewer, which alone knows the rules.
//
// What is about a channel as a whole (its occupancy, a resync) is told on that channel only, to everybody.

import { GLOBAL } from './for-browsers.js';
import { eventMessage } from './messages.js';
import { misses, positionOf } from './position.js';

/** Of these events nobody but the subscribers of the channel can learn anything. */
const WITHIN_CHANNEL = new Set(['cursor_moved', 'state_changed', 'typing_start', 'typing_stop']);
/** These change who shares a channel with whom, or the rules: anything may look different, anywhere. */
const EVERYWHERE = new Set(['visibility_changed', 'user_joined', 'user_left']);

export class ViewerView {
  #channels;
  #listener;
  #privateChannel;
  /** The name that the private channel is heard on. */
  #privateName = null;
  /** How far the private channel was heard. @type {import('./position.js').Position | null} */
  #position = null;

  /**
   * @param {import('./channels.js').Channels} channels
   * @param {import('./listener.js').Listener} listener
   * @param {string} privateChannel
   */
  constructor(channels, listener, privateChannel) {
    this.#channels = channels;
    this.#listener = listener;
    this.#privateChannel = privateChannel;
  }

  viewerFor(user) {
    return user.id;
  }

  /** Whoever subscribed to the private channel would learn everything, and by leaving it make the gateway deaf. */
  isForBrowsers(channel) {
    return channel !== this.#privateChannel;
  }

  /** To be done on each new connection, before anybody asks. */
  async begin() {
    this.#position = null;
    ({ name: this.#privateName } = await this.#listener.listen(this.#privateChannel));
  }

  heard(event, name) {
    if (name === this.#privateName) this.#heardPrivately(event);
    else if (this.#channels.isOwnName(event, name)) this.#heardPublicly(event);
  }

  #heardPublicly(event) {
    if (event.user_id === undefined) hear(this.#channels.of(event.channel), event);
  }

  #heardPrivately(event) {
    const missed = this.#position !== null && misses(this.#position, event);
    this.#position = positionOf(event);
    if (missed) refresh(this.#channels.all());
    if (event.event === 'presence_resync') return this.#heardResync(event);
    if (!isForEverybody(event)) return wake(this.#whoMayLearnOf(event), event);
    // Whoever comes into a room sees whom only those in the room may see.
    if (EVERYWHERE.has(event.event)) wake(this.#channels.ofViewer(event.user_id), event);
    hear(this.#channels.of(event.channel), event);
  }

  /** Its channel is the private one, whose name is a secret. Channels on which nothing has happened yet have none of their own. */
  #heardResync(event) {
    for (const channel of this.#channels.names()) hear(this.#channels.of(channel), { ...event, channel });
  }

  #whoMayLearnOf({ event, channel }) {
    if (EVERYWHERE.has(event)) return this.#channels.all();
    if (WITHIN_CHANNEL.has(event) || channel === GLOBAL) return this.#channels.of(channel);
    return [...this.#channels.of(channel), ...this.#channels.of(GLOBAL)];
  }
}

/** Without what is not the browser's business, and without `prev`, which is of a channel that it does not hear. */
export function presentToViewer({ audience, detail, prev, ...event }) {
  return event;
}

/** `detail` is the least that anybody may know. */
function isForEverybody({ event, audience, detail }) {
  return event !== 'visibility_changed' && audience === 'everyone' && detail === 'full';
}

function hear(subscriptions, event) {
  const shown = presentToViewer(event);
  const message = eventMessage(shown);
  for (const subscription of subscriptions) subscription.hear(shown, message);
}

function wake(subscriptions, event) {
  for (const subscription of subscriptions) subscription.wake(positionOf(event));
}

function refresh(subscriptions) {
  for (const subscription of subscriptions) subscription.refresh();
}

