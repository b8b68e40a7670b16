# SPDX-License-Identifier: Apache-2.0
"""E38 and E75: what others on the machine, or in the same network, see of a runtime: sockets, environments, state."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import threading

import pytest

import isolation
from harness import equal, eventually, true
from marks import attacker, parametrize
from test_joins import joined, path_of
from test_terminals import below, draining, terminal
from world import ended_well, execute, settle, with_rights, without_mounts

CLONE_NEWNET = 0x40000000
NOBODY, MYSELF = "1000", "4294967295"
ROUNDS = 30, 1000, 6


@contextlib.contextmanager
def peeper(t, word, user):
    """Somebody on the host who looks for a word; what to call for [(count, kind, where)]."""
    for directory in (t.scratch.parent, t.scratch):
        directory.chmod(0o755)
    command = [str(t.built("peeper")), str(int(250 * t.patience)), word, user, str(t.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()

        def result():
            child.terminate()
            return [tuple(line.split("\t")) for line in child.stdout.read().splitlines()]
        try:
            yield result
        finally:
            child.kill()
            child.wait()


def secret_bundle(t, word, *args):
    """A bundle that only its owner may read, with a word in its environment and its notes."""
    bundle = t.bundle(*args).env(f"SECRET={word}")
    bundle.edit(lambda config: config.update(annotations={"org.example.note": word}))
    (bundle.path / "config.json").chmod(0o600)
    bundle.path.chmod(0o700)
    return bundle


def lives_through(t, box, process):
    """Every verb once: each is a process of the runtime, and most leave or read state."""
    box.create().exits(0)
    box.start().exits(0)
    for words in (["state", box.id], ["exec", "--process", str(process), box.id], ["pause", box.id], ["resume", box.id],
                  ["kill", box.id, "KILL"]):
        ended_well(t, t.runtime(*words)).exits(0)
    box.wait()
    box.delete("--force").exits(0)


def process_with(t, bundle, word):
    """A file for exec --process that only its owner may read."""
    file = t.scratch / "process.json"
    process = {**bundle.config["process"], "args": ["/bin/true"], "env": [f"SECRET={word}"], "cwd": "/"}
    file.write_text(json.dumps(process))
    file.chmod(0o600)
    return file


@attacker("A6")
@pytest.mark.timeout(300)
def test_E75_secrets_are_read(t):
    """Another user of the host reads what /proc and the state root show while containers are made, executed in and
    removed: no environment and no note of theirs."""
    word = f"secret-{os.getpid()}-word"
    with peeper(t, word, NOBODY) as result:
        for _ in range(t.rounds(12, 300, 3)):
            bundle = secret_bundle(t, word, "sleep", "60")
            lives_through(t, t.container(bundle=bundle), process_with(t, bundle, word))
        found = result()
    looked = sum(int(count) for count, kind, _ in found if kind == "looked")
    t.note(f"{looked} looks")
    true(looked > 100, f"the peeper saw nothing: {found}")
    equal([row for row in found if row[1] == "found"], [], "where the secret was found")


@attacker("A6")
@pytest.mark.timeout(300)
def test_E75_harmless_root_reads_secrets(t):
    """A reader who is allowed to finds it: in the program's environment."""
    word = f"secret-{os.getpid()}-word"
    with peeper(t, word, MYSELF) as result:
        bundle = secret_bundle(t, word, "sleep", "0.7")
        for _ in range(3):
            t.container(bundle=bundle).run().exits(0)
        found = result()
    true(any(row[1:] == ("found", "environ") for row in found), f"it was not found: {found}")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("verb", ["exec", "run"])
def test_E75_secrets_of_the_caller_are_read(t, verb):
    """Somebody in the container reads environ, cmdline, maps and memory of what the runtime lets in, with
    CAP_SYS_PTRACE: none of the caller's environment, nor of another container's notes."""
    word = f"secret-{os.getpid()}-word"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "CALLERS": word}
    with inner_peeper(t, word) as (box, result):
        for _ in range(t.rounds(*ROUNDS)):
            if verb == "exec":
                execute(t, box, "true", env=environment).exits(0)
            else:
                bundle = joined(t.bundle("true"), {"pid": path_of(box, "pid")})
                bundle.edit(lambda config: config.update(annotations={"org.example.note": word}))
                t.container(bundle=bundle).run(env=environment).exits(0)
        found = result()
    equal([row for row in found if row[1] == "found"], [], "where the secret was found")


