--
-- presence_connect: a session begins, or is back. What it does by the clock is in test/clock.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given nobody, when somebody connects, then online, with a session that is made up and all that a client needs.
SELECT c.session_id ~ '^[0-9a-f]{32}$' AS made_up, c.status, c.epoch = i.epoch AS epoch, c.seq >= 0 AS seq,
       c.lease, c.heartbeat_every
FROM presence_connect('ann') AS c, presence_info() AS i;
SELECT status, status_message, last_seen <= clock_timestamp() AS seen, current_page, user_data, session_count, activity_count, interactions_per_minute FROM presence_get('ann');
SELECT count(*), bool_and(status = 'online'), count(device), count(ip_address), count(user_agent), count(last_heartbeat), count(current_page) FROM presence_sessions('ann');
SELECT test.eventually($$SELECT status = 'online' FROM user_presence WHERE user_id = 'ann'$$);
SELECT test.row_of('ann');
SELECT test.history_of('ann');

-- Two made up ids are two sessions.
SELECT a.session_id <> b.session_id FROM presence_connect('ann') AS a, presence_connect('ann') AS b;
SELECT session_count FROM presence_get('ann');
SELECT test.history_of('ann');

-- Given an id, then it is the session's. The sequence is the one to listen from: it covers nothing of this call.
SELECT seq AS before FROM presence_info() \gset
SELECT session_id, status, seq >= :before, lease, heartbeat_every FROM presence_connect('ben', 'tab 1');
SELECT session_id, status FROM presence_sessions('ben');

-- Connecting again is the same session, and an activity.
SELECT last_seen AS before FROM presence_get('ben') \gset
SELECT session_id FROM presence_connect('ben', 'tab 1', page_url => '/inbox');
SELECT status, last_seen > :'before', current_page, session_count FROM presence_get('ben');
SELECT session_id, current_page FROM presence_sessions('ben');
SELECT session_id FROM presence_connect('ben', 'tab 1');
SELECT current_page FROM presence_get('ben');

-- The session that a touch made up gives way to the first one that connects.
SELECT presence_touch('cleo');
SELECT session_count, (SELECT count(*) FROM presence_sessions('cleo')) FROM presence_get('cleo');
SELECT session_id FROM presence_connect('cleo', 'cleo 1');
SELECT session_count FROM presence_get('cleo');
SELECT session_id FROM presence_connect('cleo', 'cleo 2');
SELECT session_count FROM presence_get('cleo');
-- And from now on a touch makes none up.
SELECT presence_touch('cleo');
SELECT session_count FROM presence_get('cleo');

-- A session may come away or busy; the strongest counts: busy over online over away.
SELECT status FROM presence_connect('dora', 'dora away', status => 'away');
SELECT status FROM presence_connect('dora', 'dora online');
SELECT status FROM presence_connect('dora', 'dora busy', status => 'busy');
SELECT status FROM presence_connect('dora', 'dora online');
SELECT session_id, status FROM presence_sessions('dora') ORDER BY 1;
SELECT status, session_count FROM presence_get('dora');
-- When the busy one comes back as online, then online.
SELECT status FROM presence_connect('dora', 'dora busy', status => 'online');
SELECT status FROM presence_connect('dora', 'dora online', status => 'away');
SELECT status FROM presence_connect('dora', 'dora busy', status => 'away');
-- What was chosen lies over all of them.
SELECT status FROM presence_set_status('dora', 'busy', 'chosen');
SELECT status FROM presence_connect('dora', 'dora online');
SELECT status FROM presence_clear_status('dora');

-- Users of every type are one user.
SELECT count(session_id) FROM (
    SELECT session_id FROM presence_connect(42, 'n1') UNION ALL SELECT session_id FROM presence_connect(42::smallint, 'n2')
    UNION ALL SELECT session_id FROM presence_connect(42::bigint, 'n3') UNION ALL SELECT session_id FROM presence_connect('42'::varchar, 'n4')
    UNION ALL SELECT session_id FROM presence_connect('42'::text, 'n5') UNION ALL SELECT session_id FROM presence_connect('42', 'n6')) AS six;
