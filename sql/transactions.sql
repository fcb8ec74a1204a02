--
-- Status changes happen at COMMIT, vanish on ROLLBACK, and their own transaction sees them (promise 3).
-- What two sessions see of each other is in test/isolation.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given a rollback, then no row, no history, no change to any reader.
BEGIN;
SELECT status FROM presence_set_status('ann', 'busy', 'm');
ROLLBACK;
SELECT * FROM presence_get('ann');
SELECT presence_status('ann'), (SELECT count(*) FROM user_presence), (SELECT count(*) FROM presence_history), (SELECT count(*) FROM presence_online_users());
SELECT * FROM presence_counts();

-- Given somebody present, a rollback leaves exactly that.
SELECT status FROM presence_set_status('ben', 'away', 'before');
SELECT presence_get('ben') AS before \gset
BEGIN;
SELECT status FROM presence_set_status('ben', 'busy', 'within');
SELECT status FROM presence_set_status('ben', 'offline', explicit_logout => true);
ROLLBACK;
SELECT presence_get('ben') = :'before'::presence_state, test.row_of('ben'), test.history_of('ben');

-- Own changes are seen by every reader.
BEGIN;
SELECT status FROM presence_set_status('cleo', 'busy', 'own');
SELECT presence_status('cleo'), (presence_get('cleo')).status_message;
SELECT user_id, status FROM presence_get_many(ARRAY['ben', 'cleo']);
SELECT user_id, status, status_message FROM presence_online_users();
SELECT * FROM presence_counts();
SELECT test.row_of('cleo');
SELECT status FROM presence_set_status('ben', 'offline', explicit_logout => true);
SELECT user_id, status FROM presence_online_users();
SELECT user_id, status FROM presence_online_users(1);
SELECT * FROM presence_counts();
SELECT presence_touch('cleo');
SELECT status FROM presence_set_status('cleo', 'online');
SELECT user_id, status FROM presence_online_users();
COMMIT;
SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ben', 'cleo']);
SELECT * FROM presence_counts();
SELECT test.history_of('cleo');

-- A savepoint takes back what came after it.
BEGIN;
SELECT status FROM presence_set_status('dora', 'busy', 'kept');
SAVEPOINT one;
SELECT status FROM presence_set_status('dora', 'away', 'lost');
SELECT status FROM presence_set_status('eve', 'busy');
SAVEPOINT two;
SELECT status FROM presence_set_status('dora', 'online', 'lost too');
RELEASE SAVEPOINT two;
SELECT status, status_message FROM presence_get_many(ARRAY['dora', 'eve']);
ROLLBACK TO SAVEPOINT one;
SELECT status, status_message FROM presence_get_many(ARRAY['dora', 'eve']);
SELECT status FROM presence_set_status('fay', 'away');
COMMIT;
SELECT user_id, status, status_message FROM presence_get_many(ARRAY['dora', 'eve', 'fay']);
SELECT user_id, status FROM user_presence WHERE user_id IN ('dora', 'eve', 'fay') ORDER BY 1;
SELECT test.history_of('dora');
SELECT test.history_of('eve');

-- A released savepoint's changes are its parent's.
BEGIN;
SAVEPOINT one;
SELECT status FROM presence_set_status('gus', 'busy');
RELEASE SAVEPOINT one;
SAVEPOINT one;
SELECT status FROM presence_set_status('gus', 'away');
ROLLBACK TO SAVEPOINT one;
COMMIT;
SELECT presence_status('gus'), test.row_of('gus'), test.history_of('gus');

-- An exception block, nested, in a loop.
DO $$
BEGIN
    FOR i IN 1..50 LOOP
        BEGIN
            PERFORM presence_set_status('hal', CASE WHEN i % 2 = 0 THEN 'busy' ELSE 'away' END, 'kept ' || i);
            BEGIN
                PERFORM presence_set_status('hal', 'online', 'lost');
                PERFORM presence_set_status('ida', 'busy');
                RAISE EXCEPTION 'never mind';
            EXCEPTION WHEN raise_exception THEN
                NULL;
            END;
        EXCEPTION WHEN OTHERS THEN
            RAISE;
        END;
    END LOOP;
END
$$;
SELECT user_id, status, status_message FROM presence_get_many(ARRAY['hal', 'ida']);
SELECT count(*) FROM test.history_of('hal');
SELECT * FROM test.broken_histories();

-- An error within a statement takes its change along.
SELECT test.error_of($$SELECT presence_set_status('jon', 'busy'), 1 / 0$$) ~ '^22012';
SELECT test.error_of($$SELECT (presence_set_status('jon', 'busy')).status, (presence_set_status('kim', 'x')).status$$);
SELECT presence_status('jon'), presence_status('kim');

-- There and back within a transaction: it was never away.
SELECT presence_touch('lea');
SELECT test.eventually($$SELECT count(*) = 1 FROM test.history_of('lea')$$);
BEGIN;
SELECT status FROM presence_set_status('lea', 'busy');
SELECT status FROM presence_set_status('lea', 'online');
COMMIT;
SELECT presence_status('lea'), test.row_of('lea');
SELECT * FROM test.broken_histories();

-- A procedure that commits on its way.
CREATE PROCEDURE test.commits() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_set_status('mia', 'busy');
    COMMIT;
    PERFORM presence.presence_set_status('mia', 'away');
    ROLLBACK;
    PERFORM presence.presence_set_message('mia', 'in the third');
    COMMIT;
END
$$;
CALL test.commits();
SELECT status, status_message FROM presence_get('mia');
SELECT test.history_of('mia');

-- Many changes in one transaction.
BEGIN;
SELECT count(presence_set_status('n' || i % 500, CASE WHEN i < 500 THEN 'busy' ELSE 'away' END)) FROM generate_series(0, 999) AS i;
SELECT busy, away FROM presence_counts();
COMMIT;
SELECT count(*) FROM user_presence WHERE user_id LIKE 'n%' AND status = 'away';
SELECT count(*) FROM presence_history WHERE user_id LIKE 'n%';
SELECT * FROM test.broken_histories();

-- Two-phase commit is refused after a change, and the change with it; without one it is not ours to judge.
BEGIN;
SELECT status FROM presence_set_status('olga', 'busy');
\set VERBOSITY sqlstate
PREPARE TRANSACTION 'regress_presence';
\set VERBOSITY default
SELECT presence_status('olga');
BEGIN;
SELECT presence_reset();
\set VERBOSITY sqlstate
PREPARE TRANSACTION 'regress_presence';
\set VERBOSITY default
SELECT presence_status('dora');

-- Read only: a durable change is refused, a touch and the readers are not.
BEGIN READ ONLY;
SELECT presence_touch('pia'), presence_touch_many(ARRAY['pia', 'quin']);
SELECT presence_status('pia'), (SELECT count(*) > 0 FROM presence_online_users()), (SELECT worker_alive FROM presence_info());
SELECT test.error_of($$SELECT presence_set_status('pia', 'busy')$$);
SELECT test.error_of($$SELECT presence_set_status_many(ARRAY['pia'], ARRAY['busy'])$$);
SELECT test.error_of($$SELECT presence_set_message('pia', 'm')$$);
SELECT test.error_of($$SELECT presence_clear_status('pia')$$);
SELECT test.error_of($$SELECT presence_import('[]')$$);
SELECT test.error_of($$SELECT presence_forget('pia')$$);
SELECT test.error_of($$SELECT presence_reset()$$);
COMMIT;
SELECT status, status_message FROM presence_get('pia');
