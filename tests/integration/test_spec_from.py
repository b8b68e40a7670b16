# SPDX-License-Identifier: Apache-2.0
"""spec --from: what a form asks for is what the container has; what is wrong with a form is said at its line; every
bundle of bundles/ runs."""

import json
import os
import pathlib
import shutil
import statistics

from harness import case, contains, equal, true

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
OURS = "the short form is bulkhead's own"
# Bundles that ask for what not every machine has: their plans are tests/plan/golden, what they ask for is run elsewhere.
ELSEWHERE = {
    "cgroup-limits": "needs controllers in cgroup2: test_limits runs these in the guests",
    "net-device": "needs a device of this name on the host: test_net_devices moves one",
    "idmapped-mount": "needs a file system that can be mapped: test_idmap runs these in the guests",
    "rootless": "is for a caller with uid 1000: test_rootless runs such",
    "default": "wants a terminal: test_terminal gives it one",
    "mount-label": "needs SELinux: the case theme[mount-label] says what is refused without it",
}
# What a bundle prints. Of one that prints nothing, or not what it is about, there is a theme as well.
SAID = {
    "annotations": "", "binds": "Hello from the host.", "capabilities": "CapEff:\t0000000000002421", "delegated": "0::/",
    "device-nodes": "/dev/mine", "devices": "4", "environment": "GREETING=good morning", "every-hook": "",
    "hidden-paths": "0 /proc/timer_list", "host-like": os.uname().nodename,
    "hostname-domainname": "lighthouse\nharbour.example", "limits": "(-n) 256", "memory-policy": " prefer:0 ",
    "minimal": "", "no-terminal": "uid=0", "overlay": "gone with the container", "process": "200",
    "quickstart": "host name: bulkhead", "seccomp": "Seccomp:\t2", "shared-mounts": "/dev/pts",
    "shared-network": "LOOPBACK", "time-namespace": "monotonic", "user": "uid=1000", "writable": "/srv/app/work",
    "affinity": "Cpus_allowed_list",
}


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


@case(control=False, why=OURS)
def the_process(t):
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


@case(control=False, why=OURS)
def the_file_system(t):
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


@case(control=False, why=OURS)
def the_isolation(t):
    """Names, namespaces, a kernel parameter, a filter, a hook."""
    mark = t.scratch / "hook ran"
    said = Form(t, f"""
command: [sh, -c, "hostname; cat /proc/sys/kernel/domainname /proc/sys/kernel/msgmax; readlink /proc/self/ns/net; grep Seccomp: /proc/self/status"]
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


@case(control=False, why=OURS)
def from_standard_input(t):
    """- is standard input."""
    equal(Form(t, "command: echo 'a  b'\n", stdin=True).run(), "a  b\n", "output")


@case(control=False, why=OURS)
def what_it_says_of_limits(t):
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


@case(control=False, why=OURS, each=range(len(REFUSALS)))
def refused(t, index):
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


@case(control=False, why=OURS)
def an_old_config_stays(t):
    """As without --from."""
    folder = t.scratch / "old"
    folder.mkdir()
    (folder / "config.json").write_text("mine")
    result = compile_form(t, "command: sh\n", folder)
    equal(result.code, 1, f"exit code of {result}")
    contains(result.err, "File config.json exists. Remove it first", "message")
    equal((folder / "config.json").read_text(), "mine", "config.json")


@case(control=False, why=OURS)
def a_missing_form(t):
    """A file that is not there, and a folder."""
    for path in ("/no/such.yaml", t.scratch):
        result = t.runtime("spec", "--from", path, "--bundle", t.scratch)
        equal(result.code, 1, f"exit code of {result}")
        contains(result.err, str(path), "message")
        true(not (t.scratch / "config.json").exists(), "config.json is there")


def bundle_names():
    return sorted(path.parent.name for path in (PROJECT / "bundles").glob("*/bundle.yaml"))


@case(control=False, why=OURS, each=sorted(SAID))
def bundle(t, name):
    """A bundle of bundles/, compiled from its YAML and run."""
    folder = t.scratch / name
    shutil.copytree(PROJECT / "bundles" / name, folder)
    (folder / "config.json").unlink()
    result = t.runtime("spec", "--from", folder / "bundle.yaml", "--bundle", folder)
    result.ok()
    shutil.copytree(t.template, folder / "rootfs", symlinks=True)
    flags = []
    if name == "overlay":
        config = json.loads((folder / "config.json").read_text())
        shutil.copytree(t.template, t.scratch / "layers/base", symlinks=True)
        (t.scratch / "layers/app").mkdir()
        lower = f"{t.scratch}/layers/app:{t.scratch}/layers/base"
        config["annotations"]["run.bulkhead.overlay.lower"] = lower
        (folder / "config.json").write_text(json.dumps(config))
        flags = ["--overlay-from", t.scratch / "layers"]
    result = t.runtime("run", "--bundle", folder, *flags, "bundle")
    contains(result.out, SAID[name], f"output of {result}")
    result.exits(0)


@case(control=False, why=OURS)
def every_bundle_is_run(t):
    """Here, or elsewhere with a reason."""
    equal(sorted(SAID.keys() | ELSEWHERE.keys()), bundle_names(), "bundles")


# ---- what a bundle is about ---------------------------------------------------------------------------------------

def box_of(t, name, *args):
    """A container of a bundle; `args` take the place of its program."""
    box = t.container()
    config = json.loads((PROJECT / "bundles" / name / "config.json").read_text())
    if args:
        config["process"]["args"] = list(args)
    box.bundle.config = config
    box.bundle.save()
    return box


def namespaces_of(process):
    return {kind: os.readlink(f"/proc/{process}/ns/{kind}") for kind in ("cgroup", "ipc", "mnt", "net", "pid", "uts")}


def own_namespaces(box):
    """Those that are not the caller's."""
    mine = namespaces_of("self")
    return {kind for kind, link in namespaces_of(box.pid).items() if link != mine[kind]}


def annotations(t):
    """`state` prints them, and a hook gets them with the state."""
    box, seen = box_of(t, "annotations"), t.scratch / "seen"
    box.bundle.edit(lambda config: config.update(
        hooks={"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat > {seen}"]}]}))
    box.create().ok()
    expected = {"org.example.owner": "harbour", "org.example.tries": "3"}
    equal(box.state()["annotations"], expected, "annotations in state")
    equal(json.loads(seen.read_text())["annotations"], expected, "annotations of a hook")


