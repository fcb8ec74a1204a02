--
-- A channel above large_channel tells how many are there, at most once a second, instead of who comes and goes; below 80 % it tells of each again.
-- What is in the events is in test/isolation.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
-- What a user does for everybody is not counted here.
ALTER SYSTEM SET presence.large_channel = 10;
ALTER SYSTEM SET presence.global_broadcast = off;
SELECT pg_reload_conf();
-- This session reads it now, and the worker soon.
\c -
SET search_path = presence;
CREATE TABLE test.told (seq bigint);
CREATE FUNCTION test.told(advance interval DEFAULT '0') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
    before bigint;
BEGIN
    PERFORM presence.presence_test_advance(advance);
    now := (SELECT seq FROM presence.presence_info());
    DELETE FROM test.told RETURNING seq INTO before;
    INSERT INTO test.told VALUES (now);
    RETURN now - coalesce(before, now);
END
$$;
CREATE FUNCTION test.come(first int, last int, channel text DEFAULT 'hall') RETURNS bigint LANGUAGE sql AS $$
    SELECT count(c.user_id) FROM generate_series(first, last) AS i, LATERAL presence.presence_join('u' || i, channel, session_id => 'u ' || i) AS c
$$;
CREATE FUNCTION test.go(first int, last int, channel text DEFAULT 'hall') RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM generate_series(first, last) AS i WHERE presence.presence_leave('u' || i, channel)
$$;
-- The worker has read it when somebody who comes is no event.
CREATE FUNCTION test.silent() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM test.told();
    PERFORM presence.presence_touch('probe ' || clock_timestamp());
    RETURN test.told() = 0;
END
$$;
SELECT test.eventually('SELECT test.silent()');
SHOW presence.large_channel;

-- Given ten, then ten are told of, one by one.
SELECT test.told() IS NOT NULL;
SELECT test.come(1, 10);
SELECT test.told('2 s');
SELECT test.go(10, 10);
SELECT test.told('2 s');
SELECT test.come(10, 10);
SELECT test.told('2 s');

-- With the eleventh it is large: one event says how many, instead.
SELECT test.come(11, 11);
SELECT test.told('2 s') BETWEEN 1 AND 2;
-- Fifty more: one event a second at most, and the last number always goes out.
SELECT test.come(12, 61);
SELECT test.told('2 s') BETWEEN 1 AND 2;
SELECT test.told('10 s');
CREATE PROCEDURE test.come_slowly(first int, last int, pause interval) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN first..last LOOP
        PERFORM test.come(i, i);
        COMMIT;
        PERFORM presence.presence_test_advance(pause);
    END LOOP;
END
$$;
SELECT server_time AS began FROM presence_info() \gset
CALL test.come_slowly(62, 91, '100 ms');
SELECT test.told('2 s') AS told \gset
SELECT :told BETWEEN 3 AND extract(epoch FROM server_time - :'began') + 1 FROM presence_info();
SELECT test.told('10 s');
-- One comes, one goes: the number is the same, nothing is told.
BEGIN;
SELECT test.go(91, 91), test.come(91, 91);
COMMIT;
SELECT test.told('2 s');
BEGIN;
SELECT test.go(91, 91), test.come(92, 92);
COMMIT;
SELECT test.told('2 s') BETWEEN 0 AND 1;
SELECT presence_member_count('hall');

-- What members do there is told as ever: a status, a state, typing.
SELECT status FROM presence_set_status('u1', 'busy');
SELECT test.told('2 s');
SELECT presence_set_state('u1', 'hall', '1');
SELECT test.told('2 s');
SELECT presence_typing('u1', 'hall');
SELECT test.told('4 s');
SELECT user_data FROM presence_join('u1', 'hall', '{"a": 1}');
SELECT test.told('2 s');
-- Another channel of the same users is not large.
SELECT test.come(1, 3, 'small');
SELECT test.told('2 s');

-- Going down to 80 % it stays large: 8 of 10.
SELECT test.go(9, 92);
SELECT test.told('5 s') BETWEEN 1 AND 2;
SELECT presence_member_count('hall');
SELECT test.come(9, 9);
SELECT test.told('2 s');
SELECT test.go(9, 9);
SELECT test.told('2 s');
-- Below, it is told once more, and that a new list is due; from then on each one by one.
SELECT test.go(8, 8);
SELECT test.told('2 s') BETWEEN 2 AND 3;
SELECT test.come(8, 8);
SELECT test.told('2 s');
SELECT test.go(8, 8);
SELECT test.told('2 s');
SELECT test.come(8, 10);
SELECT test.told('2 s');
-- Up and down around the limit, fast: nothing is lost, and it comes to rest.
CREATE PROCEDURE test.flap() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..20 LOOP
        PERFORM test.come(11, 20);
        COMMIT;
        PERFORM presence.presence_test_advance('50 ms');
        PERFORM test.go(5, 20);
        COMMIT;
        PERFORM presence.presence_test_advance('50 ms');
        PERFORM test.come(5, 10);
        COMMIT;
    END LOOP;
END
$$;
CALL test.flap();
SELECT test.told('10 s') > 0;
SELECT test.told('10 s');
SELECT presence_member_count('hall');
SELECT test.go(1, 1);
SELECT test.told('2 s');

-- All go by the clock at once: one number, and the rows are gone.
SELECT test.come(11, 40);
SELECT test.told('2 s') BETWEEN 1 AND 4;
SELECT test.told('31 min') > 0;
SELECT test.told('10 s');
SELECT presence_member_count('hall'), (SELECT count(*) FROM channel_presence);
SELECT test.come(1, 1);
SELECT test.told('2 s');

-- The limit is lowered below what is there: the next change says so.
SELECT test.come(1, 8);
SELECT test.told('2 s') IS NOT NULL;
ALTER SYSTEM SET presence.large_channel = 5;
ALTER SYSTEM SET presence.global_broadcast = on;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SELECT test.eventually('SELECT NOT test.silent()');
ALTER SYSTEM SET presence.global_broadcast = off;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SELECT test.eventually('SELECT test.silent()');
SELECT test.come(9, 12);
SELECT test.told('2 s') BETWEEN 1 AND 2;

ALTER SYSTEM RESET presence.large_channel;
ALTER SYSTEM RESET presence.global_broadcast;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SELECT test.eventually('SELECT NOT test.silent()');
DROP FUNCTION test.told(interval), test.come(int, int, text), test.go(int, int, text), test.silent();
DROP PROCEDURE test.come_slowly(int, int, interval), test.flap();
DROP TABLE test.told;
