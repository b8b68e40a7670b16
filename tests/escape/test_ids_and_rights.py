# SPDX-License-Identifier: Apache-2.0
"""E40 to E45, E48 and E49: ids, groups, capabilities, keys, limits. (`exec --user` and `--cap`: test_exec.py.)"""

import json
import os
import pathlib
import struct
import subprocess

from harness import Failure, equal, read_text, signal_set, status_field, true
from marks import attacker, parametrize
from world import ended_well, refused, strike

USER = {"uid": 1000, "gid": 1000}
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
CHOWN, NET_RAW = 1 << 0, 1 << 13
MAPPING = [{"containerID": 0, "hostID": 100000, "size": 65536}]


def status_of(t, box, **options):
    """/proc/self/status of the container's program."""
    return box.run(**options).exits(0).out


def capabilities(text):
    return {name: int(status_field(text, name), 16) for name in SETS}


GROUPS = [("root, none", {"uid": 0, "gid": 0}, []), ("root, two", {"uid": 0, "gid": 0, "additionalGids": [5, 6]},
                                                     ["5", "6"]),
          ("user, none", USER, []), ("user, two", {**USER, "additionalGids": [5, 6]}, ["5", "6"])]


@attacker("A5")
@parametrize("_, user, expected", GROUPS)
def test_E40_groups_of_the_caller(t, _, user, expected):
    """A caller with supplementary groups: the container has exactly the configured ones."""
    text = status_of(t, t.container("cat", "/proc/self/status", user=user), setup={"groups": [4242, 77]})
    equal([group for group in status_field(text, "Groups").split() if group != str(user["gid"])], expected, "Groups")


@attacker("A5")
@parametrize("_, user, expected", GROUPS)
def test_E40_harmless_groups_of_the_config(t, _, user, expected):
    """The configured groups are there, from an ordinary caller, too."""
    text = status_of(t, t.container("cat", "/proc/self/status", user=user))
    equal(set(expected) - set(status_field(text, "Groups").split()), set(), "missing groups")


def user_namespace(t, box, mapping):
    """Makes it a container with a user namespace, and everything on the way to it readable for its ids."""
    box.bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": "user"}))
    box.bundle.edit(lambda config: config["linux"].update(uidMappings=mapping, gidMappings=mapping))
    for directory in (t.scratch, t.scratch.parent, box.bundle.path):
        directory.chmod(0o755)
    return box


UNMAPPED = [("group", {"uid": 0, "gid": 0, "additionalGids": [70000]}), ("gid", {"uid": 0, "gid": 70000}),
            ("uid", {"uid": 70000, "gid": 0})]


@attacker("A4")
@parametrize("_, user", UNMAPPED)
def test_E40_ids_outside_the_map(t, _, user):
    """In a user namespace, an id that the map does not have is an error, not nobody and not the host's."""
    refused(t, user_namespace(t, t.container("true", user=user), MAPPING).run())


@attacker("A4")
@parametrize("*_", UNMAPPED[:1])
def test_E40_harmless_ids_inside_the_map(t, _):
    """In a user namespace the groups are exactly the configured ones, and the caller's are gone."""
    user = {"uid": 0, "gid": 0, "additionalGids": [5, 6]}
    box = user_namespace(t, t.container("cat", "/proc/self/status", user=user), MAPPING)
    text = status_of(t, box, setup={"groups": [4242, 77]})
    equal(set(status_field(text, "Groups").split()) - {"0"}, {"5", "6"}, "Groups")
    equal(status_field(text, "Uid").split(), ["0"] * 4, "Uid")


