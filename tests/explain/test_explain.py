# SPDX-License-Identifier: Apache-2.0
"""`explain` changes nothing and needs no privilege, and what it says is what strace sees the stage do. Of `exec`, which
explain does not show, it is the steps of its own trace."""

import json
import os
import pty
import re
import subprocess
import time

import pytest

import execution
import ground
import harness
import meaning
import stage_trace as trace
import steps as walk
import variants
from marks import parametrize

pytestmark = pytest.mark.timeout(120)

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
# The end of the lane in `run`; in `create` a filter with a listener comes before the stop.
RUN_LAST = ("report_listener", "load_seccomp", "await_delivery", "execute")
CHANGING = re.compile(
    r"^(clone3?|v?fork|execve(at)?|mkdir(at)?|rmdir|mknod(at)?|symlink(at)?|link(at)?|unlink(at)?|rename(at2?)?|"
    r"f?chmod(at)?|f?chown(at)?|lchown|truncate|ftruncate|mount|umount2?|fsopen|fsmount|open_tree|move_mount|"
    r"mount_setattr|pivot_root|chroot|unshare|setns|set\w*id|setgroups|capset|keyctl|bpf|ptrace|t?kill|"
    r"pidfd_send_signal|sethostname|setdomainname|memfd_create|socket(pair)?|connect|send\w*|writev|pwrite\w*)\(")


def wait_for(condition, sentence, seconds=10.0):
    """Waits until another process has done something."""
    end = time.monotonic() + seconds
    while not condition():
        harness.true(time.monotonic() < end, f"after {seconds} s: {sentence}")
        time.sleep(0.01)


class Place:
    """One container at a time, started under strace."""

    def __init__(self, scratch, runtime):
        self.scratch, self.runtime = scratch, runtime
        self.root = scratch.path / "state"
        self.log = scratch.path / "trace"
        self.count = 0

    def command(self, *words):
        return [str(word) for word in (self.runtime, "--root", self.root, *words)]

    def traced(self, *words):
        return ["strace", "-f", "-y", "-s", "256", "-o", str(self.log), *self.command(*words)]

    def fresh_id(self):
        self.count += 1
        return f"explain-{os.getpid()}-{self.count}"

    def delete(self, name):
        ground.call(self.command("delete", "--force", name))

    def calls(self):
        return trace.stage_calls(self.log.read_text())

    def init_steps(self, bundle, name):
        steps = ground.explained(self.runtime, bundle, name, self.root)
        return [step for step in steps if step["lane"] == "init"]


def agree(calls, steps):
    """Fails with the first difference; returns a note about what was compared."""
    difference = meaning.disagreement(calls, steps)
    harness.true(difference is None, difference)
    changing = sum(not meaning.is_neutral(call) for call in calls)
    return f"{len(steps)} steps, {len(calls)} calls, {changing} of them change something"


def with_short_program(config):
    """An edit for Scratch.bundle: a shell on a terminal would wait for a person."""
    config["process"]["args"] = ["tty"]


def of_run(steps, hooked=False):
    """The steps of `run`, out of those of `create`: without the stop before the program, unless hooks of startContainer
    make it one of `run`, too, and without what only those close who wait there; and with the filter behind all else."""
    found = next(i for i, step in enumerate(steps) if step["verb"] == "find_program")
    stop = next(i for i, step in enumerate(steps) if step["verb"] == "await_start")
    waiting = [i for i in range(found, stop) if steps[i]["verb"] in ("keep_descriptor", "close_descriptors")]
    steps = [step for i, step in enumerate(steps) if i not in waiting]
    stop -= len(waiting)
    go = [steps[stop - 1], {**steps[stop], "verb": "await_go", "object": "from the host"}] if hooked else []
    kept = steps[:stop - 1] + go + steps[stop + 1:]
    return sorted(kept, key=lambda step: RUN_LAST.index(step["verb"]) if step["verb"] in RUN_LAST else -1)


def run_agrees(place, bundle):
    """The stage of `run`."""
    name = place.fresh_id()
    hooks = json.loads((bundle / "config.json").read_text()).get("hooks", {})
    steps = of_run(place.init_steps(bundle, name), hooked="startContainer" in hooks)
    result = ground.call(place.traced("run", "--bundle", bundle, *ground.flags_of(bundle), name))
    harness.true(result.returncode == 0, f"run: exit {result.returncode}: {result.stderr}")
    return agree(place.calls(), steps)


