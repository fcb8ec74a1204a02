--
-- join and leave happen at COMMIT, vanish on ROLLBACK, and their own transaction sees them (promise 3). Cursors, states and typing are immediate.
-- What two sessions see of each other is in test/isolation.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE FUNCTION test.see(who text, channel text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT format('%s %s, data %s, cursor %s, state %s', user_id, status, coalesce(user_data::text, '-'), coalesce(cursor_position::text, '-'), coalesce(state::text, '-'))
            FROM presence.presence_members(channel, 1000) WHERE user_id = who);
END
$$;

-- Given a rollback, then nothing is left of a join: no member, no user, no session, no row.
BEGIN;
SELECT user_id, session_ids FROM presence_join('ann', 'room', '{"name": "Ann"}', 'ann 1');
SELECT test.see('ann', 'room'), presence_member_count('room'), presence_channels('ann');
SELECT status, session_count FROM presence_get('ann');
ROLLBACK;
SELECT test.see('ann', 'room'), presence_member_count('room'), (SELECT count(*) FROM presence_channels('ann')), presence_heartbeat('ann 1');
SELECT status, session_count, last_seen, user_data FROM presence_get('ann');
SELECT user_id FROM presence_join('ben', 'room');
SELECT test.eventually($$SELECT count(*) = 1 FROM channel_presence WHERE user_id = 'ben'$$);
SELECT user_id FROM channel_presence;
SELECT count(*) FROM user_presence WHERE user_id = 'ann';

-- A leave that is rolled back was none: everything is as it was.
SELECT channel_id FROM presence_join_document('cleo', 'd', '1', '2', '{"name": "Cleo"}', 'cleo 1');
SELECT presence_set_state('cleo', 'document_d', '"s"');
BEGIN;
SELECT presence_leave_document('cleo', 'd');
SELECT test.see('cleo', 'document_d'), presence_member_count('document_d'), (SELECT count(*) FROM presence_channels('cleo'));
SELECT presence_leave_document('cleo', 'd'), presence_leave('cleo', 'document_d', 'cleo 1');
ROLLBACK;
SELECT test.see('cleo', 'document_d'), presence_member_count('document_d');

-- One that has left is another when it joins, for its own transaction as well, whether its row is deleted by then or not.
DO $$
BEGIN
    FOR i IN 1..20 LOOP
        PERFORM presence_join('cleo', 'twice', '{"n": 1}');
        COMMIT;
        PERFORM presence_set_state('cleo', 'twice', '1');
        PERFORM presence_leave('cleo', 'twice');
        COMMIT;
        IF (SELECT (user_data, state) IS DISTINCT FROM (NULL::jsonb, NULL::jsonb) FROM presence_join('cleo', 'twice')) THEN
            RAISE 'something of before is left';
        END IF;
        ROLLBACK;
    END LOOP;
END
$$;

-- Join and leave in one transaction: it was there for nobody.
BEGIN;
SELECT user_id FROM presence_join('dora', 'room');
SELECT presence_leave('dora', 'room');
SELECT test.see('dora', 'room'), presence_member_count('room');
COMMIT;
SELECT test.see('dora', 'room'), presence_member_count('room'), presence_status('dora');
-- Leave and join: it is there, and anew.
SELECT joined_at FROM presence_members('document_d') \gset
BEGIN;
SELECT presence_leave_document('cleo', 'd');
SELECT presence_move_cursor('cleo', 'd', '"for others"');
SELECT joined_at > :'joined_at', cursor_position, selection_range, state, user_data, session_ids FROM presence_join_document('cleo', 'd', session_id => 'cleo 1');
SELECT test.see('cleo', 'document_d');
COMMIT;
SELECT test.see('cleo', 'document_d');
SELECT joined_at > :'joined_at' FROM presence_members('document_d');

-- A savepoint takes back what came after it.
BEGIN;
SELECT user_id FROM presence_join('eve', 'one', '{"n": 1}');
SAVEPOINT a;
SELECT user_id FROM presence_join('eve', 'two', '{"n": 2}');
SELECT user_id FROM presence_join('eve', 'one', '{"n": 3}');
SELECT test.see('eve', 'one'), test.see('eve', 'two');
SAVEPOINT b;
SELECT presence_leave('eve', 'one');
SELECT presence_channels('eve');
ROLLBACK TO SAVEPOINT b;
SELECT string_agg(c, ' ') FROM presence_channels('eve') AS c;
RELEASE SAVEPOINT b;
ROLLBACK TO SAVEPOINT a;
SELECT string_agg(c, ' ') FROM presence_channels('eve') AS c;
SELECT test.see('eve', 'one'), test.see('eve', 'two'), presence_member_count('two');
SAVEPOINT c;
SELECT user_id FROM presence_join('eve', 'three');
RELEASE SAVEPOINT c;
COMMIT;
SELECT string_agg(c, ' ') FROM presence_channels('eve') AS c;
SELECT test.see('eve', 'one'), test.see('eve', 'two');
BEGIN;
SAVEPOINT a;
SELECT presence_leave('eve', 'one');
ROLLBACK TO SAVEPOINT a;
COMMIT;
SELECT test.see('eve', 'one');

