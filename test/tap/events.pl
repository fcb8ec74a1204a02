# What a listener hears, field by field, in a normal build with short timeouts.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use JSON::PP ();
use utf8;

my $node = new_server('events', conf => "presence.idle_timeout = '2s'\npresence.offline_timeout = '6s'");
$node->start;
create_presence($node);
my $listener = PresenceTest::Listener->new($node, 'postgres');
my $stamp = sub {
	my ($from, $later) = @_;
	return $node->safe_psql('postgres', "SELECT to_char((timestamptz '$from' + interval '$later') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')");
};

# given a touch and then nothing, then five events, each with all its fields, stamped with its moment
$node->safe_psql('postgres', "SELECT presence_touch('ann')");
my $seen = $node->safe_psql('postgres', "SELECT last_seen FROM presence_get('ann')");
ok($listener->wait_for(sub { 5 <= @_ }), 'five events');
is_deeply([ $listener->story('ann') ], [ 'offline>online activity', 'user_joined', 'online>away idle_timeout', 'away>offline timeout', 'user_left' ], 'in this order');
my ($came, $joined, $idle, $went, $left) = $listener->events;
my $epoch = $node->safe_psql('postgres', 'SELECT epoch FROM presence_info()');
my %same = (v => 1, epoch => $epoch, channel => 'global_presence', user_id => 'ann');
is_deeply($idle, { %same, seq => $idle->{seq}, prev => $joined->{seq}, event => 'user_status_changed', status => 'away', previous_status => 'online',
	status_message => undef, reason => 'idle_timeout', timestamp => $stamp->($seen, '2 s') }, 'idle_timeout: all fields, with its moment');
is_deeply($went, { %same, seq => $went->{seq}, prev => $idle->{seq}, event => 'user_status_changed', status => 'offline', previous_status => 'away',
	status_message => undef, reason => 'timeout', timestamp => $stamp->($seen, '6 s') }, 'timeout: all fields, with its moment');
is_deeply($came, { %same, seq => $came->{seq}, prev => $came->{prev}, event => 'user_status_changed', status => 'online', previous_status => 'offline',
	status_message => undef, reason => 'activity', timestamp => $stamp->($seen, '0') }, 'activity: all fields, with its moment');
for ([ $joined, 'user_joined', $came ], [ $left, 'user_left', $went ])
{
	my ($event, $name, $before) = @$_;
	is($event->{event}, $name, $name);
	is($event->{user}{id}, 'ann', "$name: the user's id");
	is($event->{prev}, $before->{seq}, "$name: follows the change of status");
	is($event->{timestamp}, $before->{timestamp}, "$name: at the same moment");
	is_deeply([ @$event{qw(status previous_status reason)} ], [ @$before{qw(status previous_status reason)} ], "$name: with the whole state");
}
is_deeply([ $listener->gaps ], [], 'no gap');
cmp_ok($_->{seq}, '<=', $node->safe_psql('postgres', 'SELECT seq FROM presence_info()'), "presence_info has seq $_->{seq}") for $left;
# What is told is written after that.
$node->poll_query_until('postgres', "SELECT count(*) = 3 FROM presence_history WHERE user_id = 'ann'");
is($node->safe_psql('postgres', "SELECT previous_status, new_status, change_reason, changed_at - '$seen' FROM presence_history WHERE user_id = 'ann' ORDER BY changed_at"),
	"offline|online|activity|00:00:00\nonline|away|idle_timeout|00:00:02\naway|offline|timeout|00:00:06", 'the history says the same');
is($node->safe_psql('postgres', "SELECT status, auto_away_at - last_seen, went_offline_at - last_seen FROM user_presence WHERE user_id = 'ann'") =~ s/^offline\|(00:00:02|)\|/offline|*|/r, 'offline|*|00:00:06', 'and the row');
for my $event (@{ $listener->{raw} })
{
	unlike($event->{payload}, qr/\n/, 'one line') for 1;
	is($event->{channel}, 'global_presence', 'on global_presence');
}

# given a choice with a message and a reason of one's own
$listener->forget_events;
$node->safe_psql('postgres', q{SELECT presence_set_status('ben', 'busy', 'in a call', reason => 'meeting')});
ok($listener->wait_for(sub { 2 == @_ }), 'two events');
my ($event) = $listener->events;
is_deeply([ @$event{qw(status previous_status status_message reason)} ], [ 'busy', 'offline', 'in a call', 'meeting' ], 'message and reason');
$node->safe_psql('postgres', q{SELECT presence_set_message('ben', 'in a long call')});
ok($listener->wait_for(sub { 3 == @_ }), 'one more');
$event = ($listener->events)[2];
is_deeply([ @$event{qw(event status previous_status status_message reason)} ], [ 'user_status_changed', 'busy', 'busy', 'in a long call', 'message' ], 'only the message');

