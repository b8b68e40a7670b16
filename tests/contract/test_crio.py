# SPDX-License-Identifier: Apache-2.0
"""CRI-O: a pod's container from create to delete, and how CRI-O reads its state."""

import os

from caller import until_end
from crio import Crio, NotFound
from harness import contains, equal, eventually, true
from marks import breaks, parametrize
from podman import alive
from test_podman import without


def made(t, crio, *args, change=None, **fields):
    bundle = t.bundle(*(args or ("sleep", "60")), **fields)
    if change:
        bundle.edit(change)
    return crio.create(t.fresh_id(), bundle.path)


def running(t, crio, *args, **how):
    box = made(t, crio, *args, **how)
    crio.start(box.name)
    return box


def forget(crio, box):
    """What follows conmon's word of the end."""
    box.read()
    crio.delete(box.name)


def end(crio, box):
    """Stop, the end at conmon, and delete, which is quiet."""
    crio.stop(box)
    code = box.exit_code()
    forget(crio, box)
    return code


def not_found(function, *arguments):
    """True if CRI-O takes the call's failure for "gone already"."""
    try:
        function(*arguments)
    except NotFound:
        return True
    return False


def test_life(t):
    """`--root=R` by conmon and `--root R` by CRI-O are one root: created, running, stopped, gone."""
    crio = Crio(t)
    box = made(t, crio, "sh", "-c", "echo out; echo err >&2; exit 3")
    equal((crio.state(box.name)["status"], crio.state(box.name)["pid"]), ("created", box.pid), "state")
    crio.start(box.name)
    equal((box.exit_code(), box.read()), (3, ("out\n", "err\n")), "exit code and output")
    equal(crio.state(box.name)["status"], "stopped", "status")
    crio.delete(box.name)


def test_a_pid_that_is_gone(t):
    """State is decoded on top of the last one: a stopped container says pid 0 aloud, and the same when asked again."""
    crio = Crio(t)
    box = running(t, crio)
    equal(crio.state(box.name)["pid"], box.pid, "pid")
    crio.stop(box)
    equal([(state["status"], state["pid"]) for state in (crio.state(box.name), crio.state(box.name))],
          [("stopped", 0)] * 2, "states before conmon has collected it")
    equal(box.exit_code(), 137, "exit code")
    equal([(state["status"], state["pid"]) for state in (crio.state(box.name), crio.state(box.name))],
          [("stopped", 0)] * 2, "states after the end")
    forget(crio, box)


def test_words_and_times(t):
    """The words are created, running, paused and stopped, and `created` is the same RFC 3339 time in all of them."""
    crio = Crio(t)
    box = made(t, crio)
    seen = [crio.state(box.name)]
    for verb in (crio.start, crio.pause, crio.resume):
        verb(box.name)
        seen.append(crio.state(box.name))
    crio.stop(box)
    seen.append(crio.state(box.name))
    equal([state["status"] for state in seen], ["created", "running", "paused", "running", "stopped"], "words")
    equal({state["created"] for state in seen}, {seen[0]["created"]}, "times")
    equal(box.exit_code(), 137, "exit code")
    forget(crio, box)


def test_stop_by_a_number(t):
    """The stop signal is a decimal number, and who obeys is not killed."""
    crio = Crio(t)
    box = running(t, crio, "sh", "-c", "trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done")
    equal(os.read(box.stdout, 64), b"ready\n", "what it says")
    equal(crio.stop(box, 15, patience=60), 0, "calls of `kill ID KILL`")
    equal(end(crio, box), 4, "exit code")


