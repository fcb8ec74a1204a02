# presence.default_audience: whom it hides and shows when it changes at a reload, or while the server is down; who has said
# something else hears nothing of it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use Test::More;

my $node = new_server('preset', conf => "presence.private_channel = 'all'\npresence.flush_interval = '200ms'\ntimezone = 'UTC'");
$node->start;
create_presence($node);

# Who says nothing at all; who says something that is no rule for everywhere: a contact, a contact with a detail of its own, a rule
# of a channel, a block; and who has such a rule.
my @silent = qw(ann ben);
my @partly = qw(knows close hall blocks);
my @ruled = qw(open few friends room none);
my @users = (@silent, @partly, @ruled, 'mate', 'gone');
$node->safe_psql('postgres', join ';', (map { "SELECT presence_connect('$_', '$_ 1', '{\"name\": \"$_\"}', lease => '4 h'), presence_heartbeat('$_ 1'), presence_set_message('$_', 'of $_')" } @users),
	(map { "SELECT presence_join('$_', 'lobby')" } grep { $_ ne 'ben' } @users), q{SELECT presence_connect('vic', 'vic 1', lease => '4 h'), presence_heartbeat('vic 1'), presence_logout('gone')},
	q{SELECT presence_add_contact('knows', 'vic'), presence_add_contact('close', 'vic', 'status'), presence_set_visibility('hall', 'nobody', channel_id => 'lobby'), presence_block('blocks', 'zed')},
	q{SELECT presence_set_visibility('open', 'everyone'), presence_set_visibility('few', 'everyone', 'status'), presence_set_visibility('friends', 'contacts'), presence_add_contact('friends', 'vic')},
	q{SELECT presence_set_visibility('room', 'channel'), presence_set_visibility('none', 'nobody'), presence_set_visibility('mate', 'nobody')});

# ---- what each viewer sees ------------------------------------------------------------------------------------------------

# vic is a contact of some, mate is in the lobby with all but ben, and stranger is nothing to anybody.
my %always = (vic => [qw(few friends open)], mate => [qw(few open room)], stranger => [qw(few open)]);
my %by_preset = (
	everyone => { vic => [qw(ann ben blocks close hall knows)], mate => [qw(ann ben blocks close hall knows)], stranger => [qw(ann ben blocks close hall knows)] },
	contacts => { vic => [qw(close knows)], mate => [], stranger => [] },
	channel => { vic => ['close'], mate => [qw(ann blocks close hall knows)], stranger => [] },
	nobody => { vic => ['close'], mate => [], stranger => [] });

# vic says nothing, and is in no channel and nobody's contact: whom it lets see it.
sub sees_vic { my ($preset, $viewer) = @_; return $viewer eq 'vic' || $preset eq 'everyone' }

