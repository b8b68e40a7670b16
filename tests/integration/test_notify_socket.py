# SPDX-License-Identifier: Apache-2.0
"""NOTIFY_SOCKET: the container says that it is ready, and the caller's service manager hears it (sd_notify(3))."""

import array
import json
import os
import socket
import stat
import time

from harness import Failure, absent, contains, equal, eventually, read_text, stop, true
from marks import differs, parametrize
from unprivileged import become_user, mapping, rootless, with_user_namespace

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INSIDE = "/run/notify/notify.sock"


class Manager:
    """What systemd is to a service: a datagram socket that takes messages, and descriptors with them."""

    def __init__(self, address):
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.socket.settimeout(10)

    def environment(self):
        return {"PATH": PATH, "NOTIFY_SOCKET": self.address}

    def message(self):
        """The next message; a descriptor that comes along is closed, as systemd does with a barrier's."""
        size = array.array("i").itemsize
        try:
            text, control, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(4 * size))
        except TimeoutError:
            raise Failure("the service manager got no message") from None
        descriptors = [number for _, _, data in control for number in array.array("i", data)]
        for number in descriptors:
            os.close(number)
        return text.decode(), len(descriptors)

    def silent(self):
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(10)


def manager_of(t):
    return Manager(str(t.scratch / "manager.sock"))


def say(box, text):
    """Writes to the container's notify socket as a process in it would."""
    say_as(box.pid, text)


def say_as(pid, text):
    """The same to that of whatever container a process is in."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        directory = os.open(f"/proc/{pid}/root/run/notify", os.O_PATH)
        try:
            sender.connect(f"/proc/self/fd/{directory}/notify.sock")
            sender.send(text.encode())
        finally:
            os.close(directory)


def start_run(t, box, manager, *flags):
    """`run` in the background; returns it once the container runs."""
    command = t.runtime.command("run", "--bundle", box.bundle.path, "--pid-file", box.pid_file, *flags, box.id)
    child = t.runtime.start(command, env=manager.environment())
    eventually(lambda: child.poll() is not None or box.status() == "running", "the container does not run")
    return child


def expect_ready(t, manager, pid):
    """What the service manager is told; runc 1.1.5 does not know the barrier yet."""
    equal(manager.message(), ("READY=1\n", 0), "first message")
    equal(manager.message(), (f"MAINPID={pid}\n", 0), "second message")
    if t.bulkhead:
        equal(manager.message(), ("BARRIER=1", 1), "third message")


def test_the_container_has_a_socket_of_its_own(t):
    """NOTIFY_SOCKET names a socket in a read-only directory; the caller's is not in sight."""
    box, systemd = t.sleeper(), manager_of(t)
    child = start_run(t, box, systemd, "--detach")
    contains(box.proc("environ"), f"NOTIFY_SOCKET={INSIDE}\0", "environment")
    absent(box.proc("environ"), systemd.address, "environment")
    true(stat.S_ISSOCK(os.stat(f"/proc/{box.pid}/root{INSIDE}").st_mode), "no socket")
    options = [line.split()[5] for line in box.proc("mountinfo").splitlines() if line.split()[4] == "/run/notify"]
    equal(set(options[0].split(",")) >= {"ro", "nosuid", "nodev", "noexec"}, True, f"options {options}")
    say(box, "READY=1")
    expect_ready(t, systemd, box.pid)
    equal(child.wait(10), 0, "exit code")


def test_a_detached_run_waits_until_it_is_ready(t):
    """READY=1 is passed on with the container's pid and a barrier, and then `run` ends."""
    box, systemd = t.sleeper(), manager_of(t)
    child = start_run(t, box, systemd, "--detach")
    equal(child.poll(), None, "`run` before the container is ready")
    say(box, "STATUS=nearly\n")
    time.sleep(0.3)
    equal((child.poll(), systemd.silent()), (None, True), "`run` after another message")
    say(box, "READY=1")
    expect_ready(t, systemd, box.pid)
    equal(child.wait(10), 0, "exit code")
    equal(box.status(), "running", "status")


