--
-- A membership ends with its sessions: after the grace, by their timeouts, with their gateway, by a logout. And its rows.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE FUNCTION test.rows_of(channel text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence.channel_presence WHERE channel_id = channel);
END
$$;

-- Given a member whose only session says goodbye, then it stays for the grace, and is gone with it.
SELECT channel_id FROM presence_join('ann', 'room', session_id => 'ann 1');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT presence_disconnect('ann 1');
SELECT presence_test_advance('5 s') IS NOT NULL;
SELECT test.members('room'), test.rows_of('room'), presence_status('ann');
SELECT presence_test_advance('6 s') IS NOT NULL;
SELECT test.members('room'), test.rows_of('room'), presence_status('ann'), presence_member_count('room');

-- A reload within the grace: the same session is still a member, nothing has happened.
SELECT channel_id FROM presence_join('ann', 'room', session_id => 'ann 1');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT seq AS seq FROM presence_info() \gset
SELECT joined_at FROM presence_members('room') \gset
SELECT presence_disconnect('ann 1');
SELECT presence_test_advance('5 s') IS NOT NULL;
SELECT session_id FROM presence_connect('ann', 'ann 1');
SELECT presence_test_advance('1 min') IS NOT NULL;
SELECT test.members('room'), joined_at = :'joined_at' FROM presence_members('room');
SELECT seq - :seq AS events FROM presence_info();
-- A new session that joins within the grace keeps the membership, without an event.
SELECT presence_disconnect('ann 1');
SELECT channel_id FROM presence_join('ann', 'room', session_id => 'ann 2');
SELECT presence_test_advance('1 min') IS NOT NULL;
SELECT test.members('room'), joined_at = :'joined_at' FROM presence_members('room');
SELECT seq - :seq AS events FROM presence_info();
SELECT test.member_row('room', 'ann');
-- One that connects and does not join does not.
SELECT presence_disconnect('ann 2');
SELECT session_id FROM presence_connect('ann', 'ann 3');
SELECT presence_test_advance('12 s') IS NOT NULL;
SELECT test.members('room'), presence_status('ann'), test.rows_of('room');
SELECT presence_logout('ann');

-- Given two sessions, then the user leaves each channel with the last that was there, and the row follows.
SELECT channel_id FROM presence_join('ben', 'both', session_id => 'ben 1');
SELECT channel_id FROM presence_join('ben', 'both', session_id => 'ben 2');
SELECT channel_id FROM presence_join('ben', 'first', session_id => 'ben 1');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.member_row('both', 'ben'), test.member_row('first', 'ben');
SELECT presence_disconnect('ben 1');
SELECT presence_test_advance('12 s') IS NOT NULL;
SELECT test.members('both'), test.members('first');
SELECT test.member_row('both', 'ben'), test.member_row('first', 'ben');
SELECT presence_disconnect('ben 2');
SELECT presence_test_advance('12 s') IS NOT NULL;
SELECT test.members('both'), test.rows_of('both');

-- Given a session without heartbeats, then it is in the channel, away, until offline_timeout.
SELECT channel_id FROM presence_join('cleo', 'room');
SELECT presence_test_advance('5 min 1 s') IS NOT NULL;
SELECT user_id, status FROM presence_members('room');
SELECT presence_test_advance('24 min') IS NOT NULL;
SELECT user_id, status FROM presence_members('room');
SELECT presence_test_advance('1 min') IS NOT NULL;
SELECT test.members('room'), test.rows_of('room');
SELECT test.history_of('cleo');
-- What it does in the channel keeps it: a move, a state, typing and joining again are activities.
SELECT channel_id FROM presence_join_document('cleo', 'd');
SELECT presence_test_advance('20 min') IS NOT NULL;
SELECT presence_move_cursor('cleo', 'd', '1');
SELECT presence_status('cleo');
SELECT presence_test_advance('20 min') IS NOT NULL;
SELECT presence_set_state('cleo', 'document_d', '1');
SELECT presence_test_advance('20 min') IS NOT NULL;
SELECT presence_typing('cleo', 'document_d');
SELECT presence_test_advance('20 min') IS NOT NULL;
SELECT channel_id FROM presence_join_document('cleo', 'd');
SELECT presence_test_advance('20 min') IS NOT NULL;
SELECT user_id, status, cursor_position, state FROM presence_members('document_d');
SELECT presence_logout('cleo');

