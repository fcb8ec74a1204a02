"""The command line of scripts/bench, which builds everything first."""

import argparse
import datetime
import os
import platform
import sys

from . import report
from .measure import Bench, run_row
from .rows import ROWS


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures presence beside what a user would take instead, turn by turn on one machine, and prints medians with their ratio\n"
                    "and what is to be reached. Without rows all of them. Writes results and a chart; nothing else should run meanwhile.",
        epilog="rows:\n" + "\n".join(f"  {row.name:22} {row.work}, against {row.against}" for row in ROWS))
    parser.add_argument("rows", nargs="*", metavar="ROW", help="a row, or the beginning of several")
    parser.add_argument("--quick", action="store_true", help="one short round of each: under 3 minutes, to see that all of it works")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each row (3)")
    parser.add_argument("--seconds", type=int, metavar="N", help="seconds of each side of a round (5)")
    parser.add_argument("--results", metavar="DIR", help="where to write them (bench/results)")
    for name in ("programs", "clients", "tools", "work"):
        parser.add_argument(f"--{name}", required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(names):
    rows = [row for row in ROWS if not names or any(row.name.startswith(name) for name in names)]
    if not rows:
        sys.exit(f"scripts/bench: no row begins with {' or '.join(names)}; --help lists them")
    return rows


def machine():
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as meminfo:
        memory = int(meminfo.readline().split()[1]) // 1024 // 1024
    return {"cpu": model, "cores": os.cpu_count(), "memory_GiB": memory, "kernel": platform.release()}


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def main():
    args = arguments()
    rounds = args.rounds or (1 if args.quick else 3)
    seconds = args.seconds or (1 if args.quick else 5)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    bench = Bench(here, args.programs, args.clients, args.tools, args.work, seconds, idle_seconds=5 if args.quick else 600)
    results = []
    try:
        for row in chosen(args.rows):
            results.append(run_row(bench, row, rounds, progress))
            progress("")
            print(report.as_table(results[-1:]).splitlines()[-1], flush=True)
    finally:
        bench.stop()
    print(f"\n{report.as_table(results)}")
    directory = args.results or f"{args.work}/results"
    os.makedirs(directory, exist_ok=True)
    name = f"{directory}/{datetime.date.today()}"
    report.write_json(f"{name}.json", machine(), results)
    report.write_chart(f"{name}.svg", results)
    with open(f"{name}.md", "w") as file:
        file.write(report.as_markdown(results))
    print(f"\nin {name}.json, .svg and .md")
    return 0 if all(result.is_met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
