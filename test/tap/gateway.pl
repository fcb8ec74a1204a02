# presence_gateway: one call keeps 100,000 sessions from any connection, at no cost; a silent gateway ends its own sessions and no others.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $users = 100_000;
my $node = new_server('gateway', testing => 1, conf => "autovacuum = off\npresence.flush_interval = '2h'\nmax_wal_size = '4GB'\ncheckpoint_timeout = '1h'");
$node->start;
create_presence($node);
my $total = 'SELECT total FROM presence_counts()';

# Gateways that call every 10 s, so many rounds. Their lease has room for a slow machine until one is to fall silent.
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.keep(gateways text[], rounds int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE kept int := 0;
	BEGIN
		FOR i IN 1 .. rounds LOOP
			PERFORM presence_gateway(g, lease => '2 min') FROM unnest(gateways) AS g;
			PERFORM presence_test_advance('10 s');
			kept := kept + 1;
		END LOOP;
		RETURN kept;
	END $$});
my $slow = q{presence_gateway('slow', lease => '10 min')};

# given a gateway with 100,000 sessions, another with some, users who are with both, one with none, and one who has two sessions with the first
$node->safe_psql('postgres', qq{
	SELECT presence_gateway('first', '2 min'), presence_gateway('second', '2 min'), $slow;
	SELECT count(presence_connect('u' || i, 'u' || i, gateway => 'first')) FROM generate_series(1, $users) AS i;
	SELECT count(presence_connect('other' || i, 'other' || i, gateway => 'second')) FROM generate_series(1, 100) AS i;
	SELECT count(presence_connect('both' || i, 'both-first' || i, gateway => 'first')), count(presence_connect('both' || i, 'both-second' || i, gateway => 'second')) FROM generate_series(1, 10) AS i;
	SELECT presence_connect('u1', 'u1-too', gateway => 'first');
	SELECT count(presence_connect('slow' || i, 'slow' || i, gateway => 'slow')) FROM generate_series(1, 10) AS i;
	SELECT presence_connect('none', 'none');
	SELECT presence_connect('moved', 'moved', gateway => 'first');});
$node->safe_psql('postgres', q{SELECT presence_connect('moved', 'moved', gateway => 'second')});
is($node->safe_psql('postgres', "SELECT presence_gateway('first'), presence_gateway('second'), $slow, presence_gateway('unknown')"), ($users + 11) . '|111|10|0', 'each call says how many sessions it keeps');
is($node->safe_psql('postgres', "SELECT lease, heartbeat_every FROM presence_connect('u1', 'u1-too', gateway => 'first')"), '00:00:15|00:00:05', 'connect says the lease of the gateway');

# On a slow machine the rows take a while; the gateways call meanwhile.
$node->poll_query_until('postgres', "SELECT presence_gateway('first') > 0 AND presence_gateway('second') > 0 AND count(*) = $users + 133 FROM presence_sessions") or die 'not all sessions have a row';

# when only the gateways are heard of, long after the timeouts of everybody else, then all are there: idle, and here
$node->safe_psql('postgres', "SELECT public.keep('{first,second}', 33), $slow");
is($node->safe_psql('postgres', 'SELECT online, busy, away FROM presence_counts()'), '0|0|' . ($users + 122), 'all are idle after five minutes');
my $tally = PresenceTest::Tally->new($node, 'postgres');
ok(quiet($node), 'all is written');
$tally->forget;

# and they are kept from different connections, for nothing: no WAL, no transaction id, no event
my $before = spent($node);
is($node->safe_psql('postgres', "SELECT presence_gateway('first'), presence_gateway('second'), presence_test_advance('10 s') IS NOT NULL"), ($users + 11) . '|111|t', "kept by connection $_") for 1 .. 3;
is($node->safe_psql('postgres', "SELECT public.keep('{first,second}', 30), $slow"), '30|10', 'five minutes more');
is(spent($node), $before, "$users sessions were kept: no WAL, no transaction id") or note_wal($node, $before);
is($tally->count, 0, 'no event');
is($node->safe_psql('postgres', $total), $users + 122, 'and all are here');
is($node->safe_psql('postgres', "SELECT presence_gateway('first')"), $users + 11, 'each with its sessions');

# One who is not kept by a gateway ends by the rules of every day, and a gateway at its own lease.
$node->safe_psql('postgres', "SELECT public.keep('{first,second}', 121)");
ok($tally->wait_for_count(11 * 2), 'half an hour after the last activity');
is_deeply([ $tally->users ], [ sort 'none', map { "slow$_" } 1 .. 10 ], 'who has no gateway is gone, and whose gateway was silent for ten minutes');

# given the first gateway falls silent, then nothing happens within its lease and the grace
$tally->forget;
my $heard = $node->safe_psql('postgres', "SELECT server_time FROM presence_info(), presence_gateway('first') AS first, presence_gateway('second') AS second");
$node->safe_psql('postgres', "SELECT public.keep('{second}', 2), presence_gateway('second'), presence_test_advance('1 s')");
is($node->safe_psql('postgres', $total), $users + 111, 'the gateway is silent: within lease and grace all are here');
is($tally->count, 0, 'and nothing is told');

# and after them exactly its users are offline, each with one event
$node->safe_psql('postgres', "SELECT public.keep('{second}', 1)");
is($node->safe_psql('postgres', $total), '111', 'then its users are gone, and the others here');
ok($tally->wait_for_count(2 * $users), 'listeners hear of it');
my ($told) = sort keys %{ $tally->stories };
is_deeply($tally->stories, { $told => $users }, 'each has gone, once');
like($told, qr/^away>offline (timeout|disconnect), user_left$/, "which is told: $told");
is_deeply([ $tally->users ], [ sort map { "u$_" } 1 .. $users ], 'and exactly these');
is($tally->gaps, 0, 'no gap');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT user_id) FROM presence_history WHERE new_status = 'offline' AND user_id LIKE 'u%'"), "$users|$users", 'one row of history each');
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_history WHERE new_status = 'offline' AND user_id LIKE 'u%' AND changed_at NOT BETWEEN timestamptz '$heard' + interval '24.5 s' AND timestamptz '$heard' + interval '25.5 s'"), '0', 'with the moment it was');
eventually($node, 'postgres', 'SELECT count(*) = 111 FROM presence_sessions', 'their sessions have no row any more');
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT gateway, ' ') FROM presence_sessions"), 'second', 'the rows of the other gateway are there');
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_sessions('both1')"), '1', 'a user of both has one session left');
is($node->safe_psql('postgres', "SELECT presence_gateway('first'), presence_gateway('second')"), '0|111', 'what its silence has ended stays so');
check_histories($node, 'postgres', 'after the silence');

# given a gateway that is back within the grace, then nothing has happened
$tally->forget;
$node->safe_psql('postgres', "SELECT public.keep('{second}', 1), presence_gateway('second'), presence_test_advance('20 s'), presence_gateway('second')");
is($node->safe_psql('postgres', $total), '111', 'a gateway that is back within the grace has all its users');
is($tally->count, 0, 'and nothing is told');
$node->safe_psql('postgres', "SELECT presence_test_advance('26 s')");
is($node->safe_psql('postgres', $total), '0', 'and then it is silent');
$tally->quit;
finish($node);
done_testing();