def as_user(t, box, groups="--clear-groups"):
    """The command line of an unprivileged `run` with one mapped id, and everything it needs in its hands."""
    user_namespace(t, box, None)
    mapping = {"uid": [{"containerID": 0, "hostID": 1000, "size": 1}]}["uid"]
    box.bundle.edit(lambda config: config["linux"].update(uidMappings=mapping, gidMappings=mapping))
    box.bundle.edit(lambda config: config["linux"].pop("resources"))
    for entry in box.bundle.config["mounts"]:
        entry["options"] = [word for word in entry.get("options", []) if word != "gid=5"]
    box.bundle.save()
    root = t.host_folder("users-root")
    subprocess.run(["chown", "-R", "1000:1000", str(root), str(box.bundle.path)], check=True)
    command = [t.runtime.path, "--root", str(root), "run", "--bundle", str(box.bundle.path), box.id]
    return ["setpriv", "--reuid", "1000", "--regid", "1000", groups, "--", *command]


@attacker("A6")
def test_E40_groups_where_setgroups_is_denied(t):
    """An unprivileged caller cannot set groups: a list of them is an error, not ignored (CVE-2014-8989)."""
    box = t.container("true", user={"uid": 0, "gid": 0, "additionalGids": [0]})
    result = ended_well(t, t.runtime.exec(as_user(t, box)))
    true(result.code != 0, "it was accepted")


@attacker("A6")
def test_E40_harmless_unprivileged_container(t):
    """An unprivileged caller can run a container without groups."""
    result = t.runtime.exec(as_user(t, t.container("id", "-u")))
    equal((result.code, result.out), (0, "0\n"), f"exit code and stdout of {result}")


CAP_USERS = [("root", {"uid": 0, "gid": 0}), ("user", USER)]


def set_file_capability(path, bits):
    """security.capability, revision 2: permitted and inheritable as given, effective on."""
    os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, bits, bits, 0, 0))


@attacker("A1")
@parametrize("_, user", CAP_USERS)
def test_E41_inheritable_capabilities(t, _, user):
    """Nothing is inheritable or ambient unless the config says so (CVE-2022-29162), so a file with capabilities in the
    image gives a user nothing that is not in the bounding set, and nothing at all with no_new_privs."""
    text = status_of(t, t.container("cat", "/proc/self/status", user=user))
    found = capabilities(text)
    equal((found["CapInh"], found["CapAmb"]), (0, 0), "inheritable and ambient")
    for no_new_privileges in (True, False):
        bundle = t.plant(t.bundle("/status", user=user, noNewPrivileges=no_new_privileges), "status")
        set_file_capability(bundle.rootfs / "status", NET_RAW)
        result = strike(t, t.container(bundle=bundle))
        if result.code == 0:
            found = capabilities(result.out)
            equal(found["CapEff"] & NET_RAW | found["CapPrm"] & NET_RAW | found["CapInh"], 0, "CAP_NET_RAW by a file")


@attacker("A1")
@parametrize("name, user", CAP_USERS)
def test_E41_harmless_configured_capabilities(t, name, user):
    """What is configured is there: the three sets for root; for a user what is ambient."""
    bundle = t.bundle("cat", "/proc/self/status", user=user)
    chosen = ["CAP_CHOWN"]
    bundle.capabilities(bounding=chosen, effective=chosen, permitted=chosen, inheritable=chosen, ambient=chosen)
    found = capabilities(status_of(t, t.container(bundle=bundle)))
    equal(set(found.values()), {CHOWN}, "the five sets")


NUMBERS = [("string", '"1"'), ("name", '"root"'), ("negative", "-1"), ("minus zero", "-0.0"), ("2^32", "4294967296"),
           ("2^32 + 1", "4294967297"), ("2^64", "18446744073709551616"), ("2^64 + 1", "18446744073709551617"),
           ("fraction", "1.5"), ("huge exponent", "1e300"), ("true", "true"), ("list", "[0]"), ("object", "{}"),
           ("hex", "0x10"), ("zero first", "01"), ("plus", "+5"), ("blank string", '" 1"'), ("empty string", '""')]


