--
-- presence_history: one chain of changes for each user, in partitions of a week.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- The partition of this week and the next are there before they are needed, each from Monday to Monday.
SELECT test.eventually($$SELECT to_regclass('presence.presence_history_' || to_char(date_trunc('week', now() AT TIME ZONE 'UTC'), 'YYYYMMDD')) IS NOT NULL$$);
SELECT test.eventually($$SELECT to_regclass('presence.presence_history_' || to_char(date_trunc('week', now() AT TIME ZONE 'UTC') + interval '1 week', 'YYYYMMDD')) IS NOT NULL$$);
SET timezone = 'UTC';
SELECT pg_get_expr(relpartbound, oid) = format('FOR VALUES FROM (%L) TO (%L)', date_trunc('week', now()), date_trunc('week', now()) + interval '1 week')
FROM pg_class WHERE oid = to_regclass('presence_history_' || to_char(date_trunc('week', now()), 'YYYYMMDD'));
-- Each says what it is, as do its index, trigger and columns.
SELECT obj_description(c.oid) AS partition, obj_description(i.indexrelid) AS index, obj_description(t.oid) AS trigger,
    (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND col_description(c.oid, a.attnum) IS NULL) AS nameless
FROM pg_class AS c JOIN pg_index AS i ON i.indrelid = c.oid JOIN pg_trigger AS t ON t.tgrelid = c.oid
WHERE c.oid = to_regclass('presence_history_' || to_char(date_trunc('week', now()), 'YYYYMMDD'));

-- Given changes by a call and by a touch, then one chain; what is new lies in the week's partition, nothing in the default.
SELECT presence_touch('ann');
SELECT status FROM presence_set_status('ann', 'busy');
SELECT status FROM presence_set_status('ann', 'offline', explicit_logout => true, reason => 'logout');
SELECT presence_touch('ann');
SELECT test.eventually($$SELECT count(*) = 4 FROM presence_history WHERE user_id = 'ann'$$);
SELECT test.history_of('ann');
SELECT * FROM test.broken_histories();
SELECT count(*) FROM presence_history_default;
SELECT bool_and(changed_at BETWEEN now() - interval '1 min' AND clock_timestamp()) FROM presence_history;

-- Given a change that is not yet written when a call comes, then that step is written first.
SELECT presence_touch('ben'), (presence_set_status('ben', 'busy')).status;
SELECT test.eventually($$SELECT count(*) >= 1 FROM presence_history WHERE user_id = 'ben' AND new_status = 'busy'$$);
SELECT * FROM test.broken_histories();

-- Partitions belong to the extension's owner, are written by nobody else, and go with the extension.
SELECT count(DISTINCT relowner) FROM pg_class WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'presence_history'::regclass) OR oid = 'presence_history'::regclass;
