-- A function in C with the arguments and the result of presence_touch, which does nothing.
-- Variables of psql: library, where it is.
CREATE FUNCTION public.do_nothing(user_id presence_id, activity_type text DEFAULT NULL, page_url text DEFAULT NULL, session_id text DEFAULT NULL, interactions int DEFAULT 1)
    RETURNS text LANGUAGE C VOLATILE AS :'library', 'do_nothing';