@attacker("A1")
@parametrize("_, text", NUMBERS)
def test_E42_user_is_no_number(t, _, text):
    """uid, gid or a group that is no number from 0 to 2^32 - 2 (CVE-2016-3697, CVE-2024-40635): refused, never root."""
    for field, value in (("uid", text), ("gid", text), ("additionalGids", f"[{text}]")):
        box = t.container("id", user={"uid": 1000, "gid": 1000})
        config = box.bundle.config
        config["process"]["user"][field] = "THE-VALUE"
        raw = json.dumps(config).replace('"THE-VALUE"', value)
        (box.bundle.path / "config.json").write_text(raw)
        try:
            refused(t, box.run())
        except Failure as failure:
            raise Failure(f"{field} {value}: {failure}") from None


@attacker("A1")
@parametrize("*_", NUMBERS[:1])
def test_E42_harmless_user_is_a_number(t, _):
    """Plain numbers are what they say."""
    for uid in (0, 1, 1000, 65534, 2147483647):
        equal(t.output("sh", "-c", "id -u; id -g", user={"uid": uid, "gid": uid}), f"{uid}\n{uid}\n", "ids")


MAXIMUM = [("uid", {"uid": 4294967295, "gid": 0}), ("gid", {"uid": 0, "gid": 4294967295}),
           ("additionalGids", {"uid": 0, "gid": 0, "additionalGids": [4294967295]}),
           ("both", {"uid": 4294967295, "gid": 4294967295})]


@attacker("A4")
@parametrize("_, user", MAXIMUM)
def test_E43_id_that_means_unchanged(t, _, user):
    """4294967295 means "unchanged" to setresuid, which is root: refused."""
    refused(t, t.container("id", user=user).run())


@attacker("A4")
@parametrize("*_", MAXIMUM[:1])
def test_E43_harmless_large_id(t, _):
    """A large id is taken."""
    equal(t.output("id", "-u", user={"uid": 2147483647, "gid": 2147483647}), "2147483647\n", "uid")


REGAIN = """
cat /proc/self/status > /tmp/before
/suid > /tmp/suid 2>/dev/null
/filecap > /tmp/filecap 2>/dev/null
for file in before suid filecap; do
    sed -n "s/^\\(Cap[A-Z].*\\|CapEff\\|CapPrm\\|CapBnd\\|Uid\\):/$file \\1/p" /tmp/$file | tr -s '\\t' ' '
done
unshare -Ur sh -c 'hostname changed 2>/dev/null && echo "in a user namespace: hostname"'
unshare -Ur sh -c 'mknod /tmp/disk b 8 0 2>/dev/null && echo "in a user namespace: mknod"'
unshare -Ur sh -c 'mount -o remount,rw,bind /proc/sys 2>/dev/null && echo "in a user namespace: remount"'
unshare -Urm sh -c 'umount /proc/sys 2>/dev/null && echo "in a user namespace: umount"'
echo end
"""


@attacker("A2")
@parametrize("_, no_new_privileges", [("no_new_privs", True), ("without", False)])
def test_E45_capabilities_are_regained(t, _, no_new_privileges):
    """A user tries a set-user-id program, a program with file capabilities, and a user namespace: no_new_privs forbids
    the first two, without it the bounding set is the limit; a user namespace gives nothing outside itself."""
    bundle = t.bundle("sh", "-c", REGAIN, user=USER, noNewPrivileges=no_new_privileges)
    bundle.add_mount("/tmp", "tmpfs", "tmpfs", "mode=1777")
    for name in ("suid", "filecap"):
        t.plant(bundle, "status").rootfs.joinpath("status").rename(bundle.rootfs / name)
    (bundle.rootfs / "suid").chmod(0o4755)
    set_file_capability(bundle.rootfs / "filecap", CHOWN | 1 << 5)
    lines = strike(t, t.container(bundle=bundle)).lines()
    equal([line for line in lines if line.startswith("in a user")], [], "what a user namespace gives")
    check_regained(lines, no_new_privileges)


