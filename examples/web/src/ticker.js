// ticker.js: what has just happened, a few lines of it. When much happens it is a sample that one can still read.
import { nameOf } from './avatar.js';
import { make } from './elements.js';

const interval = 900;
const mostLines = 3;

export class Ticker {
  #list;
  #shownAt = -Infinity;

  constructor(list, channel) {
    this.#list = list;
    channel.on('join', ({ user, reason }) => reason !== 'snapshot' && this.#add(user, 'online', 'came'));
    channel.on('leave', ({ user, reason }) => reason !== 'snapshot' && this.#add(user, 'offline', 'left'));
    channel.on('status', ({ user, status, previous_status }) => {
      if (status === 'away') this.#add(user, 'away', 'went idle');
      if (status === 'busy') this.#add(user, 'busy', 'is busy');
      if (status === 'online' && previous_status === 'away') this.#add(user, 'online', 'is back');
    });
  }

  #add(user, status, what) {
    const now = performance.now();
    if (now - this.#shownAt < interval) return;
    this.#shownAt = now;
    const text = make('span', {}, make('strong', { textContent: nameOf(user) }), ` ${what}`);
    this.#list.prepend(make('li', {}, make('i', { className: 'dot', dataset: { status } }), text));
    while (this.#list.children.length > mostLines) this.#list.lastChild.remove();
  }
}
