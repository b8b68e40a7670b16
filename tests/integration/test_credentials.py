# SPDX-License-Identifier: Apache-2.0
"""The program's credentials: ids, groups, capabilities, no_new_privs, umask."""

import os

import pytest

from harness import contains, equal, status_field, true
from marks import differs, parametrize
from unprivileged import mapping, with_user_namespace

pytestmark = pytest.mark.by_the_stage

BITS = {"CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7,
        "CAP_NET_BIND_SERVICE": 10, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21, "CAP_AUDIT_WRITE": 29}
DEFAULT = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
FIELDS = {"inheritable": "CapInh", "permitted": "CapPrm", "effective": "CapEff", "bounding": "CapBnd",
          "ambient": "CapAmb"}


def mask(names):
    return sum(1 << BITS[name] for name in names)


def status(t, **process):
    return t.output("cat", "/proc/self/status", **process)


def sets(text):
    return {kind: int(status_field(text, field), 16) for kind, field in FIELDS.items()}


def run_with(t, user=None, **capabilities):
    box = t.container("cat", "/proc/self/status", **({"user": user} if user else {}))
    box.bundle.capabilities(**capabilities)
    return sets(box.run().ok().out)


@parametrize("kind", ["bounding", "effective", "permitted"])
def test_default_capability_set(t, kind):
    """The default document gives exactly three capabilities in this set."""
    equal(sets(status(t))[kind], mask(DEFAULT), kind)


@parametrize("kind", ["inheritable", "ambient"])
def test_default_capability_set_is_empty(t, kind):
    """The default document gives nothing in this set."""
    equal(sets(status(t))[kind], 0, kind)


def test_all_five_sets_are_set_as_told(t):
    """A user that is not root gets the five sets of the config; execve keeps the ambient set."""
    names = ["CAP_NET_RAW", "CAP_CHOWN"]
    found = run_with(t, {"uid": 1000, "gid": 1000}, bounding=[*names, "CAP_KILL"], permitted=names, effective=names,
                     inheritable=names, ambient=names[:1])
    equal(found["bounding"], mask([*names, "CAP_KILL"]), "bounding")
    equal(found["inheritable"], mask(names), "inheritable")
    for kind in ("ambient", "permitted", "effective"):
        equal(found[kind], mask(names[:1]), kind)


def test_without_ambient_a_user_loses_everything(t):
    """execve takes permitted and effective from a user that is not root."""
    found = run_with(t, {"uid": 1000, "gid": 1000}, bounding=DEFAULT, permitted=DEFAULT, effective=DEFAULT)
    equal((found["permitted"], found["effective"], found["bounding"]), (0, 0, mask(DEFAULT)), "sets")


def test_root_is_held_by_the_bounding_set(t):
    """For root, execve fills permitted from the bounding set if new privileges are allowed."""
    box = t.container("cat", "/proc/self/status", noNewPrivileges=False)
    box.bundle.capabilities(bounding=["CAP_KILL", "CAP_CHOWN"], permitted=["CAP_KILL"], effective=["CAP_KILL"])
    found = sets(box.run().ok().out)
    equal(found["bounding"], mask(["CAP_KILL", "CAP_CHOWN"]), "bounding")
    equal(found["permitted"], mask(["CAP_KILL", "CAP_CHOWN"]), "permitted")


def test_no_new_privs_stops_the_gain_of_root(t):
    """With no_new_privs root keeps its permitted set and gains nothing from the bounding set."""
    found = run_with(t, bounding=["CAP_KILL", "CAP_CHOWN"], permitted=["CAP_KILL"], effective=["CAP_KILL"])
    equal((found["permitted"], found["effective"]), (mask(["CAP_KILL"]),) * 2, "permitted and effective")


def test_empty_capabilities_mean_none(t):
    """An empty capabilities object leaves root with nothing at all."""
    equal(set(run_with(t).values()), {0}, "sets")


def test_no_capabilities_of_the_caller_leak(t):
    """A caller with all capabilities does not lend the container CAP_SYS_ADMIN."""
    found = sets(status(t))
    true(not any(value >> BITS["CAP_SYS_ADMIN"] & 1 for value in found.values()), f"sets are {found}")


def test_unknown_capability_is_a_warning(t):
    """The runtime leaves out a capability that it does not know, and sets the others."""
    box = t.container("cat", "/proc/self/status")
    box.bundle.capabilities(bounding=["CAP_KILL", "CAP_TIME_TRAVEL"], permitted=["CAP_KILL"], effective=["CAP_KILL"])
    result = box.run("--pid-file", t.scratch / "p").exits(0)
    equal(sets(result.out)["bounding"], mask(["CAP_KILL"]), "bounding")


