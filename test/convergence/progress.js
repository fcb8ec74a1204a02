// How far a channel is known, and the rule for it (docs/delivery.md): forward only, nothing twice. What breaks the rule is
// complained of.

export class Progress {
  position;
  #complain;

  /** `complain` is called with what came twice or out of order. */
  constructor(complain, position = null) {
    this.#complain = complain;
    this.position = position;
  }

  takeSnapshot({ epoch, seq }) {
    if (this.position?.epoch === epoch && seq < this.position.seq) this.#complain(`a snapshot of ${seq} after ${this.position.seq}`);
    this.position = { epoch, seq };
  }

  takeEvent({ epoch, seq }) {
    if (!this.position) this.#complain(`event ${seq} before any snapshot`);
    else if (epoch !== this.position.epoch) this.#complain(`event ${epoch}:${seq} in epoch ${this.position.epoch}`);
    else if (seq <= this.position.seq) this.#complain(`event ${seq} after ${this.position.seq}`);
    this.position = { epoch, seq };
  }

  takePosition({ epoch, seq }) {
    if (epoch !== this.position?.epoch || seq < this.position.seq)
      this.#complain(`position ${epoch}:${seq} after ${this.position?.epoch}:${this.position?.seq}`);
    this.position = { epoch, seq };
  }
}
