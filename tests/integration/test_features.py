# SPDX-License-Identifier: Apache-2.0
"""`features` is true: the listed words work, and no other words do. Mount options and seccomp have their own files."""

import json
import pathlib

import pytest

import test_joins
import test_net_devices as net
from harness import contains, equal, signal_set, true
from hooks import KINDS, Journal, whole_life
from marks import differs, needs, parametrize
from systemd import needs_systemd
from test_idmap import bind, source_of
from unprivileged import mapping, with_user_namespace

pytestmark = pytest.mark.any_cgroups

CAPABILITIES = """
    AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER
    FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE
    NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE
    SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM
""".split()
BY_NUMBER = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
""".split()
# All properties of features.md and features-linux.md up to 1.3; a list stands for a list or a value.
SCHEMA = {
    "ociVersionMin": [], "ociVersionMax": [], "hooks": [], "mountOptions": [], "annotations": [],
    "potentiallyUnsafeConfigAnnotations": [],
    "linux": {
        "namespaces": [], "capabilities": [],
        "cgroup": dict.fromkeys(["v1", "v2", "systemd", "systemdUser", "rdma"], []),
        "seccomp": dict.fromkeys(["enabled", "actions", "operators", "archs", "knownFlags", "supportedFlags"], []),
        "apparmor": {"enabled": []}, "selinux": {"enabled": []},
        "intelRdt": dict.fromkeys(["enabled", "schemata", "monitoring"], []),
        "memoryPolicy": {"modes": [], "flags": []}, "mountExtensions": {"idmap": {"enabled": []}},
        "netDevices": {"enabled": []},
    },
}


def features(t):
    return json.loads(t.runtime.exec([t.runtime.path, "features"]).ok().out)


def accepted(t, change, *args):
    """True if create accepts a document with this change; deletes the container afterwards."""
    box = t.container(*(args or ["true"]))
    box.bundle.edit(change)
    result = box.create()
    if result.code == 0:
        box.delete("--force").ok()
    return result.code == 0


def agree(listed, works, what):
    true(works or not listed, f"{what} is listed and does not work")
    true(listed or not works, f"{what} works and is not listed")


# ---- the document -----------------------------------------------------------------------------------------

def strangers(value, schema, place=""):
    """Pointers to properties that the standard does not have."""
    if isinstance(schema, list):
        return []
    return [pointer for key, inner in value.items() for pointer in (
        strangers(inner, schema[key], f"{place}/{key}") if key in schema else [f"{place}/{key}"])]


def test_nothing_that_the_standard_does_not_have(t):
    """Every property belongs to the version that the runtime claims."""
    equal(strangers(features(t), SCHEMA), [], "unknown properties")


def test_lists_are_lists_of_words(t):
    """No list has a word twice, or an empty word."""
    document = features(t)
    lists = {"hooks": document["hooks"], **{key: value for part in (document["linux"], document["linux"]["seccomp"])
                                            for key, value in part.items() if isinstance(value, list)}}
    for name, words in lists.items():
        true(words and all(isinstance(word, str) and word for word in words), f"{name} is {words}")
        equal(len(words), len(set(words)), f"number of words in {name}")


def test_both_versions_are_taken(t):
    """create accepts a document of the oldest and of the newest version."""
    for name in ("ociVersionMin", "ociVersionMax"):
        version = features(t)[name]
        true(accepted(t, lambda config: config.update(ociVersion=version)), f"{name}: {version} is refused")


def test_the_newest_version_is_not_below_the_oldest(t):
    """The oldest version is not above the newest."""
    oldest, newest = (features(t)[name] for name in ("ociVersionMin", "ociVersionMax"))
    numbers = lambda version: [int(part) for part in version.partition("-")[0].split(".")]
    true(numbers(oldest) <= numbers(newest), f"from {oldest} to {newest}")


@differs("runc 1.1.5 does not look at the version")
def test_versions_outside_are_refused(t):
    """create refuses a version before the oldest and the next major version, but accepts any later 1.x (config.md)."""
    for version, works in (("0.9.0", False), ("2.0.0", False), ("1.99.0", True)):
        equal(accepted(t, lambda config: config.update(ociVersion=version)), works, f"{version} is taken")


def test_the_annotations_name_the_build(t):
    """The version is that of --version; the version of libseccomp has the key that all runtimes use."""
    annotations = features(t)["annotations"]
    lines = t.runtime.exec([t.runtime.path, "--version"]).ok().lines()
    own = "run.bulkhead" if t.bulkhead else "org.opencontainers.runc"
    equal(annotations[f"{own}.version"], lines[0].split()[-1], "version")
    contains(lines, f"commit: {annotations[f'{own}.commit']}", "--version")
    contains(lines, f"libseccomp: {annotations['io.github.seccomp.libseccomp.version']}", "--version")


def test_annotations_are_a_map_of_strings(t):
    """The annotations obey the rules of those in config.json: no key is empty, and each value is a string."""
    for key, value in features(t)["annotations"].items():
        true(key and isinstance(value, str), f"{key!r} is {value!r}")


def test_checkpoints_are_announced_if_there_are_any(t):
    """checkpoint.enabled agrees with what podman learns from `checkpoint --help`."""
    has = t.runtime.exec([t.runtime.path, "checkpoint", "--help"]).code == 0
    said = {value for key, value in features(t)["annotations"].items() if key.endswith(".checkpoint.enabled")}
    equal(said, {"true" if has else "false"}, "checkpoint.enabled")


# ---- namespaces, capabilities ------------------------------------------------------------------------------

@parametrize("kind", ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts", "net", "mnt", "none", "PID"])
def test_a_namespace_is_listed_if_it_is_made(t, kind):
    """If the word is listed, the container has its own namespace of that kind; else create refuses the word."""
    box = t.sleeper()
    if kind == "user":
        with_user_namespace(box.bundle, [mapping(0, 0, 65536)], [mapping(0, 0, 65536)])
    elif kind not in test_joins.LINKS:
        box.bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": kind}))
    works = box.run_detached().code == 0 and test_joins.link(box.pid, kind) != test_joins.link("self", kind)
    agree(kind in features(t)["linux"]["namespaces"], works, kind)


@parametrize("kind", ["cgroup", "ipc", "network", "pid", "uts"])
def test_a_listed_namespace_is_joined(t, kind):
    """A container joins the namespace by its path; test_joins has user, mount and time."""
    contains(features(t)["linux"]["namespaces"], kind, "namespaces")
    first = test_joins.running(t)
    second = t.container(bundle=test_joins.joined(t.bundle("sleep", "60"), {kind: test_joins.path_of(first, kind)}))
    second.run_detached().ok()
    equal(test_joins.link(second.pid, kind), test_joins.link(first.pid, kind), kind)
    test_joins.end(second)


@differs("runc 1.1.5 cannot join all of them")
def test_namespaces_that_are_joined_in_other_cases(t):
    """Some case joins each listed namespace."""
    proven = {"cgroup", "ipc", "network", "pid", "uts", "user", "mount", "time"}
    equal(set(features(t)["linux"]["namespaces"]), proven, "namespaces")


def mask(name, text):
    return {number - 1 for number in signal_set(text, name)}


def own_capabilities():
    return mask("CapPrm", pathlib.Path("/proc/self/status").read_text(encoding="ascii"))


@parametrize("name", CAPABILITIES)
def test_a_listed_capability_is_granted(t, name):
    """A capability that the config has alone in every set is alone in the process's sets."""
    contains(features(t)["linux"]["capabilities"], f"CAP_{name}", "capabilities")
    number = BY_NUMBER.index(name)
    bundle = t.bundle("cat", "/proc/self/status")
    bundle.capabilities(**{kind: [f"CAP_{name}"] for kind in ("bounding", "effective", "permitted", "inheritable",
                                                              "ambient")})
    result = t.container(bundle=bundle).run()
    lacking = number not in own_capabilities()
    if lacking and t.control:
        return contains(result.exits(1).err, "operation not permitted", "stderr")
    if lacking:
        print(f"note: root of this machine lacks CAP_{name}: that it is left out is all that can be seen")
    for kind in ("CapBnd", "CapEff", "CapPrm", "CapInh", "CapAmb"):
        equal(mask(kind, result.exits(0).out), set() if lacking else {number}, kind)
    return None