sub check_reads
{
	my ($preset, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for my $viewer (qw(vic mate stranger))
	{
		my @seen = sort @{ $always{$viewer} }, @{ $by_preset{$preset}{$viewer} };
		my @present = sort @seen, sees_vic($preset, $viewer) ? 'vic' : (), $viewer eq 'mate' ? 'mate' : ();
		# In the lobby hall has a rule of its own.
		my @members = sort grep { !/^(ben|hall|vic)$/ } @present;
		my $statuses = join ' ', map { my $user = $_; (grep { $_ eq $user } @present) ? 'online' : 'offline' } @users;
		my ($ids, $count) = ("'{" . join(',', @users) . "}'::text[]", scalar @present);
		is( $node->safe_psql('postgres', qq{
			SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence_online_users(100, '$viewer');
			SELECT total, presence_member_count('global_presence', '$viewer'), presence_member_count('lobby', '$viewer') FROM presence_counts('$viewer');
			SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM presence_members('lobby', 100, '$viewer');
			SELECT string_agg(status, ' ' ORDER BY n) FROM presence_get_many($ids, '$viewer') WITH ORDINALITY AS g (user_id, status, m, l, p, d, s, a, i, b, n);
			SELECT string_agg(presence_status(u, '$viewer'), ' ' ORDER BY n) FROM unnest($ids) WITH ORDINALITY AS v (u, n);
			SELECT count(*) FROM unnest($ids || 'vic'::text) AS u WHERE (presence_can_see('$viewer', u) IN ('full', 'status')) <> (presence_status(u, '$viewer') <> 'offline') AND u <> 'gone'}),
			join("\n", join(' ', @present), "$count|$count|" . @members, join(' ', @members), $statuses, $statuses, '0'), "$name: what $viewer sees");
	}
	# Nobody knows anything of whom the setting hides.
	is($node->safe_psql('postgres', q{SELECT count(*) FROM unnest('{ann,ben}'::text[]) AS u, presence_get(u, 'stranger') AS g WHERE g.last_seen IS NULL AND g.last_seen_bucket IS NULL AND status_message IS NULL AND user_data IS NULL}),
		$preset eq 'everyone' ? '0' : '2', "$name: of whom it hides nothing is known");
	is($node->safe_psql('postgres', q{SELECT total FROM presence_counts()}), scalar(@users), "$name: without a viewer all are counted");
	return;
}

# ---- what is heard ----------------------------------------------------------------------------------------------------------

my ($listener, $worker);
my %came = (global_presence => [ 'user_joined', 'offline>online connect' ], lobby => ['user_joined']);
my %went = (global_presence => [ 'online>offline logout', 'user_left' ], lobby => ['user_left']);

sub set_preset
{
	my ($preset) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET presence.default_audience = $preset");
	return;
}

# Everything is told that was under way: an event of somebody whom all may see has come, and another one, a round later: the
# first may have come between the partitions of the round that told it.
my $marks = 0;
sub told
{
	mark_is_told() for 1 .. 2;
	return;
}

sub mark_is_told
{
	$marks++;
	$node->safe_psql('postgres', qq{SELECT presence_set_message('open', 'mark $marks'), presence_typing('open', 'lobby'), presence_typing('open', 'lobby', false)});
	$listener->wait_for(sub { (grep { ($_->{status_message} // '') eq "mark $marks" && $_->{channel} eq 'global_presence' } @_) && (grep { ($_->{status_message} // '') eq "mark $marks" && $_->{channel} eq 'lobby' } @_) })
	  or die 'the mark was not heard';
	return;
}

# Who was told of on a public channel since, and how; the marks left out.
sub stories
{
	my %stories;
	# With the setting everybody is told to take a new snapshot, too.
	for my $event (grep { $_->{event} ne 'presence_resync' } $listener->events)
	{
		next if exists $event->{audience} || $event->{user_id} eq 'open';
		push @{ $stories{ $event->{channel} }{ $event->{user_id} } }, PresenceTest::Listener::short($event);
	}
	for my $channel (values %stories)
	{
		$_ = [ sort @$_ ] for values %$channel;
	}
	return \%stories;
}

sub check_change
{
	my ($preset, $name, $story, %who) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	told();
	$listener->forget_events;
	set_preset($preset);
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('presence.default_audience') = '$preset'") or die 'the setting did not come';
	# The worker has its own time to hear of the reload.
	my @wanted = map { my $channel = $_; map { "$channel $_" } @{ $who{$channel} } } keys %who;
	my $has_come = sub { my $stories = stories(); return !grep { my ($channel, $user) = split / /; !$stories->{$channel}{$user} } @wanted };
	PresenceTest::wait_until($has_come, 20);
	PresenceTest::wait_until(sub { 0 }, 0.3) unless @wanted;
	told();
	is_deeply(stories(), { map { my $channel = $_; $channel => { map { $_ => [ sort @{ $story->{$channel} } ] } @{ $who{$channel} } } } keys %who }, "$name: each is told once, and nobody else");
	is_deeply([ $listener->gaps ], [], "$name: without a gap");
	check_reads($preset, $name);
	# What they do while they are hidden nobody hears.
	$listener->forget_events;
	$node->safe_psql('postgres', join ';', map { "SELECT presence_set_message('$_', 'of $_ again $marks'), presence_touch('$_')" } @silent);
	told();
	my %acted = $preset eq 'everyone' ? (global_presence => { map { $_ => 1 } @silent }, lobby => { ann => 1 }) : ();
	is_deeply({ map { my $channel = $_; $channel => { map { $_ => 1 } keys %{ stories()->{$channel} } } } keys %{ stories() } }, \%acted, "$name: who acts then");
	return;
}

# The worker ends before it has heard of a reload, and the next one begins with the new setting.
sub told_later
{
	$listener->forget_events;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker)");
	kill 'CONT', $worker;
	wait_for_worker($node, 'postgres', $worker);
	my $went = sub { my $stories = stories(); !grep { !$stories->{global_presence}{$_} } qw(ann ben vic) };
	ok(PresenceTest::wait_until($went, 20), 'the next worker tells');
	check_reads('contacts', 'by the next worker');
	return;
}

sub hear
{
	$listener = PresenceTest::Listener->new($node, 'postgres', 'global_presence', 'lobby');
	return;
}

# Without a rule for everywhere, and not hidden from anybody by something else: a block, a rule of that channel. Who gives a
# contact less is told of as far as that one sees.
my %all = (global_presence => [qw(ann ben close hall knows vic)], lobby => [qw(ann close knows)]);
hear();
check_reads('everyone', 'everyone');
check_change('contacts', 'everyone to contacts', \%went, %all);
check_change('nobody', 'contacts to nobody', \%went);
check_change('everyone', 'nobody to everyone', \%came, %all);

# While the worker does not come to it, lists and counts go by the new setting all the same.
$worker = stop_worker($node);
set_preset('contacts');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('presence.default_audience') = 'contacts'") or die 'the setting did not come';
check_reads('contacts', 'the worker stands still');
kill 'CONT', $worker;
$listener->wait_for(sub { grep { ($_->{user_id} // '') eq 'ann' && $_->{event} eq 'user_left' && $_->{channel} eq 'lobby' } @_ }) or die 'nobody went';
check_change('everyone', 'contacts to everyone', \%came, %all);

# Who is told of nothing because there was no worker when it changed is told by the next one.
$worker = stop_worker($node);
set_preset('contacts');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('presence.default_audience') = 'contacts'") or die 'the setting did not come';
told_later();
check_change('everyone', 'and back', \%came, %all);

check_change('channel', 'everyone to channel', \%went, %all);
check_change('channel', 'channel again', \%went);
check_change('everyone', 'channel to everyone', \%came, %all);
check_change('nobody', 'everyone to nobody', \%went, %all);

# given somebody whom the setting hides and who says nobody, when it is for everyone again, then that one stays hidden; who says
# everyone while it is for nobody comes at once, and hears nothing of the setting afterwards
$listener->forget_events;
$node->safe_psql('postgres', q{SELECT presence_set_visibility('ben', 'everyone'), presence_set_visibility('ann', 'nobody')});
told();
is_deeply(stories(), { global_presence => { ben => [ sort @{ $came{global_presence} } ] } }, 'who says everyone comes, who says nobody was not there');
check_one('ben', 'online', 'full');
check_one('ann', 'offline', 'nothing');
sub check_one
{
	my ($user, $status, $detail) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($node->safe_psql('postgres', "SELECT presence_status('$user', 'stranger'), presence_can_see('stranger', '$user')"), "$status|$detail", "a stranger sees of $user $detail");
	return;
}
$listener->forget_events;
set_preset('everyone');
$node->reload;
ok($listener->wait_for(sub { (grep { ($_->{user_id} // '') eq 'knows' && $_->{channel} eq 'lobby' } @_) && (grep { ($_->{user_id} // '') eq 'vic' } @_) }), 'the others come');
told();
is_deeply([ map { @{ stories()->{global_presence}{$_} // [] } } qw(ann ben) ], [], 'of the two nothing is told');
check_one('ben', 'online', 'full');
check_one('ann', 'offline', 'nothing');
$node->safe_psql('postgres', q{SELECT presence_set_visibility('ben', NULL), presence_set_visibility('ann', NULL)});

# ---- a restart ----------------------------------------------------------------------------------------------------------------

# given a setting that changes while the server is down, then all follows it from the start
sub written
{
	$node->poll_query_until('postgres', q{SELECT bool_and(p.last_seen = g.last_seen AND p.status = g.status) AND (SELECT fresh FROM presence_info()) AND (SELECT count(*) FROM presence_sessions) = (SELECT total FROM presence_counts()) FROM user_presence AS p, presence_get(p.user_id) AS g})
	  or die 'not all is written';
	flush_log($node);
	return;
}
$listener->quit;
for my $change ([ 'nobody', 'fast' ], [ 'contacts', 'immediate' ], [ 'everyone', 'fast' ])
{
	my ($preset, $how) = @$change;
	written();
	set_preset($preset);
	$node->stop($how);
	$node->start;
	wait_for_worker($node);
	check_reads($preset, "$preset after a restart ($how)");
	hear();
	told();
	$listener->forget_events;
	$node->safe_psql('postgres', q{SELECT presence_set_status('ann', 'busy', 'new'), presence_set_status('hall', 'busy')});
	told();
	is_deeply([ sort keys %{ stories()->{global_presence} // {} } ], $preset eq 'everyone' ? [qw(ann hall)] : [], "$preset after a restart ($how): who is told of");
	$node->safe_psql('postgres', q{SELECT presence_set_status('ann', 'online'), presence_set_status('hall', 'online')});
	$listener->quit;
}
finish($node);
done_testing();
