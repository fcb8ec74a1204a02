# Hidden is hidden: a busy hour by a random script. After each step every reading function, for each pair of viewer and user,
# says what a small oracle allows, and no listener of a public channel has heard more.
#
# LEAKS_SEED plays a script again, LEAKS_STEPS makes it longer. Two things are known and allowed for: who saw somebody through a
# shared channel alone sees afterwards what strangers see, and a message that ends may have ended.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use PresenceTest;
use PostgreSQL::Test::Utils;
use Test::More;
use IPC::Open2 ();
use JSON::PP ();
use Storable ();
use Time::HiRes ();

my $seed = $ENV{LEAKS_SEED} || int(1e6 * Time::HiRes::time()) % 1_000_000;
my $steps = $ENV{LEAKS_STEPS} || 150;
note "LEAKS_SEED=$seed LEAKS_STEPS=$steps";
srand $seed;

my @users = map { "u$_" } 0 .. 7;
my @channels = qw(room hall document_7);
my @viewers = (@users, 'stranger');
my @known = (@users, 'nobody');    # the last is never anything
my %rank = (nothing => 0, last_seen => 1, status => 2, full => 3);
my %order = (online => 0, busy => 1, away => 2);
my $json = JSON::PP->new->canonical->allow_nonref;

my $node = new_server('leaks', testing => 1,
	conf => "presence.offline_timeout = '1000s'\npresence.private_channel = 'all'\npresence.flush_interval = '10s'\npresence.typing_timeout = '34s'\nfsync = off");
$node->start;

# ---- what is read ---------------------------------------------------------------------------------------------------

# All that the functions say to one viewer, or to the application itself; odd: where two of them do not say the same.
my $functions = q{
	CREATE SCHEMA leaks;
	-- A rate falls while one reads; to others who is offline has none.
	CREATE FUNCTION leaks.person(seen jsonb, viewer text) RETURNS jsonb LANGUAGE sql AS $$
		SELECT CASE WHEN seen ->> 'interactions_per_minute' >= '0' AND (seen ->> 'status' <> 'offline' OR coalesce(viewer, seen ->> 'user_id') = seen ->> 'user_id') THEN jsonb_set(seen, '{interactions_per_minute}', '"any"') ELSE seen END
	$$;
	CREATE FUNCTION leaks.seen(v text, users text[], channels text[], lists jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		seen jsonb := '{"pages": {}, "odd": []}';
		people jsonb;
		page text[];
		step int;
		channel text;
	BEGIN
		people := (SELECT jsonb_object_agg(g.user_id, leaks.person(to_jsonb(g), v)) FROM presence_get_many(users, viewer => v) AS g);
		seen := seen || jsonb_build_object('people', people,
			'lists', (SELECT jsonb_agg(array(SELECT o.user_id FROM presence_online_users((l ->> 'max')::int, v, array(SELECT jsonb_array_elements_text(l -> 'statuses')), (l ->> 'within')::interval) AS o))
				FROM jsonb_array_elements(lists) AS l),
			'counts', (SELECT to_jsonb(c) FROM presence_counts(v) AS c), 'present', presence_member_count('global_presence', v),
			'members', (SELECT jsonb_object_agg(c, coalesce((SELECT jsonb_agg(to_jsonb(m)) FROM presence_members(c, 1000, v) AS m), '[]')) FROM unnest(channels) AS c),
			'member_counts', (SELECT jsonb_object_agg(c, presence_member_count(c, v)) FROM unnest(channels) AS c),
			'recent', (SELECT jsonb_object_agg(c, array(SELECT m.user_id FROM presence_members(c, 1000, v, active_within => '104 s') AS m)) FROM unnest(channels) AS c),
			'typing', (SELECT jsonb_object_agg(c, coalesce((SELECT jsonb_agg(to_jsonb(t) ORDER BY t.user_id) FROM presence_typing_users(c, v) AS t), '[]')) FROM unnest(channels) AS c),
			'can_see', (SELECT jsonb_object_agg(u, (SELECT jsonb_object_agg(coalesce(c, ''), presence_can_see(v, u, c)) FROM unnest(channels || NULL::text) AS c)) FROM unnest(users) AS u));
		FOREACH channel IN ARRAY channels LOOP
			FOR step IN 1 .. 2 LOOP
				page := '{}';
				FOR i IN 0 .. 20 LOOP
					page := page || array(SELECT m.user_id FROM presence_members(channel, step, v, after => page[cardinality(page)]) AS m);
					EXIT WHEN cardinality(page) < (i + 1) * step;
				END LOOP;
				seen := jsonb_set(seen, ARRAY['pages', channel || ' ' || step], to_jsonb(page));
			END LOOP;
		END LOOP;
		RETURN jsonb_set(seen, '{odd}', coalesce((SELECT jsonb_agg(odd) FROM (
			SELECT 'get ' || u FROM unnest(users) AS u WHERE leaks.person(to_jsonb(presence_get(u, v)), v) <> people -> u
			UNION ALL SELECT 'preview ' || u FROM unnest(users) AS u WHERE v IS NOT NULL AND leaks.person(to_jsonb(presence_preview(u, v)), v) <> people -> u
			UNION ALL SELECT 'status ' || u FROM unnest(users) AS u WHERE presence_status(u, v) <> people -> u ->> 'status'
			UNION ALL SELECT 'online_users ' || o.user_id FROM presence_online_users(1000, v) AS o WHERE leaks.person(to_jsonb(o), v) <> people -> o.user_id
			UNION ALL SELECT 'members ' || m.user_id FROM unnest(channels) AS c, presence_members(c, 1000, v) AS m WHERE people -> m.user_id ->> 'status' <> m.status AND presence_can_see(v, m.user_id) >= 'status'
			) AS o (odd)), '[]'));
	END $$;
	CREATE FUNCTION leaks.truth(users text[], channels text[]) RETURNS jsonb LANGUAGE sql AS $$
		SELECT jsonb_build_object('people', (SELECT jsonb_object_agg(g.user_id, leaks.person(to_jsonb(g), NULL)) FROM presence_get_many(users) AS g),
			'members', (SELECT jsonb_object_agg(c, coalesce((SELECT jsonb_object_agg(m.user_id, to_jsonb(m)) FROM presence_members(c, 1000) AS m), '{}')) FROM unnest(channels) AS c),
			'order', (SELECT jsonb_object_agg(c, array(SELECT m.user_id FROM presence_members(c, 1000) AS m)) FROM unnest(channels) AS c),
			'typing', (SELECT jsonb_object_agg(c, coalesce((SELECT jsonb_object_agg(t.user_id, to_jsonb(t)) FROM presence_typing_users(c) AS t), '{}')) FROM unnest(channels) AS c),
			'now', (SELECT server_time FROM presence_info()))
	$$};
for my $database (qw(postgres hides leaves))
{
	$node->safe_psql('postgres', "CREATE DATABASE $database") unless $database eq 'postgres';
	create_presence($node, $database);
	$node->safe_psql($database, "$functions; ALTER DATABASE $database SET timezone = 'UTC'");
}

# A psql that is spoken to through pipes: what it says is much, and not for the log.
package Speaker;

sub new
{
	my ($class, $database) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
	my $self = bless { asked => 0 }, $class;
	$self->{pid} = IPC::Open2::open2($self->{from}, $self->{to}, $node->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database));
	$self->{to}->autoflush(1);
	return $self;
}

