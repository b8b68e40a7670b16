# SPDX-License-Identifier: Apache-2.0
"""bulkhead.yaml, the administrator's file: what it changes, what it never changes, and who may have written it.

 Root's file is in /etc/bulkhead. Each call sees that directory in a mount namespace of its own.
 """

import json
import os
import re

import unprivileged
from harness import absent, contains, equal, read_text, true
from marks import differs, parametrize
from systemd import driven, goes, show
from test_overlay import Layers, annotate

ONLY_HERE = "runc has no such file"
PLACE = ("mount -t tmpfs etc /etc && mkdir /etc/bulkhead && mount --bind \"$1\" /etc/bulkhead && shift && exec \"$@\"")
FILE = "/etc/bulkhead/bulkhead.yaml"


class Administrator:
    """A directory that is /etc/bulkhead for every verb of the case."""

    def __init__(self, t, text=None):
        self.t, self.place = t, t.scratch / "administrator"
        self.place.mkdir()
        self.file = self.place / "bulkhead.yaml"
        self.plain = t.runtime.command
        t.runtime.command = self.command
        if text is not None:
            self.write(text)

    def command(self, *words, **options):
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", PLACE, "sh", str(self.place),
                *self.plain(*words, **options)]

    def write(self, text, mode=0o644):
        self.file.write_text(text)
        self.file.chmod(mode)
        return self


@differs(ONLY_HERE)
def test_its_log_is_written_beside_stderr(t):
    """The log that the file names gets the error; stderr is as it is without the file; --log wins over all three keys."""
    log, other = t.scratch / "default.log", t.scratch / "other.log"
    Administrator(t, f"log: {log}\nlog-format: json\nlog-level: debug\n")
    result = t.runtime("state", "nobody").exits(1)
    equal(result.err, "container does not exist: nobody\n", "stderr")
    lines = [json.loads(line) for line in read_text(log).splitlines()]
    equal([line["msg"] for line in lines if line["level"] == "error"], ["container does not exist: nobody"], "errors")
    contains(str(lines), f"defaults of {FILE}", "the log")
    shown = t.runtime("--log-format", "json", "state", "nobody").exits(1).err
    equal(json.loads(shown)["level"], "error", "stderr of one who asked for JSON")
    before = read_text(log)
    t.runtime("--log", other, "state", "nobody").exits(1)
    equal(read_text(log), before, "the log of the file")
    contains(read_text(other), "level=error msg=", "--log")
    absent(read_text(other), "defaults of", "--log, without --debug")


@differs(ONLY_HERE)
def test_a_mistake_keeps_nobody_from_ending_a_container(t):
    """With a bad file create, run, explain and spec fail and name line and column; all other verbs go on and warn."""
    box = t.container("sleep", "1000")
    administrator = Administrator(t)
    box.run_detached().ok()
    administrator.write("spec:\n  hostnam: x\n")
    message = f'{FILE}:2:3: unknown key "hostnam"; did you mean hostname?'
    other = t.container("true")
    for result in (other.create(), other.run(), t.runtime("explain", "--bundle", other.bundle.path),
                   t.runtime("spec", "--bundle", t.scratch)):
        equal(result.exits(1).err, message + "\n", "stderr")
    true(not (t.scratch / "config.json").exists() and other.status() is None, "something was made")
    warnings = t.runtime.warned()
    equal(box.state()["status"], "running", "status")
    contains(warnings(), "level=warning msg=" + json.dumps(message), "warnings")
    box.exec("true").ok()
    box.kill("KILL").ok()
    box.wait_dead()
    box.wait()
    box.delete().ok()


@differs(ONLY_HERE)
def test_a_log_that_cannot_be_opened_keeps_nobody_either(t):
    """The error of create names the file that names the log; state and delete go on."""
    Administrator(t, "log: /no/such/directory/log\n")
    box = t.container("true")
    contains(box.create().exits(1).err, f"{FILE}: log: open", "stderr")
    equal(t.runtime("state", "nobody").exits(1).err, "container does not exist: nobody\n", "stderr")
    t.runtime("delete", "--force", "nobody").ok()


def of_another(file):
    os.chown(file, 12345, 0)


def link(file):
    file.rename(file.with_name("real"))
    file.symlink_to("real")


