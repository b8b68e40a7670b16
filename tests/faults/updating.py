# SPDX-License-Identifier: Apache-2.0
"""`update`, broken, in a container that goes on running all the time.

EPERM, ENOSYS and ENOMEM at any step: exit 1, the error names that step, and every limit and the device program are what
they were. `kill`: the runtime is killed there. After each of them nobody but init is in the cgroup, no file is left,
`state` says what it said before, and a further update works.

The limit is one of huge pages, which is there on machines whose other controllers belong to cgroup v1.
"""

import json
import pathlib
import time

import bpf
import harness
import remains
import steps as walk

FILES = ("hugetlb.2MB.max", "hugetlb.2MB.rsvd.max")
STEPS = [walk.Step(0, "host", "enable_controllers", "hugetlb, and what can be had"),
         walk.Step(1, "host", "change_limits", ", ".join(f"{file} {{0}}" for file in FILES)),
         walk.Step(2, "host", "replace_device_filter", "46 instructions")]
RULE = {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "w"}
BEFORE, BROKEN, AFTER = "4194304", "6291456", "8388608"


def limits(subject):
    return {pathlib.Path("/sys/fs/cgroup", subject.id, file).read_text().strip() for file in FILES}


def programs(subject):
    return bpf.programs(pathlib.Path("/sys/fs/cgroup", subject.id))


def update(subject, limit, *flags):
    """One update to this limit, with other device rules."""
    file = subject.root.parent / "resources.json"
    file.write_text(json.dumps({"hugepageLimits": [{"pageSize": "2MB", "limit": int(limit)}], "devices": [RULE]}))
    return subject.call("update", "--resources", file, *flags, subject.id)


def set_to(subject, limit):
    """What is wrong with an update that has to work, in sentences."""
    result = update(subject, limit)
    problems = [f"update to {limit}: exit {result.returncode}, {result.stderr!r}"] if result.returncode != 0 else []
    names = list(programs(subject).values())
    problems += [] if names == [bpf.OURS] else [f"programs are {names}"]
    return problems + ([] if limits(subject) == {limit} else [f"limits are {limits(subject)}, not {limit}"])


def inject(subject, step, action, before):
    """One fault."""
    state, problems = subject.state(), set_to(subject, BEFORE)
    attached = programs(subject)
    result = update(subject, BROKEN, "--fault", f"{step.number}:{action}")
    if action == "kill":
        problems += [] if result.returncode == -9 else [f"exit {result.returncode}: the runtime was not killed"]
    else:
        problems += [] if result.returncode == 1 else [f"exit {result.returncode} instead of 1"]
        problems += walk.wrong_words(step, action, result.stderr)
    # Nobody is there to take the limits back that were written before it was killed.
    expected = BROKEN if action == "kill" and step.number == 2 else BEFORE
    if limits(subject) != {expected}:
        problems.append(f"limits are {limits(subject)}, not {expected}")
    if programs(subject) != attached:
        problems.append(f"the device programs were {attached}, are {programs(subject)}")
    if (now := subject.state()) != state:
        problems.append(f"the state was {state}, is {now}")
    return problems + set_to(subject, AFTER) + remains.left(subject.root, before)


def break_everywhere(subject, totals):
    """Every step and every action, in one container."""
    empty, begin = remains.traces_of_life(subject.root), time.monotonic()
    subject.begin()
    before = remains.traces_of_life(subject.root)
    steps = [walk.Step(each.number, each.lane, each.verb, each.object.format(BROKEN)) for each in STEPS]
    try:
        count = walk.everywhere(steps, lambda step, action: inject(subject, step, action, before),
                                lambda: remains.sweep(subject.root, before), totals)
    finally:
        gone, rest = subject.delete(), remains.left(subject.root, empty)
        if rest:
            remains.sweep(subject.root, empty)
    harness.true(gone.returncode == 0 and not gone.stderr, f"delete --force: exit {gone.returncode}, {gone.stderr!r}")
    harness.true(not rest, f"after delete --force: {rest}")
    return f"{len(steps)} steps, {count} faults, {time.monotonic() - begin:.1f} s"
