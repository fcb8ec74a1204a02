# presence.memory used up: a clear error, nobody who is here is harmed, offline users make room and come back from their rows.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('memory', conf => "presence.memory = '4MB'");
$node->start;
create_presence($node);

$node->safe_psql('postgres', q{SELECT presence_gateway('g', '4 h'); SELECT presence_connect('tab', 'tab', gateway => 'g'), presence_connect('beat', 'beat', lease => '4 h'), presence_heartbeat('beat')});
$node->safe_psql('postgres', q{SELECT presence_join('placed', 'room', '{"name": "P"}'), presence_join_document('placed', 7, '{"x": 1}', '[1]'), presence_join('plain', 'room')});

# given people come until memory is full, then the error names the setting
my ($code, $out, $err) = $node->psql('postgres', q{DO $$ BEGIN FOR i IN 1..1000000 LOOP PERFORM presence_touch('u' || i); END LOOP; END $$}, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/ERROR:  53200: /, 'a touch of somebody new is refused with 53200');
like($err, qr/HINT:.*presence\.memory/, 'the hint names presence.memory');
# Somebody new needs more than one cell: what takes one takes the rest.
is((error_of($node, 'postgres', q{DO $$ BEGIN FOR i IN 1..1000 LOOP PERFORM presence_gateway('filler' || i, '1 h'); END LOOP; END $$}))[0], '53200', 'at last there is nothing left');
my $here = $node->safe_psql('postgres', 'SELECT total FROM presence_counts()');
cmp_ok($here, '>', 1000, "$here users fit into 4MB");
is((error_of($node, 'postgres', q{SELECT presence_set_status('somebody new', 'busy')}))[0], '53200', 'so is a choice of somebody new');
is((error_of($node, 'postgres', q{SELECT presence_set_status_many(ARRAY['u1', 'somebody new'], ARRAY['busy', 'busy'])}))[0], '53200', 'and a batch with somebody new');
is((error_of($node, 'postgres', q{SELECT presence_touch_many(ARRAY['u1', 'somebody new'])}))[0], '53200', 'and a batch of touches');
is($node->safe_psql('postgres', "SELECT presence_status('somebody new'), (SELECT count(*) FROM user_presence WHERE user_id = 'somebody new'), (SELECT count(*) FROM presence_history WHERE user_id = 'somebody new')"),
	'offline|0|0', 'which left nothing behind');
is($node->safe_psql('postgres', "SELECT presence_status('u1'), (SELECT count(*) FROM presence_history WHERE user_id = 'u1' AND new_status = 'busy'), (presence_get('u1')).activity_count"), 'online|0|1', 'nor changed the others of its batch');

is($node->safe_psql('postgres', q{SELECT presence_import('[{"user_id": "paged", "status": "offline", "status_message": "m", "current_page": "/p", "user_data": {"name": "P"}}]')}), '1', 'a row needs no memory');
is((error_of($node, 'postgres', q{SELECT presence_touch_many(ARRAY['u2', 'paged'])}))[0], '53200', 'but whoever comes out of it does, with all that it has');
is($node->safe_psql('postgres', "SELECT activity_count FROM presence_get('u2')"), '1', 'and nobody of its batch is touched');
is($node->safe_psql('postgres', q{SELECT presence_touch_many(array_agg('u' || i)) FROM generate_series(3, 500) AS i}), '498', 'a batch of those who are here is');

# so is a connect, of somebody new and of somebody who is here, and it has changed nothing
for my $connect (q{'somebody new', 'new'}, q{'u1', 'new'}, q{'u1', 'new', '{"name": "U"}'}, q{'u1', 'new', bind => true}, q{'u1', 'new', gateway => 'g'}, q{'u1', 'new', device => 'phone', page_url => '/x'})
{
	is((error_of($node, 'postgres', "SELECT presence_connect($connect)"))[0], '53200', "presence_connect($connect) is refused");
}
is((error_of($node, 'postgres', q{SELECT presence_set_status('u1', 'busy', session_id => 'new')}))[0], '53200', 'so is a status of a new session');
is((error_of($node, 'postgres', q{SELECT presence_touch('u1', session_id => 'new')}))[0], '53200', 'and a touch of one');
is((error_of($node, 'postgres', q{SELECT presence_gateway('another')}))[0], '53200', 'and a new gateway');
is($node->safe_psql('postgres', q{SELECT presence_heartbeat('new'), presence_status('u1'), (SELECT count(*) FROM presence_sessions('u1')), (SELECT count(*) FROM presence_sessions WHERE session_id = 'new'), (presence_get('u1')).user_data IS NULL, presence_status('somebody new')}),
	'f|online|0|0|t|offline', 'which left nothing behind either');
