--
-- A choice with an end: busy until three, a message until tomorrow.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();
CREATE FUNCTION test.in(after interval) RETURNS timestamptz LANGUAGE sql AS 'SELECT server_time + after FROM presence.presence_info()';

-- Given busy for ten minutes and activity, when they are over, then online, for the reason that it expired.
SELECT test.in('10 min') AS until \gset
SELECT status FROM presence_set_status('ann', 'busy', 'short', expires_at => :'until');
SELECT presence_test_advance('9 min') IS NOT NULL;
SELECT presence_touch('ann');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT status, status_message FROM presence_get('ann');
SELECT test.row_of('ann');
SELECT test.history_of('ann');
SELECT changed_at = :'until' FROM presence_history WHERE user_id = 'ann' AND change_reason = 'expired';

-- Given no activity, then away: what the sessions say by then.
SELECT status FROM presence_set_status('ben', 'busy', expires_at => test.in('10 min'));
SELECT presence_test_advance('10 min 1 s') IS NOT NULL;
SELECT presence_status('ben');
SELECT test.history_of('ben');

-- Given an earlier choice without an end, then it comes back.
SELECT status FROM presence_set_status('cleo', 'away', 'on leave');
SELECT status FROM presence_set_status('cleo', 'busy', 'in a call', expires_at => test.in('5 min'));
SELECT status, status_message FROM presence_get('cleo');
SELECT presence_test_advance('5 min 1 s') IS NOT NULL;
SELECT status, status_message FROM presence_get('cleo');
SELECT test.history_of('cleo');

-- Given an earlier choice that ends before, then it does not.
SELECT status FROM presence_set_status('dora', 'away', expires_at => test.in('2 min'));
SELECT status FROM presence_set_status('dora', 'busy', expires_at => test.in('4 min'));
SELECT presence_test_advance('3 min') IS NOT NULL;
SELECT presence_status('dora'), presence_touch('dora');
SELECT presence_test_advance('1 min 1 s') IS NOT NULL;
SELECT presence_status('dora');
SELECT test.history_of('dora');

-- Given online or a choice without an end on top, then nothing comes back.
SELECT status FROM presence_set_status('eve', 'busy', expires_at => test.in('5 min'));
SELECT status FROM presence_set_status('eve', 'online');
SELECT status FROM presence_set_status('fay', 'busy', expires_at => test.in('5 min'));
SELECT status FROM presence_set_status('fay', 'away');
SELECT presence_test_advance('4 min') IS NOT NULL;
SELECT presence_touch_many(ARRAY['eve', 'fay']);
SELECT presence_test_advance('2 min') IS NOT NULL;
SELECT user_id, status FROM presence_get_many(ARRAY['eve', 'fay']);
SELECT test.history_of('eve');
SELECT test.history_of('fay');

-- A message with an end leaves the status alone, and is no step of history.
SELECT presence_touch('gus');
SELECT status, status_message FROM presence_set_message('gus', 'back in a minute', test.in('1 min'));
SELECT presence_test_advance('30 s') IS NOT NULL;
SELECT status, status_message FROM presence_get('gus');
SELECT presence_test_advance('31 s') IS NOT NULL;
SELECT status, status_message FROM presence_get('gus');
SELECT test.row_of('gus');
SELECT test.history_of('gus');

-- Given a choice that ends while the person is away from all devices, then they stay offline.
SELECT status FROM presence_set_status('hal', 'busy', expires_at => test.in('1 hour'));
SELECT status FROM presence_set_status('hal', 'offline', explicit_logout => true, reason => 'logout');
SELECT presence_test_advance('2 hours') IS NOT NULL;
SELECT presence_status('hal');
SELECT test.history_of('hal');
SELECT * FROM test.broken_histories();
