# SPDX-License-Identifier: Apache-2.0
"""exec --user and --additional-gids: the ids of the program, and words that are not valid ids."""

import os

import pytest

from harness import absent, contains, equal, status_field
from marks import differs, parametrize
from test_exec import output, running
from test_exec_flags import refused, status

pytestmark = [pytest.mark.by_the_stage, pytest.mark.any_cgroups]


def identity(text):
    """(the four uids, the four gids, the groups)."""
    return tuple(status_field(text, field).split() for field in ("Uid", "Gid", "Groups"))


@parametrize("word, uid, gid", [
    ("0", 0, 0), ("1000", 1000, 0), ("1000:1000", 1000, 1000), ("0:5", 0, 5), ("65534:65534", 65534, 65534),
    ("2147483647:2147483647", 2147483647, 2147483647)])
def test_user(t, word, uid, gid):
    """--user UID[:GID] sets the real, effective, saved and file-system ids."""
    uids, gids, groups = identity(status(running(t), "--user", word))
    equal((uids, gids, groups), ([str(uid)] * 4, [str(gid)] * 4, []), "ids")


@differs("runc 1.1.5 ends at 2147483647")
def test_the_largest_user(t):
    """exec accepts every number that the kernel accepts for a user."""
    uids, gids, _ = identity(status(running(t), "--user", "4294967294:4294967294"))
    equal((uids, gids), (["4294967294"] * 4, ["4294967294"] * 4), "ids")


def test_without_user(t):
    """Without --user the program has the ids and groups of the container's process."""
    box = running(t, user={"uid": 1000, "gid": 100, "additionalGids": [5, 27]})
    equal(identity(status(box)), (["1000"] * 4, ["100"] * 4, ["5", "27"]), "ids")


def test_without_a_group_the_configs_stays(t):
    """--user UID alone leaves the group and the groups of the config."""
    box = running(t, user={"uid": 1000, "gid": 100, "additionalGids": [5]})
    equal(identity(status(box, "--user", "7")), (["7"] * 4, ["100"] * 4, ["5"]), "ids")


def test_the_containers_process_keeps_its_user(t):
    """The flag affects the executed program only."""
    box = running(t)
    status(box, "--user", "1000:1000")
    equal(status_field(box.proc("status"), "Uid").split(), ["0"] * 4, "Uid of init")


@parametrize("word, expected", [("1000", "/home/bob"), ("0", "/root"), ("4242", "/")])
def test_home_of_the_user(t, word, expected):
    """HOME is the directory of --user in the container's passwd file."""
    contains(output(running(t), "env", flags=["--user", word]).splitlines(), f"HOME={expected}", "environment")


def test_home_of_the_container_is_the_config_s(t):
    """exec leaves a HOME of the config, or of --env, alone."""
    box = running(t, env=["PATH=/bin", "HOME=/here"])
    contains(output(box, "env", flags=["--user", "1000"]).splitlines(), "HOME=/here", "environment")
    contains(output(box, "env", flags=["--user", "1000", "--env", "HOME=/there"]).splitlines(), "HOME=/there",
             "environment")


@parametrize("word, expected", [("0", "/root"), ("1000", "/home/bob")])
def test_an_empty_home_is_none(t, word, expected):
    """--env HOME= counts as no HOME: the value comes from the passwd file."""
    found = output(running(t), "env", flags=["--user", word, "--env", "HOME="]).splitlines()
    equal([entry for entry in found if entry.startswith("HOME=")], [f"HOME={expected}"], "HOME")


def test_a_passwd_file_that_the_container_changed(t):
    """HOME comes from the current passwd file, as the container sees it."""
    bundle = t.bundle("sh", "-c", "echo bob:x:1000:1000::/elsewhere: > /etc/passwd; sleep 60").writable()
    bundle.program("etc/passwd", "root:x:0:0::/root:\n", 0o644)
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    output(box, "sh", "-c", "until grep -q elsewhere /etc/passwd; do sleep 0.05; done")
    contains(output(box, "env", flags=["--user", "1000"]).splitlines(), "HOME=/elsewhere", "environment")


@parametrize("how", ["missing", "a loop of links", "out of the root"])
def test_a_passwd_file_that_is_none(t, how):
    """Without a passwd file in the container HOME is /; exec follows no link out of the root."""
    bundle = t.bundle("sleep", "60")
    passwd = bundle.rootfs / "etc/passwd"
    passwd.unlink()
    if how == "a loop of links":
        passwd.symlink_to("passwd")
    elif how == "out of the root":
        (t.scratch / "outside").write_text("x:x:4242:4242::/outside:\n")
        passwd.symlink_to(t.scratch / "outside")
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    contains(output(box, "env", flags=["--user", "4242"]).splitlines(), "HOME=/", "environment")


@differs("runc waits for the pipe, and fails at the directory")
@parametrize("how", ["a pipe", "a directory"])
def test_a_passwd_file_that_is_no_file(t, how):
    """A passwd file that is a pipe or a directory does not hold up the caller of exec."""
    bundle = t.bundle("sleep", "60")
    (bundle.rootfs / "etc/passwd").unlink()
    (os.mkfifo if how == "a pipe" else os.mkdir)(bundle.rootfs / "etc/passwd")
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    contains(output(box, "env", flags=["--user", "4242"]).splitlines(), "HOME=/", "environment")


