// A client in a test: on a clock and sockets of the test's own.

import { PresenceClient } from '../../dist/index.js';
import { TestClock, settled } from './clock.js';
import { socketFactory } from './sockets.js';

export function testClient(options = {}) {
  const clock = new TestClock();
  const { TestSocket, sockets } = socketFactory();
  const client = new PresenceClient({
    url: 'ws://gateway.test/presence?user_id=ann', WebSocket: TestSocket, clock, page: null, random: () => 0.5, ...options,
  });
  return { client, clock, sockets, get socket() { return sockets.at(-1); } };
}

export async function openClient(options) {
  const test = testClient(options);
  test.client.connect().catch(() => {});
  await settled();
  await test.socket.welcome();
  return test;
}
