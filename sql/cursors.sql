--
-- presence_move_cursor: a member's cursor is somewhere else, at once. What listeners and rows get of it, and when, is in test/clock and test/isolation.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE FUNCTION test.cursor_of(who text, document text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT format('%s, %s', coalesce(cursor_position::text, '-'), coalesce(selection_range::text, '-'))
            FROM presence.presence_members('document_' || document, 1000) WHERE user_id = who);
END
$$;

-- Given a stranger to the document, then it cannot move there, whether it is online or not.
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', '1')$$);
SELECT presence_status('ann'), (presence_get('ann')).last_seen;
SELECT presence_touch('ann');
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', '1')$$);
SELECT presence_typing('ann', 'document_d');
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', '1')$$) LIKE '55000 %';
SELECT channel_id FROM presence_join_document('ben', 'd');
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', '1')$$) LIKE '55000 %';
SELECT presence_leave_document('ben', 'd');
SELECT test.error_of($$SELECT presence_move_cursor('ben', 'd', '1')$$) LIKE '55000 %';

-- Given a member, when it moves, then that is where it is: the last one wins, and the selection belongs to it.
SELECT channel_id FROM presence_join_document('ann', 'd');
SELECT presence_move_cursor('ann', 'd', '{"line": 3, "column": 9}');
SELECT test.cursor_of('ann', 'd');
SELECT presence_move_cursor('ann', 'd', '{"line": 4}', '{"start": 1, "end": 2}');
SELECT test.cursor_of('ann', 'd');
SELECT presence_move_cursor('ann', 'd', '{"line": 5}');
SELECT test.cursor_of('ann', 'd');
SELECT presence_move_cursor('ann', 'd', NULL, '[7]');
SELECT test.cursor_of('ann', 'd');
SELECT presence_move_cursor('ann', 'd', NULL);
SELECT test.cursor_of('ann', 'd');

-- Any jsonb: numbers, text, arrays, null, true, empty ones.
SELECT presence_move_cursor('ann', 'd', v, v), v, test.cursor_of('ann', 'd')
FROM unnest(ARRAY['17', '-0.5e-3', '"a \"b\" \\ ü 🦉"', '[]', '{}', '[1, [2, {"x": null}]]', 'null', 'true', '""', '{"x": {"y": {"z": []}}}', '123456789012345678901234567890']::jsonb[]) AS v;

