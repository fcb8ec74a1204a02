# A thousand people change all the time while consumers take snapshots and go on by events: no event is older than what its
# consumer knows, and in the end each knows what is true. After a restart nobody goes on from before.
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
my $node = new_server('delivery_load', conf => "presence.large_channel = 2000\npresence.event_buffer = '16MB'\nfsync = off\n");
$node->start;
create_presence($node);

my ($writers, $users_of_writer, $seconds) = (4, 250, 5);
my $everybody = "generate_series(1, $writers) AS w, generate_series(0, $users_of_writer - 1) AS u";
sub ask { return $json->decode($node->safe_psql('postgres', "SELECT $_[0]")) }

# ---- a consumer of one channel, by the rule of docs/delivery.md

# What is kept of a user; the data only of members, whose own it is.
sub kept { return { status => $_[0]{status}, message => $_[0]{status_message} // '' } }

sub take_snapshot
{
	my ($consumer) = @_;
	my $snapshot = ask("presence_snapshot('$consumer->{channel}', max_users => 2000)");
	$consumer->{users} = { map { $_->{user_id} => kept($_) } @{ $snapshot->{users} } };
	$consumer->{typing} = { map { $_->{user_id} => 1 } @{ $snapshot->{typing} // [] } };
	@$consumer{qw(epoch seq)} = @$snapshot{qw(epoch seq)};
	$consumer->{snapshots}++;
	return;
}

# A message is a number that only grows.
sub apply
{
	my ($consumer, $event) = @_;
	my ($kind, $who) = @$event{qw(event user_id)};
	$consumer->{events}++;
	return $consumer->{typing}{$who} = 1 if $kind eq 'typing_start';
	return delete $consumer->{typing}{$who} if $kind eq 'typing_stop';
	return delete $consumer->{users}{$who} if $kind eq 'user_left' || $event->{status} eq 'offline';
	my $known = $consumer->{users}{$who};
	push @{ $consumer->{back} }, "$who: $event->{status_message} after $known->{message}, $event->{seq}"
	  if $known && ($event->{status_message} // 0) < ($known->{message} || 0);
	$consumer->{users}{$who} = kept($event);
	return;
}

sub as_text
{
	my ($consumer) = @_;
	return join "\n", (map { join ' ', $_, @{ $consumer->{users}{$_} }{qw(status message)} } sort keys %{ $consumer->{users} }), 'typing', sort keys %{ $consumer->{typing} };
}

# False: it has to take a new snapshot.
sub go_on
{
	my ($consumer) = @_;
	my $answer = ask("presence_events('$consumer->{channel}', '$consumer->{epoch}', $consumer->{seq}, 10000)");
	return 0 if $answer->{resync};
	apply($consumer, $_) for @{ $answer->{events} };
	$consumer->{seq} = $answer->{seq};
	return 1;
}

# ---- those who change

# Each writer has users of its own, and leaves the consumers time to read.
my $script = q{DO $$
DECLARE
    who text;
BEGIN
    FOR n IN 1 .. 1000000 LOOP
        who := 'wWRITER-' || n % USERS;
        PERFORM presence_set_message(who, n::text);
        CASE n % 4
        WHEN 0 THEN PERFORM presence_leave(who, 'lobby');
        WHEN 1 THEN PERFORM presence_join(who, 'lobby');
        WHEN 2 THEN PERFORM presence_set_status(who, (ARRAY['busy', 'away'])[1 + n / USERS % 2]);
        ELSE PERFORM presence_typing(who, 'lobby', n / USERS % 2 = 0);
        END CASE;
        COMMIT;
        PERFORM pg_sleep(0.003);
        IF n % 4 = 0 THEN
            PERFORM presence_join(who, 'lobby');
            COMMIT;
        END IF;
    END LOOP;
END $$};

$node->safe_psql('postgres', "SELECT count(presence_join('w' || w || '-' || u, 'lobby')) FROM $everybody");
my @writers;
for my $writer (1 .. $writers)
{
	my $sql = $script =~ s/WRITER/$writer/r =~ s/USERS/$users_of_writer/gr;
	push @writers, IPC::Run::start([ $node->installed_command('psql'), '-X', '-d', $node->connstr('postgres'), '-c', $sql ], '>', '/dev/null', '2>&1');
}

sub all_have_said_something
{
	return $node->safe_psql('postgres', 'SELECT count(*) FROM presence_online_users(2000) WHERE status_message IS NOT NULL') == $writers * $users_of_writer;
}

# ---- given consumers that begin anew in the middle of it, and such that go on

my @consumers = map { my $channel = $_; map { { channel => $channel, lasts => $_, back => [], events => 0, snapshots => 0 } } 0, 1 } qw(global_presence lobby);
take_snapshot($_) for @consumers;
my $deadline = time + $seconds;
while (time < $deadline || (time < $deadline + 120 && !all_have_said_something()))
{
	for my $consumer (@consumers)
	{
		take_snapshot($consumer) unless $consumer->{lasts};
		go_on($consumer) or take_snapshot($consumer) for 1 .. 2;
	}
}
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO %'");
eval { $_->finish } for @writers;
# Somebody may have left, and not joined again yet.
$node->safe_psql('postgres', "SELECT count(presence_join('w' || w || '-' || u, 'lobby')) FROM $everybody");
eventually($node, 'postgres', "SELECT jsonb_array_length(presence_snapshot('lobby') -> 'typing') = 0", 'nobody types in the end');
for my $consumer (@consumers)
{
	my $name = "$consumer->{channel}, " . ($consumer->{lasts} ? 'which goes on' : 'which begins anew');
	# The worker may still be telling.
	my $end;
	wait_until(sub {
		go_on($consumer) or take_snapshot($consumer);
		$end = {%$consumer};
		take_snapshot($end);
		return as_text($consumer) eq as_text($end);
	});
	cmp_ok($consumer->{events}, '>', 100, "$name: events came");
	is_deeply([ @{ $consumer->{back} }[ 0 .. ($#{ $consumer->{back} } > 4 ? 4 : $#{ $consumer->{back} }) ] ], [], "$name: no event was older than what it knew");
	is(scalar(keys %{ $end->{users} }), $writers * $users_of_writer, "$name: a thousand are there");
	is_deeply($consumer->{users}, $end->{users}, "$name: it knows what is true");
	is_deeply($consumer->{typing}, {}, "$name: and who types");
	note("$name: $consumer->{snapshots} snapshots, $consumer->{events} events");
}
is( $node->safe_psql('postgres', 'SELECT count(*), min(status_message::int) > 0 FROM presence_online_users(2000) WHERE status_message IS NOT NULL'),
	$writers * $users_of_writer . '|t',
	'the list of who is online is that of the snapshots');

# ---- given a restart, then nobody goes on from before

my ($before) = @consumers;
$node->restart;
wait_for_worker($node, 'postgres');
ok(!go_on($before), 'another epoch');
is(ask("presence_wait('lobby', '$before->{epoch}', $before->{seq}, '1 min')")->{resync}, JSON::PP::true, 'who waits need not');
take_snapshot($before);
is(scalar(keys %{ $before->{users} }), $writers * $users_of_writer, 'all are there again');
ok(go_on($before), 'from there it goes on');
finish($node);
done_testing();
