// avatar.js: a circle in the person's colour, with initials and the dot of the status.
import { make, setData, setText } from './elements.js';

export function makeAvatar() {
  return make('span', { className: 'avatar', ariaHidden: 'true' }, make('span'), make('i', { className: 'dot' }));
}

export function updateAvatar(avatar, user) {
  const [initials, dot] = avatar.children;
  setText(initials, initialsOf(nameOf(user)));
  setData(avatar, 'status', user.status);
  setData(dot, 'status', user.status);
  avatar.style.setProperty('--hue', hueOf(user.user_id));
}

export function nameOf(user) {
  return user.name ?? user.user_id;
}

// A number of degrees, always the same for the same person.
export function hueOf(userId) {
  let hash = 0;
  for (const letter of userId) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
  // Ids that differ in their last letter only get colours that differ.
  return (Math.imul(hash, 2654435761) >>> 16) % 360;
}

function initialsOf(name) {
  const words = name.split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join('');
}
