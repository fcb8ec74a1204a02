# Immediate and fast shutdown under load: no acknowledged change is lost, and the server starts and stops in time.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $node = new_server('shutdown');
$node->start;
create_presence($node);

my $round = 0;
for my $mode (qw(immediate fast immediate fast))
{
	$round++;
	my $load = start_load($node, $round);
	$node->poll_query_until('postgres', "SELECT count(*) > 100 FROM presence_history WHERE change_reason LIKE 'r$round c%'")
	  or die "no load in round $round: $load->{output}";
	Time::HiRes::sleep(rand 0.3);
	$node->stop($mode);
	my $acknowledged = finish_load($load);
	$node->start;
	eventually($node, 'postgres', 'SELECT worker_alive AND complete FROM presence_info()', "$mode ($acknowledged acknowledged): the worker is back");
	check_load($node, $load, "round $round, $mode");
}
check_histories($node, 'postgres', 'after all rounds');

# A planned stop loses nothing: what waits for the next flush is written first.
$node->append_conf('postgresql.conf', "presence.flush_interval = '1h'");
$node->reload;
$node->safe_psql('postgres', "SELECT presence_connect('pat', 'pat 1'), presence_join_document('pat', 7)");
eventually($node, 'postgres', "SELECT count(*) = 1 FROM document_presence", 'a member has its row');
$node->safe_psql('postgres', "SELECT presence_move_cursor('pat', 7, '{\"line\": 8}'), presence_set_state('pat', 'document_7', '\"late\"'),
	presence_touch('pat', 'click', '/late', 'pat 1')");
$node->stop('fast');
$node->start;
is($node->safe_psql('postgres', "SELECT cursor_position->>'line', state FROM presence_members('document_7')"), '8|"late"', 'cursor and state survive a planned stop');
is($node->safe_psql('postgres', "SELECT current_page, activity_count FROM presence_get('pat')"), '/late|1', 'so do page and counter');
is($node->safe_psql('postgres', "SELECT count(*) FROM user_activities WHERE user_id = 'pat'"), 1, 'and activities');

# The postmaster signals the worker and then its group: two signals, which may come apart.
wait_for_worker($node);
$node->safe_psql('postgres', q{SELECT count(presence_touch('many ' || i)) FROM generate_series(1, 2000) AS i});
eventually($node, 'postgres', q{SELECT count(*) = 2000 FROM user_presence WHERE user_id LIKE 'many %'}, 'two thousand rows are written');
$node->safe_psql('postgres', q{SELECT count(presence_touch('many ' || i, page_url => '/apart')) FROM generate_series(1, 2000) AS i});
my $signalled = worker_pid($node);
kill 'TERM', $signalled;
Time::HiRes::sleep(0.01);
kill 'TERM', -$signalled;
is_gone($node, $signalled);
is($node->safe_psql('postgres', q{SELECT count(*) FROM user_presence WHERE current_page = '/apart'}), 2000, 'two signals of one stop are one request to end');
wait_for_worker($node, 'postgres', $signalled);

# Told to end in the middle of a round, where it waits for a lock, the worker goes on to the end.
my $holder = $node->background_psql('postgres');
my $partitions = $node->safe_psql('postgres', q{SELECT string_agg(inhrelid::regclass::text, ', ') FROM pg_inherits WHERE inhparent = 'presence_history'::regclass});
$holder->query_safe("BEGIN; LOCK TABLE $partitions");
$node->safe_psql('postgres', q{SELECT presence_touch('pat', 'click', '/later', 'pat 1'), presence_move_cursor('pat', 7, '{"line": 9}')});
$node->safe_psql('postgres', q{SELECT presence_connect('sam', 'sam 1')});
is($node->safe_psql('postgres', q{DO $$
	DECLARE worker int = (SELECT worker_pid FROM presence_info());
	BEGIN
		LOOP
			PERFORM pg_stat_clear_snapshot();
			EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE pid = worker AND wait_event_type = 'Lock');
		END LOOP;
		PERFORM pg_terminate_backend(worker);
	END $$;
	SELECT 'told'}), 'told', 'the worker waits for a partition and is told to end');
