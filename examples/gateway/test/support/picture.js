// What a browser knows of a channel by what it was told, and what was wrong with that: by the rules of docs/delivery.md.

export class Picture {
  position = null;
  users = new Map();
  typists = new Set();
  /** Events since the beginning, for who wants to know what was heard and not only what came of it. */
  events = [];
  snapshots = 0;
  complaints = [];

  /** @param {{epoch: string, seq: number} | null} position of a resume */
  constructor(position = null) {
    this.position = position;
  }

  apply({ snapshot, event, position }) {
    if (snapshot) this.#takeSnapshot(snapshot);
    if (event) this.#takeEvent(event);
    if (position) this.#advance(position, 'position');
  }

  #takeSnapshot(snapshot) {
    this.snapshots += 1;
    if (this.position?.epoch === snapshot.epoch && this.position.seq > snapshot.seq) this.complaints.push('an older snapshot');
    this.position = { epoch: snapshot.epoch, seq: snapshot.seq };
    this.users = new Map(snapshot.users.map((user) => [user.user_id, { ...user }]));
    this.typists = new Set((snapshot.typing ?? []).map(({ user_id }) => user_id));
  }

  #takeEvent(event) {
    this.events.push(event);
    if (event.prev > this.position.seq) this.complaints.push(`a gap before ${event.seq}`);
    if (event.seq <= this.position.seq) this.complaints.push(`${event.seq} twice, or late`);
    this.#advance(event, 'event');
    this.#change(event);
  }

  #advance({ epoch, seq }, what) {
    if (epoch !== this.position.epoch || seq < this.position.seq) this.complaints.push(`${what} ${epoch}:${seq}`);
    this.position = { epoch, seq };
  }

  #change(event) {
    const { event: kind, user_id: id } = event;
    if (kind === 'typing_start') this.typists.add(id);
    else if (kind === 'typing_stop') this.typists.delete(id);
    else if (kind === 'user_left' || event.status === 'offline') this.users.delete(id);
    else if (kind.startsWith('user_')) this.#carry(id, event);
    else if (this.users.has(id)) this.#carry(id, event);
  }

  #carry(id, { status, status_message, user, cursor_position, state, typing }) {
    const known = this.users.get(id) ?? { user_id: id };
    const carried = { status, status_message, user_data: user, cursor_position, state };
    for (const [key, value] of Object.entries(carried)) if (value !== undefined) known[key] = value;
    this.users.set(id, known);
    if (typing === true) this.typists.add(id);
    if (typing === false) this.typists.delete(id);
  }
}

/** A picture or a snapshot in the form in which they are compared. */
export function outline({ users, typists, typing }) {
  const list = users instanceof Map ? [...users.values()] : users;
  return {
    users: Object.fromEntries(list.map(({ user_id, status, status_message, user_data, cursor_position, state }) => [user_id, {
      status,
      status_message: status_message || null,
      user_data: { name: null, avatar: null, ...user_data, id: user_id },
      cursor_position: cursor_position ?? null,
      state: state ?? null,
    }]).sort()),
    typists: [...(typists ?? (typing ?? []).map(({ user_id }) => user_id))].sort(),
  };
}
