--
-- Who sees whom, when somebody means harm: objects of the names that our statements use, and texts that are SQL, JSON or formats.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SET client_min_messages = warning;
SELECT presence_reset();
CREATE ROLE regress_evil LOGIN;
CREATE ROLE regress_service LOGIN;
SELECT presence_grant('regress_evil', 'user'), presence_grant('regress_service', 'service');
GRANT USAGE ON SCHEMA presence, test TO PUBLIC;

-- ---- objects of the same names ---------------------------------------------------------------------------------------

-- Given a user who may make objects in a schema before ours, and in public, as it once was.
CREATE SCHEMA evil AUTHORIZATION regress_evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
GRANT CREATE ON SCHEMA public TO regress_evil;
DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO regress_evil', current_database()); END $$;
SET SESSION AUTHORIZATION regress_evil;
CREATE TABLE evil.caught (what text, who text DEFAULT current_user);
GRANT SELECT, INSERT ON evil.caught TO PUBLIC;
CREATE FUNCTION evil.catch(what text) RETURNS void LANGUAGE sql AS 'INSERT INTO evil.caught VALUES (what)';
DO $$
DECLARE
    home text;
    made text;
    operands text[];
BEGIN
    FOREACH home IN ARRAY ARRAY['evil', 'public'] LOOP
        -- Operators on all that our rows hold; each says yes, and tells.
        FOREACH operands SLICE 1 IN ARRAY ARRAY[['=', 'text', 'text', 'bool'], ['<>', 'text', 'text', 'bool'], ['<', 'text', 'text', 'bool'], ['>', 'text', 'text', 'bool'], ['||', 'text', 'text', 'text'],
            ['=', 'bool', 'bool', 'bool'], ['=', 'timestamptz', 'timestamptz', 'bool'], ['<', 'timestamptz', 'timestamptz', 'bool'], ['=', 'int', 'int', 'bool'], ['=', 'bigint', 'bigint', 'bool'],
            ['=', 'jsonb', 'jsonb', 'bool'], ['->', 'jsonb', 'text', 'jsonb'], ['->>', 'jsonb', 'text', 'text'], ['?', 'jsonb', 'text', 'bool'], ['||', 'jsonb', 'jsonb', 'jsonb'],
            ['=', 'text[]', 'text[]', 'bool'], ['||', 'text[]', 'text', 'text[]'], ['=', 'tid', 'tid', 'bool']] LOOP
            made := format('o%s', md5(operands::text));
            EXECUTE format('CREATE FUNCTION %I.%I(a %s, b %s) RETURNS %s LANGUAGE plpgsql AS %L', home, made, operands[2], operands[3], operands[4],
                format('BEGIN PERFORM evil.catch(%L); RETURN %s; END', operands::text, CASE operands[4] WHEN 'bool' THEN 'true' ELSE 'a' END));
            EXECUTE format('CREATE OPERATOR %I.%s (FUNCTION = %I.%I, LEFTARG = %s, RIGHTARG = %s)', home, operands[1], home, made, operands[2], operands[3]);
        END LOOP;
        FOREACH made IN ARRAY ARRAY['unnest(text[])', 'unnest(bool[])', 'unnest(jsonb[])', 'array_agg(text)', 'array_agg(jsonb)', 'now()', 'clock_timestamp()', 'format(text, text)', 'to_jsonb(text)',
            'jsonb_build_object(text, text)', 'octet_length(text)', 'octet_length(int)', 'array_length(text[], int)', 'cardinality(text[])', 'presence_act_for_others()', 'presence_count_everybody()',
            'presence_can_see(text, text, text)', 'presence_visibility_of(text)', 'presence_block(text, text)', 'presence_guard()', 'text(jsonb)', 'starts_with(text, text)'] LOOP
            EXECUTE format('CREATE FUNCTION %I.%s RETURNS bool LANGUAGE plpgsql AS %L', home, made,
                format('BEGIN PERFORM evil.catch(%L); RETURN true; END', made));
        END LOOP;
        FOREACH made IN ARRAY ARRAY['presence_visibility', 'presence_contacts', 'user_presence', 'channel_presence', 'presence_sessions'] LOOP
            EXECUTE format('CREATE TABLE %I.%I (user_id text, channel_id text DEFAULT %L, contact_id text, audience text, detail text, is_contact bool, is_blocked bool, changed_at timestamptz, shown jsonb, shown_to_contacts jsonb, has_visibility bool, status text)', home, made, '');
            EXECUTE format('GRANT ALL ON %I.%I TO PUBLIC', home, made);
        END LOOP;
        -- Types of our names, and what makes them of others without being asked.
        FOREACH made IN ARRAY ARRAY['presence_id', 'presence_state', 'text', 'jsonb', 'timestamptz', 'bool'] LOOP
            EXECUTE format('CREATE TYPE %I.%I AS ENUM (%L)', home, made, 'evil');
            EXECUTE format('CREATE FUNCTION %I.cast_%s(pg_catalog.text) RETURNS %1$I.%2$I LANGUAGE plpgsql AS %L', home, made, format('BEGIN PERFORM evil.catch(%L); RETURN ''evil''; END', made));
            EXECUTE format('CREATE CAST (pg_catalog.text AS %1$I.%2$I) WITH FUNCTION %1$I.cast_%2$s(pg_catalog.text) AS IMPLICIT', home, made);
        END LOOP;
    END LOOP;
    FOREACH made IN ARRAY ARRAY['presence_visibility', 'presence_contacts', 'user_presence', 'channel_presence'] LOOP
        EXECUTE format('CREATE TEMPORARY TABLE %I (user_id pg_catalog.text, channel_id pg_catalog.text, contact_id pg_catalog.text)', made);
    END LOOP;
