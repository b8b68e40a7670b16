# SPDX-License-Identifier: Apache-2.0
"""What runs in which guest: the one table to which a topic is added."""

import dataclasses
import pathlib

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
PYTEST = ("pytest", "-q", "-rs")


@dataclasses.dataclass(frozen=True)
class Part:
    """A kind of guest. Its jobs run one after another, shared out among `guests` of them."""
    name: str
    guests: int = 1
    kernel: str = "6.1"
    systemd: bool = False
    cpus: int = 1  # 2 for what pins to one of two; such a guest runs alone


EVERYDAY = Part("everyday", systemd=True)
PLAIN = Part("plain", guests=2)
PLAIN_WIDE = Part("plain-wide", cpus=2)
SYSTEMD = Part("systemd", guests=2, systemd=True)
OLDEST = Part("oldest", kernel="5.10", cpus=2)
SYSTEMD_REST = Part("systemd-rest", systemd=True)
PLAIN_REST = Part("plain-rest", guests=2)
PLAIN_WIDE_REST = Part("plain-wide-rest", cpus=2)
OLDEST_REST = Part("oldest-rest", kernel="5.10")


@dataclasses.dataclass(frozen=True)
class Job:
    """A command whose last line counts its cases, or a test program (its name)."""
    part: Part
    name: str
    seconds: int  # its weight: in a guest, on a quiet machine
    command: tuple

    @property
    def deadline(self):
        """Other suites take the machine's time meanwhile, and some machines take three times as long."""
        return 60 + 12 * self.seconds

    @property
    def is_program(self):
        return self.command[0].startswith("test_")


def program(part, name, seconds):
    """A GoogleTest program of the build that is installed."""
    return Job(part, name, seconds, (name,))


def topic_file(name):
    return f"tests/integration/test_{name}.py"


def topic(part, name, seconds):
    """The cases of tests/integration/test_NAME.py."""
    return Job(part, name, seconds, (*PYTEST, topic_file(name)))


def cases(part, name, seconds, topics, *words):
    """Some cases of these topics, or all with a control: the words are pytest's."""
    return Job(part, name, seconds, (*PYTEST, *map(topic_file, topics.split()), *words))


def command(part, name, seconds, *words):
    return Job(part, name, seconds, words)


