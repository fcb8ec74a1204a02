# Rows are found and locked without a statement: updates stay in place, and other tables than heaps and triggers do what they may.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('row_locks', conf => "autovacuum = off\npresence.flush_interval = '1h'\npresence.idle_timeout = '2h'\npresence.offline_timeout = '4h'\npresence.session_timeout = '3h'");
$node->start;
create_presence($node);

sub change_all
{
	my ($word) = @_;
	$node->safe_psql('postgres', "SELECT presence_set_status_many(array_agg(i), array_agg('busy'::text), array_agg('$word'::text)) FROM generate_series(1, 2000) AS i");
}

sub size { return $node->safe_psql('postgres', "SELECT pg_relation_size('user_presence')") }

# What has happened to the table since it was made, once the processes that did it are gone.
sub updates
{
	$node->hang_up;
	$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()") or die 'clients stay';
	return split /\|/, $node->safe_psql('postgres', "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'user_presence'");
}

# given 2,000 people with a status, when each has changed it 60 times without a VACUUM, then nearly all updates were in place and the table is as large as before
change_all("word $_") for 1 .. 3;
my $size = size();
my ($before, $hot_before) = updates();
change_all("word $_") for 11 .. 70;
my ($after, $hot_after) = updates();
is($after - $before, 120_000, '120,000 rows are updated');
# Not all: what a transaction that stands still may see is not pruned, and on a busy machine each stands still now and then. Not
# in place would be none, and sixty times the size.
cmp_ok($hot_after - $hot_before, '>', 110_000, 'in place');
cmp_ok(size(), '<', 4 * $size, 'the table hardly grows');
$size = size();
$node->safe_psql('postgres', "DO \$\$ BEGIN FOR i IN 1 .. 2000 LOOP PERFORM presence_set_status(1 + i % 10, 'away', i::text); COMMIT; END LOOP; END \$\$");
cmp_ok(size(), '<=', $size + 16 * 8192, 'nor by 2,000 calls of their own for ten of them');

# given batches of ten neighbours each, so that many rows of one page change in one transaction, then the same
($before, $hot_before) = updates();
$node->safe_psql('postgres', <<'EOT');
DO $$
BEGIN
	FOR i IN 0 .. 1999 LOOP
		PERFORM presence_set_status_many(array_agg(u), array_agg('away'::text), array_agg(i::text)) FROM generate_series(1 + i % 200 * 10, 10 + i % 200 * 10) AS u;
		COMMIT;
	END LOOP;
END $$
EOT
($after, $hot_after) = updates();
cmp_ok($hot_after - $hot_before, '>', 0.9 * ($after - $before), 'batches of ten neighbours are updated in place');
cmp_ok(size(), '<=', $size + 32 * 8192, 'and the table does not grow');

# given an index that has been made again and a table that has been written anew, then all rows are found
$node->safe_psql('postgres', 'REINDEX TABLE user_presence; VACUUM FULL user_presence');
change_all('after VACUUM FULL');
is($node->safe_psql('postgres', "SELECT count(*) FROM user_presence WHERE status_message = 'after VACUUM FULL'"), '2000', 'after REINDEX and VACUUM FULL');

# Each user gets a message of its own, and all of them are what the rows say.
sub each_has_its_own
{
	my ($word, $name) = @_;
	$node->safe_psql('postgres', "SELECT presence_set_status_many(array_agg(i), array_agg('busy'::text), array_agg('$word ' || i)) FROM generate_series(1, 2000) AS i");
	$node->safe_psql('postgres', "SELECT presence_set_status(3, 'away', '$word alone')");
	is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE status_message = '$word ' || user_id AND status = 'busy'), count(*) FILTER (WHERE user_id = '3' AND status_message = '$word alone' AND status = 'away') FROM ONLY user_presence"),
		'1999|1', $name);
	return;
}

