--
-- Several sessions of one user: the strongest counts, what was chosen lies over it. Each step's outcome is written out by hand from the rules.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- A step: what happens, and then: the status, the live sessions, the reason of the last step of history, and how many steps there are.
CREATE TABLE test.step (scenario text, place serial, action text, expected text);
CREATE FUNCTION test.do(who text, action text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    word text[] := regexp_split_to_array(action, ' ');
    rest text := regexp_replace(action, '^\S+ ?', '');
    tail text := regexp_replace(action, '^\S+ \S+ ?', '');
    session text := CASE WHEN word[2] ~ '^[a-c]$' THEN who || '.' || word[2] END;
BEGIN
    CASE word[1]
        WHEN 'connect' THEN
            IF word[3] = 'lease' THEN
                PERFORM presence.presence_connect(who, session, lease => regexp_replace(tail, '^lease ', '')::interval);
            ELSIF word[3] = 'through' THEN
                PERFORM presence.presence_connect(who, session, gateway => who || word[4]);
            ELSE
                PERFORM presence.presence_connect(who, session, status => coalesce(word[3], 'online'));
            END IF;
        WHEN 'touch' THEN PERFORM presence.presence_touch(who, session_id => session);
        WHEN 'beat' THEN PERFORM presence.presence_heartbeat(session);
        WHEN 'beats' THEN
            FOR i IN 1..word[3]::int LOOP
                PERFORM presence.presence_test_advance('1 min');
                IF NOT presence.presence_heartbeat(session) THEN
                    RAISE EXCEPTION '% is gone', session;
                END IF;
            END LOOP;
        WHEN 'gateway' THEN PERFORM presence.presence_gateway(who || word[2], coalesce(nullif(tail, ''), '15 s')::interval);
        WHEN 'say' THEN PERFORM presence.presence_set_status(who, word[3], session_id => session);
        WHEN 'choose' THEN
            IF word[3] = 'for' THEN
                PERFORM presence.presence_set_status(who, word[2], expires_at => server_time + regexp_replace(tail, '^for ', '')::interval) FROM presence.presence_info();
            ELSE
                PERFORM presence.presence_set_status(who, word[2]);
            END IF;
        WHEN 'clear' THEN PERFORM presence.presence_clear_status(who);
        WHEN 'bye' THEN
            IF tail = '' THEN PERFORM presence.presence_disconnect(session); ELSE PERFORM presence.presence_disconnect(session, tail); END IF;
        WHEN 'logout' THEN PERFORM presence.presence_logout(who);
        WHEN 'leave' THEN PERFORM presence.presence_set_status(who, 'offline', explicit_logout => true);
        WHEN 'wait' THEN PERFORM presence.presence_test_advance(rest::interval);
    END CASE;
END
$$;
CREATE FUNCTION test.outcome(who text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT concat_ws(' ', status, session_count) FROM presence.presence_get(who))
        || coalesce((SELECT format(', %s %s', (array_agg(change_reason ORDER BY changed_at DESC))[1], count(*)) FROM presence.presence_history WHERE user_id = who HAVING count(*) > 0), '');
END
$$;
CREATE PROCEDURE test.play() LANGUAGE plpgsql AS $$
DECLARE
    step record;
    got text;
    steps int := 0;
    wrong int := 0;
BEGIN
    FOR step IN SELECT * FROM test.step ORDER BY place LOOP
        PERFORM test.do(step.scenario, step.action);
        COMMIT;
        PERFORM presence.presence_test_advance('0');
        got := test.outcome(step.scenario);
        steps := steps + 1;
        IF got IS DISTINCT FROM step.expected THEN
            wrong := wrong + 1;
            RAISE NOTICE '%: after "%": %; expected %', step.scenario, step.action, got, step.expected;
        END IF;
        -- Memory, row and history say the same; what the rows of sessions say is the function's.
        IF (SELECT status FROM presence.presence_status(step.scenario) AS status) IS DISTINCT FROM coalesce((SELECT status FROM presence.user_presence WHERE user_id = step.scenario), 'offline') THEN
            wrong := wrong + 1;
            RAISE NOTICE '%: after "%": the row says something else', step.scenario, step.action;
        END IF;
        IF EXISTS (SELECT session_id FROM presence.presence_sessions(step.scenario) WHERE session_id IS NOT NULL
                   EXCEPT SELECT session_id FROM presence.presence_sessions WHERE user_id = step.scenario)
        OR EXISTS (SELECT session_id FROM presence.presence_sessions WHERE user_id = step.scenario
                   EXCEPT SELECT session_id FROM presence.presence_sessions(step.scenario)) THEN
            RAISE NOTICE '%: after "%": the rows of the sessions are others', step.scenario, step.action;
            wrong := wrong + 1;
        END IF;
        COMMIT;
    END LOOP;
    RAISE NOTICE '% steps, % wrong', steps, wrong;
    DELETE FROM test.step;
    COMMIT;
END
$$;

-- Two sessions, one idle and one active: online. Both idle: away. One closes: the other's status, after the grace. Both closed: offline.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('idle', 'connect a', 'online 1, connect 1'),
    ('idle', 'connect b', 'online 2, connect 1'),
    ('idle', 'wait 4 min', 'online 2, connect 1'),
    ('idle', 'touch b', 'online 2, connect 1'),
    ('idle', 'wait 2 min', 'online 2, connect 1'),
    ('idle', 'wait 2 min 50 s', 'online 2, connect 1'),
    ('idle', 'wait 11 s', 'away 2, idle_timeout 2'),
    ('idle', 'touch a', 'online 2, activity 3'),
    ('idle', 'bye a', 'online 1, activity 3'),
    ('idle', 'wait 5 s', 'online 1, activity 3'),
    ('idle', 'wait 6 s', 'away 1, disconnect 4'),
    ('idle', 'touch b', 'online 1, activity 5'),
    ('idle', 'bye b', 'online 0, activity 5'),
    ('idle', 'wait 5 s', 'online 0, activity 5'),
    ('idle', 'wait 6 s', 'offline 0, disconnect 6');
-- The weaker one closes first: nobody notices.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('weak', 'connect a', 'online 1, connect 1'),
    ('weak', 'wait 6 min', 'away 1, idle_timeout 2'),
    ('weak', 'connect b', 'online 2, connect 3'),
    ('weak', 'bye a', 'online 1, connect 3'),
    ('weak', 'wait 11 s', 'online 1, connect 3'),
    ('weak', 'bye b', 'online 0, connect 3'),
    ('weak', 'wait 11 s', 'offline 0, disconnect 4');
-- Manual busy survives all but the last, and returns with the next one, until it is cleared.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('manual', 'connect a', 'online 1, connect 1'),
    ('manual', 'connect b', 'online 2, connect 1'),
    ('manual', 'choose busy', 'busy 2, manual 2'),
    ('manual', 'bye a', 'busy 1, manual 2'),
    ('manual', 'wait 11 s', 'busy 1, manual 2'),
    ('manual', 'wait 6 min', 'busy 1, manual 2'),
    ('manual', 'touch b', 'busy 1, manual 2'),
    ('manual', 'bye b', 'busy 0, manual 2'),
    ('manual', 'wait 11 s', 'offline 0, disconnect 3'),
    ('manual', 'connect c', 'busy 1, connect 4'),
    ('manual', 'wait 30 min 1 s', 'offline 0, timeout 5'),
    ('manual', 'touch', 'busy 1, activity 6'),
    ('manual', 'clear', 'online 1, manual 7'),
    ('manual', 'leave', 'offline 0, logout 8'),
    ('manual', 'connect a', 'online 1, connect 9');
-- ... or until it expires, with or without a session.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('expiring', 'connect a', 'online 1, connect 1'),
    ('expiring', 'choose busy for 10 min', 'busy 1, manual 2'),
    ('expiring', 'bye a', 'busy 0, manual 2'),
    ('expiring', 'wait 11 s', 'offline 0, disconnect 3'),
    ('expiring', 'connect b', 'busy 1, connect 4'),
    ('expiring', 'wait 9 min', 'busy 1, connect 4'),
    ('expiring', 'wait 1 min', 'away 1, expired 5'),
    ('expiring', 'touch b', 'online 1, activity 6'),
    ('expiring', 'choose busy for 1 min', 'busy 1, manual 7'),
    ('expiring', 'logout', 'offline 0, logout 8'),
    ('expiring', 'wait 2 min', 'offline 0, logout 8'),
    ('expiring', 'connect b', 'online 1, connect 9');
INSERT INTO test.step (scenario, action, expected) VALUES
    ('chosen', 'connect a busy', 'busy 1, connect 1'),
    ('chosen', 'choose away', 'away 1, manual 2'),
    ('chosen', 'touch a', 'away 1, manual 2'),
    ('chosen', 'connect b', 'away 2, manual 2'),
    ('chosen', 'say b busy', 'away 2, manual 2'),
    ('chosen', 'bye a', 'away 1, manual 2'),
    ('chosen', 'wait 11 s', 'away 1, manual 2'),
    ('chosen', 'clear', 'busy 1, manual 3'),
    ('chosen', 'choose online', 'busy 1, manual 3'),
    ('chosen', 'say b online', 'online 1, manual 4');
CALL test.play();

-- The strongest counts, in whatever order they come and go.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('abc', 'connect a busy', 'busy 1, connect 1'), ('abc', 'connect b', 'busy 2, connect 1'), ('abc', 'connect c away', 'busy 3, connect 1'),
    ('abc', 'bye a', 'busy 2, connect 1'), ('abc', 'wait 11 s', 'online 2, disconnect 2'),
    ('abc', 'bye b', 'online 1, disconnect 2'), ('abc', 'wait 11 s', 'away 1, disconnect 3'),
    ('abc', 'bye c', 'away 0, disconnect 3'), ('abc', 'wait 11 s', 'offline 0, disconnect 4'),
    ('acb', 'connect c away', 'away 1, connect 1'), ('acb', 'connect b', 'online 2, connect 2'), ('acb', 'connect a busy', 'busy 3, connect 3'),
    ('acb', 'bye a', 'busy 2, connect 3'), ('acb', 'wait 11 s', 'online 2, disconnect 4'),
    ('acb', 'bye c', 'online 1, disconnect 4'), ('acb', 'wait 11 s', 'online 1, disconnect 4'),
    ('acb', 'bye b', 'online 0, disconnect 4'), ('acb', 'wait 11 s', 'offline 0, disconnect 5'),
    ('bac', 'connect b', 'online 1, connect 1'), ('bac', 'connect c away', 'online 2, connect 1'), ('bac', 'connect a busy', 'busy 3, connect 2'),
    ('bac', 'bye b', 'busy 2, connect 2'), ('bac', 'wait 11 s', 'busy 2, connect 2'),
    ('bac', 'bye a', 'busy 1, connect 2'), ('bac', 'wait 11 s', 'away 1, disconnect 3'),
    ('bac', 'bye c', 'away 0, disconnect 3'), ('bac', 'wait 11 s', 'offline 0, disconnect 4'),
    ('bca', 'connect b', 'online 1, connect 1'), ('bca', 'connect a busy', 'busy 2, connect 2'), ('bca', 'connect c away', 'busy 3, connect 2'),
    ('bca', 'bye b', 'busy 2, connect 2'), ('bca', 'bye c', 'busy 1, connect 2'), ('bca', 'wait 11 s', 'busy 1, connect 2'),
    ('bca', 'bye a', 'busy 0, connect 2'), ('bca', 'wait 11 s', 'offline 0, disconnect 3'),
    ('cab', 'connect c away', 'away 1, connect 1'), ('cab', 'connect a busy', 'busy 2, connect 2'), ('cab', 'connect b', 'busy 3, connect 2'),
    ('cab', 'bye c', 'busy 2, connect 2'), ('cab', 'bye a', 'busy 1, connect 2'), ('cab', 'wait 11 s', 'online 1, disconnect 3'),
    ('cab', 'bye b', 'online 0, disconnect 3'), ('cab', 'wait 11 s', 'offline 0, disconnect 4'),
    ('cba', 'connect a busy', 'busy 1, connect 1'), ('cba', 'connect c away', 'busy 2, connect 1'), ('cba', 'connect b', 'busy 3, connect 1'),
    ('cba', 'bye c', 'busy 2, connect 1'), ('cba', 'wait 5 s', 'busy 2, connect 1'), ('cba', 'bye b', 'busy 1, connect 1'), ('cba', 'wait 6 s', 'busy 1, connect 1'),
    ('cba', 'bye a', 'busy 0, connect 1'), ('cba', 'wait 5 s', 'busy 0, connect 1'), ('cba', 'wait 6 s', 'offline 0, disconnect 2');
-- What a session says: away until its next touch, busy until it says otherwise.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('says', 'connect a', 'online 1, connect 1'),
    ('says', 'say a away', 'away 1, manual 2'),
    ('says', 'wait 6 min', 'away 1, manual 2'),
    ('says', 'connect b', 'online 2, connect 3'),
    ('says', 'touch b', 'online 2, connect 3'),
    ('says', 'bye b', 'online 1, connect 3'),
    ('says', 'wait 11 s', 'away 1, disconnect 4'),
    ('says', 'touch a', 'online 1, activity 5'),
    ('says', 'say a busy', 'busy 1, manual 6'),
    ('says', 'wait 29 min', 'busy 1, manual 6'),
    ('says', 'touch a', 'busy 1, manual 6'),
    ('says', 'wait 29 min', 'busy 1, manual 6'),
    ('says', 'say a away', 'away 1, manual 7'),
    ('says', 'wait 2 min', 'offline 0, timeout 8'),
    ('says', 'say a away', 'away 1, manual 9'),
    ('says', 'touch', 'online 1, activity 10');
-- Two that said away; one idle, one that said away.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('both', 'connect a away', 'away 1, connect 1'),
    ('both', 'connect b away', 'away 2, connect 1'),
    ('both', 'touch a', 'online 2, activity 2'),
    ('both', 'wait 6 min', 'away 2, idle_timeout 3'),
    ('both', 'touch b', 'online 2, activity 4'),
    ('both', 'say b away', 'away 2, manual 5'),
    ('both', 'connect a busy', 'busy 2, connect 6'),
    ('both', 'say a online', 'online 2, manual 7'),
    ('both', 'logout', 'offline 0, logout 8');
-- busy never idles, and is nobody's for ever.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('busy', 'connect a busy', 'busy 1, connect 1'),
    ('busy', 'connect b', 'busy 2, connect 1'),
    ('busy', 'wait 29 min', 'busy 2, connect 1'),
    ('busy', 'touch b', 'busy 2, connect 1'),
    ('busy', 'wait 1 min 1 s', 'online 1, timeout 2'),
    ('busy', 'wait 4 min', 'away 1, idle_timeout 3'),
    ('busy', 'wait 25 min', 'offline 0, timeout 4');
CALL test.play();

-- Silence: offline_timeout without heartbeats, session_timeout or the lease with them.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('silent', 'connect a', 'online 1, connect 1'),
    ('silent', 'wait 29 min 50 s', 'away 1, idle_timeout 2'),
    ('silent', 'wait 11 s', 'offline 0, timeout 3'),
    ('heard', 'connect a', 'online 1, connect 1'),
    ('heard', 'beat a', 'online 1, connect 1'),
    ('heard', 'wait 85 s', 'online 1, connect 1'),
    ('heard', 'beat a', 'online 1, connect 1'),
    ('heard', 'wait 85 s', 'online 1, connect 1'),
    ('heard', 'wait 6 s', 'offline 0, timeout 2'),
    ('heard', 'beat a', 'offline 0, timeout 2'),
    ('beats', 'connect a', 'online 1, connect 1'),
    ('beats', 'beats a 45', 'away 1, idle_timeout 2'),
    ('beats', 'touch a', 'online 1, activity 3'),
    ('beats', 'wait 85 s', 'online 1, activity 3'),
    ('beats', 'wait 6 s', 'offline 0, timeout 4'),
    ('late', 'connect a', 'online 1, connect 1'),
    ('late', 'wait 20 min', 'away 1, idle_timeout 2'),
    ('late', 'beat a', 'away 1, idle_timeout 2'),
    ('late', 'wait 85 s', 'away 1, idle_timeout 2'),
    ('late', 'wait 6 s', 'offline 0, timeout 3');
INSERT INTO test.step (scenario, action, expected) VALUES
    ('lease', 'connect a lease 10 s', 'online 1, connect 1'),
    ('lease', 'wait 20 min', 'away 1, idle_timeout 2'),
    ('lease', 'beat a', 'away 1, idle_timeout 2'),
    ('lease', 'wait 5 s', 'away 1, idle_timeout 2'),
    ('lease', 'touch a', 'online 1, activity 3'),
    ('lease', 'wait 5 s', 'online 1, activity 3'),
    ('lease', 'wait 6 s', 'offline 0, timeout 4'),
    ('lease', 'connect a lease 4 h', 'online 1, connect 5'),
    ('lease', 'beat a', 'online 1, connect 5'),
    ('lease', 'wait 3 h 59 min', 'away 1, idle_timeout 6'),
    ('lease', 'wait 61 s', 'offline 0, timeout 7'),
    ('lease', 'connect a lease 20 min', 'online 1, connect 8'),
    ('lease', 'connect b lease 10 min', 'online 2, connect 8'),
    ('lease', 'beat a', 'online 2, connect 8'),
    ('lease', 'beat b', 'online 2, connect 8'),
    ('lease', 'wait 9 min', 'away 2, idle_timeout 9'),
    ('lease', 'touch b', 'online 2, activity 10'),
    ('lease', 'wait 2 min', 'online 2, activity 10'),
    ('lease', 'wait 7 min', 'away 2, idle_timeout 11'),
    ('lease', 'wait 65 s', 'away 1, idle_timeout 11'),
    ('lease', 'wait 65 s', 'offline 0, timeout 12');
-- One of two or three falls silent: the others' status from that moment on.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('crash', 'connect a', 'online 1, connect 1'),
    ('crash', 'beat a', 'online 1, connect 1'),
    ('crash', 'connect b', 'online 2, connect 1'),
    ('crash', 'wait 91 s', 'online 1, connect 1'),
    ('crash', 'wait 4 min', 'away 1, idle_timeout 2'),
    ('crash', 'wait 25 min', 'offline 0, timeout 3'),
    ('crash2', 'connect b', 'online 1, connect 1'),
    ('crash2', 'connect a busy', 'busy 2, connect 2'),
    ('crash2', 'beat a', 'busy 2, connect 2'),
    ('crash2', 'wait 91 s', 'online 1, timeout 3'),
    ('crash2', 'wait 4 min', 'away 1, idle_timeout 4'),
    ('crash3', 'connect b away', 'away 1, connect 1'),
    ('crash3', 'connect a busy', 'busy 2, connect 2'),
    ('crash3', 'beat a', 'busy 2, connect 2'),
    ('crash3', 'wait 91 s', 'away 1, timeout 3'),
    ('crash3', 'touch b', 'online 1, activity 4'),
    ('crash4', 'connect a busy', 'busy 1, connect 1'),
    ('crash4', 'connect b', 'busy 2, connect 1'),
    ('crash4', 'connect c away', 'busy 3, connect 1'),
    ('crash4', 'beat a', 'busy 3, connect 1'),
    ('crash4', 'wait 60 s', 'busy 3, connect 1'),
    ('crash4', 'beat b', 'busy 3, connect 1'),
    ('crash4', 'wait 31 s', 'online 2, timeout 2'),
    ('crash4', 'wait 60 s', 'away 1, timeout 3'),
    ('crash4', 'wait 30 min', 'offline 0, timeout 4');
-- One says goodbye, the other falls silent; in either order.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('mixed', 'connect a', 'online 1, connect 1'),
    ('mixed', 'connect b lease 20 s', 'online 2, connect 1'),
    ('mixed', 'beat b', 'online 2, connect 1'),
    ('mixed', 'wait 15 s', 'online 2, connect 1'),
    ('mixed', 'bye a', 'online 1, connect 1'),
    ('mixed', 'wait 7 s', 'online 0, connect 1'),
    ('mixed', 'wait 5 s', 'offline 0, disconnect 2'),
    ('mixed2', 'connect a', 'online 1, connect 1'),
    ('mixed2', 'connect b lease 20 s', 'online 2, connect 1'),
    ('mixed2', 'beat b', 'online 2, connect 1'),
    ('mixed2', 'bye a', 'online 1, connect 1'),
    ('mixed2', 'wait 15 s', 'online 1, connect 1'),
    ('mixed2', 'wait 7 s', 'offline 0, timeout 2'),
    ('mixed3', 'connect a', 'online 1, connect 1'),
    ('mixed3', 'connect b busy', 'busy 2, connect 2'),
    ('mixed3', 'wait 6 min', 'busy 2, connect 2'),
    ('mixed3', 'bye b', 'busy 1, connect 2'),
    ('mixed3', 'wait 11 s', 'away 1, disconnect 3'),
    ('mixed3', 'logout', 'offline 0, logout 4');
CALL test.play();

-- A goodbye and its grace: who is back within it was never away, in the same session or in another.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('reload', 'connect a', 'online 1, connect 1'),
    ('reload', 'bye a', 'online 0, connect 1'),
    ('reload', 'connect a', 'online 1, connect 1'),
    ('reload', 'wait 11 s', 'online 1, connect 1'),
    ('reload', 'bye a', 'online 0, connect 1'),
    ('reload', 'wait 5 s', 'online 0, connect 1'),
    ('reload', 'connect b', 'online 1, connect 1'),
    ('reload', 'wait 11 s', 'online 1, connect 1'),
    ('reload', 'bye b', 'online 0, connect 1'),
    ('reload', 'touch b', 'online 1, connect 1'),
    ('reload', 'wait 11 s', 'online 1, connect 1'),
    ('reload', 'bye b', 'online 0, connect 1'),
    ('reload', 'beat b', 'online 0, connect 1'),
    ('reload', 'wait 6 s', 'online 0, connect 1'),
    ('reload', 'bye b', 'online 0, connect 1'),
    ('reload', 'wait 5 s', 'offline 0, disconnect 2'),
    ('reload', 'connect b', 'online 1, connect 3');
-- ... also busy, away, idle and chosen; what it says when it is back counts.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('reload2', 'connect a busy', 'busy 1, connect 1'),
    ('reload2', 'bye a', 'busy 0, connect 1'),
    ('reload2', 'connect a busy', 'busy 1, connect 1'),
    ('reload2', 'wait 11 s', 'busy 1, connect 1'),
    ('reload2', 'bye a', 'busy 0, connect 1'),
    ('reload2', 'connect a', 'online 1, connect 2'),
    ('reload2', 'bye a', 'online 0, connect 2'),
    ('reload2', 'connect b away', 'online 1, connect 2'),
    ('reload2', 'wait 11 s', 'away 1, disconnect 3'),
    ('reload2', 'bye b', 'away 0, disconnect 3'),
    ('reload2', 'connect b away', 'away 1, disconnect 3'),
    ('reload2', 'wait 11 s', 'away 1, disconnect 3'),
    ('reload3', 'connect a', 'online 1, connect 1'),
    ('reload3', 'wait 6 min', 'away 1, idle_timeout 2'),
    ('reload3', 'bye a', 'away 0, idle_timeout 2'),
    ('reload3', 'connect a', 'online 1, connect 3'),
    ('reload3', 'choose busy', 'busy 1, manual 4'),
    ('reload3', 'bye a', 'busy 0, manual 4'),
    ('reload3', 'connect c', 'busy 1, manual 4'),
    ('reload3', 'wait 11 s', 'busy 1, manual 4'),
    ('reload3', 'bye c', 'busy 0, manual 4'),
    ('reload3', 'logout', 'offline 0, logout 5'),
    ('reload3', 'wait 11 s', 'offline 0, logout 5');
-- Idle within the grace.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('grace', 'connect a', 'online 1, connect 1'),
    ('grace', 'wait 4 min 56 s', 'online 1, connect 1'),
    ('grace', 'bye a', 'online 0, connect 1'),
    ('grace', 'wait 5 s', 'away 0, idle_timeout 2'),
    ('grace', 'wait 6 s', 'offline 0, disconnect 3');
-- A session that comes back after heartbeats has sent none yet.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('again', 'connect a', 'online 1, connect 1'),
    ('again', 'beat a', 'online 1, connect 1'),
    ('again', 'bye a', 'online 0, connect 1'),
    ('again', 'connect a', 'online 1, connect 1'),
    ('again', 'wait 100 s', 'online 1, connect 1'),
    ('again', 'beat a', 'online 1, connect 1'),
    ('again', 'wait 91 s', 'offline 0, timeout 2');
-- The caller's own words for a goodbye, told when it ends; when it ends unseen, never.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('words', 'connect a', 'online 1, connect 1'),
    ('words', 'bye a closed the lid', 'online 0, connect 1'),
    ('words', 'wait 11 s', 'offline 0, closed the lid 2'),
    ('words', 'connect a', 'online 1, connect 3'),
    ('words', 'bye a never told', 'online 0, connect 3'),
    ('words', 'connect a', 'online 1, connect 3'),
    ('words', 'bye a', 'online 0, connect 3'),
    ('words', 'wait 11 s', 'offline 0, disconnect 4'),
    ('words', 'connect a away', 'away 1, connect 5'),
    ('words', 'connect b', 'online 2, connect 6'),
    ('words', 'bye b lunch', 'online 1, connect 6'),
    ('words', 'wait 11 s', 'away 1, lunch 7'),
    ('words', 'connect b', 'online 2, connect 8'),
    ('words', 'bye a unseen', 'online 1, connect 8'),
    ('words', 'wait 11 s', 'online 1, connect 8'),
    ('words', 'bye b', 'online 0, connect 8'),
    ('words', 'wait 11 s', 'offline 0, disconnect 9'),
    ('words', 'connect a', 'online 1, connect 10'),
    ('words', 'bye a logout', 'online 0, connect 10'),
    ('words', 'wait 11 s', 'offline 0, logout 11'),
    ('words', 'connect a', 'online 1, connect 12'),
    ('words', 'bye a too late', 'online 0, connect 12'),
    ('words', 'logout', 'offline 0, logout 13');
-- Logout: all end now, also one that never was told of, and one in its grace.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('logout', 'connect a', 'online 1, connect 1'),
    ('logout', 'connect b busy', 'busy 2, connect 2'),
    ('logout', 'connect c away', 'busy 3, connect 2'),
    ('logout', 'bye b', 'busy 2, connect 2'),
    ('logout', 'logout', 'offline 0, logout 3'),
    ('logout', 'wait 11 s', 'offline 0, logout 3'),
    ('logout', 'beat a', 'offline 0, logout 3'),
    ('logout', 'touch a', 'online 1, activity 4'),
    ('logout', 'logout', 'offline 0, logout 5'),
    ('logout', 'touch', 'online 1, activity 6'),
    ('logout', 'connect a', 'online 1, activity 6'),
    ('logout', 'bye a', 'online 0, activity 6'),
    ('logout', 'wait 11 s', 'offline 0, disconnect 7');
-- Activity without a session counts for the newest one, and makes one up only when there is none.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('newest', 'connect a', 'online 1, connect 1'),
    ('newest', 'wait 1 min', 'online 1, connect 1'),
    ('newest', 'connect b', 'online 2, connect 1'),
    ('newest', 'wait 3 min', 'online 2, connect 1'),
    ('newest', 'touch', 'online 2, connect 1'),
    ('newest', 'wait 3 min', 'online 2, connect 1'),
    ('newest', 'bye b', 'online 1, connect 1'),
    ('newest', 'wait 11 s', 'away 1, disconnect 2'),
    ('newest', 'touch', 'online 1, activity 3'),
    ('newest', 'bye a', 'online 0, activity 3'),
    ('newest', 'wait 11 s', 'offline 0, disconnect 4'),
    ('newest', 'touch', 'online 1, activity 5'),
    ('newest', 'wait 30 min 1 s', 'offline 0, timeout 7');
-- A gateway keeps its sessions: its lease and the grace after its last call they end, and no other.
INSERT INTO test.step (scenario, action, expected) VALUES
    ('gate', 'connect a through 1', 'online 1, connect 1'),
    ('gate', 'connect b', 'online 2, connect 1'),
    ('gate', 'wait 20 s', 'online 2, connect 1'),
    ('gate', 'gateway 1', 'online 2, connect 1'),
    ('gate', 'wait 20 s', 'online 2, connect 1'),
    ('gate', 'wait 6 s', 'online 1, connect 1'),
    ('gate', 'connect a through 1', 'online 2, connect 1'),
    ('gate', 'connect c through 2', 'online 3, connect 1'),
    ('gate', 'gateway 1 10 min', 'online 3, connect 1'),
    ('gate', 'wait 26 s', 'online 2, connect 1'),
    ('gate', 'wait 6 min', 'away 2, idle_timeout 2'),
    ('gate', 'touch a', 'online 2, activity 3'),
    ('gate', 'bye b', 'online 1, activity 3'),
    ('gate', 'wait 3 min 20 s', 'online 1, activity 3'),
    ('gate', 'wait 25 s', 'offline 0, timeout 4'),
    ('gate2', 'connect a through 1', 'online 1, connect 1'),
    ('gate2', 'say a busy', 'busy 1, manual 2'),
    ('gate2', 'bye a', 'busy 0, manual 2'),
    ('gate2', 'gateway 1', 'busy 0, manual 2'),
    ('gate2', 'wait 11 s', 'offline 0, disconnect 3'),
    ('gate2', 'connect a through 1', 'online 1, connect 4'),
    ('gate2', 'connect a', 'online 1, connect 4'),
    ('gate2', 'wait 26 s', 'online 1, connect 4'),
    ('gate2', 'wait 5 min', 'away 1, idle_timeout 5');
CALL test.play();
SELECT * FROM test.broken_histories();