is($node->safe_psql('postgres', q{SELECT presence_heartbeat('beat'), presence_gateway('g', '4 h'), presence_touch('tab', session_id => 'tab'), (SELECT count(*) FROM presence_sessions('tab'))}), 't|1|online|1', 'the sessions that are there are kept');

# so is what somebody does in a channel, if it needs any memory, and nothing of it is half done
for my $call (q{presence_join('u1', 'room')}, q{presence_join('somebody new', 'room')}, q{presence_join('u1', 'room', '{"name": "U"}', 'new')}, q{presence_join('u1', 'another room')},
	q{presence_join('plain', 'another room')}, q{presence_join('plain', 'room', '{"name": "Plain"}')}, q{presence_join_document('u1', 7, '{"x": 1}', '[1]')}, q{presence_join_document('placed', 8)},
	q{presence_typing('u1', 'room')}, q{presence_typing('placed', 'room')}, q{presence_typing('placed', 'another room', user_name => 'P')}, q{presence_typing('somebody new', 'room')},
	q{presence_set_state('plain', 'room', '{"hand": true}')}, q{presence_move_cursor('placed', 7, to_jsonb(repeat('x', 500)))})
{
	is((error_of($node, 'postgres', "SELECT $call"))[0], '53200', "$call is refused");
}
my $room = q{SELECT user_id, user_data, cursor_position, selection_range, state, typing FROM presence_members('%s') ORDER BY 1};
is($node->safe_psql('postgres', sprintf $room, 'room'), qq{placed|{"name": "P"}||||f\nplain|||||f}, 'which has changed nothing in the room');
is($node->safe_psql('postgres', sprintf $room, 'document_7'), 'placed||{"x": 1}|[1]||f', 'nor in the document');
is($node->safe_psql('postgres', q{SELECT presence_member_count('room'), presence_member_count('another room'), presence_member_count('document_7'), presence_member_count('document_8'), (SELECT string_agg(c, ' ') FROM presence_channels('u1') AS c), (SELECT string_agg(c, ' ') FROM presence_channels('placed') AS c), presence_status('somebody new'), presence_heartbeat('new'),
	(SELECT count(*) FROM presence_typing_users('room')), (SELECT count(*) FROM presence_typing_users('another room')), (SELECT count(*) FROM channel_presence WHERE user_id NOT IN ('placed', 'plain'))}), '2|0|1|0||document_7 room|offline|f|0|0|0', 'nor anywhere');
is($node->safe_psql('postgres', q{SELECT presence_typing('placed', 'room', false), presence_leave('nobody', 'room')}), '|f', 'what needs no memory is done');
is($node->safe_psql('postgres', q{SELECT presence_move_cursor('placed', 7, '{"x": 2}', '[2]')}) . $node->safe_psql('postgres', sprintf $room, 'document_7'), 'placed||{"x": 2}|[2]||f', 'and a cursor moves where there is one');
is((error_of($node, 'postgres', q{BEGIN; SELECT presence_leave('plain', 'room'); SELECT presence_join('u' || i, 'room') FROM generate_series(1, 10) AS i; COMMIT}))[0], '53200', 'a transaction that leaves and joins is refused');
is($node->safe_psql('postgres', sprintf $room, 'room'), qq{placed|{"name": "P"}||||f\nplain|||||f}, 'and undone');
is($node->safe_psql('postgres', q{SELECT presence_leave('plain', 'room'), presence_member_count('room')}), 't|1', 'to leave needs no memory');
eventually($node, 'postgres', q{SELECT count(*) = 2 FROM channel_presence}, 'and the row goes');
is((error_of($node, 'postgres', q{SELECT presence_touch_many(ARRAY['paged', 'paged'])}))[0], '53200', 'who has a row does not come without it, named twice neither');
is($node->safe_psql('postgres', q{SELECT status, status_message, current_page, activity_count FROM presence_get('paged')}), 'offline|m|/p|0', 'and is as before');

