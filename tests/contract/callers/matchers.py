# SPDX-License-Identifier: Apache-2.0
"""What callers of a runtime make of its error texts: each function is one caller's own matcher, with its order and its
sensitivity to case. Pure: text in, class out."""

import json
import re

NOT_FOUND, CANNOT_INVOKE = 127, 126


# ---- containerd's shim ---------------------------------------------------------------------------------

def shim_last_error(log):
    """The shim's pick from log.json, decoded as a stream of documents: the last error's text; None where one document
    is broken or none is an error, so that the user sees an exit status only."""
    decoder, found, at = json.JSONDecoder(), None, 0
    while log[at:].strip():
        at += len(log[at:]) - len(log[at:].lstrip())
        try:
            document, at = decoder.raw_decode(log, at)
        except json.JSONDecodeError:
            return None
        if not isinstance(document, dict) or not rfc3339(document.get("time", "")):
            return None
        if document.get("level") == "error":
            found = document.get("msg", "").strip()
    return found


def rfc3339(text):
    """True if Go's time.Time takes it."""
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text) is not None


def shim_kill(text):
    """checkKillError: what a failed kill is for Docker and for the kubelet; "unknown" hangs a pod in Terminating."""
    if "os: process already finished" in text or "container not running" in text or "no such process" in text.lower():
        return "finished"
    return "no such container" if "does not exist" in text else "unknown"


def shim_delete(text):
    """True if a failed delete is taken for deleted."""
    return "does not exist" in text


# ---- dockerd and docker --------------------------------------------------------------------------------

def dockerd_message(text, step="create"):
    """What dockerd gets from containerd for a task that could not be made."""
    return (f"failed to create task for container: failed to create shim task: OCI runtime {step} failed: {text}: "
            "unknown")


def dockerd_start(message):
    """(exit code of the container, the message that goes on to the client): setExitCodeFromError."""
    low = message.lower()
    if "permission denied" in low:
        return CANNOT_INVOKE, message
    if "is a directory" in low:
        return CANNOT_INVOKE, message + ": permission denied"
    if "not a directory" in low:
        return NOT_FOUND, message + (": Are you trying to mount a directory onto a file (or vice-versa)? Check if the "
                                     "specified host path exists and is the expected type")
    invalid = ("executable file not found", "no such file or directory", "system cannot find the file specified",
               "failed to run runc create/exec call")
    return (NOT_FOUND if any(words in low for words in invalid) else 128), message


def docker_run(message):
    """The exit code of `docker run`: toStatusError, with the case of letters, and what is missing first."""
    missing = ("executable file not found", "no such file or directory", "system cannot find the file specified")
    if any(words in message for words in missing):
        return NOT_FOUND
    return CANNOT_INVOKE if "permission denied" in message or "is a directory" in message else 125


# ---- podman --------------------------------------------------------------------------------------------

def podman_error(text, newest=True):
    """getOCIRuntimeError: the class, permission first. newest: 5.x and later."""
    if re.search("permission denied|operation not permitted", text, re.I):
        return "permission"
    missing = "executable file not found in|no such file or directory" + ("|open executable" if newest else "")
    if re.search(missing, text, re.I):
        return "not found"
    attribute = re.search("`/proc/[a-z0-9-].+/attr.*`", text)
    if attribute:
        ends = {"/exec`": "set attribute", "/current`": "get attribute"}
        return next((word for end, word in ends.items() if attribute[0].endswith(end)), "attribute")
    return "other"


PODMAN_SENTENCES = {"permission": "OCI permission denied",
                    "not found": "OCI runtime attempted to invoke a command that was not found"}


def podman_run(text, newest=True):
    """The exit code of `podman run`: ExitCode of the error that getOCIRuntimeError made."""
    kind = podman_error(text, newest)
    sentence = f"{text}: {PODMAN_SENTENCES.get(kind, 'OCI runtime error')}".lower()
    words = ("not found", "executable path is empty", "no such file")
    return NOT_FOUND if any(word in sentence for word in words) else CANNOT_INVOKE


def podman_exec(text, newest=True):
    """The exit code of `podman exec`: TranslateExecErrorToExitCode."""
    return {"permission": CANNOT_INVOKE, "not found": NOT_FOUND}.get(podman_error(text, newest), 125)


def podman_state(stderr):
    """True if podman up to 5.3 takes a container whose state cannot be had for exited."""
    return "does not exist" in stderr or "No such file" in stderr


def oci_log(text):
    """podman's reading of its oci-log: the whole file is one document, or nothing (None)."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return None
    return document.get("msg") if isinstance(document, dict) else None


def lsm_mount_context(text, newest=True):
    """True if podman and CRI-O believe that checkpointed pods can be restored, from what the runtime says to `restore
    --lsm-mount-context` without a value."""
    return "flag needs an argument" in text or (newest and "requires an argument" in text)


# ---- CRI-O ---------------------------------------------------------------------------------------------

def crio_gone(stderr):
    """runtimeCmd: whether a failed verb means that the container is gone already."""
    return any(words in stderr for words in ("no such process", "container not running", "invalid process"))


# ---- versions ------------------------------------------------------------------------------------------

def go_runc_version(text):
    """go-runc's Version: {runc, commit, spec}, empty where a line has not its form."""
    found = {"runc": "", "commit": "", "spec": ""}
    for number, line in enumerate(text.strip().split("\n")):
        if number == 0 and line.startswith("runc version "):
            found["runc"] = line[len("runc version "):]
        for name in ("commit", "spec"):
            if line.startswith(f"{name}: "):
                found[name] = line[len(f"{name}: "):]
    return found


def dockerd_version(text):
    """parseRuntimeVersion: (name, version, commit); the last line with the word counts. ValueError: dockerd warns."""
    name = version = commit = ""
    for line in text.strip().split("\n"):
        if "version" in line:
            pieces = line.split("version")
            name, version = pieces[0].strip(), pieces[-1].strip()
        elif line.startswith("commit:"):
            commit = line[len("commit:"):].strip()
    if not version and not commit:
        raise ValueError(f"unknown output format: {text}")
    return name, version, commit
