"""The rows: what is measured against what, and what is to be reached, in the order of docs/performance.md.

A row has two sides, each a function that returns a rate or a time, measured turn by turn in one run: A B A B. Its ratio says how
many times better presence is: rate by rate, or the other's time by presence's.

Where the server, its protocol or its executor alone would take most of the time, a row has a third side: its limit, which does
that part and nothing else, such as the same rows read out of a table. An extension can hardly be better than that.
"""

import functools
import itertools
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Callable

from .postgres import touch_all

USERS = 100_000
ONE_AFTER_THE_OTHER = "now() + (i - 1000000) * interval '1 us'"  # as people are seen, each at a moment of its own


@dataclass
class Row:
    name: str
    work: str                       # {many}: users of a large application
    against: str
    target: float                   # the ratio that is to be reached
    ours: Callable                  # (bench) -> number
    theirs: Callable
    unit: str = "per second"
    less_is_better: bool = False
    begin: Callable = lambda bench: None    # before the first row is measured
    prepare: Callable = lambda bench: None
    limit: Callable = None
    limit_is: str = ""
    most_rounds: int = 100          # fewer where a round is long and the same each time
    takes_turns: bool = False       # client and server wait for each other most of the time: no processor may sleep


ROWS = []


def row(**facts):
    ROWS.append(Row(**facts))


# ---- touches ---------------------------------------------------------------

PICK = "\\set id random(1, :users)\n"
TOUCH = PICK + "SELECT presence_touch(:id);\n"
SELECT_1 = PICK + "SELECT 1;\n"
DO_NOTHING = PICK + "SELECT public.do_nothing(:id);\n"
DO_NOTHING_IS = "a call of a function in C that takes the same arguments and does nothing"


def users_online(bench):
    """All are here, their rows are written, and nothing waits."""
    bench.postgres.psql(touch_all(1, USERS, ONE_AFTER_THE_OTHER))
    bench.postgres.wait_until(f"SELECT count(*) >= {USERS} FROM user_presence", 300)


def guide_tables(bench):
    for schema, kind in (("logged", ""), ("unlogged", "UNLOGGED"), ("indexed", "")):
        if bench.postgres.psql(f"SELECT to_regnamespace('{schema}') IS NULL") == "t":
            bench.postgres.psql(open(f"{bench.here}/baselines/guide.sql").read(), schema=schema, kind=kind, users=USERS)
            if schema == "indexed":
                bench.postgres.psql(f"CREATE INDEX ON {schema}.user_presence (last_seen)")


GUIDE_TABLES = {"logged": "logged", "unlogged": "unlogged", "indexed": "logged, with an index on last_seen"}


def do_nothing(bench):
    if bench.postgres.psql("SELECT to_regproc('public.do_nothing') IS NULL") == "t":
        bench.postgres.psql(open(f"{bench.here}/baselines/do_nothing.sql").read(), library=f"{bench.clients}/bench_do_nothing")


def prepare_touch(bench):
    users_online(bench)
    do_nothing(bench)
    guide_tables(bench)


def pgbench(script, **options):
    return lambda bench: bench.postgres.pgbench(script, seconds=bench.seconds, users=USERS, **options)


class Together:
    """Sides of several rows, all of them measured together, by name, in the rounds of the first row that asks."""

    def __init__(self, measure):
        self.measure = measure
        self.rounds = []

    def side(self, name):
        numbers = itertools.count()

        def measure(bench):
            number = next(numbers)
            while len(self.rounds) <= number:
                self.rounds.append(self.measure(bench))
            return self.rounds[number][name]
        return measure


def turn_by_turn(sides):
    return lambda bench: {name: run(bench) for name, run in sides.items()}


def update_last_seen(schema):
    return PICK + f"UPDATE {schema}.user_presence SET last_seen = now() WHERE user_id = :id::text;\n"


