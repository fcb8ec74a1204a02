-- What sqlsmith finds: the extension, two roles of a level each, and a table with values of all types that the functions take.
CREATE SCHEMA presence;
CREATE EXTENSION presence SCHEMA presence;
CREATE SCHEMA smith;
CREATE ROLE smith_service LOGIN;
CREATE ROLE smith_user LOGIN;
SELECT presence.presence_grant('smith_service', 'service'), presence.presence_grant('smith_user', 'user');
GRANT USAGE ON SCHEMA smith TO smith_service, smith_user;
ALTER ROLE smith_service SET statement_timeout = '2s';
ALTER ROLE smith_user SET statement_timeout = '2s';
-- The smith asks pg_proc for functions. What it finds first is this one: ours, and some that make values for them.
ALTER ROLE smith_service SET search_path = smith, pg_catalog, presence;
ALTER ROLE smith_user SET search_path = smith, pg_catalog, presence;

CREATE TABLE smith.value AS SELECT
    (ARRAY['ann', 'ben', 'smith_user', 'smith_user', NULL, '', ' ', 'ünï', repeat('x', 36), repeat('x', 37), repeat('ü', 64), repeat('y', 129), '7'])[i % 13 + 1]::presence.presence_id AS id,
    (ARRAY['ann 1', 'ben 1', 'own 1', 'online', 'busy', 'everyone', 'contacts', 'status', 'full', NULL, 'away', 'offline', 'manual', 'timeout', '', '::1', '/page', 'node', repeat('z', 128), repeat('z', 4000), '%s'])[i % 21 + 1] AS word,
    (ARRAY['{}', '{"name": "Ann"}', '[1, 2]', '7', 'null', NULL, '[{"user_id": "i", "status": "away"}]', jsonb_build_object('a', repeat('d', 5000))::text])[i % 8 + 1]::jsonb AS data,
    (ARRAY['10 s', '1 min', '4 hours', '0', '-1 day', '1 mon', NULL, '100000 years'])[i % 8 + 1]::interval AS span,
    (ARRAY['2020-01-01', '2040-01-01', 'infinity', '-infinity', NULL, '294000-01-01', '4000-01-01 BC'])[i % 7 + 1]::timestamptz AS moment,
    (ARRAY[0, 1, 2, 100, -1, 2147483647, NULL, -2147483648])[i % 8 + 1] AS number,
    (ARRAY[0, 1, -1, 9223372036854775807, NULL])[i % 5 + 1] AS long_number,
    (ARRAY[true, false, NULL])[i % 3 + 1] AS flag,
    (ARRAY['{ann,ben}', '{}', '{smith_user}', NULL, '{NULL}', '{{ann,ben},{c,d}}', '{"",x}'])[i % 7 + 1]::presence.presence_id[] AS ids,
    (ARRAY['{online,busy}', '{ann 1,ben 1}', '{}', NULL, '{NULL}', '{away,busy}', '{offline}'])[i % 7 + 1]::text[] AS words,
    (ARRAY['{2020-01-01,2021-01-01}', '{}', NULL, '{NULL,infinity}'])[i % 4 + 1]::timestamptz[] AS moments,
    (ARRAY['{1,2}', '{}', NULL, '{NULL,-1}', '{2147483647,0}'])[i % 5 + 1]::int[] AS numbers
FROM generate_series(0, 20) AS i, generate_series(0, 2);
GRANT SELECT ON smith.value TO smith_service, smith_user;

-- It leaves out functions that return sets: each has one beside it that counts its rows.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid, p.proname, p.proargtypes, pronargs FROM pg_proc p WHERE pronamespace = 'presence'::regnamespace AND proretset
             AND has_function_privilege('smith_service', p.oid, 'EXECUTE') LOOP
        EXECUTE format('CREATE FUNCTION smith.%I(%s) RETURNS bigint LANGUAGE sql VOLATILE AS %L', f.proname,
            (SELECT string_agg(type::regtype::text, ', ' ORDER BY n) FROM unnest(f.proargtypes::oid[]) WITH ORDINALITY AS a (type, n)),
            format('SELECT count(*) FROM %s(%s)', f.oid::regproc, (SELECT string_agg('$' || n, ', ') FROM generate_series(1, f.pronargs) AS n)));
    END LOOP;
