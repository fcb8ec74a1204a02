# 50,000 clients reload, lose their network, or their server: no event, no history, no ghost.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $users = 50_000;
# What needs more real time than a slow machine takes: the clock is moved where time must pass.
my $node = new_server('storm', testing => 1, conf => "presence.disconnect_grace = '5min'\npresence.session_timeout = '10min'\npresence.idle_timeout = '1h'\npresence.offline_timeout = '2h'\nmax_wal_size = '4GB'");
$node->start;
create_presence($node);
my $tally = PresenceTest::Tally->new($node, 'postgres');
my $total = 'SELECT total FROM presence_counts()';
my $history = 'SELECT count(*) FROM presence_history';
my $all = "generate_series(1, $users) AS i";

# given 50,000 clients that connect and send heartbeats
is($node->safe_psql('postgres', "SELECT count(presence_connect('u' || i, 's' || i, device => 'd' || i)) FROM $all"), $users, "$users clients connect");
is($node->safe_psql('postgres', "SELECT presence_heartbeat_many(array_agg('s' || i)) FROM $all"), '{}', 'and send heartbeats');
ok($tally->wait_for_count(2 * $users), 'listeners hear of all');
is_deeply($tally->stories, { 'offline>online connect, user_joined' => $users }, 'each has come, once');
eventually($node, 'postgres', "SELECT (SELECT count(*) FROM presence_sessions) = $users AND ($history) = $users AND (SELECT count(*) FROM user_presence WHERE status = 'online') = $users", 'all is written');

# when all of them disconnect and connect again within the grace, in every order that a network makes, then nothing has happened
$tally->forget;
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT presence_disconnect('s' || i) AS known FROM $all) AS d WHERE known"), $users, 'all disconnect');
is($node->safe_psql('postgres', $total), $users, 'and are here within the grace');
is($node->safe_psql('postgres', "SELECT array_length(presence_heartbeat_many(array_agg('s' || i)), 1) FROM $all"), $users, 'a heartbeat says: connect again');
is($node->safe_psql('postgres', "SELECT count(presence_connect('u' || i, 's' || i)) FROM $all"), $users, 'all connect again');
is($node->safe_psql('postgres', "SELECT presence_heartbeat_many(array_agg('s' || i)) FROM $all"), '{}', 'and send heartbeats');
# Each in transactions of its own, from several connections at a time.
my $reload = PostgreSQL::Test::Utils::tempdir . '/reload';
append_to_file($reload, <<"EOT");
\\set i random(1, $users)
SELECT presence_disconnect('s' || :i);
SELECT presence_connect('u' || :i, 's' || :i);
SELECT presence_heartbeat('s' || :i);
BEGIN;
SELECT presence_disconnect('s' || :i, reason => 'reload');
SELECT presence_connect('u' || :i, 't' || :i);
SELECT presence_disconnect('t' || :i);
SELECT presence_connect('u' || :i, 's' || :i);
COMMIT;
SELECT presence_heartbeat('s' || :i);
EOT
$node->command_ok([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 4, '-t', 1000, '-f', $reload, 'postgres' ], 'and 4,000 reloads more, four at a time');
# A new tab before the old one has gone.
is($node->safe_psql('postgres', "SELECT count(presence_connect('u' || i, 'new' || i)), count(presence_disconnect('s' || i)) FROM generate_series(1, 1000) AS i"), '1000|1000', 'and 1,000 with a new session');
is($node->safe_psql('postgres', "SELECT presence_heartbeat_many(array_agg('new' || i)) FROM generate_series(1, 1000) AS i"), '{}', 'which send heartbeats');
advance($node, 'postgres', '6 min');
is($node->safe_psql('postgres', $total), $users, 'after the grace all are here');
is($tally->count, 0, 'no event');
is($node->safe_psql('postgres', $history), $users, 'no row of history');
is($node->safe_psql('postgres', "SELECT count(*), count(*) FILTER (WHERE session_id LIKE 'new%') FROM presence_sessions"), "$users|1000", 'a row for each session that lives');
is($node->safe_psql('postgres', "SELECT array_length(presence_heartbeat_many(array_agg('s' || i)), 1) FROM generate_series(1, 1000) AS i"), '1000', 'the old ones are unknown');
$node->safe_psql('postgres', "SELECT presence_heartbeat_many(array_agg('s' || i)) FROM $all");
$tally->quit;

# when the server is restarted in the middle, then who sends heartbeats is here, and nothing has happened
$node->restart('fast');
wait_for_worker($node);
$tally = PresenceTest::Tally->new($node, 'postgres');
is($node->safe_psql('postgres', $total), $users, 'a restart: all are here');
is($node->safe_psql('postgres', "SELECT presence_heartbeat_many(array_agg('s' || i)) FROM generate_series(1001, $users) AS i"), '{}', 'their sessions are known');
is($node->safe_psql('postgres', "SELECT presence_heartbeat_many(array_agg('new' || i)) FROM generate_series(1, 1000) AS i"), '{}', 'all of them');
is($node->safe_psql('postgres', "SELECT count(presence_disconnect('s' || i)) FROM generate_series(1001, 2000) AS i"), '1000', 'some disconnect');
is($node->safe_psql('postgres', "SELECT count(presence_connect('u' || i, 's' || i)) FROM generate_series(1001, 2000) AS i"), '1000', 'and connect again');
is($node->safe_psql('postgres', "SELECT count(presence_connect('u' || i, 's' || i)) FROM generate_series(2001, 3000) AS i"), '1000', 'some only connect');
is($tally->count, 0, 'no event');
is($node->safe_psql('postgres', $history), $users, 'no row of history');
$tally->quit;

# when it crashes, and only every second client is heard of again, then these stay
$node->stop('immediate');
$node->start;
wait_for_worker($node);
$tally = PresenceTest::Tally->new($node, 'postgres');
is($node->safe_psql('postgres', $total), $users, 'stopped at once: all are here');
is($node->safe_psql('postgres', "SELECT presence_heartbeat_many(array_agg(CASE WHEN i <= 1000 THEN 'new' ELSE 's' END || i)) FROM $all WHERE i % 2 = 0"), '{}', 'every second client is heard of, and known');
advance($node, 'postgres', '9 min');
is($node->safe_psql('postgres', $total), $users, 'within session_timeout all are here');
is($tally->count, 0, 'no event');
is($node->safe_psql('postgres', "SELECT presence_heartbeat_many(array_agg(CASE WHEN i <= 1000 THEN 'new' ELSE 's' END || i)) FROM $all WHERE i % 2 = 0"), '{}', 'every second one again');

# and the others end after session_timeout, each with one event
advance($node, 'postgres', '2 min');
is($node->safe_psql('postgres', $total), $users / 2, 'the others have gone');
ok($tally->wait_for_count($users), 'listeners hear of it');
is_deeply($tally->stories, { 'online>offline timeout, user_left' => $users / 2 }, 'each has gone, once');
is($tally->gaps, 0, 'no gap');
is(scalar(grep { !/[13579]$/ } $tally->users), 0, 'and exactly these');
is($node->safe_psql('postgres', "SELECT count(*), count(*) FILTER (WHERE session_id ~ '[02468]\$') FROM presence_sessions"), join('|', $users / 2, $users / 2), 'their sessions have no row any more');
is($node->safe_psql('postgres', $history), $users * 1.5, 'one row of history each');
check_histories($node, 'postgres', 'after the storm');
$tally->quit;
finish($node);
done_testing();
