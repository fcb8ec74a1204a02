// The far end of WebSockets, by hand: a test sees what the client sent, and says what the gateway answers.

import { settled } from './clock.js';

/** A constructor for the client's option `WebSocket`, and the sockets that were made with it. */
export function socketFactory() {
  const sockets = [];
  class TestSocket {
    #handlers = { open: [], message: [], close: [], error: [] };
    sent = [];
    closed = false;

    constructor(url) {
      this.url = url;
      sockets.push(this);
    }

    addEventListener(name, handler) {
      this.#handlers[name].push(handler);
    }

    send(text) {
      if (this.closed) throw new Error('sent on a closed socket');
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.closed = true;
    }

    #dispatch(name, event) {
      for (const handler of this.#handlers[name]) handler(event);
      return settled();
    }

    accept() {
      return this.#dispatch('open', {});
    }

    push(message) {
      return this.#dispatch('message', { data: typeof message === 'string' ? message : JSON.stringify(message) });
    }

    /** The gateway, or the network, ends it. */
    end(code = 1006) {
      this.closed = true;
      return this.#dispatch('close', { code });
    }

    /** It fails, and no close follows. */
    fail() {
      this.closed = true;
      return this.#dispatch('error', {});
    }

    calls(name) {
      return this.sent.filter(({ call }) => call === name);
    }

    last(name) {
      return this.calls(name).at(-1);
    }

    answer(call, result = null) {
      return this.push({ ref: call.ref, result });
    }

    refuse(call, code, message = 'no') {
      return this.push({ ref: call.ref, error: { code, message, hint: null } });
    }

    /** Opens, and answers hello. */
    async welcome(welcome = {}) {
      await this.accept();
      await this.answer(this.last('hello'), {
        user_id: 'ann', session_id: 's1', status: 'online', epoch: 'e1', seq: 10, heartbeat_every: 30_000, ...welcome,
      });
    }
  }
  return { TestSocket, sockets };
}
