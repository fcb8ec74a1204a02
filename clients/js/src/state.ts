// What is known of one channel, and the rule by which snapshots and events change it (docs/delivery.md, "The rule").
// Nothing here waits, sends or looks at a clock: the same view and the same message always give the same outcome.

import type { Change, Json, Position, PresenceEvent, Snapshot, Status, Typist, User, UserData } from './types.js';

export interface View {
  readonly users: Map<string, User>;
  readonly typists: Map<string, Typist>;
  /** Who came online by a `user_status_changed`; the `user_joined` that brings the name is still to come. */
  readonly arriving: Set<string>;
  position: Position | null;
  /** How many there are, when that was told: the map of a large channel is not everybody. */
  occupancy: { members: number; large: boolean } | null;
  /** The snapshot left people out: who is not in the map may be there, and comes into it with the next event. */
  isTruncated: boolean;
}

/**
 * `applied`: the view has moved on; `ignored`: it was known already, or nothing is known yet;
 * `resume`: something was missed, ask for what came after the position; `resync`: ask for a snapshot.
 */
export interface Outcome {
  readonly verdict: 'applied' | 'ignored' | 'resume' | 'resync';
  readonly changes: readonly Change[];
}

/** The channel of everybody who is present. */
export const GLOBAL = 'global_presence';

/** The reason of a change that a snapshot has brought: when it happened is not known. */
const SNAPSHOT = 'snapshot';

const IGNORED: Outcome = { verdict: 'ignored', changes: [] };
const RESUME: Outcome = { verdict: 'resume', changes: [] };
const RESYNC: Outcome = { verdict: 'resync', changes: [] };

export function emptyView(): View {
  return { users: new Map(), typists: new Map(), arriving: new Set(), position: null, occupancy: null, isTruncated: false };
}

/** Replaces all that was known. The changes are the difference, so that who follows changes alone is right, too. */
export function receiveSnapshot(view: View, snapshot: Snapshot): Outcome {
  const position = positionOf(snapshot.epoch, snapshot.seq);
  if (position && view.position && position.epoch === view.position.epoch && position.seq < view.position.seq)
    return IGNORED;

  const changes: Change[] = [];
  const users = new Map(snapshot.users.map((user) => [user.user_id, { ...user, user_data: tidy(user.user_data) }]));
  for (const id of [...view.users.keys()]) if (!users.has(id)) removeUser(view, id, SNAPSHOT, changes);
  for (const user of users.values()) putUser(view, user, SNAPSHOT, changes);
  // The order of the snapshot is the order of the list.
  view.users.clear();
  for (const [id, user] of users) view.users.set(id, user);
  for (const id of view.arriving) announce(view, id, SNAPSHOT, changes);

  const typists = new Map((snapshot.typing ?? []).map((typist) => [typist.user_id, typist]));
  for (const id of [...view.typists.keys()]) if (!typists.has(id)) stopTyping(view, id, changes);
  for (const typist of typists.values()) startTyping(view, typist, changes);

  view.occupancy =
    snapshot.large || snapshot.truncated
      ? { members: snapshot.members ?? users.size, large: snapshot.large ?? false }
      : null;
  view.isTruncated = snapshot.truncated ?? false;
  view.position = position;
  return { verdict: 'applied', changes };
}

/** An event of the stream: whatever came before it on the channel must be known. */
export function receiveEvent(view: View, event: PresenceEvent): Outcome {
  const known = view.position;
  if (known && event.epoch === known.epoch && event.seq > known.seq && event.prev > known.seq) return RESUME;
  return receiveMissed(view, event);
}

