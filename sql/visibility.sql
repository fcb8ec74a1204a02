--
-- Who sees how much of a user: its rules, contacts and blocks, and what is kept for those from whom it hides.
-- What comes of them when somebody looks is in other files.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SET client_min_messages = warning;
SELECT presence_reset();

-- The rules of a user, in the order in which they are asked.
CREATE FUNCTION test.rules(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', rule, subject, audience, detail) FROM presence.presence_visibility_of(wanted)
$$;
-- What is kept for somebody who sees nothing: how much was seen before, and what there was.
CREATE FUNCTION test.shown(shown jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN shown IS NULL THEN '-' WHEN shown = '{}' THEN 'nothing' ELSE
        concat_ws(' ', shown ->> 'detail', shown ->> 'message', shown -> 'user_data' ->> 'name',
                  CASE WHEN jsonb_typeof(shown -> 'last_seen') = 'number' THEN 'seen' END,
                  'x' || (shown ->> 'activity_count'), CASE WHEN jsonb_typeof(shown -> 'message_until') = 'number' THEN 'until' END) END
$$;
-- The rows of a user, all of them, and whether its own row knows.
CREATE FUNCTION test.rows(wanted text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s, %s, strangers are shown %s, contacts %s', CASE channel_id WHEN '' THEN 'everywhere' ELSE channel_id END,
                  coalesce(audience, 'null'), coalesce(detail, 'null'), test.shown(shown), test.shown(shown_to_contacts))
    FROM (SELECT * FROM presence.presence_visibility WHERE user_id = wanted ORDER BY channel_id) AS v
    UNION ALL
    SELECT format('%s%s%s, %s, is shown %s', contact_id, CASE WHEN is_contact THEN ' contact' ELSE '' END,
                  CASE WHEN is_blocked THEN ' blocked' ELSE '' END, coalesce(detail, 'null'), test.shown(shown))
    FROM (SELECT * FROM presence.presence_contacts WHERE user_id = wanted ORDER BY contact_id) AS c
    UNION ALL
    SELECT 'has_visibility ' || has_visibility FROM presence.user_presence WHERE user_id = wanted
$$;

-- ---- rules -----------------------------------------------------------------------------------------------------------

-- Given a user without rules, then the default is all there is, and nothing is written.
SELECT test.rules('ann');
SELECT test.rows('ann');

-- Given rules for everywhere and for channels.
SELECT presence_set_visibility('ann', 'contacts');
SELECT presence_set_visibility('ann', 'everyone', 'status', 'room');
SELECT presence_set_visibility('ann', 'nobody', channel_id => 'hall');
SELECT presence_set_visibility('ann', 'channel', 'last_seen', channel_id => 'attic');
SELECT test.rules('ann');
SELECT test.rows('ann');

-- When one is set again it is another one, and NULL takes it away.
SELECT presence_set_visibility('ann', 'contacts', 'status');
SELECT presence_set_visibility('ann', 'contacts', 'full', 'hall');
SELECT presence_set_visibility('ann', NULL, channel_id => 'room');
SELECT presence_set_visibility('ann', NULL, NULL, 'attic');
SELECT test.rules('ann');
SELECT presence_set_visibility('ann', NULL, channel_id => 'hall');
SELECT presence_set_visibility('ann', NULL);
SELECT test.rules('ann');
SELECT test.rows('ann');

-- What changes nothing writes nothing, and makes nobody known.
SELECT presence_set_visibility('ann', NULL), presence_set_visibility('ann', NULL, channel_id => 'room');
SELECT presence_set_visibility('ben', NULL), presence_remove_contact('ben', 'ann'), presence_unblock('ben', 'ann'), presence_set_contacts('ben', '{}');
SELECT test.rows('ben');
SELECT presence_set_visibility('ben', 'everyone');
SELECT xmin AS before FROM presence_visibility WHERE user_id = 'ben' \gset
SELECT presence_set_visibility('ben', 'everyone');
SELECT xmin = :'before' FROM presence_visibility WHERE user_id = 'ben';
SELECT presence_set_visibility('ben', NULL);

-- An id is an id, whatever its type.
SELECT presence_set_visibility(7, 'nobody', channel_id => 8), presence_add_contact(7, 9::bigint), presence_set_contacts(7, ARRAY[9, 10]), presence_block(7, '11');
SELECT test.rules('7');

-- ---- contacts and blocks ---------------------------------------------------------------------------------------------

SELECT presence_add_contact('cleo', 'ann'), presence_add_contact('cleo', 'ben', 'status'), presence_block('cleo', 'dora');
SELECT presence_add_contact('cleo', 'ann'), presence_add_contact('cleo', 'ben', 'status'), presence_block('cleo', 'dora');
SELECT test.rules('cleo');

-- A contact may be blocked, and is one again afterwards; another detail is a change.
SELECT presence_block('cleo', 'ben'), presence_add_contact('cleo', 'ben', 'last_seen'), presence_add_contact('cleo', 'dora');
SELECT test.rules('cleo');
SELECT presence_unblock('cleo', 'ben'), presence_unblock('cleo', 'ben'), presence_add_contact('cleo', 'ben');
SELECT presence_remove_contact('cleo', 'dora'), presence_remove_contact('cleo', 'dora');
SELECT test.rules('cleo');

-- All at once: who stays keeps detail and block.
SELECT presence_add_contact('cleo', 'ben', 'status'), presence_add_contact('cleo', 'eve'), presence_block('cleo', 'eve');
SELECT presence_set_contacts('cleo', '{fay,ben,eve,fay,dora}');
SELECT test.rules('cleo');
SELECT presence_set_contacts('cleo', '{ben,dora,eve,fay}'), presence_set_contacts('cleo', '{gus}');
SELECT test.rules('cleo');
SELECT presence_set_contacts('cleo', '{}'), presence_unblock('cleo', 'dora'), presence_unblock('cleo', 'eve');
SELECT test.rows('cleo');

-- ---- what is shown to those who see nothing --------------------------------------------------------------------------

-- Given somebody whom all see, when it hides, then strangers and contacts are shown what was there.
SELECT session_id FROM presence_connect('hal', 'hal 1', '{"name": "Hal"}');
SELECT presence_touch('hal');
SELECT status FROM presence_set_status('hal', 'busy', 'lunch');
SELECT presence_set_visibility('hal', 'nobody');
SELECT test.rows('hal');
-- To them it looks as if hal had logged out at that moment.
SELECT last_seen <= timestamptz '2000-01-01 00:00+0' + (shown ->> 'last_seen')::bigint * interval '1 microsecond' AND shown -> 'last_seen' = shown -> 'at', shown = shown_to_contacts
FROM presence_visibility JOIN user_presence USING (user_id) WHERE user_id = 'hal';

-- Who is hidden stays as it was, whatever happens.
SELECT status_message FROM presence_set_message('hal', 'later');
SELECT presence_set_visibility('hal', 'nobody', 'status');
SELECT presence_set_visibility('hal', 'contacts', 'status');
SELECT test.rows('hal');
-- Contacts saw the status alone, and that later message.
SELECT presence_set_visibility('hal', 'nobody');
SELECT test.rows('hal');
-- Who comes back is seen, and forgets nothing of the others.
SELECT presence_set_visibility('hal', 'everyone', 'last_seen');
SELECT test.rows('hal');
SELECT presence_set_visibility('hal', 'channel');
SELECT test.rows('hal');
-- Without the rule the default speaks; with it, everybody sees again.
SELECT presence_set_visibility('hal', NULL);
SELECT test.rows('hal');

-- Of one whom nobody has ever seen there is nothing to show but that.
SELECT presence_set_visibility('ida', 'nobody');
SELECT test.rows('ida');
SELECT presence_add_contact('ida', 'ben'), presence_block('ida', 'cleo');
SELECT test.rows('ida');

-- A rule of a channel keeps nothing.
SELECT presence_set_visibility('jon', 'nobody', channel_id => 'room');
SELECT test.rows('jon');

-- When somebody is blocked it is shown what there was; when it is not any more it sees again, and no row is left.
SELECT status FROM presence_set_status('kim', 'busy', 'one');
SELECT presence_block('kim', 'ann');
SELECT status FROM presence_set_status('kim', 'busy', 'two');
SELECT presence_add_contact('kim', 'ann');
SELECT presence_block('kim', 'ben');
SELECT test.rows('kim');
SELECT presence_unblock('kim', 'ann'), presence_unblock('kim', 'ben');
SELECT test.rows('kim');

-- A message that ends takes its end along.
SELECT status_message FROM presence_set_message('kim', 'soon', now() + interval '1 hour');
SELECT presence_block('kim', 'ann');
SELECT test.rows('kim');
SELECT presence_unblock('kim', 'ann'), presence_remove_contact('kim', 'ann');
SELECT status FROM presence_set_status('kim', 'busy', 'two');

-- Given contacts alone may see, then one that is taken away is shown what there was, and goes on being shown that.
SELECT presence_set_visibility('kim', 'contacts');
SELECT presence_add_contact('kim', 'ann'), presence_add_contact('kim', 'ben', 'status'), presence_add_contact('kim', 'cleo', 'last_seen');
SELECT status FROM presence_set_status('kim', 'busy', 'three');
SELECT presence_remove_contact('kim', 'ann'), presence_remove_contact('kim', 'ben'), presence_remove_contact('kim', 'cleo');
SELECT status FROM presence_set_status('kim', 'busy', 'four');
SELECT test.rows('kim');
SELECT presence_block('kim', 'ann'), presence_unblock('kim', 'ann');
SELECT test.rows('kim');
-- A contact again sees again.
SELECT presence_set_contacts('kim', '{ann}');
SELECT test.rows('kim');
-- When all see, what was kept for those who are nobody any more goes, and blocks stay as they are.
SELECT presence_block('kim', 'cleo');
SELECT presence_set_visibility('kim', 'everyone');
SELECT test.rows('kim');
SELECT presence_unblock('kim', 'cleo'), presence_remove_contact('kim', 'ann');
SELECT test.rows('kim');

-- Given nobody may see, then a contact with a detail of its own does all the same, and one without is shown what it was before.
SELECT presence_set_visibility('kim', 'nobody');
SELECT status FROM presence_set_status('kim', 'busy', 'five');
SELECT presence_add_contact('kim', 'ann', 'full'), presence_add_contact('kim', 'ben');
SELECT test.rows('kim');
SELECT presence_add_contact('kim', 'ann');
SELECT test.rows('kim');
-- When contacts see again, they are like all others of their kind.
SELECT presence_set_visibility('kim', 'contacts');
SELECT test.rows('kim');
SELECT presence_set_visibility('kim', 'nobody');
SELECT test.rows('kim');

-- Given a rule for those in the same channel, then a block tells nothing of who is there.
SELECT presence_set_visibility('lea', 'channel', 'status');
SELECT session_id FROM presence_connect('lea', 'lea 1', '{"name": "Lea"}');
SELECT session_id FROM presence_connect('mia', 'mia 1');
SELECT channel_id FROM presence_join('lea', 'room');
SELECT channel_id FROM presence_join('mia', 'hall');
SELECT channel_id FROM presence_join('lea', 'roof');
SELECT channel_id FROM presence_join('mia', 'roof');
SELECT presence_block('lea', 'mia'), presence_block('lea', 'nia');
SELECT test.rows('lea');

-- ---- transactions ----------------------------------------------------------------------------------------------------

-- Given a rollback or a savepoint, then the rows are what they were.
SELECT presence_reset();
SELECT presence_set_visibility('ann', 'contacts'), presence_add_contact('ann', 'ben');
BEGIN;
SELECT presence_set_visibility('ann', 'nobody'), presence_set_contacts('ann', '{cleo}'), presence_set_visibility('dora', 'nobody');
SELECT test.rules('ann');
ROLLBACK;
SELECT test.rows('ann');
SELECT test.rows('dora');
BEGIN;
SELECT presence_block('ann', 'eve');
SAVEPOINT one;
SELECT presence_block('ann', 'fay'), presence_remove_contact('ann', 'ben'), presence_set_visibility('ann', NULL);
SELECT test.rules('ann');
ROLLBACK TO SAVEPOINT one;
SELECT test.rules('ann');
SAVEPOINT two;
SELECT presence_add_contact('ann', 'gus', 'status');
RELEASE SAVEPOINT two;
COMMIT;
SELECT test.rules('ann');

-- A change of rules is no change of status: the history and the row say what they said.
SELECT status FROM presence_set_status('hal', 'busy', 'm');
BEGIN;
SELECT presence_set_visibility('hal', 'nobody');
SELECT status FROM presence_set_status('hal', 'away');
SELECT presence_set_visibility('hal', 'everyone');
COMMIT;
SELECT test.row_of('hal'), presence_status('hal');
SELECT test.history_of('hal');
SELECT presence_touch('ida'), presence_set_visibility('ida', 'contacts');
SELECT test.eventually($$SELECT status = 'online' AND has_visibility FROM user_presence WHERE user_id = 'ida'$$);
SELECT test.history_of('ida');
BEGIN;
SELECT session_id FROM presence_connect('jon', 'jon 1');
SELECT presence_set_visibility('jon', 'contacts');
SELECT status FROM presence_set_status('jon', 'busy');
COMMIT;
SELECT test.history_of('jon');
SELECT test.broken_histories();

-- Nothing of it in a read-only transaction, but the list.
BEGIN READ ONLY;
SELECT test.error_of($$SELECT presence_set_visibility('ann', 'nobody')$$);
SELECT split_part(test.error_of($$SELECT presence_add_contact('ann', 'x')$$), E'\n', 1);
SELECT split_part(test.error_of($$SELECT presence_remove_contact('ann', 'x')$$), E'\n', 1);
SELECT split_part(test.error_of($$SELECT presence_set_contacts('ann', '{}')$$), E'\n', 1);
SELECT split_part(test.error_of($$SELECT presence_block('ann', 'x')$$), E'\n', 1);
SELECT split_part(test.error_of($$SELECT presence_unblock('ann', 'x')$$), E'\n', 1);
SELECT test.rules('ann');
COMMIT;
-- Nor can it be prepared.
BEGIN;
SELECT presence_set_visibility('ann', 'everyone');
PREPARE TRANSACTION 'p';
SELECT test.rules('ann');

-- ---- forgetting ------------------------------------------------------------------------------------------------------

-- Given somebody whom others know, when it is forgotten, then its rows go, and it is in nobody else's.
SELECT presence_add_contact('zoe', 'eve'), presence_block('bob', 'eve'), presence_add_contact('eve', 'bob'), presence_set_visibility('eve', 'nobody', channel_id => 'room');
BEGIN;
SELECT presence_forget('eve');
SELECT test.rules('zoe');
ROLLBACK;
SELECT test.rules('zoe');
SELECT presence_forget('eve');
SELECT test.rows('eve');
SELECT test.rows('ann');
SELECT test.rows('bob');
SELECT test.rows('zoe');
SELECT presence_forget('eve');
-- Also one whom only others know.
SELECT presence_block('bob', 'kit'), presence_forget('kit'), presence_forget('kit');
-- Within one transaction: what is said afterwards is new.
BEGIN;
SELECT presence_set_visibility('max', 'nobody'), presence_forget('max'), presence_set_visibility('max', 'contacts');
COMMIT;
SELECT test.rows('max');

-- presence_reset empties everything.
SELECT presence_reset();
SELECT (SELECT count(*) FROM presence_visibility), (SELECT count(*) FROM presence_contacts);
SELECT test.rules('ann');

-- ---- errors ----------------------------------------------------------------------------------------------------------

SELECT test.error_of($$SELECT presence_set_visibility('ann', 'friends')$$);
SELECT test.error_of($$SELECT presence_set_visibility('ann', '')$$);
SELECT test.error_of($$SELECT presence_set_visibility('ann', 'everyone', 'some')$$);
SELECT test.error_of($$SELECT presence_set_visibility('ann', 'everyone', 'nothing')$$);
SELECT test.error_of($$SELECT presence_set_visibility('ann', 'everyone', NULL)$$);
SELECT test.error_of($$SELECT presence_set_visibility('ann', 'nobody', channel_id => 'global_presence')$$);
SELECT test.error_of($$SELECT presence_set_visibility('ann', 'nobody', channel_id => '')$$);
SELECT test.error_of($$SELECT presence_set_visibility('ann', 'nobody', channel_id => repeat('c', 129))$$);
SELECT test.error_of($$SELECT presence_set_visibility(NULL, 'nobody')$$);
SELECT test.error_of($$SELECT presence_set_visibility('', 'nobody')$$);
SELECT test.error_of($$SELECT presence_set_visibility(repeat('i', 129), 'nobody')$$);
SELECT test.error_of($$SELECT presence_add_contact('ann', 'ann')$$);
SELECT test.error_of($$SELECT presence_add_contact('ann', NULL)$$);
SELECT test.error_of($$SELECT presence_add_contact('ann', '')$$);
SELECT test.error_of($$SELECT presence_add_contact('ann', repeat('i', 129))$$);
SELECT test.error_of($$SELECT presence_add_contact('ann', 'ben', 'nothing')$$);
SELECT test.error_of($$SELECT presence_add_contact('ann', 'ben', 'all')$$);
SELECT test.error_of($$SELECT presence_remove_contact('ann', 'ann')$$);
SELECT test.error_of($$SELECT presence_remove_contact('ann', NULL)$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', NULL)$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', '{ben,NULL}')$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', '{ben,""}')$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', '{ben,ann}')$$);
SELECT test.error_of($$SELECT presence_block('ann', 'ann')$$);
SELECT test.error_of($$SELECT presence_block('ann', NULL)$$);
SELECT test.error_of($$SELECT presence_unblock('ann', 'ann')$$);
SELECT test.error_of($$SELECT presence_unblock('ann', '')$$);
SELECT test.error_of($$SELECT presence_visibility_of(NULL)$$);
SELECT test.error_of($$SELECT presence_visibility_of('')$$);
SELECT test.rows('ann');

