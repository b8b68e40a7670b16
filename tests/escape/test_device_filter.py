# SPDX-License-Identifier: Apache-2.0
"""E76, while the rules change, and E77: what the device filter's making does to memory."""

import json
import sys

import bpf
from harness import equal, true
from marks import attacker, parametrize
from test_dev_traps import FORBIDDEN, MKNOD

# Opening these takes a privilege anyway; each twin shows that the others open where the rules allow it.
DEVICES = [words.replace(" ", ":") for words in FORBIDDEN if words != "c 10 200"]
NOTHING = [{"allow": False, "access": "rwm"}]
LISTS = [NOTHING, [], [*NOTHING, {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "r"}],
         [*NOTHING, *({"allow": True, "type": "c", "major": 4, "minor": 200 + minor, "access": "rw"} for minor in range(50))]]


def opener(t, devices, rules, exec_later=False):
    """A container that opens devices until /tmp/stop is there; (container, file with its output, function to stop it)."""
    stop = "/tmp/stop"
    program = ["/opener", stop, *devices]
    bundle = t.plant(t.bundle(*(["sleep", "300"] if exec_later else program)), "opener")
    bundle.capabilities(**MKNOD).add_mount("/tmp", "tmpfs", "tmpfs", "mode=1777")
    bundle.edit(lambda config: config["linux"]["resources"].update(devices=rules))
    box = t.container(bundle=bundle)
    return box, program, lambda: open(f"/proc/{box.pid}/root{stop}", "x").close()


def update(t, box, rules):
    """Changes the rules; the controls take them and leave the filter as it is."""
    t.runtime("update", "--resources", "-", box.id, stdin=json.dumps({"devices": rules}).encode()).exits(0)


def opened(text):
    """The devices that were opened, and the number of rounds."""
    lines = [line.split() for line in text.splitlines()]
    return {words[1] for words in lines if words[0] == "opened"}, sum(int(words[1]) for words in lines if words[0] == "rounds")


@attacker("A2")
@parametrize("how", ["run", "create and start", "exec"])
def test_E76_device_filter_meanwhile(t, how):
    """From the first instruction on, and while the rules are replaced again and again, no device opens that none allows."""
    seen, rounds = watched(t, how, DEVICES, NOTHING, LISTS)
    equal(seen, set(), "devices that were opened")
    true(rounds > 100, f"only {rounds} rounds")
    t.note(f"{rounds} rounds")


@attacker("A2")
@parametrize("how", ["run", "create and start", "exec"])
def test_E76_harmless_device_filter_allows(t, how):
    """A device that every list allows opens."""
    allowed = [{"allow": True, "type": "c", "major": 1, "minor": 11, "access": "w"}]
    seen, _ = watched(t, how, ["c:1:11", "c:1:1"], allowed, [allowed] * 3)
    equal(seen, {"c:1:11"}, "devices that were opened")


def watched(t, how, devices, rules, lists):
    """What a container opens that was begun this way while it gets these lists of rules, several times over."""
    box, program, stop = opener(t, devices, rules, how == "exec")
    output = t.scratch / "opened"
    with open(output, "wb") as file:
        child = begin(t, box, how, program, file)
        for number in range(t.rounds(60, 3000, 10)):
            update(t, box, lists[number % len(lists)])
        stop()
        if child:
            child.wait(t.patience * 10)
        else:
            box.wait()
    return opened(output.read_text())


def begin(t, box, how, program, file):
    """Starts the container; the Popen of what is attached, or None."""
    if how == "run":
        return box.run_in_background(stdout=file)
    if how == "exec":
        box.run_detached().exits(0)
        return box.exec_in_background(*program, stdout=file)
    box.create(stdout=file).exits(0)
    for rules in LISTS:
        update(t, box, rules)
    box.start().exits(0)
    return None


# ---- E77 ---------------------------------------------------------------------------------------------------

# A caller whose attribute is too small, as all were for BPF_PROG_QUERY on 6.17: the kernel writes behind it.
CARELESS = """import ctypes, os, struct
attribute = ctypes.create_string_buffer(struct.pack("<IIII", os.open("/sys/fs/cgroup", os.O_RDONLY), 6, 0, 0) + b"\\xaa" * 1000)
print(ctypes.CDLL(None).syscall({number}, {query}, attribute, 16))
"""


def watch_calls(t, command, **options):
    """{command of bpf(2): (calls, smallest attribute, attributes behind which the kernel wrote)}"""
    result = t.runtime.exec([t.built("bpf_canary"), *map(str, command)], **options).exits(0)
    rows = [list(map(int, line.split())) for line in result.lines() if line and all(word.isdigit() for word in line.split())]
    return {row[0]: tuple(row[1:]) for row in rows if len(row) == 4}


@attacker("A2")
def test_E77_attribute_canary(t):
    """In no call of create and update the kernel writes past the end of the attribute, and each has room for what newer ones write."""
    box = t.container("sleep", "300")
    found = [watch_calls(t, box.runtime.command("run", "--detach", "--bundle", box.bundle.path, "--pid-file", box.pid_file, box.id))]
    for number in range(t.rounds(20, 10000, 5)):
        rules = json.dumps({"devices": LISTS[number % len(LISTS)]}).encode()
        found.append(watch_calls(t, box.runtime.command("update", "--resources", "-", box.id), stdin=rules))
    for calls in found:
        for command, (_, smallest, overwritten) in calls.items():
            equal(overwritten, 0, f"attributes of bpf({command}) after which the kernel wrote")
            true(t.control or smallest >= 256, f"the attribute of bpf({command}) has {smallest} bytes only")
    seen = set().union(*found)
    true(bpf.LOAD in seen and bpf.ATTACH in seen, f"bpf(2) was not seen, but {seen}")
    true(t.control or bpf.QUERY in seen, "an update did not look for its program")


@attacker("A2")
def test_E77_harmless_attribute_canary_sees(t):
    """The canary sees what the kernel writes behind an attribute that is too small."""
    script = t.scratch / "careless.py"
    script.write_text(CARELESS.format(number=bpf.NUMBER, query=bpf.QUERY))
    calls = watch_calls(t, [sys.executable, "-B", script])
    equal(calls.get(bpf.QUERY), (1, 16, 1), "calls, size and overwritten attributes of BPF_PROG_QUERY")