/** One of the events that answer a resume. They are all there are, also where `prev` is later than the one before. */
export function receiveMissed(view: View, event: PresenceEvent): Outcome {
  const known = view.position;
  if (!known) return IGNORED;
  if (event.epoch !== known.epoch) return RESUME;
  if (event.seq <= known.seq) return IGNORED;
  // What a truncated event leaves out, snapshots have. The position stays before it, so that it is asked for until one is there.
  if (event.event === 'presence_resync' || event.truncated) return RESYNC;

  view.position = { epoch: event.epoch, seq: event.seq };
  const changes: Change[] = [];
  applyEvent(view, event, changes);
  return { verdict: 'applied', changes };
}

/** Nothing happened up to there. Of another epoch it says that the server was started again. */
export function receivePosition(view: View, position: Position): Outcome {
  if (!view.position) return IGNORED;
  if (position.epoch !== view.position.epoch) return RESUME;
  if (position.seq <= view.position.seq) return IGNORED;
  view.position = { epoch: position.epoch, seq: position.seq };
  return { verdict: 'applied', changes: [] };
}

export function positionOf(epoch: string | null | undefined, seq: number | null | undefined): Position | null {
  return epoch != null && seq != null ? { epoch, seq } : null;
}

function applyEvent(view: View, event: PresenceEvent, changes: Change[]): void {
  const id = event.user_id ?? '';
  const reason = event.reason ?? null;
  switch (event.event) {
    case 'user_status_changed':
    case 'user_joined':
    case 'user_updated':
      if (event.status === 'offline') removeUser(view, id, reason, changes, event);
      else carryUser(view, id, event, changes);
      break;
    case 'user_left':
      removeUser(view, id, reason, changes);
      break;
    case 'cursor_moved':
      changeUser(view, id, event, ['cursor_position', 'selection_range'], changes);
      break;
    case 'state_changed':
      changeUser(view, id, event, ['state'], changes);
      break;
    case 'typing_start':
      startTyping(view, { user_id: id, user_name: event.user_name ?? null }, changes);
      break;
    case 'typing_stop':
      stopTyping(view, id, changes);
      break;
    case 'channel_occupancy':
      view.occupancy = { members: event.members ?? 0, large: event.large ?? false };
      changes.push({ type: 'occupancy', ...view.occupancy });
      break;
  }
}

/** An event about a user as such: adds the user, or replaces the keys that the event carries. */
function carryUser(view: View, id: string, event: PresenceEvent, changes: Change[]): void {
  const reason = event.reason ?? null;
  const before = view.users.get(id);
  const after = { ...(before ?? newUser(id, event)), ...carriedKeys(event) };
  if (!before && comesOnline(event)) view.arriving.add(id);
  putUser(view, after, reason, changes);
  if (event.event !== 'user_status_changed') announce(view, id, reason, changes);
  if (event.typing === true) startTyping(view, { user_id: id, user_name: after.name }, changes);
  if (event.typing === false) stopTyping(view, id, changes);
}

/** On the channel of everybody a `user_joined` with the name follows at once. */
function comesOnline(event: PresenceEvent): boolean {
  return event.event === 'user_status_changed' && event.previous_status === 'offline' && event.channel === GLOBAL;
}

function newUser(id: string, event: PresenceEvent): User {
  const user: User = {
    id, user_id: id, name: null, avatar: null, status: 'online', status_message: null, user_data: null,
  };
  return event.event === 'user_joined' && event.timestamp ? { ...user, joined_at: event.timestamp } : user;
}

const CARRIED = ['status', 'status_message', 'cursor_position', 'selection_range', 'state', 'typing'] as const;

function carriedKeys(event: PresenceEvent): Partial<User> {
  const carried: { [key: string]: unknown } = {};
  for (const key of CARRIED) if (event[key] !== undefined) carried[key] = event[key];
  if (event.user) {
    const { id: _id, ...userData } = event.user;
    carried.user_data = tidy(userData as UserData);
    carried.name = textOf(userData.name);
    carried.avatar = textOf(userData.avatar);
  }
  return carried as Partial<User>;
}

