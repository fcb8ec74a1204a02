# pg_dump and restore, plain and as a custom archive: the people come along, the restored database works.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('dump', conf => "max_worker_processes = 16\npresence.flush_interval = '500ms'");
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
	SELECT presence_touch('cleo', page_url => '/inbox');
	SELECT presence_gateway('g', '10 min');
	SELECT presence_connect('dora', 'dora-1', '{"name": "Dora", "avatar": "d.png"}', 'phone', '203.0.113.7', 'Mozilla/5.0', '/start', status => 'busy'), presence_connect('dora', 'dora-2', gateway => 'g');
	SELECT presence_touch('dora', 'click', page_url => '/x', session_id => 'dora-1'), presence_touch('cleo', 'read');
	SELECT presence_join('dora', 'room', session_id => 'dora-2'), presence_join('dora', 'room', '{"role": "host"}', 'dora-1'), presence_join('cleo', E'a "room"\\t{1}');
	SELECT presence_set_visibility('ann', 'contacts', 'status'), presence_set_visibility('ann', 'nobody', channel_id => E'a "room"\\t{1}'), presence_add_contact('ann', E'tab\tid'), presence_block('ann', 'gone');
	SELECT presence_set_visibility('dora', 'nobody'), presence_add_contact('cleo', 'ben', 'full');
	SELECT presence_join_document('dora', 7, '{"x": "ü\\n"}', '[1, null]', session_id => 'dora-1'), presence_set_state('dora', 'room', '{"hand": true}');});
$node->poll_query_until('postgres', 'SELECT count(*) = 3 AND count(state) = 1 FROM channel_presence') or die 'the members were not written';
$node->poll_query_until('postgres', 'SELECT (SELECT count(*) = 2 FROM presence_sessions) AND (SELECT count(*) = 2 FROM user_activities) AND (SELECT count(*) = 0 FROM user_activities_default)') or die 'sessions and activities were not written';
$node->poll_query_until('postgres', "SELECT count(*) = 2 FROM user_presence WHERE user_id IN ('dora', 'cleo') AND activity_count = CASE user_id WHEN 'dora' THEN 1 ELSE 2 END") or die 'the rows were not flushed';
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'cleo'");
$node->poll_query_until('postgres', "SELECT count(*) > 1 FROM pg_inherits WHERE inhparent = 'presence_history'::regclass");
$node->safe_psql('postgres', q{CREATE ROLE app; SELECT presence_grant('app', 'service')});
my $rows = 'SELECT * FROM user_presence ORDER BY user_id';
my $history = 'SELECT * FROM presence_history ORDER BY changed_at, user_id';
my $people = q{SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'ben', 'cleo', 'dora', 'gone'])};
my $activities = 'SELECT * FROM user_activities ORDER BY user_id';
my $members = 'SELECT * FROM channel_presence ORDER BY channel_id, user_id';
my $rules = q{SELECT v.*, u.has_visibility FROM user_presence u JOIN presence_visibility v USING (user_id) UNION ALL
	SELECT c.user_id, c.contact_id, c.is_contact::text, c.detail, c.changed_at, c.shown, NULL, u.has_visibility FROM user_presence u JOIN presence_contacts c USING (user_id) ORDER BY 1, 2};
my $data = q{SELECT user_data, activity_count, current_page FROM presence_get('dora')};
my $dir = PostgreSQL::Test::Utils::tempdir;
my @to = ('-h', $node->host, '-p', $node->port);

$node->command_ok([ 'pg_dump', @to, '-f', "$dir/plain.sql", 'postgres' ], 'pg_dump');
$node->command_ok([ 'pg_dump', @to, '-Fc', '-f', "$dir/archive", 'postgres' ], 'pg_dump -Fc');
my %before = map { $_ => $node->safe_psql('postgres', $_) } ($rows, $history, $people, $activities, $data, $members, $rules);

