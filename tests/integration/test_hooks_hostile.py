# SPDX-License-Identifier: Apache-2.0
"""Hooks that hang, flood, fork, ignore signals and die: every verb ends in bounded time, and nothing is left."""

import os
import resource

import pytest

import leaks
from harness import AT_ONCE, equal, eventually, true
from hooks import HOSTS, KINDS, OF_CREATE, Journal, seconds_of, shell, whole_life
from marks import differs, parametrize
from test_hooks_failure import is_gone, lead_to, says, warns

pytestmark = [pytest.mark.slow, pytest.mark.any_cgroups]

WAITS = "runc 1.1.5 waits for everybody who holds the hook's output"
LATER = "runc 1.1.5 has other rules for hooks of start and delete; see hooks_failure"
SLACK = 0.5  # seconds by which a timeout may be late
START = 0.7  # seconds that a verb needs without hooks, on a slow machine without other load


def patience():
    return SLACK + START * max(1, os.getloadavg()[0] / os.cpu_count())


def hanging(t, kind, script, **properties):
    journal = Journal(t)
    return journal, journal.box(hooks={kind: [journal.note("hook", script, **{"timeout": 1, **properties})]})


def in_time(result, timeout=1):
    true(result.seconds < timeout + patience(), f"the timeout of {timeout} s is late: {result}")
    true(result.seconds > timeout - 0.1, f"the timeout of {timeout} s is early: {result}")


def processes():
    leaks.reap_orphans()
    return leaks.descendants(os.getpid())


def none_left(sentence="processes are left"):
    eventually(lambda: not processes(), sentence, 3)


# ---- timeouts -------------------------------------------------------------------------------------------

@parametrize("kind", OF_CREATE)
def test_a_hook_that_hangs(t, kind):
    """After its timeout the hook is killed, create fails with an error that names the timeout, and the container is gone."""
    journal, box = hanging(t, kind, "exec sleep 50")
    result = box.create().exits(1)
    in_time(result)
    says(result, "timeout of 1")
    equal(journal.order(), ["hook"], "what ran")
    is_gone(t, box)
    none_left()


@differs(LATER)
@parametrize("kind", ["startContainer", "poststart", "poststop"])
def test_a_later_hook_that_hangs(t, kind):
    """The same holds for start; for delete the timeout is a warning."""
    _journal, box = hanging(t, kind, "exec sleep 50")
    warnings = t.runtime.warned()
    in_time(lead_to(box, kind).exits(0 if kind == "poststop" else 1))
    warns(warnings, "timeout of 1 s", f"/hooks/{kind}/0")
    is_gone(t, box)
    none_left()


@differs("runc 1.1.5 kills the hook alone and waits for its children")
@parametrize("kind", KINDS)
def test_the_children_die_with_a_hook(t, kind):
    """The runtime kills the hook's whole process group: children and grandchildren die with the hook, in time."""
    _, box = hanging(t, kind, "(sleep 50; :) & (sh -c 'sleep 51; :') & sleep 52; :")
    result = lead_to(box, kind).exits(0 if kind == "poststop" else 1)
    in_time(result)
    is_gone(t, box)
    none_left("children of the hook are left")


@differs(LATER)
@parametrize("kind", KINDS)
def test_a_hook_that_ignores_signals(t, kind):
    """A hook that ignores TERM, INT, HUP and QUIT still dies at its timeout."""
    _, box = hanging(t, kind, "trap '' TERM INT HUP QUIT; while :; do sleep 1; done")
    in_time(lead_to(box, kind).exits(0 if kind == "poststop" else 1))
    is_gone(t, box)
    none_left()


@differs(LATER)
@parametrize("kind", ["prestart", "createContainer", "startContainer"])
def test_a_hook_that_stops_itself(t, kind):
    """A stopped hook has not ended: its timeout applies."""
    _, box = hanging(t, kind, "kill -STOP $$; sleep 50")
    in_time(lead_to(box, kind).exits(1))
    is_gone(t, box)
    none_left()


