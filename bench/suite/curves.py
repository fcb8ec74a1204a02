"""Curves: one quantity by the number of users, the exponents with which it grows, and how curves are printed and drawn.

What has a floor, such as the start of a server, hardly grows as long as there are few users. So the exponent of the whole curve is
too low there, and that of the last decade is nearer to how it goes on.
"""

import math
import statistics
from dataclasses import dataclass

from .report import number


@dataclass(frozen=True)
class Share:
    """One user's part of a quantity, in a unit of its own."""
    unit: str
    in_whole: float     # so many of these are one of the whole's unit


@dataclass(frozen=True)
class Quantity:
    name: str
    work: str
    unit: str
    share: Share = None  # of what is for all users together


def exponent(users, values):
    """The slope in a log-log chart, by least squares: 0 does not grow, 1 grows with the users, 2 with their square."""
    return statistics.linear_regression([math.log(u) for u in users], [math.log(v) for v in values]).slope


def curve(quantity, users, values):
    result = {"name": quantity.name, "work": quantity.work, "unit": quantity.unit, "users": users, "values": values,
              "exponent": exponent(users, values), "exponent_of_last_decade": exponent(users[-2:], values[-2:])}
    if quantity.share:
        shares = [value * quantity.share.in_whole / count for count, value in zip(users, values)]
        result["of_a_user"] = {"unit": quantity.share.unit, "values": shares}
    return result


def lines_of(curves):
    yield ("growth", "unit", *(f"{users:,}" for users in curves[0]["users"]), "exponent", "last decade", "")
    for one in curves:
        yield (one["name"], one["unit"], *map(number, one["values"]), f"{one['exponent']:.2f}", f"{one['exponent_of_last_decade']:.2f}", one["work"])
        if share := one.get("of_a_user"):
            yield ("  of a user", share["unit"], *map(number, share["values"]), "", "", "")


def as_table(curves):
    lines = list(lines_of(curves))
    widths = [max(map(len, column)) for column in zip(*lines)]
    numbers = range(2, len(widths) - 1)
    return "\n".join("  ".join(cell.rjust(width) if i in numbers else cell.ljust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def draw(axes, one):
    """As many decades up as to the right, so that what grows with the users is at 45 degrees and what does not is level."""
    users, values = one["users"], one["values"]
    decades = math.log10(users[-1] / users[0]) + 0.6
    middle = math.sqrt(min(values) * max(values))
    mean_users, mean_value = statistics.geometric_mean(users), statistics.geometric_mean(values)
    fit = [mean_value * (count / mean_users) ** one["exponent"] for count in users]
    axes.loglog(users, fit, color="#999999", linewidth=1)
    axes.loglog(users, values, "o", color="#2f9e6e")
    axes.set_xlim(users[0] / 10 ** 0.3, users[-1] * 10 ** 0.3)
    axes.set_ylim(middle / 10 ** (decades / 2), middle * 10 ** (decades / 2))
    axes.set_box_aspect(1)
    axes.set_title(f"{one['name']}, {one['unit']}: exponent {one['exponent']:.2f}", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(color="#dddddd")


def write_chart(path, curves):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "presence"  # The same numbers are the same file.
    columns = 4
    rows = math.ceil(len(curves) / columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(3 * columns, 3.2 * rows), squeeze=False)
    places = list(grid.flat)
    for axes, one in zip(places, curves):
        draw(axes, one)
    for axes in places[len(curves):]:
        axes.set_visible(False)
    figure.supxlabel("users", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
