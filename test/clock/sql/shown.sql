--
-- A snapshot and the events after it never miss: what a snapshot has shown is told when it is no longer true, even if it was taken back
-- before the worker could tell it. What no snapshot has shown is not told.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
ALTER SYSTEM SET presence.private_channel = 'trusted';
ALTER SYSTEM SET presence.typing_timeout = '1min';
SELECT pg_reload_conf();
\c -
SET search_path = presence;
-- The worker has read both when typing outlives its three seconds.
CREATE FUNCTION test.types_on(gap interval) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_typing('ann', 'lobby');
    PERFORM presence.presence_test_advance(gap);
    RETURN EXISTS (SELECT FROM presence.presence_typing_users('lobby'));
END
$$;
SELECT test.eventually($$SELECT test.types_on('11 s')$$);
SELECT presence_typing('ann', 'lobby', false);
-- The worker stands still while it is at rest, where it holds no lock; then it goes on, and tells everything, also what waits for
-- the cursor interval.
CREATE FUNCTION test.signal_worker(signal text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COPY (SELECT) TO PROGRAM %L', format('kill -%s %s; cat >/dev/null', signal, (SELECT worker_pid FROM presence.presence_info())));
END
$$;
CREATE FUNCTION test.stop_worker() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM presence.presence_test_advance('0');
    PERFORM test.signal_worker('STOP');
END
$$;
CREATE FUNCTION test.continue_worker() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM test.signal_worker('CONT');
    PERFORM presence.presence_test_advance('1 s');
END
$$;

-- ---- consumers -------------------------------------------------------------------------------------------------------------

CREATE TABLE test.subscription (name text PRIMARY KEY, channel text, viewer text);
INSERT INTO test.subscription VALUES ('all', 'global_presence', NULL), ('lobby', 'lobby', NULL), ('friend, all', 'global_presence', 'friend'),
    ('friend, lobby', 'lobby', 'friend'), ('stranger, lobby', 'lobby', 'stranger'), ('trusted', 'trusted', NULL);
CREATE FUNCTION test.snapshots() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(name, presence.presence_snapshot(channel, viewer)) FROM test.subscription);
END
$$;
-- What a consumer keeps of a snapshot: users by id, and who types.
CREATE FUNCTION test.picture(snapshot jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN jsonb_build_object(
        'users', (SELECT coalesce(jsonb_object_agg(u ->> 'user_id', jsonb_strip_nulls(u - ARRAY['id', 'name', 'avatar', 'user_id', 'typing', 'last_seen',
                      'last_seen_bucket', 'current_page', 'session_count', 'activity_count', 'interactions_per_minute', 'joined_at', 'last_active'])), '{}')
                  FROM jsonb_array_elements(snapshot -> 'users') AS u),
        'typing', (SELECT coalesce(jsonb_object_agg(t ->> 'user_id', true), '{}') FROM jsonb_array_elements(snapshot -> 'typing') AS t));
END
$$;
-- The picture after one event, by the rule of docs/delivery.md. The private channel tells of channels as well, which are not in its picture.
CREATE FUNCTION test.apply(picture jsonb, event jsonb, channel text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    who text := event ->> 'user_id';
    known jsonb := picture -> 'users' -> who;
BEGIN
    IF channel = 'trusted' AND event ->> 'channel' <> 'global_presence' THEN
        RETURN picture;
    END IF;
    CASE event ->> 'event'
    WHEN 'typing_start' THEN
        RETURN jsonb_set(picture, ARRAY['typing', who], 'true');
    WHEN 'typing_stop' THEN
        RETURN picture #- ARRAY['typing', who];
    WHEN 'user_left' THEN
        RETURN picture #- ARRAY['users', who];
    WHEN 'visibility_changed' THEN
        RETURN picture;
    ELSE
        IF event ->> 'status' = 'offline' THEN
            RETURN picture #- ARRAY['users', who];
        END IF;
        IF known IS NULL AND event ->> 'event' IN ('cursor_moved', 'state_changed') THEN
            RETURN picture;
        END IF;
        known := coalesce(known, '{}') || (event - ARRAY['v', 'epoch', 'seq', 'prev', 'channel', 'event', 'user_id', 'timestamp', 'previous_status', 'reason',
                                                         'user', 'typing', 'audience', 'detail'])
                 || CASE WHEN event ? 'user' THEN jsonb_build_object('user_data', nullif(jsonb_strip_nulls(event -> 'user') - 'id', '{}')) ELSE '{}' END;
        RETURN jsonb_set(picture, ARRAY['users', who], jsonb_strip_nulls(known));
    END CASE;
END
$$;
-- What each consumer that has taken its snapshot hears after it, and whether its picture is the true one then.
CREATE FUNCTION test.outcome(snapshots jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    subscription test.subscription;
    snapshot jsonb;
    answer jsonb;
    event jsonb;
    picture jsonb;
    truth jsonb;
    heard text;
BEGIN
    FOR subscription IN SELECT * FROM test.subscription ORDER BY name COLLATE "C" LOOP
        snapshot := snapshots -> subscription.name;
        picture := test.picture(snapshot);
        answer := presence.presence_events(subscription.channel, snapshot ->> 'epoch', (snapshot ->> 'seq')::bigint, viewer => subscription.viewer);
        truth := test.picture(presence.presence_snapshot(subscription.channel, subscription.viewer));
        heard := CASE WHEN (answer ->> 'resync')::bool THEN ' resync' ELSE '' END;
        FOR event IN SELECT e FROM jsonb_array_elements(answer -> 'events') AS e LOOP
            heard := heard || ' ' || (event ->> 'event');
            picture := test.apply(picture, event, subscription.channel);
        END LOOP;
        IF heard = ' resync' THEN
            picture := truth;
        END IF;
        IF picture <> truth THEN
            RETURN NEXT format('%s: WRONG after%s: %s, but it is %s', subscription.name, heard, picture, truth);
        ELSIF heard <> '' THEN
            RETURN NEXT subscription.name || ':' || heard;
        END IF;
    END LOOP;
END
$$;

-- ---- there and back ----------------------------------------------------------------------------------------------------------

CREATE TABLE test.outcome (heard text);
-- Given a state, when a change is taken back before it is told, what do those hear who took a snapshot before it, and who took one in between?
CREATE PROCEDURE test.there_and_back(given text, change text, back text) LANGUAGE plpgsql AS $$
DECLARE
    before jsonb;
    shown jsonb;
BEGIN
    TRUNCATE test.outcome;
    EXECUTE given;
    COMMIT;
    FOR is_shown IN 0 .. 1 LOOP
        PERFORM test.stop_worker();
        before := test.snapshots();
        EXECUTE change;
        COMMIT;
        IF is_shown = 1 THEN
            shown := test.snapshots();
        END IF;
        EXECUTE back;
        COMMIT;
        PERFORM test.continue_worker();
        INSERT INTO test.outcome SELECT CASE is_shown WHEN 0 THEN 'not shown, ' ELSE 'shown to others, ' END || o FROM test.outcome(before) AS o
            WHERE is_shown = 0 OR o ~ 'WRONG';
        INSERT INTO test.outcome SELECT 'shown, ' || o FROM test.outcome(shown) AS o WHERE is_shown = 1;
        COMMIT;
    END LOOP;
END
$$;
\set lobby 'SELECT presence_connect(\'ann\', \'ann 1\', user_data => \'{"name": "Ann"}\'), presence_join(\'ann\', \'lobby\', session_id => \'ann 1\')'

-- a status, a message
CALL test.there_and_back(:'lobby', $$SELECT presence_set_status('ann', 'busy')$$, $$SELECT presence_clear_status('ann')$$);
SELECT heard FROM test.outcome;
CALL test.there_and_back(:'lobby', $$SELECT presence_set_message('ann', 'tea')$$, $$SELECT presence_set_message('ann', '')$$);
SELECT heard FROM test.outcome;
-- in and out, out and in
CALL test.there_and_back($$SELECT presence_leave('ann', 'lobby')$$, :'lobby', $$SELECT presence_leave('ann', 'lobby')$$);
SELECT heard FROM test.outcome;
CALL test.there_and_back(:'lobby', $$SELECT presence_leave('ann', 'lobby')$$, :'lobby');
SELECT heard FROM test.outcome;
-- came and went, went and came
CALL test.there_and_back('SELECT 1', $$SELECT presence_touch('new')$$, $$SELECT presence_logout('new')$$);
SELECT heard FROM test.outcome;
CALL test.there_and_back(:'lobby', $$SELECT presence_logout('ann')$$, :'lobby');
SELECT heard FROM test.outcome;
CALL test.there_and_back(:'lobby', $$SELECT presence_forget('ann')$$, :'lobby');
SELECT heard FROM test.outcome;
-- typing, of a member and of somebody else
CALL test.there_and_back(:'lobby', $$SELECT presence_typing('ann', 'lobby')$$, $$SELECT presence_typing('ann', 'lobby', false)$$);
SELECT heard FROM test.outcome;
CALL test.there_and_back('SELECT 1', $$SELECT presence_typing('zoe', 'lobby')$$, $$SELECT presence_typing('zoe', 'lobby', false)$$);
SELECT heard FROM test.outcome;
CALL test.there_and_back($$SELECT presence_typing('zoe', 'lobby')$$, $$SELECT presence_typing('zoe', 'lobby', false)$$, $$SELECT presence_typing('zoe', 'lobby')$$);
SELECT heard FROM test.outcome;
SELECT presence_typing('zoe', 'lobby', false);
-- data, the user's own and the member's
CALL test.there_and_back(:'lobby', $$SELECT presence_connect('ann', 'ann 1', user_data => '{"name": "Anna", "team": 7}')$$, :'lobby');
SELECT heard FROM test.outcome;
CALL test.there_and_back($$SELECT presence_join('ann', 'lobby', '{"role": "host"}')$$, $$SELECT presence_join('ann', 'lobby', '{"role": "guest"}')$$,
                         $$SELECT presence_join('ann', 'lobby', '{"role": "host"}')$$);
SELECT heard FROM test.outcome;
-- a state: the last one is told anyway
CALL test.there_and_back($$SELECT presence_join('ann', 'lobby'), presence_set_state('ann', 'lobby', '1')$$, $$SELECT presence_set_state('ann', 'lobby', '2')$$,
                         $$SELECT presence_set_state('ann', 'lobby', '1')$$);
SELECT heard FROM test.outcome;

-- ---- who hides -----------------------------------------------------------------------------------------------------------------

SELECT presence_add_contact('ann', 'friend');
CALL test.there_and_back(:'lobby', $$SELECT presence_set_visibility('ann', 'contacts')$$, $$SELECT presence_set_visibility('ann', 'everyone')$$);
SELECT heard FROM test.outcome;
CALL test.there_and_back($$SELECT presence_set_visibility('ann', 'contacts')$$, $$SELECT presence_set_visibility('ann', 'everyone')$$,
                         $$SELECT presence_set_visibility('ann', 'contacts')$$);
SELECT heard FROM test.outcome;
CALL test.there_and_back($$SELECT presence_set_visibility('ann', 'contacts')$$, $$SELECT presence_set_status('ann', 'busy')$$, $$SELECT presence_clear_status('ann')$$);
SELECT heard FROM test.outcome;
CALL test.there_and_back($$SELECT presence_set_visibility('ann', 'contacts')$$, $$SELECT presence_leave('ann', 'lobby')$$, :'lobby');
SELECT heard FROM test.outcome;
CALL test.there_and_back($$SELECT presence_set_visibility('ann', 'contacts')$$, $$SELECT presence_block('ann', 'friend')$$, $$SELECT presence_unblock('ann', 'friend')$$);
SELECT heard FROM test.outcome;
SELECT presence_set_visibility('ann', 'everyone');

-- ---- a snapshot of what is not committed yet -----------------------------------------------------------------------------------------

-- Given a transaction whose snapshots show its own changes, when they are taken back right after its commit, then that is told.
CREATE PROCEDURE test.own(given text, change text, back text) LANGUAGE plpgsql AS $$
DECLARE
    shown jsonb;
BEGIN
    TRUNCATE test.outcome;
    EXECUTE given;
    COMMIT;
    PERFORM test.stop_worker();
    EXECUTE change;
    shown := test.snapshots();
    COMMIT;
    EXECUTE back;
    COMMIT;
    PERFORM test.continue_worker();
    INSERT INTO test.outcome SELECT o FROM test.outcome(shown) AS o;
    COMMIT;
END
$$;
CALL test.own(:'lobby', $$SELECT presence_set_status('ann', 'busy', 'tea')$$, $$SELECT presence_set_message('ann', ''), presence_clear_status('ann')$$);
SELECT heard FROM test.outcome;
CALL test.own(:'lobby', $$SELECT presence_leave('ann', 'lobby')$$, :'lobby');
SELECT heard FROM test.outcome;
CALL test.own('SELECT 1', $$SELECT presence_join('new', 'lobby')$$, $$SELECT presence_logout('new')$$);
SELECT heard FROM test.outcome;
CALL test.own(:'lobby', $$SELECT presence_set_visibility('ann', 'nobody')$$, $$SELECT presence_set_visibility('ann', 'everyone')$$);
SELECT heard FROM test.outcome;

-- ---- what a viewer polls ---------------------------------------------------------------------------------------------------------

-- Given a contact who is told how ann is now, before everybody else hears of it, when that is taken back, then it is told.
CREATE PROCEDURE test.polled(told text, change text, back text) LANGUAGE plpgsql AS $$
DECLARE
    at jsonb;
    polled jsonb;
BEGIN
    at := presence.presence_snapshot('global_presence', 'friend');
    EXECUTE told;
    COMMIT;
    PERFORM test.stop_worker();
    EXECUTE change;
    COMMIT;
    polled := presence.presence_events('global_presence', at ->> 'epoch', (at ->> 'seq')::bigint, viewer => 'friend');
    EXECUTE back;
    COMMIT;
    PERFORM test.continue_worker();
    TRUNCATE test.outcome;
    INSERT INTO test.outcome VALUES (format('told %s, then %s', (SELECT string_agg(e ->> 'status', ' ') FROM jsonb_array_elements(polled -> 'events') AS e),
        (SELECT string_agg(e ->> 'status', ' ') FROM jsonb_array_elements(
            presence.presence_events('global_presence', polled ->> 'epoch', (polled ->> 'seq')::bigint, viewer => 'friend') -> 'events') AS e)));
    COMMIT;
END
$$;
SELECT presence_set_visibility('ann', 'contacts');
SELECT presence_test_advance('0') IS NOT NULL;
CALL test.polled($$SELECT presence_set_status('ann', 'busy')$$, $$SELECT presence_set_status('ann', 'away')$$, $$SELECT presence_set_status('ann', 'busy')$$);
SELECT heard FROM test.outcome;
SELECT presence_set_visibility('ann', 'everyone');

ALTER SYSTEM RESET presence.typing_timeout;
ALTER SYSTEM RESET presence.private_channel;
SELECT pg_reload_conf();
SELECT presence_reset();