sub query
{
	my ($self, $sql) = @_;
	my $end = 'END ' . ++$self->{asked};
	my $out = '';
	print { $self->{to} } "$sql;\n\\echo $end\n";
	while (my $line = readline $self->{from})
	{
		return $out if $line eq "$end\n";
		$out .= $line;
	}
	die "psql has failed: $sql";
}

sub quit
{
	my ($self) = @_;
	close $self->{to};
	waitpid $self->{pid}, 0;
	return;
}

package main;

my $caller = Speaker->new('postgres');
my @lists = map { my $max = $_; map { { max => $max, within => $_, statuses => [ $max == 4 ? qw(away online) : qw(online busy away) ] } } undef, '104 s' } 1, 2, 4, 1000;
my $arrays = sprintf q{'{%s}', '{%s}'}, join(',', @known), join(',', @channels);

sub ask
{
	my ($sql) = @_;
	return $json->decode($caller->query("SELECT $sql"));
}

sub truth { return ask("leaks.truth($arrays)") }

sub look
{
	my $viewers = join ',', @viewers;
	my $lists = $json->encode(\@lists);
	return ask("jsonb_build_object('before', leaks.truth($arrays), 'seen', (SELECT jsonb_object_agg(v, leaks.seen(v, $arrays, '$lists')) FROM unnest('{$viewers}'::text[]) AS v), 'after', leaks.truth($arrays))");
}

