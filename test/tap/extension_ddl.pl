# CREATE EXTENSION and DROP EXTENSION, committed and rolled back: the worker comes and goes with it, nothing of a dropped one is seen.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('ddl', conf => "presence.memory = '4MB'");
$node->start;
my $workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'presence worker'";
$node->safe_psql('postgres', 'CREATE SCHEMA presence');
eventually($node, 'postgres', "SELECT ($workers) = 0", 'no extension, no worker once it has looked');

# given CREATE EXTENSION is rolled back, then nobody is started, and functions used within leave nothing
$node->safe_psql('postgres', q{
	BEGIN;
	CREATE EXTENSION presence SCHEMA presence;
	SELECT presence_touch('ann');
	SELECT presence_set_status('ben', 'busy');
	SELECT user_id, status FROM presence_online_users();
	ROLLBACK;});
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_extension WHERE extname = 'presence'"), '0', 'rolled back');

# given CREATE EXTENSION in an open transaction, then the worker waits for its commit
my $session = $node->background_psql('postgres');
$session->query_safe('BEGIN');
$session->query_safe('CREATE EXTENSION presence SCHEMA presence');
is($session->query_safe(q{SELECT (presence_set_status('ann', 'busy')).status}), 'busy', 'it works before the commit');
is($session->query_safe(q{SELECT string_agg(user_id, ' ') FROM presence_online_users()}), 'ann', 'and sees no one of the one rolled back');
is($node->safe_psql('postgres', $workers), '0', 'no worker before the commit');
$session->query_safe('COMMIT');
eventually($node, 'postgres', 'SELECT worker_alive AND complete FROM presence_info()', 'the worker comes with the commit');
is($node->safe_psql('postgres', "SELECT presence_status('ann')"), 'busy', 'what was set in the creating transaction is there');

