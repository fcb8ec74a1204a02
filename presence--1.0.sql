\echo Use "CREATE EXTENSION presence" to load this file. \quit

-- presence 1.0: the SQL surface. Functions are C and find their tables by oid; see docs/design.md.

-- ---- user ids ----------------------------------------------------------------------------------

-- The type of user_id arguments: a text that also takes what else is used as a key. From text it
-- costs nothing. What comes back is always text.
CREATE TYPE presence_id;

CREATE FUNCTION presence_id_in(cstring) RETURNS presence_id
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
CREATE FUNCTION presence_id_out(presence_id) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
CREATE FUNCTION presence_id_recv(internal) RETURNS presence_id
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
CREATE FUNCTION presence_id_send(presence_id) RETURNS bytea
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';

CREATE TYPE presence_id (
    INPUT = presence_id_in, OUTPUT = presence_id_out,
    RECEIVE = presence_id_recv, SEND = presence_id_send,
    LIKE = text, CATEGORY = 'S', COLLATABLE = false
);
COMMENT ON TYPE presence_id IS
    'the application''s own key of a user, or of a channel: text, varchar, name, smallint, integer, bigint or uuid, 1 to 128 bytes';
COMMENT ON FUNCTION presence_id_in(cstring) IS 'input of presence_id';
COMMENT ON FUNCTION presence_id_out(presence_id) IS 'output of presence_id';
COMMENT ON FUNCTION presence_id_recv(internal) IS 'binary input of presence_id';
COMMENT ON FUNCTION presence_id_send(presence_id) IS 'binary output of presence_id';

CREATE CAST (text AS presence_id) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (varchar AS presence_id) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (bpchar AS presence_id) WITH INOUT AS IMPLICIT;
CREATE CAST (name AS presence_id) WITH INOUT AS IMPLICIT;
CREATE CAST (smallint AS presence_id) WITH INOUT AS IMPLICIT;
CREATE CAST (integer AS presence_id) WITH INOUT AS IMPLICIT;
CREATE CAST (bigint AS presence_id) WITH INOUT AS IMPLICIT;
CREATE CAST (uuid AS presence_id) WITH INOUT AS IMPLICIT;
CREATE CAST (presence_id AS text) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (text AS presence_id) IS 'a user id';
COMMENT ON CAST (varchar AS presence_id) IS 'a user id';
COMMENT ON CAST (bpchar AS presence_id) IS 'a user id';
COMMENT ON CAST (name AS presence_id) IS 'a user id';
COMMENT ON CAST (smallint AS presence_id) IS 'a user id';
COMMENT ON CAST (integer AS presence_id) IS 'a user id';
COMMENT ON CAST (bigint AS presence_id) IS 'a user id';
COMMENT ON CAST (uuid AS presence_id) IS 'a user id';
COMMENT ON CAST (presence_id AS text) IS 'a user id as text';

CREATE TYPE presence_state AS (
    user_id text,
    status text,
    status_message text,
    last_seen timestamptz,
    current_page text,
    user_data jsonb,
    session_count integer,
    activity_count integer,
    interactions_per_minute integer,
    last_seen_bucket text
);
COMMENT ON TYPE presence_state IS 'one person, as every function returns them';
COMMENT ON COLUMN presence_state.user_id IS 'the application''s own key, as text';
COMMENT ON COLUMN presence_state.status IS 'online, away, busy or offline, now; offline for a viewer who may not see it';
COMMENT ON COLUMN presence_state.status_message IS 'the user''s message; NULL is none, or not for this viewer';
COMMENT ON COLUMN presence_state.last_seen IS 'the last activity; NULL is none, or not for this viewer';
COMMENT ON COLUMN presence_state.current_page IS 'where the user was last; for a viewer, where somebody is who is here';
COMMENT ON COLUMN presence_state.user_data IS 'what the application keeps with the user; for some viewers its name and avatar alone';
COMMENT ON COLUMN presence_state.session_count IS 'live sessions; NULL: not for this viewer';
COMMENT ON COLUMN presence_state.activity_count IS 'touches so far; NULL: not for this viewer';
COMMENT ON COLUMN presence_state.interactions_per_minute IS 'interactions of the last minute; NULL: not for this viewer';
COMMENT ON COLUMN presence_state.last_seen_bucket IS 'recently, within_week, within_month or long_ago: under 3, 7, 30 days; NULL: never seen';

-- ---- tables ------------------------------------------------------------------------------------

-- Nothing that a flush changes is indexed, and pages keep room: updates stay HOT.
CREATE TABLE user_presence (
    user_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(user_id) BETWEEN 1 AND 128),
    status text NOT NULL DEFAULT 'offline' CHECK (status IN ('online', 'away', 'busy', 'offline')),
    status_message text CHECK (char_length(status_message) <= 500),
    last_seen timestamptz,
    current_page text CHECK (octet_length(current_page) <= 2048),
    activity_count integer NOT NULL DEFAULT 0,
    auto_away_at timestamptz,
    went_offline_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    user_data jsonb,
    manual text,
    has_visibility boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);
COMMENT ON TABLE user_presence IS 'one row a user; written by the functions and the worker alone';
COMMENT ON COLUMN user_presence.user_id IS 'the application''s own key';
COMMENT ON COLUMN user_presence.status IS 'what others see: online, away, busy, offline';
COMMENT ON COLUMN user_presence.status_message IS
    'at most 500 characters; of somebody offline it may have expired, which the functions know from `manual`';
COMMENT ON COLUMN user_presence.last_seen IS 'the last activity; at most presence.flush_interval behind';
COMMENT ON COLUMN user_presence.current_page IS 'where the user was last; at most presence.flush_interval behind';
COMMENT ON COLUMN user_presence.activity_count IS 'touches so far; at most presence.flush_interval behind';
COMMENT ON COLUMN user_presence.auto_away_at IS 'when the user last went away by being idle, and was so when the row was written';
COMMENT ON COLUMN user_presence.went_offline_at IS 'when the user last went offline';
COMMENT ON COLUMN user_presence.updated_at IS 'when this row was written';
COMMENT ON COLUMN user_presence.user_data IS 'what the application keeps with the user';
COMMENT ON COLUMN user_presence.manual IS
    'what the user chose, newest first: status, until, message_until (microseconds since 2000 or -), bytes:message';