# given places that are remembered, when other rows are there by now, or nothing, or no page, then each user's own row is found
each_has_its_own('first', 'before anything moves');
$node->safe_psql('postgres', 'CREATE INDEX back ON user_presence (user_id DESC); CLUSTER user_presence USING back; DROP INDEX back');
each_has_its_own('clustered', 'with all rows in another order');
$node->safe_psql('postgres', "SET session_replication_role = replica; DELETE FROM user_presence WHERE user_id::int % 2 = 0");
$node->safe_psql('postgres', 'VACUUM user_presence');
each_has_its_own('deleted', 'with every other row deleted and made again');
$node->safe_psql('postgres', "SET session_replication_role = replica; DELETE FROM user_presence WHERE user_id::int % 100 > 0");
$node->safe_psql('postgres', 'VACUUM FULL user_presence');
each_has_its_own('short', 'with a table that has become shorter');
$node->safe_psql('postgres', "BEGIN; SELECT presence_set_status('9', 'away', 'taken back'); SAVEPOINT here; SELECT presence_set_status('fleeting', 'away', 'taken back'); ROLLBACK TO here; SELECT presence_set_status('fleeting', 'busy', 'kept'); COMMIT; SELECT presence_set_status('fleeting', 'busy', 'kept again')");
is($node->safe_psql('postgres', "SELECT status_message FROM user_presence WHERE user_id = 'fleeting'"), 'kept again', 'with a row whose first version was rolled back');
$node->safe_psql('postgres', "SELECT presence_forget('fleeting')");

# given the table as it is made, then no statement writes rows of users; given one that somebody has altered, then one does
sub statements
{
	my (undef, undef, $log) = $node->psql('postgres', "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET client_min_messages = log; SELECT presence_set_status_many(ARRAY['1', '2'], ARRAY['busy', 'away'])");
	return $log;
}
like(statements(), qr/INSERT INTO presence.presence_history/, 'a statement writes the history');
unlike(statements(), qr/UPDATE/, 'none writes rows');
$node->safe_psql('postgres', 'ALTER TABLE user_presence ENABLE ROW LEVEL SECURITY');
like(statements(), qr/UPDATE ONLY presence.user_presence/, 'one does where policies are');
$node->safe_psql('postgres', 'ALTER TABLE user_presence DISABLE ROW LEVEL SECURITY');

