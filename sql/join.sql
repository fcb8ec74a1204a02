--
-- presence_join: a user joins a channel with a session; again it is an update. What it does by the clock is in test/clock.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given nobody, when somebody joins without a session, then the user is online, in the channel, through a session that is made up.
SELECT channel_id, user_id, joined_at = last_active AS at_once, last_active <= clock_timestamp() AS seen, cursor_position, selection_range, state, user_data, session_ids
FROM presence_join('ann', 'room');
SELECT status, session_count, activity_count FROM presence_get('ann');
SELECT user_id, status, user_data, joined_at = last_active, cursor_position, selection_range, state, typing FROM presence_members('room');
SELECT presence_member_count('room'), presence_channels('ann');
SELECT test.eventually($$SELECT count(*) = 1 FROM channel_presence$$);
SELECT test.member_row('room', 'ann');
SELECT r.joined_at = m.joined_at, r.last_active = m.last_active FROM channel_presence AS r, presence_members('room') AS m;
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_history$$);
SELECT test.history_of('ann');

-- Given a session, then the row names it. Without session_id the newest one joins.
SELECT session_id FROM presence_connect('ben', 'ben 1', '{"name": "Ben"}');
SELECT session_id FROM presence_connect('ben', 'ben 2');
SELECT user_data, session_ids FROM presence_join('ben', 'room');
SELECT user_data, session_ids FROM presence_join('ben', 'room', session_id => 'ben 1');
SELECT presence_touch('ben', session_id => 'ben 1');
SELECT session_ids FROM presence_join('ben', 'other');
SELECT presence_channels('ben');
SELECT presence_member_count('room'), test.members('room');
-- The function says what the member has; the row has NULL for what it only inherits from its user.
SELECT test.eventually($$SELECT test.member_row('room', 'ben') LIKE '%{"ben 1","ben 2"}'$$);
SELECT test.member_row('room', 'ben');

-- One that nobody knows is made; the user's implicit one joins no more.
SELECT session_ids FROM presence_join('cleo', 'room', session_id => 'cleo 1');
SELECT session_id, status FROM presence_sessions('cleo');
SELECT status, session_count FROM presence_get('cleo');
SELECT presence_heartbeat('cleo 1');
-- The implicit one is taken over by the first that connects, with its membership.
SELECT session_id FROM presence_connect('ann', 'ann 1');
SELECT session_count FROM presence_get('ann');
SELECT test.eventually($$SELECT test.member_row('room', 'ann') LIKE '%{"ann 1"}'$$);
SELECT session_ids FROM presence_join('ann', 'room');

-- Joining again is an update: the place keeps joined_at, last_active moves, data is kept when none is given.
SELECT joined_at, last_active FROM presence_members('room') WHERE user_id = 'ann' \gset
SELECT joined_at = :'joined_at' AS joined, last_active > :'last_active' AS active, user_data FROM presence_join('ann', 'room', '{"role": "host"}');
SELECT user_data FROM presence_join('ann', 'room');
SELECT user_data FROM presence_join('ann', 'room', '{"role": "guest", "n": 1}');
SELECT user_data FROM presence_join('ann', 'room', '{}');
SELECT user_data FROM presence_join('ann', 'room', '{"role": "host"}');
SELECT presence_member_count('room'), test.members('room');
SELECT test.eventually($$SELECT test.member_row('room', 'ann') LIKE '%data {"role": "host"}%'$$);
SELECT test.member_row('room', 'ann');
-- Own data of a member is of this channel alone; in others the user's own is inherited, the newest one.
SELECT user_data FROM presence_join('ben', 'room', '{"name": "Benedict"}');
SELECT session_id FROM presence_connect('ben', 'ben 1', '{"name": "Benno"}');
SELECT user_data FROM presence_members('other');
SELECT user_data FROM presence_members('room') WHERE user_id = 'ben';
SELECT user_data FROM presence_get('ben');
SELECT test.eventually($$SELECT test.member_row('room', 'ben') LIKE '%data {"name": "Benedict"}%'$$);
SELECT test.member_row('other', 'ben');

