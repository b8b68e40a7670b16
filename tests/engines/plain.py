# SPDX-License-Identifier: Apache-2.0
"""Containers of containerd that ask for nothing that a machine without controllers lacks."""

import json

NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")
MOUNTS = [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
          {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
          {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
           "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
          {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}]


def config(path, rootfs, name, *command, binds=None):
    """Writes the file for `ctr run --config`; binds is {directory of the host: place in the container}."""
    path.write_text(json.dumps({
        "ociVersion": "1.0.2",
        "root": {"path": str(rootfs)},
        "process": {"args": list(command), "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}},
        "mounts": MOUNTS + [{"destination": place, "type": "bind", "source": str(source), "options": ["rbind", "rw"]}
                            for source, place in (binds or {}).items()],
        "linux": {"cgroupsPath": f"/{name}", "namespaces": [{"type": each} for each in NAMESPACES]}}))
    return path
