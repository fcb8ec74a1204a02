"""The command line of scripts/bench, which builds everything first."""

import argparse
import datetime
import os
import platform
import signal
import subprocess
import sys
import time

from . import report
from .measure import Bench, Scale, run_row
from .parts import PARTS
from .rows import ROWS


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures presence beside what a user would take instead, turn by turn on one machine, and prints medians with their ratio\n"
                    "and what is to be reached. Without names everything. Writes results and charts; nothing else should run meanwhile.",
        epilog="rows:\n" + "\n".join(f"  {row.name:22} {row.work}, against {row.against}" for row in ROWS)
               + "\nand:\n" + "\n".join(f"  {part.NAME:22} {part.ABOUT}" for part in PARTS))
    parser.add_argument("names", nargs="*", metavar="NAME", help="a row or another part, or what several begin with")
    parser.add_argument("--quick", action="store_true", help="one short round of each: under 3 minutes, to see that all of it works")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each row (5)")
    parser.add_argument("--seconds", type=int, metavar="N", help="seconds of each side of a round (3)")
    parser.add_argument("--soak-minutes", type=float, metavar="N", help="how long the soak lasts (5)")
    parser.add_argument("--results", metavar="DIR", help="where to write them (bench/results)")
    for name in ("programs", "clients", "tools", "work", "revision"):
        parser.add_argument(f"--{name}", required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(names):
    """Rows and parts: those that are named, or all."""
    known = {row.name for row in ROWS} | {part.NAME for part in PARTS}

    def is_chosen(name):
        return not names or any(name == asked if asked in known else name.startswith(asked) for asked in names)
    rows = [row for row in ROWS if is_chosen(row.name)]
    parts = [part for part in PARTS if is_chosen(part.NAME)]
    if not rows and not parts:
        sys.exit(f"scripts/bench: nothing begins with {' or '.join(names)}; --help lists what there is")
    return rows, parts


def scale_of(args):
    quick = args.quick
    return Scale(quick=quick, rounds=args.rounds or (1 if quick else 5), seconds=args.seconds or (1 if quick else 3),
                 idle_seconds=5 if quick else 600, soak_seconds=60 * (args.soak_minutes or (0.2 if quick else 5)))


def machine():
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as meminfo:
        sizes = {name: int(value.split()[0]) for name, value in (line.split(":") for line in meminfo)}
    return {"cpu": model, "cores": os.cpu_count(), "memory_GiB": sizes["MemTotal"] // 1024 // 1024,
            "huge_pages_MiB": sizes.get("HugePages_Total", 0) * sizes.get("Hugepagesize", 0) // 1024, "kernel": platform.release()}


def versions(args):
    def version_of(program):
        return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    return {"postgres": version_of(f"{args.programs}/postgres"), "redis": version_of("redis-server"), "presence": args.revision}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


FAILURES = (subprocess.SubprocessError, RuntimeError, OSError, ValueError)


def measure(bench, rows, parts, results, others):
    """Adds the results of the rows, and by their names those of the parts; each is printed when it is known. One that cannot be
    measured does not end the others: returns which those are."""
    failed = []
    for row in rows:
        try:
            results.append(run_row(bench, row, progress))
            progress("")
            print(report.as_table(results[-1:]).splitlines()[-1], flush=True)
        except FAILURES as why:
            failed.append(row.name)
            print(f"\n{row.name} could not be measured: {why}", flush=True)
    for part in parts:
        try:
            others[part.NAME] = part.run(bench, progress)
            progress("")
            print(f"\n{part.as_text(others[part.NAME])}", flush=True)
        except FAILURES as why:
            failed.append(part.NAME)
            print(f"\n{part.NAME} could not be measured: {why}", flush=True)
    return failed


def name_of_run(args):
    """A run of some rows, or a quick one, does not take the place of the day's whole one."""
    return "-".join([str(datetime.date.today()), *(["quick"] if args.quick else []), *args.names])


def write(args, run, results, others):
    """What there is, even of a run that was ended. Returns where."""
    directory = args.results or f"{args.work}/results"
    os.makedirs(directory, exist_ok=True)
    name = f"{directory}/{name_of_run(args)}"
    report.write_json(f"{name}.json", run, results, others)
    if results:
        print("\n".join(["", report.as_table(results), "", *report.limits_of(results)]))
        report.write_chart(f"{name}.svg", results)
        with open(f"{name}.md", "w") as file:
            file.write(report.as_markdown(results))
    for part in PARTS:
        if part.NAME in others:
            part.write_charts(name, others[part.NAME])
    return f"{args.results or 'bench/results'}/{name_of_run(args)}.json"  # scripts/bench brings them there.


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # The servers are stopped on the way out.
    rows, parts = chosen(args.names)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    scale = scale_of(args)
    bench = Bench(here, args.programs, args.clients, args.tools, args.work, scale)
    results, others, failed = [], {}, []
    began = time.monotonic()
    try:
        failed = measure(bench, rows, parts, results, others)
    finally:
        bench.stop()
        run = {"machine": machine(), "versions": versions(args), "rounds": scale.rounds, "seconds": scale.seconds,
               "took_seconds": round(time.monotonic() - began)}
        print(f"\nin {write(args, run, results, others)} and beside it, after {run['took_seconds']} s")
    limited = [result.name for result in results if result.verdict == "limit"]
    short = [result.name for result in results if result.verdict == "short"]
    short += [f"{part.NAME}: {what}" for part in parts if part.NAME in others for what in part.shortfalls(others[part.NAME])]
    if limited:
        print(f"not reached, but as good as the limit: {'; '.join(limited)}")
    if short:
        print(f"short: {'; '.join(short)}")
    if failed:
        print(f"not measured: {'; '.join(failed)}")
    return 1 if limited or short or failed else 0


if __name__ == "__main__":
    sys.exit(main())