END
$$;
SET search_path = pg_temp, evil, public, pg_catalog, presence;

-- When it calls, then ours are found: its rules are written into our tables, and it may no more than before.
SELECT session_id FROM presence.presence_connect(NULL, 'evil 1', '{"name": "Evil", "secret": 1}');
SELECT status FROM presence.presence_set_status(NULL, 'busy', 'm');
SELECT presence.presence_set_visibility(NULL, 'contacts', 'status'), presence.presence_set_visibility(NULL, 'nobody', channel_id => 'room');
SELECT presence.presence_add_contact(NULL, 'ann', 'full'), presence.presence_add_contact(NULL, 'ben'), presence.presence_remove_contact(NULL, 'ben');
SELECT presence.presence_set_contacts(NULL, '{cleo,ann}'), presence.presence_block(NULL, 'dora'), presence.presence_block(NULL, 'eve'), presence.presence_unblock(NULL, 'eve');
SELECT * FROM presence.presence_visibility_of(NULL);
SELECT status, status_message, user_data FROM presence.presence_preview(NULL, 'ann');
SELECT status, status_message, user_data FROM presence.presence_preview(NULL, 'cleo');
SELECT status, status_message, user_data FROM presence.presence_preview(NULL, 'stranger');
SELECT user_id FROM presence.presence_online_users();
SELECT presence.presence_counts(), presence.presence_member_count('room');
SELECT user_id FROM presence.presence_members('room');
SELECT presence.presence_block('ann', 'ben');
SELECT presence.presence_get('ann', 'ben');
SELECT presence.presence_visibility_of('ann');
SELECT presence.presence_can_see('ann', 'regress_evil');
RESET SESSION AUTHORIZATION;

