// A gateway that follows PROTOCOL.md, in memory, and connections that lose everything now and then: whatever happens, a
// client that was left alone for a moment knows what the gateway knows, and nothing was applied out of order.
//
// The moves are random, by a seed: `SEED=7 node --test test/convergence.test.js` is one of them again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PresenceClient } from '../dist/index.js';
import { TestClock, settled } from './support/clock.js';

const SEEDS = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: 40 }, (_, i) => i + 1);
const CHANNELS = ['global_presence', 'lobby', 'document_7'];
const PEOPLE = ['ann', 'ben', 'cat', 'dan', 'eve', 'fay'];

function randomOf(seed) {
  let state = seed * 2654435761;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  random.below = (n) => Math.floor(random() * n);
  random.of = (list) => list[random.below(list.length)];
  return random;
}

/** The database: people in channels, and the last events of one run. */
class World {
  epoch = 1;
  seq = 0;
  events = [];
  last = new Map();
  channels = new Map(CHANNELS.map((name) => [name, new Map()]));
  listeners = new Set();

  tell(channel, event, userId, more) {
    const told = { v: 1, epoch: `e${this.epoch}`, seq: ++this.seq, prev: this.last.get(channel) ?? 0, channel, event, user_id: userId, ...more };
    this.last.set(channel, told.seq);
    this.events.push(told);
    if (this.events.length > 40) this.events.shift();
    for (const listener of this.listeners) listener(told);
  }

  change(random) {
    const channel = random.of(CHANNELS);
    const users = this.channels.get(channel);
    const id = random.of(PEOPLE);
    const user = users.get(id);
    if (!user) return this.#comes(channel, users, id, random);
    const moves = ['status', 'leave', 'data', 'cursor', 'state'];
    const move = random.of(moves);
    if (move === 'leave') {
      users.delete(id);
      if (channel === 'global_presence')
        this.tell(channel, 'user_status_changed', id, { status: 'offline', previous_status: user.status, status_message: null, reason: 'logout' });
      this.tell(channel, 'user_left', id, { status: 'offline', reason: 'leave', user: { id, name: user.name } });
    } else if (move === 'status') {
      const previous = user.status;
      user.status = random.of(['online', 'away', 'busy']);
      if (user.status !== previous) this.tell(channel, 'user_status_changed', id, { status: user.status, previous_status: previous, status_message: null, reason: 'manual' });
    } else if (move === 'data') {
      user.name = `${id} ${random.below(100)}`;
      const told = random() < 0.2 ? { user: { id, name: null }, truncated: true } : { user: { id, name: user.name } };
      this.tell(channel, random.of(['user_updated', 'user_joined']), id, { status: user.status, ...told });
    } else if (channel !== 'global_presence') {
      user[move === 'cursor' ? 'cursor_position' : 'state'] = random.below(1000);
      if (move === 'cursor') this.tell(channel, 'cursor_moved', id, { cursor_position: user.cursor_position, selection_range: null });
      else this.tell(channel, 'state_changed', id, { state: user.state });
    }
  }

  #comes(channel, users, id, random) {
    const user = { name: `${id} ${random.below(100)}`, status: 'online', cursor_position: null, state: null };
    users.set(id, user);
    if (channel === 'global_presence')
      this.tell(channel, 'user_status_changed', id, { status: 'online', previous_status: 'offline', status_message: null, reason: 'connect' });
    this.tell(channel, 'user_joined', id, { status: 'online', reason: 'join', user: { id, name: user.name } });
  }

  restart() {
    this.epoch++;
    this.seq = 0;
    this.events = [];
    this.last.clear();
  }

  /** Somebody vanishes without a word but this one. */
  resync(random) {
    const users = this.channels.get('lobby');
    const id = random.of([...users.keys()]);
    if (id) users.delete(id);
    this.tell('lobby', 'presence_resync', undefined, {});
  }

  /** Of a channel of which the last event is forgotten, `prev` is a later one. */
  forget(channel) {
    this.last.set(channel, ++this.seq);
  }

  snapshot(channel) {
    const users = [...this.channels.get(channel)].map(([id, user]) => ({
      id, user_id: id, name: user.name, avatar: null, status: user.status, status_message: null, user_data: { name: user.name },
      cursor_position: user.cursor_position, selection_range: null, state: user.state,
    }));
    return { channel, epoch: `e${this.epoch}`, seq: this.seq, users, typing: [] };
  }

  missed(channel, epoch, seq) {
    if (epoch !== `e${this.epoch}` || seq < (this.events[0]?.seq ?? this.seq + 1) - 1) return null;
    return this.events.filter((event) => event.channel === channel && event.seq > seq);
  }
}

