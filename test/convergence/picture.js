// What one consumer knows of one channel, by the three lines of docs/delivery.md, "Events"; written here again so that no
// consumer is its own judge.

import { Progress } from './progress.js';
import { memberOf } from './truth.js';

export class Picture {
  isLarge = false;
  /** There was an event with `truncated`: what it left out is in a new snapshot. */
  isIncomplete = false;
  #progress;
  #users = new Map();
  #typists = new Set();

  /** `complain` is called with what came twice or out of order. */
  constructor(complain) {
    this.#progress = new Progress(complain);
  }

  get position() {
    return this.#progress.position;
  }

  applySnapshot(snapshot) {
    const { users, typing = [], large = false } = snapshot;
    this.#progress.takeSnapshot(snapshot);
    this.isLarge = large;
    this.isIncomplete = false;
    this.#users = new Map(users.map((user) => [user.user_id, { ...user }]));
    this.#typists = new Set(typing.map(({ user_id }) => user_id));
  }

  applyEvent(event) {
    this.#progress.takeEvent(event);
    this.isIncomplete ||= event.truncated === true;
    this.#change(event);
  }

  applyPosition(position) {
    this.#progress.takePosition(position);
  }

  #change(event) {
    const id = event.user_id;
    switch (event.event) {
      case 'user_joined':
      case 'user_status_changed':
      case 'user_updated':
        return event.status === 'offline' ? this.#users.delete(id) : this.#replaceKeys(id, event);
      case 'user_left':
        return this.#users.delete(id);
      case 'cursor_moved':
      case 'state_changed':
        return this.#users.has(id) && this.#replaceKeys(id, event);
      case 'typing_start':
        return this.#typists.add(id);
      case 'typing_stop':
        return this.#typists.delete(id);
      case 'channel_occupancy':
        this.isLarge = event.large;
        return undefined;
      default:
        return undefined;
    }
  }

  #replaceKeys(id, event) {
    const user = this.#users.get(id) ?? { user_id: id };
    for (const key of ['status', 'status_message', 'cursor_position', 'selection_range', 'state'])
      if (key in event) user[key] = event[key];
    if (event.user) user.user_data = event.user;
    this.#users.set(id, user);
    if (event.typing === true) this.#typists.add(id);
    if (event.typing === false) this.#typists.delete(id);
  }

  /** As truth.js has it. */
  members() {
    return {
      users: new Map([...this.#users].map(([id, user]) => [id, memberOf({ ...user, typing: this.#typists.has(id) })])),
      typists: new Set(this.#typists),
    };
  }
}
