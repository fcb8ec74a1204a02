--
-- presence_import: takes over a table in the guide's columns, silently.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given a table of the guide, when it is imported, then its people are who they were.
CREATE TEMPORARY TABLE guide AS SELECT * FROM (VALUES
    ('ann', 'online', 'hello', now() - interval '10 s', '/inbox', 17, NULL::timestamptz, NULL::timestamptz, now() - interval '10 s'),
    ('ben', 'busy', NULL, now() - interval '1 min', NULL, 3, NULL, NULL, now()),
    ('cleo', 'away', NULL, now() - interval '10 min', '/docs', 0, now() - interval '5 min', NULL, now()),
    ('dora', 'offline', 'gone', now() - interval '2 days', NULL, 99, NULL, now() - interval '1 day', now() - interval '1 day')
) AS old(user_id, status, status_message, last_seen, current_page, activity_count, auto_away_at, went_offline_at, updated_at);
SELECT presence_import(jsonb_agg(to_jsonb(guide))) FROM guide;
SELECT new.user_id, new.status, new.status_message, new.last_seen = old.last_seen AS seen, new.current_page, new.activity_count,
       new.auto_away_at IS NOT DISTINCT FROM old.auto_away_at AS away, new.went_offline_at IS NOT DISTINCT FROM old.went_offline_at AS gone
FROM user_presence AS new JOIN guide AS old USING (user_id) ORDER BY user_id;
SELECT user_id, status, status_message, current_page, activity_count FROM presence_get_many(ARRAY['ann', 'ben', 'cleo', 'dora']);
SELECT user_id, status FROM presence_online_users();
SELECT * FROM presence_counts();
SELECT count(*) FROM presence_history;

-- Who is known already is left alone, also when the import says otherwise.
SELECT status FROM presence_set_status('eve', 'busy', 'mine');
SELECT presence_import('[{"user_id": "ann", "status": "offline"}, {"user_id": "eve", "status": "away", "status_message": "theirs"}, {"user_id": "fay", "status": "offline"}]');
SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'eve', 'fay']);

-- Other keys do not matter, ids may be numbers, and only what is there is needed.
SELECT presence_import('[{"user_id": 42, "status": "online", "ip_address": "203.0.113.7", "id": 1, "session_id": "s"}]');
SELECT test.row_of('42'), presence_status('42');
SELECT presence_import('[]');

-- It rolls back like any other change.
BEGIN;
SELECT presence_import('[{"user_id": "gus", "status": "offline", "status_message": "m"}]');
ROLLBACK;
SELECT count(*) FROM user_presence WHERE user_id = 'gus';
SELECT status_message FROM presence_get('gus');

-- Somebody who was seen too long ago is not made present.
SELECT presence_import(jsonb_build_array(jsonb_build_object('user_id', 'hal', 'status', 'online', 'last_seen', now() - interval '1 day')));
SELECT presence_status('hal');
SELECT test.eventually($$SELECT status = 'offline' FROM user_presence WHERE user_id = 'hal'$$);

-- All or nothing.
SELECT test.error_of($$SELECT presence_import('[{"user_id": "ida", "status": "online"}, {"user_id": "jon", "status": "x"}]')$$);
SELECT test.error_of($$SELECT presence_import('[{"user_id": "ida", "status": "online"}, {"user_id": "", "status": "online"}]')$$);
SELECT test.error_of($$SELECT presence_import('[{"user_id": "ida", "status": "online"}, {"status": "online"}]')$$);
SELECT test.error_of($$SELECT presence_import('[{"user_id": null, "status": "online"}]')$$);
SELECT test.error_of(format($$SELECT presence_import('[{"user_id": "%s", "status": "online"}]')$$, repeat('i', 129)));
SELECT test.error_of(format($$SELECT presence_import('[{"user_id": "ida", "status": "online", "status_message": "%s"}]')$$, repeat('m', 501)));
SELECT test.error_of(format($$SELECT presence_import('[{"user_id": "ida", "status": "online", "current_page": "%s"}]')$$, repeat('p', 2049)));
SELECT test.error_of($$SELECT presence_import('[{"user_id": "ida"}]')$$);
SELECT test.error_of($$SELECT presence_import('{"user_id": "ida", "status": "online"}')$$);
SELECT test.error_of($$SELECT presence_import('7')$$);
SELECT test.error_of($$SELECT presence_import('[7]')$$) LIKE '22023 %';
SELECT test.error_of($$SELECT presence_import(NULL)$$);
SELECT count(*) FROM user_presence WHERE user_id IN ('ida', 'jon');