# then those who are here are served as ever
is($node->safe_psql('postgres', "SELECT count(presence_touch('u' || i)) FROM generate_series(1, 1000) AS i"), '1000', 'who is here is touched');
is($node->safe_psql('postgres', 'SELECT count(*), (SELECT total FROM presence_counts()) FROM presence_online_users(1000000)'), "$here|$here", 'all are listed');
my (undef, $unknown) = $node->psql('postgres', "SELECT presence_status('nobody'), (presence_get('nobody')).status");
is($unknown, 'offline|offline', 'an unknown one is offline, not an error');
eventually($node, 'postgres', "SELECT count(*) = $here FROM user_presence WHERE status = 'online'", 'the worker writes them all');

# a transaction that runs out of memory has changed nothing
is((error_of($node, 'postgres', q{BEGIN; SELECT presence_set_status('u' || i, 'away', repeat('m', 500)) FROM generate_series(1, 1000) AS i; SELECT presence_set_status('n' || i, 'busy') FROM generate_series(1, 10000) AS i; COMMIT;}))[0],
	'53200', 'a large transaction is refused');
is($node->safe_psql('postgres', "SELECT away, busy FROM presence_counts()"), '0|0', 'and is undone');
is($node->safe_psql('postgres', "SELECT count(*) FROM user_presence WHERE status <> 'online' AND user_id <> 'paged'"), '0', 'in the table too');

# given some go, which needs no memory, then there is room for others, again and again
is((error_of($node, 'postgres', q{SELECT presence_set_status('u1', 'offline', explicit_logout => true)}))[0], undef, 'one logs out');
is((error_of($node, 'postgres', q{SELECT presence_set_status_many(array_agg('u' || i), array_agg('offline'::text), explicit_logout => true) FROM generate_series(2, 500) AS i}))[0], undef, '499 log out together');
eventually($node, 'postgres', "SELECT count(*) = 500 FROM user_presence WHERE status = 'offline' AND user_id <> 'paged'", '500 have gone');
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.try(who text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM presence_touch(who); RETURN 1; EXCEPTION WHEN out_of_memory THEN RETURN 0; END $$});
eventually($node, 'postgres', "SELECT public.try('v1') = 1", 'somebody else finds room');
# Who has gone makes room once that is told and written.
eventually($node, 'postgres', "SELECT sum(public.try('v' || i)) = 299 FROM generate_series(2, 300) AS i", 'and 299 more');
eventually($node, 'postgres', "SELECT presence_touch_many(array_agg('v' || i)) = 100 FROM generate_series(301, 400) AS i", 'and 100 at a time');
is($node->safe_psql('postgres', q{SELECT count(*) FROM presence_get_many((SELECT array_agg('u' || i) FROM generate_series(1, 500) AS i)) WITH ORDINALITY AS g(user_id, status, status_message, last_seen, current_page, user_data, session_count, activity_count, interactions_per_minute, i)
	WHERE status = 'offline' AND last_seen IS NOT NULL AND activity_count >= 1}),
	'500', 'who was pushed out is read from the row, with the same answer');

eventually($node, 'postgres', q{SELECT count(*) = 2 FROM presence_sessions}, 'the rows of sessions are written');

is($node->safe_psql('postgres', q{SELECT (SELECT user_id FROM presence_join('plain', 'room')), (SELECT count(*) FROM presence_members('room'))}), 'plain|2', 'and there is room to join again');

# more offline people than memory could ever hold
$node->safe_psql('postgres', q{SELECT presence_import(jsonb_agg(jsonb_build_object('user_id', 'old' || i, 'status', 'offline', 'status_message', 'm' || i))) FROM generate_series(1, 50000) AS i});
is($node->safe_psql('postgres', "SELECT status, status_message FROM presence_get('old49999')"), 'offline|m49999', '50,000 who are offline are known all the same');
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_get_many((SELECT array_agg('old' || i) FROM generate_series(1, 50000) AS i)) WHERE status_message IS NOT NULL"), '50000', 'all of them');
is($node->safe_psql('postgres', "SELECT presence_status('v400')"), 'online', 'and nobody who is here was pushed out');
check_histories($node, 'postgres', 'after memory was full');

# with a restart in between
$node->restart;
wait_for_worker($node);
is($node->safe_psql('postgres', 'SELECT total FROM presence_counts()'), $here - 500 + 400, 'a restart finds all of them');
is($node->safe_psql('postgres', q{SELECT presence_member_count('room'), presence_member_count('document_7')}), '2|1', 'the members too');
finish($node);
done_testing();
