# SPDX-License-Identifier: Apache-2.0
"""The owner of the container's cgroup (config-linux.md, "Cgroup ownership"), and what the owner can do with it."""

import isolation
from harness import contains, equal, eventually, read_text, true
from marks import differs, needs, parametrize
from resources import MIB, handed_down, lacks
from test_rootless import ranged_box
from test_user_namespace import FIRST, bundle_of, without_group_5
from unprivileged import UID, delegate, needs_mapping_tools

BY_SYSTEMD_ONLY = "runc hands over a cgroup with its systemd driver only"
HUGE = [{"pageSize": "2MB", "limit": 4 * MIB}]


def cgroup_mount(bundle):
    return next(mount for mount in bundle.config["mounts"] if mount["type"] == "cgroup")


def writable(bundle):
    """The bundle with its cgroup mounted writable."""
    return bundle.edit(lambda _: cgroup_mount(bundle)["options"].remove("ro"))


def mapped(t, *args, **process):
    """A container with a user namespace, whose root is FIRST on the host, and with a writable cgroup."""
    return t.container(bundle=writable(without_group_5(bundle_of(t, *args, **process))))


def running(box):
    box.run_detached().ok()
    return box


def owners(cgroup):
    """{owner: names} of the directory, as ".", and of the files in it."""
    found = {}
    for path in [cgroup, *(path for path in cgroup.iterdir() if path.is_file())]:
        found.setdefault(path.stat().st_uid, set()).add("." if path == cgroup else path.name)
    return found


def delegable(cgroup):
    """The directory (".") and those names of the kernel's delegation list that the cgroup has."""
    names = read_text("/sys/kernel/cgroup/delegate").split()
    return {".", *(name for name in names if (cgroup / name).exists())}


def without_cgroup_namespace(bundle):
    kinds = bundle.config["linux"]["namespaces"]
    kinds[:] = [each for each in kinds if each["type"] != "cgroup"]


# ---- the owner --------------------------------------------------------------------------------------------

@differs(BY_SYSTEMD_ONLY)
@parametrize("_, user", [("root", 0), ("a user", 1000)])
def test_it_is_the_mapped_users(t, _, user):
    """The host's id of process.user.uid owns the directory and the files that the kernel names, and no others."""
    box = running(mapped(t, "sleep", "60", user={"uid": user, "gid": user}))
    cgroup = box.cgroup()
    found = owners(cgroup)
    equal(found.pop(FIRST + user), delegable(cgroup), "what the user owns")
    equal(set(found), {0}, "the others' owner")
    true("cgroup.freeze" in found[0] and "cgroup.max.depth" in found[0], f"limits are given away: {found[0]}")


@differs(BY_SYSTEMD_ONLY)
def test_without_a_user_namespace_it_is_the_users(t):
    """The same holds for a user of the host."""
    box = running(t.container(bundle=writable(t.bundle("sleep", "60", user={"uid": 1000, "gid": 1000}))))
    equal(owners(box.cgroup())[1000], delegable(box.cgroup()), "what the user owns")


@differs(BY_SYSTEMD_ONLY)
def test_of_a_joined_user_namespace_the_maps_count(t):
    """The maps in the config count if the container joins a user namespace, as in a pod of an engine."""
    first = running(mapped(t, "sleep", "60"))
    box = mapped(t, "sleep", "60", user={"uid": 7, "gid": 7})
    box.bundle.edit(lambda config: [each.update(path=f"/proc/{first.pid}/ns/user")
                                    for each in config["linux"]["namespaces"] if each["type"] == "user"])
    running(box)
    equal(owners(box.cgroup())[FIRST + 7], delegable(box.cgroup()), "what the user owns")


STAYS = [("a read-only mount", lambda bundle: cgroup_mount(bundle)["options"].append("ro")),
         ("no cgroup namespace", without_cgroup_namespace),
         ("another source", lambda bundle: cgroup_mount(bundle).update(source="cgroup2")),
         ("no mount", lambda bundle: bundle.config["mounts"].remove(cgroup_mount(bundle)))]