-- An exception block, nested, in a loop.
DO $$
BEGIN
    FOR i IN 1..50 LOOP
        BEGIN
            PERFORM presence_join('fay', 'ch ' || i);
            BEGIN
                PERFORM presence_join('fay', 'lost ' || i);
                PERFORM presence_leave('fay', 'ch ' || i);
                PERFORM presence_join('gus', 'ch ' || i);
                RAISE EXCEPTION 'never mind';
            EXCEPTION WHEN raise_exception THEN
                NULL;
            END;
            IF i % 2 = 0 THEN
                PERFORM presence_leave('fay', 'ch ' || i);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            RAISE;
        END;
    END LOOP;
END
$$;
SELECT count(*), count(*) FILTER (WHERE c LIKE 'lost%') FROM presence_channels('fay') AS c;
SELECT presence_status('gus'), (SELECT count(*) FROM presence_channels('gus')), presence_member_count('ch 1'), presence_member_count('ch 2'), presence_member_count('lost 1');

-- Join, then move and set a state in the same transaction: nobody else sees them before the COMMIT, then all of it.
BEGIN;
SELECT channel_id FROM presence_join_document('hal', 'd2');
SELECT presence_move_cursor('hal', 'd2', '{"line": 1}', '[1, 2]');
SELECT test.see('hal', 'document_d2');
SELECT presence_set_state('hal', 'document_d2', '"hand"');
SELECT presence_move_cursor('hal', 'd2', '{"line": 2}');
SELECT test.see('hal', 'document_d2');
COMMIT;
SELECT test.see('hal', 'document_d2');
SELECT presence_move_cursor('hal', 'd2', '{"line": 3}');
SELECT test.see('hal', 'document_d2');
-- With a rollback nothing is left of them.
BEGIN;
SELECT channel_id FROM presence_join_document('ida', 'd2');
SELECT presence_move_cursor('ida', 'd2', '1'), presence_set_state('ida', 'document_d2', '2');
ROLLBACK;
SELECT test.see('ida', 'document_d2'), presence_status('ida');
SELECT test.error_of($$SELECT presence_move_cursor('ida', 'd2', '1')$$) LIKE '55000 %';
-- Its clock counts afterwards.
BEGIN;
SELECT channel_id FROM presence_join_document('ida', 'd2');
SELECT presence_move_cursor('ida', 'd2', '"new"', clock => 5);
COMMIT;
SELECT presence_move_cursor('ida', 'd2', '"old"', clock => 4);
SELECT test.see('ida', 'document_d2');
-- Who has left in this transaction, and is there for all others, moves for them.
BEGIN;
SELECT presence_leave_document('hal', 'd2');
SELECT presence_move_cursor('hal', 'd2', '"others"');
ROLLBACK;
SELECT test.see('hal', 'document_d2');

-- Connect, join, set a status, in one transaction.
BEGIN;
SELECT status FROM presence_connect('jon', 'jon 1', '{"name": "Jon"}');
SELECT user_data, session_ids FROM presence_join('jon', 'room');
SELECT status FROM presence_connect('jon', 'jon 2', '{"name": "John"}', status => 'busy');
SELECT test.see('jon', 'room');
SELECT session_ids FROM presence_join('jon', 'other');
SELECT session_ids FROM presence_join('jon', 'other', session_id => 'jon 1');
SELECT status FROM presence_set_status('jon', 'away', 'brb');
SELECT test.see('jon', 'room'), test.see('jon', 'other');
COMMIT;
SELECT test.see('jon', 'room'), test.see('jon', 'other');
SELECT test.eventually($$SELECT count(*) = 2 FROM channel_presence WHERE user_id = 'jon'$$);
SELECT test.member_row('room', 'jon');
SELECT test.member_row('other', 'jon');
-- A logout leaves what was joined before it, not what is joined after it.
BEGIN;
SELECT user_id FROM presence_join('kim', 'before');
SELECT presence_logout('kim');
SELECT string_agg(c, ' ') FROM presence_channels('kim') AS c;
SELECT user_id FROM presence_join('kim', 'after');
SELECT string_agg(c, ' ') FROM presence_channels('kim') AS c;
COMMIT;
SELECT string_agg(c, ' ') FROM presence_channels('kim') AS c;
SELECT presence_status('kim'), presence_member_count('before');
BEGIN;
SELECT presence_forget('kim');
SELECT (SELECT count(*) FROM presence_channels('kim')), presence_member_count('after');
SELECT user_id FROM presence_join('kim', 'again');
COMMIT;
SELECT presence_channels('kim');
SELECT test.eventually($$SELECT count(*) = 0 FROM channel_presence WHERE channel_id = 'after'$$);
-- A disconnect in the same transaction: a member stays for the grace.
BEGIN;
SELECT user_id FROM presence_join('lea', 'room', session_id => 'lea 1');
SELECT presence_disconnect('lea 1');
COMMIT;
SELECT test.see('lea', 'room');