eventually($node, 'postgres', q{SELECT count(*) = 2 FROM user_activities WHERE user_id = 'pat'}, 'activities are written nevertheless');
eventually($node, 'postgres', q{SELECT cursor_position->>'line' = '9' FROM document_presence WHERE user_id = 'pat'}, 'so are cursors');
$holder->query_safe('COMMIT');
$holder->quit;
eventually($node, 'postgres', q{SELECT count(*) = 1 FROM user_presence WHERE user_id = 'sam'}, 'what was locked is written by the next worker');

# Told to end while a row is locked, it tries again now and then, not all the time.
wait_for_worker($node);
my $row_holder = $node->background_psql('postgres');
$row_holder->query_safe(q{BEGIN; SELECT FROM user_presence WHERE user_id = 'pat' FOR UPDATE});
$node->safe_psql('postgres', q{SELECT presence_touch('pat', 'click', '/locked', 'pat 1')});
my $next_xid = q{SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint};
my $xid = $node->safe_psql('postgres', $next_xid);
my $pid = worker_pid($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
is_gone($node, $pid);
cmp_ok($node->safe_psql('postgres', $next_xid) - $xid, '<', 2000, 'a locked row is tried again a few times');
$row_holder->query_safe('COMMIT');
$row_holder->quit;
wait_for_worker($node);
eventually($node, 'postgres', q{SELECT current_page = '/locked' FROM user_presence WHERE user_id = 'pat'}, 'and written by the next worker');

# Told to end soon after an import, while the rows are still to be loaded: what is in memory is written nevertheless.
my $load_holder = $node->background_psql('postgres');
$load_holder->query_safe('BEGIN; LOCK TABLE channel_presence, presence_contacts, presence_visibility');
$node->safe_psql('postgres', q{SELECT presence_touch('pat', 'click', '/imported', 'pat 1')});
$node->safe_psql('postgres', q{SELECT presence_import('[{"user_id": "ina", "status": "offline"}]')});
$pid = worker_pid($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
is_gone($node, $pid);
is($node->safe_psql('postgres', q{SELECT complete FROM presence_info()}), 'f', 'an import is not loaded yet');
is($node->safe_psql('postgres', q{SELECT current_page FROM user_presence WHERE user_id = 'pat'}), '/imported', 'what was in memory has its row');
$load_holder->query_safe('COMMIT');
$load_holder->quit;
wait_for_worker($node);

# Whatever the application's triggers do, a stop comes to its end, and what is behind no such trigger is written.
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN IF current_setting('test.slow', true) = 'on' THEN PERFORM pg_sleep(3600); END IF; RETURN NEW; END $$;
	CREATE TRIGGER slow BEFORE UPDATE ON user_presence FOR EACH ROW EXECUTE FUNCTION public.wait()});
$node->append_conf('postgresql.conf', "test.slow = 'on'");
$node->reload;
eventually($node, 'postgres', q{SELECT current_setting('test.slow', true) = 'on'}, 'a trigger is slow from now on');
$node->safe_psql('postgres', q{SELECT presence_touch('pat', 'click', '/slow', 'pat 1'), presence_move_cursor('pat', 7, '{"line": 10}')});
ok($node->stop('fast', fail_ok => 1), 'a fast shutdown does not wait for a trigger that sleeps')
  or $node->stop('immediate');
$node->append_conf('postgresql.conf', "test.slow = 'off'");
$node->start;
wait_for_worker($node);
is($node->safe_psql('postgres', "SELECT cursor_position->>'line' FROM presence_members('document_7')"), '10', 'the cursor behind it survived');
$node->safe_psql('postgres', 'DROP TRIGGER slow ON user_presence');

# A smart shutdown does not wait for the worker.
$node->stop('smart');
$node->start;
wait_for_worker($node);
pass('smart shutdown comes to its end');
finish($node);
done_testing();