@contextlib.contextmanager
def inner_peeper(t, word):
    """The same in a container."""
    out = t.host_folder("seen")
    bundle = t.plant(t.bundle(), "peeper")
    (out / "word").write_text(word)
    rights = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SYS_PTRACE"]
    with_rights(bundle, rights)
    words = f"exec /peeper {int(250 * t.patience)} $(cat /out/word) {MYSELF} > /out/seen"
    bundle.process(args=["sh", "-c", words]).add_mount("/out", "bind", str(out), "bind", "rw")
    box = t.container(bundle=bundle)
    box.run_detached().exits(0)
    seen = out / "seen"
    eventually(lambda: seen.exists() and seen.read_text(), "the peeper does not begin", t.runtime.seconds)

    def result():
        settle(t, box)
        box.kill("TERM").exits(0)
        box.wait()
        return [tuple(line.split("\t")) for line in seen.read_text().splitlines()]
    yield box, result
    box.delete("--force")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("verb", ["exec", "run"])
def test_E75_harmless_secrets_of_the_program_are_read(t, verb):
    """It does find a word in the environment of a program."""
    word = f"secret-{os.getpid()}-word"
    with inner_peeper(t, word) as (box, result):
        if verb == "exec":
            execute(t, box, "/bin/sleep", "0.3", flags=["--env", f"OWN={word}"]).exits(0)
        else:
            bundle = joined(t.bundle("sleep", "0.3"), {"pid": path_of(box, "pid")}).env(f"OWN={word}")
            t.container(bundle=bundle).run().exits(0)
        found = result()
    true(any(row[1:] == ("found", "environ") for row in found), f"it was not found: {found}")


# ---- E38 ------------------------------------------------------------------------------------------------

def own_network():
    """The case's process, and what it starts, is alone in a network namespace: every socket there is the runtime's."""
    if isolation.libc.unshare(CLONE_NEWNET) != 0:
        raise OSError("unshare")


def names(path="/proc/net/unix"):
    """The names of sockets that are bound, abstract ones with @."""
    lines = pathlib.Path(path).read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    return {line.split(maxsplit=7)[7] for line in lines if len(line.split(maxsplit=7)) == 8}


@contextlib.contextmanager
def listening():
    """Collects every name that is ever there."""
    found, ended = set(), threading.Event()

    def listen():
        while not ended.is_set():
            found.update(names())
    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def hosts_network(bundle):
    """Without a network namespace, and without what may not be mounted then."""
    bundle.without_namespace("network").edit(lambda config: without_mounts(config, "/sys"))
    return bundle


SHARED = ["create", "run", "exec", "terminal"]


@attacker("A2")
@parametrize("verb", SHARED)
def test_E38_sockets_in_a_shared_network(t, verb):
    """A container shares the network namespace of the runtime, so it sees every abstract socket (CVE-2020-15257):
    there is none, and no other that has a name; none that the image could reach by a path either."""
    own_network()
    bundle = hosts_network(t.bundle("sleep", "60"))
    with listening() as found:
        for _ in range(t.rounds(*ROUNDS) if verb == "exec" else t.rounds(15, 300, 4)):
            one_round(t, bundle, verb)
            if verb == "exec":
                break
    equal(found, set(), "names of sockets")


def one_round(t, bundle, verb):
    box = t.container(bundle=bundle)
    if verb == "create":
        box.create().exits(0)
        box.start().exits(0)
    elif verb == "terminal":
        bundle.process(terminal=True, args=["true"])
        with terminal() as (master, slave), draining(master):
            equal(below(t, slave, "run", "--bundle", bundle.path, box.id), 0, "exit status")
        return
    else:
        box.run_detached().exits(0)
    if verb == "exec":
        for _ in range(t.rounds(*ROUNDS)):
            execute(t, box, "true").exits(0)
    sockets = t.runtime.exec(["find", f"/proc/{box.pid}/root/", "-xdev", "-type", "s"]).out
    equal(sockets, "", "sockets in the image")
    box.delete("--force").exits(0)


@attacker("A2")
@parametrize("_", SHARED[:1])
def test_E38_harmless_sockets_are_seen(t, _):
    """A container in a shared network namespace does see the abstract socket of a program of the host."""
    own_network()
    bundle = hosts_network(t.bundle("cat", "/proc/net/unix"))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0of-the-host")
        with listening() as found:
            out = t.container(bundle=bundle).run().exits(0).out
    true("@of-the-host" in out and "@of-the-host" in found, f"it is not seen: {out}")
