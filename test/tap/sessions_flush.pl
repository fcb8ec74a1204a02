# Heartbeats cost nothing until the flush, which writes each row once, in its place.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $count = 5000;
my $node = new_server('flush', testing => 1, conf => "autovacuum = off\ncheckpoint_timeout = 1h\npresence.flush_interval = '60s'\npresence.idle_timeout = '1h'\npresence.offline_timeout = '2h'");
$node->start;
create_presence($node);

# given some thousand sessions, written and flushed
my $all = "generate_series(1, $count) AS i";
my $beat = "SELECT presence_heartbeat_many(array_agg('s' || i)) FROM $all";
$node->safe_psql('postgres', "SELECT count(presence_connect('u' || i / 2, 's' || i, device => 'phone', user_agent => 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', page_url => '/page/' || i)) FROM $all");
$node->safe_psql('postgres', $beat);
advance($node, 'postgres', '65 s');
$node->safe_psql('postgres', $beat);
advance($node, 'postgres', '65 s');
is($node->safe_psql('postgres', "SELECT count(last_heartbeat) FROM presence_sessions"), $count, "$count sessions are written");
ok(quiet($node), 'and everything else');
my @tables = qw(presence_sessions user_presence);
$node->safe_psql('postgres', "SELECT pg_stat_reset_single_table_counters('$_'::regclass)") for @tables;
my %size = map { $_ => $node->safe_psql('postgres', "SELECT pg_relation_size('$_')") } @tables;
my %index = map { $_ => $node->safe_psql('postgres', "SELECT pg_indexes_size('$_')") } @tables;

# when each sends a heartbeat every 30 s, for ten minutes
my $flushed = 'SELECT max(last_heartbeat) FROM presence_sessions';
my $spent_by_calls = 0;
my ($flushes, $spent_outside, $unknown) = (0, 0, '');
my $row = $node->safe_psql('postgres', $flushed);
for my $round (1 .. 20)
{
	my $before = spent($node);
	$unknown .= $node->safe_psql('postgres', $beat);
	$spent_by_calls++ if spent($node) ne $before;
	advance($node, 'postgres', '30 s');
	my $after = spent($node);
	my $now = $node->safe_psql('postgres', $flushed);
	if ($now ne $row)
	{
		$flushes++;
	}
	elsif ($after ne $before)
	{
		$spent_outside++;
		note_wal($node, $before);
	}
	# What reading it has pruned is not what the flush wrote.
	$row = $now;
}
is($unknown, '{}' x 20, 'all are known, every time');
cmp_ok($flushes, '>=', 8, "$flushes flushes in ten minutes");
cmp_ok($flushes, '<=', 11, 'and no more');
is($spent_by_calls, 0, 'heartbeats: no WAL, no transaction id');
is($spent_outside, 0, 'and none outside a flush');

# then each flush wrote each row once, in its place
my ($updates, $hot, $inserts, $deletes) = split /\|/, $node->safe_psql('postgres', "SELECT n_tup_upd, n_tup_hot_upd, n_tup_ins, n_tup_del FROM pg_stat_user_tables WHERE relname = 'presence_sessions'");
is($updates, $flushes * $count, "$updates updates");
cmp_ok($hot, '>=', 0.98 * $updates, "$hot of them HOT");
is("$inserts|$deletes", '0|0', 'and nothing else');
is($node->safe_psql('postgres', "SELECT n_tup_upd + n_tup_ins + n_tup_del FROM pg_stat_user_tables WHERE relname = 'user_presence'"), '0', 'a heartbeat is nothing to its user');
cmp_ok($node->safe_psql('postgres', "SELECT pg_relation_size('$_')"), '<=', 1.1 * $size{$_}, "$_ has grown by 10 % at most") for @tables;
# The few that find no room in their page, while somebody looks at the old ones, are new in the indexes: 2 % of the updates
# are a fifth of the entries.
cmp_ok($node->safe_psql('postgres', "SELECT pg_indexes_size('$_')"), '<=', 1.25 * $index{$_}, "and its indexes by a quarter at most") for @tables;
is($node->safe_psql('postgres', 'SELECT count(*) FROM presence_sessions WHERE last_heartbeat <= last_seen OR device IS NULL OR current_page IS NULL'), '0', 'the rows say when they were heard of, and all else as before');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT new_status) FROM presence_history'), '1', 'nobody has changed');

# when people do something as well, then their rows are written in their place too, once there is room for that
my $touch = "SELECT count(presence_touch('u' || i / 2, session_id => 's' || i, page_url => '/next/' || i)) FROM $all";
sub touch_and_flush
{
	$node->safe_psql('postgres', $touch);
	advance($node, 'postgres', '65 s');
	return;
}
touch_and_flush() for 1 .. 3;
%size = map { $_ => $node->safe_psql('postgres', "SELECT pg_relation_size('$_')") } @tables;
$node->safe_psql('postgres', "SELECT pg_stat_reset_single_table_counters('$_'::regclass)") for @tables;
touch_and_flush() for 1 .. 6;
for my $table (@tables)
{
	($updates, $hot) = split /\|/, $node->safe_psql('postgres', "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = '$table'");
	cmp_ok($updates, '>=', 6 * $count / 2, "$table is written");
	# Of user_presence, whose pages keep less room, all rows at once are more than what this promises.
	cmp_ok($hot, '>=', ($table eq 'user_presence' ? 0.9 : 0.98) * $updates, "touches: $hot of $updates updates of $table are HOT");
	cmp_ok($node->safe_psql('postgres', "SELECT pg_relation_size('$table')"), '<=', 1.1 * $size{$table}, "$table has grown by 10 % at most");
}
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_sessions WHERE current_page = '/next/' || substr(session_id, 2)"), $count, 'each session has its page');

# given a flush of users and sessions that takes long, then what happens meanwhile is told before all of it is written
$node->safe_psql('postgres', q{CREATE TABLE public.batches(kind name); CREATE TABLE public.go_on();
	CREATE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF (SELECT backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid()) = 'presence worker'
			AND NOT EXISTS (SELECT FROM public.batches WHERE kind = TG_TABLE_NAME) THEN
			INSERT INTO public.batches VALUES (TG_TABLE_NAME);
			WHILE (SELECT count(*) FROM public.go_on) < (SELECT count(*) FROM public.batches) LOOP PERFORM pg_sleep(0.1); END LOOP;
		END IF;
		RETURN NULL; END $$});
$node->safe_psql('postgres', "CREATE TRIGGER dawdle AFTER UPDATE ON $_ EXECUTE FUNCTION public.dawdle()") for @tables;
my $listener = PresenceTest::Listener->new($node, 'postgres');
$node->append_conf('postgresql.conf', "presence.flush_interval = '100ms'");
$node->reload;
$node->safe_psql('postgres', $touch);
$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'presence worker' AND wait_event = 'PgSleep')})
  or die 'no flush';
$node->safe_psql('postgres', q{SELECT presence_set_status('teller', 'busy')});
$node->safe_psql('postgres', 'INSERT INTO public.go_on DEFAULT VALUES');
ok($listener->wait_for(sub { grep { ($_->{user_id} // '') eq 'teller' } @_ }), 'a change during a flush is told');
is($node->safe_psql('postgres', 'SELECT count(*) FROM public.batches'), '1', 'after the batch that was being written, before the next kind of rows');
$node->safe_psql('postgres', 'INSERT INTO public.go_on DEFAULT VALUES');
eventually($node, 'postgres', 'SELECT count(*) = 2 FROM public.batches', 'which follows');
$listener->quit;
finish($node);
done_testing();
