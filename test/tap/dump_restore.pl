# pg_dump and restore, plain and as a custom archive: the people come along, the restored database works.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('dump', conf => 'max_worker_processes = 16');
$node->start;
create_presence($node);
$node->safe_psql('postgres', q{
	CREATE TABLE public.person (id text PRIMARY KEY, note text);
	INSERT INTO public.person VALUES ('ann', 'an application''s own');
	SELECT presence_set_status('ann', 'busy', E'in a "call"\nand more');
	SELECT presence_set_status('ben', 'away');
	SELECT presence_set_status('gone', 'busy', 'bye');
	SELECT presence_set_status('gone', 'offline', explicit_logout => true, reason => 'logout');
	SELECT presence_set_status(E'tab\tid', 'busy', expires_at => now() + interval '1 day');
	SELECT presence_touch('cleo', page_url => '/inbox');});
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'cleo'");
$node->poll_query_until('postgres', "SELECT count(*) > 1 FROM pg_inherits WHERE inhparent = 'presence_history'::regclass");
$node->safe_psql('postgres', q{CREATE ROLE app; SELECT presence_grant('app', 'service')});
my $rows = 'SELECT * FROM user_presence ORDER BY user_id';
my $history = 'SELECT * FROM presence_history ORDER BY changed_at, user_id';
my $people = q{SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'ben', 'cleo', 'gone'])};
my $dir = PostgreSQL::Test::Utils::tempdir;
my @to = ('-h', $node->host, '-p', $node->port);

$node->command_ok([ 'pg_dump', @to, '-f', "$dir/plain.sql", 'postgres' ], 'pg_dump');
$node->command_ok([ 'pg_dump', @to, '-Fc', '-f', "$dir/archive", 'postgres' ], 'pg_dump -Fc');
my %before = map { $_ => $node->safe_psql('postgres', $_) } ($rows, $history, $people);

sub check
{
	my ($database, $how) = @_;
	eventually($node, $database, 'SELECT worker_alive AND complete FROM presence_info()', "$how: the worker comes");
	is($node->safe_psql($database, $people), $before{$people}, "$how: who is here is here");
	is($node->safe_psql($database, "SELECT note FROM public.person"), "an application's own", "$how: the application's own data");
	is($node->safe_psql($database, $rows =~ s/\*/user_id, status, status_message, current_page/r), $node->safe_psql('postgres', $rows =~ s/\*/user_id, status, status_message, current_page/r), "$how: the rows");
	is($node->safe_psql($database, $history), $before{$history}, "$how: the history");
	is($node->safe_psql($database, 'SELECT total FROM presence_counts()'), '4', "$how: the counts");
	is($node->safe_psql($database, q{SELECT (presence_set_status('ann', 'away')).status, presence_touch('new'), (presence_clear_status(E'tab\tid')).status}), 'away|online|online', "$how: it works");
	eventually($node, $database, "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'new'", "$how: the worker writes");
	is($node->safe_psql($database, q{SET ROLE app; SELECT 1 FROM pg_namespace WHERE nspname = 'presence' AND NOT has_schema_privilege(oid, 'USAGE') UNION ALL
		SELECT 1 FROM pg_proc WHERE proname = 'presence_touch' AND NOT has_function_privilege(oid, 'EXECUTE')}), '', "$how: what was granted is granted")
	  unless $how =~ /by itself/;
	check_histories($node, $database, $how);
	return;
}

# given an empty database, when the dump is restored, then without any error
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @to, '-d', 'plain', '-f', "$dir/plain.sql" ], 'restored with psql');
check('plain', 'plain');
$node->safe_psql('postgres', 'CREATE DATABASE single');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '--single-transaction', @to, '-d', 'single', '-f', "$dir/plain.sql" ], 'restored in one transaction');
check('single', 'single transaction');
$node->safe_psql('postgres', 'CREATE DATABASE archive');
$node->command_ok([ 'pg_restore', '--exit-on-error', @to, '-d', 'archive', "$dir/archive" ], 'restored with pg_restore');
check('archive', 'archive');
$node->safe_psql('postgres', 'CREATE DATABASE parallel');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', 2, @to, '-d', 'parallel', "$dir/archive" ], 'restored by two jobs');
check('parallel', 'two jobs');

# a dump of the copy is a dump of the same
$node->command_ok([ 'pg_dump', @to, '-f', "$dir/again.sql", 'plain' ], 'the restored database can be dumped');
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @to, '-d', 'again', '-f', "$dir/again.sql" ], 'and restored again');

# the extension dropped and the dump restored over it
$node->command_ok([ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', @to, '-d', 'archive', "$dir/archive" ], 'restored over what was there');
check('archive', 'over what was there');
finish($node);

# a server without the library in shared_preload_libraries takes the dump all the same
my $other = new_server('other', preload => 0);
$other->start;
$other->safe_psql('postgres', 'CREATE ROLE app');
$other->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', $other->host, '-p', $other->port, '-d', 'postgres', '-f', "$dir/plain.sql" ], 'restored where it is not preloaded');
is($other->safe_psql('postgres', $rows), $before{$rows}, 'with its rows');
is($other->safe_psql('postgres', $history), $before{$history}, 'and its history');
$other->append_conf('postgresql.conf', "shared_preload_libraries = 'presence'");
$other->restart;
eventually($other, 'postgres', 'SELECT worker_alive AND complete FROM presence_info()', 'and once it is preloaded the worker comes');
is($other->safe_psql('postgres', $people), $before{$people}, 'and who is here is here');
finish($other);
done_testing();