@differs(WAITS)
@parametrize("kind", KINDS)
def test_a_hook_that_hands_its_output_on_and_hangs(t, kind):
    """A daemon that holds the hook's output in its own session does not delay the timeout."""
    _, box = hanging(t, kind, "setsid sleep 5 & exec sleep 50")
    in_time(lead_to(box, kind).exits(0 if kind == "poststop" else 1))
    is_gone(t, box)
    leaks.kill_descendants(os.getpid())  # the daemon is its own business


@parametrize("kind", KINDS)
def test_a_hook_within_its_timeout(t, kind):
    """A hook that ends before its timeout is not disturbed."""
    journal = Journal(t)
    hook = shell(f"sleep 0.4; echo end >> {journal.path}/order", timeout=5)
    whole_life(journal.box(hooks={kind: [hook]}))
    equal(journal.order(), ["end"], "what ran")


@differs("runc 1.1.5 overflows from 2^34 on")
@parametrize("seconds", [2 ** 31 - 1, 2 ** 31, 2 ** 62])
def test_a_very_long_timeout(t, seconds):
    """A timeout that no clock reaches does not overflow into a short one."""
    journal = Journal(t)
    box = journal.box(hooks={"prestart": [journal.note("hook", "sleep 0.3", timeout=seconds)]})
    result = box.create()
    if result.code == 0:
        equal(journal.order(), ["hook"], "what ran")
    else:
        says(result, "/hooks/prestart/0/timeout")


@differs("runc 1.1.5 waits for the first hook's children")
def test_the_timeout_is_each_hooks_own(t):
    """The timeout holds for each hook alone: three hooks of 1.2 s with a timeout of 3 s do not fail."""
    journal = Journal(t)
    hooks = [journal.note(word, "sleep 1.2", timeout=3) for word in ("a", "b", "c")]
    box = journal.box(hooks={"createRuntime": hooks})
    box.create().ok()
    equal(journal.order(), ["a", "b", "c"], "what ran")


# ---- output ---------------------------------------------------------------------------------------------

def has_not_grown():
    """Fails if a process below us has held much of 1 GiB. A child has our size until it executes the runtime."""
    own, largest = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    true(largest < own + 48 * 1024, f"the largest process had {largest} KiB, we have {own}")


FLOOD = "dd if=/dev/zero bs=64k count=16384 2>/dev/null"


@differs("runc 1.1.5 keeps all of it in memory")
@parametrize("kind", KINDS)
def test_a_flood_that_succeeds(t, kind):
    """1 GiB on stdout does not block the hook, and the runtime does not grow."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [journal.note("hook", f"{FLOOD}; echo end >> {journal.path}/order")]})
    whole_life(box)
    equal(journal.order(), ["hook", "end"], "what ran")
    has_not_grown()


@differs("runc 1.1.5 keeps all of it in memory and shows it")
def test_a_flood_that_fails(t):
    """The error of a hook that fails after 1 GiB on stdout and stderr is short."""
    journal = Journal(t)
    box = journal.box(hooks={"prestart": [journal.note("hook", f"{FLOOD}; {{ {FLOOD}; }} >&2; echo why >&2; exit 1")]})
    result = box.create().exits(1)
    true(len(result.err) < 70000, f"{len(result.err)} characters of output")
    says(result, "why")
    is_gone(t, box)
    has_not_grown()


@differs("runc 1.1.5 keeps all of it in memory")
@parametrize("kind", KINDS)
def test_a_flood_without_end(t, kind):
    """A hook that writes for ever ends at its timeout."""
    _, box = hanging(t, kind, "exec cat /dev/zero")
    in_time(lead_to(box, kind).exits(0 if kind == "poststop" else 1))
    is_gone(t, box)


@parametrize("kind", KINDS)
def test_a_hook_that_closes_its_streams(t, kind):
    """A verb waits for the end of the hook, not for the end of the hook's output."""
    journal = Journal(t)
    script = f"exec <&- >&- 2>&-; sleep 0.4; : > {journal.path}/end"
    box = journal.box(hooks={kind: [journal.note("hook", script)]})
    whole_life(box)
    true((journal.path / "end").exists(), "the verbs did not wait for the hook")


# ---- daemons --------------------------------------------------------------------------------------------

