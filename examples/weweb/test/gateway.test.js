// The component against a real gateway and server: GATEWAY_URL=ws://127.0.0.1:8787/presence npm test
import { mount } from '@vue/test-utils';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import wwElement from '../src/wwElement.vue';
import { waitFor } from './wait.js';
import { createWwLib } from './wwlib.js';

const { GATEWAY_URL } = process.env;
const run = Date.now().toString(36);

function mountAs(name) {
  const wwLib = createWwLib();
  globalThis.wwLib = wwLib;
  const content = { gatewayUrl: GATEWAY_URL, userId: `${name}-${run}`, name, channel: `room-${run}` };
  const wrapper = mount(wwElement, { props: { uid: name, content }, attachTo: document.body });
  const names = () => wwLib.variables.onlineUsers.value.map((user) => `${user.name} ${user.status}${user.isCurrentUser ? ' me' : ''}`).sort();
  return { wrapper, names };
}

test.skipIf(!GATEWAY_URL)('two people see each other come, change and go', async () => {
  globalThis.WebSocket = WebSocket;
  const ann = mountAs('Ann');
  await waitFor(() => expect(ann.names()).toEqual(['Ann online me']));
  const ben = mountAs('Ben');
  await waitFor(() => expect(ben.names()).toEqual(['Ann online', 'Ben online me']));
  await ben.wrapper.vm.updateStatus('busy');
  await waitFor(() => expect(ann.names()).toEqual(['Ann online me', 'Ben busy']));
  const joined = ann.wrapper.emitted('trigger-event').map(([it]) => it).filter(({ name }) => name === 'userJoined');
  expect(joined.map(({ event }) => event.user.name)).toContain('Ben');
  ben.wrapper.unmount();
  await waitFor(() => expect(ann.names()).toEqual(['Ann online me']));
  ann.wrapper.unmount();
}, 150_000);
