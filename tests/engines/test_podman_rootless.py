# SPDX-License-Identifier: Apache-2.0
"""podman for a user who is not root."""

import os
import pathlib

from cases import GUEST, case
from engine import IMAGE
from harness import contains, equal, status_field, true
from rootless import RUNTIME_DIRECTORY, UID


def process_of(user, name="box"):
    pid = user("inspect", "--format", "{{.State.Pid}}", name).exits(0).out.strip()
    return pathlib.Path("/proc", pid)


@case(each=[0, 9])
def run(t, code):
    """Rootless `podman run` returns the program's status: {}."""
    result = t.user()("run", "--rm", IMAGE, "sh", "-c", f"id -u; exit {code}").exits(code)
    equal(result.out, "0\n", "output")


@case()
def no_program(t):
    """Rootless `podman run` of a missing program returns 127."""
    contains(t.user()("run", "--rm", IMAGE, "missing").exits(127).err, "executable file not found in $PATH", "stderr")


@case()
def identity(t):
    """Root of the container is the user outside, with a map that has the subordinate identities behind it."""
    user = t.user()
    user.sleeper()
    equal(user.inside("cat /proc/self/uid_map").split(), ["0", "1000", "1", "1", "500000", "65536"], "map")
    equal(process_of(user).stat().st_uid, UID, "the process's user outside")
    true((RUNTIME_DIRECTORY / t.runtime).is_dir(), "the states are elsewhere")


@case()
def files(t):
    """What root of the container writes is the user's, and what another writes is a subordinate identity's."""
    user = t.user()
    path = user.directory("volume")
    user.output("touch /mnt/roots; touch /mnt/others; chown 1:1 /mnt/others; chmod 777 /mnt", "-v", f"{path}:/mnt")
    equal([(path / name).stat().st_uid for name in ("roots", "others")], [UID, 500000], "owners outside")


@case()
def keep_id(t):
    """`--userns keep-id`: the user is the same inside."""
    user = t.user()
    path = user.directory("volume")
    equal(user.output("id -u; touch /mnt/file", "--userns", "keep-id", "-v", f"{path}:/mnt"), "1000\n", "identity")
    equal((path / "file").stat().st_uid, UID, "the file's owner outside")


@case()
def powerless(t):
    """Root of the container cannot read what the user cannot, nor mount over what is not its own."""
    user = t.user()
    (t.directory / "roots").write_text("hidden\n")
    os.chmod(t.directory / "roots", 0o600)
    contains(user.output("cat /mnt/roots 2>&1 || :", "-v", f"{t.directory}:/mnt", "--privileged"), "Permission denied",
             "what cat says")


@case()
def confined(t):
    """A rootless container has podman's capabilities and filter, masks, and its own namespaces."""
    text = t.user().output("cat /proc/self/status; hostname; echo 1 > /proc/sys/kernel/panic || echo refused",
                           "--hostname", "own", "--cap-drop", "all", "--cap-add", "chown")
    equal([status_field(text, name) for name in ("CapEff", "Seccomp")], ["0000000000000001", "2"], "CapEff and Seccomp")
    contains(text, "own\nrefused\n", "output")


@case()
def network(t):
    """A rootless container has a network device besides the loopback one."""
    equal(len(t.user().output("ip -o link").splitlines()), 2, "devices")


@case()
def execute(t):
    """Rootless `podman exec`: status, user, environment, and the container's namespaces."""
    user = t.user()
    user.sleeper()
    user("exec", "box", "sh", "-c", "exit 7").exits(7)
    equal(user.inside("echo $(id -u) $(id -g) $WORD", "--user", "1000:2000", "--env", "WORD=word"), "1000 2000 word\n",
          "output")
    names = [os.readlink(process_of(user) / "ns" / kind) for kind in ("user", "pid", "mnt", "net")]
    equal(user.inside("for n in user pid mnt net; do readlink /proc/self/ns/$n; done").split(), names, "namespaces")


@case()
def stop(t):
    """Rootless `podman stop` and `kill`, and what they leave of the container: nothing but its status."""
    user = t.user()
    user("run", "-d", "--name", "box", IMAGE, "sh", "-c", "trap 'exit 6' TERM; echo ready; while :; do sleep 0.1; done")
    t.eventually(lambda: "ready" in user("logs", "box").out, "it does not begin")
    user("stop", "--time", "30", "box").exits(0)
    equal(user("inspect", "--format", "{{.State.ExitCode}}", "box").out, "6\n", "status after stop")
    user("start", "box").exits(0)
    user("kill", "box").exits(0)
    equal(user("wait", "box").exits(0).out, "137\n", "status after kill")


@case()
def terminal(t):
    """Rootless `podman run -it` on a terminal of the caller's."""
    shown = t.terminal(*t.user().command("podman", "run", "--rm", "-it", IMAGE, "sh"))
    for text, answer in (("echo $((40+2))", "42"), ("tty", "/dev/pts/0"), ("stty size", "24 80")):
        shown.type(text.encode() + b"\n")
        shown.until(answer)
    shown.type(b"exit 4\n")
    shown.ends_with(4)


@case()
def pod(t):
    """Two rootless containers of a pod share the network, the IPC and the user namespace."""
    user = t.user()
    user("pod", "create", "--name", "pod").exits(0)
    script = "for n in net ipc uts user; do readlink /proc/self/ns/$n; done"
    user.sleeper("--pod", "pod")
    equal(user.output(script, "--pod", "pod"), user.inside(script), "namespaces")


@case()
def build(t):
    """Rootless `podman build` runs its steps with the runtime."""
    user = t.user()
    path = user.directory("context")
    (path / "Containerfile").write_text(f"FROM {IMAGE}\nRUN id -u > /file && chown 5:6 /file\n")
    user("--runtime", t.path, "build", "--isolation", "oci", "--network", "none", "--tag", "made", path).exits(0)
    result = user("run", "--rm", "made", "sh", "-c", "cat /file; stat -c '%u %g' /file").exits(0)
    equal(result.out, "0\n5 6\n", "the file")
    user("rmi", "made").exits(0)


@case(place=GUEST)
def limits_of_a_user(t):
    """Rootless `podman run` with limits: they are in force in a cgroup of the user's own systemd."""
    user = t.user()
    user.sleeper("--network", "none", "--memory", "64m", "--pids-limit", "50")
    equal(user.inside("cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max").split(), ["67108864", "50"], "limits")
    contains((process_of(user) / "cgroup").read_text(), f"/user@{UID}.service/user.slice/libpod-", "cgroup")
    user("stop", "--time", "1", "box").exits(0)
    equal(user("inspect", "--format", "{{.State.ExitCode}}", "box").out, "137\n", "status")


@case(place=GUEST)
def pause_of_a_user(t):
    """Rootless `podman pause`, which takes the user's own cgroups."""
    user = t.user()
    user.sleeper("--network", "none")
    user("pause", "box").exits(0)
    equal(user("inspect", "--format", "{{.State.Status}}", "box").out, "paused\n", "status")
    user("unpause", "box").exits(0)
    equal(user.inside("echo alive"), "alive\n", "output")
