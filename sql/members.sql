--
-- presence_members, presence_member_count and presence_channels: who is where.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given a channel that nobody is in, then nobody.
SELECT presence_member_count('room'), (SELECT count(*) FROM presence_members('room')), (SELECT count(*) FROM presence_channels('ann'));

-- Given some, then the last activity comes first: a join, a touch in the session, a move, a state, typing.
SELECT count(c.user_id) FROM unnest('{ann,ben,cleo,dora,eve}'::text[]) AS u, LATERAL presence_join(u, 'room', session_id => u || ' 1') AS c;
SELECT test.members('room');
SELECT user_id FROM presence_join('ben', 'room');
SELECT test.members('room');
SELECT presence_touch('cleo');
SELECT test.members('room');
SELECT presence_set_state('ann', 'room', '1');
SELECT test.members('room');
SELECT presence_typing('dora', 'room');
SELECT test.members('room');
-- Only the channels of the session that was touched: another of the same user moves nothing here.
SELECT session_id FROM presence_connect('eve', 'eve 2');
SELECT presence_touch('eve', session_id => 'eve 2');
SELECT test.members('room');
SELECT presence_touch('eve', session_id => 'eve 1');
SELECT test.members('room');
-- A heartbeat is no activity, nor is what somebody does elsewhere.
SELECT presence_heartbeat('ben 1');
SELECT user_id FROM presence_join('ben', 'other', session_id => 'ben 2');
SELECT presence_set_state('ben', 'other', '1');
SELECT test.members('room'), test.members('other');
SELECT bool_and(ordered) FROM (SELECT last_active <= lag(last_active, 1, 'infinity') OVER () AS ordered FROM presence_members('room')) AS o;

-- Columns.
SELECT user_id, status, user_data, joined_at < last_active, cursor_position, selection_range, state, typing FROM presence_members('room') WHERE user_id = 'ann';
SELECT test.while_typing('dora', 'room', $$SELECT m::text FROM (SELECT user_id, typing FROM presence.presence_members('room', 2)) AS m LIMIT 1$$);
SELECT status FROM presence_set_status('ann', 'away');
SELECT status FROM presence_set_status('ben', 'busy');
SELECT user_id, status FROM presence_members('room') WHERE user_id IN ('ann', 'ben', 'cleo') ORDER BY 1;

-- max_members: as many as that, at most.
SELECT string_agg(user_id, ' ') FROM presence_members('room', 2);
SELECT count(*) FROM presence_members('room', 0);
SELECT (SELECT count(*) FROM presence_members('room', 5)), (SELECT count(*) FROM presence_members('room', 2147483647));
SELECT test.error_of($$SELECT * FROM presence_members('room', -1)$$);
SELECT test.error_of($$SELECT * FROM presence_members('room', NULL)$$);
-- 100 when it is not said.
SELECT count(c.user_id) FROM generate_series(1, 250) AS i, LATERAL presence_join('n' || i, 'hall') AS c;
SELECT count(*) FROM presence_members('hall');
SELECT presence_member_count('hall');

-- Pages: each begins behind the last of the one before; together they are all, once.
CREATE FUNCTION test.pages(channel text, size int) RETURNS TABLE (page int, members text[]) LANGUAGE plpgsql AS $$
DECLARE
    last text;
BEGIN
    FOR i IN 1..1000 LOOP
        SELECT i, array_agg(user_id) INTO page, members FROM presence.presence_members(channel, size, after => last);
        EXIT WHEN members IS NULL;
        last := members[cardinality(members)];
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT * FROM test.pages('room', 2);
SELECT * FROM test.pages('room', 5);
SELECT count(*), count(DISTINCT m), array_agg(m ORDER BY page, place) = (SELECT array_agg(user_id) FROM presence_members('hall', 1000))
FROM test.pages('hall', 7), unnest(members) WITH ORDINALITY AS u(m, place);
SELECT count(*) FROM presence_members('room', after => (SELECT (array_agg(user_id))[5] FROM presence_members('room')));
-- Somebody joins, and somebody moves to the front, between two pages: the rest is told.
SELECT string_agg(user_id, ' ') FROM presence_members('room', 2);
SELECT user_id FROM presence_join('fay', 'room');
SELECT presence_touch('ben', session_id => 'ben 1');
SELECT string_agg(user_id, ' ') FROM presence_members('room', 10, after => 'dora');
-- One who left between two pages: what comes after cannot be told, and that is said.
SELECT presence_leave('cleo', 'room');
SELECT test.error_of($$SELECT * FROM presence_members('room', 2, after => 'cleo')$$);
SELECT test.error_of($$SELECT * FROM presence_members('room', 2, after => 'nobody')$$);
SELECT test.error_of($$SELECT * FROM presence_members('nowhere', 2, after => 'ann')$$);
SELECT test.error_of($$SELECT * FROM presence_members('other', 2, after => 'ann')$$);
SELECT test.error_of($$SELECT * FROM presence_members('room', 2, after => '')$$);
SELECT test.error_of($$SELECT * FROM presence_members('room', 2, after => repeat('i', 129))$$);
-- Who only types is no member, and no place to go on from.
SELECT presence_typing('typist', 'room');
SELECT test.members('room'), presence_member_count('room');
SELECT test.error_of($$SELECT * FROM presence_members('room', 2, after => 'typist')$$) LIKE '22023 %';
SELECT count(*) FROM presence_members('room', 0, after => 'typist');