COMMENT ON COLUMN user_presence.has_visibility IS
    'whether presence_visibility or presence_contacts have rows of the user';

CREATE TABLE presence_history (
    user_id text COLLATE "C" NOT NULL,
    previous_status text NOT NULL,
    new_status text NOT NULL,
    changed_at timestamptz NOT NULL,
    change_reason text NOT NULL
) PARTITION BY RANGE (changed_at);
COMMENT ON TABLE presence_history IS
    'changes of a status; those that pass before a row can be written are one; a partition a week, dropped after presence.history_retention';
COMMENT ON COLUMN presence_history.user_id IS 'the application''s own key';
COMMENT ON COLUMN presence_history.previous_status IS 'what others saw before';
COMMENT ON COLUMN presence_history.new_status IS 'what others see since';
COMMENT ON COLUMN presence_history.changed_at IS 'when';
COMMENT ON COLUMN presence_history.change_reason IS
    'manual, activity, connect, idle_timeout, timeout, disconnect, logout, expired, forgotten or the caller''s own words';

-- Takes what comes before the worker has made the partition of its week.
CREATE TABLE presence_history_default PARTITION OF presence_history DEFAULT;
-- Each partition has its own index. One of the whole table would be made again by a restore's ATTACH
-- PARTITION, and then the dump's CREATE INDEX would fail.
CREATE INDEX presence_history_default_user_id_changed_at_idx
    ON presence_history_default (user_id, changed_at);
COMMENT ON INDEX presence_history_default_user_id_changed_at_idx IS 'one user''s history in order';
COMMENT ON TABLE presence_history_default IS 'history that waits for its partition';
COMMENT ON COLUMN presence_history_default.user_id IS 'the application''s own key';
COMMENT ON COLUMN presence_history_default.previous_status IS 'what others saw before';
COMMENT ON COLUMN presence_history_default.new_status IS 'what others see since';
COMMENT ON COLUMN presence_history_default.changed_at IS 'when';
COMMENT ON COLUMN presence_history_default.change_reason IS 'why';

CREATE TABLE presence_sessions (
    session_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(session_id) BETWEEN 1 AND 128),
    user_id text COLLATE "C" NOT NULL CHECK (octet_length(user_id) BETWEEN 1 AND 128),
    device text,
    ip_address inet,
    user_agent text,
    status text NOT NULL,
    connected_at timestamptz NOT NULL,
    last_seen timestamptz,
    last_heartbeat timestamptz,
    current_page text,
    lease integer NOT NULL DEFAULT 0,
    gateway text CHECK (octet_length(gateway) BETWEEN 1 AND 128)
) WITH (fillfactor = 50);
CREATE INDEX presence_sessions_user_id_idx ON presence_sessions (user_id);
COMMENT ON TABLE presence_sessions IS
    'one row a session that lives; the worker writes it, at most presence.flush_interval behind';
COMMENT ON INDEX presence_sessions_user_id_idx IS 'the sessions of a user';
COMMENT ON COLUMN presence_sessions.session_id IS 'one browser tab, device or connection';
COMMENT ON COLUMN presence_sessions.user_id IS 'whose it is';
COMMENT ON COLUMN presence_sessions.device IS 'what the client said it is';
COMMENT ON COLUMN presence_sessions.ip_address IS 'the first address that presence_connect was given';
COMMENT ON COLUMN presence_sessions.user_agent IS 'what the client said it is, in its own words';
COMMENT ON COLUMN presence_sessions.status IS 'online, away or busy, when the row was written; going idle does not write it';
COMMENT ON COLUMN presence_sessions.connected_at IS 'when it connected';
COMMENT ON COLUMN presence_sessions.last_seen IS 'the last activity in it';
COMMENT ON COLUMN presence_sessions.last_heartbeat IS 'the last heartbeat; NULL when it has sent none; calls of its gateway do not write it';
COMMENT ON COLUMN presence_sessions.current_page IS 'where the user was last in it';
COMMENT ON COLUMN presence_sessions.lease IS 'how long it may be silent, in milliseconds; 0: presence.session_timeout';
COMMENT ON COLUMN presence_sessions.gateway IS 'the process that keeps it; NULL: its own heartbeats do';

CREATE TABLE channel_presence (
    channel_id text COLLATE "C" NOT NULL CHECK (octet_length(channel_id) BETWEEN 1 AND 128),
    user_id text COLLATE "C" NOT NULL CHECK (octet_length(user_id) BETWEEN 1 AND 128),
    joined_at timestamptz NOT NULL,
    last_active timestamptz NOT NULL,
    cursor_position jsonb,
    selection_range jsonb,
    state jsonb,
    user_data jsonb,
    session_ids text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (channel_id, user_id)
) WITH (fillfactor = 50);
CREATE INDEX channel_presence_user_id_idx ON channel_presence (user_id);
COMMENT ON TABLE channel_presence IS
    'one row a member of a channel; the worker writes it, at most presence.flush_interval behind';
COMMENT ON INDEX channel_presence_user_id_idx IS 'the channels of a user';
COMMENT ON COLUMN channel_presence.channel_id IS 'a room, document or any topic; a document''s is document_<id>';
COMMENT ON COLUMN channel_presence.user_id IS 'the application''s own key';
COMMENT ON COLUMN channel_presence.joined_at IS 'when its first session joined';
COMMENT ON COLUMN channel_presence.last_active IS 'the last activity there; at most presence.flush_interval behind';
COMMENT ON COLUMN channel_presence.cursor_position IS 'where its cursor is; at most presence.flush_interval behind';
COMMENT ON COLUMN channel_presence.selection_range IS 'what it has selected; at most presence.flush_interval behind';
COMMENT ON COLUMN channel_presence.state IS 'what presence_set_state was given; at most presence.flush_interval behind';
COMMENT ON COLUMN channel_presence.user_data IS 'what the application keeps with the member; NULL: what it keeps with the user';
COMMENT ON COLUMN channel_presence.session_ids IS 'the sessions through which it is there; none: one without an id';