def check_regained(lines, no_new_privileges):
    """Nothing beyond the bounding set of the default bundle; nothing at all with no_new_privs."""
    words = [line.split() for line in lines if line.count(" ") >= 2]
    found = {(file, name): values for file, name, *values in words}
    true(("before", "CapBnd") in found, f"the script did not run: {lines}")
    bounding = int(found["before", "CapBnd"][0], 16)
    for (file, name), values in found.items():
        if name in ("CapEff", "CapPrm"):
            true(int(values[0], 16) & ~bounding == 0, f"{file} has {name} {values[0]}")
            true(not no_new_privileges or int(values[0], 16) == 0, f"{file} has {name} {values[0]}")
        if name == "Uid" and no_new_privileges:
            equal(set(values), {"1000"}, f"Uid of {file}")


@attacker("A2")
@parametrize("*_", [("no_new_privs", True)])
def test_E45_harmless_set_user_id_works(t, _):
    """Without no_new_privs a set-user-id program of the image works, with the bounding set as its rights."""
    bundle = t.plant(t.bundle("/status", user=USER, noNewPrivileges=False), "status")
    (bundle.rootfs / "status").chmod(0o4755)
    text = status_of(t, t.container(bundle=bundle))
    equal(status_field(text, "Uid").split(), ["1000", "0", "0", "0"], "Uid")
    equal(capabilities(text)["CapEff"], capabilities(text)["CapBnd"], "effective and bounding set")


def with_keys(t, box, keyring=None):
    """Runs while the caller's session keyring holds a secret; returns what the container found."""
    number = t.scratch / "key"
    holder = [str(t.built("keys")), "hold", "a secret", "hunter2", str(number), *([keyring] if keyring else []), "--"]
    t.plant(box.bundle, "keys")
    # The key's number is known only when the holder runs: the container waits for nothing, a file of the image has it.
    script = f"exec {' '.join(t.runtime.command('run', '--bundle', box.bundle.path, box.id))}"
    config = box.bundle.path / "config.json"
    edit = f"sed -i s/THE-NUMBER/$(cat {number})/ {config} && {script}"
    return ended_well(t, t.runtime.exec([*holder, "/bin/sh", "-c", edit]))


@attacker("A5")
@parametrize("how", ["anonymous", "named like runc's"])
def test_E48_keys_of_the_caller(t, how):
    """The caller's session keyring holds a secret, or somebody made the keyring that a runtime would join by name: the
    key is found neither by name nor by number, and the container's keyring has no name to be joined by."""
    box = t.container("/keys", "seek", "a secret", "THE-NUMBER")
    result = with_keys(t, box, f"_ses.{box.id}" if how != "anonymous" else None)
    lines = result.lines()
    true("own: works" in lines, f"no keyring of its own: {result}")
    equal([line for line in lines if not line.startswith(("own", "name"))], [], "ways to the secret")
    true(t.control or not any(box.id in line for line in lines), f"the keyring has a name: {lines}")


@attacker("A5")
@parametrize("_", ["anonymous"])
def test_E48_harmless_keys_of_a_program_of_the_host(t, _):
    """A program of the host below the same caller does find the secret; and a container has keys of its own."""
    number = t.scratch / "key"
    keys = str(t.built("keys"))
    script = f"{keys} seek 'a secret' $(cat {number})"
    lines = t.runtime.exec([keys, "hold", "a secret", "hunter2", str(number), "--", "/bin/sh", "-c", script]).lines()
    true("session: hunter2" in lines and "number: hunter2" in lines, f"found: {lines}")
    result = t.container(bundle=t.plant(t.bundle("/keys", "seek", "none", "0"), "keys")).run()
    true("own: works" in result.lines(), f"found: {result}")


ALL_SIGNALS = [number for number in range(1, 32) if number not in (9, 17, 19)]
CALLERS = [("umask 000", {"umask": 0}), ("umask 777", {"umask": 0o777}),
           ("HUP and PIPE ignored", {"ignore": [1, 13]}), ("all ignored", {"ignore": ALL_SIGNALS}),
           ("all blocked", {"block": ALL_SIGNALS}), ("32 descriptors", {"rlimits": {"RLIMIT_NOFILE": [32, 32]}}),
           ("core", {"rlimits": {"RLIMIT_CORE": [0, -1]}}), ("stack", {"rlimits": {"RLIMIT_STACK": [64 << 10, -1]}}),
           ("everything", {"umask": 0, "ignore": [1, 13], "block": [2, 15]})]


