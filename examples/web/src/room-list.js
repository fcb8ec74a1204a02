// room-list.js: the rooms, how many are in each, and where somebody types.
import { onChange } from './changes.js';
import { make, setText } from './elements.js';
import { throttle } from './throttle.js';

const paintInterval = 300;

export class RoomList {
  #rows = new Map();

  // `onChoose(room)` is called when the person picks one.
  constructor(list, rooms, client, onChoose) {
    for (const room of rooms) {
      const row = makeRow(room);
      const button = row.firstChild;
      const channel = client.channel(room.id);
      button.addEventListener('click', () => onChoose(room));
      onChange(channel, throttle(() => update(button, channel), paintInterval));
      void channel.subscribe();
      this.#rows.set(room, button);
      list.append(row);
    }
  }

  setCurrent(room) {
    for (const [each, button] of this.#rows) button.ariaCurrent = String(each === room);
  }
}

function makeRow(room) {
  const dots = make('span', { className: 'typing-dots', ariaHidden: 'true' }, make('i'), make('i'), make('i'));
  const button = make(
    'button',
    { type: 'button', className: 'room-link', dataset: { room: room.id } },
    make('span', { className: 'room-name', textContent: room.title }),
    dots,
    make('span', { className: 'room-size', textContent: '0' }),
    make('span', { className: 'visually-hidden', textContent: ' people' }),
  );
  return make('li', {}, button);
}

function update(button, channel) {
  setText(button.querySelector('.room-size'), channel.occupancy.members.toLocaleString());
  button.classList.toggle('is-typing', channel.typists.size > 0);
}
