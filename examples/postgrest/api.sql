-- What PostgREST exposes of presence: for each function that acts for oneself, or reads, one of the same name without `presence_`.
--
-- The arguments are those of presence, without the caller (presence takes it from the claims) and without the viewer (it is the
-- caller). All names are qualified: whatever search_path a request comes with, the same functions are called. Nothing is
-- SECURITY DEFINER: the rights are those of `web_user`.
--
-- STABLE is what may be called with GET, and runs in a READ ONLY transaction.
CREATE SCHEMA api;

-- ---- sessions and activity -------------------------------------------------------------------------------------------

-- Address and agent are those of the request.
CREATE FUNCTION api.connect(session_id text DEFAULT NULL, user_data jsonb DEFAULT NULL, device text DEFAULT NULL, page_url text DEFAULT NULL,
                            status text DEFAULT 'online', lease interval DEFAULT NULL,
                            OUT session_id text, OUT status text, OUT epoch text, OUT seq bigint, OUT lease interval, OUT heartbeat_every interval)
LANGUAGE sql VOLATILE AS $$
    SELECT * FROM presence.presence_connect(NULL, session_id => session_id, user_data => user_data, device => device, page_url => page_url,
        status => status, lease => lease,
        ip_address => nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-forwarded-for',
        user_agent => nullif(current_setting('request.headers', true), '')::jsonb ->> 'user-agent')
$$;

