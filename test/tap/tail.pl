# presence-tail: prints each event once and in order, whatever happens to its connection, its server or the event buffer.
#
# PRESENCE_TOOLS is the directory of presence-tail; scripts/check sets it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use IPC::Run ();
use JSON::PP ();
use Test::More;

my $program = ($ENV{PRESENCE_TOOLS} // die 'PRESENCE_TOOLS is not set; scripts/check sets it') . '/presence-tail';
my $node = new_server('tail', conf => "presence.event_buffer = '64kB'\npresence.disconnect_grace = 0");
$node->start;
create_presence($node);

# ---- the program ------------------------------------------------------------------------------------------------------

# Starts it; what it prints is in {out}, what it remarks in {err}.
sub start_tail
{
	my (@options) = @_;
	my $tail = { out => '', err => '' };
	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', PGAPPNAME => 'presence-tail', TZ => 'UTC');
	$tail->{run} = IPC::Run::start([ $program, @options ], '<', \undef, '>', \$tail->{out}, '2>', \$tail->{err});
	return $tail;
}

# Waits until it has printed what matches.
sub prints
{
	my ($tail, $pattern, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok(wait_until(sub { $tail->{run}->pump_nb if $tail->{run}->pumpable; $tail->{out} =~ $pattern }, 30), $name)
	  || diag "$tail->{out}\n$tail->{err}";
}

# Its exit code after a signal, or by itself.
sub end_tail
{
	my ($tail, $signal) = @_;
	$tail->{run}->signal($signal) if $signal;
	$tail->{run}->finish;
	return $tail->{run}->result(0);
}

# The JSON lines that are events, and what is wrong with their order.
sub events { return grep { $_->{seq} } map { JSON::PP->new->decode($_) } split /\n/, $_[0]->{out} }

sub disorder
{
	my %last;
	my @wrong;
	for my $event (events($_[0]))
	{
		my $before = $last{ $event->{channel} };
		push @wrong, "$event->{seq} after $before->{seq}" if $before && $before->{epoch} eq $event->{epoch} && $before->{seq} >= $event->{seq};
		$last{ $event->{channel} } = $event;
	}
	return \@wrong;
}

sub messages { return [ map { $_->{status_message} // () } events($_[0]) ] }

my $stop_listening = q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'presence-tail'};
sub say_message { return $node->safe_psql('postgres', "SELECT presence_set_message('ann', '$_[0]')") }

sub is_listening
{
	my ($count) = @_;
	return $node->poll_query_until('postgres',
		"SELECT count(*) = $count FROM pg_stat_activity WHERE application_name = 'presence-tail' AND state = 'idle' AND query LIKE '%presence_snapshot%'");
}

# ---- for people ---------------------------------------------------------------------------------------------------------

# given who is there already
$node->safe_psql('postgres', q{SELECT presence_connect('ann', 'tab', '{"name": "Ann"}')});
my $tail = start_tail('--snapshot', 'global_presence', 'lobby');
# then it shows them, and what they do from now on
prints($tail, qr/snapshot +1 here\n.* ann +online +Ann\n/, 'who is there');
prints($tail, qr/lobby .*snapshot +0 here/, 'in each channel');
$node->safe_psql('postgres', q{SELECT presence_set_status('ann', 'busy', E'in a call\x1b[31m'); SELECT presence_join('ann', 'lobby')});
prints($tail, qr/^\d\d:\d\d:\d\d\.\d{3}  global_presence  user_status_changed  ann  online → busy  \(manual\)  "in a call\\u001b\[31m"$/m,
	'a line has time, channel, event, user and change, and nothing that a terminal would obey');
prints($tail, qr/  lobby            user_joined          ann  .*Ann$/m, 'of all channels');
unlike($tail->{out}, qr/\x1b/, 'no colour in a pipe');
is(end_tail($tail, 'INT'), 0, 'SIGINT ends it in order');

# ---- for programs -------------------------------------------------------------------------------------------------------

is_listening(0) or die 'the one before is still there';
$tail = start_tail('--json');
my $mapped = start_tail('--json', '--snapshot');
is_listening(2) or die 'they do not listen';
say_message('one');
prints($_, qr/"status_message": ?"one"/, 'an event is a line of JSON') for $tail, $mapped;
like($mapped->{out}, qr/^\{"snapshot": \{.*"user_id": "ann"/, 'after the snapshot, if there is to be one');
unlike($tail->{out}, qr/snapshot/, 'and else without');

# when their connections are cut, and something happens before they are back
# Both at once would be one event.
my $before_two = $node->safe_psql('postgres', 'SELECT seq FROM presence_info()');
$node->safe_psql('postgres', "BEGIN; $stop_listening; SELECT presence_set_message('ann', 'two'); COMMIT");
$node->poll_query_until('postgres', "SELECT seq > $before_two FROM presence_info()") or die 'two is not told';
$node->safe_psql('postgres', "SELECT presence_set_message('ann', 'three')");
prints($_, qr/"three"/, 'what happened without a connection is printed later') for $tail, $mapped;
is_deeply(messages($_), [qw(one two three)], 'each event once') for $tail, $mapped;

# when they miss more than is remembered
my ($epoch, $seq) = split /\|/, $node->safe_psql('postgres', 'SELECT epoch, seq FROM presence_info()');
kill 'STOP', $_->{run}{KIDS}[0]{PID} for $tail, $mapped;
$node->safe_psql('postgres', $stop_listening);
$node->safe_psql('postgres', "SELECT count(presence_set_message('ann', repeat('x', 400) || i)) FROM generate_series(1, 2) AS i");
my $last = 0;
wait_until(
	sub {
		$node->safe_psql('postgres', "SELECT presence_set_message('ann', repeat('y', 400) || $_)") for $last + 1 .. $last + 300;
		$last += 300;
		return $node->safe_psql('postgres', "SELECT presence_events('global_presence', '$epoch', $seq) ->> 'resync'") eq 'true';
	});
kill 'CONT', $_->{run}{KIDS}[0]{PID} for $tail, $mapped;
prints($tail, qr/^\{"resync":\{"channel":"global_presence","epoch":"\w+","seq":\d+\}\}$/m, 'what is not remembered is said to be missing');
prints($mapped, qr/\n\{"snapshot": .*"y{400}$last"/, 'or there is a new snapshot');
say_message('four');
prints($_, qr/"four"/, 'and it goes on') for $tail, $mapped;

# when all are told to look again
$node->safe_psql('postgres', 'SELECT presence_resync()');
prints($tail, qr/"presence_resync".*\n\{"resync"/, 'after presence_resync too');
prints($mapped, qr/"presence_resync".*\n\{"snapshot"/, 'after presence_resync too');

# when the server is started again
$node->restart;
wait_for_worker($node);
say_message('five');
prints($mapped, qr/"five"/, 'it finds a server that was started again');
prints($tail, qr/\{"resync".*\n\{"resync"/, 'whose events before that are another run');
say_message('six');
prints($_, qr/"six"/, 'and it goes on') for $tail, $mapped;
is_deeply(disorder($_), [], 'no event twice, none out of order') for $tail, $mapped;
like($tail->{err}, qr/presence-tail: .*terminating connection|server closed/, 'a lost connection is remarked');
is(end_tail($_, 'TERM'), 0, 'SIGTERM ends it in order') for $tail, $mapped;

# ---- since --------------------------------------------------------------------------------------------------------------

# given a position, and what happened after it
my $position = $node->safe_psql('postgres', "SELECT epoch || ':' || seq FROM presence_info()");
say_message('after one');
my ($at) = $position =~ /:(\d+)$/;
$node->poll_query_until('postgres', "SELECT seq > $at FROM presence_info()") or die 'it is not told';    # what comes at once is told as one
say_message('after two');
$tail = start_tail('--json', '--since', $position);
prints($tail, qr/after two/, '--since prints what came after the position');
say_message('after three');
prints($tail, qr/after three/, 'and goes on');
is_deeply(messages($tail), [ 'after one', 'after two', 'after three' ], 'each event once');
end_tail($tail, 'INT');
$tail = start_tail('--json', '--since', 'another:7');
prints($tail, qr/^\{"resync"/, 'of a position that is not known any more it says so');
end_tail($tail, 'INT');

# a NOTIFY of somebody else is no event
is_listening(0) or die 'the one before is still there';
$tail = start_tail('--json');
is_listening(1) or die 'it does not listen';
$node->safe_psql('postgres', q{NOTIFY global_presence, 'no JSON'; NOTIFY global_presence, '{"epoch":"x","seq":99999,"prev":1,"event":"user_left"}'});
say_message('real');
prints($tail, qr/"real"/, 'who forges events is not believed');
is_deeply(messages($tail), ['real'], 'only what is real is printed');
end_tail($tail, 'INT');

# ---- what can be wrong --------------------------------------------------------------------------------------------------

# Its exit code, and what it says.
sub refusal
{
	my $tail = start_tail(@_);
	my $code = end_tail($tail);
	return "$code: $tail->{err}";
}

$node->safe_psql('postgres', 'CREATE ROLE nobody_in_particular LOGIN; CREATE DATABASE empty');
like(refusal('-d', 'empty'), qr/^1: .*no extension presence\n.*CREATE EXTENSION presence/, 'without the extension it says how to make it');
like(refusal('--schema', 'public'), qr/^1: .*--schema presence/, 'in another schema it says in which');
like(refusal('-d', "user=nobody_in_particular dbname=postgres"), qr/^1: .*permission denied.*\n.*presence_grant/, 'without rights it says who gives them');
like(refusal('-d', 'nowhere'), qr/^2: .*"nowhere" does not exist/, 'without a database it ends');
like(refusal('--since', '7'), qr/^2: .*EPOCH:SEQ/, 'a wrong position is a wrong command line');
is(end_tail(start_tail('--help')), 0, '--help');

finish($node);
done_testing();
