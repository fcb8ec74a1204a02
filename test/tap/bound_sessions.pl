# bind => true: the sessions of a database connection end when it does, however it ends, and nobody else's.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

# The grace is more real time than a slow machine takes: the clock is moved where time must pass.
my $node = new_server('bound', testing => 1, conf => "presence.disconnect_grace = '2min'\npresence.idle_timeout = '1h'\npresence.offline_timeout = '2h'");
$node->start;
create_presence($node);
my $tally = PresenceTest::Tally->new($node, 'postgres');
my $total = 'SELECT total FROM presence_counts()';

# A connection that binds sessions.
sub connection
{
	my $session = $node->background_psql('postgres');
	return ($session, $session->query_safe('SELECT pg_backend_pid()'));
}

# The client gets no chance to say anything.
sub kill_client
{
	my ($session, $pid) = @_;
	$session->{run}->signal('KILL');
	eval { $session->{run}->finish };
	is_gone($node, $pid) or die "the backend $pid stays";
	return;
}

sub connect_many
{
	my ($name, $count, $bind) = @_;
	return "SELECT count(presence_connect('$name' || i, '$name' || i, bind => $bind)) FROM generate_series(1, $count) AS i";
}

# given a client with 1,000 bound sessions and more: of a user with another session, some that others bind or connect again, one that will be back
my ($client, $pid) = connection();
my ($other) = connection();
is($client->query_safe(connect_many('u', 1000, 'true')), '1000', 'a connection binds 1,000 sessions');
$client->query_safe(q{SELECT presence_connect('two', 'two-a', bind => true), presence_connect('moved', 'moved', bind => true), presence_connect('freed', 'freed', bind => true), presence_connect('back', 'back', bind => true)});
$other->query_safe(connect_many('o', 10, 'true'));
$other->query_safe(q{SELECT presence_connect('two', 'two-b', bind => true), presence_connect('moved', 'moved', bind => true)});
$node->safe_psql('postgres', connect_many('x', 10, 'false') . q{; SELECT presence_connect('freed', 'freed')});
advance($node, 'postgres', '1 s');
is($node->safe_psql('postgres', $total), '1024', 'they are here, and others');
is($node->safe_psql('postgres', 'SELECT count(*) FROM presence_sessions'), '1025', 'with a row each');
$tally->forget;

# when the client is killed with kill -9, then nothing is to be seen within the grace
kill_client($client, $pid);
advance($node, 'postgres', '100 s');
is($node->safe_psql('postgres', $total), '1024', 'kill -9 of the client: all are here within the grace');
$node->safe_psql('postgres', q{SELECT presence_connect('back', 'back')});
is($tally->count, 0, 'and nothing is told');

# and after it exactly these users are offline, each with one event
advance($node, 'postgres', '25 s');
is($node->safe_psql('postgres', $total), '24', 'after the grace the others are here');
ok($tally->wait_for_count(2000), 'listeners hear of it');
is_deeply($tally->stories, { 'online>offline disconnect, user_left' => 1000 }, 'each has gone, once');
is_deeply([ $tally->users ], [ sort map { "u$_" } 1 .. 1000 ], 'and exactly these');
is($tally->gaps, 0, 'no gap');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT user_id) FROM presence_history WHERE new_status = 'offline' AND change_reason = 'disconnect' AND user_id LIKE 'u%'"), '1000|1000', 'one row of history each');
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_history WHERE new_status = 'offline'"), '1000', 'and no other');
is($node->safe_psql('postgres', "SELECT count(*) FROM user_presence WHERE status = 'offline' AND user_id LIKE 'u%'"), '1000', 'their rows are offline');
is($node->safe_psql('postgres', "SELECT string_agg(session_id, ' ' ORDER BY session_id) FROM presence_sessions WHERE session_id !~ '[0-9]'"), 'back freed moved two-b', 'the rows of the sessions that went are gone');
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_sessions"), '24', 'all of them');
is($node->safe_psql('postgres', "SELECT string_agg(session_id, ' ') FROM presence_sessions('two')"), 'two-b', 'a user with another session stays with that one');
check_histories($node, 'postgres', 'after the kill');

