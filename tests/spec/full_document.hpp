// SPDX-License-Identifier: Apache-2.0
// Every property of the Linux part of the standard once, with a value of its own. Not a container that could
// run.
#pragma once

namespace bulkhead::spec::test {

inline constexpr char full_document[] = R"json({
  "ociVersion": "1.2.0-rc.1+build",
  "hostname": "box",
  "domainname": "example",
  "root": {"path": "rootfs", "readonly": true},
  "annotations": {"a.b": "c", "d": ""},
  "mounts": [{
    "destination": "/data", "type": "none", "source": "/srv", "options": ["rbind", "ro"],
    "uidMappings": [{"containerID": 1, "hostID": 2, "size": 3}],
    "gidMappings": [{"containerID": 4, "hostID": 5, "size": 6}]
  }],
  "hooks": {
    "prestart": [{"path": "/bin/prestart", "args": ["prestart", "-v"], "env": ["A=1"], "timeout": 30}],
    "createRuntime": [{"path": "/bin/createRuntime"}],
    "createContainer": [{"path": "/bin/createContainer"}],
    "startContainer": [{"path": "/bin/startContainer"}],
    "poststart": [{"path": "/bin/poststart"}],
    "poststop": [{"path": "/bin/poststop"}]
  },
  "process": {
    "terminal": true, "consoleSize": {"height": 24, "width": 80},
    "cwd": "/home", "env": ["A=1", "B="], "args": ["sh", "-c", "true"],
    "user": {"uid": 4294967294, "gid": 1000, "umask": 18, "additionalGids": [5, 6]},
    "capabilities": {
      "bounding": ["CAP_KILL"], "effective": ["CAP_CHOWN"], "permitted": ["CAP_SETUID"],
      "inheritable": ["CAP_SETGID"], "ambient": ["CAP_BPF"]
    },
    "noNewPrivileges": true,
    "rlimits": [{"type": "RLIMIT_CORE", "soft": 1, "hard": 18446744073709551615}],
    "apparmorProfile": "profile", "selinuxLabel": "label", "oomScoreAdj": -500,
    "scheduler": {
      "policy": "SCHED_DEADLINE", "nice": -5, "priority": 7,
      "flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_UTIL_CLAMP_MAX"],
      "runtime": 1, "deadline": 2, "period": 3
    },
    "ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 4},
    "execCPUAffinity": {"initial": "0-1", "final": "2"}
  },
  "linux": {
    "namespaces": [
      {"type": "pid"}, {"type": "network", "path": "/run/netns/a"}, {"type": "mount"}, {"type": "ipc"},
      {"type": "uts"}, {"type": "user"}, {"type": "cgroup"}, {"type": "time"}
    ],
    "uidMappings": [{"containerID": 7, "hostID": 100000, "size": 65536}],
    "gidMappings": [{"containerID": 7, "hostID": 100000, "size": 65536}],
    "timeOffsets": {"monotonic": {"secs": -5}, "boottime": {"nanosecs": 999999999}},
    "devices": [
      {"type": "c", "path": "/dev/fuse", "major": 10, "minor": 229, "fileMode": 438, "uid": 1, "gid": 2},
      {"type": "p", "path": "/run/fifo"}
    ],
    "netDevices": {"eth0": {"name": "container0"}, "eth1": {}},
    "cgroupsPath": "/a/b",
    "resources": {
      "devices": [
        {"allow": false, "access": "rwm"},
        {"allow": true, "type": "b", "major": 8, "minor": -1, "access": "r"},
        {"allow": true, "type": "", "access": "m"}
      ],
      "memory": {
        "limit": 1, "reservation": 2, "swap": -1, "kernel": 4, "kernelTCP": 5, "swappiness": 60,
        "disableOOMKiller": true, "useHierarchy": false, "checkBeforeUpdate": true
      },
      "cpu": {
        "shares": 1024, "quota": -1, "burst": 3, "period": 4, "realtimeRuntime": 5, "realtimePeriod": 6,
        "cpus": "0-1", "mems": "0", "idle": 1
      },
      "pids": {"limit": 100},
      "blockIO": {
        "weight": 10, "leafWeight": 11,
        "weightDevice": [{"major": 8, "minor": 1, "weight": 500, "leafWeight": 300}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 2, "rate": 600}],
        "throttleWriteBpsDevice": [{"major": 8, "minor": 2, "rate": 601}],
        "throttleReadIOPSDevice": [{"major": 8, "minor": 2, "rate": 602}],
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 2, "rate": 603}]
      },
      "hugepageLimits": [{"pageSize": "2MB", "limit": 4096}],
      "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]},
      "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}},
      "unified": {"memory.high": "1G"}
    },
    "seccomp": {
      "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
      "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
      "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
      "listenerPath": "/run/listener", "listenerMetadata": "meta",
      "syscalls": [{
        "names": ["clone", "clone3"], "action": "SCMP_ACT_KILL", "errnoRet": 1,
        "args": [{"index": 5, "value": 18446744073709551615, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]
      }]
    },
    "sysctl": {"net.core.somaxconn": "256"},
    "rootfsPropagation": "rslave",
    "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
    "mountLabel": "mount label",
    "intelRdt": {
      "closID": "group", "schemata": ["L3:0=f"], "l3CacheSchema": "L3:0=ff", "memBwSchema": "MB:0=20",
      "enableMonitoring": true
    },
    "personality": {"domain": "LINUX32", "flags": ["f"]},
    "memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"]}
  }
})json";

}  // namespace bulkhead::spec::test
