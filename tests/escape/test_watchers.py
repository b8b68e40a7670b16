# SPDX-License-Identifier: Apache-2.0
"""E30, E31 and E34: a container that watches what the runtime lets into its pid namespace."""

import contextlib
import dataclasses
import os
import threading

import pytest

from harness import Failure, equal, eventually, true
from marks import attacker, parametrize
from test_joins import joined, path_of
from world import repeated, settle, with_rights

DEFAULT = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
PTRACE, SYS_ADMIN = "CAP_SYS_PTRACE", 1 << 21
BITS = {"CAP_AUDIT_WRITE": 29, "CAP_KILL": 5, "CAP_NET_BIND_SERVICE": 10, PTRACE: 19}
SETS = ("CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb")
WORKLOAD = "minimal"
ALLOW_ALL = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}
# Kinds of sightings that are too much, whosever they are; and what only somebody with CAP_SYS_PTRACE may do.
# Of descriptors beside the stdio one is counted and shown: the socket on which a failure of execve is told.
ALWAYS_TOO_MUCH = ("fd", "secret", "reach", "written", "stolen", "space")
WITH_PTRACE_ONLY = ("traced", "opened", "stdio")
HARMLESS = ("socket", "?")


@dataclasses.dataclass(frozen=True)
class Variant:
    """Who watches, and what the runtime has to do."""

    rights: list = dataclasses.field(default_factory=lambda: DEFAULT)
    user: int = 0
    no_new_privileges: bool = True
    filter: bool = False
    user_namespace: bool = False
    rounds: tuple = (2000, 5000, 12)

    @property
    def mask(self):
        return sum(1 << BITS[name] for name in self.rights)

    @property
    def exception(self):
        """The one right that may be seen before execve: without no_new_privs a filter takes CAP_SYS_ADMIN."""
        return SYS_ADMIN if self.filter and not self.no_new_privileges else 0

    def dress(self, bundle):
        """The container's config: the watcher and all that comes later have these rights."""
        with_rights(bundle, self.rights).process(noNewPrivileges=self.no_new_privileges)
        if self.filter:
            bundle.edit(lambda config: config["linux"].update(seccomp=ALLOW_ALL))
        if self.user_namespace:
            mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
            bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": "user"}))
            bundle.edit(lambda config: config["linux"].update(uidMappings=mapping, gidMappings=mapping))
        return bundle


SMALL = (150, 2000, 8)
VARIANTS = [
    ("root", Variant()),
    ("root with CAP_SYS_PTRACE", Variant(rights=[*DEFAULT, PTRACE])),
    ("another user", Variant(user=1000, rounds=SMALL)),
    ("a filter", Variant(rights=[*DEFAULT, PTRACE], filter=True, rounds=SMALL)),
    ("a filter without no_new_privs",
     Variant(rights=[*DEFAULT, PTRACE], filter=True, no_new_privileges=False, rounds=SMALL)),
    ("a user namespace", Variant(rights=[*DEFAULT, PTRACE], user_namespace=True, rounds=SMALL)),
]


class Sightings:
    """What attackers/spy has printed: [(count, kind, name, detail)]."""

    def __init__(self, text):
        rows = [line.split("\t") for line in text.splitlines()]
        self.rows = [(int(count), *rest) for count, *rest in rows if len(rest) == 3]

    def of(self, *kinds):
        return [row for row in self.rows if row[1] in kinds]

    def before_execve(self, kind):
        """How often a process was seen that was not the workload yet."""
        return sum(count for count, _, name, _ in self.of(kind) if name not in (WORKLOAD, "between"))

    def statuses(self):
        """[(count, name, {field: value})]"""
        return [(count, name, dict(part.split(":", 1) for part in detail.split(";")))
                for count, _, name, detail in self.of("status")]


def give_away(t, bundle, out):
    """Words that only the runtime and its caller know, in a file for the spy; returns the caller's environment."""
    word = f"of-the-caller-{os.getpid()}"
    bundle.edit(lambda config: config.update(annotations={"org.example.note": f"of-the-config-{os.getpid()}"}))
    (out / "secrets").write_text("\n".join([word, f"of-the-config-{os.getpid()}", str(t.root), str(bundle.path)]))
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "CALLERS_SECRET": word}