UPDATED = {1: ("logged", "unlogged"), 4: ("logged", "unlogged"), 16: ("logged", "unlogged", "indexed")}
TARGETS_OF_UPDATES = {"logged": 4.0, "unlogged": 1.7, "indexed": 4.0}
TOUCHES = {clients: Together(turn_by_turn({"touch": pgbench(TOUCH, clients=clients), "SELECT 1": pgbench(SELECT_1, clients=clients),
                              "do nothing": pgbench(DO_NOTHING, clients=clients),
                              **{schema: pgbench(update_last_seen(schema), clients=clients) for schema in schemas}}))
           for clients, schemas in UPDATED.items()}


def row_of_touches(clients, name, against, theirs, target):
    sides = TOUCHES[clients]
    row(name=f"{name}-{clients}", work=f"presence_touch, {clients} client{'s' * (clients > 1)}", against=against, target=target,
        ours=sides.side("touch"), theirs=sides.side(theirs), limit=sides.side("do nothing"), limit_is=DO_NOTHING_IS,
        prepare=prepare_touch, takes_turns=clients == 1)


for clients in UPDATED:
    row_of_touches(clients, "touch", "SELECT 1", "SELECT 1", target=0.95)
for clients, schemas in UPDATED.items():
    for schema in schemas:
        row_of_touches(clients, f"touch-update-{schema}", f"UPDATE last_seen, {GUIDE_TABLES[schema]}", schema, TARGETS_OF_UPDATES[schema])


def recorded_touch(bench):
    """Touches a second whose rows are written. Those that still wait at the end are waited for; a last batch that is not full waits for
    the next flush, and counts as not done: less than 1,000, and 64 more in each of 16 partitions that the worker is not told of at once."""
    not_full = 1000 + 16 * 64
    postgres = bench.postgres
    rate, touches = postgres.pgbench_run(PICK + "SELECT presence_touch(:id, 'click', '/page');\n", clients=16, seconds=bench.seconds, users=USERS)
    end = bench.now()
    postgres.recorded += touches
    postgres.wait_until(f"SELECT count(*) >= {postgres.recorded - not_full} FROM user_activities")
    return (touches - not_full) / (touches / rate + bench.now() - end)


ROWS_AT_ONCE = 250  # enough that the statement no longer counts, few enough that each of 16 clients comes to it


def read_and_rows_by_hand(bench):
    """A call that does nothing, and a row for each, many rows in one INSERT."""
    insert = (f"INSERT INTO by_hand.user_activities SELECT ceil(random() * {USERS})::int::text, 'click', '/page', now(), NULL "
              f"FROM generate_series(1, {ROWS_AT_ONCE});\n")
    rate = bench.postgres.pgbench({DO_NOTHING: ROWS_AT_ONCE, insert: 1}, clients=16, seconds=bench.seconds, users=USERS)
    return rate * ROWS_AT_ONCE / (ROWS_AT_ONCE + 1)


def prepare_activity(bench):
    prepare_touch(bench)
    tables_by_hand(bench)


row(name="activity", work="presence_touch with recorded activity, 16 clients", against="the guide's stack", target=5.0,
    ours=recorded_touch,
    theirs=pgbench(PICK + "SELECT logged.track_activity(:id::text, 'click', '/page');\n", clients=16),
    limit=read_and_rows_by_hand, limit_is=f"a call that does nothing, and for each a row into a table like presence's by plain SQL, {ROWS_AT_ONCE} at once", prepare=prepare_activity)


def batches(kind, size=1000, users=USERS):
    """Users a second, with random ids that are sent and read, as Redis has to receive and read its keys."""
    return lambda bench: bench.batches(kind, users, size)


def redis_benchmark(*command, **options):
    return lambda bench: bench.redis.benchmark(*command, pipeline=100, requests=400_000 * bench.seconds, keys=USERS, **options)


TOUCH_MANY = Together(turn_by_turn({
    "presence": batches("touch-many"),
    "SET": redis_benchmark("SET", "presence:__rand_int__", "online", "EX", "300"),
    "ZADD": redis_benchmark("ZADD", "online", "1700000000", "user:__rand_int__"),
    "both": lambda bench: bench.redis_facts("touch", pipeline=100)}))


def row_of_touch_many(name, against, theirs, target):
    row(name=name, work="presence_touch_many, 1,000 ids, 1 client", against=against, target=target, unit="ids per second",
        ours=TOUCH_MANY.side("presence"), theirs=TOUCH_MANY.side(theirs), prepare=users_online)


