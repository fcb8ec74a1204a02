// The code of the node "Classify" in workflow.json, on events as the trigger brings them and as presence_events answers.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const workflow = require('../workflow.json');

const { jsCode } = workflow.nodes.find((node) => node.name === 'Classify').parameters;
const run = new Function('$input', jsCode);
const classify = (items) => run({ all: () => items.map((json) => ({ json })) }).map(({ json }) => json);

function changed(previous_status, status, reason = 'manual') {
  return { epoch: 'e', seq: 7, prev: 6, channel: 'global_presence', event: 'user_status_changed', user_id: '42', previous_status, status, reason };
}

for (const [before, now, reason, kind] of [
  ['offline', 'online', 'connect', 'came_online'],
  ['offline', 'busy', 'connect', 'came_online'],
  ['online', 'offline', 'timeout', 'went_offline'],
  ['busy', 'offline', 'logout', 'went_offline'],
  ['online', 'busy', 'manual', 'became_busy'],
  ['online', 'away', 'idle_timeout', 'idle'],
  ['online', 'away', 'manual', 'away'],
  ['away', 'online', 'activity', 'back'],
  ['busy', 'online', 'manual', 'back'],
]) {
  test(`${before} to ${now}, ${reason}: ${kind}`, () => {
    const [change] = classify([{ payload: changed(before, now, reason) }]);
    assert.deepStrictEqual([change.kind, change.epoch, change.seq, change.user_id, change.status], [kind, 'e', 7, '42', now]);
  });
}

test('what is no change of a status is no message', () => {
  const others = ['user_joined', 'user_left', 'user_updated', 'presence_resync'].map((event) => ({ payload: { ...changed('offline', 'online'), event } }));
  assert.deepStrictEqual(classify([...others, { payload: changed('busy', 'busy') }]), []);
  assert.deepStrictEqual(classify([{ payload: { ...changed('online', 'busy'), channel: 'lobby' } }]), []);
});

test('an answer of presence_events is as many changes as it has events; with resync none', () => {
  const answer = { resync: false, events: [changed('offline', 'online'), changed('online', 'busy')] };
  assert.deepStrictEqual(classify([{ answer }]).map(({ kind }) => kind), ['came_online', 'became_busy']);
  assert.deepStrictEqual(classify([{ answer: { resync: true, events: [] } }]), []);
});
