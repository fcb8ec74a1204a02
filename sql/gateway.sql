--
-- presence_gateway: one call keeps all sessions of a process. What its silence does is in test/clock.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given no session of it, then none; the call may come first.
SELECT presence_gateway('node-1');

-- Given sessions of two gateways and one without, then each keeps its own. Connect tells the lease that it was called with, 15 s when it has not been.
SELECT session_id, lease, heartbeat_every FROM presence_connect('ann', 'ann 1', gateway => 'node-1');
SELECT session_id, lease FROM presence_connect('ann', 'ann 2', gateway => 'node-2');
SELECT session_id, lease FROM presence_connect('ben', 'ben 1', gateway => 'node-1');
SELECT session_id, lease FROM presence_connect('ben', 'ben 2');
SELECT presence_gateway('node-1'), presence_gateway('node-2', '1 min'), presence_gateway(gateway => 'node-3', lease => '4 h');
SELECT session_id, lease, heartbeat_every FROM presence_connect('ann', 'ann 2', gateway => 'node-2');
SELECT presence_gateway('node-2');
SELECT session_count FROM presence_get('ann');
SELECT test.eventually($$SELECT count(*) = 4 FROM presence_sessions$$);
SELECT session_id, gateway FROM presence_sessions ORDER BY 1;

-- A session that comes back by another way changes sides.
SELECT session_id FROM presence_connect('ann', 'ann 1', gateway => 'node-2');
SELECT presence_gateway('node-1'), presence_gateway('node-2');
SELECT session_id FROM presence_connect('ann', 'ann 1');
SELECT presence_gateway('node-1'), presence_gateway('node-2');

-- A session that said goodbye is one until its grace is over; after a logout it is none.
SELECT presence_logout('ben');
SELECT presence_gateway('node-1');
SELECT presence_gateway('node-2');

-- It is a heartbeat for each of its sessions, and no activity.
SELECT last_seen AS seen FROM presence_get('ann') \gset
SELECT presence_gateway('node-2');
SELECT session_id, last_heartbeat >= last_seen FROM presence_sessions('ann') ORDER BY 1;
SELECT last_seen = :'seen' FROM presence_get('ann');

-- A transaction that is rolled back leaves none.
BEGIN;
SELECT session_id FROM presence_connect('cleo', 'cleo 1', gateway => 'node-4');
SELECT status, session_count FROM presence_get('cleo');
ROLLBACK;
SELECT presence_gateway('node-4');

-- Names: 1 to 128 bytes of anything.
SELECT presence_gateway(repeat('g', 128)), presence_gateway(repeat('ü', 64)), presence_gateway(E'it''s "g" \\ \n\x01 🦉');
SELECT session_id FROM presence_connect('dora', 'dora 1', gateway => E'it''s "g" \\ \n\x01 🦉');
SELECT presence_gateway(E'it''s "g" \\ \n\x01 🦉'), presence_gateway(E'it''s "g" \\ \n\x01');
SELECT test.error_of($$SELECT presence_gateway(NULL)$$);
SELECT test.error_of($$SELECT presence_gateway('')$$);
SELECT test.error_of($$SELECT presence_gateway(repeat('g', 129))$$);
SELECT test.error_of($$SELECT presence_connect('eve', gateway => '')$$);
SELECT test.error_of($$SELECT presence_connect('eve', gateway => repeat('g', 129))$$);
SELECT presence_status('eve');

-- Leases: 10 seconds to 4 hours.
SELECT presence_gateway('node-1', '10 s'), presence_gateway('node-1', '4 h');
SELECT test.error_of($$SELECT presence_gateway('node-1', NULL)$$);
SELECT test.error_of($$SELECT presence_gateway('node-1', '9.999 s')$$);
SELECT test.error_of($$SELECT presence_gateway('node-1', '4 h 1 s')$$);
SELECT test.error_of($$SELECT presence_gateway('node-1', '1 mon')$$);
SELECT test.error_of($$SELECT presence_gateway('node-1', '-15 s')$$);
SELECT lease FROM presence_connect('fay', 'fay 1', gateway => 'node-1');

-- Both a lease and a gateway: the gateway alone is heard.
SELECT lease, heartbeat_every FROM presence_connect('fay', 'fay 2', gateway => 'node-5', lease => '1 h');
SELECT test.error_of($$SELECT presence_connect('fay', 'fay 3', gateway => 'node-5', lease => '1 s')$$);

-- Ten thousand sessions, one call, nothing written.
SELECT count(c.session_id) FROM generate_series(1, 10000) AS i, LATERAL presence_connect('u' || i, 's' || i, gateway => 'big') AS c;
BEGIN READ ONLY;
SELECT presence_gateway('big');
SELECT pg_current_xact_id_if_assigned();
ROLLBACK;
SELECT count(presence_logout('u' || i)) FROM generate_series(1, 4000) AS i;
SELECT presence_gateway('big');
