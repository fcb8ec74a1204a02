# Behind PgBouncer in transaction mode, where each transaction may run on another connection: all functions but those that need a
# session, the claims of one transaction, the sessions of a gateway, and a poller that keeps a true picture by presence_events.
# For bind => true, LISTEN and presence_listen a pooler is no place (README, docs/delivery.md).
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run ();
use JSON::PP ();
use Test::More;
use Time::HiRes 'sleep';

my $node = new_server('pgbouncer', conf => q{
presence.trusted_gateways = 'gate'
presence.disconnect_grace = '300ms'
presence.session_timeout = '1h'});
$node->start;
create_presence($node);
$node->safe_psql('postgres', q{
	CREATE ROLE app LOGIN;
	CREATE ROLE authenticated;
	CREATE ROLE gate LOGIN NOINHERIT IN ROLE authenticated;
	CREATE ROLE guest;
	SELECT presence_grant('app', 'service'), presence_grant('authenticated', 'user')});

# ---- the pooler -----------------------------------------------------------------------------------------------------

my $superuser = getpwuid $>;
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$dir/users", join '', map { qq{"$_" ""\n} } $superuser, 'app', 'gate');
# Round robin: two transactions that follow each other are never on the same connection.
append_to_file("$dir/ini", <<"EOT");
[databases]
postgres = host=@{[ $node->host ]} port=@{[ $node->port ]}
[pgbouncer]
unix_socket_dir = $dir
listen_port = $port
auth_type = trust
auth_file = $dir/users
pool_mode = transaction
default_pool_size = 3
min_pool_size = 3
server_round_robin = 1
EOT
# Its log goes to a file: a pipe that nobody reads would fill up and stop it.
my $log = "$dir/log";
my $pooler = IPC::Run::start([ 'pgbouncer', "$dir/ini" ], '<', \undef, '>&', $log);
END { local $?; $pooler->kill_kill if $pooler }

# Runs SQL through the pooler; each statement is a transaction, in the simple protocol, which prepares nothing.
sub pooled
{
	my ($user, $sql) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ $node->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose',
			"host=$dir port=$port user=$user dbname=postgres" ], '<', \$sql, '>', \$out, '2>', \$err);
	chomp $out;
	return wantarray ? ($out, $err) : $err ? "failed: $err" : $out;
}

ok(wait_until(sub { pooled('app', 'SELECT 1') eq '1' }), 'the pooler is there') or diag slurp_file($log);

# All connections of the pool are there from now on.
ok( wait_until(
		sub {
			my @sleepers = map { IPC::Run::start([ $node->installed_command('psql'), '-Xq', '-c', 'SELECT pg_sleep(0.5)',
						"host=$dir port=$port user=app dbname=postgres" ], '<', \undef, '>', \my $out) } 1 .. 3;
			$_->finish for @sleepers;
			my %backends = map { $_ => 1 } split /\n/, pooled('app', "SELECT pg_backend_pid();\n" x 6);
			return keys %backends == 3;
		}),
	'transactions are on three connections in turns');

# ---- all functions ----------------------------------------------------------------------------------------------------

