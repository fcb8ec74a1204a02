# Snapshots while people come and go: nobody is left out without a word, and what a snapshot shows goes on with the events after it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IPC::Run ();
use JSON::PP ();
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $json = JSON::PP->new;
my $node = new_server('races', conf => "fsync = off\npresence.disconnect_grace = '100ms'\n");
$node->start;
create_presence($node);

sub ask { return $json->decode($node->safe_psql('postgres', "SELECT $_[0]")) }

# A session that repeats statements, each with a commit, until it is told to end.
sub storm
{
	my ($name, @statements) = @_;
	my $loop = join("\n", map { "PERFORM $_; COMMIT;" } @statements);
	my $output = '';
	my $psql = IPC::Run::start([ $node->installed_command('psql'), '-X', '-q', '-d', $node->connstr('postgres'), '-c',
			"DO \$\$ BEGIN WHILE pg_try_advisory_xact_lock_shared(1) LOOP $loop END LOOP; END \$\$" ], '>', \$output, '2>&1');
	return sub {
		my $brake = $node->background_psql('postgres');
		$brake->query_safe('SELECT pg_advisory_lock(1)');
		$psql->finish;
		is($output, '', "$name: nothing failed");
		$brake->quit;
	};
}

# ---- more people than fit, while the best of them come and go
{
	$node->safe_psql('postgres', "SELECT count(presence_touch('k' || i)) FROM generate_series(1, 1500) AS i");
	quiet($node);
	my $end = storm('coming and going', (map { "presence.presence_touch('c$_')" } 1 .. 20), (map { "presence.presence_logout('c$_')" } 1 .. 20));
	my $answers = $node->safe_psql('postgres',
		"SELECT count(*) FILTER (WHERE NOT (s ->> 'truncated')::bool) FROM generate_series(1, 60), LATERAL (SELECT presence_snapshot() AS s WHERE generate_series > 0) AS t");
	is($answers, 0, 'a snapshot of 1,000 of 1,500 says that it is truncated');
	$end->();
	$node->safe_psql('postgres', 'SELECT presence_reset()');
}

# ---- a storm of joins pushes nobody out
{
	$node->safe_psql('postgres', "SELECT count(presence_join('old' || i, 'storm')) FROM generate_series(1, 5) AS i");
	quiet($node);
	my @ends = map { storm("joins $_", "presence.presence_join('s$_ ' || i, 'storm') FROM generate_series(1, 400) AS i", "presence.presence_leave('s$_ ' || i, 'storm') FROM generate_series(1, 400) AS i") } 1 .. 2;
	my $least = $node->safe_psql('postgres', q{
		SELECT min((SELECT count(*) FROM jsonb_array_elements(s -> 'users') AS u WHERE u ->> 'user_id' LIKE 'old%'))
		FROM generate_series(1, 1000), LATERAL (SELECT presence_snapshot('storm', NULL, 10000) AS s WHERE generate_series > 0) AS t});
	is($least, 5, 'whoever was there is in each snapshot');
	$_->() for @ends;
}

# ---- a viewer joins a room while it looks: it sees at once who shows itself there only, or is told to look again
{
	$node->safe_psql('postgres', 'SELECT presence_reset()');
	$node->safe_psql('postgres', "SELECT count(presence_touch('p' || i)) FROM generate_series(1, 900) AS i");
	$node->safe_psql('postgres', "SELECT presence_set_visibility('ann', 'channel'), presence_join('ann', 'room'), presence_touch('vic')");
	my ($missed, $seen) = (0, 0);
	for my $round (1 .. 100)
	{
		$node->safe_psql('postgres', "SELECT presence_leave('vic', 'room') FROM pg_sleep(0.02)");
		my $output = '';
		my $looking = IPC::Run::start([ $node->installed_command('psql'), '-X', '-A', '-t', '-q', '-d', $node->connstr('postgres'), '-c',
				q{SELECT jsonb_build_object('epoch', s -> 'epoch', 'seq', s -> 'seq', 'has', s -> 'users' @> '[{"id": "ann"}]') FROM presence_snapshot('global_presence', 'vic') AS s} ], '>', \$output);
		$node->safe_psql('postgres', 'SELECT pg_sleep(random() * 0.012); SELECT presence_join(\'vic\', \'room\')');
		$looking->finish;
		my $s = $json->decode($output);
		$seen++ if $s->{has};
		$missed++ if !$s->{has} && !wait_until(sub { ask("presence_events('global_presence', '$s->{epoch}', $s->{seq}, viewer => 'vic')")->{resync} }, 30);
		last if $missed;
	}
	is($missed, 0, "a picture without ann is to be taken anew ($seen of 100 had her)");
}