-- The columns of the guide.
CREATE VIEW document_presence AS
    SELECT pg_catalog.substr(channel_id, 10) AS document_id, user_id, joined_at, last_active,
        cursor_position, selection_range
    FROM channel_presence WHERE pg_catalog.starts_with(channel_id, 'document_');
COMMENT ON VIEW document_presence IS 'the members of channel_presence whose channel is a document';
COMMENT ON COLUMN document_presence.document_id IS 'the document';
COMMENT ON COLUMN document_presence.user_id IS 'the application''s own key';
COMMENT ON COLUMN document_presence.joined_at IS 'when its first session joined';
COMMENT ON COLUMN document_presence.last_active IS 'the last activity there';
COMMENT ON COLUMN document_presence.cursor_position IS 'where its cursor is';
COMMENT ON COLUMN document_presence.selection_range IS 'what it has selected';

-- What is shown to those from whom a user hides is in its row without a channel, and in those of relations.
CREATE TABLE presence_visibility (
    user_id text COLLATE "C" NOT NULL CHECK (octet_length(user_id) BETWEEN 1 AND 128),
    channel_id text COLLATE "C" NOT NULL DEFAULT ''
        CHECK (octet_length(channel_id) <= 128 AND channel_id <> 'global_presence'),
    audience text CHECK (audience IN ('everyone', 'channel', 'contacts', 'nobody')),
    detail text CHECK (detail IN ('full', 'status', 'last_seen')),
    changed_at timestamptz NOT NULL,
    shown jsonb,
    shown_to_contacts jsonb,
    PRIMARY KEY (user_id, channel_id),
    CHECK ((audience IS NULL) = (detail IS NULL)),
    CHECK (channel_id = '' OR (audience IS NOT NULL AND shown IS NULL AND shown_to_contacts IS NULL))
);
COMMENT ON TABLE presence_visibility IS
    'who sees how much of a user: its rules; written by presence_set_visibility alone';
COMMENT ON COLUMN presence_visibility.user_id IS 'the application''s own key';
COMMENT ON COLUMN presence_visibility.channel_id IS 'where the rule counts; empty: everywhere';
COMMENT ON COLUMN presence_visibility.audience IS
    'who: everyone, channel (who shares one with the user), contacts or nobody; NULL: no rule';
COMMENT ON COLUMN presence_visibility.detail IS
    'how much: full, status (no message and no page, last_seen as a bucket) or last_seen (the bucket alone)';
COMMENT ON COLUMN presence_visibility.changed_at IS 'when this row was written';
COMMENT ON COLUMN presence_visibility.shown IS
    'what those see who see nothing: the user as it was when that began, times in microseconds since 2000; {}: nothing is known; NULL: never hidden';
COMMENT ON COLUMN presence_visibility.shown_to_contacts IS
    'the same of contacts; NULL: what the others see';

CREATE TABLE presence_contacts (
    user_id text COLLATE "C" NOT NULL CHECK (octet_length(user_id) BETWEEN 1 AND 128),
    contact_id text COLLATE "C" NOT NULL CHECK (octet_length(contact_id) BETWEEN 1 AND 128),
    is_contact boolean NOT NULL,
    is_blocked boolean NOT NULL,
    detail text CHECK (detail IN ('full', 'status', 'last_seen')),
    changed_at timestamptz NOT NULL,
    shown jsonb,
    PRIMARY KEY (user_id, contact_id),
    CHECK (user_id <> contact_id),
    CHECK (is_contact OR detail IS NULL)
);
CREATE INDEX presence_contacts_contact_id_idx ON presence_contacts (contact_id);
COMMENT ON TABLE presence_contacts IS
    'what users have to do with single others; written by presence_add_contact, presence_block and their kin alone';
COMMENT ON INDEX presence_contacts_contact_id_idx IS 'whose contact somebody is';
COMMENT ON COLUMN presence_contacts.user_id IS 'who has the contact, or blocks: the application''s own key';
COMMENT ON COLUMN presence_contacts.contact_id IS 'who is the contact, or is blocked';
COMMENT ON COLUMN presence_contacts.is_contact IS 'a contact; neither this nor blocked: it was taken away';
COMMENT ON COLUMN presence_contacts.is_blocked IS 'sees nothing of the user, whatever else is said';
COMMENT ON COLUMN presence_contacts.detail IS
    'how much this contact sees, before any rule: full, status or last_seen; NULL: the rules say';
COMMENT ON COLUMN presence_contacts.changed_at IS 'when this row was written';
COMMENT ON COLUMN presence_contacts.shown IS
    'what this one sees while it sees nothing: the user as it was when that began; {}: nothing is known; NULL: what the others of its kind see';

CREATE TABLE user_activities (
    user_id text COLLATE "C" NOT NULL,
    activity_type text NOT NULL,
    page_url text,
    "timestamp" timestamptz NOT NULL,
    session_id text
) PARTITION BY RANGE ("timestamp");
COMMENT ON TABLE user_activities IS
    'what users did; a partition a week, dropped after presence.activity_retention; at most presence.flush_interval behind';
COMMENT ON COLUMN user_activities.user_id IS 'the application''s own key';
COMMENT ON COLUMN user_activities.activity_type IS 'the application''s own word for what was done';
COMMENT ON COLUMN user_activities.page_url IS 'where';
COMMENT ON COLUMN user_activities."timestamp" IS 'when';
COMMENT ON COLUMN user_activities.session_id IS 'in which session, if the touch named one';

