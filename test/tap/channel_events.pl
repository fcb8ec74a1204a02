# What a listener of a channel hears, field by field; the chain of each channel by itself, whatever happens to the worker.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use JSON::PP ();

my $node = new_server('channels', testing => 1, conf => "presence.disconnect_grace = '1s'\npresence.event_buffer = '64kB'\npresence.typing_timeout = '30s'");
$node->start;
create_presence($node);
my $listener = PresenceTest::Listener->new($node, 'postgres', 'room', 'document_7');
my $epoch = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');
my $stamp = sub { return $node->safe_psql('postgres', qq{SELECT to_char(($_[0]) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')}); };
my $joined_at = sub { return $stamp->("SELECT joined_at FROM presence_members('$_[0]') WHERE user_id = '$_[1]'"); };

# Does something, waits for so many events, and compares all of them, field by field, but for what is told of all alike.
sub told
{
	my ($name, $sql, @expected) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$listener->forget_events;
	ref $sql ? $sql->() : $node->safe_psql('postgres', $sql);
	$listener->wait_for(sub { @_ >= @expected });
	# Which of two channels hears first of the same change is not promised.
	my @heard = sort { $a->{channel} cmp $b->{channel} || $a->{seq} <=> $b->{seq} } $listener->events;
	for my $event (@heard)
	{
		is(delete $event->{v}, 1, "$name: v");
		is(delete $event->{epoch}, $epoch, "$name: epoch");
		like(delete $event->{timestamp}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, "$name: timestamp") unless exists $expected[0]{timestamp};
		ok(defined delete $event->{reason}, "$name: reason") if $event->{event} eq 'user_updated';    # of an earlier change
		cmp_ok(delete $event->{seq}, '>', delete $event->{prev}, "$name: seq and prev");
	}
	is_deeply(\@heard, \@expected, $name) or diag(JSON::PP->new->canonical->pretty->encode(\@heard));
	@{ $listener->{events} } = ();
	return;
}
my %room = (channel => 'room', user_id => 'ann');
my %document = (channel => 'document_7', user_id => 'ann');
my %online = (status => 'online', previous_status => 'offline', status_message => undef);
my $name = { name => 'Änn', avatar => undef, id => 'ann' };

# ---- field by field -----------------------------------------------------------------------------------------------------

told('join', q{SELECT presence_connect('ann', 'a', '{"name": "Änn"}'), presence_join('ann', 'room')}, { %room, %online, event => 'user_joined', reason => 'join', user => $name });
told('join with user_data of its own', q{SELECT presence_join('ann', 'room', '{"id": "x", "role": ["host"]}')},
	{ %room, %online, previous_status => 'online', event => 'user_updated', user => { id => 'ann', name => undef, avatar => undef, role => ['host'] } });
told('join again', q{SELECT presence_join('ann', 'room')});
told('join a document', q{SELECT presence_join_document('ann', 7, '{"x": 1.50}', '[[1, 2], null]')},
	{ %document, %online, event => 'user_joined', reason => 'join', user => $name },
	{ %document, event => 'cursor_moved', cursor_position => { x => 1.50 }, selection_range => [ [ 1, 2 ], undef ] });
advance($node, 'postgres', '1 s');
told('move', q{SELECT presence_move_cursor('ann', 7, '"here"')}, { %document, event => 'cursor_moved', cursor_position => 'here', selection_range => undef });
told('state', q{SELECT presence_set_state('ann', 'room', '{"hand": true}')}, { %room, event => 'state_changed', state => { hand => JSON::PP::true } });
told('typing', q{SELECT presence_typing('ann', 'room', user_name => 'Änn "A"')}, { %room, event => 'typing_start', user_name => 'Änn "A"' });
told('typing goes on', q{SELECT presence_typing('ann', 'room')});
told('typing stops', q{SELECT presence_typing('ann', 'room', false)}, { %room, event => 'typing_stop', reason => 'stopped' });
told('somebody who is not there types', q{SELECT presence_typing('ben', 'room')}, { channel => 'room', user_id => 'ben', event => 'typing_start', user_name => undef });
told('typing ends by itself', sub { advance($node, 'postgres', '30 s') }, { channel => 'room', user_id => 'ben', event => 'typing_stop', reason => 'timeout' });
told('a status is told wherever its user is', q{SELECT presence_set_status('ann', 'busy', 'in a call', reason => 'meeting')},
	map { { channel => $_, user_id => 'ann', event => 'user_status_changed', status => 'busy', previous_status => 'online', status_message => 'in a call', reason => 'meeting' } } qw(document_7 room));
told('what is kept with the user is told where it has nothing of its own', q{SELECT presence_connect('ann', 'a', '{"name": "Anna"}')},
	{ %document, status => 'busy', previous_status => 'busy', status_message => 'in a call', event => 'user_updated', user => { id => 'ann', name => 'Anna', avatar => undef } });
told('typing before leaving', q{SELECT presence_typing('ann', 'room')}, { %room, event => 'typing_start', user_name => undef });
told('leave', q{SELECT presence_leave('ann', 'room')},
	{ %room, event => 'typing_stop', reason => 'leave' },
	{ %room, status => 'busy', previous_status => 'busy', status_message => 'in a call', event => 'user_left', reason => 'leave', user => { id => 'ann', role => ['host'], name => undef, avatar => undef } });
told('a rollback', q{BEGIN; SELECT presence_join('ann', 'room'); SELECT presence_leave_document('ann', 7); ROLLBACK});
told('log out', q{SELECT presence_logout('ann')}, { %document, status => 'offline', previous_status => 'busy', status_message => 'in a call', event => 'user_left', reason => 'logout', user => { id => 'ann', name => 'Anna', avatar => undef } });

# ---- names --------------------------------------------------------------------------------------------------------------

# given a channel whose name is longer than LISTEN takes, then it is heard under another name, and says its own
my $long = 'ü' x 64;
my $document = 'd' x 119;
for my $channel ($long, "document_$document", 'room "1"', "Ünï '\\ code", ' ')
{
	my $quoted = "'" . $channel =~ s/'/''/gr . "'";
	my $special = PresenceTest::Listener->new($node, 'postgres', 'other');
	my $heard_as = $special->query("SELECT presence_listen($quoted)");
	is($heard_as, $node->safe_psql('postgres', "SELECT presence_notify_channel($quoted)"), 'presence_listen says the name: ' . length $channel);
	is($node->safe_psql('postgres', "SELECT octet_length(presence_notify_channel($quoted)) <= 63"), 't', 'which has at most 63 bytes');
	$node->safe_psql('postgres', "SELECT presence_join('long', $quoted)");
	$special->wait_for(sub { @_ >= 1 });
	my @heard = $special->events;
	is_deeply([ map { "$_->{event} $_->{channel}" } @heard ], [ "user_joined $channel" ], 'it is heard');
	is($special->{raw}[0]{channel}, $heard_as, 'under that name');
	is($special->query("SELECT presence_unlisten($quoted)"), $heard_as, 'presence_unlisten');
	$node->safe_psql('postgres', "SELECT presence_leave('long', $quoted)");
	Time::HiRes::sleep(0.2);
	is(scalar $special->events, 1, 'and not any more');
	$special->quit;
}
is($node->safe_psql('postgres', "SELECT presence_move_cursor('long', '$document', '1') FROM presence_join_document('long', '$document')"), '', 'a document of 119 bytes is moved in');
is((error_of($node, 'postgres', "SELECT presence_join_document('long', '$document' || 'd')"))[0], '22001', 'one more is too long');

# ---- chains -------------------------------------------------------------------------------------------------------------

sub last_of { my ($channel) = @_; return (grep { $_->{channel} eq $channel } $listener->events)[-1]; }

# given two channels, then each event names the one before it on its own
$listener->forget_events;
$node->safe_psql('postgres', "SELECT presence_join('u' || i, c) FROM generate_series(1, 5) AS i, unnest('{room,elsewhere}'::text[]) AS c; SELECT presence_join_document('u' || i, 7) FROM generate_series(1, 5) AS i");
ok($listener->wait_for(sub { @_ >= 10 }), 'ten come into two channels');
is_deeply([ $listener->gaps ], [], 'each with a chain of its own');
my ($room, $other) = map { last_of($_) } qw(room document_7);

# when the worker is another one, then the chains go on
for my $how ('pg_terminate_backend', 'kill')
{
	my $pid = worker_pid($node);
	$how eq 'kill' ? kill('TERM', $pid) : $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	wait_for_worker($node, 'postgres', $pid);
	pass("$how: another worker comes");
	$node->safe_psql('postgres', q{SELECT presence_leave('u1', 'room'), presence_set_state('u2', 'room', '1'), presence_leave_document('u1', 7)});
	my $left = sub { my ($channel) = @_; grep { $_->{user_id} eq 'u1' && $_->{event} eq 'user_left' && $_->{channel} eq $channel && $_->{seq} > $other->{seq} } @{ $listener->{events} } };
	ok($listener->wait_for(sub { $left->('room') && $left->('document_7') }), "$how: and tells who leaves");
	$node->safe_psql('postgres', q{SELECT presence_join('u1', 'room'), presence_join_document('u1', 7)});
	ok($listener->wait_for(sub { grep { $_->{user_id} eq 'u1' && $_->{event} eq 'user_joined' && $_->{channel} eq 'document_7' && $_->{seq} > $other->{seq} } @_ }), "$how: and who comes");
	is_deeply([ $listener->gaps ], [], "$how: without a gap");
	($room, $other) = map { last_of($_) } qw(room document_7);
}

# when the event before has left the ring, and the worker is another one, then prev is later than that event: look again
$node->safe_psql('postgres', "SELECT presence_touch('crowd' || i) FROM generate_series(1, 3000) AS i");
my $lapped = PresenceTest::Listener->new($node, 'postgres');
eventually($node, 'postgres', "SELECT seq >= 6000 AND fresh FROM presence_info()", 'the ring has gone round');
my $pid = worker_pid($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_for_worker($node, 'postgres', $pid);
pass('another worker comes');
$node->safe_psql('postgres', q{SELECT presence_leave('u3', 'room')});
ok($listener->wait_for(sub { grep { ($_->{user_id} // '') eq 'u3' && $_->{event} eq 'user_left' } @_ }), 'and tells of an old channel');
my $after = last_of('room');
cmp_ok($after->{prev}, '>', $room->{seq}, 'whose listener is told that there may have been more');
cmp_ok($after->{prev}, '<', $after->{seq}, 'before');
$node->safe_psql('postgres', q{SELECT presence_leave('u4', 'room')});
ok($listener->wait_for(sub { grep { ($_->{user_id} // '') eq 'u4' && $_->{event} eq 'user_left' } @_ }), 'the next one');
is(last_of('room')->{prev}, $after->{seq}, 'goes on from there');
$lapped->quit;

# ---- a reset ------------------------------------------------------------------------------------------------------------

# given members, when all is emptied, then each of their channels says so, in the new epoch
my $global = PresenceTest::Listener->new($node, 'postgres');
# What the worker has told since it came, or finds in the ring, it remembers.
$node->safe_psql('postgres', q{SELECT presence_set_state('u5', 'document_7', '5')});
$listener->wait_for(sub { grep { $_->{event} eq 'state_changed' && $_->{state} eq '5' } @_ });
$listener->forget_events;
$node->safe_psql('postgres', 'SELECT presence_reset()');
ok($listener->wait_for(sub { 2 <= grep { $_->{event} eq 'presence_resync' } @_ }), 'presence_reset is told in every channel');
is_deeply([ sort map { "$_->{channel} $_->{event}" } $listener->events ], [ 'document_7 presence_resync', 'room presence_resync' ], 'once, and nothing else');
isnt($_->{epoch}, $epoch, "in another epoch: $_->{channel}") for $listener->events;
ok($global->wait_for(sub { @_ >= 1 }), 'and on global_presence');
is($node->safe_psql('postgres', q{SELECT presence_member_count('room'), (SELECT count(*) FROM channel_presence)}), '0|0', 'nobody is there');
$node->safe_psql('postgres', q{SELECT presence_join('ann', 'room')});
ok($listener->wait_for(sub { grep { $_->{event} eq 'user_joined' } @_ }), 'who joins then is told of');
is_deeply([ $listener->gaps ], [], 'without a gap');
$_->quit for $listener, $global;
finish($node);
done_testing();