END
$$;
CREATE VIEW smith.pg_proc AS
    SELECT * FROM pg_catalog.pg_proc
    WHERE (pronamespace IN ('presence'::regnamespace, 'smith'::regnamespace)
           AND NOT (SELECT proretset OR NOT has_function_privilege(p.oid, 'EXECUTE') FROM pg_catalog.pg_proc p WHERE p.oid = pg_proc.oid))
       OR (pronamespace = 'pg_catalog'::regnamespace AND proname IN
           ('upper', 'lower', 'md5', 'length', 'repeat', 'substr', 'left', 'reverse', 'abs', 'random', 'now', 'clock_timestamp', 'age', 'justify_hours',
            'date_trunc', 'to_timestamp', 'jsonb_strip_nulls', 'jsonb_pretty', 'array_append', 'array_cat', 'array_remove', 'array_to_string', 'to_jsonb',
            'count', 'max', 'min', 'sum', 'jsonb_agg', 'row_number', 'lag', 'first_value'));
GRANT SELECT ON smith.pg_proc TO smith_service, smith_user;

-- Given some who are here, in all states.
SELECT count(presence.presence_touch(i)) FROM generate_series(1, 500) AS i;
SELECT count(*) FROM generate_series(1, 100) AS i, presence.presence_set_status(i, CASE i % 2 WHEN 0 THEN 'busy' ELSE 'away' END, 'm', expires_at => now() + i * interval '1 s');
SELECT count(*) FROM (VALUES ('ann', 'ann 1'), ('ben', 'ben 1'), ('smith_user', 'own 1')) AS v (who, tab), presence.presence_connect(who, tab, '{"name": "N"}');
SELECT count(*) FROM unnest('{ann,ben,smith_user}'::text[]) AS who, unnest('{ann,ben,7,smith_user}'::text[]) AS channel, presence.presence_join(who, channel);

-- What the smith seldom comes to: each function with all kinds of arguments, in transactions that end both ways.
CREATE PROCEDURE smith.call_at_random(seconds int, seed float8) LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + make_interval(secs => seconds);
    functions oid[] := ARRAY(SELECT oid FROM smith.pg_proc WHERE pronamespace <> 'pg_catalog'::regnamespace AND has_function_privilege(oid, 'EXECUTE') ORDER BY proname);
    calls int := 0;
    statement text;
BEGIN
    PERFORM setseed(seed);
    WHILE clock_timestamp() < deadline LOOP
        FOR i IN 1 .. 1 + (random() * 20)::int LOOP
            calls := calls + 1;
            SELECT format('SELECT %s(%s)', p.oid::regproc, string_agg((
                SELECT coalesce(quote_literal(CASE a.type::regtype::text
                    WHEN 'presence_id' THEN id::text WHEN 'text' THEN word WHEN 'jsonb' THEN data::text WHEN 'interval' THEN span::text
                    WHEN 'timestamp with time zone' THEN moment::text WHEN 'integer' THEN number::text WHEN 'bigint' THEN long_number::text WHEN 'boolean' THEN flag::text
                    WHEN 'presence_id[]' THEN ids::text WHEN 'text[]' THEN words::text WHEN 'timestamp with time zone[]' THEN moments::text
                    WHEN 'integer[]' THEN numbers::text WHEN 'cstring' THEN word END), 'NULL') || '::' || a.type::regtype
                FROM smith.value WHERE a.n > 0 OFFSET (random() * 29)::int LIMIT 1), ', ' ORDER BY a.n))
            INTO statement
            FROM pg_catalog.pg_proc p LEFT JOIN unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, n) ON true
            WHERE p.oid = functions[1 + calls % cardinality(functions)] GROUP BY p.oid;
            BEGIN
                EXECUTE statement;
            EXCEPTION WHEN OTHERS THEN
                NULL;
            END;
        END LOOP;
        IF random() < 0.3 THEN
            ROLLBACK;
        ELSE
            COMMIT;
        END IF;
    END LOOP;
END
$$;
