# SPDX-License-Identifier: Apache-2.0
"""The bundles of the witness: those of bundles/, and variations of the default one."""

import copy
import inspect
import json
import pathlib

import creds
from bundles import mount

BUNDLES = pathlib.Path(__file__).resolve().parents[2] / "bundles"
PROBE = "/witness"
# What runc 1.1.5 of Debian 12 does not know yet, so that it cannot be the control.
OWN = "a property of bulkhead's own"
WHOLE_TREE = "runc 1.1.5 mounts the whole hierarchy where there is no cgroup namespace"
RUNC_13 = "runc 1.1.5 does not know it"


class Spec:
    """One bundle: how its config.json is made, and what the harness has to know about it."""

    def __init__(self, name, make, why="", sysctls=(), paths=(), setup=None, rootfs=0, holder=False, submount=False,
                 layers=False):
        self.name, self.make, self.why = name, make, why
        self.sysctls, self.paths, self.setup, self.rootfs = list(sysctls), list(paths), setup, rootfs
        self.holder, self.submount, self.layers = holder, submount, layers

    def config(self, facts):
        made = self.make(facts)
        made["process"]["args"] = [PROBE, *made["process"]["args"]]
        return made


def load(name):
    """A bundle of bundles/ that runs the probe instead of its program."""
    config = json.loads((BUNDLES / name / "config.json").read_text())
    config["process"]["args"] = []
    return config


def base():
    config = load("default")
    config["process"]["terminal"] = False
    return config


def shipped(name, **more):
    return Spec(name, lambda facts: load(name), **more)


def varied(name, change, **more):
    """change(config) or change(config, facts) edits a copy of the default config."""
    def make(facts):
        config = base()
        change(*[config, facts][:len(inspect.signature(change).parameters)])
        return config
    return Spec(name, make, **more)


def process(**properties):
    return lambda config: config["process"].update(copy.deepcopy(properties))


def linux(**properties):
    return lambda config: config["linux"].update(copy.deepcopy(properties))


def namespaces(config, *kinds):
    config["linux"]["namespaces"] = [{"type": kind} for kind in kinds]


def without(*absent):
    def change(config):
        kept = [each for each in config["linux"]["namespaces"] if each["type"] not in absent]
        config["linux"]["namespaces"] = kept
        if "uts" in absent:
            config.pop("hostname")
    return change


def full_capabilities(config, facts):
    names = [f"CAP_{name.upper()}" for name in creds.CAPABILITIES if name in creds.named(facts.capabilities)]
    config["process"]["capabilities"] = {kind: names for kind in
                                         ("bounding", "effective", "permitted", "inheritable", "ambient")}


def ambient_of_a_user(config):
    names = ["CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_KILL"]
    config["process"]["user"] = {"uid": 1000, "gid": 1000}
    config["process"]["capabilities"] = {
        "bounding": [*names, "CAP_CHOWN"], "effective": names, "permitted": names, "inheritable": names[:2],
        "ambient": names[:1]}


def root_gains(config):
    """Without no_new_privs execve fills root's sets from the bounding set."""
    config["process"].update(noNewPrivileges=False, capabilities={
        "bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_SYS_CHROOT"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]})


