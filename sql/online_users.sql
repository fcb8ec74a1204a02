--
-- presence_online_users and presence_counts: who is here.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Nobody.
SELECT count(*) FROM presence_online_users();
SELECT * FROM presence_counts();

-- Given two of each status, in an order that is not theirs, and one who left.
SELECT status FROM presence_set_status('away 1', 'away');
SELECT presence_touch('online 1');
SELECT status FROM presence_set_status('busy 1', 'busy');
SELECT presence_touch('online 2');
SELECT status FROM presence_set_status('busy 2', 'busy');
SELECT status FROM presence_set_status('away 2', 'away');
SELECT presence_touch('gone');
SELECT status FROM presence_set_status('gone', 'offline', explicit_logout => true);

-- Then online, busy, away, and in each who was seen last comes first.
SELECT user_id, status FROM presence_online_users();
SELECT * FROM presence_counts();
SELECT * FROM presence_counts(viewer => NULL);

-- A touch moves its user to the head.
SELECT presence_touch('online 1'), presence_touch('away 1'), presence_touch('busy 1');
SELECT user_id FROM presence_online_users();

-- The same moment: by id.
SELECT presence_touch_many(ARRAY['t c', 't a', 't b'], array_fill(now(), ARRAY[3]));
SELECT user_id FROM presence_online_users() WHERE user_id LIKE 't %';

-- A limit takes the head.
SELECT user_id FROM presence_online_users(2);
SELECT count(*) FROM presence_online_users(0);
SELECT user_id FROM presence_online_users(max_users => 1, statuses => '{busy}');
SELECT count(*) FROM presence_online_users(2147483647);

-- Only some statuses.
SELECT user_id, status FROM presence_online_users(statuses => '{busy}');
SELECT user_id, status FROM presence_online_users(statuses => '{away,busy}');
SELECT user_id, status FROM presence_online_users(statuses => '{away,away}');
SELECT count(*) FROM presence_online_users(statuses => '{}');

-- Only who did something lately.
SELECT presence_touch_many(ARRAY['a minute ago', 'four minutes ago'], ARRAY[now() - interval '1 min', now() - interval '4 min']);
SELECT user_id FROM presence_online_users(statuses => '{online}', active_within => '2 min') WHERE user_id LIKE '%ago';
SELECT user_id FROM presence_online_users(statuses => '{online}', active_within => '10 min') WHERE user_id LIKE '%ago';
SELECT count(*) FROM presence_online_users(active_within => '0');
SELECT count(*) FROM presence_online_users(active_within => '-1 s');

-- A row is what presence_get says.
SELECT count(*), bool_and(u = presence_get(u.user_id)) FROM presence_online_users() AS u;

-- A hundred unless more are asked for.
SELECT presence_touch_many(array_agg('u' || i)) FROM generate_series(1, 1000) AS i;
SELECT count(*) FROM presence_online_users();
SELECT count(*) FROM presence_online_users(5000);
SELECT online, busy, away, total FROM presence_counts();
SELECT bool_and(in_order) FROM (
    SELECT (last_seen, user_id) IS NOT NULL AND last_seen <= coalesce(lag(last_seen) OVER (ORDER BY place), 'infinity') AS in_order
    FROM presence_online_users(5000, statuses => '{online}') WITH ORDINALITY AS u(user_id, status, status_message, last_seen,
         current_page, user_data, session_count, activity_count, interactions_per_minute, place)) AS compared;

-- A read-only transaction may ask.
BEGIN READ ONLY;
SELECT count(*) > 0 FROM presence_online_users();
SELECT total > 0 FROM presence_counts();
COMMIT;

SELECT test.error_of($$SELECT presence_online_users(-1)$$);
SELECT test.error_of($$SELECT presence_online_users(NULL)$$);
SELECT test.error_of($$SELECT presence_online_users(statuses => '{online,offline}')$$);
SELECT test.error_of($$SELECT presence_online_users(statuses => '{x}')$$);
SELECT test.error_of($$SELECT presence_online_users(statuses => '{online,NULL}')$$);
SELECT test.error_of($$SELECT presence_online_users(statuses => NULL)$$);
