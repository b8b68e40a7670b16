# SPDX-License-Identifier: Apache-2.0
"""E21, E22 and E23: a neighbour redirects mounts into procfs, or what is written to procfs, while a container is made."""

import contextlib
import subprocess

from harness import Failure, equal, true
from marks import attacker, needs, parametrize
from test_races import swapping
from test_shared_root import ROUNDS, WITNESS, below, started, under_attack, wrong_with

TEXT = "b81a6e1d0c"  # for the domain name: nobody else writes it


def payload(t, link):
    """A volume V with V/payload, whose names lead to other files of procfs, and V/d, which is a directory or `link`."""
    volume = t.host_folder("volume")
    for name in ("payload", "d"):
        (volume / name).mkdir()
    for name in ("exec", "current", "fscreate", "domainname", "ip_forward"):
        (volume / "payload" / name).symlink_to("/proc/self/comm")
    (volume / "s").symlink_to(link)
    return volume


def redirected(t, link):
    """proc, then the volume, then its payload on a directory that may be a link into procfs."""
    script = f"cat /proc/sys/kernel/domainname; cat /proc/self/comm; {WITNESS}"
    bundle = t.bundle("sh", "-c", script).writable()
    volume = payload(t, link)
    (bundle.rootfs / "p2").mkdir()
    bundle.add_mount("/vol", "bind", str(volume), "rbind").add_mount("/vol/d", "bind", str(volume / "payload"), "rbind")
    bundle.edit(lambda config: config["linux"].update(sysctl={"kernel.domainname": TEXT}))
    return bundle, volume


def wrong_with_words(text, known):
    lines = text.splitlines()
    if lines[:2] != [TEXT, "cat"]:
        return f"words: {lines[:2]}"
    return wrong_with(text, known)


LINKS = ["/proc/self/attr", "/proc/sys/net/ipv4"]


@attacker("A3")
@parametrize("link", LINKS)
def test_E21_mounts_are_redirected_into_procfs(t, link):
    """The place of a mount is a directory, and a link into procfs, in turn: nothing is mounted there but masks, and
    what is written to procfs gets there (CVE-2025-52881)."""
    bundle, volume = redirected(t, link)
    text = started(t, bundle, "peace").exits(0).out
    known = {kind: below(text, kind) for kind in ("proc", "sysfs")}
    with swapping(t, volume, "d", "s"):
        under_attack(t, bundle, lambda text: wrong_with_words(text, known))


@attacker("A3")
@parametrize("link", LINKS)
def test_E21_harmless_mounts_stay_where_they_are(t, link):
    """In peace the payload is on its directory."""
    bundle, _ = redirected(t, link)
    text = started(t, bundle, "peace").exits(0).out
    equal(text.splitlines()[:2], [TEXT, "cat"], "words")
    true(any(line.split()[4] == "/vol/d" for line in text.splitlines() if " - " in line), "the payload is missing")


@contextlib.contextmanager
def mounting(t, place):
    """A neighbour mounts something of its own there and takes it away again, until the end."""
    going_on = t.scratch / "going-on"
    going_on.touch()
    script = 'while [ -e "$1" ]; do mount -t tmpfs -o size=16k neighbour "$0" && umount --lazy "$0"; sleep 0.01; done'
    child = subprocess.Popen(["sh", "-c", script, place, going_on])
    try:
        yield
    finally:
        going_on.unlink()
        equal(child.wait(30), 0, "how the neighbour ended")


def propagated(t):
    """The same with a volume that follows what is mounted in it outside, as the config asks for."""
    bundle, volume = redirected(t, LINKS[0])
    bundle.edit(lambda config: [entry["options"].append("rslave") for entry in config["mounts"]
                                if entry["destination"] == "/vol"])
    return bundle, volume


@attacker("A3")
def test_E21_a_mount_arrives_in_the_way(t):
    """On the place of a mount something else appears through propagation, and goes: what is written to procfs gets there,
    and nothing is mounted in procfs but masks."""
    bundle, volume = propagated(t)
    text = started(t, bundle, "peace").exits(0).out
    known = {kind: below(text, kind) for kind in ("proc", "sysfs")}
    with mounting(t, volume / "d"):
        under_attack(t, bundle, lambda text: wrong_with_words(text, known))