-- And when the service or a superuser calls with that search_path: also of what only they may.
SET ROLE regress_service;
SELECT presence.presence_set_visibility('ann', 'contacts'), presence.presence_add_contact('ann', 'ben'), presence.presence_set_contacts('ann', '{ben,cleo}'), presence.presence_block('ann', 'dora');
SELECT presence.presence_can_see('ben', 'ann'), presence.presence_can_see('dora', 'ann', 'room'), presence.presence_can_see('stranger', 'regress_evil');
SELECT presence.presence_forget('cleo');
SELECT * FROM presence.presence_visibility_of('ann');
RESET ROLE;
SELECT presence.presence_set_contacts('ben', '{ann,cleo}'), presence.presence_set_visibility('ben', 'nobody'), presence.presence_unblock('ben', 'ann'), presence.presence_forget('ann');
SELECT * FROM presence.presence_visibility_of('ben');
-- And when rows are restored, which are read again at COMMIT.
\copy presence.presence_visibility (user_id, audience, detail, changed_at, shown) FROM stdin
back	nobody	full	2026-01-01	{"detail": "full", "message": "old", "activity_count": 1}
\.
\copy presence.user_presence (user_id, status, last_seen, updated_at, has_visibility) FROM stdin
back	online	2026-01-01	2026-01-01	f
\.
SELECT status, status_message FROM presence.presence_get('back', 'ann');
SELECT presence.presence_add_contact('back', 'ann');
SELECT presence.presence_can_see('ann', 'back'), presence.presence_can_see('back', 'ben');

-- Then nothing of it was ever called, and nothing is in tables that are not ours.
SET search_path = presence;
SELECT DISTINCT what, who FROM evil.caught;
SELECT sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %s', c.oid::regclass), false, true, '')))[1]::text::int)
FROM pg_class c WHERE relname IN ('presence_visibility', 'presence_contacts', 'user_presence', 'channel_presence', 'presence_sessions') AND relkind = 'r' AND relnamespace <> 'presence'::regnamespace;
SELECT user_id, channel_id, audience, detail FROM presence.presence_visibility ORDER BY 1, 2;
SELECT user_id, contact_id, is_contact, is_blocked, detail FROM presence.presence_contacts ORDER BY 1, 2;

-- And the worker, whose database has that search_path: who hides is written and read as ever.
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil, public, pg_catalog, presence', current_database()); END $$;
SELECT worker_pid AS old_worker, pg_terminate_backend(worker_pid) FROM presence_info() \gset
SELECT test.eventually(format('SELECT worker_alive AND complete AND worker_pid <> %s FROM presence.presence_info()', :old_worker), 90);
SELECT session_id FROM presence_connect('fay', 'fay 1');
SELECT presence_set_visibility('fay', 'nobody'), presence_touch('fay');
SELECT test.eventually($$SELECT EXISTS (SELECT FROM presence.presence_sessions WHERE session_id = 'fay 1') AND EXISTS (SELECT FROM presence.user_presence WHERE user_id = 'fay' AND status = 'online' AND has_visibility)$$, 90);
SELECT presence_status('fay', 'ann'), presence_can_see('ann', 'fay');
SELECT DISTINCT what, who FROM evil.caught;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database()); END $$;

-- The trap itself works: who asks with that search_path falls into it.
SET search_path = evil, pg_catalog;
SELECT 'a'::pg_catalog.text = 'b'::pg_catalog.text;
SELECT count(*) OPERATOR(pg_catalog.>) 0 FROM evil.caught;
SET search_path = presence;

-- ---- what is written into texts --------------------------------------------------------------------------------------

