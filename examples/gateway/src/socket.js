// A browser's WebSocket: what it says is done in its order, and what it is told is cut off when it does not read.

import { object, position, requiredText, text } from './arguments.js';
import { Backlog } from './backlog.js';
import { isCall, perform } from './calls.js';
import { CallError, describe, invalid } from './errors.js';
import { Subscription } from './subscription.js';

export const TOO_SLOW = 4000;
export const RESTARTS = 1012;
const FAILED = 1011;

/** A browser that does not wait for answers may be ahead by so many calls; what else it says waits in its socket. */
const MAX_UNANSWERED = 20;
/** Bytes that are gathered for one write. */
const MAX_GATHERED = 16_384;
/** Who reads slowly may still learn why it is cut. */
const CLOSING_TIME = 5_000;

export class Socket {
  #gateway;
  #socket;
  #user;
  #request;
  #stream;
  #gathering = false;
  #backlog;
  #sessionId = null;
  #subscriptions = new Map();
  #lastCall = Promise.resolve();
  #unanswered = 0;
  #closed = false;

  /**
   * @param {import('./gateway.js').Gateway} gateway
   * @param {import('ws').WebSocket} socket
   * @param {import('./auth.js').User} user
   * @param {{address: string, agent: string | undefined, stream: import('node:stream').Duplex}} request
   */
  constructor(gateway, socket, user, request) {
    this.#gateway = gateway;
    this.#socket = socket;
    this.#user = user;
    this.#request = request;
    this.#stream = request.stream;
    this.#backlog = new Backlog(gateway.config.maxBuffered);
    socket.on('message', (data, isBinary) => this.#received(data, isBinary));
    socket.on('close', () => this.#wasClosed());
    socket.on('error', () => {}); // A close follows.
  }

  close(code, reason) {
    if (this.#closed) return;
    this.#end();
    this.#socket.close(code, reason);
    setTimeout(() => this.#socket.terminate(), CLOSING_TIME).unref();
  }

  refresh() {
    for (const subscription of this.#subscriptions.values()) subscription.refresh();
  }

  #write(frame) {
    if (this.#closed) return;
    this.#gatherWrites();
    if (!this.#backlog.admits(this.#socket.bufferedAmount, frame.length)) return this.close(TOO_SLOW, 'too slow');
    this.#socket.send(frame, { binary: false });
  }

  /** All that is said in one turn goes to the operating system at once: the more there is to tell, the less each costs. */
  #gatherWrites() {
    if (this.#gathering) {
      // What is gathered must not look like what is not read.
      if (this.#socket.bufferedAmount < MAX_GATHERED) return;
      this.#stream.uncork();
      this.#stream.cork();
      return;
    }
    this.#gathering = true;
    this.#stream.cork();
    setImmediate(() => {
      this.#gathering = false;
      this.#stream.uncork();
    });
  }

  // ---- calls -----------------------------------------------------------------

  #received(data, isBinary) {
    if (this.#closed) return;
    if (++this.#unanswered === MAX_UNANSWERED) this.#socket.pause();
    this.#lastCall = this.#lastCall.then(() => this.#answer(data, isBinary)).finally(() => {
      if (this.#unanswered-- === MAX_UNANSWERED) this.#socket.resume();
    });
  }

  async #answer(data, isBinary) {
    if (this.#closed) return;
    let ref;
    try {
      const message = parse(data, isBinary);
      ref = message.ref;
      // Subscribing waits for the database as long as it takes. Other calls do not wait for that.
      if (message.call === 'subscribe') this.#answerLater(ref, this.#subscribe(message));
      else this.#reply(ref, { result: await this.#perform(message) });
    } catch (error) {
      this.#reply(ref, { error: describe(error) });
    }
  }

  async #answerLater(ref, result) {
    try {
      this.#reply(ref, { result: await result });
    } catch (error) {
      this.#reply(ref, { error: describe(error) });
    }
  }

  /** Errors are told even if nobody has asked: bad JSON has no ref. */
  #reply(ref, answer) {
    if (ref === undefined && !answer.error) return;
    this.#write(Buffer.from(JSON.stringify({ ref: ref ?? null, ...answer })));
  }

  async #perform(message) {
    const { call } = message;
    if (call === 'hello') return this.#hello(message);
    if (!this.#sessionId) throw new CallError('55000', `say hello before "${call}"`);
    if (call === 'unsubscribe') return this.#unsubscribe(requiredText(message, 'channel'));
    if (call === 'heartbeat') return this.#gateway.database.call('presence_heartbeat', { session_id: this.#sessionId });
    if (call === 'disconnect') return this.#gateway.sessions.goodbye(this.#sessionId);
    if (isCall(call)) return perform(this.#gateway.database, { user: this.#user, sessionId: this.#sessionId }, message);
    throw invalid(`unknown call "${call}"`);
  }

  async #hello(message) {
    if (this.#sessionId) throw new CallError('55000', 'hello was said already');
    const { id, data } = this.#user;
    const userData = { ...object(message, 'user_data'), ...data };
    const { session_id, status, epoch, seq, heartbeat_every } = await this.#gateway.sessions.connect(this, {
      user_id: id,
      session_id: text(message, 'session_id'),
      user_data: Object.keys(userData).length ? JSON.stringify(userData) : null,
      device: text(message, 'device'),
      status: text(message, 'status') ?? undefined,
      ip_address: this.#request.address,
      user_agent: this.#request.agent,
    });
    this.#sessionId = session_id;
    if (this.#closed) this.#releaseSession();
    return { user_id: id, session_id, status, epoch, seq, heartbeat_every: milliseconds(heartbeat_every) };
  }

  // ---- subscriptions ---------------------------------------------------------

  async #subscribe(message) {
    if (!this.#sessionId) throw new CallError('55000', 'say hello before "subscribe"');
    const channel = this.#gateway.channelForBrowsers(requiredText(message, 'channel'));
    const before = this.#subscriptions.get(channel);
    if (!before && this.#subscriptions.size >= this.#gateway.config.maxChannels)
      throw new CallError('54000', 'too many channels', `At most ${this.#gateway.config.maxChannels} at once.`);
    const of = { channel, viewer: this.#gateway.viewerFor(this.#user), position: position(message) };
    const out = {
      send: (told) => this.#write(told.frame),
      resync: (told) => this.#write(told.frame), // The browser subscribes again.
      fail: () => this.#subscriptionFailed(subscription),
    };
    const subscription = new Subscription(of, out, this.#gateway.catchUp);
    this.#subscriptions.set(channel, subscription);
    this.#gateway.channels.add(subscription);
    if (before) this.#drop(before);
    return { channel, ...await subscription.ready };
  }

  #unsubscribe(channel) {
    const subscription = this.#subscriptions.get(channel);
    if (!subscription) return false;
    this.#subscriptions.delete(channel);
    this.#drop(subscription);
    return true;
  }

  #drop(subscription) {
    this.#gateway.channels.remove(subscription);
    subscription.close();
  }

  /** Before its first answer that is the answer. Later the browser must not believe that it still hears of everything. */
  #subscriptionFailed(subscription) {
    this.#unsubscribe(subscription.channel);
    if (subscription.wasReady) this.close(FAILED, 'a subscription failed');
  }

  // ---- the end ---------------------------------------------------------------

  #wasClosed() {
    if (!this.#closed) this.#end();
    this.#releaseSession();
  }

  #end() {
    this.#closed = true;
    for (const channel of [...this.#subscriptions.keys()]) this.#unsubscribe(channel);
    this.#gateway.sockets.delete(this);
  }

  #releaseSession() {
    if (!this.#sessionId) return;
    this.#gateway.sessions.release(this.#sessionId, this).catch((error) => console.error('goodbye:', error.message));
  }
}

function parse(data, isBinary) {
  const message = isBinary ? undefined : parseJson(data);
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    throw invalid('a message is a JSON object in a text frame');
  if (typeof message.call !== 'string') throw invalid('"call" is missing');
  return message;
}

function parseJson(data) {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** "00:00:30" as to_jsonb writes an interval. */
function milliseconds(interval) {
  const [hours, minutes, seconds] = interval.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}
