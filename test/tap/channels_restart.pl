# Members, their sessions, what they brought along, cursors and states survive a restart and a crash. Who comes back is no event;
# who does not leaves after session_timeout.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('channels', testing => 1, conf => "restart_after_crash = on\nautovacuum = off\npresence.flush_interval = '300ms'");
$node->start;
create_presence($node);
my $crashes = 0;
my $members = q{SELECT c, n, user_id, status, user_data, joined_at, last_active, cursor_position, selection_range, state FROM unnest(ARRAY['room', 'document_7', 'hall']) AS c, presence_members(c) WITH ORDINALITY AS m(user_id, status, user_data, joined_at, last_active, cursor_position, selection_range, state, typing, n) ORDER BY 1, 2};
my $rows = q{SELECT * FROM channel_presence ORDER BY channel_id, user_id};
my $who = q{SELECT string_agg(channel_id || ' ' || user_id, ', ' ORDER BY channel_id, user_id) FROM channel_presence};

for my $how (qw(restart backend immediate))
{
	# given members of every kind
	$node->safe_psql('postgres', $_) for (
		q{SELECT presence_connect('ann', 'a1', '{"name": "Ann"}'), presence_connect('ann', 'a2'), presence_connect('ben', 'b1', '{"name": "Ben"}'), presence_connect('dora', 'd1'), presence_connect('fay', 'f1'), presence_connect('gus', 'g1')},
		q{SELECT presence_heartbeat_many('{a1,a2,b1,d1,f1,g1}')},
		q{SELECT presence_join('ann', 'room', '{"role": "host"}', 'a1'), presence_join('ann', 'room', session_id => 'a2'), presence_join('ben', 'room'), presence_join('dora', 'room'), presence_join('fay', 'room')},
		q{SELECT presence_join('cleo', 'room', '{"name": "Cleo"}')},    # through a session without an id
		q{SELECT presence_join_document('ben', 7, '{"line": 1}', '[1, 2]'), presence_join_document('dora', 7), presence_join_document('fay', 7)},
		q{SELECT presence_join('gus', 'hall'), presence_join('ann', 'hall', session_id => 'a2')},
		q{SELECT presence_set_state('ben', 'room', '{"hand": true}'), presence_set_state('ann', 'room', '{"at": [1, 2]}')},
		q{SELECT presence_move_cursor('ben', 7, '{"line": 12, "ch": 3}', '{"from": 1, "to": [2, "ü"]}', 5), presence_move_cursor('dora', 7, '"here"', clock => 77)},
		q{SELECT presence_touch('fay', session_id => 'f1')},
		q{SELECT presence_leave('fay', 'room')},
		q{SELECT presence_typing('ben', 'room'), presence_typing('cleo', 'a channel nobody is in')});
	advance($node, 'postgres', '2 s');
	$node->safe_psql('postgres', q{SELECT presence_touch('dora', session_id => 'd1')});
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 9 AND count(cursor_position) = 2 AND count(state) = 2 FROM channel_presence}), "$how: all is written") or die;
	$node->poll_query_until('postgres', q{SELECT bool_and(c.last_active = m.last_active) FROM channel_presence AS c, presence_members(c.channel_id) AS m WHERE m.user_id = c.user_id}) or die 'the last activity was not written';
	# The row of one who logs out is held back, so that the crash comes before it is deleted.
	my $holder = $node->background_psql('postgres');
	$holder->query_safe($_) for 'BEGIN', q{SELECT 1 FROM channel_presence WHERE user_id = 'gus' FOR UPDATE};
	$node->safe_psql('postgres', q{SELECT presence_logout('gus')});
	$node->poll_query_until('postgres', q{SELECT status = 'offline' FROM user_presence WHERE user_id = 'gus'}) or die 'gus is not written';
	# What is open has not happened.
	my $open = $node->background_psql('postgres');
	$open->query_safe($_) for 'BEGIN', q{SELECT presence_join('open', 'room'), presence_leave('dora', 'room'), presence_join('ben', 'hall')};
	my $open_pid = $open->query_safe('SELECT pg_backend_pid()');
	# The worker commits asynchronously: what it wrote is on disk when somebody else's commit is.
	$node->safe_psql('postgres', "CREATE TABLE public.committed_$how ()");
	my ($before, $rows_before) = map { $node->safe_psql('postgres', $_) } ($members, $rows);
	my $old = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');

	# when there is a restart, or a crash
	if ($how eq 'restart')
	{
		$node->restart('fast');
	}
	elsif ($how eq 'backend')
	{
		kill(9, $open_pid) == 1 or die 'no backend to kill';
		$crashes++;
	}
	else
	{
		$node->stop('immediate');
		$node->start;
	}
	eval { $_->quit } for $holder, $open;
	wait_for_server($node, $old);

	# then the first call finds them, also before the worker has loaded them
	my $after = $node->safe_psql('postgres', $members);
	is(without_clock($after), without_clock($before), "$how: all members are there, in their order, with what they were");
	wait_for_worker($node);
	my $listener = PresenceTest::Listener->new($node, 'postgres', 'global_presence', 'room', 'document_7', 'hall');
	is($node->safe_psql('postgres', q{SELECT presence_member_count('room'), presence_member_count('document_7'), presence_member_count('hall'), presence_member_count('global_presence')}), '4|3|1|5', "$how: and counted");
	is($node->safe_psql('postgres', q{SELECT string_agg(u || ':' || c, ' ' ORDER BY u, c) FROM unnest('{ann,ben,cleo,dora,fay,gus,open}'::text[]) AS u, presence_channels(u) AS c}), 'ann:hall ann:room ben:document_7 ben:room cleo:room dora:document_7 dora:room fay:document_7', "$how: each in its channels");
	eventually($node, 'postgres', q{SELECT count(*) = 8 FROM channel_presence}, "$how: the row of who had gone is deleted");
	is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM presence_typing_users('room')), (SELECT count(*) FROM presence_members('room') WHERE typing)}), '0|0', "$how: and nobody types");
	is($node->safe_psql('postgres', $rows), join("\n", grep { !/\|gus\|/ } split /\n/, $rows_before), "$how: the others are as they were");

	# and who comes back, in whichever way, is no event
	$node->safe_psql('postgres', q{SELECT presence_heartbeat('b1'), presence_connect('ann', 'a1'), presence_heartbeat('a1'), presence_touch('cleo'), presence_connect('fay', 'f1'), presence_join_document('fay', 7)});
	$node->safe_psql('postgres', q{SELECT presence_join('ann', 'room', '{"role": "host"}', 'a1'), presence_join('ben', 'room')});
	advance($node, 'postgres', '60 s');
	is($node->safe_psql('postgres', q{SELECT presence_heartbeat_many('{a1,b1,f1}'), presence_touch('cleo')}), '{}|online', "$how: who is back is known");
	is_deeply([ map { PresenceTest::Listener::short($_) . " $_->{channel} " . ($_->{user_id} // '') } $listener->events ], [], "$how: nothing is told while they come back");
	is($node->safe_psql('postgres', q{SELECT presence_member_count('room'), presence_member_count('document_7')}), '4|3', "$how: all are there");

	# and who does not leaves when session_timeout is over
	advance($node, 'postgres', '31 s');
	ok($listener->wait_for(sub { 4 <= @_ }), "$how: then something is told");
	is_deeply([ map { [ $listener->story_in($_, 'dora') ] } qw(global_presence room document_7) ], [ [ 'online>offline timeout', 'user_left' ], ['user_left'], ['user_left'] ], "$how: who has not come back leaves");
	is_deeply([ map { "$_->{channel} $_->{reason} $_->{status}" } sort { $a->{channel} cmp $b->{channel} } grep { $_->{event} eq 'user_left' && $_->{channel} ne 'global_presence' && $_->{user_id} eq 'dora' } $listener->events ], [ 'document_7 timeout offline', 'room timeout offline' ], "$how: by its timeout");
	is_deeply([ $listener->story_in('hall', 'ann') ], ['user_left'], "$how: one of two sessions has not: its user leaves the channel where only that one was");
	is(scalar(grep { $_->{user_id} !~ /^(dora|ann)$/ } $listener->events), 0, "$how: nobody else is told of");
	eventually($node, 'postgres', qq{SELECT ($who) = 'document_7 ben, document_7 fay, room ann, room ben, room cleo'}, "$how: the rows of who has left are gone");
	eventually($node, 'postgres', q{SELECT (SELECT session_ids = '{a1}' FROM channel_presence WHERE user_id = 'ann') AND (SELECT session_ids = '{}' FROM channel_presence WHERE user_id = 'cleo') AND (SELECT bool_and(session_ids = '{b1}') FROM channel_presence WHERE user_id = 'ben')}, "$how: the sessions through which the others are there");
	is($node->safe_psql('postgres', q{SELECT presence_leave('ann', 'room', 'a2'), presence_member_count('room'), presence_leave('ann', 'room', 'a1'), presence_member_count('room')}), 'f|3|t|2', "$how: are known");

	# a client counts its moves anew, and what it does is told on
	$listener->forget_events;
	$node->safe_psql('postgres', q{SELECT presence_move_cursor('ben', 7, '{"line": 13}', clock => 1)});
	ok($listener->wait_for(sub { 1 <= grep { $_->{event} eq 'cursor_moved' } @_ }), "$how: a move is told");
	is_deeply([ $listener->gaps ], [], "$how: no gap");
	$listener->quit;
	# The clock goes back with the next start: nobody may have been seen after it.
	$node->safe_psql('postgres', 'SELECT presence_reset()');
	wait_for_worker($node);
	is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM channel_presence), (SELECT count(*) FROM presence_members('room')), presence_member_count('document_7')}), '0|0|0', "$how: a reset leaves none");
	$node->restart;
	wait_for_worker($node);
}
finish($node, crashes => $crashes);
done_testing();

# What was seen in the time that the clock was moved by is seen at the moment of the start.
sub without_clock
{
	my ($text) = @_;
	return $text =~ s/(?<=\|)\d{4}-\d\d-\d\d [^|]*\|[^|]*(?=\|)/joined|active/mgr;
}