@parametrize("_, change", STAYS)
def test_it_stays_the_hosts(t, _, change):
    """Only a container with a new cgroup namespace and a writable `cgroup` mount on /sys/fs/cgroup gets its cgroup handed over."""
    box = mapped(t, "sleep", "60")
    box.bundle.edit(lambda _: change(box.bundle))
    equal(set(owners(running(box).cgroup())), {0}, "owners")


@differs("runc 1.1.5 has no unprivileged cgroup of the user's here")
@needs(needs_mapping_tools)
def test_without_privileges_it_stays_the_callers(t):
    """A rootless caller keeps its container's cgroup, because it could not put processes into a cgroup of another owner."""
    box = ranged_box(t, "sleep", "60", user={"uid": 1000, "gid": 1000})
    writable(box.bundle)
    top = delegate(t)
    try:
        running(box)
        equal(set(owners(box.cgroup())), {UID}, "owners")
        box.exec("true").ok()
        box.delete("--force").ok()
        box.wait()
    finally:
        eventually(lambda: isolation.remove_tree(top) or not top.exists(), "the user's cgroup is in use")


# ---- what the owner can do ----------------------------------------------------------------------------------

DIVIDE = """cd /sys/fs/cgroup && mkdir -p init jobs/1 && echo 0 > init/cgroup.procs && cat /proc/self/cgroup
for file in cgroup.freeze cgroup.max.depth cgroup.max.descendants; do
    { echo 1 > $file; } 2> /dev/null && echo "could write $file"
done
echo 1 > jobs/cgroup.freeze && echo frozen; rmdir jobs/1 && echo removed"""


@differs(BY_SYSTEMD_ONLY)
@parametrize("_, user", [("root", 0), ("a user", 1000)])
def test_its_owner_divides_it(t, _, user):
    """The owner makes, enters, freezes and removes cgroups inside, and cannot change limits of the whole."""
    box = mapped(t, "sh", "-c", DIVIDE, user={"uid": user, "gid": user})
    said = [line for line in box.run().ok().lines() if line.startswith("0::") or ":" not in line]  # no cgroup v1
    equal(said, ["0::/init", "frozen", "removed"], "stdout")


@differs(BY_SYSTEMD_ONLY)
@needs(lacks("hugetlb"))
def test_its_owner_hands_controllers_down(t):
    """The owner can enable a controller of the container for cgroups below; the container's own limit belongs to the host."""
    script = """cd /sys/fs/cgroup && mkdir init jobs && echo 0 > init/cgroup.procs && echo +hugetlb > cgroup.subtree_control
echo 2097152 > jobs/hugetlb.2MB.max && cat jobs/hugetlb.2MB.max
{ echo max > hugetlb.2MB.max; } 2> /dev/null || cat hugetlb.2MB.max"""
    box = mapped(t, "sh", "-c", script)
    box.bundle.edit(lambda config: config["linux"]["resources"].update(hugepageLimits=HUGE))
    with handed_down("hugetlb"):
        equal(box.run().ok().lines(), ["2097152", "4194304"], "stdout")


@differs(BY_SYSTEMD_ONLY)
def test_exec_finds_its_way(t):
    """exec starts a process in the container's cgroup, or in a cgroup that the owner has made."""
    box = running(mapped(t, "sh", "-c", "mkdir /sys/fs/cgroup/jobs && sleep 60"))
    eventually((box.cgroup() / "jobs").exists, "the container cannot divide its cgroup")
    for flags, expected in (((), "0::/"), (("--cgroup", "jobs"), "0::/jobs")):
        contains(box.exec("cat", "/proc/self/cgroup", flags=flags).ok().lines(), expected, "cgroup")


@differs("runc has no --fault")
def test_a_failure_to_hand_it_over_leaves_nothing(t):
    """If the step fails, nothing of the container stays."""
    box = mapped(t, "true")
    steps = t.runtime("explain", "--bundle", box.bundle.path, box.id).ok().lines()
    number, = [line.split()[0] for line in steps if " delegate_cgroup " in line]
    contains(box.create("--fault", f"{number}:EPERM").exits(1).err, f"delegate_cgroup to user {FIRST} (/mounts/", "stderr")
    t.no_state()
