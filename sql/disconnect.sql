--
-- presence_disconnect: a session says goodbye. It ends after the grace (test/clock); until then it counts for the status, not for the sessions.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given two sessions, when one says goodbye, then one is left; when both do, the user is still seen, until the grace is over.
SELECT session_id FROM presence_connect('ann', 'ann 1');
SELECT session_id FROM presence_connect('ann', 'ann 2');
SELECT presence_disconnect('ann 1');
SELECT status, session_count FROM presence_get('ann');
SELECT presence_disconnect(session_id => 'ann 2', reason => 'disconnect');
SELECT status, session_count FROM presence_get('ann');
SELECT user_id, status, session_count FROM presence_online_users();
SELECT session_id, status FROM presence_sessions('ann') ORDER BY 1;

-- It is no activity.
SELECT session_id FROM presence_connect('ben', 'ben 1');
SELECT last_seen AS seen FROM presence_get('ben') \gset
SELECT presence_disconnect('ben 1');
SELECT last_seen = :'seen', activity_count FROM presence_get('ben');

-- Twice is once: it is unknown by then, as is one that never was.
SELECT presence_disconnect('ben 1');
SELECT presence_disconnect('nobody');
SELECT presence_disconnect('BEN 1');
SELECT count(*) FROM presence_online_users();

-- Back within the grace, in the same session or another, was never away.
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_history WHERE user_id = 'ben'$$);
SELECT session_id, status FROM presence_connect('ben', 'ben 1');
SELECT status, session_count FROM presence_get('ben');
SELECT presence_disconnect('ben 1');
SELECT session_id, status FROM presence_connect('ben', 'ben 2');
SELECT status, session_count FROM presence_get('ben');
SELECT test.history_of('ben');
-- A touch brings it back as well: its client is there.
SELECT presence_disconnect('ben 2');
SELECT presence_touch('ben', session_id => 'ben 2');
SELECT session_count FROM presence_get('ben');
SELECT test.history_of('ben');

-- Another user may not have it before the grace is over.
SELECT presence_disconnect('ben 2');
SELECT test.error_of($$SELECT presence_connect('cleo', 'ben 2')$$);
SELECT presence_status('cleo');

-- Reasons: the caller's own words, up to 64 bytes.
SELECT session_id FROM presence_connect('dora', 'dora 1');
SELECT presence_disconnect('dora 1', repeat('ü', 32));
SELECT session_id FROM presence_connect('dora', 'dora 1');
SELECT test.error_of($$SELECT presence_disconnect('dora 1', repeat('r', 65))$$);
SELECT test.error_of($$SELECT presence_disconnect('dora 1', repeat('ü', 32) || 'r')$$);
SELECT test.error_of($$SELECT presence_disconnect('dora 1', '')$$);
SELECT test.error_of($$SELECT presence_disconnect('dora 1', NULL)$$);
SELECT session_count FROM presence_get('dora');

SELECT test.error_of($$SELECT presence_disconnect(NULL)$$);
SELECT test.error_of($$SELECT presence_disconnect('')$$);
SELECT test.error_of($$SELECT presence_disconnect(repeat('s', 129))$$);
SELECT presence_disconnect(repeat('s', 128)), presence_disconnect(repeat('ü', 64));
SELECT test.error_of($$SELECT presence_disconnect(repeat('ü', 65))$$);

-- Odd ids.
SELECT session_id FROM presence_connect('eve', E'it''s "q" \\ \t\x01 🦉');
SELECT presence_disconnect(E'it''s "q" \\ \t\x01 🦉');
SELECT session_count FROM presence_get('eve');

-- Nothing is written by the caller.
SELECT session_id FROM presence_connect('fay', 'fay 1');
BEGIN;
SELECT presence_disconnect('fay 1');
SELECT pg_current_xact_id_if_assigned();
COMMIT;

-- A manual status does not keep anybody here.
SELECT status FROM presence_set_status('fay', 'busy');
SELECT status, session_count FROM presence_get('fay');
