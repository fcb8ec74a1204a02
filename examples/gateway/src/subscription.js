// One browser's view of one channel, and how far it has been told: nothing twice, nothing left out, never backwards.
//
//   current --wake, gap, restart--> behind --taken by CatchUp--> asking --answered--> current
//                                     ^------------ not far enough, or resync ----------'
//
// Whoever is not current holds back what it hears; what the answer did not have follows it. So events can come at any
// time after the channel is listened to, also while a snapshot is being read.

import { CallError } from './errors.js';
import { positionMessage } from './messages.js';
import { misses, positionOf, reaches } from './position.js';

/** @typedef {import('./position.js').Position} Position */
/** @typedef {import('./messages.js').Message} Message */

/**
 * @typedef {object} Browser
 * @property {(message: Message) => void} send
 * @property {(message: Message) => void} resync what was told is not to be relied on any more; `message` says so
 * @property {() => void} fail there will be nothing more
 */

/** More than these are not held back: they are asked for again. */
const MAX_HELD = 1_000;

export class Subscription {
  #out;
  #catchUp;
  #state = 'new';
  #closed = false;
  /** Heard while not current, as { position, event, message }. */
  #held = [];
  /** Heard while asking: the answer must reach it. @type {Position | null} */
  #wanted = null;
  /** Whatever the answer says, there is another question. */
  #again = false;
  #snapshotDue;
  /** Whether the browser is told how far it is when it is current again. */
  #positionDue = false;
  /** How far the browser knows that it was told. @type {Position | null} */
  #told;
  #wasReady = false;
  #settle;

  /**
   * @param {object} of
   * @param {string} of.channel
   * @param {string | null} of.viewer whose view it is; null: what everybody may know
   * @param {Position | null} of.position to resume from; null: from a snapshot
   * @param {Browser} out
   * @param {import('./catch-up.js').CatchUp} catchUp
   */
  constructor({ channel, viewer, position }, out, catchUp) {
    this.channel = channel;
    this.viewer = viewer;
    this.position = position;
    this.#told = position;
    this.#snapshotDue = position === null;
    this.#out = out;
    this.#catchUp = catchUp;
    /** Resolves with the position when everything up to it has been told for the first time. */
    this.ready = new Promise((resolve, reject) => { this.#settle = { resolve, reject }; });
    this.ready.catch(() => {});
  }

  get wasReady() {
    return this.#wasReady;
  }

  get needsSnapshot() {
    return this.#snapshotDue;
  }

  /** Something was missed, perhaps: asks from its own position. The channel must be listened to. */
  resume() {
    if (this.#closed) return;
    this.#positionDue = true;
    this.#fallBehind();
  }

  /** The same, if it has begun. */
  refresh() {
    if (this.#state !== 'new') this.resume();
  }

  /** Begins anew, with a snapshot. */
  restart() {
    if (this.#closed) return;
    this.#snapshotDue = true;
    this.#fallBehind();
  }

  /** At `position` something happened of which only the database can tell what this viewer may know. */
  wake(position) {
    if (this.#closed || this.#state === 'new' || this.#state === 'behind') return;
    if (this.#state === 'asking') this.#wanted = position;
    else if (!reaches(this.position, position)) this.#fallBehind();
  }

  /** An event that this viewer may know. `message` is it as it goes out. */
  hear(event, message) {
    if (this.#closed || this.#state === 'new') return;
    if (this.#state !== 'current') return this.#hold(event, message);
    if (reaches(this.position, event)) return;
    if (misses(this.position, event)) {
      this.#hold(event, message);
      return this.resume();
    }
    this.#tell(event, message);
  }

  close() {
    this.#closed = true;
    this.#held = [];
    this.#catchUp.remove(this);
    this.#settle.reject(new CallError('57014', 'unsubscribed'));
  }

  // ---- for CatchUp -----------------------------------------------------------

  /** @returns {boolean} false: it is not wanted any more */
  beginAsking() {
    this.#state = 'asking';
    this.#wanted = null;
    this.#again = false;
    return !this.#closed;
  }

  takeSnapshot(position, message) {
    if (this.#closed) return;
    this.#snapshotDue = this.#again && this.#snapshotDue;
    this.#positionDue = false;
    this.#told = position;
    this.#out.send(message);
    this.#arrive(position);
  }

  /** @param {boolean} isAll whether these are all events up to the position */
  takeEvents(position, events, isAll) {
    if (this.#closed) return;
    for (const { event, message } of events) this.#tell(event, message);
    this.#again ||= !isAll;
    this.#arrive(position);
  }

  /** What was missed is not known any more, or this viewer sees other people now. */
  takeResync() {
    this.#snapshotDue = true;
    this.askAgain();
  }

  /** The database refuses to answer. */
  fail(error) {
    if (this.#closed) return;
    this.#settle.reject(error);
    this.#out.fail();
  }

  /** Nobody could be asked. */
  askAgain() {
    this.#state = 'current';
    this.#fallBehind();
  }

  // ---- mechanics -------------------------------------------------------------

  #fallBehind() {
    if (this.#closed || this.#state === 'behind') return;
    if (this.#state === 'asking') {
      this.#again = true;
      return;
    }
    this.#state = 'behind';
    this.#catchUp.add(this);
  }

  #hold(event, message) {
    if (this.#held.length >= MAX_HELD) {
      this.#held = [];
      this.#again = true;
    }
    this.#held.push({ event, message });
  }

  #tell(event, message) {
    this.position = positionOf(event);
    this.#told = this.position;
    // What a truncated event leaves out, snapshots have.
    if (event.event === 'presence_resync' || event.truncated) this.#out.resync(message);
    else this.#out.send(message);
  }

  #tellPosition() {
    this.#positionDue = false;
    this.#told = this.position;
    this.#out.send(positionMessage(this.channel, this.position));
  }

  #arrive(position) {
    this.position = position;
    this.#state = 'current';
    if (this.#again || (this.#wanted && !reaches(position, this.#wanted))) return this.#fallBehind();
    // What this viewer may not hear of was passed over; the next event must not look like the one after a gap.
    if (this.#positionDue || !reaches(this.#told, position)) this.#tellPosition();
    for (const { event, message } of this.#held.splice(0)) this.hear(event, message);
    if (this.#state !== 'current') return;
    this.#wasReady = true;
    this.#settle.resolve(this.position);
  }
}
