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
$primary->append_conf('postgresql.conf', "max_connections = 20\npresence.flush_interval = '300ms'");
$primary->start;
create_presence($primary);
$primary->safe_psql('postgres', q{
	SELECT presence_set_status('ann', 'busy', 'in a call');
	SELECT presence_set_status('ben', 'away');
	SELECT presence_set_status('gone', 'busy');
	SELECT presence_set_status('gone', 'offline', explicit_logout => true);
	SELECT presence_touch('cleo', page_url => '/inbox');
	SELECT presence_gateway('g', '1 h');
	SELECT presence_connect('ann', 'ann-1', '{"name": "Ann"}', 'phone', '203.0.113.7:80', 'Mozilla/5.0', '/here'), presence_connect('ann', 'ann-2', status => 'away', gateway => 'g'), presence_connect('ben', 'ben-1', lease => '1 h');
	SELECT presence_heartbeat('ben-1');
	SELECT presence_join('ann', 'room', '{"role": "host"}', 'ann-1'), presence_join('ben', 'room'), presence_join('cleo', 'room');
	SELECT presence_join_document('ann', 7, '{"x": 1}', '[1, 2]', session_id => 'ann-1'), presence_set_state('ben', 'room', '{"hand": true}');
	SELECT presence_join('gone', 'room'), presence_leave('gone', 'room'), presence_logout('gone'), presence_typing('cleo', 'room', user_name => 'Cleo');});
$primary->poll_query_until('postgres', 'SELECT count(*) = 4 FROM channel_presence') or die 'the members were not written';
$primary->poll_query_until('postgres', q{SELECT count(*) = 1 FROM user_presence WHERE user_id = 'gone' AND status = 'offline'}) or die 'gone was not written';
$primary->poll_query_until('postgres', 'SELECT count(*) = 3 FROM presence_sessions') or die 'the sessions were not written';
$primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'cleo'");
$primary->poll_query_until('postgres', q{SELECT count(*) = 3 FROM presence_sessions AS r, presence_sessions(r.user_id) AS s WHERE s.session_id = r.session_id AND s.last_seen = r.last_seen}) or die 'the last activity was not written';
$primary->backup('base');
my $standby = PresenceTest::Server->new('standby', install_path => $ENV{PRESENCE_NORMAL});
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup('standby', 'replay', $primary->lsn('insert'));

# given a standby, then it reads what the tables say
is($standby->safe_psql('postgres', q{SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'ben', 'cleo', 'gone', 'nobody'])}),
	"ann|busy|in a call\nben|away|\ncleo|online|\ngone|offline|\nnobody|offline|", 'presence_get_many on a standby');
is($standby->safe_psql('postgres', 'SELECT user_id, status FROM presence_online_users()'), "cleo|online\nann|busy\nben|away", 'presence_online_users');
is($standby->safe_psql('postgres', 'SELECT online, busy, away, total FROM presence_counts()'), '1|1|1|3', 'presence_counts');
is($standby->safe_psql('postgres', "SELECT presence_status('ann'), (presence_get('cleo')).current_page"), 'busy|/inbox', 'presence_status and presence_get');
my $sessions = q{SELECT session_id, device, ip_address, user_agent, status, connected_at, last_seen, current_page FROM presence_sessions('%s') ORDER BY session_id};
is($standby->safe_psql('postgres', sprintf($sessions, $_)), $primary->safe_psql('postgres', sprintf($sessions, $_)), "presence_sessions of $_") for qw(ann ben nobody);
is($standby->safe_psql('postgres', q{SELECT session_id, device, ip_address, user_agent, status, current_page FROM presence_sessions('ann') ORDER BY 1}), "ann-1|phone|203.0.113.7|Mozilla/5.0|online|/here\nann-2||||away|", 'which says what is known');
my $members = q{SELECT user_id, status, user_data, joined_at, cursor_position, selection_range FROM presence_members('%s') ORDER BY 1};
for my $channel ('room', 'document_7', 'empty')
{
	is($standby->safe_psql('postgres', sprintf($members, $channel)), $primary->safe_psql('postgres', sprintf($members, $channel)), "presence_members of $channel");
	is($standby->safe_psql('postgres', "SELECT presence_member_count('$channel')"), $primary->safe_psql('postgres', "SELECT presence_member_count('$channel')"), "presence_member_count of $channel");
}
is($standby->safe_psql('postgres', q{SELECT user_id, status, user_data FROM presence_members('room') ORDER BY 1}), qq{ann|busy|{"role": "host"}\nben|away|\ncleo|online|}, 'who is there, with its status');
is($standby->safe_psql('postgres', q{SELECT cursor_position, selection_range FROM presence_members('document_7')}), '{"x": 1}|[1, 2]', 'with its cursor');
is($standby->safe_psql('postgres', q{SELECT presence_member_count('room'), presence_member_count('global_presence'), (SELECT string_agg(c, ' ') FROM presence_channels('ann') AS c), (SELECT count(*) FROM presence_channels('gone')), (SELECT count(*) FROM presence_typing_users('room')), (SELECT document_id FROM document_presence)}), '3|3|document_7 room|0|0|7', 'counts, channels, and nobody types there');
is($standby->safe_psql('postgres', q{WITH RECURSIVE page AS (SELECT user_id, 1 AS n FROM presence_members('room', 1) UNION ALL SELECT m.user_id, n + 1 FROM page, presence_members('room', 1, after => page.user_id) AS m) SELECT count(*), count(DISTINCT user_id), array_agg(user_id ORDER BY n) = (SELECT array_agg(user_id) FROM presence_members('room')) FROM page}), '3|3|t', 'in pages');
is((error_of($standby, 'postgres', q{SELECT * FROM presence_members('global_presence')}))[0], '22023', 'errors are the same');
is($standby->safe_psql('postgres', 'SELECT worker_alive FROM presence_info()'), 'f', 'it has no worker');
is($standby->safe_psql('postgres', "SELECT presence_notify_channel('global_presence')"), 'global_presence', 'presence_notify_channel');

