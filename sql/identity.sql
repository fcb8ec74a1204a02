--
-- As whom a caller acts, and what one may try who acts for itself only.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SET client_min_messages = warning;
SELECT presence_reset();
CREATE ROLE regress_service LOGIN;
CREATE ROLE regress_user LOGIN;
CREATE ROLE regress_monitor LOGIN;
CREATE ROLE regress_none LOGIN;
SELECT presence_grant('regress_service', 'service'), presence_grant('regress_user', 'user'), presence_grant('regress_monitor', 'monitor');
GRANT USAGE ON SCHEMA presence, test TO PUBLIC;

-- ---- every function for every level ----------------------------------------------------------------------------------

-- What is passed as an argument of a name: somebody else's, and one's own. NULL: it is left out.
CREATE TABLE test.sample (name text PRIMARY KEY, other text, own text);
INSERT INTO test.sample VALUES
    ('user_id', 'ben', 'regress_user'), ('viewer', 'ben', 'regress_user'), ('user_ids', '{ben}', '{regress_user}'),
    ('session_id', 'ben 1', 'own 1'), ('session_ids', '{ben 1}', '{own 1}'), ('gateway', 'node', NULL);
INSERT INTO test.sample SELECT name, value, value FROM (VALUES
    ('channel_id', 'room'), ('document_id', 'doc'), ('after', NULL), ('max_members', '10'), ('max_users', '10'), ('active_within', '1 day'),
    ('status', 'busy'), ('statuses', '{busy}'), ('status_message', 'm'), ('status_messages', '{m}'), ('reason', 'r'),
    ('explicit_logout', 'false'), ('expires_at', NULL), ('activity_type', 'click'), ('page_url', '/'), ('interactions', NULL),
    ('seen_at', NULL), ('lease', '1 min'), ('user_data', '{}'), ('device', 'd'), ('ip_address', '::1'), ('user_agent', 'a'),
    ('bind', 'false'), ('cursor_position', '{}'), ('selection_range', '[]'), ('state', '{}'), ('clock', NULL), ('typing', 'true'),
    ('user_name', 'n'), ('audience', 'contacts'), ('detail', 'full'), ('contact_id', 'zoe'), ('contact_ids', '{zoe}'), ('other', 'zoe'), ('rows', '[]'), ('role', 'regress_none'), ('level', 'user'), ('schema', 'presence'), ('parent', 'presence_history'),
    ('epoch', 'x'), ('seq', '1'), ('max_events', '10'), ('timeout', '1 ms'), ('partition', 'p'), ('week', '2020-01-06'), ('at', '2020-01-06'), ('retention', '1 year'),
    ('cstring', 'ann'), ('presence_id', 'ann')) AS sample (name, value);

-- All functions that SQL can call, from the catalog.
CREATE VIEW test.callable AS
    SELECT p.oid::regprocedure AS function, p.proname, p.prorettype FROM pg_proc p
    JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'presence'
    WHERE p.prorettype <> 'trigger'::regtype AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[]);
CREATE VIEW test.argument AS
    SELECT function, proname, n, coalesce(nullif(proargnames[n], ''), format_type(proargtypes[n - 1], NULL)) AS name,
           coalesce(proargnames[n], '') <> '' AS has_name, proargtypes[n - 1] AS type, n <= pronargs - pronargdefaults AS is_required
    FROM test.callable JOIN pg_proc p USING (proname), generate_series(1, pronargs) AS n WHERE p.oid = function;

-- A call with everything one's own, or somebody else's where the name matches. An argument that has no sample is an error.
CREATE FUNCTION test.call_of(called regprocedure, others text, nulls text DEFAULT '-') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    argument record;
    sample test.sample;
    value text;
    list text[] := '{}';
BEGIN
    FOR argument IN SELECT * FROM test.argument WHERE function = called ORDER BY n LOOP
        SELECT * INTO sample FROM test.sample s WHERE s.name = argument.name;
        IF NOT FOUND THEN
            RAISE 'no sample for the argument % of %', argument.name, called;
        END IF;
        value := CASE WHEN argument.name ~ others OR (argument.is_required AND sample.own IS NULL) THEN sample.other ELSE sample.own END;
        IF argument.name ~ nulls THEN
            value := NULL;
        ELSIF value IS NULL THEN
            CONTINUE;
        END IF;
        list := list || format('%s%L::%s', CASE WHEN argument.has_name THEN argument.name || ' => ' ELSE '' END, value, argument.type::regtype);
    END LOOP;
    RETURN format('SELECT (%s(%s))::text', called::regproc, array_to_string(list, ', '));
END
$$;

