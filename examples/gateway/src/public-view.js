// Everybody sees the same: what LISTEN on a channel tells, which is what everybody may know.

import { eventMessage } from './messages.js';

export class PublicView {
  #channels;

  /** @param {import('./channels.js').Channels} channels */
  constructor(channels) {
    this.#channels = channels;
  }

  viewerFor() {
    return null;
  }

  /** The special channels' names are not known here: they are refused when they are listened to. */
  isForBrowsers() {
    return true;
  }

  /** Nothing but the channels themselves. */
  async begin() {}

  heard(event, name) {
    if (!this.#channels.isOwnName(event, name)) return;
    const message = eventMessage(event);
    for (const subscription of this.#channels.of(event.channel)) subscription.hear(event, message);
  }
}

/** As it was heard. */
export const presentPublic = (event) => event;
