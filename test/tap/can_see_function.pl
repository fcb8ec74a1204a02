# The application decides who sees whom: presence.can_see_function, what it is asked, and what nobody hears then.
use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('can_see', testing => 1, allows_streaming => 1, conf => "presence.flush_interval = '300ms'\nmax_connections = 20\npresence.private_channel = 'all'\npresence.disconnect_grace = 0\npresence.typing_timeout = '30s'");
$node->start;
create_presence($node);
$node->safe_psql('postgres', q{
	CREATE SCHEMA app;
	CREATE TABLE app.sees (viewer text, user_id text, detail text);
	INSERT INTO app.sees VALUES ('vic', 'ann', 'full'), ('vic', 'ben', 'status'), ('vic', 'cleo', 'last_seen'), ('vic', 'dora', 'nothing'), ('vic', 'eve', NULL), ('vic', 'fay', NULL),
		('regress_user', 'ann', 'status'), ('regress_user', 'dora', 'full');
	CREATE FUNCTION app.can_see(viewer text, user_id text, channel_id text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS
		$$ SELECT CASE WHEN channel_id = 'stage' THEN 'full' ELSE (SELECT s.detail FROM app.sees AS s WHERE (s.viewer, s.user_id) = (can_see.viewer, can_see.user_id)) END $$;
	CREATE TABLE app.asked (who text, login text, viewer text, user_id text, channel_id text);
	CREATE FUNCTION app.notes(viewer text, user_id text, channel_id text) RETURNS text LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO app.asked VALUES (current_user, session_user, viewer, user_id, channel_id); RETURN 'full'; END $$;
	-- Where nothing can be written it says so in what it raises.
	CREATE FUNCTION app.says(viewer text, user_id text, channel_id text) RETURNS text LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION '% asks as %', viewer, current_user USING ERRCODE = 'PT404'; END $$;
	CREATE FUNCTION app.strict(viewer text, user_id text, channel_id text) RETURNS text STRICT LANGUAGE sql AS $$ SELECT 'nothing' $$;
	CREATE FUNCTION app.odd(viewer text, user_id text, channel_id text) RETURNS text LANGUAGE sql AS $$ SELECT 'some' $$;
	CREATE FUNCTION app.number(viewer text, user_id text, channel_id text) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
	CREATE FUNCTION app.secret(viewer text, user_id text, channel_id text) RETURNS text LANGUAGE sql AS $$ SELECT 'full' $$;
	REVOKE EXECUTE ON FUNCTION app.secret(text, text, text) FROM PUBLIC;
	CREATE ROLE regress_user LOGIN;
	CREATE ROLE regress_service LOGIN;
	GRANT USAGE ON SCHEMA app, presence TO PUBLIC;
	GRANT INSERT ON app.asked TO PUBLIC;
	SELECT presence_grant('regress_user', 'user'), presence_grant('regress_service', 'service');});
my @people = qw(ann ben cleo dora eve fay);
$node->safe_psql('postgres', join ';', (map { "SELECT presence_connect('$_', '$_ 1', '{\"name\": \"$_\", \"secret\": 1}'), presence_join('$_', 'room'), presence_join('$_', 'stage'), presence_set_message('$_', 'of $_')" } @people),
	q{SELECT presence_set_visibility('fay', 'nobody'), presence_add_contact('dora', 'vic', 'full'), presence_block('ann', 'vic')});

sub decide
{
	my ($function, @servers) = @_;
	for my $server (@servers ? @servers : $node)
	{
		$server->append_conf('postgresql.conf', "presence.can_see_function = '$function'");
		$server->reload;
		$server->poll_query_until('postgres', "SELECT current_setting('presence.can_see_function') = '$function'") or die 'the setting did not come';
	}
	return;
}
sub ask { my ($sql, $role, $server) = @_; return ($server // $node)->safe_psql('postgres', $sql, extra_params => [ '-U', $role // (getpwuid $<)[0] ]) }

# ---- it decides ---------------------------------------------------------------------------------------------------------

decide('app.can_see');
$node->safe_psql('postgres', "SELECT presence_test_advance('0')");
my $listener = PresenceTest::Listener->new($node, 'postgres', 'global_presence', 'room', 'stage', 'all');
sub check_decided
{
	my ($server, $name, $restarted) = @_;
	is(ask(q{SELECT user_id, status, status_message, user_data, last_seen IS NOT NULL, last_seen_bucket FROM presence_get_many('{ann,ben,cleo,dora,eve,fay}', 'vic')}, undef, $server),
		join("\n", q(ann|online|of ann|{"name": "ann", "secret": 1}|t|recently), q(ben|online||{"name": "ben"}|f|recently), 'cleo|offline|||f|recently', 'dora|offline|||f|',
			q(eve|online|of eve|{"name": "eve", "secret": 1}|t|recently), q(fay|offline|of fay|{"name": "fay", "secret": 1}|t|recently)), "$name: presence_get_many; NULL leaves it to the rules");
	is(ask(q{SELECT string_agg(presence_can_see('vic', u), ' ') FROM unnest('{ann,ben,cleo,dora,eve,fay,vic}'::text[]) AS u}, undef, $server), 'full status last_seen nothing full nothing full', "$name: presence_can_see");
	is(ask(q{SELECT string_agg(presence_can_see('vic', u, 'stage'), ' ') FROM unnest('{dora,fay}'::text[]) AS u}, undef, $server), 'full full', "$name: presence_can_see in a channel");
	is(ask(q{SELECT string_agg(presence_status(u, 'vic'), ' ') FROM unnest('{ann,ben,cleo,dora,eve,fay}'::text[]) AS u}, undef, $server), 'online online offline offline online offline', "$name: presence_status");
	is(ask(q{SELECT count(*) FROM unnest('{ann,ben,cleo,dora,eve,fay}'::text[]) AS u WHERE to_jsonb(presence_get(u, 'vic')) <> to_jsonb(presence_preview(u, 'vic')) OR (presence_get(u, 'vic')).status <> presence_status(u, 'vic')}, undef, $server), '0', "$name: presence_get and presence_preview say the same");
	is(ask(q{SELECT string_agg(user_id, ' ' ORDER BY user_id), (array_agg(user_id))[3] FROM presence_online_users(viewer => 'vic')}, undef, $server), 'ann ben eve|ben', "$name: presence_online_users, whom it sees the status of last");
	is(ask(q{SELECT (SELECT count(*) FROM presence_online_users(1, 'vic')), (SELECT count(*) FROM presence_online_users(2, 'vic')), (SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence_online_users(viewer => 'vic', active_within => '1 hour'))}, undef, $server), '1|2|ann eve', "$name: so many, and how long ago");
	is(ask(q{SELECT total, presence_member_count('global_presence', 'vic') FROM presence_counts('vic')}, undef, $server), '3|3', "$name: presence_counts");
	is(ask(q{SELECT presence_member_count('room', 'vic'), presence_member_count('stage', 'vic'), (SELECT string_agg(user_id || (last_active IS NULL)::text, ' ' ORDER BY user_id) FROM presence_members('room', 10, 'vic')), (SELECT count(*) FROM presence_members('stage', 10, 'vic'))}, undef, $server),
		'3|6|annfalse bentrue evefalse|6', "$name: presence_members");
	is(ask(q{SELECT total FROM presence_counts()}, undef, $server), '6', "$name: without a viewer it is not asked");
	return;
}
check_decided($node, 'the application decides');
$node->safe_psql('postgres', q{SELECT presence_typing('ann', 'room'), presence_typing('dora', 'room'), presence_typing('dora', 'stage')});
is(ask(q{SELECT string_agg(c || ' ' || user_id, ', ' ORDER BY c) FROM unnest('{room,stage}'::text[]) AS c, presence_typing_users(c, 'vic')}), 'room ann, stage dora', 'presence_typing_users');

# ---- as whom it is asked ------------------------------------------------------------------------------------------------

is(ask(q{SELECT status, status_message FROM presence_get('ann')}, 'regress_user'), 'online|', 'who acts for itself is the viewer');
is(ask(q{SELECT string_agg(user_id, ' ' ORDER BY user_id), (SELECT total FROM presence_counts()) FROM presence_online_users()}, 'regress_user'), 'ann ben cleo dora eve|5', 'in lists and counts');
is((error_of($node, 'postgres', q{SET SESSION AUTHORIZATION regress_user; SELECT presence_get('ann', 'vic')}))[0], '42501', 'and no one else');
decide('app.notes');
for my $call (q{presence_get('ann', %s)}, q{presence_status('ann', %s)}, q{(SELECT count(*) FROM presence_get_many('{ann,ben}', %s))}, q{(SELECT count(*) FROM presence_online_users(viewer => %s))}, q{presence_counts(%s)},
	q{presence_member_count('room', %s)}, q{(SELECT count(*) FROM presence_members('room', 10, %s))}, q{(SELECT count(*) FROM presence_typing_users('room', %s))}, q{presence_member_count('global_presence', %s)})
{
	$node->safe_psql('postgres', q{TRUNCATE app.asked; SELECT presence_typing('ann', 'room')});
	# A STABLE function cannot have one that writes.
	next if $call =~ /presence_status/;
	ask('SELECT ' . sprintf($call, q{'vic'}), 'regress_service');
	ask('SELECT ' . sprintf($call, 'NULL'), 'regress_user');
	is(ask('SELECT DISTINCT who, login, viewer FROM app.asked ORDER BY 1'), "regress_service|regress_service|vic\nregress_user|regress_user|regress_user", "$call asks with the caller's rights");
	is(ask(q{SELECT count(*) FROM app.asked WHERE channel_id IS DISTINCT FROM CASE WHEN } . ($call =~ /'room'/ ? 'true' : 'false') . q{ THEN 'room' END}), '0', 'and says where');
}

# A STRICT one is not asked where there is no channel: the rules decide.
decide('app.strict');
is(ask(q{SELECT status FROM presence_get('ben')}, 'regress_user'), 'online', 'STRICT, without a channel');
is(ask(q{SELECT count(*) FROM presence_members('room') WHERE user_id = 'ben'}, 'regress_user'), '0', 'and with one');

# ---- what it raises -----------------------------------------------------------------------------------------------------

decide('app.says');
for my $call (q{presence_get('ann')}, q{presence_status('ann')}, q{count(*) FROM presence_online_users()}, q{presence_counts()}, q{presence_member_count('room')})
{
	my ($state, $message) = error_of($node, 'postgres', "SET SESSION AUTHORIZATION regress_user; SELECT $call");
	is("$state $message", 'PT404 regress_user asks as regress_user', "$call: what it raises comes through");
}
is(ask(q{SELECT status FROM presence_get('regress_user')}, 'regress_user'), 'offline', 'about oneself it is not asked');
decide($_->[0]), is((error_of($node, 'postgres', q{SET SESSION AUTHORIZATION regress_user; SELECT presence_get('ann')}))[0], $_->[1], "$_->[0] is refused")
  for [ 'app.odd', '22023' ], [ 'app.number', '42809' ], [ 'app.none', '42883' ], [ 'app.secret', '42501' ];

# ---- a standby ----------------------------------------------------------------------------------------------------------

decide('app.can_see');
$node->poll_query_until('postgres', q{SELECT bool_and(p.last_seen = g.last_seen AND p.status = g.status) AND count(*) >= 6 AND (SELECT count(*) FROM channel_presence) = 12 FROM user_presence AS p, presence_get(p.user_id) AS g}) or die 'not all is written';
$node->backup('base');
my $standby = PresenceTest::Server->new('standby', install_path => $ENV{PRESENCE_TESTING});
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup('standby', 'replay', $node->lsn('insert'));
check_decided($standby, 'on a standby');
decide('app.says', $standby);
for my $call (q{presence_get('ann')}, q{count(*) FROM presence_online_users()}, q{presence_counts()}, q{presence_status('ann')}, q{presence_member_count('room')})
{
	my ($state, $message) = error_of($standby, 'postgres', "SET SESSION AUTHORIZATION regress_user; SELECT $call");
	is("$state $message", 'PT404 regress_user asks as regress_user', "on a standby: $call asks with the caller's rights");
}
# In which channels somebody is who hides is told there neither.
is((error_of($standby, 'postgres', q{SET SESSION AUTHORIZATION regress_user; SELECT presence_preview(NULL, 'vic')}))[0], '25006', 'on a standby: no preview for oneself');
$standby->stop;

# ---- what is heard --------------------------------------------------------------------------------------------------------

$node->safe_psql('postgres', "SELECT presence_test_advance('40 s')");
$listener->forget_events;
$node->safe_psql('postgres', $_ . q{; SELECT presence_test_advance('100 ms')}) for q{SELECT presence_connect('gus', 'gus 1', '{"name": "gus"}'), presence_join('gus', 'room')}, q{SELECT presence_set_status('ann', 'busy', 'news')}, q{SELECT presence_typing('ben', 'room')},
	q{SELECT presence_set_state('ben', 'room', '1')}, q{SELECT presence_leave('cleo', 'stage')}, q{SELECT presence_logout('dora')};
my @events = $listener->events;
my @raw = map { $_->{channel} } @{ $listener->{raw} };
is_deeply([ grep { $_ ne 'all' } @raw ], [], 'nothing about anybody on a public channel');
my %told = map { $_ => 1 } map { "$_->{channel} $_->{user_id} $_->{event} " . ($_->{detail} // '-') } @events;
ok($told{$_}, "the private channel has: $_") for 'global_presence gus user_joined nothing', 'room gus user_joined nothing', 'global_presence ann user_status_changed nothing', 'room ann user_status_changed nothing',
  'room ben typing_start nothing', 'room ben state_changed nothing', 'stage cleo user_left nothing', 'global_presence dora user_left nothing', 'room dora user_left nothing';
my @prevs = map { [ @$_{qw(prev seq)} ] } @events;
is_deeply([ grep { $prevs[$_][0] != $prevs[ $_ - 1 ][1] } 1 .. $#prevs ], [], 'whose chain is unbroken');
# An answer that is being made when all is reset is of one run.
my ($epoch, $seq) = split /\|/, $node->safe_psql('postgres', 'SELECT epoch, seq FROM presence_info()');
$node->safe_psql('postgres', q{SELECT presence_set_status('ann', 'away'), presence_set_status('ben', 'away'); SELECT presence_test_advance('100 ms');
	CREATE FUNCTION app.waits(viewer text, user_id text, channel_id text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN 'full'; END $$});
decide('app.waits');
my $holder = $node->background_psql('postgres');
$holder->query_safe('SELECT pg_advisory_lock(77)');
my $asking = $node->background_psql('postgres');
$asking->query_until(qr/asking/, "\\echo asking\nSELECT presence_events('global_presence', '$epoch', $seq, viewer => 'vic');\n");
$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)}) or die 'it does not ask';
$node->safe_psql('postgres', 'SELECT presence_reset()');
$holder->query_safe('SELECT pg_advisory_unlock(77)');
my $answer = JSON::PP->new->decode((grep { /^\{/ } split /\n/, $asking->query_safe('SELECT 1'))[0]);
cmp_ok(scalar @{ $answer->{events} }, '>=', 2, 'events are asked for while all is reset');
is_deeply([ grep { $_->{epoch} ne $epoch } $answer, @{ $answer->{events} } ], [], 'and are of the run in which they were');
$_->quit for $holder, $asking;
$node->safe_psql('postgres', join ';', map { "SELECT presence_connect('$_', '$_ 1'), presence_join('$_', 'room')" } @people);
$node->safe_psql('postgres', q{SELECT presence_add_contact('dora', 'vic', 'full'), presence_block('ann', 'vic')});
# Without it the rules decide again, and who may be seen comes.
decide('');
$node->safe_psql('postgres', q{SELECT presence_set_status('ann', 'busy', 'more news'), presence_touch('eve'), presence_set_message('eve', 'm'); SELECT presence_test_advance('0')});
ok($listener->wait_for(sub { grep { $_->{user_id} eq 'eve' && $_->{channel} eq 'global_presence' && !exists $_->{audience} && $_->{event} eq 'user_joined' } @_ }), 'without it who may be seen comes');
is(scalar(grep { $_->{user_id} eq 'ann' && !exists $_->{audience} } $listener->events), 0, 'and of the others nothing is told');
$listener->quit;
finish($_) for $node, $standby;
done_testing();
