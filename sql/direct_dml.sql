--
-- Nobody but the functions and the worker writes the tables; anybody who may read them can.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
SELECT status FROM presence_set_status('ann', 'busy', 'm');

SELECT test.error_of($$INSERT INTO user_presence (user_id, status) VALUES ('x', 'online')$$);
SELECT test.error_of($$INSERT INTO user_presence (user_id, status) SELECT 'x', 'online' WHERE false$$);
SELECT test.error_of($$INSERT INTO user_presence (user_id, status) VALUES ('ann', 'online') ON CONFLICT (user_id) DO UPDATE SET status = 'online'$$);
SELECT test.error_of($$UPDATE user_presence SET status = 'offline'$$);
SELECT test.error_of($$UPDATE user_presence SET status = 'offline' WHERE user_id = 'nobody'$$);
SELECT test.error_of($$DELETE FROM user_presence$$);
SELECT test.error_of($$TRUNCATE user_presence$$);
SELECT test.error_of($$WITH gone AS (DELETE FROM user_presence RETURNING *) SELECT * FROM gone$$);
SELECT test.error_of($$INSERT INTO presence_history VALUES ('x', 'online', 'busy', now(), 'manual')$$);
SELECT test.error_of($$UPDATE presence_history SET change_reason = 'x'$$);
SELECT test.error_of($$DELETE FROM presence_history$$);
SELECT test.error_of($$TRUNCATE presence_history$$);

SELECT test.error_of($$INSERT INTO presence_sessions (session_id, user_id, status, connected_at) VALUES ('s', 'x', 'online', now())$$);
SELECT test.error_of($$UPDATE presence_sessions SET status = 'busy'$$);
SELECT test.error_of($$UPDATE presence_sessions SET status = 'busy' WHERE false$$);
SELECT test.error_of($$DELETE FROM presence_sessions$$);
SELECT test.error_of($$TRUNCATE presence_sessions$$);

SELECT test.error_of($$INSERT INTO channel_presence (channel_id, user_id, joined_at, last_active) VALUES ('c', 'x', now(), now())$$);
SELECT test.error_of($$UPDATE channel_presence SET user_data = '{}'$$);
SELECT test.error_of($$UPDATE channel_presence SET user_data = '{}' WHERE false$$);
SELECT test.error_of($$DELETE FROM channel_presence$$);
SELECT test.error_of($$TRUNCATE channel_presence$$);
SELECT test.error_of($$UPDATE document_presence SET cursor_position = '1'$$) LIKE '42501 %';

SELECT test.error_of($$INSERT INTO presence_visibility (user_id, audience, detail, changed_at) VALUES ('x', 'nobody', 'full', now())$$);
SELECT test.error_of($$UPDATE presence_visibility SET audience = 'everyone'$$);
SELECT test.error_of($$DELETE FROM presence_visibility WHERE false$$);
SELECT test.error_of($$TRUNCATE presence_visibility$$);
SELECT test.error_of($$INSERT INTO presence_contacts VALUES ('x', 'y', true, false, NULL, now())$$);
SELECT test.error_of($$UPDATE presence_contacts SET is_blocked = false$$);
SELECT test.error_of($$DELETE FROM presence_contacts WHERE false$$);
SELECT test.error_of($$TRUNCATE presence_contacts$$);

-- Also a partition.
SELECT test.error_of($$INSERT INTO presence_history_default VALUES ('x', 'online', 'busy', now(), 'manual')$$);
SELECT test.error_of($$DELETE FROM presence_history_default$$);
SELECT test.eventually($$SELECT count(*) > 1 FROM pg_inherits WHERE inhparent = 'presence.presence_history'::regclass$$);
SELECT bool_and(test.error_of(format('DELETE FROM %s', inhrelid::regclass)) LIKE '42501 %'),
       bool_and(test.error_of(format($$INSERT INTO %s VALUES ('x', 'online', 'busy', now(), 'manual')$$, inhrelid::regclass)) LIKE '42501 %')
FROM pg_inherits WHERE inhparent = 'presence_history'::regclass;

-- MERGE and other ways in.
PREPARE sneaky AS UPDATE user_presence SET status = 'offline';
\set VERBOSITY sqlstate
EXECUTE sneaky;
\set VERBOSITY default
DEALLOCATE sneaky;
SELECT test.error_of($$DO 'BEGIN UPDATE presence.user_presence SET status = ''offline''; END'$$) LIKE '42501 %';

-- Reading, joining, locking and counting are free.
SELECT user_id, status FROM user_presence WHERE user_id = 'ann';
SELECT user_id, new_status FROM presence_history WHERE user_id = 'ann';
BEGIN;
SELECT user_id FROM user_presence WHERE user_id = 'ann' FOR UPDATE;
ROLLBACK;
SELECT user_id, status FROM user_presence WHERE user_id = 'ann';

SELECT session_id FROM presence_connect('ann', 'ann 1');
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_sessions$$);
BEGIN;
SELECT user_id FROM presence_sessions WHERE session_id = 'ann 1' FOR UPDATE;
ROLLBACK;

SELECT channel_id FROM presence_join('ann', 'room');
SELECT test.eventually($$SELECT count(*) = 1 FROM channel_presence$$);
BEGIN;
SELECT channel_id FROM channel_presence WHERE user_id = 'ann' FOR UPDATE;
ROLLBACK;

-- The functions still write, in the same session and in a function of the application.
SELECT status FROM presence_set_status('ann', 'away');
CREATE FUNCTION test.application() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM presence.presence_set_status('ann', 'online');
    RETURN test.error_of('DELETE FROM presence.user_presence');
END
$$;
SELECT test.application();
SELECT test.row_of('ann');

-- A restore writes by COPY, and its people are known.
COPY user_presence (user_id, status, status_message, last_seen, activity_count, went_offline_at, updated_at) FROM stdin;
restored	offline	m	2026-01-01 00:00:00+00	5	2026-01-01 01:00:00+00	2026-01-01 01:00:00+00
\.
COPY presence_history (user_id, previous_status, new_status, changed_at, change_reason) FROM stdin;
restored	online	offline	2026-01-01 01:00:00+00	timeout
\.
SELECT status, status_message, activity_count FROM presence_get('restored');
SELECT test.history_of('restored');
