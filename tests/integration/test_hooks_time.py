# SPDX-License-Identifier: Apache-2.0
"""The time at which hooks run, and what exists then: the order, the mounts, the namespaces, the life of the container."""

import json
import os

import pytest

from harness import contains, equal, eventually, true
from hooks import KINDS, OF_CREATE, Journal, removed, seconds_of, shell, whole_life
from marks import differs, parametrize

pytestmark = pytest.mark.any_cgroups

TOO_EARLY = "runc runs poststart hooks in create until 1.5.0"
PID = "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); "


def host_hook(script, **properties):
    """A hook on the host; $pid is the container's process."""
    return shell("PATH=/usr/sbin:/usr/bin:/sbin:/bin; set -e; " + PID + script, **properties)


def two_of_each(journal):
    return {kind: [journal.note(kind + "1", "sleep 0.05"), journal.note(kind + "2")] for kind in KINDS}


def both(*kinds):
    return [kind + number for kind in kinds for number in ("1", "2")]


# ---- the order ------------------------------------------------------------------------------------------

@differs(TOO_EARLY)
def test_the_order_of_all(t):
    """Each verb runs its hooks in the order of the standard, and the hooks of a kind in the order of the list."""
    journal = Journal(t)
    box = journal.box("sh", "-c", f"echo program >> {journal.path}/order; exec sleep 60", hooks=two_of_each(journal))
    box.create().ok()
    equal(journal.order(), both(*OF_CREATE), "hooks of create")
    box.start().ok()
    eventually(lambda: "program" in journal.order(), "the program does not run")
    order = journal.order()
    true(order.index("program") > order.index("startContainer2"), f"the program before its hooks: {order}")
    order.remove("program")  # its place is arbitrary from here on: it runs beside the poststart hooks
    equal(order, both(*KINDS[:-1]), "hooks of create and start")
    box.kill("KILL").ok()
    box.wait()
    equal(box.status(), "stopped", "status")
    true("poststop1" not in journal.order(), "poststop before delete")
    box.delete().ok()
    equal(journal.order()[-2:], both("poststop"), "hooks of delete")


def test_the_order_of_create(t):
    """create runs prestart, createRuntime and createContainer, and neither startContainer nor poststop."""
    journal = Journal(t)
    kinds = [kind for kind in KINDS if kind != "poststart"]
    box = journal.box("sh", "-c", f"echo program >> {journal.path}/order; exec sleep 60", hooks=journal.noting(*kinds))
    box.create().ok()
    equal(journal.order(), OF_CREATE, "hooks of create")
    box.start().ok()
    eventually(lambda: "program" in journal.order(), "the program does not run")
    equal(journal.order(), [*OF_CREATE, "startContainer", "program"], "hooks of create and start, the program")
    box.kill("KILL").ok()
    box.wait()
    box.delete().ok()
    equal(journal.order()[5:], ["poststop"], "hooks of delete")


@differs(TOO_EARLY)
@parametrize("how, *flags", [("attached",), ("kept", "--keep"), ("detached", "--detach")])
def test_run_runs_them_all(t, how, flags):
    """`run`, attached, detached or with --keep, runs the hooks of create and start; the run's end or delete runs the others."""
    journal = Journal(t)
    program = "sleep 0.4" if how != "detached" else "sleep 60"
    box = journal.box("sh", "-c", f"echo program >> {journal.path}/order; exec {program}", hooks=two_of_each(journal))
    box.run("--pid-file", box.pid_file, *flags).ok()
    eventually(lambda: "program" in journal.order(), "the program does not run")
    order = [word for word in journal.order() if word != "program"]
    if how == "attached":
        equal(order, both(*KINDS), "hooks")
        return
    equal(order, both(*KINDS[:-1]), "hooks of create and start")
    box.delete("--force").ok()
    equal(journal.order()[-2:], both("poststop"), "hooks of delete")
    t.no_state()


def test_every_hook_runs_once(t):
    """An attached run runs each hook once and returns the program's status."""
    journal = Journal(t)
    box = journal.box("sh", "-c", "sleep 0.3; exit 23", hooks=journal.noting(*KINDS))
    box.run().exits(23)
    equal(sorted(journal.order()), sorted(KINDS), "hooks")
    t.no_state()


@parametrize("status", ["created", "running", "stopped"])
def test_delete_force_runs_poststop(t, status):
    """`delete --force` runs the poststop hooks in every state; a second delete does not run them again."""
    journal = Journal(t)
    box = journal.box(hooks=journal.noting("poststop"))
    box.create().ok()
    if status != "created":
        box.start().ok()
    if status == "stopped":
        box.kill("KILL").ok()
        box.wait()
    removed(box, "--force")
    box.delete("--force").ok()
    equal(journal.order(), ["poststop"], "hooks")


