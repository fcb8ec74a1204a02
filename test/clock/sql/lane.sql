--
-- Cursors and states: at most one event of a member in cursor_interval, and the last one always goes out. What is in the events is in test/isolation.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
-- So long that a busy machine does not matter; 40 s of the clock then are four intervals.
ALTER SYSTEM SET presence.cursor_interval = '10s';
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
-- The worker has read it when a second move is not told of right after the first.
CREATE FUNCTION test.waits() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM test.told('11 s');
    PERFORM presence.presence_move_cursor('probe', 'probe', '1');
    PERFORM test.told();
    PERFORM presence.presence_move_cursor('probe', 'probe', '2');
    RETURN test.told('1 s') = 0;
END
$$;
SELECT channel_id FROM presence_join_document('probe', 'probe');
SELECT test.eventually('SELECT test.waits()');
SHOW presence.cursor_interval;
SELECT presence_reset();
SELECT test.told('11 s') IS NOT NULL;

-- Given a member that rests, when it moves, then that is told at once.
SELECT channel_id FROM presence_join_document('ann', 'd');
SELECT test.told('11 s') IS NOT NULL;
SELECT presence_move_cursor('ann', 'd', '1');
SELECT test.told();
-- When it moves a hundred times more within the interval, then nothing is told, until it is over: then the last one.
SELECT count(presence_move_cursor('ann', 'd', to_jsonb(i))) FROM generate_series(1, 100) AS i;
SELECT test.told();
SELECT test.told('11 s');
SELECT test.told('25 s');
-- A move to where it is already is told as well: it costs one event, and the client knows that it is alive.
SELECT presence_move_cursor('ann', 'd', '100');
SELECT test.told('11 s');

-- What else is told of it meanwhile does not take the cursor along: a status, for everybody and in the document.
SELECT test.told('25 s');
SELECT presence_move_cursor('ann', 'd', '101');
SELECT test.told();
SELECT presence_move_cursor('ann', 'd', '102');
SELECT status FROM presence_set_status('ann', 'busy');
SELECT test.told();
SELECT test.told('11 s');
SELECT status FROM presence_clear_status('ann');
SELECT test.told('11 s');

-- When it moves on and on, then once an interval.
CREATE PROCEDURE test.wander(who text, steps int, pause interval) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..steps LOOP
        PERFORM presence.presence_move_cursor(who, 'd', to_jsonb(i));
        PERFORM presence.presence_test_advance(pause);
    END LOOP;
END
$$;
SELECT test.told('25 s');
SELECT server_time AS began FROM presence_info() \gset
CALL test.wander('ann', 40, '1 s');
SELECT test.told('11 s') AS told \gset
SELECT :told BETWEEN 5 AND extract(epoch FROM server_time - :'began') / 10 + 1 FROM presence_info();
SELECT test.told('25 s');
SELECT cursor_position FROM presence_members('document_d') WHERE user_id = 'ann';
-- Slower than that, each one is told.
CALL test.wander('ann', 5, '11 s');
SELECT test.told('11 s');

-- A state goes the same way: both together are one an interval, in turn.
SELECT presence_set_state('ann', 'document_d', '1');
SELECT test.told();
SELECT presence_move_cursor('ann', 'd', '1'), presence_set_state('ann', 'document_d', '2');
SELECT test.told();
SELECT test.told('10 s');
SELECT test.told('10 s');
SELECT test.told('25 s');

-- Each member for itself, each channel for itself.
SELECT channel_id FROM presence_join_document('ben', 'd');
SELECT channel_id FROM presence_join_document('ann', 'e');
SELECT test.told('25 s') IS NOT NULL;
SELECT presence_move_cursor('ann', 'd', '1'), presence_move_cursor('ben', 'd', '1'), presence_move_cursor('ann', 'e', '1');
SELECT test.told();
SELECT presence_move_cursor('ann', 'd', '2'), presence_move_cursor('ben', 'd', '2'), presence_move_cursor('ann', 'e', '2');
SELECT test.told();
SELECT test.told('11 s');

-- One that is ignored for its clock is none.
SELECT test.told('25 s');
SELECT presence_move_cursor('ann', 'd', '3', clock => 5);
SELECT test.told('11 s');
SELECT presence_move_cursor('ann', 'd', '4', clock => 4);
SELECT test.told('11 s');

-- A join that brings a cursor is told with it: user_joined, and cursor_moved. Who leaves within the interval moves no more.
SELECT session_id FROM presence_connect('cleo', 'cleo 1');
SELECT test.told('25 s') IS NOT NULL;
SELECT channel_id FROM presence_join_document('cleo', 'd', '1', session_id => 'cleo 1');
SELECT test.told();
SELECT presence_move_cursor('cleo', 'd', '2');
SELECT presence_leave_document('cleo', 'd');
SELECT test.told();
SELECT test.told('25 s');

-- Many members in one document, one event each.
SELECT count(c.channel_id) FROM generate_series(1, 400) AS i, LATERAL presence_join_document('n' || i, 'big', session_id => 'n ' || i) AS c;
SELECT test.told('25 s') IS NOT NULL;
SELECT count(presence_move_cursor('n' || (i % 400 + 1), 'big', to_jsonb(i))) FROM generate_series(1, 400) AS i;
SELECT test.told();
SELECT count(presence_move_cursor('n' || (i % 400 + 1), 'big', to_jsonb(i))) FROM generate_series(1, 4000) AS i;
SELECT test.told('11 s');

ALTER SYSTEM RESET presence.cursor_interval;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SELECT channel_id FROM presence_join_document('probe', 'probe');
SELECT test.eventually('SELECT NOT test.waits()');
SHOW presence.cursor_interval;
DROP FUNCTION test.told(interval), test.waits();
DROP PROCEDURE test.wander(text, int, interval);
DROP TABLE test.told;
