--
-- presence_leave: a user, or one of its sessions, leaves a channel; the membership goes with the last session.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given nobody, then nobody leaves.
SELECT presence_leave('ann', 'room');
SELECT presence_status('ann'), (presence_get('ann')).last_seen;
SELECT user_id FROM presence_join('ann', 'room');
SELECT presence_leave('ann', 'other'), presence_leave('ben', 'room'), presence_leave('ann', 'Room');
SELECT presence_member_count('room');

-- Given a member, when it leaves, then it is gone, its row as well, and its user stays online.
SELECT test.eventually($$SELECT count(*) = 1 FROM channel_presence$$);
SELECT presence_leave('ann', 'room');
SELECT presence_member_count('room'), test.members('room'), presence_status('ann');
SELECT count(*) FROM presence_channels('ann');
SELECT test.eventually($$SELECT count(*) = 0 FROM channel_presence$$);
SELECT presence_leave('ann', 'room');
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_history$$);
SELECT test.history_of('ann');

-- Given one of two, then the other stays, in all its channels.
SELECT user_id FROM presence_join('ann', 'room');
SELECT user_id FROM presence_join('ben', 'room');
SELECT user_id FROM presence_join('ben', 'other');
SELECT presence_leave('ann', 'room');
SELECT test.members('room'), test.members('other');
SELECT presence_leave('ben', 'room');
SELECT test.members('room'), test.members('other');

-- Given three sessions of one member, then it leaves with the last of them.
SELECT user_id FROM presence_join('cleo', 'room', session_id => 'cleo 1');
SELECT user_id FROM presence_join('cleo', 'room', session_id => 'cleo 2');
SELECT user_id FROM presence_join('cleo', 'room', session_id => 'cleo 3');
SELECT session_id FROM presence_connect('cleo', 'cleo 4');
SELECT presence_leave('cleo', 'room', 'cleo 4'), presence_leave('cleo', 'room', 'nobody''s');
SELECT presence_leave('cleo', 'room', 'cleo 2');
SELECT presence_leave('cleo', 'room', 'cleo 2');
SELECT presence_member_count('room');
SELECT test.eventually($$SELECT test.member_row('room', 'cleo') LIKE '%{"cleo 1","cleo 3"}'$$);
SELECT presence_leave('cleo', 'room', 'cleo 1');
SELECT presence_member_count('room');
SELECT presence_leave('cleo', 'room', 'cleo 3');
SELECT presence_member_count('room'), session_count FROM presence_get('cleo');
-- Without session_id all of them leave at once.
SELECT user_id FROM presence_join('cleo', 'room', session_id => 'cleo 1');
SELECT user_id FROM presence_join('cleo', 'room', session_id => 'cleo 2');
SELECT presence_leave('cleo', 'room');
SELECT presence_member_count('room'), presence_leave('cleo', 'room', 'cleo 1');

-- A hundred of them: each can leave, and the last one takes the user along; so it is within one transaction.
SELECT count(c.user_id) FROM generate_series(1, 100) AS i, LATERAL presence_join('mia', 'hall', session_id => 'mia ' || i) AS c;
SELECT cardinality(session_ids) FROM presence_join('mia', 'hall', session_id => 'mia 1');
SELECT test.eventually($$SELECT cardinality(session_ids) = 100 FROM channel_presence WHERE user_id = 'mia'$$);
SELECT count(*) FROM generate_series(1, 99) AS i WHERE presence_leave('mia', 'hall', 'mia ' || i);
SELECT test.members('hall'), presence_leave('mia', 'hall', 'mia 100');
SELECT test.members('hall'), presence_logout('mia');
BEGIN;
SELECT count(c.user_id) FROM generate_series(1, 100) AS i, LATERAL presence_join('mia', 'hall', session_id => 'mia ' || i) AS c;
SELECT count(*) FROM generate_series(1, 99) AS i WHERE presence_leave('mia', 'hall', 'mia ' || i);
SELECT presence_leave('mia', 'hall', 'mia 1'), presence_leave('mia', 'hall', 'unknown');
SELECT session_ids FROM presence_join('mia', 'hall', session_id => 'mia 100');
COMMIT;
SELECT test.members('hall');
SELECT presence_leave('mia', 'hall', 'mia 100'), test.members('hall'), session_count FROM presence_get('mia');
-- One that was made up is in nobody's session's place.
BEGIN;
SELECT session_ids FROM presence_join('nora', 'hall');
SELECT presence_leave('nora', 'hall', 'unknown');
COMMIT;
SELECT test.members('hall');
SELECT presence_leave('nora', 'hall', 'unknown'), presence_leave('nora', 'hall');