CREATE TABLE user_activities_default PARTITION OF user_activities DEFAULT;
CREATE INDEX user_activities_default_user_id_timestamp_idx
    ON user_activities_default (user_id, "timestamp");
COMMENT ON INDEX user_activities_default_user_id_timestamp_idx IS 'one user''s activities in order';
COMMENT ON TABLE user_activities_default IS 'activities that wait for their partition';
COMMENT ON COLUMN user_activities_default.user_id IS 'the application''s own key';
COMMENT ON COLUMN user_activities_default.activity_type IS 'the application''s own word for what was done';
COMMENT ON COLUMN user_activities_default.page_url IS 'where';
COMMENT ON COLUMN user_activities_default."timestamp" IS 'when';
COMMENT ON COLUMN user_activities_default.session_id IS 'in which session';

SELECT pg_catalog.pg_extension_config_dump('user_presence', '');
SELECT pg_catalog.pg_extension_config_dump('presence_sessions', '');
SELECT pg_catalog.pg_extension_config_dump('channel_presence', '');
SELECT pg_catalog.pg_extension_config_dump('presence_visibility', '');
SELECT pg_catalog.pg_extension_config_dump('presence_contacts', '');
SELECT pg_catalog.pg_extension_config_dump('user_activities_default', '');
SELECT pg_catalog.pg_extension_config_dump('presence_history_default', '');

CREATE FUNCTION presence_guard() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_guard() IS 'refuses direct changes of the tables';

CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON user_presence
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON presence_history
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON presence_history_default
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON presence_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
COMMENT ON TRIGGER presence_guard ON presence_sessions IS 'refuses direct changes';
CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON channel_presence
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
COMMENT ON TRIGGER presence_guard ON channel_presence IS 'refuses direct changes';
CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON presence_visibility
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
COMMENT ON TRIGGER presence_guard ON presence_visibility IS 'refuses direct changes';
CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON presence_contacts
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
COMMENT ON TRIGGER presence_guard ON presence_contacts IS 'refuses direct changes';
CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON user_activities
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
COMMENT ON TRIGGER presence_guard ON user_activities IS 'refuses direct changes';
CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON user_activities_default
    FOR EACH STATEMENT EXECUTE FUNCTION presence_guard();
COMMENT ON TRIGGER presence_guard ON user_activities_default IS 'refuses direct changes';
COMMENT ON TRIGGER presence_guard ON user_presence IS 'refuses direct changes';
COMMENT ON TRIGGER presence_guard ON presence_history IS 'refuses direct changes';
COMMENT ON TRIGGER presence_guard ON presence_history_default IS 'refuses direct changes';

-- ---- status ------------------------------------------------------------------------------------

CREATE FUNCTION presence_set_status(
    user_id presence_id, status text, status_message text DEFAULT NULL, reason text DEFAULT 'manual',
    explicit_logout boolean DEFAULT false, expires_at timestamptz DEFAULT NULL,
    session_id text DEFAULT NULL
) RETURNS presence_state LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_set_status(presence_id, text, text, text, boolean, timestamptz, text) IS
    'sets a user''s status, durably and in this transaction; status_message NULL keeps the old one, '''' clears it; offline needs explicit_logout';

CREATE FUNCTION presence_set_status_many(
    user_ids presence_id[], statuses text[], status_messages text[] DEFAULT NULL,
    reason text DEFAULT 'manual', explicit_logout boolean DEFAULT false
) RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_set_status_many(presence_id[], text[], text[], text, boolean) IS
    'sets many users'' statuses, all or none; returns how many have changed; the last of duplicates wins';

CREATE FUNCTION presence_set_message(
    user_id presence_id, status_message text, expires_at timestamptz DEFAULT NULL
) RETURNS presence_state LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_set_message(presence_id, text, timestamptz) IS
    'sets a user''s message and leaves the status alone; '''' clears it';

CREATE FUNCTION presence_clear_status(user_id presence_id)
    RETURNS presence_state LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_clear_status(presence_id) IS
    'takes the manual status away: what the sessions say counts again';

CREATE FUNCTION presence_touch(
    user_id presence_id, activity_type text DEFAULT NULL, page_url text DEFAULT NULL,
    session_id text DEFAULT NULL, interactions integer DEFAULT 1
) RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_touch(presence_id, text, text, text, integer) IS
    'the user did something: returns the status now; writes shared memory only';

CREATE FUNCTION presence_touch_many(
    user_ids presence_id[], seen_at timestamptz[] DEFAULT NULL, interactions integer[] DEFAULT NULL
) RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_touch_many(presence_id[], timestamptz[], integer[]) IS
    'many touches at once; seen_at never moves last_seen back, NULL is now; duplicates count each, a NULL user is an error; returns how many';

CREATE FUNCTION presence_online_users(
    max_users integer DEFAULT 100, viewer presence_id DEFAULT NULL,
    statuses text[] DEFAULT '{online,busy,away}', active_within interval DEFAULT NULL
) RETURNS SETOF presence_state LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_online_users(integer, presence_id, text[], interval) IS
    'who is here: online, busy, away, each by last_seen, newest first, then user_id; with a viewer those it sees, and of whom it may not know when they were seen come last in their status';

CREATE FUNCTION presence_status(user_id presence_id, viewer presence_id DEFAULT NULL)
    RETURNS text LANGUAGE c STABLE PARALLEL UNSAFE COST 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_status(presence_id, presence_id) IS
    'the dot beside a name, or what a viewer sees of it; from memory alone, unless presence.can_see_function is asked';

CREATE FUNCTION presence_get(user_id presence_id, viewer presence_id DEFAULT NULL)
    RETURNS presence_state LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_get(presence_id, presence_id) IS
    'one person, or what a viewer sees of it; an unknown one is offline, and so is one who hides from the viewer';

CREATE FUNCTION presence_get_many(user_ids presence_id[], viewer presence_id DEFAULT NULL)
    RETURNS SETOF presence_state LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_get_many(presence_id[], presence_id) IS
    'many people, or what a viewer sees of them, in the order asked for';

