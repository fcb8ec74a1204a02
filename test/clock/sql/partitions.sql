--
-- Partitions of the history: made before they are needed, dropped when they are too old.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SET timezone = 'UTC';
SELECT presence_reset();
CREATE FUNCTION test.week(moment timestamptz) RETURNS text LANGUAGE sql AS
    $$SELECT 'presence.presence_history_' || to_char(date_trunc('week', moment), 'YYYYMMDD')$$;

-- Given the middle of a week: who goes offline does so in the same one.
SELECT presence_test_advance('0') AS today \gset
SELECT presence_test_advance(date_trunc('week', :'today'::timestamptz) + interval '9 days 12 hours' - :'today') IS NOT NULL;

-- And a change now.
SELECT status FROM presence_set_status('ann', 'busy', reason => 'first');
SELECT presence_test_advance('0') AS start \gset
SELECT to_regclass(test.week(:'start')) IS NOT NULL, to_regclass(test.week(:'start'::timestamptz + interval '7 days')) IS NOT NULL;

-- When weeks go by, then each has its partition, and the default stays empty.
SELECT presence_test_advance('8 days') IS NOT NULL;
SELECT status FROM presence_set_status('ann', 'busy', reason => 'second');
SELECT presence_test_advance('8 days') AS later \gset
SELECT status FROM presence_set_status('ann', 'busy', reason => 'third');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT to_regclass(test.week(:'later')) IS NOT NULL, to_regclass(test.week(:'later'::timestamptz + interval '7 days')) IS NOT NULL;
SELECT count(*) FROM presence_history_default;
SELECT count(DISTINCT tableoid) FROM presence_history;
SELECT test.history_of('ann');

-- When the history is older than it may get, then its partition is gone, with a whole week to spare, and the rest stays.
SELECT presence_test_advance('82 days') AS later \gset
SELECT to_regclass(test.week(:'start')) IS NULL, to_regclass(test.week(:'later'::timestamptz - interval '88 days')) IS NOT NULL;
SELECT count(*) FILTER (WHERE change_reason = 'first'), count(*) FILTER (WHERE change_reason = 'third') FROM presence_history;
SELECT test.row_of('ann');

-- When the worker comes late, after a year asleep, then it is right at once.
SELECT presence_test_advance('365 days') AS later \gset
SELECT status FROM presence_set_status('ann', 'busy', reason => 'a year later');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT to_regclass(test.week(:'later')) IS NOT NULL;
SELECT test.history_of('ann');
SELECT count(*) FROM presence_history_default;
