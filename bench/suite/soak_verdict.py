"""Whether something grew: the second quarter of the soak beside its last one."""

import statistics

# Below this the quarters are too short: processes still fill their caches, and no flush has come.
SECONDS_TO_JUDGE = 240


def quarters(series):
    """The values of the second and of the last quarter. The first is for warming up."""
    quarter = max(1, len(series) // 4)
    return series[quarter:2 * quarter], series[-quarter:]


def judge(what, unit, series, allowed, slack, summary=statistics.median):
    """Growing: both by more than a part of what it was and by more than `slack`, which is noise in any case."""
    before, after = (summary(part) for part in quarters(series))
    grown = after - before > max(allowed * before, slack)
    return {"what": what, "unit": unit, "summary": summary.__name__, "second_quarter": before, "last_quarter": after,
            "verdict": "growing" if grown else "steady"}


def judge_memory(samples):
    """Of each kind of process that one that grew most, among those that were there from the second quarter on."""
    kinds = {pid: kind for sample in samples for pid, kind in sample["processes"].items()}
    lasting = [pid for pid in samples[-1]["memory"] if all(pid in sample["memory"] for sample in samples[len(samples) // 4:])]
    worst = {}
    for pid in lasting:
        # One that came within the first quarter has no values before: that quarter is not looked at.
        row = judge(f"memory, {kinds[pid]}", "kB", [sample["memory"].get(pid) for sample in samples], 0.03, 256)
        growth = row["last_quarter"] - row["second_quarter"]
        if kinds[pid] not in worst or growth > worst[kinds[pid]][0]:
            worst[kinds[pid]] = growth, row
    return [worst[kind][1] for kind in sorted(worst)]


def judge_rate(windows, rate):
    """Whether the load came through at all."""
    reached = statistics.median(window["rate"] for window in windows)
    return {"what": f"status changes, of {rate:,} asked for", "unit": "per second", "summary": "median", "second_quarter":
            statistics.median(window["rate"] for window in quarters(windows)[0]), "last_quarter":
            statistics.median(window["rate"] for window in quarters(windows)[1]), "verdict": "reached" if reached >= 0.98 * rate else "short"}


def judge_all(samples, latency, statuses, rate):
    tables = sorted(samples[0]["dead"])
    def of(name):
        return [sample[name] for sample in samples]
    return [
        judge_rate(statuses, rate),
        judge("behind schedule, statuses", "ms", [window["lag"] for window in statuses], 0.5, 2),
        judge("COMMIT to listener, p99", "ms", [window["p99"] for window in latency], 0.5, 2),
        judge("notification queue used", "%", [100 * used for used in of("notifications")], 0.5, 0.1, max),
        judge("tables and listeners behind", "s", of("behind"), 0.5, 1, max),
        judge("presence.memory ever used", "kB", of("region"), 0.01, 256),
        *(judge(f"dead rows, {table}", "rows", [dead[table] for dead in of("dead")], 0.25, 2000, max) for table in tables),
        *(judge(f"size, {table}", "kB", [size[table] // 1024 for size in of("bytes")], 0.05, 512) for table in tables),
        *judge_memory(samples)]