@attacker("A5")
@parametrize("_, setup", CALLERS)
def test_E49_habits_of_the_caller(t, _, setup):
    """Masks, signals and limits of a strange caller: the container starts, with no signal blocked or ignored and umask
    0022."""
    limits = [] if "rlimits" in setup else [{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 1024}]
    text = ended_well(t, t.container("cat", "/proc/self/status", rlimits=limits).run(setup=setup)).exits(0).out
    equal((signal_set(text, "SigBlk"), signal_set(text, "SigIgn")), (set(), set()), "SigBlk and SigIgn")
    equal(status_field(text, "Umask"), "0022", "Umask")


@attacker("A5")
@parametrize("*_", CALLERS[:1])
def test_E49_harmless_limits_of_the_config(t, _):
    """Limits of the config are in force, whatever the caller's are."""
    box = t.container("cat", "/proc/self/limits", rlimits=[
        {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}, {"type": "RLIMIT_NOFILE", "soft": 99, "hard": 99}])
    rows = [line.split() for line in box.run(setup={"rlimits": {"RLIMIT_NOFILE": [200, 300]}}).exits(0).lines()]
    true(["Max", "open", "files", "99", "99", "files"] in rows, f"limits: {rows}")


@attacker("A5")
@parametrize("count", [3, 6, 10, 16])
def test_E49_hardly_any_descriptors(t, count):
    """RLIMIT_NOFILE of a few: a container, or a clean error."""
    strike(t, t.container("true", rlimits=[]), setup={"rlimits": {"RLIMIT_NOFILE": [count, count]}})


@attacker("A5")
@parametrize("_", [3])
def test_E49_harmless_enough_descriptors(t, _):
    """64 are enough, and come through."""
    box = t.container("sh", "-c", "ulimit -n", rlimits=[])
    equal(box.run(setup={"rlimits": {"RLIMIT_NOFILE": [64, 64]}}).exits(0).out, "64\n", "limit")


@attacker("A5")
def test_E49_oom_score_of_the_caller(t):
    """oomScoreAdj of the config wins over the caller's value."""
    pathlib.Path("/proc/self/oom_score_adj").write_text("400")
    equal(t.output("cat", "/proc/self/oom_score_adj", oomScoreAdj=500), "500\n", "oom_score_adj")


@attacker("A5")
def test_E49_harmless_oom_score_of_the_config(t):
    """oomScoreAdj is set; without it the caller's value stays, as in runc."""
    equal(t.output("cat", "/proc/self/oom_score_adj", oomScoreAdj=321), "321\n", "oom_score_adj")
    equal(t.output("cat", "/proc/self/oom_score_adj"), read_text("/proc/self/oom_score_adj"), "oom_score_adj")


@attacker("A5")
@parametrize("verb", ["run", "create"])
def test_E49_no_file_may_grow(t, verb):
    """RLIMIT_FSIZE 0: no state can be written. A clean error, no death by SIGXFSZ, nothing left."""
    box = t.container("true")
    command = t.runtime.command(verb, "--bundle", box.bundle.path, box.id)
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child = t.runtime.start(command, setup={"rlimits": {"RLIMIT_FSIZE": [0, 0]}}, **streams)
    _, err = child.communicate(timeout=t.runtime.seconds)
    true(child.returncode >= 0, f"killed by signal {-child.returncode}: {err}")
    true(t.control or (child.returncode == 1 and b"\n" in err), f"exit {child.returncode}: {err}")
    if child.returncode != 0:
        t.no_state()


@attacker("A5")
@parametrize("_", ["run"])
def test_E49_harmless_files_may_grow_a_little(t, _):
    """A limit of a megabyte is enough."""
    box = t.container("true", rlimits=[])
    box.run(setup={"rlimits": {"RLIMIT_FSIZE": [1 << 20, 1 << 20]}}).exits(0)