def instead(make):
    def act(file):
        file.unlink()
        make(file)
    return act


WRONG = [
    ("owner", of_another, "belongs to uid 12345; it must belong to root"),
    ("group", lambda file: file.chmod(0o664), "may be written by others than its owner (mode 664)"),
    ("world", lambda file: file.chmod(0o646), "may be written by others than its owner (mode 646)"),
    ("link", link, "is a symbolic link, which is not followed here"),
    ("directory", instead(os.mkdir), "is a directory"),
    ("fifo", instead(os.mkfifo), "not a regular file"),
    ("huge", lambda file: os.truncate(file, 1 << 40), "larger than 262144 bytes"),
    ("binary", lambda file: file.write_bytes(bytes(range(256))), f"{FILE}:1:1: "),
]


@differs(ONLY_HERE)
@parametrize("name, spoil, words", WRONG)
def test_a_file_that_anybody_may_have_written_is_refused(t, name, spoil, words):
    """The error gives the reason, create does not hang and leaves nothing; delete still works."""
    administrator = Administrator(t, "cgroup-manager: cgroupfs\n")
    box = t.container("true")
    spoil(administrator.file)
    result = box.create().exits(1)
    contains(result.err, words, "stderr")
    contains(result.err, FILE, "stderr")
    equal(len(result.err.splitlines()), 1, "lines")
    t.runtime("delete", "--force", "nobody").ok()
    equal(list(t.root.glob("*")) if t.root.exists() else [], [], "the state root")


@differs(ONLY_HERE)
def test_layers_are_allowed_by_it(t):
    """An overlay root below the file's directories needs no flag; a flag replaces all directories of the file."""
    layers = Layers(t, "cat", "/name")
    (layers.path / "base/name").write_text("base\n")
    Administrator(t, f"overlay-from: [/nowhere, {layers.path}]\noverlay-upper-from: [{layers.uppers}]\n")
    equal(layers.run(t, flags=()).ok().out, "base\n", "stdout")
    for flags in (("--overlay-from", "/srv"), ("--overlay-from=",)):
        contains(layers.run(t, flags=flags).exits(1).err, "/annotations/run.bulkhead.overlay.lower", "stderr")
    annotate(layers.bundle, lower="/usr")
    contains(t.container(bundle=layers.bundle).run().exits(1).err, "not below a directory that", "stderr")
    annotate(layers.bundle, lower=layers.stack("base"))
    shown = t.runtime("explain", "--bundle", layers.bundle.path).ok().out
    equal(shown.splitlines()[0], f"# {FILE}: overlay-from", "the first line")
    json.loads(t.runtime("explain", "--json", "--bundle", layers.bundle.path).ok().out)


@differs(ONLY_HERE)
def test_upper_directories_are_allowed_apart(t):
    """A kept upper needs overlay-upper-from or its flag; overlay-from, as a key or a flag, does not allow one."""
    layers = Layers(t, "sh", "-c", "echo x > /made")
    places = layers.kept()
    administrator = Administrator(t, f"overlay-from: [{layers.path}, {layers.uppers}]\n")
    for flags in ((), layers.flags[:2], ("--overlay-upper-from", "/srv")):
        contains(layers.run(t, flags=flags, **places).exits(1).err, "/annotations/run.bulkhead.overlay.upper", "stderr")
    equal(os.listdir(layers.uppers / "upper"), [], "what was written")
    administrator.file.write_text(f"overlay-from: [{layers.path}]\noverlay-upper-from: [{layers.uppers}]\n")
    layers.run(t, flags=()).ok()
    equal(os.listdir(layers.uppers / "upper"), ["made"], "what was written")
    shown = t.runtime("explain", "--bundle", layers.bundle.path).ok().out
    equal(shown.splitlines()[0], f"# {FILE}: overlay-from, overlay-upper-from", "the first line")
    contains(layers.run(t, flags=("--overlay-upper-from=",)).exits(1).err, "no directory is allowed for upper", "stderr")


def asks_systemd(result):
    """True if systemd would make the cgroup; an error that names systemd counts, because systemd may be missing."""
    return "start_unit" in result.out or "systemd" in result.err


