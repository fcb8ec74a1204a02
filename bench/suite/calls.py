"""What one call costs inside the server, without the round trip.

A statement calls a function for many rows. From its time that of the same statement without the call is taken, and the rest is shared
out among the calls. Where only a part is asked for, such as what a viewer adds, the other statement calls the function without that.
Beside the time is the CPU that the server's process has used: on a busy machine it is the steadier one, and it has no wait for the disk.

The server is one of its own: everybody has a session, some are in documents, some in a hall, and some hide from all but a friend. New
rows are written before anything is measured, and the next flush is far away, so that the worker writes only what changes meanwhile.
"""

import json
from dataclasses import dataclass
from statistics import median

from .postgres import touch_all
from .report import number

NAME = "calls"
ABOUT = "microseconds of one call inside the server, without the round trip"

GROUP = 1000    # members, loners, and those who hide
DOCUMENTS = 10  # that each member has joined, out of a hundred
HALL = 500      # in the hall beside the companion: no large channel yet


@dataclass(frozen=True)
class Call:
    name: str
    about: str
    statement: str       # what is counted for each row of `people`
    without: str         # the same without what is measured
    calls: int = 100_000
    parts: int = 1       # what is measured is in each call so many times
    seen: str = ""       # when everybody is seen before both, user i of so many


IN_TURN = "now() + (i - {people}) * interval '1 us'"
AT_ONCE = "now()"


def listed(viewer):
    """A list for each row, and not one for all of them."""
    return f"(SELECT count(*) FROM presence_online_users(100 + 0 * i, {viewer}))"


CALLS = [
    # First: who has typed in the hall stops some seconds later, which would be new, 100,000 times.
    Call("events", "presence_events, nothing new", "presence_events('hall', :'epoch', :seq)", "i"),
    Call("touch", "presence_touch, the id a text", "presence_touch(id)", "id"),
    Call("touch, number", "presence_touch, the id an integer", "presence_touch(number)", "number"),
    Call("touch, session", "presence_touch with session_id", "presence_touch(id, session_id => session)", "session"),
    Call("  each channel", "what a touch takes more for each channel that its session has joined",
         "presence_touch(member, session_id => member_session)", "presence_touch(loner, session_id => loner_session)", parts=DOCUMENTS),
    Call("heartbeat", "presence_heartbeat", "presence_heartbeat(session)", "session"),
    Call("cursor", "presence_move_cursor", """presence_move_cursor(member, document, '{"line": 2}')""", "document"),
    Call("typing", "presence_typing, mostly of who types already", "presence_typing(member, 'hall')", "member"),
    Call("set_status", "presence_set_status, 1,000 in a transaction, COMMIT included",
         "presence_set_status(id, 'busy', :'word')", "id", calls=1000),
    Call("join", "presence_join, 1,000 in a transaction, COMMIT included",
         "presence_join(id, :'word' || number % 100, session_id => session)", ":'word' || number % 100", calls=1000),
    Call("status", "presence_status", "presence_status(id)", "id"),
    Call("get", "presence_get", "presence_get(id)", "id"),
    Call("  a viewer", "what presence_get takes more for a viewer, who is in 10 channels", "presence_get(id, member)", "presence_get(id)"),
    Call("can_see", "presence_can_see", "presence_can_see(member, id)", "member"),
    Call("list", "presence_online_users(100)", listed("NULL"), "i", calls=200, seen=IN_TURN),
    Call("  each relation", "what a list takes more for each user who shows itself to the viewer alone", listed("'friend'"), listed("'stranger'"),
         calls=100, parts=GROUP, seen=IN_TURN),
    Call("  each companion", f"what a list takes more for each of {HALL} in the viewer's channel, when somebody hides",
         listed("'companion'"), listed("'stranger'"), calls=100, parts=HALL, seen=IN_TURN),
    Call("snapshot", "presence_snapshot of everybody, each of its 1,000 users", "presence_snapshot()", "i", calls=10, parts=1000, seen=IN_TURN),
    Call("  of a document", "presence_snapshot of a document, each of its 100 users with a cursor", "presence_snapshot('document_' || document)",
         "document", calls=100, parts=100),
    Call("list, one moment", "presence_online_users(100), all seen at the very same moment", listed("NULL"), "i", calls=10, seen=AT_ONCE),
]