-- So many and no more.
SELECT presence_set_contacts('ann', array_agg('c' || i)) FROM generate_series(1, 5000) AS i;
SELECT test.error_of($$SELECT presence_add_contact('ann', 'one more')$$);
SELECT test.error_of($$SELECT presence_block('ann', 'one more')$$);
SELECT test.error_of($$SELECT presence_set_contacts('ann', array_agg('d' || i)) FROM generate_series(1, 5001) AS i$$);
SELECT presence_block('ann', 'c1'), presence_set_contacts('ann', array_agg('d' || i)) FROM generate_series(1, 4999) AS i;
SELECT presence_set_contacts('ann', array_agg('c' || i)) FROM generate_series(1, 4000) AS i;
SELECT count(*), count(*) FILTER (WHERE is_contact) FROM presence_contacts WHERE user_id = 'ann';
SELECT test.error_of($$SELECT presence_set_visibility('ben', 'nobody', channel_id => 'c' || i) FROM generate_series(1, 1001) AS i$$);
SELECT count(presence_set_visibility('ben', 'nobody', channel_id => 'c' || i)) FROM generate_series(1, 1000) AS i;
SELECT presence_set_visibility('ben', 'everyone', channel_id => 'c7'), presence_set_visibility('ben', NULL, channel_id => 'c8'), presence_set_visibility('ben', 'nobody', channel_id => 'another');
SELECT count(*) FROM presence_visibility WHERE user_id = 'ben';

