import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyView, receiveEvent, receiveMissed, receivePosition, receiveSnapshot } from '../dist/index.js';
import { event, joined, snapshot, user } from './support/messages.js';

function viewOf(...users) {
  const view = emptyView();
  receiveSnapshot(view, snapshot(100, users));
  return view;
}

const types = ({ changes }) => changes.map(({ type, user_id }) => (user_id ? `${type} ${user_id}` : type));

test('before the first snapshot nothing is applied', () => {
  const view = emptyView();
  assert.equal(receiveEvent(view, joined(1, 'ann')).verdict, 'ignored');
  assert.equal(receivePosition(view, { epoch: 'e1', seq: 5 }).verdict, 'ignored');
  assert.equal(view.users.size, 0);
  assert.equal(view.position, null);
});

test('a snapshot is everybody, in its order, and its position', () => {
  const view = emptyView();
  const outcome = receiveSnapshot(view, snapshot(100, [user('zoe'), user('ann')], { typing: [{ user_id: 'zoe', user_name: 'Zoe' }] }));
  assert.deepEqual(types(outcome), ['join zoe', 'join ann', 'typing zoe']);
  assert.equal(outcome.changes[0].reason, 'snapshot');
  assert.deepEqual([...view.users.keys()], ['zoe', 'ann']);
  assert.deepEqual(view.position, { epoch: 'e1', seq: 100 });
  assert.equal(view.users.get('zoe').typing, true);
});

test('an event at or below the position is ignored', () => {
  const view = viewOf(user('ann'));
  for (const seq of [1, 99, 100]) assert.equal(receiveEvent(view, event(seq, 'user_left', 'ann')).verdict, 'ignored');
  assert.ok(view.users.has('ann'));
});

test('an event whose prev is known is applied, once', () => {
  const view = viewOf(user('ann'));
  const left = event(120, 'user_left', 'ann', { prev: 97 });
  assert.deepEqual(types(receiveEvent(view, left)), ['leave ann']);
  assert.equal(receiveEvent(view, left).verdict, 'ignored');
  assert.deepEqual(view.position, { epoch: 'e1', seq: 120 });
});

test('an event after a gap asks for a resume and changes nothing, not the position either', () => {
  const view = viewOf(user('ann'));
  assert.deepEqual(receiveEvent(view, event(103, 'user_left', 'ann', { prev: 101 })), { verdict: 'resume', changes: [] });
  assert.deepEqual(view.position, { epoch: 'e1', seq: 100 });
  assert.ok(view.users.has('ann'));
});

test('what another epoch says asks for a resume, however it is numbered', () => {
  const view = viewOf(user('ann'));
  for (const seq of [1, 100, 101])
    assert.equal(receiveEvent(view, event(seq, 'user_left', 'ann', { epoch: 'e2', prev: 0 })).verdict, 'resume');
  assert.equal(receivePosition(view, { epoch: 'e2', seq: 101 }).verdict, 'resume');
  assert.deepEqual(view.position, { epoch: 'e1', seq: 100 });
});

test('one of the events that answer a resume needs no prev, but the epoch and the order', () => {
  const view = viewOf(user('ann'));
  assert.equal(receiveMissed(view, joined(100, 'ben')).verdict, 'ignored');
  assert.equal(receiveMissed(view, joined(101, 'ben', { epoch: 'e2' })).verdict, 'resume');
  assert.deepEqual(types(receiveMissed(view, joined(200, 'ben', { prev: 150 }))), ['join ben']);
  assert.deepEqual(view.position, { epoch: 'e1', seq: 200 });
});

test('presence_resync asks for a snapshot, and does not move the position past what is not known', () => {
  const view = viewOf(user('ann'));
  assert.equal(receiveEvent(view, event(101, 'presence_resync', undefined)).verdict, 'resync');
  assert.deepEqual(view.position, { epoch: 'e1', seq: 100 });
});

