--
-- presence_clear_status: back to what the sessions say.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given a busy user with a message, when the choice is cleared, then online; the message is the person's and stays.
SELECT status FROM presence_set_status('ann', 'busy', 'in a call');
SELECT user_id, status, status_message, session_count FROM presence_clear_status('ann');
SELECT test.row_of('ann');
SELECT test.history_of('ann');

-- Given a user who chose nothing, when cleared, then nothing happens.
SELECT status FROM presence_clear_status('ann');
SELECT test.history_of('ann');

-- Given an unknown user, when cleared, then that one is still unknown: clearing is no activity.
SELECT user_id, status, session_count FROM presence_clear_status('nobody');
SELECT count(*) FROM user_presence WHERE user_id = 'nobody';
SELECT test.history_of('nobody');

-- Given a user who is offline, when cleared, then offline still.
SELECT status FROM presence_set_status('ben', 'busy');
SELECT status FROM presence_set_status('ben', 'offline', explicit_logout => true, reason => 'logout');
SELECT status FROM presence_clear_status('ben');
SELECT test.history_of('ben');

-- Given a rollback, then busy as before.
SELECT status FROM presence_set_status('cleo', 'busy');
BEGIN;
SELECT status FROM presence_clear_status('cleo');
SELECT presence_status('cleo');
ROLLBACK;
SELECT presence_status('cleo'), test.row_of('cleo');

SELECT test.error_of($$SELECT presence_clear_status(NULL)$$);
SELECT test.error_of($$SELECT presence_clear_status('')$$);
SELECT test.error_of($$SELECT presence_clear_status(repeat('i', 129))$$);