-- What comes of a statement when a login calls it; what it has changed in tables and wishes is taken back.
CREATE FUNCTION test.try_as(login text, statement text, claims text DEFAULT NULL, hasura text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    state text;
    message text;
BEGIN
    PERFORM set_config('request.jwt.claims', claims, true), set_config('hasura.user', hasura, true);
    PERFORM set_config('session_authorization', login, true);
    EXECUTE statement INTO answer;
    RAISE SQLSTATE 'RB000';
EXCEPTION
    WHEN SQLSTATE 'RB000' THEN
        RETURN coalesce(answer, 'null');
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        RETURN CASE WHEN message LIKE 'permission denied%' THEN 'denied' ELSE format('%s %s', state, message) END;
END
$$;
CREATE FUNCTION test.outcome(login text, statement text, claims text DEFAULT NULL, hasura text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN tried ~ '^[0-9A-Z]{5} ' OR tried = 'denied' THEN regexp_replace(tried, '^42501 .*', 'refused')
                WHEN tried IN ('true', 'false') THEN tried ELSE 'ok' END
    FROM test.try_as(login, statement, claims, hasura) AS tried
$$;

-- Given two users with a session each, both in a channel and a document.
CREATE FUNCTION test.settle_in() RETURNS void LANGUAGE sql AS $$
    SELECT presence.presence_connect('ben', 'ben 1'), presence.presence_connect('regress_user', 'own 1');
    SELECT presence.presence_join(who, 'room', session_id => tab), presence.presence_join_document(who, 'doc', session_id => tab)
    FROM (VALUES ('ben', 'ben 1'), ('regress_user', 'own 1')) AS v (who, tab);
$$;
SELECT test.settle_in();

-- For somebody else; and for level user also with all its own, and without saying who.
SELECT format('%-28s service %-7s user %-8s own %-7s nobody %-7s monitor %-7s none %s', proname,
              test.outcome('regress_service', test.call_of(function, '')), test.outcome('regress_user', test.call_of(function, '')),
              test.outcome('regress_user', test.call_of(function, '-')), test.outcome('regress_user', test.call_of(function, '-', '^user_id$')),
              test.outcome('regress_monitor', test.call_of(function, '-')), test.outcome('regress_none', test.call_of(function, '-')))
FROM test.callable ORDER BY proname;

-- One argument at a time is somebody else's, all others are its own.
SELECT format('%-28s %-12s %s', proname, name, test.outcome('regress_user', test.call_of(function, '^' || name || '$')))
FROM test.argument JOIN test.sample USING (name)
WHERE other IS DISTINCT FROM own AND has_function_privilege('regress_user', function, 'EXECUTE') ORDER BY proname, n;

-- Each refusal says what to do.
SET SESSION AUTHORIZATION regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$);
SELECT test.error_of($$SELECT presence_get('ann', viewer => 'ben')$$);
SELECT test.error_of($$SELECT presence_heartbeat('ben 1')$$);
SELECT test.error_of($$SELECT presence_disconnect('ben 1')$$);
SELECT test.error_of($$SELECT presence_connect(NULL, gateway => 'node')$$);
SELECT test.error_of($$SELECT presence_touch('')$$);
SELECT test.error_of($$SELECT presence_touch(repeat('b', 129))$$);
RESET SESSION AUTHORIZATION;

-- An owner may give single functions away: without presence_act_for_others() they act for nobody else.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA presence TO regress_none;
REVOKE EXECUTE ON FUNCTION presence_act_for_others() FROM regress_none;
SELECT format('%s: %s', proname, test.try_as('regress_none', test.call_of(function, '')))
FROM test.callable WHERE has_function_privilege('regress_service', function, 'EXECUTE') AND NOT has_function_privilege('regress_user', function, 'EXECUTE')
    AND proname NOT IN ('presence_act_for_others', 'presence_count_everybody') ORDER BY 1;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA presence FROM regress_none;

-- No level may write, and users and monitors cannot read a table either.
SELECT grantee, relation, privilege
FROM unnest('{regress_service,regress_user,regress_monitor,regress_none}'::text[]) AS grantee,
     unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) AS privilege,
     (SELECT oid::regclass AS relation FROM pg_class WHERE relnamespace = 'presence'::regnamespace AND relkind IN ('r', 'p', 'v')
        AND relname !~ '_[0-9]{8}$') AS r
WHERE has_any_column_privilege(grantee, relation, privilege) ORDER BY 1, 2, 3;
SELECT grantee, relation, privilege
FROM unnest('{regress_service,regress_user,regress_monitor,regress_none}'::text[]) AS grantee, unnest('{DELETE,TRUNCATE,TRIGGER}'::text[]) AS privilege,
     (SELECT oid::regclass AS relation FROM pg_class WHERE relnamespace = 'presence'::regnamespace AND relkind IN ('r', 'p', 'v')) AS r
WHERE has_table_privilege(grantee, relation, privilege);
SELECT test.try_as('regress_user', 'SELECT * FROM ' || oid::regclass) FROM pg_class
WHERE relnamespace = 'presence'::regnamespace AND relkind IN ('r', 'p', 'v') GROUP BY 1;

-- ---- who one is ------------------------------------------------------------------------------------------------------

-- Given a login that is not trusted, then its name is its identity, whatever it says.
SET SESSION AUTHORIZATION regress_user;
SELECT set_config('request.jwt.claims', '{"sub": "ben", "role": "service"}', false), set_config('hasura.user', '{"x-hasura-user-id": "ben"}', false);
SELECT test.error_of($$SELECT presence_touch('ben')$$);
SELECT user_id FROM presence_set_status(NULL, 'busy');
SELECT test.error_of($$SET presence.trusted_gateways = regress_user$$);
SELECT test.error_of($$SET presence.user_rate = 0$$);
SELECT test.error_of($$ALTER ROLE regress_user SET presence.trusted_gateways = regress_user$$);
SELECT test.error_of($$SET presence.authorize_function = 'pg_catalog.starts_with'$$);
SELECT test.error_of($$SET ROLE regress_service$$);
RESET request.jwt.claims;
SELECT set_config('hasura.user', '', false);
RESET SESSION AUTHORIZATION;

-- Nor does it say or see for another one who sees whom, whatever it says: zoe shows herself to ben, and not to it.
SELECT presence_connect('zoe', 'zoe 1', '{"name": "Zoe"}') \g /dev/null
SELECT presence_join('zoe', 'room') \g /dev/null
SELECT presence_set_visibility('zoe', 'contacts'), presence_add_contact('zoe', 'ben');
CREATE VIEW test.said_of_rules AS SELECT function, proname FROM test.callable
    WHERE proname ~ '^presence_(set_visibility|add_contact|remove_contact|set_contacts|block|unblock|visibility_of|preview)$';
