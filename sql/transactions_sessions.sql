--
-- connect, disconnect and logout happen at COMMIT, vanish on ROLLBACK, and their own transaction sees them (promise 3).
-- Heartbeats and touches are immediate. What two sessions see of each other is in test/isolation.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given a rollback, then nothing is left of a connect.
BEGIN;
SELECT session_id, status FROM presence_connect('ann', 'ann 1', '{"name": "Ann"}', page_url => '/p');
ROLLBACK;
SELECT * FROM presence_get('ann');
SELECT presence_status('ann'), presence_heartbeat('ann 1'), (SELECT count(*) FROM presence_sessions('ann')), (SELECT count(*) FROM presence_online_users());
SELECT * FROM presence_counts();
SELECT session_id FROM presence_connect('ben', 'ann 1');
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_history WHERE user_id = 'ben'$$);
SELECT count(*) FROM user_presence WHERE user_id = 'ann';

-- Every reader sees the own connects, disconnects and logouts.
SELECT presence_reset();
BEGIN;
SELECT session_id, status FROM presence_connect('cleo', 'cleo 1', '{"name": "Cleo"}', page_url => '/one');
SELECT presence_status('cleo');
SELECT status, session_count, current_page, user_data, last_seen <= clock_timestamp() FROM presence_get('cleo');
SELECT user_id, status, session_count, user_data FROM presence_online_users();
SELECT * FROM presence_counts();
SELECT status FROM presence_connect('cleo', 'cleo 2', status => 'busy');
SELECT user_id, status, session_count FROM presence_online_users(1);
SELECT * FROM presence_counts();
SELECT presence_disconnect('cleo 2');
SELECT status, session_count FROM presence_get('cleo');
SELECT presence_disconnect('cleo 2'), presence_disconnect('cleo 1');
SELECT status, session_count FROM presence_get_many(ARRAY['cleo']);
SELECT status FROM presence_connect('cleo', 'cleo 3', status => 'away');
SELECT status, session_count FROM presence_get('cleo');
SELECT presence_logout('cleo');
SELECT status, session_count FROM presence_get('cleo');
SELECT count(*) FROM presence_online_users();
SELECT * FROM presence_counts();
SELECT status FROM presence_connect('cleo', 'cleo 4');
SELECT status, session_count FROM presence_get('cleo');
COMMIT;
SELECT status, session_count, current_page, user_data FROM presence_get('cleo');
SELECT session_id, status FROM presence_sessions('cleo');
SELECT * FROM presence_counts();
SELECT * FROM test.broken_histories();

-- A disconnect that is rolled back was none: the session is as it was.
SELECT session_id FROM presence_connect('dora', 'dora 1');
SELECT presence_heartbeat('dora 1');
BEGIN;
SELECT presence_disconnect('dora 1', 'own words');
SELECT status, session_count FROM presence_get('dora');
ROLLBACK;
SELECT status, session_count FROM presence_get('dora');
SELECT presence_heartbeat('dora 1');
-- Nor was a logout.
BEGIN;
SELECT presence_logout('dora');
SELECT presence_status('dora'), test.row_of('dora');
ROLLBACK;
SELECT status, session_count FROM presence_get('dora');
SELECT session_id FROM presence_sessions('dora');
SELECT presence_heartbeat('dora 1');
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_history WHERE user_id = 'dora'$$);
SELECT test.history_of('dora');

-- A savepoint takes back what came after it.
BEGIN;
SELECT status FROM presence_connect('eve', 'eve 1', '{"n": 1}');
SAVEPOINT one;
SELECT status FROM presence_connect('eve', 'eve 2', '{"n": 2}', status => 'busy');
SELECT presence_disconnect('eve 1');
SAVEPOINT two;
SELECT presence_logout('eve');
SELECT status, session_count FROM presence_get('eve');
ROLLBACK TO SAVEPOINT two;
SELECT status, session_count, user_data FROM presence_get('eve');
RELEASE SAVEPOINT two;
ROLLBACK TO SAVEPOINT one;
SELECT status, session_count, user_data FROM presence_get('eve');
SELECT presence_disconnect('eve 2');
SAVEPOINT three;
SELECT status FROM presence_connect('eve', 'eve 3', status => 'away');
RELEASE SAVEPOINT three;
COMMIT;
SELECT status, session_count, user_data FROM presence_get('eve');
SELECT session_id, status FROM presence_sessions('eve') ORDER BY 1;
SELECT presence_heartbeat_many(ARRAY['eve 1', 'eve 2', 'eve 3']);
-- A session that a savepoint took back is free for others, before the commit too.
BEGIN;
SAVEPOINT one;
SELECT status FROM presence_connect('fay', 'fay 1');
SELECT test.error_of($$SELECT presence_connect('gus', 'fay 1')$$);
ROLLBACK TO SAVEPOINT one;
SELECT status FROM presence_connect('gus', 'fay 1');
COMMIT;
SELECT presence_status('fay'), session_count FROM presence_get('gus');

