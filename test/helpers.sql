-- What the SQL tests share. Loaded by the first file of each schedule, with the top of the tree as working directory.

CREATE SCHEMA test;

-- What a statement fails with: SQLSTATE, message, DETAIL and HINT.
CREATE FUNCTION test.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text;
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', state || ' ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
END
$$;

-- Asks until the answer is true: what the worker does by itself happens soon, not at once.
CREATE FUNCTION test.eventually(question text, seconds int DEFAULT 30) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + make_interval(secs => seconds);
    answer bool;
BEGIN
    LOOP
        EXECUTE question INTO answer;
        IF answer THEN
            RETURN 'yes';
        END IF;
        IF clock_timestamp() > deadline THEN
            RETURN format('not within %s s: %s', seconds, question);
        END IF;
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;

-- The row of a user without its times.
CREATE FUNCTION test.row_of(wanted text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT format('%s, message %s, page %s, auto_away_at %s, went_offline_at %s', status,
                          coalesce(quote_literal(status_message), 'null'), coalesce(current_page, 'null'),
                          CASE WHEN auto_away_at IS NULL THEN 'null' ELSE 'set' END,
                          CASE WHEN went_offline_at IS NULL THEN 'null' ELSE 'set' END)
            FROM presence.user_presence WHERE user_id = wanted);
END
$$;

-- The history of a user, oldest first.
CREATE FUNCTION test.history_of(wanted text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT format('%s > %s (%s)', previous_status, new_status, change_reason)
                 FROM presence.presence_history WHERE user_id = wanted ORDER BY changed_at;
END
$$;

-- The users whose history is not one chain: each change begins with what the one before it ended with.
CREATE FUNCTION test.broken_histories() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT user_id
                 FROM (SELECT user_id, previous_status,
                              lag(new_status) OVER (PARTITION BY user_id ORDER BY changed_at) AS before
                       FROM presence.presence_history) AS step
                 WHERE previous_status <> before;
END
$$;

-- The row of a member without its times.
CREATE FUNCTION test.member_row(channel text, wanted text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT format('cursor %s, selection %s, state %s, data %s, sessions %s', coalesce(cursor_position::text, '-'),
                          coalesce(selection_range::text, '-'), coalesce(state::text, '-'), coalesce(user_data::text, '-'),
                          ARRAY(SELECT unnest(session_ids) ORDER BY 1))
            FROM presence.channel_presence WHERE channel_id = channel AND user_id = wanted);
END
$$;

-- Who is in a channel, the last activity first.
CREATE FUNCTION test.members(channel text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT string_agg(user_id, ' ') FROM presence.presence_members(channel, 1000));
END
$$;

-- What a question is answered just after somebody has said that it types: before the typing could end.
CREATE FUNCTION test.while_typing(who text, channel text, question text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    PERFORM presence.presence_typing(who, channel);
    EXECUTE question INTO answer;
    RETURN answer;
END
$$;
