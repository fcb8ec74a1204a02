"""The command line of scripts/bench, which asks this before it builds anything: it prints --help, says what is wrong, or prints the
directory of the results, an absolute one."""

import argparse
import difflib
import os

from .measure import Scale
from .parts import PARTS
from .rows import ROWS

EPILOG = """
How long: a row takes rounds x seconds x 2 or 3 and what it prepares, rows that share sides less; soak 5 minutes, the parts before it 7 together; an idle database
is watched for 10 minutes meanwhile. All of it about 40. Exit status: 0 when all targets are reached, or missed as the row's limit misses them, too (`limit`); else 1 (`short`).

rows:
"""


def count(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def minutes(text):
    number = float(text)
    if not 0.2 <= number <= 24 * 60:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.2 and 1440")
    return number


def parser():
    made = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        description="Measures presence beside what a user would take instead, turn by turn on one machine, and prints medians with their ratio\n"
                    "and what is to be reached. Without names everything. Writes results and charts; nothing else should run meanwhile.",
        epilog=EPILOG.lstrip() + "\n".join(f"  {row.name:22} {row.work.format(many='1,000,000')}, against {row.against}" for row in ROWS)
               + "\nand:\n" + "\n".join(f"  {part.NAME:22} {part.ABOUT}" for part in PARTS))
    made.add_argument("names", nargs="*", metavar="NAME", help="a row or another part, or what several begin with")
    made.add_argument("--quick", action="store_true", help="one short round of each: about 3 minutes, with fewer users, to see that all of it works")
    made.add_argument("--rounds", type=count, metavar="N", help="rounds of each row (5)")
    made.add_argument("--seconds", type=count, metavar="N", help="seconds of each side of a round (3)")
    made.add_argument("--soak-minutes", type=minutes, metavar="N", help="how long the soak lasts (5)")
    made.add_argument("--results", metavar="DIR", help="where to write them (bench/results)")
    return made


def known_names():
    return [row.name for row in ROWS] + [part.NAME for part in PARTS]


def is_meant(name, asked):
    """An exact name means that one alone."""
    return name == asked if asked in known_names() else name.startswith(asked)


def check_names(made, names):
    for asked in names:
        if not any(is_meant(name, asked) for name in known_names()):
            near = difflib.get_close_matches(asked, known_names(), n=3)
            made.error(f"nothing begins with {asked}; " + (f"is {' or '.join(near)} meant?" if near else "--help lists what there is"))


def chosen(names):
    """Rows and parts: those that are named, or all."""
    def is_chosen(name):
        return not names or any(is_meant(name, asked) for asked in names)
    return [row for row in ROWS if is_chosen(row.name)], [part for part in PARTS if is_chosen(part.NAME)]


def scale_of(args):
    rounds, seconds, soak_minutes = (1, 1, 0.14) if args.quick else (5, 3, 5)
    scale = {"rounds": args.rounds or rounds, "seconds": args.seconds or seconds, "soak_seconds": 60 * (args.soak_minutes or soak_minutes)}
    if args.quick:
        return Scale(quick=True, idle_seconds=5, many=100_000, memory_megabytes=8, growth=(1000, 10_000), **scale)
    return Scale(quick=False, idle_seconds=600, many=1_000_000, memory_megabytes=64, growth=(1000, 10_000, 100_000, 1_000_000), **scale)


def main():
    made = parser()
    args = made.parse_args()
    check_names(made, args.names)
    print(os.path.abspath(args.results or os.path.join(os.path.dirname(__file__), "..", "results")))


if __name__ == "__main__":
    main()
