// Subscriptions and one's own part, message by message.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClient } from './support/client.js';
import { settled } from './support/clock.js';
import { event, joined, snapshot, user } from './support/messages.js';

/** A client that follows `lobby` and knows everything up to 100. */
async function inLobby(...users) {
  const t = await openClient();
  const heard = [];
  const lobby = t.client.channel('lobby');
  for (const name of ['join', 'leave', 'update', 'status', 'cursor', 'state', 'typing', 'occupancy', 'sync', 'resync', 'error'])
    lobby.on(name, ({ user_id, code }) => heard.push([name, user_id ?? code].filter(Boolean).join(' ')));
  const subscribed = lobby.subscribe();
  await t.socket.push({ snapshot: snapshot(100, users) });
  await t.socket.answer(t.socket.last('subscribe'), { channel: 'lobby', epoch: 'e1', seq: 100 });
  await subscribed;
  heard.length = 0;
  return Object.assign(t, { lobby, heard });
}

const asked = (t) => t.socket.calls('subscribe').slice(1).map(({ epoch, seq }) => [epoch, seq]);
const left = (t) => t.socket.answer(t.socket.last('unsubscribe'), true);
const answer = (t, seq, epoch = 'e1') => t.socket.answer(t.socket.last('subscribe'), { channel: 'lobby', epoch, seq });

test('subscribe resolves when everybody is known, and sync comes once', async () => {
  const t = await openClient();
  const lobby = t.client.channel('lobby');
  const heard = [];
  for (const name of ['join', 'sync']) lobby.on(name, () => heard.push(name));
  let done = false;
  void lobby.subscribe().then(() => (done = true));
  await t.socket.push({ snapshot: snapshot(100, [user('ann'), user('ben')]) });
  assert.deepEqual([done, heard], [false, ['join', 'join']]);
  await t.socket.answer(t.socket.last('subscribe'), { channel: 'lobby', epoch: 'e1', seq: 100 });
  assert.deepEqual([done, heard], [true, ['join', 'join', 'sync']]);
  assert.deepEqual(Object.keys(lobby.presenceState()), ['ann', 'ben']);
});

test('the handlers of the guide get what they read', async () => {
  const t = await openClient();
  const told = [];
  const log = (name) => (data) => told.push([name, data.user_id ?? null, data.status ?? data.user?.name ?? data.typing ?? null]);
  const handlers = {};
  for (const name of ['onUserStatusChanged', 'onUserJoined', 'onUserLeft', 'onUserUpdated', 'onCursorMoved', 'onStateChanged', 'onTypingStart', 'onTypingStop', 'onOccupancy', 'onSync', 'onResync'])
    handlers[name] = log(name);
  t.client.subscribe('lobby', handlers);
  await t.socket.push({ snapshot: snapshot(100, []) });
  await answer(t, 100);
  const events = [
    joined(101, 'ann'),
    event(102, 'user_status_changed', 'ann', { status: 'away', previous_status: 'online' }),
    event(103, 'cursor_moved', 'ann', { cursor_position: 1 }),
    event(104, 'state_changed', 'ann', { state: 1 }),
    event(105, 'typing_start', 'ann', { user_name: 'Ann' }),
    event(106, 'typing_stop', 'ann'),
    event(107, 'channel_occupancy', undefined, { members: 1, large: false }),
    event(108, 'user_left', 'ann'),
    event(109, 'presence_resync', undefined),
  ];
  for (const each of events) await t.socket.push({ event: each });
  assert.deepEqual(told.map(([name]) => name), [
    'onSync', 'onUserJoined', 'onSync', 'onUserStatusChanged', 'onUserUpdated', 'onSync', 'onCursorMoved', 'onStateChanged',
    'onTypingStart', 'onTypingStop', 'onOccupancy', 'onUserLeft', 'onSync', 'onResync',
  ]);
  assert.deepEqual(told[1], ['onUserJoined', 'ann', 'Name of ann']);
  assert.deepEqual(told[3], ['onUserStatusChanged', 'ann', 'away']);
});