def test_start_waits_until_it_is_ready(t):
    """Between create and start it is `start` that listens and waits."""
    box, systemd = t.sleeper(), manager_of(t)
    box.create(env=systemd.environment()).exits(0)
    child = t.runtime.start(t.runtime.command("start", box.id), env=systemd.environment())
    eventually(lambda: box.status() == "running", "it does not run")
    equal(child.poll(), None, "`start` before the container is ready")
    say(box, "READY=1\n")
    expect_ready(t, systemd, box.pid)
    equal(child.wait(10), 0, "exit code")


@differs("runc takes READY= only where the message begins with it")
def test_ready_may_stand_among_other_lines(t):
    """A message has several lines; of them only READY=1 is passed on."""
    box, systemd = t.sleeper(), manager_of(t)
    child = start_run(t, box, systemd, "--detach")
    say(box, "MAINPID=1\nSTATUS=up\nREADY=1\nFDSTORE=1")
    expect_ready(t, systemd, box.pid)
    equal(child.wait(10), 0, "exit code")
    true(systemd.silent(), "more was passed on")


@differs("runc passes every READY= on")
@parametrize("text", ["READY=0", "READY=10", "XREADY=1", "MAINPID=1", ""])
def test_what_is_not_ready_is_not_passed_on(t, text):
    """What the container writes is untrusted: nothing of it reaches the service manager."""
    box, systemd = t.sleeper(), manager_of(t)
    child = start_run(t, box, systemd, "--detach")
    say(box, text)
    time.sleep(0.3)
    equal((child.poll(), systemd.silent()), (None, True), "`run`, and the manager's socket")
    box.kill("KILL").ok()
    equal(child.wait(10), 0, "exit code")


@differs("runc 1.1.5 waits for ever: it does not reap the child whose end it waits for")
def test_a_detached_run_ends_with_the_container(t):
    """A container that ends without a word is waited for no longer."""
    box, systemd = t.shell("sleep 1"), manager_of(t)
    command = t.runtime.command("run", "--bundle", box.bundle.path, "--pid-file", box.pid_file, "--detach", box.id)
    equal(t.runtime.exec(command, env=systemd.environment()).code, 0, "exit code")
    true(systemd.silent(), "a message of a container that said nothing")


@differs("runc waits for the container's word before it does anything else, signals too")
def test_an_attached_run_names_itself(t):
    """In the foreground the main process is the runtime, which ends as the container does; signals go on."""
    box, systemd = t.sleeper(), manager_of(t)
    child = start_run(t, box, systemd)
    say(box, "READY=1")
    expect_ready(t, systemd, child.pid)
    box.kill("KILL").ok()
    equal(child.wait(10), 137, "exit code")


@differs("runc does not forward signals before the container is ready")
def test_an_attached_run_forwards_signals_meanwhile(t):
    """A container that is not ready yet can be stopped."""
    box, systemd = t.shell("trap 'exit 7' TERM; : > /dev/shm/up; while :; do sleep 0.1; done"), manager_of(t)
    child = start_run(t, box, systemd)
    eventually(lambda: os.path.exists(f"/proc/{box.pid}/root/dev/shm/up"), "the program does not begin")
    equal(stop(child, 15), 7, "exit code")


def test_an_abstract_socket_of_the_manager(t):
    """@name is a socket without a file."""
    box, systemd = t.sleeper(), Manager(f"@{t.prefix}-manager")
    child = start_run(t, box, systemd, "--detach")
    say(box, "READY=1")
    expect_ready(t, systemd, box.pid)
    equal(child.wait(10), 0, "exit code")


@differs("runc starts the container first")
@parametrize("kind", ["absolute", "abstract"])
def test_a_manager_that_is_not_there_is_an_error(t, kind):
    """A socket that nobody listens on fails before anything is started, and nothing is left."""
    address = str(t.scratch / "nobody.sock") if kind == "absolute" else f"@{t.prefix}-nobody"
    result = t.container("true").run(env={"PATH": PATH, "NOTIFY_SOCKET": address}).exits(1)
    contains(result.err, "NOTIFY_SOCKET", "stderr")
    t.no_state()