row_of_touch_many("touch-many", "Redis SET EX, pipeline 100", "SET", target=1.5)
row_of_touch_many("touch-many-zadd", "Redis ZADD, pipeline 100", "ZADD", target=1.0)
row_of_touch_many("touch-many-facts", "Redis SET EX and ZADD, 100 users a round trip", "both", target=1.0)

# ---- statuses --------------------------------------------------------------

CHOOSE = PICK + "\\set n random(1, 1000000)\n"


def listening(script, channel):
    """With fifty listeners, all in one process, so that it is not the scheduler that is measured."""
    def measure(bench):
        with bench.listeners(50, channel):
            return bench.postgres.pgbench(script, clients=16, seconds=bench.seconds, users=USERS)
    return measure


row(name="set-status", work="presence_set_status, 16 clients, 50 listeners", against="the guide's stack", target=3.0,
    ours=listening(CHOOSE + "SELECT presence_set_status(:id, (ARRAY['busy', 'online', 'away'])[:n % 3 + 1], 'm' || :n);\n", "global_presence"),
    theirs=listening(CHOOSE + "SELECT logged.set_status(:id::text, (ARRAY['busy', 'online', 'away'])[:n % 3 + 1], 'm' || :n);\n", "global_presence"),
    prepare=prepare_touch)


def delivered(write):
    """What they are told while it is written. Each side has as many writers as deliver most: with batches one, for 50 listeners keep the
    rest of the machine busy."""
    def measure(bench):
        with bench.listeners(50, "global_presence") as listeners:
            write(bench)
        return listeners.heard / bench.seconds
    return measure


AN_EVENT = ('{"v":1,"epoch":"6f1c00d2a94be013","seq":1000001,"prev":1000000,"channel":"global_presence","event":"user_status_changed",'
            '"user_id":"42","status":"busy","previous_status":"busy","status_message":"m123456","reason":"manual",'
            '"timestamp":"2026-11-24T03:45:00.123Z"}')

def published(bench):
    """What subscribers of Redis have heard when redis-benchmark ends, which begins some milliseconds after the clock."""
    with bench.subscribers(50, "global_presence") as subscribers:
        begin = bench.now()
        bench.redis.benchmark("PUBLISH", "global_presence", "e" * len(AN_EVENT), pipeline=100, requests=20_000 * bench.seconds)
        seconds = bench.now() - begin
    return subscribers.heard / seconds


DELIVERED = Together(turn_by_turn({
    "presence": delivered(batches("set-status-many")),
    "pg_notify": delivered(pgbench(CHOOSE + "SELECT pg_notify('global_presence', json_build_object('event', 'user_status_changed', 'user_id', :id::bigint, "
                                   "'status', 'busy', 'status_message', 'm' || :n::text, 'timestamp', now())::text);\n", clients=16)),
    "Redis": published,
    "many pg_notify": delivered(pgbench(CHOOSE + "SELECT count(pg_notify('global_presence', '" + AN_EVENT.replace("42", "' || :id + i || '") + "')) "
                                        "FROM generate_series(1, 1000) AS i;\n"))}))


def row_of_delivered(name, against, theirs, target):
    row(name=name, work="events delivered to 50 listeners, presence_set_status_many of 1,000", against=against, target=target, unit="events per second",
        ours=DELIVERED.side("presence"), theirs=DELIVERED.side(theirs), limit=DELIVERED.side("many pg_notify"),
        limit_is="pg_notify of 1,000 events per commit, as long as presence's and without a row written: the server and the listeners",
        prepare=prepare_touch)


row_of_delivered("delivered", "one pg_notify per commit", "pg_notify", target=50.0)
row_of_delivered("delivered-redis", "Redis PUBLISH to 50 subscribers, pipeline 100", "Redis", target=1.0)


def tables_by_hand(bench):
    users_online(bench)
    if bench.postgres.psql("SELECT to_regnamespace('by_hand') IS NULL") == "t":
        bench.postgres.psql(open(f"{bench.here}/baselines/by_hand.sql").read())