-- One kB as jsonb, to the byte; both of them together.
CREATE FUNCTION test.json_of(bytes int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT to_jsonb(repeat('x', bytes - 8))
$$;
SELECT presence_move_cursor('ann', 'd', test.json_of(1024), test.json_of(1024));
SELECT cursor_position = test.json_of(1024), selection_range = test.json_of(1024) FROM presence_members('document_d');
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', test.json_of(1025))$$);
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', '1', test.json_of(1025))$$);
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', test.json_of(1000000))$$);
SELECT cursor_position = test.json_of(1024) FROM presence_members('document_d');
-- A number of many digits is short as jsonb, and long where it is told.
SELECT presence_move_cursor('ann', 'd', '1e7000'), test.cursor_of('ann', 'd') = '1' || repeat('0', 7000) || ', -';
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', '1e9000')$$);
SELECT test.error_of($$SELECT presence_move_cursor('ann', 'd', '1', '{"x": [1e-9000]}')$$) LIKE '22001 %';
SELECT test.error_of($$SELECT presence_set_state('ann', 'document_d', '[1e100000]')$$) LIKE '22001 %', test.error_of($$SELECT presence_join_document('ann', 'd', '1e9000')$$) LIKE '22001 %';
SELECT length(test.cursor_of('ann', 'd'));
-- From large to small and back, many times: each is whole.
CREATE FUNCTION test.moved(first jsonb, second jsonb) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_move_cursor('ann', 'd', first, second);
    RETURN (SELECT cursor_position = first AND selection_range = second FROM presence.presence_members('document_d'));
END
$$;
SELECT count(*) FROM generate_series(1, 500) AS i WHERE test.moved(test.json_of(9 + i * 37 % 1000), test.json_of(9 + i * 59 % 1000));

-- An older clock is ignored, an equal one is not; a call without a clock always counts, and keeps the last clock.
SELECT presence_move_cursor('ann', 'd', '1', clock => 100);
SELECT presence_move_cursor('ann', 'd', '2', clock => 99);
SELECT test.cursor_of('ann', 'd');
SELECT presence_move_cursor('ann', 'd', '3', clock => 100);
SELECT test.cursor_of('ann', 'd');
SELECT presence_move_cursor('ann', 'd', '4');
SELECT test.cursor_of('ann', 'd');
SELECT presence_move_cursor('ann', 'd', '5', clock => 99);
SELECT test.cursor_of('ann', 'd');
SELECT presence_move_cursor('ann', 'd', '6', clock => 9223372036854775807);
SELECT presence_move_cursor('ann', 'd', '7', clock => 9223372036854775806), presence_move_cursor('ann', 'd', '8', clock => -9223372036854775808);
SELECT test.cursor_of('ann', 'd');
-- A client that joins again counts anew.
SELECT cursor_position FROM presence_join_document('ann', 'd');
SELECT presence_move_cursor('ann', 'd', '9', clock => -5);
SELECT presence_move_cursor('ann', 'd', '10', clock => -6);
SELECT test.cursor_of('ann', 'd');
-- Each member has its own, and each document.
SELECT channel_id FROM presence_join_document('ben', 'd');
SELECT channel_id FROM presence_join_document('ann', 'e');
SELECT presence_move_cursor('ben', 'd', '"ben"', clock => -100), presence_move_cursor('ann', 'e', '"e"', clock => -100);
SELECT test.cursor_of('ann', 'd'), test.cursor_of('ben', 'd'), test.cursor_of('ann', 'e');

-- A move is an activity: last_seen and last_active move. One that is ignored moves nothing.
SELECT last_seen AS seen FROM presence_get('ann') \gset
SELECT last_active AS active FROM presence_members('document_d') WHERE user_id = 'ann' \gset
SELECT presence_move_cursor('ann', 'd', 'false', clock => -100);
SELECT last_seen = :'seen' FROM presence_get('ann');
SELECT presence_move_cursor('ann', 'd', '11');
SELECT last_seen > :'seen' FROM presence_get('ann');
SELECT last_active > :'active' FROM presence_members('document_d') WHERE user_id = 'ann';

-- It is immediate, like nextval: a rollback takes nothing back, and it needs no transaction id.
BEGIN;
SELECT presence_move_cursor('ann', 'd', '12');
SELECT pg_current_xact_id_if_assigned();
ROLLBACK;
SELECT test.cursor_of('ann', 'd');
BEGIN READ ONLY;
SELECT presence_move_cursor('ann', 'd', '13');
COMMIT;
SELECT test.cursor_of('ann', 'd');

-- Who leaves takes its cursor along.
SELECT presence_leave_document('ann', 'd');
SELECT channel_id FROM presence_join_document('ann', 'd');
SELECT test.cursor_of('ann', 'd');
SELECT presence_logout('ben');
SELECT test.error_of($$SELECT presence_move_cursor('ben', 'd', '1')$$) LIKE '55000 %';

-- The row of a join has it at once; the rest comes with the flush.
SELECT channel_id FROM presence_join_document('cleo', 'd', '{"line": 1}', '{"start": 0}');
SELECT test.eventually($$SELECT test.member_row('document_d', 'cleo') IS NOT NULL$$);
SELECT test.member_row('document_d', 'cleo');

SELECT test.error_of($$SELECT presence_move_cursor(NULL, 'd', '1')$$);
SELECT test.error_of($$SELECT presence_move_cursor('', 'd', '1')$$);
SELECT test.error_of($$SELECT presence_move_cursor(repeat('i', 129), 'd', '1')$$);
SELECT test.error_of($$SELECT presence_move_cursor('ann', NULL, '1')$$);
SELECT test.error_of($$SELECT presence_move_cursor('ann', '', '1')$$);
DROP FUNCTION test.cursor_of(text, text), test.json_of(int), test.moved(jsonb, jsonb);