CREATE FUNCTION presence_counts(
    viewer presence_id DEFAULT NULL,
    OUT online integer, OUT busy integer, OUT away integer, OUT total integer
) RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_counts(presence_id) IS 'how many are online, busy and away, or of how many a viewer sees that';

CREATE FUNCTION presence_import(rows jsonb)
    RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_import(jsonb) IS
    'takes over rows of an existing table, silently: an array of objects with user_id, status, status_message, last_seen, current_page, activity_count; who is known already is left alone; returns how many came';

CREATE FUNCTION presence_forget(user_id presence_id)
    RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_forget(presence_id) IS
    'erases a person everywhere; true when anything was known';

CREATE FUNCTION presence_reset()
    RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_reset() IS 'empties everything; the owner only';

-- ---- sessions ----------------------------------------------------------------------------------

CREATE FUNCTION presence_connect(
    user_id presence_id, session_id text DEFAULT NULL, user_data jsonb DEFAULT NULL,
    device text DEFAULT NULL, ip_address text DEFAULT NULL, user_agent text DEFAULT NULL,
    page_url text DEFAULT NULL, status text DEFAULT 'online', lease interval DEFAULT NULL,
    gateway text DEFAULT NULL, bind boolean DEFAULT false,
    OUT session_id text, OUT status text, OUT epoch text, OUT seq bigint,
    OUT lease interval, OUT heartbeat_every interval
) RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_connect(presence_id, text, jsonb, text, text, text, text, text, interval, text, boolean) IS
    'a session of the user begins, or is back, at COMMIT; a session_id is made up when none is given; lease: 10 s to 4 h, from the first heartbeat on; gateway: presence_gateway() keeps it; bind: it ends with this database connection';

CREATE FUNCTION presence_heartbeat(session_id text)
    RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_heartbeat(text) IS
    'the client is still there; false: the session is unknown, connect again; writes shared memory only';

CREATE FUNCTION presence_heartbeat_many(session_ids text[])
    RETURNS text[] LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_heartbeat_many(text[]) IS
    'many heartbeats at once; returns the sessions that are unknown';

CREATE FUNCTION presence_gateway(gateway text, lease interval DEFAULT '15 s')
    RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_gateway(text, interval) IS
    'one call keeps all sessions that were connected with this gateway, until it is silent for the lease; returns how many they are; writes shared memory only';

CREATE FUNCTION presence_disconnect(session_id text, reason text DEFAULT 'disconnect')
    RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_disconnect(text, text) IS
    'the session ends presence.disconnect_grace after COMMIT, unless it is back by then; false: it is unknown';

CREATE FUNCTION presence_logout(user_id presence_id)
    RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_logout(presence_id) IS
    'all sessions of the user end at COMMIT, without a grace; returns how many they were';

