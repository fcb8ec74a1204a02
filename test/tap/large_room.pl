# A room of 20,000: who comes and goes is a count, once a second at most; the list of members goes on page by page, complete.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP ();
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $members = 20_000;
my $node = new_server('large', conf => "presence.idle_timeout = '1h'\npresence.offline_timeout = '2h'\npresence.session_timeout = '30min'\npresence.typing_timeout = '5min'\nmax_wal_size = '4GB'");
$node->start;
create_presence($node);
my @events;
my $tally = PresenceTest::Tally->new($node, 'postgres', 'room', each => sub { push @events, JSON::PP->new->decode($_[0]) });
my $count = q{SELECT presence_member_count('room')};

# Waits for the last event of the channel's size to say so, and returns what was heard since the last time.
sub heard_until
{
	my ($size, $large) = @_;
	my $last;
	wait_until(
		sub {
			$tally->hear;
			($last) = reverse grep { $_->{event} eq 'channel_occupancy' } @events;
			return $last && $last->{members} == $size && $last->{large} == $large;
		}) or diag("the last is " . ($last ? JSON::PP->new->encode($last) : 'nothing'));
	return splice @events;
}

sub named { my $name = shift; return grep { $_->{event} eq $name } @_; }

# n occupancies are told in at least n - 1 seconds.
sub seldom_enough
{
	my ($name, @occupancies) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $span = $node->safe_psql('postgres', "SELECT extract(epoch FROM timestamptz '$occupancies[-1]{timestamp}' - '$occupancies[0]{timestamp}')");
	return cmp_ok(scalar @occupancies, '<=', $span + 2, "$name: not more than one occupancy a second");
}

# Reads all pages in a row; returns how many members they have, how many of them differ, and whether anybody comes out of order.
sub pages
{
	my ($channel, $size) = @_;
	return $node->safe_psql('postgres', qq{
		CREATE TEMP TABLE page (n serial, user_id text, last_active timestamptz);
		DO \$\$ DECLARE last text; got int; BEGIN LOOP
			INSERT INTO page (user_id, last_active) SELECT user_id, last_active FROM presence_members('$channel', $size, after => last);
			GET DIAGNOSTICS got = ROW_COUNT;
			EXIT WHEN got < $size;
			SELECT user_id INTO last FROM page ORDER BY n DESC LIMIT 1;
		END LOOP; END \$\$;
		SELECT count(*), count(DISTINCT user_id), bool_and(in_order) FROM (SELECT user_id, last_active <= lag(last_active, 1, 'infinity') OVER (ORDER BY n) AS in_order FROM page) AS p});
}

