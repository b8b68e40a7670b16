# SPDX-License-Identifier: Apache-2.0
"""update with device rules: they replace the rules in force, at once and without a trace."""

import json
import os
import subprocess
import time

import pytest

import bpf
import isolation
from harness import contains, equal, eventually, true
from marks import differs, needs, parametrize
from resources import handed_down, lacks
from unprivileged import become_user, delegate, rootless

NOTHING = [{"allow": False, "access": "rwm"}]
KMSG = [*NOTHING, {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "w"}]
IGNORED = "runc ignores device rules in an update"


def ruled(box, rules):
    """The container with a node of the kernel's log; only the rules KMSG allow a program to open it."""
    box.bundle.edit(lambda config: (
        config["linux"].update(devices=[{"path": "/dev/mine", "type": "c", "major": 1, "minor": 11}]),
        config["linux"]["resources"].update(devices=rules)))
    return box


def running(t, rules=NOTHING):
    box = ruled(t.container("sleep", "300"), rules)
    box.run_detached().ok()
    return box


def update(t, box, resources, *flags, **options):
    return t.runtime("update", *flags, "--resources", "-", box.id, stdin=json.dumps(resources).encode(), **options)


def opens(box, *flags):
    """True if a program of the container opens the node; a write needs no privilege of its own."""
    return box.exec("sh", "-c", "(: > /dev/mine) 2> /dev/null && echo yes || echo no", flags=flags).ok().out == "yes\n"


def programs(box):
    return bpf.programs(box.cgroup())


@differs(IGNORED)
def test_new_rules_hold_and_old_ones_do_not(t):
    """Each list of rules replaces the one before, for existing and for new processes."""
    box = running(t)
    equal(opens(box), False, "with nothing allowed")
    update(t, box, {"devices": KMSG}).ok()
    equal(opens(box), True, "with the device allowed")
    update(t, box, {"devices": NOTHING}).ok()
    equal(opens(box), False, "with nothing allowed again")
    equal(list(programs(box).values()), [bpf.OURS], "programs")


@differs(IGNORED)
def test_the_first_process_is_held_by_them(t):
    """A running process has the new rules at its next open."""
    box, go = t.gated("(: > /dev/mine) && echo yes || echo no")
    ruled(box, KMSG)
    out = t.scratch / "gated.out"
    with open(out, "wb") as file:
        child = box.run_in_background(stdout=file)
        update(t, box, {"devices": NOTHING}).ok()
        go()
        equal(child.wait(10), 0, "exit code")
    equal(out.read_text(), "no\n", "stdout")


@differs(IGNORED)
def test_between_create_and_start(t):
    """A created container starts with the rules of the update."""
    box = ruled(t.container("sh", "-c", "(: > /dev/mine) 2> /dev/null"), KMSG)
    box.create().ok()
    update(t, box, {"devices": NOTHING}).ok()
    box.start().ok()
    true(box.wait() != 0, "it could open the device")


@differs(IGNORED)
def test_a_paused_container(t):
    """A paused container accepts new rules."""
    box = running(t)
    t.runtime("pause", box.id).ok()
    update(t, box, {"devices": KMSG}).ok()
    t.runtime("resume", box.id).ok()
    equal(opens(box), True, "with the device allowed")


@differs(IGNORED)
def test_sub_cgroups_are_held_by_them(t):
    """The rules hold in cgroups below the container's too."""
    box = running(t)
    (box.cgroup() / "sub/deeper").mkdir(parents=True)
    update(t, box, {"devices": KMSG}).ok()
    equal(opens(box, "--cgroup", "sub/deeper"), True, "with the device allowed")
    update(t, box, {"devices": NOTHING}).ok()
    equal(opens(box, "--cgroup", "sub/deeper"), False, "with nothing allowed")


@parametrize("_, resources", [("none", {}), ("null", {"devices": None}), ("an empty list", {"devices": []})])
def test_without_rules_nothing_changes(t, _, resources):
    """An update that names no rules leaves the program in place."""
    box = running(t)
    before = programs(box)
    update(t, box, resources).exits(0)
    equal(programs(box), before, "programs")


