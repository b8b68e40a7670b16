# SPDX-License-Identifier: Apache-2.0
"""Hooks with other features of a container: terminals, user namespaces, joined namespaces, rootless callers."""

import os

import pytest

from harness import contains, equal, status_field, true
from hooks import KINDS, OF_CREATE, Journal, removed, whole_life
from marks import differs, parametrize
from test_hooks_time import both, two_of_each
from test_joins import end, joined, path_of, running, user_mappings, user_namespace
from test_overlay import ONLY_HERE, Layers
from test_terminal import listener, read_master, receive
from test_user_namespace import COUNT, FIRST
from unprivileged import UID, become_user, mapping, rootless, with_user_namespace

pytestmark = pytest.mark.any_cgroups


def test_with_a_terminal(t):
    """A container with a console socket runs all its hooks, and the terminal works."""
    journal = Journal(t)
    box = journal.box("sh", "-c", "tty; exec sleep 0.5", hooks=two_of_each(journal), terminal=True)
    with listener(t) as server:
        box.create("--console-socket", server.getsockname()).ok()
        _, (master,) = receive(server)
    box.start().ok()
    text = read_master(master)
    os.close(master)
    contains(text, "/dev/", "what the terminal shows")
    box.wait()
    box.delete().ok()
    equal(sorted(journal.order()), sorted(both(*KINDS)), "hooks")


def test_hooks_have_no_terminal(t):
    """The streams of hooks are never the container's terminal."""
    journal = Journal(t)
    box = journal.watched("prestart", "createContainer", "startContainer", process={"terminal": True})
    with listener(t) as server:
        box.create("--console-socket", server.getsockname()).ok()
        _, (master,) = receive(server)
    box.start().ok()
    for kind in ("prestart", "createContainer", "startContainer"):
        targets = journal.seen(kind)["fds"]
        true(not any("pts" in targets[number] or "ptmx" in targets[number] for number in "012"),
             f"streams of {kind} are {targets}")
    os.close(master)


def test_in_a_user_namespace(t):
    """With a user namespace, hooks on the host are root there, and hooks in the container are root inside."""
    journal = Journal(t)
    for directory in (t.scratch.parent, t.scratch):
        os.chmod(directory, 0o711)
    maps = [mapping(0, FIRST, COUNT)]
    box = journal.watched(*KINDS)
    with_user_namespace(box.bundle, maps, maps)
    box.create().ok()
    box.start().ok()
    own = os.readlink(f"/proc/{box.pid}/ns/user")
    removed(box, "--force")
    for kind in KINDS:
        inside = kind in ("createContainer", "startContainer")
        seen = journal.seen(kind)
        equal(seen["ns"]["user"], own if inside else os.readlink("/proc/self/ns/user"), f"user namespace of {kind}")
        equal(status_field(seen["status"], "Uid").split(), ["0"] * 4, f"ids of {kind}, as it sees them")


def test_of_a_caller_who_is_not_root(t):
    """In a rootless container, hooks on the host run as the caller, and hooks in the container as root inside."""
    become_user(t)
    journal = Journal(t)
    box = journal.watched(*KINDS)
    rootless(box.bundle)
    whole_life(box)
    for kind in KINDS:
        inside = kind in ("createContainer", "startContainer")
        equal(status_field(journal.seen(kind)["status"], "Uid").split(), ["0" if inside else str(UID)] * 4,
              f"ids of {kind}, as it sees them")


def in_the_pid_namespace_of_another(t, *kinds):
    """(container, journal): a running container with witnesses, in the pid namespace of another container."""
    first = running(t)
    journal = Journal(t)
    box = journal.watched(*kinds)
    joined(box.bundle, {"pid": path_of(first, "pid")})
    box.create().ok()
    box.start().ok()
    return box, journal


@parametrize("kind", ["prestart", "createRuntime"])
def test_the_pid_before_the_birth_in_a_joined_pid_namespace(t, kind):
    """Hooks on the host get a pid.

     With bulkhead the pid is not the program's yet: the program is born in the joined namespace without any privileges, after
     the hooks. runc has its process there from the start, where the inhabitants can see its privileges.
     """
    box, journal = in_the_pid_namespace_of_another(t, kind)
    true(journal.seen(kind)["state"]["pid"] > 1, "there is a pid")
    end(box)
    box.delete()  # runc may find its cgroup busy


@parametrize("kind", ["poststart"])
def test_the_hosts_pid_in_a_joined_pid_namespace(t, kind):
    """With another container's pid namespace, hooks on the host get the program's pid too."""
    box, journal = in_the_pid_namespace_of_another(t, kind)
    equal(journal.seen(kind)["state"]["pid"], box.pid, "pid")
    equal(journal.seen(kind)["ns"]["pid"], os.readlink("/proc/self/ns/pid"), "pid namespace")
    end(box)
    box.delete()  # runc may find its cgroup busy


@parametrize("kind", ["startContainer"])
def test_the_containers_pid_in_a_joined_pid_namespace(t, kind):
    """Hooks in the container get the program's pid there, which is not 1."""
    box, journal = in_the_pid_namespace_of_another(t, kind)
    inner = int(status_field(box.proc("status"), "NSpid").split()[-1])
    equal(journal.seen(kind)["state"]["pid"], inner, "pid")
    equal(journal.seen(kind)["ns"]["pid"], os.readlink(f"/proc/{box.pid}/ns/pid"), "pid namespace")
    end(box)
    box.delete()  # runc may find its cgroup busy


