// run.js: the page of examples/web in headless Chromium, with a real gateway and a real server.
//
// The server comes from the PG* environment; database.js says which settings it needs. PRESENCE_SCREENSHOTS names a
// directory for pictures that a person looks at, CHROMIUM another browser than /usr/bin/chromium.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { violationsOf } from './accessibility.js';
import { launchBrowser, launchMortalBrowser } from './browser.js';
import { openDatabase } from './database.js';
import { Gateway } from './gateway.js';
import { cursorOf, Person, rowOf } from './person.js';

const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

let database, gateway, browser;
let opened = [];

before(async () => {
  database = await openDatabase();
  gateway = await Gateway.start();
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await gateway?.stop();
  await database?.end();
});

// Nobody is left of the test before.
beforeEach(() => database.query('SELECT presence_reset()'));

// Opens the page as somebody who is gone after the test.
async function open(name, options) {
  const person = await Person.open(browser, gateway.address, name, options);
  opened.push(person);
  return person;
}

afterEach(async () => {
  const people = opened;
  opened = [];
  for (const person of people) await person.close();
});

test('two people see each other, in the list and in the room', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ann.seesStatus(ben, 'online');
  await ann.seesText('#room-members', 'Ben, online');
  await ann.pointsAt(0);
  await ben.seesStatus(ann, 'online');
  await ben.seesText('#room-count', '2 here');
});

test('a status and a message are seen by the others', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ann.choose('Busy');
  await ben.seesStatus(ann, 'busy');
  await ann.write('in a call');
  await ben.seesText(rowOf(ann), 'Busy · in a call');
  await ann.choose('Online');
  await ben.seesStatus(ann, 'online');
});

test('a busy person stays busy over a reload, and its card knows it', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ann.choose('Busy');
  await ben.seesStatus(ann, 'busy');
  await ann.page.reload();
  await ann.sees('#own-status input[value=busy]:checked');
});

test('a cursor is seen where it is, and so is a selection', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ann.pointsAt(2);
  await ben.seesText(cursorOf(ann), 'Ann');
  const paragraph = await ben.page.locator('#document-text [data-block="2"]').boundingBox();
  await ben.page.waitForFunction(
    ([selector, { y, height }]) => {
      const cursor = document.querySelector(selector).getBoundingClientRect();
      return cursor.top >= y - 1 && cursor.bottom <= y + height + 1;
    },
    [cursorOf(ann), paragraph],
  );
  await ann.page.locator('#document-text [data-block="1"]').selectText();
  await ben.sees('#cursors .selected');
});

test('typing is seen, ends when it is done, and ends by itself', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  const seen = [ben.seesText('#typing', 'Ann is typing'), ben.sees('.room-link[data-room=room01].is-typing')];
  await ann.type('Hello');
  await Promise.all(seen);
  await ann.page.getByRole('button', { name: 'Done' }).click();
  await ben.seesNo('#typing span');
  const seenAgain = ben.seesText('#typing', 'Ann is typing');
  await ann.type('?');
  await seenAgain;
  await ben.seesNo('#typing span');
});

test('who goes to another room is there and no longer here', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ben.seesText('#room-count', '2 here');
  await ann.enter('Harbour');
  await ben.seesText('#room-count', '1 here');
  await ben.seesText('.room-link[data-room=room02] .room-size', '1');
});

test('who does nothing goes idle, and is back with the first move', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ann.pointsAt(0);
  await ben.seesStatus(ann, 'online');
  await ben.seesStatus(ann, 'away');
  await ann.pointsAt(1);
  await ben.seesStatus(ann, 'online');
});

test('who is gone without a goodbye is offline after the grace', async () => {
  const ben = await open('Ben');
  const { browser: mortal, kill } = await launchMortalBrowser();
  const cy = await Person.open(mortal, gateway.address, 'Cy');
  await ben.sees(rowOf(cy));
  const killed = Date.now();
  await kill();
  await ben.seesNobody(cy);
  const took = Date.now() - killed;
  assert(took >= 9900, `the grace is ten seconds, and it took ${took} ms`);
});

test('a reload is no departure', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ben.sees(rowOf(ann));
  await ben.page.evaluate((selector) => {
    window.departures = 0;
    const list = document.getElementById('people');
    new MutationObserver(() => (window.departures += list.querySelector(selector) ? 0 : 1)).observe(list, { childList: true });
  }, rowOf(ann));
  await ann.page.reload();
  await ann.sees('#connection[data-state=open]');
  await ann.write('back');
  await ben.seesText(rowOf(ann), 'back');
  assert.equal(await ben.page.evaluate(() => window.departures), 0);
});

test('who hides disappears everywhere, and comes back', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ann.pointsAt(3);
  await ben.sees(cursorOf(ann));
  await ann.letsSee('Nobody');
  await ben.seesNobody(ann);
  await ben.seesNo(cursorOf(ann));
  await ben.seesText('#room-count', '1 here');
  await ann.seesText('#you-who', 'hidden from others');
  await ann.letsSee('Everyone');
  await ben.sees(rowOf(ann));
  await ben.seesText('#room-count', '2 here');
});

