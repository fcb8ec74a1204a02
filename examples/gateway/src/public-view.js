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

  /** Nothing but the channels themselves. */
  async begin() {}

  heard(event) {
    const subscriptions = this.#channels.of(event.channel);
    if (event.event === 'presence_resync') {
      for (const subscription of subscriptions) subscription.restart();
      return;
    }
    const message = eventMessage(event);
    for (const subscription of subscriptions) subscription.hear(event, message);
  }
}

/** As it was heard. */
export const presentPublic = (event) => event;