/** Events say `name` and `avatar` also where the user data has none: without what is null, all ways lead to the same. */
function tidy(userData: UserData | null): UserData | null {
  const entries = Object.entries(userData ?? {});
  const told = entries.filter(([key, value]) => value !== null || (key !== 'name' && key !== 'avatar'));
  return told.length ? Object.fromEntries(told) : null;
}

function textOf(value: Json | undefined): string | null {
  return value == null ? null : String(value);
}

function putUser(view: View, after: User, reason: string | null, changes: Change[]): void {
  const id = after.user_id;
  const before = view.users.get(id);
  view.users.set(id, after);
  if (before && same(before, after)) return;
  if (before ? before.status !== after.status : view.arriving.has(id))
    changes.push(statusChange(after, before?.status ?? 'offline', reason));
  if (view.arriving.has(id)) return;
  changes.push(
    before
      ? { type: 'update', user_id: id, user: after, previous: before, reason }
      : { type: 'join', user_id: id, user: after, reason },
  );
}

/** Tells of who was arriving: now the name is known, or will not be. */
function announce(view: View, id: string, reason: string | null, changes: Change[]): void {
  const user = view.users.get(id);
  if (view.arriving.delete(id) && user) changes.push({ type: 'join', user_id: id, user, reason });
}

function removeUser(view: View, id: string, reason: string | null, changes: Change[], offline?: PresenceEvent): void {
  const user = view.users.get(id);
  if (!user) return;
  view.users.delete(id);
  const left: User = offline ? { ...user, status: 'offline', status_message: offline.status_message ?? null } : user;
  if (offline) changes.push(statusChange(left, user.status, reason));
  // Whoever was never told of as having come has not left, either.
  if (!view.arriving.delete(id)) changes.push({ type: 'leave', user_id: id, user: left, reason });
}

function statusChange(user: User, previous: Status, reason: string | null): Change {
  const { user_id, status, status_message } = user;
  return { type: 'status', user_id, user, status, previous_status: previous, status_message, reason };
}

type OwnKey = 'cursor_position' | 'selection_range' | 'state';

/** Cursor and state belong to a user of the map; of anybody else they say nothing. */
function changeUser(view: View, id: string, event: PresenceEvent, keys: OwnKey[], changes: Change[]): void {
  const before = view.users.get(id);
  if (!before) return;
  const carried = Object.fromEntries(keys.map((key) => [key, event[key] ?? null]));
  const user: User = { ...before, ...carried };
  if (same(before, user)) return;
  view.users.set(id, user);
  const { cursor_position = null, selection_range = null, state = null } = user;
  changes.push(
    keys.includes('state')
      ? { type: 'state', user_id: id, user, state }
      : { type: 'cursor', user_id: id, user, cursor_position, selection_range },
  );
}

function startTyping(view: View, typist: Typist, changes: Change[]): void {
  const known = view.typists.has(typist.user_id);
  view.typists.set(typist.user_id, typist);
  markTyping(view, typist.user_id, true);
  if (!known) changes.push({ type: 'typing', user_id: typist.user_id, user_name: typist.user_name, typing: true });
}

function stopTyping(view: View, id: string, changes: Change[]): void {
  const typist = view.typists.get(id);
  if (!typist) return;
  view.typists.delete(id);
  markTyping(view, id, false);
  changes.push({ type: 'typing', user_id: id, user_name: typist.user_name, typing: false });
}

function markTyping(view: View, id: string, typing: boolean): void {
  const user = view.users.get(id);
  if (user && user.typing !== typing) view.users.set(id, { ...user, typing });
}

/** The same as far as anybody is told: what no event carries (last_seen, page, counters) makes no change. */
function same(a: User, b: User): boolean {
  const told = ({ status, status_message, user_data, name, avatar, cursor_position, selection_range, state }: User) =>
    JSON.stringify([
      status, status_message, user_data, name, avatar, cursor_position ?? null, selection_range ?? null, state ?? null,
    ]);
  return told(a) === told(b);
}
