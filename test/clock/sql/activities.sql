--
-- user_activities: in the table after the flush; a partition a week, dropped after activity_retention.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SET timezone = 'UTC';
SELECT presence_reset();
CREATE FUNCTION test.week_of_activities(moment timestamptz) RETURNS text LANGUAGE sql AS
    $$SELECT 'presence.user_activities_' || to_char(date_trunc('week', moment), 'YYYYMMDD')$$;

-- Given some, when flush_interval has passed, then all of them are in the table, at the moment at which they happened.
SELECT presence_touch('ann', 'one', '/a', 'ann 1'), presence_touch('ann', 'two');
SELECT last_seen AS seen FROM presence_get('ann') \gset
SELECT presence_test_advance('30 s') IS NOT NULL;
SELECT presence_touch('ann', 'three');
SELECT presence_test_advance('31 s') AS start \gset
SELECT activity_type, page_url, session_id, "timestamp" - :'seen' < interval '55 s' AS at_its_moment FROM user_activities WHERE user_id = 'ann' ORDER BY "timestamp";
SELECT activity_count FROM presence_get('ann');

-- Twelve users, a hundred each.
SELECT count(presence_touch('u' || i % 12, 'n' || i)) FROM generate_series(1, 1200) AS i;
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT count(*), count(DISTINCT activity_type), count(DISTINCT user_id) FROM user_activities WHERE user_id LIKE 'u%';

-- The partitions of this week and the next are there; the default is empty.
SELECT to_regclass(test.week_of_activities(:'start')) IS NOT NULL, to_regclass(test.week_of_activities(:'start'::timestamptz + interval '7 days')) IS NOT NULL;
SELECT count(*) FROM user_activities_default;

-- When weeks go by, then each has its own.
SELECT presence_test_advance('8 days') IS NOT NULL;
SELECT presence_touch('ann', 'second week');
SELECT presence_test_advance('8 days') AS later \gset
SELECT presence_touch('ann', 'third week');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT activity_type, tableoid::regclass::text = CASE WHEN activity_type = 'third week' THEN regexp_replace(test.week_of_activities(:'later'), '^presence\.', '') ELSE tableoid::regclass::text END
FROM user_activities WHERE user_id = 'ann' ORDER BY "timestamp";
SELECT count(DISTINCT tableoid) FROM user_activities WHERE user_id = 'ann';
SELECT count(*) FROM user_activities_default;

-- When all of a week is older than activity_retention, then its partition is gone, and the rest stays. History is kept longer.
SELECT presence_test_advance('22 days') IS NOT NULL;
SELECT to_regclass(test.week_of_activities(:'start')) IS NULL, to_regclass(test.week_of_activities(:'later')) IS NOT NULL;
SELECT activity_type FROM user_activities WHERE user_id = 'ann' AND activity_type IN ('one', 'third week');
SELECT count(*) > 0 FROM presence_history WHERE user_id = 'ann' AND changed_at < :'start';

-- When the worker comes late, after a year asleep, then it is right at once.
SELECT presence_test_advance('365 days') AS later \gset
SELECT presence_touch('ann', 'a year later');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT activity_type FROM user_activities WHERE user_id = 'ann';
SELECT to_regclass(test.week_of_activities(:'later')) IS NOT NULL;
SELECT count(*) FROM user_activities_default;
-- A new partition is as closed as the others.
SELECT bool_and(test.error_of(format('DELETE FROM %s', inhrelid::regclass)) LIKE '42501 %'), count(*) FILTER (WHERE relacl IS NOT NULL AND relacl::text LIKE '%=r%/%') AS granted
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'user_activities'::regclass;
-- Whoever is forgotten is so in every week.
SELECT presence_touch('ben', 'this week');
SELECT presence_test_advance('8 days') IS NOT NULL;
SELECT presence_touch('ben', 'next week'), presence_touch('cleo', 'next week');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT presence_touch('ben', 'waiting');
SELECT presence_forget('ben');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT user_id, activity_type FROM user_activities WHERE user_id IN ('ben', 'cleo');
