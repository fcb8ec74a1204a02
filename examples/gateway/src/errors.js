// What a call is refused with: an SQLSTATE, a message and perhaps a hint, whether the database says no or the gateway.

export class CallError extends Error {
  /**
   * @param {string} code an SQLSTATE
   * @param {string} message
   * @param {string | null} hint
   */
  constructor(code, message, hint = null) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

export const invalid = (message, hint) => new CallError('22023', message, hint);

/** As it goes to the browser. What is not meant for it (addresses, stacks) goes to the log. */
export function describe(error) {
  if (error instanceof CallError || isSqlError(error))
    return { code: error.code, message: error.message, hint: error.hint ?? null };
  if (isConnectionError(error))
    return { code: '08006', message: 'the database cannot be reached', hint: 'Try again in a moment.' };
  console.error('unexpected', error);
  return { code: 'XX000', message: 'internal error of the gateway', hint: null };
}

const SQLSTATE = /^[0-9A-Z]{5}$/;
/** Connection exceptions, too many connections, and a server that starts or stops. */
const CONNECTION_STATES = /^(08|53300|57P0)/;

function isSqlError(error) {
  return SQLSTATE.test(error.code ?? '') && error.severity !== undefined && !CONNECTION_STATES.test(error.code);
}

/** The same may succeed later. pg has no codes of its own for lost connections, only messages. */
export function isConnectionError(error) {
  if (error instanceof CallError) return false;
  if (error.severity !== undefined) return CONNECTION_STATES.test(error.code ?? '');
  return typeof error.errno === 'number' || /connection|timeout|not queryable|client was closed/i.test(error.message);
}
