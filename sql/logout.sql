--
-- presence_logout: all sessions of a user end at COMMIT, without a grace.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given three sessions, one of which said goodbye, when the user logs out, then offline at once, in row and history too.
SELECT session_id FROM presence_connect('ann', 'ann 1');
SELECT session_id FROM presence_connect('ann', 'ann 2');
SELECT session_id FROM presence_connect('ann', 'ann 3');
SELECT presence_disconnect('ann 3');
SELECT presence_logout('ann');
SELECT status, session_count FROM presence_get('ann');
SELECT count(*) FROM presence_sessions('ann');
SELECT test.row_of('ann');
SELECT test.history_of('ann');
SELECT went_offline_at = last_seen FROM user_presence WHERE user_id = 'ann';
SELECT test.eventually($$SELECT count(*) = 0 FROM presence_sessions WHERE user_id = 'ann'$$);
SELECT presence_heartbeat('ann 1'), presence_disconnect('ann 2');

-- Then nobody is left to log out, and nothing more is written.
SELECT presence_logout('ann');
SELECT presence_logout(user_id => 'ann');
SELECT test.history_of('ann');

-- The session's id is free.
SELECT session_id, status FROM presence_connect('ben', 'ann 1');
SELECT test.error_of($$SELECT presence_connect('ann', 'ann 1')$$);

-- A stranger: none, and no row of theirs.
SELECT presence_logout('nobody');
SELECT count(*) FROM user_presence WHERE user_id = 'nobody';

-- The session that a touch made up is one, too.
SELECT presence_touch('cleo');
SELECT presence_logout('cleo');
SELECT presence_status('cleo');
SELECT test.history_of('cleo');

-- What was chosen, and the message, are kept for the next time; offline by set_status clears what was chosen.
SELECT session_id FROM presence_connect('dora', 'dora 1');
SELECT status FROM presence_set_status('dora', 'busy', 'in a call');
SELECT presence_logout('dora');
SELECT status, status_message FROM presence_get('dora');
SELECT session_id, status FROM presence_connect('dora', 'dora 1');
SELECT status, status_message FROM presence_get('dora');
SELECT status, status_message FROM presence_set_status('dora', 'offline', explicit_logout => true);
SELECT count(*) FROM presence_sessions('dora');
SELECT session_id, status FROM presence_connect('dora', 'dora 1');
SELECT test.eventually($$SELECT count(*) = 6 FROM presence_history WHERE user_id = 'dora'$$);
SELECT test.history_of('dora');

-- Users of every type.
SELECT presence_touch(7), presence_logout(7), presence_logout(7::bigint), presence_logout('7'::text), presence_logout('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid);

SELECT test.error_of($$SELECT presence_logout(NULL)$$);
SELECT test.error_of($$SELECT presence_logout('')$$);
SELECT test.error_of($$SELECT presence_logout(repeat('i', 129))$$);

-- A thousand sessions.
SELECT count(c.session_id) FROM generate_series(1, 1000) AS i, LATERAL presence_connect('eve', 'eve ' || i) AS c;
SELECT session_count FROM presence_get('eve');
SELECT presence_logout('eve');
SELECT status, session_count FROM presence_get('eve');
SELECT test.eventually($$SELECT count(*) = 0 FROM presence_sessions WHERE user_id = 'eve'$$);

-- It is durable: not where nothing may be written.
SELECT session_id FROM presence_connect('fay', 'fay 1');
BEGIN READ ONLY;
SELECT test.error_of($$SELECT presence_logout('fay')$$);
COMMIT;
SELECT presence_status('fay');
SELECT * FROM test.broken_histories();