@differs("runc says bind: no such file or directory")
def test_start_alone_cannot_listen(t):
    """A container that was created without has no directory to listen in: said before it is started."""
    box, systemd = t.sleeper(), manager_of(t)
    box.create().ok()
    result = box.start(env=systemd.environment()).exits(1)
    contains(result.err, "NOTIFY_SOCKET", "stderr")
    equal(box.status(), "created", "status")


@differs("runc leaves the directory to the caller's umask")
def test_users_of_the_container_may_write(t):
    """The socket is everybody's, whatever the caller's umask is."""
    box, systemd = t.sleeper(user={"uid": 1000, "gid": 1000}), manager_of(t)
    command = t.runtime.command("run", "--bundle", box.bundle.path, "--pid-file", box.pid_file, "--detach", box.id)
    child = t.runtime.start(command, env=systemd.environment(), setup={"umask": 0o077})
    eventually(lambda: box.status() == "running", "it does not run")
    equal(stat.S_IMODE(os.stat(f"/proc/{box.pid}/root{INSIDE}").st_mode), 0o777, "mode of the socket")
    equal(stat.S_IMODE(os.stat(f"/proc/{box.pid}/root/run/notify").st_mode), 0o755, "mode of the directory")
    box.kill("KILL").ok()
    child.wait(10)


def test_delete_removes_the_directory(t):
    """Nothing of the socket is in the state root, nor left there."""
    box, systemd = t.sleeper(), manager_of(t)
    box.create(env=systemd.environment()).exits(0)
    box.delete("--force").ok()
    t.no_state()


def nest(path, depth):
    """Directories, one in the other, deeper than delete once went."""
    path.mkdir(exist_ok=True)
    here = os.open(path, os.O_PATH)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_PATH | os.O_NOFOLLOW, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


@differs("runc's state root is its own")
@parametrize("depth", [40, 300])
def test_delete_removes_what_was_put_there(t, depth):
    """An older version bound a directory of the state root into the container, which may have filled it."""
    box, systemd = t.sleeper(), manager_of(t)
    box.create(env=systemd.environment()).exits(0)
    nest(t.root / box.id / "notify", depth)
    box.delete("--force").ok()
    t.no_state()


def below_a_user_namespace(t):
    maps = [mapping(0, 0, 65536)]
    return t.container(bundle=with_user_namespace(t.bundle("sleep", "60"), maps, maps))


def without_root(t):
    become_user(t)
    return t.container(bundle=rootless(t.bundle("sleep", "60")))


def beside_another(t):
    """The pid namespace is another container's: the copy that waits is born late, with what it needs alone."""
    other = t.sleeper()
    other.run_detached().ok()
    box = t.sleeper()
    box.bundle.edit(lambda config: [entry.update(path=f"/proc/{other.pid}/ns/pid")
                                    for entry in config["linux"]["namespaces"] if entry["type"] == "pid"])
    return box


@differs("runc binds a directory of its state root")
@parametrize("_, made", [
    ("user namespace", below_a_user_namespace), ("rootless", without_root), ("joined pid namespace", beside_another)])
def test_start_takes_the_socket_from_whoever_holds_it(t, _, made):
    """Between create and start the waiting init has it, whatever namespaces that is in."""
    box, systemd = made(t), manager_of(t)
    os.chmod(systemd.address, 0o777)
    (box.bundle.rootfs / "run/notify").mkdir(parents=True, exist_ok=True)  # whose root it is not makes none
    box.create(env=systemd.environment()).exits(0)
    child = t.runtime.start(t.runtime.command("start", box.id), env=systemd.environment())
    eventually(lambda: child.poll() is not None or box.status() == "running", "it does not run")
    say(box, "READY=1")
    expect_ready(t, systemd, box.pid)
    equal(child.wait(10), 0, "exit code")
    equal("notify" in os.listdir(t.root / box.id), False, "a directory in the state root")
    box.delete("--force").ok()


