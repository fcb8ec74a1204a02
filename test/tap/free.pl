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
