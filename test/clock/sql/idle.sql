--
-- Idle and offline by the clock: five minutes without activity, thirty minutes without a sign of life.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given somebody who did something, when just under five minutes pass, then online; when they are over, then away, on the moment.
SELECT presence_touch('ann');
SELECT last_seen AS seen FROM presence_get('ann') \gset
SELECT presence_test_advance('4 min 30 s') > :'seen';
SELECT presence_status('ann');
SELECT presence_test_advance('31 s') > :'seen';
SELECT presence_status('ann');
SELECT last_seen = :'seen', session_count FROM presence_get('ann');
SELECT test.row_of('ann');
SELECT auto_away_at - last_seen, last_seen = :'seen' FROM user_presence WHERE user_id = 'ann';
SELECT previous_status, new_status, change_reason, changed_at - :'seen'::timestamptz FROM presence_history WHERE user_id = 'ann' ORDER BY changed_at;

-- When thirty minutes are over, then offline.
SELECT presence_test_advance('24 min') > :'seen';
SELECT presence_status('ann');
SELECT presence_test_advance('1 min') > :'seen';
SELECT presence_status('ann'), (presence_get('ann')).session_count;
SELECT test.row_of('ann');
SELECT went_offline_at - last_seen, last_seen = :'seen' FROM user_presence WHERE user_id = 'ann';
SELECT previous_status, new_status, change_reason, changed_at - :'seen'::timestamptz FROM presence_history WHERE user_id = 'ann' ORDER BY changed_at;
SELECT count(*) FROM presence_online_users();
SELECT * FROM presence_counts();

-- Given one long step, then both changes, each at its moment.
SELECT presence_touch('ben');
SELECT last_seen AS seen FROM presence_get('ben') \gset
SELECT presence_test_advance('2 hours') > :'seen';
SELECT previous_status, new_status, change_reason, changed_at - :'seen'::timestamptz FROM presence_history WHERE user_id = 'ben' ORDER BY changed_at;
SELECT test.row_of('ben');

-- Given activity on the way, then the five minutes begin anew.
SELECT presence_touch('cleo');
SELECT presence_test_advance('4 min') IS NOT NULL;
SELECT presence_touch('cleo');
SELECT presence_test_advance('4 min') IS NOT NULL;
SELECT presence_status('cleo');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT presence_status('cleo');

-- Given somebody idle, when they do something, then online again.
SELECT presence_touch('cleo');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.row_of('cleo');
SELECT test.history_of('cleo');

-- Given somebody offline, when they do something, then online again.
SELECT presence_test_advance('31 min') IS NOT NULL;
SELECT presence_touch('cleo');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.row_of('cleo');
SELECT test.history_of('cleo');

-- Given three people, then they go in their order, whoever is told of first.
SELECT presence_reset();
SELECT presence_touch('third');
SELECT presence_touch('first');
SELECT presence_test_advance('1 min') IS NOT NULL;
SELECT presence_touch('second');
SELECT presence_test_advance('1 min') IS NOT NULL;
SELECT presence_touch('third');
SELECT presence_test_advance('1 hour') IS NOT NULL;
SELECT user_id, previous_status, new_status FROM presence_history WHERE new_status IN ('away', 'offline') ORDER BY changed_at;
SELECT * FROM test.broken_histories();

-- Given ten thousand, all of them go.
SELECT presence_reset();
SELECT presence_touch_many(array_agg('u' || i)) FROM generate_series(1, 10000) AS i;
SELECT online, away, total FROM presence_counts();
SELECT presence_test_advance('6 min') IS NOT NULL;
SELECT online, away, total FROM presence_counts();
SELECT status, count(*) FROM user_presence GROUP BY 1;
SELECT presence_test_advance('25 min') IS NOT NULL;
SELECT online, away, total FROM presence_counts();
SELECT status, count(*) FROM user_presence GROUP BY 1;
SELECT previous_status, new_status, change_reason, count(*) FROM presence_history GROUP BY 1, 2, 3 ORDER BY 4, 1, 2;
SELECT * FROM test.broken_histories();