def test_unknown_capability_is_named_in_the_warning(t):
    """The warning names the capability, in the log only."""
    box = t.container("true")
    box.bundle.capabilities(bounding=["CAP_TIME_TRAVEL"])
    log = t.scratch / "log"
    t.runtime("--log", log, "run", "--bundle", box.bundle.path, box.id).ok()
    contains(log.read_text(), "CAP_TIME_TRAVEL", "log")
    contains(log.read_text(), "warning", "log")


FIVE = ("bounding", "effective", "permitted", "inheritable", "ambient")


def caller_without(*names):
    return {"without_capabilities": [BITS[name] for name in names]}


@differs("runc 1.1.5: unable to apply caps: operation not permitted")
def test_what_the_caller_lacks_is_left_out_of_every_set(t):
    """A runtime without CAP_NET_RAW grants the rest, in sets that fit together."""
    box = t.container("cat", "/proc/self/status", user={"uid": 1000, "gid": 1000})
    box.bundle.capabilities(**{kind: ["CAP_CHOWN", "CAP_NET_RAW"] for kind in FIVE})
    found = sets(box.run(setup=caller_without("CAP_NET_RAW")).exits(0).out)
    equal(found, {kind: mask(["CAP_CHOWN"]) for kind in FIVE}, "sets")


@differs("runc 1.1.5: unable to apply caps: operation not permitted")
def test_what_the_caller_lacks_is_named_in_a_warning(t):
    """The log has one warning, which names the first set that asks for the capability."""
    box, log = t.container("true"), t.scratch / "log"
    box.bundle.capabilities(bounding=["CAP_CHOWN"], permitted=["CAP_NET_RAW", "CAP_CHOWN"], effective=["CAP_NET_RAW"])
    t.runtime("--log", log, "run", "--bundle", box.bundle.path, box.id, setup=caller_without("CAP_NET_RAW")).ok()
    equal(log.read_text().count("CAP_NET_RAW"), 1, f"mentions in {log.read_text()!r}")
    contains(log.read_text(), "/process/capabilities/effective: CAP_NET_RAW cannot be granted", "log")
    contains(log.read_text(), "warning", "log")


def test_a_user_namespace_has_what_the_caller_lacks(t):
    """In a user namespace of its own a process has every capability, even one that the caller lacks."""
    maps, log = [mapping(0, 100000, 65536)], t.scratch / "log"
    os.chmod(t.scratch.parent, 0o711)  # runc looks for the root as the mapped user
    box = t.container(bundle=with_user_namespace(t.bundle("cat", "/proc/self/status"), maps, maps))
    box.bundle.capabilities(**{kind: ["CAP_NET_RAW"] for kind in FIVE})
    result = t.runtime("--log", log, "run", "--bundle", box.bundle.path, box.id, setup=caller_without("CAP_NET_RAW"))
    equal(sets(result.ok().out), {kind: mask(["CAP_NET_RAW"]) for kind in FIVE}, "sets")
    equal(log.read_text() if log.exists() else "", "", "log")


@differs("runc 1.1.5: unable to apply caps: operation not permitted")
def test_what_contradicts_another_set_is_left_out_with_a_warning(t):
    """Effective but not permitted, or inheritable but not bounding: the kernel would refuse all sets."""
    box, log = t.container("cat", "/proc/self/status", user={"uid": 1000, "gid": 1000}), t.scratch / "log"
    box.bundle.capabilities(bounding=["CAP_CHOWN"], permitted=["CAP_CHOWN"], effective=["CAP_CHOWN", "CAP_KILL"],
                            inheritable=["CAP_CHOWN", "CAP_NET_RAW"], ambient=["CAP_CHOWN"])
    result = t.runtime("--log", log, "run", "--bundle", box.bundle.path, box.id).ok()
    equal(sets(result.out), {kind: mask(["CAP_CHOWN"]) for kind in FIVE}, "sets")
    contains(log.read_text(), "/process/capabilities/effective: ignoring capabilities that are not in the permitted "
                              "set: [CAP_KILL]", "log")
    contains(log.read_text(), "/process/capabilities/inheritable: ignoring capabilities that are not in the bounding "
                              "set: [CAP_NET_RAW]", "log")


@differs("runc says nothing of it")
def test_what_cannot_be_ambient_is_a_warning(t):
    """The kernel raises only what is permitted and inheritable; the runtime warns of the rest."""
    box, log = t.container("cat", "/proc/self/status"), t.scratch / "log"
    box.bundle.capabilities(bounding=["CAP_CHOWN", "CAP_KILL"], permitted=["CAP_CHOWN"], inheritable=["CAP_KILL"],
                            ambient=["CAP_CHOWN"])
    result = t.runtime("--log", log, "run", "--bundle", box.bundle.path, box.id).ok()
    equal(sets(result.out)["ambient"], 0, "ambient")
    contains(log.read_text(), "/process/capabilities/ambient: ", "log")
    contains(log.read_text(), "CAP_CHOWN", "log")


