# Promise 11, and what an administrator does with databases while a worker is connected to them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('databases', conf => "max_worker_processes = 16\npresence.typing_timeout = '2min'");
$node->start;
for my $database (qw(one two))
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	create_presence($node, $database);
}

# given the same person in two databases, then each knows only its own
my %listener = map { $_ => PresenceTest::Listener->new($node, $_) } qw(one two);
$node->safe_psql('one', q{SELECT presence_set_status('ann', 'busy', 'one'); SELECT presence_touch('only in one')});
$node->safe_psql('two', q{SELECT presence_set_status('ann', 'away', 'two'); SELECT presence_touch('only in two')});
is($node->safe_psql('one', "SELECT status, status_message FROM presence_get('ann')"), 'busy|one', 'ann in one');
is($node->safe_psql('two', "SELECT status, status_message FROM presence_get('ann')"), 'away|two', 'ann in two');
is($node->safe_psql('one', "SELECT string_agg(user_id, ',' ORDER BY user_id) FROM presence_online_users()"), 'ann,only in one', 'who is in one');
is($node->safe_psql('two', "SELECT string_agg(user_id, ',' ORDER BY user_id) FROM presence_online_users()"), 'ann,only in two', 'who is in two');
is($node->safe_psql('two', "SELECT presence_status('only in one')"), 'offline', 'one is not seen in two');
ok($listener{$_}->wait_for(sub { 2 == grep { $_->{event} eq 'user_joined' } @_ }), "events in $_") for qw(one two);
is((grep { ($_->{user_id} // '') eq 'only in two' } $listener{one}->events), 0, 'events of two are not heard in one');
# a channel of the same name is another one, with other members, cursors and events
my %room = map { $_ => PresenceTest::Listener->new($node, $_, 'room', 'document_7') } qw(one two);
for my $database (qw(one two))
{
	$node->safe_psql($database, qq{SELECT presence_join('ann', 'room', '{"name": "$database"}'), presence_join('only in $database', 'room'), presence_join_document('ann', 7, '"$database"')});
	$node->safe_psql($database, qq{SELECT presence_typing('only in $database', 'room'), presence_set_state('ann', 'room', '"$database"')});
}
for my $database (qw(one two))
{
	ok($room{$database}->wait_for(sub { 6 <= @_ }), "channels in $database are told of");
	is_deeply([ sort map { "$_->{channel} $_->{user_id} $_->{event}" } $room{$database}->events ],
		[ 'document_7 ann cursor_moved', 'document_7 ann user_joined', 'room ann state_changed', 'room ann user_joined', "room only in $database typing_start", "room only in $database user_joined" ], "and only those of $database");
	is($node->safe_psql($database, q{SELECT string_agg(user_id, ',' ORDER BY user_id) || ' ' || presence_member_count('room') FROM presence_members('room')}), "ann,only in $database 2", "the members in $database");
	is($node->safe_psql($database, q{SELECT m.user_data ->> 'name', m.state, d.cursor_position, (SELECT string_agg(user_id, ' ') FROM presence_typing_users('room')) FROM presence_members('room') AS m, presence_members('document_7') AS d WHERE m.user_id = 'ann'}), qq{$database|"$database"|"$database"|only in $database}, "what they do in $database");
	eventually($node, $database, 'SELECT count(*) = 3 FROM channel_presence', "and their rows in $database");
}
is($node->safe_psql('one', q{SELECT presence_leave('ann', 'room')}) . $node->safe_psql('two', q{SELECT string_agg(c, ' ') FROM presence_channels('ann') AS c}), 'tdocument_7 room', 'who leaves in one stays in two');
$_->quit for values %room;
isnt($listener{one}{events}[0]{epoch}, $listener{two}{events}[0]{epoch}, 'each has its epoch');
is($node->safe_psql('one', 'SELECT presence_forget(\'ann\')') . $node->safe_psql('two', "SELECT presence_status('ann')"), 'taway', 'forgotten in one, still there in two');
$node->safe_psql('one', 'SELECT presence_reset()');
is($node->safe_psql('two', 'SELECT total FROM presence_counts()'), '2', 'reset in one, nobody lost in two');
is($node->safe_psql('one', q{SELECT presence_member_count('room')}) . $node->safe_psql('two', q{SELECT presence_member_count('room')}), '02', 'no member either');
$_->quit for values %listener;

# given a template with people, then the copy is a database of its own
$node->safe_psql('one', q{SELECT presence_set_status('copied', 'busy', 'from one'), presence_join('copied', 'room', '{"from": "one"}')});
$node->poll_query_until('one', 'SELECT count(*) = 1 FROM channel_presence') or die 'the member was not written';
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE one');
eventually($node, 'copy', 'SELECT worker_alive AND complete FROM presence_info()', 'CREATE DATABASE ... TEMPLATE: the copy has a worker');
eventually($node, 'one', 'SELECT worker_alive FROM presence_info()', 'and the original has its own again');
is($node->safe_psql('copy', "SELECT status, status_message FROM presence_get('copied')"), 'busy|from one', 'who was there is there');
is($node->safe_psql('copy', q{SELECT presence_member_count('room') = (SELECT count(*) FROM presence_members('room'))}), 't', 'its channels can be asked for');
$node->safe_psql('copy', q{SELECT presence_leave('copied', 'room')});
is($node->safe_psql('one', q{SELECT user_id, user_data FROM presence_members('room')}), 'copied|{"from": "one"}', 'who leaves there stays here');
$node->safe_psql('copy', q{SELECT presence_set_status('copied', 'away'); SELECT presence_touch('only in copy')});
is($node->safe_psql('one', "SELECT presence_status('copied'), presence_status('only in copy')"), 'busy|offline', 'and from then on they differ');
eventually($node, 'copy', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'only in copy'", 'the copy is written to');

# given RENAME, then memory goes on as it was
my $epoch = $node->safe_psql('one', 'SELECT epoch FROM presence_info()');
$node->safe_psql('postgres', 'ALTER DATABASE one RENAME TO uno');
eventually($node, 'uno', 'SELECT worker_alive FROM presence_info()', 'RENAME: the worker is back');
is($node->safe_psql('uno', "SELECT presence_status('copied')"), 'busy', 'who was there is there');
is($node->safe_psql('uno', 'SELECT epoch FROM presence_info()'), $epoch, 'in the same epoch');
$node->safe_psql('uno', "SELECT presence_touch('after rename')");
eventually($node, 'uno', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'after rename'", 'and the worker writes');

# given SET TABLESPACE
my $tablespace = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$tablespace'");
$node->safe_psql('postgres', 'ALTER DATABASE uno SET TABLESPACE elsewhere');
eventually($node, 'uno', 'SELECT worker_alive FROM presence_info()', 'SET TABLESPACE: the worker is back');
is($node->safe_psql('uno', "SELECT presence_status('copied')"), 'busy', 'who was there is there');
$node->safe_psql('postgres', 'ALTER DATABASE uno SET TABLESPACE pg_default; ') ;
$node->safe_psql('postgres', 'DROP TABLESPACE elsewhere');

# given DROP DATABASE, plain and with FORCE
is($node->psql('postgres', 'DROP DATABASE uno'), 0, 'DROP DATABASE');
is($node->psql('postgres', 'DROP DATABASE copy WITH (FORCE)'), 0, 'DROP DATABASE WITH (FORCE)');
eventually($node, 'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'presence worker'", 'their workers are gone');
is((error_of($node, 'postgres', 'DROP DATABASE uno'))[0], '3D000', 'a database that is not there');

# given somebody else is connected, then DROP fails as always, and the worker is back afterwards
my $session = $node->background_psql('two');
is((error_of($node, 'postgres', 'DROP DATABASE two'))[0], '55006', 'DROP DATABASE with a client in it');
eventually($node, 'two', 'SELECT worker_alive FROM presence_info()', 'leaves the worker');
is((error_of($node, 'postgres', 'CREATE DATABASE copy TEMPLATE two'))[0], '55006', 'TEMPLATE with a client in it');
eventually($node, 'two', 'SELECT worker_alive FROM presence_info()', 'leaves the worker');
$node->safe_psql('two', "SELECT presence_touch('still here')");
eventually($node, 'two', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'still here'", 'which writes');
is($node->psql('postgres', 'DROP DATABASE two WITH (FORCE)'), 0, 'FORCE takes the client along');
eval { $session->quit };

# the same name again, and a reused place: nobody of before is there
$node->safe_psql('postgres', 'CREATE DATABASE one');
create_presence($node, 'one');
is($node->safe_psql('one', 'SELECT total FROM presence_counts()'), '0', 'the same name again knows nobody');

# in template1, for all databases to come; no worker sits in a template
$node->safe_psql('template1', 'CREATE SCHEMA presence; CREATE EXTENSION presence SCHEMA presence');
$node->safe_psql('postgres', 'CREATE DATABASE from_template');
eventually($node, 'from_template', 'SELECT worker_alive AND complete FROM presence_info()', 'a database made from template1 with presence has a worker');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'presence worker' AND datname = 'template1'"), '0', 'template1 has none');
$node->safe_psql('postgres', 'CREATE DATABASE another');
pass('and does not block CREATE DATABASE');

# databases nobody may connect to
$node->safe_psql('postgres', 'ALTER DATABASE another ALLOW_CONNECTIONS false');
$node->stop;
# a worker on its way to a database that was made a moment ago may be turned away: what counts is said after this
my $said_before = -s $node->logfile;
$node->start;
wait_for_worker($node, 'from_template');
pass('a database that allows no connections holds up no other');
unlike(slurp_file($node->logfile, $said_before), qr/FATAL:.*not currently accepting connections/, 'and nobody knocks at it');

# at last many commands in a row, each with a worker in the way
for my $turn (1 .. 5)
{
	$node->safe_psql('postgres', 'CREATE DATABASE turn TEMPLATE from_template');
	$node->safe_psql('postgres', 'ALTER DATABASE turn RENAME TO turned');
	$node->safe_psql('postgres', 'DROP DATABASE turned');
}
pass('create, rename and drop in a row');
finish($node);
done_testing();
