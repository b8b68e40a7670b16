# SPDX-License-Identifier: Apache-2.0
"""The init stage as the host and the container see it, and what only bulkhead has: trace and pidfd socket."""

import array
import fcntl
import os
import re
import socket

from harness import contains, equal, true
from marks import differs, needs, parametrize

F_GET_SEALS = 1034
SEALS_OF_WRITING = 0x01 | 0x02 | 0x04 | 0x08  # SEAL, SHRINK, GROW, WRITE
NO_RUNC = "runc 1.1.5 does not have it"


@differs("runc's init is a copy of its own binary, protected in another way")
def test_the_waiting_init_is_a_sealed_memfd(t):
    """What a container could reach as /proc/1/exe cannot be written, grown or shrunk (CVE-2019-5736)."""
    box = t.container("true")
    box.create().ok()
    with open(f"/proc/{box.pid}/exe", "rb") as program:
        seals = fcntl.fcntl(program, F_GET_SEALS)
        size = os.fstat(program.fileno()).st_size
    equal(seals & SEALS_OF_WRITING, SEALS_OF_WRITING, "seals")
    true(size <= 64 * 1024, f"the stage has {size} bytes")
    box.delete().ok()


@differs("runc's init is a Go program of several megabytes")
def test_the_waiting_init_is_small(t):
    """A created container is charged a few pages, not a runtime."""
    box = t.container("true")
    box.create().ok()
    with open(f"/proc/{box.pid}/smaps_rollup", encoding="ascii") as rollup:
        resident = int(re.search(r"^Rss:\s+(\d+) kB", rollup.read(), re.MULTILINE)[1])
    true(resident <= 256, f"the waiting init holds {resident} kB")
    box.delete().ok()


def no_memfd_noexec():
    """The reason to skip, or None."""
    return None if os.path.exists("/proc/sys/vm/memfd_noexec") else "vm.memfd_noexec is Linux 6.3"


@differs("runc 1.1.5 cannot start where vm.memfd_noexec is 2")
@needs(no_memfd_noexec)
def test_executable_memfds_may_be_forbidden(t):
    """With vm.memfd_noexec=2 (in a pid namespace of its own) the stage comes from a detached tmpfs."""
    box = t.container("echo", "alive")
    run = t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    script = 'echo 2 > /proc/sys/vm/memfd_noexec && exec "$@"'
    result = t.runtime.exec(["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh", *run])
    equal(result.ok().out, "alive\n", "stdout")


@differs(NO_RUNC)
def test_pidfd_socket_gets_a_pidfd_of_init(t):
    """--pidfd-socket receives one descriptor, a pidfd of the container's init, with runc's word."""
    box = t.container("true")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(t.scratch / "pidfd.sock"))
        server.listen(1)
        server.settimeout(5)
        box.create("--pidfd-socket", t.scratch / "pidfd.sock").ok()
        connection, _ = server.accept()
        data, control, _, _ = connection.recvmsg(64, socket.CMSG_SPACE(8 * 4))
        connection.close()
    equal((data, len(control)), (b"standard", 1), "message")
    descriptor, = array.array("i", control[0][2][:4])
    with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as info:
        contains(info.read(), f"Pid:\t{box.pid}\n", "fdinfo")
    os.close(descriptor)
    box.delete().ok()


@differs(NO_RUNC)
def test_trace_has_a_time_for_each_step_of_both_lanes(t):
    """run --trace writes one line a step, in the order of their ends, with verbs of both lanes."""
    box = t.container("true")
    box.run("--trace", t.scratch / "trace").ok()
    rows = [line.split(maxsplit=5) for line in (t.scratch / "trace").read_text().splitlines()[1:]]
    ends = [float(row[0]) for row in rows]
    equal(ends, sorted(ends), "ends of the steps")
    steps = {int(row[2]): (row[3], row[4]) for row in rows}
    verbs = set(steps.values())
    for expected in (("host", "spawn"), ("host", "send_go"), ("init", "pivot_root"), ("init", "set_capabilities")):
        true(expected in verbs, f"no time for {expected}")
    numbers = sorted(steps)
    missing = set(range(numbers[-1] + 1)) - set(numbers)
    true(len(missing) == 2, f"steps without a time: {missing} (the report that carries them and execute have none)")


@differs(NO_RUNC)
@parametrize("flags", [(["--detach"],), ([],)])
def test_a_trace_that_cannot_be_written_leaves_nothing(t, flags):
    """`run --trace` into a missing directory is refused before anything is made."""
    box = t.container("sleep", "60")
    result = box.run("--trace", t.scratch / "missing/trace", *flags).exits(1)
    contains(result.err, "--trace: ", "stderr")
    contains(result.err, "no such file or directory", "stderr")
    t.no_state()


@differs(NO_RUNC)
@parametrize("flags", [(["--detach"],), ([],)])
def test_a_trace_that_cannot_be_written_starts_no_process(t, flags):
    """`exec --trace` into a missing directory is refused before the process is started."""
    box = t.sleeper()
    box.run_detached().ok()
    result = box.exec("sh", "-c", "> /dev/shm/ran", flags=["--trace", t.scratch / "missing/trace", *flags]).exits(255)
    contains(result.err, "--trace: ", "stderr")
    equal(box.exec("ls", "/dev/shm").exits(0).out, "", "files that the program has made")


@differs(NO_RUNC)
def test_explain_changes_nothing(t):
    """explain prints the steps of a bundle and leaves no state, for an id that does not exist."""
    box = t.container("true")
    text = t.runtime("explain", "--bundle", box.bundle.path, "some-id").ok().out
    for expected in ("make_cgroup", "spawn", "mount_filesystem", "pivot_root", "/linux/maskedPaths/0"):
        contains(text, expected, "explain")
    t.no_state()
