# SPDX-License-Identifier: Apache-2.0
"""What a hook gets: state, namespaces, environment, arguments, directory, descriptors, credentials."""

import os
import re
import subprocess

import pytest

from bundles import PATH_ENV
from harness import BASE_ENV, equal, read_text, signal_set, status_field, stop, true
from hooks import HOSTS, KINDS, LINKS, Journal, namespaces, shell, whole_life
from marks import differs, parametrize

pytestmark = pytest.mark.any_cgroups

STATUSES = {"prestart": "creating", "createRuntime": "creating", "createContainer": "creating",
            "startContainer": "created", "poststop": "stopped"}
INHERITED = "runc 1.1.5 gives a hook without env its own environment; newer ones an empty one"
LEAKED = "runc 1.1.5 leaks its socket, log and fifo to the hooks in the container, the caller's to those of delete"


def seen_of_all(t, *kinds, process=None, create=(), options=None, edit=None, **properties):
    """(container, journal): leads a container with a witness of each kind through its life."""
    journal = Journal(t)
    box = journal.watched(*kinds, process=process, **properties)
    if edit:
        box.bundle.edit(edit)
    options = options or {}
    box.create(*create, **options).ok()
    box.start(**options).ok()
    box.kill("KILL").ok()
    box.wait()
    box.delete(**options).ok()
    return box, journal


# ---- the state ------------------------------------------------------------------------------------------

@parametrize("kind, status", list(STATUSES.items()))
def test_the_status_in_the_state(t, kind, status):
    """A hook reads the status at its moment on stdin."""
    _, journal = seen_of_all(t, kind)
    equal(journal.seen(kind)["state"]["status"], status, "status")


@differs("runc runs poststart hooks in create until 1.5.0, and says `created`")
def test_the_status_of_poststart_hooks(t):
    """A poststart hook reads `running`."""
    _, journal = seen_of_all(t, "poststart")
    equal(journal.seen("poststart")["state"]["status"], "running", "status")


@parametrize("kind", KINDS)
def test_the_state_on_stdin(t, kind):
    """The state is one JSON object with the standard's keys; id and bundle are those of create."""
    marks = {"org.example/a": "ä \"quoted\"\nline", "empty": ""}
    box, journal = seen_of_all(t, kind, edit=lambda config: config.update(annotations=marks))
    state = journal.seen(kind)["state"]
    true(re.fullmatch(r"1\.\d+\.\d+.*", state["ociVersion"]), f"ociVersion is {state['ociVersion']!r}")
    equal((state["id"], state["bundle"]), (box.id, str(box.bundle.path)), "id and bundle")
    equal(state["annotations"], marks, "annotations")


@parametrize("kind", ["prestart", "createRuntime", "poststart"])
def test_the_pid_on_the_host(t, kind):
    """A hook in the runtime's namespaces gets the pid that the pid file has."""
    box, journal = seen_of_all(t, kind)
    equal(journal.seen(kind)["state"]["pid"], box.pid, "pid")


@parametrize("kind", ["createContainer", "startContainer"])
def test_the_pid_in_the_container(t, kind):
    """A hook in the container's namespaces gets the pid of the program there."""
    _, journal = seen_of_all(t, kind)
    equal(journal.seen(kind)["state"]["pid"], 1, "pid")


def test_no_pid_when_stopped(t):
    """A poststop hook gets no pid, or 0, because another process may have the pid by now."""
    _, journal = seen_of_all(t, "poststop")
    equal(journal.seen("poststop")["state"].get("pid", 0), 0, "pid")


@parametrize("kind", KINDS)
def test_a_state_larger_than_a_pipe(t, kind):
    """300 KB of annotations arrive complete, and the state ends after them."""
    large = {f"key{i}": "x" * 10000 for i in range(30)}
    _, journal = seen_of_all(t, kind, edit=lambda config: config.update(annotations=large))
    equal(journal.seen(kind)["state"]["annotations"], large, "annotations")