test('an event that says it is truncated asks for a snapshot, once', () => {
  const view = viewOf(user('ann', { cursor_position: { line: 1 } }));
  const truncated = event(101, 'cursor_moved', 'ann', { cursor_position: null, selection_range: null, truncated: true });
  assert.deepEqual(receiveEvent(view, truncated), { verdict: 'resync', changes: [] });
  assert.deepEqual(receiveMissed(view, truncated), { verdict: 'resync', changes: [] });
  assert.deepEqual(view.position, { epoch: 'e1', seq: 100 });
  assert.deepEqual(types(receiveSnapshot(view, snapshot(101, [user('ann', { cursor_position: { line: 2 } })]))), ['update ann']);
  assert.equal(receiveEvent(view, truncated).verdict, 'ignored');
  assert.deepEqual(view.users.get('ann').cursor_position, { line: 2 });
});

test('a position moves on, never back', () => {
  const view = viewOf(user('ann'));
  assert.equal(receivePosition(view, { epoch: 'e1', seq: 110 }).verdict, 'applied');
  assert.equal(receivePosition(view, { epoch: 'e1', seq: 105 }).verdict, 'ignored');
  assert.deepEqual(view.position, { epoch: 'e1', seq: 110 });
});

test('an older snapshot that comes late is ignored, one of another epoch is not', () => {
  const view = viewOf(user('ann'));
  receiveEvent(view, joined(101, 'ben'));
  assert.equal(receiveSnapshot(view, snapshot(100, [user('ann')])).verdict, 'ignored');
  assert.ok(view.users.has('ben'));
  assert.equal(receiveSnapshot(view, snapshot(3, [user('ann')], { epoch: 'e2' })).verdict, 'applied');
  assert.ok(!view.users.has('ben'));
  assert.deepEqual(view.position, { epoch: 'e2', seq: 3 });
});

test('a second snapshot tells the difference, and no leave and join of one who stayed', () => {
  const view = viewOf(user('ann'), user('ben'), user('cat'));
  const outcome = receiveSnapshot(view, snapshot(200, [user('ann'), user('ben', { status: 'busy' }), user('dan')]));
  assert.deepEqual(types(outcome), ['leave cat', 'status ben', 'update ben', 'join dan']);
  assert.equal(outcome.changes[1].previous_status, 'online');
});

test('a snapshot that differs in what no event tells is no change', () => {
  const view = viewOf(user('ann'));
  assert.deepEqual(receiveSnapshot(view, snapshot(200, [user('ann', { last_seen: 'later' })])).changes, []);
  assert.equal(view.users.get('ann').last_seen, 'later');
});

test('a standby has no positions: the snapshot is shown, and events cannot follow it', () => {
  const view = viewOf(user('ann'));
  receiveSnapshot(view, snapshot(null, [user('ben')], { epoch: null }));
  assert.deepEqual([...view.users.keys()], ['ben']);
  assert.equal(receiveEvent(view, joined(101, 'ann')).verdict, 'ignored');
});

test('user_joined of somebody known is an update with what changed, and nothing when nothing did', () => {
  const view = viewOf(user('ann'));
  assert.deepEqual(receiveEvent(view, joined(101, 'ann')).changes, []);
  const outcome = receiveEvent(view, joined(102, 'ann', { user: { id: 'ann', name: 'Anna', hat: 'red' } }));
  assert.deepEqual(types(outcome), ['update ann']);
  assert.equal(outcome.changes[0].previous.name, 'Name of ann');
  assert.equal(outcome.changes[0].user.name, 'Anna');
  assert.deepEqual(outcome.changes[0].user.user_data, { name: 'Anna', hat: 'red' });
});

test('an event that says no avatar, of one whose user data has none, is no update', () => {
  const view = viewOf(user('ann'), user('ben', { name: null, user_data: null }));
  assert.deepEqual(receiveEvent(view, joined(101, 'ann', { user: { id: 'ann', name: 'Name of ann', avatar: null } })).changes, []);
  assert.deepEqual(receiveEvent(view, joined(102, 'ben', { user: { id: 'ben', name: null, avatar: null } })).changes, []);
  assert.deepEqual([view.users.get('ann').user_data, view.users.get('ben').user_data], [{ name: 'Name of ann' }, null]);
});

