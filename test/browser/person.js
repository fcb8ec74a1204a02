// person.js: somebody with the page open, and what this person does and sees there.
import path from 'node:path';

// Of a machine that has much else to do. All waits are for conditions, and end when these hold.
const patience = 45_000;
let people = 0;

export class Person {
  // `options` are those of a browser context: viewport, colorScheme and the like. Each person has an id of its own.
  static async open(browser, address, name, options = {}) {
    const person = new Person(name);
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
    context.setDefaultTimeout(patience);
    person.context = context;
    person.page = await context.newPage();
    person.page.on('pageerror', (error) => person.errors.push(error));
    await person.page.goto(`${address}/?${new URLSearchParams({ user_id: person.id, name })}`);
    await person.sees('#connection[data-state=open]');
    return person;
  }

  constructor(name) {
    this.name = name;
    this.id = `${name.toLowerCase()}-${++people}`;
    this.errors = [];
  }

  // Waits until an element is there (not whether it can be seen: on a phone only one view is shown).
  sees(selector) {
    return this.page.locator(selector).first().waitFor({ state: 'attached' });
  }

  seesNo(selector) {
    return this.page.locator(selector).first().waitFor({ state: 'detached' });
  }

  seesText(selector, text) {
    return this.page.locator(selector, { hasText: text }).first().waitFor({ state: 'attached' });
  }

  seesStatus(other, status) {
    return this.sees(`${rowOf(other)}[data-status=${status}]`);
  }

  seesNobody(other) {
    return this.seesNo(rowOf(other));
  }

  async choose(status) {
    await this.page.locator('#own-status label', { hasText: status }).click();
  }

  async write(message) {
    await this.page.getByLabel('Message').fill(message);
    await this.page.keyboard.press('Enter');
  }

  async letsSee(audience) {
    await this.page.getByLabel('Who sees you').selectOption({ label: audience });
  }

  // The pointer goes to the middle of a paragraph of the text.
  async pointsAt(paragraph) {
    await this.page.locator(`#document-text [data-block="${paragraph}"]`).hover();
  }

  async type(text) {
    await this.page.locator('#composer-text').pressSequentially(text);
  }

  async enter(room) {
    await this.page.locator('.room-link', { hasText: room }).click();
    await this.seesText('#room-title', room);
  }

  // For a person to look at, if a directory is given.
  async screenshot(name) {
    const directory = process.env.PRESENCE_SCREENSHOTS;
    if (directory) await this.page.screenshot({ path: path.join(directory, `${name}.png`), animations: 'disabled' });
  }

  async close() {
    await this.context.close();
    if (this.errors.length > 0) throw this.errors[0];
  }
}

export function rowOf({ id }) {
  return `#people [data-user-id="${id}"]`;
}

export function cursorOf({ id }) {
  return `#cursors .cursor[data-user-id="${id}"]`;
}
