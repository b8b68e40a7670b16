# SPDX-License-Identifier: Apache-2.0
"""exec by a caller that is not root, into its own container."""

import os

import isolation
from harness import contains, equal, status_field, true
from marks import needs, parametrize
from test_exec import output
from test_exec_policy import same
from test_rootless import ranged_box, user_box
from unprivileged import FIRST_SUBID, GID, UID, become_root_of_a_user_namespace, delegate, needs_mapping_tools


def running_as_user(t):
    box = user_box(t, "sleep", "60")
    box.run_detached().ok()
    return box


def test_the_same_as_init(t):
    """Every property of the executed program is that of the container's first process."""
    found = same(running_as_user(t))
    equal((found["Uid"].split()[0], found["Gid"].split()[0]), (str(UID), str(GID)), "ids on the host")


@parametrize("status", [0, 1, 42, 255])
def test_the_status_comes_through(t, status):
    """An attached exec returns the program's status."""
    running_as_user(t).exec("sh", "-c", f"exit {status}").exits(status)


def test_attached_and_detached(t):
    """Output, pid file and parent are as for root."""
    box = running_as_user(t)
    equal(output(box, "id", "-u"), "0\n", "uid inside")
    process = box.exec_detached("sh", "-c", "exit 7")
    equal(process.wait(), 7, "status")


@parametrize("flags", [["--user", "1000"], ["--user", "0:1000"], ["--cwd", "/no/such"]])
def test_what_cannot_be_is_refused(t, flags):
    """A user that the map does not have, or a missing directory, is an error with 255, and the container goes on."""
    box = running_as_user(t)
    contains(box.exec("true", flags=flags).exits(255).err, "exec failed: ", "stderr")
    equal(box.status(), "running", "status")


def test_additional_groups_cannot_be_given(t):
    """A user who maps without help may not set groups (CVE-2014-8989): a request for a group fails or has no effect."""
    result = running_as_user(t).exec("cat", "/proc/self/status", flags=["--additional-gids", "0"])
    true(result.code == 255 or status_field(result.out, "Groups").split() in ([], ["0"], ["0", "65534"]), f"{result}")


@needs(needs_mapping_tools)
def test_another_user_of_the_range(t):
    """With ranges of subuids exec can run as another user of the container."""
    box = ranged_box(t, "sleep", "60")
    box.run_detached().ok()
    process = box.exec_detached("sleep", "61", flags=["--user", "1000:1000"])
    equal(status_field(process.proc("status"), "Uid").split(), [str(FIRST_SUBID + 999)] * 4, "uid on the host")


def test_without_a_cgroup(t):
    """Without a cgroup of its own the program stays in its caller's cgroup, as the container does."""
    box = running_as_user(t)
    equal(box.exec_detached("sleep", "61").cgroup(), box.cgroup(), "cgroup")


def test_in_a_delegated_cgroup(t):
    """With a delegated cgroup the program is in the container's cgroup."""
    box = user_box(t, "sleep", "60")
    top = delegate(t)
    try:
        box.run_detached().ok()
        true(box.cgroup() != top / "leaf", "the container is in the caller's cgroup")
        equal(box.exec_detached("sleep", "61").cgroup(), box.cgroup(), "cgroup")
        box.end_executed()
        box.delete("--force").ok()
        box.wait()
    finally:
        isolation.remove_tree(top)


def test_root_of_a_user_namespace(t):
    """A caller that is uid 0 of its own namespace, as in rootless podman, must enter that namespace again to call exec."""
    become_root_of_a_user_namespace(t)
    bundle = t.bundle("sleep", "60")
    bundle.edit(lambda config: [each.get("options", []).remove("gid=5") for each in config["mounts"]
                                if each["type"] == "devpts"])
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    enter = ["/usr/bin/nsenter", "--target", str(box.pid), "--user"]
    true(os.path.exists(enter[0]), "no nsenter")
    t.runtime.prefix = enter
    equal(output(box, "id", "-u"), "0\n", "uid inside")