# given connections that end in other ways, then their sessions end too
$tally->forget;
my ($quits) = connection();
$quits->query_safe(connect_many('quit', 10, 'true'));
my ($terminated, $terminated_pid) = connection();
$terminated->query_safe(connect_many('terminated', 10, 'true'));
my ($fatal, $fatal_pid) = connection();
$fatal->query_safe(connect_many('fatal', 10, 'true'));
my ($middle, $middle_pid) = connection();
$middle->query_safe(connect_many('middle', 10, 'true'));
$middle->query_safe($_) for 'BEGIN', connect_many('open', 10, 'true'), 'SAVEPOINT a', q{SELECT presence_disconnect('o1')};
my ($asks, $asks_pid) = connection();
$asks->query_safe(connect_many('asks', 10, 'true'));
is($node->safe_psql('postgres', $total), '74', 'five connections with ten each');
$quits->quit;
$node->safe_psql('postgres', "SELECT pg_terminate_backend($terminated_pid)");
$fatal->query_safe("SET idle_session_timeout = '50ms'");
kill_client($middle, $middle_pid);
# One that the server notices only when it writes.
$asks->{stdin} .= "SELECT count(*) FROM generate_series(1, 3000000);\n";
$asks->{run}->pump_nb;
kill_client($asks, $asks_pid);
is_gone($node, $_) for $terminated_pid, $fatal_pid;
eval { $_->quit } for $terminated, $fatal;
is($node->safe_psql('postgres', $total), '74', 'within the grace all are here, and nobody of an open transaction');
advance($node, 'postgres', '125 s');
is($node->safe_psql('postgres', $total), '24', 'quit, pg_terminate_backend, a FATAL error, kill -9 in a transaction and in a query');
ok($tally->wait_for_count(200), 'listeners hear of all');
is_deeply($tally->stories, { 'offline>online connect, user_joined, online>offline disconnect, user_left' => 50 }, 'each came and went, once');
is($node->safe_psql('postgres', q{SELECT presence_status('o1'), presence_status('open1')}), 'online|offline', 'what was open has not happened');

# given connects that are rolled back, then nothing is bound
$tally->forget;
my ($rolled) = connection();
$node->safe_psql('postgres', q{SELECT presence_connect('there', 'there')});
$rolled->query_safe($_)
  for 'BEGIN', q{SELECT presence_connect('back1', 'back1', bind => true), presence_connect('there', 'there', bind => true), presence_connect('o2', 'o2', bind => true)}, 'ROLLBACK';
$rolled->query_safe($_)
  for 'BEGIN', 'SAVEPOINT a', q{SELECT presence_connect('back2', 'back2', bind => true)}, 'ROLLBACK TO a', q{SELECT presence_connect('kept', 'kept', bind => true)}, 'COMMIT';
is($node->safe_psql('postgres', q{SELECT presence_status('back1'), presence_status('back2'), presence_status('kept'), presence_heartbeat('back1')}), 'offline|offline|online|f', 'a connect that is rolled back has not happened');
$node->safe_psql('postgres', q{SELECT presence_connect('back1', 'back1'), presence_connect('back2', 'back2')});
$rolled->quit;
advance($node, 'postgres', '125 s');
is($node->safe_psql('postgres', q{SELECT presence_status('back1'), presence_status('back2'), presence_status('there'), presence_status('o2'), presence_status('kept')}),
	'online|online|online|online|offline', 'and binds nothing to its connection');
$other->quit;
advance($node, 'postgres', '125 s');
is($node->safe_psql('postgres', q{SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence_online_users() WHERE user_id !~ '^x'}), 'back back1 back2 freed there', 'who was bound first goes with that connection');

# given 100,000 sessions bound by one connection
$tally->quit;
my ($many, $many_pid) = connection();
is($many->query_safe(connect_many('m', 100_000, 'true')), '100000', 'a connection binds 100,000 sessions');
is($node->safe_psql('postgres', $total), '100015', 'all are here');
kill_client($many, $many_pid);
is($node->safe_psql('postgres', $total), '100015', 'kill -9: all are here within the grace');
advance($node, 'postgres', '125 s');
is($node->safe_psql('postgres', $total), '15', 'after it they are gone');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT user_id) FROM presence_history WHERE user_id LIKE 'm%' AND user_id <> 'moved' AND user_id !~ '^middle' AND new_status = 'offline' AND change_reason = 'disconnect'"), '100000|100000', 'with a row of history each');
eventually($node, 'postgres', 'SELECT count(*) = 15 FROM presence_sessions', 'and no row of a session is left');
finish($node);
done_testing();
