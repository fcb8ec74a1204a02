// people-list.js: everybody who is here, the active ones first, with a search.
import { makeAvatar, nameOf, updateAvatar } from './avatar.js';
import { onChange } from './changes.js';
import { make, setData, setText } from './elements.js';
import { throttle } from './throttle.js';
import { VirtualList } from './virtual-list.js';

const paintInterval = 400;
const newFor = 2500;
const order = { online: 0, busy: 1, away: 2 };
const words = { online: 'Online', busy: 'Busy', away: 'Away' };

export class PeopleList {
  #channel;
  #selfId;
  #search;
  #count;
  #list;
  #arrivals = new Map();

  constructor({ scroll, list, count, search }, channel, selfId) {
    this.#channel = channel;
    this.#selfId = selfId;
    this.#search = search;
    this.#count = count;
    this.#list = new VirtualList(scroll, list, makeRow, (row, item) => this.#updateRow(row, item.user));
    const paint = throttle(() => this.#paint(), paintInterval);
    onChange(channel, paint);
    channel.on('join', ({ user_id, reason }) => reason !== 'snapshot' && this.#arrivals.set(user_id, Date.now()));
    search.addEventListener('input', paint);
  }

  #paint() {
    const term = this.#search.value.trim().toLowerCase();
    const people = [...this.#channel.users.values()]
      .filter((user) => nameOf(user).toLowerCase().includes(term))
      .sort((a, b) => order[a.status] - order[b.status] || compare(nameOf(a), nameOf(b)) || compare(a.user_id, b.user_id));
    const all = this.#channel.users.size;
    setText(this.#count, term ? `${people.length} of ${all.toLocaleString()}` : all.toLocaleString());
    this.#list.setItems(people.map((user) => ({ key: user.user_id, user })));
    for (const [id, at] of this.#arrivals) if (Date.now() - at > newFor) this.#arrivals.delete(id);
  }

  #updateRow(row, user) {
    const [avatar, text] = row.children;
    const [name, note] = text.children;
    updateAvatar(avatar, user);
    setText(name, user.user_id === this.#selfId ? `${nameOf(user)} (you)` : nameOf(user));
    setText(note, user.status_message ? `${words[user.status]} · ${user.status_message}` : words[user.status]);
    setData(row, 'status', user.status);
    setData(row, 'userId', user.user_id);
    row.classList.toggle('is-new', this.#arrivals.has(user.user_id));
  }
}

function makeRow() {
  const text = make('span', { className: 'person-text' }, make('span', { className: 'person-name' }), make('span', { className: 'person-note' }));
  return make('li', { className: 'person' }, makeAvatar(), text);
}

// Of letters alone: thousands of localeCompare would be felt.
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
