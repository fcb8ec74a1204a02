# Two presence_set_status_many at a time that overlap in opposite order, 1,000 rounds: no deadlock, no lost row; nor while users are forgotten, imported, or all is reset.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('orders', conf => "deadlock_timeout = '100ms'");
$node->start;
create_presence($node);
my $dir = PostgreSQL::Test::Utils::tempdir;
for ([ up => 'i' ], [ down => '31 - i' ], [ random => 'random()' ])
{
	my ($name, $order) = @$_;
	append_to_file("$dir/$name", <<"EOT");
\\set i :i + 1
SELECT presence_set_status_many(array_agg('u' || i ORDER BY $order), array_agg(CASE WHEN (:i + i) % 2 = 0 THEN 'busy' ELSE 'away' END ORDER BY $order), reason => '$name') FROM generate_series(1, 30) AS i;
EOT
}

# given four clients, two in one order and two in the other, when each has done 500, then nobody has failed
$node->command_checks_all(
	[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 4, '-j', 1, '-t', 500, '-D', 'i=0', '-f', "$dir/up\@1", '-f', "$dir/down\@1", 'postgres' ],
	0, [qr/number of transactions actually processed: 2000\/2000/], [qr/^(?!.*(deadlock|ERROR))/s], '2,000 batches in opposite orders');
$node->command_checks_all(
	[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 8, '-j', 1, '-t', 100, '-D', 'i=0', '-f', "$dir/random", 'postgres' ],
	0, [qr/number of transactions actually processed: 800\/800/], [qr/^(?!.*(deadlock|ERROR))/s], '800 batches in random orders');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock in the log');
is($node->safe_psql('postgres', "SELECT count(*) FROM user_presence WHERE status IN ('busy', 'away')"), '30', 'no row is lost');
is($node->safe_psql('postgres', 'SELECT count(*) FROM user_presence AS p WHERE p.status <> presence_status(p.user_id)'), '0', 'memory says what the rows say');
check_histories($node, 'postgres', 'after all batches');
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT DISTINCT ON (user_id) user_id, new_status FROM presence_history ORDER BY user_id, changed_at DESC) AS last JOIN user_presence AS p USING (user_id) WHERE last.new_status <> p.status"), '0', 'the end of each history is the row');

# given batches of some of twelve users while the same are forgotten, so that in each some have no row any more, then nobody has failed either
append_to_file("$dir/some", "SELECT presence_set_status_many(array_agg('v' || i ORDER BY random()), array_agg('busy'::text)) FROM generate_series(1, 12) AS i WHERE i = 12 OR random() < 0.6;\n");
append_to_file("$dir/forget", "\\set i random(1, 12)\nSELECT presence_forget('v' || :i);\n");
$node->command_checks_all(
	[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 8, '-j', 1, '-t', 500, '-f', "$dir/some\@2", '-f', "$dir/forget\@1", 'postgres' ],
	0, [qr/number of transactions actually processed: 4000\/4000/], [qr/^(?!.*(deadlock|ERROR))/s], '4,000 batches and users forgotten');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock in the log');
is($node->safe_psql('postgres', "SELECT count(*) FROM user_presence AS p WHERE p.status <> presence_status(p.user_id)"), '0', 'memory says what the rows say');
check_histories($node, 'postgres', 'after all batches');

# given a database whose order is not that of bytes, when users are imported, too, then nobody has failed
SKIP:
{
	my $has_icu = $node->safe_psql('postgres', "SELECT current_setting('server_version_num')::int >= 150000 AND EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')");
	skip 'no ICU here', 2 if $has_icu ne 't';
	$node->safe_psql('postgres', "CREATE DATABASE icu TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'");
	create_presence($node, 'icu');
	my $ids = "(SELECT (ARRAY['a', 'B'])[i % 2 + 1] || i AS id FROM generate_series(1, 12) AS i WHERE i = 12 OR random() < 0.6) AS ids";
	append_to_file("$dir/icu_some", "SELECT presence.presence_set_status_many(array_agg(id ORDER BY random()), array_agg('busy'::text)) FROM $ids;\n");
	append_to_file("$dir/icu_import", "SELECT presence.presence_import(jsonb_agg(jsonb_build_object('user_id', id, 'status', 'offline') ORDER BY random())) FROM $ids;\n");
	append_to_file("$dir/icu_forget", "\\set i random(1, 12)\nSELECT presence.presence_forget((ARRAY['a', 'B'])[:i % 2 + 1] || :i);\n");
	$node->command_checks_all(
		[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 8, '-j', 1, '-t', 300, map({ ('-f', $_) } "$dir/icu_some\@2", "$dir/icu_import\@2", "$dir/icu_forget\@2"), 'icu' ],
		0, [qr/number of transactions actually processed: 2400\/2400/], [qr/^(?!.*(deadlock|ERROR))/s], '2,400 batches, imports and users forgotten');
	unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock in the log');
}

# given all that, when everything is reset again and again, then none waits in a circle
append_to_file("$dir/reset", "\\sleep 20 ms\nSELECT presence_reset();\n");
$node->command_checks_all(
	[ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 8, '-j', 1, '-t', 200, map({ ('-f', $_) } "$dir/some\@4", "$dir/forget\@4", "$dir/reset\@1"), 'postgres' ],
	0, [qr/number of transactions actually processed: 1600\/1600/], [qr/^(?!.*(deadlock|ERROR))/s], '1,600 batches, users forgotten and resets');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock in the log');
finish($node);
done_testing();
