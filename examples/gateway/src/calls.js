// The calls of PROTOCOL.md that are one function of the database each. The user is who authenticated, never what a message
// says.

import { boolean, integer, json, object, requiredText, text } from './arguments.js';

/**
 * @typedef {object} Caller
 * @property {import('./auth.js').User} user
 * @property {string | undefined} sessionId undefined: a call without a session
 */

/** @type {Record<string, (caller: Caller, message: object) => [string, Record<string, unknown>]>} */
const CALLS = {
  join: ({ user, sessionId }, message) => ['presence_join', {
    user_id: user.id,
    channel_id: requiredText(message, 'channel'),
    user_data: aboutUser(user, object(message, 'user_data')),
    session_id: sessionId,
  }],
  leave: ({ user, sessionId }, message) => ['presence_leave', {
    user_id: user.id,
    channel_id: requiredText(message, 'channel'),
    session_id: sessionId,
  }],
  move_cursor: ({ user }, message) => ['presence_move_cursor', {
    user_id: user.id,
    document_id: requiredText(message, 'document_id'),
    cursor_position: json(message, 'cursor_position') ?? null,
    selection_range: json(message, 'selection_range'),
    clock: integer(message, 'clock'),
  }],
  set_state: ({ user }, message) => ['presence_set_state', {
    user_id: user.id,
    channel_id: requiredText(message, 'channel'),
    state: json(message, 'state') ?? null,
    clock: integer(message, 'clock'),
  }],
  typing: ({ user }, message) => ['presence_typing', {
    user_id: user.id,
    channel_id: requiredText(message, 'channel'),
    typing: boolean(message, 'typing'),
    user_name: user.data.name ?? text(message, 'user_name'),
  }],
  touch: ({ user, sessionId }, message) => ['presence_touch', {
    user_id: user.id,
    activity_type: text(message, 'activity_type'),
    page_url: text(message, 'page_url'),
    session_id: sessionId,
    interactions: integer(message, 'interactions') ?? undefined,
  }],
  set_status: ({ user, sessionId }, message) => ['presence_set_status', {
    user_id: user.id,
    status: requiredText(message, 'status'),
    status_message: text(message, 'status_message'),
    expires_at: text(message, 'expires_at'),
    session_id: boolean(message, 'session_only') ? sessionId : undefined,
  }],
  set_message: ({ user }, message) => ['presence_set_message', {
    user_id: user.id,
    status_message: text(message, 'status_message') ?? null,
    expires_at: text(message, 'expires_at'),
  }],
  clear_status: ({ user }) => ['presence_clear_status', { user_id: user.id }],
  set_visibility: ({ user }, message) => ['presence_set_visibility', {
    user_id: user.id,
    audience: text(message, 'audience') ?? null,
    detail: text(message, 'detail') ?? undefined,
    channel_id: text(message, 'channel'),
  }],
};

/** What a browser says about its user, for a parameter of type jsonb. What is known of the user goes over it. */
function aboutUser({ data }, said) {
  return said ? JSON.stringify({ ...said, ...data }) : undefined;
}

export const isCall = (name) => Object.hasOwn(CALLS, name);

/**
 * @param {import('./database.js').Database} database
 * @param {Caller} caller
 * @param {{call: string}} message
 */
export function perform(database, caller, message) {
  return database.call(...CALLS[message.call](caller, message));
}