-- A session of somebody else is not in it.
SELECT user_id FROM presence_join('dora', 'room', session_id => 'dora 1');
SELECT user_id FROM presence_join('eve', 'room', session_id => 'eve 1');
SELECT presence_leave('dora', 'room', 'eve 1');
SELECT test.members('room');

-- A logout leaves everything; so does offline, and being forgotten.
SELECT user_id FROM presence_join('dora', 'other');
SELECT presence_logout('dora');
SELECT test.members('room'), test.members('other');
SELECT status FROM presence_set_status('eve', 'offline', explicit_logout => true);
SELECT test.members('room');
SELECT user_id FROM presence_join('fay', 'room');
SELECT presence_forget('fay');
SELECT test.members('room'), count(*) FROM channel_presence WHERE user_id = 'fay';
SELECT test.eventually($$SELECT count(*) = 1 FROM channel_presence$$);
SELECT channel_id, user_id FROM channel_presence;

-- One that comes and goes before anybody has looked leaves no row.
SELECT user_id FROM presence_join('gus', 'room');
SELECT presence_leave('gus', 'room');
SELECT user_id FROM presence_join('hal', 'room');
SELECT test.eventually($$SELECT count(*) = 1 FROM channel_presence WHERE user_id = 'hal'$$);
SELECT count(*) FROM channel_presence WHERE user_id = 'gus';

-- Ids of every type are the same one.
SELECT channel_id, user_id FROM presence_join(7, 42);
SELECT presence_leave(7::bigint, 42::smallint), presence_leave('7', '42'), presence_leave('7'::varchar, '42'::text);
SELECT presence_leave('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'::uuid);
SELECT presence_leave(user_id => 'x', channel_id => 'y', session_id => 'z');

SELECT test.error_of($$SELECT presence_leave(NULL, 'room')$$);
SELECT test.error_of($$SELECT presence_leave('', 'room')$$);
SELECT test.error_of($$SELECT presence_leave(repeat('i', 129), 'room')$$);
SELECT test.error_of($$SELECT presence_leave('hal', NULL)$$);
SELECT test.error_of($$SELECT presence_leave('hal', '')$$);
SELECT test.error_of($$SELECT presence_leave('hal', repeat('c', 129))$$);
SELECT test.error_of($$SELECT presence_leave('hal', 'room', '')$$);
SELECT test.error_of($$SELECT presence_leave('hal', 'room', repeat('s', 129))$$);
SELECT test.error_of($$SELECT presence_leave('hal', 'global_presence')$$);
SELECT test.members('room');

-- A thousand come and go; who comes then finds an empty room.
SELECT count(c.user_id) FROM generate_series(1, 1000) AS i, LATERAL presence_join('n' || i, 'hall') AS c;
SELECT presence_member_count('hall');
SELECT count(*) FROM generate_series(1, 1000) AS i WHERE presence_leave('n' || i, 'hall');
SELECT presence_member_count('hall'), test.members('hall');
SELECT test.eventually($$SELECT count(*) = 0 FROM channel_presence WHERE channel_id = 'hall'$$);
SELECT user_id FROM presence_join('ida', 'hall');
SELECT test.members('hall');
SELECT * FROM test.broken_histories();