# ---- a long snapshot, while somebody who comes late in it changes all the time, is not followed by what is older than it
{
	$node->safe_psql('postgres', 'SELECT presence_reset()');
	$node->safe_psql('postgres', "SELECT count(presence_touch('p' || i)) FROM generate_series(1, 3000) AS i");
	quiet($node);
	my $end = storm('changes', "presence.presence_set_status('hot', 'away', clock_timestamp()::text)", 'pg_sleep(0.001)');
	eventually($node, 'postgres', "SELECT status_message <> '' FROM presence_get('hot')", 'somebody changes all the time');
	my $older = 0;
	for my $round (1 .. 20)
	{
		my $s = ask(q{(SELECT jsonb_build_object('epoch', s -> 'epoch', 'seq', s -> 'seq', 'message', jsonb_path_query_first(s -> 'users', '$[*] ? (@.id == "hot")') ->> 'status_message') FROM presence_snapshot('global_presence', NULL, 10000) AS s)});
		my $next;
		wait_until(sub { ($next) = grep { $_->{user_id} eq 'hot' } @{ ask("presence_events('global_presence', '$s->{epoch}', $s->{seq})")->{events} } }) or die 'hot is not told of';
		$older++ if $next->{status_message} lt $s->{message};
	}
	$end->();
	cmp_ok($older, '<=', 4, "the event after a snapshot is not older than it ($older of 20 were)");
}

# ---- the application's function binds a session while a snapshot asks it
{
	$node->safe_psql('postgres', q{CREATE FUNCTION public.binds(viewer text, user_id text, channel text) RETURNS text LANGUAGE plpgsql AS
		$$ BEGIN PERFORM presence_connect('by ' || viewer, 'of ' || viewer, bind => true); RETURN NULL; END $$});
	$node->append_conf('postgresql.conf', "presence.can_see_function = 'public.binds'");
	$node->reload;
	eventually($node, 'postgres', q{SELECT current_setting('presence.can_see_function') = 'public.binds'}, 'there is such a function');
	is($node->safe_psql('postgres', q{SELECT jsonb_array_length(presence_snapshot('global_presence', 'vic', 10) -> 'users')}, alone => 1), 10, 'the snapshot is taken');
	is($node->safe_psql('postgres', q{BEGIN; SELECT presence_snapshot('global_presence', 'eve', 10) IS NOT NULL; ROLLBACK; SELECT 1}, alone => 1), "t\n1", 'and one that is rolled back');
	$node->safe_psql('postgres', 'SELECT presence_touch(\'still here\')');
}

# ---- one that fails in a parallel worker, by a function that is not what it says, is over
{
	$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION public.binds(viewer text, user_id text, channel text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
		CREATE FUNCTION public.looks(viewer text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN RETURN presence_snapshot('global_presence', viewer) ->> 'seq'; END $$});
	my ($state, $message) = error_of($node, 'postgres', q{DO $$ BEGIN PERFORM set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query'); PERFORM public.looks('vic'); END $$});
	like($message, qr/not now/, 'it fails');
	$node->append_conf('postgresql.conf', "presence.can_see_function = ''");
	$node->reload;
	eventually($node, 'postgres', q{SELECT current_setting('presence.can_see_function') = ''}, 'nobody is asked any more');
	$node->safe_psql('postgres', q{SELECT presence_connect('there', 'there 1')});
	eventually($node, 'postgres', q{SELECT presence_status('by vic') = 'offline'}, 'who was bound to a connection has gone with it');
	quiet($node);
	my $at = $node->safe_psql('postgres', 'SELECT seq FROM presence_info()');
	$node->safe_psql('postgres', q{BEGIN; SELECT presence_set_status('there', 'busy'); SELECT presence_clear_status('there'); COMMIT});
	quiet($node);
	is($node->safe_psql('postgres', 'SELECT seq FROM presence_info()'), $at, 'what nobody has seen is not told');
}
finish($node);
done_testing();
