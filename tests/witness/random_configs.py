# SPDX-License-Identifier: Apache-2.0
"""Configs that nobody thought of: each seed draws from what can be combined freely."""

import random

import configs
from bundles import mount

CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_KILL", "CAP_NET_RAW", "CAP_SETUID",
                "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_CHROOT", "CAP_SYS_RAWIO", "CAP_SYSLOG"]
WORDS = ["ro", "rw", "nosuid", "nodev", "noexec", "noatime", "relatime", "strictatime", "nodiratime", "nosymfollow"]
FLAVOURS = ["ipc", "uts", "network", "pid", "cgroup"]


def some(draw, names, least=0):
    return sorted(draw.sample(names, draw.randint(least, len(names))), key=names.index)


def user(draw, config, facts):
    config["process"]["user"] = {"uid": draw.choice([0, 0, 1000, 4321]), "gid": draw.choice([0, 1000, 5]),
                                 "additionalGids": some(draw, [5, 10, 1000, 65000])}
    if draw.random() < 0.5:
        config["process"]["user"]["umask"] = draw.choice([0, 0o27, 0o77])


def capabilities(draw, config, facts):
    bounding = some(draw, CAPABILITIES)
    permitted, inheritable = some(draw, bounding), some(draw, bounding)
    both = [name for name in permitted if name in inheritable]
    config["process"]["capabilities"] = {
        "bounding": bounding, "permitted": permitted, "effective": some(draw, permitted), "inheritable": inheritable,
        "ambient": some(draw, both)}
    config["process"]["noNewPrivileges"] = draw.random() < 0.5


def paths(draw, config, facts):
    for key in ("maskedPaths", "readonlyPaths"):
        config["linux"][key] = some(draw, config["linux"][key] + ["/etc/secrets", "/etc/passwd"])
    config["root"]["readonly"] = draw.random() < 0.5


def mounts(draw, config, facts):
    """Words of one access time only: what several of them mean together, runtimes do not agree on."""
    for number in range(draw.randint(0, 3)):
        words = [word for word in some(draw, WORDS) if word not in WORDS[5:8]] + draw.sample(WORDS[5:8], 1)
        if draw.random() < 0.5:
            config["mounts"].append(mount(f"/m{number}", "tmpfs", "tmpfs", *words, "mode=755", f"size={4 + number}m"))
        else:
            config["mounts"].append(mount(f"/m{number}", "bind", "data", "bind", *words))


def namespaces(draw, config, facts, plain):
    # In a user namespace the kernel allows proc, sysfs and mqueue only with namespaces that belong to it.
    gone = some(draw, ["uts", "cgroup"] if "uidMappings" in config["linux"] else FLAVOURS)
    gone = [kind for kind in gone if kind != "cgroup"] if plain else gone
    kept = [each for each in config["linux"]["namespaces"] if each["type"] not in gone]
    config["linux"]["namespaces"] = kept
    config["linux"]["cgroupsPath"] = "/witness-at-random"
    if "uts" in gone:
        config.pop("hostname")
    if draw.random() < 0.3 and not plain:
        configs.time_namespace(config)


def limits(draw, config, facts):
    names = [name for name, (_, hard) in sorted(facts.limits.items()) if hard < 0]
    config["process"]["rlimits"] = [{"type": f"RLIMIT_{name.upper()}", "soft": 1 << 33, "hard": 1 << 34}
                                    for name in some(draw, names)]


def settings(draw, config, facts, plain):
    own = {each["type"] for each in config["linux"]["namespaces"]}
    chosen = {"network": {"net.ipv4.ip_forward": "1", "net.core.somaxconn": "128"},
              "ipc": {"kernel.msgmax": "4096", "fs.mqueue.msg_max": "7"}}
    config["linux"]["sysctl"] = {key: value for kind, pairs in chosen.items() if kind in own and draw.random() < 0.7
                                 for key, value in pairs.items()}
    config["process"]["oomScoreAdj"] = draw.choice([0, 17, 1000])
    if draw.random() < 0.4:
        configs.seccomp(config)
    if plain:
        return
    if draw.random() < 0.3:
        config["linux"]["personality"] = {"domain": draw.choice(["LINUX", "LINUX32"])}
    if draw.random() < 0.4:
        config["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE", "priority": draw.randint(0, 7)}
    if draw.random() < 0.4:
        policy = draw.choice(["SCHED_OTHER", "SCHED_BATCH"])
        config["process"]["scheduler"] = {"policy": policy, "nice": draw.randint(0, 19)}


def words(draw, config, facts):
    config["process"]["env"] = ["PATH=/bin", *[f"NAME{number}={draw.getrandbits(40):x}"
                                               for number in range(draw.randint(0, 4))]]
    config["process"]["cwd"] = draw.choice(["/", "/etc", "/root" if config["process"]["user"]["uid"] == 0 else "/tmp"])
    config["process"]["args"] = [draw.choice(["", "a b", "\t", "é", "%s"]) for _ in range(draw.randint(0, 3))]


def spec(seed, users=False):
    """One bundle; the same for the same seed. Every other one has only what runc 1.1.5 knows as well."""
    plain = seed % 2 == 0

    def make(facts):
        draw, config = random.Random(seed), configs.base()
        if users:
            configs.user_namespace(config)
        changes = [user, capabilities, paths, mounts, namespaces, limits, settings, words]
        if users and plain:
            changes.remove(mounts)  # runc 1.1.5 cannot change flags that a user namespace has locked
        for change in changes:
            change(draw, config, facts, *[plain] * (change in (namespaces, settings)))
        return config
    return configs.Spec(f"random-{'users-' if users else ''}{seed}", make, rootfs=100000 if users else 0,
                        why="" if plain else "it has properties that runc 1.1.5 does not know",
                        paths=["/m0", "/m1", "/m2", "/etc/secrets", "/etc/passwd"])