# given letters of every kind, then JSON of every kind
$listener->forget_events;
my $strange = qq{"q" 's' \\\\ / \t \n \r \b \f \x01 \x1f \x7f};
my $literal = q{E'"q" ''s'' \\\\ / \t \n \r \b \f \x01 \x1f \x7f'};
$node->safe_psql('postgres', "SELECT presence_set_status($literal, 'busy', $literal, reason => 'r\"\\')");
$node->safe_psql('postgres', "SELECT presence_set_status('größe 🦉', 'busy', 'größe 🦉')");
ok($listener->wait_for(sub { 4 == @_ }), 'four events');
my ($odd) = grep { $_->{event} eq 'user_status_changed' && $_->{user_id} !~ /gr/ } $listener->events;
is($odd->{user_id}, $strange =~ s/\\\\/\\/r, 'quotes and control characters in an id');
is($odd->{status_message}, $strange =~ s/\\\\/\\/r, 'in a message');
is($odd->{reason}, 'r"\\', 'in a reason');
my ($raw) = grep { $_->{payload} =~ /user_status_changed/ && $_->{payload} =~ /gr/ } @{ $listener->{raw} };
my $bytes = "größe 🦉";
utf8::encode($bytes);
like($raw->{payload}, qr/"user_id": ?"\Q$bytes\E"/, 'UTF-8 stays UTF-8');

# the largest event there is fits into a notification
$listener->forget_events;
$node->safe_psql('postgres', q{SELECT presence_set_status(repeat(E'\x01', 128), 'busy', repeat(E'\x01', 500), reason => repeat(E'\x02', 64))});
$node->safe_psql('postgres', q{SELECT presence_set_status(repeat('🦉', 32), 'busy', repeat('🦉', 500))});
ok($listener->wait_for(sub { 4 == @_ }), 'the largest events arrive');
ok((grep { $_->{event} eq 'user_status_changed' && ($_->{status_message} // '') eq "\x01" x 500 && $_->{user_id} eq "\x01" x 128 } $listener->events), 'whole');
cmp_ok(length, '<', 8000, 'under 8000 bytes') for map { $_->{payload} } @{ $listener->{raw} };

# given a rollback, then nothing; given a hundred people, then each is told of, without a gap
$listener->wait_for(sub { 2 == grep { $_->{event} eq 'user_left' && length $_->{user_id} >= 32 } @_ }) or die 'they have not left';
eventually($node, 'postgres', "SELECT count(*) = 0 FROM user_presence WHERE status <> 'offline'", 'all have left');
$listener->forget_events;
$node->safe_psql('postgres', q{BEGIN; SELECT presence_set_status('rolled back', 'busy'); ROLLBACK;});
$node->safe_psql('postgres', q{SELECT presence_touch('u' || i) FROM generate_series(1, 100) AS i});
ok($listener->wait_for(sub { 100 == grep { $_->{event} eq 'user_left' } @_ }), 'a hundred came and went');
is(scalar(grep { $_->{user_id} eq 'rolled back' } $listener->events), 0, 'nothing of what was rolled back');
is_deeply([ $listener->gaps ], [], 'without a gap');
is_deeply([ grep { join(', ', $listener->story("u$_")) ne 'offline>online activity, user_joined, online>away idle_timeout, away>offline timeout, user_left' } 1 .. 100 ], [], 'each in its order');
is(scalar $listener->events, 500, 'and nothing twice');

# a prefix keeps the names away from the application's own channels
$node->append_conf('postgresql.conf', "presence.notify_prefix = 'App_'");
$node->reload;
$node->poll_query_until('postgres', "SELECT presence_notify_channel('global_presence') = 'App_global_presence'");
my $prefixed = PresenceTest::Listener->new($node, 'postgres', 'App_global_presence');
is($prefixed->query("SELECT presence_listen('room 1')"), 'App_room 1', 'presence_listen takes the prefix');
is($node->safe_psql('postgres', "SELECT octet_length(presence_notify_channel(repeat('c', 60))) <= 63"), 't', 'and is never too long');
$listener->forget_events;
$node->safe_psql('postgres', q{SELECT presence_set_status('ben', 'busy')});
ok($prefixed->wait_for(sub { 2 == @_ }), 'events come under the new name');
is(($prefixed->events)[0]{channel}, 'global_presence', 'the channel in the event is the channel');
is(scalar $listener->events, 0, 'and not under the old one');

# global_broadcast = off silences the events, not the engine
$node->append_conf('postgresql.conf', 'presence.global_broadcast = off');
$node->reload;
$node->poll_query_until('postgres', q{SELECT setting = 'off' FROM pg_settings WHERE name = 'presence.global_broadcast'});
$node->safe_psql('postgres', 'SELECT pg_sleep(0.2)');
$prefixed->forget_events;
$node->safe_psql('postgres', q{SELECT presence_set_status('cleo', 'busy')});
eventually($node, 'postgres', "SELECT count(*) = 1 FROM user_presence WHERE user_id = 'cleo' AND status = 'offline'", 'global_broadcast = off: the rows go on');
is(scalar(grep { $_->{user_id} eq 'cleo' } $prefixed->events), 0, 'and no events');
$_->quit for $listener, $prefixed;
finish($node);
done_testing();