/** Sockets to a gateway of the world. What is on its way is delivered in order, a little later, and lost with its socket. */
function socketsTo(world, clock, random) {
  const live = new Set();
  class GatewaySocket {
    handlers = {};
    subscribed = new Set();
    open = true;

    constructor() {
      live.add(this);
      this.listener = (event) => this.hear(event);
      world.listeners.add(this.listener);
      this.later(() => this.handlers.open());
    }

    addEventListener(name, handler) {
      this.handlers[name] = handler;
    }

    later(run) {
      this.at = Math.max(this.at ?? 0, clock.now() + random.below(5));
      clock.setTimeout(() => this.open && run(), this.at - clock.now());
    }

    push(message) {
      const data = JSON.stringify(message);
      this.later(() => this.handlers.message({ data }));
    }

    hear(event) {
      if (!this.subscribed.has(event.channel)) return;
      // Now and then one is lost in the gateway: its next has a prev that nobody knows.
      if (random() < 0.03) return;
      this.push({ event });
      if (random() < 0.05) this.push({ event });
    }

    send(text) {
      const { call, ref, channel, epoch, seq } = JSON.parse(text);
      this.later(() => {
        let result = true;
        if (call === 'hello') result = { user_id: 'me', session_id: 's1', status: 'online', epoch: `e${world.epoch}`, seq: world.seq, heartbeat_every: 30_000 };
        if (call === 'subscribe') result = this.subscribe(channel, epoch, seq);
        if (call === 'unsubscribe') this.subscribed.delete(channel);
        if (ref !== undefined) this.push({ ref, result });
      });
    }

    subscribe(channel, epoch, seq) {
      const missed = epoch ? world.missed(channel, epoch, seq) : null;
      if (missed) for (const event of missed) this.push({ event });
      else this.push({ snapshot: world.snapshot(channel) });
      this.subscribed.add(channel);
      return { channel, epoch: `e${world.epoch}`, seq: world.seq };
    }

    close() {
      this.drop();
    }

    drop() {
      this.open = false;
      live.delete(this);
      world.listeners.delete(this.listener);
    }

    cut(code) {
      this.drop();
      this.handlers.close({ code });
    }
  }
  return { GatewaySocket, live };
}

for (const seed of SEEDS) {
  test(`seed ${seed}: it ends where the gateway is`, async () => {
    const random = randomOf(seed);
    const clock = new TestClock();
    const world = new World();
    const { GatewaySocket, live } = socketsTo(world, clock, random);
    const client = new PresenceClient({ url: 'ws://gateway.test/presence', WebSocket: GatewaySocket, clock, random, page: null });
    const mirrors = new Map(CHANNELS.map((name) => [name, mirror(client.channel(name))]));
    void client.connect();

    for (let step = 0; step < 400; step++) {
      const move = random();
      if (move < 0.7) world.change(random);
      else if (move < 0.72) for (const socket of live) socket.cut(random.of([1006, 1012, 4000]));
      else if (move < 0.725) world.restart();
      else if (move < 0.74) world.resync(random);
      else if (move < 0.76) world.forget(random.of(CHANNELS));
      else if (move < 0.77) for (let i = 0; i < 60; i++) world.change(random);
      await clock.advance(random.below(20));
      for (const { checkOrder } of mirrors.values()) checkOrder();
    }
    // An event for each channel shows what was lost before; then quiet.
    for (const name of CHANNELS) {
      world.channels.get(name).delete('last');
      world.channels.get(name).set('last', { name: 'last', status: 'online', cursor_position: null, state: null });
      world.tell(name, 'user_joined', 'last', { status: 'online', user: { id: 'last', name: 'last' } });
    }
    for (const socket of live) socket.cut(1006);
    await clock.advance(60_000);

    for (const [name, { byEvents, channel }] of mirrors) {
      const expected = picture(world.snapshot(name).users);
      assert.deepEqual(picture(channel.users.values()), expected, `${name}: the map`);
      assert.deepEqual(picture(byEvents.values()), expected, `${name}: who follows join, leave, update alone`);
    }
    client.disconnect();
  });
}

function picture(users) {
  const told = [...users].map(({ user_id, name, status, cursor_position = null, state = null }) => ({ user_id, name, status, cursor_position, state }));
  return told.sort((a, b) => (a.user_id < b.user_id ? -1 : 1));
}

/** What an application knows that listens and never looks at the map. */
function mirror(channel) {
  const byEvents = new Map();
  let position = null;
  for (const name of ['join', 'update', 'cursor', 'state']) {
    channel.on(name, ({ user_id, user }) => {
      if (name === 'join') assert.ok(!byEvents.has(user_id), `${user_id} joins once`);
      else if (name === 'update') assert.ok(byEvents.has(user_id), `${user_id} is updated after a join`);
      if (name === 'join' || byEvents.has(user_id)) byEvents.set(user_id, user);
    });
  }
  channel.on('leave', ({ user_id }) => assert.ok(byEvents.delete(user_id), `${user_id} leaves after a join`));
  void channel.subscribe();
  const checkOrder = () => {
    const now = channel.position;
    if (position && now && now.epoch === position.epoch) assert.ok(now.seq >= position.seq, 'a position never goes back');
    position = now;
  };
  return { byEvents, channel, checkOrder };
}
