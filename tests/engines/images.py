# SPDX-License-Identifier: Apache-2.0
"""Images made here, out of busybox: as a docker-archive, which podman, ctr and docker all load."""

import hashlib
import io
import json
import subprocess
import tarfile

BUSYBOX = "/bin/busybox"


def applets():
    return subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()


def layer():
    """A tar of a root with busybox and a link for each of its applets."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, mode in [("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o700), ("home", 0o755)]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        tar.add(BUSYBOX, "bin/busybox")
        for name in set(applets()) - {"busybox"}:
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        for name, text in [("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n"),
                           ("etc/group", "root:x:0:\nuser:x:1000:\nmore:x:2000:user\n")]:
            add_text(tar, name, text)
    return buffer.getvalue()


def add_text(tar, name, text):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), 0o644
    tar.addfile(entry, io.BytesIO(text.encode()))


def save(path, tag, config=None):
    """Writes the archive of an image with one layer; `config` is that of the image format, as Env and Cmd."""
    data = layer()
    digest = hashlib.sha256(data).hexdigest()
    image = {"architecture": "amd64", "os": "linux", "config": config or {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
             "history": [{"created_by": "tests/engines"}],
             "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}
    with tarfile.open(path, "w") as tar:
        add_text(tar, "config.json", json.dumps(image))
        add_text(tar, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [tag],
                                                    "Layers": ["layer.tar"]}]))
        entry = tarfile.TarInfo("layer.tar")
        entry.size, entry.mode = len(data), 0o644
        tar.addfile(entry, io.BytesIO(data))


def unpack(directory):
    """The root of the image as a directory."""
    with tarfile.open(fileobj=io.BytesIO(layer())) as tar:
        tar.extractall(directory)
    return directory
