--
-- A gateway's silence ends exactly its sessions, after its lease and the grace; each user is told of once.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given three hundred users of three gateways, and ten without, when one gateway falls silent, then its users and no others are offline.
SELECT count(c.session_id) FROM generate_series(1, 300) AS i, LATERAL presence_connect('g' || i % 3 || ' ' || i, 's' || i, gateway => 'node-' || i % 3) AS c;
SELECT count(c.session_id) FROM generate_series(1, 10) AS i, LATERAL presence_connect('own ' || i, 'own ' || i) AS c;
-- Five of the first one have another session elsewhere.
SELECT count(c.session_id) FROM generate_series(3, 15, 3) AS i, LATERAL presence_connect('g0 ' || i, 'other ' || i, status => 'away') AS c;
SELECT presence_gateway('node-0'), presence_gateway('node-1'), presence_gateway('node-2');
SELECT presence_test_advance('0') IS NOT NULL;
CREATE FUNCTION test.counts() RETURNS TABLE (gateway text, counts text) LANGUAGE sql AS $$
    SELECT split_part(user_id, ' ', 1), string_agg(status || ' ' || n, ', ' ORDER BY status) FROM (
        SELECT split_part(user_id, ' ', 1) AS user_id, presence.presence_status(user_id) AS status, count(*) AS n FROM presence.user_presence GROUP BY 1, 2) AS each GROUP BY 1 ORDER BY 1
$$;
CREATE PROCEDURE test.others(seconds int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..seconds LOOP
        PERFORM presence.presence_gateway('node-1'), presence.presence_gateway('node-2');
        PERFORM presence.presence_test_advance('1 s');
    END LOOP;
END
$$;
SELECT seq AS seq FROM presence_info() \gset
CALL test.others(17);
SELECT * FROM test.counts();
SELECT seq - :seq AS events FROM presence_info();
CALL test.others(9);
SELECT * FROM test.counts();
-- One change each, and for those who left also user_left.
SELECT seq - :seq AS events FROM presence_info();
SELECT split_part(user_id, ' ', 1), previous_status, new_status, change_reason, count(*) FROM presence_history GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
SELECT count(*) FROM presence_sessions WHERE gateway = 'node-0';
SELECT presence_gateway('node-0'), presence_gateway('node-1'), presence_gateway('node-2');
SELECT presence_heartbeat('s3'), presence_heartbeat('other 3');

-- Given one that is back within the grace, then nothing has happened.
SELECT seq AS seq FROM presence_info() \gset
SELECT presence_gateway('node-1'), presence_gateway('node-2', '4 h');
SELECT presence_test_advance('16 s') IS NOT NULL;
SELECT presence_gateway('node-1', '1 h');
SELECT presence_test_advance('10 s') IS NOT NULL;
SELECT seq - :seq AS events FROM presence_info();
SELECT * FROM test.counts();

-- Its sessions go idle like any other, and a lease of their own counts for nothing.
SELECT session_id, lease FROM presence_connect('g1 1', 's1', gateway => 'node-1', lease => '10 s');
SELECT presence_test_advance('5 min 1 s') IS NOT NULL;
SELECT * FROM test.counts();
-- However long.
SELECT presence_test_advance('50 min') IS NOT NULL;
SELECT * FROM test.counts();

-- A gateway that starts again after its sessions are gone may connect them before its first call.
SELECT presence_test_advance('1 h') IS NOT NULL;
SELECT * FROM test.counts();
SELECT session_id, status FROM presence_connect('g1 1', 's1', gateway => 'node-1');
SELECT presence_test_advance('1 s') IS NOT NULL;
SELECT presence_status('g1 1'), presence_gateway('node-1');

-- Ten minutes of calls write nothing.
SELECT presence_test_advance('0') IS NOT NULL;
SELECT array_agg(ctid ORDER BY session_id) AS places FROM presence_sessions \gset
SELECT presence_gateway('node-1', '1 h'), presence_gateway('node-2', '1 h');
SELECT presence_test_advance('2 min') IS NOT NULL;
SELECT array_agg(ctid ORDER BY session_id) = :'places' FROM presence_sessions;
SELECT * FROM test.broken_histories();
