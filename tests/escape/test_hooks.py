# SPDX-License-Identifier: Apache-2.0
"""E35 and E74: hooks that inherit what the image says, and hooks that do not want to end."""

import json
import os
import signal

import leaks
from harness import contains, equal, eventually, status_field, true
from marks import attacker, parametrize
from test_image_traps import bait
from world import ended_well

HOST_KINDS = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
KINDS = [*HOST_KINDS, "startContainer"]
TRAPS = ["LD_PRELOAD=/proc/self/cwd/bait.so", "GCONV_PATH=/proc/self/cwd", "BASH_ENV=/proc/self/cwd/bait.sh",
         "ENV=/proc/self/cwd/bait.sh", "LD_LIBRARY_PATH=/proc/self/cwd", "PATH=/proc/self/cwd:/bin",
         "GLIBC_TUNABLES=glibc.malloc.check=3"]
CALLERS = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "CALLERS_WORD": "unheard-of", "LD_BIND_NOW": "1"}
MARK = "MARK=of-the-hook"


def with_hooks(bundle, **kinds):
    """{kind: [hook, ...]} in the config."""
    return bundle.edit(lambda config: config.update(hooks={kind: list(hooks) for kind, hooks in kinds.items()}))


def witnesses(t, env):
    """A bundle in which attackers/witness is the hook of all six kinds; {kind: file of what it saw}."""
    out = t.host_folder("out")
    bundle = t.plant(t.bundle("cat", "/proc/self/status"), "witness")
    bundle.add_mount("/out", "bind", str(out), "bind", "rw")
    hooks = {}
    for kind in KINDS:
        inside = kind == "startContainer"
        program = "/witness" if inside else str(t.built("witness"))
        file = ("/out/" if inside else f"{out}/") + kind
        hooks[kind] = [{"path": program, "args": ["witness", file], **({} if env is None else {"env": env})}]
    return with_hooks(bundle, **hooks), {kind: out / kind for kind in KINDS}


def seen(file, word):
    """The rest of the lines that begin with a word."""
    if not file.exists():
        return []
    return [line.removeprefix(word + " ") for line in file.read_text().splitlines() if line.startswith(word + " ")]


ENVIRONMENTS = [("with env", [MARK]), ("without env", None), ("with an empty env", [])]


@attacker("A1")
@parametrize("name, env", ENVIRONMENTS)
def test_E35_hooks_inherit(t, name, env):
    """process.env has what makes a program of the host run something else (CVE-2025-23266), the caller has words and
    descriptors: no hook has any of it; startContainer's has the rights of the program, and is inside."""
    bundle, files = witnesses(t, env)
    bundle.env(*TRAPS)
    box = t.container(bundle=bundle)
    status = ended_well(t, box.run(env=CALLERS)).exits(0).out
    for kind, file in files.items():
        contains(file.read_text() if file.exists() else f"{kind} did not run", "end\n", kind)
        words = seen(file, "env")
        if kind != "startContainer" or env is not None:  # its environment is the program's where it has none of its own
            equal([word for word in words if word in TRAPS], [], f"{kind}: environment of the image")
        equal([word for word in words if word.split("=")[0] in ("CALLERS_WORD", "LD_BIND_NOW")], [],
              f"{kind}: environment of the caller")
        equal([line for line in seen(file, "fd") if int(line.split()[0]) > 2], [], f"{kind}: descriptors")
        if t.bulkhead and not (kind == "startContainer" and env is None):
            equal(words, env or [], f"{kind}: environment")
    inside = "\n".join(seen(files["startContainer"], "status"))
    for field in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb", "NoNewPrivs", "Uid", "Gid", "Groups"):
        equal(status_field(inside, field), status_field(status, field), f"startContainer: {field}")
    del name


