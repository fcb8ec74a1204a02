// A browser as the gateway sees one: a WebSocket that speaks PROTOCOL.md, and remembers what it was told.

import { once } from 'node:events';
import WebSocket from 'ws';
import { Picture } from './picture.js';
import { until } from './until.js';

export class Browser {
  #socket;
  #answers = new Map();
  #lastRef = 0;
  /** Everything that it was told, as text. */
  heard = [];
  /** @type {Map<string, Picture>} */
  pictures = new Map();
  closed = null;

  /** Connected, before hello. */
  static async connect(gateway, user, name = user) {
    const browser = new Browser();
    browser.user = user;
    browser.#socket = new WebSocket(`ws://${gateway.address}/presence?user_id=${user}&name=${name}`);
    browser.#socket.on('message', (data) => browser.#received(String(data)));
    browser.#socket.on('error', () => {});
    browser.#socket.on('close', (code) => {
      browser.closed = code;
      for (const { reject } of browser.#answers.values()) reject(new Error(`closed with ${code}`));
    });
    await once(browser.#socket, 'open');
    return browser;
  }

  /** After hello, and with these channels. */
  static async open(gateway, user, channels = [], hello = {}) {
    const browser = await Browser.connect(gateway, user);
    browser.hello = await browser.call('hello', hello);
    for (const channel of channels) await browser.subscribe(channel);
    return browser;
  }

  call(call, args = {}) {
    const ref = ++this.#lastRef;
    return new Promise((resolve, reject) => {
      this.#answers.set(ref, { resolve, reject });
      this.sendText(JSON.stringify({ call, ref, ...args }));
    });
  }

  /** @param {{epoch: string, seq: number} | null} position */
  async subscribe(channel, position = null) {
    this.pictures.set(channel, new Picture(position));
    return this.call('subscribe', { channel, ...position });
  }

  sendText(text) {
    this.#socket.send(text);
  }

  sendBinary(bytes) {
    this.#socket.send(bytes);
  }

  picture(channel) {
    return this.pictures.get(channel);
  }

  /** The first event of the channel that fits. */
  hears(channel, what, fits) {
    return until(`${this.user} hears ${what} on ${channel}`, () => this.picture(channel).events.find(fits));
  }

  get complaints() {
    return [...this.pictures.values()].flatMap(({ complaints }) => complaints);
  }

  /** Does not read any more. */
  stopReading() {
    this.#socket.pause();
  }

  readAgain() {
    this.#socket.resume();
  }

  /** Reads again, and looks at nothing of it. */
  drain() {
    this.#socket.removeAllListeners('message');
    this.#socket.resume();
  }

  /** Without a goodbye. */
  cut() {
    this.#socket.terminate();
  }

  async close() {
    if (this.closed !== null) return;
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #received(text) {
    this.heard.push(text);
    const message = JSON.parse(text);
    if ('ref' in message) return this.#answered(message);
    const { channel } = message.snapshot ?? message.event ?? message.position;
    this.pictures.get(channel)?.apply(message);
  }

  #answered({ ref, result, error }) {
    const answer = this.#answers.get(ref);
    this.#answers.delete(ref);
    if (error) answer?.reject(Object.assign(new Error(error.message), error));
    else answer?.resolve(result);
  }
}