def create_agrees(place, bundle):
    """The stage of `create`, let go by `start`."""
    name = place.fresh_id()
    steps = place.init_steps(bundle, name)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(place.traced("create", "--bundle", bundle, *ground.flags_of(bundle), name),
                          env=harness.BASE_ENV, **quiet) as tracer:
        wait_for(lambda: ground.call(place.command("state", name)).returncode == 0, "the container is not created")
        started = ground.call(place.command("start", name))
        tracer.wait(ground.VERB_SECONDS)
    place.delete(name)
    harness.true(started.returncode == 0, f"start: {started.stderr}")
    return agree(place.calls(), steps)


def terminal_agrees(place, bundle):
    """The stage of a `run` on a terminal."""
    name = place.fresh_id()
    steps = of_run(place.init_steps(bundle, name))
    harness.true("open_terminal" in [step["verb"] for step in steps], "explain shows no terminal")
    master, slave = pty.openpty()
    result = ground.call(place.traced("run", "--bundle", bundle, name), stdin=slave, stdout=slave)
    os.close(slave)
    os.close(master)
    harness.true(result.returncode == 0, f"run: exit {result.returncode}: {result.stderr}")
    return agree(place.calls(), steps)


def exec_agrees(place, bundle, flags=(), program=execution.PROGRAM):
    """The stage of `exec`; what its trace does not name is as in the creation."""
    name, log = place.fresh_id(), place.scratch.path / "times"
    created = {step["verb"]: walk.Step(0, "init", step["verb"], step["object"])
               for step in place.init_steps(bundle, name)}
    for words in (["create", "--bundle", bundle, *ground.flags_of(bundle), name], ["start", name]):
        begun = ground.call(place.command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.true(begun.returncode == 0, f"{words[0]}: exit {begun.returncode}")
    result = ground.call(place.traced("exec", "--trace", log, *flags, name, *program))
    place.delete(name)
    harness.true(result.returncode == 0, f"exec: exit {result.returncode}: {result.stderr}")
    steps = walk.read_trace(log, [created[verb] for verb in walk.UNTIMED if verb in created])
    return agree(place.calls(), [{"step": step.number, "verb": step.verb, "object": step.object}
                                 for step in steps if step.lane == "init"])


def given_process_agrees(place, bundle):
    """The stage of `exec --process`, with what only a file can ask for."""
    file = place.scratch.path / "process.json"
    file.write_text(json.dumps(execution.policy(
        args=["/bin/busybox", "true"], execCPUAffinity={"initial": "0", "final": "0-1"},
        scheduler={"policy": "SCHED_BATCH", "nice": 3}, ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6},
        rlimits=[{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}])))
    return exec_agrees(place, bundle, ["--process", file], program=[])


def hook_steps(folder, entry=()):
    """What a hook's stage does; `entry` brings it into the container."""
    words = [("mark_descriptors", "3"), ("reset_signals", ""), ("take_stdio", ""), ("set_umask", "022"), *entry,
             ("start_session", ""), ("enter_directory", str(folder)), ("close_descriptors", "3"), ("die_with_host", ""),
             ("find_program", ""), ("report_execution", ""), ("execute", "")]
    return [{"step": number, "verb": verb, "object": what} for number, (verb, what) in enumerate(words)]


def hooks_agree(place, bundle):
    """The stages of the hooks that `run` calls, but for the one that is held to the program's policy."""
    result = ground.call(place.traced("run", "--bundle", bundle, place.fresh_id()))
    harness.true(result.returncode == 0, f"run: exit {result.returncode}: {result.stderr}")
    _, prestart, create_runtime, create_container, _, *later = trace.stages(place.log.read_text())
    harness.true(len(later) == 2, f"{len(later)} stages after startContainer")
    for calls in (prestart, create_runtime, *later):
        agree(calls, hook_steps(bundle))
    entry = [("join_container", "all of mount,pid"), ("respawn", "")]
    return agree(create_container, hook_steps(bundle / "rootfs", entry))