CREATE TABLE test.claim (n int, claims text, hasura text);
INSERT INTO test.claim VALUES (1, '{"sub": "ben", "role": "regress_service"}', NULL), (2, NULL, '{"x-hasura-user-id": "ben", "x-hasura-role": "admin"}'), (3, '{"sub": "ben"}', '{"x-hasura-user-id": "ben"}');
SELECT format('%-28s for ben %s, for itself %s, for nobody in particular %s', proname,
    string_agg(DISTINCT test.outcome('regress_user', test.call_of(function, '^user_id$'), claims, hasura), ' '),
    string_agg(DISTINCT test.outcome('regress_user', test.call_of(function, '-'), claims, hasura), ' '),
    string_agg(DISTINCT test.outcome('regress_user', test.call_of(function, '-', '^user_id$'), claims, hasura), ' '))
FROM test.said_of_rules, test.claim GROUP BY proname ORDER BY proname;
-- Whose rules those are that it writes.
SELECT DISTINCT test.try_as('regress_user', $$SELECT concat_ws(' ', presence.presence_block(NULL, 'ben'), presence.presence_set_visibility(NULL, 'nobody'),
    (SELECT string_agg(DISTINCT concat_ws(' ', rule, subject, audience, detail), ', ') FROM presence.presence_visibility_of(NULL)))$$, claims, hasura) FROM test.claim;