-- Given a session with heartbeats, then it goes with their silence; with heartbeats alone it stays, and last_active does not move.
SELECT channel_id FROM presence_join('dora', 'room', session_id => 'dora 1');
SELECT presence_heartbeat('dora 1');
SELECT last_active FROM presence_members('room') \gset
CREATE PROCEDURE test.beat(times int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..times LOOP
        PERFORM presence.presence_test_advance('1 min');
        PERFORM presence.presence_heartbeat('dora 1');
    END LOOP;
END
$$;
CALL test.beat(45);
SELECT user_id, status, last_active = :'last_active' FROM presence_members('room');
SELECT count(*) FROM presence_members('room', active_within => '44 min'), presence_info() WHERE server_time > :'last_active';
SELECT count(*) FROM presence_members('room', active_within => '1 h');
SELECT presence_test_advance('91 s') IS NOT NULL;
SELECT test.members('room'), presence_status('dora'), test.rows_of('room');

-- Given a lease of its own, then that counts.
SELECT session_id FROM presence_connect('eve', 'eve 1', lease => '10 min');
SELECT channel_id FROM presence_join('eve', 'room', session_id => 'eve 1');
SELECT presence_heartbeat('eve 1');
SELECT presence_test_advance('9 min') IS NOT NULL;
SELECT test.members('room');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT test.members('room');

-- Given a gateway that falls silent, then exactly its sessions leave, after its lease and the grace.
SELECT count(c.session_id) FROM generate_series(1, 20) AS i, LATERAL presence_connect('g' || i, 'g ' || i, gateway => 'node') AS c;
SELECT count(c.channel_id) FROM generate_series(1, 20) AS i, LATERAL presence_join('g' || i, 'room', session_id => 'g ' || i) AS c;
SELECT channel_id FROM presence_join('g7', 'room', session_id => 'elsewhere');
SELECT channel_id FROM presence_join('fay', 'room');
SELECT presence_gateway('node');
SELECT presence_test_advance('20 s') IS NOT NULL;
SELECT presence_member_count('room');
SELECT presence_test_advance('6 s') IS NOT NULL;
SELECT presence_member_count('room'), test.rows_of('room');
SELECT test.member_row('room', 'g7');

-- Given somebody in a thousand channels, then all are left when its time is up.
SELECT count(c.channel_id) FROM generate_series(1, 1000) AS i, LATERAL presence_join('gus', 'ch ' || i) AS c;
SELECT presence_test_advance('0') IS NOT NULL;
SELECT count(*) FROM channel_presence WHERE user_id = 'gus';
SELECT presence_test_advance('31 min') IS NOT NULL;
SELECT (SELECT count(*) FROM presence_channels('gus')), presence_member_count('ch 500'), (SELECT count(*) FROM channel_presence WHERE user_id = 'gus');

-- Given an implicit session that joined, when the user connects, then the new session has its place.
SELECT channel_id FROM presence_join('hal', 'room');
SELECT presence_touch('hal');
SELECT session_id FROM presence_connect('hal', 'hal 1');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.member_row('room', 'hal');
SELECT presence_disconnect('hal 1');
SELECT presence_test_advance('12 s') IS NOT NULL;
SELECT test.members('room'), test.rows_of('room');

-- The rows: joined and left at once, what is only done with the flush. Nothing new, nothing written.
SELECT channel_id FROM presence_join_document('ida', 'd', '1');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.member_row('document_d', 'ida');
SELECT presence_move_cursor('ida', 'd', '{"line": 2}', '[1]'), presence_set_state('ida', 'document_d', '"s"');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.member_row('document_d', 'ida');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT test.member_row('document_d', 'ida');
SELECT r.last_active = m.last_active, r.joined_at = m.joined_at FROM channel_presence AS r JOIN presence_members('document_d') AS m USING (user_id);
SELECT document_id, user_id, cursor_position, selection_range FROM document_presence;
SELECT ctid AS place FROM channel_presence WHERE user_id = 'ida' \gset
SELECT presence_test_advance('3 min') IS NOT NULL;
SELECT ctid = :'place' FROM channel_presence WHERE user_id = 'ida';
SELECT presence_touch('ida');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT r.last_active = m.last_active FROM channel_presence AS r JOIN presence_members('document_d') AS m USING (user_id);
-- user_data of its own is written at once; what it inherits is not.
SELECT session_id FROM presence_connect('ida', 'ida 1', '{"name": "Ida"}');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.member_row('document_d', 'ida'), (SELECT user_data FROM presence_members('document_d'));
SELECT user_data FROM presence_join('ida', 'document_d', '{"role": "host"}');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.member_row('document_d', 'ida');
-- The flush of a thousand cursors is HOT, and the table does not grow.
SELECT count(c.channel_id) FROM generate_series(1, 1000) AS i, LATERAL presence_join_document('h' || i, i % 10, '{"line": 0}') AS c;
SELECT presence_test_advance('0') IS NOT NULL;
SELECT pg_relation_size('channel_presence') AS size \gset
CREATE PROCEDURE test.move() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..5 LOOP
        PERFORM presence.presence_move_cursor('h' || n, n % 10, jsonb_build_object('line', i)) FROM generate_series(1, 1000) AS n;
        PERFORM presence.presence_test_advance('61 s');
        COMMIT;
    END LOOP;
END
$$;
CALL test.move();
SELECT pg_relation_size('channel_presence') <= 2 * :size AS small, count(*) FILTER (WHERE cursor_position = '{"line": 5}') FROM channel_presence WHERE user_id LIKE 'h%';
DROP FUNCTION test.rows_of(text);
DROP PROCEDURE test.beat(int), test.move();
SELECT * FROM test.broken_histories();
