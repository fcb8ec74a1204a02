--
-- presence_sessions, the function and the table: what there is to know about each session of a user.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given nobody, then none.
SELECT * FROM presence_sessions('nobody');

-- Given one with everything and one with nothing, then the newest first, and every moment in its order.
SELECT session_id FROM presence_connect('ann', 'full', device => 'phone', ip_address => '203.0.113.7:80', user_agent => 'Mozilla/5.0', page_url => '/one', status => 'busy', lease => '1 min');
SELECT session_id FROM presence_connect('ann', 'bare');
SELECT session_id, device, ip_address, user_agent, status, last_seen = connected_at AS fresh, last_heartbeat, current_page FROM presence_sessions('ann');
SELECT presence_heartbeat('full'), presence_touch('ann', session_id => 'bare', page_url => '/two');
SELECT session_id, status, last_seen > connected_at AS active, last_heartbeat > connected_at AS heard, current_page FROM presence_sessions('ann');
-- The newest page is the user's; the newest activity is the user's.
SELECT current_page, last_seen = (SELECT max(s.last_seen) FROM presence_sessions('ann') AS s) FROM presence_get('ann');

-- The rows follow: at once when a session comes or goes, within a flush when more is heard of it.
SELECT test.eventually($$SELECT count(*) = 2 FROM presence_sessions WHERE user_id = 'ann'$$);
SELECT session_id, user_id, device, ip_address, user_agent, status, connected_at <= last_seen AS in_order, lease, gateway FROM presence_sessions WHERE user_id = 'ann' ORDER BY session_id;
SELECT r.session_id, r.connected_at = f.connected_at FROM presence_sessions AS r JOIN presence_sessions('ann') AS f USING (session_id) ORDER BY 1;
-- Device, address and agent are now in the row alone, and the function still knows them.
SELECT session_id, device, ip_address, user_agent FROM presence_sessions('ann');

-- Coming back without device, address and agent does not lose them; with others it replaces them.
SELECT session_id FROM presence_connect('ann', 'full');
SELECT session_id FROM presence_connect('ann', 'bare', device => 'laptop', ip_address => '[2001:DB8::1]:443');
SELECT test.eventually($$SELECT device = 'laptop' FROM presence_sessions WHERE session_id = 'bare'$$);
SELECT session_id, device, ip_address, user_agent, status FROM presence_sessions('ann') ORDER BY 1;
SELECT session_id, device, ip_address, user_agent, status, lease FROM presence_sessions WHERE user_id = 'ann' ORDER BY 1;

-- A session of another user has no row here.
SELECT session_id FROM presence_connect('ben', 'ben 1');
SELECT session_id FROM presence_sessions('ben');
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_sessions WHERE user_id = 'ben'$$);

-- Ended at once: the rows vanish with the sessions, and nobody else's.
SELECT presence_logout('ann');
SELECT test.eventually($$SELECT count(*) = 0 FROM presence_sessions WHERE user_id = 'ann'$$);
SELECT session_id FROM presence_sessions ORDER BY 1;
SELECT session_id FROM presence_sessions('ann');
-- Again the same id, also before the old row is gone: only the new one counts.
SELECT presence_logout('ben');
SELECT session_id FROM presence_connect('cleo', 'ben 1');
SELECT session_id, status FROM presence_sessions('cleo');
SELECT test.eventually($$SELECT user_id = 'cleo' FROM presence_sessions WHERE session_id = 'ben 1'$$);
CREATE PROCEDURE test.turns() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..50 LOOP
        PERFORM presence.presence_connect('back', 'and forth', device => 'turn ' || i);
        COMMIT;
        PERFORM presence.presence_logout('back');
        COMMIT;
        PERFORM presence.presence_connect('forth', 'and forth', device => 'turn ' || -i);
        COMMIT;
        PERFORM presence.presence_logout('forth');
        COMMIT;
    END LOOP;
    PERFORM presence.presence_connect('back', 'and forth', device => 'last');
END
$$;
CALL test.turns();
SELECT test.eventually($$SELECT device = 'last' AND user_id = 'back' FROM presence_sessions WHERE session_id = 'and forth'$$);
SELECT session_id, device FROM presence_sessions('back');
SELECT * FROM test.broken_histories();

-- Users of every type.
SELECT session_id FROM presence_connect(7, 'seven');
SELECT (SELECT session_id FROM presence_sessions(7)), (SELECT session_id FROM presence_sessions(7::bigint)), (SELECT session_id FROM presence_sessions('7'::text));
SELECT test.error_of($$SELECT presence_sessions(NULL)$$);
SELECT test.error_of($$SELECT presence_sessions('')$$);
SELECT test.error_of($$SELECT presence_sessions(repeat('i', 129))$$);

-- It may be asked where nothing may be written, and costs no transaction id.
BEGIN READ ONLY;
SELECT session_id FROM presence_sessions('back');
SELECT pg_current_xact_id_if_assigned();
COMMIT;

-- In joins, with LIMIT, and many times in one statement.
SELECT u, count(s.session_id) FROM unnest(ARRAY['back', 'nobody', 'cleo']) AS u LEFT JOIN LATERAL presence_sessions(u) AS s ON true GROUP BY u ORDER BY u;
SELECT count(*) FROM (SELECT * FROM presence_sessions('back') LIMIT 1) AS one;
-- A thousand of one user.
SELECT count(c.session_id) FROM generate_series(1, 1000) AS i, LATERAL presence_connect('many', 'many ' || i) AS c;
SELECT count(*), count(DISTINCT session_id) FROM presence_sessions('many');
SELECT test.eventually($$SELECT count(*) = 1000 FROM presence_sessions WHERE user_id = 'many'$$);
