--
-- presence_set_state: any small thing of a member, at once; on the same lane as cursors.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE FUNCTION test.state_of(who text, channel text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(state::text, '-') FROM presence.presence_members(channel, 1000) WHERE user_id = who);
END
$$;

-- Given a stranger to the channel, then it has no state there; nor in the channel of everyone, which has no members.
SELECT test.error_of($$SELECT presence_set_state('ann', 'room', '{"hand": true}')$$);
SELECT presence_status('ann');
SELECT user_id FROM presence_join('ann', 'room');
SELECT test.error_of($$SELECT presence_set_state('ann', 'global_presence', '1')$$);

-- Given a member, then the last one wins, and NULL takes it away.
SELECT presence_set_state('ann', 'room', '{"hand": true}');
SELECT test.state_of('ann', 'room');
SELECT presence_set_state('ann', 'room', '{"viewport": [0, 0, 100, 200]}');
SELECT test.state_of('ann', 'room');
SELECT presence_set_state('ann', 'room', NULL);
SELECT test.state_of('ann', 'room');
SELECT presence_set_state('ann', 'room', 'null');
SELECT test.state_of('ann', 'room');

-- It is beside the cursor, with a clock of its own.
SELECT channel_id FROM presence_join_document('ann', 'd', '1', '2');
SELECT presence_set_state('ann', 'document_d', '"s"', 5), presence_move_cursor('ann', 'd', '"c"', clock => 3);
SELECT cursor_position, selection_range, state FROM presence_members('document_d');
SELECT presence_set_state('ann', 'document_d', '"old"', 4), presence_move_cursor('ann', 'd', '"new"', clock => 4);
SELECT cursor_position, selection_range, state FROM presence_members('document_d');
SELECT presence_set_state('ann', 'document_d', '"same"', 5);
SELECT test.state_of('ann', 'document_d');
SELECT user_id FROM presence_join('ann', 'document_d');
SELECT presence_set_state('ann', 'document_d', '"anew"', 1);
SELECT cursor_position, state FROM presence_members('document_d');

-- 1 kB as jsonb, to the byte.
SELECT presence_set_state('ann', 'room', to_jsonb(repeat('x', 1016)));
SELECT length(state #>> '{}') FROM presence_members('room');
SELECT test.error_of($$SELECT presence_set_state('ann', 'room', to_jsonb(repeat('x', 1017)))$$);
SELECT length(state #>> '{}') FROM presence_members('room');

-- It is immediate: no rollback takes it back, no transaction id, fine in READ ONLY. It moves last_active.
BEGIN READ ONLY;
SELECT presence_set_state('ann', 'room', '1');
SELECT pg_current_xact_id_if_assigned();
ROLLBACK;
SELECT test.state_of('ann', 'room');
SELECT user_id FROM presence_join('ben', 'room');
SELECT presence_set_state('ann', 'room', '2');
SELECT test.members('room');

-- Ids of every type; every argument by name.
SELECT user_id FROM presence_join(42, 7);
SELECT presence_set_state(42, 7, '1'), presence_set_state(42::bigint, 7::smallint, '2'), presence_set_state('42'::varchar, '7'::varchar, '3'), presence_set_state('42'::text, '7'::text, '4');
SELECT test.state_of('42', '7');
SELECT user_id FROM presence_join('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'::uuid);
SELECT presence_set_state('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'::uuid, '5');
SELECT presence_set_state(user_id => '42', channel_id => '7', state => '6', clock => 7);
SELECT test.state_of('42', '7'), test.state_of('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');
PREPARE untyped AS SELECT presence_set_state($1, $2, $3, $4);
EXECUTE untyped('42', '7', '8', 9);
DEALLOCATE untyped;
SELECT test.state_of('42', '7');

-- Who leaves takes it along.
SELECT presence_leave('ann', 'room');
SELECT user_id FROM presence_join('ann', 'room');
SELECT test.state_of('ann', 'room');

SELECT test.error_of($$SELECT presence_set_state(NULL, 'room', '1')$$);
SELECT test.error_of($$SELECT presence_set_state('', 'room', '1')$$);
SELECT test.error_of($$SELECT presence_set_state(repeat('i', 129), 'room', '1')$$);
SELECT test.error_of($$SELECT presence_set_state('ann', NULL, '1')$$);
SELECT test.error_of($$SELECT presence_set_state('ann', '', '1')$$);
SELECT test.error_of($$SELECT presence_set_state('ann', repeat('c', 129), '1')$$);
DROP FUNCTION test.state_of(text, text);
