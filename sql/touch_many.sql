--
-- presence_touch_many: a gateway tells of many people in one call.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given three ids, then three people are online, and the number of ids comes back.
SELECT presence_touch_many(ARRAY['ann', 'ben', 'cleo']);
SELECT user_id, status, activity_count FROM presence_get_many(ARRAY['ann', 'ben', 'cleo']);
SELECT presence_touch_many('{}');
SELECT presence_touch_many(ARRAY['ann', 'ann', 'ann']);
SELECT activity_count FROM presence_get('ann');
SELECT test.eventually($$SELECT count(*) = 3 FROM user_presence WHERE status = 'online'$$);

-- seen_at tells when; the latest counts, also among duplicates, and last_seen never moves back.
SELECT now() AS now \gset
SELECT presence_touch_many(ARRAY['dora', 'dora', 'dora'],
    ARRAY[:'now'::timestamptz - interval '20 s', :'now'::timestamptz - interval '10 s', :'now'::timestamptz - interval '30 s']);
SELECT last_seen = :'now'::timestamptz - interval '10 s', activity_count FROM presence_get('dora');
SELECT presence_touch_many(ARRAY['dora'], ARRAY[:'now'::timestamptz - interval '1 min']);
SELECT last_seen = :'now'::timestamptz - interval '10 s', activity_count FROM presence_get('dora');
SELECT presence_touch_many(ARRAY['dora'], ARRAY[:'now'::timestamptz - interval '5 s']);
SELECT last_seen = :'now'::timestamptz - interval '5 s', activity_count FROM presence_get('dora');

-- The future counts as now, and so does a time that is not given.
SELECT presence_touch_many(ARRAY['eve', 'fay', 'gus'], ARRAY[now() + interval '1 year', 'infinity', NULL]);
SELECT user_id, status, last_seen BETWEEN :'now' AND clock_timestamp() FROM presence_get_many(ARRAY['eve', 'fay', 'gus']);

-- Long ago: too long to be here. Somebody seen ten minutes ago is away, an hour ago is not here at all.
SELECT presence_touch_many(ARRAY['hal', 'ida', 'jon'], ARRAY[now() - interval '10 min', now() - interval '1 h', '-infinity']);
SELECT user_id, status FROM presence_get_many(ARRAY['hal', 'ida', 'jon']);

-- Interactions, one number an id.
SELECT presence_touch_many(ARRAY['kim', 'lea'], interactions => ARRAY[4, 7]);
SELECT user_id, interactions_per_minute IN (3, 4), interactions_per_minute IN (6, 7) FROM presence_get_many(ARRAY['kim', 'lea']);

-- Ids of other types.
SELECT presence_touch_many(ARRAY[1, 2]), presence_touch_many(ARRAY[3, 4]::bigint[]), presence_touch_many('{5,6}'),
       presence_touch_many(ARRAY['7', '8']::text[]), presence_touch_many(ARRAY['9']::varchar[]),
       presence_touch_many(ARRAY[10]::smallint[]), presence_touch_many(ARRAY['0a0b0c0d-0000-0000-0000-000000000001']::uuid[]);
SELECT user_id, status FROM presence_get_many(ARRAY['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '0a0b0c0d-0000-0000-0000-000000000001']);

-- No transaction id.
BEGIN;
SELECT presence_touch_many(ARRAY['ann', 'new in a transaction']);
SELECT pg_current_xact_id_if_assigned();
ROLLBACK;
SELECT presence_status('new in a transaction');

-- All or nothing: a bad entry changes nobody.
SELECT test.error_of($$SELECT presence_touch_many(ARRAY['xena', NULL])$$);
SELECT test.error_of($$SELECT presence_touch_many(ARRAY['xena', ''])$$);
SELECT test.error_of($$SELECT presence_touch_many(ARRAY['xena', repeat('i', 129)])$$);
SELECT test.error_of($$SELECT presence_touch_many(NULL)$$);
SELECT test.error_of($$SELECT presence_touch_many(ARRAY['xena'], ARRAY[now(), now()])$$);
SELECT test.error_of($$SELECT presence_touch_many(ARRAY['xena'], interactions => '{}')$$);
SELECT test.error_of($$SELECT presence_touch_many(ARRAY['xena', 'yan'], interactions => ARRAY[1, -1])$$);
SELECT presence_status('xena'), presence_status('yan');
