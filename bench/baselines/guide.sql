-- The guide's tables and function stacks as plain SQL, done well: what somebody would build on PostgreSQL without presence.
-- Created in several schemas (:schema), with UNLOGGED tables in one of them (:kind); so many users (:users) are here.
-- fillfactor leaves room for updates in place (HOT). An index on last_seen would make the list of who is online quick and keep each
-- update from being HOT; where one is measured it is made beside this.
-- No autovacuum: it would run in the turns of the other side. So what it costs is not counted against the guide's.
CREATE SCHEMA :schema;
SET search_path = :schema;
CREATE :kind TABLE user_presence (
    user_id text PRIMARY KEY, status text NOT NULL DEFAULT 'online', status_message text, last_seen timestamptz NOT NULL DEFAULT now(),
    current_page text, activity_count bigint NOT NULL DEFAULT 0, auto_away_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_enabled = off);
CREATE :kind TABLE presence_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id text NOT NULL, previous_status text, new_status text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(), change_reason text
) WITH (autovacuum_enabled = off);
CREATE :kind TABLE user_activities (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id text NOT NULL, activity_type text, page_url text,
    at timestamptz NOT NULL DEFAULT now(), session_id text
) WITH (autovacuum_enabled = off);
INSERT INTO user_presence (user_id, last_seen) SELECT i, now() - i * interval '1 ms' FROM generate_series(1, :users) AS i;
VACUUM (ANALYZE) user_presence;

-- "Update User Status": read the status, update the row, add the history, broadcast. One round trip.
CREATE FUNCTION set_status(who text, wanted text, message text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before text;
BEGIN
    SELECT status INTO before FROM user_presence WHERE user_id = who FOR UPDATE;
    UPDATE user_presence SET status = wanted, status_message = message, last_seen = now(), updated_at = now() WHERE user_id = who;
    INSERT INTO presence_history (user_id, previous_status, new_status, change_reason) VALUES (who, before, wanted, 'manual');
    PERFORM pg_notify('global_presence', json_build_object('event', 'user_status_changed', 'user_id', who, 'status', wanted,
                                                           'status_message', message, 'timestamp', now())::text);
END
$$;
ALTER FUNCTION set_status SET search_path = :schema;

-- "Track User Activity": record it, update last_seen, look whether the user is idle. One round trip.
CREATE FUNCTION track_activity(who text, kind text, page text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found_status text;
BEGIN
    INSERT INTO user_activities (user_id, activity_type, page_url) VALUES (who, kind, page);
    UPDATE user_presence SET last_seen = now(), current_page = page, activity_count = activity_count + 1 WHERE user_id = who;
    SELECT status INTO found_status FROM user_presence WHERE user_id = who;
    RETURN found_status;
END
$$;
ALTER FUNCTION track_activity SET search_path = :schema;
