# SPDX-License-Identifier: Apache-2.0
"""Traps: what other runtimes fell into, and the engines' users with them; a line for each that can be shown here."""

import json
import os
import threading
from subprocess import DEVNULL

import isolation
import leaks
from caller import ConsoleSocket, reap, separate, until_end
from gorunc import NullIO, library, read_pid_file
from harness import contains, equal, eventually, true
from hooks import shell
from marks import breaks, parametrize


def hooked(t, **hooks):
    """A bundle with these hooks, each one shell script."""
    return t.bundle("sleep", "60").edit(lambda config: config.update(
        hooks={kind: [shell(script)] for kind, script in hooks.items()}))


def nothing_is_left(t):
    """No state, no cgroup of ours, no process."""
    t.no_state()
    eventually(lambda: (leaks.reap_orphans(), not leaks.descendants(os.getpid()))[1],
               f"left: {leaks.descendants(os.getpid())}", 10)
    equal([path for path in leaks.cgroups() if t.prefix in path], [], "cgroups")


@parametrize("version", ["1.0.0", "1.0.2-dev", "1.2.1", "1.3.0", "1.99.0"])
def test_versions(t, version):
    """A config of ociVersion {} is accepted: nobody knows all that will come, and engines are newer than runtimes."""
    bundle = t.bundle("true").edit(lambda config: config.update(ociVersion=version))
    equal(separate(library(t).argv("run", "--bundle", bundle.path, t.fresh_id())).ok().out, "", "output")


@parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_a_hook_that_fails(t, kind):
    """When a hook of {} fails, `create` fails with its message, does not hang, and nothing is left."""
    runc = library(t)
    bundle = hooked(t, **{kind: "echo this is why >&2; exit 3"})
    answer = runc.create(bundle.path, t.fresh_id(), pid_file=t.scratch / "pid").failed()
    contains(answer.out, "hook", "the message")
    nothing_is_left(t)


@breaks("`start` succeeds before the hook has run")
def test_a_hook_of_the_start_that_fails(t):
    """When a hook of startContainer fails, `start` fails, and what is there can be deleted."""
    runc, box = library(t), t.container(bundle=hooked(t, startContainer="exit 3"))
    box.create().ok()
    runc.start(box.id).failed()
    reap(box.pid)
    runc.delete(box.id, force=True).silent()
    nothing_is_left(t)


@breaks("waits for every process that has the hook's streams")
def test_a_hook_that_leaves_somebody(t):
    """A failing hook whose child keeps its streams does not keep `create` from failing, and its caller from the end."""
    bundle = hooked(t, createRuntime="sleep 61 & exit 3")
    library(t).create(bundle.path, t.fresh_id(), seconds=3 if t.control else 15).failed()
    leaks.kill_descendants(os.getpid())
    nothing_is_left(t)


@parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_the_state_that_a_hook_reads(t, kind):
    """A hook of {} reads on stdin id, bundle, annotations, a pid that is not 0, and a status."""
    word = t.directory("hook") / "state"
    bundle = hooked(t, **{kind: f"cat > {word}"})
    if kind == "createContainer":  # runs in the container's mounts, before the root is changed
        bundle.add_mount(str(word.parent), "bind", str(word.parent), "bind", "rw")
    bundle.edit(lambda config: config.update(annotations={"a.b": "c"}))
    box = t.container(bundle=bundle)
    box.create().ok()
    state = json.loads(word.read_text())
    equal((state["id"], state["bundle"], state["annotations"]), (box.id, str(bundle.path), {"a.b": "c"}),
          "id, bundle and annotations")
    true(state["status"] in ("creating", "created") and state["ociVersion"], f"{state}")
    equal(state["pid"], 1 if kind == "createContainer" else box.pid, "pid, as the hook's namespace numbers it")


@parametrize("kind", ["prestart", "createRuntime"])
def test_the_network_that_a_hook_finds(t, kind):
    """When a hook of {} runs, the pid that it reads has the container's own network namespace, in which it can work."""
    word = t.directory("hook") / "net"
    script = f"pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); readlink /proc/$pid/ns/net > {word}"
    box = t.container(bundle=hooked(t, **{kind: script}))
    box.create().ok()
    equal(word.read_text().strip(), os.readlink(f"/proc/{box.pid}/ns/net"), "namespace")
    true(word.read_text().strip() != os.readlink("/proc/self/ns/net"), "it is the host's")


@parametrize("kind, spoil", [
    ("program", lambda bundle: bundle.process(args=["no-such"])),
    ("mount", lambda bundle: bundle.add_mount("/x", "bind", "/no/such/source", "bind")),
    ("directory", lambda bundle: bundle.process(cwd="/etc/passwd")),
    ("rootfs", lambda bundle: bundle.edit(lambda config: config["root"].update(path="nowhere"))),
    ("profile", lambda bundle: bundle.process(apparmorProfile="no-such-profile-anywhere"))])
def test_a_run_that_fails(t, kind, spoil):
    """A `run` and a `create` that fail ({}) leave nothing, and the same id can be used afterwards."""
    runc, name, bundle = library(t), t.fresh_id(), t.bundle("true")
    spoil(bundle)
    for verb in ("run", "create"):
        answer = separate(runc.argv(verb, "--bundle", bundle.path, name)).failed()
        true(answer.err.count("\n") == 1 and len(answer.err) > 20, f"the message is {answer.err!r}")
        nothing_is_left(t)
    separate(runc.argv("run", "--bundle", t.bundle("true").path, name)).silent()


