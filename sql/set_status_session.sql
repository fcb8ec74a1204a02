--
-- presence_set_status and presence_touch with a session_id: what one client says of its user.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given two sessions, when one says away, then the other's status stands; when both do, then away; when one says busy, then busy.
SELECT session_id FROM presence_connect('ann', 'ann 1');
SELECT session_id FROM presence_connect('ann', 'ann 2');
SELECT status FROM presence_set_status('ann', 'away', session_id => 'ann 1');
SELECT session_id, status FROM presence_sessions('ann') ORDER BY 1;
SELECT status FROM presence_set_status('ann', 'away', session_id => 'ann 2');
SELECT status FROM presence_set_status('ann', 'busy', session_id => 'ann 1');
SELECT status FROM presence_set_status('ann', 'online', session_id => 'ann 1');
SELECT session_id, status FROM presence_sessions('ann') ORDER BY 1;
SELECT session_count FROM presence_get('ann');
SELECT test.eventually($$SELECT count(*) = 4 FROM presence_history WHERE user_id = 'ann'$$);
SELECT test.history_of('ann');

-- The next touch of that session ends its away, not its busy. Another session's touch does neither.
SELECT session_id FROM presence_connect('ben', 'ben 1');
SELECT session_id FROM presence_connect('ben', 'ben 2');
SELECT status FROM presence_set_status('ben', 'away', session_id => 'ben 1');
SELECT status FROM presence_set_status('ben', 'away', session_id => 'ben 2');
SELECT presence_touch('ben', session_id => 'ben 2');
SELECT session_id, status FROM presence_sessions('ben') ORDER BY 1;
SELECT presence_touch('ben', session_id => 'ben 1');
SELECT session_id, status FROM presence_sessions('ben') ORDER BY 1;
SELECT status FROM presence_set_status('ben', 'busy', session_id => 'ben 1');
SELECT presence_touch('ben', session_id => 'ben 1'), presence_touch('ben', session_id => 'ben 2'), presence_touch('ben');
SELECT session_id, status FROM presence_sessions('ben') ORDER BY 1;

-- away is no activity, online and busy are.
SELECT last_seen AS seen FROM presence_get('ben') \gset
SELECT last_seen = :'seen' FROM presence_set_status('ben', 'away', session_id => 'ben 2');
SELECT last_seen = :'seen' FROM presence_get('ben');
SELECT last_seen > :'seen' FROM presence_set_status('ben', 'busy', session_id => 'ben 2');
SELECT last_seen AS seen FROM presence_get('ben') \gset
SELECT last_seen > :'seen' FROM presence_set_status('ben', 'online', session_id => 'ben 2');

-- What the user chose lies over all of it, and what the sessions said comes to light when it is cleared.
SELECT status FROM presence_set_status('cleo', 'busy', 'chosen');
SELECT status FROM presence_set_status('cleo', 'online', session_id => 'cleo 1');
SELECT status FROM presence_set_status('cleo', 'away', session_id => 'cleo 1');
SELECT status, status_message FROM presence_get('cleo');
SELECT status FROM presence_clear_status('cleo');

-- An unknown session is made.
SELECT status, session_count FROM presence_set_status('dora', 'away', session_id => 'dora 1');
SELECT session_id, status FROM presence_sessions('dora');
SELECT status, session_count FROM presence_set_status('dora', 'online', session_id => 'dora 2');
SELECT status, session_count FROM presence_set_status('dora', 'busy', session_id => 'dora 3');
SELECT session_id, status FROM presence_sessions('dora') ORDER BY 1;
SELECT test.eventually($$SELECT count(*) = 3 FROM presence_history WHERE user_id = 'dora'$$);
SELECT test.history_of('dora');
SELECT test.eventually($$SELECT count(*) = 3 FROM presence_sessions WHERE user_id = 'dora'$$);
SELECT presence_heartbeat('dora 2');

