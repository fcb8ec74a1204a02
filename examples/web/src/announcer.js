// announcer.js: tells screen readers who comes into the room and leaves it: politely, and not each one when they are many.

const interval = 8000;
const mostNames = 3;

export class Announcer {
  #element;
  #came = [];
  #left = [];
  #timer = null;

  constructor(element) {
    this.#element = element;
  }

  came(name) {
    this.#came.push(name);
    this.#schedule();
  }

  left(name) {
    this.#left.push(name);
    this.#schedule();
  }

  #schedule() {
    this.#timer ??= setTimeout(() => this.#speak(), interval);
  }

  #speak() {
    this.#timer = null;
    const parts = [];
    if (this.#came.length > 0) parts.push(`${names(this.#came)} came`);
    if (this.#left.length > 0) parts.push(`${names(this.#left)} left`);
    this.#came = [];
    this.#left = [];
    this.#element.textContent = `${parts.join(', ')}.`;
  }
}

function names(people) {
  return people.length > mostNames ? `${people.length} people` : people.join(', ');
}
