# A worker that cannot send: the queue of notifications is full. Changes and reads go on, and nothing is lost when it can.
#
# On 15 the queue takes 8 GB, so by default its directory is taken away: writing to it fails at the same place, the commit of
# the notifying transaction. PRESENCE_FILL_QUEUE=1 fills it for real, with a listener in an open transaction.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $node = new_server('queue');
$node->start;
create_presence($node);
my $listener = PresenceTest::Listener->new($node, 'postgres');
my $pages = $node->data_dir . '/pg_notify';
my $holder;

# given a queue that takes no more
if ($ENV{PRESENCE_FILL_QUEUE})
{
	my $session = $node->background_psql('postgres');
	$session->query_safe($_) for 'LISTEN filler', 'BEGIN';
	$holder = $session->query_safe('SELECT pg_backend_pid()');
	for (1 .. 1200)
	{
		last if $node->psql('postgres', q{SELECT count(pg_notify('filler', repeat('x', 7900) || i)) FROM generate_series(1, 1000) AS i}) != 0;
	}
	cmp_ok($node->safe_psql('postgres', 'SELECT pg_notification_queue_usage()'), '>', 0.99, 'the queue is full');
}
else
{
	rename $pages, "$pages.away" or die "cannot rename $pages: $!";
}

# when much is changed, then nobody but the listeners notices
$node->safe_psql('postgres', "SELECT count(presence_set_status('u' || i, 'busy', repeat('m', 400))) FROM generate_series(1, 2000) AS i");
$node->safe_psql('postgres', "SELECT count(presence_touch('t' || i)) FROM generate_series(1, 2000) AS i");
is($node->safe_psql('postgres', 'SELECT busy, online FROM presence_counts()'), '2000|2000', 'changes and touches go on');
eventually($node, 'postgres', "SELECT count(*) = 2000 FROM user_presence WHERE status = 'online'", 'the rows are written');
eventually($node, 'postgres', 'SELECT NOT fresh FROM presence_info()', 'presence_info says that listeners are late');
ok($node->safe_psql('postgres', 'SELECT worker_pid FROM presence_info()') > 0, 'the worker is alive');
my $pid = worker_pid($node);

# when there is room again, then all is told, in order and without a gap
if ($ENV{PRESENCE_FILL_QUEUE})
{
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($holder, 10000)");
}
else
{
	rename "$pages.away", $pages or die "cannot rename $pages: $!";
}
ok($listener->wait_for(sub { 4000 == grep { $_->{event} eq 'user_joined' } @_ }, 300), 'then every change is told');
is_deeply([ $listener->gaps ], [], 'in a sequence without gaps');
is(scalar(grep { $_->{event} eq 'user_status_changed' } $listener->events), 4000, 'once each');
is_deeply([ $listener->story('u1') ], [ 'offline>busy manual', 'user_joined' ], 'u1');
is_deeply([ $listener->story('t2000') ], [ 'offline>online activity', 'user_joined' ], 't2000');
eventually($node, 'postgres', 'SELECT fresh FROM presence_info()', 'and the worker is up to date');
is(worker_pid($node), $pid, 'it was the same worker all the time');
$listener->quit;
finish($node);

# given fewer events fit into the buffer than must wait, then listeners are told that they missed some
my $small = new_server('small', conf => "presence.event_buffer = '64kB'");
$small->start;
create_presence($small);
$listener = PresenceTest::Listener->new($small, 'postgres');
$pages = $small->data_dir . '/pg_notify';
$small->safe_psql('postgres', "SELECT presence_touch('first')");
$listener->wait_for(sub { 1 == grep { $_->{event} eq 'user_joined' } @_ });
rename $pages, "$pages.away" or die "cannot rename $pages: $!";
for my $status (qw(busy away busy away))
{
	$small->safe_psql('postgres', "SELECT presence_set_status_many(array_agg('u' || i), array_agg('$status'::text), array_agg(repeat('m', 400))) FROM generate_series(1, 1000) AS i");
	$small->poll_query_until('postgres', "SELECT count(*) = 1000 FROM user_presence WHERE status = '$status'");
	Time::HiRes::sleep(0.6);
}
rename "$pages.away", $pages or die "cannot rename $pages: $!";
ok($listener->wait_for(sub { grep { $_->{event} eq 'presence_resync' } @_ }), 'a small buffer: presence_resync says that some are lost');
isnt(scalar $listener->gaps, 0, 'and prev said so before');
$listener->forget_events;
$small->safe_psql('postgres', "SELECT presence_set_status('last', 'busy')");
ok($listener->wait_for(sub { 2 == @_ }), 'then it goes on');
is_deeply([ $listener->story('last') ], [ 'offline>busy manual', 'user_joined' ], 'with what is new');
is_deeply([ $listener->gaps ], [], 'without a gap');
$listener->quit;
finish($small);

# given somebody who keeps the lock of all who notify, because the standby that must confirm is away, then the worker, which
# would begin again at the end of the queue, waits longer each time; and it leaves the queue when it is told to end
my $busy = new_server('busy', conf => "wal_level = replica\nmax_wal_senders = 2");
$busy->start;
create_presence($busy);
$listener = PresenceTest::Listener->new($busy, 'postgres');
$busy->safe_psql('postgres', 'CREATE TABLE written(it int)');
$busy->append_conf('postgresql.conf', "synchronous_standby_names = 'away'");
$busy->reload;
eventually($busy, 'postgres', "SELECT setting = 'away' FROM pg_settings WHERE name = 'synchronous_standby_names'", 'a standby must confirm');
my $keeper = $busy->background_psql('postgres');
my $keeper_pid = $keeper->query_safe('SELECT pg_backend_pid()');
# The setting counts from when the checkpointer has seen it.
$keeper->query_until(qr/goes on/, "\\echo goes on\nDO \$\$ BEGIN WHILE NOT EXISTS (SELECT FROM written WHERE it = 2) LOOP INSERT INTO written VALUES (1); NOTIFY others; COMMIT; END LOOP; END \$\$;\n");
eventually($busy, 'postgres', "SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $keeper_pid", 'somebody keeps the lock of those who notify');
$busy->safe_psql('postgres', "SET synchronous_commit = off; SELECT presence_set_status('ann', 'busy')");
my $waits = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'presence worker' AND wait_event_type = 'Lock'
	AND clock_timestamp() - xact_start > '%s'};
eventually($busy, 'postgres', sprintf($waits, '3 s'), 'the worker waits longer than a second in the end');
$pid = worker_pid($busy);
$busy->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
is_gone($busy, $pid);
is($busy->safe_psql('postgres', "SELECT status FROM user_presence WHERE user_id = 'ann'"), 'busy', 'told to end it has written the rows');
wait_for_worker($busy);
eventually($busy, 'postgres', sprintf($waits, '1 ms'), 'the next one waits, too');
$busy->safe_psql('postgres', 'SET synchronous_commit = off; INSERT INTO written VALUES (2)');
$busy->append_conf('postgresql.conf', "synchronous_standby_names = ''");
$busy->reload;
ok($listener->wait_for(sub { 2 == @_ }), 'when the lock is free all is told');
is_deeply([ $listener->story('ann') ], [ 'offline>busy manual', 'user_joined' ], 'once');
$_->quit for $listener, $keeper;
finish($busy);
done_testing();
