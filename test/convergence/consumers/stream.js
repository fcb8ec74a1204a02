// What goes over one WebSocket, before the client leaves out what it knows: in one subscription nothing may come twice or
// out of order.

import { Progress } from '../progress.js';

export class Stream {
  #tally;
  #complain;
  #subscriptions = new Map();

  constructor(tally, complain) {
    this.#tally = tally;
    this.#complain = complain;
  }

  /** A message to the gateway. */
  sent(text) {
    const { call, channel, epoch, seq } = JSON.parse(text);
    if (call === 'subscribe') this.#subscriptions.set(channel, this.#progressFrom(channel, epoch === null ? null : { epoch, seq }));
  }

  /** A message of the gateway. */
  received(text) {
    const { snapshot, event, position } = JSON.parse(text);
    if (snapshot) this.#tookSnapshot(snapshot);
    if (event) this.#tookEvent(event);
    if (position) this.#of(position).takePosition(position);
  }

  #tookSnapshot(snapshot) {
    const progress = this.#of(snapshot);
    this.#tally.snapshots++;
    // Nobody has asked for a snapshot: what was missed is not known any more.
    if (progress.position) this.#tally.resyncs++;
    progress.takeSnapshot(snapshot);
  }

  #tookEvent(event) {
    if (event.event === 'presence_resync') this.#tally.resyncs++;
    if (event.truncated) this.#tally.truncations++;
    this.#of(event).takeEvent(event);
  }

  #of({ channel }) {
    return this.#subscriptions.get(channel) ?? this.#progressFrom(channel, null);
  }

  #progressFrom(channel, position) {
    return new Progress((what) => this.#complain(`${channel}: the gateway sent ${what}`), position);
  }
}