SELECT session_count FROM presence_get('42');
SELECT session_id FROM presence_connect('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'n7'::varchar);
SELECT user_id, session_count FROM presence_get('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');

-- Every argument by name.
SELECT session_id, status, lease, heartbeat_every
FROM presence_connect(user_id => 'eve', session_id => 'eve 1', user_data => '{"name": "Eve"}', device => 'phone', ip_address => '203.0.113.7', user_agent => 'Mozilla/5.0',
                      page_url => '/here', status => 'busy', lease => '60 s', gateway => NULL, bind => false);
SELECT session_id, device, ip_address, user_agent, status, current_page FROM presence_sessions('eve');
SELECT status, current_page, user_data FROM presence_get('eve');

-- Ids of a session: 1 to 128 bytes of anything.
SELECT length(session_id) FROM presence_connect('fay', repeat('s', 128));
SELECT length(session_id), octet_length(session_id) FROM presence_connect('fay', repeat('ü', 64));
SELECT session_id FROM presence_connect('fay', E'it''s "quoted" \\ {,}');
SELECT session_id = E'a\tb\nc\x01d' FROM presence_connect('fay', E'a\tb\nc\x01d');
SELECT session_id FROM presence_connect('fay', '🦉');
SELECT session_id FROM presence_connect('fay', ' ');
SELECT session_id FROM presence_connect('fay', 'null');
SELECT quote_literal(session_id) FROM presence_sessions('fay') WHERE length(session_id) < 64 ORDER BY session_id COLLATE "C";
SELECT presence_heartbeat(session_id) FROM presence_sessions('fay');
SELECT test.eventually($$SELECT count(*) = 7 FROM presence_sessions WHERE user_id = 'fay'$$);
SELECT test.error_of($$SELECT presence_connect('gus', '')$$);
SELECT test.error_of($$SELECT presence_connect('gus', repeat('s', 129))$$);
SELECT test.error_of($$SELECT presence_connect('gus', repeat('ü', 64) || 's')$$);
-- Upper and lower case, and a space behind, are different sessions.
SELECT session_id FROM presence_connect('fay', 'NULL');
SELECT session_count FROM presence_get('fay');

-- A session belongs to one user while it lives.
SELECT test.error_of($$SELECT presence_connect('gus', 'tab 1')$$);
SELECT presence_status('gus'), session_count FROM presence_get('ben');

-- Ids of a user.
SELECT test.error_of($$SELECT presence_connect(NULL)$$);
SELECT test.error_of($$SELECT presence_connect('')$$);
SELECT test.error_of($$SELECT presence_connect(repeat('i', 129))$$);
SELECT session_id FROM presence_connect(repeat('i', 128), 'long user');
SELECT session_id, status FROM presence_sessions(repeat('i', 128));
SELECT session_id FROM presence_connect(E'it''s "me" \\ \n', 'odd user');
SELECT session_id FROM presence_sessions(E'it''s "me" \\ \n');

-- Leases: 10 seconds to 4 hours. A client is told to be heard of three times within.
SELECT lease, heartbeat_every FROM presence_connect('hal', 'lease', lease => '10 s');
SELECT lease, heartbeat_every FROM presence_connect('hal', 'lease', lease => '4 h');
SELECT lease, heartbeat_every FROM presence_connect('hal', 'lease', lease => '12.345 s');
SELECT lease, heartbeat_every FROM presence_connect('hal', 'lease', lease => '1 day -20 hours');
SELECT lease, heartbeat_every FROM presence_connect('hal', 'lease', lease => NULL);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '9.999999 s')$$);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '4 h 0.000001 s')$$);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '0')$$);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '-1 min')$$);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '1 day')$$);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '1 mon')$$);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '1 mon -30 days 1 min')$$);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '2147483647 days')$$);
SELECT test.error_of($$SELECT presence_connect('hal', 'lease', lease => '-2147483648 days 2562047788 hours')$$);

-- Statuses.
SELECT test.error_of($$SELECT presence_connect('ida', status => 'offline')$$);
SELECT test.error_of($$SELECT presence_connect('ida', status => 'Online')$$);
SELECT test.error_of($$SELECT presence_connect('ida', status => '')$$);
SELECT test.error_of($$SELECT presence_connect('ida', status => NULL)$$);

-- Pages.
SELECT session_id FROM presence_connect('jon', 'jon', page_url => repeat('ü', 1024));
SELECT length(current_page) FROM presence_sessions('jon');
SELECT test.error_of($$SELECT presence_connect('jon', 'jon', page_url => repeat('p', 2049))$$);

-- bind is yes or no.
SELECT test.error_of($$SELECT presence_connect('ida', bind => NULL)$$);
SELECT presence_status('ida');

