# SPDX-License-Identifier: Apache-2.0
"""The cgroup of an executed program: the container's, a named sub-cgroup, or one of a rearranged tree."""

import contextlib

import isolation
from harness import contains, equal, eventually, true
from marks import differs, needs, parametrize
from resources import handed_down, lacks
from test_exec import alone, background, output, running
from test_exec_flags import refused

OWN = ["cat", "/proc/self/cgroup"]


def own(box, *flags):
    """The cgroup of an executed program, as the program sees it."""
    text, = [line for line in output(box, *OWN, flags=flags).splitlines() if line.startswith("0::")]
    return text[3:]


def with_sub_cgroups(t, *names):
    box = running(t)
    for name in names:
        (box.cgroup() / name).mkdir(parents=True)
    return box


# ---- the container's --------------------------------------------------------------------------------------

def test_the_containers_cgroup(t):
    """The program is in the cgroup of the container's first process, and sees it as the root."""
    box = running(t)
    process = box.exec_detached("sleep", "61")
    equal(process.cgroup(), box.cgroup(), "cgroup")
    equal(own(box), "/", "cgroup inside")


def test_not_the_callers_cgroup(t):
    """The program is in the container's cgroup, whatever cgroup the caller is in."""
    box = running(t)
    place = isolation.cgroup2_mount() / f"{t.prefix}-caller"
    place.mkdir()
    try:
        command = t.runtime.command("exec", box.id, *OWN)
        script = f"echo $$ > {place}/cgroup.procs && exec \"$@\""
        contains(t.runtime.exec(["sh", "-c", script, "sh", *command]).ok().lines(), "0::/", "cgroup inside")
    finally:
        eventually(lambda: isolation.remove_tree(place) or not place.exists(), "the caller's cgroup is in use")


def test_children_of_the_executed_are_there_too(t):
    """The children of the program are in the cgroup, so delete --force finds them."""
    box = running(t)
    box.exec("sh", "-c", "sleep 61 > /dev/null 2>&1 &").ok()
    equal(len((box.cgroup() / "cgroup.procs").read_text().split()), 2, "processes")


@contextlib.contextmanager
def rearranged(t):
    """A container whose first process went into a sub-cgroup and enabled a controller, as systemd does."""
    script = ("mkdir /sys/fs/cgroup/init && echo 1 > /sys/fs/cgroup/init/cgroup.procs && "
              "echo +hugetlb > /sys/fs/cgroup/cgroup.subtree_control && touch /tmp/done; exec sleep 60")
    bundle = t.bundle("sh", "-c", script).writable()
    bundle.edit(lambda config: [each["options"].remove("ro") for each in config["mounts"] if each["type"] == "cgroup"])
    box = t.container(bundle=bundle)
    with handed_down("hugetlb"):
        box.run_detached().ok()
        try:
            eventually((bundle.rootfs / "tmp/done").exists, "the container cannot rearrange its cgroups")
            yield box
        finally:
            box.end_executed()
            box.delete("--force")
            box.wait()


@needs(lacks("hugetlb"))
def test_init_that_moved_into_a_sub_cgroup(t):
    """If the container's cgroup takes no process any more, the program goes into init's cgroup (runc#2356)."""
    with rearranged(t) as box:
        equal(box.cgroup().name, "init", "init's cgroup")
        process = box.exec_detached("sleep", "61")
        equal(process.cgroup(), box.cgroup(), "cgroup")
        equal(own(box), "/init", "cgroup inside")


@needs(lacks("hugetlb"))
def test_a_named_cgroup_is_not_replaced_by_inits(t):
    """If the cgroup of --cgroup takes no process, exec fails: the program goes nowhere else."""
    with rearranged(t) as box:
        result = box.exec("true", flags=["--cgroup", "/"]).exits(255)
        contains(result.err, "exec failed: ", "stderr")
        alone(box)


@needs(lacks("hugetlb"))
def test_a_sub_cgroup_beside_inits(t):
    """--cgroup may name a cgroup beside that of init."""
    with rearranged(t) as box:
        (box.cgroup().parent / "payload").mkdir()
        equal(own(box, "--cgroup", "payload"), "/payload", "cgroup inside")