-- Who has left and joins again begins anew: nothing of before is kept.
SELECT presence_leave('ben', 'room');
SELECT joined_at = last_active, user_data, cursor_position, session_ids FROM presence_join('ben', 'room', session_id => 'ben 1');
SELECT test.eventually($$SELECT test.member_row('room', 'ben') LIKE '%data -%{"ben 1"}'$$);

-- A join is an activity: it moves last_seen and ends being idle, but is not counted as a touch.
SELECT last_seen AS before, activity_count AS count FROM presence_get('cleo') \gset
SELECT user_id FROM presence_join('cleo', 'room');
SELECT last_seen > :'before', activity_count = :count FROM presence_get('cleo');
-- A manual status stays.
SELECT status FROM presence_set_status('cleo', 'busy');
SELECT user_id FROM presence_join('cleo', 'other');
SELECT user_id, status FROM presence_members('other') WHERE user_id = 'cleo';

-- Many sessions of one member, and the last of them counts.
SELECT count(c.user_id) FROM generate_series(1, 20) AS i, LATERAL presence_join('dora', 'room', session_id => 'dora ' || i) AS c;
SELECT cardinality(session_ids) FROM presence_join('dora', 'room', session_id => 'dora 7');
SELECT session_count FROM presence_get('dora');
SELECT presence_member_count('room');
SELECT test.eventually($$SELECT cardinality(session_ids) = 20 FROM channel_presence WHERE user_id = 'dora'$$);
SELECT presence_logout('dora');
SELECT (SELECT count(*) FROM presence_channels('dora')), presence_member_count('room'), test.members('room');
SELECT test.eventually($$SELECT count(*) = 0 FROM channel_presence WHERE user_id = 'dora'$$);

-- Names of channels: any text of 1 to 128 bytes; case, blanks and quotes are part of it.
SELECT channel_id FROM presence_join('eve', ' ');
SELECT channel_id FROM presence_join('eve', 'Room');
SELECT channel_id FROM presence_join('eve', 'room ');
SELECT channel_id FROM presence_join('eve', E'it''s "quoted" \\ {,}');
SELECT channel_id = E'a\tb\nc\x01d' FROM presence_join('eve', E'a\tb\nc\x01d');
SELECT channel_id FROM presence_join('eve', '🦉');
SELECT channel_id FROM presence_join('eve', 'NULL');
SELECT length(channel_id) FROM presence_join('eve', repeat('c', 128));
SELECT length(channel_id), octet_length(channel_id) FROM presence_join('eve', repeat('ü', 64));
SELECT channel_id FROM presence_join('eve', 42);
SELECT quote_literal(c) FROM presence_channels('eve') AS c WHERE length(c) < 64;
SELECT presence_member_count('Room'), presence_member_count('room '), presence_member_count(repeat('c', 128)), presence_member_count(repeat('c', 127)), presence_member_count(repeat('ü', 64)), presence_member_count('42');
SELECT test.eventually($$SELECT count(*) = 10 FROM channel_presence WHERE user_id = 'eve'$$);
SELECT array_agg(channel_id ORDER BY channel_id) = array_agg(c ORDER BY c) FROM channel_presence JOIN presence_channels('eve') AS c ON c = channel_id;

-- Every argument by name, and in the order of the guide.
SELECT channel_id, user_id, user_data, session_ids FROM presence_join(user_id => 'fay', channel_id => 'room', user_data => '{"a": [1, {"b": null}]}', session_id => 'fay 1');
SELECT channel_id, user_id, user_data, session_ids FROM presence_join('fay', 'room', '{"a": 2}', 'fay 2');
-- It returns the row type of the table.
SELECT pg_typeof(presence_join('fay', 'room'));

