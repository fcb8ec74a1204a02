--
-- presence_touch: somebody did something. Memory only, at once.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given nobody, when touched, then online, and the worker writes the row and the history.
SELECT presence_touch('ann');
SELECT user_id, status, status_message, last_seen <= clock_timestamp() AS seen, current_page, user_data, session_count, activity_count
FROM presence_get('ann');
SELECT test.eventually($$SELECT status = 'online' FROM user_presence WHERE user_id = 'ann'$$);
SELECT test.row_of('ann');
SELECT test.history_of('ann');

-- Each touch counts and moves last_seen.
SELECT last_seen AS before FROM presence_get('ann') \gset
SELECT presence_touch('ann');
SELECT last_seen > :'before', activity_count FROM presence_get('ann');

-- The page is kept until another comes.
SELECT presence_touch('ann', page_url => '/inbox');
SELECT presence_touch('ann');
SELECT current_page, activity_count FROM presence_get('ann');
SELECT presence_touch('ann', page_url => '/größe/🦉');
SELECT current_page FROM presence_get('ann');
SELECT presence_touch('ann', page_url => repeat('p', 2048));
SELECT length(current_page) FROM presence_get('ann');
SELECT presence_touch('ann', page_url => repeat('ü', 1024));
SELECT length(current_page) FROM presence_get('ann');
SELECT test.error_of($$SELECT presence_touch('ann', page_url => repeat('p', 2049))$$);
SELECT test.error_of($$SELECT presence_touch('ann', page_url => repeat('ü', 1024) || 'p')$$);

-- Interactions of the last minute are counted. What is older than that counts less and less.
SELECT presence_touch('ben', interactions => 5);
SELECT presence_touch('ben', interactions => 3);
SELECT activity_count, interactions_per_minute IN (7, 8) FROM presence_get('ben');
SELECT presence_touch('ben', interactions => 0);
SELECT activity_count, interactions_per_minute IN (7, 8) FROM presence_get('ben');
SELECT test.error_of($$SELECT presence_touch('ben', interactions => -1)$$);
SELECT test.error_of($$SELECT presence_touch('ben', interactions => NULL)$$);

-- What the person chose stays.
SELECT status FROM presence_set_status('cleo', 'busy');
SELECT presence_touch('cleo');
SELECT status FROM presence_set_status('cleo', 'away');
SELECT presence_touch('cleo');
SELECT status FROM presence_set_status('cleo', 'offline', explicit_logout => true, reason => 'logout');
SELECT presence_touch('cleo');
SELECT test.eventually($$SELECT count(*) = 4 FROM test.history_of('cleo')$$);
SELECT test.history_of('cleo');

-- A touch is immediate, as nextval is: a rollback does not take it back.
BEGIN;
SELECT presence_touch('dora');
ROLLBACK;
SELECT presence_status('dora');

-- It takes no transaction id, also when it makes somebody appear.
BEGIN;
SELECT presence_touch('eve'), presence_touch('eve', page_url => '/home'), presence_touch('ann');
SELECT pg_current_xact_id_if_assigned();
COMMIT;

-- A kind of activity and a session may go along: activities.sql, set_status_session.sql.
SELECT presence_touch('ann', 'click'), presence_touch('ann', session_id => 'tab 1');
SELECT presence_touch(user_id => 'ann', activity_type => NULL, page_url => NULL, session_id => NULL, interactions => 1);

SELECT test.error_of($$SELECT presence_touch(NULL)$$);
SELECT test.error_of($$SELECT presence_touch('')$$);
SELECT test.error_of($$SELECT presence_touch(repeat('i', 129))$$);
SELECT user_id, status FROM presence_online_users() ORDER BY user_id;