LIMITS = "resources_in_force resources_values update"
# A new topic of the integration cases gets a row here, or stands in NATIVELY. EVERYDAY is of scripts/test, one boot for what
# only a guest can: limits and systemd. The others are of the deep tier: what cannot be tested on every machine, or is
# another thing on another kernel; what passes everywhere is in the rest. The seconds are those that the suite prints;
# they share the jobs out evenly and set the deadlines.
JOBS = [
    # One run: pytest begins slowly there. Without what takes two processors.
    cases(EVERYDAY, "limits and systemd", 110, "limits_systemd removal_systemd resources_values systemd", "-k",
          "not test_value[cpus] and not test_value[one and not everything_at_once"),

    program(PLAIN, "test_base_kernel", 2),
    program(PLAIN, "test_cgroups_kernel", 4),
    program(PLAIN, "test_namespaces_kernel", 1),
    program(PLAIN, "test_process_kernel", 1),
    program(PLAIN, "test_rootfs_kernel", 5),
    program(PLAIN, "test_runtime_kernel", 6),
    program(PLAIN, "test_seccomp_kernel", 4),
    cases(PLAIN, "with CAP_SYS_RESOURCE", 4, "limits oom exec_process", "-k",
          "rlimit_above_the_callers or test_lowered or a_lower_oom_score_adj"),
    cases(PLAIN, "events: keys", 4, "events", "-k", "the_keys_of_runc"),
    topic(PLAIN, "apparmor", 16),
    topic(PLAIN, "bundles", 20),
    topic(PLAIN, "cgroup_identity", 5),
    topic(PLAIN, "cgroup_removal", 10),
    topic(PLAIN, "delegation", 8),
    topic(PLAIN, "devices", 6),
    topic(PLAIN, "events_resources", 18),
    topic(PLAIN, "exec_apparmor", 9),
    topic(PLAIN, "exec_cgroup", 11),
    topic(PLAIN, "mounts", 14),
    topic(PLAIN, "nested", 10),
    topic(PLAIN, "resources_refusals", 6),
    topic(PLAIN, "resources_unlimited", 3),
    topic(PLAIN, "user_namespace", 9),

    topic(PLAIN_WIDE, "resources_in_force", 36),
    topic(PLAIN_WIDE, "resources_values", 12),
    topic(PLAIN_WIDE, "update", 25),

    cases(SYSTEMD, "device_update: daemon-reload", 4, "device_update", "-k", "daemon_reload"),
    cases(SYSTEMD, "features: annotations", 4, "features", "-k", "if_it_goes_to_systemd"),
    topic(SYSTEMD, "administrator", 20),
    topic(SYSTEMD, "cgroup_identity", 5),
    topic(SYSTEMD, "exec_cgroup", 12),
    topic(SYSTEMD, "faults_systemd", 16),
    topic(SYSTEMD, "limits_systemd", 29),
    topic(SYSTEMD, "nested_systemd", 36),
    topic(SYSTEMD, "removal_systemd", 21),
    topic(SYSTEMD, "rootless_systemd", 26),
    topic(SYSTEMD, "systemd", 49),

    program(OLDEST, "test_base_kernel", 2),
    program(OLDEST, "test_cgroups_kernel", 4),
    program(OLDEST, "test_namespaces_kernel", 1),
    program(OLDEST, "test_process_kernel", 1),
    program(OLDEST, "test_rootfs_kernel", 3),
    program(OLDEST, "test_runtime_kernel", 6),
    program(OLDEST, "test_seccomp_kernel", 5),
    topic(OLDEST, "devices", 7),
    topic(OLDEST, "mounts", 14),
    topic(OLDEST, "pause", 13),
    topic(OLDEST, "resources_in_force", 37),
    topic(OLDEST, "run", 11),

    cases(SYSTEMD_REST, "systemd driver, runc as the control", 80, "systemd limits_systemd removal_systemd rootless_systemd",
          "--control", "runc"),

    command(PLAIN_REST, "escape: watchers", 94, *PYTEST, "tests/escape", "--patience", "6", "-k", "whoever_joins"),
    cases(PLAIN_REST, "apparmor, runc as the control", 34, "apparmor", "--control", "runc"),
    cases(PLAIN_REST, "events, runc as the control", 60, "events_resources events", "--control", "runc", "-k",
          "events_resources or test_ends or test_one_each or test_a_created or it_sleeps or twenty"),
    topic(PLAIN_REST, "credentials", 16),
    topic(PLAIN_REST, "device_update", 42),
    topic(PLAIN_REST, "exec_seccomp", 7),
    topic(PLAIN_REST, "features", 30),
    topic(PLAIN_REST, "features_mounts", 40),
    topic(PLAIN_REST, "features_seccomp", 15),
    topic(PLAIN_REST, "host_sysfs", 5),
    topic(PLAIN_REST, "idmap", 13),
    topic(PLAIN_REST, "joins", 19),
    topic(PLAIN_REST, "keyring", 5),
    topic(PLAIN_REST, "labels", 4),
    topic(PLAIN_REST, "limits", 20),
    topic(PLAIN_REST, "mount_options", 46),
    topic(PLAIN_REST, "namespaces", 11),
    topic(PLAIN_REST, "intel_rdt", 20),
    topic(PLAIN_REST, "memory_policy", 3),
    topic(PLAIN_REST, "net_devices", 55),
    topic(PLAIN_REST, "no_openat2", 26),
    topic(PLAIN_REST, "no_pivot", 7),
    topic(PLAIN_REST, "oom", 8),
    topic(PLAIN_REST, "overlay", 13),
    topic(PLAIN_REST, "pause", 18),
    topic(PLAIN_REST, "propagation", 20),
    topic(PLAIN_REST, "root_propagation", 8),
    topic(PLAIN_REST, "rootless", 37),
    topic(PLAIN_REST, "scheduling", 9),
    topic(PLAIN_REST, "seccomp", 16),
    topic(PLAIN_REST, "seccomp_listener", 6),
    topic(PLAIN_REST, "shared_mounts", 20),
    topic(PLAIN_REST, "stage", 7),
    topic(PLAIN_REST, "sysctl", 9),

    cases(PLAIN_WIDE_REST, "limits, runc as the control", 75, LIMITS, "--control", "runc"),
    cases(PLAIN_WIDE_REST, "limits, crun as the control", 75, LIMITS, "--control", "crun"),

    topic(OLDEST_REST, "events_resources", 22),
    topic(OLDEST_REST, "exec", 25),
    topic(OLDEST_REST, "host_sysfs", 6),
    topic(OLDEST_REST, "joins", 19),
    topic(OLDEST_REST, "lifecycle", 23),
    topic(OLDEST_REST, "memory_policy", 3),
    topic(OLDEST_REST, "mount_options", 46),
    topic(OLDEST_REST, "namespaces", 12),
    topic(OLDEST_REST, "no_pivot", 7),
    topic(OLDEST_REST, "notify_socket", 25),
    topic(OLDEST_REST, "overlay", 14),
    topic(OLDEST_REST, "propagation", 21),
    topic(OLDEST_REST, "root_propagation", 8),
    topic(OLDEST_REST, "rootless", 35),
    topic(OLDEST_REST, "seccomp", 16),
    topic(OLDEST_REST, "seccomp_listener", 5),
    topic(OLDEST_REST, "shared_mounts", 20),
    topic(OLDEST_REST, "stage", 7),
    topic(OLDEST_REST, "user_namespace", 16),
]
# Topics with little kernel in them, or with much time: what they say natively holds in a guest.
NATIVELY = {
    "bad_input", "bundle_themes", "caller_io", "caller_meetings", "damaged_records", "debian", "descriptors",
    "environment",
    "error_texts", "events", "exec", "exec_affinity", "exec_attached", "exec_flags", "exec_lifecycle", "exec_policy",
    "exec_privileges", "exec_process", "exec_refusals", "exec_rootless", "exec_user", "exit_codes", "held", "hook_edges",
    "hooks", "hooks_failure", "hooks_hostile", "hooks_killing", "hooks_meanwhile", "hooks_time", "hooks_together",
    "hygiene", "interrupts", "keep", "kill", "lifecycle", "listing", "log_services", "many", "notify_socket", "parser", "paths",
    "pause_deadline", "probes", "ps", "quickly_dying", "readme", "refusals", "run",
    "socket_activation", "spec_from", "standard", "stdio_relay", "systemd_missing", "terminal", "terminal_attached",
    "terminal_exec", "terminal_jobs", "terminal_streams", "terminal_tmux",
}