def all_limits(config, facts):
    """Each of the sixteen, lowered so that it needs no right of the caller."""
    config["process"]["rlimits"] = []
    for number, (name, (_, hard)) in enumerate(sorted(facts.limits.items())):
        most = 2**33 + number if hard < 0 else max(0, hard - number)
        config["process"]["rlimits"].append({"type": f"RLIMIT_{name.upper()}", "soft": most // 2, "hard": most})


def other_masks(config):
    config["linux"].update(
        maskedPaths=["/proc/keys", "/etc/secret", "/etc/secrets", "/not/there"],
        readonlyPaths=["/proc/sys/net", "/proc/interrupts", "/etc/passwd", "/etc/secrets", "/not/there"])
    config["root"]["readonly"] = False


def no_masks(config):
    config["linux"].pop("maskedPaths")
    config["linux"].pop("readonlyPaths")


def binds(config):
    config["mounts"] += [
        mount("/data/rw", "bind", "data", "bind"), mount("/data/ro", "bind", "data", "bind", "ro"),
        mount("/data/safe", "bind", "data", "rbind", "nosuid", "nodev", "noexec", "noatime"),
        mount("/etc/file", "bind", "data/greeting", "bind", "ro", "nosuid", "nosymfollow")]
    config["root"]["readonly"] = False


def tmpfs_options(config):
    config["mounts"] += [
        mount("/tmp", "tmpfs", "scratch", "nosuid", "nodev", "noexec", "mode=1770", "size=100k", "nr_inodes=1k"),
        mount("/run", "tmpfs", "run", "nodiratime", "noatime", "mode=700", "size=2m"),
        mount("/var/cache", "tmpfs", "tmpfs", "ro", "nosuid", "size=65536k"),
        mount("/var/spool", "tmpfs", "tmpfs", "uid=1000", "gid=1000", "mode=0750", "lazytime")]
    config["root"]["readonly"] = False


def same_flags_as_words(config):
    """Later words win, and a word may take back an earlier one."""
    config["mounts"] += [
        mount("/run", "tmpfs", "tmpfs", "ro", "nosuid", "noexec", "rw", "exec", "noatime", "relatime", "mode=755"),
        mount("/data", "bind", "data", "bind", "nodev", "noexec", "ro", "dev", "rw")]
    config["root"]["readonly"] = False


def terminal(config):
    config["process"].update(terminal=True, consoleSize={"height": 33, "width": 111})


def terminal_of_a_user(config):
    config["process"].update(terminal=True, user={"uid": 1000, "gid": 1000})


def devices(config):
    config["linux"]["devices"] = [
        {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "uid": 0, "gid": 5},
        {"path": "/dev/log-of-the-kernel", "type": "c", "major": 1, "minor": 11, "fileMode": 0o600},
        {"path": "/dev/deep/er", "type": "b", "major": 7, "minor": 0, "fileMode": 0o660, "uid": 1000, "gid": 1000},
        {"path": "/dev/fifo", "type": "p", "fileMode": 0o622, "uid": 1000, "gid": 5},
        {"path": "/dev/nothing", "type": "u", "major": 1, "minor": 3}]
    config["linux"]["resources"]["devices"].append(
        {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"})


def sysctls(config):
    config["linux"]["sysctl"] = {
        "net.ipv4.ip_forward": "1", "net.ipv4.ip_unprivileged_port_start": "80", "kernel.shm_rmid_forced": "1",
        "kernel.msgmax": "65536", "fs.mqueue.msg_max": "20", "net/ipv4/conf/all/rp_filter": "2"}


def seccomp(config):
    config["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "flags": [],
        "syscalls": [
            {"names": ["sethostname", "swapoff"], "action": "SCMP_ACT_ERRNO"},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
            {"names": ["chroot", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13},
            {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22,
             "args": [{"index": 0, "value": 6, "op": "SCMP_CMP_EQ"}]}]}


def seccomp_with_privileges(config, facts):
    seccomp(config)
    full_capabilities(config, facts)
    config["process"]["noNewPrivileges"] = False


def user_namespace(config):
    config["linux"]["namespaces"].append({"type": "user"})
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    config["linux"].update(uidMappings=maps, gidMappings=copy.deepcopy(maps))


def user_namespace_with(*changes):
    def change(config):
        user_namespace(config)
        for each in changes:
            each(config)
    return change


def host_devices(config):
    """In a user namespace these are bound, not made."""
    config["linux"]["devices"] = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640},
                                  {"path": "/dev/fifo", "type": "p", "fileMode": 0o622}]


def joined(config):
    """Three namespaces that somebody else made: the harness puts a number in the place of HOLDER."""
    config.pop("hostname")
    for entry in config["linux"]["namespaces"]:
        short = {"network": "net", "ipc": "ipc", "uts": "uts"}.get(entry["type"])
        if short:
            entry["path"] = f"/proc/HOLDER/ns/{short}"


def copy_up(config):
    config["mounts"] += [mount("/etc", "tmpfs", "tmpfs", "tmpcopyup", "mode=755", "nosuid"),
                         mount("/home", "tmpfs", "tmpfs", "mode=700")]


def trees(config):
    """The directory of the bundle has a mount below it, which the harness makes."""
    config["mounts"] += [mount("/plain", "bind", "data", "bind"), mount("/tree", "bind", "data", "rbind", "ro"),
                         mount("/closed", "bind", "data", "rbind", "rro", "rnosuid", "rnoexec")]
    config["root"]["readonly"] = False


def writable_cgroup(config):
    config["mounts"][-1]["options"].remove("ro")


def cgroup_of_a_user(config):
    writable_cgroup(config)
    config["process"]["user"] = {"uid": 1000, "gid": 1000}


def layers(config):
    """The root from two layers; the harness puts the bundle's directory in the place of BUNDLE."""
    config["annotations"] = {"run.bulkhead.overlay.lower": "BUNDLE/top:BUNDLE/rootfs"}


def layers_to_write_on(config):
    layers(config)
    config["annotations"]["run.bulkhead.overlay.size"] = "16m"
    config["root"]["readonly"] = False


def time_namespace(config):
    config["linux"]["namespaces"].append({"type": "time"})
    config["linux"]["timeOffsets"] = {"monotonic": {"secs": 172800, "nanosecs": 500}, "boottime": {"secs": -10}}


def idmapped_bind(config):
    maps = [{"containerID": 0, "hostID": 200000, "size": 65536}]
    config["mounts"].append({**mount("/data", "bind", "data", "bind"), "uidMappings": maps, "gidMappings": maps})


def host_cgroup(config):
    without("cgroup")(config)
    config["linux"]["cgroupsPath"] = "/witness-of-the-host"


def mount_propagation(config):
    config["mounts"] += [mount(f"/{word}", "tmpfs", "tmpfs", word, "mode=755")
                         for word in ("private", "shared", "unbindable")]
    config["mounts"].append(mount("/bound", "bind", "data", "bind", "slave"))
    config["root"]["readonly"] = False


def words_and_entries(config):
    config["process"].update(args=["two words", "", "back\\slash"], cwd="/etc",
                             env=["PATH=/bin", "EMPTY=", "HOME=/elsewhere", "WITH=a=b c"])


def scheduler(policy, **more):
    return process(scheduler={"policy": policy, **more})


def propagation(kind):
    return linux(rootfsPropagation=kind)


EVERYBODY = {"uid": 1000, "gid": 1000}
# A caller that hands over all sorts of things: descriptors, masks, limits, groups.
STRANGE = {"umask": 0o77, "block": [1, 2, 10, 15, 34], "ignore": [2, 13, 15, 17], "groups": [4, 24, 4321],
           "fds": {"5": "/etc/passwd", "77": "/dev/null"}}

SPECS = [
    varied("default", lambda config: None),
    *[shipped(name) for name in ("no-terminal", "user", "limits", "binds", "shared-network", "writable")],
    shipped("devices", why="runc 1.1.5 cannot take back a part of what a wildcard allowed"),
    shipped("minimal", why="runc 1.1.5 closes descriptors through the container's /proc, and there is none"),
    shipped("hostname-domainname", why=f"domainname: {RUNC_13}"),
    shipped("host-like", why=WHOLE_TREE),
    varied("terminal", terminal),
    varied("terminal-of-a-user", terminal_of_a_user),
    varied("strange-caller", lambda config: None, setup=STRANGE),
    varied("user-with-groups", process(user={**EVERYBODY, "additionalGids": [5, 27, 100000], "umask": 0o27})),
    varied("all-capabilities", full_capabilities),
    varied("no-capabilities", process(capabilities={})),
    varied("ambient-capabilities", ambient_of_a_user),
    varied("root-gains-at-execve", root_gains),
    varied("all-limits", all_limits),
    varied("root-of-a-user", lambda config: config["root"].update(readonly=False) or process(user=EVERYBODY)(config)),
    varied("no-masks", no_masks),
    varied("other-masks", other_masks, paths=["/etc/secret", "/etc/secrets", "/etc/passwd", "/proc/sys/net"]),
    varied("path-masked-twice", linux(maskedPaths=["/proc/keys", "/sys/firmware", "/proc/keys", "/sys/firmware"]),
           why="runc 1.1.5 masks it twice"),
    varied("bind-mounts", binds, paths=["/data/rw", "/data/ro", "/data/ro/greeting", "/etc/file"]),
    varied("tmpfs-options", tmpfs_options, paths=["/run", "/var/cache", "/var/spool"]),
    varied("taken-back-words", same_flags_as_words, paths=["/run", "/data"]),
    varied("shared-ipc-and-uts", without("ipc", "uts")),
    varied("shared-pid", without("pid")),
    varied("host-cgroup-namespace", host_cgroup, why=WHOLE_TREE),
    varied("words-and-entries", words_and_entries),
    varied("mount-propagation", mount_propagation),
    varied("made-devices", devices),
    varied("sysctls", sysctls, sysctls=["net/ipv4/conf/all/rp_filter"]),
    varied("oom-score", process(oomScoreAdj=500)),
    varied("batch-scheduler", scheduler("SCHED_BATCH", nice=7), why=RUNC_13),
    varied("realtime-scheduler", scheduler("SCHED_FIFO", priority=3, flags=["SCHED_FLAG_RESET_ON_FORK"]), why=RUNC_13),
    varied("io-priority", process(ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6}), why=RUNC_13),
    varied("personality", linux(personality={"domain": "LINUX32"}), why=RUNC_13),
    varied("seccomp", seccomp),
    varied("seccomp-with-privileges", seccomp_with_privileges),
    varied("time-namespace", time_namespace, why=RUNC_13),
    varied("user-namespace", user_namespace, rootfs=100000),
    varied("user-namespace-of-a-user", user_namespace_with(process(user={"uid": 1000, "gid": 1000,
                                                                         "additionalGids": [7]})), rootfs=100000),
    varied("user-namespace-on-a-terminal", user_namespace_with(terminal), rootfs=100000),
    varied("user-namespace-with-devices", user_namespace_with(host_devices), rootfs=100000,
           why="runc 1.1.5 binds pipes, too, and there is none on the host"),
    varied("user-namespace-in-the-host-network", user_namespace_with(
        without("network"), lambda config: config["mounts"].pop(5)), rootfs=100000),
    varied("joined-namespaces", joined, holder=True),
    varied("copied-up", copy_up, paths=["/etc/secret", "/etc/secrets/inner", "/home"]),
    varied("trees", trees, submount=True, paths=["/plain/sub", "/tree", "/tree/sub", "/closed", "/closed/sub"]),
    varied("writable-cgroup", writable_cgroup),
    varied("cgroup-of-a-user", cgroup_of_a_user),
    varied("user-namespace-with-a-cgroup", user_namespace_with(cgroup_of_a_user), rootfs=100000),
    varied("layers", layers, layers=True, why=OWN, paths=["/etc/secret", "/etc/secrets"]),
    varied("layers-to-write-on", layers_to_write_on, layers=True, why=OWN, paths=["/etc/secret"]),
    varied("root-private", propagation("private")),
    varied("root-slave", propagation("slave")),
    varied("root-shared", propagation("shared"), why="runc 1.1.5 leaves it private"),
    varied("root-unbindable", propagation("unbindable"), why="runc 1.1.5 cannot bind an unbindable root"),
    varied("idmapped-bind", idmapped_bind, why=RUNC_13, paths=["/data", "/data/greeting"]),
]
