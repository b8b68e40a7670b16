# SPDX-License-Identifier: Apache-2.0
"""Resource limits of the process and the device filter."""

import os
import stat

from harness import absent, contains, equal, read_text, status_field, true
from marks import needs, parametrize

# With these capabilities only the filter stands between the program and any of the devices below.
NODE_MAKER = ["CAP_MKNOD", "CAP_DAC_OVERRIDE", "CAP_SYS_RAWIO", "CAP_SYSLOG"]
LINES = {"RLIMIT_CPU": "Max cpu time", "RLIMIT_FSIZE": "Max file size", "RLIMIT_DATA": "Max data size",
         "RLIMIT_STACK": "Max stack size", "RLIMIT_CORE": "Max core file size", "RLIMIT_RSS": "Max resident set",
         "RLIMIT_NPROC": "Max processes", "RLIMIT_NOFILE": "Max open files", "RLIMIT_MEMLOCK": "Max locked memory",
         "RLIMIT_AS": "Max address space", "RLIMIT_LOCKS": "Max file locks", "RLIMIT_SIGPENDING": "Max pending signals",
         "RLIMIT_MSGQUEUE": "Max msgqueue size", "RLIMIT_NICE": "Max nice priority",
         "RLIMIT_RTPRIO": "Max realtime priority", "RLIMIT_RTTIME": "Max realtime timeout"}
# Low values: without CAP_SYS_RESOURCE no process can raise a limit, not even root's.
VALUES = {"RLIMIT_NICE": (0, 0), "RLIMIT_RTPRIO": (0, 0), "RLIMIT_NOFILE": (512, 600), "RLIMIT_CPU": (100, 200),
          "RLIMIT_NPROC": (1000, 2000), "RLIMIT_MEMLOCK": (1 << 20, 2 << 20), "RLIMIT_SIGPENDING": (100, 200),
          "RLIMIT_MSGQUEUE": (1000, 2000)}
CAP_SYS_RESOURCE = 24


def limit(text, name):
    """(soft, hard) as /proc/PID/limits prints them."""
    for line in text.splitlines():
        if line.startswith(LINES[name]):
            return tuple(line[26:].split()[:2])
    return None


def rlimit(name, soft, hard):
    return [{"type": name, "soft": soft, "hard": hard}]


@parametrize("name", list(LINES))
def test_rlimit_is_set(t, name):
    """Soft and hard value of this limit are those of config.json."""
    soft, hard = VALUES.get(name, (64 << 20, 128 << 20))
    text = t.output("cat", "/proc/self/limits", rlimits=rlimit(name, soft, hard))
    equal(limit(text, name), (str(soft), str(hard)), name)


def test_default_nofile(t):
    """The default document limits open files to 1024."""
    equal(limit(t.output("cat", "/proc/self/limits"), "RLIMIT_NOFILE"), ("1024", "1024"), "RLIMIT_NOFILE")


def test_several_rlimits(t):
    """The runtime applies all entries of the list."""
    many = rlimit("RLIMIT_CORE", 0, 0) + rlimit("RLIMIT_NPROC", 77, 88)
    text = t.output("cat", "/proc/self/limits", rlimits=many)
    equal((limit(text, "RLIMIT_CORE"), limit(text, "RLIMIT_NPROC")), (("0", "0"), ("77", "88")), "limits")


def test_rlimit_infinity(t):
    """2^64-1 means `unlimited`."""
    text = t.output("cat", "/proc/self/limits", rlimits=rlimit("RLIMIT_CORE", 2**64 - 1, 2**64 - 1))
    equal(limit(text, "RLIMIT_CORE"), ("unlimited", "unlimited"), "RLIMIT_CORE")


def may_raise_limits():
    """The reason to skip, or None."""
    effective = int(status_field(read_text("/proc/self/status"), "CapEff"), 16)
    return None if effective >> CAP_SYS_RESOURCE & 1 else "root has no CAP_SYS_RESOURCE here"


@needs(may_raise_limits)
def test_rlimit_above_the_callers(t):
    """A privileged runtime raises a limit above its own."""
    box = t.container("cat", "/proc/self/limits", rlimits=rlimit("RLIMIT_NOFILE", 2048, 4096))
    result = box.run(setup={"rlimits": {"RLIMIT_NOFILE": [256, 256]}}).ok()
    equal(limit(result.out, "RLIMIT_NOFILE"), ("2048", "4096"), "RLIMIT_NOFILE")


