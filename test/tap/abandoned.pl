# Promise 6: sessions that end in the middle, or never end, hold up nobody.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('abandoned', conf => "presence.idle_timeout = '1s'\npresence.offline_timeout = '2s'\nmax_prepared_transactions = 5");
$node->start;
create_presence($node);

# given a session with an open choice that is terminated, then the user is free at once and goes as time says
my $session = $node->background_psql('postgres');
$session->query_safe($_) for 'BEGIN', q{SELECT presence_set_status('ann', 'busy')};
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$node->safe_psql('postgres', q{SELECT presence_touch('ann')});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
is($node->safe_psql('postgres', q{SET statement_timeout = '20s'; SELECT status FROM presence_set_status('ann', 'away')}), 'away', 'a terminated session lets go');
eventually($node, 'postgres', "SELECT status = 'offline' FROM user_presence WHERE user_id = 'ann'", 'and the worker writes its user');
eval { $session->quit };

# the same with a client that vanished in the middle of a savepoint
$session = $node->background_psql('postgres');
$session->query_safe($_) for 'BEGIN', 'SAVEPOINT a', q{SELECT presence_set_status('ben', 'busy')}, 'SAVEPOINT b', q{SELECT presence_set_status('cleo', 'busy')};
$session->{run}->kill_kill;
is($node->safe_psql('postgres', q{SET statement_timeout = '20s'; SELECT presence_set_status_many(ARRAY['ben', 'cleo'], ARRAY['away', 'away'])}), '2', 'a vanished client lets go');
eventually($node, 'postgres', "SELECT count(*) = 3 FROM user_presence WHERE status = 'offline'", 'and the worker writes its users');

# given a session that stays open with a choice for longer than its user may be silent, and one that listens in an open transaction, then all others go on and are heard
my $open = $node->background_psql('postgres');
$open->query_safe($_) for 'BEGIN', q{SELECT presence_set_status('dora', 'busy')};
my $deaf = $node->background_psql('postgres');
$deaf->query_safe($_) for 'LISTEN global_presence', 'BEGIN', 'SELECT 1';
my $listener = PresenceTest::Listener->new($node, 'postgres');
$node->safe_psql('postgres', q{SELECT presence_touch('u' || i) FROM generate_series(1, 50) AS i; SELECT presence_set_status('v' || i, 'busy') FROM generate_series(1, 50) AS i;});
ok($listener->wait_for(sub { 100 == grep { $_->{event} eq 'user_left' } @_ }), 'a hundred others came and went, and were heard of');
eventually($node, 'postgres', "SELECT count(*) = 100 FROM user_presence WHERE (user_id LIKE 'u%' OR user_id LIKE 'v%') AND status = 'offline'", 'and written');
is(scalar(grep { $_->{user_id} eq 'dora' } $listener->events), 0, 'nothing of what is open');
$open->query_safe('COMMIT');
eventually($node, 'postgres', "SELECT status = 'offline' FROM user_presence WHERE user_id = 'dora'", 'its commit comes too late: time has gone on');
is($node->safe_psql('postgres', "SELECT previous_status, new_status, change_reason FROM presence_history WHERE user_id = 'dora' ORDER BY changed_at"),
	"offline|busy|manual\nbusy|offline|timeout", 'and the history says why');
$deaf->query_safe('COMMIT');
pass('the other listener goes on');
is_deeply([ $listener->gaps ], [], 'no gap');

# given PREPARE TRANSACTION, then it is refused after a change, with its change, and allowed without one
is((error_of($node, 'postgres', q{BEGIN; SELECT presence_set_status('eve', 'busy'); PREPARE TRANSACTION 'p'}))[0], '0A000', 'PREPARE TRANSACTION after a choice is refused');
is($node->safe_psql('postgres', q{SELECT presence_status('eve'), (SELECT count(*) FROM user_presence WHERE user_id = 'eve')}), 'offline|0', 'and the choice is gone');
is((error_of($node, 'postgres', q{BEGIN; SAVEPOINT s; SELECT presence_set_status('eve', 'busy'); RELEASE s; PREPARE TRANSACTION 'p'}))[0], '0A000', 'also of a subtransaction');
is((error_of($node, 'postgres', q{BEGIN; SELECT presence_set_status_many(ARRAY['eve'], ARRAY['busy']); PREPARE TRANSACTION 'p'}))[0], '0A000', 'also after a batch');
is((error_of($node, 'postgres', q{BEGIN; SELECT presence_forget('ann'); PREPARE TRANSACTION 'p'}))[0], '0A000', 'also after being forgotten');
is((error_of($node, 'postgres', q{BEGIN; SELECT presence_import('[{"user_id": "imported", "status": "offline"}]'); PREPARE TRANSACTION 'p'}))[0], '0A000', 'also after an import');
$node->safe_psql('postgres', q{BEGIN; SAVEPOINT s; SELECT presence_set_status('eve', 'busy'); ROLLBACK TO s; SELECT presence_touch('fay'), presence_status('eve'); CREATE TABLE public.t (); PREPARE TRANSACTION 'p'});
$node->safe_psql('postgres', q{COMMIT PREPARED 'p'});
pass('without a change it is allowed');
check_histories($node, 'postgres', 'after all');
$_->quit for $open, $deaf, $listener;
finish($node);
done_testing();
