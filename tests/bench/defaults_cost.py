#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What /etc/bulkhead/bulkhead.yaml adds to a call: the same calls without it, with one key and with every key.

    tests/bench/defaults_cost.py [ROUNDS]

In a round every variant runs once, in an order drawn anew. Before each call the file is put in place, or taken away
where there is to be none, outside of the time that counts.
"""

import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
import bench  # noqa: E402  (no caches in the tree)
import place  # noqa: E402
import runtimes  # noqa: E402

BULKHEAD = bench.PROJECT / "build/release/bulkhead"
DIRECTORY = "/etc/bulkhead"
BUSYBOX = "/usr/bin/busybox"
ROUNDS = 200
WARMUP = 10
FILES = {
    "none": None,
    "one key": "cgroup-manager: cgroupfs\n",
    "every key": """# Errors and warnings of those who do not say where to
log: {work}/log
log-format: json
log-level: warning

# Containers that are made by hand
cgroup-manager: cgroupfs

overlay-from:
  - /var/lib/layers

overlay-upper-from:
  - /var/lib/uppers

spec:
  hostname: box
  terminal: false
  noNewPrivileges: true
  readonly: true
  env: [PATH=/usr/bin:/bin, TERM=xterm]
  capabilities: []
  rlimits:
    RLIMIT_NOFILE: 65536
  seccomp: default
""",
}
CASES = {"run": lambda who: who.run("tiny")[0], "create": lambda who: who.create("tiny"),
         "state": lambda who: who.state()[0]}


def hide_etc():
    """An /etc of our own, which ends with this mount namespace; what is called here needs nothing of it."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/etc"], check=True)
    subprocess.run([BUSYBOX, "mkdir", DIRECTORY], check=True)


def sequence(work, who, verb, name, text):
    """Put the file there, call, clean up: the second is what counts."""
    target, source = f"{DIRECTORY}/bulkhead.yaml", work / name.replace(" ", "-")
    if text is None:
        first = [BUSYBOX, "rm", "-f", target]
    else:
        source.write_text(text.format(work=work))
        first = [BUSYBOX, "cp", str(source), target]
    behind = [[*who.base, "delete", "--force", who.id]] if verb == "create" else []
    return [first, CASES[verb](who), *behind]


def measure(work, who, verb, rounds):
    """A line of the table: the medians, and the median of what the file adds in a round."""
    bench.prepare(verb, who)
    sequences = [sequence(work, who, verb, name, text) for name, text in FILES.items()]
    found, problem = bench.spawn(work, WARMUP, rounds, sequences)
    who.remove()
    if found is None:
        sys.exit(f"{verb}: {problem}")
    columns = [[int(row[i].split(":")[2]) / 1000 for row in found] for i in range(len(FILES))]
    added = [statistics.median(b - a for a, b in zip(columns[0], column)) for column in columns[1:]]
    medians = " | ".join(f"{statistics.median(column):,.0f}" for column in columns)
    return f"| {verb} | {medians} | " + " | ".join(f"{extra:+,.0f}" for extra in added) + " |"


def main(argv):
    if not place.isolation.inside():
        return place.enter(__file__, argv)
    rounds = int(argv[0]) if argv else ROUNDS
    work = place.settle()
    try:
        place.compile_programs(work)
        runtimes.make_bundles(work, BULKHEAD)
        hide_etc()
        who = runtimes.Runtime("bulkhead", [str(BULKHEAD)], work)
        names = list(FILES)
        print(f"| microseconds | {' | '.join(names)} | {' | '.join('+ ' + name for name in names[1:])} |")
        print("|---|" + "---:|" * (2 * len(names) - 1))
        for verb in CASES:
            print(measure(work, who, verb, rounds), flush=True)
    finally:
        place.leave(work)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
