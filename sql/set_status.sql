--
-- presence_set_status: a person chooses a status.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given nobody, when somebody is busy: present at once, with a row and a step of history.
SELECT user_id, status, status_message, last_seen <= clock_timestamp() AS seen, current_page, user_data, session_count
FROM presence_set_status('ann', 'busy');
SELECT test.row_of('ann');
SELECT test.history_of('ann');

-- Each status, from each other.
SELECT status FROM presence_set_status('ann', 'away');
SELECT status FROM presence_set_status('ann', 'online');
SELECT status FROM presence_set_status('ann', 'busy');
SELECT status, session_count FROM presence_set_status('ann', 'offline', explicit_logout => true, reason => 'logout');
SELECT status, session_count FROM presence_set_status('ann', 'online');
SELECT status, session_count FROM presence_set_status('ann', 'offline', explicit_logout => true, reason => 'logout');
SELECT status FROM presence_set_status('ann', 'away');
SELECT test.history_of('ann');
SELECT * FROM test.broken_histories();

-- Going offline is stamped; the stamp stays, as the moment of the last time.
SELECT status FROM presence_set_status('ann', 'offline', explicit_logout => true);
SELECT test.row_of('ann');
SELECT last_seen = went_offline_at, updated_at >= went_offline_at FROM user_presence WHERE user_id = 'ann';
SELECT status FROM presence_set_status('ann', 'online');
SELECT test.row_of('ann');

-- A choice counts as being seen.
SELECT last_seen AS before FROM presence_get('ann') \gset
SELECT last_seen > :'before' FROM presence_set_status('ann', 'busy');

-- The same once more is no change: no step of history.
SELECT presence_reset();
SELECT status FROM presence_set_status('ben', 'busy', 'in a call');
SELECT status FROM presence_set_status('ben', 'busy', 'in a call');
SELECT status FROM presence_set_status('ben', 'busy');
SELECT test.history_of('ben');

-- A message: NULL keeps the old one, '' clears it; it goes along with any status.
SELECT status, status_message FROM presence_set_status('cleo', 'busy', 'writing');
SELECT status, status_message FROM presence_set_status('cleo', 'away');
SELECT status, status_message FROM presence_set_status('cleo', 'online');
SELECT status, status_message FROM presence_set_status('cleo', 'online', '');
SELECT status, status_message FROM presence_set_status('cleo', 'online', 'back');
SELECT test.row_of('cleo');

-- A reason of one's own stands in the history.
SELECT status FROM presence_set_status('cleo', 'away', reason => 'lunch');
SELECT status FROM presence_set_status('cleo', 'busy', reason => repeat('r', 64));
SELECT status FROM presence_set_status('cleo', 'away', reason => 'größer als "1" \ ''2''');
SELECT test.history_of('cleo');

-- It is limited to a time, and stays when that is far away.
SELECT status FROM presence_set_status('dora', 'busy', expires_at => now() + interval '1 hour');
SELECT status FROM presence_set_status('dora', 'away', 'soon back', expires_at => 'infinity');
SELECT status, status_message FROM presence_get('dora');

-- Every argument has a name.
SELECT status, status_message FROM presence_set_status(user_id => 'eve', status => 'busy', status_message => 'named',
    reason => 'manual', explicit_logout => false, expires_at => NULL, session_id => NULL);

-- Given that offline needs to be meant, and what is wrong, when it is asked for, then the error says which.
SELECT test.error_of($$SELECT presence_set_status('eve', 'offline')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'offline', explicit_logout => NULL)$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'x')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', '')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'Busy')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', E'bu"sy\n')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', repeat('x', 100000))$$) ~ '^22023 ' AS refused;
SELECT test.error_of($$SELECT presence_set_status('eve', NULL)$$);
SELECT test.error_of($$SELECT presence_set_status(NULL, 'busy')$$);
SELECT test.error_of($$SELECT presence_set_status('', 'busy')$$);
SELECT test.error_of($$SELECT presence_set_status(repeat('i', 129), 'busy')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'busy', repeat('m', 501))$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'busy', reason => repeat('r', 65))$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'busy', reason => repeat('ü', 32) || 'r')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'busy', reason => NULL)$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'busy', reason => '')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'busy', expires_at => now() - interval '1 s')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'busy', expires_at => '-infinity')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'online', expires_at => now() + interval '1 hour')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'offline', explicit_logout => true, expires_at => now() + interval '1 hour')$$);
SELECT test.error_of($$SELECT presence_set_status('eve', 'busy', session_id => '')$$);

-- After all these errors nothing has changed.
SELECT status, status_message FROM presence_get('eve');
SELECT test.row_of('eve');
SELECT test.history_of('eve');
SELECT user_id FROM user_presence ORDER BY 1;
