# SPDX-License-Identifier: Apache-2.0
"""Nothing of a strange caller leaks into the container."""

import os
import signal

import leaks
from harness import contains, equal, signal_set, status_field, true
from marks import differs, parametrize

ALL_BUT_FATAL = [number for number in range(1, 32) if number not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD)]


def status_under(t, setup, **options):
    return t.container("cat", "/proc/self/status", **options).run(setup=setup).ok().out


@parametrize("_, value", [("077", 0o77), ("000", 0), ("777", 0o777)])
def test_umask_of_the_caller(t, _, value):
    """The caller's umask is not the program's."""
    equal(status_field(status_under(t, {"umask": value}), "Umask"), "0022", "Umask")


def test_umask_of_the_caller_and_the_default_nodes(t):
    """Under umask 077 the container's nodes and mount points still have the right modes."""
    script = "stat -c '%n %a' /dev /dev/null /dev/shm /dev/pts /dev/ptmx"
    out = t.shell(script).run(setup={"umask": 0o77}).ok().out
    equal(out.splitlines(), ["/dev 755", "/dev/null 666", "/dev/shm 1777", "/dev/pts 755", "/dev/ptmx 777"], "modes")


@differs("runc 1.1.5 makes the directory with the caller's umask")
def test_umask_of_the_caller_and_a_made_cwd(t):
    """Under umask 077 the user can enter a cwd that the runtime makes."""
    bundle = t.bundle("ls", "-A", "/made/here", cwd="/made/here", user={"uid": 1000, "gid": 1000}).writable()
    t.container(bundle=bundle).run(setup={"umask": 0o77}).ok()


@differs("runc 1.1.5 passes the caller's mask on")
def test_blocked_signals_of_the_caller(t):
    """Signals that the caller blocks are not blocked for the program."""
    equal(signal_set(status_under(t, {"block": ALL_BUT_FATAL}), "SigBlk"), set(), "SigBlk")


def test_ignored_signals_of_the_caller(t):
    """Signals that the caller ignores are not ignored for the program."""
    equal(signal_set(status_under(t, {"ignore": ALL_BUT_FATAL}), "SigIgn"), set(), "SigIgn")


def test_signals_are_default(t):
    """From an ordinary caller the program gets no blocked and no ignored signals."""
    text = t.output("cat", "/proc/self/status")
    equal((signal_set(text, "SigBlk"), signal_set(text, "SigIgn")), (set(), set()), "SigBlk and SigIgn")


def test_blocked_signals_do_not_hang_the_runtime(t):
    """A caller that blocks all signals still gets an exit code, through create and start too."""
    t.shell("exit 3").run(setup={"block": ALL_BUT_FATAL}).exits(3)
    box = t.shell("exit 0")
    box.create(setup={"block": ALL_BUT_FATAL}).ok()
    box.start(setup={"block": ALL_BUT_FATAL}).ok()
    equal(box.wait(), 0, "status")


def test_sigchld_ignored_by_the_caller(t):
    """A caller that ignores SIGCHLD (so children vanish unreaped) still gets the exit code."""
    t.shell("exit 3").run(setup={"ignore": [signal.SIGCHLD]}).exits(3)


def test_odd_cwd_of_the_caller(t):
    """A caller in a removed directory can name its bundle with an absolute path."""
    gone = t.scratch / "gone"
    gone.mkdir()
    box = t.container("pwd")
    command = t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    result = t.runtime.exec(["/bin/sh", "-c", script, "sh", str(gone), *command])
    equal(result.exits(0).out, "/\n", "pwd")


def test_few_descriptors_of_the_caller(t):
    """A caller with RLIMIT_NOFILE 64 can run a container without rlimits of its own; the container inherits the limit."""
    box = t.container("cat", "/proc/self/limits", rlimits=[])
    out = box.run(setup={"rlimits": {"RLIMIT_NOFILE": [64, 64]}}).ok().out
    line = [line for line in out.splitlines() if line.startswith("Max open files")][0]
    equal(line.split()[3:5], ["64", "64"], "Max open files")


def test_soft_limit_of_the_caller_comes_through(t):
    """The program inherits a soft limit below the hard limit as it is."""
    box = t.container("cat", "/proc/self/limits", rlimits=[])
    out = box.run(setup={"rlimits": {"RLIMIT_CORE": [4096, 8192]}}).ok().out
    line = [line for line in out.splitlines() if line.startswith("Max core file size")][0]
    equal(line.split()[4:6], ["4096", "8192"], "Max core file size")


def test_groups_of_the_caller_with_a_user(t):
    """The runtime drops the caller's supplementary groups for a user too."""
    text = status_under(t, {"groups": [0, 6, 999]}, user={"uid": 1000, "gid": 1000})
    equal(status_field(text, "Groups").split(), [], "Groups")


def test_listen_fds_of_the_caller(t):
    """With LISTEN_PID for another process, no LISTEN variable reaches the program, and the run works."""
    box = t.container("env")
    out = box.run(env={"PATH": "/usr/bin", "LISTEN_PID": "1", "LISTEN_FDNAMES": "x"}).ok().out
    true("LISTEN" not in out, f"environment is {out!r}")


def test_empty_environment_of_the_caller(t):
    """The runtime works without PATH, HOME and everything else, as podman calls it."""
    box = t.sleeper()
    box.create(env={}).ok()
    for words in (("start", box.id), ("state", box.id), ("kill", box.id, "9")):
        t.runtime(*words, env={"XDG_RUNTIME_DIR": ""}).ok()
    equal(box.wait(), -9, "status")


def test_closed_stderr_of_a_failing_verb(t):
    """A verb with a closed stderr still fails with 1."""
    equal(t.runtime("state", "nobody", setup={"close": [2]}).code, 1, "exit code")


@differs("runc 1.1.5 dies of SIGPIPE")
def test_broken_stderr_of_a_failing_verb(t):
    """A verb whose stderr is a pipe without a reader, as podman's may be, fails with 1, not by a signal."""
    reading, writing = os.pipe()
    os.close(reading)
    child = t.runtime.start(t.runtime.command("state", "nobody"), stdout=writing, stderr=writing)
    os.close(writing)
    equal(child.wait(10), 1, "exit code")


def test_oom_score_of_the_caller_is_kept(t):
    """Without oomScoreAdj the program has the caller's value."""
    with open("/proc/self/oom_score_adj", encoding="ascii") as file:
        equal(t.output("cat", "/proc/self/oom_score_adj"), file.read(), "oom_score_adj")


def test_the_program_is_not_traced_to_the_host(t):
    """Name, root and program of init are the container's as soon as init runs."""
    box = t.sleeper()
    box.run_detached().ok()
    equal(box.proc("comm"), "sleep\n", "comm")
    equal(os.stat(f"/proc/{box.pid}/root").st_ino, os.stat(box.bundle.rootfs).st_ino, "inode of the root")
    contains(os.readlink(f"/proc/{box.pid}/exe"), "/bin/busybox", "exe")


def test_the_runtimes_own_threads_are_gone(t):
    """Init has one thread, and no process of the runtime is left."""
    box = t.sleeper()
    box.run_detached().ok()
    equal(os.listdir(f"/proc/{box.pid}/task"), [str(box.pid)], "threads")
    equal(len(leaks.descendants(os.getpid())), 1, "processes")
