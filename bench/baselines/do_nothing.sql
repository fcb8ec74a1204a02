-- Functions in C that are called as those of presence are, and do nothing of what those do.
-- Variables of psql: library, where they are.
CREATE FUNCTION public.do_nothing(user_id presence_id, activity_type text DEFAULT NULL, page_url text DEFAULT NULL, session_id text DEFAULT NULL, interactions int DEFAULT 1)
    RETURNS text LANGUAGE C VOLATILE AS :'library', 'do_nothing';
CREATE FUNCTION public.same_rows(user_ids text[], status_message text DEFAULT NULL) RETURNS SETOF presence_state LANGUAGE C VOLATILE AS :'library', 'same_rows';
