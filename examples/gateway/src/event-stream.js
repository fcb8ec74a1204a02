// Server-Sent Events: one channel, to read only. What does not read is cut off; EventSource comes back by itself with the
// id of the last message.

import { Subscription } from './subscription.js';

export class EventStream {
  #gateway;
  #response;
  #subscription;
  #closed = false;

  /**
   * @param {import('./gateway.js').Gateway} gateway
   * @param {import('node:http').ServerResponse} response
   * @param {{channel: string, viewer: string | null, position: import('./position.js').Position | null}} of
   */
  constructor(gateway, response, of) {
    this.#gateway = gateway;
    this.#response = response;
    this.#subscription = new Subscription(of, { send: (told) => this.#write(told.block), fail: () => {} }, gateway.catchUp);
    response.on('close', () => this.#end());
    response.on('error', () => {}); // A close follows.
  }

  /** Resolves when the stream is over; rejects, before anything was sent, when the database refuses the channel. */
  async run() {
    this.#gateway.streams.add(this);
    this.#gateway.channels.add(this.#subscription);
    try {
      await this.#subscription.ready;
    } catch (error) {
      if (!this.#response.headersSent) throw error;
    }
  }

  /** EventSource does not tell a dead connection from a silent one. */
  keepAlive() {
    if (this.#response.headersSent) this.#write(':\n\n');
  }

  tellPositions() {
    this.#subscription.tellPosition();
  }

  close() {
    this.#end();
    this.#response.end();
  }

  #write(block) {
    if (this.#closed) return;
    if (!this.#response.headersSent) this.#begin();
    if (this.#response.writableLength > this.#gateway.config.maxBuffered) return void this.#response.destroy();
    this.#response.write(block);
  }

  #begin() {
    this.#response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no', // nginx passes each message on at once.
    });
  }

  #end() {
    if (this.#closed) return;
    this.#closed = true;
    this.#gateway.streams.delete(this);
    this.#gateway.channels.remove(this.#subscription);
    this.#subscription.close();
  }
}
