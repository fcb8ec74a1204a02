--
-- user_activities: what people did. Queued in memory, written in batches; at once when there are many. What waits for the flush is in test/clock.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE FUNCTION test.activities_of(wanted text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT concat_ws(' ', activity_type, coalesce(page_url, '-'), coalesce(session_id, '-'))
                 FROM presence.user_activities WHERE user_id = wanted ORDER BY "timestamp";
END
$$;
-- A thousand that wait make the worker write, so somebody else is busy until the answer is true.
CREATE FUNCTION test.written(question text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer bool;
BEGIN
    FOR i IN 1..1000 LOOP
        EXECUTE question INTO answer;
        IF answer THEN
            RETURN 'yes';
        END IF;
        PERFORM presence.presence_touch('filler', 'fill') FROM generate_series(1, 1000);
        PERFORM pg_sleep(0.02);
    END LOOP;
    RETURN 'no: ' || question;
END
$$;
SELECT test.written($$SELECT count(*) > 0 FROM presence.user_activities$$);
SELECT test.eventually($$SELECT count(*) > 2 FROM pg_inherits WHERE inhparent = 'presence.user_activities'::regclass$$, 90);

-- Given touches with a kind, then each is a row, with page and session where they were given, in order and at its moment.
SELECT clock_timestamp() AS before \gset
SELECT presence_touch('ann', 'click');
SELECT presence_touch('ann', 'scroll', '/inbox');
SELECT presence_touch('ann', activity_type => 'key', page_url => '/größe/🦉', session_id => 'tab 1');
SELECT presence_touch('ann');
SELECT presence_touch('ann', 'click', interactions => 5);
SELECT activity_count, interactions_per_minute IN (8, 9), current_page FROM presence_get('ann');
SELECT test.written($$SELECT count(*) = 4 FROM presence.user_activities WHERE user_id = 'ann'$$);
SELECT test.activities_of('ann');
SELECT bool_and("timestamp" BETWEEN :'before' AND clock_timestamp()) FROM user_activities WHERE user_id = 'ann';

-- Words: 1 to 64 bytes of anything.
SELECT presence_touch('ben', repeat('k', 64)), presence_touch('ben', repeat('ü', 32)), presence_touch('ben', E'it''s "k" \\ \t\x01 🦉', E'/it''s "p" \\ \n'), presence_touch(E'it''s "u"\n', 'x', NULL, E'it''s "s"\t');
SELECT test.error_of($$SELECT presence_touch('ben', '')$$);
SELECT test.error_of($$SELECT presence_touch('ben', repeat('k', 65))$$);
SELECT test.error_of($$SELECT presence_touch('ben', repeat('ü', 32) || 'k')$$);
SELECT test.error_of($$SELECT presence_touch('ben', 'long page', repeat('p', 2049))$$);
SELECT test.error_of($$SELECT presence_touch('ben', 'foreign', session_id => 'tab 1')$$);
SELECT test.error_of($$SELECT presence_touch('ben', 'bad session', session_id => '')$$);
SELECT test.error_of($$SELECT presence_touch('ben', 'negative', interactions => -1)$$);
SELECT presence_touch('ben', 'page', repeat('ü', 1024), repeat('s', 128)), presence_touch(repeat('i', 128), 'long id');
SELECT test.written($$SELECT count(*) = 4 FROM presence.user_activities WHERE user_id = 'ben'$$);
SELECT test.written($$SELECT count(*) = 2 FROM presence.user_activities WHERE activity_type IN ('x', 'long id')$$);
SELECT activity_type = repeat('k', 64), activity_type = repeat('ü', 32), activity_type = E'it''s "k" \\ \t\x01 🦉' AND page_url = E'/it''s "p" \\ \n', page_url = repeat('ü', 1024) AND session_id = repeat('s', 128)
FROM user_activities WHERE user_id = 'ben' ORDER BY "timestamp";
SELECT count(*) FROM user_activities WHERE user_id = E'it''s "u"\n' AND session_id = E'it''s "s"\t' OR user_id = repeat('i', 128);

-- As immediate as the touch: a rollback takes nothing back, and nothing is written by the caller.
BEGIN READ ONLY;
SELECT presence_touch('cleo', 'kept');
SELECT pg_current_xact_id_if_assigned();
ROLLBACK;
SELECT test.written($$SELECT count(*) = 1 FROM presence.user_activities WHERE user_id = 'cleo'$$);
SELECT test.activities_of('cleo');

-- Twenty thousand: none is lost, none comes twice, each user's in order.
SELECT count(presence_touch('u' || i % 100, 'n' || i)) FROM generate_series(1, 20000) AS i;
SELECT test.written($$SELECT count(*) >= 20000 FROM presence.user_activities WHERE user_id LIKE 'u%'$$);
SELECT count(*), count(DISTINCT activity_type) FROM user_activities WHERE user_id LIKE 'u%';
SELECT count(*) FROM (SELECT substr(activity_type, 2)::int AS n, lag(substr(activity_type, 2)::int) OVER (PARTITION BY user_id ORDER BY "timestamp", substr(activity_type, 2)::int) AS before
                      FROM user_activities WHERE user_id LIKE 'u%') AS step WHERE n <= before;
SELECT sum(activity_count) FROM generate_series(0, 99) AS i, LATERAL presence_get('u' || i);

-- They are in their week's partition; the default has none.
SELECT count(*) FROM user_activities_default;
SELECT indexdef LIKE '%(user_id, "timestamp")' FROM pg_indexes WHERE schemaname = 'presence' AND tablename LIKE 'user\_activities\_2%' GROUP BY 1;

-- Nobody but the functions writes them.
SELECT test.error_of($$INSERT INTO user_activities VALUES ('x', 'click', NULL, now(), NULL)$$);
SELECT test.error_of($$UPDATE user_activities SET activity_type = 'x'$$);
SELECT test.error_of($$DELETE FROM user_activities$$);
SELECT test.error_of($$TRUNCATE user_activities$$);
SELECT test.error_of($$INSERT INTO user_activities_default VALUES ('x', 'click', NULL, now(), NULL)$$);
SELECT test.error_of($$DELETE FROM user_activities_default$$);
SELECT bool_and(test.error_of(format('DELETE FROM %s', inhrelid::regclass)) LIKE '42501 %')
FROM pg_inherits WHERE inhparent = 'user_activities'::regclass;

-- Forgotten: those that are written and those that wait.
SELECT presence_touch('ann', 'waiting');
SELECT presence_forget('ann');
SELECT presence_touch('ann 2', 'later');
SELECT test.written($$SELECT count(*) = 1 FROM presence.user_activities WHERE user_id = 'ann 2'$$);
SELECT test.activities_of('ann');
SELECT count(*) FROM user_activities WHERE user_id = 'ben';
-- When it is rolled back, they are all there.
SELECT presence_touch('dora', 'waiting');
BEGIN;
SELECT presence_forget('dora');
ROLLBACK;
SELECT test.written($$SELECT count(*) = 1 FROM presence.user_activities WHERE user_id = 'dora'$$);
SELECT test.activities_of('dora');

-- A reset empties them, and what waits.
SELECT presence_touch('eve', 'waiting');
SELECT presence_reset();
SELECT count(*) FROM user_activities;
SELECT test.written($$SELECT count(*) > 0 FROM presence.user_activities$$);
SELECT DISTINCT user_id FROM user_activities;

-- With the queue full the caller writes the row itself: nothing is dropped. Here the worker cannot write, for as long as the transaction runs.
SELECT presence_reset();
BEGIN;
LOCK TABLE user_activities IN EXCLUSIVE MODE;
SELECT count(presence_touch('many' || i % 1000, 'n' || i)) FROM generate_series(1, 300000) AS i;
SELECT pg_current_xact_id_if_assigned() IS NOT NULL, count(*) BETWEEN 1 AND 200000 FROM user_activities;
SAVEPOINT here;
SET TRANSACTION READ ONLY;
SELECT test.error_of($$SELECT count(presence_touch('more' || i, 'one more')) FROM generate_series(1, 1000) AS i$$) LIKE '25006 %';
ROLLBACK TO here;
COMMIT;
SELECT test.eventually($$SELECT count(*) >= 299000 FROM presence.user_activities WHERE user_id LIKE 'many%'$$, 120);
SELECT test.written($$SELECT count(*) >= 300000 FROM presence.user_activities WHERE user_id LIKE 'many%'$$);
SELECT count(*), count(DISTINCT activity_type) FROM user_activities WHERE user_id LIKE 'many%';
SELECT presence_reset();
