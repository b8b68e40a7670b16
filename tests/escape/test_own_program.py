# SPDX-License-Identifier: Apache-2.0
"""E33 and E34: the runtime's own program, as a container can see and reach it."""

import contextlib
import time

import pytest

from harness import Failure, equal, eventually, true
from marks import attacker, parametrize
from test_joins import joined, path_of
from test_watchers import DEFAULT, PTRACE, WORKLOAD, Variant, spy
from world import ended_well, execute, repeated, settle, with_rights

RIGHTS = [*DEFAULT, PTRACE, "CAP_CHOWN", "CAP_SYS_ADMIN"]
ENTRIES = [("a program", "/minimal"), ("the runtime itself", "/proc/self/exe"), ("a script", "/script"),
           ("a link", "/way")]
VERBS = [(f"{verb}, {name}", verb, entry) for verb in ("exec", "run") for name, entry in ENTRIES]


def with_entries(t, bundle):
    """The image has a script and a link that lead to the runtime."""
    t.plant(bundle, "minimal").program("script", "#!/proc/self/exe\n")
    (bundle.rootfs / "way").symlink_to("/proc/self/exe")
    return bundle


@contextlib.contextmanager
def overwriter(t):
    """A container that wants to write to the runtime's program; what to call for [(count, kind, program)]."""
    out = t.host_folder("seen")
    bundle = with_entries(t, t.plant(t.bundle(), "overwriter")).writable()
    with_rights(bundle, RIGHTS)
    words = f"exec /overwriter {int(250 * t.patience)} {WORKLOAD} > /out/seen"
    bundle.process(args=["sh", "-c", words]).add_mount("/out", "bind", str(out), "bind", "rw")
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    seen = out / "seen"
    eventually(lambda: seen.exists() and seen.read_text(), "the overwriter does not begin", 5 * t.patience)

    def result():
        time.sleep(0.3)  # it goes on when all have ended
        settle(t, box)
        box.kill("TERM").exits(0)
        box.wait()
        return [tuple(line.split("\t")) for line in seen.read_text().splitlines()[1:]]
    yield box, result
    box.delete("--force")


def attempt(t, box, verb, entry, count):
    """Lets the runtime in, `count` times; only a program of the image may succeed."""
    if verb == "exec":
        words = ["exec", box.id, entry]
    else:
        bundle = joined(with_entries(t, t.bundle(entry, "--version")), {"pid": path_of(box, "pid")})
        words = ["run", "--bundle", bundle.path, f"{t.prefix}-own"]
    if entry == "/minimal":
        repeated(t, count, *words).exits(0)
        return
    for _ in range(min(count, 20)):
        result = ended_well(t, t.runtime(*words))
        true(result.code != 0 and "version" not in result.out, f"the runtime ran in the container: {result}")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, verb, entry", VERBS)
def test_E33_runtime_is_overwritten(t, _, verb, entry):
    """Somebody in the container, with CAP_SYS_PTRACE and CAP_SYS_ADMIN, writes to the program of whatever the runtime
    lets in, while it is there and afterwards (CVE-2019-5736); entry is a program, the runtime, a script of it."""
    with overwriter(t) as (box, result):
        attempt(t, box, verb, entry, t.rounds(100, 2000, 6))
        found = result()
    held = sum(int(count) for count, kind, _ in found if kind == "held")
    t.note(f"programs held: {held}, {sorted({program for _, kind, program in found if kind == 'held'})}")
    equal([row for row in found if row[1] == "written"], [], "programs that were written to")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("*_", VERBS[:1])
def test_E33_harmless_a_program_is_overwritten(t, _):
    """The overwriter does write to a program of the container's own file system, when it has ended."""
    with overwriter(t) as (box, result):
        victim = box.bundle.rootfs / "busybox-victim"  # by this name it takes its applet as an argument
        victim.write_bytes((box.bundle.rootfs / "bin/busybox").read_bytes())
        victim.chmod(0o755)
        for _ in range(3):
            execute(t, box, "/busybox-victim", "sleep", "0.2")  # refused while it is being written to
        found = result()
    true(any(kind == "written" and program.startswith("/busybox-victim") for _, kind, program in found),
         f"nothing was written: {found}")


F_SEALS = 0xf  # SEAL, SHRINK, GROW and WRITE


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("verb", ["exec", "run"])
def test_E34_identity_of_the_runtime(t, verb):
    """What /proc/PID/exe of the runtime's processes is to somebody with CAP_SYS_PTRACE: a memfd with all seals, or a
    file that nobody can write."""
    with spy(t, Variant(rights=[*DEFAULT, PTRACE]), "program") as (box, environment, result):
        if verb == "exec":
            words = ["exec", box.id, f"/{WORKLOAD}"]
        else:
            bundle = joined(t.plant(t.bundle(f"/{WORKLOAD}"), "minimal"), {"pid": path_of(box, "pid")})
            words = ["run", "--bundle", bundle.path, f"{t.prefix}-own"]
        repeated(t, t.rounds(60, 2000, 12), *words, env=environment).exits(0)
        found = result()
    programs = [(count, detail) for count, _, name, detail in found.of("program") if name not in (WORKLOAD, "between")]
    t.note(f"{programs}")
    for _, detail in programs:
        link, _, seals = detail.rpartition(" seals ")
        sealed = int(seals) & F_SEALS == F_SEALS
        if not (sealed and link.startswith("/memfd:")) and t.runtime.path in link:
            raise Failure(f"the runtime's own file is its program there: {detail}")
        true(sealed or t.control, f"not sealed: {detail}")
    equal(found.of("written"), [], "programs that were written to")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("verb", ["exec", "run"])
def test_E34_harmless_identity_of_a_program(t, verb):
    """The spy does see which file a program is, and that it has no seals."""
    with spy(t, Variant(rights=[*DEFAULT, PTRACE]), "program") as (box, _, result):
        if verb == "exec":
            repeated(t, 2, "exec", box.id, "sleep", "0.2", seconds=1).exits(0)
        else:
            bundle = joined(t.bundle("sleep", "0.2"), {"pid": path_of(box, "pid")})
            repeated(t, 2, "run", "--bundle", bundle.path, f"{t.prefix}-own", seconds=1).exits(0)
        found = result()
    true(any("/bin/busybox seals -1" in detail for _, _, _, detail in found.of("program")),
         f"it saw no program: {found.rows}")
