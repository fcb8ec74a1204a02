"""The core alone: how long its operations take, by the number of users (presence_bench, with Google Benchmark)."""

import json
import statistics
import subprocess

NAME = "micro"
ABOUT = "nanoseconds of CPU of the core's operations, with 1,000 to 1,000,000 users"

SIZES = (1000, 100_000, 1_000_000)


def run(bench, progress):
    """By operation, by users: the median of the rounds."""
    progress(f"{NAME}: {bench.scale.rounds} rounds")
    sizes = SIZES[:-1] if bench.scale.quick else SIZES
    output = subprocess.run(
        [f"{bench.clients}/presence_bench", "--benchmark_format=json", f"--benchmark_filter=/({'|'.join(map(str, sizes))})$",
         f"--benchmark_repetitions={bench.scale.rounds}", f"--benchmark_min_time={0.02 if bench.scale.quick else 0.3}"],
        check=True, capture_output=True, text=True).stdout
    rounds = {}
    for one in json.loads(output)["benchmarks"]:
        if one["run_type"] == "iteration":
            operation, users = one["run_name"].split("/")
            rounds.setdefault(operation, {}).setdefault(users, []).append(one["cpu_time"])
    return {operation: {users: statistics.median(times) for users, times in by_users.items()} for operation, by_users in rounds.items()}


def as_text(result):
    sizes = list(next(iter(result.values())))
    lines = [f"{'ns of CPU, with so many users':30}" + "".join(f"{int(size):>12,}" for size in sizes)]
    lines += [f"{operation:30}" + "".join(f"{times[size]:12,.1f}" for size in sizes) for operation, times in result.items()]
    return "\n".join(lines)


def shortfalls(result):
    return []  # It has curves, not targets.


def write_charts(name, result):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "presence"
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for operation, times in result.items():
        axes.plot([int(users) for users in times], list(times.values()), marker="o", label=operation)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("users")
    axes.set_ylabel("ns of CPU")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.tight_layout()
    figure.savefig(f"{name}-micro.svg", metadata={"Date": None})
    pyplot.close(figure)
