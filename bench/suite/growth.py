"""How touch, list, rows, restart, sweep, reload and memory grow with the number of users.

For each number of users there is a server of its own, and not a crowd of the rows: the time in which its rows are written is part of
what is measured, and the sweep makes everybody away. Memory has one more server, set up so that nothing but users takes memory.
"""

import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from statistics import median

from . import curves
from .curves import Quantity, Share
from .postgres import touch_all

NAME = "growth"
ABOUT = "touch, list, flush, restart, sweep, reload and memory by the number of users, each with its exponents"

QUANTITIES = {
    "touch": Quantity("touch", "presence_touch, 1 client, round trip included", "us"),
    "list": Quantity("top 100", "presence_online_users(100), round trip included", "us"),
    "flush": Quantity("flush", "from the first touch of new users to the last of their rows", "s", Share("us", 1e6)),
    "restart": Quantity("restart", "from the start of the server to the first presence_online_users(100)", "s"),
    "applied": Quantity("sweep", "all idle at one moment: from then until the worker has made all away", "ms", Share("us", 1e3)),
    "told": Quantity("sweep, told", "from that moment until the worker has told of all, with writing rows in between", "ms", Share("us", 1e3)),
    "reload": Quantity("reload", "idle_timeout changed while all are away: CPU time of the worker", "ms", Share("us", 1e3)),
    "memory": Quantity("memory", "resident shared memory, above that without users", "kB", Share("bytes", 1024)),
}

TOUCH = "\\set id random(1, :users)\nSELECT presence_touch(:id);\n"
LIST = "SELECT * FROM presence_online_users(100);\n"

# A poll takes time from the worker, the more the more rows there are: it may be late by a fiftieth of what it measures.
WAIT_FOR_ROWS = """
CREATE FUNCTION pg_temp.wait_for_rows(wanted bigint, since timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WHILE (SELECT count(*) FROM user_presence) < wanted LOOP
        PERFORM pg_sleep(0.001 + extract(epoch FROM clock_timestamp() - since) / 50);
    END LOOP;
END $$;
"""

WAIT_FOR_SEQ = """
CREATE FUNCTION pg_temp.wait_for_seq(wanted bigint) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    WHILE (SELECT seq FROM presence_info()) < wanted LOOP
        PERFORM pg_sleep(0.001);
    END LOOP;
    RETURN clock_timestamp();
END $$;
"""

# What goes wrong is an error then, and no wait without end.
LIMIT = "SET statement_timeout = '5min';\n"


@contextmanager
def own_server(bench):
    server = bench.small_server(megabytes=1024)
    try:
        yield server
    finally:
        server.stop("immediate")


def flush(server, users):
    """Seconds. New users, whose rows the worker begins to write while the last of them are still being touched.

    Each is seen at a moment of its own, as people are: the list sorts those of one moment by id, all of them.
    """
    return float(server.psql(
        LIMIT + WAIT_FOR_ROWS + "SELECT clock_timestamp() AS seen \\gset\n"
        + touch_all(1, users, f":'seen'::timestamptz + (i - {users}) * interval '1 us'")
        + f"SELECT pg_temp.wait_for_rows({users}, :'seen') \\g /dev/null\n"
        "SELECT extract(epoch FROM clock_timestamp() - :'seen');\n"))


def restart(bench, server):
    """Seconds."""
    server.stop()
    begin = bench.now()
    server.start()
    server.psql(LIST)
    return bench.now() - begin


def sweep(server, users):
    """Milliseconds until idle is applied to all, and until all of it is told.

    All are touched as of one moment, and then idle_timeout is set so that it ends for all a little later. The worker sleeps until
    then, and applies what is due to everybody before it tells of anybody: the first event says that it has. Nobody else may look
    meanwhile, for whoever looks applies what is due, too; presence_info() does not. Some thousands are told of at once; when there are
    more the worker writes rows in between, hence the step above 1,000.
    """
    lead = 1000 + users // 1000  # ms, in which the worker reads the setting and goes through the users
    return server.json(
        LIMIT + WAIT_FOR_SEQ + "SELECT clock_timestamp() AS seen \\gset\n" + touch_all(1, users, ":'seen'::timestamptz")
        + f"SELECT ceil(1000 * extract(epoch FROM clock_timestamp() - :'seen')) + {lead} AS timeout \\gset\n"
        "SELECT :'seen'::timestamptz + :timeout * interval '1 ms' AS due \\gset\n"
        "ALTER SYSTEM SET presence.idle_timeout = :timeout;\n"
        "SELECT pg_reload_conf() \\g /dev/null\n"
        "SELECT seq AS before FROM presence_info() \\gset\n"
        "SELECT pg_temp.wait_for_seq(:before + 1) AS applied \\gset\n"
        f"SELECT pg_temp.wait_for_seq(:before + {users}) AS told \\gset\n"
        "SELECT json_build_object('applied', 1000 * extract(epoch FROM :'applied'::timestamptz - :'due'), "
        "'told', 1000 * extract(epoch FROM :'told'::timestamptz - :'due'));\n")


def quiet_cpu_of(server, pid, after=None):
    """Seconds that the process has used, once it has done something since `after` and does no more."""
    before, now = after, server.cpu_of(pid)
    while now == after or now != before:
        time.sleep(0.5)
        before, now = now, server.cpu_of(pid)
    return now


