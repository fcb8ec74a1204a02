"""The soak over time: small multiples, one for each thing that must not grow."""


def write(path, result):
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot
    matplotlib.rcParams["svg.hashsalt"] = "presence"  # The same numbers are the same file.
    figure, grid = pyplot.subplots(4, 2, figsize=(11, 10), sharex=True)
    panels = list(panels_of(result))
    for axes, (title, lines) in zip(grid.flat, panels):
        for label, at, values in lines:
            axes.plot([seconds / 60 for seconds in at], values, linewidth=1, label=label)
        axes.set_title(title, fontsize=9)
        axes.set_ylim(bottom=0)
        if all(label for label, _, _ in lines):
            axes.legend(fontsize=7, loc="upper left")
    for axes in grid[-1]:
        axes.set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def panels_of(result):
    """Title, and of each line its label, seconds and values."""
    samples, latency, rates = result["samples"], result["latency"], result["rates"]

    def sampled(label, value):
        return label, [sample["at"] for sample in samples], [value(sample) for sample in samples]

    def measured(label, windows, name):
        return label, [window["at"] for window in windows], [window[name] for window in windows]

    tables = sorted(samples[0]["dead"])
    pids = sorted({pid for sample in samples for pid in sample["memory"]})
    yield "own memory of each process, MB", [
        sampled("", lambda sample, pid=pid: sample["memory"].get(pid, float("nan")) / 1024) for pid in pids]
    yield "presence.memory ever used, MB", [sampled("", lambda sample: sample["region"] / 1024)]
    yield "done a second", [measured(name, windows, "rate") for name, windows in rates.items()]
    yield "behind schedule, ms", [measured(name, windows, "lag") for name, windows in rates.items()]
    yield "COMMIT to listener, ms", [measured(name, latency, name) for name in ("p50", "p99", "longest")]
    yield "notification queue used, %", [sampled("", lambda sample: 100 * sample["notifications"])]
    yield "dead rows", [sampled(table, lambda sample, table=table: sample["dead"].get(table, float("nan"))) for table in tables]
    yield "size of tables with indexes, MB", [sampled(table, lambda sample, table=table: sample["bytes"][table] / 1024 / 1024) for table in sorted(samples[0]["bytes"])]
