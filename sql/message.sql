--
-- presence_set_message: words beside a status, without touching it.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given a busy user, when the message changes, then only the message changes, and it is no step of history.
SELECT status FROM presence_set_status('ann', 'busy', 'in a call');
SELECT user_id, status, status_message FROM presence_set_message('ann', 'in a long call');
SELECT test.row_of('ann');
SELECT test.history_of('ann');

-- '' takes it away, NULL leaves it.
SELECT status, status_message FROM presence_set_message('ann', '');
SELECT status, status_message FROM presence_set_message('ann', 'again');
SELECT status, status_message FROM presence_set_message('ann', NULL);
SELECT status, status_message FROM presence_set_status('ann', 'away');
SELECT test.row_of('ann');

-- Given somebody online by a touch, then still online, with a message.
SELECT presence_touch('ben');
SELECT status, status_message FROM presence_set_message('ben', 'hello', expires_at => now() + interval '1 hour');
SELECT presence_status('ben'), (presence_get('ben')).status_message;

-- Given nobody of that name, then the words wait for somebody who is offline.
SELECT status, status_message, session_count FROM presence_set_message('cleo', 'back tomorrow');
SELECT status, status_message FROM presence_get('cleo');
SELECT test.row_of('cleo');
SELECT test.history_of('cleo');

-- 500 characters of any width, not one more.
SELECT status, length(status_message), octet_length(status_message) FROM presence_set_message('ben', repeat('m', 500));
SELECT status, length(status_message), octet_length(status_message) FROM presence_set_message('ben', repeat('🦉', 500));
SELECT status_message = repeat('🦉', 500) FROM presence_get('ben');
SELECT status_message = repeat('🦉', 500) FROM user_presence WHERE user_id = 'ben';
SELECT length(status_message) FROM presence_set_status('ben', 'busy', repeat('ü', 500));
SELECT test.error_of($$SELECT presence_set_message('ben', repeat('m', 501))$$);
SELECT test.error_of($$SELECT presence_set_message('ben', repeat('🦉', 501))$$);
SELECT test.error_of($$SELECT presence_set_status('ben', 'busy', repeat('ü', 501))$$);
SELECT test.error_of($$SELECT presence_set_message('ben', repeat('m', 1000000))$$);
SELECT status_message = repeat('ü', 500) FROM presence_get('ben');

-- Quotes, backslashes and control characters are the person's own.
SELECT status_message = E'"q" ''s'' \\ / \t \n \r \b \f \x01 \x1f \x7f' FROM presence_set_message('ben', E'"q" ''s'' \\ / \t \n \r \b \f \x01 \x1f \x7f');
SELECT status_message = E'"q" ''s'' \\ / \t \n \r \b \f \x01 \x1f \x7f' FROM presence_get('ben');
SELECT status_message = E'"q" ''s'' \\ / \t \n \r \b \f \x01 \x1f \x7f' FROM user_presence WHERE user_id = 'ben';

-- Given a rollback, then the old words.
BEGIN;
SELECT status_message FROM presence_set_message('ann', 'not for long');
SELECT status_message FROM presence_get('ann');
ROLLBACK;
SELECT status_message FROM presence_get('ann');

SELECT test.error_of($$SELECT presence_set_message(NULL, 'm')$$);
SELECT test.error_of($$SELECT presence_set_message('', 'm')$$);
SELECT test.error_of($$SELECT presence_set_message(repeat('i', 129), 'm')$$);
SELECT test.error_of($$SELECT presence_set_message('ann', 'm', now() - interval '1 s')$$);
