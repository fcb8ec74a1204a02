--
-- Who may call: presence_grant and presence_revoke.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE ROLE regress_presence_app;
CREATE ROLE regress_presence_monitor;
CREATE ROLE "regress_Presence ""quoted""";
GRANT USAGE ON SCHEMA presence, test TO regress_presence_app, regress_presence_monitor;

-- Given a role without a level, then it may call nothing and read nothing.
SET ROLE regress_presence_app;
SELECT test.error_of($$SELECT presence.presence_touch('ann')$$);
SELECT test.error_of($$SELECT presence.presence_set_status('ann', 'busy')$$);
SELECT test.error_of($$SELECT presence.presence_get('ann')$$);
SELECT test.error_of($$SELECT presence.presence_counts()$$);
SELECT test.error_of($$SELECT presence.presence_info()$$);
SELECT test.error_of($$SELECT presence.presence_grant('regress_presence_app', 'service')$$);
SELECT test.error_of($$SELECT presence.presence_revoke('regress_presence_app')$$);
SELECT test.error_of($$SELECT * FROM presence.user_presence$$);
SELECT test.error_of($$SELECT presence.presence_connect('ann')$$);
SELECT test.error_of($$SELECT presence.presence_heartbeat('s')$$);
SELECT test.error_of($$SELECT presence.presence_heartbeat_many('{s}')$$);
SELECT test.error_of($$SELECT presence.presence_gateway('g')$$);
SELECT test.error_of($$SELECT presence.presence_disconnect('s')$$);
SELECT test.error_of($$SELECT presence.presence_logout('ann')$$);
SELECT test.error_of($$SELECT presence.presence_sessions('ann')$$);
SELECT test.error_of($$SELECT * FROM presence.presence_sessions$$);
SELECT test.error_of($$SELECT * FROM presence.user_activities$$);
SELECT test.error_of($$SELECT presence.presence_join('ann', 'c')$$);
SELECT test.error_of($$SELECT presence.presence_leave('ann', 'c')$$);
SELECT test.error_of($$SELECT presence.presence_members('c')$$);
SELECT test.error_of($$SELECT presence.presence_member_count('c')$$);
SELECT test.error_of($$SELECT presence.presence_channels('ann')$$);
SELECT test.error_of($$SELECT presence.presence_join_document('ann', 'd')$$);
SELECT test.error_of($$SELECT presence.presence_leave_document('ann', 'd')$$);
SELECT test.error_of($$SELECT presence.presence_move_cursor('ann', 'd', '1')$$);
SELECT test.error_of($$SELECT presence.presence_set_state('ann', 'c', '1')$$);
SELECT test.error_of($$SELECT presence.presence_typing('ann', 'c')$$);
SELECT test.error_of($$SELECT presence.presence_typing_users('c')$$);
SELECT test.error_of($$SELECT * FROM presence.channel_presence$$);
SELECT test.error_of($$SELECT * FROM presence.document_presence$$);
RESET ROLE;