def misplaced():
    """What is wrong with the table, in sentences."""
    there = {path.stem.removeprefix("test_") for path in (PROJECT / "tests/integration").glob("test_*.py")}
    listed = {job.name for job in JOBS if job.command[-1] == topic_file(job.name)}
    return ([f"test_{name}.py has no place in tests/vm/parts.py" for name in sorted(there - listed - NATIVELY)]
            + [f"tests/vm/parts.py names {name}, and there is no test_{name}.py"
               for name in sorted((listed | NATIVELY) - there)])


@dataclasses.dataclass
class Shard:
    """What one guest does."""
    part: Part
    number: str  # "2/3"
    jobs: list

    @property
    def name(self):
        return self.part.name if self.part.guests == 1 else f"{self.part.name} {self.number}"

    @property
    def seconds(self):
        return sum(job.seconds for job in self.jobs)

    @property
    def deadline(self):
        return 120 + 12 * self.seconds


def share_out(part):
    """The heaviest job first, each to the guest that has least to do."""
    shards = [Shard(part, f"{number}/{part.guests}", []) for number in range(1, part.guests + 1)]
    for job in sorted((job for job in JOBS if job.part is part), key=lambda job: -job.seconds):
        min(shards, key=lambda shard: shard.seconds).jobs.append(job)
    return shards


# The guests of the suite. The longest come first, so that two that run at a time end together.
SHARDS = sorted((shard for part in dict.fromkeys(job.part for job in JOBS) for shard in share_out(part)),
                key=lambda shard: -shard.seconds)


def shard(part, number):
    """What `tests/vm/suite PART NUMBER/COUNT` does."""
    return next(each for each in SHARDS if (each.part.name, each.number) == (part, number))