# Microseconds since a fixed moment: all of the text counts, so that nothing is rounded.
sub micros
{
	my ($text) = @_;
	my ($year, $month, $day, $hour, $minute, $second, $part) = $text =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(?:\.(\d+))?\+00:00$/ or die $text;
	require Time::Local;
	return Time::Local::timegm($second, $minute, $hour, $day, $month - 1, $year) * 1_000_000 + substr(($part // '') . '000000', 0, 6);
}

# ---- the oracle -----------------------------------------------------------------------------------------------------

# What is said by rules, contacts and blocks: rule{user}, channel_rule{user}{channel} as [audience, detail]; contact{user}{viewer}
# with its own detail or ''; block{user}{viewer}.
my $said = { rule => {}, channel_rule => {}, contact => {}, block => {} };

# The table of who sees how much of whom. shares: whether the two are in a channel together.
sub allowed
{
	my ($viewer, $user, $channel, $shares) = @_;
	return 'full' if $viewer eq $user;
	return 'nothing' if $said->{block}{$user}{$viewer};
	my $contact = $said->{contact}{$user}{$viewer};
	return $contact if $contact;
	my $rule = ($channel && $said->{channel_rule}{$user}{$channel}) || $said->{rule}{$user} || [ 'everyone', 'full' ];
	my %is_in = (everyone => 1, channel => $shares, contacts => defined $contact, nobody => 0);
	return $is_in{ $rule->[0] } ? $rule->[1] : 'nothing';
}

# Anybody may listen: what the one is told who sees least.
sub allowed_to_public
{
	my ($user, $channel) = @_;
	return (sort { $rank{$a} <=> $rank{$b} } map { allowed($_, $user, $channel, 0) } 'nobody knows', grep { $_ ne $user } @viewers)[0];
}

sub share
{
	my ($truth, $viewer, $user) = @_;
	return scalar grep { $truth->{members}{$_}{$viewer} && $truth->{members}{$_}{$user} } @channels;
}

# How a row looks to whoever sees so much of it.
sub shown_as
{
	my ($row, $detail) = @_;
	my %shown = %$row;
	# Never anything, or nothing of what is shown.
	return { %shown, interactions_per_minute => 0 } if !defined $row->{last_seen} && $row->{status} eq 'offline' && !defined $row->{status_message} && !$row->{user_data};
	return { %shown, status => 'offline', map({ $_ => undef } qw(status_message current_page user_data)), map { $_ => 0 } qw(session_count activity_count interactions_per_minute) }
	  if $detail eq 'last_seen' && !defined $row->{last_seen};
	@shown{qw(current_page interactions_per_minute)} = (undef, 0) if $row->{status} eq 'offline';
	return \%shown if $detail eq 'full';
	$shown{user_data} &&= { map { $_ => $shown{user_data}{$_} } grep { exists $shown{user_data}{$_} } qw(name avatar) };
	@shown{qw(status_message last_seen current_page session_count activity_count interactions_per_minute)} = ();
	@shown{qw(status user_data)} = ('offline', undef) if $detail eq 'last_seen';
	return \%shown;
}

# The same of somebody who logged out at that moment, which is an activity: some time after it was asked. That it stays the
# same to the microsecond is in visibility_restart.pl.
sub gone
{
	my ($row, $detail) = @_;
	my %shown = (%{ shown_as({ %$row, status => 'offline', session_count => 0 }, $detail) }, seen => $row->{last_seen});
	$shown{at} = $row->{asked_at} if $row->{status} ne 'offline';
	delete $shown{asked_at};
	return \%shown;
}

sub unknown
{
	my ($user) = @_;
	return { user_id => $user, status => 'offline', seen => undef, session_count => 0, activity_count => 0, interactions_per_minute => 0,
		map { $_ => undef } qw(status_message last_seen current_page user_data last_seen_bucket) };
}

# ---- what those see from whom somebody hides ----------------------------------------------------------------------------

my %frozen;    # {viewer}{user}: the row that is shown; of whom was active between a call and its COMMIT, either moment's
my %through_channel;    # {viewer}{user}: it was seen through a channel alone since
my %ever;    # {user}: all rows that were ever shown so
my %until;    # messages that end: when
for my $viewer (@viewers)
{
	$frozen{$viewer}{$_} = [ unknown($_) ] for @known;
}
$ever{$_} = [ unknown($_) ] for @known;

# Somebody says who sees it: $change alters $said. $row is what the user was like. In a transaction it may just have joined.
sub say_who_sees
{
	my ($user, $row, $truth, $in_transaction, $change, $hidings) = @_;
	my $by_channel = sub { return ($said->{rule}{$user} // ['everyone'])->[0] eq 'channel' };
	my $may_have_joined = $in_transaction && $by_channel->();
	my %before = map { $_ => [ allowed($_, $user, undef, 0), allowed($_, $user, undef, share($truth, $_, $user)) ] } @viewers;
	$change->();
	$may_have_joined ||= $in_transaction && $by_channel->();
	push @{ $ever{$user} }, map { gone($row, $_) } qw(last_seen status full);
	for my $viewer (grep { $_ ne $user } @viewers)
	{
		my ($saw, $saw_in_channel) = @{ $before{$viewer} };
		my ($sees, $sees_in_channel) = (allowed($viewer, $user, undef, 0), allowed($viewer, $user, undef, share($truth, $viewer, $user)));
		$through_channel{$viewer}{$user} = 1 if $saw ne $saw_in_channel || $sees ne $sees_in_channel;
		next if $saw eq 'nothing' || $sees ne 'nothing';
		push @$hidings, [ $viewer, $user, $row, $saw ];
		$through_channel{$viewer}{$user} = 0 if $sees_in_channel eq 'nothing';
	}
	continue
	{
		$through_channel{$viewer}{$user} = 1 if $may_have_joined;
	}
	return;
}

# What came of them is known at COMMIT: the last activity counts that others saw by then.
sub hide
{
	my ($truth, $in_transaction, @hidings) = @_;
	for (@hidings)
	{
		my ($viewer, $user, $row, $saw) = @$_;
		my $now = $truth->{people}{$user};
		my @candidates = ($row, { %$row, map { $_ => $now->{$_} } qw(last_seen activity_count status) });
		$frozen{$viewer}{$user} = [ map { gone($_, $saw) } @candidates, $in_transaction ? { %{ $candidates[1] }, status => 'offline' } : () ];
		push @{ $ever{$user} }, @{ $frozen{$viewer}{$user} };
	}
	return;
}

sub bucket
{
	my ($seen, $now) = @_;
	return undef unless defined $seen;
	my $days = (micros($now) - micros($seen)) / 86400e6;
	return $days < 3 ? 'recently' : $days < 7 ? 'within_week' : $days < 30 ? 'within_month' : 'long_ago';
}

# Whether a row is one of those that may be shown.
sub is_frozen
{
	my ($row, $now, $candidates) = @_;
	for my $candidate (@$candidates)
	{
		my %wanted = (%$candidate, last_seen_bucket => bucket($candidate->{at} // $candidate->{seen}, $now));
		my $at = delete $wanted{at};
		$wanted{last_seen} = $row->{last_seen} if $at && $row->{last_seen} && abs(micros($row->{last_seen}) - micros($at) - 2.5e6) <= 2.5e6;
		delete $wanted{seen};
		my $message = $wanted{status_message};
		$wanted{status_message} = $row->{status_message} if defined $message && $until{$message} && !defined $row->{status_message};
		next if $json->encode(\%wanted) ne $json->encode($row);
		return 1;
	}
	return;
}

# ---- comparing --------------------------------------------------------------------------------------------------------

sub same
{
	my ($complaints, $what, $got, $wanted) = @_;
	my ($g, $w) = map { $json->encode($_) } $got, $wanted;
	push @$complaints, "$what\n  is     $g\n  wanted $w" if $g ne $w;
	return;
}

# What one viewer must be told of everybody, but for those of whom it sees nothing.
sub compare_viewer
{
	my ($viewer, $seen, $truth, $complaints) = @_;
	my %level;
	same($complaints, "$viewer: odd", $seen->{odd}, []);
	for my $user (@known)
	{
		my $shares = share($truth, $viewer, $user);
		my $row = $seen->{people}{$user};
		$level{$user} = allowed($viewer, $user, undef, $shares);
		$through_channel{$viewer}{$user} = 1 if $level{$user} ne allowed($viewer, $user, undef, 0);
		for my $channel ('', @channels)
		{
			same($complaints, "$viewer: presence_can_see $user $channel", $seen->{can_see}{$user}{$channel}, allowed($viewer, $user, $channel, $shares));
		}
		if ($level{$user} ne 'nothing')
		{
			my $wanted = shown_as($truth->{people}{$user}, $level{$user});
			$wanted = $truth->{people}{$user} if $viewer eq $user;
			same($complaints, "$viewer: presence_get $user as $level{$user}", $row, $wanted);
			next;
		}
		my $candidates = $through_channel{$viewer}{$user} ? $ever{$user} : $frozen{$viewer}{$user};
		push @$complaints, "$viewer: $user is hidden\n  is     " . $json->encode($row) . "\n  may be " . $json->encode($candidates) unless is_frozen($row, $truth->{now}, $candidates);
	}
	my $truly = sub { $truth->{people}{ $_[0] } };
	my @present = sort {
		my @full = map { $level{$_} eq 'full' } $a, $b;
		$order{ $truly->($a)->{status} } <=> $order{ $truly->($b)->{status} } || $full[1] <=> $full[0]
		  || ($full[0] ? micros($truly->($b)->{last_seen}) <=> micros($truly->($a)->{last_seen}) : 0) || $a cmp $b
	} grep { $rank{ $level{$_} } >= 2 && $truly->($_)->{status} ne 'offline' } @known;
	for my $i (0 .. $#lists)
	{
		my $list = $lists[$i];
		my @listed = grep {
			my $row = $truly->($_);
			(grep { $_ eq $row->{status} } @{ $list->{statuses} }) && (!$list->{within} || ($level{$_} eq 'full' && micros($row->{last_seen}) >= micros($truth->{now}) - 104e6))
		} @present;
		splice @listed, $list->{max} if @listed > $list->{max};
		same($complaints, "$viewer: presence_online_users " . $json->encode($list), $seen->{lists}[$i], \@listed);
	}
	my %counts = (total => 0 + @present, map { my $status = $_; $status => 0 + grep { $truly->($_)->{status} eq $status } @present } qw(online busy away));
	same($complaints, "$viewer: presence_counts", $seen->{counts}, \%counts);
	same($complaints, "$viewer: presence_member_count global_presence", $seen->{present}, 0 + @present);
	for my $channel (@channels)
	{
		my $level = sub { allowed($viewer, $_[0], $channel, share($truth, $viewer, $_[0])) };
		my @members = grep { $rank{ $level->($_) } >= 2 } @{ $truth->{order}{$channel} };
		@members = ((grep { $level->($_) eq 'full' } @members), (sort grep { $level->($_) ne 'full' } @members));
		my @rows = map {
			my %row = %{ $truth->{members}{$channel}{$_} };
			if ($level->($_) ne 'full')
			{
				@row{qw(last_active cursor_position selection_range state)} = ();
				$row{user_data} &&= { map { $_ => $row{user_data}{$_} } grep { exists $row{user_data}{$_} } qw(name avatar) };
			}
			\%row
		} @members;
		my @typing = map { $truth->{typing}{$channel}{$_} } grep { $rank{ $level->($_) } >= 2 } sort keys %{ $truth->{typing}{$channel} };
		my @recent = grep { $level->($_) eq 'full' && micros($truth->{members}{$channel}{$_}{last_active}) >= micros($truth->{now}) - 104e6 } @members;
		same($complaints, "$viewer: presence_members $channel", $seen->{members}{$channel}, \@rows);
		same($complaints, "$viewer: presence_members $channel active_within", $seen->{recent}{$channel}, \@recent);
		same($complaints, "$viewer: presence_members $channel in pages of $_", $seen->{pages}{"$channel $_"}, \@members) for 1, 2;
		same($complaints, "$viewer: presence_member_count $channel", $seen->{member_counts}{$channel}, 0 + @members);
		same($complaints, "$viewer: presence_typing_users $channel", $seen->{typing}{$channel}, \@typing);
	}
	return;
}

# Time goes on while all is read: what is not the same before and after is read again, and so is what looks wrong, once.
sub compare_reads
{
	my ($in_transaction, @hidings) = @_;
	my (@complaints, $look);
	for my $try (1 .. 3)
	{
		$look = look();
		@complaints = ();
		hide($look->{after}, $in_transaction, @hidings) if $try == 1;
		compare_viewer($_, $look->{seen}{$_}, $look->{after}, \@complaints) for @viewers;
		last unless @complaints;
	}
	return ($look->{after}, @complaints);
}

# ---- what is heard ------------------------------------------------------------------------------------------------------

my $listener = Speaker->new('postgres');
$listener->query(join '; ', map { "LISTEN $_" } 'global_presence', @channels, '"all"');
my (%believed, %last_seq);

# What a listener of a channel makes of an event.
sub believe
{
	my ($heard_on, $event) = @_;
	my ($kind, $channel, $user) = @$event{qw(event channel user_id)};
	my $of = $believed{$heard_on}{$channel}{$user} //= { status => 'offline' };
	$of->{status} = $event->{status} if exists $event->{status};
	$of->{there} = $kind eq 'user_joined' if $kind =~ /^user_(joined|left)$/;
	$of->{typing} = $kind eq 'typing_start' if $kind =~ /^typing_/;
	return;
}

# What an event may not say of somebody whom everybody saw so far as $was and sees as $is; $new: what the user is like then.
sub too_much
{
	my ($event, $was, $is, $before, $new) = @_;
	my ($kind, $channel, $user) = @$event{qw(event channel user_id)};
	my $hides = $is < 2;
	my $detail = $hides ? $was : $is;
	my @knowable = $hides ? $before : ($before, $new);
	my @messages = map { $_->{people}{$user}{status_message} // () } @knowable;
	my @data = map { ($_->{people}{$user}{user_data}, ($_->{members}{$channel} // {})->{$user} && $_->{members}{$channel}{$user}{user_data}) } @knowable;
	my ($message, $data) = @$event{qw(status_message user)};
	return 'nobody may know' if $detail < 2;
	return 'for the private channel alone' if exists $event->{audience} || exists $event->{detail};
	return 'a cursor or a state' if $kind =~ /^(cursor_moved|state_changed)$/ && ($hides || $detail < 3);
	return 'not a going' if $hides && ($kind !~ /^(user_left|typing_stop|user_status_changed)$/ || ($kind eq 'user_status_changed' && $event->{status} ne 'offline'));
	return 'a message' if defined $message && ($detail < 3 || !grep { $_ eq $message } @messages);
	return 'user_data' if $data && $detail < 3 && grep { !/^(id|name|avatar)$/ } keys %$data;
	return 'other user_data' if $data && $data->{secret} && !grep { ($_->{secret} // '') eq $data->{secret} } grep { $_ } @data;
	return;
}

# What everybody may see of somebody, on each public channel; private: what is said of that on the private one.
sub now_allowed
{
	my ($user) = @_;
	my %allowed = (global_presence => allowed_to_public($user), map { $_ => allowed_to_public($user, $_) } @channels);
	my %private = map { $_ => (($said->{channel_rule}{$user}{$_} || $said->{rule}{$user} || ['everyone'])->[0] . " $allowed{$_}") } keys %allowed;
	return { %allowed, private => \%private };
}

# What was told since the last time.
sub hear
{
	my ($truth, $before, $was_allowed, $in_transaction) = @_;
	my @complaints;
	for my $line (split /\n/, $listener->query('SELECT 1'))
	{
		my ($heard_on, $payload) = $line =~ /^Asynchronous notification "(.*)" with payload "(.*)" received from/ or next;
		my $event = $json->decode($payload);
		push @complaints, "$heard_on: a gap before " . $json->encode($event) if defined $last_seq{$heard_on} && $last_seq{$heard_on} != $event->{prev};
		$last_seq{$heard_on} = $event->{seq};
		believe($heard_on, $event);
		my ($user, $channel) = @$event{qw(user_id channel)};
		my ($was, $is) = ($was_allowed->{$user}{$channel}, now_allowed($user)->{$channel});
		# A touch in a transaction is told before its COMMIT.
		my @may_be = $in_transaction ? ([ $was, $is, $truth ], [ $was, $was, $before ]) : [ $was, $is, $truth ];
		if ($heard_on eq 'all')
		{
			next if grep { "$_->{$channel}" eq "$event->{audience} $event->{detail}" } $in_transaction ? $was_allowed->{$user}{private} : (), now_allowed($user)->{private};
			push @complaints, 'private: audience and detail of ' . $json->encode($event);
			next;
		}
		my @too_much = map { too_much($event, $rank{ $_->[0] }, $rank{ $_->[1] }, $before, $_->[2]) // () } @may_be;
		push @complaints, "$too_much[0]: " . $json->encode($event) . " was $was, is $is" if @too_much == @may_be;
	}
	return @complaints;
}

# What listeners believe now.
sub compare_beliefs
{
	my ($truth) = @_;
	my @complaints;
	for my $user (@users)
	{
		my $status = $truth->{people}{$user}{status};
		same(\@complaints, "private: status of $user", ($believed{all}{global_presence}{$user} // {})->{status} // 'offline', $status);
		my $public = $rank{ allowed_to_public($user) } >= 2 ? $status : 'offline';
		my $of = $believed{global_presence}{global_presence}{$user} // {};
		same(\@complaints, "public: status of $user", [ $of->{status} // 'offline', $of->{there} ? 1 : 0 ], [ $public, $public eq 'offline' ? 0 : 1 ]);
		for my $channel (@channels)
		{
			my ($is_there, $types) = map { $truth->{$_}{$channel}{$user} ? 1 : 0 } qw(members typing);
			my $sees = $rank{ allowed_to_public($user, $channel) } >= 2 ? 1 : 0;
			my ($all, $public) = map { $_->{$channel}{$user} // {} } $believed{all}, $believed{$channel};
			same(\@complaints, "private: $user in $channel", [ $all->{there} ? 1 : 0, $all->{typing} ? 1 : 0, $is_there && $all->{status} ], [ $is_there, $types, $is_there && $status ]);
			same(\@complaints, "public: $user in $channel", [ $public->{there} ? 1 : 0, $public->{typing} ? 1 : 0, $is_there && $sees && $public->{status} ],
				[ $is_there && $sees, $types && $sees, $is_there && $sees && $status ]);
		}
	}
	return @complaints;
}

# Time goes on from when the truth was read until all was heard: what looks wrong is looked at again.
sub compare_events
{
	my ($truth, @then) = @_;
	my @complaints = hear($truth, @then);
	my @odd = compare_beliefs($truth);
	for (1 .. 2)
	{
		last unless @odd;
		note "again: @odd";
		$caller->query("SELECT presence_test_advance('0')");
		$truth = truth();
		push @complaints, hear($truth, @then);
		@odd = compare_beliefs($truth);
	}
	return (@complaints, @odd);
}

# ---- the script -------------------------------------------------------------------------------------------------------

my $serial = 0;
my %is_ended;

sub one_of { return $_[ rand @_ ] }
sub text { return "secret-" . ++$serial }
sub quoted { return join ', ', map { defined $_ ? "'$_'" : 'NULL' } @_ }

# An act of somebody: its SQL, and when it says who sees it: who, and what that alters.
sub act_of
{
	my ($user, $truth) = @_;
	my ($channel, $other) = (one_of(@channels), one_of(grep { $_ ne $user } @viewers));
	my $session = "$user-" . int rand 2;
	my @is_in = grep { $truth->{members}{$_}{$user} } @channels;
	my @acts = (
		sub { return sprintf q{presence_connect('%s', '%s', '{"name": "N", "secret": "%s"}')}, $user, $session, text() },
		(sub { return sprintf q{presence_touch('%s', page_url => '%s')}, $user, text() }) x 4,
		sub { return "presence_heartbeat('$session')" },
		sub { return "presence_disconnect('$session')" },
		sub { return "presence_logout('$user')" },
		(sub { return sprintf 'presence_set_status(%s)', quoted($user, one_of(qw(online away busy)), one_of(text(), undef, '')) }) x 2,
		sub { return sprintf 'presence_set_message(%s)', quoted($user, text()) },
		sub { my $message = text(); $until{$message} = 1; return sprintf q{presence_set_message('%s', '%s', (SELECT server_time FROM presence_info()) + interval '202 s')}, $user, $message },
		sub { return "presence_clear_status('$user')" },
		(sub { return sprintf q{presence_join('%s', '%s'%s)}, $user, $channel, one_of('', sprintf ', \'{"name": "M", "secret": "%s"}\'', text()) }) x 4,
		sub { return "presence_leave('$user', '$channel')" },
		(sub { return sprintf q{presence_typing('%s', '%s', %s)}, $user, $channel, one_of('true', 'true', 'false') }) x 2,
		(sub {
			$channel = one_of(@is_in) or return "presence_touch('$user')";
			return sprintf q{presence_set_state('%s', '%s', '"%s"')}, $user, $channel, text() unless $channel =~ /^document_(.*)/ && rand() < 0.7;
			return sprintf q{presence_move_cursor('%s', '%s', '"%s"')}, $user, $1, text();
		}) x 2,
		(sub {
			my ($audience, $detail) = (one_of(qw(everyone everyone channel contacts nobody)), one_of(qw(full full status last_seen)));
			return ("presence_set_visibility('$user', '$audience', '$detail')", $user, sub { $said->{rule}{$user} = [ $audience, $detail ] });
		}) x 4,
		sub { return ("presence_set_visibility('$user', NULL)", $user, sub { delete $said->{rule}{$user} }) },
		(sub {
			my ($audience, $detail) = (one_of(undef, qw(everyone channel contacts nobody)), one_of(qw(full status last_seen)));
			return (sprintf('presence_set_visibility(%s)', quoted($user, $audience, $detail, $channel)), $user,
				sub { $audience ? ($said->{channel_rule}{$user}{$channel} = [ $audience, $detail ]) : delete $said->{channel_rule}{$user}{$channel} });
		}) x 2,
		(sub {
			my $detail = one_of(undef, undef, qw(full status last_seen));
			return (sprintf('presence_add_contact(%s)', quoted($user, $other, $detail)), $user, sub { $said->{contact}{$user}{$other} = $detail // '' });
		}) x 3,
		sub { return ("presence_remove_contact('$user', '$other')", $user, sub { delete $said->{contact}{$user}{$other} }) },
		sub {
			my %of = map { $_ => 1 } grep { $_ ne $user && rand() < 0.4 } @viewers;
			return (sprintf(q{presence_set_contacts('%s', '{%s}')}, $user, join ',', keys %of), $user,
				sub { $said->{contact}{$user} = { map { $_ => $said->{contact}{$user}{$_} // '' } keys %of } });
		},
		sub { return ("presence_block('$user', '$other')", $user, sub { $said->{block}{$user}{$other} = 1 }) },
		(sub {
			my @blocked = sort keys %{ $said->{block}{$user} // {} };
			$other = one_of(@blocked) if @blocked;
			return ("presence_unblock('$user', '$other')", $user, sub { delete $said->{block}{$user}{$other} });
		}) x 2);
	return one_of(@acts)->();
}

# One act, or some in a transaction that may come to nothing, whole or from a savepoint on. Returns what was done, and who hides.
sub play
{
	my ($truth) = @_;
	my $user = one_of(@users);
	my (@done, @hidings, $in_transaction);
	my $run = sub {
		my ($sql, $who, $change) = act_of($user, $truth);
		# Placing something needs a membership that an act before it may have ended.
		($sql, $who) = ("presence_touch('$user')") if @done && $sql =~ /move_cursor|set_state/;
		my $row = $who && ask("to_jsonb(presence_get('$user')) || jsonb_build_object('asked_at', (SELECT server_time FROM presence_info()))");
		$caller->query("SELECT $sql");
		push @done, $sql;
		say_who_sees($who, $row, $truth, $in_transaction, $change, \@hidings) if $who;
	};
	if (rand() < 0.75)
	{
		$run->();
		return (\@done, @hidings);
	}
	my ($comes_to, @kept) = one_of(qw(COMMIT COMMIT ROLLBACK SAVEPOINT));
	my $keep = sub { @kept = (Storable::dclone($said), Storable::dclone(\%through_channel), scalar @hidings) };
	my $restore = sub { my ($old, $through, $count) = @kept; $said = $old; %through_channel = %$through; splice @hidings, $count };
	$in_transaction = 1;
	$caller->query('BEGIN');
	$keep->();
	$run->() for 0 .. rand 3;
	if ($comes_to eq 'SAVEPOINT')
	{
		$caller->query('SAVEPOINT one');
		$keep->();
		push @done, 'SAVEPOINT';
		$run->() for 0 .. rand 2;
		$caller->query('ROLLBACK TO one');
		$restore->();
		push @done, 'ROLLBACK TO';
		$comes_to = 'COMMIT';
	}
	elsif ($comes_to eq 'ROLLBACK')
	{
		$restore->();
	}
	# Nobody else sees any of it before.
	$caller->query($comes_to);
	return ([ @done, $comes_to ], @hidings);
}

my ($before, @complaints) = compare_reads(0);
my $began = Time::HiRes::time();
is_deeply(\@complaints, [], 'at the beginning nobody is anything');
my @story;
my $step = 0;
while ($step++ < $steps && !@complaints)
{
	my %was_allowed = map { $_ => now_allowed($_) } @users;
	my ($done, @hidings) = play($before);
	my $by = one_of(0, 0, 0, 1, 1, 2, 5, 18, 35, 100, $step % 50 == 0 ? 4 * 86400 : 350);
	push @story, "$step: " . join('; ', @$done) . "; $by s";
	# Who listens hears of it before the clock moves.
	$caller->query("SELECT presence_test_advance('0')");
	my ($between, @odd) = compare_reads(@$done > 1, @hidings);
	push @complaints, @odd, compare_events($between, $before, \%was_allowed, @$done > 1);
	next if @complaints || !$by;
	my %is_allowed = map { $_ => now_allowed($_) } @users;
	$caller->query("SELECT presence_test_advance('$by s')");
	($before, @odd) = compare_reads(0);
	push @complaints, @odd, compare_events($before, $between, \%is_allowed);
}
continue
{
	$before = truth() unless @complaints;
}
is_deeply(\@complaints, [], "$steps steps: all read what they may, and hear no more")
  or diag("LEAKS_SEED=$seed LEAKS_STEPS=$steps\n" . join("\n", @story[ ($#story > 15 ? $#story - 15 : 0) .. $#story ]) . "\n" . join("\n", @complaints));
note sprintf '%.1f s', Time::HiRes::time() - $began;

# ---- in one transaction -------------------------------------------------------------------------------------------------

# given somebody who changes things and hides in one transaction, in either order, then its going is told as it was before
sub heard { my ($sql) = @_; $caller->query("$sql; SELECT presence_test_advance('0')"); return $listener->query('SELECT 1'); }
my @changes = (q{SELECT presence_connect('swift', 'swift 1', '{"name": "new", "secret": "new"}')}, q{SELECT presence_set_message('swift', 'new')}, q{SELECT presence_set_status('swift', 'busy', 'new')},
	q{SELECT presence_join('swift', 'hall', '{"name": "new", "secret": "new"}')}, q{SELECT presence_join('swift', 'room', '{"name": "new", "secret": "new"}')}, q{SELECT presence_set_state('swift', 'hall', '"new"')},
	q{SELECT presence_typing('swift', 'hall', user_name => 'new')});
my $hide = q{SELECT presence_set_visibility('swift', 'nobody')};
for my $change (@changes)
{
	for my $both ("$change; $hide", "$hide; $change", "$hide; $change; SELECT presence_logout('swift')")
	{
		heard(q{SELECT presence_forget('swift')});
		heard(q{SELECT presence_connect('swift', 'swift 1', '{"name": "old"}'), presence_join('swift', 'hall', '{"name": "old"}'), presence_set_message('swift', 'old')});
		# What is immediate is told at once, before anybody hides.
		my @told = grep { /^Asynchronous notification "(?!all")/ && ($both !~ /set_state|typing/ || /user_left/) } split /\n/, heard("BEGIN; $both; COMMIT");
		my @new = grep { /\bnew\b/ } @told;
		is_deeply([ scalar(grep { /user_left/ } @told), @new ], [2], "hidden in one transaction: $both");
		is_deeply([ grep { /^Asynchronous notification "(?!all")/ } split /\n/, heard($change) ], [], 'and then nothing') unless $both =~ /logout/;
	}
}
$_->quit for $caller, $listener;

# ---- twins ------------------------------------------------------------------------------------------------------------

# The same is done in two databases, but for one user: in one it hides, in the other it logs out, and from then on it does much
# and nothing. Nobody whom it hides from can tell them apart, nor can who listens.
my %twin = map { $_ => { caller => Speaker->new($_), listener => Speaker->new($_) } } qw(hides leaves);
my @moments;
my ($hidden, @others) = @users;
$_->{listener}->query(join '; ', map { "LISTEN $_" } 'global_presence', @channels) for values %twin;

# Whoever listens hears of each step by itself.
sub both { my ($sql) = @_; $twin{$_}{caller}->query("$sql; SELECT presence_test_advance('0')") for qw(hides leaves); return; }

# Time goes on in both at once; moments, some of which have milliseconds only, are told apart by the steps between which they
# are, and no deadline is near a step.
sub go_on
{
	my ($by) = @_;
	push @moments, $twin{hides}{caller}->query("SELECT presence_test_advance('$by s')") =~ s/^(\S+) (\S+)\+00\n$/${1}T$2+00:00/r;
	return;
}

sub without_moments
{
	my ($text) = @_;
	return $text =~ s{"(\d{4}-\d\d-\d\dT[\d:.]+)(?:\+00:00|Z)"}{ my $at = micros("$1+00:00"); '"step ' . (grep { micros($_) - 1000 <= $at } @moments) . '"' }ger;
}

sub all_seen
{
	my ($database, @by) = @_;
	my ($by, $lists) = (join(',', @by), $json->encode(\@lists));
	# What it may see is said otherwise, for those whom it may ask.
	my $seen = $twin{$database}{caller}->query("SELECT jsonb_pretty(jsonb_object_agg(v, leaks.seen(v, $arrays, '$lists') - 'can_see')) FROM unnest('{$by}'::text[]) AS v");
	return without_moments($seen);
}

sub all_heard
{
	my ($database) = @_;
	my %heard;
	for my $line (split /\n/, $twin{$database}{listener}->query('SELECT 1'))
	{
		my ($channel, $payload) = $line =~ /^Asynchronous notification "(.*)" with payload "(.*)" received from/ or next;
		my $event = $json->decode(without_moments($payload));
		delete @$event{qw(epoch seq prev)};
		# Who of several comes first is not promised.
		push @{ $heard{"$channel $event->{user_id}"} }, $event;
	}
	return $json->pretty->encode(\%heard);
}

# What the hidden one does that the other does not; nothing of it shows.
sub hidden_act
{
	my ($truth) = @_;
	for (1 .. 100)
	{
		my ($sql, $who) = act_of($hidden, $truth);
		return $sql if !$who;
	}
	return "presence_touch('$hidden')";
}

# hide: what is said in the one database. by: who does not see the user from then on; public: nor does who listens.
sub twins
{
	my ($name, %is) = @_;
	my @story;
	my $do = sub { my ($sql) = @_; both("SELECT $sql"); push @story, $sql; };
	$do->('presence_reset()');
	go_on(700);
	@moments = ($moments[-1]);
	all_heard($_) for qw(hides leaves);
	my $none = { members => {} };
	$do->("presence_connect('$_', '$_-0', '{\"name\": \"N\", \"secret\": \"$_\"}', lease => '3604 s'), presence_heartbeat('$_-0')") for @users;
	$do->("presence_join('$_', 'room')") for @users;
	$do->($_) for @{ $is{before} };
	for (1 .. 8)
	{
		my ($sql, $who) = act_of(one_of(@users), $none);
		next if $who;
		$do->($sql);
		go_on(7);
	}
	# Who is offline has nothing to hide.
	$do->("presence_connect('$hidden', '$hidden-0', lease => '3604 s'), presence_heartbeat('$hidden-0')");
	$do->("presence_touch('$hidden')");
	go_on(7);
	my @difference;
	my $compare = sub {
		my ($seen, $heard) = map { my $database = $_; [ all_seen($database, @{ $is{by} }), $is{public} ? all_heard($database) : '' ] } qw(hides leaves);
		for my $i (0, 1)
		{
			my @lines = map { [ split /\n/, $_->[$i] ] } $seen, $heard;
			my ($at) = grep { ($lines[0][$_] // '') ne ($lines[1][$_] // '') } 0 .. ($#{ $lines[0] } > $#{ $lines[1] } ? $#{ $lines[0] } : $#{ $lines[1] });
			push @difference, map { "hides:\n$_->[0]\nleaves:\n$_->[1]" } [ map { join "\n", grep { defined } @$_[ ($at > 12 ? $at - 12 : 0) .. $at + 3 ] } @lines ] if defined $at;
		}
	};
	$compare->();
	$twin{hides}{caller}->query("SELECT $is{hide}");
	$twin{leaves}{caller}->query("SELECT presence_logout('$hidden')");
	push @story, $is{hide};
	go_on(0);
	$compare->();
	for my $step (1 .. $is{steps} // 25)
	{
		last if @difference;
		if (rand() < 0.6)
		{
			my $sql = hidden_act(truth_of('hides'));
			$twin{hides}{caller}->query("SELECT $sql");
			push @story, "hidden: $sql";
		}
		else
		{
			my ($sql, $who) = act_of(one_of(@others), $none);
			$do->($sql);
		}
		go_on(one_of(7, 7, 14, 35, 105, 350, $step == 20 ? 7 * 50000 : 7));
		$compare->();
	}
	is(join("\n", @difference), '', "$name: nobody can tell who hides from who has gone") or diag("LEAKS_SEED=$seed LEAKS_STEPS=$steps\n" . join "\n", @story);
	return;
}

sub truth_of
{
	my ($database) = @_;
	return $json->decode($twin{$database}{caller}->query("SELECT leaks.truth($arrays)"));
}

my @strangers = (@others, 'stranger');
twins('from nobody', hide => "presence_set_visibility('$hidden', 'nobody')", by => \@strangers, public => 1);
twins('with a message that ends', hide => "presence_block('$hidden', 'u3')", by => ['u3'], before => ["presence_set_message('$hidden', 'short', (SELECT server_time FROM presence_info()) + interval '153 s')"]);
twins('with a status and a message that end', hide => "presence_set_visibility('$hidden', 'contacts')", by => \@strangers, public => 1,
	before => [ "presence_set_status('$hidden', 'busy', 'long')", "presence_set_status('$hidden', 'away', 'short', expires_at => (SELECT server_time FROM presence_info()) + interval '153 s')" ]);
twins('after a status alone', hide => "presence_set_visibility('$hidden', 'nobody')", by => \@strangers, public => 1, before => ["presence_set_visibility('$hidden', 'everyone', 'status')"]);
twins('a block', hide => "presence_block('$hidden', 'u3')", by => ['u3'], public => 1);
twins('a contact no more', hide => "presence_remove_contact('$hidden', 'u3')", by => ['u3'], before => [ "presence_set_visibility('$hidden', 'contacts')", "presence_add_contact('$hidden', 'u3')" ]);
$_->quit for map { values %$_ } values %twin;
finish($node);
done_testing();