SET_STATUS_MANY = Together(turn_by_turn({
    "presence": batches("set-status-many"),
    "calls": batches("set-status-calls"),
    "pipelined": batches("set-status-pipelined"),
    "Redis": lambda bench: bench.redis_facts("status", pipeline=100),
    "rows": batches("rows-by-hand")}))


def row_of_set_status_many(name, against, theirs, target, **limit):
    row(name=name, work="presence_set_status_many, 1,000 users", against=against, target=target, unit="users per second",
        ours=SET_STATUS_MANY.side("presence"), theirs=SET_STATUS_MANY.side(theirs), prepare=tables_by_hand, **limit)


def rows_by_hand():
    return {"limit": SET_STATUS_MANY.side("rows"),
            "limit_is": "the same rows written into tables like presence's by plain SQL: an update and a history row of each, and COMMIT"}


row_of_set_status_many("set-status-many", "1,000 calls in one transaction", "calls", target=10.0, **rows_by_hand())
# The row above has what an application's loop does, which waits for each call. This one has the strongest form of single calls, as a
# driver's pipeline makes them where it has one and is asked for it.
row_of_set_status_many("set-status-pipelined", "1,000 calls in one transaction and round trip", "pipelined", target=1.0)
row_of_set_status_many("set-status-redis", "Redis HSET, ZADD, XADD and PUBLISH to nobody, 100 users a round trip", "Redis", target=1.0, **rows_by_hand())


def latency(bench, *options):
    """Of each kind of COMMIT its percentiles. Caller, listener and load are processes of their own."""
    return bench.tool_json("presence-latency", "--json", *options)


def latencies(*options):
    """Out of presence-latency, whose kinds take turns COMMIT by COMMIT: closer than round by round."""
    def measure(bench):
        kinds = latency(bench, "--commits", str(100 * bench.seconds), *options)
        return {kind: kinds[kind]["p50"] for kind in ("presence_set_status", "UPDATE, NOTIFY", "NOTIFY")}
    return measure


# A bare NOTIFY writes no row, so its COMMIT does not wait for the disk: beside it nobody's does.
ASYNC, DURABLE = Together(latencies("--async-commit")), Together(latencies())

row(name="latency", work="COMMIT that does not wait for the disk, to listener, p50", against="bare NOTIFY, p50", target=0.5, unit="us",
    less_is_better=True, ours=ASYNC.side("presence_set_status"), theirs=ASYNC.side("NOTIFY"), prepare=users_online)
row(name="latency-durable", work="COMMIT to listener, p50", against="NOTIFY with an UPDATE of a row, p50", target=0.5, unit="us",
    less_is_better=True, ours=DURABLE.side("presence_set_status"), theirs=DURABLE.side("UPDATE, NOTIFY"), prepare=users_online)
# Beside a NOTIFY that does not wait, a status that does: what the disk takes is the limit.
row(name="latency-bare", work="COMMIT to listener, p50", against="bare NOTIFY, which has nothing to write, p50", target=0.5, unit="us",
    less_is_better=True, ours=DURABLE.side("presence_set_status"), theirs=DURABLE.side("NOTIFY"), limit=DURABLE.side("UPDATE, NOTIFY"),
    limit_is="NOTIFY with an UPDATE of a row", prepare=users_online)
# A p99 wants 1,000 COMMITs, which a round of three seconds has; they come 200 a second, on top of the load's 1,000.
row(name="latency-loaded", work="COMMIT to listener, 1,000 changes a second, p99", against="10 ms", target=1.0, unit="us", less_is_better=True,
    ours=lambda bench: latency(bench, "--kind", "presence_set_status", "--load", "1000", "--interval", "5", "--commits",
                               str(340 * bench.seconds))["presence_set_status"]["p99"],
    theirs=lambda bench: 10_000.0, prepare=users_online)

# ---- reads -----------------------------------------------------------------

CHOSEN_MESSAGE = "in a call till noon"


