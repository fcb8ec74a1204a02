--
-- Snapshots, events after a position, versions: what a consumer needs to converge.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SET client_min_messages = warning;
SELECT presence_reset();

-- An answer without what differs from run to run.
CREATE FUNCTION test.plain(answer jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT answer - '{epoch,seq,at}'::text[] || jsonb_build_object('users',
        (SELECT coalesce(jsonb_agg(u - '{last_seen,joined_at,last_active,activity_count,interactions_per_minute,session_count,last_seen_bucket,current_page}'::text[]
                                   ORDER BY u ->> 'user_id'), '[]') FROM jsonb_array_elements(answer -> 'users') u))
        || CASE WHEN answer ? 'typing' THEN jsonb_build_object('typing', (SELECT coalesce(jsonb_agg(t - 'since' ORDER BY t ->> 'user_id'), '[]')
                                                                         FROM jsonb_array_elements(answer -> 'typing') t)) ELSE '{}' END
$$;
-- Where a consumer is.
CREATE TABLE test.consumer (name text PRIMARY KEY, channel text, viewer text, epoch text, seq bigint, snapshot jsonb);
CREATE FUNCTION test.subscribe(called text, channel text, viewer text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb := presence.presence_snapshot(channel, viewer);
BEGIN
    DELETE FROM test.consumer WHERE name = called;
    INSERT INTO test.consumer VALUES (called, channel, viewer, answer ->> 'epoch', (answer ->> 'seq')::bigint, answer);
    RETURN test.plain(answer);
END
$$;
-- In words, what it hears after that. It waits until the worker has told everything.
CREATE FUNCTION test.hear(called text, most int DEFAULT 1000) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    consumer test.consumer;
    answer jsonb;
BEGIN
    PERFORM test.all_told();
    SELECT * INTO consumer FROM test.consumer WHERE name = called;
    answer := presence.presence_events(consumer.channel, consumer.epoch, consumer.seq, most, consumer.viewer);
    UPDATE test.consumer SET epoch = answer ->> 'epoch', seq = (answer ->> 'seq')::bigint WHERE name = called;
    IF (answer ->> 'resync')::bool THEN
        RETURN NEXT 'resync';
    END IF;
    -- What several users do in one round comes in any order.
    RETURN QUERY SELECT concat_ws(' ', e ->> 'event', e ->> 'user_id', e ->> 'status', quote_literal(e ->> 'status_message'), e -> 'user',
                                  e -> 'cursor_position', e -> 'state', e ->> 'user_name', e ->> 'audience')
                 FROM jsonb_array_elements(answer -> 'events') WITH ORDINALITY AS t (e, n) ORDER BY e ->> 'user_id' COLLATE "C", n;
END
$$;
-- Nothing new for longer than a round of the worker takes. What waits for a worker that stands still makes it not fresh, but
-- only after a second.
CREATE FUNCTION test.all_told() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before bigint := -1;
    now_there bigint;
    is_fresh bool;
BEGIN
    FOR attempt IN 1 .. 150 LOOP
        SELECT seq, fresh INTO now_there, is_fresh FROM presence.presence_info();
        IF now_there = before AND is_fresh THEN
            RETURN;
        END IF;
        before := now_there;
        PERFORM pg_sleep(0.4);
    END LOOP;
    RAISE EXCEPTION 'the worker does not come to an end';
END
$$;

-- The worker knows a channel that tells of all others when it says that nobody can go on from before.
CREATE FUNCTION test.looks_again(from_epoch text, from_seq bigint) RETURNS text LANGUAGE sql AS $$
    SELECT test.eventually(format('SELECT (presence.presence_events(%L, %L, %s) ->> %L)::bool', 'global_presence', from_epoch, from_seq, 'resync'))
$$;
SELECT test.all_told();
SELECT epoch, seq FROM presence_info() \gset
ALTER SYSTEM SET presence.private_channel = 'trusted';
SELECT pg_reload_conf();
SELECT test.looks_again(:'epoch', :seq);
SELECT test.all_told();
CREATE TABLE test.beginning AS SELECT epoch, seq FROM presence_info();

-- ---- snapshots ---------------------------------------------------------------------------------------------------------

SELECT test.plain(presence_snapshot());
SELECT test.plain(presence_snapshot('nobody is "here"'));
SELECT count(*) FROM (SELECT presence_connect('ann', 'a1', user_data => '{"name": "Ann", "avatar": "/a.png", "team": 7}')) AS _;
SELECT count(*) FROM (SELECT presence_connect('ben', 'b1')) AS _;
SELECT count(*) FROM (SELECT presence_set_status('ben', 'busy', 'in a call')) AS _;
SELECT count(*) FROM (SELECT presence_join('ann', 'lobby'), presence_join('ben', 'lobby'), presence_join_document('ann', 7, '{"line": 1}', '[1,2]')) AS _;
SELECT presence_set_state('ben', 'lobby', '"hand"');
SELECT test.all_told();
SELECT jsonb_pretty(test.plain(presence_snapshot()));
SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(presence_snapshot('lobby')) AS key;
SELECT array_agg(key ORDER BY key) FROM jsonb_object_keys(presence_snapshot('lobby') -> 'users' -> 0) AS key;
SELECT test.while_typing('zoe', 'lobby', $$SELECT (test.plain(presence_snapshot('lobby')) -> 'typing')::text$$);
SELECT presence_typing('zoe', 'lobby', false);
SELECT u ->> 'user_id', u -> 'cursor_position', u -> 'selection_range' FROM jsonb_array_elements(presence_snapshot('document_7') -> 'users') u;
-- It is what everybody may know, and the position is that of presence_info.
SELECT test.all_told();
SELECT s ->> 'epoch' = epoch, (s ->> 'seq')::bigint = seq FROM presence_snapshot() s, presence_info();
SELECT s -> 'truncated', jsonb_array_length(s -> 'users') FROM presence_snapshot(max_users => 1) s;
SELECT s -> 'truncated', s -> 'users' FROM presence_snapshot(max_users => 0) s;
SELECT s -> 'truncated', s -> 'members', jsonb_array_length(s -> 'users') FROM presence_snapshot('lobby', max_users => 1) s;
-- Names that need quotes, or have more bytes than letters.
SELECT count(*) FROM (SELECT presence_join('"Ü" \ ''', 'Zimmer "1"', '{"name": "Jürgen \"J\""}')) AS _;
SELECT s ->> 'channel', u ->> 'user_id', u ->> 'name' FROM presence_snapshot('Zimmer "1"') s, jsonb_array_elements(s -> 'users') u;
SELECT s -> 'members' FROM presence_snapshot('zimmer "1"') s;
SELECT presence_logout('"Ü" \ ''');
-- A transaction sees its own changes, and nobody else does.
BEGIN;
SELECT count(*) FROM (SELECT presence_set_status('ann', 'busy', 'mine'), presence_join('own', 'lobby'), presence_leave('ben', 'lobby')) AS _;
SELECT u ->> 'user_id', u ->> 'status', u ->> 'status_message' FROM jsonb_array_elements(presence_snapshot('lobby') -> 'users') u ORDER BY 1;
SELECT u ->> 'user_id', u ->> 'status' FROM jsonb_array_elements(presence_snapshot() -> 'users') u WHERE u ->> 'user_id' IN ('ann', 'own') ORDER BY 1;
ROLLBACK;
SELECT u ->> 'user_id', u ->> 'status', u ->> 'status_message' FROM jsonb_array_elements(presence_snapshot('lobby') -> 'users') u ORDER BY 1;
SELECT test.error_of($$SELECT presence_snapshot(NULL)$$);
SELECT test.error_of($$SELECT presence_snapshot('')$$);
SELECT test.error_of($$SELECT presence_snapshot(max_users => -1)$$);
SELECT test.error_of(format('SELECT presence_snapshot(%L)', repeat('x', 129)));

-- ---- events ------------------------------------------------------------------------------------------------------------

SELECT test.all_told();
SELECT test.subscribe('everybody', 'global_presence') -> 'truncated', test.subscribe('lobby', 'lobby') -> 'members';
SELECT test.hear('everybody');
SELECT count(*) FROM (SELECT presence_set_status('ann', 'away', 'tea'), presence_join('cem', 'lobby', '{"name": "Cem"}'), presence_leave('ben', 'lobby')) AS _;
SELECT test.hear('everybody');
SELECT test.hear('lobby');
SELECT test.hear('lobby');
-- In portions.
SELECT count(*) FROM (SELECT presence_join('cem', 'lobby', '{"name": "C"}'), presence_set_message('cem', 'here')) AS _;
SELECT presence_set_state('cem', 'lobby', '"a"');
SELECT test.hear('lobby', 2);
SELECT test.hear('lobby', 2);
SELECT test.hear('lobby', 2);
-- No position, another run, a position to come; and the first of all.
SELECT e -> 'resync', e -> 'events', e ->> 'epoch' = i.epoch, (e ->> 'seq')::bigint = i.seq
FROM presence_info() i, (VALUES (NULL, NULL), ('x', 1), ('0123456789abcdef', 1)) v (epoch, seq), presence_events('lobby', v.epoch, v.seq) e;
SELECT e -> 'resync' FROM presence_info() i, presence_events('lobby', i.epoch, i.seq + 1) e;
SELECT e -> 'resync', jsonb_array_length(e -> 'events') > 2 FROM test.beginning i, presence_events('lobby', i.epoch, i.seq) e;
SELECT test.error_of($$SELECT presence_events('lobby', 'x', -1)$$);
SELECT test.error_of($$SELECT presence_events('lobby', 'x', 1, 0)$$);
SELECT test.error_of($$SELECT presence_events(NULL, 'x', 1)$$);
SELECT test.error_of($$SELECT presence_events('', 'x', 1)$$);
SELECT test.error_of(format('SELECT presence_events(%L, %L, 1)', repeat('x', 129), 'x'));
SELECT e -> 'resync' FROM presence_info() i, presence_events('lobby', i.epoch, NULL) e;
SELECT e -> 'resync' FROM presence_info() i, presence_events('lobby', NULL, i.seq) e;
SELECT e -> 'resync' FROM presence_info() i, presence_events('lobby', upper(i.epoch) || ' ', i.seq) e;
-- An event is the same whether it is heard or asked for, and each names the one before it.
SELECT bool_and(prev = lag) FROM (SELECT (e ->> 'prev')::bigint AS prev, lag((e ->> 'seq')::bigint) OVER (ORDER BY n) AS lag
    FROM test.beginning i, jsonb_array_elements(presence_events('lobby', i.epoch, i.seq) -> 'events') WITH ORDINALITY t (e, n)) AS _ WHERE lag IS NOT NULL;

-- ---- waiting -----------------------------------------------------------------------------------------------------------

SELECT jsonb_array_length(presence_wait('lobby', epoch, seq) -> 'events') > 2 FROM test.beginning;
SELECT e -> 'resync', e -> 'events' FROM presence_info() i, presence_wait('lobby', i.epoch, i.seq, '10 ms') e;
SELECT e -> 'resync', e -> 'events' FROM presence_info() i, presence_wait('lobby', i.epoch, i.seq, '-1 s') e;
SELECT presence_wait('lobby', 'x', 1) -> 'resync';
SELECT test.error_of($$SELECT presence_wait('lobby', 'x', 1, '61 min')$$);
SELECT test.error_of($$SELECT presence_wait('lobby', 'x', 1, NULL)$$);

-- ---- versions ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION test.changes_version(change text, channel text DEFAULT 'lobby') RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    before text := presence.presence_version(channel);
BEGIN
    EXECUTE change;
    RETURN presence.presence_version(channel) <> before;
END
$$;
SELECT test.changes_version($$SELECT 1$$), test.changes_version($$SELECT presence_touch('cem', page_url => '/x')$$),
       test.changes_version($$SELECT presence_set_message('cem', 'hi')$$), test.changes_version($$SELECT presence_set_status('cem', 'busy')$$),
       test.changes_version($$SELECT presence_set_state('cem', 'lobby', '1')$$), test.changes_version($$SELECT presence_typing('cem', 'lobby')$$),
       test.changes_version($$SELECT presence_join('cem', 'lobby', '{"name": "D"}')$$), test.changes_version($$SELECT presence_leave('cem', 'lobby')$$);
SELECT test.changes_version($$SELECT presence_set_message('cem', 'ho')$$, 'global_presence'), test.changes_version($$SELECT presence_set_message('cem', 'ha')$$, 'lobby');
SELECT test.changes_version($$SELECT presence_join_document('cem', 7)$$, 'document_7'), test.changes_version($$SELECT presence_move_cursor('cem', 7, '1')$$, 'document_7'),
       test.changes_version($$SELECT presence_move_cursor('cem', 7, '1')$$, 'document_7'), test.changes_version($$SELECT presence_move_cursor('cem', 7, '1', '[1, 2]')$$, 'document_7'),
       test.changes_version($$SELECT presence_leave_document('cem', 7)$$, 'document_7');
SELECT presence_typing('kim', 'lobby'), test.changes_version($$SELECT presence_typing('kim', 'lobby', false)$$);
SELECT presence_version() = presence_version(max_users => 1), presence_version('lobby') = presence_version('hall');

-- ---- large channels ------------------------------------------------------------------------------------------------------

SELECT count(presence_join('l' || i, 'hall')) FROM generate_series(1, 501) AS i;
SELECT test.eventually($$SELECT (presence.presence_snapshot('hall') -> 'large')::bool$$);
SELECT s -> 'members', s -> 'truncated', jsonb_array_length(s -> 'users') FROM presence_snapshot('hall') s;
SELECT s -> 'members', s -> 'truncated', jsonb_array_length(s -> 'users') FROM presence_snapshot('hall', max_users => 2) s;
SELECT test.subscribe('hall', 'hall') -> 'large';
SELECT count(*) FROM (SELECT presence_leave('l7', 'hall'), presence_set_status('l8', 'busy')) AS _;
SELECT test.eventually($$SELECT count(*) = 1 FROM test.consumer c, jsonb_array_elements(presence.presence_events('hall', c.epoch, c.seq) -> 'events') e
    WHERE c.name = 'hall' AND e ->> 'event' = 'channel_occupancy' AND (e -> 'members')::int = 500$$);
SELECT heard FROM test.hear('hall') heard WHERE heard ~ 'l[78]';
SELECT count(presence_logout('l' || i)) FROM generate_series(1, 501) AS i;
SELECT test.all_told();

-- ---- who hides ---------------------------------------------------------------------------------------------------------

SELECT presence_set_visibility('dan', 'contacts'), presence_add_contact('dan', 'ann'), presence_add_contact('dan', 'ben', 'status');
SELECT count(*) FROM (SELECT presence_connect('dan', 'd1', user_data => '{"name": "Dan", "secret": 1}'), presence_join('dan', 'lobby')) AS _;
SELECT test.all_told();
CREATE FUNCTION test.sees(viewer text, channel text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT u ->> 'status' || ' ' || (u ->> 'user_data') FROM jsonb_array_elements(presence.presence_snapshot(channel, viewer) -> 'users') u
                     WHERE u ->> 'user_id' = 'dan'), 'nobody')
$$;
SELECT who, test.sees(who, 'global_presence'), test.sees(who, 'lobby') FROM (VALUES (NULL), ('ann'), ('ben'), ('cem'), ('dan')) v (who);
SELECT test.sees(NULL, 'trusted');
SELECT presence_version('lobby', 'ann') = presence_version('lobby', 'ben'), presence_version('lobby', 'cem') = presence_version('lobby');
SELECT count(test.subscribe(coalesce(who, 'public') || ' in lobby', 'lobby', who)) FROM (VALUES (NULL), ('ann'), ('ben'), ('cem'), ('dan')) v (who);
SELECT test.subscribe('trusted', 'trusted') -> 'truncated';
SELECT count(*) FROM (SELECT presence_set_status('dan', 'busy', 'psst')) AS _;
SELECT presence_set_state('dan', 'lobby', '"secret"');
SELECT test.all_told();
SELECT who, heard FROM (VALUES ('public'), ('ann'), ('ben'), ('cem'), ('dan')) v (who), test.hear(who || ' in lobby') heard;
SELECT test.hear('trusted');
-- A rule: whoever may see other people by it takes a new snapshot. The public hears of a logout.
SELECT presence_block('dan', 'ann');
SELECT test.all_told();
SELECT who, heard FROM (VALUES ('public'), ('ann'), ('cem'), ('dan')) v (who), test.hear(who || ' in lobby') heard;
SELECT test.sees('ann', 'lobby');
-- A level of user reads for itself, and knows no private channel.
CREATE ROLE regress_self LOGIN;
SELECT presence_grant('regress_self', 'user');
GRANT USAGE ON SCHEMA presence TO regress_self;
SET SESSION AUTHORIZATION regress_self;
SELECT jsonb_array_length(presence.presence_snapshot('trusted') -> 'users'), presence.presence_snapshot('trusted') -> 'members';
SELECT presence.presence_events('trusted', epoch, 0) -> 'events' FROM presence.presence_info();
SELECT presence.presence_snapshot(viewer => 'ann');
SELECT presence.presence_events('lobby', 'x', 1, viewer => 'ann');
SELECT presence.presence_wait('lobby', 'x', 1, viewer => 'ann');
SELECT presence.presence_version(viewer => 'ann');
SELECT presence.presence_resync();
RESET SESSION AUTHORIZATION;

-- ---- the firehose, and a call for new snapshots ---------------------------------------------------------------------------

SELECT epoch, seq FROM presence_info() \gset
ALTER SYSTEM SET presence.firehose_channel = 'all of it';
SELECT pg_reload_conf();
SELECT test.looks_again(:'epoch', :seq);
SELECT test.all_told();
SELECT test.subscribe('firehose', 'all of it') -> 'truncated';
SELECT count(*) FROM (SELECT presence_join('eve', 'lobby'), presence_set_state('ben', 'lobby', '1') FROM presence_join('ben', 'lobby')) AS _;
SELECT test.hear('firehose');
ALTER SYSTEM SET presence.firehose_channel = 'global_presence';
ALTER SYSTEM RESET presence.firehose_channel;
SELECT test.subscribe('everybody', 'global_presence') -> 'truncated', test.subscribe('lobby', 'lobby') -> 'truncated';
SELECT presence_resync();
SELECT test.hear('everybody');
SELECT test.hear('lobby');
SELECT test.hear('lobby');

-- ---- where nobody is open to everybody --------------------------------------------------------------------------------------

-- Given that only contacts see anybody, then everybody else takes a new snapshot, and a contact hears what happens.
SELECT test.subscribe('everybody', 'global_presence') -> 'truncated', test.subscribe('ann', 'global_presence', 'ann') -> 'truncated';
ALTER SYSTEM SET presence.default_audience = 'contacts';
SELECT epoch, seq FROM presence_info() \gset
SELECT pg_reload_conf();
SELECT test.looks_again(:'epoch', :seq);
\c -
SET search_path = presence;
SET client_min_messages = warning;
SELECT test.hear('everybody'), test.hear('ann');
SELECT presence_add_contact('ben', 'ann');
SELECT test.all_told();
SELECT jsonb_array_length(test.subscribe('everybody', 'global_presence') -> 'users');
SELECT u ->> 'user_id', u ->> 'status' FROM jsonb_array_elements(test.subscribe('ann', 'global_presence', 'ann') -> 'users') u;
SELECT count(*) FROM (SELECT presence_set_status('ben', 'away', 'for contacts'), presence_set_status('eve', 'away')) AS _;
SELECT test.hear('everybody');
SELECT test.hear('ann');
ALTER SYSTEM RESET presence.default_audience;
ALTER SYSTEM RESET presence.private_channel;
SELECT pg_reload_conf();
DROP OWNED BY regress_self;
DROP ROLE regress_self;
SELECT presence_reset();