@differs(IGNORED)
def test_the_defaults_stay(t):
    """The devices that every container may use need no rule."""
    box = running(t)
    update(t, box, {"devices": NOTHING}).ok()
    box.exec("sh", "-c", "head -c 1 /dev/zero > /dev/null && head -c 1 /dev/urandom > /dev/null").ok()


# A shell has less overhead between the calls than Python.
FIVE_HUNDRED_TIMES = """n=0; while [ $n -lt 500 ]; do
    for file in nothing kmsg; do "$@" "$0/$file" || exit 1; done; n=$((n + 1))
done"""


@pytest.mark.released
@differs(IGNORED)
@pytest.mark.timeout(200)
def test_a_thousand_updates_leave_one_program(t):
    """Each update removes the program of the update before: one is attached, and one is loaded."""
    box = running(t)
    for name, rules in (("nothing", NOTHING), ("kmsg", KMSG)):
        (t.scratch / name).write_text(json.dumps({"devices": rules}))
    command = t.runtime.command("update", box.id, "--resources")
    child = t.runtime.start(["sh", "-c", FIVE_HUNDRED_TIMES, t.scratch, *command])
    seen = set()
    while child.poll() is None:
        now = bpf.attached(box.cgroup())  # without their names: a program may be gone before the case asks for its name
        equal(len(now), 1, "programs of the cgroup at this moment")
        seen |= set(now)
        time.sleep(0.05)
    equal(child.returncode, 0, "exit code of the loop")
    now = programs(box)
    equal(list(now.values()), [bpf.OURS], "programs of the cgroup")
    true(len(seen) > 10, f"only {len(seen)} programs were seen meanwhile")
    eventually(lambda: not any(map(bpf.is_loaded, seen - set(now))), "programs of earlier updates are loaded")
    equal(opens(box), True, "with the last rules")


def no_systemd():
    return None if os.path.isdir("/run/systemd/system") else "systemd is not running here"


@differs(IGNORED)
@needs(no_systemd)
@pytest.mark.timeout(120)
def test_daemon_reload_takes_nothing_away(t):
    """A service manager that reloads its units leaves the rules of creation and update in force."""
    box = running(t)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    equal(opens(box), False, "with nothing allowed")
    update(t, box, {"devices": KMSG}).ok()
    before = programs(box)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    equal(programs(box), before, "programs")
    equal(opens(box), True, "with the device allowed")
    box.delete("--force").ok()
    box.wait()


@differs(IGNORED)
def test_programs_of_others_stay(t):
    """update does not remove a program that a service manager or a hook has attached to the cgroup."""
    box = running(t)
    bpf.attach(box.cgroup(), "sd_devices")
    for rules in (KMSG, NOTHING, KMSG):
        update(t, box, {"devices": rules}).ok()
    equal(sorted(programs(box).values()), [bpf.OURS, "sd_devices"], "programs")
    equal(opens(box), True, "with the device allowed")


def hooked(t):
    """A container whose device program a hook has replaced by one of its own, which allows more, as for a GPU."""
    box = running(t)
    ours, = programs(box)
    bpf.attach(box.cgroup(), "hook_gpu")
    bpf.detach(box.cgroup(), ours)
    equal(opens(box), True, "with the hook's program")
    return box


@differs(IGNORED)
def test_the_rules_of_the_creation_are_no_news(t):
    """An engine that resends the rules of the creation does not revoke a device that a hook has allowed."""
    box = hooked(t)
    update(t, box, {"devices": NOTHING}).ok()
    equal(list(programs(box).values()), ["hook_gpu"], "programs")


@differs(IGNORED)
def test_other_rules_hold_beside_a_hooks(t):
    """Rules that differ from those of the creation hold even if a hook has attached a program."""
    box = hooked(t)
    update(t, box, {"devices": [{"allow": True, "type": "c", "major": 4, "minor": 200, "access": "r"}]}).ok()
    equal(sorted(programs(box).values()), [bpf.OURS, "hook_gpu"], "programs")
    equal(opens(box), False, "with both programs")