# given 20,000 who join over a few connections, 2,500 in a transaction
my $join = PostgreSQL::Test::Utils::tempdir . '/join';
append_to_file($join, <<"EOT");
\\set i :i + 1
\\set first (:client_id * 2 + :i - 1) * 2500 + 1
SELECT count(presence_join('u' || i, 'room')) FROM generate_series(:first, :first + 2499) AS i;
EOT
$node->command_ok([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', 4, '-t', 2, '-D', 'i=0', '-f', $join, 'postgres' ], "$members join");
is($node->safe_psql('postgres', $count), $members, 'and are counted');

# then listeners hear of the first ones, and of the others how many there are
my @heard = heard_until($members, 1);
my ($first) = named('channel_occupancy', @heard);
ok($first && $first->{large}, 'a large channel says so');
is(scalar(grep { $_->{seq} > $first->{seq} && $_->{event} ne 'channel_occupancy' } @heard), 0, 'and from then on tells nothing but its size');
cmp_ok(scalar(named('user_joined', @heard)), '<=', 500, 'at most large_channel have been told of before');
seldom_enough('joining', named('channel_occupancy', @heard));
is_deeply([ map { ref eq 'HASH' ? join ' ', sort keys %$_ : '' } $first ], ['channel epoch event large members prev seq timestamp v'], 'an occupancy has its fields');

# and presence_members has all of them, in pages of any size
is(pages('room', $_), "$members|$members|t", "in pages of $_: all, once, in order") for 5000, 999, 100;
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT user_id) FROM presence_members('room', 1000000)"), "$members|$members", 'or at once');
is((error_of($node, 'postgres', q{SELECT * FROM presence_members('room', after => 'nobody')}))[0], '22023', 'after somebody who is not there is an error');
eventually($node, 'postgres', "SELECT count(*) = $members FROM channel_presence WHERE channel_id = 'room'", 'each has a row');

# who types, moves a cursor, or changes its status there is told of as ever
$node->safe_psql('postgres', q{SELECT presence_typing('u1', 'room'); SELECT presence_set_state('u2', 'room', '{"hand": true}'); SELECT presence_set_status('u3', 'busy')});
ok(wait_until(sub { $tally->hear; @events >= 3 }), 'what members do is told');
is_deeply([ sort map { "$_->{user_id} $_->{event}" } @events ], [ 'u1 typing_start', 'u2 state_changed', 'u3 user_status_changed' ], 'each once');
@events = ();

# when some come and go, and the size is the same, then that is nothing
$node->safe_psql('postgres', q{SELECT presence_leave('u' || i, 'room') FROM generate_series(1, 100) AS i; });
heard_until($members - 100, 1);
is($node->safe_psql('postgres', q{SELECT count(presence_join('u' || i, 'room')) FROM generate_series(1, 100) AS i}), '100', 'the same come again');
is(scalar(grep { $_->{event} =~ /^user_/ } heard_until($members, 1)), 0, 'and nobody is told of one by one');

# given a restart, then all are there, in the same order, and the first thing told is that the room is large
eventually($node, 'postgres', "SELECT count(*) = $members FROM channel_presence WHERE channel_id = 'room'", 'all are written');
my $order = q{SELECT md5(string_agg(user_id, ' ' ORDER BY last_active DESC, user_id)) FROM presence_members('room', 1000000)};
my $before = $node->safe_psql('postgres', $order);
$tally->quit;
$node->restart;
wait_for_worker($node);
is($node->safe_psql('postgres', $count), $members, 'a restart: all are there');
is($node->safe_psql('postgres', $order), $before, 'in the same order');
is(pages('room', 3000), "$members|$members|t", 'in pages, too');
$tally = PresenceTest::Tally->new($node, 'postgres', 'room', each => sub { push @events, JSON::PP->new->decode($_[0]) });
is($node->safe_psql('postgres', q{SELECT count(presence_leave('u' || i, 'room')) FROM generate_series(1, 1000) AS i}), '1000', 'when some leave');
@heard = heard_until($members - 1000, 1);
is(scalar(grep { $_->{event} ne 'channel_occupancy' } @heard), 0, 'still only the size is told');

# when nearly all leave, but not below 80 % of large_channel, then still; below, single events begin again, after a resync
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT presence_leave('u' || i, 'room') AS gone FROM generate_series(1001, 19600) AS i) AS l WHERE gone}), '18600', '18,600 leave');
@heard = heard_until(400, 1);
is(scalar(grep { $_->{event} ne 'channel_occupancy' } @heard), 0, 'at 400, which is 80 %, only the size is told');
seldom_enough('leaving', named('channel_occupancy', @heard));
$node->safe_psql('postgres', q{SELECT presence_leave('u19601', 'room')});
@heard = heard_until(399, 0);
ok(wait_until(sub { $tally->hear; push @heard, splice @events; named('presence_resync', @heard) }), 'below, the channel says to look again');
is_deeply([ map { $_->{event} } @heard ], [ 'channel_occupancy', 'presence_resync' ], 'after it has told the size once more');
$node->safe_psql('postgres', q{SELECT presence_join('new', 'room')});
ok(wait_until(sub { $tally->hear; @events >= 1 }), 'then');
$node->safe_psql('postgres', q{SELECT presence_leave('u20000', 'room')});
ok(wait_until(sub { $tally->hear; @events >= 2 }), 'again');
is_deeply([ map { "$_->{user_id} $_->{event}" } @events ], [ 'new user_joined', 'u20000 user_left' ], 'joins and leaves are told one by one');
is($node->safe_psql('postgres', $count), '399', 'and counted');
is($tally->gaps, 0, 'no gap');
eventually($node, 'postgres', q{SELECT count(*) = 399 FROM channel_presence}, 'who left has no row');
$tally->quit;
finish($node);
done_testing();
