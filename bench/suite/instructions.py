"""The core alone: how many instructions its operations are, by callgrind, beside how many they were.

A count is the same each time, however busy the machine is. It hangs on the compiler and the C library, so what it was is kept by
those, in instructions/expected.json. Each run writes that file with its own counts added, to be taken over when a change is meant.
"""

import collections
import json
import os
import platform
import re
import subprocess

NAME = "instructions"
ABOUT = "instructions of the core's operations, beside how many they were"

MOST = 5.0  # percent: what is more is said


def run(bench, progress):
    progress(f"{NAME}: callgrind")
    directory = f"{bench.directory}/callgrind"
    os.makedirs(directory, exist_ok=True)
    profile = f"{directory}/profile"
    lines = subprocess.run(
        ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={profile}", f"{bench.clients}/bench_core_paths"],
        check=True, capture_output=True, text=True,
        env={**os.environ, "LD_BIND_NOW": "1"}).stdout.splitlines()  # Symbols are looked up before, not within what is counted.
    compiled = f"{lines[0]}, {platform.machine()}"
    expected = expected_counts(bench)
    operations = {}
    for number, line in enumerate(lines[1:], start=1):
        operation, times = line.split()
        functions = {name: count / int(times) for name, count in functions_of(f"{profile}.{number}").items()}
        was = expected.get(compiled, {}).get(operation)
        operations[operation] = judged(round(sum(functions.values()), 1), was) | {"functions": functions}
    return {"compiled": compiled, "operations": operations, "expected": expected}


def expected_counts(bench):
    with open(f"{bench.here}/instructions/expected.json") as file:
        return json.load(file)


def judged(count, was):
    if was is None:
        return {"count": count, "was": None, "percent": None, "verdict": "new"}
    percent = 100 * (count - was) / was
    return {"count": count, "was": was, "percent": percent, "verdict": "more" if percent > MOST else "less" if percent < -MOST else "same"}


def functions_of(profile):
    """Instructions by function, those of most first."""
    output = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", profile], check=True, capture_output=True, text=True).stdout
    counts = collections.Counter()
    for line in output.splitlines():
        if found := re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)  [^:]+:(.+)", line):
            counts[short_name(found[2])] += int(found[1].replace(",", ""))
    return dict(counts.most_common())


def short_name(function):
    """A function without its namespace, arguments and template arguments."""
    name = function.replace("(anonymous namespace)::", "").replace("presence::", "").split("(")[0].split(" [")[0]
    while (shorter := re.sub(r"<[^<>]*>", "", name)) != name:
        name = shorter
    return name.split()[-1]


def as_text(result):
    lines = [f"instructions, {result['compiled']}", f"{'operation':16}{'each':>10}{'was':>10}{'':>9}  {'':5} most of them in"]
    for operation, of in result["operations"].items():
        was, percent = ("", "") if of["was"] is None else (f"{of['was']:,.1f}", f"{of['percent']:+.1f} %")
        shares = ", ".join(f"{name} {100 * count / of['count']:.0f} %" for name, count in list(of["functions"].items())[:4])
        lines.append(f"{operation:16}{of['count']:10,.1f}{was:>10}{percent:>9}  {of['verdict']:5} {shares}")
    return "\n".join(lines)


def shortfalls(result):
    return [operation for operation, of in result["operations"].items() if of["verdict"] == "more"]


def write_charts(name, result):
    """The functions of a touch, and what is to be expected from now on."""
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "presence"
    functions = list(result["operations"]["touch"]["functions"].items())
    shown = [*functions[:12], ("all others", sum(count for _, count in functions[12:]))]
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    axes.barh([function for function, _ in shown], [count for _, count in shown], color="#2f9e6e")
    axes.invert_yaxis()
    axes.set_xlabel(f"instructions of a touch, {result['operations']['touch']['count']:,.0f} in all")
    figure.tight_layout()
    figure.savefig(f"{name}-instructions.svg", metadata={"Date": None})
    pyplot.close(figure)
    counts = {operation: of["count"] for operation, of in result["operations"].items()}
    with open(f"{name}-expected.json", "w") as file:
        json.dump(result["expected"] | {result["compiled"]: counts}, file, indent=2)
        file.write("\n")