def every_hook(t):
    """Each hook runs once, in the order of the standard, with its arguments and its environment."""
    box, seen = box_of(t, "every-hook"), t.scratch / "seen"
    script = '#!/bin/sh\necho "{name} $0 $* LANG=${{LANG-}}" >> {log}\n'
    for kind, hooks in box.bundle.config["hooks"].items():
        for number, hook in enumerate(hooks):
            inside = kind == "startContainer"
            program = (box.bundle.rootfs if inside else t.scratch) / f"{kind}{number}"
            program.write_text(script.format(name=f"{kind}{number}", log="/seen" if inside else seen))
            program.chmod(0o755)
            hook["path"] = f"/{program.name}" if inside else str(program)
    box.bundle.save()
    box.run().ok()
    lines = [line.split() for line in seen.read_text().splitlines()]
    order = ["prestart0", "createRuntime0", "createRuntime1", "createContainer0", "poststart0", "poststop0"]
    equal([line[0] for line in lines], order, "hooks of the host")
    equal([line[2:] for line in lines[:4]], [["LANG="], ["first", "LANG="], ["second", "LANG=C"], ["LANG="]],
          "arguments and environment")
    contains((box.bundle.rootfs / "seen").read_text(), "startContainer0 ", "the container's hook")


def minimal(t):
    """Two namespaces of its own, and nothing mounted but its root."""
    box = box_of(t, "minimal", "/bin/busybox", "sleep", "60")
    box.run_detached().ok()
    equal(own_namespaces(box), {"mnt", "pid"}, "namespaces of its own")
    points = [line.split()[4] for line in box.proc("mountinfo").splitlines()]
    equal([point for point in points if not point.startswith("/dev/")], ["/"], "mount points")


def host_like(t):
    """One namespace of its own: it sees the host's processes under the host's name."""
    box = box_of(t, "host-like", "sleep", "60")
    box.run_detached().ok()
    equal(own_namespaces(box), {"mnt"}, "namespaces of its own")
    lines = box_of(t, "host-like").run().ok().lines()
    equal(lines[0], os.uname().nodename, "host name")
    contains([line.split()[0] for line in lines[2:]], str(os.getpid()), "processes")


def affinity(t):
    """A process of exec has processor 0 alone; the container's first one has all."""
    box = box_of(t, "affinity", "sleep", "60")
    box.run_detached().ok()
    command = json.loads((PROJECT / "bundles/affinity/config.json").read_text())["process"]["args"]
    equal(box.exec(*command).ok().out.split(), ["Cpus_allowed_list:", "0"], "processors of exec")
    equal(os.sched_getaffinity(box.pid), os.sched_getaffinity(0), "processors of the first process")


def memory_policy(t):
    """Another process of the container prefers the node, too."""
    box = box_of(t, "memory-policy", "sleep", "60")
    box.run_detached().ok()
    contains(box.exec("head", "-n", "1", "/proc/self/numa_maps").ok().out, " prefer:0 ", "policy of exec")


def mount_label(t):
    """Where nothing enforces it the kernel refuses it, by the name of the mount; where something does, it is there."""
    box = box_of(t, "mount-label")
    if os.path.exists("/sys/fs/selinux/enforce"):
        contains(box.run().exits(0).out, "context=system_u:object_r:container_file_t:s0:c1,c2", "mounts")
        return
    contains(box.run().exits(1).err, "mounts/", "stderr")
    t.no_state()


def shared_mounts(t):
    """It is in the runtime's mount namespace; its mounts are below its root, and gone with it."""
    box = box_of(t, "shared-mounts")
    lines = box.run().exits(0).lines()
    equal(lines[0], os.readlink("/proc/self/ns/mnt"), "mount namespace")
    equal(lines[1:3], ["/", "/proc"], "mount points")
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        true(str(box.bundle.rootfs) not in mounts.read(), "a mount is left")


THEMES = {"annotations": annotations, "every-hook": every_hook, "minimal": minimal, "host-like": host_like,
          "affinity": affinity, "memory-policy": memory_policy, "mount-label": mount_label,
          "shared-mounts": shared_mounts}


@case(control=False, why=OURS, each=sorted(THEMES))
def theme(t, name):
    """What a bundle of bundles/ is about holds, where its output alone does not show it."""
    THEMES[name](t)


@case(control=False, why=OURS)
def every_silent_bundle_has_a_theme(t):
    """A bundle whose output says nothing of it is looked at otherwise."""
    equal({name for name, said in SAID.items() if not said} - THEMES.keys(), set(), "bundles")
