--
-- presence_info: how the engine is.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
SELECT test.eventually('SELECT worker_alive AND complete AND fresh FROM presence_info()');
SELECT count(*), max(version) = (SELECT extversion FROM pg_extension WHERE extname = 'presence') FROM presence_info();
SELECT worker_alive, complete, fresh, stale_since, epoch <> '', seq >= 0 FROM presence_info();
SELECT last_tick_at <= server_time, server_time BETWEEN transaction_timestamp() AND clock_timestamp() FROM presence_info();

-- The worker can be seen at work, by name and database.
SELECT datname = current_database(), backend_type LIKE '%presence%'
FROM pg_stat_activity JOIN presence_info() ON pid = worker_pid;
SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE '%presence%' AND datname = current_database();

-- seq counts events; the epoch stays.
SELECT epoch AS before, seq AS seen FROM presence_info() \gset
SELECT presence_touch('ann');
SELECT test.eventually(format('SELECT seq > %s FROM presence_info()', :'seen'));
SELECT epoch = :'before' FROM presence_info();
