# SPDX-License-Identifier: Apache-2.0
"""podman exec, descriptors, mounts of podman's own, and what rootless podman does beside that."""

import ctypes
import os
import signal
import socket
import subprocess

from harness import contains, equal, status_field
from isolation import libc
from marks import breaks, parametrize
from podman import PATH, Podman, process
from test_conmon_fds import LIST, descriptors, files
from test_podman import end, made, running

CLONE_NEWNS = 0x20000


def executed(t, podman, box, *args, **fields):
    """(stdout, stderr, exit code) of an exec."""
    other = podman.exec(box.name, process(*args, **fields)).made()
    return *other.read(), other.exit_code()


def test_every_field(t):
    """An exec's process file decides user, groups, directory, environment and limits, not the container's config."""
    podman = Podman(t)
    box = running(t, podman)
    out, _, code = executed(
        t, podman, box, "sh", "-c", "id -u; id -g; id -G; pwd; echo $COLOUR $HOME; ulimit -n; exit 6",
        user={"uid": 1000, "gid": 1001, "additionalGids": [10, 20]}, cwd="/tmp",
        env=[f"PATH={PATH}", "COLOUR=blue", "HOME=/home/bob"],
        rlimits=[{"type": "RLIMIT_NOFILE", "hard": 512, "soft": 256}])
    equal((out.splitlines(), code),
          (["1000", "1001", "1001 10 20", "/tmp", "blue /home/bob", "256"], 6), "what the process has")
    end(podman, box)


def test_capabilities(t):
    """An exec's capabilities are those of its file, set by set."""
    podman = Podman(t)
    box = running(t, podman)
    sets = {"bounding": ["CAP_KILL", "CAP_CHOWN"], **{kind: ["CAP_KILL"] for kind in (
        "effective", "permitted", "inheritable", "ambient")}}
    out, _, _ = executed(t, podman, box, "cat", "/proc/self/status", user={"uid": 1000, "gid": 1000},
                         capabilities=sets)
    equal([int(status_field(out, name), 16) for name in ("CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb")],
          [0x21, 0x20, 0x20, 0x20, 0x20], "the sets")
    end(podman, box)


def test_code_and_signal(t):
    """The end of an exec's process is its code, or 128 and the signal."""
    podman = Podman(t)
    box = running(t, podman)
    equal(executed(t, podman, box, "sh", "-c", "exit 33")[2], 33, "exit code")
    equal(executed(t, podman, box, "sh", "-c", "kill -9 $$")[2], 137, "exit code")
    end(podman, box)


@parametrize("verb", ["create", "exec"])
def test_preserve_fds(t, verb):
    """`--preserve-fds 2` of {} after the verb passes 3 and 4 on, and there is no LISTEN_FDS."""
    podman, script = Podman(t), f"{LIST}; cat <&3 >&2; cat <&4 >&2; echo :$LISTEN_FDS: >&2"
    if verb == "create":
        box = podman.create(t.fresh_id(), t.bundle("sh", "-c", script).path, preserve_fds=2, passed=files(t, 2)).made()
        podman.start(box.name).silent()
        other = box
    else:
        box = running(t, podman)
        other = podman.exec(box.name, process("sh", "-c", script), preserve_fds=2, passed=files(t, 2)).made()
    out, err = other.read()
    equal((descriptors(out), err), ([0, 1, 2, 3, 4], "0\n1\n::\n"), "descriptors and what is behind them")
    equal(other.exit_code(), 0, "exit code")
    if verb == "exec":
        end(podman, box)


def test_sockets_become_preserved(t):
    """LISTEN_FDS with as many `--preserve-fds`: podman turns the ones into the others, and each comes once."""
    podman = Podman(t)
    bundle = t.bundle("sh", "-c", f"{LIST}; echo $LISTEN_FDS $LISTEN_PID >&2")
    box = podman.create(t.fresh_id(), bundle.path, preserve_fds=2, passed=files(t, 4), listen=2).made()
    podman.start(box.name).silent()
    out, err = box.read()
    equal((descriptors(out), err), ([0, 1, 2, 3, 4, 5, 6], "2 1\n"), "descriptors and LISTEN_*")
    box.exit_code()


