# Promises 1 and 9: a touch writes no WAL and takes no transaction id, and a database where nothing happens does nothing.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $users = 100_000;
my $node = new_server('free', conf => "autovacuum = off\npresence.flush_interval = '1h'\npresence.idle_timeout = '2h'\npresence.offline_timeout = '4h'\nmax_wal_size = '4GB'\ncheckpoint_timeout = '1h'");
$node->start;
create_presence($node);

# given 100,000 people who are here and written
$node->safe_psql('postgres', "SELECT presence_touch_many(array_agg(i)) FROM generate_series(1, $users) AS i");
$node->poll_query_until('postgres', "SELECT count(*) = $users FROM user_presence WHERE status = 'online'") or die 'the rows were not written';
quiet($node);

# when all of them are touched, each by a call, then no WAL and no transaction id
my $spent = 'SELECT pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot())';
my $before = $node->safe_psql('postgres', $spent);
my $listener = PresenceTest::Listener->new($node, 'postgres');
is($node->safe_psql('postgres', "SELECT count(presence_touch(i)) FROM generate_series(1, $users) AS i"), $users, "$users touched");
is($node->safe_psql('postgres', "SELECT count(presence_touch(i, page_url => '/page/' || i, interactions => 3)) FROM generate_series(1, $users) AS i"), $users, 'and once more with a page');
is($node->safe_psql('postgres', "SELECT presence_touch_many(array_agg(i)) FROM generate_series(1, $users) AS i"), $users, 'and in one call');
is($node->safe_psql('postgres', $spent), $before, 'no WAL, no transaction id') or note_wal($node, $before);
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_get_many((SELECT array_agg(i) FROM generate_series(1, $users) AS i)) WHERE status = 'online' AND activity_count = 4 AND current_page = '/page/' || user_id"), $users, 'and all of it counted');

# reading costs none either
$node->safe_psql('postgres', 'SELECT count(*) FROM presence_online_users(1000); SELECT * FROM presence_counts()');
is($node->safe_psql('postgres', $spent), $before, 'neither does reading');

# moving, setting a state and typing cost none; telling of it costs a transaction id for each batch, and no row
$node->safe_psql('postgres', "SELECT count(presence_connect(i, 'tab ' || i)), count(presence_join_document(i, 7, session_id => 'tab ' || i)) FROM generate_series(1, 50) AS i");
$node->poll_query_until('postgres', 'SELECT (SELECT count(*) = 50 FROM document_presence) AND (SELECT count(*) = 50 FROM presence_sessions)') or die 'the rows were not written';
quiet($node);
my ($lsn, $xid) = split /\|/, $node->safe_psql('postgres', $spent);
my $rows = $node->safe_psql('postgres', "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables");
$node->safe_psql('postgres', "SELECT count(presence_move_cursor(1 + i % 50, 7, to_jsonb(i))), count(presence_set_state(1 + i % 50, 'document_7', to_jsonb(i))), count(presence_typing(1 + i % 50, 'document_7')),
	count(presence_typing(1 + i % 50, 'document_7', false)) FROM generate_series(1, 100000) AS i");
my $seq = '';
wait_until(sub {
	my $told = $seq;
	$seq = $node->safe_psql('postgres', 'SELECT seq FROM presence_info(), pg_sleep(1)');
	return $seq eq $told;
}) or die 'the moves are told without end';
my ($wal, $xids) = split /\|/, $node->safe_psql('postgres', "SELECT pg_current_wal_insert_lsn() - '$lsn'::pg_lsn, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - $xid");
cmp_ok($xids, '<', 40_000, "400,000 calls, $xids transactions of the worker");
cmp_ok($wal, '<=', 100 * $xids + 200, "$wal bytes of WAL, which are their commits");
is($node->safe_psql('postgres', "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"), $rows, 'no row is written');
$before = $node->safe_psql('postgres', $spent);
$listener->forget_events;

# when nothing happens, then nothing happens: no WAL, no transaction id, no notification, no wake-up
my $pid = worker_pid($node);
my $woken = switches($pid);
Time::HiRes::sleep(10);
cmp_ok(switches($pid) - $woken, '<=', 3, 'in ten seconds the worker slept');
is($node->safe_psql('postgres', $spent), $before, 'and spent nothing') or note_wal($node, $before);
is(scalar $listener->events, 0, 'and told nothing');
$listener->quit;
finish($node);
done_testing();

# How often a process has gone to sleep and woken up again.
sub switches
{
	my ($process) = @_;
	return slurp_file("/proc/$process/status") =~ /^voluntary_ctxt_switches:\s*(\d+)/m ? $1 : die 'no /proc';
}
