# SPDX-License-Identifier: Apache-2.0
"""Single changes to a config.json, and the line of the witness where each has to show."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Flip:
    name: str
    change: object
    key: str
    bundle: str = "default"


def drop_capability(config):
    for names in config["process"]["capabilities"].values():
        names.remove("CAP_KILL")


def drop_bounding(config):
    config["process"]["capabilities"]["bounding"].remove("CAP_KILL")


def drop_namespace(kind):
    def change(config):
        config["linux"]["namespaces"] = [each for each in config["linux"]["namespaces"] if each["type"] != kind]
    return change


def unmask(path):
    return lambda config: config["linux"]["maskedPaths"].remove(path)


def unprotect(path):
    return lambda config: config["linux"]["readonlyPaths"].remove(path)


def mount_option(destination, word):
    def change(config):
        next(each for each in config["mounts"] if each["destination"] == destination)["options"].remove(word)
    return change


def seccomp_rule(config):
    del config["linux"]["seccomp"]["syscalls"][1]  # clone3


def mode_of_a_device(config):
    config["linux"]["devices"][0]["fileMode"] = 0o666


def a_bind_can_be_written(config):
    next(each for each in config["mounts"] if each["destination"] == "/data/ro")["options"].remove("ro")


def identity_map(config):
    for kind in ("uidMappings", "gidMappings"):
        config["linux"][kind][0]["size"] = 65535


def process(**properties):
    return lambda config: config["process"].update(properties)


FLIPS = {flip.name: flip for flip in [
    Flip("capability", drop_capability, "capabilities.effective"),
    Flip("bounding-capability", drop_bounding, "capabilities.bounding"),
    Flip("no-new-privileges", process(noNewPrivileges=False), "no_new_privs"),
    Flip("user", process(user={"uid": 1000, "gid": 0}), "uid"),
    Flip("group", process(user={"uid": 0, "gid": 7}), "gid"),
    Flip("additional-group", process(user={"uid": 0, "gid": 0, "additionalGids": [7]}), "groups"),
    Flip("umask", process(user={"uid": 0, "gid": 0, "umask": 0}), "umask"),
    Flip("masked-file", unmask("/proc/interrupts"), "path./proc/interrupts"),
    Flip("masked-directory", unmask("/sys/firmware"), "path./sys/firmware"),
    Flip("read-only-path", unprotect("/proc/sys"), "path./proc/sys"),
    Flip("read-only-root", lambda config: config["root"].update(readonly=False), "directory./"),
    Flip("mount-option", mount_option("/dev/shm", "noexec"), "mount"),
    Flip("read-only-sysfs", mount_option("/sys", "ro"), "directory./sys"),
    Flip("network-namespace", drop_namespace("network"), "namespace.net"),
    Flip("ipc-namespace", drop_namespace("ipc"), "namespace.ipc"),
    Flip("pid-namespace", drop_namespace("pid"), "processes"),
    Flip("hostname", lambda config: config.update(hostname="another"), "hostname"),
    Flip("limit", process(rlimits=[{"type": "RLIMIT_NOFILE", "soft": 1023, "hard": 1024}]), "limit.nofile"),
    Flip("environment", process(env=["PATH=/bin"]), "environment.0"),
    Flip("argument", process(args=["/witness", "one"]), "argument.1"),
    Flip("working-directory", process(cwd="/etc"), "cwd"),
    Flip("read-only-bind", a_bind_can_be_written, "path./data/ro", "bind-mounts"),
    Flip("propagation", lambda config: config["linux"].update(rootfsPropagation="private"), "mount", "root-slave"),
    Flip("ambient-capability", process(capabilities={}), "capabilities.ambient", "ambient-capabilities"),
    Flip("device-mode", mode_of_a_device, "node./dev/fuse", "made-devices"),
    Flip("sysctl", lambda config: config["linux"]["sysctl"].pop("net.ipv4.ip_forward"), "sysctl.net/ipv4/ip_forward",
         "sysctls"),
    Flip("oom-score", process(oomScoreAdj=501), "oom_score_adj", "oom-score"),
    Flip("seccomp-rule", seccomp_rule, "call.clone3", "seccomp"),
    Flip("seccomp", lambda config: config["linux"].pop("seccomp"), "seccomp.mode", "seccomp"),
    Flip("time-offset", lambda config: config["linux"]["timeOffsets"]["boottime"].update(secs=-9), "timens_offsets",
         "time-namespace"),
    Flip("id-map", identity_map, "uid_map", "user-namespace"),
    Flip("device-rule", lambda config: config["linux"].update(resources={}), "node./dev/fuse", "made-devices"),
]}