test('all of it goes with the keyboard alone', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await ben.enter('Harbour');
  const { keyboard } = ann.page;
  await tabTo(ann, '.room-link[data-room=room02]');
  await keyboard.press('Enter');
  await ben.seesText('#room-count', '2 here');
  await tabTo(ann, '#document');
  await keyboard.press('ArrowDown');
  await ben.seesText(cursorOf(ann), 'Ann');
  await tabTo(ann, '#composer-text');
  const seen = ben.seesText('#typing', 'Ann is typing');
  await keyboard.type('Hi');
  await seen;
});

async function tabTo(person, selector) {
  const target = await person.page.locator(selector).elementHandle();
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await person.page.keyboard.press('Tab');
  }
  assert.fail(`the Tab key does not lead to ${selector}`);
}

test('a gateway that was away leaves no wrong picture behind', async () => {
  const ann = await open('Ann');
  const ben = await open('Ben');
  await database.query("SELECT presence_touch('left-meanwhile')");
  await ben.sees(rowOf({ id: 'left-meanwhile' }));
  await gateway.stop('SIGKILL');
  await ben.sees('#connection[data-state=connecting]');
  await database.query("SELECT presence_logout('left-meanwhile'), presence_touch('came-meanwhile')");
  await gateway.run();
  await ben.sees('#connection[data-state=open]');
  await ben.sees(rowOf({ id: 'came-meanwhile' }));
  await ben.seesNobody({ id: 'left-meanwhile' });
  await ben.sees(rowOf(ann));
});

test('thousands of people are a number and a few rows', async () => {
  const ann = await open('Ann');
  await database.query("SELECT presence_touch_many(array_agg('crowd-' || n)) FROM generate_series(1, 3000) n");
  await ann.seesText('#people-count', '3,001');
  assert((await ann.page.locator('#people li').count()) < 60);
  await ann.page.locator('#people-search').fill('crowd-2999');
  await ann.sees(rowOf({ id: 'crowd-2999' }));
});

test('on a phone there is one view at a time, as dark as the phone', async () => {
  const ann = await open('Ann', { ...phone, colorScheme: 'dark' });
  const { page } = ann;
  assert.equal(await page.locator('#document').isVisible(), true);
  assert.equal(await page.locator('#people').isVisible(), false);
  for (const [view, selector] of [['Rooms', '#rooms'], ['People', '#people'], ['You', '#own-status'], ['Room', '#document']]) {
    await page.getByRole('button', { name: view, exact: true }).click();
    await page.locator(selector).waitFor({ state: 'visible' });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wider, 0, `${view} is wider than the phone`);
  }
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert(background.match(/\d+/g).every((part) => Number(part) < 40), `the background is ${background}`);
});

for (const colorScheme of ['light', 'dark']) {
  for (const [size, options] of Object.entries({ wide: {}, phone })) {
    test(`axe finds nothing serious: ${size}, ${colorScheme}`, async () => {
      await furnish();
      // Colours are judged at rest: what just comes in is paler for a moment.
      const ann = await open('Ann', { ...options, colorScheme, reducedMotion: 'reduce' });
      await ann.sees(rowOf({ id: 'furniture-7' }));
      await ann.sees(cursorOf({ id: 'furniture-7' }));
      await ann.seesText('#history-legend', '3 busy');
      for (const view of size === 'phone' ? ['room', 'rooms', 'people', 'you'] : ['room']) {
        if (size === 'phone') await ann.page.locator(`[data-show=${view}]`).click();
        await ann.screenshot(`${size}-${colorScheme}-${view}`);
        assert.deepEqual(await violationsOf(ann.page), []);
      }
    });
  }
}

// People of each status, some of them in the room, typing and pointing, so that there is something to look at.
async function furnish() {
  const people = ['Ada Moreau', 'Bruno Silva', 'Chidi Okafor', 'Dana Fischer', 'Emeka Obi', 'Farah Khan', 'Gita Patel', 'Hugo Berg'];
  for (const [index, name] of people.entries()) {
    const id = `furniture-${index}`;
    await database.query('SELECT presence_connect($1, session_id => $2, user_data => $3)', [id, `${id}-tab`, { name }]);
    await database.query("SELECT presence_join($1, 'room01')", [id]);
    if (index % 3 === 1) await database.query("SELECT presence_set_status($1, 'busy', 'writing')", [id]);
    if (index % 3 === 2) await database.query("SELECT presence_set_status($1, 'away', 'back at three')", [id]);
    await database.query("SELECT presence_join_document($1, 'room01', $2::jsonb)", [id, { block: index, offset: 40 + 9 * index }]);
  }
  await database.query("SELECT presence_typing('furniture-0', 'room01'), presence_typing('furniture-3', 'room01')");
}
