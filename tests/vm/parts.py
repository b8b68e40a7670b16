# SPDX-License-Identifier: Apache-2.0
"""What runs in which guest: the one table to which a topic is added."""

import dataclasses
import pathlib

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
INTEGRATION = "tests/integration/run"


@dataclasses.dataclass(frozen=True)
class Part:
    """A kind of guest. Its jobs run one after another, shared out among `guests` of them."""
    name: str
    guests: int = 1
    kernel: str = "6.1"
    systemd: bool = False
    cpus: int = 2  # what pins to one needs another


PLAIN = Part("plain", guests=3)
SYSTEMD = Part("systemd", systemd=True)
OLDEST = Part("oldest", kernel="5.10")
PARTS = {part.name: part for part in (PLAIN, SYSTEMD, OLDEST)}


@dataclasses.dataclass(frozen=True)
class Job:
    """A command whose last line counts its cases, or a test program (one word without a slash)."""
    part: Part
    name: str
    seconds: int  # its weight: in a guest, on a quiet machine
    command: tuple

    @property
    def deadline(self):
        """Other suites may take the machine's time meanwhile."""
        return 60 + 6 * self.seconds

    @property
    def is_program(self):
        return "/" not in self.command[0]


def program(part, name, seconds):
    """A GoogleTest program of the build that is installed."""
    return Job(part, name, seconds, (name,))


def topic(part, name, seconds):
    """The cases of tests/integration/test_NAME.py."""
    return Job(part, name, seconds, (INTEGRATION, "--topic", name))


def command(part, name, seconds, *words):
    return Job(part, name, seconds, words)


