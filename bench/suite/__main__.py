"""Measures what was asked for. scripts/bench has built everything and checked the arguments."""

import argparse
import datetime
import os
import platform
import signal
import subprocess
import sys
import time

from . import report
from .arguments import chosen, parser, scale_of
from .measure import Bench, run_row
from .parts import PARTS


def arguments():
    whole = parser()
    for name in ("programs", "clients", "tools", "work", "revision", "shown", "huge-pages"):  # what scripts/bench has made
        whole.add_argument(f"--{name}", required=True, help=argparse.SUPPRESS)
    return whole.parse_args()


def machine(huge_pages):
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as meminfo:
        sizes = {name: int(value.split()[0]) for name, value in (line.split(":") for line in meminfo)}
    return {"cpu": model, "cores": os.cpu_count(), "memory_GiB": sizes["MemTotal"] // 1024 // 1024,
            "huge_pages": huge_pages, "kernel": platform.release()}


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
    for row in begun(bench, rows, failed):
        try:
            results.append(run_row(bench, row, progress))
            progress("")
            print(report.as_line(results[-1]), flush=True)
        except FAILURES as why:
            failed.append(row.name)
            print(f"\n{row.name} could not be measured: {why}", flush=True)
    bench.stop_servers()  # A part has servers of its own, growth four: there are no huge pages for more.
    for part in parts:
        try:
            others[part.NAME] = part.run(bench, progress)
            progress("")
            print(f"\n{part.as_text(others[part.NAME])}", flush=True)
        except FAILURES as why:
            failed.append(part.NAME)
            print(f"\n{part.NAME} could not be measured: {why}", flush=True)
    return failed


def begun(bench, rows, failed):
    """The rows that have begun, all of them before the first is measured."""
    able = []
    for row in rows:
        try:
            row.begin(bench)
            able.append(row)
        except FAILURES as why:
            failed.append(row.name)
            print(f"\n{row.name} could not begin: {why}", flush=True)
    return able


def name_of_run(args):
    """No run takes the place of another."""
    return "-".join([f"{datetime.datetime.now():%Y-%m-%d-%H%M%S}", *(["quick"] if args.quick else []), *args.names])


def write(args, run, results, others):
    """What there is, even of a run that was ended; scripts/bench brings it to where it is to be."""
    if not results and not others:
        print("\nnothing was measured, nothing is written")
        return
    directory = f"{args.work}/results"
    os.makedirs(directory, exist_ok=True)
    name = f"{directory}/{name_of_run(args)}"
    report.write_json(f"{name}.json", run, results, others)
    if results:
        print("\n".join(["", report.as_table(results), "", report.LEGEND, *report.limits_of(results)]))
        report.write_chart(f"{name}.svg", results)
        with open(f"{name}.md", "w") as file:
            file.write(report.as_markdown(results))
    for part in PARTS:
        if part.NAME in others:
            part.write_charts(name, others[part.NAME])
    kinds = ", ".join(sorted(file.removeprefix(os.path.basename(name)) for file in os.listdir(directory)))
    print(f"\nin {args.shown}/{os.path.basename(name)}: {kinds}")


def end_by_signals():
    """The servers are stopped and what is known is written on the way out."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signal_number, _: sys.exit(128 + signal_number))


def main():
    args = arguments()
    end_by_signals()
    rows, parts = chosen(args.names)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    scale = scale_of(args)
    bench = Bench(here, args.programs, args.clients, args.tools, args.work, args.huge_pages, scale)
    results, others, failed = [], {}, []
    began = time.monotonic()
    try:
        failed = measure(bench, rows, parts, results, others)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        bench.stop()
        run = {"date": str(datetime.date.today()), "machine": machine(args.huge_pages), "versions": versions(args), "rounds": scale.rounds, "seconds": scale.seconds,
               "took_seconds": round(time.monotonic() - began)}
        write(args, run, results, others)
        done, asked = len(results) + len(others), len(rows) + len(parts)
        print(f"{done} of {asked} measured in {run['took_seconds']} s")
    limited = [result.name for result in results if result.verdict == "limit"]
    short = [result.name for result in results if result.verdict == "short"]
    short += [f"{part.NAME}: {what}" for part in parts if part.NAME in others for what in part.shortfalls(others[part.NAME])]
    if limited:
        print(f"not reached, but as good as the limit: {'; '.join(limited)}")
    if short:
        print(f"short: {'; '.join(short)}")
    if failed:
        print(f"not measured: {'; '.join(failed)}")
    return 1 if short or failed else 0


if __name__ == "__main__":
    sys.exit(main())
