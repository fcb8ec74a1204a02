#!/usr/bin/env python3
"""Computes from a log of calls what presence must be, and compares it with what a server said.

It knows the rules and nothing of the product. A user has a session in each room. A connect, a touch, a join or typing
makes it, or brings it back, and each is activity: it is online, idle_timeout after the last activity away, and
offline_timeout after it ends. A disconnect ends it disconnect_grace later instead, unless there is activity by then. A
logout ends all sessions of the user at once. The user is what the strongest session says, and offline without one.

A session joins its room's channel, and leaves it when it is told to or ends: then its user is a member no more. Typing
ends typing_timeout after it was said last, or when it is said to have stopped, or with the membership.

The log has each call between two readings of the server's clock. A call that may have come before or after a deadline
of its user, and all that hangs on it, is left out ("too close"). Two changes of one user that are very near may be told
as one.

DIR holds tab-separated files: calls (before, after, action, user, room, answer), statuses (user, status, session_count),
sessions (user, session, status), rows (user, session; what is in the table), member_rows (user, room; the same),
channels (user, room), events (kind, user, previous, status, reason, timestamp, seq, prev, channel) and moment (name,
value): idle_ms, offline_ms, grace_ms, typing_ms, and all but calls and events was read between before and after, as were
the server's own counts (counted_online, ...) and the lengths of its online list (listed_online, ...), which need not be
there. Who is in which room was read at several moments (before, after, second of the trace): members (moment, room,
user, status) and member_counts (moment, room, count). Every line that compares ends in "ok" or "DIFFERS"; one DIFFERS
makes the exit code 1.
"""
import argparse
import collections
import csv
import gzip
import itertools
import math
import os
import sys

STATUSES = ("online", "away", "busy", "offline")
GLOBAL = "global_presence"

Rules = collections.namedtuple("Rules", "idle offline grace typing")
Call = collections.namedtuple("Call", "before after action room answer")
Change = collections.namedtuple("Change", "at previous status reason")
Moment = collections.namedtuple("Moment", "before after second")


