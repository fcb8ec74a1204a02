"""Results as a table, as JSON and as charts."""

import json
import statistics

COLUMNS = ("row", "work", "against", "presence", "the other", "unit", "ratio", "in rounds", "target", "limit", "verdict")
COLOURS = {"pass": "#2f9e6e", "limit": "#4878a8", "short": "#d9822b"}


LEGEND = ("ratio: above 1 presence is better. pass: the target is reached; limit: it is not, but neither does the row's limit reach it, and presence\n"
          "is at most a tenth below that; short: there is more to be had")


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:.3g}"


def lines_of(results):
    for result in results:
        yield (result.name, result.work, result.against, number(statistics.median(result.ours)), number(statistics.median(result.theirs)),
               result.unit, f"{result.ratio:.2f}",
               f"{min(result.ratios):.2f} to {max(result.ratios):.2f}", f"{result.target:g}",
               f"{result.limit_ratio:.2f}" if result.limit else "", result.verdict)


def as_table(results):
    rows = [COLUMNS, *lines_of(results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.rjust(width) if 3 <= i <= 9 and i != 5 else cell.ljust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows)


def as_line(result):
    """What is said of a row as soon as it is known."""
    limit = f", limit {result.limit_ratio:.2f}" if result.limit else ""
    return (f"{result.name:22} {result.ratio:8.2f} of {result.target:<5g} {result.verdict:6} "
            f"{number(statistics.median(result.ours))} to {number(statistics.median(result.theirs))} {result.unit}{limit}")


def limits_of(results):
    """What the limits are, a line each."""
    return [f"{result.name}: limit is {result.limit_is}" for result in results if result.limit]


def as_table_of_markdown(results):
    rows = [COLUMNS, ("---",) * len(COLUMNS), *lines_of(results)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def as_markdown(results):
    return as_table_of_markdown(results) + "\n\n" + "\n".join(f"- {line}" for line in limits_of(results)) + "\n"


def write_json(path, run, results, others):
    with open(path, "w") as file:
        json.dump({**run, "rows": [result.as_json() for result in results], **others}, file, indent=2)
        file.write("\n")


def write_chart(path, results):
    """Each row's ratio beside its target, on a logarithmic scale: right of the line at 1 it is met."""
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "presence"  # The same numbers are the same file.
    names = [result.name for result in results]
    reached = [result.ratio / result.target for result in results]
    figure, axes = pyplot.subplots(figsize=(9, 0.3 * len(results) + 1.2))
    axes.barh(names, [one - 1 for one in reached], left=1, color=[COLOURS[result.verdict] for result in results])
    axes.axvline(1, color="#444444", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(min(0.4, 0.5 * min(reached)), max(3, 4 * max(reached)))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel("ratio reached, as a multiple of the target: green reached, blue as good as the limit, orange short")
    for at, result in enumerate(results):
        axes.text(max(1, reached[at]), at, f" {result.ratio:.2f} of {result.target:g}", va="center", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