def test_delete_of_created_runs_poststop(t):
    """A container that never started has no startContainer and poststart hooks, but the poststop hook runs."""
    journal = Journal(t)
    box = journal.box(hooks=journal.noting("startContainer", "poststop"))
    box.create().ok()
    removed(box)
    equal(journal.order(), ["poststop"], "hooks")


@parametrize("kind", KINDS)
def test_a_verb_waits_for_its_hooks(t, kind):
    """A verb returns after its hooks have ended."""
    journal = Journal(t)
    whole_life(journal.box(hooks={kind: [shell(f"sleep 0.3; echo end >> {journal.path}/order")]}))
    equal(journal.order(), ["end"], "hooks")


@parametrize("kind", OF_CREATE)
def test_edits_after_create_have_no_effect(t, kind):
    """The hooks are those of config.json at create, poststop included."""
    journal = Journal(t)
    box = journal.box(hooks=journal.noting(kind, "poststop"))
    box.create().ok()
    box.bundle.edit(lambda config: config.update(hooks={"poststop": [journal.note("changed")]}))
    removed(box, "--force")
    equal(journal.order(), [kind, "poststop"], "hooks")


# ---- what exists before the root changes ----------------------------------------------------------------

@parametrize("kind", ["prestart", "createRuntime"])
def test_a_mount_made_from_outside(t, kind):
    """nvidia-container-cli's way: enter the container's mount namespace, and mount below the root's path of the host."""
    journal = Journal(t)
    bundle = journal.bundle("sh", "-c", "cat /tmp/from-hook; grep -c ' /tmp ' /proc/self/mountinfo")
    place = bundle.rootfs / "tmp"
    script = f"nsenter --mount=/proc/$pid/ns/mnt sh -ec 'mount -t tmpfs hook {place}; echo made > {place}/from-hook'"
    bundle.edit(lambda config: config.update(hooks={kind: [host_hook(script)]}))
    equal(t.container(bundle=bundle).run().ok().lines(), ["made", "1"], "what the program sees")
    true("from-hook" not in os.listdir(place), "the mount is on the host as well")


@parametrize("kind", ["prestart", "createRuntime"])
def test_a_bind_mount_made_from_outside(t, kind):
    """A hook binds a file of the host over a file of the image: the host's paths resolve in that mount namespace."""
    journal = Journal(t)
    (t.scratch / "driver.so").write_text("driver of the host\n")
    bundle = journal.bundle("cat", "/home/driver.so")
    bundle.program("/home/driver.so", "of the image\n")
    script = (f"nsenter --mount=/proc/$pid/ns/mnt mount --bind {t.scratch}/driver.so "
              f"{bundle.rootfs}/home/driver.so")
    bundle.edit(lambda config: config.update(hooks={kind: [host_hook(script)]}))
    equal(t.container(bundle=bundle).run().ok().out, "driver of the host\n", "what the program sees")


def test_a_mount_made_by_a_create_container_hook(t):
    """nvidia-ctk's way: a createContainer hook mounts below the root's path, and changes files there."""
    journal = Journal(t)
    bundle = journal.bundle("sh", "-c", "cat /tmp/from-hook /etc/hook.conf")
    script = (f"mount -t tmpfs hook {bundle.rootfs}/tmp && echo made > {bundle.rootfs}/tmp/from-hook && "
              f"echo configured > {bundle.rootfs}/etc/hook.conf")
    hook = shell("PATH=/usr/sbin:/usr/bin:/sbin:/bin; set -e; " + script)
    bundle.edit(lambda config: config.update(hooks={"createContainer": [hook]}))
    equal(t.container(bundle=bundle).run().ok().lines(), ["made", "configured"], "what the program sees")
    true("from-hook" not in os.listdir(bundle.rootfs / "tmp"), "the mount is on the host as well")


@parametrize("kind", OF_CREATE)
def test_the_mounts_are_there(t, kind):
    """While the hooks run, the container's mounts are below the root's path, in its mount namespace."""
    journal = Journal(t)
    bundle = journal.bundle("true")
    target = "self" if kind == "createContainer" else "$pid"
    script = PID + f"cat /proc/{target}/mountinfo > {journal.path}/mounts"
    bundle.edit(lambda config: config.update(hooks={kind: [shell(script)]}))
    t.container(bundle=bundle).run().ok()
    points = [line.split()[4] for line in (journal.path / "mounts").read_text().splitlines()]
    for name in ("", "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"):
        true(f"{bundle.rootfs}{name}" in points, f"{name or '/'} is not below {bundle.rootfs}: {points}")


@parametrize("kind", OF_CREATE)
def test_the_root_has_not_changed(t, kind):
    """While these hooks run, the container's process has the host's root; a hook in the container has that root too."""
    journal = Journal(t)
    root = "/" if kind == "createContainer" else "/proc/$pid/root/"
    whole_life(journal.box(hooks={kind: [host_hook(f"stat -c %d:%i {root} > {journal.path}/root")]}))
    root = os.stat("/")
    equal((journal.path / "root").read_text().strip(), f"{root.st_dev}:{root.st_ino}", "root")


