# Rows of sessions and members that nobody has in memory, as a restore brings them, go; those that cannot hold up no others.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('lost', testing => 1, conf => "presence.flush_interval = '500ms'\npresence.idle_timeout = '10h'\npresence.offline_timeout = '20h'\npresence.session_timeout = '9h'");
$node->start;
create_presence($node);
my $dir = PostgreSQL::Test::Utils::tempdir();

# given some thousands who are here
$node->safe_psql('postgres', q{SELECT presence_connect('u' || i, 's' || i), presence_join('u' || i, 'hall') FROM generate_series(1, 9999, 3) AS i});
ok($node->poll_query_until('postgres', q{SELECT (SELECT count(*) FROM channel_presence) = 3333 AND (SELECT count(*) FROM presence_sessions) = 3333}), 'many are here');

# and as many lost rows between theirs, for which the worker needs several looks
quiet($node);
my $worker = stop_worker($node, 'postgres');
for my $table (qw(presence_sessions channel_presence))
{
	my $lost = join ', ', map { "$_ = $_ || 'x'" } 'user_id', $table eq 'presence_sessions' ? 'session_id' : ();
	$node->safe_psql('postgres', "CREATE TABLE public.$table AS SELECT * FROM presence.$table; UPDATE public.$table SET $lost");
	$node->safe_psql('postgres', "COPY public.$table TO '$dir/$table'; COPY presence.$table FROM '$dir/$table'");
}
# one of which somebody has locked
my $holder = $node->background_psql('postgres');
$holder->query_safe(q{BEGIN; SELECT FROM presence_sessions WHERE session_id = 's1x' FOR UPDATE});
# and three that cannot go: a foreign key needs one, another that is deferred to COMMIT, a trigger refuses the third
$node->safe_psql('postgres', q{
	CREATE SEQUENCE public.tries;
	CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('public.tries'); RAISE EXCEPTION 'not this one'; END$$;
	CREATE TRIGGER refuse BEFORE DELETE ON channel_presence FOR EACH ROW WHEN (OLD.user_id = 'u4x') EXECUTE FUNCTION public.refuse();
	CREATE TABLE public.keeps (session_id text REFERENCES presence_sessions);
	CREATE TABLE public.keeps_until_commit (session_id text REFERENCES presence_sessions DEFERRABLE INITIALLY DEFERRED);
	INSERT INTO public.keeps_until_commit VALUES ('s10x');
	INSERT INTO public.keeps VALUES ('s7x')});

# when the worker goes on
kill 'CONT', $worker;

# then all others go
my $rows = q{SELECT (SELECT string_agg(session_id, ' ' ORDER BY session_id) FROM presence_sessions WHERE session_id LIKE '%x'),
	(SELECT string_agg(user_id, ' ') FROM channel_presence WHERE user_id LIKE '%x'), (SELECT count(*) FROM presence_sessions WHERE session_id NOT LIKE '%x'),
	(SELECT count(*) FROM channel_presence WHERE user_id NOT LIKE '%x')};
sub are_left
{
	my ($expected, $name) = @_;
	return ok($node->poll_query_until('postgres', $rows, $expected), $name) || diag(substr $node->safe_psql('postgres', $rows), 0, 500);
}
are_left('s10x s1x s7x|u4x|3333|3333', 'and only who is here has a row, but for those that cannot go');
$holder->query_safe('COMMIT');
$holder->quit;
advance($node, 'postgres', '5 s');
are_left('s10x s7x|u4x|3333|3333', 'what was locked goes when it is free');

# they are tried again less and less often: in ten minutes not each 5 seconds
my $tries = 'SELECT last_value FROM public.tries';
my $tried = $node->safe_psql('postgres', $tries);
advance($node, 'postgres', '10 s') for 1 .. 60;
cmp_ok($node->safe_psql('postgres', $tries), '<=', $tried + 8, 'what cannot go is tried again, but rarely');

# what would be deferred to COMMIT waits for no lock for long either
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE public.keeps_until_commit');
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.at_commit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON user_presence DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.at_commit()});
$node->safe_psql('postgres', q{SELECT presence_disconnect('s100'), presence_disconnect('s103')});
advance($node, 'postgres', '1 min');
$node->safe_psql('postgres', q{SELECT presence_touch('somebody new')});
eventually($node, 'postgres', q{SELECT count(*) = 1 FROM user_presence WHERE user_id = 'somebody new'}, 'who locks what a foreign key needs does not stop the worker, nor does a deferred trigger');
$locker->query_safe('COMMIT');
$locker->quit;
eventually($node, 'postgres', q{SELECT count(*) = 0 FROM presence_sessions WHERE session_id IN ('s100', 's103')}, 'and then they go');

# but when there is something new at once
$tried = $node->safe_psql('postgres', $tries);
$node->safe_psql('postgres', "COPY (SELECT * FROM public.presence_sessions WHERE session_id = 's4x') TO '$dir/another'; COPY presence.presence_sessions FROM '$dir/another'");
are_left('s10x s7x|u4x|3331|3331', 'another restore is cleaned at once');
eventually($node, 'postgres', "SELECT last_value > $tried FROM public.tries", 'of all');

# and when they can go they do
$node->safe_psql('postgres', q{DROP TRIGGER refuse ON channel_presence; DROP TABLE public.keeps, public.keeps_until_commit});
advance($node, 'postgres', '1 hour');
are_left('||3331|3331', 'which go when they can');
like(slurp_file($node->logfile), qr/presence could not delete the rows of lost sessions and members/, 'and the log has said so');
finish($node);
done_testing();