@parametrize("kind", KINDS)
def test_a_bundle_with_a_strange_name(t, kind):
    """The state has quotes, backslashes and letters beyond ASCII in the bundle's path unchanged."""
    journal = Journal(t)
    bundle = journal.bundle()
    strange = t.scratch / "a \"b\" 'c' \\n $d ü%s"
    bundle.path.rename(strange)
    bundle.path, bundle.rootfs = strange, strange / "rootfs"
    bundle.edit(lambda config: config.update(hooks={kind: [journal.witness(kind)]}))
    whole_life(t.container(bundle=bundle))
    equal(journal.seen(kind)["state"]["bundle"], str(strange), "bundle")


# ---- the namespaces -------------------------------------------------------------------------------------

@parametrize("kind", HOSTS)
def test_in_the_namespaces_of_the_runtime(t, kind):
    """prestart, createRuntime, poststart and poststop run in the namespaces of the runtime."""
    _, journal = seen_of_all(t, kind)
    seen = journal.seen(kind)["ns"]
    equal({name: seen[name] for name in LINKS}, namespaces("self"), "namespaces")


@parametrize("kind", ["createContainer", "startContainer"])
def test_in_the_namespaces_of_the_container(t, kind):
    """createContainer and startContainer run in all namespaces of the container."""
    journal = Journal(t)
    box = journal.watched(kind)
    box.create().ok()
    box.start().ok()
    seen, expected = journal.seen(kind)["ns"], namespaces(box.pid)
    equal({name: seen[name] for name in LINKS}, expected, "namespaces")
    for name in ("pid", "net", "ipc", "uts", "mnt", "cgroup"):
        true(expected[name] != namespaces("self")[name], f"{name} is the host's")


def test_the_hostname_is_set_before_start_container_hooks(t):
    """A startContainer hook sees the container's host name; the host keeps its own."""
    journal = Journal(t)
    before = os.uname().nodename
    whole_life(journal.box(hooks={"startContainer": [shell(f"hostname > {journal.path}/name")]}))
    equal((journal.path / "name").read_text(), "bulkhead-it\n", "host name")
    equal(os.uname().nodename, before, "the host's name")


# ---- environment, arguments, directory ------------------------------------------------------------------

@parametrize("kind", KINDS)
def test_the_environment_is_exact(t, kind):
    """A hook has the variables of its entry, in their order, and no others."""
    entries = ["B=2", "A=1", "EMPTY=", "SPACE=a b", "EQUALS=a=b"]
    _, journal = seen_of_all(t, kind, env=entries, process={"env": [PATH_ENV, "LD_PRELOAD=/evil.so", "SECRET=1"]},
                             options={"env": {**BASE_ENV, "CALLER": "1"}})
    equal(journal.seen(kind)["env"], entries, "environment")


@differs(INHERITED)
@parametrize("kind", KINDS)
def test_the_environment_is_empty_when_absent(t, kind):
    """A hook without env has no variable, neither of the caller nor of the program."""
    _, journal = seen_of_all(t, kind, process={"env": [PATH_ENV, "LD_PRELOAD=/evil.so"]},
                             options={"env": {**BASE_ENV, "CALLER": "1"}})
    equal(journal.seen(kind)["env"], [], "environment")


@parametrize("kind", KINDS)
def test_the_arguments_are_those_of_the_entry(t, kind):
    """argv is args, even argv[0], which may differ from the path."""
    journal = Journal(t)
    hook = journal.witness(kind)
    given = ["sh", *hook["args"][1:], "one", "", "t w o"] if kind == "startContainer" else \
            ["another-name", *hook["args"][1:], "one", "", "t w o"]
    whole_life(journal.box(hooks={kind: [{**hook, "args": given}]}))
    equal("\n".join(journal.seen(kind)["argv"]), "\n".join(given), "arguments")


@parametrize("kind", [kind for kind in KINDS if kind != "startContainer"])
def test_without_args_argv_is_the_path(t, kind):
    """Without args argv[0] is the path, and nothing follows."""
    journal = Journal(t)
    (journal.path / "rc").write_text(f"tr '\\0' '\\n' < /proc/self/cmdline | cat > /dev/null\n"
                                     f"printf '%s\\n' \"$0\" \"$@\" > {journal.path}/argv\nexit 0\n")
    hook = {"path": "/bin/bash", "env": [f"BASH_ENV={journal.path}/rc", PATH_ENV]}
    whole_life(journal.box(hooks={kind: [hook]}))
    equal((journal.path / "argv").read_text(), "/bin/bash\n", "arguments")


