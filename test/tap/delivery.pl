# Polling: whoever waits is woken, and whoever is too late is told so.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IPC::Run ();
use JSON::PP ();
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $json = JSON::PP->new;
my $node = new_server('delivery', conf => "presence.event_buffer = '256kB'\nfsync = off\n");
$node->start;
create_presence($node);

sub ask { return $json->decode($node->safe_psql('postgres', "SELECT $_[0]")) }
sub position { my $p = ask('presence_events(\'global_presence\', NULL, NULL)'); return ("'$p->{epoch}'", $p->{seq}) }

# Somebody who waits, for so long that no answer is that of a timeout; returns the running psql and where its output goes.
sub waiter
{
	my ($channel, $timeout) = (@_, '1 hour');
	my ($epoch, $seq) = position();
	my $output = '';
	my $psql = IPC::Run::start([ $node->installed_command('psql'), '-X', '-A', '-t', '-d', $node->connstr('postgres'), '-c',
			"SELECT presence_wait('$channel', $epoch, $seq, '$timeout')" ], '>', \$output, '2>&1',
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'SELECT presence_wait%' AND state = 'active' AND wait_event_type = 'Extension'")
	  or die 'nobody waits';
	return ($psql, \$output);
}

# ---- waiting
{
	my ($psql, $output) = waiter('lobby');
	$node->safe_psql('postgres', "SELECT presence_touch('somebody'), presence_join('ann', 'elsewhere')");
	quiet($node);
	ok($psql->pumpable && !$$output, 'events of other channels do not end the wait');
	$node->safe_psql('postgres', "SELECT presence_join('ann', 'lobby')");
	$psql->finish;
	my $answer = $json->decode($$output);
	is_deeply([ map { "$_->{event} $_->{user_id}" } @{ $answer->{events} } ], ['user_joined ann'], 'it ends with the event');
}
{
	my ($psql, $output) = waiter('lobby');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT presence_wait%'");
	$psql->finish;
	like($$output, qr/canceling statement due to user request/, 'a wait can be cancelled');
}
{
	my ($psql, $output) = waiter('lobby');
	$node->safe_psql('postgres', 'SELECT presence_reset()');
	$psql->finish;
	ok($json->decode($$output)->{resync}, 'a reset ends the wait: another epoch');
}

# ---- too late, and just in time
{
	my ($epoch, $seq) = position();
	$node->safe_psql('postgres', "SELECT presence_touch_many(array_agg('u' || i)) FROM generate_series(1, 3000) AS i");
	$node->poll_query_until('postgres', "SELECT seq >= $seq + 6000 FROM presence_info()") or die 'not all are told of';
	my $late = ask("presence_events('global_presence', $epoch, $seq)");
	ok($late->{resync} && !@{ $late->{events} }, 'what has left the buffer is a resync');

	# Who asks often enough gets each one.
	($epoch, $seq) = position();
	my (%heard, $last);
	my $in_order = 1;
	my $take = sub {
		my $answer = ask("presence_events('global_presence', $epoch, $seq, max_events => 15)");
		ok(!$answer->{resync}, 'nothing is missed') if $answer->{resync};
		$seq = $answer->{seq};
		for my $event (@{ $answer->{events} })
		{
			$in_order = 0 if defined $last && ($event->{seq} <= $last || $event->{prev} != $last);
			$last = $event->{seq};
			$heard{ $event->{user_id} }{ $event->{status_message} } = 1;
		}
	};
	for my $round (1 .. 30)
	{
		my $status = $round % 2 ? 'busy' : 'away';
		my $told = $node->safe_psql('postgres', 'SELECT seq + 20 FROM presence_info()');
		$node->safe_psql('postgres', "SELECT presence_set_status_many(array_agg('u' || i), array_agg('$status'::text), array_agg('m$round'::text)) FROM generate_series(1, 20) AS i");
		# The worker tells of a round before the next one, or both would be one change.
		$node->poll_query_until('postgres', "SELECT seq >= $told FROM presence_info()") or die 'nothing is told';
		$take->() for 1 .. 3;
	}
	$take->();
	ok($in_order, 'in order, each naming the one before it');
	is(scalar(keys %{ $heard{u7} }), 30, 'each change is there');
}

# ---- whoever heard an event on the private channel may go on from there by asking
{
	$node->append_conf('postgresql.conf', "presence.private_channel = 'trusted'");
	$node->reload;
	eventually($node, 'postgres', q{SELECT current_setting('presence.private_channel') = 'trusted'}, 'there is a private channel');
	my $listener = PresenceTest::Listener->new($node, 'postgres', 'trusted');
	$node->safe_psql('postgres', "SELECT presence_connect('pair' || i, 'pair' || i) FROM generate_series(1, 3) AS i; SELECT presence_join('pair' || i, 'lobby') FROM generate_series(1, 3) AS i");
	my $of = sub { grep { ($_->{user_id} // '') =~ /^pair/ } @_ };
	$listener->wait_for(sub { $of->(@_) >= 9 }) or die 'the private channel has not all events';
	my @heard = $of->($listener->events);
	my @missed;
	for my $at (0 .. $#heard)
	{
		for my $channel ('global_presence', 'lobby')
		{
			my %told = map { ("$_->{event} $_->{user_id}", 1) }
			  @{ ask("presence_events('$channel', '$heard[$at]{epoch}', $heard[$at]{seq}, viewer => 'vic')")->{events} };
			push @missed, map { "after $heard[$at]{event} $heard[$at]{user_id}: $_->{event} $_->{user_id}" }
			  grep { $_->{channel} eq $channel && !$told{"$_->{event} $_->{user_id}"} } @heard[ $at + 1 .. $#heard ];
		}
	}
	is_deeply(\@missed, [], 'all that comes after it there is told');
	$listener->quit;
}

# ---- the extension is dropped while somebody waits
{
	my ($psql, $output) = waiter('lobby', '15 s');
	$node->safe_psql('postgres', 'DROP EXTENSION presence');
	$psql->finish;
	ok($$output =~ /^ERROR/ || $json->decode($$output), 'the wait ends');
	create_presence($node);
}

# ---- a standby has no events
{
	$node->append_conf('postgresql.conf', "wal_level = replica\nmax_wal_senders = 4\nhot_standby = on\npresence.flush_interval = '1s'\n");
	$node->restart;
	wait_for_worker($node, 'postgres');
	$node->safe_psql('postgres', "SELECT presence_connect('ann', 'a1', user_data => '{\"name\": \"Ann\"}'); SELECT presence_set_status('ann', 'busy', 'here')");
	$node->safe_psql('postgres', "SELECT presence_join('ann', 'lobby')");
	eventually($node, 'postgres', 'SELECT count(*) = 1 FROM channel_presence', 'the member has a row');
	eventually($node, 'postgres', q{SELECT user_data ->> 'name' = 'Ann' FROM user_presence WHERE user_id = 'ann'}, 'and its user, with what the application keeps');
	$node->backup('base');
	my $standby = PresenceTest::Server->new('delivery_standby', install_path => $ENV{PRESENCE_NORMAL});
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->start;
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	my $snapshot = $json->decode($standby->safe_psql('postgres', 'SELECT presence_snapshot()'));
	is_deeply([ $snapshot->{epoch}, $snapshot->{seq}, $snapshot->{users}[0]{status}, $snapshot->{users}[0]{name} ], [ undef, undef, 'busy', 'Ann' ], 'a snapshot of the tables, without a position');
	is($json->decode($standby->safe_psql('postgres', "SELECT presence_snapshot('lobby')"))->{users}[0]{user_id}, 'ann', 'and of a channel');
	my $events = $json->decode($standby->safe_psql('postgres', "SELECT presence_events('lobby', 'x', 1)"));
	is_deeply($events, { epoch => undef, seq => undef, resync => JSON::PP::true, events => [] }, 'its events are always to be taken anew');
	ok($json->decode($standby->safe_psql('postgres', "SELECT presence_wait('lobby', 'x', 1, '100 ms')"))->{resync}, 'waiting as well');
	like($standby->safe_psql('postgres', 'SELECT presence_version()'), qr/^[0-9a-f]{32}$/, 'a version of the tables');
	is((error_of($standby, 'postgres', 'SELECT presence_resync()'))[0], '25006', 'nobody is told from there');
	finish($standby);
}
finish($node);
done_testing();
