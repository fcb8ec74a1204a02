--
-- presence_heartbeat, presence_heartbeat_many: the client is still there. Memory only, at once.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
SELECT session_id FROM presence_connect('ann', 'ann 1');

-- Given a session, then true; it is heard of, and nobody was active.
SELECT last_seen AS seen FROM presence_get('ann') \gset
SELECT presence_heartbeat('ann 1');
SELECT last_seen = :'seen', activity_count, status FROM presence_get('ann');
SELECT last_heartbeat >= last_seen, last_seen = :'seen' FROM presence_sessions('ann');
SELECT last_heartbeat AS heard FROM presence_sessions('ann') \gset
SELECT presence_heartbeat(session_id => 'ann 1');
SELECT last_heartbeat > :'heard' FROM presence_sessions('ann');

-- Given no such session, then false, and nothing is made.
SELECT presence_heartbeat('nobody');
SELECT presence_heartbeat('ANN 1'), presence_heartbeat('ann 1 '), presence_heartbeat('ann');
SELECT count(*) FROM presence_online_users();
SELECT * FROM presence_counts();

-- A session that said goodbye is not kept by a heartbeat that comes late; it has to connect again.
SELECT presence_disconnect('ann 1');
SELECT presence_heartbeat('ann 1');
SELECT session_count FROM presence_get('ann');
SELECT session_id FROM presence_connect('ann', 'ann 1');
SELECT presence_heartbeat('ann 1');

-- One of a logout is gone.
SELECT session_id FROM presence_connect('ben', 'ben 1');
SELECT presence_logout('ben');
SELECT presence_heartbeat('ben 1');
SELECT presence_status('ben');

-- Errors.
SELECT test.error_of($$SELECT presence_heartbeat(NULL)$$);
SELECT test.error_of($$SELECT presence_heartbeat('')$$);
SELECT test.error_of($$SELECT presence_heartbeat(repeat('s', 129))$$);
SELECT presence_heartbeat(repeat('s', 128)), presence_heartbeat(repeat('ü', 64));
SELECT test.error_of($$SELECT presence_heartbeat(repeat('ü', 65))$$);

-- Many at once: the unknown ones come back, in the order given, each as often as it was given.
SELECT session_id FROM presence_connect('cleo', 'it''s {"odd", \ }');
SELECT presence_heartbeat_many(ARRAY['ann 1', 'it''s {"odd", \ }']);
SELECT presence_heartbeat_many(ARRAY['x', 'ann 1', 'y', 'x', 'ann 1', 'it''s {"odd", \ }', 'NULL', 'a,b']);
SELECT presence_heartbeat_many('{}');
SELECT presence_heartbeat_many(ARRAY[]::text[]);
SELECT presence_heartbeat_many('{ann 1, ben 1}');
SELECT presence_heartbeat_many('{{ann 1, p}, {q, ann 1}}');
SELECT presence_heartbeat_many('[5:6]={ann 1, r}');
SELECT count(*) FROM presence_online_users();
SELECT last_heartbeat AS heard FROM presence_sessions('ann') \gset
SELECT presence_heartbeat_many(ARRAY['ann 1', 'ann 1']);
SELECT last_heartbeat > :'heard' FROM presence_sessions('ann');

-- Given a bad one among them, then none is heard.
SELECT last_heartbeat AS heard FROM presence_sessions('ann') \gset
SELECT test.error_of($$SELECT presence_heartbeat_many(NULL)$$);
SELECT test.error_of($$SELECT presence_heartbeat_many(ARRAY['ann 1', NULL])$$);
SELECT test.error_of($$SELECT presence_heartbeat_many(ARRAY[NULL, 'ann 1'])$$);
SELECT test.error_of($$SELECT presence_heartbeat_many(ARRAY['ann 1', ''])$$);
SELECT test.error_of($$SELECT presence_heartbeat_many(ARRAY['ann 1', repeat('s', 129)])$$);
SELECT last_heartbeat = :'heard' FROM presence_sessions('ann');

-- Ten thousand sessions of a thousand users, and as many that are not there, mixed.
SELECT count(c.session_id) FROM generate_series(1, 10000) AS i, LATERAL presence_connect('u' || i % 1000, 's' || i) AS c;
SELECT cardinality(unknown), unknown = (SELECT array_agg('t' || i ORDER BY i) FROM generate_series(1, 10000) AS i)
FROM presence_heartbeat_many((SELECT array_agg(kind || i ORDER BY i, kind) FROM generate_series(1, 10000) AS i, unnest(ARRAY['t', 's']) AS kind)) AS unknown;
SELECT count(*), count(last_heartbeat) FROM generate_series(0, 999) AS i, LATERAL presence_sessions('u' || i);

-- At once: a rollback does not take it back, nothing is written, and it may come where nothing may be.
SELECT last_heartbeat AS heard FROM presence_sessions('ann') \gset
BEGIN READ ONLY;
SELECT presence_heartbeat('ann 1'), presence_heartbeat_many(ARRAY['ann 1']);
SELECT pg_current_xact_id_if_assigned();
ROLLBACK;
SELECT last_heartbeat > :'heard' FROM presence_sessions('ann');

-- A session is only there for others once it is committed, and for the heartbeat too: memory alone knows.
BEGIN;
SELECT session_id FROM presence_connect('dora', 'dora 1');
SELECT presence_heartbeat('dora 1');
ROLLBACK;
SELECT presence_heartbeat('dora 1'), presence_status('dora');
BEGIN;
SELECT session_id FROM presence_connect('dora', 'dora 1');
COMMIT;
SELECT presence_heartbeat('dora 1');