def rows(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def calls_of_trace(path):
    """What the trace asks for, per user in order. Who joins connects, and joins the channel; who leaves leaves it, and
    disconnects. A message is typing, a touch, and the end of the typing, but for every second message of a user; whoever
    was not heard of in the room for 25 minutes, or never, joins before. A rename is the logout of the old name; the new
    one connects and joins in every room where the old one has joined or spoken and not left."""
    long_silence = 25 * 60
    calls, messages = collections.defaultdict(list), collections.Counter()
    heard_of = collections.defaultdict(dict)  # by user and room, when last

    def join(user, room, second):
        calls[user] += [("connect", room), ("join", room)]
        heard_of[user][room] = second

    for second, room, event, user, new_user in rows(path)[1:]:
        second = float(second)
        if event == "join":
            join(user, room, second)
        elif event == "message":
            if second - heard_of[user].get(room, -math.inf) >= long_silence:
                calls[user].append(("join", room))
            calls[user] += [("typing", room), ("touch", room)]
            messages[user] += 1
            if messages[user] % 2 == 1:
                calls[user].append(("stop_typing", room))
            heard_of[user][room] = second
        elif event == "leave":
            calls[user] += [("leave", room), ("disconnect", room)]
            heard_of[user].pop(room, None)
        elif event == "rename":
            calls[user].append(("logout", ""))
            moved = heard_of.pop(user, {}).keys() | {room}
            for each in sorted(moved):
                join(new_user, each, second)
    return calls


class Session:
    """From one activity to the next. Its moments are the earliest that can be."""

    def __init__(self, rules, active, doubt):
        self.idles = active + rules.idle
        self.ends = active + rules.offline
        self.doubt = doubt  # they may be so much later
        self.parting = False  # its client has said goodbye
        self.joined = False  # it is in its room's channel

    def disconnect(self, at, doubt, rules):
        self.ends, self.doubt, self.parting = at + rules.grace, max(doubt, self.doubt), True

    def status(self, at):
        return "offline" if at >= self.ends else "away" if at >= self.idles else "online"

    def deadlines(self):
        yield self.idles, "idle_timeout"
        yield self.ends, "disconnect" if self.parting else "timeout"


class Typing:
    """Somebody types in a room, certainly since then and until then; it was said last at `said`, or `doubt` later."""

    def __init__(self, since):
        self.since = self.said = since
        self.until, self.doubt = math.inf, 0

    def end(self, at, rules):
        self.until = min(at, self.said + rules.typing)


class Person:
    """One user, from the beginning on."""

    def __init__(self, rules):
        self.rules, self.now = rules, -math.inf
        self.sessions, self.status = {}, "offline"
        self.changes = []
        self.moves = collections.defaultdict(list)  # by room, changes from out to in and back
        self.typing = {}  # by room
        self.typed = []
        self.close = False  # whether a call came too close to a deadline

    def move_to(self, moment):
        """What happens by itself up to this moment."""
        while True:
            due, reason = min(self.deadlines_after(self.now), default=(math.inf, ""))
            if due > moment:
                break
            self.now = due
            for room in [room for room, each in self.sessions.items() if due >= each.ends]:
                self.end(room, reason)
            self.look(reason)
        self.now = moment

    def call(self, call, margin):
        """Returns the answer that the caller must get, or None when that is uncertain."""
        self.move_to(call.before - margin)
        self.close |= any(self.is_near(call, margin))
        self.move_to(call.before)
        return self.typing_in(call) if call.action == "typing" else getattr(self, call.action)(call)

    def connect(self, call):
        self.be_active(call, "connect")
        return "online"

    def touch(self, call):
        self.be_active(call, "activity")
        return "online"

    def join(self, call):
        session = self.be_active(call, "activity")
        if not session.joined:
            session.joined = True
            self.moves[call.room].append(Change(self.now, "out", "in", "join"))
        return call.room

    def typing_in(self, call):
        if not self.is_member(call.room):
            self.close = True  # it counts for another session then
            return ""
        self.be_active(call, "activity")
        typing = self.typing.get(call.room)
        if typing and call.before >= typing.said + self.rules.typing:
            self.end_typing(call.room)
            typing = None
        if typing is None:
            typing = self.typing[call.room] = Typing(call.after)
        typing.said, typing.doubt = call.before, call.after - call.before
        return ""

    def stop_typing(self, call):
        self.end_typing(call.room)
        return ""

    def leave(self, call):
        was_there = self.is_member(call.room)
        if was_there:
            self.sessions[call.room].joined = False
            self.moves[call.room].append(Change(self.now, "in", "out", "leave"))
            self.end_typing(call.room)
        return None if self.close else "t" if was_there else "f"

    def disconnect(self, call):
        session = self.sessions.get(call.room)
        known = session is not None and not session.parting
        if known:
            session.disconnect(call.before, call.after - call.before, self.rules)
            self.end_typing(call.room)
        return None if self.close else "t" if known else "f"

    def logout(self, _call):
        count = self.session_count()
        for room in list(self.sessions):
            self.end(room, "logout")
        self.look("logout")
        return None if self.close else str(count)

    def be_active(self, call, reason):
        before = self.sessions.get(call.room)
        session = self.sessions[call.room] = Session(self.rules, call.before, call.after - call.before)
        session.joined = before is not None and before.joined
        self.look(reason)
        return session

    def end(self, room, reason):
        if self.sessions.pop(room).joined:
            self.moves[room].append(Change(self.now, "in", "out", reason))
            self.end_typing(room)

    def end_typing(self, room):
        typing = self.typing.pop(room, None)
        if typing is not None:
            typing.end(self.now, self.rules)
            self.typed.append(typing)

    def look(self, reason):
        status = self.status_at(self.now)
        if status != self.status:
            self.changes.append(Change(self.now, self.status, status, reason))
            self.status = status

    def status_at(self, moment):
        said = {each.status(moment) for each in self.sessions.values()}
        return next((each for each in STATUSES if each in said), "offline")

    def rooms_at(self, moment):
        return {room for room, each in self.sessions.items() if each.joined and moment < each.ends}

    def is_member(self, room):
        return room in self.sessions and self.sessions[room].joined

    def session_count(self):
        return sum(not each.parting for each in self.sessions.values())

    def deadlines_after(self, moment):
        return (each for session in self.sessions.values() for each in session.deadlines() if each[0] > moment)

    def is_near(self, call, margin):
        for session in self.sessions.values():
            for due, _reason in session.deadlines():
                yield due <= call.after + margin and due + session.doubt >= call.before - margin
        typing = self.typing.get(call.room)
        if typing is not None and call.action == "typing":
            due = typing.said + self.rules.typing
            yield due <= call.after + margin and due + typing.doubt >= call.before - margin


def play(calls, until, margin, rules):
    """The user at a moment."""
    person = Person(rules)
    for call in itertools.takewhile(lambda call: call.before <= until, calls):
        person.call(call, margin)
    person.move_to(until)
    return person


def expected_events(stories, cut, margin):
    """How often each change must at least and may at most have been told before the moment cut."""
    least, most = collections.Counter(), collections.Counter()
    for story in stories:
        bursts = []  # changes of one user within the margin may be told as one, or not at all when they cancel
        for change in story:
            if bursts and change.at - bursts[-1][-1].at <= margin:
                bursts[-1].append(change)
            else:
                bursts.append([change])
        for burst in bursts:
            certain = len(burst) == 1 and burst[0].at < cut - margin
            for i, j in itertools.combinations_with_replacement(range(len(burst)), 2):
                what = (burst[i].previous, burst[j].status, burst[j].reason)
                most[what] += what[0] != what[1]
                least[what] += certain
    return least, most


def interval(least, most):
    return f"{least}" if least == most else f"{least}..{most}"


class Report:
    """The lines that compare."""

    def __init__(self):
        self.differs = 0
        print(f"{'':<44} {'replay':>14} {'server':>14}")

    def compare(self, what, replay, server, same):
        self.differs += not same
        print(f"{what:<44} {replay:>14} {server:>14}  {'ok' if same else 'DIFFERS'}")

    def none(self, what, wrong):
        self.compare(what, 0, len(wrong), not wrong)
        for line in wrong[:10]:
            print(f"    {line}")


class Log:
    """What DIR holds."""

    def __init__(self, directory):
        def read(name):
            return rows(os.path.join(directory, name + ".tsv"))

        self.moment = {name: float(value) for name, value in read("moment")}
        self.rules = Rules(*(self.moment[name] / 1000 for name in ("idle_ms", "offline_ms", "grace_ms", "typing_ms")))
        self.calls = collections.defaultdict(list)
        for before, after, action, user, room, answer in read("calls"):
            self.calls[user].append(Call(float(before), float(after), action, room, answer))
        for of_user in self.calls.values():
            of_user.sort()
        self.statuses = {user: status for user, status, _count in read("statuses")}
        self.session_counts = {user: int(count) for user, _status, count in read("statuses")}
        self.sessions = {(user, session): status for user, session, status in read("sessions")}
        self.rows = {(user, session) for user, session in read("rows")}
        self.member_rows = {(user, room) for user, room in read("member_rows")}
        self.channels = {(user, room) for user, room in read("channels")}
        self.moments = [Moment(*map(float, each)) for each in read("moments")]
        self.members = [{} for _ in self.moments]
        for moment, room, user, status in read("members"):
            self.members[int(moment)][user, room] = status
        self.member_counts = [{} for _ in self.moments]
        for moment, room, count in read("member_counts"):
            self.member_counts[int(moment)][room] = int(count)
        self.events = read("events")


def compare_calls(report, log, trace):
    asked = calls_of_trace(trace)
    made = {user: [(call.action, call.room) for call in of_user] for user, of_user in log.calls.items()}
    report.compare("calls of the trace, in each user's order", sum(map(len, asked.values())), sum(map(len, made.values())), asked == made)


def compare_answers(report, log, margin):
    answers, wrong = collections.defaultdict(list), []
    for user, calls in log.calls.items():
        person = Person(log.rules)
        for call in calls:
            answer = person.call(call, margin)
            if answer is None:
                continue
            answers[call.action].append((answer, call.answer))
            if answer != call.answer:
                wrong.append(f"{user} {call}: replay {answer}")
    for what, action, number in (
        ("connects, online after them", "connect", "online".__eq__),
        ("messages, online after them", "touch", "online".__eq__),
        ("joins of a room", "join", bool),
        ("leaves of a member", "leave", "t".__eq__),
        ("leaves of somebody who is none", "leave", "f".__eq__),
        ("disconnects of a session that is there", "disconnect", "t".__eq__),
        ("disconnects of one that is not", "disconnect", "f".__eq__),
        ("sessions ended by a rename", "logout", int),
    ):
        must, said = (sum(number(pair[which]) for pair in answers[action]) for which in (0, 1))
        report.compare(what, must, said, must == said)
    report.none("calls answered otherwise", wrong)


def compare_users(report, log, early, late):
    """A user is decided when both ends of the reading, widened by the margin, give the same status."""
    sure = {user: late[user].status for user in late if early[user].status == late[user].status}
    close = len(late) - len(sure)
    for status in STATUSES:
        replay = sum(must == status for must in sure.values())
        server = sum(log.statuses.get(user) == status for user in sure)
        report.compare(f"users {status} at the end", replay, server, replay == server)
    for which, said_by in (("counted", "presence_counts"), ("listed", "the online list")):
        for status in ("online", "away", "busy"):
            if f"{which}_{status}" in log.moment:
                least = sum(must == status for must in sure.values())
                number = int(log.moment[f"{which}_{status}"])
                report.compare(f"{status} in {said_by}", interval(least, least + close), number, least <= number <= least + close)
    wrong = [f"{user}: replay {must}, server {log.statuses.get(user)}" for user, must in sorted(sure.items()) if log.statuses.get(user) != must]
    report.none("users whose status differs", wrong)
    return sure


def live_sessions(people, at):
    return {(user, f"{user}@{room}"): session.status(at) for user, person in people.items() for room, session in person.sessions.items()}


def compare_sessions(report, log, early, late, margin):
    first = live_sessions(early, log.moment["before"] - margin)
    last = live_sessions(late, log.moment["after"] + margin)
    sure = {session: status for session, status in last.items() if first.get(session) == status}
    for status in ("online", "away", "busy"):
        replay = sum(must == status for must in sure.values())
        server = sum(log.sessions.get(session) == status for session in sure)
        report.compare(f"sessions {status} at the end", replay, server, replay == server)
    wrong = [f"{session}: replay {must}, server {log.sessions.get(session)}" for session, must in sorted(sure.items()) if log.sessions.get(session) != must]
    wrong += [f"{session}: not in the replay" for session in sorted(log.sessions.keys() - first.keys() - last.keys())]
    report.none("sessions that differ", wrong)

    bounds = {user: sorted((early[user].session_count(), late[user].session_count())) for user in late}
    least, most = (sum(of_user[end] for of_user in bounds.values()) for end in (0, 1))
    wrong = [user for user, (least_of_user, most_of_user) in bounds.items() if not least_of_user <= log.session_counts.get(user, 0) <= most_of_user]
    report.compare("session_count of everybody", interval(least, most), sum(log.session_counts.values()), least <= sum(log.session_counts.values()) <= most)
    report.none("users whose session_count differs", wrong)
    return len(first.keys() | last.keys()) - len(sure)


def compare_rows(report, log, earlier, late, since, margin):
    """The table is written behind: it may lack what has changed since a little earlier."""
    first = live_sessions(earlier, since).keys()
    last = live_sessions(late, log.moment["after"] + margin).keys()
    report.compare("rows of presence_sessions", interval(len(first & last), len(first | last)), len(log.rows), len(first & last) <= len(log.rows) <= len(first | last))
    report.none("rows that differ", sorted(map(str, (first & last) - log.rows | log.rows - (first | last))))


class Seen:
    """Who is in which room at a moment: certainly, and perhaps."""

    def __init__(self):
        self.members, self.perhaps, self.statuses = set(), set(), {}


def rooms_at_moments(log, margin):
    """Each user once from the beginning on, looked at before and after each moment."""
    seen = [Seen() for _ in log.moments]
    for user, calls in log.calls.items():
        person, place = Person(log.rules), 0
        for moment, into in zip(log.moments, seen):
            while place < len(calls) and calls[place].before <= moment.before - margin:
                person.call(calls[place], margin)
                place += 1
            doubt = max((each.doubt for each in person.sessions.values()), default=0)
            early = moment.before - margin - doubt
            perhaps, status = person.rooms_at(early), person.status_at(early)
            under_way = {call.room for call in calls[max(0, place - 3):place] if call.after >= moment.before - margin}
            while place < len(calls) and calls[place].before <= moment.after + margin:
                under_way.add(calls[place].room)
                person.call(calls[place], margin)
                place += 1
            late = moment.after + margin
            certain = set() if under_way else person.rooms_at(late)
            perhaps |= person.rooms_at(late) | under_way - {""}
            into.members |= {(user, room) for room in certain}
            into.perhaps |= {(user, room) for room in perhaps - certain}
            if not under_way and status == person.status_at(late):
                into.statuses[user] = status
    return seen


def compare_members(report, log, margin):
    wrong, others = [], []
    for moment, must, said, counts in zip(log.moments, rooms_at_moments(log, margin), log.members, log.member_counts):
        least, most = len(must.members), len(must.members) + len(must.perhaps)
        lacking, alien = must.members - said.keys(), said.keys() - must.members - must.perhaps
        clock = f"{int(moment.second) // 3600:02}:{int(moment.second) // 60 % 60:02}:{int(moment.second) % 60:02}"
        report.compare(f"members of {len(counts)} rooms at {clock}", interval(least, most), len(said), not lacking and not alien)
        wrong += [f"{clock} {each}: only in the replay" for each in sorted(lacking)] + [f"{clock} {each}: only in the server" for each in sorted(alien)]
        wrong += [f"{clock} {user} {room}: replay {must.statuses[user]}, server {status}" for (user, room), status in said.items() if must.statuses.get(user, status) != status]
        in_rooms, perhaps = collections.Counter(room for _user, room in must.members), collections.Counter(room for _user, room in must.perhaps)
        others += [f"{clock} {room}: replay {in_rooms[room]}, server {count}" for room, count in counts.items() if not in_rooms[room] <= count <= in_rooms[room] + perhaps[room]]
    report.none("members, or their statuses, that differ", wrong)
    report.none("counts of a room's members that differ", others)


def members_of(people, at):
    return {(user, room) for user, person in people.items() for room in person.rooms_at(at)}


def compare_member_rows(report, log, earlier, early, late, since, margin):
    """The table is written behind, as that of the sessions."""
    last = members_of(late, log.moment["after"] + margin)
    for what, said, first in (
        ("rows of channel_presence", log.member_rows, members_of(earlier, since)),
        ("channels in presence_channels", log.channels, members_of(early, log.moment["before"] - margin)),
    ):
        wrong = (first & last) - said | said - (first | last)
        report.compare(what, interval(len(first & last), len(first | last)), len(said), not wrong)
        report.none("of them that differ", sorted(map(str, wrong)))


def compare_room_events(report, log, clear, early, late, margin, event_margin):
    """What a listener of every room was told: who comes and goes, and who types."""
    before = log.moment["before"]
    in_rooms = [event for event in log.events if event[8] != GLOBAL]
    coming = [event for event in in_rooms if event[0] in ("user_joined", "user_left")]
    known, known_in_time, twice = set(), set(), []
    for event in coming:
        place = event[1], event[8]
        if (place in known) == (event[0] == "user_joined"):
            twice.append(f"{place}: {event[0]} again")
        for each in (known, known_in_time) if float(event[5]) <= before else (known,):
            (each.add if event[0] == "user_joined" else each.discard)(place)
    report.none("told to come or go twice", twice)
    first, last = members_of(early, before - margin), members_of(late, log.moment["after"] + margin)
    wrong = (first & last) - known_in_time | known_in_time - (first | last)
    report.compare("members as the listener knows them", interval(len(first & last), len(first | last)), len(known_in_time), not wrong)
    report.none("of them that differ", sorted(map(str, wrong)))

    least, most = expected_events((moves for person in clear.values() for moves in person.moves.values()), before, event_margin)
    told = collections.Counter(("out", "in", event[4]) if event[0] == "user_joined" else ("in", "out", event[4]) for event in coming if event[1] in clear and float(event[5]) <= before)
    for what in sorted(set(most) | set(told)):
        if most[what] or told[what]:
            name = "user_joined" if what[1] == "in" else "user_left"
            report.compare(f"events {name} in rooms, {what[2]}", interval(least[what], most[what]), told[what], least[what] <= told[what] <= most[what])

    typing = [event for event in in_rooms if event[0] in ("typing_start", "typing_stop")]
    types, twice = {}, []
    for event in typing:
        place = event[1], event[8]
        if (place in types) == (event[0] == "typing_start"):
            twice.append(f"{place}: {event[0]} again")
        types.pop(place, None)
        if event[0] == "typing_start":
            types[place] = float(event[5])
    report.none("told to type or stop twice", twice)
    report.none("told to type and never to stop", [f"{place} since {since}" for place, since in types.items() if since < before - log.rules.typing - event_margin])
    runs = []
    for person in clear.values():
        for typing_now in person.typing.values():
            typing_now.end(math.inf, log.rules)
        runs += person.typed + list(person.typing.values())
    certain = sum(min(each.until, before) - each.since > event_margin for each in runs)
    starts = sum(event[0] == "typing_start" and event[1] in clear and float(event[5]) <= before for event in typing)
    report.compare("events typing_start", interval(certain, len(runs)), starts, certain <= starts <= len(runs))


def compare_events(report, log, sure, early, late, margin, event_margin):
    before = log.moment["before"]
    in_time = [event for event in log.events if float(event[5]) <= before and event[8] == GLOBAL]
    heard = {event[1]: event[3] for event in in_time if event[0] == "user_status_changed"}
    deaf = [f"{user}: replay {must}, listener {heard.get(user)}" for user, must in sorted(sure.items()) if heard.get(user, "offline") != must]
    report.none("users whose last event says otherwise", deaf)

    people = {user: play(calls, before + event_margin, margin, log.rules) for user, calls in log.calls.items()}
    clear = {user: person for user, person in people.items() if not person.close}
    least, most = expected_events((person.changes for person in clear.values()), before, event_margin)
    changes = [event for event in in_time if event[0] == "user_status_changed" and event[1] in clear]
    told = collections.Counter((event[2], event[3], event[4]) for event in changes)
    for what in sorted(set(most) | set(told)):
        if most[what] or told[what]:
            bounds = interval(least[what], most[what])
            report.compare(f"events {what[0]} > {what[1]}, {what[2]}", bounds, told[what], least[what] <= told[what] <= most[what])
    for kind, end in (("user_joined", 0), ("user_left", 1)):
        matching = sum(count for what, count in told.items() if what[end] == "offline")
        count = sum(event[0] == kind and event[1] in clear for event in in_time)
        report.compare(f"events {kind}", matching, count, matching == count)
    compare_room_events(report, log, clear, early, late, margin, event_margin)
    last, gaps = {}, 0
    for event in log.events:
        gaps += event[8] in last and event[7] != last[event[8]]
        last[event[8]] = event[6]
    report.compare(f"gaps in the sequences of {len(last)} channels", 0, gaps, gaps == 0)
    return len(people) - len(clear)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", metavar="DIR", help="the log of a run of presence-demo")
    parser.add_argument("--trace", help="check as well that the log has every call of this trace, in order")
    parser.add_argument("--margin-ms", type=float, default=5, help="what is nearer to a deadline is left out (5)")
    parser.add_argument("--event-margin-ms", type=float, default=100, help="how late the worker may be with events and rows (100)")
    options = parser.parse_args()

    log = Log(options.dir)
    margin, event_margin = options.margin_ms / 1000, options.event_margin_ms / 1000
    before, after = log.moment["before"], log.moment["after"]

    def everybody(moment):
        return {user: play(calls, moment, margin, log.rules) for user, calls in log.calls.items()}

    report = Report()
    if options.trace:
        compare_calls(report, log, options.trace)
    compare_answers(report, log, margin)
    compare_members(report, log, margin)
    early, late = everybody(before - margin), everybody(after + margin)
    sure = compare_users(report, log, early, late)
    close_sessions = compare_sessions(report, log, early, late, margin)
    earlier = everybody(before - event_margin)
    compare_rows(report, log, earlier, late, before - event_margin, margin)
    compare_member_rows(report, log, earlier, early, late, before - event_margin, margin)
    close_events = compare_events(report, log, sure, early, late, margin, event_margin)
    print(f"too close to call, within {options.margin_ms:g} ms of a deadline: {len(late) - len(sure)} users and {close_sessions} sessions at the end, "
          f"the events of {close_events} of {len(late)} users")
    return 1 if report.differs else 0


if __name__ == "__main__":
    sys.exit(main())
