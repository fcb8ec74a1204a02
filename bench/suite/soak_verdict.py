"""Whether something grew: the second quarter of the soak beside its last one."""

import statistics

from .soak_load import SESSIONS

# Below this the quarters are too short: processes still fill their caches, and no flush has come.
SECONDS_TO_JUDGE = 240


def quarters(series):
    """The values of the second and of the last quarter. The first is for warming up."""
    quarter = max(1, len(series) // 4)
    return series[quarter:2 * quarter], series[-quarter:]


def compare(what, unit, series, summary, verdict):
    """A row of the verdict, which `verdict` gives for both quarters."""
    before, after = (summary(part) for part in quarters(series))
    return {"what": what, "unit": unit, "summary": summary.__name__, "second_quarter": before, "last_quarter": after,
            "verdict": verdict(before, after)}


def judge(what, unit, series, allowed, slack, summary=statistics.median):
    """Growing: both by more than a part of what it was and by more than `slack`, which is noise in any case."""
    return compare(what, unit, series, summary,
                   lambda before, after: "growing" if after - before > max(allowed * before, slack) else "steady")


def judge_rate(kind, windows, rate):
    """Without the load nothing else that is steady says anything. Few a second come unevenly, so it is the mean."""
    return compare(f"{kind}, of {rate:,} asked for", "per second", [window["rate"] for window in windows], statistics.mean,
                   lambda before, after: "reached" if min(before, after) >= 0.95 * rate else "short")


def judge_lag(kind, windows):
    return judge(f"behind schedule, {kind}", "ms", [window["lag"] for window in windows], 0.5, 10)


def judge_sessions(counts):
    return compare("sessions", "rows", counts, min, lambda before, after: "reached" if min(before, after) >= SESSIONS else "short")


def judge_worker(pids):
    """Another one than at first has not grown for as long."""
    return compare("other workers than the first", "", [int(pid != pids[0]) for pid in pids], max,
                   lambda before, after: "short" if before or after else "steady")


def judge_memory(samples, processes):
    """Of each kind of process the one that grew most, among those that were there from the second quarter on."""
    worst = {}
    for pid in samples[-1]["memory"]:
        series = [sample["memory"].get(pid) for sample in samples]
        if None in series[len(series) // 4:]:
            continue
        row = judge(f"memory, {processes[pid]}", "kB", series, 0.03, 256)
        before = worst.setdefault(processes[pid], row)
        if growth_of(row) > growth_of(before):
            worst[processes[pid]] = row
    return [worst[kind] for kind in sorted(worst)]


def growth_of(row):
    return row["last_quarter"] - row["second_quarter"]


def judge_all(samples, processes, latency, rates, asked):
    def of(name):
        return [sample[name] for sample in samples]

    # A partition of history may be made meanwhile.
    dead = [table for table in sorted(samples[0]["dead"]) if all(table in sample["dead"] for sample in samples)]
    sizes = sorted(samples[0]["bytes"])  # history and activities are to grow
    return [
        *(judge_rate(kind, rates[kind], rate) for kind, rate in asked.items()),
        *(judge_lag(kind, rates[kind]) for kind in asked),
        judge_sessions(of("sessions")),
        judge_worker(of("worker")),
        judge("COMMIT to listener, p99", "ms", [window["p99"] for window in latency], 0.5, 2),
        judge("COMMIT to listener, longest", "ms", [window["longest"] for window in latency], 1, 50, max),
        judge("notification queue used", "%", [100 * used for used in of("notifications")], 0.5, 0.1, max),
        judge("tables and listeners behind", "s", of("behind"), 0.5, 1, max),
        judge("presence.memory ever used", "kB", of("region"), 0.01, 256),
        *(judge(f"dead rows, {table}", "rows", [sample[table] for sample in of("dead")], 0.25, 2000, max) for table in dead),
        *(judge(f"size, {table}", "kB", [size[table] // 1024 for size in of("bytes")], 0.05, 512) for table in sizes),
        *judge_memory(samples, processes)]
