--
-- presence_forget: erases a person everywhere.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given somebody present with a row and a history, and another, when the first is forgotten, then only the other is left.
SELECT status FROM presence_set_status('ann', 'busy', 'secret');
SELECT status FROM presence_set_status('ann', 'away');
SELECT status FROM presence_set_status('ben', 'busy');
SELECT presence_forget('ann');
SELECT * FROM presence_get('ann');
SELECT user_id FROM user_presence;
SELECT user_id FROM presence_history;
SELECT user_id FROM presence_online_users();

-- Given nobody of that name, then false.
SELECT presence_forget('ann');
SELECT presence_forget('nobody');

-- Given somebody whom only memory knows yet, or only the tables.
SELECT presence_touch('cleo');
SELECT presence_forget('cleo');
SELECT presence_status('cleo');
SELECT presence_import('[{"user_id": "dora", "status": "offline"}]');
SELECT presence_forget('dora');
SELECT user_id FROM user_presence;

-- Forgotten stays forgotten: the worker writes nothing afterwards.
SELECT presence_touch('eve'), presence_forget('eve'), presence_touch('fay');
SELECT test.eventually($$SELECT count(*) = 1 FROM user_presence WHERE user_id = 'fay'$$);
SELECT user_id FROM user_presence WHERE user_id IN ('ann', 'cleo', 'dora', 'eve');
SELECT user_id FROM presence_history WHERE user_id IN ('ann', 'cleo', 'dora', 'eve');

-- Who comes back begins anew.
SELECT status, status_message, session_count, activity_count FROM presence_set_status('ann', 'online');
SELECT test.history_of('ann');

-- It is a change like any other: it can be rolled back, and its own transaction sees it.
BEGIN;
SELECT presence_forget('ben');
SELECT presence_status('ben'), (SELECT count(*) FROM user_presence WHERE user_id = 'ben');
ROLLBACK;
SELECT presence_status('ben'), test.row_of('ben'), test.history_of('ben');
BEGIN;
SELECT status FROM presence_set_status('gus', 'busy');
SELECT presence_forget('gus');
SELECT status FROM presence_set_status('gus', 'away');
COMMIT;
SELECT presence_status('gus'), test.row_of('gus'), test.history_of('gus');

-- Sessions and what is kept with the user go, too; the ids are free.
SELECT session_id FROM presence_connect('hal', 'hal 1', '{"name": "Hal"}', 'phone', '203.0.113.7', 'agent');
SELECT session_id FROM presence_connect('hal', 'hal 2', gateway => 'node');
SELECT session_id FROM presence_connect('ida', 'ida 1', '{"name": "Ida"}');
SELECT test.eventually($$SELECT count(*) = 3 FROM presence_sessions$$);
SELECT presence_forget('hal');
SELECT * FROM presence_get('hal');
SELECT * FROM presence_sessions('hal');
SELECT test.eventually($$SELECT count(*) = 0 FROM presence_sessions WHERE user_id = 'hal'$$);
SELECT presence_heartbeat('hal 1'), presence_heartbeat('hal 2'), presence_gateway('node');
SELECT session_id FROM presence_sessions;
SELECT session_id FROM presence_connect('ida', 'hal 1');
SELECT user_data FROM presence_get('ida');
BEGIN;
SELECT presence_forget('ida');
SELECT status, session_count, user_data FROM presence_get('ida');
ROLLBACK;
SELECT status, session_count, user_data FROM presence_get('ida');
SELECT presence_heartbeat('ida 1');

-- So does everything in channels: memberships, rows, cursors, states, typing. Others stay.
SELECT channel_id FROM presence_join_document('jon', 'd', '1', '2', '{"name": "Jon"}', 'jon 1');
SELECT channel_id FROM presence_join('jon', 'room');
SELECT channel_id FROM presence_join('kim', 'room');
SELECT presence_set_state('jon', 'room', '3'), presence_typing('jon', 'room'), presence_typing('jon', 'hall');
SELECT test.eventually($$SELECT count(*) = 3 FROM channel_presence$$);
BEGIN;
SELECT presence_forget('jon');
SELECT (SELECT count(*) FROM channel_presence WHERE user_id = 'jon'), (SELECT count(*) FROM presence_channels('jon')), test.members('room'), presence_member_count('document_d');
ROLLBACK;
SELECT (SELECT count(*) FROM channel_presence WHERE user_id = 'jon'), string_agg(c, ' ') FROM presence_channels('jon') AS c;
SELECT presence_forget('jon');
SELECT (SELECT count(*) FROM channel_presence WHERE user_id = 'jon'), (SELECT count(*) FROM presence_channels('jon')), test.members('room'), presence_member_count('document_d'),
       (SELECT count(*) FROM presence_typing_users('room')), (SELECT count(*) FROM presence_typing_users('hall'));
SELECT channel_id, user_id FROM channel_presence;
SELECT cursor_position, user_data FROM presence_join_document('jon', 'd');
SELECT presence_forget('jon'), presence_forget('kim');
SELECT test.eventually($$SELECT count(*) = 0 FROM channel_presence$$);
-- One whom only a channel knows.
SELECT channel_id FROM presence_join('lea', 'room');
SELECT presence_forget('lea');
SELECT presence_forget('lea');

SELECT test.error_of($$SELECT presence_forget(NULL)$$);
SELECT test.error_of($$SELECT presence_forget('')$$);
SELECT test.error_of($$SELECT presence_forget(repeat('i', 129))$$);