# given DROP EXTENSION is rolled back, then all is as before
my $epoch = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');
$session->query_safe('BEGIN');
$session->query_safe('DROP EXTENSION presence');
$session->query_safe('ROLLBACK');
eventually($node, 'postgres', 'SELECT worker_alive FROM presence_info()', 'a DROP that is rolled back leaves a worker');
is($node->safe_psql('postgres', 'SELECT epoch FROM presence_info()'), $epoch, 'and the epoch');
is($node->safe_psql('postgres', "SELECT presence_status('ann')"), 'busy', 'and who is here');
$node->safe_psql('postgres', "SELECT presence_touch('cleo')");
eventually($node, 'postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'cleo'", 'and the worker goes on writing');

# given DROP EXTENSION, then the worker leaves, and a new extension knows nobody
$node->safe_psql('postgres', 'DROP EXTENSION presence');
eventually($node, 'postgres', 'SELECT NOT EXISTS (' . $workers =~ s/count\(\*\)//r . ')', 'the worker leaves');
create_presence($node);
is($node->safe_psql('postgres', 'SELECT total FROM presence_counts()'), '0', 'a new extension knows nobody');
is($node->safe_psql('postgres', "SELECT status FROM presence_get('ann')"), 'offline', 'not even by name');

# given DROP and CREATE in one transaction
$node->safe_psql('postgres', q{SELECT presence_set_status('dora', 'busy')});
$node->safe_psql('postgres', q{BEGIN; DROP EXTENSION presence; CREATE EXTENSION presence SCHEMA presence; SELECT presence_set_status('eve', 'away'); COMMIT;});
wait_for_worker($node);
is($node->safe_psql('postgres', "SELECT string_agg(user_id, ' ') FROM presence_online_users()"), 'eve', 'DROP and CREATE in one transaction');
$node->safe_psql('postgres', "SELECT presence_touch('fay')");
eventually($node, 'postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'fay'", 'and the worker is that of the new one');

# given the whole schema is dropped, and made again under another name
$node->safe_psql('postgres', 'DROP SCHEMA presence CASCADE');
eventually($node, 'postgres', 'SELECT NOT EXISTS (' . $workers =~ s/count\(\*\)//r . ')', 'DROP SCHEMA CASCADE: the worker leaves');
$node->safe_psql('postgres', 'CREATE SCHEMA "Other Schema"; CREATE EXTENSION presence SCHEMA "Other Schema"');
$node->poll_query_until('postgres', 'SELECT worker_alive AND complete FROM "Other Schema".presence_info()');
is($node->safe_psql('postgres', 'SELECT "Other Schema".presence_touch(7), ("Other Schema".presence_set_status(8, \'busy\')).status'), 'online|busy', 'any schema will do');
eventually($node, 'postgres', 'SELECT count(*) = 2 FROM "Other Schema".user_presence', 'also for the worker');

# given a schema that is renamed
$node->safe_psql('postgres', 'ALTER SCHEMA "Other Schema" RENAME TO presence');
is($node->safe_psql('postgres', "SELECT presence_touch(9), (presence_set_status(8, 'away')).status"), 'online|away', 'the schema may be renamed');
eventually($node, 'postgres', 'SELECT count(*) = 3 FROM user_presence', 'also for the worker');

# given a change open in another session, then DROP waits for it, and after both nothing is left
$session->query_safe('BEGIN');
$session->query_safe(q{SELECT presence_set_status('gus', 'busy')});
is((error_of($node, 'postgres', "SET lock_timeout = '300ms'; DROP EXTENSION presence"))[0], '55P03', 'DROP waits for an open change');
$session->query_safe('COMMIT');
$node->safe_psql('postgres', 'DROP EXTENSION presence');
create_presence($node);
is($session->query_safe(q{SELECT presence_status('gus')}), 'offline', 'a session that knew the old one knows the new one');
is($session->query_safe(q{SELECT presence_touch('gus')}), 'online', 'and works with it');
is($session->query_safe(q{SELECT (presence_set_status('gus', 'busy')).status}), 'busy', 'and with its tables');
$session->quit;

# given sessions, gateways and activities, when the extension is dropped, then a new one knows none of them
my $binder = $node->background_psql('postgres');
$node->safe_psql('postgres', q{SELECT presence_gateway('g'), presence_connect('hal', 'hal', gateway => 'g'), presence_connect('ian', 'ian', '{"name": "Ian"}', 'phone'), presence_touch('ian', 'click')});
$binder->query_safe(q{SELECT presence_connect('jo', 'jo', bind => true), presence_connect('kim', 'kim', bind => true)});
is($node->safe_psql('postgres', q{SELECT presence_heartbeat_many('{hal,ian,jo,kim,leo}'), presence_gateway('g')}), '{leo}|1', 'sessions and a gateway');
$node->safe_psql('postgres', 'DROP EXTENSION presence');
create_presence($node);
is($node->safe_psql('postgres', q{SELECT presence_heartbeat_many('{hal,ian,jo,kim}'), presence_gateway('g'), presence_gateway('h')}), '{hal,ian,jo,kim}|0|0', 'a new extension knows neither');
is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM presence_sessions), (SELECT count(*) FROM user_activities), (SELECT count(*) FROM presence_sessions('ian')), (presence_get('ian')).user_data IS NULL, (SELECT total FROM presence_counts())}), '0|0|0|t|0', 'nor their users');
# A session of the same name belongs to whoever has it now; the connection that had bound it in the old one ends only what it has bound in the new one.
$node->safe_psql('postgres', q{SELECT presence_connect('somebody', 'jo'), presence_connect('hal', 'hal', gateway => 'g')});
$binder->query_safe(q{SELECT presence_connect('mia', 'mia', bind => true)});
my $binder_pid = $binder->query_safe('SELECT pg_backend_pid()');
$node->append_conf('postgresql.conf', "presence.disconnect_grace = '1s'");
$node->reload;
$binder->quit;
is_gone($node, $binder_pid);
eventually($node, 'postgres', q{SELECT presence_status('mia') = 'offline'}, 'a connection that bound sessions in both ends those of the new one');
is($node->safe_psql('postgres', q{SELECT presence_status('somebody'), presence_status('hal'), presence_gateway('g')}), 'online|online|1', 'and no other');
# One that bound in the old one alone, and leaves while there is none, or another.
for my $new ('', '; CREATE EXTENSION presence SCHEMA presence')
{
	$node->safe_psql('postgres', 'CREATE EXTENSION IF NOT EXISTS presence SCHEMA presence');
	my $leaves = $node->background_psql('postgres');
	$leaves->query_safe(q{SELECT presence_connect('ned', 'ned', bind => true)});
	my $leaves_pid = $leaves->query_safe('SELECT pg_backend_pid()');
	$node->safe_psql('postgres', "DROP EXTENSION presence$new");
	$leaves->quit;
	is_gone($node, $leaves_pid);
}