-- Given ids, contacts, channels and words that are SQL, JSON or formats, then they stay what they are.
SELECT presence_reset();
CREATE TABLE test.evil_text (n int, t text);
INSERT INTO test.evil_text SELECT row_number() OVER (), t FROM unnest(ARRAY[$$'; DROP TABLE presence.presence_contacts; --$$, $$') ; SELECT presence.presence_reset(); --$$, $$"; DROP SCHEMA presence CASCADE; --$$,
    $$\'; SELECT pg_sleep(100); --$$, '$$; SELECT 1; $$', '%s%n%1$s%L%', E'line\nbreak\r\ttab', E'\x01\x02\x07\x08\x1b[31m\x7f', '{"user_id": "ann"}', '","detail":"full","x":"', 'ann''''ben', '\u0000\x00', '\', '\\',
    '*', 'NULL', 'null', '{a,b}', '{"a","b"}', '(1,2)', 'everyone', 'global presence', ' ', '''', '"', E'a\u0301', 'á', E'\u202eabc', E'\ufeff', '🦊é', repeat('🦊', 32), repeat('é', 64), repeat('''', 128), repeat('"', 128),
    repeat('\', 128), repeat('%', 128), repeat('{', 128)]) AS t;
SELECT count(*) AS n, max(octet_length(t)) FROM test.evil_text \gset
SELECT :n, :max;
-- What is shown to strangers is what there was, quotes, depth and all.
CREATE FUNCTION test.deep(depth int, inmost jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT (repeat('{"a":[', depth) || inmost || repeat(']}', depth))::jsonb
$$;
CREATE FUNCTION test.data_of(t text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object('name', t, 'avatar', '"' || t || '''', 'secret', test.deep(40, to_jsonb(t)))
$$;
SELECT count(*) FROM test.evil_text, presence_connect(t, NULL, test.data_of(t));
SELECT count(*) FROM test.evil_text, presence_set_status(t, 'busy', t);
SELECT count(*) FROM test.evil_text, presence_join(t, t);
SELECT count(presence_set_visibility(t, 'nobody')), count(presence_set_visibility(t, 'everyone', 'status', t)) FROM test.evil_text;
SELECT count(*) FROM test.evil_text, presence_set_status(t, 'away', 'later');
SELECT count(*) FROM test.evil_text, presence_get(t, 'stranger') AS got WHERE got.user_id = t AND got.status = 'offline' AND status_message = t AND user_data = test.data_of(t);
-- Each has all others as contacts, blocks the next one, and shows the one after that its status alone.
SELECT sum(presence_set_contacts(t, (SELECT array_agg(o.t) FROM test.evil_text AS o WHERE o.t <> e.t))) = :n * (:n - 1) FROM test.evil_text AS e;
SELECT count(*) FILTER (WHERE presence_block(e.t, o.t)), count(*) FILTER (WHERE presence_block(e.t, o.t)) FROM test.evil_text AS e JOIN test.evil_text AS o ON o.n = e.n % :n + 1;
SELECT count(*) FILTER (WHERE presence_add_contact(e.t, o.t, 'status')) FROM test.evil_text AS e JOIN test.evil_text AS o ON o.n = (e.n + 1) % :n + 1;
SELECT count(*) = :n * (:n - 1), count(*) FILTER (WHERE is_blocked) = :n, count(*) FILTER (WHERE detail = 'status') = :n
FROM presence.presence_contacts JOIN test.evil_text AS e ON e.t = user_id JOIN test.evil_text AS o ON o.t = contact_id;
SELECT DISTINCT count(*) - :n AS more_rules_than_users FROM test.evil_text, presence_visibility_of(t) GROUP BY t;
SELECT count(*) FROM test.evil_text AS e JOIN test.evil_text AS o ON o.n = e.n % :n + 1, presence_visibility_of(e.t) AS v WHERE v.rule = 'block' AND v.subject = o.t;
SELECT count(*) FROM test.evil_text AS e, presence_visibility_of(e.t) AS v WHERE v.rule = 'channel' AND v.subject = e.t AND v.detail = 'status';
-- So each sees of each what it may, in its channel and everywhere.
SELECT presence_can_see(o.t, e.t) AS sees, presence_can_see(o.t, e.t, e.t) AS sees_in_channel, count(*), bool_and((SELECT count(*) FROM presence_members(e.t, 10, o.t)) = (presence_can_see(o.t, e.t, e.t) <> 'nothing')::int)
FROM test.evil_text AS e, test.evil_text AS o GROUP BY 1, 2 ORDER BY 1, 2;
SELECT bool_and(to_jsonb(presence_preview(e.t, o.t)) = to_jsonb(presence_get(e.t, o.t))), bool_and((presence_get(e.t, o.t)).user_id = e.t) FROM test.evil_text AS e, test.evil_text AS o;
SELECT count(*) FROM test.evil_text AS e JOIN test.evil_text AS o ON o.n = (e.n + 1) % :n + 1, presence_get(e.t, o.t) AS got
WHERE got.status = 'away' AND status_message IS NULL AND user_data = test.data_of(e.t) - 'secret';
SELECT count(*) FROM test.evil_text AS e JOIN test.evil_text AS o ON o.n = e.n % :n + 1, presence_get(e.t, o.t) AS got WHERE got.status = 'offline' AND status_message = e.t AND user_data = test.data_of(e.t);
SELECT sum(presence_unblock(e.t, o.t)::int + presence_remove_contact(e.t, o.t)::int) FROM test.evil_text AS e JOIN test.evil_text AS o ON o.n = e.n % :n + 1;
SELECT count(*) FROM test.evil_text WHERE presence_forget(t);
SELECT (SELECT count(*) FROM presence.presence_contacts), (SELECT count(*) FROM presence.presence_visibility), worker_alive FROM presence_info();
-- As deep and as long as user_data may be. A name that is no text or number may be anything: it is shown in full only.
SELECT test.error_of($$SELECT presence_connect('gus', NULL, test.deep(6000, '1'))$$) LIKE '2%', test.error_of($$SELECT presence_connect('gus', NULL, jsonb_build_object('name', repeat('"', 5000)))$$);
SELECT session_id FROM presence_connect('gus', 'gus 1', jsonb_build_object('name', test.deep(100, '"\"''\\"'), 'avatar', '{}'::jsonb, 'secret', repeat('\"', 500)));
SELECT presence_block('gus', 'hal'), presence_set_visibility('gus', 'everyone', 'status');
SELECT user_data FROM presence_get('gus', 'ida');
SELECT user_data -> 'name' = test.deep(100, '"\"''\\"'), length(user_data ->> 'secret') FROM presence_get('gus', 'hal');

-- ---- arrays of contacts ----------------------------------------------------------------------------------------------

SELECT presence_set_contacts('ann', '{}'), presence_set_contacts('ann', '{ben,ben,cleo,ben}'), presence_set_contacts('ann', '{cleo,ben}'), presence_set_contacts('ann', '[-3:-2]={dora,ben}');
SELECT test.error_of($$SELECT presence_set_contacts('ann', '{NULL}')$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', '{ben,NULL,cleo}')$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', '{{ben,cleo},{dora,eve}}')$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', ARRAY['ben', repeat('i', 129)])$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', array_agg('c' || i)) FROM generate_series(1, 5001) AS i$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', array_agg(CASE WHEN i < 5001 THEN 'c' || i END)) FROM generate_series(1, 5001) AS i$$);
SELECT subject FROM presence_visibility_of('ann') WHERE rule = 'contact';
-- What is there twice counts once; so many long ones fit.
SELECT presence_set_contacts('ann', array_agg('c' || i % 5000)) FROM generate_series(1, 50001) AS i;
SELECT presence_set_contacts('ann', array_agg(lpad(i::text, 128, '''"'))) FROM generate_series(1, 5000) AS i;
SELECT count(*), min(octet_length(subject)) FROM presence_visibility_of('ann') WHERE rule = 'contact';
SELECT presence_set_contacts('ann', '{}');
SELECT count(*) FROM presence.presence_contacts WHERE user_id = 'ann';

-- ---- the end ---------------------------------------------------------------------------------------------------------

SELECT test.eventually('SELECT fresh FROM presence.presence_info()');
SELECT presence_reset();
SET client_min_messages = error;
DROP OWNED BY regress_evil, regress_service CASCADE;
DROP ROLE regress_evil, regress_service;
REVOKE USAGE ON SCHEMA presence, test FROM PUBLIC;
DROP TABLE test.evil_text;
DROP FUNCTION test.deep, test.data_of;