@attacker("A1")
@parametrize("name, env", ENVIRONMENTS)
def test_E35_harmless_hooks_have_what_they_are_given(t, name, env):
    """All six run, with their arguments, a state on stdin, and the environment that they were given."""
    bundle, files = witnesses(t, env)
    box = t.container(bundle=bundle)
    box.run().exits(0)
    for kind, file in files.items():
        equal(len(seen(file, "arg")), 2, f"{kind}: arguments")
        state = json.loads("".join(seen(file, "stdin")))
        equal(state["id"], box.id, f"{kind}: id")
        if env:
            true(MARK in seen(file, "env"), f"{kind}: its environment is missing")
    del name


@attacker("A1")
@parametrize("kind", HOST_KINDS)
def test_E35_hooks_load_libraries_of_the_image(t, kind):
    """A hook that is a dynamic program of the host, in an image full of libraries that process.env points to: none of
    them is loaded."""
    bundle = bait(t, t.bundle("true"))
    bundle.process(env=[*bundle.config["process"]["env"], *TRAPS])
    for directory in (bundle.path, bundle.rootfs):
        (directory / "bait.sh").write_text(f"echo x > {t.can}/mark-by-shell\n")
    with_hooks(bundle, **{kind: [{"path": "/bin/sh", "args": ["sh", "-c", "cat > /dev/null; /usr/bin/env > /dev/null"]},
                                 {"path": "/bin/bash", "args": ["bash", "-c", "cat > /dev/null"]}]})
    ended_well(t, t.container(bundle=bundle).run()).exits(0)


@attacker("A1")
@parametrize("kind", HOST_KINDS)
def test_E35_harmless_hooks_run_programs_of_the_host(t, kind):
    """A hook that is a dynamic program of the host works."""
    out = t.host_folder("out")
    script = f"/usr/bin/env | /usr/bin/sort > {out}/words; cat > {out}/state"
    bundle = with_hooks(t.bundle("true"), **{kind: [{"path": "/bin/sh", "args": ["sh", "-c", script],
                                                    "env": ["PATH=/usr/bin:/bin", MARK]}]})
    t.container(bundle=bundle).run().exits(0)
    contains((out / "words").read_text(), MARK, "environment")
    contains((out / "state").read_text(), '"ociVersion"', "state")


# ---- E74 ------------------------------------------------------------------------------------------------

SLEEPER = "sleep 12.2718"  # longer than any deadline, and what is looked for afterwards
STUBBORN = {
    "hangs": f"exec {SLEEPER}",
    "ignores TERM": f"trap '' TERM HUP INT; while :; do {SLEEPER}; done",
    "ignores TERM, with children": f"trap '' TERM HUP INT; {SLEEPER} & {SLEEPER} & wait",
    "floods stdout": "exec cat /dev/zero",
    "floods stderr": "exec cat /dev/zero >&2",
    "stops itself": "kill -STOP $$",
}
FATAL_KINDS = ["prestart", "createRuntime", "createContainer", "startContainer"]
# All of them for one kind, the worst for the others: each costs its timeout.
CASES = [(f"{kind}, {name}", kind, script) for kind in KINDS for name, script in STUBBORN.items()
         if kind == "createRuntime" or name == "ignores TERM, with children"]
TIMEOUT, GRACE = 1, 0.5