sub when_there_is_memory
{
	my ($sql) = @_;
	my $answer;
	wait_until(
		sub {
			return 1 if eval { $answer = $node->safe_psql('postgres', $sql); 1 };
			die $@ unless $@ =~ /presence\.memory/;
			return 0;
		});
	return $answer;
}

# Nothing of them stays in memory, which holds the sessions of a few rounds only.
for (1 .. 15)
{
	# The worker frees it, and may not have come to it.
	is(when_there_is_memory(q{
		CREATE EXTENSION IF NOT EXISTS presence SCHEMA presence;
		SELECT count(presence_connect('u' || i, 's' || i, '{"name": "U"}', 'phone', gateway => 'g' || i % 50)) FROM generate_series(1, 2500) AS i;
		SELECT count(presence_touch('u' || i, 'click', session_id => 's' || i)) FROM generate_series(1, 2500) AS i;
		DROP EXTENSION presence}), "2500\n2500", "2,500 sessions, and DROP EXTENSION ($_)");
}
create_presence($node);

# many times over: no realm, no memory is used up
$node->safe_psql('postgres', "DROP EXTENSION presence; CREATE EXTENSION presence SCHEMA presence; SELECT presence_touch('x'); SELECT presence_set_status('y', 'busy');") for 1 .. 40;
# nor by those that are not to be, with the transaction or with a savepoint
my $creates = 'CREATE EXTENSION presence SCHEMA presence';
$node->safe_psql('postgres', "ALTER SYSTEM SET presence.default_audience = 'contacts'");
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('presence.default_audience') = 'contacts'");
$node->safe_psql('postgres', 'DROP EXTENSION presence; ' . "BEGIN; SAVEPOINT a; $creates; SELECT presence_touch('a'); ROLLBACK TO a; SAVEPOINT b; $creates; SELECT presence_touch('b'); RELEASE b; ROLLBACK; " x 40);

# and what was in their memory before does not matter to whoever looks at one that has no worker yet
$node->safe_psql('postgres', 'ALTER SYSTEM RESET presence.default_audience');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('presence.default_audience') = 'everyone'");
is($node->safe_psql('postgres', "BEGIN; $creates; SELECT presence_touch('ann'); SELECT total FROM presence_counts('a stranger'); ROLLBACK"), "online\n1", 'everybody is seen before a worker comes');

# and one that is there stays when somebody else's change to its row comes to nothing
$node->safe_psql('postgres', "$creates; SELECT presence_touch('x'), presence_set_status('y', 'busy')");
is($node->safe_psql('postgres', q{BEGIN; UPDATE pg_extension SET extversion = extversion WHERE extname = 'presence'; SELECT presence_touch('x'); ROLLBACK}, alone => 1), 'online', 'the row of the extension is changed, and is not');
wait_for_worker($node);
is($node->safe_psql('postgres', "SELECT presence_touch('z'), (SELECT total FROM presence_counts())"), 'online|3', 'forty times over');
is($node->safe_psql('postgres', $workers), '1', 'and one worker');
finish($node);
done_testing();
