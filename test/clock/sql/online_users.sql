--
-- presence_online_users as time goes by: the order and the statuses are those of the moment.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

SELECT presence_touch('old');
SELECT status FROM presence_set_status('busy', 'busy');
SELECT presence_test_advance('3 min') IS NOT NULL;
SELECT presence_touch('new');
SELECT user_id, status FROM presence_online_users();
SELECT user_id FROM presence_online_users(active_within => '1 min');

-- Who went idle stands behind who is busy.
SELECT presence_test_advance('3 min') IS NOT NULL;
SELECT user_id, status FROM presence_online_users();
SELECT * FROM presence_counts();

-- Idle and chosen away are one list, by last_seen.
SELECT status FROM presence_set_status('chosen', 'away');
SELECT presence_test_advance('3 min') IS NOT NULL;
SELECT user_id, status FROM presence_online_users(statuses => '{away}');
SELECT user_id FROM presence_online_users(1, statuses => '{away}');

-- A touch of the past does not overtake.
SELECT presence_touch('new');
SELECT presence_touch_many(ARRAY['old'], ARRAY[(SELECT server_time - interval '1 min' FROM presence_info())]);
SELECT user_id, status FROM presence_online_users(statuses => '{online}');

-- And then nobody.
SELECT presence_test_advance('1 hour') IS NOT NULL;
SELECT count(*) FROM presence_online_users();
SELECT * FROM presence_counts();