-- ---- a restored row may hold anything --------------------------------------------------------------------------------

SELECT presence_reset();
\copy presence_visibility (user_id, channel_id, audience, detail, changed_at, shown, shown_to_contacts) FROM stdin
odd		nobody	full	2026-01-01	[1]	{"detail": 7}
odd	room	contacts	status	2026-01-01	\N	\N
old		\N	\N	2026-01-01	{"detail": "full", "last_seen": 1e40, "activity_count": -1, "message": [], "message_until": "x", "user_data": 1}	"x"
\.
\copy presence_contacts (user_id, contact_id, is_contact, is_blocked, detail, changed_at, shown) FROM stdin
odd	ann	t	f	status	2026-01-01	\N
odd	ben	f	t	\N	2026-01-01	{"detail": "all"}
old	ann	f	f	\N	2026-01-01	{"detail": "status", "last_seen": 9e18, "activity_count": 1e9, "message": "m", "user_data": {"n": 1e131071}}
\.
\copy user_presence (user_id, status, last_seen, updated_at, has_visibility) FROM stdin
odd	online	2026-01-01	2026-01-01	t
old	offline	2026-01-01	2026-01-01	t
\.
SELECT test.rules('odd');
SELECT test.rules('old');
SELECT (presence_get('odd')).user_id, (presence_get('old')).user_id;
SELECT presence_add_contact('odd', 'cleo'), presence_unblock('odd', 'ben'), presence_set_visibility('old', 'everyone'), presence_block('old', 'ann');
SELECT test.rules('odd');
SELECT test.rules('old');
-- Rules that come after their user are known as well, and the row says so.
\copy user_presence (user_id, status, last_seen, updated_at, has_visibility) FROM stdin
late	online	2026-01-01	2026-01-01	f
\.
SELECT (presence_get('late')).user_id;
\copy presence_contacts (user_id, contact_id, is_contact, is_blocked, changed_at) FROM stdin
late	ann	t	f	2026-01-01
none	ann	f	t	2026-01-01
\.
SELECT test.rows('late');
SELECT test.rows('none');
SELECT presence_remove_contact('late', 'ann');
SELECT test.rows('late');
-- And so are rules that came before their user, although its row does not say so.
\copy presence_visibility (user_id, audience, detail, changed_at, shown) FROM stdin
early	nobody	full	2026-01-01	{"detail": "full", "message": "old", "activity_count": 1}
\.
\copy user_presence (user_id, status, last_seen, updated_at) FROM stdin
early	online	2026-01-01	2026-01-01
\.
SELECT status_message, presence_can_see('zoe', 'early') FROM presence_get('early', 'zoe');
SELECT presence_add_contact('early', 'ann'), presence_can_see('ann', 'early'), presence_can_see('zoe', 'early');
SELECT test.rows('early');
-- So it is for whoever looks: rules that came count, and of rules that are lost the most hidden ones.
\copy user_presence (user_id, status, last_seen, updated_at, has_visibility) FROM stdin
lost	online	2026-01-01	2026-01-01	t
\.
SELECT presence_can_see('zoe', 'late'), presence_can_see('zoe', 'lost'), presence_can_see('cleo', 'odd'), presence_can_see('ann', 'odd', 'room'), presence_can_see('ben', 'odd', 'room');
-- Also when those of others come first.
\copy presence_contacts (user_id, contact_id, is_contact, is_blocked, changed_at) FROM stdin
late	ben	t	f	2026-01-01
\.
SELECT presence_can_see('zoe', 'late'), presence_can_see('zoe', 'lost');
\copy presence_visibility (user_id, audience, detail, changed_at) FROM stdin
late	contacts	status	2026-01-01
lost	everyone	last_seen	2026-01-01
\.
SELECT presence_can_see('zoe', 'late'), presence_can_see('zoe', 'lost');
-- Lost rules hide until the user says new ones, and a contact is not one.
\copy user_presence (user_id, status, last_seen, updated_at, has_visibility) FROM stdin
astray	online	2026-01-01	2026-01-01	t
\.
SELECT presence_add_contact('astray', 'ann'), presence_can_see('ann', 'astray'), presence_can_see('zoe', 'astray');
SELECT rule, audience FROM presence_visibility_of('astray') WHERE rule = 'user';
SELECT presence_set_visibility('astray', NULL), presence_can_see('zoe', 'astray');
-- What makes no sense is not let in.
\set VERBOSITY sqlstate
\copy presence_visibility (user_id, channel_id, audience, changed_at) FROM stdin
a	c	everyone	2026-01-01
\.
\copy presence_visibility (user_id, audience, detail, changed_at) FROM stdin
a	all	full	2026-01-01
\.
\copy presence_visibility (user_id, channel_id, audience, detail, changed_at, shown) FROM stdin
a	c	everyone	full	2026-01-01	{}
\.
\copy presence_contacts (user_id, contact_id, is_contact, is_blocked, changed_at) FROM stdin
a	a	t	f	2026-01-01
\.
\copy presence_contacts (user_id, contact_id, is_contact, is_blocked, detail, changed_at) FROM stdin
a	b	f	t	full	2026-01-01
\.
\set VERBOSITY default

