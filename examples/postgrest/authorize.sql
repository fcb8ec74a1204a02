-- An example of presence.authorize_function: who may join a channel and type there. Optional, after api.sql.
--
-- NULL for a channel that does not exist would be P0002, which PostgREST answers with 500. It takes PTxyz as the status xyz, so
-- this function raises PT404 itself. False is 42501: 403.
CREATE TABLE rooms (
    room_id text PRIMARY KEY,
    people text[] NOT NULL
);

CREATE FUNCTION may_join(user_id text, channel_id text, action text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    room rooms;
BEGIN
    SELECT * INTO room FROM rooms WHERE room_id = channel_id;
    IF NOT FOUND THEN
        RAISE SQLSTATE 'PT404' USING MESSAGE = format('there is no room %s', channel_id);
    END IF;
    RETURN user_id = ANY (room.people);
END
$$;
REVOKE EXECUTE ON FUNCTION may_join FROM PUBLIC;
GRANT EXECUTE ON FUNCTION may_join TO web_user;

DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET presence.authorize_function = %L', current_database(), 'public.may_join');
END $$;