def sees_differences(place, bundle):
    """The comparison itself: a call more, a call less, another order, other arguments are all seen."""
    name = place.fresh_id()
    steps = of_run(place.init_steps(bundle, name))
    ground.call(place.traced("run", "--bundle", bundle, name))
    calls = place.calls()
    where = [i for i, call in enumerate(calls) if not meaning.is_neutral(call)]
    extra = ['mount("/", "/x", NULL, MS_BIND, NULL) = 0', 'openat(AT_FDCWD</>, "/x", O_WRONLY|O_CREAT, 0644) = 3</x>']
    missed, planted = [], 0
    for at in where:
        for changed in ([*calls[:at], extra[at % 2], *calls[at:]], [*calls[:at], *calls[at + 1:]]):
            planted += 1
            if meaning.disagreement(changed, steps) is None:
                missed.append(f"{len(changed) - len(calls):+} at {calls[at]}")
    for i in range(len(steps) - 1):
        one, two = steps[i:i + 2]
        if (one["verb"], one["object"]) == (two["verb"], two["object"]) or "find_home" in (one["verb"], two["verb"]):
            continue
        planted += 1
        if meaning.disagreement(calls, [*steps[:i], two, one, *steps[i + 2:]]) is None:
            missed.append(f"exchanged {one['verb']} and {two['verb']}")
    return planted, missed


EXEC_FLAGS = {
    "terminal": ["--tty"],
    "user and directory": ["--user", "1000:1000", "--additional-gids", "7", "--cwd", "/tmp", "--cap", "CAP_NET_RAW"],
}

# What may be there or not, whatever explain says, because it depends on the image or on the caller's descriptors.
CONDITIONAL = (
    "-1 at mkdirat(",  # the target of a mount, missing in the image
    "-1 at fsconfig(4<anon_inode:[fscontext]>, FSCONFIG_SET_STRING, \"mode\"",  # a tmpfs over a directory of the image
    "-1 at close_range(3,",  # what lies below the report socket
    "exchanged make_directory and",  # the directory is there: two looks, no change
)


def notices_what_is_planted(place, bundle):
    """Every planted difference is seen, but for what is conditional."""
    planted, missed = sees_differences(place, bundle)
    # own_stdio has no calls where the standard descriptors are no pipes or are the user's already
    wrong = [sentence for sentence in missed if not sentence.startswith(CONDITIONAL) and "own_stdio" not in sentence]
    harness.true(not wrong, f"not seen: {wrong}")
    harness.true(len(missed) < planted / 20, f"only {planted - len(missed)} of {planted} were seen")
    return f"{planted - len(missed)} of {planted} planted differences seen, the others are conditional"


def is_changing(call):
    """True if a call of `explain` changes something other than its own memory and its output."""
    if call.startswith("write("):
        return not re.match(r"write\([12]<", call)
    if call.startswith(("open(", "openat(", "openat2(")):
        return bool(meaning.WRITES.search(call))
    return bool(CHANGING.match(call))


def needs_nothing(place, bundle):
    """As uid 65534, and without a call that could change anything."""
    place.log.touch()
    place.log.chmod(0o666)
    command = ["strace", "-f", "-y", "-o", str(place.log), str(place.runtime), "--root", str(place.root / "absent"),
               "explain", "--bundle", str(bundle), *map(str, ground.flags_of(bundle)), "box"]
    result = ground.call([*NOBODY, *command])
    harness.true(result.returncode == 0, f"exit {result.returncode}: {result.stderr[-500:]}")
    calls = [call for calls in trace.calls_by_process(place.log.read_text()).values() for call in calls]
    changing = [call for call in calls[1:] if is_changing(call)]  # the first is strace's own execve
    harness.true(not changing, f"explain calls {changing}")
    harness.true(not (place.root / "absent").exists(), "explain made the state root")
    return f"{len(calls)} calls, none changes anything"


def notices_changes():
    """The list of changing calls knows its enemies."""
    for call in ['mkdirat(AT_FDCWD</>, "x", 0755) = 0', "clone3({...}, 88) = 7", 'mount("a", "b", "c", 0, NULL) = 0',
                 'write(5</x>, "a", 1) = 1', 'openat(AT_FDCWD</>, "x", O_RDWR|O_CREAT, 0644) = 3</x>']:
        harness.true(is_changing(call), f"{call} passes")
    for call in ['write(1</dev/null>, "a", 1) = 1', 'openat(AT_FDCWD</>, "x", O_RDONLY) = 3</x>']:
        harness.true(not is_changing(call), f"{call} does not pass")