@parametrize("kind", ["prestart", "createRuntime"])
def test_the_namespaces_are_those_of_the_program(t, kind):
    """The namespaces of the pid in the state are those that the program gets."""
    journal = Journal(t)
    names = "pid net ipc uts mnt cgroup"
    script = f"for n in {names}; do readlink /proc/$pid/ns/$n; done > {journal.path}/ns"
    box = journal.box(hooks={kind: [host_hook(script)]})
    box.create().ok()
    box.start().ok()
    equal((journal.path / "ns").read_text().split(), [os.readlink(f"/proc/{box.pid}/ns/{n}") for n in names.split()],
          "namespaces")


@parametrize("kind", ["prestart", "createRuntime"])
def test_the_network_is_made_by_a_hook(t, kind):
    """libnetwork's way: a setting that a hook makes in the network namespace holds for the program."""
    journal = Journal(t)
    script = "nsenter --net=/proc/$pid/ns/net sh -c 'echo 77 > /proc/sys/net/ipv4/ip_default_ttl'"
    box = journal.box("cat", "/proc/sys/net/ipv4/ip_default_ttl", hooks={kind: [host_hook(script)]})
    equal(box.run().ok().out, "77\n", "setting")


@parametrize("kind", ["prestart", "createRuntime"])
def test_the_process_is_in_its_cgroup(t, kind):
    """The container's process is in the container's cgroup while hooks run."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [host_hook(f"cat /proc/$pid/cgroup > {journal.path}/cgroup")]})
    box.create().ok()
    equal((journal.path / "cgroup").read_text(), box.proc("cgroup"), "cgroup")
    contains(box.proc("cgroup"), box.id, "cgroup")


# ---- what exists in the life of the container -----------------------------------------------------------

@differs(TOO_EARLY)
def test_poststart_hooks_find_the_program(t):
    """While a poststart hook runs, the pid is the program, not the runtime, and `state` reports running."""
    journal = Journal(t)
    state = " ".join(t.runtime.command("state"))
    box = journal.box("sleep", "61", hooks={})
    script = (f"tr '\\0' ' ' < /proc/$pid/cmdline > {journal.path}/cmdline; "
              f"{state} {box.id} > {journal.path}/state; sleep 0.2")
    box.bundle.edit(lambda config: config.update(hooks={"poststart": [host_hook(script)]}))
    for _ in range(10):
        whole_life(box)
        equal((journal.path / "cmdline").read_text(), "sleep 61 ", "command line")
        equal(json.loads((journal.path / "state").read_text())["status"], "running", "status")


def test_poststop_hooks_find_nothing(t):
    """While a poststop hook runs, the process, the cgroup and the id are gone."""
    journal = Journal(t)
    box = journal.box(hooks={})
    state = " ".join(t.runtime.command("state", box.id))
    hook = shell(f"PATH=/usr/bin:/bin; {state} > {journal.path}/state 2>&1; echo $? > {journal.path}/code; "
                 f"find /sys/fs/cgroup -name '*{box.id}*' > {journal.path}/cgroups")
    box.bundle.edit(lambda config: config.update(hooks={"poststop": [hook]}))
    whole_life(box)
    equal((journal.path / "code").read_text(), "1\n", "exit code of state")
    contains((journal.path / "state").read_text(), "does not exist", "what state says")
    equal((journal.path / "cgroups").read_text(), "", "cgroups")


@parametrize("kind", [kind for kind in KINDS if kind != "startContainer"])
def test_a_hook_may_ask_for_the_state(t, kind):
    """`state` from a hook ends at once, with 0 or 1: no lock is in its way."""
    journal = Journal(t)
    box = journal.box(hooks={})
    asked = " ".join(t.runtime.command("state", box.id))
    hook = shell(f"PATH=/usr/bin:/bin; timeout 5 {asked} > /dev/null 2>&1; echo $? >> {journal.path}/order")
    box.bundle.edit(lambda config: config.update(hooks={kind: [hook]}))
    _, seconds = seconds_of(lambda: whole_life(box))
    equal(len(journal.order()), 1, "hooks")
    true(journal.order()[0] in ("0", "1") and seconds < 5, f"state ended with {journal.order()} after {seconds} s")


def test_start_container_hooks_find_the_root_changed(t):
    """A startContainer hook has the container's root, and may change what the program finds there."""
    bundle = t.bundle("cat", "/tmp/made").writable()
    hook = shell("ls / > /tmp/made; test -e /work && echo host >> /tmp/made; :")
    bundle.edit(lambda config: config.update(hooks={"startContainer": [hook]}))
    names = t.container(bundle=bundle).run().ok().out.split()
    equal(sorted(names), ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp"], "names in /")