-- What a viewer is told of zoe by each function that reads.
CREATE FUNCTION test.seen_of_zoe(viewer text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    asking text := CASE viewer WHEN '' THEN '' ELSE format(', viewer => %L', viewer) END;
    call text;
    answer text;
    answers text[] := '{}';
BEGIN
    FOREACH call IN ARRAY ARRAY['(presence.presence_get(%L%s)).status', 'presence.presence_status(%L%s)', '(SELECT status FROM presence.presence_get_many(ARRAY[%L]%s))',
        '(SELECT count(*) FROM presence.presence_online_users(100%2$s) WHERE user_id = %1$L)', '(SELECT count(*) FROM presence.presence_members(''room'', 100%2$s) WHERE user_id = %1$L)',
        '(SELECT count(*) FROM presence.presence_typing_users(''room''%2$s) WHERE user_id = %1$L)'] LOOP
        EXECUTE 'SELECT ' || format(call, 'zoe', asking) INTO answer;
        answers := answers || answer;
    END LOOP;
    RETURN array_to_string(answers, ' ');
END
$$;
SELECT presence_typing('zoe', 'room'), test.seen_of_zoe('ben'), test.seen_of_zoe('regress_user');
SELECT DISTINCT test.try_as('regress_user', 'SELECT test.seen_of_zoe()', claims, hasura), test.try_as('regress_user', $$SELECT test.seen_of_zoe('regress_user')$$, claims, hasura),
    test.try_as('regress_user', $$SELECT test.seen_of_zoe('ben')$$, claims, hasura) FROM test.claim;
SELECT DISTINCT test.outcome('regress_user', 'SELECT presence.presence_' || reads, claims, hasura) FROM test.claim,
    unnest('{"get(''zoe'', ''ben'')","status(''zoe'', ''ben'')","get_many(''{zoe}'', ''ben'')","online_users(10, ''ben'')","counts(''ben'')","members(''room'', 10, ''ben'')","member_count(''room'', ''ben'')","typing_users(''room'', ''ben'')","preview(''ben'', ''zoe'')"}'::text[]) AS reads;
-- How zoe looks to ben is zoe's to ask, and how one looks oneself everybody may.
SELECT test.try_as('regress_user', $$SELECT presence.presence_preview('zoe', 'regress_user')$$), test.try_as('regress_user', $$SELECT (presence.presence_preview(NULL, 'ben')).user_id$$);

-- Given a role that may become another one, then it still is who has logged in.
GRANT regress_user TO regress_monitor;
SET SESSION AUTHORIZATION regress_monitor;
SET ROLE regress_user;
SELECT user_id FROM presence_set_status(NULL, 'busy');
SELECT test.error_of($$SELECT presence_touch('regress_user')$$);
RESET ROLE;
RESET SESSION AUTHORIZATION;
REVOKE regress_user FROM regress_monitor;

-- Given trusted gateways. A new connection knows of them.
CREATE ROLE regress_authenticator LOGIN NOINHERIT;
CREATE ROLE regress_web;
CREATE ROLE "regress_Hasura" LOGIN;
GRANT regress_web TO regress_authenticator;
SELECT presence_grant('regress_web', 'user'), presence_grant('"regress_Hasura"', 'user');
ALTER SYSTEM SET presence.trusted_gateways = 'regress_authenticator, "regress_Hasura"';
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SET client_min_messages = warning;
SHOW presence.trusted_gateways;

-- PostgREST: a role and claims for the transaction.
SET SESSION AUTHORIZATION regress_authenticator;
BEGIN;
SET LOCAL ROLE regress_web;
SELECT set_config('request.jwt.claims', '{"sub": "42", "role": "regress_web"}', true);
SELECT presence_touch(NULL), presence_touch('42'), presence_touch(42);
SELECT session_id FROM presence_connect(NULL, '42 1');
SELECT test.error_of($$SELECT presence_touch(43)$$);
SELECT test.error_of($$SELECT presence_touch('regress_authenticator')$$);
SELECT test.error_of($$SELECT presence_touch('regress_web')$$);
SELECT test.error_of($$SELECT presence_heartbeat('ben 1')$$);
SELECT total > 0 FROM presence_counts(42);
COMMIT;
-- The next request comes without: nobody is acted for, and it sees what strangers see.
BEGIN;
SET LOCAL ROLE regress_web;
SELECT test.error_of($$SELECT presence_touch(NULL)$$);
SELECT test.error_of($$SELECT presence_touch('42')$$);
SELECT test.error_of($$SELECT presence_heartbeat('42 1')$$);
SELECT test.error_of($$SELECT presence_heartbeat('nobody''s')$$);
SELECT test.error_of($$SELECT presence_get('42', viewer => '42')$$);
SELECT presence_status('42'), (presence_get('42')).status;
COMMIT;
-- Claims change within a transaction.
BEGIN;
SET LOCAL ROLE regress_web;
SELECT set_config('request.jwt.claims', '{"sub": "42"}', true);
SELECT user_id FROM presence_set_status(NULL, 'busy');
SELECT set_config('request.jwt.claims', '{"sub": "43"}', true);
SELECT user_id FROM presence_set_status(NULL, 'busy');
SELECT test.error_of($$SELECT presence_set_status('42', 'away')$$);
ROLLBACK;
RESET SESSION AUTHORIZATION;

-- What PostgREST's requests say of who sees them, and see: as whom they come.
SELECT presence_add_contact('zoe', '42'), (presence_set_message('ben', 'hello')).status_message;
CREATE FUNCTION test.as_request(statement text, sub text) RETURNS text LANGUAGE sql AS $$
    SELECT test.try_as('regress_authenticator', statement, CASE WHEN sub <> '' THEN jsonb_build_object('sub', sub)::text END)
$$;
SELECT format('%s: %s', sub, test.as_request('SELECT set_config(''role'', ''regress_web'', true) || '' '' || test.seen_of_zoe()', sub)) FROM presence_typing('zoe', 'room'), unnest(ARRAY['42', '43', 'zoe', '']) AS sub;
SELECT format('%-28s with claims %s, for another one %s, without %s and %s', proname,
    test.outcome('regress_Hasura', replace(test.call_of(function, '-', '^user_id$'), 'regress_user', '42'), NULL, '{"x-hasura-user-id": 42}'),
    test.outcome('regress_Hasura', test.call_of(function, '^user_id$'), NULL, '{"x-hasura-user-id": 42}'),
    test.outcome('regress_Hasura', test.call_of(function, '-', '^user_id$')), test.outcome('regress_Hasura', test.call_of(function, '-')))
FROM test.said_of_rules ORDER BY proname;
SET SESSION AUTHORIZATION regress_authenticator;
BEGIN;
SET LOCAL ROLE regress_web;
SELECT set_config('request.jwt.claims', '{"sub": "42"}', true);
SELECT presence_set_visibility(NULL, 'nobody', 'status'), presence_set_visibility(42, 'everyone', channel_id => 'room'), presence_add_contact(NULL, 'zoe'), presence_set_contacts('42', '{zoe,ben}'), presence_remove_contact(NULL, 'ben'), presence_block(NULL, 'ben'), presence_unblock(42, 'zoe');
SELECT concat_ws(' ', rule, subject, audience, detail) FROM presence_visibility_of(NULL);
SELECT (presence_preview(NULL, 'zoe')).status, (presence_preview(NULL, 'ben')).status, test.error_of($$SELECT presence_visibility_of('zoe')$$), test.error_of($$SELECT presence_get('zoe', viewer => 'zoe')$$);
COMMIT;
-- Without claims it is a stranger: it sees who is open in full, and who hides as offline, and acts for nobody.
BEGIN;
SET LOCAL ROLE regress_web;
SELECT user_id, status, status_message, session_count FROM presence_get_many('{ben,42,zoe}');
SELECT test.error_of($$SELECT presence_visibility_of(NULL)$$);
SELECT test.error_of($$SELECT presence_visibility_of('42')$$);
SELECT test.error_of($$SELECT presence_block('42', 'ben')$$);
SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence_members('room');
SELECT presence_member_count('room'), presence_member_count('global_presence') = total, total = (SELECT count(*) FROM presence_online_users(1000)), test.error_of($$SELECT presence_counts('42')$$) FROM presence_counts();
COMMIT;
RESET SESSION AUTHORIZATION;

-- Who counts: the service and who monitors count everybody, and a user those whom it sees.
SELECT format('%s: %s', login, test.try_as(login, 'SELECT presence.presence_counts()')) FROM unnest('{regress_service,regress_monitor,regress_user,regress_none}'::text[]) AS login;
SELECT presence_set_visibility('ben', 'nobody'), presence_block('regress_user', 'ben');
SELECT format('%s: %s', login, test.try_as(login, 'SELECT presence.presence_counts()')) FROM unnest('{regress_service,regress_monitor,regress_user}'::text[]) AS login;
SELECT presence_counts(), presence_counts('ben'), presence_counts('nobody'), presence_member_count('room'), presence_member_count('room', 'nobody');
SELECT test.try_as('regress_monitor', $$SELECT presence.presence_counts('ben')$$), test.try_as('regress_monitor', $$SELECT presence.presence_counts('regress_monitor')$$), test.try_as('regress_monitor', $$SELECT presence.presence_member_count('room')$$);
SELECT presence_set_visibility('ben', NULL), presence_unblock('regress_user', 'ben');

-- Hasura: its own login, and a variable of the session.
SET SESSION AUTHORIZATION "regress_Hasura";
BEGIN;
SELECT set_config('hasura.user', '{"x-hasura-role": "user", "x-hasura-user-id": "44"}', true);
SELECT presence_touch(NULL), presence_touch(44);
SELECT test.error_of($$SELECT presence_touch('42')$$);
COMMIT;
RESET SESSION AUTHORIZATION;

-- Any claims: who that is.
SELECT format('%s %s: %s', coalesce(claims, '-'), coalesce(hasura, ''),
    test.try_as('regress_Hasura', $$SELECT user_id FROM presence.presence_set_status(NULL, 'busy')$$, claims, hasura))
FROM (VALUES (1, '{"sub": "ann"}', NULL), (2, '{"sub": 42}', NULL), (3, '{"sub": 4.2e1}', NULL), (4, '{"sub": 42.0}', NULL), (5, '{"sub": -1}', NULL),
    (6, '{"sub": "ünïcødé \" \\ '' %s"}', NULL), (7, '{"sub": " ann "}', NULL), (8, '{"sub": "ann", "sub": "ben"}', NULL), (9, '{"sub": "ann"}', '{"x-hasura-user-id": "ben"}'),
    (10, '{"role": "anon"}', '{"x-hasura-user-id": "ben"}'), (11, NULL, '{"x-hasura-user-id": 7}'), (12, NULL, '{"X-Hasura-User-Id": "ben"}'),
    (20, NULL, NULL), (21, '', ''), (22, '{}', '{}'), (23, '{"sub": null}', NULL), (24, '{"sub": ""}', NULL), (25, '{"sub": true}', NULL), (26, '{"sub": ["ann"]}', NULL),
    (27, '{"sub": {"sub": "ann"}}', NULL), (28, '"ann"', NULL), (29, '["sub", "ann"]', NULL), (30, '[{"sub": "ann"}]', NULL), (31, 'null', NULL), (32, '7', NULL),
    (33, '{"SUB": "ann"}', NULL), (34, '{"a": {"sub": "ann"}}', NULL), (35, 'sub', NULL), (36, '{"sub": "ann"', NULL), (37, '{"sub": "\u0000"}', NULL)) AS v (n, claims, hasura)
ORDER BY n;
SELECT length(test.try_as('regress_Hasura', $$SELECT user_id FROM presence.presence_set_status(NULL, 'busy')$$, jsonb_build_object('sub', repeat('b', 128))::text)),
       test.try_as('regress_Hasura', 'SELECT presence.presence_touch(NULL)', jsonb_build_object('sub', repeat('b', 129))::text),
       test.try_as('regress_Hasura', 'SELECT presence.presence_touch(NULL)', '{"sub": 1e200}'),
       test.try_as('regress_Hasura', 'SELECT presence.presence_touch(NULL)', '{"sub": ' || repeat('[', 100000) || '}') LIKE '54001 %';

-- Others who say the same are not believed, also not when they become what the gateway becomes.
GRANT regress_web TO regress_none;
SET SESSION AUTHORIZATION regress_none;
SET ROLE regress_web;
SELECT set_config('request.jwt.claims', '{"sub": "42"}', false);
SELECT test.error_of($$SELECT presence_touch(42)$$);
SELECT user_id FROM presence_set_status(NULL, 'busy');
RESET request.jwt.claims;
RESET ROLE;
RESET SESSION AUTHORIZATION;

-- A session whose id was made up ends when somebody asks who knows it; nothing else can be done with it.
SET SESSION AUTHORIZATION "regress_Hasura";
SELECT set_config('hasura.user', '{"x-hasura-user-id": "44"}', false) \g /dev/null
SELECT session_id AS made_up FROM presence_connect(NULL) \gset
SELECT session_id FROM presence_connect(44, 'chosen');
SELECT set_config('hasura.user', '{"x-hasura-user-id": "45"}', false) \g /dev/null
SELECT left(test.error_of(format('SELECT presence_heartbeat(%L)', :'made_up')), 5), left(test.error_of(format('SELECT presence_touch(NULL, session_id => %L)', :'made_up')), 5),
       left(test.error_of(format('SELECT presence_connect(NULL, %L)', :'made_up')), 5), left(test.error_of(format('SELECT presence_join(NULL, %L, session_id => %L)', 'room', :'made_up')), 5),
       left(test.error_of(format('SELECT presence_set_status(NULL, %L, session_id => %L)', 'busy', :'made_up')), 5), presence_leave(NULL, 'room', :'made_up');
SELECT test.error_of($$SELECT presence_disconnect('chosen')$$);
SELECT set_config('hasura.user', '', false);
SELECT test.error_of($$SELECT presence_disconnect('chosen')$$);
SELECT presence_disconnect('unknown'), presence_disconnect(:'made_up', 'closed');
SELECT presence_disconnect(:'made_up');
-- Whoever connects with it again keeps it so; an id that somebody chose is never one of those, also when it looks like it.
SELECT set_config('hasura.user', '{"x-hasura-user-id": "44"}', false) \g /dev/null
SELECT session_id = :'made_up' FROM presence_connect(NULL, :'made_up');
SELECT session_id FROM presence_connect(NULL, repeat('0123456789abcdef', 2));
SELECT set_config('hasura.user', '', false);
SELECT presence_disconnect(:'made_up');
SELECT test.error_of($$SELECT presence_disconnect(repeat('0123456789abcdef', 2))$$) LIKE '42501 %';
RESET SESSION AUTHORIZATION;
SELECT count(*), count(DISTINCT session_id), bool_and(session_id ~ '^[0-9a-f]{32}$') FROM (SELECT (presence_connect('many')).session_id FROM generate_series(1, 100)) AS made;
SELECT presence_logout('many');

-- ---- rights that change ----------------------------------------------------------------------------------------------

-- Given a connection that is open, then a right counts from the next call on.
SET ROLE regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$) LIKE '42501 not allowed to act%';
RESET ROLE;
SELECT presence_grant('regress_user', 'service');
SET ROLE regress_user;
SELECT presence_touch('ben');
RESET ROLE;
SELECT presence_grant('regress_user', 'user');
SET ROLE regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$) LIKE '42501 not allowed to act%';
RESET ROLE;
-- Also back, when it is rolled back.
BEGIN;
SELECT presence_grant('regress_user', 'service');
SET LOCAL ROLE regress_user;
SELECT presence_touch('ben');
ROLLBACK;
SET ROLE regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$) LIKE '42501 not allowed to act%';
RESET ROLE;
BEGIN;
SAVEPOINT before;
SELECT presence_grant('regress_user', 'service');
SET LOCAL ROLE regress_user;
SELECT presence_touch('ben');
ROLLBACK TO before;
SET LOCAL ROLE regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$) LIKE '42501 not allowed to act%';
ROLLBACK;
-- By membership.
GRANT regress_service TO regress_user;
SET ROLE regress_user;
SELECT presence_touch('ben');
RESET ROLE;
REVOKE regress_service FROM regress_user;
SET ROLE regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$) LIKE '42501 not allowed to act%';
RESET ROLE;
-- By being a superuser.
ALTER ROLE regress_user SUPERUSER;
SET ROLE regress_user;
SELECT presence_touch('ben');
RESET ROLE;
ALTER ROLE regress_user NOSUPERUSER;
SET ROLE regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$) LIKE '42501 not allowed to act%';
RESET ROLE;
-- By the owner of the database, where there is such a role.
SELECT current_user AS me, current_database() AS db, count(*) = 1 AS has_owner_role FROM pg_roles WHERE rolname = 'pg_database_owner' \gset
\if :has_owner_role
GRANT EXECUTE ON FUNCTION presence_act_for_others() TO pg_database_owner;
SET ROLE regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$) LIKE '42501 not allowed to act%';
RESET ROLE;
ALTER DATABASE :"db" OWNER TO regress_user;
SET ROLE regress_user;
SELECT presence_touch('ben');
RESET ROLE;
ALTER DATABASE :"db" OWNER TO :"me";
SET ROLE regress_user;
SELECT test.error_of($$SELECT presence_touch('ben')$$) LIKE '42501 not allowed to act%';
RESET ROLE;
REVOKE EXECUTE ON FUNCTION presence_act_for_others() FROM pg_database_owner;
\endif
-- A role that is made anew under the old name has nothing.
CREATE ROLE regress_again;
SELECT presence_grant('regress_again', 'service');
SET ROLE regress_again;
SELECT presence_touch('ben');
RESET ROLE;
DROP OWNED BY regress_again;
DROP ROLE regress_again;
CREATE ROLE regress_again;
SET ROLE regress_again;
SELECT test.error_of($$SELECT presence_touch('ben')$$);
RESET ROLE;
DROP ROLE regress_again;
-- A prepared statement asks each time who calls.
PREPARE touch_ben AS SELECT presence_touch('ben');
EXECUTE touch_ben;
SET ROLE regress_user;
SELECT test.error_of('EXECUTE touch_ben') LIKE '42501 not allowed to act%';
RESET ROLE;
EXECUTE touch_ben;
-- When the level goes, all of it goes.
SELECT presence_revoke('regress_user');
SELECT count(*) FROM test.callable WHERE has_function_privilege('regress_user', function, 'EXECUTE');
SELECT presence_grant('regress_user', 'user');

