// What is true in the database, for a viewer or for everybody, and how it is compared with what a consumer knows.
// Who is there is asked of presence_online_users, presence_members and presence_typing_users, never of a snapshot or an event.

import { isDeepStrictEqual } from 'node:util';

export const GLOBAL = 'global_presence';

/** A user in the form that is compared. An event's `user` is `user_data` with id, name and avatar, which may be null. */
export function memberOf({ user_id, status, status_message, user_data, cursor_position, selection_range, state, typing }) {
  return {
    status,
    status_message: status_message || null,
    user_data: { name: null, avatar: null, ...user_data, id: user_id },
    cursor_position: cursor_position ?? null,
    selection_range: selection_range ?? null,
    state: state ?? null,
    typing: typing ?? false,
  };
}

const OF_GLOBAL = `SELECT user_id, status, status_message, user_data FROM presence.presence_online_users(100000, viewer => $1)`;
// presence_members has no message, and presence_get one by the rule for everywhere: here the channel's own counts.
const OF_CHANNEL = `
  SELECT m.user_id, m.status, m.user_data, m.cursor_position, m.selection_range, m.state, m.typing,
         CASE WHEN presence.presence_can_see($1, m.user_id, $2) = 'full' THEN g.status_message END AS status_message
  FROM presence.presence_members($2, 100000, viewer => $1) AS m, presence.presence_get(m.user_id) AS g`;
const OF_TYPISTS = `SELECT user_id FROM presence.presence_typing_users($2, viewer => $1)`;

/** What a viewer sees of a channel; all of it for null, whom the database takes for the application itself. */
export async function seenBy(db, viewer, channel) {
  if (channel === GLOBAL) {
    const { rows } = await db.query(OF_GLOBAL, [viewer]);
    return { users: new Map(rows.map((row) => [row.user_id, memberOf(row)])), typists: new Set() };
  }
  const [users, typists] = [await db.query(OF_CHANNEL, [viewer, channel]), await db.query(OF_TYPISTS, [viewer, channel])];
  return {
    users: new Map(users.rows.map((row) => [row.user_id, memberOf(row)])),
    typists: new Set(typists.rows.map((row) => row.user_id)),
  };
}

/** Those of the channels of which joins and leaves are told as counts only. No other function than the snapshot says so. */
export async function largeChannels(db, channels) {
  const { rows } = await db.query(
    `SELECT channel FROM unnest($1::text[]) AS channel WHERE (presence.presence_snapshot(channel) -> 'large')::boolean`, [channels]);
  return rows.map(({ channel }) => channel);
}

const DETAILS = ['nothing', 'last_seen', 'status', 'full'];

/** What everybody may know: of each user the least that any of the viewers sees of it (docs/security.md). */
export async function publicTruth(db, viewers, channel) {
  const { rows } = await db.query(
    `SELECT u AS user_id, v AS viewer, presence.presence_can_see(v, u, nullif($2, '${GLOBAL}')) AS detail
     FROM unnest($1::text[]) AS v, (SELECT user_id FROM presence.user_presence UNION SELECT unnest($1::text[])) AS t(u) WHERE u <> v`,
    [viewers, channel]);
  const least = new Map();
  for (const row of rows) {
    const known = least.get(row.user_id);
    if (!known || DETAILS.indexOf(row.detail) < DETAILS.indexOf(known.detail)) least.set(row.user_id, row);
  }
  const truth = { users: new Map(), typists: new Set() };
  const views = new Map();
  for (const [id, { viewer }] of least) {
    if (!views.has(viewer)) views.set(viewer, await seenBy(db, viewer, channel));
    const view = views.get(viewer);
    if (view.users.has(id)) truth.users.set(id, view.users.get(id));
    if (view.typists.has(id)) truth.typists.add(id);
  }
  return truth;
}

/** Nothing when they are equal, or lines that say how they differ. */
export function differences(truth, known) {
  const lines = [];
  for (const [id, user] of truth.users) {
    const other = known.users.get(id);
    if (!other) lines.push(`${id} is there, and is not known: ${JSON.stringify(user)}`);
    else if (!isDeepStrictEqual(user, other))
      for (const key of Object.keys(user))
        if (!isDeepStrictEqual(user[key], other[key]))
          lines.push(`${id}.${key} is ${JSON.stringify(user[key])}, known as ${JSON.stringify(other[key])}`);
  }
  for (const [id, user] of known.users)
    if (!truth.users.has(id)) lines.push(`${id} is not there, and is known: ${JSON.stringify(user)}`);
  for (const id of truth.typists) if (!known.typists.has(id)) lines.push(`${id} types, which is not known`);
  for (const id of known.typists) if (!truth.typists.has(id)) lines.push(`${id} does not type, and is known to`);
  return lines;
}
