// Who a browser is. This is the file to replace: the example believes whatever the address says.
//
// What must stay: `authenticate` takes the request that opens a WebSocket, a stream or a call, and returns the user, or
// throws. The README shows it with a signed token.

import { isIP } from 'node:net';

/**
 * @typedef {object} User
 * @property {string} id
 * @property {object} data  what presence keeps with the user; the browser cannot say otherwise
 */

/**
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<User>}
 */
export async function authenticate(request) {
  const query = new URL(request.url, 'http://gateway').searchParams;
  const id = query.get('user_id');
  if (!id) throw new Error('who are you? user_id is missing');
  const name = query.get('name');
  return { id, data: name ? { name } : {} };
}

/** Everybody can be anybody here, so nobody but this machine may connect until somebody says that this is meant. */
export function refuseStrangers({ host, trustsEverybody }) {
  if (trustsEverybody || isLoopback(host)) return;
  throw new Error(`this example believes every user_id, so it does not listen on ${host}: ` +
    'replace src/auth.js, or set PRESENCE_AUTH=trust-me to try it out');
}

function isLoopback(host) {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