-- ---- functions that act as their owner -------------------------------------------------------------------------------

CREATE FUNCTION test.touch_as_service(who text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT presence.presence_touch(who)';
CREATE FUNCTION test.connect_as_service(who text, tab text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT session_id FROM presence.presence_connect(who, tab)';
CREATE FUNCTION test.touch_as_user(who text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT presence.presence_touch(who)';
ALTER FUNCTION test.touch_as_service OWNER TO regress_service;
ALTER FUNCTION test.connect_as_service OWNER TO regress_service;
ALTER FUNCTION test.touch_as_user OWNER TO regress_user;
-- Within one statement it is asked for each role anew.
SELECT test.try_as('regress_user', $$SELECT test.touch_as_service('ben') || presence.presence_touch(NULL) || test.touch_as_service('ben')$$);
SELECT test.try_as('regress_user', $$SELECT test.touch_as_service('ben') || presence.presence_touch('ben')$$);
SELECT test.try_as('regress_none', $$SELECT test.touch_as_service('ben')$$);
SELECT test.try_as('regress_none', $$SELECT test.touch_as_user('ben')$$), test.try_as('regress_none', $$SELECT test.touch_as_user('regress_user')$$),
       test.try_as('regress_none', $$SELECT test.touch_as_user('regress_none')$$);
SELECT test.try_as('regress_service', $$SELECT test.touch_as_user('ben')$$), test.try_as('regress_service', $$SELECT test.touch_as_user('regress_service')$$);
-- A session that somebody else connects in this very transaction is somebody else's.
SELECT test.try_as('regress_user', $$SELECT test.connect_as_service('ben', 'ben 9') || presence.presence_disconnect('ben 9')$$),
       test.try_as('regress_user', $$SELECT test.connect_as_service('regress_user', 'own 9') || presence.presence_disconnect('own 9')$$);

-- ---- a hostile schema ------------------------------------------------------------------------------------------------

-- Given a user who puts objects of the same names before ours.
CREATE SCHEMA evil AUTHORIZATION regress_user;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
DO $$ BEGIN EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO regress_user', current_database()); END $$;
SET SESSION AUTHORIZATION regress_user;
CREATE TABLE evil.caught (what text);
GRANT INSERT ON evil.caught TO PUBLIC;
CREATE FUNCTION evil.catch(what text) RETURNS void LANGUAGE sql AS 'INSERT INTO evil.caught VALUES (what)';
-- Operators and functions that statements of ours could find.
CREATE FUNCTION evil.text_eq(a text, b text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.catch('='); RETURN true; END $$;
CREATE OPERATOR evil.= (FUNCTION = evil.text_eq, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION evil.text_ne(a text, b text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.catch('<>'); RETURN true; END $$;
CREATE OPERATOR evil.<> (FUNCTION = evil.text_ne, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION evil.text_cat(a text, b text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.catch('||'); RETURN a; END $$;
CREATE OPERATOR evil.|| (FUNCTION = evil.text_cat, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION evil.moment_eq(a timestamptz, b timestamptz) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.catch('= moment'); RETURN true; END $$;
CREATE OPERATOR evil.= (FUNCTION = evil.moment_eq, LEFTARG = timestamptz, RIGHTARG = timestamptz);
DO $$
DECLARE
    made text;
BEGIN
    FOREACH made IN ARRAY ARRAY['now()', 'host(inet)', 'octet_length(text)', 'presence_act_for_others()', 'presence_touch(text)', 'may(text, text, text)', 'presence_level_functions(text)',
        'presence_moment_of(text)', 'format(text, text)', 'unnest(text[])', 'jsonb_to_recordset(jsonb)', 'date_trunc(text, timestamptz)', 'presence_guard()'] LOOP
        EXECUTE format('CREATE FUNCTION evil.%s RETURNS bool LANGUAGE plpgsql AS %L', made, format('BEGIN PERFORM evil.catch(%L); RETURN true; END', made));
        EXECUTE format('GRANT EXECUTE ON FUNCTION evil.%s TO PUBLIC', made);
    END LOOP;
    FOREACH made IN ARRAY ARRAY['user_presence', 'presence_sessions', 'presence_history', 'user_activities', 'channel_presence'] LOOP
        EXECUTE format('CREATE TABLE evil.%I (user_id text, status text)', made);
        EXECUTE format('CREATE TEMPORARY TABLE %I (user_id text, status text)', made);
    END LOOP;
END
$$;
CREATE FUNCTION pg_temp.may(text, text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
SET search_path = pg_temp, evil, pg_catalog, presence;

-- When it calls, then ours are found: its own rows are written, its tables stay empty, it may no more than before.
SELECT session_id, status FROM presence.presence_connect(NULL, 'own 1', '{"name": "Own"}', 'phone', '::1');
SELECT user_id, status, status_message FROM presence.presence_set_status(NULL, 'away', 'm');
SELECT user_id FROM presence.presence_join(NULL, 'room');
SELECT presence.presence_touch(NULL, 'click', '/', 'own 1');
SELECT count(*) FROM presence.presence_sessions(NULL);
SELECT status FROM presence.presence_get('stranger');
SELECT count(*) > 0 FROM presence.presence_online_users();
SELECT presence.presence_touch('ben');
SELECT presence.presence_heartbeat('ben 1');
SELECT presence.presence_logout(NULL) > 0;
SELECT DISTINCT what FROM evil.caught;
SELECT (SELECT count(*) FROM evil.user_presence) + (SELECT count(*) FROM evil.presence_history) + (SELECT count(*) FROM evil.presence_sessions) + (SELECT count(*) FROM pg_temp.user_presence)
     + (SELECT count(*) FROM pg_temp.presence_history) + (SELECT count(*) FROM pg_temp.presence_sessions);
RESET SESSION AUTHORIZATION;

-- And when a superuser or the service calls with that search_path.
SELECT presence.presence_grant('regress_none', 'monitor');
SELECT presence.presence_revoke('regress_none');
SELECT user_id, status FROM presence.presence_set_status('eve', 'busy');
SELECT presence.presence_set_status_many('{eve,eva}', '{away,busy}'), presence.presence_import('[{"user_id": "import", "status": "online"}]'), presence.presence_forget('eva');
SET ROLE regress_service;
SELECT user_id, status FROM presence.presence_set_status('eve', 'busy');
SELECT presence.presence_forget('import');
RESET ROLE;
SELECT DISTINCT what FROM evil.caught;

-- And the worker, when the database's search_path is that one.
SET search_path = presence;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil, pg_catalog, presence', current_database()); END $$;
SELECT worker_pid AS old_worker, pg_terminate_backend(worker_pid) FROM presence_info() \gset
SELECT test.eventually(format('SELECT worker_alive AND complete AND worker_pid <> %s FROM presence.presence_info()', :old_worker), 90);
SELECT session_id FROM presence_connect('eve', 'eve 1', device => 'phone');
SELECT user_id FROM presence_join('eve', 'room');
SELECT test.eventually($$SELECT EXISTS (SELECT FROM presence.presence_sessions WHERE session_id = 'eve 1') AND EXISTS (SELECT FROM presence.channel_presence WHERE user_id = 'eve')$$, 90);
SELECT DISTINCT what FROM evil.caught;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database()); END $$;

-- And presence.authorize_function: the one that was named is asked, and with a search_path of its own it finds what it means.
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE app.rooms (channel_id text, owner text);
GRANT SELECT ON app.rooms TO PUBLIC;
INSERT INTO app.rooms VALUES ('mine', 'regress_user'), ('hers', 'ann');
CREATE FUNCTION app.may(user_id text, channel_id text, action text) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
    'SELECT owner = user_id FROM app.rooms r WHERE r.channel_id = may.channel_id';
SET presence.authorize_function = 'app.may';
SET ROLE regress_user;
SET search_path = pg_temp, evil, pg_catalog, presence;
SELECT test.try_as('regress_user', $$SELECT (presence.presence_join(NULL, 'mine')).channel_id$$), test.try_as('regress_user', $$SELECT presence.presence_join(NULL, 'hers')$$),
       test.try_as('regress_user', $$SELECT presence.presence_join(NULL, 'nobody''s')$$), test.try_as('regress_user', $$SELECT presence.presence_typing(NULL, 'hers')$$);
RESET ROLE;
SET search_path = presence;
SELECT DISTINCT what FROM evil.caught;
RESET presence.authorize_function;

-- ---- what is written into texts --------------------------------------------------------------------------------------

-- Given ids, names and words that are SQL, JSON or formats, then they stay what they are.
CREATE TABLE test.evil_text (n int, t text);
INSERT INTO test.evil_text SELECT row_number() OVER (), t FROM unnest(ARRAY[$$'; DROP TABLE presence.user_presence; --$$, $$') ; SELECT presence.presence_reset(); --$$, $$"; DROP SCHEMA presence CASCADE; --$$,
    $$\'; SELECT pg_sleep(100); --$$, '$$; SELECT 1; $$', '%s%n%1$s%L', E'line\nbreak\ttab', '{"user_id": "ann"}', '","status":"online","x":"', 'ann''''ben', '\u0000\x00', '*', 'NULL', '{a,b}', '(1,2)', '..',
    'document_7', '🦊é', ' ', '''']) AS t;
SELECT count(*) FROM test.evil_text, presence_connect(t, 's' || t, jsonb_build_object('name', t, t, t), t, t, t, '/' || t);
SELECT count(*) FROM test.evil_text, presence_join(t, t, jsonb_build_object('name', t), 's' || t);
SELECT count(*) FROM test.evil_text, presence_join_document(t, t, to_jsonb(t), to_jsonb(t));
SELECT count(presence_set_state(t, t, to_jsonb(t))), count(presence_typing(t, t, true, t)), count(presence_touch(t, t, t, 's' || t)) FROM test.evil_text;
SELECT count(*) FROM test.evil_text, presence_set_status(t, 'busy', t, t);
SELECT count(*) FROM test.evil_text, presence_get(t) AS got WHERE got.user_id = t AND got.status = 'busy' AND status_message = t AND user_data ->> 'name' = t;
SELECT count(*) FROM test.evil_text, presence_sessions(t) WHERE session_id = 's' || t AND device = t AND user_agent = t;
SELECT count(*) FROM test.evil_text, presence_members(t) AS m WHERE m.user_id = t AND m.state = to_jsonb(t) AND m.user_data ->> 'name' = t AND m.typing;
SELECT count(*) FROM test.evil_text, presence_typing_users(t) WHERE user_id = t AND user_name = t;
SELECT test.eventually($$SELECT count(*) = 20 FROM test.evil_text JOIN presence.presence_sessions ON session_id = 's' || t AND user_id = t AND device = t$$);
SELECT test.eventually($$SELECT count(*) = 20 FROM test.evil_text JOIN presence.channel_presence ON channel_id = t AND user_id = t$$);
SELECT count(*) FROM test.evil_text JOIN presence.user_presence ON user_id = t WHERE status_message = t;
SELECT count(*) FROM test.evil_text JOIN presence.presence_history ON user_id = t WHERE change_reason = t;
-- In one transaction: what is announced meanwhile is not delivered into the middle of this.
BEGIN;
SELECT count(*) FROM test.evil_text WHERE presence_listen(t) = presence_notify_channel(t);
UNLISTEN *;
COMMIT;
SELECT count(*) FROM test.evil_text WHERE presence_disconnect('s' || t, t);
-- As a level: its names are words of grants too.
CREATE ROLE "regress'; DROP TABLE presence.user_presence; --" LOGIN;
SELECT presence_grant($$"regress'; DROP TABLE presence.user_presence; --"$$, 'user');
SELECT test.try_as($$regress'; DROP TABLE presence.user_presence; --$$, $$SELECT user_id FROM presence.presence_set_status(NULL, 'busy')$$);
SELECT presence_revoke($$"regress'; DROP TABLE presence.user_presence; --"$$);
SELECT to_regclass('presence.user_presence'), worker_alive FROM presence_info();
SELECT test.eventually('SELECT fresh FROM presence.presence_info()');

-- ---- the end ---------------------------------------------------------------------------------------------------------

DEALLOCATE touch_ben;
ALTER SYSTEM RESET presence.trusted_gateways;
SELECT pg_reload_conf();
SELECT presence_reset();
DROP SCHEMA evil, app CASCADE;
DROP OWNED BY regress_service, regress_user, regress_monitor, regress_none, regress_web, regress_authenticator, "regress_Hasura", "regress'; DROP TABLE presence.user_presence; --" CASCADE;
DROP ROLE regress_service, regress_user, regress_monitor, regress_none, regress_web, regress_authenticator, "regress_Hasura", "regress'; DROP TABLE presence.user_presence; --";
REVOKE USAGE ON SCHEMA presence, test FROM PUBLIC;
DROP VIEW test.said_of_rules, test.argument, test.callable;
DROP TABLE test.sample, test.claim, test.evil_text;
DROP FUNCTION test.call_of, test.try_as, test.outcome, test.settle_in, test.seen_of_zoe, test.as_request;