def hook(script, **more):
    return {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"], **more}


def sleepers():
    """Pids of processes below us that are a hook's."""
    found = []
    for pid in leaks.descendants(os.getpid()):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if any(b"12.2718" in word or b"/dev/zero" in word for word in words):
            found.append(pid)
    return found


@attacker("A4")
@parametrize("_, kind, script", CASES)
def test_E74_hook_does_not_end(t, _, kind, script):
    """A hook with a timeout of a second that hangs, ignores TERM, has children, floods: the runtime returns half a
    second after the timeout at the latest, the hook's group is dead, and a container whose creation failed is gone."""
    bundle = with_hooks(t.bundle("true"), **{kind: [hook(script, timeout=TIMEOUT)]})
    needed = []
    while len(needed) < 3 and not any(seconds < (TIMEOUT + GRACE) * t.patience for seconds in needed):  # a busy machine
        box = t.container(bundle=bundle)
        result = ended_well(t, box.run())
        needed.append(result.seconds)
        if kind in FATAL_KINDS:
            true(result.code != 0, f"the failure of the hook is not one: {result}")
        eventually(lambda: not sleepers(), "processes of the hook are left", 0.5)
        eventually(lambda: not (t.root / box.id).exists(), "the container is left", t.patience)
    true(min(needed) < (TIMEOUT + GRACE) * t.patience, f"it took {needed}")


@attacker("A4")
@parametrize("_, kind, script", CASES)
def test_E74_harmless_hook_ends(t, _, kind, script):
    """A hook that takes a while, but not as long as its timeout, does not hurt."""
    del script
    bundle = with_hooks(t.bundle("echo", "program"), **{kind: [hook("sleep 0.1; echo word; cat > /dev/null",
                                                                   timeout=30)]})
    box = t.container(bundle=bundle)
    result = box.run().exits(0)
    equal(result.out, "program\n", "stdout")


@attacker("A4")
@parametrize("kind", KINDS)
def test_E74_hook_leaves_a_child(t, kind):
    """A hook that ends at once and leaves a child which holds its stdin, stdout and stderr: nobody waits for that."""
    bundle = with_hooks(t.bundle("true"), **{kind: [hook(f"{SLEEPER} & exit 0", timeout=30)]})
    try:
        ended_well(t, t.container(bundle=bundle).run()).exits(0)  # within the deadline of every verb, as I9 says
    finally:
        for pid in sleepers():
            os.kill(pid, signal.SIGKILL)


@attacker("A4")
@parametrize("kind", KINDS)
def test_E74_harmless_hook_leaves_nobody(t, kind):
    """A hook whose child ends before it."""
    bundle = with_hooks(t.bundle("true"), **{kind: [hook("sleep 0.1 & wait; exit 0", timeout=30)]})
    t.container(bundle=bundle).run().exits(0)


FAILING = {"fails": "echo broken >&2; exit 3", "is killed": "kill -KILL $$",
           "floods and fails": "head -c 30000000 /dev/zero | tr '\\0' x >&2; exit 3"}


@attacker("A4")
@parametrize("_, kind, script", [(f"{kind}, {name}", kind, script) for kind in FATAL_KINDS
                                 for name, script in FAILING.items()])
def test_E74_hook_fails(t, _, kind, script):
    """A hook that fails, with much to say: an error with some of it, on one line and no megabytes; no container."""
    ran = t.host_folder("ran") / "file"
    bundle = t.bundle("sh", "-c", "echo x > /ran/file").add_mount("/ran", "bind", str(ran.parent), "bind", "rw")
    box = t.container(bundle=with_hooks(bundle, **{kind: [hook(script, timeout=20)]}))
    result = t.runtime("run", "--bundle", box.bundle.path, box.id, timeout=20 * t.patience)
    true(result.code > 0, f"it was accepted: {str(result)[:500]}")
    true(len(result.err) < 65536, f"a message of {len(result.err)} bytes")
    if t.bulkhead:
        equal(result.err.count("\n"), 1, "lines of the error")
    true(not ran.exists(), "the program ran")
    t.no_state()


@attacker("A4")
@parametrize("_, kind, script", [(f"{kind}, {name}", kind, script) for kind in FATAL_KINDS
                                 for name, script in FAILING.items()])
def test_E74_harmless_hook_succeeds(t, _, kind, script):
    """The program runs when its hook succeeds."""
    del script
    ran = t.host_folder("ran") / "file"
    bundle = t.bundle("sh", "-c", "echo x > /ran/file").add_mount("/ran", "bind", str(ran.parent), "bind", "rw")
    t.container(bundle=with_hooks(bundle, **{kind: [hook("echo fine", timeout=20)]})).run().exits(0)
    true(ran.exists(), "the program did not run")
