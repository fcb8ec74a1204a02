// The component against a real gateway and server: GATEWAY_URL=ws://127.0.0.1:8787/presence npm test
import { mount } from '@vue/test-utils';
import { expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import wwElement from '../src/wwElement.vue';
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
  await vi.waitFor(() => expect(ann.names()).toEqual(['Ann online me']), 5000);
  const ben = mountAs('Ben');
  await vi.waitFor(() => expect(ben.names()).toEqual(['Ann online', 'Ben online me']), 5000);
  await ben.wrapper.vm.updateStatus('busy');
  await vi.waitFor(() => expect(ann.names()).toEqual(['Ann online me', 'Ben busy']), 5000);
  const joined = ann.wrapper.emitted('trigger-event').map(([it]) => it).filter(({ name }) => name === 'userJoined');
  expect(joined.map(({ event }) => event.user.name)).toContain('Ben');
  ben.wrapper.unmount();
  await vi.waitFor(() => expect(ann.names()).toEqual(['Ann online me']), 20_000);
  ann.wrapper.unmount();
}, 40_000);
