# SPDX-License-Identifier: Apache-2.0
"""What a container, or a process in one, can leave behind."""

import errno
import os
import pathlib
import subprocess
import time

import harness
import isolation


def reap():
    """Collects what became our child: we are the subreaper."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def own_children():
    return pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def cgroups():
    """Every cgroup below ours, with the processes in it."""
    found = {}
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        try:
            found[folder] = pathlib.Path(folder, "cgroup.procs").read_text().split()
        except OSError as error:  # it has gone meanwhile: before it was opened, or while it was read
            if error.errno not in (errno.ENOENT, errno.ENODEV):
                raise
    del found["/sys/fs/cgroup"]  # the test's own
    return found


def traces_of_life(root):
    """Everything a container with this state root can leave, as a set of sentences."""
    reap()
    # No id has a colon: that is a cache, and stays.
    states = [path.relative_to(root) for path in root.rglob("*") if ":" not in str(path)] if root.exists() else []
    beside = [path.name for path in root.parent.glob("*.pid*")]
    inhabitants = [(path, pid) for path, pids in cgroups().items() for pid in ["", *pids]]
    return {*(f"process {pid}" for pid in own_children()),
            *(f"cgroup {path} {pid}".rstrip() for path, pid in inhabitants),
            *(f"state {name}" for name in states), *(f"file {name}" for name in beside),
            *(f"mount {line}" for line in isolation.mounts())}


def left(root, before, patience=2.0):
    """What is there and was not, or the other way round; the kernel gets a moment for zombies."""
    end = time.monotonic() + patience
    while True:
        difference = sorted(traces_of_life(root) ^ before)
        if not difference or time.monotonic() > end:
            return difference
        time.sleep(0.002)


def sweep(root, before):
    """After a failure, and a `delete` where there is something to delete: makes room for the next fault by hand."""
    known = {sentence.split()[-1] for sentence in before if sentence.startswith(("process ", "cgroup "))}
    strangers = [pid for pids in cgroups().values() for pid in pids]
    for pid in {*own_children(), *strangers} - known:
        try:
            os.kill(int(pid), 9)
        except ProcessLookupError:
            pass
    time.sleep(0.05)
    reap()
    for path in sorted(cgroups(), reverse=True):
        if f"cgroup {path}" not in before:
            isolation.remove_tree(path)
    remove_pid_files(root)


def remove_pid_files(root):
    """The caller's files: they may be there or not, and are the caller's to remove."""
    for path in root.parent.glob("*.pid*"):
        path.unlink()


def notices_leaks(root):
    """What is planted is seen: a cgroup and a process in it, a state directory, a mount, a process, a file."""
    before = traces_of_life(root)
    root.mkdir(parents=True, exist_ok=True)
    target = root / "planted"
    target.mkdir()
    cgroup = pathlib.Path("/sys/fs/cgroup/planted")
    cgroup.mkdir()
    (root.parent / "planted.pid").touch()
    subprocess.run(["mount", "-t", "tmpfs", "planted", str(target)], check=True)
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        (cgroup / "cgroup.procs").write_text(str(sleeper.pid))
        found = left(root, before, patience=0)
        sleeper.kill()
    subprocess.run(["umount", str(target)], check=True)
    remove_pid_files(root)
    target.rmdir()
    cgroup.rmdir()
    kinds = {sentence.split()[0] for sentence in found}
    harness.true(kinds == {"cgroup", "state", "mount", "process", "file"}, f"only {kinds} were seen")
    harness.true(f"cgroup {cgroup} {sleeper.pid}" in found, "who is in a cgroup is not seen")
    harness.true(not left(root, before), "what was planted is still there")