# given what somebody may add to a table, then it does its work, whichever way rows are written
sub with_addition
{
	my ($add, $take_away, $wanted, $look, $name) = @_;
	$node->safe_psql('postgres', "CREATE TABLE public.seen (what text); $add");
	each_has_its_own($name, "with $name");
	is($node->safe_psql('postgres', $look), $wanted, "$name: what it does");
	$node->safe_psql('postgres', "$take_away; DROP TABLE public.seen");
	return;
}
$node->safe_psql('postgres', q{CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen VALUES (OLD.status_message || NEW.status_message); RETURN NEW; END'});
$node->safe_psql('postgres', q{CREATE FUNCTION note_changes() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen SELECT n.status_message FROM new_rows n; RETURN NULL; END'});
with_addition('CREATE TRIGGER note BEFORE UPDATE ON user_presence FOR EACH ROW EXECUTE FUNCTION note_change()', 'DROP TRIGGER note ON user_presence', '2001', 'SELECT count(*) FROM public.seen', 'a trigger before each row');
with_addition('CREATE TRIGGER note AFTER UPDATE ON user_presence FOR EACH ROW EXECUTE FUNCTION note_change()', 'DROP TRIGGER note ON user_presence', '2001', 'SELECT count(*) FROM public.seen', 'a trigger after each row');
with_addition('CREATE TRIGGER note AFTER UPDATE ON user_presence REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note_changes()', 'DROP TRIGGER note ON user_presence', '2001', 'SELECT count(*) FROM public.seen', 'a trigger of the statement');
with_addition('CREATE RULE note AS ON UPDATE TO user_presence DO ALSO INSERT INTO public.seen VALUES (NEW.status_message)', 'DROP RULE note ON user_presence', 't', 'SELECT count(*) > 0 FROM public.seen', 'a rule');
with_addition('ALTER TABLE user_presence ENABLE ROW LEVEL SECURITY', 'ALTER TABLE user_presence DISABLE ROW LEVEL SECURITY', '0', 'SELECT count(*) FROM public.seen', 'policies');
with_addition(q{ALTER TABLE user_presence ADD loud text GENERATED ALWAYS AS (upper(status_message)) STORED}, 'ALTER TABLE user_presence DROP loud', '0', 'SELECT count(*) FROM user_presence WHERE loud IS DISTINCT FROM upper(status_message)', 'a generated column');
with_addition('ALTER TABLE user_presence DROP current_page; ALTER TABLE user_presence ADD current_page text', '', '0', 'SELECT count(*) FROM user_presence WHERE current_page IS NOT NULL', 'a column in another place');
with_addition('ALTER TABLE user_presence ALTER updated_at TYPE timestamptz(0)', 'ALTER TABLE user_presence ALTER updated_at TYPE timestamptz', '0', q{SELECT count(*) FROM user_presence WHERE updated_at <> date_trunc('second', updated_at)}, 'a column of whole seconds');
with_addition('CREATE TABLE public.child () INHERITS (user_presence); INSERT INTO public.child SELECT * FROM user_presence; CREATE TRIGGER note BEFORE UPDATE ON user_presence FOR EACH ROW EXECUTE FUNCTION note_change()', 'DROP TRIGGER note ON user_presence; DROP TABLE public.child', '2001', 'SELECT count(*) FROM public.seen', 'a child');
$node->safe_psql('postgres', q{ALTER TABLE user_presence ADD large text; ALTER TABLE user_presence ALTER large SET STORAGE EXTERNAL; SET session_replication_role = replica; UPDATE user_presence SET large = repeat('large ', 2000) WHERE user_id::int <= 100; ALTER TABLE user_presence DROP large});
each_has_its_own('dropped', 'with a large column that was dropped');
ok( wait_until(
		sub {
			$node->safe_psql('postgres', 'VACUUM user_presence');
			return $node->safe_psql('postgres', "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'user_presence'::regclass") eq '0';
		}),
	'whose values are gone');
with_addition('CREATE INDEX by_message ON user_presence (lower(status_message))', 'DROP INDEX by_message', '1', q{SET enable_seqscan = off; SELECT count(*) FROM user_presence WHERE lower(status_message) = 'an index 77'}, 'an index');
with_addition('ALTER TABLE user_presence ALTER activity_count TYPE bigint', 'ALTER TABLE user_presence ALTER activity_count TYPE integer', '0', 'SELECT count(*) FROM user_presence WHERE activity_count IS NULL', 'a column of another type');
$node->safe_psql('postgres', q{ALTER TABLE user_presence ADD CONSTRAINT no_shouting CHECK (status_message <> 'LOUD')});
my (undef, undef, $refusal) = $node->psql('postgres', q{SELECT presence_set_status_many(ARRAY['1', '2'], ARRAY['busy', 'busy'], ARRAY['quiet', 'LOUD'])});
like($refusal, qr/violates check constraint "no_shouting"/, 'a check that fails is told of');
is($node->safe_psql('postgres', "SELECT count(*) FROM user_presence WHERE status_message IN ('quiet', 'LOUD')"), '0', 'and nothing is changed');
$node->safe_psql('postgres', 'ALTER TABLE user_presence DROP CONSTRAINT no_shouting');

# given a table that is no heap by its name, then the same
SKIP:
{
	skip 'a table keeps its access method before PostgreSQL 15', 2 if $node->safe_psql('postgres', 'SHOW server_version_num') < 150000;
	$node->safe_psql('postgres', 'CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler; ALTER TABLE user_presence SET ACCESS METHOD other');
	change_all('in another table');
	is($node->safe_psql('postgres', "SELECT count(*) FROM user_presence WHERE status_message = 'in another table'"), '2000', 'in a table of another access method');
	$node->safe_psql('postgres', "SELECT presence_set_status(5, 'away', 'alone')");
	is($node->safe_psql('postgres', "SELECT status_message FROM user_presence WHERE user_id = '5'"), 'alone', 'and one alone');
}

# given rows that a superuser has deleted, then they are made again
$node->safe_psql('postgres', "SET session_replication_role = replica; DELETE FROM user_presence WHERE user_id IN ('7', '8')");
$node->safe_psql('postgres', "SELECT presence_set_status(7, 'busy', 'again')");
change_all('made again');
is($node->safe_psql('postgres', "SELECT count(*) FROM user_presence WHERE status_message = 'made again'"), '2000', 'rows that somebody has deleted are made again');

# given a table that somebody has altered, then an error says what is wanted, and once it is given back all is well
sub refused
{
	my ($alter, $back, $name) = @_;
	$node->safe_psql('postgres', $alter);
	my ($result, $output, $error) = $node->psql('postgres', "SELECT presence_set_status(5, 'away', 'altered')");
	like($error, qr/table "user_presence" has been altered.*primary key \(user_id\)/s, $name);
	$node->safe_psql('postgres', $back);
	return;
}
refused('ALTER TABLE user_presence DROP CONSTRAINT user_presence_pkey', 'ALTER TABLE user_presence ADD PRIMARY KEY (user_id)', 'without its key');
refused('ALTER TABLE user_presence DROP CONSTRAINT user_presence_pkey; ALTER TABLE user_presence ADD n bigserial PRIMARY KEY', 'ALTER TABLE user_presence DROP n; ALTER TABLE user_presence ADD PRIMARY KEY (user_id)', 'with another key');
refused('ALTER TABLE user_presence DROP CONSTRAINT user_presence_pkey; ALTER TABLE user_presence ADD PRIMARY KEY (user_id, updated_at)', 'ALTER TABLE user_presence DROP CONSTRAINT user_presence_pkey; ALTER TABLE user_presence ADD PRIMARY KEY (user_id)', 'with a key of two columns');
refused('ALTER TABLE user_presence ALTER status TYPE varchar', 'ALTER TABLE user_presence ALTER status TYPE text', 'with a column of another type');
$node->safe_psql('postgres', "ALTER TABLE user_presence ALTER status DROP NOT NULL; SET session_replication_role = replica; UPDATE user_presence SET status = NULL WHERE user_id = '5'");
$node->safe_psql('postgres', "SELECT presence_set_status(5, 'busy', 'not null')");
is($node->safe_psql('postgres', "SELECT status FROM user_presence WHERE user_id = '5'"), 'busy', 'a status that somebody has set to NULL is none');

# given a trigger that lets no row in, then an error says so, and nothing is changed
$node->safe_psql('postgres', <<'EOT');
CREATE FUNCTION nobody_new() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER nobody_new BEFORE INSERT ON user_presence FOR EACH ROW EXECUTE FUNCTION nobody_new();
EOT
my ($result, $output, $error) = $node->psql('postgres', "SELECT presence_set_status_many(ARRAY['1', 'new'], ARRAY['away', 'away'])");
like($error, qr/a row of user_presence cannot be made.*triggers/s, 'a trigger that lets no row in is told of');
is($node->safe_psql('postgres', "SELECT presence_status('1') || ' ' || presence_status('new')"), 'busy offline', 'and nothing is changed');

# given a trigger that lets no row change, then the same
$node->safe_psql('postgres', 'CREATE TRIGGER nobody_else BEFORE UPDATE ON user_presence FOR EACH ROW EXECUTE FUNCTION nobody_new()');
for my $call ("presence_set_status(1, 'away')", "presence_set_status_many(ARRAY['1', '2'], ARRAY['away', 'away'])")
{
	($result, $output, $error) = $node->psql('postgres', "SELECT $call");
	like($error, qr/a row of user_presence cannot be written.*triggers/s, "$call that a trigger swallows is told of");
}
is($node->safe_psql('postgres', "SELECT presence_status('1')"), 'busy', 'and nothing is changed');

finish($node);
done_testing();