test('handlers can be taken away', async () => {
  const t = await inLobby();
  let heard = 0;
  const remove = t.lobby.handle({ onUserJoined: () => heard++ });
  const own = () => heard++;
  t.lobby.on('join', own);
  await t.socket.push({ event: joined(101, 'ann') });
  remove();
  t.lobby.off('join', own);
  await t.socket.push({ event: joined(102, 'ben') });
  assert.equal(heard, 2);
});

test('a gap leaves the old stream, and then asks for what came after the position', async () => {
  const t = await inLobby();
  await t.socket.push({ event: joined(103, 'cat', { prev: 102 }) });
  await t.socket.push({ event: joined(104, 'dan') });
  assert.deepEqual([t.socket.calls('unsubscribe').length, asked(t), t.heard], [1, [], []]);
  await left(t);
  assert.deepEqual(asked(t), [['e1', 100]]);
  for (const [seq, id] of [[101, 'ann'], [102, 'ben'], [103, 'cat'], [104, 'dan']]) await t.socket.push({ event: joined(seq, id) });
  await answer(t, 104);
  assert.deepEqual(t.heard, ['join ann', 'join ben', 'join cat', 'join dan', 'sync']);
  assert.deepEqual([t.socket.calls('unsubscribe').length, asked(t)], [1, [['e1', 100]]]);
  await t.socket.push({ event: event(105, 'user_left', 'ann') });
  assert.deepEqual(t.heard.slice(5), ['leave ann', 'sync']);
});

test('the answer to a resume is all there is, also where prev is later: the server may have forgotten the channel', async () => {
  const t = await inLobby();
  const quiet = joined(600, 'ann', { prev: 500 });
  await t.socket.push({ event: quiet });
  await left(t);
  await t.socket.push({ event: quiet });
  await answer(t, 600);
  assert.deepEqual([t.heard, t.lobby.position.seq, asked(t).length], [['join ann', 'sync'], 600, 1]);
});

test('what the old stream still brings after a gap is left out: an event, a position, a snapshot', async () => {
  const t = await inLobby();
  await t.socket.push({ event: joined(103, 'cat', { prev: 101 }) });
  await t.socket.push({ position: { channel: 'lobby', epoch: 'e1', seq: 103 } });
  await t.socket.push({ event: joined(104, 'dan') });
  assert.deepEqual(t.lobby.position, { epoch: 'e1', seq: 100 });
  await left(t);
  for (const missed of [joined(101, 'ann', { prev: 97 }), joined(103, 'cat', { prev: 101 }), joined(104, 'dan')]) await t.socket.push({ event: missed });
  await answer(t, 104);
  assert.deepEqual([...t.lobby.users.keys()], ['ann', 'cat', 'dan']);
});

test('a position moves on what a viewer may not hear, so that the next event is no gap', async () => {
  const t = await inLobby();
  await t.socket.push({ position: { channel: 'lobby', epoch: 'e1', seq: 104 } });
  await t.socket.push({ event: joined(105, 'ann', { prev: 104 }) });
  assert.deepEqual([t.heard, asked(t)], [['join ann', 'sync'], []]);
});

test('the server was started again: the old position is asked for, and the snapshot taken that comes', async () => {
  const t = await inLobby(user('ann'), user('ben'));
  await t.socket.push({ event: joined(1, 'cat', { epoch: 'e2', prev: 0 }) });
  await left(t);
  assert.deepEqual(asked(t), [['e1', 100]]);
  await t.socket.push({ snapshot: snapshot(1, [user('ann'), user('cat')], { epoch: 'e2' }) });
  await t.socket.push({ event: event(2, 'user_left', 'ann', { epoch: 'e2', prev: 1 }) });
  await answer(t, 2, 'e2');
  assert.deepEqual(t.heard, ['leave ben', 'join cat', 'leave ann', 'sync']);
  assert.equal(asked(t).length, 1);
});

