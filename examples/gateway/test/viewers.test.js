// With the private channel each browser hears what its user may know, and without it what everybody may know; and what it
// knows in the end is what the database says.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { Browser } from './support/browser.js';
import { openDatabase, privateChannel } from './support/database.js';
import { Gateway } from './support/gateway.js';
import { outline } from './support/picture.js';
import { Stream } from './support/stream.js';
import { until } from './support/until.js';

const CHANNELS = ['global_presence', 'document_1'];
const SECRET = 'only for friends';

let database;
let own;
let common;
/** ann is the one who hides. ben is her friend, cem and dan are not; all are in the room but dan. */
let browsers;
/** What everybody may know. */
let stranger;
let stream;

before(async () => {
  database = await openDatabase();
  own = await Gateway.start({ PRESENCE_PRIVATE_CHANNEL: privateChannel });
  common = await Gateway.start();
});

after(async () => {
  await own?.stop();
  await common?.stop();
  await database?.close();
});

beforeEach(async () => {
  for (const browser of [...Object.values(browsers ?? {}), ...(stranger ? [stranger] : [])]) await browser.close();
  stream?.close();
  await database.ask('SELECT presence_reset()');
  browsers = {};
  for (const user of ['ann', 'ben', 'cem', 'dan']) {
    browsers[user] = await Browser.open(own, user, CHANNELS);
    if (user !== 'dan') await browsers[user].call('join', { channel: 'document_1' });
  }
  stranger = await Browser.open(common, 'stranger', CHANNELS);
  stream = await Stream.open(own, 'dan', 'global_presence');
  await everybodyKnowsTheTruth();
  for (const browser of Object.values(browsers)) browser.heard = [];
  stranger.heard = [];
  stream.heard = [];
});

/** Each viewer knows what its snapshot says, the stranger what the public one does. */
async function everybodyKnowsTheTruth() {
  const views = [...Object.values(browsers), stranger].flatMap((browser) => CHANNELS.map((channel) => ({ browser, channel })));
  for (const { browser, channel } of views) {
    const viewer = browser === stranger ? null : browser.user;
    const truth = async () => outline(await database.snapshot(channel, viewer));
    await until('the truth', async () => isDeepStrictEqual(outline(browser.picture(channel)), await truth())).catch(() => {});
    assert.deepEqual(outline(browser.picture(channel)), await truth(), `${browser.user} of ${channel}`);
    assert.deepEqual(browser.complaints, []);
  }
  await until('the stream', async () => isDeepStrictEqual(outline(stream.picture), outline(await database.snapshot('global_presence', 'dan'))));
  for (const text of [...Object.values(browsers), stranger, stream].flatMap(({ heard }) => heard))
    assert.doesNotMatch(text, new RegExp(`"audience"|"detail"|visibility_changed|${privateChannel}`));
}

/** Whatever was told since the beginning of the test, of ann. */
const heardOfAnn = ({ heard }) => heard.filter((text) => text.includes('"ann"'));

/** Ann does everything that is told of. */
async function annIsBusy() {
  const { ann } = browsers;
  await ann.call('set_status', { status: 'busy', status_message: SECRET });
  await ann.call('move_cursor', { document_id: 1, cursor_position: { line: 7 } });
  await ann.call('set_state', { channel: 'document_1', state: { secret: SECRET } });
  await ann.call('typing', { channel: 'document_1' });
  await ann.call('typing', { channel: 'document_1', typing: false });
  await ann.call('touch');
}

test('without rules everybody hears everything', async () => {
  await annIsBusy();
  await everybodyKnowsTheTruth();
  for (const browser of [...Object.values(browsers), stranger])
    assert.equal(browser.picture('document_1').users.get('ann').cursor_position.line, 7, browser.user);
});

test('who shows itself to contacts is heard of by them alone', async () => {
  await database.ask("SELECT presence_add_contact('ann', 'ben')");
  await browsers.ann.call('set_visibility', { audience: 'contacts' });
  await everybodyKnowsTheTruth();
  assert.ok(!browsers.cem.picture('global_presence').users.has('ann'));
  for (const browser of [...Object.values(browsers), stranger, stream]) browser.heard = [];

  await annIsBusy();
  await everybodyKnowsTheTruth();
  assert.equal(browsers.ben.picture('global_presence').users.get('ann').status_message, SECRET);
  assert.equal(browsers.ben.picture('document_1').users.get('ann').state.secret, SECRET);
  for (const other of [browsers.cem, browsers.dan, stranger, stream]) {
    assert.deepEqual(heardOfAnn(other), [], other.user);
    assert.ok(other.heard.every((text) => !text.includes(SECRET)));
  }
});