@parametrize("name", ["CAP_NOBODY", "KILL", "cap_kill", "CAP_LAST_CAP", ""])
def test_a_capability_that_is_not_listed_is_none(t, name):
    """An unlisted name gives no capability, only a warning, as the standard requires."""
    true(name not in features(t)["linux"]["capabilities"], "it is listed")
    bundle = t.bundle("cat", "/proc/self/status").capabilities(bounding=[name], effective=[name], permitted=[name])
    equal(mask("CapEff", t.container(bundle=bundle).run().exits(0).out), set(), "CapEff")


def test_every_capability_has_its_proof(t):
    """A case above tries each listed capability."""
    equal(set(features(t)["linux"]["capabilities"]), {f"CAP_{name}" for name in CAPABILITIES}, "capabilities")


# ---- hooks, and what is on or off --------------------------------------------------------------------------

def test_listed_hooks_run(t):
    """One hook of each listed kind runs, in the list's order; a kind that is not listed does not run."""
    kinds = features(t)["hooks"]
    journal = Journal(t)
    whole_life(journal.box(hooks=journal.noting(*kinds, *KINDS, "preCreate", "stopContainer")))
    equal(sorted(journal.order()), sorted(kinds), "hooks that ran")
    if t.bulkhead:
        equal(journal.order(), kinds, "their order")


def enabled(t, *path):
    value = features(t)["linux"]
    for name in path:
        value = value.get(name, {})
    return value.get("enabled", False)


