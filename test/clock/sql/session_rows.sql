--
-- presence_sessions, the table: a row comes with its session, follows it with the flush, and goes with it. And a reload is nothing at all.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE FUNCTION test.sessions_of(wanted text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT format('%s %s, page %s, last_seen %s, last_heartbeat %s', r.session_id, r.status, coalesce(r.current_page, '-'),
                               CASE WHEN r.last_seen = f.last_seen THEN 'current' ELSE 'behind' END,
                               CASE WHEN r.gateway IS NOT NULL THEN 'of its gateway' WHEN r.last_heartbeat IS NOT DISTINCT FROM f.last_heartbeat THEN 'current' ELSE 'behind' END)
                 FROM presence.presence_sessions AS r LEFT JOIN presence.presence_sessions(wanted) AS f USING (session_id)
                 WHERE r.user_id = wanted ORDER BY r.session_id;
END
$$;

-- Given two sessions, then two rows.
SELECT session_id FROM presence_connect('ann', 'ann 1', device => 'phone', ip_address => '203.0.113.7', user_agent => 'agent', page_url => '/one', lease => '10 min');
SELECT session_id FROM presence_connect('ann', 'ann 2', gateway => 'node');
SELECT presence_gateway('node', '4 h');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.sessions_of('ann');
SELECT session_id, device, ip_address, user_agent, lease, gateway FROM presence_sessions ORDER BY 1;

-- When more is heard of them, then the rows follow within flush_interval, and keep what they have.
SELECT presence_touch('ann', page_url => '/two', session_id => 'ann 1'), presence_heartbeat('ann 1');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.sessions_of('ann');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT test.sessions_of('ann');
SELECT session_id, device, ip_address, user_agent, lease, gateway FROM presence_sessions ORDER BY 1;
SELECT session_id, device, ip_address, user_agent FROM presence_sessions('ann') ORDER BY 1;
-- What a session says is written with it.
SELECT status FROM presence_set_status('ann', 'busy', session_id => 'ann 1');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT test.sessions_of('ann');

-- Nothing new, nothing written: a gateway's call touches no row.
SELECT array_agg(ctid ORDER BY session_id) AS places FROM presence_sessions \gset
SELECT presence_gateway('node', '4 h');
SELECT presence_test_advance('3 min') IS NOT NULL;
SELECT array_agg(ctid ORDER BY session_id) = :'places' FROM presence_sessions;

-- When one says goodbye, then its row stays for the grace, and goes. So does one that falls silent.
SELECT presence_disconnect('ann 2');
SELECT presence_test_advance('5 s') IS NOT NULL;
SELECT session_id FROM presence_sessions ORDER BY 1;
SELECT presence_test_advance('6 s') IS NOT NULL;
SELECT session_id FROM presence_sessions ORDER BY 1;
SELECT presence_test_advance('10 min') IS NOT NULL;
SELECT count(*) FROM presence_sessions;
SELECT test.history_of('ann');

-- A reload, ten times, each time in a session of its own or the same: no event, no step of history, no other row of the user.
SELECT session_id FROM presence_connect('ben', 'ben 0', '{"name": "Ben"}');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT seq AS seq FROM presence_info() \gset
CREATE PROCEDURE test.reload(gap interval) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..10 LOOP
        PERFORM presence.presence_disconnect('ben ' || (i - 1) / 2);
        COMMIT;
        PERFORM presence.presence_test_advance(gap);
        PERFORM presence.presence_connect('ben', 'ben ' || i / 2, '{"name": "Ben"}');
        COMMIT;
        PERFORM presence.presence_test_advance(gap);
    END LOOP;
END
$$;
CALL test.reload('5 s');
SELECT seq - :seq FROM presence_info();
SELECT test.history_of('ben');
SELECT status, session_count FROM presence_get('ben');
SELECT session_id FROM presence_sessions('ben');
CALL test.reload('0');
SELECT seq - :seq FROM presence_info();
SELECT test.history_of('ben');
-- With other data it is one event, user_updated, and no step of history.
SELECT presence_disconnect('ben 5');
SELECT session_id FROM presence_connect('ben', 'ben 5', '{"name": "Benedict"}');
SELECT presence_test_advance('15 s') IS NOT NULL;
SELECT seq - :seq FROM presence_info();
SELECT test.history_of('ben');
SELECT user_data FROM user_presence WHERE user_id = 'ben';
-- The same data in other words is none.
SELECT seq AS seq FROM presence_info() \gset
SELECT session_id FROM presence_connect('ben', 'ben 5', '{ "name" : "Benedict" }');
SELECT presence_test_advance('15 s') IS NOT NULL;
SELECT seq - :seq AS events FROM presence_info();

-- user_data right behind a set_status reaches the row with the flush.
SELECT session_id FROM presence_connect('cleo', 'cleo 1', '{"name": "Cleo"}');
SELECT status FROM presence_set_status('cleo', 'busy');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT status, user_data FROM user_presence WHERE user_id = 'cleo';

-- A session that a touch or a set_status makes has its row, too.
SELECT presence_touch('dora');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT presence_touch('dora', session_id => 'dora 1');
SELECT status FROM presence_set_status('dora', 'away', session_id => 'dora 2');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT session_id, user_id, status FROM presence_sessions WHERE user_id = 'dora' ORDER BY 1;

-- The flush of a thousand sessions that are heard of is HOT, and the table does not grow.
SELECT count(c.session_id) FROM generate_series(1, 1000) AS i, LATERAL presence_connect('h' || i, 'h ' || i, lease => '10 min') AS c;
SELECT presence_test_advance('0') IS NOT NULL;
SELECT pg_relation_size('presence_sessions') AS size \gset
CREATE PROCEDURE test.hear() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..5 LOOP
        PERFORM presence.presence_heartbeat_many((SELECT array_agg('h ' || n) FROM generate_series(1, 1000) AS n));
        PERFORM presence.presence_test_advance('61 s');
        COMMIT;
    END LOOP;
END
$$;
CALL test.hear();
SELECT pg_relation_size('presence_sessions') <= 2 * :size AS small, count(*) FILTER (WHERE last_heartbeat IS NOT NULL) FROM presence_sessions WHERE user_id LIKE 'h%';
SELECT * FROM test.broken_histories();
