#!/usr/bin/env python3
"""Computes from a log of calls what presence must be, and compares it with what a server said.

It knows the rules and nothing of the product: a touch makes a user online; idle_timeout without one makes away,
offline_timeout makes offline; a logout makes offline at once. The log has each call between two readings of the
server's clock, so whatever lies within the margin of a deadline can go either way and is left out ("too close").

DIR holds tab-separated files: calls (before, after, action, user), statuses (user, status), events (kind, user,
previous, status, reason, timestamp, seq, prev) and moment (name, value): idle_ms, offline_ms, and the statuses were
read between before and after, as were the server's own counts (counted_online, ...) and the lengths of its online list
(listed_online, ...), which need not be there. Every line that compares ends in "ok" or "DIFFERS"; one DIFFERS makes the exit code 1.
"""
import argparse
import collections
import csv
import gzip
import itertools
import os
import sys

STATUSES = ("online", "away", "busy", "offline")


def rows(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def calls_of_trace(path):
    """What the trace asks for, per user in order."""
    calls = collections.defaultdict(list)
    for _second, _room, event, user, new_user in rows(path)[1:]:
        if event in ("join", "message"):
            calls[user].append("touch")
        else:
            calls[user].append("logout")
            if event == "rename":
                calls[new_user].append("touch")
    return calls


def status_at(calls, moment, idle, offline):
    """The status of one user at a moment, all calls before it."""
    _before, after, action = calls[-1]
    silent = moment - after
    if action == "logout" or silent >= offline:
        return "offline"
    return "away" if silent >= idle else "online"


def transitions(calls, end, margin, idle, offline):
    """The changes of one user up to end, as (moment, previous, status, reason). A deadline that a call forestalled by no
    more than the margin counts as met at that moment: with the change by the call it is one burst, of which nothing is
    certain."""
    status, seen = "offline", None
    for before, after, action in itertools.chain(calls, [(end, end, None)]):
        latest = after + margin if action else before
        if status == "online" and latest >= seen + idle:
            yield min(before, seen + idle), "online", "away", "idle_timeout"
            status = "away"
        if status == "away" and latest >= seen + offline:
            yield min(before, seen + offline), "away", "offline", "timeout"
            status = "offline"
        if action == "touch":
            if status != "online":
                yield before, status, "online", "activity"
            status, seen = "online", before
        elif action == "logout":
            if status != "offline":
                yield before, status, "offline", "logout"
            status = "offline"


def expected_events(calls, cut, margin, idle, offline):
    """How often each change must at least and may at most have been told before the moment cut."""
    least, most = collections.Counter(), collections.Counter()
    for of_user in calls.values():
        changes = list(transitions(of_user, cut + margin, margin, idle, offline))
        bursts = []  # changes of one user within the margin may be told as one, or not at all when they cancel
        for change in changes:
            if bursts and change[0] - bursts[-1][-1][0] <= margin:
                bursts[-1].append(change)
            else:
                bursts.append([change])
        for burst in bursts:
            certain = len(burst) == 1 and burst[0][0] < cut - margin
            for i, j in itertools.combinations_with_replacement(range(len(burst)), 2):
                what = (burst[i][1], burst[j][2], burst[j][3])
                most[what] += what[0] != what[1]
                least[what] += certain
    return least, most


def interval(least, most):
    return f"{least}" if least == most else f"{least}..{most}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", metavar="DIR", help="the log of a run of presence-demo")
    parser.add_argument("--trace", help="check as well that the log has every call of this trace, in order")
    parser.add_argument("--margin-ms", type=float, default=20, help="around a deadline when statuses are compared (20)")
    parser.add_argument("--event-margin-ms", type=float, default=100, help="the same for events (100)")
    options = parser.parse_args()

    moment = {name: float(value) for name, value in rows(os.path.join(options.dir, "moment.tsv"))}
    idle, offline = moment["idle_ms"] / 1000, moment["offline_ms"] / 1000
    margin, event_margin = options.margin_ms / 1000, options.event_margin_ms / 1000
    calls = collections.defaultdict(list)
    for before, after, action, user in rows(os.path.join(options.dir, "calls.tsv")):
        calls[user].append((float(before), float(after), action))
    for of_user in calls.values():
        of_user.sort()
    said = {user: status for user, status in rows(os.path.join(options.dir, "statuses.tsv"))}
    events = rows(os.path.join(options.dir, "events.tsv"))
    differs = 0

    def compare(what, replay, server, same):
        nonlocal differs
        differs += not same
        print(f"{what:<40} {replay:>14} {server:>14}  {'ok' if same else 'DIFFERS'}")

    print(f"{'':<40} {'replay':>14} {'server':>14}")
    if options.trace:
        asked = calls_of_trace(options.trace)
        made = {user: [action for _, _, action in of_user] for user, of_user in calls.items()}
        compare("calls of the trace, in each user's order", sum(map(len, asked.values())), sum(map(len, made.values())), asked == made)

    # A user is decided when both ends of the reading, widened by the margin, give the same status.
    must, close = {}, set()
    for user, of_user in calls.items():
        early = status_at(of_user, moment["before"] - margin, idle, offline)
        late = status_at(of_user, moment["after"] + margin, idle, offline)
        must[user] = late
        if early != late:
            close.add(user)
    sure = must.keys() - close
    wrong = sorted(user for user in sure if said.get(user) != must[user])
    for status in STATUSES:
        replay = sum(must[user] == status for user in sure)
        server = sum(said.get(user) == status for user in sure)
        compare(f"users {status} at the end", replay, server, replay == server)
    for which, said_by in (("counted", "presence_counts"), ("listed", "the online list")):
        for status in ("online", "away", "busy"):
            if f"{which}_{status}" in moment:
                least = sum(must[user] == status for user in sure)
                number = int(moment[f"{which}_{status}"])
                compare(f"{status} in {said_by}", interval(least, least + len(close)), number, least <= number <= least + len(close))
    compare("users whose status differs", 0, len(wrong), not wrong)
    for user in wrong[:10]:
        print(f"    {user}: replay {must[user]}, server {said.get(user)}")

    in_time = [event for event in events if float(event[5]) <= moment["before"]]
    changes = [event for event in in_time if event[0] == "user_status_changed"]
    heard = {user: status for _kind, user, _previous, status, _reason, _timestamp, _seq, _prev in changes}
    deaf = [user for user in sure if heard.get(user, "offline") != must[user]]
    compare("users whose last event says otherwise", 0, len(deaf), not deaf)
    for user in deaf[:10]:
        print(f"    {user}: replay {must[user]}, listener {heard.get(user)}")

    least, most = expected_events(calls, moment["before"], event_margin, idle, offline)
    told = collections.Counter((e[2], e[3], e[4]) for e in changes)
    for what in sorted(set(most) | set(told)):
        if most[what] or told[what]:
            bounds = interval(least[what], most[what])
            compare(f"events {what[0]} > {what[1]}, {what[2]}", bounds, told[what], least[what] <= told[what] <= most[what])
    for kind, matching in (("user_joined", sum(e[2] == "offline" for e in changes)), ("user_left", sum(e[3] == "offline" for e in changes))):
        count = sum(e[0] == kind for e in in_time)
        compare(f"events {kind}", matching, count, matching == count)
    gaps = sum(later[7] != earlier[6] for earlier, later in zip(events, events[1:]))
    compare("gaps in the sequence of events", 0, gaps, gaps == 0)
    print(f"too close to call: {len(close)} of {len(must)} users within {options.margin_ms:g} ms of a deadline")
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