sub check
{
	my ($database, $how) = @_;
	eventually($node, $database, 'SELECT worker_alive AND complete FROM presence_info()', "$how: the worker comes");
	is($node->safe_psql($database, $people), $before{$people}, "$how: who is here is here");
	is($node->safe_psql($database, "SELECT note FROM public.person"), "an application's own", "$how: the application's own data");
	is($node->safe_psql($database, $rows =~ s/\*/user_id, status, status_message, current_page/r), $node->safe_psql('postgres', $rows =~ s/\*/user_id, status, status_message, current_page/r), "$how: the rows");
	is($node->safe_psql($database, $history), $before{$history}, "$how: the history");
	is($node->safe_psql($database, 'SELECT total FROM presence_counts()'), '5', "$how: the counts");
	is($node->safe_psql($database, $activities), $before{$activities}, "$how: the activities");
	is($node->safe_psql($database, $data), $before{$data}, "$how: what the application keeps with somebody");
	is($node->safe_psql($database, $rules), $before{$rules}, "$how: who sees whom");
	is($node->safe_psql($database, q{SELECT presence_block('dora', 'ann'), presence_unblock('ann', 'gone'), presence_unblock('dora', 'ann'), presence_block('ann', 'gone'), (SELECT count(*) FROM presence_visibility_of('ann'))}), 't|t|t|t|5', "$how: which can be changed");
	# Sessions that come before the worker's first look are known for session_timeout, as after a start; others are not,
	# and have no row either.
	eventually($node, $database, q{SELECT (SELECT count(*) FROM presence_sessions) = (SELECT count(*) FROM presence_sessions('dora'))}, "$how: a row for each session that is known");
	like($node->safe_psql($database, q{SELECT count(*), presence_heartbeat('dora-1'), presence_gateway('g') FROM presence_sessions('dora')}), qr/^(2\|t\|1|0\|f\|0)$/, "$how: which are all or none");
	# The same is so of members.
	eventually($node, $database, q{SELECT NOT EXISTS (SELECT FROM channel_presence AS c FULL JOIN (SELECT u AS user_id, c AS channel_id FROM unnest('{cleo,dora}'::text[]) AS u, presence_channels(u) AS c) AS m USING (user_id, channel_id) WHERE m IS NULL OR c IS NULL)}, "$how: a row for each member that is known");
	like($node->safe_psql($database, q{SELECT presence_member_count('room') || ' ' || presence_member_count('document_7') || ' ' || presence_member_count(E'a "room"\t{1}')}), qr/^(1 1 1|0 0 0)$/, "$how: which are all or none");
	is($node->safe_psql($database, q{SELECT session_id, status FROM presence_connect('dora', 'dora-1')}), 'dora-1|online', "$how: they connect again");
	eventually($node, $database, "SELECT count(*) = 1 FROM presence_sessions WHERE session_id = 'dora-1'", "$how: which is a row");
	is($node->safe_psql($database, q{SELECT presence_join('dora', 'room', '{"role": "guest"}', 'dora-1'); SELECT user_id, user_data FROM presence_members('room')}) =~ s/.*\n//r, 'dora|{"role": "guest"}', "$how: they join again");
	eventually($node, $database, q{SELECT count(*) = 1 FROM channel_presence WHERE channel_id = 'room' AND user_data ->> 'role' = 'guest' AND 'dora-1' = ANY (session_ids)}, "$how: which is a row");
	is($node->safe_psql($database, q{SELECT presence_touch('cleo', 'more')}), 'online', "$how: activities go on");
	eventually($node, $database, 'SELECT count(*) = 3 FROM user_activities', "$how: and are written");
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

# given its tables come one after the other, and the worker has looked at what was there already
$node->safe_psql('postgres', 'CREATE DATABASE pieces');
my @pieces = (@to, '--exit-on-error', '-d', 'pieces', "$dir/archive");
$node->command_ok([ 'pg_restore', '--section=pre-data', @pieces ], 'restored without a row');
$node->command_ok([ 'pg_restore', '--data-only', '-t', 'user_presence', @pieces ], 'then the people');
wait_for_worker($node, 'pieces');
$node->safe_psql('pieces', q{SELECT presence_join('early', 'room')});
eventually($node, 'pieces', q{SELECT count(*) = 1 FROM channel_presence}, 'the worker is at work');
$node->command_ok([ 'pg_restore', '--data-only', (map { ('-t', $_) } qw(presence_visibility presence_contacts user_activities person)), @pieces ], 'then others');
my $known = q{SELECT (SELECT count(*) FROM presence_sessions) = (SELECT count(*) FROM presence_sessions('dora')) AND (SELECT count(*) FROM channel_presence) = presence_member_count('room')};
for my $table (qw(presence_sessions channel_presence))
{
	# Also when somebody else is done before the worker gets to it.
	quiet($node);
	my $worker = stop_worker($node, 'pieces');
	$node->command_ok([ 'pg_restore', '--data-only', '-t', $table, @pieces ], "then $table");
	is($node->safe_psql('pieces', $known), 'f', 'which nobody knows');
	kill 'CONT', $worker;
	eventually($node, 'pieces', $known, 'and which go');
}
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
is($other->safe_psql('postgres', $activities), $before{$activities}, 'and its activities');
is($other->safe_psql('postgres', 'SELECT count(*) FROM presence_sessions'), '2', 'and its sessions');
is($other->safe_psql('postgres', $members), $before{$members}, 'and the members of its channels');
is($other->safe_psql('postgres', $rules), $before{$rules}, 'and who sees whom');
$other->append_conf('postgresql.conf', "shared_preload_libraries = 'presence'");
$other->restart;
eventually($other, 'postgres', 'SELECT worker_alive AND complete FROM presence_info()', 'and once it is preloaded the worker comes');
is($other->safe_psql('postgres', $people), $before{$people}, 'and who is here is here');
is($other->safe_psql('postgres', q{SELECT string_agg(session_id || coalesce(' ' || device || ' ' || ip_address, ''), ', ' ORDER BY session_id) FROM presence_sessions('dora')}), 'dora-1 phone 203.0.113.7, dora-2', 'with the sessions, as after any other start');
is($other->safe_psql('postgres', q{SELECT user_id, user_data, state FROM presence_members('room')}), 'dora|{"role": "host"}|{"hand": true}', 'and the members');
is($other->safe_psql('postgres', q{SELECT cursor_position, selection_range FROM presence_members('document_7')}), '{"x": "ü\n"}|[1, null]', 'with their cursors');
is($other->safe_psql('postgres', q{SELECT presence_leave('dora', 'room', 'dora-1'), presence_member_count('room'), presence_leave('dora', 'room', 'dora-2'), presence_member_count('room')}), 't|1|t|0', 'by their sessions');
finish($other);
done_testing();
