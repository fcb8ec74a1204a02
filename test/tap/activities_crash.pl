# Recorded activities: what was flushed survives any crash, once; what was queued is lost at most since flush_interval; a full
# queue drops nothing.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $rows = 'SELECT count(*), count(DISTINCT page_url) FROM user_activities';

# ---- what is queued, and what is flushed ------------------------------------------------------------------------------

my $node = new_server('activities', testing => 1, conf => "restart_after_crash = on\npresence.idle_timeout = '2h'\npresence.offline_timeout = '4h'\npresence.flush_interval = '1h'");
$node->start;
create_presence($node);
my $epoch = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');
$node->safe_psql('postgres', q{SELECT presence_connect('u' || i, 's' || i) FROM generate_series(1, 50) AS i});
$node->safe_psql('postgres', q{SELECT presence_touch('u' || i % 50, 'click', page_url => '/flushed/' || i, session_id => CASE WHEN i % 50 > 0 THEN 's' || i % 50 END) FROM generate_series(1, 500) AS i});
is($node->safe_psql('postgres', $rows), '0|0', 'a short queue waits');
advance($node, 'postgres', '61 min');
is($node->safe_psql('postgres', $rows), '500|500', 'after flush_interval all of it is in the table');
is($node->safe_psql('postgres', q{SELECT count(*) FROM user_activities WHERE activity_type = 'click' AND user_id = 'u' || coalesce(substr(session_id, 2), '0') AND "timestamp" < now() + interval '1 min'}), '500', 'with who, what, where and when');
is($node->safe_psql('postgres', q{SELECT sum(activity_count) FROM presence_online_users()}), '500', 'and everything is counted');

# given some more are queued, when a backend is killed, then these are lost, and what was flushed is there once
$node->safe_psql('postgres', 'CREATE TABLE public.committed ()');
is($node->safe_psql('postgres', q{SELECT count(presence_touch('u' || i % 50, 'click', page_url => '/queued/' || i)) FROM generate_series(1, 300) AS i}), '300', '300 more are queued');
my $victim = $node->background_psql('postgres');
kill 9, $victim->query_safe('SELECT pg_backend_pid()');
eval { $victim->quit };
wait_for_server($node, $epoch);
wait_for_worker($node);
is($node->safe_psql('postgres', $rows), '500|500', 'kill -9: what was flushed is there, once');
is($node->safe_psql('postgres', q{SELECT count(*) FROM user_activities WHERE page_url LIKE '/queued/%'}), '0', 'what was queued is lost');
$node->safe_psql('postgres', q{SELECT count(presence_touch('u' || i % 50, 'click', page_url => '/again/' || i)) FROM generate_series(1, 300) AS i});
advance($node, 'postgres', '61 min');
is($node->safe_psql('postgres', $rows), '800|800', 'and it goes on');

# a long queue is not waited for
is($node->safe_psql('postgres', q{SELECT count(presence_touch('u' || i % 50, 'click', page_url => '/long/' || i)) FROM generate_series(1, 5000) AS i}), '5000', 'a long queue');
eventually($node, 'postgres', q{SELECT count(*) >= 4000 FROM user_activities WHERE page_url LIKE '/long/%'}, 'is written before flush_interval');
advance($node, 'postgres', '61 min');
is($node->safe_psql('postgres', $rows), '5800|5800', 'all of it, once');

# they go into the partition of their week, which is dropped when it is old
my $partitions = q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'user_activities'::regclass};
is($node->safe_psql('postgres', 'SELECT count(*) FROM user_activities_default'), '0', 'none waits for its partition');
my $before = $node->safe_psql('postgres', $partitions);
cmp_ok($before, '>', 1, 'there are partitions');
advance($node, 'postgres', '15 days');
$node->safe_psql('postgres', q{SELECT presence_touch('late', 'click', page_url => '/late')});
advance($node, 'postgres', '61 min');
is($node->safe_psql('postgres', q{SELECT count(*) FROM user_activities_default}), '0', 'two weeks later as well');
cmp_ok($node->safe_psql('postgres', $partitions), '>', $before, 'in a new one');
is($node->safe_psql('postgres', $rows), '5801|5801', 'and the others are there');
advance($node, 'postgres', '29 days 21 hours');    # after that, less than activity_retention
is($node->safe_psql('postgres', 'SELECT min(page_url), count(*) FROM user_activities'), '/late|1', 'after activity_retention the old ones are dropped');
finish($node, crashes => 1);

# ---- under load -------------------------------------------------------------------------------------------------------

