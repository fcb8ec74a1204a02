// Positions in the events of a database: (epoch, seq). Epochs have no order, seqs count within one.

/** @typedef {{epoch: string, seq: number}} Position */

/** Whether who is at `position` knows all up to `other`. @param {Position} position @param {Position} other */
export function reaches(position, other) {
  return position.epoch === other.epoch && position.seq >= other.seq;
}

/** Whether who is at `position` has missed something before `event`. An event without `prev` does not tell. */
export function misses(position, event) {
  return position.epoch !== event.epoch || event.prev > position.seq;
}

/** @param {{epoch: string, seq: number}} from */
export function positionOf({ epoch, seq }) {
  return { epoch, seq };
}
