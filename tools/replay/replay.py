#!/usr/bin/env python3
"""Computes from a log of calls what presence must be, and compares it with what a server said.

It knows the rules and nothing of the product. A user has a session in each room. A connect or a touch makes it, or brings
it back, and both are activity: it is online, idle_timeout after the last activity away, and offline_timeout after it
ends. A disconnect ends it disconnect_grace later instead, unless there is activity by then. A logout ends all sessions of
the user at once. The user is what the strongest session says, and offline without one.

The log has each call between two readings of the server's clock. A call that may have come before or after a deadline
of its user, and all that hangs on it, is left out ("too close"). Two changes of one user that are very near may be told
as one.

DIR holds tab-separated files: calls (before, after, action, user, room, answer), statuses (user, status, session_count),
sessions (user, session, status), rows (user, session; what is in the table), events (kind, user, previous, status,
reason, timestamp, seq, prev) and moment (name, value): idle_ms, offline_ms, grace_ms, and all but calls and events was
read between before and after, as were the server's own counts (counted_online, ...) and the lengths of its online list
(listed_online, ...), which need not be there. Every line that compares ends in "ok" or "DIFFERS"; one DIFFERS makes the
exit code 1.
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

Rules = collections.namedtuple("Rules", "idle offline grace")
Call = collections.namedtuple("Call", "before after action room answer")
Change = collections.namedtuple("Change", "at previous status reason")


def rows(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def calls_of_trace(path):
    """What the trace asks for, per user in order. A rename is the logout of the old name; the new one connects in every
    room where the old one has joined or spoken and not left."""
    calls, rooms_of = collections.defaultdict(list), collections.defaultdict(set)
    actions = {"join": "connect", "message": "touch", "leave": "disconnect"}
    for _second, room, event, user, new_user in rows(path)[1:]:
        if event == "rename":
            calls[user].append(("logout", ""))
            moved = rooms_of.pop(user, set()) | {room}
            calls[new_user] += [("connect", each) for each in sorted(moved)]
            rooms_of[new_user] |= moved
        else:
            calls[user].append((actions[event], room))
            (rooms_of[user].discard if event == "leave" else rooms_of[user].add)(room)
    return calls


class Session:
    """From one activity to the next. Its moments are the earliest that can be."""

    def __init__(self, rules, active, doubt):
        self.idles = active + rules.idle
        self.ends = active + rules.offline
        self.doubt = doubt  # they may be so much later
        self.parting = False  # its client has said goodbye

    def disconnect(self, at, doubt, rules):
        self.ends, self.doubt, self.parting = at + rules.grace, max(doubt, self.doubt), True

    def status(self, at):
        return "offline" if at >= self.ends else "away" if at >= self.idles else "online"

    def deadlines(self):
        yield self.idles, "idle_timeout"
        yield self.ends, "disconnect" if self.parting else "timeout"


class Person:
    """One user, from the beginning on."""

    def __init__(self, rules):
        self.rules, self.now = rules, -math.inf
        self.sessions, self.status = {}, "offline"
        self.changes = []
        self.close = False  # whether a call came too close to a deadline

    def move_to(self, moment):
        """What happens by itself up to this moment."""
        while True:
            due, reason = min(self.deadlines_after(self.now), default=(math.inf, ""))
            if due > moment:
                break
            self.now = due
            self.sessions = {room: each for room, each in self.sessions.items() if due < each.ends}
            self.look(reason)
        self.now = moment

    def call(self, call, margin):
        """Returns the answer that the caller must get, or None when that is uncertain."""
        self.move_to(call.before - margin)
        self.close |= any(self.is_near(call, margin))
        self.move_to(call.before)
        return getattr(self, call.action)(call)

    def connect(self, call):
        return self.be_active(call, "connect")

    def touch(self, call):
        return self.be_active(call, "activity")

    def disconnect(self, call):
        session = self.sessions.get(call.room)
        known = session is not None and not session.parting
        if known:
            session.disconnect(call.before, call.after - call.before, self.rules)
        return None if self.close else "t" if known else "f"

    def logout(self, _call):
        count = self.session_count()
        self.sessions.clear()
        self.look("logout")
        return None if self.close else str(count)

    def be_active(self, call, reason):
        self.sessions[call.room] = Session(self.rules, call.before, call.after - call.before)
        self.look(reason)
        return "online"

    def look(self, reason):
        said = {each.status(self.now) for each in self.sessions.values()}
        status = next((each for each in STATUSES if each in said), "offline")
        if status != self.status:
            self.changes.append(Change(self.now, self.status, status, reason))
            self.status = status

    def session_count(self):
        return sum(not each.parting for each in self.sessions.values())

    def deadlines_after(self, moment):
        return (each for session in self.sessions.values() for each in session.deadlines() if each[0] > moment)

    def is_near(self, call, margin):
        for session in self.sessions.values():
            for due, _reason in session.deadlines():
                yield due <= call.after + margin and due + session.doubt >= call.before - margin


def play(calls, until, margin, rules):
    """The user at a moment."""
    person = Person(rules)
    for call in itertools.takewhile(lambda call: call.before <= until, calls):
        person.call(call, margin)
    person.move_to(until)
    return person


def expected_events(people, cut, margin):
    """How often each change must at least and may at most have been told before the moment cut."""
    least, most = collections.Counter(), collections.Counter()
    for person in people:
        bursts = []  # changes of one user within the margin may be told as one, or not at all when they cancel
        for change in person.changes:
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
        self.rules = Rules(*(self.moment[name] / 1000 for name in ("idle_ms", "offline_ms", "grace_ms")))
        self.calls = collections.defaultdict(list)
        for before, after, action, user, room, answer in read("calls"):
            self.calls[user].append(Call(float(before), float(after), action, room, answer))
        for of_user in self.calls.values():
            of_user.sort()
        self.statuses = {user: status for user, status, _count in read("statuses")}
        self.session_counts = {user: int(count) for user, _status, count in read("statuses")}
        self.sessions = {(user, session): status for user, session, status in read("sessions")}
        self.rows = {(user, session) for user, session in read("rows")}
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
        ("joins, online after them", "connect", "online".__eq__),
        ("messages, online after them", "touch", "online".__eq__),
        ("leaves of a session that is there", "disconnect", "t".__eq__),
        ("leaves of one that is not", "disconnect", "f".__eq__),
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


def compare_events(report, log, sure, margin, event_margin):
    before = log.moment["before"]
    in_time = [event for event in log.events if float(event[5]) <= before]
    heard = {event[1]: event[3] for event in in_time if event[0] == "user_status_changed"}
    deaf = [f"{user}: replay {must}, listener {heard.get(user)}" for user, must in sorted(sure.items()) if heard.get(user, "offline") != must]
    report.none("users whose last event says otherwise", deaf)

    people = {user: play(calls, before + event_margin, margin, log.rules) for user, calls in log.calls.items()}
    clear = {user: person for user, person in people.items() if not person.close}
    least, most = expected_events(clear.values(), before, event_margin)
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
    gaps = sum(later[7] != earlier[6] for earlier, later in zip(log.events, log.events[1:]))
    report.compare("gaps in the sequence of events", 0, gaps, gaps == 0)
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
    early, late = everybody(before - margin), everybody(after + margin)
    sure = compare_users(report, log, early, late)
    close_sessions = compare_sessions(report, log, early, late, margin)
    compare_rows(report, log, everybody(before - event_margin), late, before - event_margin, margin)
    close_events = compare_events(report, log, sure, margin, event_margin)
    print(f"too close to call, within {options.margin_ms:g} ms of a deadline: {len(late) - len(sure)} users and {close_sessions} sessions at the end, "
          f"the events of {close_events} of {len(late)} users")
    return 1 if report.differs else 0


if __name__ == "__main__":
    sys.exit(main())