# given clients that record one activity after the other, each of which is counted when it was acknowledged
my $load = new_server('load', conf => "restart_after_crash = on\npresence.flush_interval = '500ms'");
$load->start;
create_presence($load);
my $crashes = 0;
my $clients = 4;
for my $victim (qw(postmaster backend worker))
{
	my $dir = PostgreSQL::Test::Utils::tempdir;
	append_to_file("$dir/script", "\\set i :i + 1\nSELECT presence_touch('c' || :client_id, 'click', page_url => '$victim/' || :client_id || '/' || :i);\n");
	my $output = '';
	my $pgbench = IPC::Run::start(
		[ $load->installed_command('pgbench'), '-n', '-l', "--log-prefix=$dir/log", '-R', 2000, '-h', $load->host, '-p', $load->port, '-c', $clients, '-j', 1, '-T', 600, '-D', 'i=0', '-f', "$dir/script", 'dbname=postgres application_name=pgbench' ],
		'<', \undef, '>&', \$output, IPC::Run::timeout(120));
	$load->poll_query_until('postgres', "SELECT count(*) > 100 FROM user_activities WHERE page_url LIKE '$victim/%'") or die "no load: $output";
	Time::HiRes::sleep(5);    # longer than what may be lost is old

	# when somebody is killed
	my $pid = $victim eq 'worker' ? worker_pid($load) : $load->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench' LIMIT 1");
	my $now = Time::HiRes::time();
	if ($victim eq 'postmaster')
	{
		$load->kill9;
	}
	else
	{
		kill(9, $pid) == 1 or die "no $victim to kill";
		$crashes++;
	}
	eval { $pgbench->finish; 1 } or do { $pgbench->kill_kill; die "pgbench did not notice: $output" };
	if ($victim eq 'postmaster')
	{
		wait_until(sub { return 1 if $load->start(fail_ok => 1); $load->stop('fast', fail_ok => 1); return 0; }) or die 'the server did not start again';
	}
	wait_for_server($load);
	wait_for_worker($load);

	# then what was acknowledged a flush_interval before is in the table, and the time that the log needs to reach the disk
	my $old = $now - 0.5 - 3;
	my (%old, %all);
	for my $log (glob "$dir/log.*")
	{
		for (split /\n/, slurp_file($log))
		{
			my ($client, undef, undef, undef, $seconds, $microseconds) = split;
			$all{$client}++;
			$old{$client}++ if $seconds + $microseconds / 1e6 < $old;
		}
	}
	my $values = join ', ', map { "($_, " . ($old{$_} // 0) . ", $all{$_})" } sort keys %all;
	my ($sent) = map { my $sum = 0; $sum += $_ for values %$_; $sum } \%old;
	cmp_ok($sent, '>', 0, "$victim: $sent activities were old enough when it was killed");
	is( $load->safe_psql('postgres', qq{
		WITH client(client, old, acknowledged) AS (VALUES $values)
		SELECT client, i, count(a.page_url) FROM client CROSS JOIN generate_series(1, acknowledged + 1) AS i
		LEFT JOIN user_activities AS a ON a.page_url = '$victim/' || client || '/' || i
		GROUP BY client, old, i HAVING count(a.page_url) > 1 OR (count(a.page_url) = 0 AND i <= old) LIMIT 5}),
		'', "$victim: each is in the table, and none twice");
}
is($load->safe_psql('postgres', 'SELECT count(*) - count(DISTINCT page_url) FROM user_activities'), '0', 'none twice');
finish($load, crashes => $crashes);

# ---- a full queue ------------------------------------------------------------------------------------------------------

# given little memory and a worker that sleeps, then the callers write
my $full = new_server('full', conf => "presence.memory = '4MB'\npresence.flush_interval = '1s'");
$full->start;
create_presence($full);
$full->safe_psql('postgres', q{SELECT presence_touch('u' || i, 'first', page_url => 'first' || i) FROM generate_series(1, 100) AS i});
eventually($full, 'postgres', 'SELECT count(*) = 100 FROM user_activities', 'a worker at its work');
my $worker = stop_worker($full);
# Each partition has its queue; that of u1, who is asked for below, is full whoever is in it with u1.
my $many = 20_000;
is($full->safe_psql('postgres', qq{SELECT count(presence_touch(CASE WHEN i % 3 = 0 THEN 'u1' ELSE 'u' || i % 100 END, 'click', page_url => '/' || i)) FROM generate_series(1, $many) AS i}), $many, "$many touches while the worker sleeps");
my $own = $full->safe_psql('postgres', 'SELECT count(*) FROM user_activities') - 100;
cmp_ok($own, '>', 0, "the queue was full: the callers wrote $own of them");
cmp_ok($own, '<', $many, 'and not the others');
# A caller's row belongs to its transaction, its touch does not.
is($full->safe_psql('postgres', q{BEGIN; SELECT presence_touch('u1', 'undone', page_url => '/undone'); ROLLBACK; SELECT count(*) FROM user_activities WHERE activity_type = 'undone'}), "online\n0", 'written in the transaction of the caller');
is((error_of($full, 'postgres', q{BEGIN READ ONLY; SELECT presence_touch('u1', 'click', page_url => '/readonly')}))[0], '25006', 'which a READ ONLY one cannot');
is($full->safe_psql('postgres', q{BEGIN READ ONLY; SELECT presence_touch('u1'); COMMIT}), 'online', 'but touch it can');
kill 'CONT', $worker;
eventually($full, 'postgres', "SELECT count(*) = $many FROM user_activities WHERE activity_type = 'click'", 'when it goes on, all are in the table');
is($full->safe_psql('postgres', "SELECT count(DISTINCT page_url) FROM user_activities WHERE activity_type = 'click'"), $many, 'once each');
is($full->safe_psql('postgres', "SELECT sum(activity_count) >= $many FROM presence_online_users()"), 't', 'and all are counted');

# given no memory is left at all
$full->psql('postgres', q{DO $$ BEGIN FOR i IN 1..1000000 LOOP PERFORM presence_touch('filler' || i); END LOOP; END $$});
is($full->safe_psql('postgres', q{SELECT count(presence_touch('u' || i % 100, 'none' || i)) FROM generate_series(1, 1000) AS i}), '1000', 'with memory full the callers write too');
eventually($full, 'postgres', "SELECT count(*) = 1000 AND count(DISTINCT activity_type) = 1000 FROM user_activities WHERE activity_type LIKE 'none%'", 'and all is in the table');
finish($full);
done_testing();
