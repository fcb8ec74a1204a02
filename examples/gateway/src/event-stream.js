// Server-Sent Events: one channel, to read only. What does not read is cut off; EventSource comes back by itself with the
// id of the last message.

import { Backlog } from './backlog.js';
import { Subscription } from './subscription.js';

const COMMENT = Buffer.from(':\n\n');

export class EventStream {
  #gateway;
  #response;
  #subscription;
  #backlog;
  #closed = false;

  /**
   * @param {import('./gateway.js').Gateway} gateway
   * @param {import('node:http').ServerResponse} response
   * @param {{channel: string, viewer: string | null, position: import('./position.js').Position | null}} of
   */
  constructor(gateway, response, of) {
    this.#gateway = gateway;
    this.#response = response;
    this.#backlog = new Backlog(gateway.config.maxBuffered);
    this.#subscription = new Subscription(of, {
      send: (told) => this.#write(told.block),
      resync: () => this.#subscription.restart(), // It cannot ask for a snapshot.
      fail: () => this.#failed(),
    }, gateway.catchUp);
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
      this.#end();
      if (!this.#response.headersSent) throw error;
    }
  }

  /** EventSource does not tell a dead connection from a silent one. */
  keepAlive() {
    if (this.#response.headersSent) this.#write(COMMENT);
  }

  refresh() {
    this.#subscription.refresh();
  }

  close() {
    this.#end();
    this.#response.end();
  }

  #write(block) {
    if (this.#closed) return;
    if (!this.#response.headersSent) this.#begin();
    if (!this.#backlog.admits(this.#response.writableLength, block.length)) return void this.#response.destroy();
    this.#response.write(block);
  }

  /** Before anything was sent `run` tells why. */
  #failed() {
    if (this.#response.headersSent) this.close();
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
