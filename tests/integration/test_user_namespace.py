# SPDX-License-Identifier: Apache-2.0
"""A container in a user namespace of its own, made by root: whose ids, whose files, and what is refused."""

import os

from harness import Failure, contains, equal, read_text, status_field, true
from marks import differs, parametrize
from test_terminal import output as terminal_output
from unprivileged import mapping, with_user_namespace

FIRST, COUNT = 100000, 65536


def bundle_of(t, *args, maps=None, **process):
    maps = maps or [mapping(0, FIRST, COUNT)]
    os.chmod(t.scratch.parent, 0o711)  # runc looks for the root as the mapped user
    return with_user_namespace(t.bundle(*args, **process), maps, maps)


def box_of(t, *args, **options):
    return t.container(bundle=bundle_of(t, *args, **options))


def shell_of(t, script, **options):
    return box_of(t, "sh", "-c", script, **options)


def without_group_5(bundle):
    """devpts takes no group that is not mapped."""
    return bundle.edit(lambda config: [each["options"].remove("gid=5") for each in config["mounts"]
                                       if each["type"] == "devpts"])


def test_ids_are_mapped(t):
    """Root inside is the mapped user outside, with the maps that were asked for."""
    box = box_of(t, "sleep", "60")
    box.run_detached().ok()
    equal(status_field(box.proc("status"), "Uid").split(), [str(FIRST)] * 4, "uids on the host")
    equal(status_field(box.proc("status"), "Gid").split(), [str(FIRST)] * 4, "gids on the host")
    for name in ("uid_map", "gid_map"):
        equal(box.proc(name).split(), ["0", str(FIRST), str(COUNT)], name)
    true(os.readlink(f"/proc/{box.pid}/ns/user") != os.readlink("/proc/self/ns/user"), "user namespace is the host's")


def test_root_inside_is_0(t):
    """The program sees itself as user and group 0, without other groups."""
    equal(shell_of(t, "id -u; id -g; id -G").run().ok().lines(), ["0", "0", "0"], "ids")


@differs("runc 1.1.5 insists on user 0: setuid(0) before it looks at the maps")
def test_without_0_the_first_id_sets_up(t):
    """A map without 0 is a map: the program runs as the one user there is."""
    box = shell_of(t, "id -u; id -g; echo works > /dev/null", maps=[mapping(1000, FIRST, 10)],
                   user={"uid": 1000, "gid": 1000})
    without_group_5(box.bundle)
    equal(box.run().ok().lines(), ["1000", "1000"], "ids")


@differs("as above")
def test_without_0_no_capability_is_left_over(t):
    """The capabilities that set the container up do not reach a program that was given none."""
    box = box_of(t, "cat", "/proc/self/status", maps=[mapping(1000, FIRST, 10)], user={"uid": 1000, "gid": 1000},
                 capabilities={})
    without_group_5(box.bundle)
    text = box.run().ok().out
    for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        equal(int(status_field(text, field), 16), 0, field)


def test_another_user_of_the_map(t):
    """process.user is a user of the container."""
    box = box_of(t, "sleep", "60", user={"uid": 1000, "gid": 100})
    box.run_detached().ok()
    equal(status_field(box.proc("status"), "Uid").split()[0], str(FIRST + 1000), "uid on the host")
    equal(status_field(box.proc("status"), "Gid").split()[0], str(FIRST + 100), "gid on the host")


def test_several_ranges(t):
    """More than one line of a map is kept, in order."""
    box = box_of(t, "cat", "/proc/self/uid_map", "/proc/self/gid_map",
                 maps=[mapping(0, FIRST, 10), mapping(10, 200000, 5)])
    equal(box.run().ok().out.split(), ["0", "100000", "10", "10", "200000", "5"] * 2, "uid_map and gid_map")


@parametrize("kind", ["uid", "gid"])
def test_an_id_outside_the_map_is_refused(t, kind):
    """A user or group that the map does not have cannot run anything."""
    box = box_of(t, "true", user={"uid": 0, "gid": 0, kind: COUNT})
    result = box.create()
    true(result.code != 0, "create succeeded")
    t.no_state()


@differs("runc 1.1.5 names no property")
def test_the_refusal_names_the_property(t):
    """... and the error says which property of the config that was."""
    contains(box_of(t, "true", user={"uid": COUNT, "gid": 0}).create().exits(1).err, "/process/user/uid", "stderr")
    contains(box_of(t, "true", user={"uid": 0, "gid": COUNT}).create().exits(1).err, "/process/user/gid", "stderr")
    contains(box_of(t, "true", user={"uid": 0, "gid": 0, "additionalGids": [5, COUNT]}).create().exits(1).err,
             "/process/user/additionalGids/1", "stderr")


