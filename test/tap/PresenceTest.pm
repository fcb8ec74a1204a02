# What the TAP tests share: servers with presence, listeners, errors, and a load whose acknowledged changes can be counted.
#
# PRESENCE_NORMAL and PRESENCE_TESTING name the two private installations (the directory above bin); scripts/check sets them.
package PresenceTest;

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

our @EXPORT = qw(new_server presence_conf create_presence finish error_of answer_of wait_for_server worker_pid wait_for_worker stop_worker
  eventually advance start_load finish_load check_load check_histories wait_until is_gone quiet flush_log spent note_wal);

# ---- servers --------------------------------------------------------------------------------------------------------

# A server that is initialised and not started. testing => 1: the build whose clock moves. conf => lines of
# postgresql.conf. preload => 0: without the line that it needs. Other parameters go to Cluster::init.
sub new_server
{
	my ($name, %params) = @_;
	my $variable = delete $params{testing} ? 'PRESENCE_TESTING' : 'PRESENCE_NORMAL';
	my $path = $ENV{$variable} or die "$variable is not set; scripts/check sets it";
	my $conf = delete $params{conf} // '';
	my $preload = delete $params{preload} // 1;
	my $node = PresenceTest::Server->new($name, install_path => $path);
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ], %params);
	$node->append_conf('postgresql.conf', presence_conf($preload) . "$conf\n");
	return $node;
}

sub presence_conf
{
	my ($preload) = @_;
	my $line = $preload ? "shared_preload_libraries = 'presence'\n" : '';
	return $line . "search_path = 'presence, public'\nlog_statement = none\n";
}

sub create_presence
{
	my ($node, $database) = @_;
	$database //= 'postgres';
	$node->safe_psql($database, 'CREATE SCHEMA IF NOT EXISTS presence; CREATE EXTENSION presence SCHEMA presence');
	wait_for_worker($node, $database);
	return;
}

# Stops the server and looks through its log: exactly as many crashes as the test made on purpose, and no PANIC, no TRAP.
# The number is left beside the log, where scripts/check counts again.
sub finish
{
	my ($node, %params) = @_;
	my $crashes = $params{crashes} // 0;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$node->stop('fast') if defined $node->{_pid};
	append_to_file($node->logfile . '.crashes', "$crashes\n");
	my @found = slurp_file($node->logfile) =~ /^.*(?:terminated by signal|PANIC:|TRAP:).*$/mg;
	is(scalar @found, $crashes, $node->name . ": as many crashes in the log as were made on purpose")
	  or diag(join "\n", @found);
	return;
}

# ---- asking ---------------------------------------------------------------------------------------------------------

# (safe_psql and poll_query_until of a server: see PresenceTest::Server.)