@functools.cache  # Whoever takes them away again comes later.
def redis_users(bench):
    commands = []
    for i in range(1, USERS + 1):
        facts = {"user_id": i, "status": "online", "status_message": None, "last_seen": "2026-01-01T00:00:00.000Z", "current_page": f"/p{i}"}
        commands.append(("SET", f"presence:{i:012d}", json.dumps(facts)))
        commands.append(("SET", f"chosen:{i:012d}", json.dumps(facts | {"status": "busy", "status_message": CHOSEN_MESSAGE})))
        commands.append(("ZADD", "online", 1_700_000_000 + i, f"{i:012d}"))
        commands.append(("HSET", f"user:{i:012d}", "name", f"n{i}", "status", "online", "page", f"/p{i}"))
    bench.redis.load(commands)


def prepare_reads(bench):
    """The same facts on both sides, whatever other rows have left: all are online, and on a page."""
    bench.postgres.psql("SELECT presence_reset()")
    bench.postgres.psql(f"SELECT count(presence_touch(i, page_url => '/p' || i)) FROM generate_series(1, {USERS}) AS i")
    bench.postgres.wait_until(f"SELECT count(*) >= {USERS} AND (SELECT fresh FROM presence_info()) FROM user_presence", 300)
    redis_users(bench)
    do_nothing(bench)
    bench.postgres.psql("SELECT count(presence_join(i, 'room')) FROM generate_series(1, 100) AS i")


def prepare_chosen(bench):
    """All have chosen a status, with a message."""
    prepare_reads(bench)
    bench.postgres.psql(f"SELECT presence_set_status_many(array_agg(i::text), array_agg('busy'::text), array_agg('{CHOSEN_MESSAGE}'::text)) "
                        f"FROM generate_series(1, {USERS}) AS i")
    bench.postgres.wait_until("SELECT fresh FROM presence_info()", 300)


def lists_of_100(kind, users=USERS):
    return lambda bench: batches(kind, size=100, users=users)(bench) / 100


def mget(keys=USERS, of="presence"):
    return lambda bench: bench.redis.benchmark("MGET", *[f"{of}:__rand_int__"] * 100, requests=10_000 * bench.seconds, keys=keys)


row(name="read-status", work="presence_status", against="Redis GET", target=1.0,
    ours=pgbench(PICK + "SELECT presence_status(:id);\n"),
    theirs=lambda bench: bench.redis.benchmark("GET", "presence:__rand_int__", requests=40_000 * bench.seconds),
    limit=pgbench(DO_NOTHING), limit_is=DO_NOTHING_IS, prepare=prepare_reads, takes_turns=True)
row(name="read-many", work="presence_get_many, 100 ids", against="Redis MGET, 100 keys", target=1.0,
    ours=lists_of_100("get-many"),
    theirs=mget(),
    limit=lists_of_100("same-rows"), limit_is="100 such rows out of a function in C that looks nobody up: the ids as an array, executor, rows as text, protocol",
    prepare=prepare_reads, takes_turns=True)
row(name="read-many-chosen", work="presence_get_many, 100 ids of people with a status and a message of their choice", against="Redis MGET, 100 such keys", target=1.0,
    ours=lists_of_100("get-many"), theirs=mget(of="chosen"),
    limit=lists_of_100("same-rows-chosen"), limit_is="the same as of read-many, with a message", prepare=prepare_chosen, takes_turns=True)
row(name="read-many-few", work="presence_get_many, 100 of 1,000 ids", against="Redis MGET, 100 of 1,000 keys", target=1.0,
    ours=lists_of_100("get-many", users=1000), theirs=mget(keys=1000),
    limit=lists_of_100("same-rows", users=1000), limit_is="the same as of read-many", prepare=prepare_reads, takes_turns=True)
row(name="read-online", work="presence_online_users(100)", against="Redis ZREVRANGE and HMGET of 100", target=1.0,
    ours=pgbench("SELECT * FROM presence_online_users(100);\n"),
    theirs=lambda bench: bench.redis_list(), prepare=prepare_reads, takes_turns=True)
row(name="read-members", work="presence_members, 100 of a room", against="Redis ZREVRANGE and HMGET of 100", target=1.0,
    ours=pgbench("SELECT * FROM presence_members('room', 100);\n"),
    theirs=lambda bench: bench.redis_list(), prepare=prepare_reads, takes_turns=True)

