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

# Told to end in the middle of a round, where it waits for a lock, the worker goes on to the end.
my $holder = $node->background_psql('postgres');
my $partitions = $node->safe_psql('postgres', q{SELECT string_agg(inhrelid::regclass::text, ', ') FROM pg_inherits WHERE inhparent = 'presence_history'::regclass});
$holder->query_safe("BEGIN; LOCK TABLE $partitions");
$node->safe_psql('postgres', q{SELECT presence_touch('pat', 'click', '/later', 'pat 1'), presence_move_cursor('pat', 7, '{"line": 9}')});
$node->safe_psql('postgres', q{SELECT presence_connect('sam', 'sam 1')});
is($node->safe_psql('postgres', q{DO $$
	DECLARE worker int = (SELECT pid FROM pg_stat_activity WHERE backend_type = 'presence worker');
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

# A smart shutdown does not wait for the worker.
$node->stop('smart');
$node->start;
wait_for_worker($node);
pass('smart shutdown comes to its end');
finish($node);
done_testing();