def without_time(result):
    """The result without the time that a line of JSON has."""
    return result.code, result.out, re.sub(r'"time":"[^"]*"', "", result.err)


# The flags and the cgroupsPath of podman, containerd and CRI-O with either driver, and of a person; True means systemd.
CALLS = [
    ("podman-cgroupfs", ["--log-format=json"], "/libpod_parent/libpod-1", False),
    ("podman-systemd", ["--systemd-cgroup"], "machine.slice:libpod:1", True),
    ("containerd-cgroupfs", ["--log-format", "json"], "/k8s.io/1", False),
    ("containerd-systemd", ["--log-format", "json", "--systemd-cgroup"], "system.slice:cri-containerd:1", True),
    ("crio-cgroupfs", [], "/kubepods/besteffort/pod1/crio-1", False),
    ("crio-systemd", ["--systemd-cgroup"], "kubepods-besteffort.slice:crio:1", True),
    ("relative", [], "mine/1", False),
    ("by-hand", [], None, None),
    ("by-hand-undone", ["--systemd-cgroup=false"], None, False),
    ("by-hand-named", ["--cgroup-manager", "cgroupfs"], None, False),
]


@differs(ONLY_HERE)
@parametrize("name, flags, path, expected", CALLS)
def test_the_cgroup_manager_is_for_configs_without_a_path(t, name, flags, path, expected):
    """Under either value a call with a cgroupsPath or a flag gives the same result as without the file."""
    bundle = t.bundle("true")
    if path:
        bundle.edit(lambda config: config["linux"].update(cgroupsPath=path))
    explain = [*flags, "explain", "--bundle", bundle.path]
    without = t.runtime(*explain)
    administrator = Administrator(t)
    for manager in ("systemd", "cgroupfs"):
        administrator.write(f"cgroup-manager: {manager}\n")
        result = t.runtime(*explain)
        if expected is None:
            equal(asks_systemd(result), manager == "systemd", f"systemd by {manager}")
        else:
            equal(asks_systemd(result), expected, "systemd")
            equal(without_time(result), without_time(without), "explain")


@differs(ONLY_HERE)
@driven
def test_systemd_makes_the_cgroup(t):
    """If the file names systemd, the container gets a scope; the other verbs find it, and it goes with the container."""
    Administrator(t, "cgroup-manager: systemd\n")
    box = t.sleeper()
    box.run_detached().ok()
    unit = f"bulkhead-{box.id}.scope"
    equal(show(unit, "ActiveState", "Slice", "Delegate"), ("active", "system.slice", "yes"), "the unit")
    equal(str(box.cgroup()), f"/sys/fs/cgroup/system.slice/{unit}", "cgroup")
    box.exec("true").ok()
    t.runtime("update", "--pids-limit", "33", box.id).ok()
    equal((read_text(box.cgroup() / "pids.max"), show(unit, "TasksMax")), ("33\n", ("33",)), "the limit")
    box.delete("--force").ok()
    goes(unit)


@differs(ONLY_HERE)
@driven
@parametrize("_, flags, path", [
    ("a-path", [], "/named-by-the-config"), ("a-flag", ["--cgroup-manager", "cgroupfs"], None)])
def test_systemd_does_not_where_it_was_not_asked(t, _, flags, path):
    """With a cgroupsPath for cgroupfs, or with the flag, systemd gets no unit although the file names systemd."""
    Administrator(t, "cgroup-manager: systemd\n")
    box = t.sleeper()
    if path:
        path += "-" + box.id
        box.bundle.edit(lambda config: config["linux"].update(cgroupsPath=path))
    t.runtime(*flags, "run", "--detach", "--pid-file", box.pid_file, "--bundle", box.bundle.path, box.id).ok()
    equal(show(f"bulkhead-{box.id}.scope", "LoadState"), ("not-found",), "the unit")
    true(not str(box.cgroup()).endswith(".scope"), f"{box.cgroup()} is a scope")
    if path:
        equal(str(box.cgroup()), f"/sys/fs/cgroup{path}", "cgroup")


