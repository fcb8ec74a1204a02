// connection.js: the client of this page, and the line that says whether it is connected.
import { PresenceClient } from 'presence-client';

// A touch costs the database next to nothing, and soon back is soon seen.
const touchInterval = 1000;

// The gateway takes who one is from the address. That is for trying it out: see its README.
export function createClient({ userId, name }) {
  const url = new URL('presence', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = new URLSearchParams({ user_id: userId, name });
  return new PresenceClient({ url: url.href, userData: { name }, touchInterval });
}

const words = { connecting: 'connecting', open: 'connected', closed: 'disconnected' };

export function showConnection(client, element) {
  for (const [state, word] of Object.entries(words)) {
    client.on(state, () => {
      element.dataset.state = state;
      element.textContent = word;
    });
  }
}