# The calls in an order that makes sense. Each function that the extension has stands here or below.
my @calls = (
	presence_connect => q{SELECT * FROM presence_connect('1', 'tab', '{"name": "Ann"}', 'phone', '203.0.113.7', 'agent', '/', lease => '1 min')},
	presence_touch => q{SELECT presence_touch('1', 'click', '/inbox', session_id => 'tab', interactions => 3)},
	presence_touch_many => q{SELECT presence_touch_many('{2,3}')},
	presence_heartbeat => q{SELECT presence_heartbeat('tab')},
	presence_heartbeat_many => q{SELECT presence_heartbeat_many('{tab,unknown}')},
	presence_gateway => q{SELECT presence_gateway('node-1')},
	presence_sessions => q{SELECT * FROM presence_sessions('1')},
	presence_set_status => q{SELECT * FROM presence_set_status('1', 'busy', 'in a call')},
	presence_set_status_many => q{SELECT presence_set_status_many('{2,3}', '{away,busy}')},
	presence_set_message => q{SELECT * FROM presence_set_message('1', 'out', now() + interval '1 h')},
	presence_clear_status => q{SELECT * FROM presence_clear_status('1')},
	presence_status => q{SELECT presence_status('1')},
	presence_get => q{SELECT * FROM presence_get('1', viewer => '2')},
	presence_get_many => q{SELECT * FROM presence_get_many('{1,2}')},
	presence_online_users => q{SELECT * FROM presence_online_users(10, '2')},
	presence_counts => q{SELECT * FROM presence_counts()},
	presence_join => q{SELECT * FROM presence_join('1', 'lobby', session_id => 'tab')},
	presence_join_document => q{SELECT * FROM presence_join_document('1', 7, '{"line": 1}')},
	presence_move_cursor => q{SELECT presence_move_cursor('1', 7, '{"line": 2}', '[1, 2]', 17)},
	presence_set_state => q{SELECT presence_set_state('1', 'lobby', '{"hand": true}')},
	presence_typing => q{SELECT presence_typing('1', 'lobby', user_name => 'Ann')},
	presence_typing_users => q{SELECT * FROM presence_typing_users('lobby')},
	presence_members => q{SELECT * FROM presence_members('lobby', viewer => '2')},
	presence_member_count => q{SELECT presence_member_count('lobby')},
	presence_channels => q{SELECT presence_channels('1')},
	presence_set_visibility => q{SELECT presence_set_visibility('1', 'contacts', 'status', 'lobby')},
	presence_add_contact => q{SELECT presence_add_contact('1', '2', 'full')},
	presence_set_contacts => q{SELECT presence_set_contacts('1', '{2,3}')},
	presence_remove_contact => q{SELECT presence_remove_contact('1', '3')},
	presence_block => q{SELECT presence_block('1', '3')},
	presence_unblock => q{SELECT presence_unblock('1', '3')},
	presence_visibility_of => q{SELECT * FROM presence_visibility_of('1')},
	presence_can_see => q{SELECT presence_can_see('2', '1', 'lobby')},
	presence_preview => q{SELECT * FROM presence_preview('1', '3')},
	presence_snapshot => q{SELECT presence_snapshot('lobby', viewer => '2')},
	presence_events => q{SELECT presence_events('lobby', epoch, 0) FROM presence_info()},
	presence_wait => q{SELECT presence_wait('lobby', epoch, seq, '100 ms') FROM presence_info()},
	presence_version => q{SELECT presence_version('lobby')},
	presence_notify_channel => q{SELECT presence_notify_channel('lobby')},
	presence_info => q{SELECT * FROM presence_info()},
	presence_act_for_others => q{SELECT presence_act_for_others()},
	presence_count_everybody => q{SELECT presence_count_everybody()},
	presence_leave_document => q{SELECT presence_leave_document('1', 7)},
	presence_leave => q{SELECT presence_leave('1', 'lobby')},
	presence_disconnect => q{SELECT presence_disconnect('tab')},
	presence_logout => q{SELECT presence_logout('1')},
	presence_import => q{SELECT presence_import('[{"user_id": "9", "status": "online"}]')},
	presence_forget => q{SELECT presence_forget('9')},
);
my @calls_of_the_owner = (
	presence_resync => q{SELECT presence_resync()},
	presence_level_functions => q{SELECT presence_level_functions('user')},
	presence_grant => q{SELECT presence_grant('guest', 'monitor')},
	presence_revoke => q{SELECT presence_revoke('guest')},
	presence_reset => q{SELECT presence_reset()},
);
my %not_called = (
	presence_listen => 'LISTEN needs a session',
	presence_unlisten => 'as does its end',
	(map { $_ => 'part of the type, used by each call above' } qw(presence_id_in presence_id_out presence_id_recv presence_id_send)),
	presence_guard => 'a trigger',
	presence_created => 'for the install script',
	(map { $_ => 'for the worker' } qw(presence_moment_of presence_make_partition presence_maintain_partitions presence_drop_partitions)),
);

my %known = (%not_called, @calls, @calls_of_the_owner);
is_deeply(
	[ split /\n/, $node->safe_psql('postgres', q{
		SELECT DISTINCT p.proname FROM pg_extension AS e
		JOIN pg_depend AS d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
		WHERE e.extname = 'presence' ORDER BY 1}) ],
	[ sort keys %known ],
	'each function of the extension is called here, or there is a reason why not');

for my $list ([ 'app', @calls ], [ $superuser, @calls_of_the_owner ])
{
	my ($user, @todo) = @$list;
	while (my ($name, $sql) = splice @todo, 0, 2)
	{
		my (undef, $err) = pooled($user, $sql);
		is($err, '', $name);
	}
}

# ---- claims -----------------------------------------------------------------------------------------------------------

# What PostgREST does for each request.
sub request
{
	my ($claims, $sql) = @_;
	my $set = defined $claims ? "SET LOCAL request.jwt.claims = '$claims';" : '';
	return scalar pooled('gate', "BEGIN; SET LOCAL ROLE authenticated; $set $sql; COMMIT");
}

request('{"sub": "41"}', q{SELECT presence_set_visibility(NULL, 'nobody')});
for my $round (1 .. 3)
{
	for my $user (qw(41 42 43))
	{
		is(request(qq({"sub": "$user"}), q{SELECT (presence_set_status(NULL, 'busy', 'by claim')).user_id}), $user, "round $round: the claim says who calls: $user");
		is(request(qq({"sub": "$user"}), q{SELECT presence_status('41')}), $user == 41 ? 'busy' : 'offline', 'and who reads');
	}
	like(request(undef, 'SELECT presence_touch(NULL)'), qr/42501/, 'it ends with its transaction: without one nobody is acted for');
}
like(request('{"sub": "42"}', q{SELECT presence_touch('41')}), qr/42501/, 'nobody acts for another');
like(request('{"sub": "42"}', q{SELECT presence_touch_many('{42}')}), qr/42501/, 'and batches are not for users');

