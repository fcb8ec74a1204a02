"""Results as a table, as JSON and as charts."""

import json
import statistics

COLUMNS = ("row", "work", "against", "presence", "the other", "unit", "ratio", "in rounds", "target", "limit", "")
COLOURS = {"pass": "#2f9e6e", "limit": "#4878a8", "short": "#d9822b"}


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


def limits_of(results):
    """What the limits are, a line each."""
    return [f"{result.name}: limit is {result.limit_is}" for result in results if result.limit]


def as_markdown(results):
    rows = [COLUMNS, ("---",) * len(COLUMNS), *lines_of(results)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return table + "\n\n" + "\n".join(f"- {line}" for line in limits_of(results)) + "\n"


def write_json(path, run, results, others):
    with open(path, "w") as file:
        json.dump({**run, "rows": [result.as_json() for result in results], **others}, file, indent=2)
        file.write("\n")


def write_chart(path, results):
    """Each row's ratio beside its target, on a logarithmic scale: right of the line at 1 it is met. Blue: as good as its limit."""
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "presence"  # The same numbers are the same file.
    names = [result.name for result in results]
    reached = [result.ratio / result.target for result in results]
    figure, axes = pyplot.subplots(figsize=(9, 0.35 * len(results) + 1))
    axes.barh(names, reached, color=[COLOURS[result.verdict] for result in results])
    axes.axvline(1, color="#444444", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("ratio reached, as a multiple of the target")
    axes.invert_yaxis()
    for at, result in enumerate(results):
        axes.text(reached[at], at, f" {result.ratio:.2f} of {result.target:g}", va="center", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
