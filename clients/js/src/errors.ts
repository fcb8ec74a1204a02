// What a call is refused with.

export class PresenceError extends Error {
  /** An SQLSTATE of the database, or `closed` (no connection, or it was lost before the answer) or `timeout`. */
  readonly code: string;
  readonly hint: string | null;

  constructor(code: string, message: string, hint: string | null = null) {
    super(message);
    this.name = 'PresenceError';
    this.code = code;
    this.hint = hint;
  }

  /** The connection is at fault, not the call: the same may succeed later. */
  get isTransient(): boolean {
    return this.code === 'closed' || this.code === 'timeout' || this.code.startsWith('08');
  }
}