PEOPLE = """
ALTER SYSTEM SET presence.flush_interval = '1h';
SELECT pg_reload_conf() \\g /dev/null
CREATE TABLE people AS
    SELECT i, 1 + i * 7919 % :people AS number, (1 + i * 7919 % :people)::text AS id, 'session-' || 1 + i * 7919 % :people AS session,
        (1 + m)::text AS member, 'session-' || 1 + m AS member_session, (1 + m + :group)::text AS loner,
        'session-' || 1 + m + :group AS loner_session, (1 + m % 100)::text AS document
    FROM generate_series(1, 100000) AS i, LATERAL (SELECT i * 7919 % :group AS m) AS one;
VACUUM ANALYZE people;
SELECT count(presence_connect(i, 'session-' || i)) FROM generate_series(1, :people) AS i \\g /dev/null
SELECT count(presence_join_document(1 + m, 1 + (m + 10 * d) % 100)) FROM generate_series(0, :group - 1) AS m, generate_series(1, :documents) AS d
    \\g /dev/null
SELECT count(presence_set_visibility(i, 'contacts')), count(presence_add_contact(i, 'friend'))
    FROM generate_series(2 * :group + 1, 3 * :group) AS i \\g /dev/null
SELECT count(presence_join(i, 'hall')) FROM generate_series(3 * :group + 1, 3 * :group + :hall) AS i \\g /dev/null
SELECT presence_join('companion', 'hall') \\g /dev/null
"""

SETTLED = "SELECT worker_alive AND complete AND fresh FROM presence_info()"

# What the first rows of a connection look up is found by the others. They are other rows than those that are timed.
BEFORE = """
SET max_parallel_workers_per_gather = 0;
SELECT epoch, seq FROM presence_info() \\gset
SELECT count({without}), count({statement}) FROM (SELECT * FROM people OFFSET 99998) AS people \\g /dev/null
"""

# A process finds its own CPU in schedstat as it was when it last slept, and before each statement it sleeps.
USED = ("SELECT extract(epoch FROM clock_timestamp()) * 1e6 AS {moment}, "
        "split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1000 AS {moment}_cpu \\gset\n")

TIMED = (USED.format(moment="begin")
         + "BEGIN;\nSELECT count({what}) FROM (SELECT * FROM people LIMIT {calls}) AS people \\g /dev/null\nCOMMIT;\n"
         + USED.format(moment="finish")
         + "SELECT json_build_array(:finish - :begin, :finish_cpu - :begin_cpu);\n")


def microseconds(server, call, people, calls, word):
    """Of one call, in one turn: the time, and the CPU."""
    sql = touch_all(1, people, call.seen.format(people=people)) if call.seen else ""
    sql += BEFORE.format(without=call.without, statement=call.statement)
    sql += "".join(TIMED.format(what=what, calls=calls) for what in (call.without, call.statement))
    without, whole = map(json.loads, server.psql(sql, word=word).splitlines())
    server.wait_until(SETTLED)
    return [(more - less) / (calls * call.parts) for more, less in zip(whole, without)]


def run(bench, progress):
    """All calls turn by turn, so that what else the machine does meets all of them."""
    people = 10_000 if bench.scale.quick else 100_000
    turns = {call.name: [] for call in CALLS}
    server = bench.small_server(megabytes=256)
    try:
        progress(f"{NAME}: {people:,} users")
        server.psql(PEOPLE, people=people, group=GROUP, documents=DOCUMENTS, hall=HALL)
        server.wait_until(SETTLED)
        for turn in range(bench.scale.rounds):
            for call in CALLS:
                progress(f"{NAME}: round {turn + 1} of {bench.scale.rounds}, {call.name.strip()}")
                turns[call.name].append(microseconds(server, call, people, min(call.calls, people), f"turn-{turn}-"))
    finally:
        server.stop("immediate")
    return {"people": people, "calls": [result_of(call, turns[call.name]) for call in CALLS]}


def result_of(call, turns):
    times, cpu = zip(*turns)
    return {"name": call.name, "about": call.about, "us": times, "us_of_cpu": cpu}


def as_text(result):
    lines = [f"{'us, ' + format(result['people'], ',') + ' users':18}{'median':>9}{'lowest':>9}{'highest':>9}{'CPU':>9}"]
    for one in result["calls"]:
        numbers = (median(one["us"]), min(one["us"]), max(one["us"]), median(one["us_of_cpu"]))
        lines.append(f"{one['name']:18}" + "".join(f"{number(value):>9}" for value in numbers) + f"  {one['about']}")
    return "\n".join(lines)


def shortfalls(result):
    return []  # It has costs, not targets.


def write_charts(name, result):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "presence"  # The same numbers are the same file.
    names = [one["name"].strip() for one in result["calls"]]
    medians = [median(one["us"]) for one in result["calls"]]
    figure, axes = pyplot.subplots(figsize=(7, 0.3 * len(names) + 1))
    axes.barh(names, medians, color="#2f9e6e")
    axes.set_xscale("log")
    axes.set_xlabel(f"us of one call in the server, {result['people']:,} users")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    for at, value in enumerate(medians):
        axes.text(max(value, min(axes.get_xlim())), at, f" {number(value)}", va="center", fontsize=8)
    figure.tight_layout()
    figure.savefig(f"{name}-calls.svg", metadata={"Date": None})
    pyplot.close(figure)
