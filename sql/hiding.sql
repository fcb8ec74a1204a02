--
-- To hide and to come back: what a viewer sees of it, and what nobody learns by it.
--
\pset format unaligned
\pset tuples_only on
\pset null (null)
SET search_path = presence;
SET client_min_messages = warning;
SELECT presence_reset();
CREATE ROLE regress_alice LOGIN;
CREATE ROLE regress_bob LOGIN;
SELECT presence_grant('regress_alice', 'user'), presence_grant('regress_bob', 'user');
GRANT USAGE ON SCHEMA presence, test TO PUBLIC;

-- Given somebody who was seen, hides, and shows herself again without having done anything else.
SELECT presence_connect('ann', 'ann 1') IS NOT NULL, presence_touch('ann');
SELECT last_seen AS seen FROM presence_get('ann', 'zoe') \gset
SELECT presence_set_visibility('ann', 'nobody');
SELECT last_seen AS hidden FROM presence_get('ann', 'zoe') \gset
SELECT presence_set_visibility('ann', 'everyone');
SELECT last_seen AS back FROM presence_get('ann', 'zoe') \gset
-- Then last_seen never goes back, as if she had logged out and connected.
SELECT :'hidden'::timestamptz > :'seen'::timestamptz, :'back'::timestamptz > :'hidden'::timestamptz;
-- The same of a single viewer.
SELECT presence_block('ann', 'zoe');
SELECT status, last_seen > :'back'::timestamptz FROM presence_get('ann', 'zoe');
SELECT last_seen AS blocked FROM presence_get('ann', 'zoe') \gset
SELECT presence_unblock('ann', 'zoe');
SELECT status, last_seen > :'blocked'::timestamptz FROM presence_get('ann', 'zoe');
-- What changes for nobody is no activity.
SELECT last_seen AS seen FROM presence_get('ann') \gset
SELECT presence_add_contact('ann', 'ben'), presence_set_visibility('ann', 'nobody', channel_id => 'room');
SELECT last_seen = :'seen'::timestamptz FROM presence_get('ann');
-- Of somebody who is offline neither is.
SELECT presence_logout('ann');
SELECT last_seen AS seen FROM presence_get('ann') \gset
SELECT presence_set_visibility('ann', 'nobody');
SELECT last_seen = :'seen'::timestamptz FROM presence_get('ann', 'zoe');

-- In one transaction: only the last rules count, and the moment is that of the first that hid.
SELECT presence_connect('cat', 'cat 1') IS NOT NULL;
BEGIN;
SELECT presence_set_visibility('cat', 'contacts');
SELECT presence_add_contact('cat', 'ben');
SAVEPOINT s;
SELECT presence_add_contact('cat', 'zoe');
SELECT presence_add_contact('cat', 'zack');
SELECT status FROM presence_get('cat', 'zack');
ROLLBACK TO s;
SELECT u, status FROM unnest('{ben,zoe,zack}'::text[]) u, presence_get('cat', u);
SELECT presence_block('cat', 'ben');
COMMIT;
SELECT u, status FROM unnest('{ben,zoe,zack}'::text[]) u, presence_get('cat', u);
SELECT contact_id, is_contact, is_blocked FROM presence_contacts WHERE user_id = 'cat' ORDER BY 1;

-- Given so many contacts that were, a block is not refused, and only the last ones are shown what they saw.
SELECT presence_connect('dan', 'dan 1') IS NOT NULL;
SELECT presence_set_visibility('dan', 'contacts');
SELECT presence_set_contacts('dan', ARRAY(SELECT 'c' || i FROM generate_series(1, 5000) i));
SELECT test.error_of($$SELECT presence_add_contact('dan', 'one more')$$);
SELECT presence_set_contacts('dan', '{}');
SELECT presence_block('dan', 'zoe');
SELECT count(*) <= 101, count(*) FILTER (WHERE is_contact), count(*) FILTER (WHERE is_blocked) FROM presence_contacts WHERE user_id = 'dan';
SELECT presence_set_contacts('dan', ARRAY(SELECT 'd' || i FROM generate_series(1, 4000) i));

-- Given bob, who hides, in a room, and alice, who shows herself to those with whom she shares one.
SET SESSION AUTHORIZATION regress_bob;
SELECT presence_set_visibility(NULL, 'nobody');
SELECT (presence_connect(NULL)).status;
SELECT (presence_join(NULL, 'secret')).channel_id;
SET SESSION AUTHORIZATION regress_alice;
SELECT (presence_connect(NULL)).status;
SELECT (presence_join(NULL, 'secret')).channel_id;
SELECT presence_set_visibility(NULL, 'channel');
-- Then no preview, block or removal tells her that he is there.
SELECT user_id FROM presence_members('secret');
SELECT u, status FROM unnest('{regress_bob,nobody}'::text[]) u, presence_preview(NULL, u);
SELECT presence_block(NULL, u) FROM unnest('{regress_bob,nobody}'::text[]) u;
SELECT count(DISTINCT (status, last_seen)), min(status) FROM unnest('{regress_bob,nobody}'::text[]) u, presence_preview(NULL, u);
SELECT presence_unblock(NULL, u) FROM unnest('{regress_bob,nobody}'::text[]) u;
-- Whom she sees there is another thing.
SET SESSION AUTHORIZATION regress_bob;
SELECT presence_set_visibility(NULL, 'everyone');
SET SESSION AUTHORIZATION regress_alice;
SELECT u, status FROM unnest('{regress_bob,nobody}'::text[]) u, presence_preview(NULL, u);
-- By joining without staying she learns nothing of who shows itself to companions.
RESET SESSION AUTHORIZATION;
SELECT presence_connect('eve', 'eve 1') IS NOT NULL;
SELECT (presence_join('eve', 'vault')).channel_id;
SELECT presence_set_visibility('eve', 'channel');
SET SESSION AUTHORIZATION regress_alice;
BEGIN;
SELECT (presence_join(NULL, 'vault')).channel_id;
SELECT status FROM presence_get('eve');
ROLLBACK;
RESET SESSION AUTHORIZATION;

SELECT presence_reset();
SELECT presence_revoke('regress_alice'), presence_revoke('regress_bob');
REVOKE USAGE ON SCHEMA presence, test FROM PUBLIC;
DROP OWNED BY regress_alice, regress_bob;
DROP ROLE regress_alice, regress_bob;
