# Rows that cannot be written hold up no others: those that somebody has locked, and those that a trigger of the application refuses.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $count = 2000;
my $node = new_server('stuck', testing => 1, conf => "autovacuum = off\npresence.flush_interval = '60s'\npresence.idle_timeout = '10h'\npresence.offline_timeout = '20h'\npresence.session_timeout = '9h'\npresence.memory = '128MB'");
$node->start;
create_presence($node);

# given some thousand people in a room, whose rows are written
my $all = "generate_series(1, $count) AS i";
$node->safe_psql('postgres', "SELECT count(presence_connect('u' || i, 's' || i)), count(presence_join('u' || i, 'room')) FROM $all");
advance($node, 'postgres', '65 s');
ok(quiet($node), 'everything is written');

my $page = 0;

# Everybody does something that waits for the flush.
sub everybody_moves
{
	$page++;
	$node->safe_psql('postgres', "SELECT count(presence_touch('u' || i, page_url => '/$page', session_id => 's' || i)), count(presence_set_state('u' || i, 'room', '$page')) FROM $all");
	return;
}

# How many rows do not say so yet.
sub behind
{
	return $node->safe_psql('postgres', "SELECT (SELECT count(*) FROM user_presence WHERE user_id LIKE 'u%' AND current_page IS DISTINCT FROM '/$page'),
		(SELECT count(*) FROM presence_sessions WHERE current_page IS DISTINCT FROM '/$page'), (SELECT count(*) FROM channel_presence WHERE state IS DISTINCT FROM '$page')");
}

# ---- locked
my $holder = $node->background_psql('postgres');
$holder->query_safe(q{BEGIN;
	SELECT FROM user_presence WHERE user_id = 'u7' FOR UPDATE;
	SELECT FROM presence_sessions WHERE session_id = 's7' FOR UPDATE;
	SELECT FROM channel_presence WHERE user_id = 'u7' FOR UPDATE});
everybody_moves();
is(behind(), "$count|$count|$count", 'a flush is to come');
advance($node, 'postgres', '65 s');
is(behind(), '1|1|1', 'all rows are written at once but those that somebody has locked');
is($node->safe_psql('postgres', 'SELECT fresh FROM presence_info()'), 'f', 'which presence_info tells');
$node->safe_psql('postgres', "SELECT presence_disconnect('s' || i) FROM generate_series(8, 1000) AS i");
advance($node, 'postgres', '1 h');
is($node->safe_psql('postgres', 'SELECT count(*) FROM presence_sessions'), $count - 993, 'rows of sessions that have ended are deleted meanwhile');
is(behind(), '1|1|1', 'what is locked stays as it is');
$holder->query_safe('COMMIT');
$holder->quit;
advance($node, 'postgres', '2 s');
is(behind(), '0|0|0', 'and is written when it is free');
is($node->safe_psql('postgres', 'SELECT fresh FROM presence_info()'), 't', 'so all is fresh');

# ---- while there are always others
$holder = $node->background_psql('postgres');
$holder->query_safe(q{BEGIN; SELECT FROM user_presence WHERE user_id = 'u7' FOR UPDATE});
$node->safe_psql('postgres', "SELECT presence_touch('u7', page_url => '/late')");
advance($node, 'postgres', '65 s');
# Nothing is written before they are all there.
$holder->query_safe('LOCK TABLE user_presence IN SHARE MODE');
my $new = 5000;
$holder->query_safe("SELECT count(presence_touch('new ' || i)) FROM generate_series(1, $new) AS i");
$holder->query_safe('COMMIT');
$holder->quit;
advance($node, 'postgres', '2 s');
is($node->safe_psql('postgres', q{SELECT (SELECT age(xmin) FROM user_presence WHERE user_id = 'u7') > (SELECT min(age(xmin)) FROM user_presence WHERE user_id LIKE 'new %')}),
	't', 'a row that is free again does not wait for all others');
is($node->safe_psql('postgres', 'SELECT fresh FROM presence_info()'), 't', 'all is fresh then');

# ---- refused
$node->safe_psql('postgres', q{
	SELECT count(presence_connect('u' || i, 's' || i)), count(presence_join('u' || i, 'room')) FROM generate_series(8, 1000) AS i;
	CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never'; END $$;
	CREATE TRIGGER refuse BEFORE UPDATE ON user_presence FOR EACH ROW WHEN (new.user_id IN ('u1', 'u700', 'u1900')) EXECUTE FUNCTION public.refuse();
	CREATE TRIGGER refuse BEFORE UPDATE ON presence_sessions FOR EACH ROW WHEN (new.session_id IN ('s1', 's700', 's1900')) EXECUTE FUNCTION public.refuse();
	CREATE TRIGGER refuse BEFORE UPDATE ON channel_presence FOR EACH ROW WHEN (new.user_id IN ('u1', 'u700', 'u1900')) EXECUTE FUNCTION public.refuse()});
advance($node, 'postgres', '65 s');
everybody_moves();
advance($node, 'postgres', '65 s');
advance($node, 'postgres', '200 ms') for 1 .. 200;
is(behind(), '3|3|3', 'rows that a trigger refuses are alone after a while');
$node->safe_psql('postgres', 'DROP FUNCTION public.refuse() CASCADE');
advance($node, 'postgres', '200 ms') for 1 .. 50;
is(behind(), '0|0|0', 'and written when it does no more');
is($node->safe_psql('postgres', 'SELECT fresh FROM presence_info()'), 't', 'so all is fresh');

finish($node);
done_testing();
