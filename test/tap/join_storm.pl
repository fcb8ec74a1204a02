# 200 members come into one room and leave it, through several sessions each and all at once: every listener hears of each join
# and leave once, and all hear the same.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;

my ($clients, $each) = (8, 25);
my $members = $clients * $each;
my $node = new_server('storm');
$node->start;
create_presence($node);
my @listeners = map { PresenceTest::Tally->new($node, 'postgres', 'room') } 1 .. 4;
my $dir = PostgreSQL::Test::Utils::tempdir;

# Every client does the same to its own members, one after the other.
sub storm
{
	my ($name, $turns, @sql) = @_;
	my $script = "$dir/" . ($name =~ s/\W/_/gr);
	append_to_file($script, "\\set i :i + 1\n\\set u :client_id * $each + :i % $each\n" . join('', map { "$_;\n" } @sql));
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$node->command_ok([ 'pgbench', '-n', '-h', $node->host, '-p', $node->port, '-c', $clients, '-t', $turns * $each, '-D', 'i=0', '-f', $script, 'postgres' ], $name);
	return;
}

sub all_hear
{
	my ($count, $stories, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for my $i (0 .. $#listeners)
	{
		ok($listeners[$i]->wait_for_count($count), "$name: listener $i hears of all");
		is_deeply($listeners[$i]->stories, $stories, "$name: listener $i, each once");
		$listeners[$i]->forget;
	}
	return;
}

# given members who come through three sessions each, then each is one join
storm('join', 1, map { "SELECT presence_join('u' || :u, 'room', session_id => 'u' || :u || '-$_')" } 1 .. 3);
is($node->safe_psql('postgres', q{SELECT presence_member_count('room')}), $members, 'all are there');
all_hear($members, { user_joined => $members }, 'join');
storm('join again', 1, map { "SELECT presence_join('u' || :u, 'room', session_id => 'u' || :u || '-$_')" } 1 .. 3);
is($_->count, 0, 'who is there does not join') for @listeners;

# when they leave by one session after the other, then each is one leave
storm('leave', 1, map { "SELECT presence_leave('u' || :u, 'room', session_id => 'u' || :u || '-$_')" } 1 .. 3);
is($node->safe_psql('postgres', q{SELECT presence_member_count('room')}), 0, 'all have left');
all_hear($members, { user_left => $members }, 'leave');
storm('leave again', 1, "SELECT presence_leave('u' || :u, 'room')");
is($_->count, 0, 'who is not there does not leave') for @listeners;

# given a rollback of each, then nothing
storm('roll back', 1, 'BEGIN', "SELECT presence_join('u' || :u, 'room')", 'ROLLBACK');
is($_->count, 0, 'what is rolled back is not told') for @listeners;

# when they come and go as fast as they can, then joins and leaves take turns, and the last is what is so
storm('come and go', 4, "SELECT presence_join('u' || :u, 'room')", "SELECT presence_leave('u' || :u, 'room')");
storm('stay', 1, "SELECT presence_join('u' || :u, 'room')", "SELECT presence_leave('u' || :u, 'room')", "SELECT presence_join('u' || :u, 'room')");
$node->safe_psql('postgres', q{SELECT presence_join('last', 'room')});
ok($_->wait_for(sub { shift->{stories}{last} }), 'the last one is heard of') for @listeners;
# It may have been told between two others.
my $as_text = sub { my ($stories) = @_; return join "\n", map { "$_ @{ $stories->{$_} }" } sort keys %$stories };
my $told = $listeners[0]{stories};
my $odd = sub { grep { join(' ', @{ $told->{"u$_"} // [] }) !~ /^user_joined( user_left user_joined)*$/ } 0 .. $members - 1 };
wait_until(sub { $_->hear for @listeners; return !$odd->() && !grep { $as_text->($_->{stories}) ne $as_text->($told) } @listeners });
is_deeply([ $odd->() ], [], 'who comes and goes: joined, left, joined, never twice the same, and joined at last');
is_deeply($listeners[$_]{stories}, $told, "listener $_ has heard the same") for 1 .. $#listeners;
is($_->gaps, 0, 'no gap') for @listeners;
is($node->safe_psql('postgres', q{SELECT presence_member_count('room')}), $members + 1, 'all are there');
eventually($node, 'postgres', 'SELECT count(*) = ' . ($members + 1) . ' FROM channel_presence', 'with a row each');

# when all of them log out at once, then each leaves once, with the reason
$_->forget for @listeners;
storm('log out', 1, "SELECT presence_logout('u' || :u)");
all_hear($members, { user_left => $members }, 'log out');
eventually($node, 'postgres', q{SELECT count(*) = 1 FROM channel_presence}, 'and their rows are gone');
$_->quit for @listeners;
finish($node);
done_testing();