@differs("runc 1.1.5 sometimes leaves the cgroup")
def test_maps_that_overlap_are_refused(t):
    """The kernel takes no map in which an id means two; nothing is left."""
    maps = [mapping(0, FIRST, 10), mapping(5, 200000, 10)]
    true(box_of(t, "true", maps=maps).create().code != 0, "create succeeded")
    t.no_state()


@parametrize("absent", ["uidMappings", "gidMappings"])
def test_both_maps_are_needed(t, absent):
    """A user namespace without one of its maps is refused."""
    bundle = bundle_of(t, "true")
    bundle.edit(lambda config: config["linux"].pop(absent))
    true(t.container(bundle=bundle).create().code != 0, "create succeeded")
    t.no_state()


def test_groups_are_exactly_those_of_the_config(t):
    """The caller's groups do not come along, and the config's do."""
    box = box_of(t, "cat", "/proc/self/status", user={"uid": 0, "gid": 0, "additionalGids": [5, 6]})
    text = box.run(setup={"groups": [4242, 77]}).ok().out
    equal(set(status_field(text, "Groups").split()) - {"0"}, {"5", "6"}, "groups")
    text = box_of(t, "cat", "/proc/self/status").run(setup={"groups": [4242, 77]}).ok().out
    equal(set(status_field(text, "Groups").split()) - {"0"}, set(), "groups")


@differs("runc 1.1.5 leaves /dev/mqueue to group 65534")
@parametrize("name, path", [("mqueue", "/dev/mqueue"), ("shm", "/dev/shm"), ("dev", "/dev"), ("pts", "/dev/pts")])
def test_what_is_mounted_belongs_to_root_inside(t, name, path):
    """New file systems are the container's own, message queues among them."""
    equal(box_of(t, "stat", "-c", "%u %g", path).run().ok().out.split(), ["0", "0"], path)


def test_a_message_queue_directory_can_be_changed(t):
    """Root inside owns /dev/mqueue, which it could not if it had been made before the maps."""
    names = ["CAP_CHOWN", "CAP_FOWNER"]
    box = shell_of(t, "chmod 700 /dev/mqueue && stat -c %a /dev/mqueue",
                   capabilities={kind: names for kind in ("bounding", "permitted", "effective")})
    equal(box.run().ok().out.split(), ["700"], "mode")


def test_devices_work(t):
    """Nodes cannot be made in a user namespace, so the host's are there: they do what they should."""
    script = ("echo gone > /dev/null; head -c 3 /dev/zero | od -An -tx1; echo x 2>/dev/null > /dev/full || echo full; "
              "head -c 4 /dev/urandom | wc -c")
    equal(shell_of(t, script).run().ok().out.split(), ["00", "00", "00", "full", "4"], "output")


def test_the_hosts_device_nodes_keep_their_mode(t):
    """Root inside cannot change the node of the host that it sees."""
    names = ["CAP_CHOWN", "CAP_FOWNER"]
    box = shell_of(t, "chmod 600 /dev/null", capabilities={kind: names for kind in ("bounding", "permitted", "effective")})
    true(box.run().code != 0, "chmod succeeded")
    equal(os.stat("/dev/null").st_mode & 0o777, 0o666, "mode of the host's /dev/null")


def test_the_host_files_stay_the_hosts(t):
    """A file of the host's root is nobody's inside, and cannot be written."""
    bundle = bundle_of(t, "sh", "-c", "stat -c %u /etc/passwd; echo x >> /etc/passwd").writable()
    result = t.container(bundle=bundle).run()
    equal(result.out.split(), ["65534"], "owner")
    true(result.code != 0, "root inside wrote a file of the host's root")


def test_a_terminal_works(t):
    """With group 5 in the map the pty is the container's, and a terminal."""
    maps = [mapping(0, FIRST, COUNT)]
    os.chmod(t.scratch.parent, 0o711)
    made = t.bundle
    t.bundle = lambda *args, **process: with_user_namespace(made(*args, **process), maps, maps)
    contains(terminal_output(t, "test -t 0 && echo terminal; stat -c %u /dev/console"),
             "terminal\n0\n", "terminal")


