--
-- Typing ends by itself typing_timeout after the last call, with its reason; further calls extend it in silence.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
-- A listener's count: what was told since the last look.
CREATE TABLE test.told (seq bigint);
CREATE FUNCTION test.told() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now bigint;
    before bigint;
BEGIN
    PERFORM presence.presence_test_advance('0');
    now := (SELECT seq FROM presence.presence_info());
    DELETE FROM test.told RETURNING seq INTO before;
    INSERT INTO test.told VALUES (now);
    RETURN now - coalesce(before, now);
END
$$;
CREATE FUNCTION test.typing(channel text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence.presence_typing_users(channel));
END
$$;

-- Three seconds without another call, and it is over; time goes on by itself here, so more may have passed, but never less.
SELECT presence_touch('ann');
SELECT test.told() IS NOT NULL;
SELECT presence_typing('ann', 'room');
SELECT presence_test_advance('3 s') IS NOT NULL;
SELECT test.typing('room');
-- It began and it ended.
SELECT test.told();

-- So that a busy machine does not matter, a minute from here on. The worker has read it when typing outlives its 3 seconds.
ALTER SYSTEM SET presence.typing_timeout = '1min';
SELECT pg_reload_conf();
-- This session reads it now, and the worker soon.
\c -
SET search_path = presence;
CREATE FUNCTION test.outlives(gap interval) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_typing('probe', 'probe');
    PERFORM test.told();
    PERFORM presence.presence_test_advance(gap);
    RETURN test.told() = 0;
END
$$;
SELECT test.eventually($$SELECT test.outlives('4 s')$$);
SHOW presence.typing_timeout;
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT test.typing('probe');

-- Given somebody who types, when more calls come, then each extends it, and none is told of.
SELECT test.told() IS NOT NULL;
SELECT presence_typing('ann', 'room', user_name => 'Ann');
SELECT test.told();
SELECT presence_test_advance('50 s') IS NOT NULL;
SELECT presence_typing('ann', 'room');
SELECT presence_test_advance('50 s') IS NOT NULL;
SELECT presence_typing('ann', 'room');
SELECT presence_test_advance('50 s') IS NOT NULL;
SELECT test.typing('room'), test.told();
SELECT user_name, clock > interval '2 min 30 s' AND clock < interval '4 min' AS since_the_first_call
FROM presence_typing_users('room'), presence_info(), LATERAL (SELECT server_time - since AS clock) AS c;
SELECT presence_test_advance('11 s') IS NOT NULL;
SELECT test.typing('room'), test.told();

-- On its end by false there is one event; a second false is none, and a new beginning is one.
SELECT presence_typing('ann', 'room');
SELECT test.told();
SELECT presence_typing('ann', 'room', false);
SELECT test.typing('room'), test.told();
SELECT presence_typing('ann', 'room', false);
SELECT test.told();
-- Begun and ended many times over: whatever was told in between, it ends with an end.
SELECT count(*) FROM generate_series(1, 100) AS i, LATERAL (SELECT presence_typing('ann', 'room'), presence_typing('ann', 'room', false)) AS t;
SELECT test.told() % 2;

-- Each channel for itself, each user for itself.
SELECT presence_typing('ann', 'one'), presence_typing('ann', 'two'), presence_touch('ben');
SELECT presence_test_advance('30 s') IS NOT NULL;
SELECT presence_typing('ann', 'two'), presence_typing('ben', 'one');
SELECT test.typing('one'), test.typing('two');
SELECT presence_test_advance('31 s') IS NOT NULL;
SELECT test.typing('one'), test.typing('two');
SELECT presence_test_advance('30 s') IS NOT NULL;
SELECT test.typing('one'), test.typing('two');

-- A goodbye stops it at once, a grace or not; where another session of the user is, it goes on.
SELECT channel_id FROM presence_join('cleo', 'room', session_id => 'cleo 1');
SELECT channel_id FROM presence_join('cleo', 'hall', session_id => 'cleo 2');
SELECT channel_id FROM presence_join('cleo', 'hall', session_id => 'cleo 1');
SELECT presence_typing('cleo', 'room'), presence_typing('cleo', 'hall');
SELECT presence_disconnect('cleo 1');
SELECT test.typing('room'), test.typing('hall');
SELECT presence_status('cleo'), test.members('room'), test.members('hall');
SELECT presence_test_advance('12 s') IS NOT NULL;
SELECT test.members('room'), test.members('hall'), test.typing('hall');
-- The last session that falls silent takes it along, too.
SELECT presence_heartbeat('cleo 2');
SELECT presence_test_advance('91 s') IS NOT NULL;
SELECT test.typing('hall'), presence_status('cleo');

-- When typing's user goes offline, then nobody types any more, whether the worker has looked or not.
SELECT presence_typing('dora', 'room');
SELECT presence_logout('dora');
SELECT test.typing('room');

-- What typing made is gone afterwards: no member, no channel, no row.
SELECT presence_test_advance('2 h') IS NOT NULL;
SELECT count(*) FROM channel_presence;
SELECT presence_member_count('room'), (SELECT count(*) FROM presence_channels('ann'));
ALTER SYSTEM RESET presence.typing_timeout;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SELECT test.eventually($$SELECT NOT test.outlives('4 s')$$);
SHOW presence.typing_timeout;
DROP FUNCTION test.told(), test.typing(text), test.outlives(interval);
DROP TABLE test.told;
SELECT * FROM test.broken_histories();
