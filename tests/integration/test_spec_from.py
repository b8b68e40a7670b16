# SPDX-License-Identifier: Apache-2.0
"""spec --from: what a form asks for is what the container has; what is wrong with a form is said at its line."""

import json
import os
import statistics

import pytest

from harness import contains, equal, true
from marks import differs, parametrize

OURS = "the short form is bulkhead's own"


def compile_form(t, text, folder, *flags, stdin=False):
    """spec --from; returns its result."""
    if stdin:
        return t.runtime("spec", "--from", "-", "--bundle", folder, *flags, stdin=text.encode())
    form = t.scratch / "box.yaml"
    form.write_text(text)
    return t.runtime("spec", "--from", form, "--bundle", folder, *flags)


class Form:
    """A bundle with a busybox root and a form."""

    def __init__(self, t, text, stdin=False):
        self.t, self.path = t, t.bundle("true").path
        (self.path / "config.json").unlink()
        result = compile_form(t, text, self.path, stdin=stdin)
        result.ok()

    def run(self, *flags):
        result = self.t.runtime("run", "--bundle", self.path, *flags, "form")
        result.ok()
        return result.out


@differs(OURS)
def test_the_process(t):
    """User, groups, umask, directory, environment, capabilities, resource limits."""
    said = Form(t, """
command: [sh, -c, "id -u; id -g; id -G; umask; pwd; echo $A $TERM; grep CapBnd /proc/self/status; ulimit -Sn; ulimit -Hn"]
user: {uid: 7, gid: 8, groups: [9], umask: 027}
cwd: /tmp
env: {A: b, TERM: dumb}
capabilities: {drop: [ALL], add: [CHOWN]}
rlimits: {nofile: "256:512"}
""").run()
    equal(said.split("\n")[:-1], ["7", "8", "8 9", "0027", "/tmp", "b dumb", "CapBnd:\t0000000000000001", "256", "512"], "output")


@differs(OURS)
def test_the_file_system(t):
    """A root that can be written, a bind that cannot, a tmpfs of a size, a device with its mode."""
    (t.scratch / "data").mkdir()
    (t.scratch / "data/x").write_text("from the host\n")
    said = Form(t, f"""
command: [sh, -c, "touch /here && cat /data/x; touch /data/y 2>&1; df -k /mnt | tail -1; stat -c '%a %t:%T' /dev/mine"]
readonly: false
mounts:
  - {t.scratch}/data:/data:ro
  - {{destination: /mnt, type: tmpfs, source: own, size: 1Mi}}
devices: [{{path: /dev/mine, type: c, major: 1, minor: 5, mode: 0640}}]
""").run()
    lines = said.split("\n")
    equal(lines[0], "from the host", "the bind")
    contains(lines[1], "Read-only file system", "the write to it")
    equal(lines[2].split()[:2], ["own", "1024"], "the tmpfs")
    equal(lines[3], "640 1:5", "the node")
    true(not (t.scratch / "data/y").exists(), "the bind could be written")


@differs(OURS)
def test_the_isolation(t):
    """Names, namespaces, a kernel parameter, a filter, a hook."""
    mark = t.scratch / "hook ran"
    said = Form(t, f"""
command: [sh, -c, "hostname; cat /proc/sys/kernel/domainname /proc/sys/kernel/msgmax; readlink /proc/self/ns/net;
  grep Seccomp: /proc/self/status"]
hostname: box
domainname: example.org
namespaces: {{network: host}}
sysctl: {{kernel.msgmax: 16384}}
seccomp: default
hooks:
  poststop: ["/bin/touch '{mark}'"]
""").run()
    equal(said.split("\n")[:-1], ["box", "example.org", "16384", os.readlink("/proc/self/ns/net"), "Seccomp:\t2"], "output")
    true(mark.exists(), "the hook did not run")


@differs(OURS)
def test_from_standard_input(t):
    """- is standard input."""
    equal(Form(t, "command: echo 'a  b'\n", stdin=True).run(), "a  b\n", "output")


@differs(OURS)
def test_what_it_says_of_limits(t):
    """The kernel's controllers are not needed to compile: the numbers of the standard."""
    config = json.loads((Form(t, "limits: {memory: 512Mi, swap: 0, cpus: 0.5, pids: 10}\n").path / "config.json").read_text())
    resources = config["linux"]["resources"]
    equal(resources["memory"], {"limit": 512 << 20, "swap": 512 << 20}, "memory")
    equal(resources["cpu"], {"quota": 50000, "period": 100000}, "cpu")
    equal(resources["pids"], {"limit": 10}, "pids")


REFUSALS = [
    ("limits:\n  memory: 512Mx\n", ':2:11: /limits/memory: "512Mx": not a size'),
    ("\nlimit: {}\n", ':2:1: /limit: unknown key, did you mean "limits"?'),
    ("a: 1\na: 2\n", ':2:1: "a": is given twice'),
    ("cwd:\n\t- x\n", ":2:2: is indented with a tab"),
    ("cwd: tmp\n", ":1:6: /process/cwd: "),
    ("config: {process: {user: {uid: -1}}}\n", ":1:32: /process/user/uid: -1: "),
    ("seccomp: ./none.json\n", ":1:10: /seccomp: "),
    ("hostname: 'x\n", ":1:11: the quote is not closed"),
    ("hostname: a\n---\nhostname: b\n", ":2:1: a second document"),
    ("command: [sh\n", ":2:1: "),
]


@pytest.mark.released
@differs(OURS)
@parametrize("index", range(len(REFUSALS)))
def test_refused(t, index):
    """The place, the pointer, the reason; no config.json, and quickly."""
    text, words = REFUSALS[index]
    folder = t.scratch / "new"
    folder.mkdir()
    results = [compile_form(t, text, folder) for _ in range(5)]
    for result in results:
        equal(result.code, 1, f"exit code of {result}")
        contains(result.err, f"{t.scratch}/box.yaml{words}", "message")
        equal(os.listdir(folder), [], "left behind")
    median = statistics.median(result.seconds for result in results)
    true(median < 0.05, f"{median:.3f} s")


@differs(OURS)
def test_an_old_config_stays(t):
    """As without --from."""
    folder = t.scratch / "old"
    folder.mkdir()
    (folder / "config.json").write_text("mine")
    result = compile_form(t, "command: sh\n", folder)
    equal(result.code, 1, f"exit code of {result}")
    contains(result.err, "File config.json exists. Remove it first", "message")
    equal((folder / "config.json").read_text(), "mine", "config.json")


@differs(OURS)
def test_a_missing_form(t):
    """A file that is not there, and a folder."""
    for path in ("/no/such.yaml", t.scratch):
        result = t.runtime("spec", "--from", path, "--bundle", t.scratch)
        equal(result.code, 1, f"exit code of {result}")
        contains(result.err, str(path), "message")
        true(not (t.scratch / "config.json").exists(), "config.json is there")