def test_rlimit_soft_above_hard_is_refused(t):
    """A soft value above the hard value is an error, and nothing is left."""
    t.container("true", rlimits=rlimit("RLIMIT_NOFILE", 100, 50)).run().exits(1)
    t.no_state()


def mknod(t, kind, major, minor, open_it=True):
    """The result of a container with CAP_MKNOD that makes a node in /dev and opens it."""
    use = "&& echo made && dd if=/dev/x of=/dev/null bs=1 count=0 && echo opened" if open_it else ""
    box = t.shell(f"mknod /dev/x {kind} {major} {minor} {use}")
    box.bundle.capabilities(bounding=NODE_MAKER, effective=NODE_MAKER, permitted=NODE_MAKER)
    return box.run()


@parametrize("_, major, minor", [
    ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ("ptmx", 5, 2), ("pts", 136, 0)])
def test_allowed_device_numbers_can_be_made(t, _, major, minor):
    """The default list allows mknod of this number although the document denies everything."""
    mknod(t, "c", major, minor, open_it=False).ok()


@parametrize("_, major, minor", [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9)])
def test_allowed_device_numbers_can_be_opened(t, _, major, minor):
    """A new node of an allowed number works."""
    equal(mknod(t, "c", major, minor).exits(0).out, "made\nopened\n", "stdout")


@parametrize("_, kind, major, minor", [
    ("mem", "c", 1, 1), ("kmsg", "c", 1, 11), ("tty0", "c", 4, 0), ("loop0", "b", 7, 0), ("sda", "b", 8, 0)])
def test_opening_other_numbers_is_denied(t, _, kind, major, minor):
    """The default list allows mknod of another number, but not to open the node."""
    result = mknod(t, kind, major, minor)
    equal(result.out, "made\n", "stdout")
    contains(result.err, "Operation not permitted", "stderr")


@parametrize("_, kind, major, minor, allowed", [
    ("null", "c", 1, 3, True), ("tty0", "c", 4, 0, False), ("loop0", "b", 7, 0, False)])
def test_node_in_the_root_file_system(t, _, kind, major, minor, allowed):
    """The filter holds for a node in the image too."""
    box = t.shell("dd if=/node of=/dev/null bs=1 count=0 2>/dev/null && echo opened; true")
    node = box.bundle.rootfs / "node"
    os.mknod(node, (stat.S_IFCHR if kind == "c" else stat.S_IFBLK) | 0o666, os.makedev(major, minor))
    equal(box.run().ok().out, "opened\n" if allowed else "", "stdout")


def test_console_node_is_denied(t):
    """The program cannot open the machine's console (5:1) by number."""
    absent(mknod(t, "c", 5, 1).out, "opened", "stdout")


@needs(lambda: None if os.path.exists("/dev/loop0") else "this machine has no /dev/loop0")
def test_an_allow_rule_opens_a_number(t):
    """A rule for 7:0 opens that number; 7:1 stays closed."""
    box = t.shell("for n in 0 1; do mknod /dev/l$n b 7 $n; (: < /dev/l$n) && echo loop$n; done; true")
    box.bundle.capabilities(bounding=NODE_MAKER, effective=NODE_MAKER, permitted=NODE_MAKER)
    rules = [{"allow": False, "access": "rwm"},
             {"allow": True, "type": "b", "major": 7, "minor": 0, "access": "rwm"}]
    box.bundle.edit(lambda config: config["linux"]["resources"].update(devices=rules))
    equal(box.run().exits(0).out, "loop0\n", "stdout")


def test_without_cap_mknod_no_node(t):
    """The default capabilities do not allow mknod at all."""
    true(t.shell("mknod /dev/x c 1 3").run().code != 0, "mknod worked")


def test_the_filter_is_there_from_the_first_instruction(t):
    """The filter holds for the very first open of the program, 20 times out of 20."""
    box = t.container("cat", "/node")
    os.mknod(box.bundle.rootfs / "node", stat.S_IFBLK | 0o666, os.makedev(7, 0))
    for _ in range(20):
        contains(box.run().exits(1).err, "can't open '/node': Operation not permitted", "stderr")