def json_is_complete(place, bundle):
    """Every step is there with its five properties, numbered, and a property is a pointer that resolves."""
    steps = ground.explained(place.runtime, bundle)
    config = json.loads((bundle / "config.json").read_text())
    for number, step in enumerate(steps):
        harness.true(list(step) == ["step", "lane", "verb", "object", "property"], f"properties of {step}")
        harness.true(step["step"] == number and step["lane"] in ("host", "init"), f"number or lane of {step}")
        harness.true(step["verb"] in meaning.MEANINGS or step["lane"] == "host", f"unknown verb in {step}")
        harness.true(step["property"] is None or points_somewhere(config, step["property"]), f"property of {step}")
    text = ground.call([place.runtime, "explain", "--bundle", bundle, *ground.flags_of(bundle)]).stdout
    harness.true(len(text.splitlines()) == len(steps), "text and JSON have different numbers of steps")
    return f"{len(steps)} steps"


def points_somewhere(config, pointer):
    """A pointer starts with a property that the standard has, and list indexes are within the list."""
    value = config
    for name in pointer.split("/")[1:]:
        if isinstance(value, list):
            if int(name) >= len(value):
                return False
            value = value[int(name)]
        elif name not in value:
            return True  # a default of bulkhead's own: umask, cgroupsPath
        else:
            value = value[name]
    return pointer.startswith("/")


@pytest.fixture
def place(scratch, runtime):
    """With the runtime where everybody may execute it."""
    program = scratch.path / "bulkhead"
    program.write_bytes(runtime.read_bytes())
    program.chmod(0o755)
    scratch.path.chmod(0o755)
    return Place(scratch, program)


@pytest.fixture
def agrees(place, record_property):
    """Compares, and notes what was compared."""
    def compare(how, bundle, *arguments):
        record_property("compared", how(place, bundle, *arguments))
    return compare


BUNDLES = ground.bundle_names()
EXEC_BUNDLES = ("default", "limits", "overlay", "process", "user")


@parametrize("name", ground.every_bundle())
def test_json(agrees, scratch, name):
    agrees(json_is_complete, scratch.bundle(name))


@parametrize("name", [name for name in ground.every_bundle() if name not in ground.NOT_BY_NOBODY])
def test_nobody(agrees, scratch, name):
    agrees(needs_nothing, scratch.bundle(name))


def test_terminal(agrees, scratch):
    agrees(terminal_agrees, scratch.bundle("default", with_short_program))


@parametrize("name", BUNDLES)
def test_run(agrees, scratch, name):
    agrees(run_agrees, scratch.bundle(name, ground.without_terminal))


@parametrize("name", BUNDLES)
def test_create(agrees, scratch, name):
    agrees(create_agrees, scratch.bundle(name, ground.without_terminal))


@variants.named(variants.NAMES)
def test_run_of_a_variant(agrees, scratch, edits, name):
    agrees(run_agrees, scratch.bundle(variants.BASE, edits[name]))


@variants.named(variants.NAMES)
def test_create_of_a_variant(agrees, scratch, edits, name):
    agrees(create_agrees, scratch.bundle(variants.BASE, edits[name]))


@parametrize("name", EXEC_BUNDLES)
def test_exec(agrees, scratch, name):
    agrees(exec_agrees, scratch.bundle(name, execution.at_rest))


@parametrize("way", list(EXEC_FLAGS))
def test_exec_with_flags(agrees, scratch, way):
    agrees(exec_agrees, scratch.bundle("default", execution.at_rest), EXEC_FLAGS[way])


def test_exec_of_a_file(agrees, scratch):
    agrees(given_process_agrees, scratch.bundle("default", execution.at_rest))


@variants.named([*variants.NAMES, "pids of the host"])
def test_exec_in_a_variant(agrees, scratch, edits, name):
    edit = {**edits, "pids of the host": execution.pids_of_the_host}[name]
    agrees(exec_agrees, scratch.bundle(variants.BASE, execution.resting(edit)))


def test_hooks(agrees, scratch):
    agrees(hooks_agree, scratch.bundle(variants.BASE, variants.hooked))


def test_changing_calls_are_known():
    notices_changes()


def test_differences_are_seen(agrees, scratch):
    agrees(notices_what_is_planted, scratch.bundle("default", ground.without_terminal))
