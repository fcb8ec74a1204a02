# Settings: refused when they make no sense, taken over by a reload, also for those who are here already.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('settings');
$node->start;
create_presence($node);

# given a value below 100 ms or no value at all, then it is refused when set
for my $setting (qw(idle_timeout offline_timeout session_timeout flush_interval))
{
	is((error_of($node, 'postgres', "ALTER SYSTEM SET presence.$setting = '$_'"))[0], '22023', "$setting = $_ is refused") for '99ms', '0', '-1', 'soon', '30d';
}
is((error_of($node, 'postgres', "ALTER SYSTEM SET presence.history_retention = '-1'"))[0], '22023', 'a negative retention is refused');
is((error_of($node, 'postgres', "ALTER SYSTEM SET presence.notify_prefix = '" . 'p' x 64 . "'"))[0], '22023', 'a prefix longer than a channel is refused');
is((error_of($node, 'postgres', "SET presence.idle_timeout = '1s'"))[0], '55P02', 'a session cannot have its own');
like((error_of($node, 'postgres', "ALTER SYSTEM SET presence.nonsense = '1s'"))[0], qr/^(42602|42704)$/, 'an unknown name under presence is refused');
is((error_of($node, 'postgres', "SET presence.nonsense = '1s'"))[0], '42602', 'also in a session');

# given offline under idle, then it is refused or at least warned about
my ($code, $out, $err) = $node->psql('postgres', "ALTER SYSTEM SET presence.offline_timeout = '1min'");
$node->reload;
ok($err ne '' || wait_until(sub { slurp_file($node->logfile) =~ /WARNING: .*presence\.offline_timeout .*presence\.idle_timeout/ }), 'offline_timeout under idle_timeout is said to make no sense');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET presence.offline_timeout');
$node->reload;

# given people who are here, when the timeouts change, then theirs change
$node->safe_psql('postgres', q{SELECT presence_touch('ann'); SELECT presence_set_status('ben', 'busy')});
is($node->safe_psql('postgres', q{SELECT presence_status('ann'), presence_status('ben')}), 'online|busy', 'five minutes: online');
$node->safe_psql('postgres', "ALTER SYSTEM SET presence.idle_timeout = '100ms'");
$node->reload;
eventually($node, 'postgres', "SELECT presence_status('ann') = 'away'", 'a tenth of a second: away');
eventually($node, 'postgres', "SELECT status = 'away' FROM user_presence WHERE user_id = 'ann'", 'and written by the worker, which was woken');
$node->safe_psql('postgres', "ALTER SYSTEM SET presence.offline_timeout = '300ms'");
$node->reload;
eventually($node, 'postgres', "SELECT count(*) = 2 FROM user_presence WHERE status = 'offline'", 'and offline');
$node->safe_psql('postgres', "ALTER SYSTEM SET presence.offline_timeout = '24d'");
$node->safe_psql('postgres', "ALTER SYSTEM SET presence.idle_timeout = '24d'");
$node->reload;
# Whoever has the old setting yet ends the session.
eventually($node, 'postgres', q{SELECT presence_touch('ann') = 'online' AND pg_sleep(1) IS NOT NULL AND presence_status('ann') = 'online'}, 'twenty-four days: online');

# given a statement that has begun under the old settings, when it touches somebody and chooses a status, or when it makes the
# lease of a gateway shorter, for which everybody is looked at, then who is seen goes by the new ones all the same
$node->safe_psql('postgres', q{SELECT presence_gateway('g', '1 h'), presence_touch('ann')});
my $seen = q{SELECT total FROM presence_counts('a stranger')};
for my $calls ("presence_touch('late'), presence_set_status('ann', 'busy')", "presence_gateway('g', '10 s')")
{
	$node->safe_psql('postgres', 'ALTER SYSTEM RESET presence.default_audience');
	$node->reload;
	eventually($node, 'postgres', "SELECT total > 0 FROM presence_counts('a stranger')", 'everybody is seen');
	my ($brake, $old) = map { $node->background_psql('postgres') } 1 .. 2;
	$brake->query_safe('SELECT pg_advisory_lock(1)');
	$old->query_until(qr/begun/, "\\echo begun\nSELECT $calls FROM pg_advisory_lock(1);\n");
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"), 'it has begun');
	$node->safe_psql('postgres', "ALTER SYSTEM SET presence.default_audience = 'contacts'");
	$node->reload;
	eventually($node, 'postgres', "SELECT total = 0 FROM presence_counts('a stranger')", 'then nobody is');
	$brake->quit;
	$old->query_safe('SELECT 1');
	is($node->safe_psql('postgres', $seen), 0, 'also when the statement has ended');
	quiet($node);
	is($node->safe_psql('postgres', $seen), 0, 'and when the worker has done what is due');
	$old->quit;
}
is($node->safe_psql('postgres', q{SELECT total FROM presence_counts()}), 2, 'who are here');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET presence.default_audience');
$node->reload;
check_histories($node, 'postgres', 'after all changes of settings');

# what a user sets for everybody does not reach the worker
$node->append_conf('postgresql.conf', "statement_timeout = '1ms'\nlock_timeout = '1ms'\nidle_in_transaction_session_timeout = '1ms'\ndefault_transaction_read_only = on\ndefault_transaction_isolation = 'serializable'\ndefault_transaction_deferrable = on\nrow_security = off");
$node->restart;
# Given with the connection: a SET would have to be done within that millisecond itself.
$ENV{PGOPTIONS} = join ' ', $ENV{PGOPTIONS} // '', map { "-c $_" } ('statement_timeout=0', 'lock_timeout=0', 'idle_in_transaction_session_timeout=0', 'default_transaction_read_only=off', 'default_transaction_isolation=read\\ committed');
ok(wait_until(sub { $node->safe_psql('postgres', "SELECT worker_alive AND complete FROM presence_info()") eq 't' }), 'the worker comes in spite of impatient defaults');
$node->safe_psql('postgres', "SELECT count(presence_touch('u' || i)) FROM generate_series(1, 3000) AS i");
ok(wait_until(sub { $node->safe_psql('postgres', "SELECT count(*) FROM user_presence WHERE user_id LIKE 'u%'") == 3000 }), 'and writes');
unlike(slurp_file($node->logfile), qr/\[\d+\] (presence worker )?(ERROR|FATAL):.*(timeout|read-only)/, 'and is not cut off');
finish($node);
done_testing();