-- Addresses as proxies send them: the first one is kept, what is none is NULL, and nothing is ever an error.
CREATE TABLE test.address (place serial, given text);
INSERT INTO test.address (given) VALUES
    ('203.0.113.7'), ('203.0.113.7:5123'), ('203.0.113.7, 10.0.0.1'), (' 203.0.113.7 ,10.0.0.1'), (E'\t203.0.113.7:80 , 10.0.0.1:81'), ('0.0.0.0'), ('255.255.255.255:65535'),
    ('2001:db8::1'), ('[2001:db8::1]'), ('[2001:db8::1]:443'), ('[2001:db8::1]:443, 203.0.113.7'), ('2001:db8::1, 203.0.113.7'), ('::1'), ('::ffff:192.0.2.1'), ('2001:0DB8:0:0:0:0:0:1'), ('::'),
    ('fe80::1%eth0'), ('[fe80::1%25eth0]:80'),
    (NULL), (''), (' '), (','), (',203.0.113.7'), ('unknown'), ('unknown, 203.0.113.7'), ('_hidden'), ('for=192.0.2.60;proto=http'), ('"[2001:db8::1]:443"'),
    ('localhost'), ('/var/run/postgresql/.s.PGSQL.5432'), ('@/abstract'), ('unix:'), (':443'), ('['), (']'), ('[]'), ('[]:443'), ('[2001:db8::1'), ('2001:db8::1]'), ('[[::1]]'), ('[203.0.113.7]:80'),
    ('256.0.0.1'), ('1.2.3'), ('1.2.3.4.5'), ('1'), ('203.0.113.7/24'), ('2001:db8::/32'), ('1.2.3.4:'), ('1.2.3.4::'), (':::'), ('1:2:3:4:5:6:7:8:9'), ('-1.2.3.4'), ('1.2.3.4x'), ('0x7f.0.0.1'), ('2130706433'),
    (E'203.0.113.7\n'), (E'\x01\x02'), ('größe'), ('🦉:80'), (repeat('9', 10000)), (repeat('1:', 5000)), (repeat('[', 100)), (repeat('203.0.113.7, ', 1000)), ('1.2.3.4' || repeat(' ', 1000)), ('''; DROP TABLE x; --');
CREATE FUNCTION test.keep(given text, place int) RETURNS text LANGUAGE sql AS $$
    SELECT session_id FROM presence.presence_connect('address', 'address ' || place, ip_address => given)
$$;
SELECT count(test.keep(given, place)) FROM test.address;
CREATE TABLE test.kept AS SELECT session_id, ip_address FROM presence_sessions('address');
SELECT format('%s -> %s', CASE WHEN length(given) > 60 THEN quote_literal(left(given, 20)) || '...' ELSE quote_nullable(given) END, coalesce(ip_address, '-'))
FROM test.address LEFT JOIN test.kept ON session_id = 'address ' || place ORDER BY place;
-- The row says the same, in the words of inet.
SELECT test.eventually($$SELECT count(*) = (SELECT count(*) FROM test.address) FROM presence_sessions WHERE user_id = 'address'$$);
SELECT k.session_id, k.ip_address, s.ip_address FROM test.kept AS k LEFT JOIN presence_sessions AS s USING (session_id) WHERE k.ip_address::inet IS DISTINCT FROM s.ip_address;
SELECT count(*) FROM presence_sessions('address') AS s JOIN test.kept AS k USING (session_id) WHERE s.ip_address::inet IS DISTINCT FROM k.ip_address::inet;
DROP TABLE test.address, test.kept;
DROP FUNCTION test.keep(text, int);

-- Device and agent are cut, at whole characters, and never fail a connect.
SELECT session_id FROM presence_connect('kim', 'kim', device => repeat('ü', 200), user_agent => repeat('€', 2000));
SELECT length(device), octet_length(device), length(user_agent), octet_length(user_agent), rtrim(device, 'ü') = '' AND rtrim(user_agent, '€') = '' FROM presence_sessions('kim');
SELECT session_id FROM presence_connect('kim', 'kim 2', device => '', user_agent => E'quo"te\\ \n\x01');
SELECT device, user_agent = E'quo"te\\ \n\x01' FROM presence_sessions('kim') WHERE session_id = 'kim 2';
SELECT test.eventually($$SELECT count(*) = 2 FROM presence_sessions WHERE user_id = 'kim'$$);
SELECT length(device), length(user_agent) FROM presence_sessions('kim') WHERE session_id = 'kim';
SELECT device, user_agent = E'quo"te\\ \n\x01' FROM presence_sessions('kim') WHERE session_id = 'kim 2';

-- No transaction id, no row of the caller's: the worker writes.
BEGIN;
SELECT session_id FROM presence_connect('lea', 'lea');
SELECT pg_current_xact_id_if_assigned();
COMMIT;
SELECT presence_status('lea');
-- It is fine where nothing may be written.
BEGIN READ ONLY;
SELECT session_id, status FROM presence_connect('mia', 'mia');
SELECT presence_disconnect('lea');
COMMIT;
SELECT presence_status('mia'), session_count FROM presence_get('lea');

-- A bound session belongs to the connection; it lives while that does.
SELECT session_id, status FROM presence_connect('nora', 'nora', bind => true);
SELECT session_id FROM presence_connect('nora', 'nora 2', bind => true);
SELECT session_count FROM presence_get('nora');
\c -
SET search_path = presence;
SELECT test.eventually($$SELECT session_count = 0 FROM presence_get('nora')$$);
SELECT status FROM presence_get('nora');
SELECT session_id FROM presence_connect('nora', 'nora');
SELECT status, session_count FROM presence_get('nora');
SELECT test.eventually($$SELECT count(*) = 1 FROM presence_history WHERE user_id = 'nora'$$);
SELECT test.history_of('nora');
SELECT * FROM test.broken_histories();
