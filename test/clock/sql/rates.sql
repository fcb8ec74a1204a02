--
-- presence.user_rate: how often a user calls who acts for itself. The clock stands still but where it is moved.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SET client_min_messages = warning;
SELECT presence_reset();
CREATE ROLE regress_fast LOGIN;
CREATE ROLE regress_slow LOGIN;
CREATE ROLE regress_app LOGIN;
SELECT presence_grant('regress_fast', 'user'), presence_grant('regress_slow', 'user'), presence_grant('regress_app', 'service');
GRANT USAGE ON SCHEMA presence, test TO PUBLIC;

-- Calls so often and says how many were let through, and what the others were told.
CREATE FUNCTION test.call_often(call text, times int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    passed int := 0;
    state text := 'none';
BEGIN
    FOR i IN 1 .. times LOOP
        BEGIN
            EXECUTE call;
            passed := passed + 1;
        EXCEPTION WHEN OTHERS THEN
            state := SQLSTATE;
        END;
    END LOOP;
    RETURN format('%s passed, refused: %s', passed, state);
END
$$;

-- The clock of the cluster goes on by itself: within a call that begins with a second it does not come to the next.
CREATE FUNCTION test.at_a_second(call text, times int, before text DEFAULT 'SELECT') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
    answer text;
BEGIN
    FOR attempt IN 1 .. 20 LOOP
        EXECUTE before;
        PERFORM test.next_second();
        began := (SELECT server_time FROM presence.presence_info());
        answer := test.call_often(call, times);
        IF date_trunc('second', began) = date_trunc('second', (SELECT server_time FROM presence.presence_info())) THEN
            RETURN answer;
        END IF;
    END LOOP;
    RETURN 'never within a second';
END
$$;
CREATE FUNCTION test.next_second() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    now timestamptz := presence.presence_test_advance('0');
BEGIN
    PERFORM presence.presence_test_advance(date_trunc('second', now) + interval '1 s' - now);
END
$$;

-- Given the default, then 50 a second, and the rest are told why.
SHOW presence.user_rate;
SET SESSION AUTHORIZATION regress_fast;
SELECT test.at_a_second('SELECT presence_touch(NULL)', 60);
SELECT test.at_a_second($$SELECT presence_touch('regress_fast', interactions => 3)$$, 50);
SELECT test.at_a_second($$SELECT presence_touch(NULL, 'click', '/', 'tab')$$, 60);
DO $$ BEGIN PERFORM test.next_second(); PERFORM presence_touch(NULL) FROM generate_series(1, 51); END $$;

-- The next second is a new one.
SELECT test.next_second();
SELECT test.call_often('SELECT presence_touch(NULL)', 50);

-- Touches, cursors, states and typings count together; whatever else is called does not.
SELECT presence_join(NULL, 'room') IS NOT NULL, presence_join_document(NULL, 7) IS NOT NULL;
SELECT test.at_a_second($$SELECT presence_touch(NULL), presence_move_cursor(NULL, 7, '{"line": 1}'), presence_set_state(NULL, 'room', '{}'), presence_typing(NULL, 'room')$$, 20);
SELECT test.at_a_second($$SELECT presence_typing(NULL, 'room', false)$$, 60);
SELECT test.at_a_second($$SELECT presence_move_cursor(NULL, 7, '{"line": 1}')$$, 60);
SELECT test.at_a_second($$SELECT presence_set_state(NULL, 'room', '{}')$$, 60);
SELECT session_id FROM presence_connect(NULL, 'tab 2');
SELECT test.at_a_second($$SELECT presence_heartbeat('tab 2'), presence_status('regress_slow'), presence_get('regress_slow'), presence_counts(), presence_channels(NULL)$$, 60);
-- A bad call is not counted, and neither is one for somebody else.
SELECT test.at_a_second($$SELECT presence_touch('regress_slow')$$, 60);
SELECT test.at_a_second($$SELECT presence_touch(NULL, interactions => -1)$$, 60);

-- The function that authorizes is not asked about what is too much.
RESET SESSION AUTHORIZATION;
CREATE SEQUENCE test.asked;
GRANT USAGE, UPDATE ON SEQUENCE test.asked TO PUBLIC;
CREATE FUNCTION test.may(text, text, text) RETURNS bool LANGUAGE sql AS $$SELECT nextval('test.asked') > 0$$;
SET presence.authorize_function = 'test.may';
SET SESSION AUTHORIZATION regress_slow;
SELECT test.at_a_second($$SELECT presence_typing(NULL, 'room')$$, 60, $$SELECT setval('test.asked', 1, false)$$);
RESET SESSION AUTHORIZATION;
RESET presence.authorize_function;
SELECT last_value FROM test.asked;

-- One user's calls are not another's, and a service is never too fast.
SET SESSION AUTHORIZATION regress_fast;
DO $$ BEGIN PERFORM test.next_second(); PERFORM presence_touch(NULL) FROM generate_series(1, 50); END $$;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_slow;
SELECT test.call_often('SELECT presence_touch(NULL)', 10);
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_app;
SELECT test.at_a_second($$SELECT presence_touch('regress_fast')$$, 200);
RESET SESSION AUTHORIZATION;
SELECT test.at_a_second($$SELECT presence_touch('regress_fast')$$, 200);

-- Another rate, and none.
ALTER SYSTEM SET presence.user_rate = 3;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SET client_min_messages = warning;
SHOW presence.user_rate;
SET SESSION AUTHORIZATION regress_fast;
SELECT test.at_a_second('SELECT presence_touch(NULL)', 20);
RESET SESSION AUTHORIZATION;
ALTER SYSTEM SET presence.user_rate = 0;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_fast;
SELECT test.at_a_second('SELECT presence_touch(NULL)', 200);
RESET SESSION AUTHORIZATION;
ALTER SYSTEM RESET presence.user_rate;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SET client_min_messages = warning;

-- Ten thousand users, each of them within its rate: nobody is refused for another one's calls. Their names are claims.
ALTER SYSTEM SET presence.trusted_gateways = regress_fast;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SET SESSION AUTHORIZATION regress_fast;
DO $$
BEGIN
    FOR i IN 1 .. 10000 LOOP
        PERFORM set_config('request.jwt.claims', format('{"sub": %s}', i), true);
        PERFORM presence_touch(NULL), presence_touch(NULL), presence_touch(NULL);
    END LOOP;
END
$$;
SELECT online >= 10000 FROM presence_counts();
RESET SESSION AUTHORIZATION;
ALTER SYSTEM RESET presence.trusted_gateways;
SELECT pg_reload_conf();

SELECT presence_reset();
DROP FUNCTION test.call_often, test.at_a_second, test.next_second, test.may;
DROP SEQUENCE test.asked;
REVOKE USAGE ON SCHEMA presence, test FROM PUBLIC;
SET client_min_messages = warning;
DROP OWNED BY regress_fast, regress_slow, regress_app;
DROP ROLE regress_fast, regress_slow, regress_app;
