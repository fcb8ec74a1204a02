--
-- presence_join_document, presence_leave_document: a document is the channel document_<id>. The view document_presence.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given nobody, when somebody joins a document, then it is in its channel, with cursor and selection, and the view has the columns of the guide.
SELECT channel_id, user_id, joined_at = last_active, cursor_position, selection_range, state, user_data, session_ids
FROM presence_join_document('ann', 'd1', '{"line": 1, "column": 5}', '{"start": 10, "end": 20}', '{"color": "red"}', 'ann 1');
SELECT presence_channels('ann'), presence_member_count('document_d1'), test.members('document_d1');
SELECT user_id, cursor_position, selection_range, state, user_data FROM presence_members('document_d1');
SELECT test.eventually($$SELECT count(*) = 1 FROM document_presence$$);
SELECT document_id, user_id, joined_at = last_active, cursor_position, selection_range FROM document_presence;
SELECT test.member_row('document_d1', 'ann');
SELECT string_agg(format('%s %s', attname, format_type(atttypid, NULL)), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'document_presence'::regclass AND attnum > 0;

-- Joining again is an update: a cursor that is not given is kept, one without a selection has none.
SELECT cursor_position, selection_range, user_data FROM presence_join_document('ann', 'd1');
SELECT cursor_position, selection_range, user_data FROM presence_join_document('ann', 'd1', '{"line": 2}');
SELECT cursor_position, selection_range, user_data FROM presence_join_document('ann', 'd1', selection_range => '[1, 2]');
SELECT test.eventually($$SELECT test.member_row('document_d1', 'ann') LIKE '%selection [1, 2]%'$$);
SELECT test.member_row('document_d1', 'ann');

-- The channel may be joined under its own name as well: it is the same.
SELECT channel_id, user_id FROM presence_join('ben', 'document_d1');
SELECT test.members('document_d1');
SELECT presence_move_cursor('ben', 'd1', '7');
SELECT user_id, cursor_position FROM presence_members('document_d1', 1);
SELECT presence_leave_document('ben', 'd1'), presence_leave('ann', 'document_d1');
SELECT presence_member_count('document_d1');
SELECT test.eventually($$SELECT count(*) = 0 FROM document_presence$$);
SELECT presence_leave_document('ben', 'd1'), presence_leave_document('nobody', 'd1'), presence_leave_document('ann', 'other');

-- A room is no document, whatever it is called.
SELECT channel_id FROM presence_join('ann', 'document');
SELECT channel_id FROM presence_join('ann', 'documents_x');
SELECT channel_id FROM presence_join('ann', 'Document_x');
SELECT channel_id FROM presence_join('ann', 'document_');
SELECT channel_id FROM presence_join_document('ann', 'document_x');
SELECT channel_id FROM presence_join_document('ann', 'global_presence');
SELECT test.eventually($$SELECT count(*) = 6 FROM channel_presence$$);
SELECT document_id FROM document_presence ORDER BY document_id COLLATE "C";

-- Two sessions of one user in a document: it leaves with the last.
SELECT session_ids FROM presence_join_document('cleo', 'd2', session_id => 'cleo 1');
SELECT session_ids FROM presence_join_document('cleo', 'd2', session_id => 'cleo 2');
SELECT presence_leave_document('cleo', 'd2', 'cleo 1'), presence_leave_document('cleo', 'd2', 'cleo 1');
SELECT test.members('document_d2');
SELECT presence_leave_document('cleo', 'd2', session_id => 'cleo 2');
SELECT test.members('document_d2');

-- A user and a document of every type: literals, untyped parameters, smallint, int, bigint, uuid, varchar, text, name.
SELECT channel_id, user_id FROM presence_join_document('42', '7');
SELECT channel_id, user_id FROM presence_join_document(42, 7);
SELECT channel_id, user_id FROM presence_join_document(42::smallint, 7::smallint);
SELECT channel_id, user_id FROM presence_join_document(42::bigint, 7::bigint);
SELECT channel_id, user_id FROM presence_join_document('42'::varchar, '7'::varchar);
SELECT channel_id, user_id FROM presence_join_document('42'::text, '7'::text);
SELECT channel_id, user_id FROM presence_join_document('42'::name, '7'::name);
SELECT channel_id, user_id FROM presence_join_document('42'::presence_id, '7'::presence_id);
SELECT channel_id, user_id FROM presence_join_document(-1, (-9223372036854775808)::bigint);
SELECT channel_id, user_id FROM presence_join_document('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A12'::uuid);
SELECT test.members('document_7'), test.members('document_a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');
PREPARE untyped AS SELECT channel_id, user_id FROM presence_join_document($1, $2, $3, $4, $5, $6);
PREPARE as_int(int, int) AS SELECT channel_id, user_id FROM presence_join_document($1, $2);
PREPARE as_uuid(uuid, uuid) AS SELECT channel_id, user_id FROM presence_join_document($1, $2);
PREPARE as_text(text, text, jsonb) AS SELECT channel_id, user_id, cursor_position FROM presence_join_document($1, $2, $3);
PREPARE as_varchar(varchar, varchar) AS SELECT channel_id, user_id FROM presence_join_document($1, $2);
PREPARE as_mixed(bigint, smallint) AS SELECT channel_id, user_id FROM presence_join_document($1, $2);
EXECUTE untyped('p1', 'q', '1', '2', '{}', 's1');
EXECUTE as_int(2, 3);
EXECUTE as_uuid('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a14');
EXECUTE as_text('p4', 'q', '{"x": 1}');
EXECUTE as_varchar('p5', 'q');
EXECUTE as_mixed(6, 7);
DEALLOCATE ALL;
SELECT presence_move_cursor(42, 7, '1'), presence_move_cursor(42::smallint, 7::bigint, '2'), presence_move_cursor('42'::varchar, '7'::varchar, '3'), presence_move_cursor(42::bigint, 7::smallint, '4');
SELECT cursor_position FROM presence_members('document_7') WHERE user_id = '42';
SELECT presence_move_cursor('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'::uuid, '5');
SELECT presence_leave_document(42, 7), presence_leave_document(-1, (-9223372036854775808)::bigint), presence_leave_document('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'::uuid),
       presence_leave_document('p5'::varchar, 'q'::varchar), presence_leave_document(2::bigint, 3::smallint);
-- It joins with the application's own tables.
SELECT d.id, m.user_id FROM (VALUES (7), (8)) AS d(id), presence_members('document_' || d.id) AS m ORDER BY 1, 2;

-- Every argument by name.
SELECT channel_id, user_id, cursor_position, selection_range, user_data, session_ids
FROM presence_join_document(user_id => 'dora', document_id => 'd3', cursor_position => '1', selection_range => '[]', user_data => '{"a": 1}', session_id => 'dora 1');
SELECT presence_move_cursor(user_id => 'dora', document_id => 'd3', cursor_position => '2', selection_range => NULL, clock => NULL);
SELECT presence_leave_document(user_id => 'dora', document_id => 'd3', session_id => 'dora 1');

-- A document's id has 1 to 119 bytes: its channel has 128.
SELECT length(channel_id), right(channel_id, 2) FROM presence_join_document('eve', repeat('d', 119));
SELECT length(channel_id), octet_length(channel_id) FROM presence_join_document('eve', repeat('ü', 59) || 'x');
SELECT test.eventually($$SELECT max(length(document_id)) = 119 FROM document_presence WHERE user_id = 'eve'$$);
SELECT presence_move_cursor('eve', repeat('d', 119), '1'), presence_leave_document('eve', repeat('d', 119));
SELECT test.error_of($$SELECT presence_join_document('eve', repeat('d', 120))$$);
SELECT test.error_of($$SELECT presence_join_document('eve', repeat('ü', 60))$$);
SELECT test.error_of($$SELECT presence_leave_document('eve', repeat('d', 120))$$);
SELECT test.error_of($$SELECT presence_move_cursor('eve', repeat('d', 120), '1')$$);

-- Bad input changes nothing.
SELECT test.error_of($$SELECT presence_join_document(NULL, 'd')$$);
SELECT test.error_of($$SELECT presence_join_document('', 'd')$$);
SELECT test.error_of($$SELECT presence_join_document(repeat('i', 129), 'd')$$);
SELECT test.error_of($$SELECT presence_join_document('fay', NULL)$$);
SELECT test.error_of($$SELECT presence_join_document('fay', NULL::int)$$);
SELECT test.error_of($$SELECT presence_join_document('fay', '')$$);
SELECT test.error_of($$SELECT presence_join_document('fay', 'd', session_id => '')$$);
SELECT test.error_of($$SELECT presence_join_document('fay', 'd', user_data => '[]')$$);
SELECT test.error_of($$SELECT presence_join_document('fay', 'd', jsonb_build_object('x', repeat('x', 1024)))$$);
SELECT test.error_of($$SELECT presence_join_document('fay', 'd', '1', jsonb_build_object('x', repeat('x', 1024)))$$);
SELECT test.error_of($$SELECT presence_join_document('fay', 'd', session_id => 'cleo 1')$$);
SELECT test.error_of($$SELECT presence_leave_document(NULL, 'd')$$);
SELECT test.error_of($$SELECT presence_leave_document('', 'd')$$);
SELECT test.error_of($$SELECT presence_leave_document('fay', NULL)$$);
SELECT test.error_of($$SELECT presence_leave_document('fay', '')$$);
SELECT test.error_of($$SELECT presence_leave_document('fay', 'd', '')$$);
SELECT presence_status('fay'), presence_member_count('document_d');
-- The view is as closed as its table.
SELECT test.error_of($$UPDATE document_presence SET cursor_position = '1'$$);
SELECT test.error_of($$DELETE FROM document_presence$$);
