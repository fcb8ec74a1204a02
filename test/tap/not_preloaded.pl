# Without the line in shared_preload_libraries each function says what is missing, and nothing breaks.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('plain', preload => 0);
$node->start;
$node->safe_psql('postgres', 'CREATE SCHEMA presence; CREATE EXTENSION presence SCHEMA presence');
pass('CREATE EXTENSION works');

for my $call (
	q{presence_touch('ann')}, q{presence_touch_many(ARRAY['ann'])}, q{presence_set_status('ann', 'busy')},
	q{presence_set_status_many(ARRAY['ann'], ARRAY['busy'])}, q{presence_set_message('ann', 'm')}, q{presence_clear_status('ann')},
	q{presence_status('ann')}, q{presence_get('ann')}, q{presence_get_many(ARRAY['ann'])}, q{presence_online_users()}, q{presence_counts()},
	q{presence_import('[]')}, q{presence_forget('ann')}, q{presence_reset()}, q{presence_info()})
{
	my ($state, $message, $hint) = error_of($node, 'postgres', "SELECT $call");
	is($state, '55000', "$call: 55000");
	like($hint, qr/shared_preload_libraries/, "$call: the hint names shared_preload_libraries");
	my ($within) = error_of($node, 'postgres', "BEGIN; SELECT $call");
	is($within, '55000', "$call: the same in a transaction");
}
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM user_presence), (SELECT count(*) FROM presence_history)'), '0|0', 'the tables can be read');
is((error_of($node, 'postgres', "BEGIN; INSERT INTO user_presence (user_id, status) VALUES ('x', 'online'); ROLLBACK"))[0], undef, 'and their owner may fill them, as a restore does');
$node->safe_psql('postgres', 'SELECT 42::presence.presence_id');
pass('the type works');
$node->safe_psql('postgres', 'DROP EXTENSION presence');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE postgres; ');
$node->safe_psql('postgres', 'DROP DATABASE copy');
pass('DROP EXTENSION and commands on databases work');

# LOAD comes too late, and says so or does nothing; the session goes on
$node->psql('postgres', q{LOAD 'presence'});
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'LOAD does no harm');
finish($node);
done_testing();