@parametrize("size", [{"height": 0, "width": 0}, {"height": 0, "width": 80}])
def test_a_terminal_without_a_size(t, size):
    """A terminal whose consoleSize is {} is made all the same."""
    runc, sock = library(t), ConsoleSocket(t.directory("pty"))
    bundle = t.bundle("echo", "here", terminal=True, consoleSize=size)
    name = t.fresh_id()
    runc.create(bundle.path, name, pid_file=t.scratch / "pid", console_socket=sock.path).silent()
    _, master = sock.receive()
    sock.close()
    runc.start(name).silent()
    equal(until_end([master])[0], b"here\r\n", "what it showed")
    equal(reap(read_pid_file(t.scratch / "pid")), 0, "exit status")
    runc.delete(name).silent()


def test_globals_that_come_twice(t):
    """A wrapper's --root and --log in front of the engine's own lose: the last of each counts."""
    other, name, bundle = t.scratch / "other", t.fresh_id(), t.bundle("true")
    first = ["--root", other, "--log", t.scratch / "other.log", "--log-format", "text", "--debug"]
    words = [t.path, *map(str, first), *library(t).argv()[1:]]
    separate([*words, "run", "--bundle", str(bundle.path), name]).silent()
    separate([*words, "kill", "nobody", "9"]).failed()
    true(not (other / name).exists(), "the first root was used")
    contains((t.scratch / "log.json").read_text(), "does not exist", "the last log")
    true(not (t.scratch / "other.log").exists() or "does not exist" not in (t.scratch / "other.log").read_text(),
         "the first log was used")


@parametrize("name, fields", [
    ("debug", {"debug": True}), ("criu", {"criu": "/no/such/criu"}), ("rootless", {"rootless": False})])
def test_globals_without_a_meaning(t, name, fields):
    """A global that engines pass without need of it, {}, changes nothing and makes no noise."""
    runc, box, null = library(t, **fields), t.container("true"), NullIO()
    runc.create(box.bundle.path, box.id, pid_file=box.pid_file, stdio=null.inner).silent()
    null.close_inner()
    runc.state(box.id)
    runc.start(box.id).silent()
    box.wait()
    runc.delete(box.id).silent()


@breaks("has no such flag")
def test_create_detached(t):
    """`create --detach`, as the library passes it on, is a create."""
    runc, name = library(t), t.fresh_id()
    runc.create(t.bundle("true").path, name, detach=True, stdio=(DEVNULL,) * 3).silent()
    runc.delete(name).silent()


@parametrize("form", ["{}", "/{}", "/{}/below", "kubepods.slice:cri-containerd:{}"])
def test_the_cgroup_that_is_asked_for(t, form):
    """With the cgroupfs driver a cgroupsPath of the form {} is a plain path: the process is there, not below."""
    box = t.sleeper()
    path = form.format(box.id)
    box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=path))
    box.create().ok()
    top = isolation.cgroup2_mount()
    equal(box.cgroup(), top / path.lstrip("/"), "cgroup")
    equal([entry for entry in os.listdir(box.cgroup()) if (box.cgroup() / entry).is_dir()], [], "levels below")
    library(t).delete(box.id).silent()
    if (top / box.id).exists():
        (top / box.id).rmdir()


def test_names_that_are_none(t):
    """An id that is a path or empty is refused by `create`, and nothing is made of it."""
    runc, bundle = library(t), t.bundle("true")
    for name in ("../escape", "a/b", ".", "..", ""):
        separate(runc.argv("create", "--bundle", bundle.path, name)).failed()
    t.no_state()


def test_parents_at_the_same_time(t):
    """Containers whose cgroups have the same missing parents are made and removed beside each other."""
    runc, names, answers = library(t), [t.fresh_id() for _ in range(6)], []
    top = isolation.cgroup2_mount() / f"{t.prefix}-top"
    bundles = [t.bundle("true").edit(lambda config, name=name: config["linux"].update(
        cgroupsPath=f"/{top.name}/deep/er/{name}")) for name in names]

    def life(bundle, name):
        answers.append(runc.create(bundle.path, name, stdio=(DEVNULL,) * 3))
        answers.append(runc.delete(name, force=True))
    threads = [threading.Thread(target=life, args=pair) for pair in zip(bundles, names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal([(answer.code, answer.out) for answer in answers], [(0, "")] * 12, "answers")
    for path in (top / "deep/er", top / "deep", top):
        if path.exists():
            path.rmdir()


def test_bundles_named_in_many_ways(t):
    """`--bundle B`, `--bundle=B`, `-bundle B`, `-b B` and the current directory are the same bundle."""
    runc, bundle = library(t), t.bundle("echo", "here")
    for words, cwd in ((["--bundle", bundle.path], "/"), ([f"--bundle={bundle.path}"], "/"),
                       (["-bundle", bundle.path], "/"), ([f"-bundle={bundle.path}"], "/"), (["-b", bundle.path], "/"),
                       ([], bundle.path)):
        equal(separate(runc.argv("run", *words, t.fresh_id()), cwd=cwd).ok().out, "here\n", f"output with {words}")


def test_a_config_is_read_at_create(t):
    """A wrapper edits config.json in place just before `create`; what happens to the file later has no effect."""
    runc, box = library(t), t.container("false")
    box.bundle.process(args=["sh", "-c", "exit 9"])
    box.create().ok()
    (box.bundle.path / "config.json").write_text("{ this is no document")
    runc.start(box.id).silent()
    equal(reap(box.pid), 9, "exit status")
    equal(runc.state(box.id)["status"], "stopped", "status")
    runc.delete(box.id).silent()
