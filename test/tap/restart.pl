# After a restart the roster is what the tables say, who was here gets session_timeout to be heard of again, the epoch is new.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('restart', testing => 1);
$node->start;
create_presence($node);

# given one online, one busy, one away, one with an end, one gone
$node->safe_psql('postgres', q{
	SELECT presence_touch('online', page_url => '/inbox');
	SELECT presence_set_status('busy', 'busy', 'in a call');
	SELECT presence_set_status('away', 'away');
	SELECT presence_set_status('until', 'busy', 'until later', expires_at => now() + interval '1 hour');
	SELECT presence_set_status('gone', 'busy', 'bye');
	SELECT presence_set_status('gone', 'offline', explicit_logout => true);
	SELECT presence_set_message('online', 'hello');});
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'online' AND status = 'online'");
my $before = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');
my $people = 'SELECT user_id, status, status_message FROM user_presence ORDER BY user_id';
my $rows = $node->safe_psql('postgres', $people);

# when the server restarts, then all are who they were, in memory and in the table, before anybody does anything
$node->restart;
my $ask = q{SELECT user_id, status, status_message FROM presence_get_many(ARRAY['away', 'busy', 'gone', 'online', 'until'])};
is($node->safe_psql('postgres', $ask), $rows, 'everybody is who they were');
is($node->safe_psql('postgres', "SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence_online_users()"), 'away busy online until', 'the online list is whole');
is($node->safe_psql('postgres', 'SELECT online, busy, away, total FROM presence_counts()'), '1|2|1|4', 'so are the counts');
isnt($node->safe_psql('postgres', 'SELECT epoch FROM presence_info()'), $before, 'the epoch is new');
wait_for_worker($node);
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_history WHERE change_reason NOT IN ('manual', 'activity', 'logout')"), '0', 'no change is told of');

# when one is heard of and the others are not, then only that one stays
my $listener = PresenceTest::Listener->new($node, 'postgres');
$node->safe_psql('postgres', "SELECT presence_touch('busy')");
advance($node, 'postgres', '91 s');
eventually($node, 'postgres', 'SELECT total = 1 FROM presence_counts()', 'who is not heard of goes');
is($node->safe_psql('postgres', 'SELECT user_id, status, status_message FROM presence_online_users()'), 'busy|busy|in a call', 'who is heard of stays, as chosen');
eventually($node, 'postgres', "SELECT count(*) = 4 FROM user_presence WHERE status = 'offline' AND went_offline_at IS NOT NULL", 'and the rows say so');
is($node->safe_psql('postgres', "SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence_history WHERE new_status = 'offline' AND change_reason = 'timeout'"), 'away online until', 'and the history');
ok($listener->wait_for(sub { 3 == grep { $_->{event} eq 'user_left' } @_ }), 'and listeners hear of it');
is_deeply([ $listener->gaps ], [], 'in a sequence without gaps');
$listener->quit;
check_histories($node, 'postgres', 'after the grace');

# a second restart in a row
$node->restart;
$node->restart;
is($node->safe_psql('postgres', 'SELECT user_id, status, status_message FROM presence_online_users()'), 'busy|busy|in a call', 'two restarts in a row');

# memory counts on where the rows were
$node->safe_psql('postgres', "SELECT presence_touch('busy')");
is($node->safe_psql('postgres', "SELECT status FROM presence_clear_status('busy')"), 'online', 'a choice made before the restart can be cleared after it');
is($node->safe_psql('postgres', "SELECT status, status_message FROM presence_set_status('gone', 'online')"), 'online|bye', 'who was offline comes back with what the row had');
finish($node);
done_testing();