def test_init_that_moved_without_controllers(t):
    """Without controllers the container's cgroup still takes processes: the program is there, not beside init."""
    box = with_sub_cgroups(t, "init")
    top = box.cgroup()
    (top / "init/cgroup.procs").write_text(str(box.pid))
    equal(box.exec_detached("sleep", "61").cgroup(), top, "cgroup")
    equal(box.exec_detached("sleep", "61", flags=["--cgroup", "/"]).cgroup(), top, "cgroup that is named")
    equal(box.exec_detached("sleep", "61", flags=["--cgroup", "init"]).cgroup(), top / "init", "init's, named")


def test_delete_takes_the_sub_cgroups_along(t):
    """delete kills a program in a sub-cgroup and removes the sub-cgroup with the container."""
    box = with_sub_cgroups(t, "sub/deeper")
    child = background(box, "echo ready; sleep 61", flags=["--cgroup", "sub/deeper"])
    true((box.cgroup() / "sub/deeper/cgroup.procs").read_text().split(), "the program is not in its cgroup")
    box.delete("--force").ok()
    equal(child.wait(10), 137, "exit code")
    box.wait()
    t.no_state()


@differs("runc 1.1.5 moves its process in, and its threads fail in many ways")
@needs(lacks("pids"))
def test_a_cgroup_that_is_full(t):
    """If a container has as many processes as its limit allows, exec fails in bounded time and leaves nothing."""
    with handed_down("pids"):
        box = running(t)
        limit = box.cgroup() / "pids.max"
        limit.write_text("1")
        contains(box.exec("true").exits(255).err, "esource temporarily unavailable", "stderr")
        alone(box)
        limit.write_text("2")
        box.exec("true")  # may fail, because exec may need one process besides the program itself
        alone(box)
        limit.write_text("3")
        equal(output(box, "echo", "fine"), "fine\n", "stdout")
        box.delete("--force").ok()
        box.wait()


# ---- a named sub-cgroup -----------------------------------------------------------------------------------

@parametrize("word, expected", [
    ("sub", "/sub"), ("/sub", "/sub"), ("sub/deeper", "/sub/deeper"), ("sub/", "/sub"), ("/", "/"), (".", "/"),
    ("sub/../sub", "/sub")])
def test_cgroup(t, word, expected):
    """--cgroup PATH names a cgroup below the container's."""
    equal(own(with_sub_cgroups(t, "sub/deeper"), "--cgroup", word), expected, "cgroup inside")


def test_without_cgroup(t):
    """Without --cgroup sub-cgroups do not matter."""
    equal(own(with_sub_cgroups(t, "sub")), "/", "cgroup inside")


@parametrize("word", ["nowhere", "sub/nowhere", "cgroup.procs"])
def test_a_cgroup_that_is_missing_is_refused(t, word):
    """exec makes no cgroup: a missing one is an error."""
    box = with_sub_cgroups(t, "sub")
    refused(box, ["--cgroup", word])
    equal((box.cgroup() / "nowhere").exists(), False, "a cgroup was made")


@parametrize("word", ["..", "../", "../..", "sub/../..", "/.."])
def test_a_cgroup_outside_is_refused(t, word):
    """--cgroup cannot lead above the container's cgroup."""
    refused(with_sub_cgroups(t, "sub"), ["--cgroup", word])


@differs("runc 1.1.5 looks at the first letters only: ID-other begins like ID")
def test_a_cgroup_beside_is_refused(t):
    """A sibling whose name begins with the container's is outside too."""
    box = running(t)
    other = box.cgroup().parent / f"{box.id}-other"
    other.mkdir()
    try:
        refused(box, ["--cgroup", f"../{other.name}"])
        refused(box, ["--cgroup", f"../{box.id}/../{other.name}"])
    finally:
        other.rmdir()


@parametrize("word", ["memory:sub", "cpu,memory:sub", "a:b:c"])
def test_a_controller_is_refused(t, word):
    """Cgroup v2 has one cgroup for all controllers: the form with a controller belongs to cgroup v1."""
    refused(with_sub_cgroups(t, "sub"), ["--cgroup", word])


@differs("runc 1.1.5 takes it for the container's cgroup")
def test_an_empty_controller_is_refused(t):
    """The form with a controller fails too if the controller is empty."""
    refused(with_sub_cgroups(t, "sub"), ["--cgroup", ":sub"])


def test_two_cgroups_are_refused(t):
    """A process is in one cgroup."""
    refused(with_sub_cgroups(t, "a", "b"), ["--cgroup", "a", "--cgroup", "b"])