CREATE FUNCTION api.heartbeat(session_id text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_heartbeat(session_id)
$$;

CREATE FUNCTION api.touch(activity_type text DEFAULT NULL, page_url text DEFAULT NULL, session_id text DEFAULT NULL, interactions integer DEFAULT 1)
RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_touch(NULL, activity_type, page_url, session_id, interactions)
$$;

CREATE FUNCTION api.disconnect(session_id text, reason text DEFAULT 'disconnect') RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_disconnect(session_id, reason)
$$;

CREATE FUNCTION api.logout() RETURNS integer LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_logout(NULL)
$$;

CREATE FUNCTION api.sessions()
RETURNS TABLE (session_id text, device text, ip_address text, user_agent text, status text, connected_at timestamptz, last_seen timestamptz,
               last_heartbeat timestamptz, current_page text) LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_sessions(NULL)
$$;

-- ---- status ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION api.set_status(status text, status_message text DEFAULT NULL, reason text DEFAULT 'manual', explicit_logout boolean DEFAULT false,
                               expires_at timestamptz DEFAULT NULL, session_id text DEFAULT NULL)
RETURNS presence.presence_state LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_set_status(NULL, status, status_message, reason, explicit_logout, expires_at, session_id)
$$;

CREATE FUNCTION api.set_message(status_message text, expires_at timestamptz DEFAULT NULL)
RETURNS presence.presence_state LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_set_message(NULL, status_message, expires_at)
$$;

CREATE FUNCTION api.clear_status() RETURNS presence.presence_state LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_clear_status(NULL)
$$;

-- ---- people ----------------------------------------------------------------------------------------------------------

CREATE FUNCTION api.status(user_id text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT presence.presence_status(user_id)
$$;

CREATE FUNCTION api.get(user_id text) RETURNS presence.presence_state LANGUAGE sql STABLE AS $$
    SELECT presence.presence_get(user_id)
$$;

CREATE FUNCTION api.get_many(user_ids text[]) RETURNS SETOF presence.presence_state LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_get_many(user_ids)
$$;

CREATE FUNCTION api.online_users(max_users integer DEFAULT 100, statuses text[] DEFAULT '{online,busy,away}', active_within interval DEFAULT NULL)
RETURNS SETOF presence.presence_state LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_online_users(max_users => max_users, statuses => statuses, active_within => active_within)
$$;

CREATE FUNCTION api.counts(OUT online integer, OUT busy integer, OUT away integer, OUT total integer) LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_counts()
$$;

-- ---- channels, documents, cursors, typing ----------------------------------------------------------------------------

CREATE FUNCTION api."join"(channel_id text, user_data jsonb DEFAULT NULL, session_id text DEFAULT NULL)
RETURNS presence.channel_presence LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_join(NULL, channel_id, user_data, session_id)
$$;

CREATE FUNCTION api.leave(channel_id text, session_id text DEFAULT NULL) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_leave(NULL, channel_id, session_id)
$$;

CREATE FUNCTION api.join_document(document_id text, cursor_position jsonb DEFAULT NULL, selection_range jsonb DEFAULT NULL,
                                  user_data jsonb DEFAULT NULL, session_id text DEFAULT NULL)
RETURNS presence.channel_presence LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_join_document(NULL, document_id, cursor_position, selection_range, user_data, session_id)
$$;

CREATE FUNCTION api.leave_document(document_id text, session_id text DEFAULT NULL) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_leave_document(NULL, document_id, session_id)
$$;

CREATE FUNCTION api.move_cursor(document_id text, cursor_position jsonb, selection_range jsonb DEFAULT NULL, clock bigint DEFAULT NULL)
RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_move_cursor(NULL, document_id, cursor_position, selection_range, clock)
$$;

CREATE FUNCTION api.set_state(channel_id text, state jsonb, clock bigint DEFAULT NULL) RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_set_state(NULL, channel_id, state, clock)
$$;

CREATE FUNCTION api.typing(channel_id text, typing boolean DEFAULT true, user_name text DEFAULT NULL) RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_typing(NULL, channel_id, typing, user_name)
$$;

CREATE FUNCTION api.typing_users(channel_id text) RETURNS TABLE (user_id text, user_name text, since timestamptz) LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_typing_users(channel_id)
$$;

CREATE FUNCTION api.members(channel_id text, max_members integer DEFAULT 100, after text DEFAULT NULL, active_within interval DEFAULT NULL)
RETURNS TABLE (user_id text, status text, user_data jsonb, joined_at timestamptz, last_active timestamptz, cursor_position jsonb,
               selection_range jsonb, state jsonb, typing boolean) LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_members(channel_id, max_members => max_members, after => after, active_within => active_within)
$$;

CREATE FUNCTION api.member_count(channel_id text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT presence.presence_member_count(channel_id)
$$;

CREATE FUNCTION api.channels() RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_channels(NULL)
$$;

-- ---- who sees whom ---------------------------------------------------------------------------------------------------

CREATE FUNCTION api.set_visibility(audience text, detail text DEFAULT 'full', channel_id text DEFAULT NULL) RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_set_visibility(NULL, audience, detail, channel_id)
$$;

CREATE FUNCTION api.visibility_of() RETURNS TABLE (rule text, subject text, audience text, detail text) LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_visibility_of(NULL)
$$;

CREATE FUNCTION api.add_contact(contact_id text, detail text DEFAULT NULL) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_add_contact(NULL, contact_id, detail)
$$;

CREATE FUNCTION api.remove_contact(contact_id text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_remove_contact(NULL, contact_id)
$$;

CREATE FUNCTION api.set_contacts(contact_ids text[]) RETURNS integer LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_set_contacts(NULL, contact_ids)
$$;

CREATE FUNCTION api.block(other text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_block(NULL, other)
$$;

CREATE FUNCTION api.unblock(other text) RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT presence.presence_unblock(NULL, other)
$$;

-- How somebody else sees the caller.
CREATE FUNCTION api.preview(viewer text) RETURNS presence.presence_state LANGUAGE sql STABLE AS $$
    SELECT presence.presence_preview(NULL, viewer)
$$;

-- ---- delivery --------------------------------------------------------------------------------------------------------

CREATE FUNCTION api.info(OUT version text, OUT epoch text, OUT seq bigint, OUT worker_pid integer, OUT worker_alive boolean,
                         OUT last_tick_at timestamptz, OUT complete boolean, OUT fresh boolean, OUT stale_since timestamptz,
                         OUT server_time timestamptz) LANGUAGE sql STABLE AS $$
    SELECT * FROM presence.presence_info()
$$;

CREATE FUNCTION api.snapshot(channel_id text DEFAULT 'global_presence', max_users integer DEFAULT 1000) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT presence.presence_snapshot(channel_id, max_users => max_users)
$$;

CREATE FUNCTION api.version(channel_id text DEFAULT 'global_presence', max_users integer DEFAULT 1000) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT presence.presence_version(channel_id, max_users => max_users)
$$;

CREATE FUNCTION api.events(channel_id text, epoch text, seq bigint, max_events integer DEFAULT 1000) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT presence.presence_events(channel_id, epoch, seq, max_events)
$$;

-- PostgREST sets the function's statement_timeout before it calls: a shorter one of the role does not cut the wait, and no caller
-- keeps a connection of the pool for longer.
CREATE FUNCTION api.wait(channel_id text, epoch text, seq bigint, timeout interval DEFAULT '25 s') RETURNS jsonb LANGUAGE sql STABLE
SET statement_timeout = '30s' AS $$
    SELECT presence.presence_wait(channel_id, epoch, seq, timeout)
$$;

-- ---- who may call ----------------------------------------------------------------------------------------------------

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA api FROM PUBLIC;
GRANT USAGE ON SCHEMA api TO web_user;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA api TO web_user;
NOTIFY pgrst, 'reload schema';