def test_all_hooks_with_a_joined_pid_namespace(t):
    """Each kind runs once, and the first container lives on."""
    first = running(t)
    journal = Journal(t)
    box = journal.box(hooks=journal.noting(*KINDS))
    joined(box.bundle, {"pid": path_of(first, "pid")})
    box.create().ok()
    box.start().ok()
    end(box)
    box.delete().ok()
    equal((sorted(journal.order()), first.status()), (sorted(KINDS), "running"), "hooks, the first container")


@parametrize("kind", KINDS)
def test_without_a_pid_namespace(t, kind):
    """In the host's pid namespace every hook gets the host's pid."""
    journal = Journal(t)
    box = journal.watched(kind)
    box.bundle.without_namespace("pid")
    whole_life(box)
    if kind != "poststop":
        equal(journal.seen(kind)["state"]["pid"], box.pid, "pid")


@differs("runc 1.1.5 cannot make a new pid namespace below a user namespace that it joins")
@parametrize("kind", KINDS)
def test_in_a_joined_user_namespace(t, kind):
    """With another's user namespace the pids are right, and hooks in the container are in that user namespace."""
    with user_namespace() as holder:
        journal = Journal(t)
        box = journal.watched(kind)
        user_mappings(joined(box.bundle, {"user": f"/proc/{holder}/ns/user"}))
        box.create().ok()
        box.start().ok()
        inside = kind in ("createContainer", "startContainer")
        expected = 1 if inside else box.pid
        box.delete("--force").ok()
        seen = journal.seen(kind)
        if kind != "poststop":
            equal(seen["state"]["pid"], expected, "pid")
        equal(seen["ns"]["user"], os.readlink(f"/proc/{holder if inside else 'self'}/ns/user"), "user namespace")


@parametrize("kind", KINDS)
def test_without_a_network_namespace(t, kind):
    """The hooks of a container in the host's network and ipc namespaces are there too."""
    journal = Journal(t)
    box = journal.watched(kind)
    box.bundle.without_namespace("network", "ipc")
    box.bundle.edit(lambda config: config.update(mounts=[m for m in config["mounts"] if m["type"] != "sysfs"]))
    whole_life(box)
    equal([journal.seen(kind)["ns"][name] for name in ("net", "ipc")],
          [os.readlink(f"/proc/self/ns/{name}") for name in ("net", "ipc")], "namespaces")


@parametrize("flag", ["--no-pivot", "--no-new-keyring"])
def test_with_a_flag_of_create(t, flag):
    """Flags of create that change how the container is made change nothing for its hooks."""
    journal = Journal(t)
    box = journal.box("sleep", "0.3", hooks=journal.noting(*KINDS))
    box.run(flag).ok()
    equal(sorted(journal.order()), sorted(KINDS), "hooks")


def layered(t, kind):
    """(layers whose container has one hook of the kind, journal)"""
    journal = Journal(t)
    layers = Layers(t, "sleep", "0.3")
    layers.bundle.add_mount(str(journal.path), "bind", str(journal.path), "bind", "rw")
    layers.bundle.edit(lambda config: config.update(hooks=journal.noting(kind)))
    return layers, journal


@differs(ONLY_HERE)
@parametrize("kind", KINDS)
def test_with_a_root_of_layers(t, kind):
    """The runtime assembles an overlay root on the bundle's directory, and the hooks run."""
    layers, journal = layered(t, kind)
    layers.bundle.rootfs.mkdir()
    layers.run(t).ok()
    equal(journal.order(), [kind], "hooks")


@differs(ONLY_HERE)
@parametrize("kind", KINDS)
def test_with_a_root_of_layers_and_nothing_to_mount_it_on(t, kind):
    """Hooks of create need a root below the bundle: without a directory there create refuses them; other hooks run."""
    layers, journal = layered(t, kind)
    result = layers.run(t)
    if kind in OF_CREATE:
        contains(result.exits(1).err, "/root/path", "stderr")
        t.no_state()
    else:
        result.ok()
    equal(journal.order(), [] if kind in OF_CREATE else [kind], "hooks")


@differs(ONLY_HERE)
def test_a_mount_in_a_root_of_layers(t):
    """A createContainer hook finds the assembled root below the bundle, and the program sees what the hook mounts there."""
    journal = Journal(t)
    layers = Layers(t, "sh", "-c", "cat /tmp/from-hook; ls /home")
    layers.bundle.rootfs.mkdir()
    place = layers.bundle.rootfs / "tmp"
    script = f"PATH=/usr/sbin:/usr/bin:/sbin:/bin; mount -t tmpfs hook {place} && ls {place}/../home > {place}/from-hook"
    layers.bundle.edit(lambda config: config.update(hooks={"createContainer": [journal.note("hook", script)]}))
    equal(layers.run(t).ok().out, "bob\nbob\n", "what the program sees")


@parametrize("hooks", ["null", {}, {"prestart": None}, {"prestart": [], "poststop": []}])
def test_no_hooks(t, hooks):
    """Null and empty lists ask for no hooks."""
    box = t.container("true")
    box.bundle.edit(lambda config: config.update(hooks=None if hooks == "null" else hooks))
    box.run().ok()
