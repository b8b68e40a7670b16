# SPDX-License-Identifier: Apache-2.0
"""The system calls of the stage, out of a file that `strace -f -y -o FILE` wrote."""

import re

LINE = re.compile(r"^(\d+) +(.*)$")
RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
COPIED = re.compile(r"^clone\(.*CLONE_PARENT.*\) = (\d+)")
STARTED = re.compile(r'^execveat\(\d+<[^>]*bulkhead-stage>.* = 0$')


def calls_by_process(text):
    """{pid: [call, ...]} with interrupted lines put together again; signals and exits are left out."""
    processes, open_calls = {}, {}
    for line in text.splitlines():
        pid, rest = LINE.match(line).groups()
        if rest.startswith(("---", "+++")):
            continue
        if resumed := RESUMED.match(rest):
            rest = open_calls.pop(pid) + resumed[1]
        if rest.endswith("<unfinished ...>"):
            open_calls[pid] = rest.removesuffix(" <unfinished ...>")
            continue
        processes.setdefault(pid, []).append(re.sub(r"\) +(= )", r") \1", rest))
    return processes


def stages(text):
    """What each stage called, in the order of their births, from its own execveat (without it) up to and with the program's
    execve; where it goes on as a copy of itself, that one's calls follow the end of the first."""
    processes, found = calls_by_process(text), []
    for everything in processes.values():
        for start, call in enumerate(everything):
            if STARTED.match(call):
                calls = everything[start + 1:]
                copy = next((match[1] for match in map(COPIED.match, calls) if match), None)
                calls += processes[copy] if copy else []
                end = next(i for i, each in enumerate(calls) if each.startswith("execve("))
                found.append(calls[:end + 1])
                break
    return found


def stage_calls(text):
    """The container's own stage, which is the first."""
    found = stages(text)
    if not found:
        raise ValueError("no process of the trace became the stage")
    return found[0]
