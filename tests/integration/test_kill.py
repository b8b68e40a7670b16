# SPDX-License-Identifier: Apache-2.0
"""Signals: every name and number, and `kill --all` down to the last process of the cgroup."""

import os
import signal

import pytest

import isolation
import leaks
from harness import command_line, contains, equal, eventually, stop, true
from hooks import removed
from marks import differs, parametrize

pytestmark = pytest.mark.any_cgroups

NOT_CAUGHT = (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)  # SIGCHLD comes from the program's own sleeping children too
NAMES = {number: signal.Signals(number).name for number in range(1, 32) if number not in NOT_CAUGHT}


def catcher(t, numbers):
    """(container, file): a running container that writes the numbers of its signals to the file."""
    traps = "".join(f"trap 'echo {number} >> /tmp/got' {number}; " for number in numbers)
    bundle = t.bundle("sh", "-c", f"{traps} : > /tmp/got; while :; do sleep 0.05; done").writable()
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    got = bundle.rootfs / "tmp/got"
    eventually(got.exists, "the program is not ready")
    return box, got


def cgroup_of(box):
    """The directory of the container's cgroup."""
    for line in box.proc("cgroup").splitlines():
        if line.startswith("0::"):
            return isolation.cgroup2_mount() / line[3:].strip("/").removeprefix("../")
    raise AssertionError("no cgroup v2")


def alive(pid):
    leaks.reap_orphans()
    state = leaks.process_table().get(pid)
    return state is not None and state[1] not in "ZX"


def family(t, script="trap '' TERM; (trap '' TERM; sleep 61) & sleep 62 & wait; wait", pids=2, private=True):
    """(container, pids of all processes below it on the host): a running container with `pids` sleepers below it."""
    bundle = t.bundle("sh", "-c", script)
    box = t.container(bundle=bundle if private else bundle.without_namespace("pid"))
    box.run_detached().ok()
    # Waits for the execs too: a process that has only been forked is still the shell.
    eventually(lambda: [name for *_, name in leaks.descendants(box.pid).values()].count("sleep") >= pids,
               "the children are not there")
    return box, sorted(leaks.descendants(box.pid))


def kill_all(t, box, *arguments, flag="--all"):
    """Fails unless kill succeeds; runc warns if a process is gone before its turn comes."""
    result = t.runtime("kill", flag, box.id, *arguments)
    return result.exits(0) if t.control else result.ok()


def stopped(t):
    box = t.container("true")
    box.run_detached().ok()
    box.wait()
    return box


# ---- signals by name and number -------------------------------------------------------------------------

SPELLINGS = {"number": lambda number, name: str(number), "name": lambda number, name: name[3:],
             "with SIG": lambda number, name: name, "lower case": lambda number, name: name.lower(),
             "mixed case": lambda number, name: "Sig" + name[3:].capitalize()}


@parametrize("spelling", list(SPELLINGS))
def test_every_signal(t, spelling):
    """Each signal that can be caught arrives as itself, in every spelling."""
    box, got = catcher(t, NAMES)
    for number, name in NAMES.items():
        before = got.read_text()
        box.kill(SPELLINGS[spelling](number, name)).ok()
        eventually(lambda text=before, mine=number: got.read_text() == f"{text}{mine}\n",
                   f"{name} does not arrive: {got.read_text()!r}")


@parametrize("name", ["POLL", "IO"])
def test_other_names(t, name):
    """Number 29 has two names."""
    box, got = catcher(t, NAMES)
    result = box.kill(name)
    if t.control and result.code != 0:
        return  # runc knows one of the names
    equal(result.code, 0, f"exit code of {result}")
    eventually(lambda: got.read_text() == "29\n", f"SIG{name} does not arrive")


@parametrize("spelling", ["STOP", "19"])
def test_stop_and_continue(t, spelling):
    """STOP stops the program, CONT lets it go on; the status stays running."""
    box = t.container(bundle=t.bundle("sleep", "60").without_namespace("pid"))
    box.run_detached().ok()
    box.kill(spelling).ok()
    eventually(lambda: leaks.process_table()[box.pid][1] == "T", "the program does not stop")
    equal(box.status(), "running", "status")
    box.kill("CONT").ok()
    eventually(lambda: leaks.process_table()[box.pid][1] == "S", "the program does not go on")


@parametrize("number", [str(number) for number in (32, 33, 34, 50, 64)])
def test_numbers_up_to_64(t, number):
    """Every number that the kernel has can be sent."""
    box = t.container(bundle=t.bundle("sleep", "60").without_namespace("pid"))
    box.run_detached().ok()
    box.kill(number).ok()
    equal(box.wait(), -int(number), "status")