def test_notify_socket_in_the_bundle(t):
    """sdnotify=conmon: podman mounts its own socket into the container; the runtime never sees NOTIFY_SOCKET."""
    podman, place = Podman(t), t.directory("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(place / "notify.sock"))
        bundle = t.bundle("sh", "-c", "test -S $NOTIFY_SOCKET && echo $NOTIFY_SOCKET")
        bundle.env("NOTIFY_SOCKET=/run/notify/notify.sock")
        bundle.add_mount("/run", "tmpfs", "tmpfs", "nosuid", "nodev")
        bundle.add_mount("/run/notify", "bind", str(place), "bind", "private")
        box = podman.create(t.fresh_id(), bundle.path).made()
        podman.start(box.name).silent()
        equal((box.read(), box.exit_code()), (("/run/notify/notify.sock\n", ""), 0), "what the container has")


def test_own_mount_namespace(t):
    """create in a mount namespace of podman's own, with a root file system that is bound only there: the later calls
    come from outside of it."""
    podman, name, bundle = Podman(t), t.fresh_id(), t.bundle("cat", "/etc/only")
    hidden, target, out = t.directory("hidden"), t.directory("target"), t.scratch / "out"
    subprocess.run(["mv", bundle.rootfs, hidden / "rootfs"], check=True)
    (hidden / "rootfs/etc/only").write_text("bound\n")
    bundle.edit(lambda config: config["root"].update(path=str(target)))
    child = os.fork()
    if child == 0:
        os._exit(0 if bound_and_created(podman, name, bundle, hidden / "rootfs", target, out) else 1)
    equal(os.waitpid(child, 0)[1], 0, "the end of who created it")
    equal(os.listdir(target), [], "what we see of the root file system")
    pid = int((t.scratch / f"{name}.pidfile").read_text())
    podman.start(name).silent()
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "exit code")
    equal(out.read_text(), "bound\n", "what the container saw")
    podman.delete(name).silent()


def bound_and_created(podman, name, bundle, source, target, out):
    """In a child: createRootlessContainer's namespace, where the container's mount points are bound anew."""
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rslave", "/"], check=True)
    subprocess.run(["mount", "--bind", source, target], check=True)
    with open(out, "w", encoding="utf-8") as file:
        streams = [file.fileno()] * 3
        return podman.create(name, bundle.path, passthrough=streams).made().pid > 0


def test_exec_with_a_terminal(t):
    """`podman exec -it`: a terminal of the exec's own, whose size podman sets, beside the container's pipes."""
    podman = Podman(t)
    box = running(t, podman)
    script = "stty -echo; echo ready; read line; stty size; exit 3"
    other = podman.exec(box.name, process("sh", "-c", script, terminal=True)).made()
    other.until("ready\r\n")
    other.resize(20, 60)
    os.write(other.master, b"\n")
    contains(other.read()[0], "20 60\r\n", "the size")
    equal(other.exit_code(), 3, "exit code")
    end(podman, box)


def test_exec_ends_with_the_container(t):
    """The end of the container is the end of what was executed in it, and conmon of the exec gets 137."""
    podman = Podman(t)
    box = running(t, podman)
    other = podman.exec(box.name, process("sleep", "60")).made()
    podman.kill(box.name, 9).silent()
    equal((other.exit_code(), other.read()), (128 + signal.SIGKILL, ("", "")), "the process of the exec")
    equal(box.exit_code(), 137, "exit code")
    box.read()
    podman.delete(box.name).silent()


@breaks("has no umask for exec: 0022")
@parametrize("_, fields, expected", [("given", {"umask": 0o27}, "0027\n"), ("not given", {}, "0077\n")])
def test_umask(t, _, fields, expected):
    """The umask of an exec: {}, and if not, it is the container's."""
    podman = Podman(t)
    box = made(t, podman, "sleep", "60", user={"uid": 0, "gid": 0, "umask": 0o77})
    podman.start(box.name).silent()
    equal(executed(t, podman, box, "sh", "-c", "umask", user={"uid": 0, "gid": 0, **fields})[0], expected, "umask")
    end(podman, box)
