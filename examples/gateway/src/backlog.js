// How far a browser that reads slowly may be behind.
//
// One message is always sent whole, however large: a snapshot of many people must not cut everybody who asks for it.

export class Backlog {
  #most;
  #limit;

  /** @param {number} most bytes */
  constructor(most) {
    this.#most = most;
    this.#limit = most;
  }

  /** @param {number} buffered bytes that wait already @param {number} size of the message that is to be sent */
  admits(buffered, size) {
    if (buffered <= this.#most) this.#limit = this.#most + size;
    return buffered <= this.#limit;
  }
}