-- An exception block, nested, in a loop.
DO $$
BEGIN
    FOR i IN 1..50 LOOP
        BEGIN
            PERFORM presence_connect('hal', 'hal ' || i);
            BEGIN
                PERFORM presence_connect('hal', 'lost ' || i, status => 'busy');
                PERFORM presence_disconnect('hal ' || i);
                PERFORM presence_connect('ida', 'ida ' || i);
                RAISE EXCEPTION 'never mind';
            EXCEPTION WHEN raise_exception THEN
                NULL;
            END;
            IF i % 2 = 0 THEN
                PERFORM presence_disconnect('hal ' || i);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            RAISE;
        END;
    END LOOP;
END
$$;
SELECT user_id, status, session_count FROM presence_get_many(ARRAY['hal', 'ida']);
SELECT count(*), count(*) FILTER (WHERE session_id LIKE 'lost%') FROM presence_sessions('hal');
SELECT cardinality(presence_heartbeat_many((SELECT array_agg('hal ' || i) FROM generate_series(1, 50) AS i)));

-- Connect, disconnect and set_status in one transaction: one chain of history, each step at its moment and with its reason.
CREATE FUNCTION test.moments_of(wanted text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT format('%s > %s (%s)%s', previous_status, new_status, change_reason, CASE WHEN changed_at NOT BETWEEN clock_timestamp() - interval '5 min' AND clock_timestamp() THEN ' at a wrong moment' END)
                 FROM presence.presence_history WHERE user_id = wanted ORDER BY changed_at;
END
$$;
BEGIN;
SELECT status FROM presence_connect('jon', 'jon 1');
SELECT status, session_count FROM presence_set_status('jon', 'busy', 'm', 'own');
SELECT test.moments_of('jon');
SELECT presence_disconnect('jon 1');
SELECT status, session_count FROM presence_get('jon');
SELECT status FROM presence_connect('jon', 'jon 2', status => 'away');
SELECT status, session_count FROM presence_set_status('jon', 'online');
SELECT status, session_count FROM presence_set_status('jon', 'busy', session_id => 'jon 1');
SELECT status, session_count FROM presence_get('jon');
COMMIT;
SELECT status, session_count FROM presence_get('jon');
SELECT session_id, status FROM presence_sessions('jon') ORDER BY 1;
SELECT test.eventually($$SELECT status = 'busy' FROM user_presence WHERE user_id = 'jon'$$);
SELECT test.moments_of('jon');
BEGIN;
SELECT status FROM presence_connect('kim', 'kim 1');
SELECT status FROM presence_set_status('kim', 'away', session_id => 'kim 1');
SELECT status FROM presence_set_status('kim', 'offline', explicit_logout => true);
SELECT status FROM presence_connect('kim', 'kim 1');
COMMIT;
SELECT status, session_count FROM presence_get('kim');
SELECT test.eventually($$SELECT count(*) = 4 FROM presence_history WHERE user_id = 'kim'$$);
SELECT test.moments_of('kim');
-- Connect and logout: it was there for nobody.
BEGIN;
SELECT status FROM presence_connect('lea', 'lea 1');
SELECT presence_logout('lea');
COMMIT;
SELECT status, session_count FROM presence_get('lea');
SELECT presence_heartbeat('lea 1');
SELECT test.moments_of('lea');
-- Connect and forget.
BEGIN;
SELECT status FROM presence_connect('mia', 'mia 1', '{"name": "Mia"}');
SELECT presence_forget('mia');
SELECT status, session_count, user_data FROM presence_get('mia');
COMMIT;
SELECT * FROM presence_get('mia');
SELECT presence_heartbeat('mia 1');
BEGIN;
SELECT presence_forget('jon');
SELECT status FROM presence_connect('jon', 'jon 1');
COMMIT;
SELECT status, session_count, status_message FROM presence_get('jon');
SELECT session_id FROM presence_sessions('jon');
SELECT * FROM test.broken_histories();

-- Many in one transaction: ten thousand sessions of a thousand users; then all of them go.
BEGIN;
SELECT count(c.session_id) FROM generate_series(1, 10000) AS i, LATERAL presence_connect('n' || i % 1000, 'n ' || i) AS c;
SELECT session_count FROM presence_get('n7');
COMMIT;
SELECT session_count FROM presence_get('n7');
SELECT sum(session_count) FROM presence_get_many((SELECT array_agg('n' || i) FROM generate_series(0, 999) AS i));
BEGIN;
SELECT count(*) FROM generate_series(1, 10000) AS i WHERE presence_disconnect('n ' || i);
SELECT session_count FROM presence_get('n7');
ROLLBACK;
SELECT session_count FROM presence_get('n7');
BEGIN;
SELECT sum(presence_logout('n' || i)) FROM generate_series(0, 999) AS i;
COMMIT;
SELECT count(*) FROM presence_online_users(10000) WHERE user_id LIKE 'n%';
-- Ten of one user, each said something of; a hundred, seen by others.
BEGIN;
SELECT count(c.session_id) FROM generate_series(1, 10) AS i, LATERAL presence_connect('olga', 'olga ' || i) AS c;
SELECT status, session_count FROM presence_get('olga');
SELECT count(*) FROM generate_series(1, 9) AS i WHERE presence_disconnect('olga ' || i);
SELECT status, session_count FROM presence_get('olga');
COMMIT;
SELECT status, session_count FROM presence_get('olga');
BEGIN;
SELECT count(c.session_id) FROM generate_series(1, 100) AS i, LATERAL presence_connect('olga', 'olga ' || i) AS c;
SELECT count(*) FROM generate_series(1, 99) AS i WHERE presence_disconnect('olga ' || i);
COMMIT;
SELECT status, session_count FROM presence_get('olga');

-- Two-phase commit is refused after each of them, and the change with it.
BEGIN;
SELECT status FROM presence_connect('pia', 'pia 1');
\set VERBOSITY sqlstate
PREPARE TRANSACTION 'regress_presence';
\set VERBOSITY default
SELECT presence_status('pia'), presence_heartbeat('pia 1');
SELECT status FROM presence_connect('pia', 'pia 1');
BEGIN;
SELECT presence_disconnect('pia 1');
\set VERBOSITY sqlstate
PREPARE TRANSACTION 'regress_presence';
\set VERBOSITY default
BEGIN;
SELECT presence_logout('pia');
\set VERBOSITY sqlstate
PREPARE TRANSACTION 'regress_presence';
\set VERBOSITY default
SELECT status, session_count FROM presence_get('pia');
SELECT presence_heartbeat('pia 1');

-- READ ONLY: heartbeats and touches, a session that a touch makes too; connect and disconnect write shared memory alone.
BEGIN READ ONLY;
SELECT presence_touch('quin', 'kind', '/page', 'quin 1'), presence_heartbeat('quin 1'), presence_heartbeat_many(ARRAY['quin 1', 'x']), presence_gateway('node');
SELECT session_id FROM presence_sessions('quin');
SELECT status FROM presence_connect('quin', 'quin 2');
SELECT presence_disconnect('quin 1');
SELECT test.error_of($$SELECT presence_logout('quin')$$) LIKE '25006 %';
SELECT test.error_of($$SELECT presence_set_status('quin', 'busy', session_id => 'quin 1')$$) LIKE '25006 %';
ROLLBACK;
SELECT status, session_count FROM presence_get('quin');
SELECT session_id FROM presence_sessions('quin');

-- A touch in a session that is only wished yet makes it for all, at once; the connect then completes it.
BEGIN;
SELECT status FROM presence_connect('rita', 'rita 1', device => 'phone', status => 'busy');
SELECT presence_touch('rita', session_id => 'rita 1');
SELECT status, session_count FROM presence_get('rita');
COMMIT;
SELECT status, session_count FROM presence_get('rita');
SELECT session_id, device, status FROM presence_sessions('rita');
BEGIN;
SELECT status FROM presence_connect('sara', 'sara 1', status => 'busy');
SELECT presence_touch('sara', session_id => 'sara 1');
ROLLBACK;
SELECT status, session_count FROM presence_get('sara');

-- A procedure that commits on its way.
CREATE PROCEDURE test.connects() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_connect('tom', 'tom 1');
    COMMIT;
    PERFORM presence.presence_disconnect('tom 1');
    ROLLBACK;
    PERFORM presence.presence_connect('tom', 'tom 2');
    COMMIT;
END
$$;
CALL test.connects();
SELECT status, session_count FROM presence_get('tom');
SELECT * FROM test.broken_histories();
