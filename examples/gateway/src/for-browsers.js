// What browsers may follow: rooms, and the channel of everybody.
//
// The firehose and the private channel tell of all channels, the latter also what not everybody may know. Their names are
// settings, and one is a secret, so nobody is asked for them: of all snapshots only that of a room says how many are in it.

import { CallError } from './errors.js';

export const GLOBAL = 'global_presence';

/** @param {string} channel @param {{isRoom: boolean}} known `isRoom`: its snapshot has `members` */
export const isForBrowsers = (channel, { isRoom }) => isRoom || channel === GLOBAL;

export const notForBrowsers = () => new CallError('42501', 'this channel is not for browsers');