def test_a_user_loses_what_root_had(t):
    """A user that is not root has no effective capability, and file modes hold."""
    box = running(t)
    text = status(box, "--user", "1000:1000")
    equal([int(status_field(text, field), 16) for field in ("CapPrm", "CapEff", "CapAmb", "CapInh")], [0] * 4, "sets")
    result = box.exec("cat", "/proc/1/environ", flags=["--user", "1000:1000"]).exits(1)
    contains(result.err, "ermission denied", "stderr")


def test_a_user_owns_what_it_gets(t):
    """A user that is not root can reopen its stdout, a pipe of the caller."""
    box = running(t)
    equal(t.runtime.exec(["sh", "-c", f"{' '.join(t.runtime.command('exec', '--user', '1000', box.id))} "
                                      "sh -c 'echo again > /proc/self/fd/1' | cat"]).exits(0).out, "again\n", "stdout")


def test_a_directory_that_only_root_may_enter(t):
    """The stage enters --cwd before the user's own rights count, as create does; engines rely on that."""
    bundle = t.bundle("sleep", "60")
    (bundle.rootfs / "secret").mkdir(mode=0o700)
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    equal(output(box, "readlink", "/proc/self/cwd", flags=["--cwd", "/secret", "--user", "1000:1000"]), "/secret\n",
          "directory")


def test_a_directory_that_only_the_user_may_enter(t):
    """The stage can enter a directory of the user's own, even if root has no CAP_DAC_OVERRIDE."""
    bundle = t.bundle("sleep", "60")
    (bundle.rootfs / "own").mkdir(mode=0o700)
    os.chown(bundle.rootfs / "own", 1000, 1000)
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    equal(output(box, "readlink", "/proc/self/cwd", flags=["--cwd", "/own", "--user", "1000:1000"]), "/own\n",
          "directory")


def test_a_program_that_the_user_may_not_execute(t):
    """The rights of --user decide if the program can be executed."""
    bundle = t.bundle("sleep", "60").program("/bin/mine", "#!/bin/sh\necho ran\n", 0o700)
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    equal(output(box, "mine"), "ran\n", "stdout of root")
    contains(box.exec("/bin/mine", flags=["--user", "1000:1000"]).exits(255).err, "permission denied", "stderr")


@parametrize("word", ["1x", " 1", "root", "bob", "1:", ":1", "1:x", "1:2:3", "0x10", "1 ", "1:bob", "--", "-1",
                      "1:-1", "4294967295", "1:4294967295", "18446744073709551616", "99999999999999999999:0"])
def test_what_is_no_user_is_refused(t, word):
    """Names and other words are errors, so that nothing runs as a user that the caller did not ask for."""
    refused(running(t), [f"--user={word}"])


@differs("runc 1.1.5 takes them, modulo 2^32")
@parametrize("word", ["4294967296", "1:4294967296", "+1", "1:+1"])
def test_a_number_that_wraps_is_refused(t, word):
    """No number becomes another: 4294967296 is not 0 (CVE-2026-30892). A sign is an error too."""
    refused(running(t), [f"--user={word}"])


@differs("runc takes it for absent")
def test_an_empty_user_is_refused(t):
    """--user "" is a mistake of the caller, who would otherwise get root."""
    refused(running(t), ["--user", ""])


def test_a_user_who_is_not_in_the_passwd_file(t):
    """A number needs no entry in the passwd file."""
    equal(output(running(t), "id", "-u", flags=["--user", "54321"]), "54321\n", "uid")


# ---- groups -----------------------------------------------------------------------------------------------

def test_additional_gids(t):
    """exec adds --additional-gids to the groups of the container's process."""
    box = running(t, user={"uid": 1000, "gid": 1000, "additionalGids": [5]})
    text = status(box, "--additional-gids", "27", "--additional-gids", "100000")
    equal(status_field(text, "Groups").split(), ["5", "27", "100000"], "Groups")
    equal(status_field(box.proc("status"), "Groups").split(), ["5"], "Groups of init")


def test_without_additional_gids(t):
    """Without --additional-gids the groups are the config's, neither the caller's nor the group file's."""
    bundle = t.bundle("sleep", "60").program("etc/group", "root:x:0:\nwheel:x:10:root,bob\n", 0o644)
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    result = box.exec("cat", "/proc/self/status", setup={"groups": [4, 24, 4321]}).ok()
    equal(status_field(result.out, "Groups").split(), [], "Groups")


@parametrize("word", ["-1", "x", "", "5 ", "4294967295"])
def test_what_is_no_group_is_refused(t, word):
    """exec refuses words that are no group number."""
    refused(running(t), [f"--additional-gids={word}"])


@differs("runc 1.1.5 takes it modulo 2^32")
def test_a_group_that_wraps_is_refused(t):
    """No group number wraps: 4294967296 is not 0."""
    refused(running(t), ["--additional-gids=4294967296"])


def test_two_groups_at_once_are_no_group(t):
    """One --additional-gids is one group, as for every flag that may be repeated."""
    result = running(t).exec("id", "-G", flags=["--additional-gids", "5,6"])
    absent(result.out, "5 6", "groups")
