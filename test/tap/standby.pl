# A standby answers from the tables and refuses changes; once promoted it is a server like any other.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_server('primary', allows_streaming => 1);
$primary->append_conf('postgresql.conf', 'max_connections = 20');
$primary->start;
create_presence($primary);
$primary->safe_psql('postgres', q{
	SELECT presence_set_status('ann', 'busy', 'in a call');
	SELECT presence_set_status('ben', 'away');
	SELECT presence_set_status('gone', 'busy');
	SELECT presence_set_status('gone', 'offline', explicit_logout => true);
	SELECT presence_touch('cleo', page_url => '/inbox');
	SELECT presence_connect('ann', 'ann-1', '{"name": "Ann"}', 'phone', '203.0.113.7:80', 'Mozilla/5.0', '/here'), presence_connect('ann', 'ann-2', status => 'away', gateway => 'g'), presence_connect('ben', 'ben-1', lease => '1 h');
	SELECT presence_heartbeat('ben-1');});
$primary->poll_query_until('postgres', 'SELECT count(*) = 3 FROM presence_sessions') or die 'the sessions were not written';
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'cleo'");
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby', install_path => $ENV{PRESENCE_NORMAL});
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup('standby');

# given a standby, then it reads what the tables say
is($standby->safe_psql('postgres', q{SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'ben', 'cleo', 'gone', 'nobody'])}),
	"ann|busy|in a call\nben|away|\ncleo|online|\ngone|offline|\nnobody|offline|", 'presence_get_many on a standby');
is($standby->safe_psql('postgres', 'SELECT user_id, status FROM presence_online_users()'), "cleo|online\nann|busy\nben|away", 'presence_online_users');
is($standby->safe_psql('postgres', 'SELECT online, busy, away, total FROM presence_counts()'), '1|1|1|3', 'presence_counts');
is($standby->safe_psql('postgres', "SELECT presence_status('ann'), (presence_get('cleo')).current_page"), 'busy|/inbox', 'presence_status and presence_get');
my $sessions = q{SELECT session_id, device, ip_address, user_agent, status, connected_at, last_seen, current_page FROM presence_sessions('%s') ORDER BY session_id};
is($standby->safe_psql('postgres', sprintf($sessions, $_)), $primary->safe_psql('postgres', sprintf($sessions, $_)), "presence_sessions of $_") for qw(ann ben nobody);
is($standby->safe_psql('postgres', q{SELECT session_id, device, ip_address, user_agent, status, current_page FROM presence_sessions('ann') ORDER BY 1}), "ann-1|phone|203.0.113.7|Mozilla/5.0|online|/here\nann-2||||away|", 'which says what is known');
is($standby->safe_psql('postgres', 'SELECT worker_alive FROM presence_info()'), 'f', 'it has no worker');
is($standby->safe_psql('postgres', "SELECT presence_notify_channel('global_presence')"), 'global_presence', 'presence_notify_channel');

# and follows
$primary->safe_psql('postgres', q{SELECT presence_set_status('ann', 'away', 'lunch'); SELECT presence_set_status('dora', 'busy')});
$primary->wait_for_catchup('standby');
is($standby->safe_psql('postgres', q{SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'dora'])}), "ann|away|lunch\ndora|busy|", 'it follows');
is($standby->safe_psql('postgres', 'SELECT total FROM presence_counts()'), '4', 'in the counts too');

# every change is refused
for my $call (
	q{presence_touch('ann')}, q{presence_touch_many(ARRAY['ann'])}, q{presence_set_status('ann', 'busy')},
	q{presence_set_status_many(ARRAY['ann'], ARRAY['busy'])}, q{presence_set_message('ann', 'm')},
	q{presence_connect('ann')}, q{presence_heartbeat('ann-1')}, q{presence_heartbeat_many(ARRAY['ann-1'])}, q{presence_gateway('g')},
	q{presence_disconnect('ann-1')}, q{presence_logout('ann')}, q{presence_touch('ann', 'click')},
	q{presence_clear_status('ann')}, q{presence_import('[]')}, q{presence_forget('ann')}, q{presence_reset()})
{
	is((error_of($standby, 'postgres', "SELECT $call"))[0], '25006', "$call is refused");
}

# when it is promoted, then it is a server like any other
$primary->stop('immediate');
$standby->promote;
eventually($standby, 'postgres', 'SELECT worker_alive AND complete FROM presence_info()', 'promoted: it has a worker');
is($standby->safe_psql('postgres', 'SELECT user_id, status, status_message FROM presence_online_users()'), "cleo|online|\ndora|busy|\nann|away|lunch\nben|away|", 'who was here is here');
is($standby->safe_psql('postgres', q{SELECT presence_heartbeat_many('{ann-1,ben-1,unknown}'), presence_gateway('g')}), '{unknown}|1', 'its sessions are known');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM presence_sessions('ann')}), '2', 'all of them');
is($standby->safe_psql('postgres', q{SELECT presence_touch('eve'), (presence_set_status('ann', 'busy')).status, (presence_clear_status('ben')).status}), 'online|busy|online', 'changes are taken');
eventually($standby, 'postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'eve'", 'and written');
check_histories($standby, 'postgres', 'on the promoted server');
finish($standby);
finish($primary);
done_testing();