def test_idmap_is_enabled_if_owners_are_mapped(t):
    """A bind mount with uidMappings shows the mapped owner."""
    bundle = bind(t.bundle(), source_of(t), uids=[mapping(0, 1000, 10)])
    result = t.container(bundle=bundle.process(args=["stat", "-c", "%u", "/tmp/file"])).run()
    agree(enabled(t, "mountExtensions", "idmap"), (result.code, result.out) == (0, "1000\n"), "idmap")


@needs(net.needs_veth)
def test_net_devices_are_enabled_if_they_move(t):
    """The container has a device of the document."""
    with net.host(t) as run:
        box = net.with_devices(t, given={"name": "eth7"})
        box.run_detached()
        moved = "eth7" in {link["ifname"] for link in net.inside(box, "link")}
        agree(enabled(t, "netDevices"), moved and "given" not in net.names(run), "netDevices")
        box.delete("--force").ok()


@parametrize("module, name, label", [
    ("apparmor", "apparmorProfile", "docker-default"), ("selinux", "selinuxLabel", "system_u:system_r:x_t:s0")])
def test_labels_are_enabled_if_they_are_asked_of_the_kernel(t, module, name, label):
    """On any kernel the runtime applies a label, or refuses it because the kernel cannot apply it; it never ignores a label."""
    true(enabled(t, module), f"{module} is off")
    result = t.container("true", **{name: label}).run()
    true(result.code != 0 and module in result.err.lower(), f"it was passed over: {result}")


def test_the_cgroup_is_of_the_announced_kind(t):
    """This machine's hierarchy is v2, and features lists v2."""
    true(features(t)["linux"]["cgroup"]["v2"], "v2 is off")
    contains(t.output("cat", "/proc/self/cgroup"), "0::/", "the container's cgroup")


@differs("runc 1.1.5 does not announce it")
def test_rdma_limits_are_taken(t):
    """create writes rdma limits, or its error shows that this machine has no such controller or device."""
    box = t.container("true")
    box.bundle.edit(lambda config: config["linux"]["resources"].update(rdma={"mlx5_1": {"hcaHandles": 3}}))
    result = box.create()
    true(features(t)["linux"]["cgroup"]["rdma"], "rdma is off")
    machines = "controller" in result.err or "rdma.max: no such device" in result.err
    true(result.code == 0 or ("/linux/resources/rdma" in result.err and machines), f"refused: {result}")


# ---- annotations -------------------------------------------------------------------------------------------

def is_unsafe(t, key):
    """True if the list has the key; an entry that ends with a dot stands for all keys that begin with it."""
    unsafe = features(t)["potentiallyUnsafeConfigAnnotations"]
    return any(key == entry or (entry.endswith(".") and key.startswith(entry)) for entry in unsafe)


@differs("runc 1.1.5 lists none")
@parametrize("key, value", [
    ("run.bulkhead.overlay.lower", "relative"), ("run.bulkhead.overlay.size", "much"),
    ("run.bulkhead.overlay.upper", "relative"), ("run.bulkhead.overlay.work", "relative"),
    ("run.bulkhead.version", "nonsense"), ("run.oci.keep_original_groups", "nonsense"),
    ("run.oci.hooks.stdout", "/no/such"),
    ("run.oci.handler", "nonsense"), ("run.oci.systemd.subgroup", "../x"), ("run.oci.mount_context_type", "nonsense"),
    ("org.criu.config", "/no/such"), ("bundle", "/no/such"), ("org.opencontainers.image.stopSignal", "nonsense"),
    ("io.kubernetes.cri.container-type", "nonsense")])
def test_an_annotation_is_listed_if_it_does_something(t, key, value):
    """The runtime refuses a nonsensical value of an annotation that it reads; it only carries the others."""
    box = t.container("true")
    box.bundle.edit(lambda config: config.update(annotations={key: value}))
    result = box.create()
    equal(key in result.err and result.code != 0, is_unsafe(t, key), f"{key} does something ({result.err!r})")


@differs("runc 1.1.5 lists none")
@needs(needs_systemd)
@parametrize("key", ["org.systemd.property.X", "org.systemd.property.TimeoutStopUSec"])
def test_an_annotation_is_listed_if_it_goes_to_systemd(t, key):
    """The same holds for annotations that go to systemd, with the systemd driver."""
    box = t.container("true")
    box.bundle.edit(lambda config: config.update(annotations={key: "nonsense"}))
    result = t.runtime("--systemd-cgroup", "create", "--bundle", box.bundle.path, box.id).exits(1)
    contains(result.err, key, "stderr")
    true(is_unsafe(t, key), "it is not listed")


@differs("runc 1.1.5 lists none")
def test_unsafe_annotations_are_sorted_out(t):
    """The list has no key twice, and no key that a prefix covers."""
    unsafe = features(t)["potentiallyUnsafeConfigAnnotations"]
    equal(len(unsafe), len(set(unsafe)), "number of keys")
    for prefix in (entry for entry in unsafe if entry.endswith(".")):
        equal([entry for entry in unsafe if entry.startswith(prefix)], [prefix], "keys of the prefix")
