// The gateway's settings, from the environment.

export const USAGE = `usage: node gateway.js [--help]

Brings presence to browsers: WebSocket at /presence, Server-Sent Events at /presence/events.

environment:
  DATABASE_URL, or PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE: the database; a direct connection, not a pooler
  PORT                      8787
  HOST                      127.0.0.1
  PRESENCE_SCHEMA           presence: the schema of the extension
  PRESENCE_PRIVATE_CHANNEL  the server's presence.private_channel: each browser gets what its user may see
  PRESENCE_AUTH             trust-me: listen on other addresses than loopback, although auth.js believes everybody
  PRESENCE_STATIC           a directory to serve under /
  PRESENCE_POOL_SIZE        4: database connections for calls, beside the one that listens
  PRESENCE_MAX_BUFFERED     1048576: a browser that is so many bytes behind is cut
  PRESENCE_MAX_MESSAGE      65536: bytes of a message from a browser
  PRESENCE_MAX_CHANNELS     100: subscriptions of one browser
`;

/**
 * @typedef {object} Config
 * @property {string | undefined} databaseUrl
 * @property {string} host
 * @property {number} port
 * @property {string} schema
 * @property {string | null} privateChannel
 * @property {string | null} staticDirectory
 * @property {boolean} trustsEverybody
 * @property {number} poolSize
 * @property {number} maxBuffered
 * @property {number} maxMessage
 * @property {number} maxChannels
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Config}
 */
export function readConfig(env) {
  return {
    databaseUrl: env.DATABASE_URL,
    host: env.HOST || '127.0.0.1',
    port: wholeNumber(env, 'PORT', 8787),
    schema: env.PRESENCE_SCHEMA || 'presence',
    privateChannel: env.PRESENCE_PRIVATE_CHANNEL || null,
    staticDirectory: env.PRESENCE_STATIC || null,
    trustsEverybody: env.PRESENCE_AUTH === 'trust-me',
    poolSize: wholeNumber(env, 'PRESENCE_POOL_SIZE', 4),
    maxBuffered: wholeNumber(env, 'PRESENCE_MAX_BUFFERED', 1_048_576),
    maxMessage: wholeNumber(env, 'PRESENCE_MAX_MESSAGE', 65_536),
    maxChannels: wholeNumber(env, 'PRESENCE_MAX_CHANNELS', 100),
  };
}

function wholeNumber(env, name, otherwise) {
  const text = env[name];
  if (!text) return otherwise;
  if (!/^\d+$/.test(text)) throw new Error(`${name} is "${text}", not a whole number`);
  return Number(text);
}