def reload(bench, server, users):
    """Milliseconds. All are away, each seen at a moment of its own, and stay away; everybody's place is looked at."""
    server.psql("SELECT clock_timestamp() AS seen \\gset\n" + touch_all(1, users, f":'seen'::timestamptz + (i - {users}) * interval '1 us'"))
    server.psql("ALTER SYSTEM SET presence.idle_timeout = '1s'")
    server.psql("SELECT pg_reload_conf()")
    server.wait_until(f"SELECT away = {users} FROM presence_counts()")
    worker = int(server.psql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'presence worker'"))
    spent = []
    for number in range(bench.scale.rounds):
        before = quiet_cpu_of(server, worker)
        server.psql(f"ALTER SYSTEM SET presence.idle_timeout = {1001 + number % 2}")
        server.psql("SELECT pg_reload_conf()")
        spent.append(1e3 * (quiet_cpu_of(server, worker, after=before) - before))
    return median(spent)


def speeds(bench, servers, progress):
    """Touch and list, the sizes turn by turn, so that what else the machine does meets all of them."""
    touches, lists = defaultdict(list), defaultdict(list)
    for number in range(bench.scale.rounds):
        for users, server in servers.items():
            progress(f"growth: touch and top 100, round {number + 1} of {bench.scale.rounds}, {users:,} users")
            lists[users].append(1e6 / server.pgbench(LIST, seconds=bench.seconds))
            touches[users].append(1e6 / server.pgbench(TOUCH, seconds=bench.seconds, users=users))
    return {"touch": [median(touches[users]) for users in servers], "list": [median(lists[users]) for users in servers]}


def restarts(bench, servers, progress):
    seconds = []
    for users, server in servers.items():
        progress(f"growth: restart, {users:,} users")
        seconds.append(median(restart(bench, server) for _ in range(bench.scale.rounds)))
    return seconds


def crowds(bench, sizes, progress):
    """All but memory. Sweep and reload come last, because afterwards nobody is online any more. What a smaller size still has to write then
    is written before the next one is due."""
    with ExitStack() as stack:
        servers, flushes, sweeps, reloads = {}, [], [], []
        for users in sizes:
            progress(f"growth: flush, {users:,} users")
            servers[users] = stack.enter_context(own_server(bench))
            flushes.append(flush(servers[users], users))
            # What is touched later is not written while another size is measured.
            servers[users].psql("ALTER SYSTEM SET presence.flush_interval = '1h'")
            servers[users].psql("SELECT pg_reload_conf(); CHECKPOINT")
        with bench.awake():
            rates = speeds(bench, servers, progress)
        values = {"flush": flushes, **rates, "restart": restarts(bench, servers, progress)}
        for users, server in servers.items():
            progress(f"growth: sweep, {users:,} users")
            server.wait_until("SELECT worker_alive AND complete FROM presence_info()")
            sweeps.append(sweep(server, users))
        for users, server in servers.items():
            progress(f"growth: reload, {users:,} users")
            reloads.append(reload(bench, server, users))
        return {**values, "reload": reloads, "applied": [one["applied"] for one in sweeps], "told": [one["told"] for one in sweeps]}


def give_memory_to_users_alone(server):
    """Everything else that grows in shared memory is as small as it can be, and full already. The kernel counts the pages
    of a System V segment by itself."""
    for name, value in (("shared_memory_type", "sysv"), ("huge_pages", "off"), ("shared_buffers", "1MB"), ("presence.event_buffer", "64kB")):
        server.psql(f"ALTER SYSTEM SET {name} = '{value}'")
    server.stop()
    server.start()
    server.psql("SELECT presence_touch_many(array_agg('early-' || i)) FROM generate_series(1, 1000) AS i")
    server.wait_until("SELECT count(*) = 1000 FROM user_presence")


def resident_bytes(server):
    """Of the server's segment of shared memory."""
    with open(f"{server.data}/postmaster.pid") as file:
        identifier = file.read().splitlines()[6].split()[1]
    with open("/proc/sysvipc/shm") as file:
        names, *segments = (line.split() for line in file)
    rss_of = {segment[names.index("shmid")]: segment[names.index("rss")] for segment in segments}
    return int(rss_of[identifier])


def memory(bench, sizes, progress):
    """kB by the number of users, who come one after the other to the same server."""
    values = []
    with own_server(bench) as server:
        give_memory_to_users_alone(server)
        before = resident_bytes(server)
        for last, users in zip([0, *sizes], sizes):
            progress(f"growth: {users:,} users, memory")
            server.psql(touch_all(last + 1, users, "now()"))
            values.append((resident_bytes(server) - before) / 1024)
    return values


def run(bench, progress):
    sizes = list(bench.scale.growth)
    values = {**crowds(bench, sizes, progress), "memory": memory(bench, sizes, progress)}
    return [curves.curve(quantity, sizes, values[name]) for name, quantity in QUANTITIES.items()]


def as_text(result):
    return curves.as_table(result)


def shortfalls(result):
    return []  # It has curves, not targets.


def write_charts(name, result):
    curves.write_chart(f"{name}-growth.svg", result)