-- Without a session_id the newest one joins: the row says which.
SELECT session_id FROM presence_connect('mia', 'mia 1');
SELECT session_id FROM presence_connect('mia', 'mia 2');
SELECT presence_touch('mia', session_id => 'mia 1');
SELECT session_ids FROM presence_join('mia', 'newest');
SELECT test.eventually($$SELECT count(*) = 1 FROM channel_presence WHERE user_id = 'mia'$$);
SELECT test.member_row('newest', 'mia');

-- Many in one transaction; then all of them go.
BEGIN;
SELECT count(c.user_id) FROM generate_series(1, 2000) AS i, LATERAL presence_join('n' || i % 100, 'hall ' || i / 100) AS c;
SELECT presence_member_count('hall 1'), presence_member_count('hall 19'), (SELECT count(*) FROM presence_channels('n7')), (SELECT count(*) FROM presence_members('hall 1', 1000));
COMMIT;
SELECT presence_member_count('hall 1'), presence_member_count('hall 19'), (SELECT count(*) FROM presence_channels('n7')), (SELECT count(*) FROM presence_members('hall 1', 1000));
BEGIN;
SELECT count(*) FROM generate_series(1, 2000) AS i WHERE presence_leave('n' || i % 100, 'hall ' || i / 100);
SELECT presence_member_count('hall 1');
ROLLBACK;
SELECT presence_member_count('hall 1');
BEGIN;
SELECT count(*) FROM generate_series(1, 2000) AS i WHERE presence_leave('n' || i % 100, 'hall ' || i / 100);
COMMIT;
SELECT presence_member_count('hall 1'), presence_member_count('hall 19');
SELECT test.eventually($$SELECT count(*) = 0 FROM channel_presence WHERE channel_id LIKE 'hall%'$$);

-- Two-phase commit is refused after a join and after a leave, and the change with it.
BEGIN;
SELECT user_id FROM presence_join('nora', 'room');
\set VERBOSITY sqlstate
PREPARE TRANSACTION 'regress_presence';
\set VERBOSITY default
SELECT presence_status('nora'), test.see('nora', 'room');
SELECT user_id FROM presence_join('nora', 'room');
BEGIN;
SELECT presence_leave('nora', 'room');
\set VERBOSITY sqlstate
PREPARE TRANSACTION 'regress_presence';
\set VERBOSITY default
SELECT test.see('nora', 'room');
-- READ ONLY: all of them write shared memory alone.
BEGIN READ ONLY;
SELECT user_id FROM presence_join('olga', 'room');
SELECT channel_id FROM presence_join_document('olga', 'd');
SELECT presence_move_cursor('olga', 'd', '1'), presence_set_state('olga', 'room', '2'), presence_typing('olga', 'room'), presence_leave('olga', 'room');
SELECT pg_current_xact_id_if_assigned();
COMMIT;
SELECT test.see('olga', 'document_d'), test.see('olga', 'room');

-- A procedure that commits on its way.
CREATE PROCEDURE test.joins() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_join('pia', 'one');
    COMMIT;
    PERFORM presence.presence_leave('pia', 'one');
    PERFORM presence.presence_join('pia', 'lost');
    ROLLBACK;
    PERFORM presence.presence_join('pia', 'two');
    COMMIT;
END
$$;
CALL test.joins();
SELECT string_agg(c, ' ') FROM presence_channels('pia') AS c;

-- A statement that fails takes its joins along.
SELECT test.error_of($$SELECT presence_join('quin', 'room'), 1 / (SELECT 0)$$) LIKE '22012 %';
SELECT presence_status('quin'), test.see('quin', 'room');
DROP FUNCTION test.see(text, text);
DROP PROCEDURE test.joins();
SELECT * FROM test.broken_histories();
