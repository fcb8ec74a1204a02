--
-- presence.authorize_function: the application says who may join a channel, or type in it.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE SCHEMA regress_app;
CREATE TABLE regress_app.asked (place serial, user_id text, channel_id text, action text, asker name);
CREATE FUNCTION regress_app.may(user_id text, channel_id text, action text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO regress_app.asked (user_id, channel_id, action, asker) VALUES (user_id, channel_id, action, current_user);
    RETURN CASE WHEN channel_id LIKE '%closed' THEN false WHEN channel_id LIKE '%missing' THEN NULL ELSE true END;
END
$$;
CREATE VIEW regress_app.answers AS SELECT concat_ws(' ', user_id, channel_id, action) FROM regress_app.asked ORDER BY place;

-- Given none, then everybody may.
SHOW presence.authorize_function;
SELECT user_id FROM presence_join('ann', 'room');
SELECT presence_leave('ann', 'room');

-- Given one, then it is asked for a join, a document and typing, with the channel and the name of the action; true is yes.
SET presence.authorize_function = 'regress_app.may';
SELECT user_id FROM presence_join('ann', 'room');
SELECT user_id FROM presence_join_document('ann', 'd');
SELECT presence_typing('ann', 'room');
SELECT * FROM regress_app.answers;
TRUNCATE regress_app.asked;
-- It is asked again when somebody joins again: it may have changed its mind.
SELECT user_id FROM presence_join('ann', 'room');
SELECT user_id FROM presence_join(42, 7);
SELECT * FROM regress_app.answers;
TRUNCATE regress_app.asked;
-- It is never asked by what takes nothing: leaving, moving, a state, the end of typing, reading.
SELECT presence_move_cursor('ann', 'd', '1'), presence_set_state('ann', 'room', '1'), presence_typing('ann', 'room', false), presence_typing('nobody', 'closed', false);
SELECT (SELECT count(*) FROM presence_members('room')), (SELECT count(*) FROM presence_channels('ann')), (SELECT count(*) FROM presence_typing_users('room'));
SELECT presence_member_count('closed'), presence_leave('ann', 'closed'), presence_leave('ann', 'room'), presence_leave_document('ann', 'd');
SELECT * FROM regress_app.answers;

-- false: not allowed. NULL: no such channel. Nothing has changed.
SELECT test.error_of($$SELECT presence_join('ben', 'closed')$$);
SELECT test.error_of($$SELECT presence_join_document('ben', 'closed')$$);
SELECT test.error_of($$SELECT presence_typing('ben', 'closed')$$);
SELECT test.error_of($$SELECT presence_join('ben', 'missing')$$);
SELECT test.error_of($$SELECT presence_join_document('ben', 'missing')$$);
SELECT test.error_of($$SELECT presence_typing('ben', 'missing')$$);
SELECT presence_status('ben'), presence_member_count('closed'), presence_member_count('document_closed'), (SELECT count(*) FROM presence_typing_users('closed'));
-- What it wrote before it said no is gone with the error, as any statement's.
SELECT * FROM regress_app.answers;
-- It is not asked about what is no channel or no user at all.
SELECT test.error_of($$SELECT presence_join('', 'room')$$) LIKE '22023 %', test.error_of($$SELECT presence_join('ann', repeat('c', 129))$$) LIKE '22001 %',
       test.error_of($$SELECT presence_join('ann', 'global_presence')$$) LIKE '22023 %', test.error_of($$SELECT presence_join('ann', 'room', '[]')$$) LIKE '22023 %';
SELECT * FROM regress_app.answers;

-- What it does it does in the caller's transaction.
BEGIN;
SELECT user_id FROM presence_join('cleo', 'room');
SELECT * FROM regress_app.answers;
ROLLBACK;
SELECT count(*) FROM regress_app.asked;
BEGIN READ ONLY;
SELECT test.error_of($$SELECT presence_join('cleo', 'room')$$);
ROLLBACK;
SELECT presence_status('cleo');

-- What it raises is the caller's error, with its own SQLSTATE.
CREATE FUNCTION regress_app.raises(text, text, text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no document %', $2 USING ERRCODE = 'PT404', DETAIL = 'looked everywhere', HINT = 'make one';
END
$$;
SET presence.authorize_function = 'regress_app.raises';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$);
SELECT test.error_of($$SELECT presence_join_document('ben', 'd')$$);
SELECT test.error_of($$SELECT presence_typing('ben', 'room')$$);
SELECT presence_status('ben'), presence_typing('ben', 'room', false);
-- Caught in a block, the transaction goes on.
BEGIN;
SELECT user_id FROM presence_connect('cleo', 'cleo 1'), LATERAL (SELECT 'cleo' AS user_id) AS u;
SELECT test.error_of($$SELECT presence_join('cleo', 'room')$$) LIKE 'PT404 %';
COMMIT;
SELECT presence_status('cleo'), (SELECT count(*) FROM presence_channels('cleo'));

-- Missing, of another signature, of another type.
SET presence.authorize_function = 'regress_app.none';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$);
SET presence.authorize_function = 'regress_nowhere.may';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$);
CREATE FUNCTION regress_app.two(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
SET presence.authorize_function = 'regress_app.two';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$);
CREATE FUNCTION regress_app.number(text, text, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
SET presence.authorize_function = 'regress_app.number';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$);
CREATE FUNCTION regress_app.set(text, text, text) RETURNS SETOF bool LANGUAGE sql AS 'SELECT true';
SET presence.authorize_function = 'regress_app.set';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$);
CREATE PROCEDURE regress_app.proc(text, text, text) LANGUAGE sql AS 'SELECT true';
SET presence.authorize_function = 'regress_app.proc';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$) LIKE '42% %';
SELECT presence_status('ben');

