"""The soak: a busy application for minutes or an hour, and whether anything grows meanwhile."""

import subprocess
import time
from contextlib import ExitStack

from . import soak_chart
from .soak_load import KINDS, PEOPLE, SESSIONS, STATUSES, Load
from .soak_samples import Sampler
from .soak_verdict import SECONDS_TO_JUDGE, judge_all

NAME = "soak"
ABOUT = f"{SESSIONS:,} sessions, {STATUSES.rate:,} status changes a second, rooms, cursors: memory, queues, p99 and dead rows stay as they are"

# What an application has by default, where the rows want nothing to happen by itself.
SETTINGS = {"idle_timeout": "5min", "offline_timeout": "30min", "session_timeout": "90s"}
LISTENERS = {"global_presence": 4, "document_1": 4}


def run(bench, progress):
    window = max(1, min(15, round(bench.scale.soak_seconds / 60)))
    windows = max(8, round(bench.scale.soak_seconds / window))
    postgres = bench.small_server(megabytes=128)
    try:
        progress("soak: everybody comes")
        for setting, value in SETTINGS.items():
            postgres.psql(f"ALTER SYSTEM SET presence.{setting} = '{value}'")
        postgres.psql("SELECT pg_reload_conf()")
        postgres.psql(PEOPLE)
        postgres.wait_until(f"SELECT count(*) >= {SESSIONS} FROM presence_sessions")
        return soak(bench, postgres, windows, window, progress)
    finally:
        postgres.stop("immediate")


def soak(bench, postgres, windows, window, progress):
    conninfo = f"host={postgres.directory} user=postgres dbname=postgres"
    sampler = Sampler(postgres)
    samples = []
    with ExitStack() as clients:
        for channel, count in LISTENERS.items():
            clients.enter_context(Client(f"{bench.clients}/bench_listeners", f"{conninfo} application_name=listener", channel, str(count)))
        load = Load(postgres, windows, window)
        clients.callback(load.stop)
        probe = clients.enter_context(Client(f"{bench.clients}/bench_probe", f"{conninfo} application_name=probe", str(windows), str(window)))
        began = time.monotonic()
        for number in range(1, windows + 1):
            time.sleep(max(0, began + number * window - window / 2 - time.monotonic()))
            progress(f"soak: {number * window} of {windows * window} s")
            at = time.monotonic() - began
            samples.append({"at": round(at, 1), **sampler.sample()})
            load.check()
        load.wait()
        latency = [latency_of(line) for line in probe.stdout]
        if probe.wait():
            raise RuntimeError("the probe has ended")
    rates = {kind.name: load.windows_of(kind.name) for kind in KINDS}
    asked = {kind.name: kind.rate for kind in KINDS}
    return {"seconds": windows * window, "sessions": SESSIONS, "asked": asked,
            "verdicts": judge_all(samples, sampler.processes, latency, rates, asked), "rates": rates,
            "latency": [{"at": (i + 0.5) * window, **measured} for i, measured in enumerate(latency)],
            "processes": sampler.processes, "samples": samples}


class Client:
    """A program beside the soak, that ends with it."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self.process

    def __exit__(self, *failure):
        self.process.kill()
        self.process.communicate()


def latency_of(line):
    commits, p50, p99, longest = line.split()
    return {"commits": int(commits), "p50": float(p50), "p99": float(p99), "longest": float(longest)}


def as_text(result):
    lines = [f"soak, {result['seconds']} s: {result['sessions']:,} sessions, {result['asked'][STATUSES.name]:,} status changes a second",
             f"{'':52} {'second':>10} {'last':>10}", f"{'':52} {'quarter':>10} {'quarter':>10}"]
    for row in result["verdicts"]:
        lines.append(f"{row['what'] + ', ' + row['summary']:52} {row['second_quarter']:10,.1f} {row['last_quarter']:10,.1f} "
                     f"{row['unit']:10} {row['verdict']}")
    if result["seconds"] < SECONDS_TO_JUDGE:
        return "\n".join([*lines, f"(Less than {SECONDS_TO_JUDGE} s show that it works, not what is steady.)"])
    failed = shortfalls(result)
    lines.append(f"not as it is to be: {'; '.join(failed)}" if failed else "nothing grows")
    return "\n".join(lines)


def shortfalls(result):
    if result["seconds"] < SECONDS_TO_JUDGE:
        return []
    return [row["what"] for row in result["verdicts"] if row["verdict"] in ("growing", "short")]


def write_charts(name, result):
    soak_chart.write(f"{name}-soak.svg", result)
