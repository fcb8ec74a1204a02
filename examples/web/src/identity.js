// identity.js: who one is on this page. Each tab is somebody of its own, so that two tabs see each other; ?user_id= and
// ?name= say otherwise. An application has a login instead.

const adjectives = ['Brave', 'Bright', 'Calm', 'Clever', 'Gentle', 'Happy', 'Keen', 'Lucky', 'Merry', 'Quick', 'Quiet', 'Wise'];
const animals = ['Badger', 'Crane', 'Dolphin', 'Falcon', 'Fox', 'Heron', 'Lynx', 'Otter', 'Owl', 'Panda', 'Robin', 'Wren'];

const storageKey = 'presence-example.identity';

// Returns { userId, name }.
export function identity() {
  const query = new URLSearchParams(location.search);
  const known = JSON.parse(sessionStorage.getItem(storageKey)) ?? {
    userId: `guest-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`,
    name: `${oneOf(adjectives)} ${oneOf(animals)}`,
  };
  const self = { userId: query.get('user_id') ?? known.userId, name: query.get('name') ?? known.name };
  sessionStorage.setItem(storageKey, JSON.stringify(self));
  return self;
}

// The page without ?user_id= and ?name=: a new tab has an empty sessionStorage, and so somebody else.
export function linkToAnother() {
  return location.pathname;
}

function oneOf(words) {
  return words[Math.floor(Math.random() * words.length)];
}
