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
done_testing();
