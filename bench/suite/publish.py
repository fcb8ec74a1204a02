"""Renews docs/performance.md, its charts and its results.json from the JSON of a run:

    PYTHONPATH=bench python3 -m suite.publish bench/results/DATE.json [OTHER.json ...]

What a later file has takes the place of the same in one before; charts are drawn of what is published. In the document each block
between `<!-- NAME -->` and `<!-- end -->` is written anew, the text around them is not: read it again."""

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

DOCS = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "docs"))


def merged(paths):
    run = {}
    for path in paths:
        with open(path) as file:
            later = json.load(file)
        rows = {row["name"]: row for row in run.get("rows", []) + later["rows"]}
        run = {**run, **later, "rows": list(rows.values())}
    return run


def result_of(row):
    return Result(**{field.name: row[field.name] for field in fields(Result)})


def machine_line(run):
    machine = run["machine"]
    versions = run["versions"]
    return (f"{run['date']}, presence {versions['presence']}, {versions['postgres']}, {versions['redis'].split(' sha')[0]}, on {machine['cores']} cores "
            f"({machine['cpu']}), {machine['memory_GiB']} GiB, {machine['huge_pages_MiB']} MiB of huge pages, Linux {machine['kernel']}; "
            f"{run['rounds']} rounds of {run['seconds']} seconds a side, {run['took_seconds'] // 60} minutes in all, nothing else running. "
            "`in rounds` has the lowest and highest ratio of a round.")


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
    with open(f"{charts}/results.json", "w") as file:
        json.dump(run, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