-- Without a schema the caller's search_path would choose: refused, at the latest when it is asked. So is what is no name.
SELECT test.error_of($$SET presence.authorize_function = 'may'$$);
SET presence.authorize_function = 'regress_app.may.or.not';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$) LIKE '42% %';
SET presence.authorize_function = '"may.be"';
CREATE FUNCTION presence."may.be"(text, text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$);
DROP FUNCTION presence."may.be"(text, text, text);
SET presence.authorize_function = 'regress_app.';
SELECT test.error_of($$SELECT presence_join('ben', 'room')$$) LIKE '42% %';
SELECT presence_status('ben');
-- Names with quotes are fine.
CREATE FUNCTION regress_app."May ""I"""(text, text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
SET presence.authorize_function = 'regress_app."May ""I"""';
SELECT user_id FROM presence_join('ben', 'room');
SELECT presence_logout('ben');

-- It may be replaced, and dropped.
CREATE FUNCTION regress_app.later(text, text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
SET presence.authorize_function = 'regress_app.later';
SELECT user_id FROM presence_join('ben', 'room');
CREATE OR REPLACE FUNCTION regress_app.later(text, text, text) RETURNS bool LANGUAGE sql AS 'SELECT false';
SELECT test.error_of($$SELECT presence_join('ben', 'other')$$) LIKE '42501 %';
DROP FUNCTION regress_app.later(text, text, text);
SELECT test.error_of($$SELECT presence_join('ben', 'other')$$) LIKE '42883 %';
SELECT presence_channels('ben');

-- It has a search_path of its own; the caller's is as before, also after an error.
CREATE FUNCTION regress_app.own_path(text, text, text) RETURNS bool LANGUAGE plpgsql SET search_path = regress_app, pg_temp AS $$
BEGIN
    RETURN current_setting('search_path') = 'regress_app, pg_temp' AND to_regclass('asked') IS NOT NULL AND $2 <> 'closed';
END
$$;
SET presence.authorize_function = 'regress_app.own_path';
SELECT user_id FROM presence_join('ben', 'path');
SELECT test.error_of($$SELECT presence_join('ben', 'closed')$$) LIKE '42501 %';
SHOW search_path;

-- One that asks presence itself, STRICT.
CREATE FUNCTION regress_app.asks(text, text, text) RETURNS bool LANGUAGE plpgsql STRICT STABLE AS $$
BEGIN
    RETURN presence.presence_status($1) = 'online' AND presence.presence_member_count($2) < 2;
END
$$;
SET presence.authorize_function = 'regress_app.asks';
SELECT test.error_of($$SELECT presence_join('dora', 'two')$$) LIKE '42501 %';
SELECT presence_touch('dora'), presence_touch('eve'), presence_touch('fay');
SELECT user_id FROM presence_join('dora', 'two');
SELECT user_id FROM presence_join('eve', 'two');
SELECT test.error_of($$SELECT presence_join('fay', 'two')$$) LIKE '42501 %';
-- One that joins itself, for itself.
CREATE FUNCTION regress_app.joins(text, text, text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    IF $2 = 'outer' THEN
        PERFORM presence.presence_join($1, 'inner');
    END IF;
    RETURN true;
END
$$;
SET presence.authorize_function = 'regress_app.joins';
SELECT user_id FROM presence_join('gus', 'outer');
SELECT presence_channels('gus');
-- One that takes the setting away while it is asked.
CREATE FUNCTION regress_app.unsets(text, text, text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('presence.authorize_function', '', false);
    RETURN false;
END
$$;
SET presence.authorize_function = 'regress_app.unsets';
SELECT test.error_of($$SELECT presence_join('hal', 'room')$$);
SHOW presence.authorize_function;

-- Who may set it: nobody but a superuser; a database and a role may have their own.
CREATE ROLE regress_presence_app;
GRANT USAGE ON SCHEMA presence, test, regress_app TO regress_presence_app;
SELECT presence_grant('regress_presence_app', 'service');
SET ROLE regress_presence_app;
SELECT test.error_of($$SET presence.authorize_function = ''$$);
SELECT test.error_of($$SELECT set_config('presence.authorize_function', 'regress_app.other', true)$$);
SELECT test.error_of($$ALTER ROLE regress_presence_app SET presence.authorize_function = ''$$);
SHOW presence.authorize_function;
RESET ROLE;
SET presence.authorize_function = 'regress_app.may';
SET ROLE regress_presence_app;
SELECT test.error_of($$RESET presence.authorize_function$$);
SELECT test.error_of($$SELECT presence.presence_join('ida', 'closed')$$);
RESET ROLE;

-- It is asked with the caller's rights: EXECUTE on it, USAGE of its schema, and what it touches. SECURITY DEFINER lends its owner's.
REVOKE EXECUTE ON FUNCTION regress_app.may(text, text, text) FROM PUBLIC;
SET ROLE regress_presence_app;
SELECT test.error_of($$SELECT presence.presence_join('ida', 'room')$$);
SELECT test.error_of($$SELECT presence.presence_typing('ida', 'room')$$) LIKE '42501 %';
SELECT presence_typing('ida', 'room', false);
RESET ROLE;
GRANT EXECUTE ON FUNCTION regress_app.may(text, text, text) TO regress_presence_app;
SET ROLE regress_presence_app;
SELECT test.error_of($$SELECT presence.presence_join('ida', 'room')$$);
RESET ROLE;
SELECT presence_status('ida');
ALTER FUNCTION regress_app.may(text, text, text) SECURITY DEFINER;
SET ROLE regress_presence_app;
SELECT user_id FROM presence_join('ida', 'room');
SELECT test.error_of($$SELECT presence.presence_join('ida', 'closed')$$) LIKE '42501 %';
SELECT current_user;
RESET ROLE;
SELECT user_id, channel_id, action, asker = session_user AS as_owner FROM regress_app.asked ORDER BY place;
ALTER FUNCTION regress_app.may(text, text, text) SECURITY INVOKER;
GRANT INSERT ON regress_app.asked TO regress_presence_app;
GRANT USAGE ON SEQUENCE regress_app.asked_place_seq TO regress_presence_app;
SET ROLE regress_presence_app;
SELECT user_id FROM presence_join('ida', 'other');
RESET ROLE;
SELECT asker FROM regress_app.asked ORDER BY place DESC LIMIT 1;
REVOKE USAGE ON SCHEMA regress_app FROM regress_presence_app;
SET ROLE regress_presence_app;
SELECT test.error_of($$SELECT presence.presence_join('ida', 'third')$$);
RESET ROLE;
SELECT string_agg(c, ' ') FROM presence_channels('ida') AS c;

DROP OWNED BY regress_presence_app;
DROP ROLE regress_presence_app;
RESET presence.authorize_function;
SET client_min_messages = warning;
DROP SCHEMA regress_app CASCADE;
SELECT user_id FROM presence_join('jon', 'closed');
