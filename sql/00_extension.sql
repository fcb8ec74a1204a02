--
-- The extension as CREATE EXTENSION leaves it. This file runs first: the others use its extension and its helpers.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET client_min_messages = warning;

-- Given default privileges that would give everything new to somebody, the extension gives them nothing.
CREATE ROLE regress_presence_greedy;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO regress_presence_greedy;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_presence_greedy;
CREATE SCHEMA presence;
CREATE EXTENSION presence SCHEMA presence;
SELECT count(*) FROM pg_shdepend
WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'regress_presence_greedy'::regrole
  AND classid IN ('pg_proc'::regclass, 'pg_class'::regclass) AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM regress_presence_greedy;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_presence_greedy;
DROP ROLE regress_presence_greedy;

\set ECHO none
\i test/helpers.sql
\set ECHO all
SET search_path = presence;

-- Everything it made.
CREATE VIEW test.member AS
    SELECT classid, objid FROM pg_depend
    WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
      AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'presence');

-- Each function: what it takes, what it returns, volatility and parallel safety.
SELECT format(E'%s(%s)\n    -> %s, %s, parallel %s', proname, pg_get_function_arguments(oid), pg_get_function_result(oid),
              CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
              CASE proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END)
FROM pg_proc JOIN test.member ON classid = 'pg_proc'::regclass AND objid = oid
WHERE proname LIKE 'presence\_%' AND proname NOT LIKE 'presence\_id%'
ORDER BY proname, pg_get_function_arguments(oid);

-- An id is made from all that drivers send.
SELECT format_type(castsource, NULL), CASE castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'assignment' ELSE 'explicit' END
FROM pg_cast WHERE casttarget = 'presence_id'::regtype ORDER BY 1;

-- Every object says what it is for.
SELECT pg_describe_object(classid, objid, 0) FROM test.member
WHERE classid <> 'pg_cast'::regclass AND obj_description(objid, classid::regclass::text) IS NULL ORDER BY 1;

-- PUBLIC may execute nothing, read nothing, write nothing.
SELECT oid::regprocedure FROM pg_proc JOIN test.member ON classid = 'pg_proc'::regclass AND objid = oid
WHERE EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0) ORDER BY 1;
SELECT oid::regclass FROM pg_class JOIN test.member ON classid = 'pg_class'::regclass AND objid = oid
WHERE EXISTS (SELECT FROM aclexplode(coalesce(relacl, acldefault('r', relowner))) WHERE grantee = 0) ORDER BY 1;

-- What is written in SQL or PL/pgSQL has its search_path fixed, and nothing is SECURITY DEFINER without.
SELECT oid::regprocedure FROM pg_proc JOIN test.member ON classid = 'pg_proc'::regclass AND objid = oid
WHERE (prosecdef OR prolang <> ALL (SELECT oid FROM pg_language WHERE lanname IN ('c', 'internal')))
  AND NOT EXISTS (SELECT FROM unnest(proconfig) AS setting WHERE setting LIKE 'search\_path=%') ORDER BY 1;

-- The function that moves the clock is in no normal build.
SELECT count(*) FROM pg_proc WHERE proname LIKE 'presence\_test%';

-- The tables and their columns.
SELECT format('%s.%s %s%s', relname, attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' not null' ELSE '' END)
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attrelid IN ('user_presence'::regclass, 'presence_history'::regclass, 'presence_sessions'::regclass, 'user_activities'::regclass, 'channel_presence'::regclass, 'document_presence'::regclass, 'presence_visibility'::regclass,
    'presence_contacts'::regclass, 'presence_state'::regclass)
  AND attnum > 0 AND NOT attisdropped
ORDER BY relname, attnum;
SELECT pg_get_partkeydef('presence_history'::regclass), pg_get_partkeydef('user_activities'::regclass);
SELECT to_regclass('presence_history_default'), to_regclass('user_activities_default');

-- A flush of last_seen stays HOT: no index on what it changes, and room in the page.
SELECT indexdef FROM pg_indexes WHERE schemaname = 'presence' AND tablename IN ('user_presence', 'presence_sessions', 'channel_presence', 'presence_visibility', 'presence_contacts') ORDER BY 1;
SELECT relname, option_value::int < 100 FROM pg_class, pg_options_to_table(reloptions)
WHERE pg_class.oid IN ('user_presence'::regclass, 'presence_sessions'::regclass, 'channel_presence'::regclass) AND option_name = 'fillfactor' ORDER BY 1;

-- pg_dump takes the rows along.
SELECT unnest(extconfig)::regclass AS dumped FROM pg_extension WHERE extname = 'presence' ORDER BY 1;

-- The settings.
SELECT format('%s = %s%s, at least %s, %s', name, boot_val, unit, coalesce(min_val, '-'), context)
FROM pg_settings WHERE name LIKE 'presence.%' ORDER BY name;

-- It has a place of its own and keeps it.
SELECT extversion, extrelocatable FROM pg_extension WHERE extname = 'presence';
SELECT test.error_of('ALTER EXTENSION presence SET SCHEMA public');

-- When it is dropped, nothing stays behind, also not for a moment.
BEGIN;
DROP EXTENSION presence;
SELECT count(*) FROM test.member;
SELECT count(*) FROM pg_class WHERE relnamespace = 'presence'::regnamespace;
SELECT count(*) FROM pg_proc WHERE pronamespace = 'presence'::regnamespace;
ROLLBACK;

-- The worker comes by itself, and makes the partitions of the history when it begins to grow.
SELECT test.eventually('SELECT worker_alive AND complete FROM presence_info()');
SELECT presence_touch('ann');
SELECT test.eventually($$SELECT count(*) > 2 FROM pg_inherits WHERE inhparent = 'presence_history'::regclass$$, 90);
