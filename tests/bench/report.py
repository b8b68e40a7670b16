# SPDX-License-Identifier: Apache-2.0
"""The figures as a table: medians and minima in microseconds, ratios taken round by round."""

import datetime
import os
import pathlib
import statistics

OURS = "bulkhead"


def whole(case, name):
    """The nanoseconds of each round, whole sequences only."""
    return [row[0] for row in case.series.get(name, [])]


def microseconds(nanoseconds):
    return f"{nanoseconds / 1000:,.0f}"


def cell(case, name):
    """Median and, in brackets, the minimum."""
    times = whole(case, name)
    return f"{microseconds(statistics.median(times))} ({microseconds(min(times))})" if times else "-"


def ratio(case, peer):
    """The median of bulkhead / peer over the rounds, since a machine drifts, and the ratio of the minima."""
    ours, theirs = whole(case, OURS), whole(case, peer)
    if not ours or not theirs:
        return "-"
    middle = statistics.median(a / b for a, b in zip(ours, theirs))
    return f"{middle:.2f} ({min(ours) / min(theirs):.2f})"


def rows(cases, names):
    """The table as lists of words; the first list is its head."""
    others = [name for name in names if name != OURS]
    table = [["case", *names, *(f"{OURS}/{peer}" for peer in others)]]
    for case in cases:
        table.append([case.name, *(cell(case, name) for name in names), *(ratio(case, peer) for peer in others)])
        table += step_rows(case, names)
    return table


def step_rows(case, names):
    """The verbs of a sequence, one row each: create, start, (the wait), delete."""
    if "+" not in case.name:
        return []
    lines = []
    for verb, place in {"create": 1, "start": 2, "delete": 4}.items():
        words = ["- " + verb]
        for name in names:
            times = [row[place] for row in case.series.get(name, []) if len(row) == 5]
            words.append(f"{microseconds(statistics.median(times))} ({microseconds(min(times))})" if times else "-")
        lines.append([*words, *("" for _ in names[1:])])
    return lines


def notes(cases):
    """Why a contestant is missing in a case."""
    return [f"{case.name}: {name} was not measured: {why}" for case in cases for name, why in case.missing.items()]


def text_table(cases, names):
    """For people at a terminal."""
    table = rows(cases, names)
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = ["  ".join(word.ljust(width) if i == 0 else word.rjust(width)
                       for i, (word, width) in enumerate(zip(row, widths))).rstrip() for row in table]
    head = "microseconds of wall time, median (minimum); ratios: median of the rounds (ratio of the minima)"
    return "\n".join(["", head, "", *lines, "", *notes(cases)])


def markdown_table(cases, names):
    table = rows(cases, names)

    def line(words):
        return "| " + " | ".join(words) + " |"

    return "\n".join([line(table[0]), "|---|" + "---:|" * (len(table[0]) - 1), *map(line, table[1:])])


def machine():
    """Kernel, processor and load, as the machine names them."""
    models = [line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")]
    load = os.getloadavg()[0]
    return f"Linux {os.uname().release}, {os.cpu_count()} x {models[0] if models else 'unknown'}, load {load:.1f}"


def scheduling(options):
    """What a reader has to know about the other work on the machine."""
    if not options.fifo:
        return "Scheduled as any other process: other work on the machine is in the figures."
    return "Everybody under SCHED_FIFO, because the machine did other work; a quiet machine gives other medians."


def document(cases, everybody, options):
    """docs/performance.md as a whole."""
    names = [who.name for who in everybody]
    template = (pathlib.Path(__file__).parent / "performance.md.in").read_text()
    return template.format(
        date=datetime.date.today().isoformat(), machine=machine(), rounds=options.rounds, warmup=options.warmup,
        scheduling=scheduling(options),
        versions="\n".join(f"- {who.name}: {who.version()}" for who in everybody), table=markdown_table(cases, names),
        notes="\n".join(f"- {note}" for note in notes(cases)))
