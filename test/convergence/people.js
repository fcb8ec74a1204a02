// The people: one random call after the other. With the same seed they are the same calls in the same order, whatever happens
// meanwhile; how many there is time for, and which of them reach the server before it goes down, is not the same.

export const CHANNELS = ['lobby', 'hall', 'document_7'];
const SESSIONS = 3;
// Together too long for an event: it has 7,999 bytes, and U+0001 takes six of them.
const LONG_NOTE = '\u0001'.repeat(1200);
const LONG_MESSAGE = '🦉'.repeat(500);

export class People {
  #random;
  #users;
  #wordy;
  #clock = 0;

  constructor(random, users) {
    this.#random = random;
    this.#users = users;
    this.#wordy = users.slice(-3);
  }

  /** The next call: `[name, ...parameters]` of an SQL function. */
  next() {
    const random = this.#random;
    const user = random.of(this.#users);
    const other = random.of(this.#users.filter((id) => id !== user));
    const session = `${user}-${random.below(SESSIONS)}`;
    const channel = random.of(CHANNELS);
    const number = random.below(1000);
    const isWordy = this.#wordy.includes(user) && random.below(5) > 0;
    const message = isWordy ? LONG_MESSAGE : random.of([`at ${number}`, `größe "${number}" 🦉`, '', 'x'.repeat(random.between(1, 200))]);
    const data = { name: `${user} ${number}`, role: random.of(['host', 'guest']), ...(isWordy ? { note: LONG_NOTE } : {}) };
    return random.weighted([
      [10, ['presence_connect', user, session, random.of([data, null])]],
      [6, ['presence_disconnect', session]],
      [2, ['presence_logout', user]],
      [8, ['presence_touch', user]],
      [3, ['presence_heartbeat', session]],
      [10, ['presence_set_status', user, random.of(['online', 'away', 'busy']), random.of([message, null])]],
      [1, ['presence_set_status', user, 'offline', null, 'manual', true]],
      [6, ['presence_set_message', user, message]],
      [4, ['presence_clear_status', user]],
      [10, ['presence_join', user, channel, random.of([data, null])]],
      [5, ['presence_leave', user, channel]],
      [3, ['presence_join_document', user, '7', { line: number }, [number, number + 1]]],
      [8, ['presence_move_cursor', user, '7', random.of([{ line: number }, null]), random.of([[number], null]), ++this.#clock]],
      [6, ['presence_set_state', user, channel, random.of([{ hand: number }, null])]],
      [6, ['presence_typing', user, channel, random.of([true, true, false]), user]],
      [3, ['presence_set_visibility', user, random.of(['everyone', 'everyone', 'channel', 'contacts', 'nobody', null]), random.of(['full', 'full', 'status', 'last_seen'])]],
      [2, ['presence_set_visibility', user, random.of(['everyone', 'everyone', 'channel', 'contacts', 'nobody', null]), random.of(['full', 'status', 'last_seen']), channel]],
      [2, ['presence_add_contact', user, other, random.of(['full', 'status', null])]],
      [2, ['presence_remove_contact', user, other]],
      [1, ['presence_block', user, other]],
      [2, ['presence_unblock', user, other]],
      [1, ['presence_forget', user]],
    ]);
  }
}

/** Arguments as pg sends them: an array would be an SQL array where JSON is meant. */
function parameterOf(value) {
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : value;
}

// Somebody else's session, a channel where one is no member, a message for somebody who has just been forgotten.
const EXPECTED = new Set(['42501', '55000', '40001', '40P01']);
// The server stops, is away or starts.
const AWAY = /^(08|57|ECONN|ENOENT|EPIPE)/;

/** Makes a call. Returns an error that may not be, or nothing. */
export async function call(db, [name, ...values]) {
  const holes = values.map((_, i) => `$${i + 1}`).join(', ');
  try {
    await db.query(`SELECT presence.${name}(${holes})`, values.map(parameterOf));
  } catch (error) {
    if (EXPECTED.has(error.code) || isAway(error)) return undefined;
    return `${name}(${JSON.stringify(values)}): ${error.code} ${error.message}`;
  }
  return undefined;
}

/** Everybody joins a channel. */
export async function joinInDroves(db, users, channel) {
  for (const user of users) await call(db, ['presence_join', user, channel]);
}

/** Those who are in a channel leave it, all but a few. */
export async function leaveInDroves(db, channel) {
  const { rows } = await db.query('SELECT user_id FROM presence.presence_members($1, 100000) ORDER BY user_id OFFSET 8', [channel]);
  for (const { user_id } of rows) await call(db, ['presence_leave', user_id, channel]);
}

export function isAway(error) {
  return AWAY.test(error.code ?? '') || (!error.code && /terminated|timeout|closed|not queryable/i.test(error.message));
}
