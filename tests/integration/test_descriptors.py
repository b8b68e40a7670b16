# SPDX-License-Identifier: Apache-2.0
"""The descriptors that the container gets, and the processes that hold the caller's."""

import os

import leaks
from harness import absent, contains, equal, eventually, true
from marks import differs, parametrize

COMBINATIONS = [("none",), ("0", 0), ("1", 1), ("2", 2), ("01", 0, 1), ("02", 0, 2), ("12", 1, 2), ("012", 0, 1, 2)]


def test_exactly_three_descriptors(t):
    """The container's first process has 0, 1 and 2 and nothing else."""
    box = t.sleeper()
    box.run_detached().ok()
    equal(sorted(box.descriptors()), [0, 1, 2], "descriptors")


def test_leaked_descriptors_of_the_caller_stay_out(t):
    """Descriptors 3 to 40 that the caller leaks do not reach the program."""
    box = t.sleeper()
    box.run_detached(setup={"fds": {str(number): "/dev/zero" for number in range(3, 41)}}).ok()
    equal(sorted(box.descriptors()), [0, 1, 2], "descriptors")


def test_leaked_directory_of_the_host_stays_out(t):
    """A directory descriptor of the host, the classic way out of a container, does not reach the program."""
    box = t.sleeper()
    directory = os.open("/", os.O_RDONLY)
    os.set_inheritable(directory, True)
    box.run_detached(pass_fds=[directory]).ok()
    os.close(directory)
    equal(sorted(box.descriptors()), [0, 1, 2], "descriptors")
    equal(os.readlink(f"/proc/{box.pid}/cwd"), "/", "cwd")


def test_created_init_has_the_callers_stdio(t):
    """The stdio of a created container is already the caller's."""
    box = t.sleeper()
    box.create().ok()
    found = box.descriptors()
    true(found[0].endswith("/null"), f"stdin is {found[0]}")
    true(found[1].endswith(".out") and found[2].endswith(".err"), f"descriptors are {found}")


@parametrize("count", [1, 2, 5])
def test_preserve_fds_passes_that_many(t, count):
    """--preserve-fds N passes 3 .. 2+N and no more."""
    box = t.sleeper()
    leaked = {str(number): "/dev/zero" for number in range(3, 12)}
    box.run_detached("--preserve-fds", str(count), setup={"fds": leaked}).ok()
    found = box.descriptors()
    equal(sorted(found), list(range(3 + count)), "descriptors")
    equal(found[3], "/dev/zero", "descriptor 3")


def test_preserved_descriptor_works(t):
    """A preserved pipe carries data out of the container."""
    pipe = t.scratch / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDWR)
    t.shell("echo through >&3").run("--preserve-fds", "1", setup={"fds": {"3": str(pipe)}}).ok()
    equal(os.read(reading, 100), b"through\n", "data")


def test_preserve_fds_on_create(t):
    """create --preserve-fds keeps the descriptor until start and beyond."""
    box = t.sleeper()
    box.create("--preserve-fds", "1", setup={"fds": {"3": "/dev/zero", "4": "/dev/zero"}}).ok()
    box.start().ok()
    eventually(lambda: sorted(box.descriptors()) == [0, 1, 2, 3], "descriptors are not 0 to 3")


@differs("runc 1.1.5 does not check if they are open; later ones refuse")
@parametrize("count", ["1", "3"])
def test_preserve_fds_of_a_closed_descriptor_is_refused(t, count):
    """If --preserve-fds counts a descriptor that is not open, create fails and leaves nothing."""
    box = t.sleeper()
    box.create("--preserve-fds", count).exits(1)
    t.no_state()


def test_listen_fds_are_passed_for_this_process_only(t):
    """If LISTEN_PID is another process, LISTEN_FDS keeps no descriptor open."""
    box = t.sleeper()
    environment = {"PATH": "/usr/bin", "LISTEN_FDS": "2", "LISTEN_PID": "1"}
    box.run_detached(env=environment, setup={"fds": {"3": "/dev/zero", "4": "/dev/zero"}}).ok()
    equal(sorted(box.descriptors()), [0, 1, 2], "descriptors")
    absent(box.proc("environ"), "LISTEN_FDS", "environment")


@differs("runc 1.1.5 hands a host directory (/sys/fs/cgroup) to the container on the closed number")
@parametrize("_, *closed", COMBINATIONS[1:])
def test_closed_stdio(t, _, closed):
    """If the caller has closed any of 0, 1 and 2, the container runs and has no stray descriptor."""
    box = t.sleeper()
    box.run_detached(setup={"close": list(closed)}).exits(0)
    found = box.descriptors()
    true(set(found) <= {0, 1, 2}, f"descriptors are {found}")
    for number in closed:
        true(found.get(number, "/dev/null") == "/dev/null", f"{number} is {found.get(number)}")


@parametrize("_, *closed", COMBINATIONS)
def test_closed_stdio_create_and_start(t, _, closed):
    """create and start work with closed stdio too."""
    box = t.shell("sleep 60")
    box.create(setup={"close": list(closed)}).exits(0)
    box.start(setup={"close": list(closed)}).exits(0)
    equal(box.status(), "running", "status")
    eventually(lambda: "sleep" in box.proc("cmdline"), "the program does not run")  # `start` does not wait for it
    true(set(box.descriptors()) <= {0, 1, 2}, f"descriptors are {box.descriptors()}")


def test_read_only_null_as_output(t):
    """A stdout and stderr that cannot be written (EBADF), as engines pass them, do no harm."""
    box = t.sleeper()
    with open("/dev/null", "rb") as null:
        box.create(stdout=null, stderr=null).exits(0)
    box.start().ok()
    equal(box.status(), "running", "status")


def create_with_pipe(box):
    """Creates with pipes as stdout and stderr; returns the reading end."""
    reading, writing = os.pipe()
    box.create(stdout=writing, stderr=writing).exits(0)
    os.close(writing)
    return os.fdopen(reading, "rb")


def test_only_init_holds_the_callers_pipe(t):
    """After create only init has the caller's stdout: EOF comes when init dies."""
    box = t.shell("echo last words")
    pipe = create_with_pipe(box)
    equal(leaks.descendants(os.getpid()).keys(), {box.pid}, "processes below the caller")
    box.start().ok()
    equal(pipe.read(), b"last words\n", "output until EOF")
    equal(box.wait(), 0, "status")


def test_pipe_ends_when_a_created_container_is_deleted(t):
    """Deleting a container that never started closes the caller's pipe."""
    box = t.sleeper()
    pipe = create_with_pipe(box)
    box.delete("--force").ok()
    equal(pipe.read(), b"", "output until EOF")


def test_failed_create_closes_the_callers_pipe(t):
    """After a failed create no process keeps the pipe, and the pipe has the message."""
    box = t.container("/no/such/program")
    reading, writing = os.pipe()
    box.create(stdout=writing, stderr=writing).exits(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        contains(pipe.read().decode(), "no such file or directory", "stderr")


def test_start_does_not_keep_its_pipe(t):
    """`start` with pipes of its own leaves no process that holds them."""
    box = t.sleeper()
    box.create().ok()
    reading, writing = os.pipe()
    box.start(stdout=writing, stderr=writing).exits(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        equal(pipe.read(), b"", "output until EOF")
    equal(box.status(), "running", "status")


def test_stdio_is_the_callers_own_file(t):
    """Without a terminal, 1 and 2 are the files of the caller themselves."""
    box = t.sleeper()
    target = t.scratch / "target"
    with open(target, "wb") as stream:
        box.run_detached(stdout=stream).exits(0)
    equal(box.descriptors()[1], str(target), "stdout")