@attacker("A3")
def test_E21_harmless_a_mount_arrives_where_it_may(t):
    """In peace the payload is on its directory, and what is mounted in the volume outside is seen inside."""
    bundle, volume = propagated(t)
    (volume / "other").mkdir()
    bundle.process(args=["sh", "-c", "until grep -q ' /vol/other ' /proc/self/mountinfo; do :; done; cat /proc/self/mountinfo"])
    box = t.container(bundle=bundle)
    child = box.run_in_background(stdout=subprocess.PIPE)
    subprocess.run(["mount", "-t", "tmpfs", "neighbour", volume / "other"], check=True)
    text = child.communicate(timeout=30)[0].decode()
    subprocess.run(["umount", volume / "other"], check=True)
    true(any(line.split()[4] == "/vol/d" for line in text.splitlines()), "the payload is missing")


IN_FORCE = f"""
    for i in 1 2 3 4 5 6 7 8 9; do
        for p in /proc /p2; do [ "$(cat $p/sys/kernel/domainname)" = {TEXT} ] && echo {TEXT} && exit; done
    done 2>/dev/null; cat /proc/sys/kernel/domainname /p2/sys/kernel/domainname
"""


def with_false_procfs(t, label=None):
    """A root whose p2 looks like a procfs: its names lead to files that would show a misdirected write."""
    bundle = t.bundle("sh", "-c", IN_FORCE).writable()
    witness = bundle.rootfs / "witness"
    witness.write_text("untouched\n")
    for directory in ("sys/kernel", "self/attr", "thread-self/attr", "self/attr/apparmor"):
        (bundle.rootfs / "p2" / directory).mkdir(parents=True)
        for name in ("domainname", "exec", "current", "hostname"):
            (bundle.rootfs / "p2" / directory / name).symlink_to("/witness")
    bundle.edit(lambda config: config["linux"].update(sysctl={"kernel.domainname": TEXT}))
    if label:
        bundle.process(apparmorProfile=label)
    return bundle, witness


@attacker("A3")
def test_E22_parameters_are_redirected(t):
    """A kernel parameter is set while /proc of the root changes places with a directory of links (CVE-2025-52881): it is
    in force, and no link was written through."""
    bundle, witness = with_false_procfs(t)
    with swapping(t, bundle.rootfs, "proc", "p2"):
        under_attack(t, bundle, lambda text: "" if text == f"{TEXT}\n" else f"words: {text!r}")
    equal(witness.read_text(), "untouched\n", "the file that the links lead to")


@attacker("A3")
def test_E22_harmless_parameters_are_set(t):
    """In peace it is set."""
    bundle, witness = with_false_procfs(t)
    equal(started(t, bundle, "peace").exits(0).out.splitlines()[0], TEXT, "domain name")
    equal(witness.read_text(), "untouched\n", "the file that the links lead to")


def needs_no_label():
    with contextlib.suppress(OSError), open("/sys/module/apparmor/parameters/enabled", encoding="ascii") as file:
        if file.read().strip() == "Y":
            return "this kernel has AppArmor; the case is about one without"
    return None


@attacker("A3")
@needs(needs_no_label)
def test_E23_a_label_is_required(t):
    """A profile that this kernel cannot put in force, with a directory of files of those names in the place of procfs:
    no start succeeds."""
    bundle, witness = with_false_procfs(t, "unconfined_x")
    with swapping(t, bundle.rootfs, "proc", "p2"):
        for number in range(max(10, t.rounds(*ROUNDS) // 5)):
            result = started(t, bundle, number)
            if result.code == 0:
                raise Failure("a container runs without the profile that its config names")
    equal(witness.read_text(), "untouched\n", "the file that the links lead to")


@attacker("A3")
@needs(needs_no_label)
def test_E23_harmless_no_label_is_required(t):
    """Without the profile the same root works."""
    bundle, _ = with_false_procfs(t)
    started(t, bundle, "peace").exits(0)