WRONG = ["65", "128", "18446744073709551625", "-9", "9.0", "0x9", "9 ", " 9", "SIG9", "KILLL", "SIGSIGKILL", "SIG-KILL",
         "RTMAX+1", "KILL\n", "İNT"]


@parametrize("_, word", [(ascii(word), word) for word in WRONG])
def test_no_signal_at_all(t, _, word):
    """A word that is no signal is an error, and the container gets no signal."""
    refuses(t, word)


@differs("runc 1.1.5 takes it for 9")
def test_a_number_beyond_32_bits(t):
    """A number does not wrap at 32 bits."""
    refuses(t, str((1 << 32) + 9))


def refuses(t, word):
    box, got = catcher(t, NAMES)
    result = box.kill("--", word) if word.startswith("-") else box.kill(word)
    equal(result.code, 1, f"exit code of {result}")
    true(result.err, "it says nothing")
    equal((got.read_text(), box.status()), ("", "running"), "signals, status")


@parametrize("word", ["0", "00"])
def test_zero_is_a_test(t, word):
    """Signal 0 succeeds for a running container and reaches no process, with --all too."""
    box, got = catcher(t, NAMES)
    box.kill(word).ok()
    kill_all(t, box, word)
    equal((got.read_text(), box.status()), ("", "running"), "signals, status")


def test_of_an_unknown_container(t):
    """The error is that the container does not exist, with --all too."""
    t.root.mkdir()
    for flags in ([], ["--all"]):
        contains(t.runtime("kill", *flags, "nobody", "KILL").exits(1).err, "does not exist", "stderr")


@parametrize("_, *operands", [("none",), ("three", "x", "KILL", "more")])
def test_wrong_number_of_operands(t, _, operands):
    """kill needs an id and accepts at most a signal after it."""
    t.root.mkdir()
    result = t.runtime("kill", *operands)
    true(result.code != 0 and result.err, str(result))


def test_the_signal_reaches_a_created_one(t):
    """The waiting process gets the signal: without a pid namespace of its own TERM ends it."""
    box = t.container(bundle=t.bundle("sleep", "60").without_namespace("pid"))
    box.create().ok()
    box.kill("TERM").ok()
    equal(box.wait(), -signal.SIGTERM, "status")
    equal(box.status(), "stopped", "status")


@parametrize("name", ["HUP", "INT", "QUIT", "TERM"])
def test_a_created_one_in_its_own_pid_namespace_ends(t, name):
    """The waiting process has no handler, and the kernel keeps the signal from a first process: the runtime still ends it."""
    box = t.sleeper()
    box.create().ok()
    box.kill(name).ok()
    status = box.wait()
    true(status != 0 and (status == -signal.SIGKILL or t.control), f"status {status}")
    equal(box.status(), "stopped", "status")


def test_all_of_a_created_one_is_asked_to_end(t):
    """The same holds with --all."""
    box = t.sleeper()
    box.create().ok()
    kill_all(t, box, "TERM")
    true(box.wait() != 0, "it ended with 0")


@parametrize("name", ["USR1", "CONT"])
def test_a_created_one_goes_on(t, name):
    """Other signals do not reach the first process of a pid namespace, and the container can still be started."""
    box = t.container("sh", "-c", "exit 5")
    box.create().ok()
    box.kill(name).ok()
    box.start().ok()
    equal(box.wait(), 5, "status")


def test_only_the_first_process_without_all(t):
    """Without --all only the first process gets a signal other than KILL."""
    script = ("trap 'echo parent >> /tmp/got' USR1; (trap 'echo child >> /tmp/got' USR1; : > /tmp/up; "
              "while :; do sleep 0.05; done) & while :; do sleep 0.05; done")
    bundle = t.bundle("sh", "-c", script).writable()
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    eventually((bundle.rootfs / "tmp/up").exists, "the program is not ready")
    box.kill("USR1").ok()
    got = bundle.rootfs / "tmp/got"
    eventually(lambda: got.exists() and got.read_text(), "the signal does not arrive")
    equal(got.read_text(), "parent\n", "who got it")
    kill_all(t, box, "USR1")
    eventually(lambda: sorted(got.read_text().split()) == ["child", "parent", "parent"], "the child does not get it")


# ---- --all ----------------------------------------------------------------------------------------------

@parametrize("_, flag, private, name", [
    (f"{flag} {'private' if private else 'shared'} {name}", flag, private, name)
    for flag in ("--all", "-a") for private in (True, False) for name in ("KILL", "9")])
def test_all_are_killed(t, _, flag, private, name):
    """`kill --all` ends every process, with a private and with a shared pid namespace."""
    box, children = family(t, private=private)
    kill_all(t, box, name, flag=flag)
    eventually(lambda: not any(alive(pid) for pid in children), "children are alive")


