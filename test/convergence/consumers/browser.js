// A consumer in a browser: the JS client over a WebSocket to a gateway. It is a user itself, and a member of rooms.

import { pathToFileURL } from 'node:url';
import WebSocket from 'ws';
import { Tally } from '../tally.js';
import { memberOf } from '../truth.js';
import { Stream } from './stream.js';

// How a WebSocket ends without a word; the client says one when its session is not known any more.
const ABNORMAL = 1006;

export class BrowserConsumer {
  kind = 'JS client';
  family = 'browsers';
  tally = new Tally();
  #client;
  #socket = null;
  #positions = new Map();
  #complaints = [];

  /** `viewer`: the user who it is, if the gateway shows to each what it may see; `user`: who it is in any case. */
  constructor(name, channels, { user, viewer, gateway }) {
    Object.assign(this, { name, channels, user, viewer, gateway });
  }

  async start({ client, gateways }) {
    const { PresenceClient } = await import(pathToFileURL(client));
    const url = `ws://127.0.0.1:${gateways[this.gateway].port}/presence?user_id=${this.user}&name=${this.user}`;
    this.#client = new PresenceClient({
      url, WebSocket: this.#sockets(), page: null, reconnectBase: 100, reconnectMax: 1000, callTimeout: 5000,
    });
    this.#client.on('error', (error) => this.#failed(error));
    this.#client.connect().catch(() => {});
    for (const channel of this.channels) {
      const subscribed = this.#client.channel(channel);
      subscribed.on('error', (error) => this.#failed(error));
      subscribed.subscribe().catch((error) => this.#failed(error));
    }
  }

  /** Cuts its connection without a word. */
  cut() {
    this.#socket?.terminate();
  }

  picture(channel) {
    const { users, typists, occupancy, position } = this.#client.channel(channel);
    return {
      position,
      isLarge: occupancy.large,
      members: () => ({
        users: new Map([...users].map(([id, user]) => [id, memberOf({ ...user, typing: typists.has(id) })])),
        typists: new Set(typists.keys()),
      }),
    };
  }

  complaints() {
    return this.#complaints;
  }

  async stop() {
    this.#client.disconnect();
  }

  /** WebSockets that can be cut, and whose messages are followed. */
  #sockets() {
    const opened = (socket) => {
      this.#socket = socket;
      const stream = new Stream(this.tally, (what) => this.#complaints.push(what));
      socket.on('open', () => socket.on('close', (code) => { if (code === ABNORMAL) this.tally.cuts++; }));
      socket.on('message', (data) => {
        stream.received(data);
        // After the client has dealt with it.
        setImmediate(() => this.#checkOrder());
      });
      return stream;
    };
    return class extends WebSocket {
      #stream;

      constructor(address) {
        super(address);
        this.#stream = opened(this);
      }

      send(text) {
        this.#stream.sent(text);
        super.send(text);
      }
    };
  }

  /** What the client makes of it: no event moves the position of its channel back. */
  #checkOrder() {
    for (const channel of this.channels) {
      const now = this.#client.channel(channel).position;
      const before = this.#positions.get(channel);
      if (before && now?.epoch === before.epoch && now.seq < before.seq)
        this.#complaints.push(`${channel}: position ${now.seq} after ${before.seq}`);
      if (now) this.#positions.set(channel, now);
    }
  }

  #failed(error) {
    if (error.code === 'XX000' || !error.code) this.#complaints.push(`${error.code} ${error.message}`);
  }
}