@differs(WAITS)
@parametrize("kind", KINDS)
def test_a_daemon_that_holds_the_output(t, kind):
    """A hook that leaves a daemon behind and exits 0 has ended: the verb returns at once."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [journal.note("hook", "setsid sleep 30 &")]})
    _, seconds = seconds_of(lambda: whole_life(box))
    true(seconds < AT_ONCE, f"the verbs took {seconds:.1f} s")
    leaks.kill_descendants(os.getpid())


@differs(WAITS)
@parametrize("kind", HOSTS)
def test_a_daemon_lives_on(t, kind):
    """The runtime does not kill what a successful hook leaves on the host, in the hook's process group or not."""
    journal = Journal(t)
    script = f"(sleep 0.5; echo daemon >> {journal.path}/order) &"
    whole_life(journal.box(hooks={kind: [journal.note("hook", script)]}))
    eventually(lambda: journal.order() == ["hook", "daemon"], "the daemon was killed", 3)


@differs(WAITS)
def test_a_daemon_of_a_hook_that_fails(t):
    """If a hook leaves a daemon and fails, the error comes at once, with the output so far."""
    journal = Journal(t)
    box = journal.box(hooks={"prestart": [journal.note("hook", "setsid sleep 30 & echo so-far; exit 3")]})
    result = box.create().exits(1)
    says(result, "so-far")
    true(result.seconds < AT_ONCE, f"create took {result.seconds} s")
    is_gone(t, box)
    leaks.kill_descendants(os.getpid())


@differs(WAITS)
@parametrize("kind", ["createContainer", "startContainer"])
def test_a_daemon_in_the_container_ends_with_it(t, kind):
    """A daemon that a hook leaves in the container's pid namespace ends with the container."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [journal.note("hook", "setsid sleep 50 &")]})
    whole_life(box)
    none_left("the daemon outlives its container")


# ---- stdin ----------------------------------------------------------------------------------------------

LARGE = {f"key{i}": "x" * 10000 for i in range(100)}  # more than any pipe holds


def with_large_state(box):
    box.bundle.edit(lambda config: config.update(annotations=LARGE))
    return box


@parametrize("kind", KINDS)
def test_a_hook_that_does_not_read(t, kind):
    """A hook that ends without reading its stdin, whatever its size, has succeeded."""
    journal = Journal(t)
    whole_life(with_large_state(journal.box(hooks={kind: [journal.note("hook")]})))
    equal(journal.order(), ["hook"], "what ran")


@parametrize("kind", KINDS)
def test_a_hook_that_closes_its_stdin(t, kind):
    """A hook that closes its stdin and goes on can succeed too."""
    journal = Journal(t)
    script = f"exec <&-; sleep 0.3; echo end >> {journal.path}/order"
    whole_life(with_large_state(journal.box(hooks={kind: [journal.note("hook", script)]})))
    equal(journal.order(), ["hook", "end"], "what ran")


@differs(LATER)
@parametrize("kind", KINDS)
def test_a_hook_that_neither_reads_nor_ends(t, kind):
    """A pipe that nobody empties does not delay the timeout."""
    _, box = hanging(t, kind, "exec sleep 50")
    in_time(lead_to(with_large_state(box), kind).exits(0 if kind == "poststop" else 1))
    is_gone(t, box)


@parametrize("kind", KINDS)
def test_a_hook_that_reads_late(t, kind):
    """A hook that reads late gets the whole state."""
    journal = Journal(t)
    script = f"sleep 0.4; cat | wc -c > {journal.path}/count"
    whole_life(with_large_state(journal.box(hooks={kind: [journal.note("hook", script)]})))
    true(int((journal.path / "count").read_text()) > 10 ** 6, "the state is cut")


@parametrize("kind", ["prestart", "poststop"])
def test_a_hook_takes_its_time(t, kind):
    """A verb waits for a hook of two seconds without a timeout."""
    journal = Journal(t)
    _, seconds = seconds_of(lambda: whole_life(journal.box(hooks={kind: [journal.note("hook", "sleep 2")]})))
    true(seconds > 2, f"nobody waited for the hook: {seconds:.1f} s")
