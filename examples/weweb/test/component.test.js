import { mount } from '@vue/test-utils';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import config from '../ww-config.js';
import wwElement from '../src/wwElement.vue';
import { startGateway } from './gateway.js';
import { waitFor } from './wait.js';
import { createWwLib } from './wwlib.js';

const person = (id, more = {}) => ({
  id, user_id: id, name: id.toUpperCase(), avatar: null, status: 'online', status_message: null, user_data: { name: id.toUpperCase() },
  current_page: '/inbox', ...more,
});

let gateway;
let wrapper;

beforeEach(async () => {
  globalThis.WebSocket = WebSocket; // That of jsdom forgets what was sent just before it is closed; browsers do not.
  globalThis.wwLib = createWwLib();
  gateway = await startGateway([person('ann', { avatar: '/ann.png' }), person('ben', { status: 'busy' })]);
});

afterEach(() => {
  wrapper?.unmount();
  gateway.stop();
});

async function mounted(content = {}) {
  const defaults = Object.fromEntries(Object.entries(config.properties).map(([name, { defaultValue }]) => [name, defaultValue]));
  const props = { uid: 'element', content: { ...defaults, gatewayUrl: gateway.url, userId: 'ann', name: 'Ann', ...content } };
  wrapper = mount(wwElement, { props, attachTo: document.body });
  await waitFor(() => expect(variable('onlineUsers')).toHaveLength(2));
}

const variable = (name) => wwLib.variables[name].value;
const triggered = (name) => (wrapper.emitted('trigger-event') ?? []).map(([it]) => it).filter((it) => it.name === name).map((it) => it.event);
const called = (name) => gateway.calls.filter(({ call }) => call === name);

test('participants have the keys of the guide', async () => {
  await mounted();
  expect(variable('onlineUsers')).toEqual([
    { id: 'ann', name: 'ANN', avatar: '/ann.png', location: '/inbox', status: 'online', isCurrentUser: true },
    { id: 'ben', name: 'BEN', avatar: null, location: '/inbox', status: 'busy', isCurrentUser: false },
  ]);
  expect([variable('currentStatus'), variable('connectionState')]).toEqual(['online', 'open']);
  expect(wrapper.findAll('li').map((item) => item.text())).toEqual(['ANN (you)online', 'BBENbusy']);
  expect(called('hello')[0].user_data).toEqual({ name: 'Ann', avatar: null, location: '/' });
});

test('who was there at first is no news, who comes and goes is', async () => {
  await mounted();
  expect(triggered('userJoined')).toEqual([]);
  gateway.tell({ event: 'user_status_changed', user_id: 'cat', status: 'online', previous_status: 'offline' });
  gateway.tell({ event: 'user_joined', user_id: 'cat', status: 'online', user: { id: 'cat', name: 'Cat' } });
  await waitFor(() => expect(triggered('userJoined').map(({ user }) => user.name)).toEqual(['Cat']));
  expect(variable('onlineUsers').map(({ id }) => id)).toEqual(['ann', 'ben', 'cat']);
  gateway.tell({ event: 'user_status_changed', user_id: 'ben', status: 'offline', previous_status: 'busy' });
  gateway.tell({ event: 'user_left', user_id: 'ben', status: 'offline' });
  await waitFor(() => expect(triggered('userLeft').map(({ user }) => user.id)).toEqual(['ben']));
  expect(variable('onlineUsers').map(({ id }) => id)).toEqual(['ann', 'cat']);
});

test('a change of status changes the person, and the own status when it is oneself', async () => {
  await mounted();
  gateway.tell({ event: 'user_status_changed', user_id: 'ben', status: 'away', previous_status: 'busy' });
  gateway.tell({ event: 'user_status_changed', user_id: 'ann', status: 'busy', previous_status: 'online' });
  await waitFor(() => expect(variable('currentStatus')).toBe('busy'));
  expect(variable('onlineUsers').map(({ status }) => status)).toEqual(['busy', 'away']);
  expect(triggered('userStatusChanged').map(({ user, previousStatus }) => [user.id, previousStatus])).toEqual([['ben', 'busy'], ['ann', 'online']]);
});

test('updateStatus says it and shows it, and a refusal is told', async () => {
  await mounted();
  await wrapper.vm.updateStatus('busy', 'in a call');
  expect(called('set_status')[0]).toMatchObject({ status: 'busy', status_message: 'in a call' });
  expect(variable('currentStatus')).toBe('busy');
  await wrapper.vm.updateStatus('asleep');
  expect(variable('currentStatus')).toBe('busy');
  expect(triggered('error')).toEqual([{ code: '22023', message: 'invalid status "asleep"' }]);
});

test('clicks, and what recordActivity is told, are reported', async () => {
  await mounted();
  document.body.click();
  await waitFor(() => expect(called('touch')).toHaveLength(1));
  expect(called('touch')[0]).toMatchObject({ activity_type: 'interaction', page_url: '/', interactions: 1 });
  wrapper.vm.recordActivity();
});

test('the methods of the guide that change the list', async () => {
  await mounted();
  wrapper.vm.addOnlineUser(person('dan'));
  wrapper.vm.updateUserStatus('dan', 'away');
  expect(variable('onlineUsers').at(-1)).toMatchObject({ id: 'dan', status: 'away' });
  wrapper.vm.updateUserStatus('dan', 'offline');
  wrapper.vm.removeOnlineUser('ben');
  expect(variable('onlineUsers').map(({ id }) => id)).toEqual(['ann']);
});

test('a room is joined', async () => {
  await mounted({ channel: 'lobby' });
  await waitFor(() => expect(called('join')[0]).toMatchObject({ channel: 'lobby', user_data: { name: 'Ann' } }));
  expect(called('subscribe').map(({ channel }) => channel)).toEqual(['lobby']);
});

test('other settings are another connection, the same ones are not', async () => {
  await mounted();
  await wrapper.setProps({ content: { ...wrapper.props('content') } });
  expect(called('hello')).toHaveLength(1);
  await wrapper.setProps({ content: { ...wrapper.props('content'), userId: 'ben' } });
  await waitFor(() => expect(variable('onlineUsers').find(({ isCurrentUser }) => isCurrentUser)?.id).toBe('ben'));
  await waitFor(() => expect(gateway.clients.size).toBe(1));
});

test('taken off the page it says goodbye', async () => {
  await mounted();
  wrapper.unmount();
  await waitFor(() => expect(called('disconnect')).toHaveLength(1));
});

test('without an address, and in the editor, nothing is connected', async () => {
  wrapper = mount(wwElement, { props: { uid: 'element', content: {} } });
  wrapper.unmount();
  wrapper = mount(wwElement, { props: { uid: 'element', content: { gatewayUrl: gateway.url }, wwEditorState: { isEditing: true } } });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(gateway.calls).toEqual([]);
});

test('what the editor is told of exists', async () => {
  await mounted();
  for (const { action } of config.actions) expect(wrapper.vm[action]).toBeTypeOf('function');
  expect(config.variables.map(({ name }) => name).sort()).toEqual(Object.keys(wwLib.variables).sort());
});