CREATE FUNCTION presence_sessions(user_id presence_id)
    RETURNS TABLE (session_id text, device text, ip_address text, user_agent text, status text,
        connected_at timestamptz, last_seen timestamptz, last_heartbeat timestamptz, current_page text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 2 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_sessions(presence_id) IS
    'the user''s live sessions, the newest first; one in its grace is among them';

-- ---- channels ----------------------------------------------------------------------------------

CREATE FUNCTION presence_join(
    user_id presence_id, channel_id presence_id, user_data jsonb DEFAULT NULL,
    session_id text DEFAULT NULL
) RETURNS channel_presence LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_join(presence_id, presence_id, jsonb, text) IS
    'a session of the user, the newest or the one named, joins a channel at COMMIT; again it updates user_data; the membership ends with its sessions';

CREATE FUNCTION presence_leave(
    user_id presence_id, channel_id presence_id, session_id text DEFAULT NULL
) RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_leave(presence_id, presence_id, text) IS
    'the user, or one of its sessions, leaves a channel at COMMIT; false: it was not there';

CREATE FUNCTION presence_members(
    channel_id presence_id, max_members integer DEFAULT 100, viewer presence_id DEFAULT NULL,
    after presence_id DEFAULT NULL, active_within interval DEFAULT NULL
) RETURNS TABLE (user_id text, status text, user_data jsonb, joined_at timestamptz,
        last_active timestamptz, cursor_position jsonb, selection_range jsonb, state jsonb, typing boolean)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_members(presence_id, integer, presence_id, presence_id, interval) IS
    'who is in a channel, the last activity first; "after" is the last user_id of the page before; with a viewer those it sees there, and of whom it may not know when they were active come last';

CREATE FUNCTION presence_member_count(channel_id presence_id, viewer presence_id DEFAULT NULL)
    RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_member_count(presence_id, presence_id) IS 'how many members a channel has, or a viewer sees there';

CREATE FUNCTION presence_channels(user_id presence_id)
    RETURNS SETOF text LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_channels(presence_id) IS 'the channels that a user is in, by name';

CREATE FUNCTION presence_join_document(
    user_id presence_id, document_id presence_id, cursor_position jsonb DEFAULT NULL,
    selection_range jsonb DEFAULT NULL, user_data jsonb DEFAULT NULL, session_id text DEFAULT NULL
) RETURNS channel_presence LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_join_document(presence_id, presence_id, jsonb, jsonb, jsonb, text) IS
    'joins the channel document_<document_id>, with a cursor and a selection of at most 1 kB each';

CREATE FUNCTION presence_leave_document(
    user_id presence_id, document_id presence_id, session_id text DEFAULT NULL
) RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_leave_document(presence_id, presence_id, text) IS
    'leaves the channel document_<document_id> at COMMIT; false: the user was not there';

CREATE FUNCTION presence_move_cursor(
    user_id presence_id, document_id presence_id, cursor_position jsonb,
    selection_range jsonb DEFAULT NULL, clock bigint DEFAULT NULL
) RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_move_cursor(presence_id, presence_id, jsonb, jsonb, bigint) IS
    'a member''s cursor is somewhere else, at once; at most 1 kB each; the last one wins, and an older clock is ignored; writes shared memory only';

CREATE FUNCTION presence_set_state(
    user_id presence_id, channel_id presence_id, state jsonb, clock bigint DEFAULT NULL
) RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_set_state(presence_id, presence_id, jsonb, bigint) IS
    'any small thing of a member, at most 1 kB, at once; the last one wins, and an older clock is ignored; writes shared memory only';

CREATE FUNCTION presence_typing(
    user_id presence_id, channel_id presence_id, typing boolean DEFAULT true,
    user_name text DEFAULT NULL
) RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_typing(presence_id, presence_id, boolean, text) IS
    'the user types in a channel, until presence.typing_timeout after the last call; writes shared memory only';

CREATE FUNCTION presence_typing_users(channel_id presence_id, viewer presence_id DEFAULT NULL)
    RETURNS TABLE (user_id text, user_name text, since timestamptz)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 3 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_typing_users(presence_id, presence_id) IS 'who types in a channel just now; with a viewer those it sees there';

-- ---- who sees whom -----------------------------------------------------------------------------

-- Asked in this order, and the first that speaks decides: a block, the contact's own detail, the
-- channel's rule, the user's rule, presence.default_audience.

CREATE FUNCTION presence_set_visibility(
    user_id presence_id, audience text, detail text DEFAULT 'full', channel_id presence_id DEFAULT NULL
) RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_set_visibility(presence_id, text, text, presence_id) IS
    'who (everyone, channel, contacts, nobody) sees how much (full, status, last_seen) of the user, everywhere or in a channel; audience NULL takes the rule away';

CREATE FUNCTION presence_add_contact(user_id presence_id, contact_id presence_id, detail text DEFAULT NULL)
    RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_add_contact(presence_id, presence_id, text) IS
    'somebody is a contact of the user; detail: this one sees so much (full, status, last_seen) whatever the rules say; false: nothing has changed';

CREATE FUNCTION presence_remove_contact(user_id presence_id, contact_id presence_id)
    RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_remove_contact(presence_id, presence_id) IS
    'somebody is no contact of the user any more; a block stays; false: it was none';

CREATE FUNCTION presence_set_contacts(user_id presence_id, contact_ids presence_id[])
    RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_set_contacts(presence_id, presence_id[]) IS
    'these are the contacts of the user and no others; who stays keeps its detail, and blocks stay; returns how many have come or gone';

CREATE FUNCTION presence_block(user_id presence_id, other presence_id)
    RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_block(presence_id, presence_id) IS
    'the other sees nothing of the user from now on: the user has gone offline; false: nothing has changed';

CREATE FUNCTION presence_unblock(user_id presence_id, other presence_id)
    RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_unblock(presence_id, presence_id) IS
    'the rules decide again what the other sees; false: it was not blocked';

CREATE FUNCTION presence_visibility_of(user_id presence_id)
    RETURNS TABLE (rule text, subject text, audience text, detail text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_visibility_of(presence_id) IS
    'the rules of a user in the order in which they are asked: block, contact, channel, user, default';

CREATE FUNCTION presence_can_see(viewer presence_id, user_id presence_id, channel_id presence_id DEFAULT NULL)
    RETURNS text LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_can_see(presence_id, presence_id, presence_id) IS
    'how much of a user the viewer sees, in a channel if one is given: full, status, last_seen or nothing';

CREATE FUNCTION presence_preview(user_id presence_id, viewer presence_id)
    RETURNS presence_state LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_preview(presence_id, presence_id) IS 'the user as that viewer sees it';

-- ---- delivery ----------------------------------------------------------------------------------

CREATE FUNCTION presence_notify_channel(channel_id presence_id)
    RETURNS text LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_notify_channel(presence_id) IS
    'what a channel is called in LISTEN: presence.notify_prefix and the channel itself, or a hashed form over 63 bytes';

CREATE FUNCTION presence_listen(channel_id presence_id DEFAULT 'global_presence')
    RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_listen(presence_id) IS 'LISTEN with the channel''s name, which it returns';

CREATE FUNCTION presence_unlisten(channel_id presence_id DEFAULT 'global_presence')
    RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_unlisten(presence_id) IS 'UNLISTEN with the channel''s name, which it returns';

CREATE FUNCTION presence_snapshot(
    channel_id presence_id DEFAULT 'global_presence', viewer presence_id DEFAULT NULL, max_users integer DEFAULT 1000
) RETURNS jsonb LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_snapshot(presence_id, presence_id, integer) IS
    'who is in a channel and how, as everybody may know or a viewer sees it, with the position from which presence_events and LISTEN go on';

CREATE FUNCTION presence_events(
    channel_id presence_id, epoch text, seq bigint, max_events integer DEFAULT 1000, viewer presence_id DEFAULT NULL
) RETURNS jsonb LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_events(presence_id, text, bigint, integer, presence_id) IS
    'the events of a channel after a position, at most 10,000, and where to go on; resync: what was missed is not known any more, take a new snapshot';

CREATE FUNCTION presence_wait(
    channel_id presence_id, epoch text, seq bigint, timeout interval DEFAULT '25 s', viewer presence_id DEFAULT NULL
) RETURNS jsonb LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_wait(presence_id, text, bigint, interval, presence_id) IS
    'the same as presence_events as soon as there is something, or after the timeout (at most an hour), for which the connection is taken';

CREATE FUNCTION presence_version(
    channel_id presence_id DEFAULT 'global_presence', viewer presence_id DEFAULT NULL, max_users integer DEFAULT 1000
) RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_version(presence_id, presence_id, integer) IS
    'an ETag: as long as it is the same, a snapshot is, too, in all that events tell';

CREATE FUNCTION presence_resync() RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_resync() IS
    'tells the listeners of every channel to take a new snapshot, after the application has changed its mind about who sees whom';

CREATE FUNCTION presence_info(
    OUT version text, OUT epoch text, OUT seq bigint, OUT worker_pid integer,
    OUT worker_alive boolean, OUT last_tick_at timestamptz, OUT complete boolean,
    OUT fresh boolean, OUT stale_since timestamptz, OUT server_time timestamptz
) RETURNS record LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_info() IS
    'how presence itself is doing: fresh means that tables and listeners know what the functions say';

-- ---- who may call ------------------------------------------------------------------------------

CREATE FUNCTION presence_act_for_others()
    RETURNS void LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS '';
COMMENT ON FUNCTION presence_act_for_others() IS
    'does nothing: whoever may execute it acts for anyone';

CREATE FUNCTION presence_count_everybody()
    RETURNS void LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS '';
COMMENT ON FUNCTION presence_count_everybody() IS
    'does nothing: whoever may execute it counts everybody, hidden or not';

-- Where the extension is is looked up when it is needed, so that ALTER SCHEMA ... RENAME breaks nothing.

-- The functions of a level.
CREATE FUNCTION presence_level_functions(level text) RETURNS SETOF regprocedure
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[];
BEGIN
    CASE level
        WHEN 'service' THEN
            names := ARRAY['presence_set_status', 'presence_set_status_many', 'presence_set_message',
                'presence_clear_status', 'presence_touch', 'presence_touch_many',
                'presence_connect', 'presence_heartbeat', 'presence_heartbeat_many', 'presence_gateway',
                'presence_disconnect', 'presence_logout', 'presence_sessions',
                'presence_join', 'presence_leave', 'presence_members', 'presence_member_count',
                'presence_channels', 'presence_join_document', 'presence_leave_document',
                'presence_move_cursor', 'presence_set_state', 'presence_typing', 'presence_typing_users',
                'presence_set_visibility', 'presence_add_contact', 'presence_remove_contact',
                'presence_set_contacts', 'presence_block', 'presence_unblock', 'presence_visibility_of',
                'presence_can_see', 'presence_preview', 'presence_online_users', 'presence_status', 'presence_get', 'presence_get_many',
                'presence_counts', 'presence_import', 'presence_forget', 'presence_notify_channel',
                'presence_listen', 'presence_unlisten', 'presence_snapshot', 'presence_events', 'presence_wait',
                'presence_version', 'presence_resync', 'presence_info', 'presence_act_for_others',
                'presence_count_everybody', 'presence_id_in', 'presence_id_out', 'presence_id_recv', 'presence_id_send'];
        WHEN 'monitor' THEN
            names := ARRAY['presence_counts', 'presence_info', 'presence_count_everybody'];
        WHEN 'user' THEN
            names := ARRAY['presence_set_status', 'presence_set_message', 'presence_clear_status', 'presence_touch',
                'presence_connect', 'presence_heartbeat', 'presence_disconnect', 'presence_logout', 'presence_sessions',
                'presence_online_users', 'presence_status', 'presence_get', 'presence_get_many', 'presence_counts',
                'presence_join', 'presence_leave', 'presence_members', 'presence_member_count', 'presence_channels',
                'presence_join_document', 'presence_leave_document', 'presence_move_cursor', 'presence_set_state',
                'presence_typing', 'presence_typing_users', 'presence_set_visibility', 'presence_add_contact',
                'presence_remove_contact', 'presence_set_contacts', 'presence_block', 'presence_unblock',
                'presence_visibility_of', 'presence_preview',
                'presence_notify_channel', 'presence_listen', 'presence_unlisten', 'presence_snapshot',
                'presence_events', 'presence_wait', 'presence_version', 'presence_info',
                'presence_id_in', 'presence_id_out', 'presence_id_recv', 'presence_id_send'];
        ELSE
            RAISE EXCEPTION 'invalid level "%"', level
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'A level is one of service, user, monitor.';
    END CASE;
    RETURN QUERY SELECT p.oid::regprocedure
        FROM pg_extension e
        JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
            AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
        JOIN pg_proc p ON p.oid = d.objid
        WHERE e.extname = 'presence' AND p.proname = ANY (names);
END $$;
COMMENT ON FUNCTION presence_level_functions(text) IS 'the functions that a level may execute';

CREATE FUNCTION presence_grant(role regrole, level text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'presence');
    functions regprocedure[];
    function regprocedure;
BEGIN
    IF role IS NULL OR level IS NULL THEN
        RAISE EXCEPTION 'role and level must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    -- The new level takes the place of the old one.
    EXECUTE format('SELECT array_agg(f) FROM %I.presence_level_functions($1) f', schema) INTO functions USING level;
    EXECUTE format('SELECT %I.presence_revoke($1)', schema) USING role;
    FOREACH function IN ARRAY functions LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', function, role);
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', schema, role);
    IF level = 'service' THEN
        EXECUTE format('GRANT SELECT ON %1$I.user_presence, %1$I.presence_sessions, %1$I.presence_history, '
            '%1$I.user_activities, %1$I.channel_presence, %1$I.document_presence, %1$I.presence_visibility, '
            '%1$I.presence_contacts TO %2$s', schema, role);
    END IF;
END $$;
COMMENT ON FUNCTION presence_grant(regrole, text) IS
    'lets a role in: service acts for anyone and reads the tables, user acts for itself only, monitor sees aggregates';

CREATE FUNCTION presence_revoke(role regrole) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'presence');
    function regprocedure;
BEGIN
    IF role IS NULL THEN
        RAISE EXCEPTION 'role must not be null' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    FOR function IN EXECUTE format('SELECT * FROM %I.presence_level_functions($1)', schema) USING 'service' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM %s', function, role);
    END LOOP;
    EXECUTE format('REVOKE SELECT ON %1$I.user_presence, %1$I.presence_sessions, %1$I.presence_history, '
        '%1$I.user_activities, %1$I.channel_presence, %1$I.document_presence, %1$I.presence_visibility, '
        '%1$I.presence_contacts FROM %2$s', schema, role);
END $$;
COMMENT ON FUNCTION presence_revoke(regrole) IS
    'takes back what presence_grant gave; USAGE on the schema stays, since others may have given it';

-- ---- the worker's own --------------------------------------------------------------------------

-- The column that a table is partitioned by.
CREATE FUNCTION presence_moment_of(parent text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE parent WHEN 'presence_history' THEN 'changed_at' WHEN 'user_activities' THEN 'timestamp' END
$$;
COMMENT ON FUNCTION presence_moment_of(text) IS 'the column that a table is partitioned by';

-- One week's partition of a table. Rows that came before it are moved out of the default partition;
-- the lock keeps others from adding one there meanwhile. Like the extension's own tables it is nobody's
-- but the owner's, whatever ALTER DEFAULT PRIVILEGES says: a TRIGGER privilege would be the owner's powers.
CREATE FUNCTION presence_make_partition(schema name, parent text, partition text, week timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    grantee text;
    moment text;
    index regclass;
    until timestamptz := week + interval '7 days';
BEGIN
    EXECUTE format('SELECT %I.presence_moment_of($1)', schema) INTO moment USING parent;
    EXECUTE format('LOCK TABLE %I.%I IN SHARE ROW EXCLUSIVE MODE', schema, parent);
    EXECUTE format('CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING ALL)', schema, partition, parent);
    FOR grantee IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = format('%I.%I', schema, partition)::regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %I.%I FROM %s', schema, partition, grantee);
    END LOOP;
    EXECUTE format('WITH moved AS (DELETE FROM %1$I.%5$I '
        'WHERE %6$I >= %3$L AND %6$I < %4$L RETURNING *) '
        'INSERT INTO %1$I.%2$I SELECT * FROM moved', schema, partition, week, until, parent || '_default', moment);
    EXECUTE format('CREATE INDEX ON %I.%I (user_id, %I)', schema, partition, moment);
    EXECUTE format('ALTER TABLE %1$I.%5$I ATTACH PARTITION %1$I.%2$I '
        'FOR VALUES FROM (%3$L) TO (%4$L)', schema, partition, week, until, parent);
    EXECUTE format('CREATE TRIGGER presence_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE '
        'ON %1$I.%2$I FOR EACH STATEMENT EXECUTE FUNCTION %1$I.presence_guard()', schema, partition);
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', schema, partition, 'one week of ' || parent);
    EXECUTE format('COMMENT ON TRIGGER presence_guard ON %I.%I IS %L', schema, partition, 'refuses direct changes');
    SELECT indexrelid::regclass INTO index FROM pg_index WHERE indrelid = format('%I.%I', schema, partition)::regclass;
    EXECUTE format('COMMENT ON INDEX %s IS %L', index, 'one user in order');
END $$;
COMMENT ON FUNCTION presence_make_partition(name, text, text, timestamptz) IS
    'makes one partition of a table; the worker calls it';

-- The worker calls it when the table grows. Weeks begin on Monday, UTC.
CREATE FUNCTION presence_maintain_partitions(parent text, at timestamptz, retention interval) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    schema name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'presence');
    moment text;
    week timestamptz;
    partition text;
BEGIN
    EXECUTE format('SELECT %I.presence_moment_of($1)', schema) INTO moment USING parent;
    FOR week IN EXECUTE format(
        'SELECT date_trunc(''week'', $1) + i * interval ''7 days'' FROM generate_series(0, 1) i '
        'UNION SELECT DISTINCT date_trunc(''week'', %3$I) '
        'FROM %1$I.%2$I WHERE %3$I >= $1 - $2 ORDER BY 1', schema, parent || '_default', moment)
        USING at, retention
    LOOP
        partition := parent || '_' || to_char(week, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(format('%I.%I', schema, partition)) IS NOT NULL;
        EXECUTE format('SELECT %I.presence_make_partition($1, $2, $3, $4)', schema)
            USING schema, parent, partition, week;
    END LOOP;
END $$;
COMMENT ON FUNCTION presence_maintain_partitions(text, timestamptz, interval) IS
    'makes the partitions of this week and the next; the worker calls it when a table grows';

-- The worker calls it each week: whole partitions are dropped, never vacuumed away.
CREATE FUNCTION presence_drop_partitions(parent text, at timestamptz, retention interval) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    schema name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'presence');
    moment text;
    old record;
BEGIN
    EXECUTE format('SELECT %I.presence_moment_of($1)', schema) INTO moment USING parent;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = format('%I.%I', schema, parent)::regclass
          AND c.relname ~ ('^' || parent || '_[0-9]{8}$')
          AND to_date(right(c.relname, 8), 'YYYYMMDD')::timestamptz + interval '7 days' < at - retention
    LOOP
        EXECUTE format('DROP TABLE %I.%I', schema, old.relname);
    END LOOP;
    EXECUTE format('DELETE FROM %I.%I WHERE %I < $1', schema, parent || '_default', moment)
        USING at - retention;
END $$;
COMMENT ON FUNCTION presence_drop_partitions(text, timestamptz, interval) IS
    'drops the partitions of a table that are too old; the worker calls it';

CREATE FUNCTION presence_created() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION presence_created() IS 'the end of the install script: starts the worker at commit';

-- Nobody but the owner: neither PUBLIC nor whom ALTER DEFAULT PRIVILEGES favours.
DO $$
DECLARE
    entry record;
BEGIN
    FOR entry IN
        SELECT format('REVOKE ALL ON FUNCTION %s FROM %s', p.oid::regprocedure,
                      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS command
        FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'presence',
        pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
        WHERE a.grantee <> p.proowner
        UNION
        SELECT format('REVOKE ALL ON TABLE %s FROM %s', c.oid::regclass,
                      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'presence',
        pg_catalog.aclexplode(c.relacl) a
        WHERE c.relkind IN ('r', 'p', 'v') AND a.grantee <> c.relowner
    LOOP
        EXECUTE entry.command;
    END LOOP;
END $$;

SELECT presence_created();
