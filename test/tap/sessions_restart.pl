# After a crash the sessions of presence_sessions are known again: heartbeats and gateways keep them, what is not heard of ends.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('sessions', testing => 1, conf => "restart_after_crash = on\nautovacuum = off");
$node->start;
create_presence($node);
my $crashes = 0;
my $sessions = q{SELECT user_id, s.session_id, device, ip_address, user_agent, s.status, connected_at, current_page FROM unnest(ARRAY['hb', 'gw', 'gw-slow', 'bound', 'busy', 'away', 'two', 'quiet', 'leased', 'chosen']) AS u(user_id), presence_sessions(u.user_id) AS s ORDER BY 1, 2};

for my $how (qw(postmaster backend immediate))
{
	# given sessions of every kind, written
	my $bound = $node->background_psql('postgres');
	$bound->query_safe(q{SELECT presence_connect('bound', 'bound', bind => true)});
	$node->safe_psql('postgres', q{
		SELECT presence_gateway('g'), presence_gateway('slow', lease => '20 min');
		SELECT presence_connect('hb', 'hb', '{"name": "Hanna", "avatar": "h.png"}', 'phone', '203.0.113.7:5123', 'Mozilla/5.0', '/inbox');
		SELECT presence_connect('gw', 'gw', gateway => 'g'), presence_connect('gw-slow', 'gw-slow', gateway => 'slow');
		SELECT presence_connect('busy', 'busy', status => 'busy'), presence_connect('away', 'away', status => 'away'), presence_connect('quiet', 'quiet'), presence_connect('leased', 'leased', lease => '1 h');
		SELECT presence_connect('two', 'two-a'), presence_connect('two', 'two-b', status => 'busy');
		SELECT presence_connect('chosen', 'chosen'), presence_set_status('chosen', 'busy', 'in a call');
		SELECT presence_heartbeat_many('{hb,busy,away,two-a,two-b,leased,chosen}');
		SELECT presence_connect('said', 'said');
		SELECT presence_connect('gone', 'gone'), presence_logout('gone');
		SELECT presence_touch('implicit');});
	$node->poll_query_until('postgres', q{SELECT count(*) = 12 FROM presence_sessions}) or die 'the sessions were not written';
	$node->poll_query_until('postgres', q{SELECT count(*) = 12 FROM user_presence WHERE status <> 'offline'}) or die 'the users were not written';
	# What a session says is as durable as any status, also when the crash comes at once.
	$node->safe_psql('postgres', q{SELECT presence_set_status('said', 'busy', session_id => 'said')});
	# A choice in an open transaction is not made.
	$bound->query_safe($_) for 'BEGIN', q{SELECT presence_connect('open', 'open'), presence_disconnect('hb')};
	# The worker commits asynchronously: what it wrote is on disk when somebody else's commit is.
	$node->safe_psql('postgres', "CREATE TABLE public.committed_$how ()");
	my $before = $node->safe_psql('postgres', $sessions);
	my $bound_pid = $bound->query_safe('SELECT pg_backend_pid()');

	# when there is a crash
	my $epoch = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');
	if ($how eq 'backend')
	{
		kill(9, $bound_pid) == 1 or die 'no backend to kill';
		$crashes++;
	}
	elsif ($how eq 'postmaster')
	{
		$node->kill9;
		wait_until(sub { return 1 if $node->start(fail_ok => 1); $node->stop('fast', fail_ok => 1); return 0; }) or die 'the server did not start again';
	}
	else
	{
		$node->stop('immediate');
		$node->start;
	}
	eval { $bound->quit };
	wait_for_server($node, $epoch);

	# then the first call finds them, also before the worker has loaded them
	is($node->safe_psql('postgres', q{SELECT presence_heartbeat('hb')}), 't', "$how: a heartbeat is known without a connect");
	is($node->safe_psql('postgres', $sessions), $before, "$how: all sessions are there, with what they were");
	wait_for_worker($node);
	my $listener = PresenceTest::Listener->new($node, 'postgres');
	is($node->safe_psql('postgres', $sessions), $before, "$how: once the worker is there too");
	is($node->safe_psql('postgres', q{SELECT (user_data ->> 'name') || ' ' || (user_data ->> 'avatar') || ' ' || session_count || ' ' || current_page FROM presence_get('hb')}), 'Hanna h.png 1 /inbox', "$how: user_data is there");
	is($node->safe_psql('postgres', q{SELECT string_agg(user_id || ' ' || status, ', ' ORDER BY user_id) FROM presence_online_users()}),
		'away away, bound online, busy busy, chosen busy, gw online, gw-slow online, hb online, implicit online, leased online, quiet online, said busy, two busy', "$how: each with the status of its sessions");
	is($node->safe_psql('postgres', q{SELECT status_message FROM presence_get('chosen')}), 'in a call', "$how: what was chosen");
	is($node->safe_psql('postgres', q{SELECT presence_heartbeat('gone'), presence_heartbeat('open'), presence_status('gone'), presence_status('open')}), 'f|f|offline|offline', "$how: who had gone is gone, and what was open has not happened");
	is((error_of($node, 'postgres', q{SELECT presence_connect('thief', 'hb')}))[0], '42501', "$how: the sessions belong to whom they belonged");

	# and gateways get their time, and so do the others
	advance($node, 'postgres', '80 s');
	is($node->safe_psql('postgres', 'SELECT total FROM presence_counts()'), '12', "$how: within session_timeout all are here");
	is(scalar($listener->events), 0, "$how: and nothing is told");
	is($node->safe_psql('postgres', q{SELECT presence_gateway('g'), presence_heartbeat_many('{hb,busy,two-a,leased,chosen,unknown}'), presence_touch('quiet', session_id => 'quiet')}), '1|{unknown}|online', "$how: some are heard of");
	advance($node, 'postgres', '12 s');
	is($node->safe_psql('postgres', q{SELECT presence_gateway('g')}), '1', "$how: the gateway calls on");
	advance($node, 'postgres', '10 s');
	is($node->safe_psql('postgres', q{SELECT string_agg(user_id || ' ' || status, ', ' ORDER BY user_id) FROM presence_online_users()}),
		'busy busy, chosen busy, gw online, hb online, leased online, quiet online, two online', "$how: who was not heard of is gone, a busy one stays busy, one of two sessions speaks for itself");
	ok($listener->wait_for(sub { 9 <= @_ }), "$how: listeners hear of it");
	is_deeply([ map { join ' ', $_, $listener->story($_) } qw(away bound gw-slow implicit two hb) ],
		[ 'away away>offline timeout user_left', 'bound online>offline timeout user_left', 'gw-slow online>offline timeout user_left', 'implicit online>offline timeout user_left', 'two busy>online timeout', 'hb' ],
		"$how: each with one change");
	is($node->safe_psql('postgres', q{SELECT string_agg(session_id, ' ' ORDER BY session_id) FROM presence_sessions}), 'busy chosen gw hb leased quiet two-a', "$how: the rows of what ended are gone");

	# by the rules of every day from now on: 90 s, the lease, the gateway's 15 s and 10 s
	advance($node, 'postgres', '95 s');
	is($node->safe_psql('postgres', q{SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence_online_users()}), 'leased quiet', "$how: then each ends by its own rules");
	is($node->safe_psql('postgres', q{SELECT presence_heartbeat('leased')}), 't', "$how: a lease is kept");
	check_histories($node, 'postgres', $how);
	is_deeply([ $listener->gaps ], [], "$how: no gap");
	$listener->quit;
	# The clock goes back with the next start: nobody may have been seen after it.
	$node->safe_psql('postgres', 'SELECT presence_reset()');
	wait_for_worker($node);
	is($node->safe_psql('postgres', 'SELECT count(*) FROM presence_sessions'), '0', "$how: a reset leaves none");
	$node->restart;
	wait_for_worker($node);
}
finish($node, crashes => $crashes);
done_testing();