-- ---- settings --------------------------------------------------------------------------------------------------------

-- Given that contacts alone see those who say nothing, then whoever is none never saw them.
SELECT presence_reset();
SELECT presence_touch('ann'), presence_block('ann', 'ben'), presence_add_contact('ann', 'cleo');
ALTER SYSTEM SET presence.default_audience = contacts;
SELECT pg_reload_conf();
\c -
SET search_path = presence;
SHOW presence.default_audience;
SELECT presence_block('ann', 'dora'), presence_block('ann', 'cleo'), presence_unblock('ann', 'ben');
SELECT test.rules('ann');
SELECT test.rows('ann');
-- To say what was the default changes nothing for anybody.
SELECT presence_set_visibility('ann', 'contacts');
SELECT test.rows('ann');
SELECT presence_set_visibility('ann', 'nobody');
SELECT presence_set_visibility('ann', NULL);
SELECT test.rows('ann');
ALTER SYSTEM RESET presence.default_audience;
SELECT pg_reload_conf();

ALTER SYSTEM SET presence.default_audience = 'friends';
ALTER SYSTEM SET presence.private_channel = 'global_presence';
ALTER SYSTEM SET presence.private_channel = '12345678911234567892123456789312345678941234567895123456789612345678971234567898123456789912345678901234567891123456789212345678931';
ALTER SYSTEM SET presence.can_see_function = 'may_see';
SELECT test.error_of('SET presence.default_audience = nobody');
SELECT test.error_of('SET presence.private_channel = x');
SELECT test.error_of('SET presence.can_see_function = ''app.f''');
CREATE ROLE regress_curious;
SET ROLE regress_curious;
SHOW presence.private_channel;
RESET ROLE;
DROP ROLE regress_curious;
\c -
SET search_path = presence;
SHOW presence.default_audience;
-- Now all see again, and when they do not any more they are shown what they have seen last.
SELECT presence_touch('ann'), presence_set_visibility('ann', 'nobody');
SELECT test.rows('ann');
SELECT presence_reset();