# A new topic of the integration cases gets a row here, or stands in NATIVELY. The seconds are those that the suite
# prints; they share the jobs out evenly and set the deadlines.
JOBS = [
    program(PLAIN, "test_base_kernel", 2),
    program(PLAIN, "test_cgroups_kernel", 4),
    program(PLAIN, "test_namespaces_kernel", 2),
    program(PLAIN, "test_process_kernel", 2),
    program(PLAIN, "test_rootfs_kernel", 5),
    program(PLAIN, "test_runtime_kernel", 6),
    program(PLAIN, "test_seccomp_kernel", 4),
    command(PLAIN, "apparmor, runc as the control", 30, INTEGRATION, "--control", "--topic", "apparmor"),
    command(PLAIN, "escape: watchers", 94, "tests/escape/run", "--seconds", "30", "--filter", "whoever_joins"),
    topic(PLAIN, "apparmor", 20),
    topic(PLAIN, "cgroup_identity", 6),
    topic(PLAIN, "cgroup_removal", 11),
    topic(PLAIN, "credentials", 16),
    topic(PLAIN, "delegation", 10),
    topic(PLAIN, "device_update", 32),
    topic(PLAIN, "devices", 8),
    topic(PLAIN, "events_resources", 20),
    command(PLAIN, "events, runc as the control", 52, INTEGRATION, "--control", "--filter", "events_resources:",
            "--filter", "events: ends", "--filter", "events: one_each", "--filter", "events: a_created",
            "--filter", "events: it_sleeps", "--filter", "events: twenty"),
    topic(PLAIN, "exec_cgroup", 15),
    topic(PLAIN, "exec_seccomp", 8),
    topic(PLAIN, "host_sysfs", 4),
    topic(PLAIN, "idmap", 9),
    topic(PLAIN, "joins", 18),
    topic(PLAIN, "keyring", 3),
    topic(PLAIN, "labels", 3),
    topic(PLAIN, "limits", 16),
    topic(PLAIN, "mount_options", 34),
    topic(PLAIN, "mounts", 21),
    topic(PLAIN, "namespaces", 10),
    topic(PLAIN, "nested", 13),
    topic(PLAIN, "net_devices", 41),
    topic(PLAIN, "no_openat2", 16),
    topic(PLAIN, "no_pivot", 5),
    topic(PLAIN, "oom", 6),
    topic(PLAIN, "overlay", 11),
    topic(PLAIN, "pause", 18),
    topic(PLAIN, "propagation", 17),
    topic(PLAIN, "resources_in_force", 41),
    topic(PLAIN, "resources_refusals", 8),
    topic(PLAIN, "resources_values", 11),
    topic(PLAIN, "root_propagation", 5),
    topic(PLAIN, "rootless", 28),
    topic(PLAIN, "scheduling", 8),
    topic(PLAIN, "seccomp", 13),
    topic(PLAIN, "seccomp_listener", 4),
    topic(PLAIN, "stage", 6),
    topic(PLAIN, "sysctl", 8),
    topic(PLAIN, "update", 25),
    topic(PLAIN, "user_namespace", 14),

    topic(SYSTEMD, "cgroup_identity", 7),
    topic(SYSTEMD, "exec_cgroup", 15),
    topic(SYSTEMD, "faults_systemd", 25),
    topic(SYSTEMD, "limits_systemd", 22),
    topic(SYSTEMD, "nested_systemd", 100),
    topic(SYSTEMD, "removal_systemd", 20),
    topic(SYSTEMD, "rootless_systemd", 32),
    topic(SYSTEMD, "systemd", 19),

    program(OLDEST, "test_base_kernel", 2),
    program(OLDEST, "test_cgroups_kernel", 4),
    program(OLDEST, "test_namespaces_kernel", 2),
    program(OLDEST, "test_process_kernel", 2),
    program(OLDEST, "test_rootfs_kernel", 4),
    program(OLDEST, "test_runtime_kernel", 8),
    program(OLDEST, "test_seccomp_kernel", 5),
    topic(OLDEST, "run", 11),
    topic(OLDEST, "lifecycle", 17),
    topic(OLDEST, "mounts", 20),
    topic(OLDEST, "mount_options", 30),
    topic(OLDEST, "exec", 20),
    topic(OLDEST, "seccomp", 13),
    topic(OLDEST, "user_namespace", 12),
    topic(OLDEST, "pause", 19),
    topic(OLDEST, "overlay", 12),
    topic(OLDEST, "propagation", 15),
    topic(OLDEST, "root_propagation", 6),
    topic(OLDEST, "rootless", 23),
    topic(OLDEST, "no_pivot", 5),
    topic(OLDEST, "devices", 10),
    topic(OLDEST, "stage", 8),
    topic(OLDEST, "namespaces", 10),
    topic(OLDEST, "joins", 15),
    topic(OLDEST, "host_sysfs", 6),
    topic(OLDEST, "seccomp_listener", 5),
    topic(OLDEST, "resources_in_force", 47),
    topic(OLDEST, "events_resources", 21),
]
# Topics with little kernel in them, or with much time: what they say natively holds in a guest.
NATIVELY = {
    "bad_input", "debian", "descriptors", "environment", "events", "exec", "exec_affinity", "exec_apparmor",
    "exec_attached", "exec_flags", "exec_lifecycle", "exec_policy", "exec_privileges", "exec_process", "exec_refusals", "exec_rootless",
    "exec_user", "exit_codes", "hook_edges", "hooks", "hooks_failure", "hooks_hostile", "hooks_killing",
    "hooks_meanwhile", "hooks_time", "hooks_together", "hygiene", "keep", "kill", "lifecycle", "listing", "many",
    "notify_socket", "parser", "paths", "pause_deadline", "ps", "quickly_dying", "readme", "run", "socket_activation",
    "stdio_relay", "systemd_missing", "terminal", "terminal_attached", "terminal_exec", "terminal_jobs",
    "terminal_streams", "terminal_tmux",
}


def misplaced():
    """What is wrong with the table, in sentences."""
    there = {path.stem.removeprefix("test_") for path in (PROJECT / "tests/integration").glob("test_*.py")}
    listed = {job.name for job in JOBS if job.command[:2] == (INTEGRATION, "--topic")}
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
        return 120 + 4 * self.seconds


def share_out(part):
    """The heaviest job first, each to the guest that has least to do."""
    shards = [Shard(part, f"{number}/{part.guests}", []) for number in range(1, part.guests + 1)]
    for job in sorted((job for job in JOBS if job.part is part), key=lambda job: -job.seconds):
        min(shards, key=lambda shard: shard.seconds).jobs.append(job)
    return shards


# The guests of the suite. The longest come first, so that two that run at a time end together.
SHARDS = sorted((shard for part in PARTS.values() for shard in share_out(part)), key=lambda shard: -shard.seconds)


def shard(part, number):
    """What `tests/vm/suite PART NUMBER/COUNT` does."""
    return next(each for each in SHARDS if (each.part.name, each.number) == (part, number))
