# Promise 2: kill -9 of a backend, of the worker and of the postmaster under load loses no acknowledged change.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $rounds = $ENV{CRASH_ROUNDS} // 21;
my @victims = qw(backend worker postmaster);

my $node = new_server('crash', conf => "restart_after_crash = on\nautovacuum = off");
$node->start;
create_presence($node);
my $crashes = 0;
my $total = 0;
my $epoch = '';

for my $round (1 .. $rounds)
{
	my $victim = $victims[ $round % @victims ];

	# given a load, and the worker at its work
	my $load = start_load($node, $round);
	$node->poll_query_until('postgres', "SELECT count(*) > 100 FROM presence_history WHERE change_reason LIKE 'r$round c%'")
	  or die "no load in round $round: $load->{output}";
	Time::HiRes::sleep(rand 0.5);

	# when somebody is killed
	if ($victim eq 'postmaster')
	{
		$node->kill9;
	}
	else
	{
		my $pid = $victim eq 'worker' ? worker_pid($node)
		  : $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench' ORDER BY random() LIMIT 1");
		kill(9, $pid) == 1 or die "no $victim to kill in round $round";
		$crashes++;
	}
	my $acknowledged = finish_load($load);
	$total += $acknowledged;

	# then the server comes back, with the worker and a new epoch
	if ($victim eq 'postmaster')
	{
		wait_until(sub { start_again($node) }, 60) or die 'the server did not start again';
	}
	wait_for_server($node);
	eventually($node, 'postgres', 'SELECT worker_alive AND complete AND fresh FROM presence_info()', "round $round ($victim, $acknowledged acknowledged): the worker is back");
	my $now = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');
	isnt($now, $epoch, "round $round: a new epoch");
	$epoch = $now;

	# and nothing acknowledged is lost
	check_load($node, $load, "round $round");
}
check_histories($node, 'postgres', 'after all rounds');
note "$total changes acknowledged in $rounds rounds";

# Nobody is stuck: when all fall silent, all go.
$node->append_conf('postgresql.conf', "presence.idle_timeout = '300ms'\npresence.offline_timeout = '1s'\npresence.session_timeout = '1s'");
$node->restart;
wait_for_worker($node);
eventually($node, 'postgres', 'SELECT total = 0 FROM presence_counts()', 'nobody is stuck in memory');
eventually($node, 'postgres', "SELECT count(*) = 0 FROM user_presence WHERE status <> 'offline'", 'nobody is stuck in the table');
check_histories($node, 'postgres', 'after all have gone');
finish($node, crashes => $crashes);
done_testing();

# The backends of a postmaster that was killed take a moment to notice; until then a start fails.
sub start_again
{
	my ($server) = @_;
	return 1 if $server->start(fail_ok => 1);
	$server->stop('fast', fail_ok => 1);
	return 0;
}
