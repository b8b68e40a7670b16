# SPDX-License-Identifier: Apache-2.0
"""Every property of the standard that concerns Linux, once, and values of the wrong JSON types for each."""

import copy

MAPPING = {"containerID": 0, "hostID": 100000, "size": 65536}
HOOK = {"path": "/bin/hook", "args": ["hook"], "env": ["A=1"], "timeout": 30}
THROTTLE = {"major": 8, "minor": 0, "rate": 600}

PROCESS = {
    "terminal": False, "consoleSize": {"height": 24, "width": 80},
    "cwd": "/", "env": ["A=1"], "args": ["true"],
    "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [5]},
    "capabilities": {kind: ["CAP_KILL"] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")},
    "noNewPrivileges": True,
    "rlimits": [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}],
    "apparmorProfile": "profile", "selinuxLabel": "label", "oomScoreAdj": 100,
    "scheduler": {"policy": "SCHED_OTHER", "nice": 1, "priority": 0, "flags": ["SCHED_FLAG_RESET_ON_FORK"],
                  "runtime": 0, "deadline": 0, "period": 0},
    "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
    "execCPUAffinity": {"initial": "0", "final": "0"},
}
RESOURCES = {
    "devices": [{"allow": False, "type": "c", "major": 10, "minor": 229, "access": "rwm"}],
    "memory": {"limit": 1 << 30, "reservation": 1 << 20, "swap": 1 << 31, "kernel": 1, "kernelTCP": 1, "swappiness": 60,
               "disableOOMKiller": False, "useHierarchy": True, "checkBeforeUpdate": True},
    "cpu": {"shares": 1024, "quota": 50000, "burst": 0, "period": 100000, "realtimeRuntime": 5, "realtimePeriod": 6,
            "cpus": "0", "mems": "0", "idle": 0},
    "pids": {"limit": 100},
    "blockIO": {"weight": 10, "leafWeight": 10,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 500, "leafWeight": 300}],
                "throttleReadBpsDevice": [THROTTLE], "throttleWriteBpsDevice": [THROTTLE],
                "throttleReadIOPSDevice": [THROTTLE], "throttleWriteIOPSDevice": [THROTTLE]},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 4096}],
    "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]},
    "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}},
    "unified": {"memory.high": "max"},
}
SECCOMP = {
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
    "flags": ["SECCOMP_FILTER_FLAG_LOG"], "listenerPath": "/run/listener", "listenerMetadata": "meta",
    "syscalls": [{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
                  "args": [{"index": 5, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]}],
}
LINUX = {
    "namespaces": [{"type": "network", "path": "/run/netns/a"}],
    "uidMappings": [MAPPING], "gidMappings": [MAPPING],
    "timeOffsets": {"monotonic": {"secs": 5, "nanosecs": 1}},
    "devices": [{"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 438, "uid": 1, "gid": 2}],
    "netDevices": {"eth0": {"name": "container0"}},
    "cgroupsPath": "/a/b", "resources": RESOURCES, "seccomp": SECCOMP,
    "sysctl": {"net.core.somaxconn": "256"}, "rootfsPropagation": "rslave",
    "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "mountLabel": "label",
    "intelRdt": {"closID": "group", "schemata": ["L3:0=f"], "l3CacheSchema": "L3:0=ff", "memBwSchema": "MB:0=20",
                 "enableMonitoring": True},
    "personality": {"domain": "LINUX32", "flags": ["f"]},
    "memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"]},
}
DOCUMENT = {
    "ociVersion": "1.3.0", "hostname": "box", "domainname": "example", "annotations": {"a.b": "c"},
    "root": {"path": "rootfs", "readonly": True},
    "mounts": [{"destination": "/data", "type": "none", "source": "/srv", "options": ["rbind"],
                "uidMappings": [MAPPING], "gidMappings": [MAPPING]}],
    "hooks": {kind: [HOOK] for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart",
                                        "poststop")},
    "process": PROCESS, "linux": LINUX,
}
# One value of each JSON type; there are three kinds of number: whole, with a fraction, and of more than 64 bits.
SAMPLES = {"string": "text", "whole": 7, "broken": 1.5, "boolean": True, "list": [], "object": {}, "huge": 1 << 64}


def type_of(value):
    names = {str: "string", int: "whole", float: "broken", bool: "boolean", list: "list", dict: "object"}
    return names[type(value)]


def wrong_values(value):
    """A sample of each JSON type other than the type of this value."""
    return [sample for kind, sample in SAMPLES.items() if kind != type_of(value)]


def walk(value=None, path=()):
    """(path, value) of everything in the document, the outermost first."""
    value = DOCUMENT if value is None else value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key), child
        yield from walk(child, (*path, key))


def names():
    """Every property's name."""
    return {path[-1] for path, _ in walk() if isinstance(path[-1], str)}


def pointer(path):
    """The path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in path)


def grafted(config, path, value, model=None):
    """The config with this value at the path; the document supplies what else the object at the path needs."""
    model, key, rest = DOCUMENT if model is None else model, path[0], path[1:]
    if isinstance(model, list):
        return [grafted(None, rest, value, model[0]) if rest else value]
    made = dict(copy.deepcopy(model) if config is None and not rest else config or {})
    below = made.get(key) if isinstance(made.get(key), dict) else None
    made[key] = grafted(below, rest, value, model[key]) if rest else value
    return made
