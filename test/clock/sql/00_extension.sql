--
-- The testing build: presence_test_advance moves the clock of the whole cluster. This file runs first.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
CREATE SCHEMA presence;
CREATE EXTENSION presence SCHEMA presence;
\set ECHO none
\i test/helpers.sql
\set ECHO all
SET search_path = presence;
SELECT test.eventually('SELECT worker_alive AND complete FROM presence_info()');

-- It returns the new time, which is that of the functions, and the clock never goes back.
SELECT presence_test_advance('0') AS before \gset
SELECT presence_test_advance('1 hour') AS after \gset
SELECT timestamptz :'after' - :'before' BETWEEN interval '1 hour' AND interval '1 hour 1 min';
SELECT presence_touch('ann');
SELECT last_seen - timestamptz :'before' BETWEEN interval '1 hour' AND interval '1 hour 1 min' FROM presence_get('ann');
SELECT server_time >= (presence_get('ann')).last_seen FROM presence_info();
SELECT presence_test_advance('-1 hour') >= :'after';

-- Nobody may move it by default.
SELECT count(*) FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE proname = 'presence_test_advance' AND grantee = 0;
