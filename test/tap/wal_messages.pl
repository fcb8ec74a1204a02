# presence.wal_messages: every event is in the WAL as a logical message, once, in order, and only then; pg_recvlogical shows it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP ();
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('wal_messages', conf => "autovacuum = off\nwal_level = logical\nmax_replication_slots = 4\nmax_wal_senders = 4\nfsync = on\n"
	  . "presence.private_channel = 'private'\n");
$node->start;
create_presence($node);
$node->safe_psql('postgres', "SELECT pg_create_logical_replication_slot('pipeline', 'test_decoding')");

# The events that the slot has and that were not read yet.
sub events_logged
{
	my @lines = split /\n/, $node->safe_psql('postgres', q{SELECT data FROM pg_logical_slot_get_changes('pipeline', NULL, NULL) WHERE data LIKE 'message:%'});
	for my $line (@lines) { like($line, qr/^message: transactional: 1 prefix: presence, sz: \d+ content:/, 'a message of presence') }
	return map { JSON::PP->new->decode(s/^.*? content://r) } @lines;
}

# Given that it is off, then nothing is written.
$node->safe_psql('postgres', "SELECT presence_touch('before')");
eventually($node, 'postgres', "SELECT seq > 0 FROM presence_info()", 'an event before it is on');
is(scalar(events_logged()), 0, 'nothing is logged while it is off');

# When it is turned on, then it begins with what comes.
$node->append_conf('postgresql.conf', 'presence.wal_messages = on');
$node->reload;
my @first_ones;
ok(wait_until(sub { $node->safe_psql('postgres', "SELECT presence_set_message('before', clock_timestamp()::text)"); return push @first_ones, events_logged() }), 'it is on');
quiet($node);
push @first_ones, events_logged();
my $from = $node->safe_psql('postgres', 'SELECT seq FROM presence_info()');
is_deeply([ map { $_->{seq} } @first_ones ], [ $first_ones[0]{seq} .. $from ], 'and has all from the first that it has');
$node->safe_psql('postgres', "SELECT presence_connect('ann', 'a1'), presence_join('ann', 'lobby'); SELECT presence_set_visibility('ben', 'nobody'); SELECT presence_touch('ben')");
quiet($node);
my $to = $node->safe_psql('postgres', 'SELECT seq FROM presence_info()');
my @events = events_logged();
is_deeply([ map { $_->{seq} } @events ], [ $from + 1 .. $to ], 'each event once, in order');
ok((grep { $_->{user_id} eq 'ben' && ($_->{audience} // '') eq 'nobody' } @events), 'what is told on the private channel is there');
ok((grep { $_->{event} eq 'user_joined' && $_->{channel} eq 'lobby' } @events), 'and what is told on others');

# An idle server writes nothing for it. (Others may: the background writer notes from time to time who is running.)
quiet($node);
my ($lsn, $xid) = split /\|/, spent($node);
$node->safe_psql('postgres', 'SELECT pg_sleep(1.2)');
is((split /\|/, spent($node))[1], $xid, 'an idle server takes no xid');
my ($records) = run_command([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal', '-s', $lsn ]);
unlike($records, qr/rmgr: (?:LogicalMessage|Transaction)/, 'and writes neither messages nor commits');

# What is told on the firehose is a copy: the event is there, once, with the seq that it has on its own channel.
my $hears_all = PresenceTest::Listener->new($node, 'postgres', 'everything', 'lobby');
$node->append_conf('postgresql.conf', "presence.firehose_channel = 'everything'");
$node->reload;
ok($hears_all->wait_for(sub { grep { $_->{event} eq 'presence_resync' && $_->{channel} eq 'everything' } @_ }), 'a firehose is set');
quiet($node);
events_logged();
$hears_all->forget_events;
$node->safe_psql('postgres', "SELECT presence_set_state('ann', 'lobby', '1')");
ok($hears_all->wait_for(sub { 2 == grep { $_->{event} eq 'state_changed' } @_ }), 'an event is told twice');
my ($first) = grep { $_->{channel} eq 'lobby' } $hears_all->events;
quiet($node);
is_deeply([ map { $_->{seq} } grep { $_->{event} eq 'state_changed' && !$_->{audience} } events_logged() ], [ $first->{seq} ], 'and logged once');
$hears_all->forget_events;
$node->append_conf('postgresql.conf', "presence.firehose_channel = ''");
$node->reload;
ok($hears_all->wait_for(sub { grep { $_->{event} eq 'presence_resync' && $_->{channel} eq 'lobby' } @_ }), 'there is no firehose any more');
$hears_all->quit;
quiet($node);
events_logged();
$to = $node->safe_psql('postgres', 'SELECT seq FROM presence_info()');

# Given a worker that is killed while it writes, then every event is there at least once.
$from = $to;
for my $round (1 .. 2)
{
	my $gone = worker_pid($node);
	$node->safe_psql('postgres', "SELECT presence_touch('r$round-' || i) FROM generate_series(1, 200) AS i");
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($gone)");
	wait_for_worker($node, 'postgres', $gone);
}
eventually($node, 'postgres', "SELECT seq >= $from + 800 FROM presence_info()", 'all are told of');
quiet($node);
$to = $node->safe_psql('postgres', 'SELECT seq FROM presence_info()');
my %logged = map { $_->{seq} => 1 } events_logged();
is_deeply([ sort { $a <=> $b } keys %logged ], [ $from + 1 .. $to ], 'no event is missing after the worker was ended in between');

# pg_recvlogical is how a pipeline reads it.
SKIP:
{
	my $program = $ENV{PRESENCE_NORMAL} . '/bin/pg_recvlogical';
	skip 'there is no pg_recvlogical', 1 unless -x $program;
	my $output = $node->basedir . '/received';
	my $receiver = IPC::Run::start(
		[ $program, '-h', $node->host, '-p', $node->port, '-d', 'postgres', '--slot', 'pipeline', '--start', '-f', $output, '--fsync-interval', '1' ],
		'2>', '/dev/null');
	$node->safe_psql('postgres', "SELECT presence_set_status('ann', 'busy', 'hello pipeline')");
	ok(wait_until(sub { -e $output && slurp_file($output) =~ /content:\{.*"status_message":"hello pipeline"/ }), 'pg_recvlogical shows it');
	$receiver->signal('TERM');
	$receiver->finish;
}
finish($node);
done_testing();
