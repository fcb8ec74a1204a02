// room-view.js: the head of the room one is in, with its members, and the line that says who types.
import { makeAvatar, nameOf, updateAvatar } from './avatar.js';
import { onChange } from './changes.js';
import { make, setText } from './elements.js';
import { throttle } from './throttle.js';

const paintInterval = 200;
const mostFaces = 8;
const mostFacesNarrow = 4;
const narrow = matchMedia('(max-width: 699px)');

export class RoomView {
  #elements;
  #selfId;
  #announcer;
  #faces = new Map();
  #more = make('li', { className: 'more' });
  #stop = () => {};

  constructor(elements, selfId, announcer) {
    this.#elements = elements;
    this.#selfId = selfId;
    this.#announcer = announcer;
    elements.members.append(this.#more);
  }

  show(room, channel) {
    this.#stop();
    setText(this.#elements.title, room.title);
    const paint = throttle(() => this.#paint(channel), paintInterval);
    const stopPainting = onChange(channel, paint);
    const stopAnnouncing = channel.handle({
      onUserJoined: ({ user }) => this.#announcer.came(nameOf(user)),
      onUserLeft: ({ user }) => this.#announcer.left(nameOf(user)),
    });
    this.#stop = () => {
      stopPainting();
      stopAnnouncing();
    };
    this.#paint(channel);
  }

  #paint(channel) {
    const members = [...channel.users.values()];
    const active = members.filter((user) => user.status !== 'away').length;
    const all = channel.occupancy.members;
    setText(this.#elements.count, `${all.toLocaleString()} here, ${active.toLocaleString()} active`);
    this.#paintFaces(facesOf(members, channel.typists), all, channel.typists);
    this.#paintTyping([...channel.typists.values()].filter((typist) => typist.user_id !== this.#selfId));
  }

  #paintFaces(users, all, typists) {
    const list = this.#elements.members;
    const shown = new Set(users.map((user) => user.user_id));
    for (const [id, face] of this.#faces) {
      if (shown.has(id)) continue;
      face.remove();
      this.#faces.delete(id);
    }
    for (const user of users) {
      let face = this.#faces.get(user.user_id);
      if (!face) {
        face = make('li', {}, makeAvatar(), make('span', { className: 'visually-hidden' }));
        this.#faces.set(user.user_id, face);
        list.append(face);
      }
      const [avatar, text] = face.children;
      updateAvatar(avatar, user);
      avatar.classList.toggle('is-typing', typists.has(user.user_id));
      face.title = nameOf(user);
      setText(text, `${nameOf(user)}, ${user.status}`);
    }
    setText(this.#more, all > users.length ? `+${(all - users.length).toLocaleString()}` : '');
  }

  #paintTyping(typists) {
    const line = this.#elements.typing;
    if (typists.length === 0) {
      if (line.hasChildNodes()) line.replaceChildren();
      return;
    }
    if (!line.hasChildNodes()) {
      const dots = make('span', { className: 'typing-dots', ariaHidden: 'true' }, make('i'), make('i'), make('i'));
      line.append(dots, make('span'));
    }
    setText(line.lastChild, sentence(typists.map((typist) => typist.user_name ?? typist.user_id)));
  }
}

// Who types is shown first, then who is active; in each the order in which they came.
function facesOf(members, typists) {
  const rank = (user) => (typists.has(user.user_id) ? 0 : user.status === 'away' ? 2 : 1);
  return members.sort((a, b) => rank(a) - rank(b)).slice(0, narrow.matches ? mostFacesNarrow : mostFaces);
}

function sentence(names) {
  if (names.length === 1) return `${names[0]} is typing`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are typing`;
  return `${names[0]}, ${names[1]} and ${names.length - 2} more are typing`;
}
