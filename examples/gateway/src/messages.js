// What is sent to browsers. A message is made once and sent to many: its bytes for each way are kept.

export class Message {
  #kind;
  #json;
  #position;
  #frame;
  #block;

  /**
   * @param {'snapshot' | 'event' | 'position'} kind
   * @param {string} json
   * @param {{epoch: string, seq: number}} position
   */
  constructor(kind, json, position) {
    this.#kind = kind;
    this.#json = json;
    this.#position = position;
  }

  /** The text frame of a WebSocket. */
  get frame() {
    this.#frame ??= Buffer.from(`{"${this.#kind}":${this.#json}}`);
    return this.#frame;
  }

  /** The block of an event stream. */
  get block() {
    const { epoch, seq } = this.#position;
    this.#block ??= Buffer.from(`event: ${this.#kind}\nid: ${epoch}:${seq}\ndata: {"${this.#kind}":${this.#json}}\n\n`);
    return this.#block;
  }
}

/** @param {object} event as it is heard */
export const eventMessage = (event) => new Message('event', JSON.stringify(event), event);

/** @param {string} json */
export const snapshotMessage = (json, position) => new Message('snapshot', json, position);

export const positionMessage = (channel, { epoch, seq }) =>
  new Message('position', JSON.stringify({ channel, epoch, seq }), { epoch, seq });