test('a gateway that finds out first sends the snapshot by itself, and that is all', async () => {
  const t = await inLobby(user('ann'));
  await t.socket.push({ snapshot: snapshot(1, [user('ben')], { epoch: 'e2' }) });
  await t.socket.push({ event: joined(2, 'cat', { epoch: 'e2' }) });
  assert.deepEqual([t.heard, asked(t)], [['leave ann', 'join ben', 'sync', 'join cat', 'sync'], []]);
});

test('an answer that says another epoch than what it brought is asked again', async () => {
  const t = await inLobby(user('ann'));
  await t.socket.push({ event: joined(103, 'cat', { prev: 102 }) });
  await left(t);
  await answer(t, 5, 'e2');
  await left(t);
  assert.deepEqual(asked(t), [['e1', 100], ['e1', 100]]);
});

test('presence_resync asks for a snapshot, and nothing is applied before it', async () => {
  const t = await inLobby(user('ann'));
  await t.socket.push({ event: event(101, 'presence_resync', undefined) });
  await t.socket.push({ event: joined(102, 'ben') });
  await left(t);
  assert.deepEqual([t.heard, asked(t)], [['resync'], [[null, null]]]);
  await t.socket.push({ snapshot: snapshot(102, [user('ben')]) });
  await answer(t, 102);
  assert.deepEqual(t.heard, ['resync', 'leave ann', 'join ben', 'sync']);
  assert.equal(asked(t).length, 1);
});

test('presence_resync among what was missed is not skipped by the answer', async () => {
  const t = await inLobby(user('ann'));
  await t.socket.push({ event: joined(103, 'ben', { prev: 102 }) });
  await left(t);
  await t.socket.push({ event: event(101, 'presence_resync', undefined) });
  await t.socket.push({ event: joined(103, 'ben', { prev: 102 }) });
  await answer(t, 103);
  await left(t);
  assert.deepEqual(asked(t), [['e1', 100], [null, null]]);
  await t.socket.push({ snapshot: snapshot(103, [user('ben')]) });
  await answer(t, 103);
  assert.deepEqual([...t.lobby.users.keys()], ['ben']);
});

test('a truncated event among what was missed, and the connection is lost: what it left out is asked for nevertheless', async () => {
  const t = await inLobby(user('ann'));
  await t.socket.push({ event: joined(103, 'ben', { prev: 102 }) });
  await left(t);
  await t.socket.push({ event: event(101, 'state_changed', 'ann', { state: null, truncated: true }) });
  await t.socket.push({ event: joined(103, 'ben', { prev: 102 }) });
  for (const delay of [250, 500]) {
    await t.socket.end();
    await t.clock.advance(delay);
    await t.socket.welcome();
    assert.deepEqual(t.socket.calls('subscribe').map(({ epoch, seq }) => [epoch, seq]), [[null, null]]);
  }
  await t.socket.push({ snapshot: snapshot(103, [user('ann', { state: 7 }), user('ben')]) });
  await answer(t, 103);
  assert.equal(t.lobby.users.get('ann').state, 7);
  assert.deepEqual([t.socket.calls('subscribe').length, t.socket.calls('unsubscribe').length], [1, 0]);
  await t.socket.end();
  await t.clock.advance(1_000);
  await t.socket.welcome();
  assert.deepEqual(t.socket.calls('subscribe').map(({ epoch, seq }) => [epoch, seq]), [['e1', 103]], 'nothing is owed');
});

test('presence_resync among what was missed, and the snapshot after it: nothing is owed', async () => {
  const t = await inLobby(user('ann'));
  await t.socket.push({ event: joined(103, 'ben', { prev: 102 }) });
  await left(t);
  await t.socket.push({ event: event(101, 'presence_resync', undefined) });
  await t.socket.push({ snapshot: snapshot(103, [user('ben')]) });
  await answer(t, 103);
  assert.deepEqual([asked(t), t.socket.calls('unsubscribe').length], [[['e1', 100]], 1]);
});

