// What browsers send as arguments is checked for its type here; whether the value makes sense is for the database to say.
// What is absent stays undefined, so that the default of the database holds.

import { invalid } from './errors.js';

const isAbsent = (value) => value === undefined || value === null;

export function text(message, name) {
  const value = message[name];
  if (isAbsent(value)) return value;
  if (typeof value === 'string') return value;
  if (Number.isFinite(value)) return String(value);
  throw invalid(`"${name}" must be a string`);
}

export function requiredText(message, name) {
  const value = text(message, name);
  if (isAbsent(value)) throw invalid(`"${name}" is missing`);
  return value;
}

export function integer(message, name) {
  const value = message[name];
  if (isAbsent(value)) return value;
  if (Number.isSafeInteger(value)) return value;
  throw invalid(`"${name}" must be a whole number`);
}

export function boolean(message, name) {
  const value = message[name];
  if (isAbsent(value)) return undefined;
  if (typeof value === 'boolean') return value;
  throw invalid(`"${name}" must be true or false`);
}

/** Any JSON, as text for a parameter of type jsonb. */
export function json(message, name) {
  const value = message[name];
  return isAbsent(value) ? value : JSON.stringify(value);
}

export function object(message, name) {
  const value = message[name];
  if (isAbsent(value)) return value;
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  throw invalid(`"${name}" must be an object`);
}

/** Both or neither. */
export function position(message) {
  const epoch = text(message, 'epoch');
  const seq = integer(message, 'seq');
  if (isAbsent(epoch) !== isAbsent(seq)) throw invalid('"epoch" and "seq" go together');
  if (seq < 0) throw invalid('"seq" must not be negative');
  return isAbsent(epoch) ? null : { epoch, seq };
}