@differs(IGNORED)
def test_what_a_killed_runtime_left_goes(t):
    """If a killed runtime left a second program of ours, update leaves one."""
    box = running(t)
    bpf.attach(box.cgroup(), bpf.OURS)
    update(t, box, {"devices": KMSG}).ok()
    equal(list(programs(box).values()), [bpf.OURS], "programs")
    equal(opens(box), True, "with the device allowed")


def test_what_a_stopped_container_left_does_not_hold(t):
    """A container that takes over the empty cgroup of a stopped container has only its own rules."""
    first, second = ruled(t.container("true"), NOTHING), ruled(t.container("sh", "-c", ": > /dev/mine"), KMSG)
    for box in (first, second):
        box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{first.id}"))
    first.run_detached().ok()
    first.wait()
    second.run().ok()
    first.delete().ok()


WRONG = [("no access", {"allow": True}, "device access cannot be empty"), ("a letter", {"allow": True, "access": "x"}, "\"x\""),
         ("a type", {"allow": True, "type": "z", "access": "r"}, "\"z\"")]


@differs(IGNORED)
@parametrize("_, rule, word", WRONG)
def test_a_wrong_rule_changes_nothing(t, _, rule, word):
    """The error names the rule, and the program stays."""
    box = running(t)
    before = programs(box)
    result = update(t, box, {"devices": [*NOTHING, rule]}).exits(1)
    contains(result.err, "-: /devices/1", "stderr")
    contains(result.err, word, "stderr")
    equal(programs(box), before, "programs")


TWO_PAGES, FOUR_PAGES = ({"hugepageLimits": [{"pageSize": "2MB", "limit": pages << 21}]} for pages in (2, 4))


@differs(IGNORED)
@needs(lacks("hugetlb"))
@parametrize("_, rule, flags", [("a wrong rule", {"allow": True, "access": "x"}, []),
                                                           ("a step that fails", KMSG[1], ["--fault", "2:EPERM"])])
def test_rules_and_limits_change_together(t, _, rule, flags):
    """If the rules cannot be changed, the limits of the same update stay as they were."""
    box = ruled(t.container("sleep", "300"), NOTHING)
    box.bundle.edit(lambda config: config["linux"]["resources"].update(TWO_PAGES))
    with handed_down("hugetlb"):
        box.run_detached().ok()
        limit, before = box.cgroup() / "hugetlb.2MB.max", programs(box)
        update(t, box, {"devices": [*NOTHING, rule], **FOUR_PAGES}, *flags).exits(1)
        equal((int(limit.read_text()), programs(box)), (2 << 21, before), "limit and programs")
        update(t, box, {"devices": KMSG, **FOUR_PAGES}).ok()
        equal((int(limit.read_text()), opens(box)), (4 << 21, True), "limit, and if the device opens")
        box.delete("--force").ok()
        box.wait()


@differs("runc has no --fault")
@parametrize("action", ["EPERM", "ENOMEM", "kill"])
def test_a_failing_update_leaves_the_program(t, action):
    """If the step fails, or a signal kills the runtime, the old rules hold, and the next update works."""
    box = running(t, rules=KMSG)
    before = programs(box)
    true(update(t, box, {"devices": NOTHING}, "--fault", f"0:{action}").code != 0, "it did not fail")
    equal(programs(box), before, "programs")
    update(t, box, {"devices": NOTHING}).ok()
    equal(opens(box), False, "with nothing allowed")
    equal(len(programs(box)), 1, "programs")


@differs(IGNORED)
def test_rules_of_a_rootless_container_are_no_error(t):
    """Without privileges there is no filter: update accepts rules, as create does."""
    become_user(t)
    top = delegate(t)
    box = t.container(bundle=rootless(t.bundle("sleep", "60")))
    box.run_detached().ok()
    update(t, box, {"devices": KMSG}).ok()
    box.delete("--force").ok()
    box.wait()
    eventually(lambda: isolation.remove_tree(top) or not top.exists(), "the user's cgroup is in use")