test('a snapshot that crosses an event which it has already does not undo or repeat it', async () => {
  const t = await inLobby(user('ann'));
  await t.socket.push({ event: joined(101, 'ben') });
  await t.socket.push({ snapshot: snapshot(100, [user('ann')]) });
  assert.deepEqual([...t.lobby.users.keys()], ['ann', 'ben']);
  await t.socket.push({ snapshot: snapshot(103, [user('ann'), user('ben')]) });
  await t.socket.push({ event: event(102, 'user_left', 'ben') });
  assert.deepEqual([...t.lobby.users.keys()], ['ann', 'ben']);
  assert.deepEqual([t.heard, asked(t)], [['join ben', 'sync'], []]);
});

test('a snapshot is the list in its order, whoever was known before', async () => {
  const t = await inLobby(user('ann'), user('ben'));
  await t.socket.push({ snapshot: snapshot(101, [user('cat'), user('ben'), user('ann')]) });
  assert.deepEqual([...t.lobby.users.keys()], ['cat', 'ben', 'ann']);
});

test('the connection is lost in the middle of a resume: the next one goes on from where it was', async () => {
  const t = await inLobby();
  await t.socket.push({ event: joined(105, 'zoe', { prev: 104 }) });
  await left(t);
  await t.socket.push({ event: joined(101, 'ann') });
  await t.socket.end(4000);
  assert.deepEqual([...t.lobby.users.keys()], ['ann']);
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.deepEqual(t.socket.calls('subscribe').map(({ epoch, seq }) => [epoch, seq]), [['e1', 101]]);
});

test('a question without an answer is asked again', async () => {
  const t = await inLobby();
  await t.socket.push({ event: joined(105, 'zoe', { prev: 104 }) });
  await t.clock.advance(10_000);
  assert.equal(t.socket.calls('unsubscribe').length, 2);
  await left(t);
  await t.clock.advance(10_000);
  await left(t);
  assert.deepEqual(asked(t), [['e1', 100], ['e1', 100]]);
});

test('who may not follow a channel hears why, and is not asked for again', async () => {
  const t = await openClient();
  const lobby = t.client.channel('secret');
  const errors = [];
  lobby.on('error', ({ code }) => errors.push(code));
  const refused = assert.rejects(lobby.subscribe(), { code: '42501' });
  await t.socket.refuse(t.socket.last('subscribe'), '42501');
  await refused;
  assert.deepEqual(errors, ['42501']);
  await t.socket.end();
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.equal(t.socket.calls('subscribe').length, 0);
});

test('unsubscribed, nothing is known and nothing heard; subscribed again, late events of before do no harm', async () => {
  const t = await inLobby(user('ann'));
  t.lobby.unsubscribe();
  assert.deepEqual({ ...t.socket.sent.at(-1) }, { call: 'unsubscribe', channel: 'lobby' });
  await t.socket.push({ event: joined(101, 'ben') });
  assert.deepEqual([t.heard, t.lobby.users.size], [[], 0]);
  void t.lobby.subscribe();
  await t.socket.push({ event: joined(102, 'cat') });
  await t.socket.push({ snapshot: snapshot(102, [user('ben'), user('cat')]) });
  await answer(t, 102);
  assert.deepEqual([...t.lobby.users.keys()], ['ben', 'cat']);
});

test('unsubscribe and subscribe at once: the answer to the first question is not that to the second', async () => {
  const t = await openClient();
  const lobby = t.client.channel('lobby');
  lobby.subscribe();
  const first = t.socket.last('subscribe');
  lobby.unsubscribe();
  let done = false;
  void lobby.subscribe().then(() => (done = true));
  await t.socket.answer(first, { channel: 'lobby', epoch: 'e1', seq: 90 });
  assert.equal(done, false);
  await t.socket.push({ snapshot: snapshot(100, [user('ann')]) });
  await answer(t, 100);
  assert.equal(done, true);
});

test('a handler may unsubscribe in the middle of a message', async () => {
  const t = await inLobby();
  t.lobby.on('join', () => t.lobby.unsubscribe());
  await t.socket.push({ snapshot: snapshot(200, [user('ann'), user('ben')]) });
  await t.socket.push({ event: joined(201, 'cat') });
  assert.equal(t.lobby.users.size, 0);
});