@parametrize("sharing", ["private", "shared"])
def test_all_with_term(t, sharing):
    """`kill --all ID TERM` sends TERM, not KILL: a process that ignores TERM lives, and one that does not dies."""
    box, children = family(t, "sleep 61 & trap '' TERM; sleep 62 & wait; wait; wait", private=sharing == "private")

    def with_argument(number):
        return [pid for pid in children if command_line(pid) == f"sleep\0{number}\0"]
    yielding, stubborn = (eventually(lambda n=number: with_argument(n), "they do not sleep") for number in (61, 62))
    kill_all(t, box, "TERM")
    eventually(lambda: not alive(yielding[0]), "TERM does not arrive")
    true(alive(stubborn[0]) and box.status() == "running", "it was KILL")
    kill_all(t, box, "KILL")
    box.wait()


@parametrize("_, sharing, name", [
    (f"{sharing}, {name}", sharing, name) for sharing in ("private", "shared") for name in ("KILL", "TERM")])
def test_all_in_cgroups_below(t, _, sharing, name):
    """Processes in cgroups below the container's get the signal too."""
    box, children = family(t, "sleep 61 & sleep 62 & sleep 63 & wait; sleep 60", 3, private=sharing == "private")
    top = cgroup_of(box)
    for depth, pid in zip(("a", "a/b", "c"), children):
        (top / depth).mkdir(parents=True, exist_ok=True)
        (top / depth / "cgroup.procs").write_text(str(pid))
    kill_all(t, box, name)
    eventually(lambda: not any(alive(pid) for pid in children), "processes below are alive")
    removed(box, "--force")


def test_all_of_a_created_one(t):
    """The waiting process is the only one."""
    box = t.sleeper()
    box.create().ok()
    kill_all(t, box, "KILL")
    equal(box.wait(), -9, "status")


@parametrize("name", ["KILL", "TERM", "0"])
def test_all_of_a_stopped_one(t, name):
    """A container without processes is no error."""
    box = stopped(t)
    equal(t.runtime("kill", "--all", box.id, name).ok().out, "", "stdout")
    equal(box.status(), "stopped", "status")


def test_all_of_a_stopped_one_whose_cgroup_is_gone(t):
    """A stopped container without a cgroup is no error either."""
    box = t.container("true")
    box.create().ok()
    top = cgroup_of(box)
    box.start().ok()
    box.wait()
    isolation.remove_tree(top)
    kill_all(t, box, "KILL")
    box.delete().ok()


def test_all_that_a_dead_init_left(t):
    """Children outlive the first process in a shared pid namespace; `kill --all` ends them, and podman relies on that."""
    box = t.container(bundle=t.bundle("sh", "-c", "sleep 61 & exec sleep 60").without_namespace("pid"))
    box.run_detached().ok()
    children = eventually(lambda: list(leaks.descendants(box.pid)), "there is no child")
    os.kill(box.pid, signal.SIGKILL)
    box.wait()
    equal((box.status(), alive(children[0])), ("stopped", True), "status, child")
    kill_all(t, box, "KILL")
    eventually(lambda: not alive(children[0]), "the child is alive")
    box.delete().ok()


def test_nobody_else_is_hit(t):
    """`kill --all` does not hit processes of a neighbour or of the caller."""
    other, others = family(t, private=False)
    box, _ = family(t, private=False)
    bystander = t.runtime.start(["/bin/sleep", "30"])
    kill_all(t, box, "KILL")
    box.wait()
    true(all(alive(pid) for pid in [other.pid, *others, bystander.pid]), "somebody else was hit")
    stop(bystander)
    kill_all(t, other, "KILL")
    other.wait()


def test_all_while_they_fork(t):
    """Processes that keep forking do not escape."""
    script = "f() { while :; do sh -c 'sleep 0.01 & sleep 0.01 &'; done; }; f & f & f & wait"
    box = t.container(bundle=t.bundle("sh", "-c", script).without_namespace("pid"))
    box.run_detached().ok()
    eventually(lambda: len(leaks.descendants(box.pid)) >= 3, "they do not fork")
    top = cgroup_of(box)
    kill_all(t, box, "KILL")
    eventually(lambda: leaks.reap_orphans() or "populated 0" in (top / "cgroup.events").read_text(), "some are left")


# ---- a runtime that is killed ---------------------------------------------------------------------------

@differs("runc 1.1.5 may leave the cgroup frozen while it signals")
def test_a_killed_kill_all(t):
    """After a SIGKILL of `kill --all` at any moment, delete --force cleans up."""
    for step in range(12):
        box, _ = family(t, private=step % 2 == 0)
        child = t.runtime.start(t.runtime.command("kill", "--all", box.id, "TERM"))
        try:
            child.wait(step * 0.0005)
        except Exception:  # it has not ended yet: that is the point
            pass
        stop(child)
        box.delete("--force").ok()
        t.no_state()
        leaks.reap_orphans()
