# The worker terminated, stopped, or without a place to run: what is read stays true, and it comes back.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $node = new_server('worker', conf => "presence.idle_timeout = '4s'\npresence.offline_timeout = '12s'");
$node->start;
create_presence($node);

# given the worker is told to go, then another comes, and it is no crash
my $pid = worker_pid($node);
is($node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)"), 't', 'pg_terminate_backend on the worker');
wait_for_worker($node, 'postgres', $pid);
pass('another one comes');
my $listener = PresenceTest::Listener->new($node, 'postgres');
$node->safe_psql('postgres', "SELECT presence_touch('ann')");
ok($listener->wait_for(sub { 1 == grep { $_->{event} eq 'user_left' } @_ }), 'and does the work');
is_deeply([ $listener->story('ann') ], [ 'offline>online activity', 'user_joined', 'online>away idle_timeout', 'away>offline timeout', 'user_left' ], 'all of it');

# given it is terminated again and again, then still; a cancel does not hurt it
for (1 .. 2)
{
	my $gone = worker_pid($node);
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($gone)");
	wait_for_worker($node, 'postgres', $gone);
}
$node->safe_psql('postgres', q{CREATE TABLE public.stamps(at timestamptz DEFAULT now());
	CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.stamps DEFAULT VALUES; RETURN NULL; END $$;
	CREATE TRIGGER stamp AFTER INSERT ON user_presence EXECUTE FUNCTION public.stamp()});
$pid = worker_pid($node);
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
$node->safe_psql('postgres', "SELECT presence_touch('zoe')");
eventually($node, 'postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'zoe'", 'after three terminations and a cancel it works');
is(worker_pid($node), $pid, 'and a cancel is no reason to end');
is($node->safe_psql('postgres', "SELECT count(*) > 0 AND bool_and(at > pg_postmaster_start_time()) FROM public.stamps"), 't', 'now() is now in a trigger');
$node->safe_psql('postgres', 'DROP TRIGGER stamp ON user_presence');

# the launcher too
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'presence launcher'");
eventually($node, 'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'presence launcher'", 'the launcher comes back');
wait_for_worker($node);

# given the worker is stopped (SIGSTOP), when time passes, then readers tell it (promise 5)
eventually($node, 'postgres', 'SELECT total = 0 FROM presence_counts()', 'nobody is there');
$listener->forget_events;
$node->safe_psql('postgres', q{SELECT presence_touch('ben'); SELECT presence_set_status('cleo', 'busy')});
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'ben' AND status = 'online'");
$listener->wait_for(sub { 2 == grep { $_->{event} eq 'user_joined' } @_ });
my $seen = $node->safe_psql('postgres', q{SELECT presence_touch('ben'); SELECT last_seen FROM presence_get('ben')}) =~ s/^online\n//r;
$pid = stop_worker($node);
is($node->safe_psql('postgres', "SELECT presence_status('ben'), (SELECT string_agg(user_id || ' ' || status, ', ') FROM presence_online_users())"), 'online|ben online, cleo busy', 'the worker sleeps: online at first');
my $asked = q{SELECT clock_timestamp() - '%1$s' >= '%2$s' AND presence_status('ben') = '%3$s' AND (presence_get('ben')).status = '%3$s'
	AND coalesce((SELECT status FROM presence_online_users() WHERE user_id = 'ben'), 'offline') = '%3$s'
	AND (SELECT status FROM presence_get_many(ARRAY['ben'])) = '%3$s'};
$node->poll_query_until('postgres', "SELECT clock_timestamp() >= timestamptz '$seen' + interval '4 s'");
is($node->safe_psql('postgres', sprintf($asked, $seen, '4 s', 'away')), 't', 'away on time');
is($node->safe_psql('postgres', 'SELECT online, busy, away FROM presence_counts()'), '0|1|1', 'and counted');
$node->poll_query_until('postgres', "SELECT clock_timestamp() >= timestamptz '$seen' + interval '12 s'");
is($node->safe_psql('postgres', sprintf($asked, $seen, '12 s', 'offline')), 't', 'offline on time');
is($node->safe_psql('postgres', "SELECT presence_touch('dora')"), 'online', 'touches go on');
is($node->safe_psql('postgres', "SET statement_timeout = '20s'; SELECT (presence_set_status('eve', 'busy')).status"), 'busy', 'so do choices');
is($node->safe_psql('postgres', "SELECT status FROM user_presence WHERE user_id = 'ben'"), 'online', 'the row waits for the worker');
eventually($node, 'postgres', 'SELECT NOT fresh AND stale_since IS NOT NULL FROM presence_info()', 'and presence_info says that it is late');

# when it goes on, then the row, the history and the listeners are told, each with its moment
kill 'CONT', $pid;
eventually($node, 'postgres', "SELECT status = 'offline' FROM user_presence WHERE user_id = 'ben'", 'when it goes on, the row follows');
is($node->safe_psql('postgres', "SELECT went_offline_at - '$seen' FROM user_presence WHERE user_id = 'ben'"), '00:00:12', 'with the moment it was');
eventually($node, 'postgres', 'SELECT fresh AND stale_since IS NULL FROM presence_info()', 'and it is fresh again');
ok($listener->wait_for(sub { grep { ($_->{user_id} // '') eq 'ben' && $_->{event} eq 'user_left' } @_ }), 'and listeners hear of it');
is(($listener->story('ben'))[-1], 'user_left', 'that he left');
eventually($node, 'postgres', 'SELECT total = 0 FROM presence_counts()', 'then all the others go as well');
eventually($node, 'postgres', "SELECT count(*) = 0 FROM user_presence WHERE status <> 'offline'", 'in the table too');
check_histories($node, 'postgres', 'after a worker that slept');
is_deeply([ $listener->gaps ], [], 'no gap in the sequence');
$listener->quit;
finish($node);

# given no room for a worker, then a message once, the functions work, and it comes when there is room
my $full = new_server('full', conf => "max_worker_processes = 2\nmax_logical_replication_workers = 0\nmax_parallel_workers = 0\npresence.idle_timeout = '500ms'\npresence.offline_timeout = '10s'");
$full->start;
create_presence($full, 'postgres');
$full->safe_psql('postgres', 'CREATE DATABASE second');
$full->safe_psql('second', 'CREATE SCHEMA presence; CREATE EXTENSION presence SCHEMA presence');
ok(wait_until(sub { slurp_file($full->logfile) =~ /max_worker_processes/ }), 'no place for a worker: the log says so and names the setting');
is($full->safe_psql('second', 'SELECT worker_alive FROM presence_info()'), 'f', 'presence_info says so');
is($full->safe_psql('second', "SELECT presence_touch('ann'), (presence_set_status('ben', 'busy')).status"), 'online|busy', 'the functions work');
eventually($full, 'second', "SELECT presence_status('ann') = 'away'", 'time counts');
is($full->safe_psql('second', "SELECT status FROM user_presence WHERE user_id = 'ben'"), 'busy', 'choices are durable');
Time::HiRes::sleep(3);
my @said = slurp_file($full->logfile) =~ /max_worker_processes/g;
cmp_ok(scalar @said, '<=', 2, 'the log says it once, not for ever');
$full->safe_psql('postgres', 'DROP EXTENSION presence');
eventually($full, 'second', 'SELECT worker_alive FROM presence_info()', 'when there is room it comes');
eventually($full, 'second', "SELECT count(*) = 2 FROM user_presence WHERE status = 'offline'", 'and writes what it missed');
finish($full);
done_testing();