# ---- size and rest ---------------------------------------------------------
# These need servers of their own, which they share with each other, so they come last.

def crowd(bench, users):
    """A new server with so many users online, their rows written."""
    bench.begin_anew()
    postgres = bench.postgres
    postgres.psql(touch_all(1, users, ONE_AFTER_THE_OTHER))
    postgres.wait_until(f"SELECT count(*) >= {users} FROM user_presence", 900)
    postgres.psql("CHECKPOINT")
    return postgres


def milliseconds_of_list(postgres, bench):
    return 1000 / postgres.pgbench("SELECT * FROM presence_online_users(100);\n", seconds=bench.seconds)


def list_growth(users=None):
    def measure(bench):
        return milliseconds_of_list(bench.crowds(users or bench.scale.many), bench)
    return measure


row(name="list-growth", work="presence_online_users(100), {many} users", against="the same with 1,000 users", target=0.5,
    unit="ms", less_is_better=True, ours=list_growth(), theirs=list_growth(1000), takes_turns=True)


def guide_list(schema, index):
    """The guide's "Get Current Online Users", of whom the last 100: 5 minutes, as it has, would be nobody in a table that is not touched."""
    def measure(bench):
        postgres = bench.crowds(bench.scale.many)
        if postgres.psql(f"SELECT to_regnamespace('{schema}') IS NULL") == "t":
            postgres.psql(open(f"{bench.here}/baselines/guide.sql").read(), schema=schema, kind="", users=bench.scale.many)
            postgres.psql(index)
        return 1000 / postgres.pgbench(f"SELECT user_id, status, last_seen FROM {schema}.user_presence WHERE status IN ('online', 'away', 'busy') "
                                       "AND last_seen > now() - interval '1 day' ORDER BY last_seen DESC LIMIT 100;\n", seconds=bench.seconds)
    return measure


row(name="list-guide", work="presence_online_users(100), {many} users", against="the guide's query on as many rows", target=50.0,
    unit="ms", less_is_better=True, ours=list_growth(), theirs=guide_list("million", ""), takes_turns=True)
row(name="list-guide-indexed", work="presence_online_users(100), {many} users", against="the same with an index on last_seen", target=0.5,
    unit="ms", less_is_better=True, ours=list_growth(),
    theirs=guide_list("million_indexed", "CREATE INDEX ON million_indexed.user_presence (last_seen)"),
    takes_turns=True)


def worker_round(bench):
    """CPU of a round of the worker that finds nothing due, with a million users online: SIGUSR1 without a reason wakes it, no more."""
    postgres = bench.crowds(bench.scale.many)
    rounds = 500 * bench.seconds
    worker = int(postgres.psql("SELECT worker_pid FROM presence_info()"))
    before = postgres.cpu_of(worker)
    for _ in range(rounds):
        os.kill(worker, signal.SIGUSR1)
        bench.sleep(0.002)
    return (postgres.cpu_of(worker) - before) * 1e6 / rounds


row(name="worker-round", work="CPU of a round of the worker without a transition, {many} users", against="50 us",
    target=1.0, unit="us", less_is_better=True, ours=worker_round, theirs=lambda bench: 50.0)


@functools.cache  # Two rows ask, and nothing has changed.
def memory_of_user(bench):
    """Bytes of shared memory of somebody online with one session: all of presence.memory by how many fit into it."""
    megabytes = bench.scale.memory_megabytes
    postgres = bench.small_server(megabytes)
    try:
        for first in itertools.count(1, 5000):
            try:
                postgres.psql(f"SELECT count(presence_connect('m' || i, 'session-' || i)) FROM generate_series({first}, {first + 4999}) AS i")
            except subprocess.CalledProcessError as full:
                if "presence.memory" not in full.stderr:
                    raise
                break
            postgres.wait_until("SELECT fresh FROM presence_info()")
        return megabytes * 1024 * 1024 / int(postgres.psql("SELECT online FROM presence_counts()"))
    finally:
        postgres.stop("immediate")


MOMENT = 1_700_000_000_000