# and follows
$primary->safe_psql('postgres', q{SELECT presence_set_status('ann', 'away', 'lunch'); SELECT presence_set_status('dora', 'busy')});
$primary->wait_for_catchup('standby', 'replay', $primary->lsn('insert'));
is($standby->safe_psql('postgres', q{SELECT user_id, status, status_message FROM presence_get_many(ARRAY['ann', 'dora'])}), "ann|away|lunch\ndora|busy|", 'it follows');
is($standby->safe_psql('postgres', 'SELECT total FROM presence_counts()'), '4', 'in the counts too');
$primary->safe_psql('postgres', q{SELECT presence_join('dora', 'room'), presence_leave('ben', 'room')});
$primary->poll_query_until('postgres', q{SELECT string_agg(user_id, ' ' ORDER BY user_id) = 'ann cleo dora' FROM channel_presence WHERE channel_id = 'room'}) or die 'the members were not written';
$primary->wait_for_catchup('standby', 'replay', $primary->lsn('insert'));
is($standby->safe_psql('postgres', q{SELECT string_agg(user_id, ' ' ORDER BY user_id) || ' ' || presence_member_count('room') FROM presence_members('room')}), 'ann cleo dora 3', 'and in the channels');

# what is said of somebody offline is over when its time is, though nobody writes the row
$primary->safe_psql('postgres', q{SELECT presence_set_message('gone', 'soon back', expires_at => now() + interval '1 h'), presence_set_message('past', 'no more', expires_at => clock_timestamp() + interval '3 s')});
$primary->wait_for_catchup('standby', 'replay', $primary->lsn('insert'));
$standby->poll_query_until('postgres', q{SELECT status_message IS NULL FROM presence_get('past')}) or die 'the message stays';
is($standby->safe_psql('postgres', q{SELECT status_message, (SELECT status_message FROM user_presence WHERE user_id = 'past') FROM presence_get('gone')}), 'soon back|no more', 'a message that has expired is not shown');

# every change is refused
for my $call (
	q{presence_touch('ann')}, q{presence_touch_many(ARRAY['ann'])}, q{presence_set_status('ann', 'busy')},
	q{presence_set_status_many(ARRAY['ann'], ARRAY['busy'])}, q{presence_set_message('ann', 'm')},
	q{presence_connect('ann')}, q{presence_heartbeat('ann-1')}, q{presence_heartbeat_many(ARRAY['ann-1'])}, q{presence_gateway('g')},
	q{presence_disconnect('ann-1')}, q{presence_logout('ann')}, q{presence_touch('ann', 'click')},
	q{presence_join('ann', 'room')}, q{presence_leave('ann', 'room')}, q{presence_join_document('ann', 7)}, q{presence_leave_document('ann', 7)},
	q{presence_move_cursor('ann', 7, '1')}, q{presence_set_state('ann', 'room', '1')}, q{presence_typing('ann', 'room')}, q{presence_typing('ann', 'room', false)},
	q{presence_clear_status('ann')}, q{presence_listen('room')}, q{presence_unlisten('room')}, q{presence_import('[]')}, q{presence_forget('ann')}, q{presence_reset()})
{
	my ($state, undef, $hint) = error_of($standby, 'postgres', "SELECT $call");
	is("$state $hint", '25006 Call it on the primary. Reading functions work here.', "$call is refused");
}

# when it is promoted, then it is a server like any other
$primary->stop('immediate');
$standby->promote;
eventually($standby, 'postgres', 'SELECT worker_alive AND complete FROM presence_info()', 'promoted: it has a worker');
is($standby->safe_psql('postgres', 'SELECT user_id, status, status_message FROM presence_online_users()'), "cleo|online|\ndora|busy|\nann|away|lunch\nben|away|", 'who was here is here');
is($standby->safe_psql('postgres', q{SELECT presence_heartbeat_many('{ann-1,ben-1,unknown}'), presence_gateway('g')}), '{unknown}|1', 'its sessions are known');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM presence_sessions('ann')}), '2', 'all of them');
is($standby->safe_psql('postgres', q{SELECT string_agg(user_id, ' ' ORDER BY user_id) || ' ' || presence_member_count('room') FROM presence_members('room')}), 'ann cleo dora 3', 'its members are there');
is($standby->safe_psql('postgres', q{SELECT presence_leave('ann', 'room', 'ann-2'), presence_member_count('room'), presence_leave('ann', 'room', 'ann-1'), presence_member_count('room'), (presence_join('eve', 'room')).user_id}), 'f|3|t|2|eve', 'by their sessions');
eventually($standby, 'postgres', q{SELECT string_agg(user_id, ' ' ORDER BY user_id) = 'cleo dora eve' FROM channel_presence WHERE channel_id = 'room'}, 'and written');
is($standby->safe_psql('postgres', q{SELECT presence_touch('eve'), (presence_set_status('ann', 'busy')).status, (presence_clear_status('ben')).status}), 'online|busy|online', 'changes are taken');
eventually($standby, 'postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'eve'", 'and written');
check_histories($standby, 'postgres', 'on the promoted server');
finish($standby);
finish($primary);
done_testing();