# Makes its view writable, and puts directories and bytes into it until there is no room.
FILL = """mount -o remount,bind,rw /run/notify || exit 3
i=0; d=/run/notify; while [ $i -lt 40 ]; do d=$d/d; mkdir $d 2>/dev/null || break; i=$((i + 1)); done
dd if=/dev/zero of=/run/notify/bytes bs=64k count=16 2>/dev/null
echo $i $(stat -c %s /run/notify/bytes 2>/dev/null || echo 0) > /tmp/filled; exec sleep 60"""
ADMIN = {kind: ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"] for kind in ("bounding", "effective", "permitted")}


@differs("runc binds a directory of its state root")
def test_nothing_of_the_state_root_is_in_the_container(t):
    """/run/notify is a small file system of its own, whoever makes it writable; on the host there is no mount more."""
    box, systemd = t.shell(FILL), manager_of(t)
    box.bundle.capabilities(**ADMIN).add_mount("/tmp", "tmpfs", "tmpfs", "mode=1777")
    before = read_text("/proc/self/mountinfo")
    start_run(t, box, systemd, "--detach").kill()
    filled = f"/proc/{box.pid}/root/tmp/filled"
    eventually(lambda: os.path.exists(filled) and read_text(filled).endswith("\n"), "it does not fill")
    depth, size = map(int, read_text(filled).split())
    true(0 < depth < 16 and size <= 65536, f"{depth} directories and {size} bytes")
    equal(sorted(os.listdir(t.root / box.id)), ["config.json", "state.json"], "the state directory")
    equal(read_text("/proc/self/mountinfo"), before, "the host's mounts")
    box.delete("--force").ok()
    t.no_state()


@differs("of bulkhead's steps")
def test_a_killed_runtime_leaves_nothing(t):
    """At every step of a creation with a notify socket: delete --force removes all, on the host there is no mount more."""
    box, systemd = t.sleeper(), manager_of(t)
    before, environment = read_text("/proc/self/mountinfo"), systemd.environment()
    shown = t.runtime("explain", "--json", "--bundle", box.bundle.path, box.id, env=environment).ok().out
    names = [step["verb"] for step in json.loads(shown)]
    true({"make_notify_socket", "mount_notify_socket"} <= set(names), f"steps: {names}")
    ready = names.index("await_start")
    for number, name in enumerate(names[:ready]):
        box.create("--fault", f"{number}:kill", env=environment)
        box.delete("--force").ok()
        equal(read_text("/proc/self/mountinfo"), before, f"mounts after {name}")
        t.no_state()
    for name in ("make_notify_socket", "mount_notify_socket"):
        result = box.create("--fault", f"{names.index(name)}:EPERM", env=environment).exits(1)
        contains(result.err, name, "stderr")
        t.no_state()


@differs("runc's socket is a file of its state root")
def test_the_socket_goes_to_start_and_then_to_nobody(t):
    """What waits for `start` holds the socket; the program does not, and who writes to nobody is told so."""
    box, systemd = t.sleeper(), manager_of(t)
    box.create(env=systemd.environment()).exits(0)
    held = [link for link in box.descriptors().values() if link.startswith("socket:")]
    true(len(held) >= 1, f"descriptors of the waiting init: {box.descriptors()}")
    child = t.runtime.start(t.runtime.command("start", box.id), env=systemd.environment())
    eventually(lambda: box.status() == "running", "it does not run")
    say(box, "READY=1")
    expect_ready(t, systemd, box.pid)
    equal(child.wait(10), 0, "exit code")
    equal([link for link in box.descriptors().values() if link.startswith("socket:")], [], "descriptors of the program")
    try:
        say(box, "WATCHDOG=1")
    except ConnectionRefusedError:
        return
    raise Failure("somebody still holds the socket")


def test_without_the_variable_there_is_none(t):
    """No directory, no variable."""
    box = t.sleeper()
    box.run_detached().ok()
    absent(box.proc("environ"), "NOTIFY_SOCKET", "environment")
    true(not os.path.exists(t.root / box.id / "notify"), "there is a directory")