-- A touch makes one, too.
SELECT presence_touch('eve', session_id => 'eve 1', page_url => '/one');
SELECT presence_touch('eve', session_id => 'eve 2', page_url => '/two');
SELECT session_id, current_page, device, last_heartbeat FROM presence_sessions('eve') ORDER BY 1;
SELECT status, session_count, current_page, activity_count FROM presence_get('eve');
-- Without a session it counts for the newest one, and makes none.
SELECT presence_touch('eve', page_url => '/three');
SELECT session_id, last_seen = (presence_get('eve')).last_seen AS newest FROM presence_sessions('eve') ORDER BY 1;
SELECT session_count, activity_count FROM presence_get('eve');
SELECT count(*) FROM presence_sessions('eve');
SELECT presence_heartbeat('eve 1');
-- The one that was made up before gives way to the first one with a name.
SELECT presence_touch('fay'), presence_touch('fay', session_id => 'fay 1');
SELECT session_count FROM presence_get('fay');
SELECT presence_touch('fay 2');
SELECT status, session_count FROM presence_set_status('fay 2', 'away', session_id => 'fay 2');

-- A session belongs to one user, whatever is said in it.
SELECT test.error_of($$SELECT presence_set_status('gus', 'busy', session_id => 'eve 1')$$);
SELECT test.error_of($$SELECT presence_touch('gus', session_id => 'eve 1')$$);
SELECT test.error_of($$SELECT presence_touch('gus', session_id => E'it''s "odd" \n')$$);
SELECT test.error_of($$SELECT presence_touch('hal', session_id => E'it''s "odd" \n')$$);
SELECT presence_forget('gus');
SELECT presence_status('gus'), activity_count, last_seen FROM presence_get('gus');
SELECT status, activity_count FROM presence_get('eve');

-- Messages and reasons go with it, as without a session.
SELECT status, status_message FROM presence_set_status('ida', 'busy', 'in a call', 'call', session_id => 'ida 1');
SELECT status, status_message FROM presence_set_status('ida', 'online', session_id => 'ida 1');
SELECT status, status_message FROM presence_set_status('ida', 'online', '', session_id => 'ida 1');
SELECT test.history_of('ida');
SELECT test.row_of('ida');

-- What a session cannot say.
SELECT test.error_of($$SELECT presence_set_status('ida', 'offline', session_id => 'ida 1')$$);
SELECT test.error_of($$SELECT presence_set_status('ida', 'offline', explicit_logout => true, session_id => 'ida 1')$$);
SELECT test.error_of($$SELECT presence_set_status('ida', 'busy', expires_at => now() + interval '1 h', session_id => 'ida 1')$$);
SELECT test.error_of($$SELECT presence_set_status('ida', 'x', session_id => 'ida 1')$$);
SELECT test.error_of($$SELECT presence_set_status('ida', 'busy', session_id => '')$$);
SELECT test.error_of($$SELECT presence_set_status('ida', 'busy', session_id => repeat('s', 129))$$);
SELECT test.error_of($$SELECT presence_touch('ida', session_id => '')$$);
SELECT test.error_of($$SELECT presence_touch('ida', session_id => repeat('s', 129))$$);
SELECT status, session_count FROM presence_set_status('ida', 'busy', session_id => repeat('ü', 64));
SELECT presence_touch('ida', session_id => repeat('s', 128));
SELECT status, session_count FROM presence_get('ida');

-- To say it in one that said goodbye makes it live again.
SELECT session_id FROM presence_connect('jon', 'jon 1');
SELECT presence_disconnect('jon 1');
SELECT status, session_count FROM presence_set_status('jon', 'busy', session_id => 'jon 1');
SELECT status, session_count FROM presence_get('jon');
SELECT presence_heartbeat('jon 1');

-- It is durable, as all of set_status.
BEGIN READ ONLY;
SELECT test.error_of($$SELECT presence_set_status('kim', 'busy', session_id => 'kim 1')$$);
COMMIT;
SELECT * FROM test.broken_histories();
