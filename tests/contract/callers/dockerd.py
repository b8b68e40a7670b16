# SPDX-License-Identifier: Apache-2.0
"""dockerd, and what others put between containerd's shim and the runtime: wrappers, hooks, parsers of what is printed.
"""

import json
import pathlib
import sys

from caller import separate
from harness import BASE_ENV, Failure
from shim import Task

# libnetwork-setkey of dockerd, and the oci-hook of containerd and nerdctl: a program that decodes the state on its
# stdin, and looks at the process that it names.
WITNESS = """
import json, os, sys
state = json.load(sys.stdin)
pid = state.get("pid", 0)
seen = {"state": state, "argv": sys.argv[1:], "env": dict(os.environ)}
if pid:
    seen["net"] = os.readlink(f"/proc/{pid}/ns/net")
    seen["root"] = os.path.exists(f"/proc/{pid}/root{os.getcwd()}") and os.stat(f"/proc/{pid}/root").st_ino
    seen["comm"] = open(f"/proc/{pid}/cmdline").read()
seen["own"] = os.readlink("/proc/self/ns/net")
seen["config"] = json.load(open(state["bundle"] + "/config.json"))["ociVersion"]
json.dump(seen, open(sys.argv[1], "w"))
"""


def hook(file, *words, code=WITNESS, **fields):
    """A hook that is a Python program; its arguments begin with the file that it writes."""
    return {"path": sys.executable, "args": ["libnetwork-setkey", "-IS", "-c", code, str(file), *words], **fields}


def docker_task(t, bundle, **options):
    """A task as dockerd asks containerd for it: below its own root, in the namespace moby, in /docker/ID without
    systemd.
    """
    task = Task(t, bundle, namespace="moby", root=t.directory("runtime-runc-roots"), **options)
    bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/docker/{task.id}"))
    return task


def wrapper(t, path, runtime, args):
    """runtimeArgs of daemon.json: a script that puts them in front of whatever the shim says."""
    path.write_text(f"#!/bin/sh\n{runtime} {' '.join(map(str, args))} $@\n")
    path.chmod(0o700)
    return path


def features(t, *args):
    """setupRuntime: stdout alone, decoded; anything else is only a warning, and no features."""
    return json.loads(separate([t.path, *args, "features"], env=BASE_ENV).ok().out)


def parse_runtime_version(text):
    """parseRuntimeVersion of info_unix.go: (name, version, commit)."""
    name = version = commit = ""
    for row in text.split("\n"):
        if "version" in row:
            name, _, version = (part.strip() for part in row.partition("version"))
        if row.startswith("commit:"):
            commit = row.removeprefix("commit:").strip()
    if not version and not commit:
        raise Failure(f"unknown output format: {text}")
    return name, version, commit


# What nvidia-container-runtime does: finds --bundle, changes config.json there, and becomes the runtime.
NVIDIA = """
import json, os, sys
bundle, words = os.getcwd(), sys.argv[1:]
for number, word in enumerate(words):
    name, equals, value = word.partition("=")
    if name.lstrip("-") in ("b", "bundle") and name.startswith("-"):
        bundle = value if equals else words[number + 1]
if "create" in words:
    file = os.path.join(bundle, "config.json")
    config = json.load(open(file))
    config["process"]["env"].append("NVIDIA=visible")
    config.setdefault("hooks", {}).setdefault("prestart", []).append(HOOK)
    with open(file, "w") as out:
        json.dump(config, out)
os.execv(RUNTIME, [RUNTIME, *words])
"""


def nvidia(t, hooked):
    """The wrapper's path."""
    path = pathlib.Path(t.scratch, "nvidia-container-runtime")
    path.write_text(f"#!{sys.executable}\n" + NVIDIA.replace("HOOK", repr(hooked)).replace("RUNTIME", repr(t.path)))
    path.chmod(0o755)
    return path