@contextlib.contextmanager
def spy(t, variant, how="all"):
    """A container in which the spy looks around; (container, the caller's environment, what to call for the result)."""
    out = t.host_folder("seen")
    out.chmod(0o777)
    bundle = variant.dress(t.plant(t.plant(t.bundle(), "spy"), "minimal"))
    (bundle.rootfs / "out").mkdir()
    for directory in (t.scratch.parent, t.scratch, bundle.path):
        directory.chmod(0o755)
    environment = give_away(t, bundle, out)
    words = f"exec /spy {int(280 * t.patience)} {WORKLOAD} /out/secrets {t.can.path}/known {how} > /out/seen"
    bundle.process(args=["sh", "-c", words]).add_mount("/out", "bind", str(out), "bind", "rw")
    box = t.container(bundle=bundle)
    box.run_detached().exits(0)
    seen = out / "seen"
    eventually(lambda: seen.exists() and seen.read_text(), "the spy does not begin", 5 * t.patience)

    def result(settled=True):
        if settled:
            settle(t, box)
        box.kill("TERM").exits(0)
        box.wait()
        return Sightings(seen.read_text())
    yield box, environment, result
    box.delete("--force")


def harmless(kind, detail):
    """The socket, a number without more, and a namespace that is somebody's own."""
    hosts = {os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns")}
    return detail not in hosts if kind == "space" else kind in ("fd", "stolen") and detail in HARMLESS


def judge(variant, found, user=0):
    """Sentences about everything that was seen and should not be."""
    too_much = [f"{kind} of {name!r}: {detail} ({count} times)"
                for count, kind, name, detail in found.of(*ALWAYS_TOO_MUCH) if not harmless(kind, detail)]
    if PTRACE not in variant.rights:
        too_much += [f"{kind} of {name!r}: {detail} ({count} times)"
                     for count, kind, name, detail in found.of(*WITH_PTRACE_ONLY) if name not in (WORKLOAD, "between")]
    for count, name, fields in found.statuses():
        wrong = wrong_rights(variant, fields, user)
        too_much += [f"status of {name!r}: {wrong} ({count} times)"] if wrong else []
    return too_much


def wrong_rights(variant, fields, user):
    """What of a status is more than the workload's, or None."""
    for name in SETS:
        more = int(fields[name], 16) & ~variant.mask & ~(variant.exception if name in ("CapPrm", "CapEff") else 0)
        if more:
            return f"{name} has {more:x} too much"
    if fields["NoNewPrivs"] != str(int(variant.no_new_privileges)):
        return f"NoNewPrivs {fields['NoNewPrivs']}"
    for name in ("Uid", "Gid"):
        if set(fields[name].split()) != {str(user)}:
            return f"{name} {fields[name]}"
    if set(fields["Groups"].split()) - {str(user)}:
        return f"Groups {fields['Groups']}"
    return None


def exceptions(found):
    """How often CAP_SYS_ADMIN was seen in a permitted set."""
    return sum(count for count, _, fields in found.statuses() if int(fields["CapPrm"], 16) & SYS_ADMIN)


def sockets(found):
    return sum(count for count, _, _, detail in found.of("fd", "stolen") if detail in HARMLESS)


def execs_are_watched(t, variant, how):
    """Runs the execs, and judges what the spy saw."""
    count = t.rounds(*variant.rounds if how == "all" else SMALL)
    with spy(t, variant, how) as (box, environment, result):
        flags = ["--user", f"{variant.user}:{variant.user}"] if variant.user else []
        repeated(t, count, "exec", *flags, box.id, f"/{WORKLOAD}", env=environment).exits(0)
        found = result()
    t.note(f"{count} execs, {found.before_execve('met')} met before execve, {found.before_execve('status')} looks at "
           f"rights there, attached {found.before_execve('traced')} times; CAP_SYS_ADMIN seen {exceptions(found)} "
           f"times, the socket {sockets(found)} times")
    problems = judge(variant, found, variant.user)
    if problems:
        raise Failure("\n".join(problems[:20]))
    true(found.before_execve("met") > 0, "the spy met nobody")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, variant", VARIANTS)
def test_E30_exec_is_watched(t, _, variant):
    """Somebody in the container tries every way into a process that exec brings (CVE-2016-9962): he gets no descriptor,
    no memory, no place of the host, and may attach only where he may attach to the program as well."""
    execs_are_watched(t, variant, "all")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, variant", VARIANTS)
def test_E30_harmless_exec_can_be_watched(t, _, variant):
    """The spy sees an open directory of the host, a place, a secret and a namespace where they are to be had."""
    with spy(t, variant) as (box, environment, result):
        secret = "OWN_SECRET=" + environment["CALLERS_SECRET"]  # with it, crun's program has no PATH
        words = ["exec", "--preserve-fds", "1", "--env", secret, box.id, "/bin/sleep",
                 f"{0.4 * t.patience}"]
        directory = os.open(t.can.path, os.O_RDONLY)
        os.dup2(directory, 3, inheritable=True)
        repeated(t, 1, *words, pass_fds=[3], seconds=1).exits(0)
        os.close(directory)
        found = result()
    kinds = {kind for _, kind, *_ in found.rows}
    wanted = {"status", "fd"}
    if variant.rights is not DEFAULT or not variant.exception:
        wanted |= {"reach", "secret", "traced", "stolen", "opened"}
    equal(wanted - kinds, set(), f"kinds that were not seen, of {found.rows}")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, variant", VARIANTS)
def test_E31_exec_shows_its_rights(t, _, variant):
    """Somebody in the container looks at capabilities, ids, groups and no_new_privs of each process that exec brings,
    as often as he can: they are those of the program from the first moment."""
    execs_are_watched(t, variant, "status")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, variant", VARIANTS)
def test_E31_harmless_exec_has_rights_to_show(t, _, variant):
    """The spy sees an exec that gets one more capability."""
    with spy(t, variant, "status") as (box, _, result):
        repeated(t, 1, "exec", "--cap", "CAP_CHOWN", box.id, "sleep", f"{0.3 * t.patience}", seconds=1).exits(0)
        found = result()
    true(any(int(fields["CapBnd"], 16) & 1 for _, _, fields in found.statuses()), f"the spy is blind: {found.rows}")


FEW = (100, 2000, 8)
JOINS = [("rights", Variant(rounds=FEW), "status"), ("everything", Variant(rounds=FEW), "all"),
         ("everything, with CAP_SYS_PTRACE", Variant(rights=[*DEFAULT, PTRACE], rounds=FEW), "all")]


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, variant, how", JOINS)
def test_E31_whoever_joins_shows_its_privileges(t, _, variant, how):
    """The same for containers that are run in the pid namespace of another."""
    with spy(t, variant, how) as (box, environment, result):
        bundle = joined(variant.dress(t.plant(t.bundle(f"/{WORKLOAD}"), "minimal")), {"pid": path_of(box, "pid")})
        count = t.rounds(*variant.rounds)
        repeated(t, count, "run", "--bundle", bundle.path, f"{t.prefix}-joins", env=environment).exits(0)
        found = result()
    t.note(f"{count} runs, {found.before_execve('met')} met before execve, {found.before_execve('status')} looks at "
           f"rights there, attached {found.before_execve('traced')} times; the socket seen {sockets(found)} times")
    equal(judge(variant, found), [], "what was seen")


@attacker("A2")
@pytest.mark.timeout(300)
@parametrize("_, variant, how", JOINS)
def test_E31_harmless_whoever_joins_is_seen(t, _, variant, how):
    """The spy sees a program that has more capabilities than usual."""
    with spy(t, variant, how) as (box, _, result):
        bundle = joined(t.bundle("sleep", "60"), {"pid": path_of(box, "pid")})
        sets = {kind: ["CAP_CHOWN"] for kind in ("bounding", "effective", "permitted")}
        guest = t.container(bundle=bundle.process(capabilities=sets))
        guest.run_detached().exits(0)
        eventually(lambda: guest.proc("comm") == "sleep\n", "it does not run")
        # Killed while the spy is attached, it could be collected only after the spy: so the spy, its init, goes first.
        collector = threading.Thread(target=guest.wait, args=(30,))
        collector.start()
        found = result(settled=False)
        collector.join()
    true(any(int(fields["CapPrm"], 16) == 1 for _, _, fields in found.statuses()), f"the spy is blind: {found.rows}")