-- user_data is an object of at most 4 kB as jsonb.
SELECT length(user_data ->> 'x') FROM presence_join('gus', 'room', jsonb_build_object('x', repeat('x', 4000)));
SELECT test.error_of($$SELECT presence_join('gus', 'room', jsonb_build_object('x', repeat('y', 5000)))$$);
SELECT test.error_of($$SELECT presence_join('gus', 'room', '[]')$$);
SELECT test.error_of($$SELECT presence_join('gus', 'room', '1')$$);
SELECT test.error_of($$SELECT presence_join('gus', 'room', 'null')$$);
SELECT length(user_data ->> 'x'), rtrim(user_data ->> 'x', 'x') = '' FROM presence_members('room') WHERE user_id = 'gus';

-- Bad input changes nothing.
SELECT test.error_of($$SELECT presence_join(NULL, 'room')$$);
SELECT test.error_of($$SELECT presence_join('', 'room')$$);
SELECT test.error_of($$SELECT presence_join(repeat('i', 129), 'room')$$);
SELECT test.error_of($$SELECT presence_join('hal', NULL)$$);
SELECT test.error_of($$SELECT presence_join('hal', '')$$);
SELECT test.error_of($$SELECT presence_join('hal', repeat('c', 129))$$);
SELECT test.error_of($$SELECT presence_join('hal', repeat('ü', 64) || 'c')$$);
SELECT test.error_of($$SELECT presence_join('hal', 'room', session_id => '')$$);
SELECT test.error_of($$SELECT presence_join('hal', 'room', session_id => repeat('s', 129))$$);
SELECT test.error_of($$SELECT presence_join('hal', 'global_presence')$$);
-- A session belongs to one user.
SELECT test.error_of($$SELECT presence_join('hal', 'room', session_id => 'ben 1')$$);
SELECT (SELECT count(*) FROM presence_channels('hal')), status, session_count, user_data FROM presence_get('hal');
SELECT test.members('room');

-- At most 1,000 channels of one user. One more is an error, one that is left makes room, and the others stay.
SELECT count(c.user_id) FROM generate_series(1, 1000) AS i, LATERAL presence_join('ida', 'ch ' || i) AS c;
SELECT test.error_of($$SELECT presence_join('ida', 'ch 1001')$$);
SELECT count(*) FROM presence_channels('ida');
SELECT channel_id FROM presence_join('ida', 'ch 1000');
SELECT presence_member_count('ch 1001'), presence_member_count('ch 1000');
SELECT presence_leave('ida', 'ch 1');
SELECT test.eventually($$SELECT test.error_of('SELECT presence.presence_join(''ida'', ''ch 1001'')') = 'no error'$$);
SELECT count(*), count(*) FILTER (WHERE c = 'ch 1'), count(*) FILTER (WHERE c = 'ch 1001') FROM presence_channels('ida') AS c;
SELECT test.error_of($$SELECT presence_join('ida', 'ch 1')$$);
BEGIN;
SELECT count(c.user_id) FROM generate_series(1, 1000) AS i, LATERAL presence_join('jon', 'ch ' || i) AS c;
SELECT test.error_of($$SELECT presence_join('jon', 'ch 1001')$$);
SELECT count(*) FROM presence_channels('jon');
COMMIT;
SELECT count(*) FROM presence_channels('jon');
SELECT presence_member_count('ch 1'), presence_member_count('ch 1000'), test.members('ch 1000');
SELECT test.eventually($$SELECT count(*) = 1000 FROM channel_presence WHERE user_id = 'jon'$$);
-- With them gone they cost nothing.
SELECT presence_logout('ida'), presence_forget('jon');
SELECT presence_member_count('ch 2'), (SELECT count(*) FROM presence_channels('ida'));
SELECT test.eventually($$SELECT count(*) = 0 FROM channel_presence WHERE channel_id LIKE 'ch %'$$);

-- No transaction id and no row of the caller's: the worker writes.
BEGIN;
SELECT user_id FROM presence_join('kim', 'room');
SELECT pg_current_xact_id_if_assigned();
COMMIT;
-- It is fine where nothing may be written.
BEGIN READ ONLY;
SELECT user_id FROM presence_join('lea', 'room');
SELECT presence_leave('kim', 'room');
COMMIT;
SELECT presence_status('lea'), presence_channels('lea');
SELECT (SELECT count(*) FROM presence_channels('kim'));
SELECT * FROM test.broken_histories();
