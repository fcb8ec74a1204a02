--
-- presence_typing and presence_typing_users: who types, in memory only. How it ends is in test/clock, what is heard of it in test/isolation.
-- It ends by itself after 3 seconds: what must be seen before that is asked in the same statement.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE FUNCTION test.typing(who presence_id, channel presence_id, name text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_typing(who, channel, true, name);
    RETURN (SELECT format('%s (%s)%s', user_id, coalesce(user_name, '-'), CASE WHEN since > clock_timestamp() THEN ' in the future' END)
            FROM presence.presence_typing_users(channel) WHERE user_id = who::text);
END
$$;

-- Given nobody, then nobody types.
SELECT count(*) FROM presence_typing_users('room');
SELECT presence_typing('ann', 'room', false);
SELECT presence_status('ann');

-- When somebody types, then it is told, without being a member, and the user is online: it is an activity.
SELECT test.typing('ann', 'room', 'Ann');
SELECT status, session_count, activity_count FROM presence_get('ann');
SELECT presence_member_count('room'), (SELECT count(*) FROM presence_members('room')), (SELECT count(*) FROM presence_channels('ann'));
SELECT presence_typing('ann', 'room', false);
SELECT count(*) FROM presence_typing_users('room');
SELECT presence_typing('ann', 'room', false);

-- Two, in two channels. A name is the last that was given, or what the application keeps with the user, or none.
SELECT session_id FROM presence_connect('ben', 'ben 1', '{"name": "Ben", "avatar": "/b.png"}');
SELECT test.typing('ann', 'room'), test.typing('ben', 'room'), test.typing('ben', 'other', 'Benno');
SELECT test.typing('ben', 'room', 'B'), test.typing('ben', 'room'), test.typing('ben', 'room', '');
SELECT user_id FROM presence_join('ben', 'room', '{"name": "Benedict"}');
SELECT presence_typing('ben', 'room', false), presence_typing('ann', 'room', false), presence_typing('ben', 'other', false);
SELECT test.typing('ben', 'room');
SELECT session_id FROM presence_connect('cleo', 'cleo 1', '{"name": 7}');
SELECT test.typing('cleo', 'third');
-- since is the first call's moment.
CREATE FUNCTION test.typing_since() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    first timestamptz;
BEGIN
    PERFORM presence.presence_typing('dora', 'room');
    SELECT since INTO first FROM presence.presence_typing_users('room') WHERE user_id = 'dora';
    PERFORM pg_sleep(0.01);
    PERFORM presence.presence_typing('dora', 'room');
    RETURN (SELECT since = first FROM presence.presence_typing_users('room') WHERE user_id = 'dora');
END
$$;
SELECT test.typing_since();

-- A member that types is seen to type among the members, and leaving stops it; so do a logout and being forgotten.
SELECT test.while_typing('ben', 'room', $$SELECT user_id || typing FROM presence.presence_members('room')$$);
SELECT presence_leave('ben', 'room');
SELECT count(*) FROM presence_typing_users('room') WHERE user_id = 'ben';
-- Whoever types without having joined stops by leaving as well; it was no member.
SELECT test.typing('eve', 'hall'), presence_leave('eve', 'hall');
SELECT count(*) FROM presence_typing_users('hall');
SELECT test.typing('eve', 'hall'), presence_logout('eve');
SELECT count(*) FROM presence_typing_users('hall');
SELECT test.typing('eve', 'hall'), presence_forget('eve');
SELECT count(*) FROM presence_typing_users('hall');
SELECT test.typing('fay', 'hall'), (presence_set_status('fay', 'offline', explicit_logout => true)).status;
SELECT count(*) FROM presence_typing_users('hall');

-- It needs no transaction id and is immediate.
BEGIN READ ONLY;
SELECT test.typing('gus', 'hall');
SELECT pg_current_xact_id_if_assigned();
ROLLBACK;
SELECT test.typing('hal', 'hall') LIKE '%hal (-)%';
-- It leaves no row in channel_presence.
SELECT test.eventually($$SELECT status = 'online' FROM user_presence WHERE user_id = 'hal'$$);
SELECT count(*) FROM channel_presence WHERE channel_id = 'hall';

-- In the channel of everyone, too.
SELECT test.typing('ann', 'global_presence');

-- Many at a time.
CREATE FUNCTION test.many_type(many int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_typing('t' || i, 'crowd') FROM generate_series(1, many) AS i;
    RETURN (SELECT count(*) FROM presence.presence_typing_users('crowd'));
END
$$;
SELECT test.many_type(10), test.many_type(64), test.many_type(65), test.many_type(300);

-- Ids of every type; names are cut nowhere and refused when they are too long.
SELECT test.typing(42, 7), test.typing('42'::varchar, '7'::text), test.typing(42::bigint, 7::smallint), test.typing('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'::uuid);
SELECT presence_typing(user_id => 42, channel_id => 7, typing => true, user_name => 'x');
PREPARE untyped AS SELECT presence_typing($1, $2, $3, $4);
EXECUTE untyped('42', '7', true, 'x');
EXECUTE untyped('42', '7', false, NULL);
DEALLOCATE untyped;
SELECT count(*) FROM presence_typing_users(7) WHERE user_id = '42';
SELECT length(test.typing('ida', 'long', repeat('ü', 128)));
SELECT test.typing('ida', 'long', E'tab\t "q" \\ 🦉') = E'ida (tab\t "q" \\ 🦉)';
SELECT test.error_of($$SELECT presence_typing('ida', 'long', true, repeat('n', 257))$$);
SELECT count(*) FROM presence_typing_users('room', viewer => 'ann') WHERE user_id = 'nobody';

-- Somewhere a thousand-and-first: the limit of channels counts those where a user types.
SELECT count(c.user_id) FROM generate_series(1, 1000) AS i, LATERAL presence_join('jon', 'ch ' || i) AS c;
SELECT test.error_of($$SELECT presence_typing('jon', 'ch 1001')$$);
SELECT test.typing('jon', 'ch 1000');

-- In the grace of a goodbye in its client's own words, and before a reason in somebody's own words is told, typing is typing.
SELECT session_id FROM presence_connect('lea', 'lea 1');
SELECT presence_disconnect('lea 1', 'battery empty');
SELECT test.typing('lea', 'grace', 'Lea');
SELECT session_id FROM presence_connect('max', 'max 1');
BEGIN;
SELECT status FROM presence_set_status('max', 'away', reason => 'lunch', session_id => 'max 1');
COMMIT;
SELECT test.typing('max', 'grace', 'Max');

-- Leaving ends it, also of somebody who has never joined; it answers what it always does.
SELECT presence_leave('max', 'grace'), (SELECT count(*) FROM presence_typing_users('grace') WHERE user_id = 'max');

SELECT test.error_of($$SELECT presence_typing(NULL, 'room')$$);
SELECT test.error_of($$SELECT presence_typing('', 'room')$$);
SELECT test.error_of($$SELECT presence_typing(repeat('i', 129), 'room')$$);
SELECT test.error_of($$SELECT presence_typing('kim', NULL)$$);
SELECT test.error_of($$SELECT presence_typing('kim', '')$$);
SELECT test.error_of($$SELECT presence_typing('kim', repeat('c', 129))$$);
SELECT test.error_of($$SELECT presence_typing('kim', 'room', NULL)$$);
SELECT test.error_of($$SELECT * FROM presence_typing_users(NULL)$$);
SELECT test.error_of($$SELECT * FROM presence_typing_users('')$$);
SELECT test.error_of($$SELECT * FROM presence_typing_users(repeat('c', 129))$$);
SELECT presence_status('kim');
DROP FUNCTION test.typing(presence_id, presence_id, text), test.typing_since(), test.many_type(int);
SELECT * FROM test.broken_histories();
