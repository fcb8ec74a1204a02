--
-- What is written when: a change of status at once, last_seen and counters once in flush_interval.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SELECT presence_reset();

-- Given somebody online whose row is written, when more activity comes, then the row follows within a minute.
SELECT presence_touch('ann', page_url => '/one');
SELECT presence_test_advance('0') IS NOT NULL;
SELECT status, current_page, activity_count FROM user_presence WHERE user_id = 'ann';
SELECT presence_touch('ann', page_url => '/two'), presence_touch('ann');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT status, current_page, activity_count FROM user_presence WHERE user_id = 'ann';
SELECT row.last_seen = state.last_seen FROM user_presence AS row, presence_get('ann') AS state WHERE row.user_id = 'ann';
SELECT test.history_of('ann');

-- A page that changed alone is no change of status: updated_at may move, the history does not.
SELECT presence_touch('ann', page_url => '/three');
SELECT presence_test_advance('61 s') IS NOT NULL;
SELECT current_page, activity_count FROM user_presence WHERE user_id = 'ann';
SELECT test.history_of('ann');

-- Nothing new, nothing written.
SELECT ctid AS place FROM user_presence WHERE user_id = 'ann' \gset
SELECT presence_test_advance('70 s') IS NOT NULL;
SELECT ctid = :'place' FROM user_presence WHERE user_id = 'ann';

-- Interactions are those of the last minute.
SELECT presence_touch('ben', interactions => 20);
SELECT interactions_per_minute BETWEEN 18 AND 20 FROM presence_get('ben');
SELECT presence_test_advance('3 min') IS NOT NULL;
SELECT interactions_per_minute FROM presence_get('ben');
