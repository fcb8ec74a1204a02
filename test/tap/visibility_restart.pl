# Who sees whom outlives a restart, a crash, leaving memory and a dump, and is the same on a standby.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('rules', testing => 1, allows_streaming => 1,
	conf => "presence.memory = '4MB'\npresence.flush_interval = '300ms'\nmax_worker_processes = 16\nmax_connections = 20\nautovacuum = off\ntimezone = 'UTC'");
$node->start;
create_presence($node);

# Everything that hides or shows: strangers, contacts, blocks, details, a channel, and what is kept of each.
my @users = qw(open none friends few room bucket blocks old plain);
my @viewers = (qw(ann ben cleo stranger), @users);
sub seen
{
	my ($server, $database) = @_;
	my ($users, $viewers) = map { join ',', @$_ } \@users, \@viewers;
	# But for the page and the minute, which a restart may forget, and the moment at which somebody hid: see below.
	return $server->safe_psql($database // 'postgres', qq{
		SELECT v, g.user_id, g.status, g.status_message, CASE WHEN presence_can_see(v, g.user_id) <> 'nothing' THEN g.last_seen END, g.user_data, g.session_count, g.activity_count, g.last_seen_bucket, presence_can_see(v, g.user_id), presence_can_see(v, g.user_id, 'room'), presence_status(g.user_id, v),
			to_jsonb(g) = to_jsonb(presence_preview(g.user_id, v)), to_jsonb(g) = to_jsonb(presence_get(g.user_id, v))
		FROM unnest('{$viewers}'::text[]) AS v, presence_get_many('{$users}', v) AS g ORDER BY 1, 2;
		SELECT v, presence_counts(v), presence_member_count('room', v), presence_member_count('global_presence', v), array(SELECT user_id || status FROM presence_online_users(100, v)), array(SELECT user_id FROM presence_online_users(2, v)),
			array(SELECT user_id FROM presence_members('room', 100, v) ORDER BY 1), array(SELECT coalesce(user_data::text, '-') FROM presence_members('room', 100, v) ORDER BY user_id)
		FROM unnest('{$viewers}'::text[]) AS v ORDER BY 1;
		SELECT u, presence_visibility_of(u) FROM unnest('{$users}'::text[]) AS u;});
}
sub same_as
{
	my ($before, $name, $server, $database) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my @lines = map { [ split /\n/ ] } seen($server // $node, $database), $before;
	my @other = grep { ($lines[0][$_] // '') ne ($lines[1][$_] // '') } 0 .. ($#{ $lines[0] } > $#{ $lines[1] } ? $#{ $lines[0] } : $#{ $lines[1] });
	is_deeply([ map { $lines[0][$_] } @other ], [ map { $lines[1][$_] } @other ], $name);
	return;
}

$node->safe_psql('postgres', join ';', (map { "SELECT presence_connect('$_', '$_ 1', '{\"name\": \"$_\", \"secret\": 1}', lease => '4 h'), presence_heartbeat('$_ 1'), presence_join('$_', 'room'), presence_set_status('$_', 'busy', 'of $_')" } @users, 'ann'),
	q{SELECT presence_connect('ben', 'ben 1'), presence_join('ben', 'hall')},
	q{SELECT presence_set_visibility('none', 'nobody'), presence_set_visibility('friends', 'contacts', 'full'), presence_add_contact('friends', 'ann'), presence_add_contact('friends', 'ben', 'status'), presence_add_contact('friends', 'cleo', 'last_seen')},
	q{SELECT presence_set_visibility('few', 'everyone', 'status'), presence_set_visibility('few', 'nobody', channel_id => 'room'), presence_set_visibility('few', 'everyone', channel_id => 'hall')},
	q{SELECT presence_set_visibility('room', 'channel'), presence_set_visibility('bucket', 'everyone', 'last_seen'), presence_block('blocks', 'ann'), presence_block('blocks', 'room')},
	q{SELECT presence_add_contact('old', 'ben'), presence_set_visibility('old', 'contacts'), presence_remove_contact('old', 'ben'), presence_set_visibility('old', 'nobody'), presence_set_visibility('old', 'contacts')},
	# What happens afterwards is not for those from whom somebody hides.
	(map { "SELECT presence_set_message('$_', 'later'), presence_touch('$_')" } @users), q{SELECT presence_set_status('none', 'away')});
$node->safe_psql('postgres', q{SELECT presence_set_visibility('plain', 'nobody'), presence_logout('plain')});
sub written
{
	$node->poll_query_until('postgres', q{SELECT bool_and(p.last_seen = g.last_seen AND p.status = g.status AND p.activity_count = g.activity_count) AND (SELECT fresh FROM presence_info()) FROM user_presence AS p, presence_get(p.user_id) AS g}) or die 'not all is written';
	$node->poll_query_until('postgres', q{SELECT (SELECT count(*) FROM channel_presence) = 10 AND (SELECT count(*) FROM presence_sessions) = 10}) or die 'sessions and members were not written';
	flush_log($node);
	return;
}
written();
my $before = seen($node);
like($before, qr/^stranger\|none\|offline\|of none\|.*\|nothing\|nothing\|offline\|t\|t$/m, 'strangers see what was there when somebody hid');
like($before, qr/^stranger\|bucket\|offline\|\|\|\|\|\|recently\|last_seen/m, 'and of others a bucket alone');
like($before, qr/^ann\|friends\|busy\|later\|/m, 'a contact sees all');

# ---- a standby --------------------------------------------------------------------------------------------------------

$node->backup('base');
my $standby = PresenceTest::Server->new('standby', install_path => $ENV{PRESENCE_TESTING});
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup('standby', 'replay', $node->lsn('insert'));
same_as($before, 'a standby says the same to each viewer', $standby);
for my $call (q{presence_set_visibility('none', 'everyone')}, q{presence_add_contact('none', 'ann')}, q{presence_remove_contact('friends', 'ann')}, q{presence_set_contacts('none', '{}')}, q{presence_block('none', 'ann')}, q{presence_unblock('blocks', 'ann')})
{
	is((error_of($standby, 'postgres', "SELECT $call"))[0], '25006', "$call is refused there");
}
$node->safe_psql('postgres', q{SELECT presence_set_visibility('open', 'nobody'), presence_unblock('blocks', 'room')});
written();
$before = seen($node);
$node->wait_for_catchup('standby', 'replay', $node->lsn('insert'));
same_as($before, 'and follows', $standby);

# ---- a dump -----------------------------------------------------------------------------------------------------------

my $dir = PostgreSQL::Test::Utils::tempdir;
my @to = ('-h', $node->host, '-p', $node->port);
$node->command_ok([ 'pg_dump', @to, '-Fc', '-f', "$dir/archive", 'postgres' ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'pg_restore', @to, '-d', 'copy', "$dir/archive" ], 'pg_restore');
wait_for_worker($node, 'copy');
my $rules = q{SELECT * FROM presence_visibility ORDER BY user_id, channel_id; SELECT * FROM presence_contacts ORDER BY user_id, contact_id};
is($node->safe_psql('copy', $rules), $node->safe_psql('postgres', $rules), 'the rows of a dump come along');
my $hidden = q{SELECT v, g.user_id, g.status, g.status_message, g.user_data, g.activity_count, g.last_seen_bucket, presence_can_see(v, g.user_id)
	FROM unnest('{ann,ben,cleo,stranger}'::text[]) AS v, presence_get_many('{none,friends,bucket,blocks,old,plain,open}', v) AS g ORDER BY 1, 2};
is($node->safe_psql('copy', $hidden), $node->safe_psql('postgres', $hidden), 'and say the same');
$node->safe_psql('postgres', 'DROP DATABASE copy');

# ---- a restart and a crash ----------------------------------------------------------------------------------------------

for my $how ('fast', 'immediate')
{
	$node->stop($how);
	$node->start;
	wait_for_worker($node);
	same_as($before, "$how: everybody sees what it saw");
	# Who has gone on since is hidden all the same.
	$node->safe_psql('postgres', join ';', map { "SELECT presence_connect('$_', '$_ 1', '{\"name\": \"$_\", \"secret\": \"$how\"}', lease => '4 h'), presence_set_message('$_', 'after $how'), presence_touch('$_')" } qw(none old open));
	is($node->safe_psql('postgres', q{SELECT count(*) FROM unnest('{none,open}'::text[]) AS u, presence_get(u, 'stranger') AS g WHERE g.status = 'offline' AND g.status_message !~ 'after' AND g.user_data ->> 'secret' = '1'}), '2', "$how: and they are as they were");
	written();
	$before = seen($node);
}

# ---- the moment of COMMIT ------------------------------------------------------------------------------------------------

# given somebody who is active between the call and its COMMIT, then that is shown, and goes on being shown
my $open = $node->background_psql('postgres');
my $last = sub { return $node->safe_psql('postgres', sprintf q{SELECT last_seen, activity_count FROM presence_get('slow'%s)}, $_[0] ? ", '$_[0]'" : '') };
$node->safe_psql('postgres', q{SELECT presence_touch('slow')});
$open->query_safe(q{BEGIN; SELECT presence_set_visibility('slow', 'nobody')});
$node->safe_psql('postgres', q{SELECT presence_touch('slow')});
my $at_commit = $last->();
is($last->('ann'), $at_commit, 'before COMMIT all is seen');
$open->query_safe('COMMIT');
$open->quit;
my $shown = $last->('ann');
cmp_ok($shown, 'ge', $at_commit, 'what there was at COMMIT is shown');
$node->safe_psql('postgres', q{SELECT presence_touch('slow')});
is($last->('ann'), $shown, 'and nothing later');
# A known limit: the row has the moment of the call, and is what counts once another rule is said. Nothing later than the hiding
# is in it.
$node->safe_psql('postgres', q{SELECT presence_set_visibility('slow', 'nobody', channel_id => 'hall')});
cmp_ok($last->('ann'), 'le', $shown, 'when another rule is said what there was at the call is shown');
my $at_call = $last->('ann');
$node->safe_psql('postgres', q{SELECT presence_set_visibility('slow', 'everyone', channel_id => 'room'), presence_touch('slow')});
is($last->('ann'), $at_call, 'and goes on being shown');
$node->stop('immediate');
$node->start;
wait_for_worker($node);
is($last->('ann'), $at_call, 'after a crash too');
# given nothing between the call and its COMMIT, then all is the same from the beginning
$node->safe_psql('postgres', q{SELECT presence_set_visibility('slow', 'everyone'), presence_touch('slow')});
$node->safe_psql('postgres', q{SELECT presence_set_visibility('slow', 'nobody')});
$shown = $last->('ann');
$node->stop('immediate');
$node->start;
wait_for_worker($node);
is($last->('ann'), $shown, 'who hides at once is shown the same after a crash');

# ---- out of memory ------------------------------------------------------------------------------------------------------

# given somebody who hides and is offline, when memory is needed for others, then it is read from its row, with the same answer
$node->safe_psql('postgres', q{SELECT presence_logout('none'), presence_logout('blocks'), presence_logout('friends')});
$node->poll_query_until('postgres', q{SELECT count(*) = 3 FROM user_presence WHERE user_id IN ('none', 'blocks', 'friends') AND status = 'offline'}) or die 'not written';
$hidden =~ s/\{none.*?\}/{none,blocks,friends,plain}/;
my $hidden_before = $node->safe_psql('postgres', $hidden);
is((error_of($node, 'postgres', q{DO $$ BEGIN FOR i IN 1 .. 1000000 LOOP PERFORM presence_touch('crowd' || i); END LOOP; END $$}))[0], '53200', 'memory is full');
is($node->safe_psql('postgres', $hidden), $hidden_before, 'who was pushed out is read from the rows, and hides as before');
is($node->safe_psql('postgres', q{SELECT count(*) FROM unnest('{none,blocks,friends}'::text[]) AS u WHERE presence_status(u, 'ann') <> 'offline'}), '0', 'presence_status too');
$standby->stop;
finish($_) for $node, $standby;
done_testing();