# What a statement fails with: SQLSTATE, message, HINT; nothing when it does not fail.
sub error_of
{
	my ($node, $database, $sql) = @_;
	my ($code, $out, $err) = $node->psql($database, $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	return if $code == 0;
	my ($state, $message) = $err =~ /(?:ERROR|FATAL):  (\w{5}): (.*)/;
	my ($hint) = $err =~ /^HINT:  (.*)$/m;
	return ($state // $err, $message // $err, $hint // '');
}

# What a statement answers, or undef: of a server that may not be there.
sub answer_of
{
	my ($node, $sql) = @_;
	# What is written to a psql that has ended already is an error of IPC::Run.
	my ($code, $out) = eval { $node->psql('postgres', $sql, timeout => 10) };
	return defined $code && $code == 0 ? $out : undef;
}

# After a crash; in another run than $epoch, if that is given.
sub wait_for_server
{
	my ($node, $epoch) = @_;
	wait_until(
		sub {
			my $now = answer_of($node, defined $epoch ? 'SELECT epoch FROM presence_info()' : "SELECT 'there'");
			return defined $now && $now ne ($epoch // '');
		}) or die 'the server did not come back';
	return;
}

# A worker owns its database before it is connected, and goes on when it is asked to cancel something only once it has begun
# its rounds; this is what it says then.
my $working_worker = q{
	SELECT worker_pid FROM presence_info() WHERE worker_alive AND EXISTS (
		SELECT FROM pg_stat_activity WHERE pid = worker_pid AND query = 'presence: applying what is due')};

# The worker of a database, as soon as there is one.
sub worker_pid
{
	my ($node, $database) = @_;
	my $pid;
	wait_until(sub { ($pid = $node->safe_psql($database // 'postgres', $working_worker)) ne '' }) or die 'the worker did not come';
	return $pid;
}

# Waits until a worker has loaded everybody; another one than $gone, if that is given.
sub wait_for_worker
{
	my ($node, $database, $gone) = @_;
	$gone //= 0;
	$node->poll_query_until($database // 'postgres', "SELECT complete AND EXISTS ($working_worker AND worker_pid <> $gone) FROM presence_info()")
	  or die 'the worker did not come';
	return;
}

# SIGSTOP, when the worker is not in a round, where it would hold what others wait for; returns its pid.
sub stop_worker
{
	my ($node, $database) = @_;
	my $pid = worker_pid($node, $database);
	my $is_idle = sub { (answer_of($node, "SELECT state FROM pg_stat_activity WHERE pid = $pid") // '') eq 'idle' };
	wait_until(
		sub {
			return 0 unless $is_idle->();
			kill 'STOP', $pid;
			return 1 if $is_idle->();
			kill 'CONT', $pid;
			return 0;
		}) or die 'the worker is never idle';
	return $pid;
}

# A test that the answer becomes true by itself.
sub eventually
{
	my ($node, $database, $query, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($node->poll_query_until($database, $query), $name);
}

# The same for what Perl knows.
sub wait_until
{
	my ($condition, $seconds) = @_;
	my $deadline = Time::HiRes::time() + ($seconds // 60);
	my $is_last = 0;
	until ($condition->())
	{
		return 0 if $is_last;
		Time::HiRes::sleep(0.05);
		$is_last = Time::HiRes::time() > $deadline;
	}
	return 1;
}

sub advance
{
	my ($node, $database, $interval) = @_;
	return $node->safe_psql($database, "SELECT presence_test_advance('$interval')");
}

# Waits until a backend is no more, which is after it has left everything that it must leave in order.
sub is_gone
{
	my ($node, $pid) = @_;
	return $node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
}

# ---- what a call costs ----------------------------------------------------------------------------------------------

# The place in the WAL and the next transaction id.
sub spent
{
	my ($node) = @_;
	return $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot())');
}

# Waits until nobody has written for a while. A session that reads a page of a table may prune it, which is WAL of its own:
# VACUUM does that first.
sub quiet
{
	my ($node) = @_;
	my $place = '';
	$node->safe_psql('postgres', 'VACUUM');
	return wait_until(
		sub {
			my $now = spent($node);
			my $same = $now eq $place;
			$place = $now;
			Time::HiRes::sleep(0.7) unless $same;
			return $same;
		});
}

# What the worker has written is there after a crash, too: its commits do not wait for the disk, this one does.
sub flush_log
{
	my ($node) = @_;
	$node->safe_psql('postgres', q{SELECT pg_logical_emit_message(true, 'presence_test', '')});
	return;
}

# Says in the log what was written since.
sub note_wal
{
	my ($node, $spent) = @_;
	my ($from) = split /\|/, $spent;
	my ($out) = run_command([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal', '-s', $from ]);
	note substr $out, 0, 20000;
	return;
}

# ---- histories ------------------------------------------------------------------------------------------------------

# Each user's history is one chain: a change begins with what the one before it ended with, and the last is the row.
sub check_histories
{
	my ($node, $database, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is( $node->safe_psql(
			$database, q{
		SELECT user_id, previous_status, before FROM (
			SELECT user_id, previous_status, lag(new_status, 1, 'offline') OVER (PARTITION BY user_id ORDER BY changed_at) AS before
			FROM presence_history) AS step
		WHERE previous_status <> before LIMIT 5}),
		'', "$name: each history is one chain");
	return;
}

# ---- a load whose acknowledged changes can be counted ------------------------------------------------------------------

my $users_of_client = 20;

# Starts pgbench: each client changes the statuses of its own users, one after the other, busy and away in turns, so that
# every change is one. Change number i of client c in round r has the reason 'r<r> c<c> i<i>'.
sub start_load
{
	my ($node, $round, %params) = @_;
	my $load = {
		round => $round,
		clients => $params{clients} // 8,
		dir => File::Temp::tempdir(CLEANUP => 1),
		output => '',
	};
	my $script = "$load->{dir}/script";
	append_to_file($script, <<"EOT");
\\set i :i + 1
\\set k :i % $users_of_client
SELECT presence_set_status('r$round c' || :client_id || ' u' || :k, CASE (:i / $users_of_client) % 2 WHEN 0 THEN 'busy' ELSE 'away' END, 'i' || :i, reason => 'r$round c' || :client_id || ' i' || :i);
SELECT presence_touch('r$round touched' || :k);
EOT
	$load->{pgbench} = IPC::Run::start(
		[
			$node->installed_command('pgbench'), '-n', '-l', "--log-prefix=$load->{dir}/log",
			'-h', $node->host, '-p', $node->port, '-c', $load->{clients}, '-j', 1, '-T', 600, '-D', 'i=0',
			'-f', $script, 'dbname=postgres application_name=pgbench'
		],
		'<', \undef, '>&', \$load->{output}, IPC::Run::timeout(120));
	return $load;
}

# Waits for pgbench to end, which it does when the server has gone away; returns how many changes were acknowledged.
sub finish_load
{
	my ($load) = @_;
	eval { $load->{pgbench}->finish; 1 } or do
	{
		$load->{pgbench}->kill_kill;
		die "pgbench did not notice that its server has gone away: $load->{output}";
	};
	my %acknowledged = map { $_ => 0 } 0 .. $load->{clients} - 1;
	for my $log (glob "$load->{dir}/log.*")
	{
		$acknowledged{ (split)[0] }++ for split /\n/, slurp_file($log);
	}
	$load->{acknowledged} = \%acknowledged;
	my $count = 0;
	$count += $_ for values %acknowledged;
	return $count;
}

# Every acknowledged change is in the history, once; every row has the last one of its user, or the one that was under way.
sub check_load
{
	my ($node, $load, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $round = $load->{round};
	my $acknowledged = join ', ', map { "($_, $load->{acknowledged}{$_})" } sort keys %{ $load->{acknowledged} };
	my $with = qq{
		WITH acknowledged(client, n) AS (VALUES $acknowledged),
		change AS (
			SELECT client, n, i, i % $users_of_client AS k, format('r$round c%s i%s', client, i) AS reason
			FROM acknowledged, generate_series(1, n) AS i),
		last AS (SELECT client, n, k, max(i) AS i FROM change GROUP BY client, n, k)};
	is($node->safe_psql('postgres', qq{$with
		SELECT reason, count(h.user_id) FROM change LEFT JOIN presence_history AS h ON h.change_reason = reason
		GROUP BY reason HAVING count(h.user_id) <> 1 LIMIT 5}),
		'', "$name: every acknowledged change is in the history, once");
	is($node->safe_psql('postgres', qq{$with
		SELECT last.*, p.status, p.status_message FROM last LEFT JOIN user_presence AS p ON p.user_id = format('r$round c%s u%s', client, k)
		WHERE NOT coalesce(
			(p.status_message = 'i' || i AND p.status = CASE (i / $users_of_client) % 2 WHEN 0 THEN 'busy' ELSE 'away' END)
			OR ((n + 1) % $users_of_client = k AND p.status_message = 'i' || (n + 1)
				AND p.status = CASE ((n + 1) / $users_of_client) % 2 WHEN 0 THEN 'busy' ELSE 'away' END), false) LIMIT 5}),
		'', "$name: every row has its last acknowledged change");
	is($node->safe_psql('postgres', qq{
		SELECT p.user_id, p.status, g.status, p.status_message, g.status_message
		FROM user_presence AS p, presence_get(p.user_id) AS g
		WHERE p.user_id LIKE 'r$round c%' AND (p.status, p.status_message) IS DISTINCT FROM (g.status, g.status_message) LIMIT 5}),
		'', "$name: memory says what the rows say");
	return;
}

# ---- many questions ---------------------------------------------------------------------------------------------------

package PresenceTest::Server;

our @ISA = ('PostgreSQL::Test::Cluster');

# As those of Cluster, but what is asked of the database postgres goes through one connection that stays: a psql and a backend
# for each question take a hundred times as long as the question, and the tests ask thousands. A question leaves nothing
# behind there but what belongs to the backend, such as sessions that it binds. With a parameter, such as alone => 1, it has
# a psql of its own.
sub safe_psql
{
	my ($self, $database, $sql, %params) = @_;
	if (%params || $database ne 'postgres')
	{
		delete $params{alone};
		return $self->SUPER::safe_psql($database, $sql, %params);
	}
	my ($stdout, $stderr, $is_done) = $self->asker->ask($sql);
	die "error running SQL: '$stderr' with '$sql'" unless $is_done;
	print "# $stderr\n" if $stderr ne '';
	return $stdout;
}

sub poll_query_until
{
	my ($self, $database, $query, $expected) = @_;
	return $self->SUPER::poll_query_until($database, $query, $expected) if $database ne 'postgres';
	$expected //= 't';
	my ($stdout, $stderr);
	my $became = PresenceTest::wait_until(
		sub {
			($stdout, $stderr) = $self->asker->ask($query);
			return $stdout eq $expected && $stderr eq '';
		});
	Test::More::diag("it did not become '$expected': $query\nbut: $stdout\n$stderr") unless $became;
	return $became;
}

# Its time counts from each question, not from its start.
sub background_psql
{
	my ($self, $database, %params) = @_;
	my $session = $self->SUPER::background_psql($database, timeout => 600, %params);
	$session->set_query_timer_restart;
	return $session;
}

# A smart shutdown would wait for it.
sub stop
{
	my ($self, @how) = @_;
	$self->hang_up;
	return $self->SUPER::stop(@how);
}

# Until the next question nobody is connected.
sub hang_up
{
	my ($self) = @_;
	delete $self->{asker};
	return;
}

# With the environment of now, to the server that is there now.
sub asker
{
	my ($self) = @_;
	local %ENV = $self->_get_env();
	my $environment = join "\0", map { "$_=$ENV{$_}" } grep { /^PG/ } sort keys %ENV;
	$self->hang_up unless $self->{asker} && $self->{asker}{environment} eq $environment && $self->{asker}->is_there;
	$self->{asker} //= PresenceTest::Asker->new($self->installed_command('psql'), $self->connstr('postgres'), $environment);
	return $self->{asker};
}

package PresenceTest::Asker;

my $end = 'the end of an answer';

sub new
{
	my ($class, $psql, $connection, $environment) = @_;
	my $self = bless { environment => $environment, in => '', out => '', err => '', patience => IPC::Run::timeout(600) }, $class;
	$self->{run} = IPC::Run::start([ $psql, '-XAtq', '-d', $connection, '-f', '-' ], '<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{patience});
	return $self;
}

# A server that has gone away is noticed by a question only.
sub is_there
{
	my ($self) = @_;
	return ($self->ask('SELECT 1'))[2];
}

# Returns what a question writes, what is said beside that, and whether it ended without an error; psql ends with an error.
sub ask
{
	my ($self, $sql) = @_;
	return ('', 'psql has ended', 0) unless $self->{run}->pumpable;
	$self->{patience}->start;
	$self->{in} .= "\\set ON_ERROR_STOP 1\n$sql\n;\n\\echo '$end'\n\\warn '$end'\n\\set ON_ERROR_STOP 0\nROLLBACK;\nDISCARD ALL;\n\\warn '$end'\n";
	# A psql that ends while it is written to is an error of IPC::Run.
	my $is_pumped = eval { $self->{run}->pump while $self->{run}->pumpable && !($self->{out} =~ /$end\n/ && $self->{err} =~ /$end\n(?s:.*)$end\n/); 1 };
	die $@ unless $is_pumped || $@ =~ /^ack |process ended prematurely/;
	my ($out, $err) = @$self{qw(out err)};
	@$self{qw(out err)} = ('', '');
	my $is_done = $out =~ s/\n?$end\n//;
	$err =~ s/$end\n(?s:.*)//;
	chomp $err;
	$self->{patience}->reset;
	return ($out, $err, $is_done);
}

# What is written to a psql that has ended is lost.
sub DESTROY
{
	my ($self) = @_;
	local ($?, $@, $!);
	eval { $self->{run}->signal('KILL'); $self->{run}->finish };
	return;
}

# ---- listeners --------------------------------------------------------------------------------------------------------

package PresenceTest::Listener;

use PostgreSQL::Test::Utils;

# A session that listens to channels; without any, to global_presence.
sub new
{
	my ($class, $node, $database, @channels) = @_;
	my $self = bless { events => [], raw => [] }, $class;
	$self->{psql} = $node->background_psql($database);
	$self->query(qq{LISTEN "$_"}) for @channels ? @channels : 'global_presence';
	return $self;
}

# Runs a statement in that session; what was heard by then is kept.
sub query
{
	my ($self, $sql) = @_;
	my $out = $self->{psql}->query_safe($sql);
	while ($out =~ s/^Asynchronous notification "(.*)" with payload "(.*)" received from server process with PID \d+\.\n?//m)
	{
		push @{ $self->{raw} }, { channel => $1, payload => $2 };
		push @{ $self->{events} }, JSON::PP->new->decode($2);
	}
	return $out;
}

# All events so far, oldest first.
sub events
{
	my ($self) = @_;
	$self->query('SELECT 1');
	return @{ $self->{events} };
}

sub forget_events
{
	my ($self) = @_;
	$self->events;
	@{ $self->{events} } = ();
	@{ $self->{raw} } = ();
	return;
}

# Waits until the events fulfil a condition.
sub wait_for
{
	my ($self, $condition, $seconds) = @_;
	return PresenceTest::wait_until(sub { $condition->($self->events) }, $seconds);
}

# The events of one user in short: "event previous>status reason".
sub story
{
	my ($self, $user) = @_;
	return map { short($_) } grep { ($_->{user_id} // '') eq $user } @{ $self->{events} };
}

sub short
{
	my ($event) = @_;
	return $event->{event} if $event->{event} ne 'user_status_changed';
	return "$event->{previous_status}>$event->{status} $event->{reason}";
}

# The same in one channel.
sub story_in
{
	my ($self, $channel, $user) = @_;
	return map { short($_) } grep { ($_->{user_id} // '') eq $user && $_->{channel} eq $channel } @{ $self->{events} };
}

# What is wrong with the sequences: each event names the one before it on its channel, in one epoch.
sub gaps
{
	my ($self) = @_;
	my @gaps;
	my %before;
	for my $event (@{ $self->{events} })
	{
		my $before = $before{ $event->{channel} };
		push @gaps, "$event->{channel}: $event->{seq} follows $before->{seq} and says $event->{prev}"
		  if $before && $before->{epoch} eq $event->{epoch} && $event->{prev} != $before->{seq};
		$before{ $event->{channel} } = $event;
	}
	return @gaps;
}

sub quit
{
	my ($self) = @_;
	$self->{psql}->quit;
	return;
}

# ---- many events ------------------------------------------------------------------------------------------------------

package PresenceTest::Tally;

use File::Temp ();

# A session that listens to one channel, global_presence when none is named, and writes what it hears to a file: for tens of
# thousands of events, of which a Listener would make a slow test. each => what is called with the JSON of each of them.
sub new
{
	my ($class, $node, $database, $channel, %params) = @_;
	$channel //= 'global_presence';
	my $self = bless { file => File::Temp->new, stories => {}, heard => 0, gaps => 0, before => undef, each => $params{each} }, $class;
	$self->{psql} = $node->background_psql($database);
	$self->{psql}->query_safe("\\o $self->{file}");
	$self->{psql}->query_safe(qq{LISTEN "$channel"});
	return $self;
}

# Reads on.
sub hear
{
	my ($self) = @_;
	$self->{psql}->query_safe('SELECT 1');
	my $file = $self->{file};
	seek $file, 0, 1;    # it has grown
	while (my $line = <$file>)
	{
		next unless $line =~ /with payload "(.*)" received from/;
		$self->{each}->($1) if $self->{each};
		my %is = $1 =~ /"(event|user_id|previous_status|status|reason|epoch|seq|prev)":"?([^",}]*)/g;
		my $told = $is{event} eq 'user_status_changed' ? "$is{previous_status}>$is{status} $is{reason}" : $is{event};
		push @{ $self->{stories}{ $is{user_id} // '' } }, $told;
		$self->{heard}++;
		my $before = $self->{before};
		$self->{gaps}++ if $before && $before->{epoch} eq $is{epoch} && $before->{seq} != $is{prev};
		$self->{before} = \%is;
	}
	return $self->{heard};
}

# How many events came since the last forget.
sub count { return $_[0]->hear }

# How many events were not announced by the one before them.
sub gaps { return $_[0]->{gaps} }

sub wait_for_count
{
	my ($self, $count) = @_;
	return PresenceTest::wait_until(sub { $self->hear >= $count });
}

# Waits until what was heard fulfils a condition, which is asked with the tally.
sub wait_for
{
	my ($self, $condition) = @_;
	return PresenceTest::wait_until(sub { $self->hear; $condition->($self) });
}

# How many users have which story: { "online>offline timeout, user_left" => 1000 }.
sub stories
{
	my ($self) = @_;
	$self->hear;
	my %count;
	$count{ join ', ', @$_ }++ for values %{ $self->{stories} };
	return \%count;
}

# Who has a story at all, in order.
sub users
{
	my ($self) = @_;
	$self->hear;
	return sort keys %{ $self->{stories} };
}

sub forget
{
	my ($self) = @_;
	$self->hear;
	$self->{stories} = {};
	$self->{heard} = 0;
	return;
}

sub quit
{
	my ($self) = @_;
	$self->{psql}->quit;
	return;
}

1;
