# SPDX-License-Identifier: Apache-2.0
"""Values of the right type that are wrong all the same: by theme, the change to a good config.json, and the answer.

 A row is (changes, pointer, words): the message has the pointer and then the words. A change is {pointer: value}; None
 removes a property.
 """

MAP = {"containerID": 0, "hostID": 100000, "size": 65536}
USER_NAMESPACE = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")]
USER = {"/linux/namespaces": USER_NAMESPACE, "/linux/uidMappings": [MAP], "/linux/gidMappings": [MAP]}
TIME = {"/linux/namespaces": [*USER_NAMESPACE[:-1], {"type": "time"}]}
FILE = {"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229}
RULE = {"names": ["getcwd"], "action": "SCMP_ACT_ERRNO"}
HOOK_KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def one(place, value, *words, at=""):
    """A row of one change whose message names the place, or what `at` names below it."""
    return {place: value}, place + at, words


def hooks():
    for kind in HOOK_KINDS:
        yield one(f"/hooks/{kind}", [{"path": "bin/hook"}], '"bin/hook"', "absolute", at="/0/path")
        yield one(f"/hooks/{kind}", [{"args": ["a"]}], "", at="/0/path")
        yield one(f"/hooks/{kind}", [{"path": "/bin/hook", "timeout": 0}], "0", "greater than zero", at="/0/timeout")
        yield one(f"/hooks/{kind}", [{"path": "/bin/hook", "timeout": -1}], "-1", "greater than zero", at="/0/timeout")


def throttles():
    for name in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS"):
        place = f"/linux/resources/blockIO/throttle{name}Device"
        for key in ("major", "minor", "rate"):
            entry = {"major": 8, "minor": 0, "rate": 600}
            del entry[key]
            yield one(place, [entry], "required", at=f"/0/{key}")
        yield one(place, [{"major": -1, "minor": 0, "rate": 1}], "-1", at="/0/major")


def lacking(place, model, *keys):
    """One row for each of these properties: the object without it."""
    for key in keys:
        entry = {name: value for name, value in model.items() if name != key}
        yield one(place, [entry], "required", at=f"/0/{key}")


VERSION = [one("/ociVersion", text, f'"{text}"', "version 1")
           for text in ("", "1", "1.0", "2.0.0", "0.9.0", "v1.0.0", "1.0.0-", "1.0.0+", "1.0.0-a..b", "1.x.0", "1.0.0 ",
                        "01.0.0", "1.00.0", "1.0.01", "1.0.0-01")] + [one("/ociVersion", None, "required")]

TOP = [
    one("/root", None, "must be specified"),
    one("/root/path", "", "must not be empty"),
    one("/root/path", "nowhere", "nowhere", "no such file or directory"),
    one("/annotations", {"": "x"}, "must not be empty", at="/"),
    ({"/linux/namespaces": [{"type": "mount"}, {"type": "pid"}]}, "/hostname", ['"bulkhead-it"', "UTS namespace"]),
    ({"/linux/namespaces": [{"type": "mount"}], "/hostname": "", "/domainname": "d"}, "/domainname",
     ['"d"', "UTS namespace"]),
    one("/hostname", "x" * 65, "x" * 65, "invalid argument"),
    one("/domainname", "x" * 65, "x" * 65, "invalid argument"),
]

MOUNTS = [
    one("/mounts", [{"type": "tmpfs", "source": "x"}], "must not be empty", at="/0/destination"),
    one("/mounts", [{"destination": "/", "type": "tmpfs"}], '"/"', "root", at="/0/destination"),
    one("/mounts", [{"destination": "/a/../..", "type": "tmpfs"}], '"/a/../.."', "root", at="/0/destination"),
    one("/mounts", [{"destination": "/tmp", "type": "nosuchfs", "source": "x"}], "nosuchfs", at="/0"),
    one("/mounts", [{"destination": "/tmp", "type": "tmpfs", "options": ["flavour=stout"]}], "flavour", at="/0"),
    one("/mounts", [{"destination": "/tmp", "type": "bind", "source": "/no/such", "options": ["bind"]}], "/no/such",
        "no such file or directory", at="/0"),
    one("/mounts", [{"destination": "/tmp", "source": "/tmp", "options": ["bind"], "uidMappings": [MAP]}],
        "together", at="/0"),
    one("/mounts", [{"destination": "/tmp", "source": "/tmp", "options": ["bind"], "gidMappings": [MAP]}],
        "together", at="/0"),
    one("/mounts", [{"destination": "/tmp", "source": "/tmp", "options": ["bind", "idmap"]}], "id-mapped", at="/0"),
    one("/mounts", [{"destination": "/tmp", "type": "tmpfs", "uidMappings": [MAP], "gidMappings": [MAP]}],
        "bind", at="/0"),
    *(one("/mounts", [{"destination": "/tmp", "source": "/tmp", "options": ["bind"], "gidMappings": [MAP],
                       "uidMappings": [{name: value for name, value in MAP.items() if name != key}]}], "required",
          at=f"/0/uidMappings/0/{key}") for key in MAP),
]

PROCESS = [
    one("/process/cwd", "", "must not be empty"),
    one("/process/cwd", "tmp", '"tmp"', "absolute"),
    one("/process/args", [], "must not be empty"),
    one("/process/args", None, "must not be empty"),
    one("/process/env", ["A"], '"A"', at="/0"),
    one("/process/env", ["A=1", "=x"], "empty", at="/1"),
    *(({"/process/terminal": True, "/process/consoleSize": size}, f"/process/consoleSize/{key}", [word])
      for size, key, word in (({"height": 5}, "width", "required"), ({"width": 5}, "height", "required"),
                              ({"width": 5, "height": 65536}, "height", "65536"))),
    *(one(f"/process/user/{key}", 4294967295, "4294967295", "4294967294") for key in ("uid", "gid")),
    *(one(f"/process/user/{key}", -1, "-1", "whole number") for key in ("uid", "gid", "umask")),
    one("/process/user/umask", 512, "512", "511"),
    one("/process/user/additionalGids", [1, 4294967295], "4294967295", at="/1"),
    one("/process/oomScoreAdj", 1001, "1001", "1000"),
    one("/process/oomScoreAdj", -1001, "-1001", "1000"),
    one("/process/rlimits", [{"type": "RLIMIT_BEER", "soft": 1, "hard": 1}], "RLIMIT_BEER", at="/0/type"),
    one("/process/rlimits", [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}] * 2, "RLIMIT_CORE", "duplicate", at="/1/type"),
    one("/process/rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}], "2", "hard limit 1", at="/0/soft"),
    *lacking("/process/rlimits", {"type": "RLIMIT_CORE", "soft": 1, "hard": 1}, "type", "soft", "hard"),
    one("/process/rlimits", [{"type": "RLIMIT_CORE", "soft": -1, "hard": 1}], "-1", at="/0/soft"),
    one("/process/apparmorProfile", "nosuchprofile", "nosuchprofile"),
    one("/process/selinuxLabel", "nosuchlabel", "nosuchlabel"),
]

SCHEDULING = [
    one("/process/scheduler", {}, "required", at="/policy"),
    one("/process/scheduler", {"policy": "SCHED_BEER"}, "SCHED_BEER", at="/policy"),
    one("/process/scheduler", {"policy": "SCHED_OTHER", "nice": 20}, "20", at="/nice"),
    one("/process/scheduler", {"policy": "SCHED_OTHER", "nice": -21}, "-21", at="/nice"),
    one("/process/scheduler", {"policy": "SCHED_FIFO", "priority": 100}, "100", at="/priority"),
    one("/process/scheduler", {"policy": "SCHED_OTHER", "priority": 1}, "1", "SchedFIFO", at="/priority"),
    one("/process/scheduler", {"policy": "SCHED_FIFO", "priority": -1}, "-1", at="/priority"),
    *(one("/process/scheduler", {"policy": "SCHED_OTHER", key: 1}, "SchedDeadline", at=f"/{key}")
      for key in ("runtime", "deadline", "period")),
    one("/process/scheduler", {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_BEER"]}, "SCHED_FLAG_BEER", at="/flags/0"),
    one("/process/ioPriority", {}, "required", at="/class"),
    one("/process/ioPriority", {"class": "IOPRIO_CLASS_BE"}, "required", at="/priority"),
    one("/process/ioPriority", {"class": "IOPRIO_CLASS_BEER"}, "IOPRIO_CLASS_BEER", at="/class"),
    one("/process/ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 8}, "8", at="/priority"),
    one("/process/ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": -1}, "-1", at="/priority"),
    one("/process/execCPUAffinity", {"initial": "x"}, '"x"', "list of CPUs", at="/initial"),
    one("/process/execCPUAffinity", {"final": "0;1"}, '"0;1"', "list of CPUs", at="/final"),
    one("/process/execCPUAffinity", {"final": "3-1"}, '"3-1"', "list of CPUs", at="/final"),
    one("/process/execCPUAffinity", {"initial": "1-"}, '"1-"', "list of CPUs", at="/initial"),
    one("/linux/personality", {}, "required", at="/domain"),
    one("/linux/personality", {"domain": "BEER"}, '"BEER"', at="/domain"),
]

NAMESPACES = [
    one("/linux/namespaces", [{"path": "/proc/1/ns/net"}], "required", at="/0/type"),
    one("/linux/namespaces", [{"type": "beer"}], '"beer"', at="/0/type"),
    one("/linux/namespaces", [{"type": "net"}], '"net"', at="/0/type"),
    one("/linux/namespaces", [{"type": "mount"}] * 2, '"mount"', "duplicated", at="/1"),
    one("/linux/namespaces", [{"type": "mount"}, {"type": "network", "path": "run/a"}], '"run/a"', "absolute",
        at="/1/path"),
    one("/linux/namespaces", [*USER_NAMESPACE[2:6], {"type": "network", "path": "/no/such"}], '/no/such',
        "no such file or directory", at="/4"),
    one("/linux/namespaces", [*USER_NAMESPACE[2:6], {"type": "network", "path": "/proc/self/ns/pid"}],
        '/proc/self/ns/pid', at="/4"),
    one("/linux/namespaces", [*USER_NAMESPACE[2:6], {"type": "network", "path": "/dev/null"}], '/dev/null', at="/4"),
    one("/linux/uidMappings", [MAP], "isn't enabled"),
    one("/linux/gidMappings", [MAP], "isn't enabled"),
    ({**USER, "/linux/uidMappings": None}, "/linux/uidMappings", ["no uid mappings"]),
    ({**USER, "/linux/gidMappings": None}, "/linux/gidMappings", ["no gid mappings"]),
    *(({**USER, f"/linux/{kind}": [{name: value for name, value in MAP.items() if name != key}]},
       f"/linux/{kind}/0/{key}", ["required"]) for key in MAP for kind in ("uidMappings", "gidMappings")),
    *(({**USER, f"/linux/{kind}": [{**MAP, "size": 0}]}, f"/linux/{kind}/0/size", ["0"])
      for kind in ("uidMappings", "gidMappings")),
    *(({**USER, f"/linux/{kind}": [{**MAP, "hostID": 4294967295, "size": 2}]}, f"/linux/{kind}/0", ["2"])
      for kind in ("uidMappings", "gidMappings")),
    *(({**USER, f"/linux/{kind}": [MAP, {**MAP, "hostID": 300000}]}, f"/linux/{kind}/1", ["overlap"])
      for kind in ("uidMappings", "gidMappings")),
    *(({**USER, f"/linux/{kind}": [MAP, {**MAP, "containerID": 70000, "hostID": 100001}]}, f"/linux/{kind}/1", ["overlap"])
      for kind in ("uidMappings", "gidMappings")),
    ({**USER, "/process/user/uid": 65536}, "/process/user/uid", ["65536", "not mapped"]),
    ({**USER, "/process/user/gid": 65536}, "/process/user/gid", ["65536", "not mapped"]),
    ({**USER, "/process/user/additionalGids": [0, 65536]}, "/process/user/additionalGids/1", ["65536", "not mapped"]),
    one("/linux/timeOffsets", {"monotonic": {"secs": 5}}, "isn't enabled"),
    ({**TIME, "/linux/timeOffsets": {"realtime": {"secs": 5}}}, "/linux/timeOffsets/realtime", ["boottime monotonic"]),
    ({**TIME, "/linux/timeOffsets": {"boottime": {"nanosecs": 1000000000}}}, "/linux/timeOffsets/boottime/nanosecs",
     ["1000000000", "999999999"]),
    ({**TIME, "/linux/timeOffsets": {"boottime": {"secs": -(1 << 40)}}}, "/linux/timeOffsets", [str(-(1 << 40))]),
]

DEVICES = [
    *lacking("/linux/devices", FILE, "type", "path", "major", "minor"),
    one("/linux/devices", [{**FILE, "type": "x"}], '"x"', at="/0/type"),
    one("/linux/devices", [{**FILE, "path": "dev/x"}], '"dev/x"', "absolute", at="/0/path"),
    one("/linux/devices", [{**FILE, "path": "/dev/pts"}], "/dev/pts", at="/0"),
    one("/linux/devices", [{**FILE, "path": "/bin/busybox"}], "/bin/busybox", at="/0"),
    one("/linux/devices", [FILE, {**FILE, "minor": 1}], "/dev/fuse", at="/1"),
    one("/linux/devices", [{**FILE, "uid": 4294967295}], "4294967295", at="/0/uid"),
    one("/linux/devices", [{**FILE, "gid": 4294967295}], "4294967295", at="/0/gid"),
    one("/linux/devices", [{**FILE, "major": -1}], "-1", at="/0/major"),
    one("/linux/devices", [{**FILE, "minor": 4294967296}], "4294967296", at="/0/minor"),
    one("/linux/devices", [{**FILE, "minor": 1 << 20}], str(1 << 20), at="/0/minor"),
    one("/linux/devices", [{**FILE, "major": 4096}], "4096", at="/0/major"),
    one("/linux/devices", [{**FILE, "fileMode": -1}], "-1", at="/0/fileMode"),
    one("/linux/netDevices", {"eth0/1": {}}, "eth0/1"),
    one("/linux/netDevices", {"x" * 16: {}}, "x" * 16),
    one("/linux/netDevices", {"nosuch0": {}}, "nosuch0"),
    one("/linux/netDevices", {"lo0": {"name": "a b"}}, '"a b"', at="/lo0/name"),
    ({"/linux/netDevices": {"lo0": {"name": "x"}, "lo1": {"name": "x"}}}, "/linux/netDevices/lo1/name", ['"x"']),
    ({"/linux/namespaces": USER_NAMESPACE[2:6], "/linux/netDevices": {"lo0": {}}}, "/linux/netDevices", ["NET namespace"]),
    *lacking("/linux/resources/devices", {"allow": True, "access": "rwm"}, "allow"),
    one("/linux/resources/devices", [{"allow": True}], "empty", at="/0/access"),
    one("/linux/resources/devices", [{"allow": True, "access": "rx"}], '"rx"', at="/0/access"),
    one("/linux/resources/devices", [{"allow": True, "type": "p", "access": "r"}], '"p"', at="/0/type"),
    one("/linux/resources/devices", [{"allow": True, "major": -2, "access": "r"}], "-2", at="/0/major"),
]

RESOURCES = [
    one("/linux/cgroupsPath", "/" + "x" * 5000, "too long"),
    one("/linux/cgroupsPath", "/a/../../b", '"/a/../../b"'),
    *(one("/linux/cgroupsPath", path, f'"{path}"') for path in ("/", "a/../b", ".", "//")),
    one("/linux/resources/memory", {"reservation": -2}, "-2", at="/reservation"),
    one("/linux/resources/memory", {"swappiness": 101}, "101", "100", at="/swappiness"),
    one("/linux/resources/memory", {"swappiness": -1}, "-1", at="/swappiness"),
    one("/linux/resources/cpu", {"cpus": "beer"}, "", at="/cpus"),
    one("/linux/resources/cpu", {"cpus": "99999"}, "", at="/cpus"),
    one("/linux/resources/cpu", {"mems": "99999"}, "", at="/mems"),
    one("/linux/resources/cpu", {"mems": "0,x"}, "", at="/mems"),
    one("/linux/resources/cpu", {"quota": 1}, "1", at="/quota"),
    one("/linux/resources/cpu", {"period": 1}, "1", at="/period"),
    one("/linux/resources/cpu", {"period": 5000000}, "5000000", at="/period"),
    one("/linux/resources/cpu", {"quota": 50000, "burst": 60000}, "60000", at="/burst"),
    one("/linux/resources/cpu", {"idle": 2}, "2", at="/idle"),
    one("/linux/resources/cpu", {"idle": -1}, "-1", at="/idle"),
    one("/linux/resources/pids", {"limit": 1 << 62}, "", at="/limit"),
    one("/linux/resources/blockIO", {"weightDevice": [{"major": 8, "minor": 0}]}, "weight", at="/weightDevice/0"),
    one("/linux/resources/blockIO", {"weightDevice": [{"major": 8, "weight": 10}]}, "required", at="/weightDevice/0/minor"),
    one("/linux/resources/blockIO", {"weightDevice": [{"minor": 8, "weight": 10}]}, "required", at="/weightDevice/0/major"),
    one("/linux/resources/blockIO", {"weight": 65536}, "65536", at="/weight"),
    *throttles(),
    *lacking("/linux/resources/hugepageLimits", {"pageSize": "2MB", "limit": 1}, "pageSize", "limit"),
    one("/linux/resources/hugepageLimits", [{"pageSize": "3MB", "limit": 1}], "3MB", at="/0"),
    one("/linux/resources/hugepageLimits", [{"pageSize": "2MB", "limit": -1}], "-1", at="/0/limit"),
    one("/linux/resources/network/priorities", [{"name": "a"}], "required", at="/0/priority"),
    one("/linux/resources/network/priorities", [{"priority": 1}], "required", at="/0/name"),
    one("/linux/resources/rdma", {"mlx5_1": {}}, "hcaHandles", at="/mlx5_1"),
    one("/linux/resources/unified", {"nosuch.max": "1"}, "nosuch", at="/nosuch.max"),
    one("/linux/resources/unified", {"memory.nosuch": "1"}, "memory.nosuch", at="/memory.nosuch"),
    one("/linux/resources/unified", {"memory.high": "beer"}, "", at="/memory.high"),
]

KERNEL = [
    one("/linux/sysctl", {"kernel.hostname": "x"}, "hostname", at="/kernel.hostname"),
    one("/linux/sysctl", {"vm.swappiness": "1"}, "vm.swappiness", at="/vm.swappiness"),
    one("/linux/sysctl", {"net/../kernel/panic": "1"}, "net/../kernel/panic", at="/net~1..~1kernel~1panic"),
    one("/linux/sysctl", {"net.core.somaxconn": ""}, "empty", at="/net.core.somaxconn"),
    one("/linux/sysctl", {"net.core.somaxconn": "1\n2"}, "single line", at="/net.core.somaxconn"),
    one("/linux/sysctl", {"net.core.somaxconn": "beer"}, "beer", at="/net.core.somaxconn"),
    one("/linux/sysctl", {"net.core.nosuch": "1"}, "no such file or directory", at="/net.core.nosuch"),
    one("/linux/sysctl", {"net.core.somaxconn": "1", "net/core/somaxconn": "2"}, "twice", at="/net~1core~1somaxconn"),
    *(one("/linux/intelRdt", {"closID": name}, "invalid intelRdt.ClosID", at="/closID")
      for name in (".", "..", "a/b", "/a", "a\nb")),
    one("/linux/intelRdt", {"memBwSchema": "L3:0=f"}, "must start with MB:", at="/memBwSchema"),
    one("/linux/intelRdt", {"memBwSchema": "MB"}, "must start with MB:", at="/memBwSchema"),
    one("/linux/intelRdt", {"memBwSchema": "MB:0=20\nL3:0=f"}, "newlines", at="/memBwSchema"),
    one("/linux/intelRdt", {"schemata": ["L3:0=f", "MB:0=20\n"]}, "newlines", at="/schemata/1"),
    one("/linux/intelRdt", {"schemata": [""]}, "line", at="/schemata/0"),
    *(one("/linux/intelRdt", given, "no resctrl file system is mounted") for given in ({}, {"closID": "/"})),
    one("/linux/rootfsPropagation", "beer", '"beer"'),
    one("/linux/maskedPaths", ["/a", ""], "empty", at="/1"),
    one("/linux/readonlyPaths", ["/a", ""], "empty", at="/1"),
]

SECCOMP = [
    one("/linux/seccomp", {}, "required", at="/defaultAction"),
    *(one("/linux/seccomp/defaultAction", text, f'"{text}"') for text in ("", "SCMP_ACT_BEER", "allow")),
    one("/linux/seccomp/defaultAction", "SCMP_ACT_NOTIFY", "default action"),
    *(one("/linux/seccomp", {"defaultAction": action, "defaultErrnoRet": 1}, "1", at="/defaultErrnoRet")
      for action in ("SCMP_ACT_ALLOW", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
                     "SCMP_ACT_LOG")),
    *(one("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{**RULE, "action": action, "errnoRet": 1}]},
          "1", at="/syscalls/0/errnoRet") for action in ("SCMP_ACT_ALLOW", "SCMP_ACT_KILL", "SCMP_ACT_LOG", "SCMP_ACT_TRAP",
                                                         "SCMP_ACT_NOTIFY")),
    one("/linux/seccomp", {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4095}, "4095", at="/defaultErrnoRet"),
    one("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_BEER"]}, "SCMP_ARCH_BEER",
        at="/architectures/0"),
    one("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_BEER"]},
        "SECCOMP_FILTER_FLAG_BEER", at="/flags/0"),
    one("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]},
        "listener", at="/flags/0"),
    one("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}, "listenerPath",
        at="/listenerMetadata"),
    one("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{**RULE, "action": "SCMP_ACT_NOTIFY"}]},
        "listenerPath", at="/listenerPath"),
    one("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/no/such",
                           "syscalls": [{**RULE, "action": "SCMP_ACT_NOTIFY"}]}, "/no/such", at="/listenerPath"),
    one("/linux/seccomp/syscalls", [{**RULE, "names": []}], "at least one", at="/0/names"),
    *lacking("/linux/seccomp/syscalls", RULE, "names", "action"),
    *(one("/linux/seccomp/syscalls", [{**RULE, "args": [{key: value for key, value in
       {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}.items() if key != lost}]}], "required", at=f"/0/args/0/{lost}")
      for lost in ("index", "value", "op")),
    one("/linux/seccomp/syscalls", [{**RULE, "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}], "6",
        at="/0/args/0/index"),
    one("/linux/seccomp/syscalls", [{**RULE, "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_BEER"}]}],
        '"SCMP_CMP_BEER"', at="/0/args/0/op"),
    one("/linux/seccomp/syscalls", [{**RULE, "args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]}], "-1",
        at="/0/args/0/value"),
]

THEMES = {"version": VERSION, "top": TOP, "mounts": MOUNTS, "process": PROCESS, "scheduling": SCHEDULING,
          "namespaces": NAMESPACES, "devices": DEVICES, "resources": RESOURCES, "kernel": KERNEL, "seccomp": SECCOMP,
          "hooks": list(hooks())}