test('of what it may not hear a viewer is told the position, so that the next event is no gap', async () => {
  await browsers.ann.call('set_visibility', { audience: 'nobody' });
  await everybodyKnowsTheTruth();
  browsers.dan.heard = [];
  await browsers.ann.call('set_status', { status: 'busy' });
  await until('a position', () => browsers.dan.heard.some((text) => text.startsWith('{"position"')));
  assert.deepEqual(heardOfAnn(browsers.dan), []);
  await browsers.ben.call('set_status', { status: 'busy' });
  await everybodyKnowsTheTruth();
});

test('who shows itself again is there for everybody', async () => {
  await browsers.ann.call('set_visibility', { audience: 'nobody' });
  await everybodyKnowsTheTruth();
  await annIsBusy();
  await browsers.ann.call('set_visibility', {});
  await everybodyKnowsTheTruth();
  assert.equal(browsers.dan.picture('global_presence').users.get('ann').status_message, SECRET);
});

test('a new contact sees at once, a former one no more', async () => {
  await browsers.ann.call('set_visibility', { audience: 'contacts' });
  await everybodyKnowsTheTruth();
  await database.ask("SELECT presence_add_contact('ann', 'cem')");
  await everybodyKnowsTheTruth();
  assert.ok(browsers.cem.picture('document_1').users.has('ann'));
  await database.ask("SELECT presence_remove_contact('ann', 'cem')");
  await everybodyKnowsTheTruth();
  assert.ok(!browsers.cem.picture('document_1').users.has('ann'));
});

test('who is blocked hears nothing, and others all', async () => {
  await database.ask("SELECT presence_block('ann', 'cem')");
  await everybodyKnowsTheTruth();
  browsers.cem.heard = [];
  await annIsBusy();
  await everybodyKnowsTheTruth();
  assert.deepEqual(heardOfAnn(browsers.cem), []);
  assert.equal(browsers.dan.picture('global_presence').users.get('ann').status_message, SECRET);
  await database.ask("SELECT presence_unblock('ann', 'cem')");
  await everybodyKnowsTheTruth();
});

test('with the detail status nobody learns more than that', async () => {
  await browsers.ann.call('set_visibility', { audience: 'everyone', detail: 'status' });
  await everybodyKnowsTheTruth();
  await annIsBusy();
  await everybodyKnowsTheTruth();
  for (const other of [browsers.ben, browsers.dan, stranger]) {
    assert.equal(other.picture('global_presence').users.get('ann').status, 'busy');
    assert.ok(other.heard.every((text) => !text.includes(SECRET) && !text.includes('"line"')), other.user);
  }
});

test('who shows itself to those in its channels is seen by who comes in, and not by who has left', async () => {
  await browsers.ann.call('set_visibility', { audience: 'channel' });
  await everybodyKnowsTheTruth();
  assert.ok(!browsers.dan.picture('global_presence').users.has('ann'));
  await browsers.dan.call('join', { channel: 'document_1' });
  await everybodyKnowsTheTruth();
  assert.ok(browsers.dan.picture('global_presence').users.has('ann'));
  await browsers.dan.call('leave', { channel: 'document_1' });
  await everybodyKnowsTheTruth();
  assert.ok(!browsers.dan.picture('global_presence').users.has('ann'));
});

test('a rule for one channel counts there alone', async () => {
  await browsers.ann.call('set_visibility', { audience: 'nobody', channel: 'document_1' });
  await everybodyKnowsTheTruth();
  await annIsBusy();
  await everybodyKnowsTheTruth();
  assert.ok(!browsers.ben.picture('document_1').users.has('ann'));
  assert.ok(browsers.ben.picture('global_presence').users.has('ann'));
});

test('rules that change while the connection is lost count when it is back', async () => {
  await database.cutOff(own);
  await database.ask("SELECT presence_set_visibility('ann', 'nobody')");
  await until('the gateway is back', () => own.isReady());
  await everybodyKnowsTheTruth();
  assert.ok(!browsers.dan.picture('global_presence').users.has('ann'));
});

test('presence_resync is told on every channel, under its own name', async () => {
  await database.ask('SELECT presence_resync()');
  for (const channel of CHANNELS) {
    await browsers.dan.hears(channel, 'the resync', ({ event }) => event === 'presence_resync');
    await browsers.dan.subscribe(channel);
  }
  await everybodyKnowsTheTruth();
});