def test_the_whole_life(t):
    """create, state, start, kill and delete know a container in a user namespace."""
    box = box_of(t, "sleep", "60")
    box.create().ok()
    equal(box.status(), "created", "status")
    box.start().ok()
    equal(box.status(), "running", "status")
    box.kill("KILL").ok()
    box.wait_dead()
    box.wait()
    box.delete().ok()
    t.no_state()


def test_the_cgroup_is_the_root_of_what_it_sees(t):
    """A cgroup namespace in a user namespace: the own cgroup is "/"."""
    contains(box_of(t, "cat", "/proc/self/cgroup").run().ok().lines(), "0::/", "/proc/self/cgroup")


def test_the_network_is_its_own(t):
    """The network namespace belongs to the user namespace: root inside, with the capability, may change it."""
    names = ["CAP_NET_ADMIN"]
    box = shell_of(t, "ip link set lo down && ip -o link show lo",
                   capabilities={kind: names for kind in ("bounding", "permitted", "effective")})
    absent_up = box.run().ok().out
    true("UP" not in absent_up.split(">")[0], f"lo is up: {absent_up}")


def test_host_sysctls_are_out_of_reach(t):
    """A parameter that is not namespaced cannot be written with every capability of the user namespace."""
    before = read_text("/proc/sys/vm/swappiness")
    bundle = bundle_of(t, "sh", "-c", "echo 0 > /proc/sys/vm/swappiness")
    bundle.edit(lambda config: config["linux"].update(readonlyPaths=[]))
    true(t.container(bundle=bundle).run().code != 0, "a write to the host's sysctl succeeded")
    if read_text("/proc/sys/vm/swappiness") != before:
        raise Failure("vm.swappiness has changed")


@differs("runc has no fault injection")
def test_a_runtime_that_dies_over_the_maps_leaves_no_process(t):
    """Whoever kills it while the new process waits for its maps finds a container that delete --force removes."""
    box = box_of(t, "true")
    steps = [line.split() for line in t.runtime("explain", "--bundle", box.bundle.path).ok().lines()]
    numbers = [step[0] for step in steps if step[2] in ("write_id_maps", "send_prepared")]
    equal(len(numbers), 2, "steps")
    for number in numbers:
        equal(box.create("--fault", f"{number}:kill").code, -9, "the runtime's end")
        box.delete("--force").ok()
        t.no_state()


def nested_mount(t, kind, **linux):
    """True if a user namespace inside the container gets a fresh mount of `kind`."""
    names = ["CAP_SYS_ADMIN", "CAP_SETFCAP"]  # the second one to map user 0 (5.12)
    box = shell_of(t, f"unshare -m -p -f -U -r mount -t {kind} {kind} /tmp && echo mounted",
                   capabilities={each: names for each in ("bounding", "permitted", "effective")})
    box.bundle.edit(lambda config: config["linux"].update(linux))
    return "mounted" in box.run().out


@parametrize("kind", ["proc"])
def test_masks_hold_against_a_new(t, kind):
    """A second mount would show what the config masks, so the kernel refuses it; without masks it is allowed."""
    equal(nested_mount(t, kind), False, "mounted below masks")
    equal(nested_mount(t, kind, maskedPaths=[], readonlyPaths=[]), True, "mounted without masks")


def test_a_mask_cannot_be_taken_off_by_root_inside(t):
    """Masks were mounted by a more privileged namespace's owner or are locked: umount from a nested one fails."""
    names = ["CAP_SYS_ADMIN", "CAP_SETFCAP"]  # the second one to map user 0 (5.12)
    box = shell_of(t, "unshare -m -U -r umount /proc/timer_list || echo kept",
                   capabilities={each: names for each in ("bounding", "permitted", "effective")})
    equal(box.run().exits(0).out.split(), ["kept"], "stdout")


@differs("runc 1.1.5 cannot mount mqueue of an ipc namespace that the container does not own")
def test_message_queues_of_a_joined_ipc_namespace(t):
    """/dev/mqueue is that of the ipc namespace that is joined, which belongs to the host's user namespace."""
    first = t.shell("touch /dev/mqueue/shared; sleep 60")
    first.run_detached().ok()
    bundle = bundle_of(t, "sh", "-c", "ls /dev/mqueue; touch /dev/mqueue/own 2>/dev/null && ls /dev/mqueue")
    bundle.edit(lambda config: [each.update(path=f"/proc/{first.pid}/ns/ipc") for each in config["linux"]["namespaces"]
                                if each["type"] == "ipc"])
    contains(t.container(bundle=bundle).run().ok().out.split(), "shared", "/dev/mqueue")