-- active_within: those who were active not longer ago.
SELECT count(*) FROM presence_members('hall', 1000, active_within => '1 hour');
SELECT (SELECT count(*) FROM presence_members('hall', 1000, active_within => '-1 hour')), (SELECT count(*) FROM presence_members('hall', 1000, active_within => '0'));
SELECT count(*) FROM presence_members('hall', 10, after => 'n100', active_within => '1 day');
SELECT clock_timestamp() - max(last_active) AS since FROM presence_members('hall', 1000) \gset
SELECT count(*) FROM presence_members('hall', 1000, active_within => :'since');

-- viewer changes nothing until there are privacy rules.
SELECT count(*) FROM presence_members('room', viewer => 'ann');
SELECT count(*) FROM presence_members('room', viewer => 42);
SELECT count(*) FROM presence_members(channel_id => 'room', max_members => 3, viewer => NULL, after => NULL, active_within => NULL);

-- Who goes offline is no member any more, whether the worker has looked or not.
SELECT presence_logout('dora');
SELECT test.members('room'), presence_member_count('room');

-- global_presence holds everyone: it is counted, and listed elsewhere.
SELECT presence_member_count('global_presence') = total FROM presence_counts();
SELECT test.error_of($$SELECT * FROM presence_members('global_presence')$$);

-- Channels of a user, by name.
SELECT count(c.user_id) FROM unnest('{zoo,Zoo,a,ä,B,b}'::text[]) AS n, LATERAL presence_join('gus', n) AS c;
SELECT string_agg(c, ' ') FROM presence_channels('gus') AS c;
SELECT string_agg(c, ' ') FROM presence_channels('ben') AS c;
-- Typing somewhere is not being there.
SELECT presence_typing('gus', 'room');
SELECT string_agg(c, ' ') FROM presence_channels('gus') AS c;
SELECT string_agg(c, ' ') FROM presence_channels('typist') AS c;

-- Own joins and leaves are seen by all of them, before COMMIT.
BEGIN;
SELECT user_id FROM presence_join('hal', 'room');
SELECT user_id FROM presence_join('ida', 'room', '{"name": "Ida"}', 'ida 1');
SELECT presence_leave('ben', 'room');
SELECT test.members('room'), presence_member_count('room');
SELECT user_id, status, user_data, typing FROM presence_members('room', 2);
SELECT string_agg(c, ' ') FROM presence_channels('ida') AS c;
SELECT string_agg(c, ' ') FROM presence_channels('ben') AS c;
SELECT * FROM test.pages('room', 2);
SELECT test.error_of($$SELECT * FROM presence_members('room', after => 'ben')$$) LIKE '22023 %' AS left_it;
SELECT presence_leave('hal', 'room');
SELECT test.members('room'), presence_member_count('room'), test.members('nowhere'), presence_member_count('nowhere');
SELECT user_id FROM presence_join('hal', 'nowhere');
SELECT test.members('nowhere'), presence_member_count('nowhere');
SELECT presence_logout('fay');
SELECT test.members('room'), presence_member_count('room');
-- More than a page of them.
SELECT count(c.user_id) FROM generate_series(1, 120) AS i, LATERAL presence_join('m' || i, 'room') AS c;
SELECT count(*), bool_and(user_id LIKE 'm%') FROM presence_members('room');
SELECT presence_member_count('room'), (SELECT count(*) FROM presence_members('room', 1000));
SELECT count(*), count(DISTINCT m) FROM test.pages('room', 7), unnest(members) AS m;
ROLLBACK;
SELECT test.members('room'), presence_member_count('room'), test.members('nowhere'), presence_member_count('nowhere');
SELECT string_agg(c, ' ') FROM presence_channels('ida') AS c;

-- Ids of every type.
SELECT user_id FROM presence_join('42', '7');
SELECT presence_channels(42), presence_channels(42::smallint), presence_channels(42::bigint), presence_channels('42'), presence_channels('42'::text), presence_channels('42'::varchar);
SELECT presence_member_count(7), presence_member_count(7::smallint), presence_member_count(7::bigint), presence_member_count('7'), presence_member_count('7'::text), presence_member_count('7'::varchar);
SELECT (SELECT user_id FROM presence_members(7)), (SELECT user_id FROM presence_members('7'::varchar)), (SELECT user_id FROM presence_members(7::bigint));
SELECT presence_member_count('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid), (SELECT count(*) FROM presence_channels('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid));
SELECT count(*) FROM presence_members(7, after => 42), presence_members(7, 10, 42, 42::bigint) AS also;
PREPARE count_of AS SELECT presence_member_count($1);
PREPARE channels_of AS SELECT presence_channels($1);
PREPARE members_of AS SELECT user_id FROM presence_members($1, $2, $3, $4, $5);
EXECUTE count_of('7');
EXECUTE channels_of('42');
EXECUTE members_of('7', 10, NULL, NULL, NULL);
DEALLOCATE ALL;

SELECT test.error_of($$SELECT * FROM presence_members(NULL)$$);
SELECT test.error_of($$SELECT * FROM presence_members('')$$);
SELECT test.error_of($$SELECT * FROM presence_members(repeat('c', 129))$$);
SELECT test.error_of($$SELECT presence_member_count(NULL)$$);
SELECT test.error_of($$SELECT presence_member_count('')$$);
SELECT test.error_of($$SELECT presence_member_count(repeat('c', 129))$$);
SELECT test.error_of($$SELECT * FROM presence_channels(NULL)$$);
SELECT test.error_of($$SELECT * FROM presence_channels('')$$);
SELECT test.error_of($$SELECT * FROM presence_channels(repeat('i', 129))$$);
-- Reading makes nobody.
SELECT presence_status('nobody'), count(*) FROM user_presence WHERE user_id = 'nobody';
DROP FUNCTION test.pages(text, int);