@differs(ONLY_HERE)
def test_spec_writes_what_it_says(t):
    """config.json and the container made from it have the values of the file; the layout stays; a flag wins."""
    box = t.container("true")
    (box.bundle.path / "config.json").unlink()
    administrator = Administrator(t, "spec:\n  hostname: chosen\n  terminal: false\n  seccomp: default\n  env: [A=b]\n"
                                     "  capabilities: [CAP_KILL]\n  rlimits: {RLIMIT_NOFILE: 77}\n")
    spec = ["spec", "--bundle", box.bundle.path]
    t.runtime(*spec).ok()
    box.bundle.config = json.loads((box.bundle.path / "config.json").read_text())
    true("seccomp" in box.bundle.config["linux"], "no filter was written")
    box.bundle.process(args=["/bin/sh", "-c", "hostname; echo $A; ulimit -n; grep CapBnd /proc/self/status"])
    equal(box.run().ok().out, "chosen\nb\n77\nCapBnd:\t0000000000000020\n", "stdout")
    (box.bundle.path / "config.json").unlink()
    t.runtime(*spec, "--seccomp", "none").ok()
    config = json.loads((box.bundle.path / "config.json").read_text())
    true("seccomp" not in config["linux"], "a filter was written against the flag")
    administrator.write("")
    equal(config["hostname"], "chosen", "hostname")


@differs(ONLY_HERE)
def test_it_changes_no_config_that_is_there(t):
    """The spec keys of the file do not affect an existing config.json."""
    Administrator(t, "spec: {hostname: chosen, env: [A=b], capabilities: [], readonly: false}\n")
    box = t.container("sh", "-c", "echo ${A-none}; grep CapEff /proc/self/status; touch /x 2>&1")
    before = (box.bundle.path / "config.json").read_text()
    result = box.run().exits(1)
    equal(result.lines()[:2], ["none", "CapEff:\t0000000020000420"], "stdout")
    contains(result.out, "Read-only file system", "stdout")
    equal((box.bundle.path / "config.json").read_text(), before, "config.json")


@differs(ONLY_HERE)
def test_it_cannot_move_the_state_root(t):
    """The error for the key root gives the reason."""
    Administrator(t, "root: /run/elsewhere\n")
    contains(t.container("true").create().exits(1).err, f"{FILE}:1:1: root: the state root cannot be set here", "stderr")


def own_file(t, text):
    """The user's own file, and the environment that leads to it."""
    file = t.scratch / "config/bulkhead/bulkhead.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    file.chmod(0o644)
    os.chown(file, unprivileged.UID, unprivileged.GID)
    return file, {"PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(t.scratch / "config")}


@differs(ONLY_HERE)
def test_a_user_has_a_file_of_its_own(t):
    """The file counts if it is the user's and nobody else can write it; for the user /etc does not count, nor this file for root."""
    file, environment = own_file(t, "root: x\n")
    explain = ["explain", "--bundle", t.bundle("true").path]
    t.runtime(*explain, env=environment).ok()
    Administrator(t, "unheard-of: 1\n")
    unprivileged.become_user(t)
    t.runtime(*explain, env={**environment, "XDG_CONFIG_HOME": "/nowhere"}).ok()
    contains(t.runtime(*explain, env=environment).exits(1).err, f"{file}:1:1: root: ", "stderr")
    os.chown(file, 4711, 0)
    contains(t.runtime(*explain, env=environment).exits(1).err, "belongs to uid 4711; it must belong to the caller or root",
             "stderr")
    os.chmod(file.parent, 0o700)  # of another user: the caller cannot even look
    t.runtime(*explain, env=environment).ok()


@differs(ONLY_HERE)
def test_roots_file_is_not_that_of_a_user_namespaces_root(t):
    """The root of a user namespace, as in rootless podman: the file of the machine's root neither applies nor causes an error."""
    administrator = Administrator(t, "unheard-of: 1\n")
    explain = ["explain", "--bundle", t.bundle("true").path]
    contains(t.runtime(*explain).exits(1).err, "unheard-of", "stderr")
    os.chown(administrator.file, 54321, 54321)
    unprivileged.become_root_of_a_user_namespace(t)
    place = ["unshare", "--mount", "--propagation", "private", "sh", "-c", PLACE, "sh", str(administrator.place)]
    t.runtime.prefix = [*place, *t.runtime.prefix]
    t.runtime(*explain).ok()
