# kill -9 of a backend or of the worker while members join, leave and move: afterwards rows, memory, and what a listener that
# looks again knows are the same.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use IPC::Run ();
use JSON::PP ();
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $rounds = $ENV{CHANNEL_CRASH_ROUNDS} // 4;
my @channels = map { "document_$_" } 0 .. 3;
my $node = new_server('crash', conf => "restart_after_crash = on\nautovacuum = off\npresence.flush_interval = '300ms'");
$node->start;
create_presence($node);
my $crashes = 0;
my $dir = PostgreSQL::Test::Utils::tempdir;
my $script = "$dir/script";
append_to_file($script, <<'EOT');
\set u random(0, 59)
\set d random(0, 3)
\set what random(0, 5)
\set x random(1, 1000000)
\if :what <= 1
SELECT presence_join_document('u' || :u, :d, jsonb_build_object('x', :x), session_id => 'u' || :u || '-' || :what);
\elif :what = 2
SELECT presence_leave_document('u' || :u, :d);
\elif :what = 3
SELECT presence_leave_document('u' || :u, :d, session_id => 'u' || :u || '-0');
\else
SELECT public.move('u' || :u, :d, jsonb_build_object('x', :x));
\endif
EOT
# Who is not there cannot move.
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.move(who text, where_to int, x jsonb) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN PERFORM presence_move_cursor(who, where_to, x); EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END $$});

sub start_moving
{
	my ($seconds) = @_;
	my $output = '';
	return IPC::Run::start([ $node->installed_command('pgbench'), '-n', '-h', $node->host, '-p', $node->port, '-c', 6, '-j', 1, '-T', $seconds, '-f', $script, 'dbname=postgres application_name=pgbench' ], '<', \undef, '>&', \$output, IPC::Run::timeout(120));
}

my $in_memory = q{SELECT c, m.user_id, cursor_position ->> 'x' AS x, m.last_active, m.joined_at FROM unnest(ARRAY['document_0', 'document_1', 'document_2', 'document_3', 'kept']) AS c, presence_members(c, 1000) AS m};
my $in_rows = q{SELECT channel_id, user_id, cursor_position ->> 'x', last_active, joined_at FROM channel_presence};
my $same = "SELECT NOT EXISTS (($in_memory) EXCEPT ($in_rows)) AND NOT EXISTS (($in_rows) EXCEPT ($in_memory))";

# { "channel|user" => its cursor }
sub places
{
	return map { my ($channel, $user, $x) = split /\|/; ("$channel|$user" => $x // '') } split /\n/, $node->safe_psql('postgres', "SELECT c, user_id, x FROM ($in_memory) AS m WHERE c <> 'kept'");
}

# What a client does: listens, takes the list, and follows the events.
sub follow
{
	my ($known, @events) = @_;
	for my $event (@events)
	{
		my $place = "$event->{channel}|" . ($event->{user_id} // '');
		if ($event->{event} eq 'user_joined') { $known->{$place} //= ''; }
		elsif ($event->{event} eq 'user_left') { delete $known->{$place}; }
		elsif ($event->{event} eq 'cursor_moved') { $known->{$place} = $event->{cursor_position}{x}; }
		elsif ($event->{event} eq 'presence_resync') { die 'it must not be told to look again'; }
	}
	return;
}

my $epoch = '';
for my $round (1 .. $rounds)
{
	my $victim = $round % 2 ? 'backend' : 'worker';
	my $name = "round $round ($victim)";

	# given members who were written before, and others who come and go and move
	$node->safe_psql('postgres', qq{SELECT presence_join('kept' || i, 'kept', jsonb_build_object('round', $round)) FROM generate_series(1, 50) AS i});
	$node->poll_query_until('postgres', qq{SELECT count(*) = 50 FROM channel_presence WHERE channel_id = 'kept' AND user_data ->> 'round' = '$round'}) or die 'the members were not written';
	$node->safe_psql('postgres', "CREATE TABLE public.committed_$round ()");
	my $begun = $node->safe_psql('postgres', 'SELECT clock_timestamp()');
	my $load = start_moving(60);
	$node->poll_query_until('postgres', qq{SELECT count(*) > 20 FROM channel_presence WHERE channel_id LIKE 'document%' AND last_active > '$begun'}) or die "$name: no load";
	Time::HiRes::sleep(rand 0.5);

	# when somebody is killed
	my $pid = $victim eq 'worker' ? worker_pid($node) : $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'pgbench' ORDER BY random() LIMIT 1});
	kill(9, $pid) == 1 or die "$name: nobody to kill";
	$crashes++;
	eval { $load->finish };
	wait_for_server($node);
	eventually($node, 'postgres', 'SELECT worker_alive AND complete AND fresh FROM presence_info()', "$name: the worker is back");
	my $now = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');
	isnt($now, $epoch, "$name: a new epoch");
	$epoch = $now;

	# then rows and memory agree, and nobody is lost who was written
	eventually($node, 'postgres', $same, "$name: rows and memory agree");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM presence_members('kept')}), '50', "$name: who was written is there");

	# and a listener that takes the list again, and follows, knows what is so at last
	my $listener = PresenceTest::Listener->new($node, 'postgres', @channels);
	my %known = places();
	$listener->events;    # they are behind the list, or in it already
	start_moving(1)->finish;
	my $last = "last$round";
	$node->safe_psql('postgres', qq{SELECT presence_join_document('$last', d) FROM generate_series(0, 3) AS d});
	ok($listener->wait_for(sub { 4 == grep { $_->{event} eq 'user_joined' && $_->{user_id} eq $last } @_ }), "$name: the last are heard of");
	$node->safe_psql('postgres', q{SELECT pg_sleep(0.2)});    # a last cursor waits for the end of its interval
	my (%now, %is);
	wait_until(
		sub {
			%now = %known;
			follow(\%now, $listener->events);
			%is = places();
			return join("\0", map { $_, $now{$_} } sort keys %now) eq join("\0", map { $_, $is{$_} } sort keys %is);
		});
	%known = %now;
	is_deeply(\%known, \%is, "$name: the listener knows what is so");
	is_deeply([ $listener->gaps ], [], "$name: no gap");
	cmp_ok(scalar(keys %is), '>', 20, "$name: which is not nothing");
	is(join(' ', sort map { s/\|.*//r } grep { /\|$last$/ } keys %known), join(' ', @channels), "$name: of every channel");
	$listener->quit;
	eventually($node, 'postgres', $same, "$name: and so do the rows");
}
check_histories($node, 'postgres', 'after all rounds');
finish($node, crashes => $crashes);
done_testing();
