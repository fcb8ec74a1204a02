--
-- A user id: any type that a driver sends, any text of 1 to 128 bytes.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given one person, when named by a literal or any type, then it is one person.
SELECT presence_touch('42');
SELECT presence_touch('42'::text), presence_touch('42'::varchar), presence_touch('42'::varchar(10)), presence_touch('42'::name),
       presence_touch(42), presence_touch(42::smallint), presence_touch(42::bigint), presence_touch('42'::presence_id);
SELECT user_id, activity_count FROM presence_get(42);
SELECT count(*) FROM presence_online_users();
SELECT presence_touch('42 '::char(5)) AS padded, (presence_get('42')).activity_count;
SELECT pg_typeof(user_id) FROM presence_get('42');

-- uuid, and numbers at their ends.
SELECT presence_touch('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid);
SELECT presence_status('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT presence_touch((-32768)::smallint), presence_touch(2147483647), presence_touch((-9223372036854775808)::bigint), presence_touch(0);
SELECT presence_status('-32768'), presence_status('2147483647'), presence_status('-9223372036854775808'), presence_status('0');

-- Prepared statements: an untyped parameter and each type.
PREPARE untyped AS SELECT presence_touch($1);
PREPARE as_text(text) AS SELECT presence_touch($1);
PREPARE as_varchar(varchar) AS SELECT presence_touch($1);
PREPARE as_smallint(smallint) AS SELECT presence_touch($1);
PREPARE as_int(int) AS SELECT presence_touch($1);
PREPARE as_bigint(bigint) AS SELECT presence_touch($1);
PREPARE as_uuid(uuid) AS SELECT presence_touch($1);
EXECUTE untyped('p1');
EXECUTE as_text('p2');
EXECUTE as_varchar('p3');
EXECUTE as_smallint(4);
EXECUTE as_int(5);
EXECUTE as_bigint(6);
EXECUTE as_uuid('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');
DEALLOCATE ALL;
SELECT string_agg(status, ' ') FROM presence_get_many(ARRAY['p1', 'p2', 'p3', '4', '5', '6', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12']);

-- The other functions take them as well, and join with a table of the application.
SELECT user_id, status FROM presence_set_status(7, 'busy');
SELECT user_id, status FROM presence_set_message(7::bigint, 'm');
SELECT user_id, status FROM presence_clear_status(7::smallint);
SELECT presence_set_status_many(ARRAY[7, 8], ARRAY['away', 'away']), presence_set_status_many(ARRAY[9]::bigint[], ARRAY['away']);
SELECT presence_status('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid), presence_forget(8);
SELECT id, presence_status(id) FROM (VALUES (6), (7), (8), (9)) AS person(id) ORDER BY id;
SELECT id, status FROM (VALUES (7), (9)) AS person(id) JOIN presence_online_users() AS o ON o.user_id = id::text ORDER BY id;

-- The length is in bytes: 128 are taken, 129 are not, in memory and in the table.
SELECT presence_touch(repeat('x', 128)), presence_touch(repeat('ü', 64)), presence_touch(repeat('🦉', 32)), presence_touch('x');
SELECT user_id = repeat('🦉', 32), status FROM presence_set_status(repeat('🦉', 32), 'busy');
SELECT user_id = repeat('x', 128), status FROM presence_set_status(repeat('x', 128), 'busy');
SELECT length(user_id), octet_length(user_id) FROM user_presence WHERE octet_length(user_id) = 128 AND status = 'busy' ORDER BY 1;
SELECT test.error_of($$SELECT presence_touch(repeat('x', 129))$$);
SELECT test.error_of($$SELECT presence_touch(repeat('ü', 64) || 'x')$$);
SELECT test.error_of($$SELECT presence_touch(repeat('x', 1000000))$$);
SELECT test.error_of(format($$SELECT presence_touch(%L)$$, repeat('x', 129)));
SELECT test.error_of(format($$SELECT %L::presence.presence_id$$, repeat('x', 129))) ~ '^(no error|22001 )' AS said_now_or_later;

-- 36 bytes and 37 bytes, the ends of what is kept in place; one begins with the other.
SELECT presence_touch(repeat('y', 36)), (presence_set_status(repeat('y', 37), 'busy')).status;
SELECT presence_status(repeat('y', 35)), presence_status(repeat('y', 36)), presence_status(repeat('y', 37)), presence_status(repeat('y', 38));

-- Quotes, backslashes, control characters, blanks and case are part of the id.
SELECT user_id, status FROM presence_set_status('O''Brien "x" \ /', 'busy');
SELECT user_id = E'tab\there\nand\x01there\x7f', status FROM presence_set_status(E'tab\there\nand\x01there\x7f', 'busy');
SELECT presence_touch(' '), presence_touch('Ann'), presence_touch('ann '), presence_touch('{a,b}'), presence_touch('%s%n'), presence_touch('NULL');
SELECT presence_status('O''Brien "x" \ /'), presence_status(E'tab\there\nand\x01there\x7f'), presence_status(' '), presence_status('Ann'),
       presence_status('ann'), presence_status('ann '), presence_status('{a,b}'), presence_status('%s%n'), presence_status('NULL');
SELECT test.row_of(E'tab\there\nand\x01there\x7f');
SELECT presence_set_status_many(ARRAY['O''Brien "x" \ /', E'tab\there\nand\x01there\x7f', '{a,b}', 'NULL'], array_fill('away'::text, ARRAY[4]));
SELECT count(*) FROM user_presence WHERE status = 'away' AND user_id IN ('O''Brien "x" \ /', E'tab\there\nand\x01there\x7f', '{a,b}', 'NULL');

-- The same letters in two forms of Unicode are two ids: bytes decide, not a collation.
SELECT presence_touch(U&'\00fc'), presence_status(U&'u\0308');

-- An id is none: never "function does not exist".
SELECT test.error_of($$SELECT presence_touch('')$$);
SELECT test.error_of($$SELECT presence_touch(''::text)$$);
SELECT test.error_of($$SELECT presence_touch(NULL::int)$$);
SELECT test.error_of($$SELECT presence_touch(NULL::uuid)$$);