def test_kill_by_name_again_and_again(t):
    """Who does not obey gets `kill ID KILL` until the process is gone; from then on it is "not running", never another
    failure."""
    crio = Crio(t)
    box = running(t, crio, "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    equal(os.read(box.stdout, 64), b"ready\n", "what it says")
    true(crio.stop(box) > 0, "SIGTERM was enough")
    for _ in range(2):
        true(not_found(crio.call, "kill", box.name, "KILL"), "a dead process can be killed")
    equal(box.exit_code(), 137, "exit code")
    true(not_found(crio.call, "kill", box.name, "KILL"), "a collected process can be killed")
    forget(crio, box)


def test_stop_of_a_paused_one(t):
    """A paused container is resumed, then killed."""
    crio = Crio(t)
    box = running(t, crio)
    crio.pause(box.name)
    crio.resume(box.name)
    equal(end(crio, box), 137, "exit code")


def test_everybody_behind_the_end(t):
    """With the node's pid namespace `kill -a ID 9` comes after the end, does not fail, and ends the processes that are left."""
    crio = Crio(t)
    box = running(t, crio, "sh", "-c", "setsid sleep 60 & exit 5", change=without("pid"))
    equal(box.exit_code(), 5, "exit code")
    equal(crio.state(box.name)["status"], "stopped", "status")
    crio.kill_all(box.name)
    equal(until_end([box.stdout, box.stderr]), [b"", b""], "output")
    crio.kill_all(box.name)
    crio.delete(box.name)


def test_everybody_where_nobody_is_left(t):
    """`kill -a ID 9` does not fail after the end of a container that left no process."""
    crio = Crio(t)
    box = running(t, crio, "true", change=without("pid"))
    equal(box.exit_code(), 0, "exit code")
    box.read()
    crio.kill_all(box.name)
    crio.delete(box.name)


@breaks({"nulls in sections": "panics", "nulls for sections": "panics"})
@parametrize("_, resources", [
    ("empty sections", {"memory": {}, "cpu": {}, "devices": [{"allow": False, "access": "rwm"}]}),
    ("nulls in sections", {"memory": {"limit": None, "swap": None}, "cpu": {"shares": None}}),
    ("nulls for sections", {"memory": None, "cpu": None, "pids": None, "unified": None})])
def test_update_in_two_words(t, _, resources):
    """`update --resources - ID` reads stdin to its end, takes {} as no change, and says nothing."""
    crio = Crio(t)
    box = running(t, crio)
    crio.update(box.name, resources)
    equal(crio.state(box.name)["status"], "running", "status")
    end(crio, box)


def test_gone_already(t):
    """`delete --force` of who is gone is success, `kill` of who has ended ErrNotFound, `state` of who is gone 255."""
    crio = Crio(t)
    box = running(t, crio, "true")
    equal(box.exit_code(), 0, "exit code")
    box.read()
    true(not_found(crio.call, "kill", box.name, "15"), "kill of a container that has ended is another failure")
    for _ in range(2):
        crio.call("delete", "--force", box.name).silent()
    equal(crio.state(box.name), {"status": "stopped", "exitCode": 255}, "state")


def test_restart_of_crio(t):
    """A new CRI-O without memory has the whole state from one call: the fields of its struct are all there."""
    box = running(t, Crio(t))
    crio = Crio(t)
    state = crio.state(box.name)
    equal({name for name in ("id", "status", "pid", "bundle", "created", "ociVersion") if not state.get(name)}, set(),
          "fields that are missing")
    end(crio, box)


def test_features(t):
    """`features` is JSON with stdout and stderr in one pipe; ociVersionMin and ociVersionMax are not empty."""
    document = Crio(t).features()
    true("rro" in document["mountOptions"] or t.control, "no rro")
    contains(document, "linux", "the document")


def test_taskset(t):
    """With infra_ctr_cpuset every call goes by `taskset -c CPUS`, whose process becomes the runtime."""
    crio = Crio(t, prefix=["taskset", "-c", "0"])
    box = running(t, crio)
    equal(crio.state(box.name)["pid"], box.pid, "pid")
    end(crio, box)


def test_living_by_the_start_time(t):
    """The pid of `state` is a process whose start time does not change, from create to the end: CRI-O compares it."""
    crio = Crio(t)
    box = made(t, crio)
    def born():
        with open(f"/proc/{crio.state(box.name)['pid']}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[19]
    before = born()
    crio.start(box.name)
    equal(born(), before, "start time")
    true(alive(box.pid), "it does not live")
    end(crio, box)


def test_killed_from_outside(t):
    """A container that the kernel kills, as for want of memory, is stopped for `state` at once, collected or not."""
    crio = Crio(t)
    box = running(t, crio)
    os.kill(box.pid, 9)
    eventually(lambda: not alive(box.pid), "it lives", 15)
    equal(crio.state(box.name)["status"], "stopped", "status")
    equal(box.exit_code(), 137, "exit code")
    forget(crio, box)
