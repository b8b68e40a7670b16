# SPDX-License-Identifier: Apache-2.0
"""The exact text that the probe has to print in a container of a given config.json.

Written from the standard and the manual pages of the kernel, not from any runtime's code. Where the standard is
silent, it is what runc documents or does, and the comment says so.
"""

import posixpath

import creds
import expected_files
import facts as host_facts
import seccomp_rules
from expected_mounts import Table

UNLIMITED = 2**64 - 1
LIMITS = ("cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime").split()
KERNEL_NAMES = {"mnt": "mount", "net": "network", "pid_for_children": "pid", "time_for_children": "time"}
POLICIES = ["other", "fifo", "rr", "batch", "iso", "idle", "deadline"]
SCHEDULER_FLAGS = {"SCHED_FLAG_RESET_ON_FORK": 1, "SCHED_FLAG_RECLAIM": 2, "SCHED_FLAG_DL_OVERRUN": 4}
IO_CLASSES = ["none", "realtime", "best-effort", "idle"]
IO_NAMES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}


def quoted(text):
    """As the probe writes it: printable ASCII but the backslash, all else in hexadecimal."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02x}" for byte in text.encode())


class Expectation:
    """`how` is what the harness chose: descriptors (kinds), cgroup (path of the container's cgroup)."""

    def __init__(self, config, facts, bundle, how):
        self.config, self.facts, self.how = config, facts, how
        self.process, self.linux = config["process"], config["linux"]
        self.own = {each["type"] for each in self.linux.get("namespaces", [])}
        self.joined = {each["type"] for each in self.linux.get("namespaces", []) if each.get("path")}
        self.user = self.process.get("user", {})
        self.credentials = creds.after_execve(config, facts)
        self.table = Table(config, facts, bundle, how["cgroup"])
        self.proc = any(mount.point == "/proc" and mount.kind == "proc" for mount in self.table.list)
        self.out = []

    def say(self, key, value):
        self.out.append(f"{key}={value}")

    def from_proc(self, key, value):
        """Without a mount of proc there is nothing to read."""
        self.say(key, value if self.proc else "ENOENT")

    def text(self):
        self.say("witness", 1)
        self.descriptors()
        self.program()
        self.identity()
        self.flags()
        self.session()
        self.limits()
        self.scheduling()
        self.keyring()
        self.namespaces()
        self.system()
        self.network()
        self.mounts()
        expected_files.tell(self)
        self.calls()
        self.say("end", "witness")
        return "\n".join(self.out) + "\n"

    def descriptors(self):
        """config.md, "process": nothing but 0 to 2 may be open."""
        for number in range(3):
            if self.process.get("terminal"):
                self.say(f"descriptor.{number}", f"pty read-write owner {self.user.get('uid', 0)}:5")
            else:
                self.say(f"descriptor.{number}", self.how["descriptors"][number])

    def program(self):
        for number, argument in enumerate(self.process["args"]):
            self.say(f"argument.{number}", quoted(argument))
        environment = list(self.process.get("env") or [])
        if not any(entry.startswith("HOME=") for entry in environment):  # as runc
            hidden = "/etc/passwd" in (self.linux.get("maskedPaths") or [])
            homes = {} if hidden else {0: "/root", 1000: "/home/bob"}
            environment.append(f"HOME={homes.get(self.user.get('uid', 0), '/')}")
        for number, entry in enumerate(environment):
            self.say(f"environment.{number}", quoted(entry))
        self.from_proc("executable", self.process["args"][0])
        self.say("name", posixpath.basename(self.process["args"][0])[:15])
        self.say("at_secure", 0)

    def identity(self):
        for kind in ("uid", "gid"):
            self.say(kind, " ".join([str(self.user.get(kind, 0))] * 4))
        self.say("groups", " ".join(map(str, self.credentials.groups)) or "none")
        self.say("umask", f"{self.user.get('umask', 0o022):04o}")  # unset: runc's 0022
        for kind in ("bounding", "effective", "permitted", "inheritable", "ambient"):
            self.say(f"capabilities.{kind}", creds.in_order(getattr(self.credentials, kind)))

    def flags(self):
        seccomp = self.linux.get("seccomp")
        self.say("no_new_privs", int(bool(self.process.get("noNewPrivileges"))))
        self.say("seccomp.mode", "filter" if seccomp else "none")
        self.from_proc("seccomp.filters", 1 if seccomp else 0)
        # prctl(2), PR_SET_DUMPABLE: an execve that gains capabilities leaves fs.suid_dumpable
        self.say("dumpable", self.facts.sysctls["fs/suid_dumpable"] if self.credentials.gained else 1)
        for key, value in (("securebits", "0x0"), ("keepcaps", 0), ("parent_death_signal", 0), ("child_subreaper", 0)):
            self.say(key, value)
        self.say("personality", {"LINUX32": "0x8"}.get((self.linux.get("personality") or {}).get("domain"), "0x0"))
        self.from_proc("label", self.facts.label)
        self.from_proc("oom_score_adj", self.process.get("oomScoreAdj", self.facts.oom_score_adj))
        self.from_proc("coredump_filter", self.facts.coredump_filter)
        self.say("signals.blocked", "none")
        self.say("signals.ignored", "none")

    def session(self):
        alone = "pid" in self.own
        self.say("pid", 1 if alone else "another")
        self.say("parent", "outside" if alone else "visible")
        self.say("group", "leader")
        self.say("session", "leader")
        terminal = bool(self.process.get("terminal"))
        self.say("stdio_terminals", "1 1 1" if terminal else "0 0 0")
        self.say("terminal", "ok" if terminal else "ENXIO")
        if terminal:
            size = self.process.get("consoleSize") or {"height": 0, "width": 0}
            self.say("terminal.size", f"{size['height']} rows {size['width']} columns")
            self.say("terminal.session", "own")
            self.say("terminal.foreground", "own")
            self.say("terminal.modes", "icanon echo isig opost")

    def limits(self):
        given = {each["type"].removeprefix("RLIMIT_").lower(): (each["soft"], each["hard"])
                 for each in self.process.get("rlimits") or []}
        for name in LIMITS:
            pair = given.get(name, self.facts.limits[name])
            shown = ["unlimited" if value in (-1, UNLIMITED) else str(value) for value in pair]
            self.say(f"limit.{name}", " ".join(shown))

    def scheduling(self):
        policy, nice, priority = self.facts.scheduler
        asked = self.process.get("scheduler")
        bits = 0
        if asked:
            policy = POLICIES.index(asked["policy"].removeprefix("SCHED_").lower())
            nice, priority = asked.get("nice", 0), asked.get("priority", 0)
            bits = sum(SCHEDULER_FLAGS[flag] for flag in asked.get("flags") or [])
        self.say("scheduler", f"{POLICIES[policy]} flags 0x{bits:x} nice {nice} priority {priority}")
        wanted = self.process.get("ioPriority")
        number = (IO_NAMES[wanted["class"]] << 13 | wanted.get("priority", 0)) if wanted else self.facts.io_priority
        self.say("io_priority", f"{IO_CLASSES[number >> 13]} {number & 7}")
        self.say("cpus", self.facts.cpus)
        self.say("timer_slack", self.facts.timer_slack_of(policy))
        self.say("memory_policy", self.facts.memory_policy)

    def keyring(self):
        """The standard is silent: a new one without a name, and for nobody but those who possess it."""
        self.say("keyring", "keyring;0;0;3f000000;_ses")
        self.say("keyring.keys", 0)
        self.say("keyring.key_of_the_caller", "ENOKEY")

    def namespaces(self):
        if not self.proc:
            self.say("namespaces", "ENOENT")
        for name in self.facts.namespaces if self.proc else ():
            self.say(f"namespace.{name}", "own" if KERNEL_NAMES.get(name, name) in self.own else "host")
        for key in ("uid_map", "gid_map"):
            maps = self.linux.get(key.replace("_map", "Mappings"))
            lines = [f"{each['containerID']} {each['hostID']} {each['size']}" for each in maps or []]
            self.from_proc(key, ";".join(lines) or " ".join(self.facts.id_maps[key].split()))
        self.from_proc("setgroups", self.facts.id_maps["setgroups"])
        offsets = self.linux.get("timeOffsets") or {}
        values = [f"{clock} {offsets.get(clock, {}).get('secs', 0)} {offsets.get(clock, {}).get('nanosecs', 0)}"
                  for clock in ("monotonic", "boottime")]
        self.from_proc("timens_offsets", ";".join(values))
        self.from_proc("cgroup", ";".join(self.cgroup_of(line) for line in self.facts.cgroups))

    def cgroup_of(self, line):
        number, controllers, path = line.split(":", 2)
        if "cgroup" in self.own:
            path = "/"
        elif number == "0":
            path = self.how["cgroup"]
        return f"{number}:{controllers}:{path}"

    def sysctl_value(self, name):
        asked = {key.replace(".", "/"): value for key, value in (self.linux.get("sysctl") or {}).items()}
        if name in asked:
            return asked[name]
        if name in self.how["of_the_holder"] and self.joined:
            return self.how["of_the_holder"][name]
        if name == "net/ipv4/ping_group_range" and "user" in self.own:
            return "65534\t65534"  # two groups of the machine: none of them is in the namespace
        for kind, names in host_facts.NAMESPACED.items():
            if name in names and kind in self.own:
                return self.facts.fresh[name]
        if name in ("kernel/hostname", "kernel/domainname"):
            return self.name(name.removeprefix("kernel/"))
        return self.facts.sysctls.get(name) or host_facts.sysctl(name)

    def sysctl(self, name):
        """proc(5): mode bits count, capabilities do not; root is the root of the machine."""
        status = host_facts.Facts.node(f"/proc/sys/{name}")
        namespaced = name.startswith("net/")
        if self.proc and status and not namespaced:
            owner = self.user.get("uid", 0) == 0 and self.credentials.host_root
            group = self.user.get("gid", 0) == 0 and self.credentials.host_root
            if not status.st_mode >> (6 if owner else 3 if group else 0) & 4:
                return "EACCES"
        return quoted(self.sysctl_value(name))

    def name(self, kind):
        inherited = self.how["of_the_holder"].get(kind) if "uts" in self.joined else None
        return self.config.get(kind) or inherited or getattr(self.facts, kind)

    def system(self):
        self.say("hostname", self.name("hostname"))
        self.say("domainname", self.name("domainname"))
        short = (self.linux.get("personality") or {}).get("domain") == "LINUX32"
        machine = self.facts.machine
        self.say("machine", {"x86_64": "i686"}.get(machine, machine) if short else machine)
        self.say("processes", "none" if not self.proc else "only this" if "pid" in self.own else "others")
        names = ["kernel/hostname", "kernel/domainname", *host_facts.NAMESPACED["ipc"],
                 *host_facts.NAMESPACED["network"], *host_facts.MACHINE]
        for name in names + self.how["sysctls"]:
            self.from_proc(f"sysctl.{name}", self.sysctl(name))

    def network(self):
        """config-linux.md, "network": own interfaces; `lo` up as in runc."""
        there = self.facts.new_network if "network" in self.own else self.facts.host_network
        for name, up in sorted(there.items()):  # whoever made a namespace that is joined decides about its `lo`
            self.say(f"network.{name}", "up" if up and "network" not in self.joined else "down")

    def mounts(self):
        if not self.proc:
            self.say("mounts", "ENOENT")
        else:
            self.out += self.table.lines()

    def calls(self):
        have, rules = self.credentials.effective, seccomp_rules.answers(self.linux.get("seccomp"))

        def need(capability, allowed, of_the_machine=False):
            held = capability in have and (self.credentials.host_root or not of_the_machine)
            return allowed if held else "EPERM"

        # user_namespaces(7): whether a namespace's owner is ours decides
        uts = need("sys_admin", "EINVAL", "uts" not in self.own)
        answers = {
            "sethostname": uts, "setdomainname": uts, "swapoff": need("sys_admin", "EFAULT", True),
            "reboot": need("sys_boot", "EINVAL", "pid" not in self.own), "chroot": need("sys_chroot", "ok"),
            "unshare": "ok", "setns": "EBADF", "clone3": "EINVAL", "personality_linux": "ok", "personality_bsd": "ok",
            "mkdirat": "ENOENT", "unknown": "ENOSYS"}
        for name, answer in answers.items():
            self.say(f"call.{name}", rules.get(name, answer))
