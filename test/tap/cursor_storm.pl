# 50 members of a document move 60 times a second: at most 20 moves a second of each are told, and the last one always.
# PRESENCE_CURSOR_SECONDS=10 does it for as long.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use JSON::PP ();
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $members = 50;
my $moves = 60 * ($ENV{PRESENCE_CURSOR_SECONDS} || 2);
my $node = new_server('cursors');
$node->start;
create_presence($node);
my (%last, %told, %moments);
my $tally = PresenceTest::Tally->new($node, 'postgres', 'document_7',
	each => sub {
		my $event = JSON::PP->new->decode($_[0]);
		return unless $event->{event} eq 'cursor_moved';
		$told{ $event->{user_id} }++;
		$last{ $event->{user_id} } = $event;
		push @{ $moments{ $event->{user_id} } }, $1 * 3600 + $2 * 60 + $3 if $event->{timestamp} =~ /T(\d+):(\d+):([\d.]+)Z/;
	});
is($node->safe_psql('postgres', "SELECT count(presence_join_document('m' || i, 7)) FROM generate_series(0, $members - 1) AS i"), $members, "$members members");
ok($tally->wait_for_count($members), 'whose joining is told');
eventually($node, 'postgres', "SELECT count(*) = $members FROM channel_presence", 'and written');

# given moves as fast as a screen draws, through as many connections
my $script = PostgreSQL::Test::Utils::tempdir . '/move';
append_to_file($script, <<"EOT");
\\set i :i + 1
SELECT presence_move_cursor('m' || :client_id, 7, jsonb_build_object('x', :i, 'y', :client_id), jsonb_build_array(:i, :i + 1));
EOT
$node->command_ok([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', $members, '-j', 2, '-R', 60 * $members, '-t', $moves, '-D', 'i=0', '-f', $script, 'postgres' ],
	"$members members move $moves times each");

# then the last move of each is told
ok(wait_until(sub { $tally->hear; $members == grep { $_->{cursor_position}{x} == $moves } values %last }), 'the last move of each is told');
is_deeply([ grep { my $event = $last{"m$_"}; $event->{cursor_position}{y} != $_ || $event->{selection_range}[1] != $moves + 1 } 0 .. $members - 1 ], [], 'whole, and as it was set');
is($node->safe_psql('postgres', "SELECT count(*) FROM presence_members('document_7') WHERE cursor_position ->> 'x' = '$moves' AND selection_range ->> 0 = '$moves'"), $members, 'which is what presence_members says');

# and not more than one in 50 ms. An event has the moment of its move, which comes between the event before and its own telling,
# or a little later: hence three more than the time from the first to the last takes. A day may begin in between.
my @too_often;
for my $user (keys %moments)
{
	my ($first, $last) = @{ $moments{$user} }[ 0, -1 ];
	$last += 86400 if $last < $first;
	push @too_often, "$user $told{$user} in " . ($last - $first) . ' s' if $told{$user} > 20 * ($last - $first) + 3;
}
is_deeply(\@too_often, [], 'at most 20 a second of each');
my ($least) = sort { $a <=> $b } values %told;
cmp_ok($least, '>', 1, 'and more than the last');
is($tally->gaps, 0, 'no gap');

# and none of it is written but with the next flush
is($node->safe_psql('postgres', q{SELECT count(*) FROM channel_presence WHERE cursor_position IS NOT NULL}), '0', 'no row was written for it');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND backend_type IN ('client backend', 'presence worker')"), '0', 'and nobody has a transaction id');

# given a client whose moves overtake each other, then the greatest clock wins, and it is told
$node->safe_psql('postgres', q{SELECT presence_move_cursor('m0', 7, jsonb_build_object('x', i), clock => i) FROM unnest(ARRAY[3, 1, 2, 900, 5, 899]) AS i});
ok(wait_until(sub { $tally->hear; $last{m0}{cursor_position}{x} == 900 }), 'the greatest clock of all wins');
is($node->safe_psql('postgres', q{SELECT cursor_position FROM presence_members('document_7') WHERE user_id = 'm0'}), '{"x": 900}', 'in presence_members');
$node->safe_psql('postgres', q{SELECT presence_leave_document('m' || i, 7) FROM generate_series(0, 49) AS i});
ok($tally->wait_for(sub { my $of = shift->{stories}; $members == grep { $of->{"m$_"}[-1] eq 'user_left' } 0 .. $members - 1 }), 'and who has left is not told of again');
$tally->quit;
finish($node);
done_testing();
