# A reset with more channels than the buffer of events has room for: each is told to take a new snapshot, none twice, and then it goes on.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('resync', conf => "presence.event_buffer = '64kB'");
$node->start;
create_presence($node);

my $channels = 2000;
$node->safe_psql('postgres', "SELECT count(presence_join('u' || i / 500, 'c' || i)) FROM generate_series(1, $channels) AS i");
eventually($node, 'postgres', "SELECT count(*) = $channels FROM channel_presence", "$channels channels have a member each");
my $listener = PresenceTest::Listener->new($node, 'postgres', 'global_presence', 'c1', "c$channels");
$node->safe_psql('postgres', 'SELECT presence_reset()');
ok($listener->wait_for(sub { 3 == grep { $_->{event} eq 'presence_resync' } @_ }), 'three listeners are told to take a new snapshot');

# Given that all is told, then the sequence stands still, and the next event comes as always.
my $seq = $node->safe_psql('postgres', 'SELECT seq FROM presence_info()');
ok(wait_until(sub {
	my $before = $seq;
	$seq = $node->safe_psql('postgres', 'SELECT seq FROM presence_info(), pg_sleep(0.3)');
	return $seq == $before;
}), 'the resync comes to its end');
cmp_ok($seq, '<=', $channels + 10, 'no channel is told twice');
$node->safe_psql('postgres', "SELECT presence_join('ann', 'c1')");
ok($listener->wait_for(sub { grep { $_->{event} eq 'user_joined' && $_->{channel} eq 'c1' } @_ }), 'a join after it is heard');
is(scalar(grep { $_->{event} eq 'presence_resync' } $listener->events), 3, 'each channel is told once');
$listener->quit;

# Given that the worker is told to end while it tells many channels, then the next one tells all of them.
$node->safe_psql('postgres', "SELECT count(presence_join('u' || i / 500, 'c' || i)) FROM generate_series(1, $channels) AS i");
eventually($node, 'postgres', "SELECT count(*) >= $channels FROM channel_presence", 'the channels have members again');
$listener = PresenceTest::Listener->new($node, 'postgres', map { "c$_" } 1 .. $channels);
my $told_to_end = q{DO $$
	DECLARE worker int = (SELECT worker_pid FROM presence_info());
		began bigint = (SELECT seq FROM presence_info());
	BEGIN
		PERFORM presence_resync();
		COMMIT;
		LOOP
			EXIT WHEN (SELECT seq FROM presence_info()) > began;
		END LOOP;
		PERFORM pg_terminate_backend(worker);
	END $$};
my $pid = worker_pid($node);
$node->safe_psql('postgres', $told_to_end);
is_gone($node, $pid);
wait_for_worker($node);
my %told;
ok($listener->wait_for(sub { $told{ $_->{channel} } = 1 for grep { $_->{event} eq 'presence_resync' } @_; return $channels == keys %told }),
	'a worker that ended in between: each channel is told');
$listener->quit;

# Channels in which nothing was told since the start, and those of all channels together, are told, too.
$node->append_conf('postgresql.conf', "presence.private_channel = 'trusted'\npresence.firehose_channel = 'fire'");
$node->restart;
wait_for_worker($node);
$listener = PresenceTest::Listener->new($node, 'postgres', 'c7', 'trusted', 'fire', 'global_presence');
$node->safe_psql('postgres', 'SELECT presence_resync()');
ok($listener->wait_for(sub { 4 == grep { $_->{event} eq 'presence_resync' } @_ }), 'quiet channels hear of a resync')
  or diag(join ' ', map { "$_->{channel}: $_->{event}" } $listener->events);
$listener->quit;
finish($node);

# Given a resync that must wait for the next round, then a snapshot taken meanwhile is no reason to look again at once.
my $slow = new_server('slow', conf => "presence.broadcast_interval = '10s'");
$slow->start;
create_presence($slow);
$slow->safe_psql('postgres', "SELECT presence_touch('ann')");
eventually($slow, 'postgres', 'SELECT seq > 0 FROM presence_info()', 'an event: the next ones wait');
$slow->safe_psql('postgres', 'SELECT presence_resync()');
my ($resync, $position) = split /\|/, $slow->safe_psql('postgres', q{
	SELECT pg_sleep(0.5);
	SELECT presence_events('global_presence', s->>'epoch', (s->>'seq')::bigint)->>'resync', s->>'seq' FROM presence_snapshot() AS s}) =~ s/^\n//r;
is($resync, 'false', 'a snapshot taken before the resync is told holds until then');
eventually($slow, 'postgres', "SELECT seq > $position FROM presence_info()", 'then it is told');
is($slow->safe_psql('postgres', "SELECT presence_events('global_presence', epoch, $position)->>'resync' FROM presence_info()"), 'true', 'and a new snapshot is due');
finish($slow);
done_testing();
