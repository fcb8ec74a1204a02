// Snapshots and events as the database makes them, with only what a test cares about.

export function user(id, more = {}) {
  const name = `Name of ${id}`;
  return {
    id, user_id: id, name, avatar: null, status: 'online', status_message: null, user_data: { name },
    last_seen: '2026-11-24T03:44:12.001Z', ...more,
  };
}

export function snapshot(seq, users, more = {}) {
  return { channel: 'lobby', epoch: 'e1', seq, truncated: false, members: users.length, large: false, users, typing: [], ...more };
}

export function event(seq, name, userId, more = {}) {
  return {
    v: 1, epoch: 'e1', seq, prev: seq - 1, channel: 'lobby', event: name, user_id: userId,
    timestamp: '2026-11-24T03:45:00.123Z', ...more,
  };
}

export function joined(seq, userId, more = {}) {
  return event(seq, 'user_joined', userId, { status: 'online', reason: 'join', user: { id: userId, name: `Name of ${userId}` }, ...more });
}
