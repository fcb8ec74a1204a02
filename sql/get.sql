--
-- presence_status, presence_get, presence_get_many: one person, or those asked for.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

SELECT presence_touch('ann', page_url => '/inbox');
SELECT status FROM presence_set_status('ben', 'busy', 'in a call');
SELECT status FROM presence_set_status('cleo', 'away');
SELECT status FROM presence_set_status('dora', 'busy', 'bye');
SELECT status FROM presence_set_status('dora', 'offline', explicit_logout => true);

-- The dot beside a name.
SELECT presence_status('ann'), presence_status('ben'), presence_status('cleo'), presence_status('dora'), presence_status('nobody');

-- One person.
SELECT user_id, status, status_message, last_seen IS NOT NULL AS seen, current_page, user_data, session_count FROM presence_get('ann');
SELECT user_id, status, status_message, last_seen IS NOT NULL AS seen, current_page, user_data, session_count FROM presence_get('ben');
SELECT user_id, status, last_seen IS NOT NULL AS seen, session_count FROM presence_get('dora');

-- Nobody knows them: one row, offline.
SELECT * FROM presence_get('nobody');
SELECT count(*) FROM user_presence WHERE user_id = 'nobody';

-- Many, in the order asked, as often as asked.
SELECT user_id, status FROM presence_get_many(ARRAY['dora', 'ann', 'nobody', 'ben', 'ann']);
SELECT count(*) FROM presence_get_many('{}');
SELECT string_agg(user_id, ' ') FROM (SELECT user_id FROM presence_get_many(ARRAY[3, 1, 2])) AS asked;
SELECT count(*), min(user_id), max(status) FROM presence_get_many((SELECT array_agg('u' || i) FROM generate_series(1, 10000) AS i));

-- They agree with each other and take the viewer that comes with privacy.
SELECT a.user_id, a.status = presence_status(a.user_id, viewer => NULL) AND a = presence_get(a.user_id, viewer => NULL)
FROM presence_get_many(ARRAY['ann', 'ben', 'cleo', 'dora', 'nobody'], viewer => NULL) AS a;

-- They are memory only, and read in a read-only transaction.
BEGIN READ ONLY;
SELECT presence_status('ann'), (presence_get('ben')).status, (SELECT count(*) FROM presence_get_many(ARRAY['ann']));
COMMIT;

SELECT test.error_of($$SELECT presence_status(NULL)$$);
SELECT test.error_of($$SELECT presence_status('')$$);
SELECT test.error_of($$SELECT presence_status(repeat('i', 129))$$);
SELECT test.error_of($$SELECT presence_get(NULL)$$);
SELECT test.error_of($$SELECT presence_get('')$$);
SELECT test.error_of($$SELECT presence_get(repeat('i', 129))$$);
SELECT test.error_of($$SELECT presence_get_many(NULL)$$);
SELECT test.error_of($$SELECT presence_get_many(ARRAY['ann', NULL])$$);
SELECT test.error_of($$SELECT presence_get_many(ARRAY['ann', ''])$$);
SELECT test.error_of($$SELECT presence_get_many(ARRAY['ann', repeat('i', 129)])$$);
