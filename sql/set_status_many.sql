--
-- presence_set_status_many: many choices in one call, all or nothing.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given nobody, then each has a status, a row and a step of history.
SELECT presence_set_status_many(ARRAY['cleo', 'ann', 'ben'], ARRAY['online', 'busy', 'away'], ARRAY['c', NULL, 'b']);
SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'ben', 'cleo']);
SELECT user_id, test.row_of(user_id), test.history_of(user_id) FROM user_presence ORDER BY user_id;

-- Who has the status already costs nothing and is not counted.
SELECT presence_set_status_many(ARRAY['cleo', 'ann', 'ben'], ARRAY['online', 'busy', 'busy']);
SELECT user_id, test.history_of(user_id) FROM user_presence ORDER BY user_id;
SELECT presence_set_status_many('{}', '{}');

-- A new message is a change.
SELECT presence_set_status_many(ARRAY['ann', 'ben'], ARRAY['busy', 'busy'], ARRAY['a', 'b']);
SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'ben']);

-- The last of duplicates wins, and the ones before it leave no trace.
SELECT presence_set_status_many(ARRAY['dora', 'dora', 'dora'], ARRAY['busy', 'online', 'away'], ARRAY['1', '2', '3'], reason => 'thrice');
SELECT status, status_message FROM presence_get('dora');
SELECT test.history_of('dora');

-- Many go home.
SELECT presence_set_status_many(ARRAY['ann', 'ben', 'cleo', 'nobody'], array_fill('offline'::text, ARRAY[4]), explicit_logout => true, reason => 'logout');
SELECT user_id, status, session_count FROM presence_get_many(ARRAY['ann', 'ben', 'cleo', 'nobody']);

-- A rollback takes all of it back.
BEGIN;
SELECT presence_set_status_many(ARRAY['ann', 'ben', 'eve'], ARRAY['busy', 'busy', 'busy']);
SELECT user_id, status FROM presence_get_many(ARRAY['ann', 'ben', 'eve']);
ROLLBACK;
SELECT user_id, status FROM presence_get_many(ARRAY['ann', 'ben', 'eve']);
SELECT count(*) FROM user_presence WHERE user_id = 'eve';

-- A thousand.
SELECT presence_set_status_many(array_agg('u' || i), array_agg(CASE WHEN i % 2 = 0 THEN 'busy' ELSE 'away' END)) FROM generate_series(1, 1000) AS i;
SELECT status, count(*) FROM user_presence WHERE user_id LIKE 'u%' GROUP BY 1 ORDER BY 1;
SELECT busy, away FROM presence_counts();

-- Rows that memory knows and somebody has deleted, or this transaction itself, are made again.
SET session_replication_role = replica;
DELETE FROM user_presence WHERE user_id IN ('u1', 'u2');
RESET session_replication_role;
SELECT presence_set_status_many(ARRAY['u3', 'u2', 'u1'], ARRAY['busy', 'away', 'busy'], ARRAY['3', '2', '1']);
SELECT user_id, test.row_of(user_id) FROM user_presence WHERE user_id IN ('u1', 'u2', 'u3') ORDER BY user_id;
BEGIN;
SELECT presence_forget('u4');
SELECT presence_set_status_many(ARRAY['u4', 'u3'], ARRAY['away', 'away'], ARRAY['4', '3']);
COMMIT;
SELECT user_id, test.row_of(user_id), test.history_of(user_id) FROM user_presence WHERE user_id IN ('u3', 'u4') ORDER BY user_id;

-- One bad entry, and nobody changes.
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', 'yan'], ARRAY['busy', 'x'])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', NULL], ARRAY['busy', 'busy'])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', ''], ARRAY['busy', 'busy'])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', repeat('i', 129)], ARRAY['busy', 'busy'])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', 'yan'], ARRAY['busy', NULL])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', 'yan'], ARRAY['busy', 'offline'])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', 'yan'], ARRAY['busy', 'busy'], ARRAY['m', repeat('m', 501)])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', 'yan'], ARRAY['busy', 'busy'], reason => repeat('r', 65))$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', 'yan'], ARRAY['busy'])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena', 'yan'], ARRAY['busy', 'busy'], ARRAY['m'])$$);
SELECT test.error_of($$SELECT presence_set_status_many(NULL, ARRAY['busy'])$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['xena'], NULL)$$);
SELECT user_id, status FROM presence_get_many(ARRAY['xena', 'yan']);