# ---- a gateway ----------------------------------------------------------------------------------------------------------

# given sessions of a gateway with the shortest lease and one of a gateway that is silent
pooled('app', qq{SELECT presence_gateway('kept', '10 s'); SELECT presence_gateway('silent', '10 s');
	SELECT presence_connect('kept', 'kept', gateway => 'kept'); SELECT presence_connect('silent', 'silent', gateway => 'silent')});
# when one of them calls, each time on another connection, longer than its lease
my %kept;
$kept{ pooled('app', q{SELECT presence_gateway('kept', '10 s')}) }++ && sleep 1 for 1 .. 12;
is_deeply([ keys %kept ], ['1'], 'a gateway keeps its sessions from any connection');
# then its session is here, and the other's is gone
is(pooled('app', q{SELECT presence_status('kept'), presence_status('silent')}), 'online|offline', 'and who is silent loses them');

# ---- polling ------------------------------------------------------------------------------------------------------------

# What a poller keeps, by the rule of docs/delivery.md.
my ($map, $epoch, $seq, @wrong);
my $resyncs = 0;

sub begin
{
	my $snapshot = JSON::PP->new->decode(scalar pooled('app', q{SELECT presence_snapshot()}));
	$map = { map { $_->{user_id} => [ @{$_}{qw(status status_message)} ] } @{ $snapshot->{users} } };
	($epoch, $seq) = @{$snapshot}{qw(epoch seq)};
	return;
}

sub poll
{
	my $answer = JSON::PP->new->decode(scalar pooled('app', "SELECT presence_events('global_presence', '$epoch', $seq, 100)"));
	if ($answer->{resync})
	{
		$resyncs++;
		return begin();
	}
	for my $event (@{ $answer->{events} })
	{
		push @wrong, "$event->{seq} (prev $event->{prev}) after $seq" unless $event->{seq} > $seq && $event->{prev} <= $seq;
		$seq = $event->{seq};
		return begin() if $event->{event} eq 'presence_resync';
		my $user = $event->{user_id};
		if ($event->{event} eq 'user_left' || ($event->{status} // '') eq 'offline') { delete $map->{$user} }
		else { $map->{$user} = [ @{$event}{qw(status status_message)} ] }
	}
	$seq = $answer->{seq};
	return scalar @{ $answer->{events} };
}

# given nobody who hides, a poller, and clients who come, change their status and message, and go, through the same pooler and beside it
request('{"sub": "41"}', q{SELECT presence_set_visibility(NULL, NULL)});
begin();
append_to_file("$dir/script", <<'EOT');
\set u random(1, 30)
\set what random(1, 6)
SELECT CASE :what WHEN 1 THEN presence_logout(:u)::text WHEN 2 THEN presence_touch(:u)
	WHEN 3 THEN (presence_set_status(:u, 'busy', 'm' || random())).status WHEN 4 THEN (presence_set_status(:u, 'away')).status
	WHEN 5 THEN (presence_set_message(:u, 'n' || random())).status ELSE (presence_clear_status(:u)).status END;
EOT
my @clients = map {
	IPC::Run::start([ $node->installed_command('pgbench'), '-n', '-M', 'simple', '-c', 2, '-R', 100, '-T', 8, '-f', "$dir/script", $_ ],
		'<', \undef, '>', '/dev/null', '2>', '/dev/null')
  } "host=$dir port=$port user=app dbname=postgres", "host=@{[ $node->host ]} port=@{[ $node->port ]} user=app dbname=postgres";

# when it polls, also for a while after they have ended
my $polled = 0;
my $end = time + 9;
while (time < $end)
{
	$polled += poll();
	sleep 0.05;
}
$_->finish for @clients;
my $truth = q{SELECT user_id, status, status_message FROM presence_online_users(1000) ORDER BY user_id COLLATE "C"};
sub known { return join "\n", map { join '|', $_, map { $_ // '' } @{ $map->{$_} } } sort keys %$map }
# The lease of the gateway above ends about now: both are read together, until they are the same.
my ($known, $true);
wait_until(sub { poll(); $known = known(); $true = pooled('app', $truth); return $known eq $true });

# then it knows what is true, and nothing came twice or out of order
is($known, $true, 'a poller converges');
is_deeply(\@wrong, [], 'no event twice, none out of order');
cmp_ok($polled, '>', 100, 'by events') or diag "$resyncs resyncs";
is($resyncs, 0, 'alone');

$pooler->signal('TERM');
$pooler->finish;
finish($node);
done_testing();