test('user_status_changed changes status and message, and keeps the rest', () => {
  const view = viewOf(user('ann', { current_page: '/inbox' }));
  const outcome = receiveEvent(view, event(101, 'user_status_changed', 'ann', { status: 'busy', previous_status: 'online', status_message: 'in a call', reason: 'manual' }));
  assert.deepEqual(types(outcome), ['status ann', 'update ann']);
  assert.deepEqual(outcome.changes[0].reason, 'manual');
  const ann = view.users.get('ann');
  assert.deepEqual([ann.status, ann.status_message, ann.name, ann.current_page], ['busy', 'in a call', 'Name of ann', '/inbox']);
});

test('offline is a leave, and the user_left after it nothing', () => {
  const view = viewOf(user('ann'));
  const outcome = receiveEvent(view, event(101, 'user_status_changed', 'ann', { status: 'offline', previous_status: 'online', status_message: null, reason: 'timeout' }));
  assert.deepEqual(types(outcome), ['status ann', 'leave ann']);
  assert.deepEqual([outcome.changes[0].status, outcome.changes[0].previous_status, outcome.changes[1].user.name], ['offline', 'online', 'Name of ann']);
  assert.deepEqual(receiveEvent(view, event(102, 'user_left', 'ann')).changes, []);
});

test('who leaves a room has not gone offline', () => {
  const outcome = receiveEvent(viewOf(user('ann')), event(101, 'user_left', 'ann', { status: 'online', reason: 'leave' }));
  assert.deepEqual(types(outcome), ['leave ann']);
});

test('who comes online is told of once, when the name is known', () => {
  const view = emptyView();
  const there = { channel: 'global_presence' };
  receiveSnapshot(view, snapshot(100, [], there));
  const came = { ...there, status: 'online', previous_status: 'offline', reason: 'connect' };
  assert.deepEqual(types(receiveEvent(view, event(101, 'user_status_changed', 'ann', came))), ['status ann']);
  assert.ok(view.users.has('ann'));
  const outcome = receiveEvent(view, joined(102, 'ann', came));
  assert.deepEqual(types(outcome), ['join ann']);
  assert.equal(outcome.changes[0].user.name, 'Name of ann');
});

test('who came and went before the name was known was not there; a snapshot tells of who is', () => {
  const view = emptyView();
  const there = { channel: 'global_presence' };
  const came = { ...there, status: 'online', previous_status: 'offline' };
  receiveSnapshot(view, snapshot(100, [], there));
  receiveEvent(view, event(101, 'user_status_changed', 'ann', came));
  assert.deepEqual(types(receiveEvent(view, event(102, 'user_status_changed', 'ann', { ...there, status: 'offline', previous_status: 'online' }))), ['status ann']);
  receiveEvent(view, event(103, 'user_status_changed', 'ben', came));
  assert.deepEqual(types(receiveSnapshot(view, snapshot(104, [user('ben')], there))), ['join ben']);
});

test('somebody whom a truncated snapshot left out is there from the first word on', () => {
  const view = emptyView();
  receiveSnapshot(view, snapshot(100, [user('ann')], { truncated: true, members: 2 }));
  assert.deepEqual(view.occupancy, { members: 2, large: false });
  assert.equal(view.isTruncated, true);
  const outcome = receiveEvent(view, event(101, 'user_status_changed', 'ben', { status: 'away', previous_status: 'online', reason: 'idle_timeout' }));
  assert.deepEqual(types(outcome), ['join ben']);
  assert.equal(outcome.changes[0].user.status, 'away');
});

test('in a room nothing follows who comes online: the join is told at once', () => {
  const view = viewOf();
  const came = event(101, 'user_status_changed', 'ann', { status: 'online', previous_status: 'offline', reason: 'connect' });
  assert.deepEqual(types(receiveEvent(view, came)), ['join ann']);
});