-- Given the level service, then it acts for anyone, with ids of every type, and reads the tables.
SELECT presence_grant('regress_presence_app', 'service');
SET ROLE regress_presence_app;
SELECT presence_touch('ann'), presence_touch(1), presence_touch(2::bigint), presence_touch(3::smallint), presence_touch('4'::varchar),
       presence_touch('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid);
SELECT status FROM presence_set_status('ann', 'busy', 'm');
SELECT status FROM presence_set_message('ann', 'n');
SELECT status FROM presence_clear_status('ann');
SELECT presence_set_status_many(ARRAY['ann', 'ben'], ARRAY['away', 'away']), presence_touch_many(ARRAY[1, 2]);
SELECT presence_status('ann'), (presence_get('ann')).status, (SELECT count(*) FROM presence_get_many(ARRAY['ann', 'ben']));
SELECT count(*) FROM presence_online_users();
SELECT total FROM presence_counts();
SELECT worker_alive IS NOT NULL FROM presence_info();
SELECT presence_listen('global_presence'), presence_unlisten('global_presence'), presence_notify_channel('global_presence');
SELECT channel_id, user_id FROM presence_join('ann', 7);
SELECT channel_id, user_id FROM presence_join_document(1, 7::bigint, '{"line": 1}');
SELECT presence_move_cursor(1, 7, '2'), presence_set_state('ann', '7', '{}'), presence_typing('ann', 7, true), presence_typing('ann', 7, false);
SELECT user_id FROM presence_members(7);
SELECT presence_member_count('document_7'), presence_channels(1), (SELECT count(*) FROM presence_typing_users(7));
SELECT test.eventually($$SELECT count(*) = 2 FROM presence.channel_presence$$);
SELECT document_id, user_id FROM document_presence;
SELECT presence_leave('ann', 7), presence_leave_document(1, 7);
SELECT presence_forget('ben');
SELECT user_id, status FROM user_presence WHERE user_id = 'ann';
SELECT count(*) > 0 FROM presence_history;
SELECT session_id FROM presence_connect('cleo', 'cleo 1', '{"name": "Cleo"}', 'phone', '203.0.113.7', 'agent', bind => true);
SELECT presence_heartbeat('cleo 1'), presence_heartbeat_many('{cleo 1, x}'), presence_gateway('node'), presence_touch('cleo', 'click', session_id => 'cleo 1');
SELECT status FROM presence_set_status('cleo', 'busy', session_id => 'cleo 1');
SELECT test.eventually($$SELECT count(*) = 1 FROM presence.presence_sessions WHERE session_id = 'cleo 1'$$);
SELECT session_id, device, ip_address FROM presence_sessions('cleo');
SELECT session_id, device, ip_address FROM presence_sessions WHERE user_id = 'cleo';
SELECT count(*) >= 0 FROM user_activities;
SELECT presence_disconnect('cleo 1'), presence_logout('cleo');
SELECT test.error_of($$UPDATE presence.user_presence SET status = 'offline'$$);
SELECT test.error_of($$DELETE FROM presence.presence_sessions$$);
SELECT test.error_of($$DELETE FROM presence.user_activities$$);
SELECT test.error_of($$INSERT INTO presence.presence_history VALUES ('x', 'online', 'busy', now(), 'manual')$$);
SELECT test.error_of($$COPY presence.user_presence FROM '/dev/null'$$) LIKE '42501 %';
SELECT test.error_of($$SELECT presence.presence_reset()$$);
SELECT test.error_of($$SELECT presence.presence_grant('regress_presence_monitor', 'monitor')$$);
RESET ROLE;
SELECT has_function_privilege('regress_presence_app', 'presence_act_for_others()', 'EXECUTE');

-- Given the level monitor, then it sees numbers, not people.
SELECT presence_grant('regress_presence_monitor', 'monitor');
SELECT has_function_privilege('regress_presence_monitor', 'presence_act_for_others()', 'EXECUTE');
SET ROLE regress_presence_monitor;
SELECT total FROM presence_counts();
SELECT worker_alive IS NOT NULL FROM presence_info();
SELECT test.error_of($$SELECT presence.presence_touch('ann')$$);
SELECT test.error_of($$SELECT presence.presence_set_status('ann', 'busy')$$);
SELECT test.error_of($$SELECT presence.presence_get('ann')$$);
SELECT test.error_of($$SELECT presence.presence_status('ann')$$);
SELECT test.error_of($$SELECT presence.presence_online_users()$$);
SELECT test.error_of($$SELECT * FROM presence.user_presence$$);
SELECT test.error_of($$SELECT * FROM presence.presence_history$$);
SELECT test.error_of($$SELECT presence.presence_connect('ann')$$);
SELECT test.error_of($$SELECT presence.presence_heartbeat('s')$$);
SELECT test.error_of($$SELECT presence.presence_heartbeat_many('{s}')$$);
SELECT test.error_of($$SELECT presence.presence_gateway('g')$$);
SELECT test.error_of($$SELECT presence.presence_disconnect('s')$$);
SELECT test.error_of($$SELECT presence.presence_logout('ann')$$);
SELECT test.error_of($$SELECT presence.presence_sessions('ann')$$);
SELECT test.error_of($$SELECT * FROM presence.presence_sessions$$);
SELECT test.error_of($$SELECT * FROM presence.user_activities$$);
SELECT test.error_of($$SELECT presence.presence_join('ann', 'c')$$);
SELECT test.error_of($$SELECT presence.presence_leave('ann', 'c')$$);
SELECT test.error_of($$SELECT presence.presence_members('c')$$);
SELECT test.error_of($$SELECT presence.presence_member_count('c')$$);
SELECT test.error_of($$SELECT presence.presence_channels('ann')$$);
SELECT test.error_of($$SELECT presence.presence_join_document('ann', 'd')$$);
SELECT test.error_of($$SELECT presence.presence_leave_document('ann', 'd')$$);
SELECT test.error_of($$SELECT presence.presence_move_cursor('ann', 'd', '1')$$);
SELECT test.error_of($$SELECT presence.presence_set_state('ann', 'c', '1')$$);
SELECT test.error_of($$SELECT presence.presence_typing('ann', 'c')$$);
SELECT test.error_of($$SELECT presence.presence_typing_users('c')$$);
SELECT test.error_of($$SELECT * FROM presence.channel_presence$$);
SELECT test.error_of($$SELECT * FROM presence.document_presence$$);
RESET ROLE;

-- Given it is revoked, then nothing is left.
SELECT presence_revoke('regress_presence_app');
SELECT presence_revoke('regress_presence_monitor');
SELECT count(*) FROM pg_shdepend WHERE refobjid IN ('regress_presence_app'::regrole, 'regress_presence_monitor'::regrole)
   AND classid IN ('pg_proc'::regclass, 'pg_class'::regclass);
SET ROLE regress_presence_app;
SELECT test.error_of($$SELECT presence.presence_touch('ann')$$);
RESET ROLE;

-- A level may change: the new one replaces the old one.
SELECT presence_grant('regress_presence_app', 'service');
SELECT presence_grant('regress_presence_app', 'monitor');
SELECT has_function_privilege('regress_presence_app', 'presence_act_for_others()', 'EXECUTE');
SELECT presence_revoke('regress_presence_app');

-- Names with quotes.
SELECT presence_grant('"regress_Presence ""quoted"""', 'service');
SELECT has_function_privilege('regress_Presence "quoted"', 'presence_act_for_others()', 'EXECUTE');
SELECT presence_revoke('"regress_Presence ""quoted"""');
SELECT has_function_privilege('regress_Presence "quoted"', 'presence_act_for_others()', 'EXECUTE');

-- The level user acts for itself and reads no table; what it may otherwise is in identity.sql.
SELECT presence_grant('regress_presence_app', 'user');
SELECT has_function_privilege('regress_presence_app', 'presence_act_for_others()', 'EXECUTE'), has_table_privilege('regress_presence_app', 'user_presence', 'SELECT');
SET ROLE regress_presence_app;
SELECT test.error_of($$SELECT presence.presence_touch('ann')$$);
SELECT test.error_of($$SELECT presence.presence_touch_many('{ann}')$$);
RESET ROLE;
SELECT presence_revoke('regress_presence_app');

SELECT test.error_of($$SELECT presence_grant('regress_presence_app', 'x')$$);
SELECT test.error_of($$SELECT presence_grant('regress_presence_app', NULL)$$);
SELECT test.error_of($$SELECT presence_grant('regress_presence_nobody', 'service')$$);
SELECT test.error_of($$SELECT presence_grant(NULL, 'service')$$);
SELECT test.error_of($$SELECT presence_revoke('regress_presence_nobody')$$);
SELECT test.error_of($$SELECT presence_revoke(NULL)$$);

DROP OWNED BY regress_presence_app, regress_presence_monitor, "regress_Presence ""quoted""";
DROP ROLE regress_presence_app, regress_presence_monitor, "regress_Presence ""quoted""";