test('two channels have positions of their own', async () => {
  const t = await inLobby();
  const other = t.client.subscribe('kitchen');
  await t.socket.push({ snapshot: snapshot(150, [], { channel: 'kitchen' }) });
  await t.socket.answer(t.socket.last('subscribe'), { channel: 'kitchen', epoch: 'e1', seq: 150 });
  await t.socket.push({ event: joined(140, 'ann', { prev: 90 }) });
  assert.deepEqual([...t.lobby.users.keys()], ['ann']);
  assert.deepEqual([t.lobby.position.seq, other.position.seq], [140, 150]);
});

test('a snapshot that is not everybody says so, until one is', async () => {
  const t = await inLobby(user('ann'));
  assert.equal(t.lobby.isTruncated, false);
  await t.socket.push({ snapshot: snapshot(101, [user('ann')], { truncated: true, members: 2 }) });
  assert.deepEqual([t.lobby.isTruncated, t.lobby.occupancy.members], [true, 2]);
  await t.socket.push({ snapshot: snapshot(102, [user('ann'), user('ben')]) });
  assert.equal(t.lobby.isTruncated, false);
});

test('large: joins are not told, the count is', async () => {
  const t = await inLobby(user('ann'));
  assert.deepEqual(t.lobby.occupancy, { members: 1, large: false });
  await t.socket.push({ event: event(101, 'channel_occupancy', undefined, { members: 700, large: true }) });
  assert.deepEqual(t.lobby.occupancy, { members: 700, large: true });
  await t.socket.push({ snapshot: snapshot(102, [user('ann')]) });
  assert.deepEqual(t.lobby.occupancy, { members: 1, large: false });
});

test('track joins, again after a reconnect, and untrack leaves', async () => {
  const t = await openClient();
  const tracked = t.client.channel('lobby').track({ role: 'host' });
  const join = t.socket.last('join');
  assert.deepEqual({ ...join, ref: 0 }, { call: 'join', ref: 0, channel: 'lobby', user_data: { role: 'host' } });
  await t.socket.answer(join, {});
  await tracked;
  await t.socket.end();
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.deepEqual(t.socket.last('join').user_data, { role: 'host' });
  await t.socket.answer(t.socket.last('join'), {});
  void t.client.channel('lobby').untrack();
  await t.socket.answer(t.socket.last('leave'), true);
  await t.socket.end();
  await t.clock.advance(500);
  await t.socket.welcome();
  assert.deepEqual(t.socket.calls('join').concat(t.socket.calls('leave')), []);
});

test('a leave whose answer was lost is said again, unless the channel was joined anew', async () => {
  const t = await openClient();
  const lobby = t.client.channel('lobby');
  void lobby.track();
  await t.socket.answer(t.socket.last('join'), {});
  void lobby.untrack();
  await t.socket.end();
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.equal(t.socket.calls('leave').length, 1);
  void lobby.track();
  await t.socket.end();
  await t.clock.advance(500);
  await t.socket.welcome();
  assert.deepEqual([t.socket.calls('join').length, t.socket.calls('leave').length], [1, 0]);
});

test('left while there was no connection: the server hears of it when there is, since the session may still be a member', async () => {
  const t = await openClient();
  void t.client.channel('lobby').track();
  await t.socket.answer(t.socket.last('join'), {});
  await t.socket.end();
  await t.client.channel('lobby').untrack();
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.equal(t.socket.calls('join').length, 0);
  assert.equal(t.socket.calls('leave').length, 1);
});

test('who may not join hears why, and does not try again', async () => {
  const t = await openClient();
  const errors = [];
  const lobby = t.client.channel('lobby').on('error', ({ code }) => errors.push(code));
  const refused = assert.rejects(lobby.track(), { code: 'P0002' });
  await t.socket.refuse(t.socket.last('join'), 'P0002');
  await refused;
  await t.socket.end();
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.deepEqual([errors, t.socket.calls('join').length], [['P0002'], 0]);
});

