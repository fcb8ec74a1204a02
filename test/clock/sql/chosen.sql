--
-- What a person chose, against the clock: busy never idles, away stays away, and neither makes anybody present.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given somebody busy, then busy for half an hour, and then offline: nobody is busy for ever.
SELECT status FROM presence_set_status('ann', 'busy', 'in a call');
SELECT last_seen AS seen FROM presence_get('ann') \gset
SELECT presence_test_advance('29 min') IS NOT NULL;
SELECT presence_status('ann');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT presence_status('ann');
SELECT test.row_of('ann');
SELECT previous_status, new_status, change_reason, changed_at - :'seen'::timestamptz < interval '31 min' FROM presence_history WHERE user_id = 'ann' ORDER BY changed_at;

-- Given busy and active, then busy for as long as the activity goes on.
SELECT status FROM presence_set_status('ben', 'busy');
SELECT presence_test_advance('20 min') IS NOT NULL;
SELECT presence_touch('ben');
SELECT presence_test_advance('20 min') IS NOT NULL;
SELECT presence_status('ben');

-- Given a chosen away, then activity does not end it; online does.
SELECT status FROM presence_set_status('cleo', 'away');
SELECT presence_test_advance('10 min') IS NOT NULL;
SELECT presence_touch('cleo');
SELECT status FROM presence_set_status('cleo', 'online');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.history_of('cleo');
SELECT presence_test_advance('6 min') IS NOT NULL;
SELECT presence_status('cleo');
SELECT test.row_of('cleo');

-- Given busy and idle, when it is cleared, then what the sessions say: away.
SELECT status FROM presence_set_status('dora', 'busy');
SELECT presence_test_advance('10 min') IS NOT NULL;
SELECT status FROM presence_clear_status('dora');
SELECT test.history_of('dora');

-- Given a choice that was never changed or cleared, when the person comes back after having been gone, then as chosen.
SELECT presence_test_advance('1 hour') IS NOT NULL;
SELECT presence_touch('ann');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT test.history_of('ann');
SELECT * FROM test.broken_histories();