def test_without_args_argv_is_the_path_in_the_container(t):
    """Without args a startContainer hook has its path as argv[0], which a multi-call program needs."""
    journal = Journal(t)
    box = journal.box(hooks={"startContainer": [{"path": "/bin/sh", "env": [PATH_ENV]}]})
    script = f"$(cp /proc/$$/cmdline {journal.path}/argv)"
    box.bundle.edit(lambda config: config.update(annotations={"script": script}))
    box.create().ok()
    box.start()  # the shell reads the state as its script: no command, but a word to be expanded
    equal((journal.path / "argv").read_text(), "/bin/sh\0", "arguments")


@parametrize("kind", ["prestart", "createRuntime", "poststart"])
def test_the_directory_is_the_bundle(t, kind):
    """A hook in the runtime's namespaces starts in the bundle."""
    box, journal = seen_of_all(t, kind)
    equal(journal.seen(kind)["cwd"], str(box.bundle.path), "directory")


@differs("runc 1.1.5 leaves the hooks of start and delete in the caller's directory")
@parametrize("kind", ["prestart", "createRuntime", "poststart", "poststop"])
def test_the_directory_is_the_bundle_whatever_the_callers(t, kind):
    """Hooks on the host start in the bundle, whatever directory the caller of create, start and delete is in."""
    box, journal = seen_of_all(t, kind, options={"cwd": "/usr"})
    equal(journal.seen(kind)["cwd"], str(box.bundle.path), "directory")


def test_the_directory_of_create_container_hooks(t):
    """A createContainer hook starts in the container's root, the host's root or the bundle, never elsewhere."""
    box, journal = seen_of_all(t, "createContainer")
    true(journal.seen("createContainer")["cwd"] in (str(box.bundle.rootfs), str(box.bundle.path), "/"),
         f"the directory is {journal.seen('createContainer')['cwd']}")


def test_the_directory_of_start_container_hooks(t):
    """A startContainer hook starts in the program's directory."""
    _, journal = seen_of_all(t, "startContainer", process={"cwd": "/home/bob"})
    equal(journal.seen("startContainer")["cwd"], "/home/bob", "directory")


# ---- descriptors and the rest of a process --------------------------------------------------------------

@parametrize("kind", ["prestart", "createRuntime", "poststart"])
def test_three_descriptors(t, kind):
    """A hook has descriptors 0, 1 and 2 only, even if the caller leaks others or preserves them for the program."""
    file = t.scratch / "leak"
    file.touch()
    leak = {"setup": {"fds": {"3": str(file), "7": str(file)}}}
    _, journal = seen_of_all(t, kind, create=["--preserve-fds", "1"], options=leak)
    equal(sorted(journal.seen(kind)["fds"]), ["0", "1", "2"], f"descriptors {journal.seen(kind)['fds']}")


@differs(LEAKED)
@parametrize("kind", ["createContainer", "startContainer", "poststop"])
def test_three_descriptors_here_too(t, kind):
    """The same holds for hooks in the container's namespaces and for those of delete."""
    file = t.scratch / "leak"
    file.touch()
    leak = {"setup": {"fds": {"3": str(file), "7": str(file)}}}
    _, journal = seen_of_all(t, kind, create=["--preserve-fds", "1"], options=leak)
    equal(sorted(journal.seen(kind)["fds"]), ["0", "1", "2"], f"descriptors {journal.seen(kind)['fds']}")


@parametrize("kind", KINDS)
def test_the_streams_are_not_the_programs(t, kind):
    """A hook's output does not get into the program's output, and a hook does not read the program's input."""
    journal = Journal(t)
    box = journal.box("cat", hooks={kind: [journal.note(kind, "echo noise; echo noise >&2; cat > /dev/null")]})
    result = box.run(stdin=b"hello\n").ok()
    equal((result.out, journal.order()), ("hello\n", [kind]), "output and hooks")


@parametrize("kind", HOSTS)
def test_the_credentials_of_the_runtime(t, kind):
    """A hook on the host has the ids and capabilities of the runtime, whatever ids the program has."""
    _, journal = seen_of_all(t, kind, process={"user": {"uid": 1000, "gid": 1000}})
    seen, own = journal.seen(kind)["status"], read_text("/proc/self/status")
    for field in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"):
        equal(status_field(seen, field), status_field(own, field), field)