test('track twice: both wait for the last', async () => {
  const t = await openClient();
  const done = [];
  void t.client.channel('lobby').track({ n: 1 }).then(() => done.push(1));
  void t.client.channel('lobby').track({ n: 2 }).then(() => done.push(2));
  const [first, second] = t.socket.calls('join');
  await t.socket.answer(first, {});
  assert.deepEqual(done, []);
  await t.socket.answer(second, {});
  assert.deepEqual(done.sort(), [1, 2]);
});

test('cursors: one in 50 ms, the last one always, with a clock that never goes back', async () => {
  const t = await openClient();
  const document = t.client.document(7);
  void document.track();
  await t.socket.answer(t.socket.last('join'), {});
  for (let i = 0; i < 20; i++) {
    document.moveCursor({ x: i }, [i, i]);
    await t.clock.advance(10);
    if (i === 10) t.clock.set(-60_000);
  }
  await t.clock.advance(100);
  const moves = t.socket.calls('move_cursor');
  assert.ok(moves.length >= 4 && moves.length <= 6, `${moves.length}`);
  assert.deepEqual([moves[0].document_id, moves[0].cursor_position, moves.at(-1).cursor_position, moves.at(-1).selection_range], ['7', { x: 0 }, { x: 19 }, [19, 19]]);
  for (let i = 1; i < moves.length; i++) assert.ok(moves[i].clock >= moves[i - 1].clock);
});

test('a cursor waits for the membership, and for the connection', async () => {
  const t = await openClient();
  const document = t.client.document(7);
  void document.track();
  document.moveCursor(1);
  document.moveCursor(2);
  assert.equal(t.socket.calls('move_cursor').length, 0);
  await t.socket.answer(t.socket.last('join'), {});
  assert.deepEqual(t.socket.calls('move_cursor').map((move) => move.cursor_position), [2]);
  await t.socket.end();
  document.moveCursor(3);
  await t.clock.advance(250);
  await t.socket.welcome();
  assert.equal(t.socket.calls('move_cursor').length, 0);
  await t.socket.answer(t.socket.last('join'), {});
  assert.deepEqual(t.socket.calls('move_cursor').map((move) => move.cursor_position), [3]);
});

test('a cursor elsewhere than in a document is a mistake', async () => {
  const t = await openClient();
  assert.throws(() => t.client.channel('lobby').moveCursor(1), TypeError);
});

test('a state that the database refuses is heard of', async () => {
  const t = await inLobby();
  void t.lobby.track();
  await t.socket.answer(t.socket.last('join'), {});
  t.lobby.setState({ hand: 'raised' });
  assert.deepEqual({ ...t.socket.last('set_state'), ref: 0 }, { call: 'set_state', ref: 0, channel: 'lobby', state: { hand: 'raised' }, clock: t.clock.now() });
  await t.socket.refuse(t.socket.last('set_state'), '22001');
  assert.deepEqual(t.heard, ['error 22001']);
});

test('typing says who, goes on, and ends', async () => {
  const t = await inLobby();
  t.lobby.keystroke('Ann');
  await t.clock.advance(1000);
  t.lobby.keystroke('Ann');
  await t.clock.advance(10_000);
  assert.deepEqual(t.socket.calls('typing').map(({ typing, user_name }) => [typing, user_name]), [[true, 'Ann'], [true, 'Ann'], [false, 'Ann']]);
  t.lobby.keystroke();
  t.lobby.stopTyping();
  assert.equal(t.socket.last('typing').typing, false);
});

test('users of everybody, and settings of oneself', async () => {
  const t = await openClient();
  t.client.subscribe('global_presence');
  await t.socket.push({ snapshot: snapshot(100, [user('ann')], { channel: 'global_presence' }) });
  assert.deepEqual([...t.client.users.keys()], ['ann']);
  for (const call of [t.client.clearStatus(), t.client.setVisibility('contacts', 'status', 'lobby')]) call.catch(() => {});
  await settled();
  assert.deepEqual({ ...t.socket.last('set_visibility'), ref: 0 }, { call: 'set_visibility', ref: 0, audience: 'contacts', detail: 'status', channel: 'lobby' });
  assert.equal(t.socket.calls('clear_status').length, 1);
});