def memory_of_redis(commands_of):
    """Bytes of a user in an empty Redis, which is given these commands for each."""
    def measure(bench):
        bench.redis.cli("flushall")
        before = bench.redis.used_memory()
        bench.redis.load([command for i in range(1, USERS + 1) for command in commands_of(i)])
        return (bench.redis.used_memory() - before) / USERS
    return measure


def redis_as_usual(i):
    """A hash of the session, which expires, a hash of the user, its place in the sorted set of who is online."""
    return [("HSET", f"session:session-{i}", "user", f"m{i}", "status", "online", "last_seen", MOMENT), ("EXPIRE", f"session:session-{i}", 300),
            ("HSET", f"user:m{i}", "status", "online", "last_seen", MOMENT, "changed_at", MOMENT), ("ZADD", "online", MOMENT, f"m{i}")]


def redis_leanest(i):
    """Nothing twice: when it was seen is its place in the sorted set, its session a string that expires, names as short as can be."""
    return [("SET", f"s{i}", f"m{i}", "EX", 300), ("HSET", f"m{i}", "s", "o", "c", MOMENT), ("ZADD", "o", MOMENT, f"m{i}")]


row(name="memory", work="shared memory of a user online with one session", against="Redis holding the same facts", target=1.25, unit="bytes",
    less_is_better=True, ours=memory_of_user, theirs=memory_of_redis(redis_as_usual), most_rounds=1)
row(name="memory-lean", work="shared memory of a user online with one session", against="Redis, laid out as lean as can be", target=1.0, unit="bytes",
    less_is_better=True, ours=memory_of_user, theirs=memory_of_redis(redis_leanest), most_rounds=1)
row(name="memory-most", work="shared memory of a user online with one session", against="400 bytes", target=1.0, unit="bytes",
    less_is_better=True, ours=memory_of_user, theirs=lambda bench: 400.0, most_rounds=1)


def restart(bench):
    """Seconds from the start of a server with a million users to its first answer about who is online."""
    postgres = bench.crowds(bench.scale.many)
    postgres.stop()
    begin = bench.now()
    postgres.start()
    if postgres.psql("SELECT count(*) FROM presence_online_users(100)") != "100":
        raise RuntimeError("after the restart the list is not complete")
    return bench.now() - begin


row(name="restart", work="restart with {many} users to the first list", against="5 s", target=1.0, unit="s", less_is_better=True,
    ours=restart, theirs=lambda bench: 5.0)


# Autovacuum comes to one of three databases every 10 s, and the background writer logs which transactions run up to 15 s after
# something was written (LOG_SNAPSHOT_INTERVAL_MS).
REST_SECONDS = 45


class IdleDatabase:
    """Bytes of WAL, transaction ids and events told of a database with users that is at rest: their sum is 0 when each is. It rests on a
    server of its own while other rows are measured, which it does not disturb, for it does nothing."""

    COST = ("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint + (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint + seq "
            "FROM presence_info()")

    failed = None

    def begin(self, bench):
        self.postgres = bench.small_server(megabytes=64, lasts=True)
        self.postgres.psql(touch_all(1, 1000, ONE_AFTER_THE_OTHER))
        self.postgres.wait_until("SELECT count(*) >= 1000 FROM user_presence")
        self.postgres.psql("VACUUM")  # Whoever looks later has no page to prune, which would be logged.
        self.postgres.psql("CHECKPOINT")
        self.resting = threading.Timer(REST_SECONDS, self.look)
        self.resting.daemon = True
        self.resting.start()

    def look(self):
        try:
            self.before, self.since = int(self.postgres.psql(self.COST)), time.monotonic()
        except subprocess.CalledProcessError as why:
            self.failed = why

    def cost(self, bench):
        self.resting.join()
        if self.failed:
            raise self.failed
        bench.sleep(max(0, self.since + bench.scale.idle_seconds - bench.now()))
        return int(self.postgres.psql(self.COST)) - self.before


IDLE = IdleDatabase()

row(name="idle", work="WAL bytes, xids and notifies of an idle database", against="0", target=1.0, unit="in all", less_is_better=True,
    ours=IDLE.cost, theirs=lambda bench: 0.0, begin=IDLE.begin, most_rounds=1)
