"""Renews docs/performance.md, its charts and its results.json from the JSON of a run:

    PYTHONPATH=bench python3 -m suite.publish bench/results/DATE-TIME.json [OTHER.json ...]

The first is the run; what the others have, rows or parts, takes the place of the same or is added, and the page says of which revision it is. In the
document each block between `<!-- NAME -->` and `<!-- end -->` is written anew, the text around them is not: read it again."""

import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import fields

from . import report
from .measure import Result
from .parts import PARTS
from .rows import ROWS

DOCS = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "docs"))


def load(path):
    with open(path) as file:
        return json.load(file)


def merged(paths):
    """`elsewhere`: what is of another revision than the first file, as [revision, names]."""
    run = {**load(paths[0]), "elsewhere": []}
    for path in paths[1:]:
        later = load(path)
        if later["machine"] != run["machine"]:
            sys.exit(f"{path} was measured on another machine, or with other huge pages, than {paths[0]}")
        rows = {row["name"]: row for row in run["rows"] + later["rows"]}
        parts = {part.NAME: later[part.NAME] for part in PARTS if part.NAME in later}
        run.update(rows=[rows[row.name] for row in ROWS if row.name in rows], **parts)
        names = [row["name"] for row in later["rows"]] + list(parts)
        for _, replaced in run["elsewhere"]:
            replaced[:] = [name for name in replaced if name not in names]
        run["elsewhere"].append([later["versions"]["presence"], names])
    return run


def result_of(row):
    return Result(**{field.name: row[field.name] for field in fields(Result)})


def machine_line(run):
    machine = run["machine"]
    versions = run["versions"]
    return (f"{run['date']}, presence {versions['presence']}, {versions['postgres']}, {versions['redis'].split(' sha')[0]}, on {machine['cores']} cores "
            f"({machine['cpu']}), {machine['memory_GiB']} GiB, huge pages {machine.get('huge_pages', 'not known')}, Linux {machine['kernel']}; "
            f"{run['rounds']} rounds of {run['seconds']} seconds a side, {run['took_seconds'] // 60} minutes in all. "
            "`in rounds` has the lowest and highest ratio of a round."
            + "".join(f" Of presence {revision}: {', '.join(names)}." for revision, names in run["elsewhere"] if names))


def with_block(text, name, content):
    changed, count = re.subn(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", lambda block: block[1] + content + block[2], text, flags=re.S)
    if count != 1:
        sys.exit(f"docs/performance.md has {count} blocks <!-- {name} -->")
    return changed


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    run = merged(sys.argv[1:])
    results = [result_of(row) for row in run["rows"]]
    charts = f"{DOCS}/performance"
    page = f"{DOCS}/performance.md"
    with open(page) as file:
        text = file.read()
    text = with_block(text, "machine", machine_line(run))
    if results:
        text = with_block(text, "rows", report.as_table_of_markdown(results))
        report.write_chart(f"{charts}/rows.svg", results)
    for part in PARTS:
        if part.NAME in run:
            text = with_block(text, part.NAME, f"```\n{part.as_text(run[part.NAME])}\n```")
            with tempfile.TemporaryDirectory() as drawn:  # It may write more than the chart.
                part.write_charts(f"{drawn}/run", run[part.NAME])
                shutil.copy(f"{drawn}/run-{part.NAME}.svg", f"{charts}/{part.NAME}.svg")
    with open(page, "w") as file:
        file.write(text)
    report.write_json(f"{charts}/results.json", run, results, {})


if __name__ == "__main__":
    main()