def test_the_credentials_of_create_container_hooks(t):
    """A createContainer hook is root with every capability: it makes mounts and runs ldconfig."""
    _, journal = seen_of_all(t, "createContainer", process={"user": {"uid": 1000, "gid": 1000}})
    seen, own = journal.seen("createContainer")["status"], read_text("/proc/self/status")
    for field in ("Uid", "Gid", "CapPrm", "CapEff", "Seccomp"):
        equal(status_field(seen, field), status_field(own, field), field)


def test_the_credentials_of_start_container_hooks(t):
    """A startContainer hook is as confined as the program: ids, groups, capabilities, no_new_privs, seccomp, limits."""
    filters = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]}
    user = {"uid": 1000, "gid": 1001, "additionalGids": [5, 7]}
    journal = Journal(t)
    box = journal.watched("startContainer", process={"user": user})
    box.bundle.edit(lambda config: config["linux"].update(seccomp=filters))
    box.create().ok()
    box.start().ok()
    seen, program = journal.seen("startContainer")["status"], box.proc("status")
    for field in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"):
        equal(status_field(seen, field), status_field(program, field), field)
    equal((status_field(seen, "Uid").split()[0], status_field(seen, "Seccomp")), ("1000", "2"), "uid and seccomp")


@differs("runc 1.1.5 hands the caller's mask on")
@parametrize("kind", KINDS)
def test_no_signal_is_blocked(t, kind):
    """Signals that the caller blocks are not blocked in a hook."""
    _, journal = seen_of_all(t, kind, options={"setup": {"block": [1, 10, 15], "ignore": [12]}})
    status = journal.seen(kind)["status"]
    equal(signal_set(status, "SigBlk"), set(), "blocked signals")


@differs("runc 1.1.5 runs its hooks in its own process group")
@parametrize("kind", HOSTS)
def test_a_process_group_of_its_own(t, kind):
    """A signal from a terminal or a caller to the runtime's group does not reach the hook."""
    journal = Journal(t)
    script = f"cut -d' ' -f1,5 /proc/$$/stat > {journal.path}/group"
    whole_life(journal.box(hooks={kind: [journal.note(kind, script)]}))
    pid, group = (journal.path / "group").read_text().split()
    equal(group, pid, "process group")


# ---- paths ----------------------------------------------------------------------------------------------

@parametrize("kind", ["createContainer", *HOSTS])
def test_the_path_is_the_hosts(t, kind):
    """The hook is the host's program, not its namesake in the image."""
    journal = Journal(t)
    program = t.scratch / "tool"
    program.write_text(f"#!/bin/sh\necho host >> {journal.path}/order\n")
    program.chmod(0o755)
    box = journal.box(hooks={kind: [{"path": str(program)}]})
    box.bundle.program(str(program), f"#!/bin/sh\necho image >> {journal.path}/order\n")
    whole_life(box)
    equal(journal.order(), ["host"], "programs")


def test_the_path_of_start_container_is_the_containers(t):
    """A startContainer hook is a program of the image, not its namesake on the host."""
    journal = Journal(t)
    program = t.scratch / "tool"
    program.write_text(f"#!/bin/sh\necho host >> {journal.path}/order\n")
    program.chmod(0o755)
    box = journal.box(hooks={"startContainer": [{"path": str(program)}]})
    box.bundle.program(str(program), f"#!/bin/sh\necho image >> {journal.path}/order\n")
    whole_life(box)
    equal(journal.order(), ["image"], "programs")


@parametrize("kind", ["createContainer", *HOSTS])
def test_a_path_through_links(t, kind):
    """Engines name hooks by links, even by the link of a process to its program."""
    journal = Journal(t)
    (t.scratch / "link").symlink_to("/bin/sh")
    other = t.runtime.start(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE)
    first = {**journal.note("first"), "path": str(t.scratch / "link")}
    second = {**journal.note("second"), "path": f"/proc/{other.pid}/exe"}
    try:
        whole_life(journal.box(hooks={kind: [first, second]}))
    finally:
        stop(other)
    equal(journal.order(), ["first", "second"], "hooks")
