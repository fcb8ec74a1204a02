--
-- presence_reset: empties everything, under a new epoch.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

SELECT presence_touch_many(array_agg('u' || i)) FROM generate_series(1, 1000) AS i;
SELECT status FROM presence_set_status('ann', 'busy', 'm');
SELECT epoch AS before FROM presence_info() \gset
SELECT presence_reset();
SELECT epoch <> :'before' FROM presence_info();
SELECT count(*) FROM user_presence;
SELECT count(*) FROM presence_history;
SELECT * FROM presence_counts();
SELECT count(*) FROM presence_online_users();
SELECT * FROM presence_get('ann');

-- Sessions and activities as well.
SELECT session_id FROM presence_connect('ann', 'ann 1', '{"name": "Ann"}', gateway => 'node');
SELECT presence_touch('ann', 'click', session_id => 'ann 2');
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_sessions WHERE session_id = 'ann 1'$$);
SELECT presence_reset();
SELECT (SELECT count(*) FROM presence_sessions), (SELECT count(*) FROM user_activities);
SELECT presence_heartbeat('ann 1'), presence_heartbeat('ann 2'), presence_gateway('node'), user_data FROM presence_get('ann');
SELECT session_id FROM presence_connect('other', 'ann 1');
SELECT presence_reset();

-- Channels, what is in them, and who types.
SELECT channel_id FROM presence_join_document('ann', 'd', '1');
SELECT channel_id FROM presence_join('ben', 'document_d');
SELECT presence_typing('cleo', 'room');
SELECT test.eventually($$SELECT count(*) = 2 FROM channel_presence$$);
SELECT presence_reset();
SELECT (SELECT count(*) FROM channel_presence), presence_member_count('document_d'), (SELECT count(*) FROM presence_channels('ann')), (SELECT count(*) FROM presence_typing_users('room'));
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', '1')$$) LIKE '55000 %';
SELECT channel_id, cursor_position FROM presence_join_document('ann', 'd');
SELECT test.members('document_d');
SELECT test.eventually($$SELECT count(*) = 1 FROM channel_presence$$);
SELECT presence_reset();

-- The worker goes on; nothing of before comes back.
SELECT presence_touch('ben');
SELECT test.eventually($$SELECT status = 'online' FROM user_presence WHERE user_id = 'ben'$$);
SELECT user_id FROM user_presence;
SELECT user_id FROM presence_history;

-- A rollback leaves all as it was.
SELECT epoch AS before FROM presence_info() \gset
BEGIN;
SELECT presence_reset();
SELECT count(*) FROM user_presence;
ROLLBACK;
SELECT presence_status('ben'), test.row_of('ben');
SELECT epoch = :'before' FROM presence_info();

-- It comes before all other changes of its transaction.
BEGIN;
SELECT status FROM presence_set_status('cleo', 'busy');
SELECT test.error_of('SELECT presence_reset()');
COMMIT;
SELECT presence_status('cleo'), test.row_of('cleo');

-- After it, others may follow.
BEGIN;
SELECT presence_reset();
SELECT status FROM presence_set_status('dora', 'busy');
COMMIT;
SELECT user_id, status FROM user_presence;
SELECT user_id, status FROM presence_online_users();
SELECT presence_touch('dora');

-- Only the owner may.
CREATE ROLE regress_presence_app;
GRANT USAGE ON SCHEMA presence, test TO regress_presence_app;
SELECT presence_grant('regress_presence_app', 'service');
SET ROLE regress_presence_app;
SELECT test.error_of('SELECT presence.presence_reset()');
RESET ROLE;
SELECT user_id FROM user_presence;
DROP OWNED BY regress_presence_app;
DROP ROLE regress_presence_app;