test('cursor and state change their keys of a member, and of nobody else', () => {
  const view = viewOf(user('ann'));
  assert.deepEqual(types(receiveEvent(view, event(101, 'cursor_moved', 'ann', { cursor_position: { line: 2 }, selection_range: [1, 2] }))), ['cursor ann']);
  assert.deepEqual(types(receiveEvent(view, event(102, 'state_changed', 'ann', { state: { hand: 'raised' } }))), ['state ann']);
  const { cursor_position, selection_range, state } = view.users.get('ann');
  assert.deepEqual([cursor_position, selection_range, state], [{ line: 2 }, [1, 2], { hand: 'raised' }]);
  assert.deepEqual(receiveEvent(view, event(103, 'cursor_moved', 'ben', { cursor_position: 1 })).changes, []);
  assert.ok(!view.users.has('ben'));
});

test('no cursor is told as null', () => {
  const view = viewOf(user('ann', { cursor_position: { line: 1 }, selection_range: [1, 2] }));
  receiveEvent(view, event(101, 'cursor_moved', 'ann', { cursor_position: { line: 3 } }));
  assert.deepEqual([view.users.get('ann').cursor_position, view.users.get('ann').selection_range], [{ line: 3 }, null]);
});

test('typing needs no membership, begins once and ends once', () => {
  const view = viewOf(user('ann'));
  const start = (seq, id) => event(seq, 'typing_start', id, { user_name: id });
  assert.deepEqual(types(receiveEvent(view, start(101, 'guest'))), ['typing guest']);
  assert.deepEqual(types(receiveEvent(view, start(102, 'guest'))), []);
  assert.deepEqual(types(receiveEvent(view, start(103, 'ann'))), ['typing ann']);
  assert.equal(view.users.get('ann').typing, true);
  const stopped = receiveEvent(view, event(104, 'typing_stop', 'ann', { reason: 'timeout' }));
  assert.deepEqual(stopped.changes, [{ type: 'typing', user_id: 'ann', user_name: 'ann', typing: false }]);
  assert.equal(view.users.get('ann').typing, false);
  assert.deepEqual(types(receiveEvent(view, event(105, 'typing_stop', 'ann'))), []);
  assert.deepEqual([...view.typists.keys()], ['guest']);
});

test('typing that ended while nobody listened ends with the snapshot', () => {
  const view = viewOf(user('ann'));
  receiveEvent(view, event(101, 'typing_start', 'ann', { user_name: 'Ann' }));
  assert.deepEqual(types(receiveSnapshot(view, snapshot(200, [user('ann', { typing: false })]))), ['typing ann']);
  assert.equal(view.typists.size, 0);
});

test('what a viewer may see again comes with cursor, state and typing', () => {
  const view = viewOf(user('ann'));
  const outcome = receiveEvent(view, event(101, 'user_updated', 'ann', { status: 'online', cursor_position: 7, selection_range: null, state: 1, typing: true, user: { id: 'ann', name: 'Ann' } }));
  assert.deepEqual(types(outcome), ['update ann', 'typing ann']);
  assert.equal(view.users.get('ann').cursor_position, 7);
});

test('how many there are in a large channel', () => {
  const view = viewOf(user('ann'));
  const outcome = receiveEvent(view, event(101, 'channel_occupancy', undefined, { members: 900, large: true }));
  assert.deepEqual(outcome.changes, [{ type: 'occupancy', members: 900, large: true }]);
  assert.deepEqual(view.occupancy, { members: 900, large: true });
});

test('an event that this version does not know moves the position and nothing else', () => {
  const view = viewOf(user('ann'));
  assert.deepEqual(receiveEvent(view, event(101, 'user_waved', 'ann')), { verdict: 'applied', changes: [] });
  assert.deepEqual(view.position, { epoch: 'e1', seq: 101 });
});

test('a user object is never changed, so what a handler kept stays what it was', () => {
  const view = viewOf(Object.freeze(user('ann')));
  const before = view.users.get('ann');
  receiveEvent(view, event(101, 'user_status_changed', 'ann', { status: 'away', previous_status: 'online' }));
  receiveEvent(view, event(102, 'typing_start', 'ann', { user_name: 'Ann' }));
  assert.deepEqual([before.status, before.typing], ['online', undefined]);
});