@parametrize("_, uid, gid", [("root", 0, 0), ("bob", 1000, 1000), ("another group", 1000, 5), ("nobody", 65534, 65534),
                             ("largest", 2147483647, 2147483647)])
def test_uid_and_gid(t, _, uid, gid):
    """Real, effective, saved and file-system ids are the given numbers."""
    text = status(t, user={"uid": uid, "gid": gid})
    equal(status_field(text, "Uid").split(), [str(uid)] * 4, "Uid")
    equal(status_field(text, "Gid").split(), [str(gid)] * 4, "Gid")


def test_additional_groups(t):
    """additionalGids are the supplementary groups, and the only ones."""
    text = status(t, user={"uid": 1000, "gid": 1000, "additionalGids": [5, 27, 100000]})
    equal(status_field(text, "Groups").split(), ["5", "27", "100000"], "Groups")


def test_the_callers_groups_do_not_leak(t):
    """The runtime drops the caller's supplementary groups."""
    result = t.container("cat", "/proc/self/status").run(setup={"groups": [4, 24, 4321]}).ok()
    equal(status_field(result.out, "Groups").split(), [], "Groups")


def test_groups_of_the_passwd_file_are_not_added(t):
    """Only the numbers of config.json count; the container's group file adds none."""
    bundle = t.bundle("cat", "/proc/self/status").program("etc/group", "root:x:0:\nwheel:x:10:root,bob\n", 0o644)
    equal(status_field(t.container(bundle=bundle).run().ok().out, "Groups").split(), [], "Groups")


def test_no_new_privs_on(t):
    """noNewPrivileges true sets the flag."""
    equal(status_field(status(t), "NoNewPrivs"), "1", "NoNewPrivs")


@parametrize("how", ["false", "absent"])
def test_no_new_privs_off(t, how):
    """noNewPrivileges false or absent leaves the flag alone."""
    bundle = t.bundle("cat", "/proc/self/status")
    bundle.process(noNewPrivileges=False)
    if how == "absent":
        bundle.edit(lambda config: config["process"].pop("noNewPrivileges"))
    equal(status_field(t.container(bundle=bundle).run().ok().out, "NoNewPrivs"), "0", "NoNewPrivs")


def test_setuid_programs_do_not_work_with_no_new_privs(t):
    """A setuid-root busybox that a user runs keeps that user's uid."""
    bundle = t.bundle("/suid/cat", "/proc/self/status", user={"uid": 1000, "gid": 1000})
    target = bundle.rootfs / "suid/cat"
    target.parent.mkdir()
    target.write_bytes((bundle.rootfs / "bin/busybox").read_bytes())
    target.chmod(0o4755)
    equal(status_field(t.container(bundle=bundle).run().ok().out, "Uid").split(), ["1000"] * 4, "Uid")


@parametrize("value", [(0o22,), (0o77,), (0o0,)])
def test_umask_as_told(t, value):
    """process.user.umask is the program's umask."""
    text = status(t, user={"uid": 0, "gid": 0, "umask": value})
    equal(int(status_field(text, "Umask"), 8), value, "Umask")


def test_umask_default_is_022(t):
    """Without a umask the program gets 0022."""
    equal(status_field(status(t), "Umask"), "0022", "Umask")


def test_user_owns_stdio(t):
    """A user that is not root can reopen its stdout if that is a pipe of the runtime's caller."""
    box = t.shell("echo again > /proc/self/fd/1", user={"uid": 1000, "gid": 1000})
    read_end, write_end = os.pipe()
    box.run(stdout=write_end).exits(0)
    os.close(write_end)
    with open(read_end, "rb") as pipe:
        equal(pipe.read(), b"again\n", "stdout")


def test_the_callers_null_is_not_given_away(t):
    """The caller's null device on stdin keeps its owner if the user is not root."""
    t.container("true", user={"uid": 1000, "gid": 1000}).run().ok()
    equal((t.null.stat().st_uid, t.null.stat().st_mode & 0o777), (0, 0o666), "owner and mode")


@parametrize("_, names, refused", [("with it", DEFAULT, False), ("without it", ["CAP_KILL"], True)])
def test_low_ports_need_a_capability(t, _, names, refused):
    """A program can bind port 80 with CAP_NET_BIND_SERVICE, and not without it."""
    box = t.shell("timeout 1 nc -l -p 80; true")
    box.bundle.capabilities(bounding=names, permitted=names, effective=names)
    error = box.run().exits(0).err
    equal("ermission denied" in error, refused, "refused")


def test_a_user_cannot_write_roots_files(t):
    """File modes hold for a user that is not root."""
    bundle = t.bundle("sh", "-c", "echo x > /etc/passwd", user={"uid": 1000, "gid": 1000}).writable()
    contains(t.container(bundle=bundle).run().exits(1).err, "ermission denied", "stderr")
