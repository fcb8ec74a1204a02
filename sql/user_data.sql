--
-- user_data: names and avatars, given at connect.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given at connect, then every reader has it, the row too.
SELECT session_id FROM presence_connect('ann', 'ann 1', '{"name": "Ann", "avatar": "/ann.png", "more": [1, {"two": null}]}');
SELECT user_data FROM presence_get('ann');
SELECT user_id, user_data FROM presence_online_users();
SELECT user_id, user_data FROM presence_get_many(ARRAY['ann', 'nobody']);
SELECT test.eventually($$SELECT user_data IS NOT NULL FROM user_presence WHERE user_id = 'ann'$$);
SELECT user_data FROM user_presence WHERE user_id = 'ann';

-- NULL keeps it, other data replaces all of it, an empty object is data too.
SELECT session_id FROM presence_connect('ann', 'ann 2');
SELECT user_data FROM presence_get('ann');
SELECT session_id FROM presence_connect('ann', 'ann 2', '{"name": "Anna"}');
SELECT user_data FROM presence_get('ann');
SELECT test.eventually($$SELECT user_data = '{"name": "Anna"}' FROM user_presence WHERE user_id = 'ann'$$);
SELECT session_id FROM presence_connect('ann', 'ann 2', '{}');
SELECT user_data FROM presence_get('ann');
SELECT session_id FROM presence_connect('ann', 'ann 2', '{"name": "Ann"}');

-- It stays when the user goes, changes and comes back.
SELECT status FROM presence_set_status('ann', 'busy');
SELECT user_data FROM presence_get('ann');
SELECT presence_logout('ann');
SELECT user_data FROM presence_get('ann');
SELECT presence_touch('ann');
SELECT user_data FROM presence_get('ann');

-- A set_status right behind a connect does not lose it.
BEGIN;
SELECT session_id FROM presence_connect('ben', 'ben 1', '{"name": "Ben"}');
SELECT status, user_data FROM presence_set_status('ben', 'busy');
SELECT user_data FROM presence_get('ben');
COMMIT;
SELECT user_data FROM presence_get('ben');
SELECT test.eventually($$SELECT user_data IS NOT NULL FROM user_presence WHERE user_id = 'ben'$$);
SELECT user_data FROM user_presence WHERE user_id = 'ben';

-- It rolls back.
BEGIN;
SELECT session_id FROM presence_connect('ben', 'ben 1', '{"name": "Benjamin"}');
SELECT user_data FROM presence_get('ben');
SAVEPOINT here;
SELECT session_id FROM presence_connect('ben', 'ben 1', '{"name": "Benedict"}');
SELECT user_data FROM presence_get('ben');
ROLLBACK TO here;
SELECT user_data FROM presence_get('ben');
ROLLBACK;
SELECT user_data FROM presence_get('ben');

-- The last one counts.
BEGIN;
SELECT session_id FROM presence_connect('cleo', 'cleo 1', '{"n": 1}');
SELECT session_id FROM presence_connect('cleo', 'cleo 2', '{"n": 2}');
SELECT session_id FROM presence_connect('cleo', 'cleo 3');
COMMIT;
SELECT user_data, session_count FROM presence_get('cleo');

-- An object, of at most 4 kB as jsonb.
SELECT test.error_of($$SELECT presence_connect('dora', user_data => '[]')$$);
SELECT test.error_of($$SELECT presence_connect('dora', user_data => '"Dora"')$$);
SELECT test.error_of($$SELECT presence_connect('dora', user_data => '7')$$);
SELECT test.error_of($$SELECT presence_connect('dora', user_data => 'null')$$);
SELECT test.error_of($$SELECT presence_connect('dora', user_data => 'true')$$);
SELECT test.error_of($$SELECT presence_connect('dora', user_data => '{')$$) LIKE '22P02 %';
SELECT session_id FROM presence_connect('dora', 'dora 1', jsonb_build_object('a', repeat('x', 4082)));
SELECT length(user_data ->> 'a') FROM presence_get('dora');
SELECT test.error_of($$SELECT presence_connect('dora', 'dora 1', jsonb_build_object('a', repeat('x', 4090)))$$);
SELECT test.error_of($$SELECT presence_connect('dora', 'dora 1', jsonb_build_object('a', repeat('x', 1000000)))$$);
SELECT test.error_of($$SELECT presence_connect('dora', 'dora 1', (SELECT jsonb_object_agg(i, i) FROM generate_series(1, 1000) AS i))$$) LIKE '22001 %';
SELECT length(user_data ->> 'a') FROM presence_get('dora');
-- What was compressed or stored elsewhere counts as what it is.
CREATE TEMPORARY TABLE toasted AS SELECT jsonb_build_object('a', repeat('x', 3000)) AS data UNION ALL SELECT jsonb_build_object('a', repeat('x', 5000));
SELECT session_id FROM presence_connect('dora', 'dora 1', (SELECT data FROM toasted WHERE length(data ->> 'a') = 3000));
SELECT length(user_data ->> 'a') FROM presence_get('dora');
SELECT test.error_of($$SELECT presence_connect('dora', 'dora 1', (SELECT data FROM toasted WHERE length(data ->> 'a') = 5000))$$) LIKE '22001 %';

-- Anything that jsonb holds.
SELECT session_id FROM presence_connect('eve', 'eve 1', '{"": "", "q": "it''s \"quoted\" \\ \u0001\n", "größe": "🦉", "n": 12345678901234567890.123456789, "deep": {"a": [[[]]], "b": {}}, "t": true, "z": null}');
SELECT user_data FROM presence_get('eve');
SELECT test.eventually($$SELECT user_data = (presence_get('eve')).user_data FROM user_presence WHERE user_id = 'eve'$$);
SELECT (user_data).user_data FROM (SELECT presence_get('eve') AS user_data) AS state;

-- An import brings it, for whom is not known yet.
SELECT presence_import('[{"user_id": "fay", "status": "offline", "user_data": {"name": "Fay"}}, {"user_id": "gus", "status": "online", "user_data": null}, {"user_id": "eve", "status": "online", "user_data": {"name": "other"}}]');
SELECT user_id, user_data FROM presence_get_many(ARRAY['fay', 'gus']);
SELECT user_data ->> 'größe' FROM presence_get('eve');
SELECT user_id, user_data FROM user_presence WHERE user_id IN ('fay', 'gus') ORDER BY 1;
SELECT test.error_of($$SELECT presence_import('[{"user_id": "hal", "status": "online", "user_data": [1]}]')$$);
SELECT test.error_of($$SELECT presence_import('[{"user_id": "hal", "status": "online", "user_data": "Hal"}]')$$);
SELECT test.error_of($$SELECT presence_import(jsonb_build_array(jsonb_build_object('user_id', 'hal', 'status', 'online', 'user_data', jsonb_build_object('a', repeat('x', 5000)))))$$);
SELECT presence_status('hal');

-- Forgotten with the rest.
SELECT presence_forget('eve');
SELECT user_data FROM presence_get('eve');
SELECT presence_touch('eve');
SELECT user_data FROM presence_get('eve');
