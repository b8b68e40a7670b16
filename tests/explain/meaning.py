# SPDX-License-Identifier: Apache-2.0
"""What each verb of the init lane looks like to strace: the table that explain is held against.

A meaning is a list of alternatives, each a list of regular expressions, one a call, in order. Calls that only look
(NEUTRAL) may stand between them; every other call has to be one of these.
"""

import re

NEUTRAL = {"close", "statx", "openat2", "openat", "read", "ppoll", "getcwd", "faccessat2", "geteuid", "getegid",
           "fstatfs", "socket", "clock_gettime", "mmap"}
WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")
# PTMX is opened for reading and writing; it is the one file that is.
TERMINAL = re.compile(r'^openat\(\d+<[^>]*>, "ptmx", O_RDWR')
# A mount that a step finds by its descriptor.
FOUND = re.compile(r"^fcntl\(\d+<[^>]*>, F_DUPFD_CLOEXEC, 0\) = \d+")
LOOKING_IOCTL = re.compile(r"^ioctl\(\d+<[^>]*>, SIOCGIFFLAGS,")

CAPABILITIES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT "
    "SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP "
    "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()
ATTRIBUTES = {"ro": "RDONLY", "nosuid": "NOSUID", "nodev": "NODEV", "noexec": "NOEXEC", "noatime": "NOATIME",
              "strictatime": "STRICTATIME", "nodiratime": "NODIRATIME", "nosymfollow": "NOSYMFOLLOW"}
ATTACHED = r'move_mount\(\d+<[^>]*>, "", \d+<{}>, "", MOVE_MOUNT_F_EMPTY_PATH\|MOVE_MOUNT_T_EMPTY_PATH\) = 0'
FD = r"\d+<[^>]*>"


def is_neutral(call):
    """A call that changes nothing."""
    name = call.partition("(")[0]
    if name in ("openat", "openat2"):
        return not WRITES.search(call) or bool(TERMINAL.match(call))
    looks = FOUND.match(call) or LOOKING_IOCTL.match(call) or call.startswith("prlimit64(0, RLIMIT_NOFILE, NULL")
    return name in NEUTRAL or bool(looks)


def attached(target):
    """A move_mount that ends at the target."""
    return ATTACHED.format(re.escape(target))


def tail(path):
    """The path from the root, or what of it lies beneath a mount or a directory that was found before."""
    names = [re.escape(name) for name in path.strip("/").split("/")]
    return "(" + "|".join("/".join(names[at:]) for at in range(len(names))) + ")"


def absent(path):
    """The look that finds nothing."""
    return rf'openat2\({FD}, "{tail(path)}", .* = -1 (ENOENT|ENOTDIR) .*'


def made(name, last="mkdirat"):
    """A missing component of a target, made."""
    kind = {"mkdirat": "0755", "mknodat": r"S_IFREG\|0644(, 0)?"}[last]
    return rf'{last}\({FD}, "{re.escape(name)}", {kind}\) = 0'


def with_made(target, *patterns):
    """The same, with as many of the target's last components made first as were missing."""
    names = target.strip("/").split("/")
    makings = [[made(name) for name in names[at:]] for at in range(len(names) + 1)]
    files = [[*making[:-1], made(names[-1], "mknodat")] for making in makings if making]
    return [[*making, *patterns] for making in makings + files]


def flags(prefix, words):
    """strace's `A|B` in any order, or 0."""
    if not words:
        return "0"
    return "".join(rf"(?=[^,)]*\b{prefix}{word}\b)" for word in words) + r"[A-Z_|]+"


def option(text):
    """One fsconfig call."""
    key, separator, value = text.partition("=")
    if separator:
        return rf'fsconfig\({FD}, FSCONFIG_SET_STRING, "{re.escape(key)}", "{re.escape(value)}", 0\) = 0'
    return rf'fsconfig\({FD}, FSCONFIG_SET_FLAG, "{re.escape(key)}", NULL, 0\) = 0'


def filesystem(kind, options, attributes, target):
    """From fsopen to move_mount."""
    return [rf'fsopen\("{kind}", FSOPEN_CLOEXEC\) = {FD}', rf'fsconfig\({FD}, FSCONFIG_SET_STRING, "source", .*',
            *options, rf"fsconfig\({FD}, FSCONFIG_CMD_CREATE, NULL, NULL, 0\) = 0",
            rf"fsmount\({FD}, FSMOUNT_CLOEXEC, {flags('MOUNT_ATTR_', attributes)}\) = {FD}", attached(target)]


def mount_filesystem(what):
    kind, target, words = re.fullmatch(r"(\S+) on (\S+?)(?: \((.*)\))?", what).groups()
    words = words.split(",") if words else []
    attributes = [ATTRIBUTES[word] for word in words if word in ATTRIBUTES]
    own = [option(word) for word in words if word not in ATTRIBUTES]
    inherited = [option("mode=dummy").replace("dummy", r"\d+")] if kind == "tmpfs" else []
    plain = filesystem(kind, own, attributes, target)
    opened = [[*joined_procfs(result), *plain[1:]] for result in (True, False)] if kind == "proc" else []
    return [*with_made(target, *plain), *(making for each in opened for making in with_made(target, *each)),
            filesystem(kind, [*inherited, *own], attributes, target)]


def joined_procfs(by_parameter):
    """The procfs of a joined pid namespace: by the parameter of 6.17, or opened by a child."""
    told = rf'fsconfig\({FD}, FSCONFIG_SET_FD, "pidns", NULL, {FD}\) = '
    child = [r"clone\(.*CLONE_FILES\|SIGCHLD.*\) = \d+.*", r"wait4\(.*"]
    return [rf'fsopen\("proc", FSOPEN_CLOEXEC\) = {FD}', *([told + "0"] if by_parameter else [told + "-1 EINVAL.*", *child])]


def make_device(what):
    path, kind, major, minor, mode, uid, gid = re.fullmatch(
        r"(\S+) ([bcp]) (\d+):(\d+) mode (\d+) owner (\d+):(\d+)", what).groups()
    directory, _, name = path.rpartition("/")
    file_type = {"b": "S_IFBLK", "c": "S_IFCHR", "p": "S_IFIFO"}[kind]
    device = "(, 0)?" if kind == "p" else rf", makedev\({int(major):#x}, {number(minor)}\)"
    node = rf'mknodat\(\d+<{directory or "/"}>, "{name}", {file_type}\|0{mode}{device}\) = 0'
    owned = [rf'fchownat\(\d+<{path}>, "", {uid}, {gid}, AT_EMPTY_PATH\) = 0']
    return [[node, *(owned if (uid, gid) != ("0", "0") else [])]]


def number(text):
    """strace writes 0 as it is and all else in hexadecimal."""
    return f"{int(text):#x}" if int(text) else "0"


def make_link(what):
    path, target = what.split(" -> ")
    directory, _, name = path.rpartition("/")
    return [[rf'symlinkat\("{re.escape(target)}", \d+<{directory}>, "{name}"\) = 0'], [absent(target)]]


OVER_ROOT = rf'move_mount\({FD}, "", AT_FDCWD(<[^>]*>)?, "/", MOVE_MOUNT_F_EMPTY_PATH\) = 0'


def root_attached(what):
    """Over "/", or where hooks expect it, which is then what the container calls "/": see from_root()."""
    return attached("/") if " on " in what else OVER_ROOT


def from_root(calls, steps):
    """The same calls, with the paths of descriptors as the container knows them. That of take_root is the bundle's."""
    if any(step["verb"] == "take_root" for step in steps):
        return [re.sub(r"<[^<>]*/rootfs(/?)", "</", call) for call in calls]
    places = [step["object"].partition(" on ")[2] for step in steps if step["verb"] == "attach_root"]
    if not places or not places[0]:
        return calls
    return [call.replace(f"<{places[0]}>", "</>").replace(f"<{places[0]}/", "</") for call in calls]


def mount_overlay(what):
    """A throw-away upper, given to the kernel by fsconfig: what the bundles ask for."""
    count, size = re.fullmatch(r"(\d+) layer\(s\), upper on a tmpfs of (\S+)", what).groups()
    numbered = [rf'fsconfig\({FD}, FSCONFIG_SET_STRING, "{key}", "\d+", 0\) = 0'
                for key in ["upperdir", "workdir", *["lowerdir\\+"] * int(count)]]
    tmpfs = filesystem("tmpfs", [option("mode=700"), option(f"size={size}")], ["NOSUID", "NODEV"], "")
    overlay = filesystem("overlay", [option("index=off"), *numbered], [], "")
    return [[rf"fchdir\({FD}\) = 0", *tmpfs[:-1], OVER_ROOT, rf'mkdirat\({FD}, "upper", 0\d+\) = 0',
             rf'fchownat\({FD}, "", \d+, \d+, AT_EMPTY_PATH\) = 0', rf'mkdirat\({FD}, "work", 0700\) = 0',
             *overlay[:-1], rf"fchdir\({FD}\) = 0", r'umount2\("\.", MNT_DETACH\) = 0', OVER_ROOT, rf"fchdir\({FD}\) = 0"]]


def propagation_of(word):
    """MS_* of "rslave", and whether it is recursive."""
    kind = word.removeprefix("r")
    return kind.upper(), word.startswith("r")


def set_root_propagation(what):
    kind, recursive = propagation_of(what.removeprefix("/ "))
    names = ["REC", kind] if recursive else [kind]
    return [[rf'mount\("", "/", \S+, {flags("MS_", names)}, NULL\) = 0']]


def mask_path(path):
    first = rf"open_tree\(\d+</dev/null>, .*OPEN_TREE_CLONE.* = {FD}"
    further = rf"open_tree\(\d+<(?!/dev/null>)[^>]*>, .*OPEN_TREE_CLONE.* = {FD}"
    readonly = rf"mount_setattr\({FD}, .*attr_set=MOUNT_ATTR_RDONLY.* = 0.*"
    empty = filesystem("tmpfs", [option(word) for word in ("nr_blocks=1", "nr_inodes=1", "mode=555")],
                       ["RDONLY", "NOSUID", "NODEV", "NOEXEC"], path)
    return [empty, [first, readonly, attached(path)], [further, attached(path)], [absent(path)]]


def protect_path(what):
    path = what.removesuffix(" read-only")
    return [[rf"open_tree\(\d+<{re.escape(path)}>, .*OPEN_TREE_CLONE.*AT_RECURSIVE\) = {FD}",
             rf"mount_setattr\({FD}, .*attr_set=MOUNT_ATTR_RDONLY.* = 0.*", attached(path)], [absent(path)]]


def make_directory(what):
    path = what.removesuffix(" if missing").removeprefix("/")
    makings = [making for making in with_made(path) if making]
    return [*makings, [rf'openat2\({FD}, "{tail(path)}", .* = {FD}'], [rf"fcntl\({FD}, F_DUPFD_CLOEXEC, 0\) = {FD}"]]


def hold_directory(what):
    path = what.removesuffix(" for what lies below")
    return [[rf'openat2\({FD}, "{tail(path)}", .* = {FD}'], [absent(path)]]


def compare_place(what):
    """From the root, as a program in the container would."""
    path = re.escape(what.removesuffix(" with what was attached there").removeprefix("/"))
    return [[rf'openat2\({FD}, "{path}", .*']]


def open_terminal(what):
    uid = re.search(r"owner (\d+)", what)[1]
    taken = [r"sendmsg\(.*SCM_RIGHTS.*", *[rf"dup3\({FD}, {i}(<[^>]*>)?, 0\) = {i}.*" for i in range(3)]]
    opened = [rf"ioctl\({FD}, TIOCSPTLCK, \[0\]\) = 0", rf"ioctl\({FD}, TIOCGPTPEER, .*",
              rf"fchown\({FD}, {uid}, -1\) = 0"]
    return [[*opened, *taken]]


def mount_console(what):
    bound = [r"open_tree\(0(<[^>]*>)?, .*OPEN_TREE_CLONE.*", attached(what)]
    return [[made("console", "mknodat"), *bound], bound]


def replace_null(what):
    look = rf'openat\({FD}, "null", O_RDWR\|O_NOCTTY\|O_NOFOLLOW\|O_CLOEXEC\) = '
    replaced = [look + FD, rf"dup3\({FD}, [012](<[^>]*>)?, 0\) = [012].*"]
    return [*(replaced * count for count in (3, 2, 1)), [look + "-1 ENOENT.*"], []]


def spread(words):
    """mount_setattr, at most once for each word: attributes go together, each propagation by itself."""
    return [[rf"mount_setattr\({FD}, .* = 0.*"] * count for count in range(len(words) + 1)]


def words_in_brackets(what):
    """What stands in the last pair of brackets, by commas."""
    found = re.search(r"\(([^()]*)\)$", what)
    return found[1].split(",") if found else []


def clone_source(what):
    recursive = r".*AT_RECURSIVE.*" if " recursively" in what else ".*"
    cloned = rf"open_tree\({FD}, .*OPEN_TREE_CLONE{recursive} = {FD}"
    return [[cloned, *settings] for settings in reversed(spread(words_in_brackets(what)))]


def remount(what):
    words = words_in_brackets(what)
    picked = [rf'fspick\({FD}, "", FSPICK_CLOEXEC\|FSPICK_EMPTY_PATH\) = {FD}',
              *[option(word) for word in words if "=" in word], rf"fsconfig\({FD}, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0\) = 0"]
    return [[*picked, *settings] for settings in reversed(spread(words))]


def attach_tree(what):
    target = what.removeprefix("on ").partition(" (")[0]
    return [making for settings in reversed(spread(words_in_brackets(what)))
            for making in with_made(target, *settings, attached(target))]


def hide_kernel_mounts(what):
    return [[rf'umount2\("{re.escape(path)}", MNT_DETACH\|UMOUNT_NOFOLLOW\) = (0|-1 ENOENT .*)' for path in what.split(",")]]


def open_procfs(what):
    made = [r'fsopen\("proc", FSOPEN_CLOEXEC\) = ' + FD, rf"fsconfig\({FD}, FSCONFIG_CMD_CREATE, NULL, NULL, 0\) = 0",
            rf"fsmount\({FD}, FSMOUNT_CLOEXEC, {flags('MOUNT_ATTR_', ['NOSUID', 'NODEV', 'NOEXEC'])}\) = {FD}"]
    hosts = [rf'openat2\(AT_FDCWD.*, "/proc", .* = {FD}']
    return [hosts] if what == "the host's" else [made, [made[0].replace(FD, "-1 EPERM.*"), *hosts]]


def written(value):
    """One write(2) of all of it."""
    shown = re.escape(value.replace("\n", "\\n"))
    return rf'write\({FD}, "{shown}", {len(value)}\) = {len(value)}'


def set_sysctl(what):
    path, value = what.removeprefix("/proc/sys/").split(" = ", 1)
    return [[rf'openat2\({FD}, "{re.escape(path)}", {{flags=O_WRONLY.* = {FD}', written(value)]]


def set_time_offsets(what):
    return [[r"prctl\(PR_SET_DUMPABLE, SUID_DUMP_USER.*\) = 0", rf'openat2\({FD}, "self/timens_offsets", {{flags=O_WRONLY.* = {FD}',
             r"prctl\(PR_SET_DUMPABLE, SUID_DUMP_DISABLE.*\) = 0", written(what.replace(";", "\n"))]]


def set_label(what):
    _, attribute, value = what.split(" ", 2)
    return [[rf'openat2\({FD}, "thread-self/attr/.*{attribute}", {{flags=O_RDWR.*', written(value), rf"pread64\({FD}, .*"],
            [rf'openat2\({FD}, "thread-self/attr/.*', rf'openat2\({FD}, "thread-self/attr/{attribute}", .*', written(value),
             rf"pread64\({FD}, .*"]]


def set_scheduler(what):
    nice = re.search(r"nice (-?\d+)", what)[1]
    return [[rf"sched_setattr\(0, {{size=\d+, sched_policy=.*sched_nice={nice}, .*}}, 0\) = 0"]]


def assume_ids(what):
    uid, gid = re.match(r"user (\d+) group (\d+)", what).groups()
    return [[rf"setresgid\({gid}, {gid}, {gid}\) = 0", rf"setresuid\({uid}, {uid}, {uid}\) = 0"]]


def clone_flag(word):
    """CLONE_NEW* of a kind of namespace; strace 6.1 does not know the youngest in every call."""
    known = {"mount": "CLONE_NEWNS", "network": "CLONE_NEWNET", "time": "(CLONE_NEWTIME|0x80[^,)]*)"}
    return known.get(word, f"CLONE_NEW{word.upper()}")


def join_namespace(what):
    return [[rf"setns\({FD}, {clone_flag(what)}\) = 0"]]


def join_container(what):
    kinds = [clone_flag(word) for word in what.removeprefix("all of ").split(",")]
    each = "".join(rf"(?=[^)]*{kind}[|)])" for kind in kinds)
    return [[rf"setns\({FD}, {each}\w+(\|\w+){{{len(kinds) - 1}}}\) = 0"]]


def set_affinity(what):
    """Some CPUs, or as many as there can be."""
    listed = r"\d+( \d+)*" if what.startswith("to 0x") else "0 1.*"
    return [[rf"sched_setaffinity\(0, \d+, \[{listed}\](\.\.\.)?\) = 0"]]


def load_seccomp(what):
    count = what.split()[0]
    return [[rf"seccomp\(SECCOMP_SET_MODE_FILTER, [^,]+, {{len={count}, filter=.*}}\) = \d+(<.*>)?"]]


def set_rlimit(what):
    name, soft, hard = re.fullmatch(r"(RLIMIT_\w+) soft (\w+) hard (\w+)", what).groups()
    return [[rf"prlimit64\(0, {name}, {{rlim_cur={limit(soft)}, rlim_max={limit(hard)}}}, NULL\) = 0"]]


def limit(text):
    """strace writes 2048 and more as a multiple of 1024 where it is one."""
    if text == "unlimited":
        return "RLIM64_INFINITY"
    value = int(text)
    return rf"{value // 1024}\*1024" if value % 1024 == 0 and value > 1024 else str(value)


def limit_bounding(what):
    keep = int(what.removeprefix("to "), 16)
    dropped = [name for i, name in enumerate(CAPABILITIES) if not keep >> i & 1]
    return [[rf"prctl\(PR_CAPBSET_DROP, CAP_{name}(, 0)*\) = 0" for name in dropped]]


def set_groups(what):
    groups = [] if what == "none" else what.split(",")
    call = rf"setgroups\({len(groups)}, \[{', '.join(groups)}\]\) = "
    refused = [] if groups else [[call + "-1 EPERM.*", r"capget\(.*"]]  # denied in a user namespace
    return [[call + "0"], *refused]


def set_ids(what):
    uid, gid = re.fullmatch(r"user (\d+) group (\d+)", what).groups()
    return [[r"prctl\(PR_SET_KEEPCAPS, 1(, 0)*\) = 0", rf"setresgid\({gid}, {gid}, {gid}\) = 0",
             rf"setresuid\({uid}, {uid}, {uid}\) = 0"]]


def names_of(mask):
    """The capabilities of a mask."""
    return [name for i, name in enumerate(CAPABILITIES) if int(mask, 16) >> i & 1]


def set_capabilities(what):
    sets = dict(re.findall(r"(\w+) (0x[0-9a-f]+)", what))
    shown = {kind: r"\|".join(f"1<<CAP_{name}" for name in names_of(mask)) or "0" for kind, mask in sets.items()}
    three = ", ".join(f"{kind}={shown[kind]}" for kind in ("effective", "permitted", "inheritable"))
    raised = [rf"prctl\(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_{name}(, 0)*\) = 0"
              for name in names_of(sets["ambient"])]
    return [[rf"capset\({{version=_LINUX_CAPABILITY_VERSION_3, pid=0}}, {{{three}}}\) = 0",
             r"prctl\(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL(, 0)*\) = 0", *raised,
             r"prctl\(PR_SET_KEEPCAPS, 0(, 0)*\) = 0", r"prctl\(PR_SET_DUMPABLE, SUID_DUMP_DISABLE\) = 0"]]


def own_stdio(what):
    uid = what.split()[-1]
    return [[rf"fchown\([012]<[^>]*>, {uid}, -1\) = .*"] * count for count in (3, 2, 1, 0)]


def close_descriptors(what):
    first = what.split()[0]
    rest = r"close_range\(\d+, 4294967295, 0\) = 0"
    between = r"close_range\(\d+, \d+, 0\) = 0"  # the report socket, and up to two that are kept
    return [[*begin, *[between] * kept, rest] for begin in ([rf"close_range\({first}, \d+, 0\) = 0"], [])
            for kept in range(3)]


def simple(*patterns):
    """A verb whose calls do not depend on its object."""
    return lambda what: [list(patterns)]


def quoted(call, value):
    """A verb that is one call with a string."""
    return [[rf'{call}\("{re.escape(value)}", {len(value)}\) = 0']]


def mark_descriptors(what):
    """At once, or, before 5.11, those that /proc/self/fd shows."""
    call = rf"close_range\({what.split()[0]}, 4294967295, CLOSE_RANGE_CLOEXEC\) = "
    listed, marked = rf"getdents64\({FD}, .*", rf"fcntl\({FD}, F_SETFD, FD_CLOEXEC\) = 0"
    return [[call + "0"], *([call + "-1 EINVAL.*", listed, *[marked] * count, listed] for count in range(12, 0, -1))]


MEANINGS = {
    "mark_descriptors": mark_descriptors,
    "reset_signals": simple(*[r"rt_sigaction\(.*SIG_DFL.* = 0"] * 62, r"rt_sigprocmask\(SIG_SETMASK, \[\], NULL, 8\) = 0"),
    # Behind it the trace is that of the copy.
    "respawn": simple(r"clone\(.*CLONE_PARENT\|SIGCHLD.*\) = \d+.*", rf"sendmsg\({FD}, .*MSG_NOSIGNAL\) = 16",
                      r"exit_group\(0\) .*"),
    "join_namespace": join_namespace,
    "join_container": join_container,
    "assume_ids": assume_ids,
    "set_time_offsets": set_time_offsets,
    "set_sysctl": set_sysctl,
    "set_umask": lambda what: [[rf"umask\(0*{int(what, 8):o}\) = .*"]],
    "join_keyring": simple(r"keyctl\(KEYCTL_JOIN_SESSION_KEYRING, NULL\) = .*",
                           r"keyctl\(KEYCTL_SETPERM, \d+, (KEY_POS_\w+\|?)+\) = 0"),
    "start_session": simple(r"setsid\(\) = \d+"),
    "claim_terminal": simple(r"ioctl\(0<[^>]*>, TIOCSCTTY, 0\) = 0"),
    "open_procfs": open_procfs,
    "set_label": set_label,
    "take_stdio": simple(*[rf"dup3\({FD}(\(deleted\))?, {i}(<[^>]*>)?, 0\) = {i}.*" for i in range(3)]),
    "die_with_host": simple(r"prctl\(PR_SET_PDEATHSIG, SIGKILL(, 0)*\) = 0"),
    "set_affinity": set_affinity,
    "set_scheduler": set_scheduler,
    "set_io_priority": simple(r"ioprio_set\(IOPRIO_WHO_PROCESS, 0, .*\) = 0"),
    "set_memory_policy": simple(r"set_mempolicy\(.*\) = 0"),
    "set_personality": lambda what: [[rf"personality\({what}.*\) = .*|personality\([A-Z].*\) = .*"]],
    "unshare_namespaces": lambda what: [[rf"unshare\({'|'.join(clone_flag(w) for w in what.split(','))}\) = 0"]],
    "raise_loopback": simple(rf'ioctl\({FD}, SIOCSIFFLAGS, {{ifr_name="lo", ifr_flags=IFF_UP.* = 0'),
    "isolate_mounts": simple(r'mount\("", "/", \S+, MS_REC\|MS_PRIVATE, NULL\) = 0'),
    "attach_root": lambda what: [[root_attached(what)]],
    "take_root": lambda what: [[]],
    "mount_overlay": mount_overlay,
    "mount_filesystem": mount_filesystem,
    "clone_source": clone_source,
    "remount": remount,
    "remount_bind": lambda what: [*reversed(spread(words_in_brackets(what)))],
    "attach_tree": attach_tree,
    "make_device": make_device,
    "make_link": make_link,
    "mask_path": mask_path,
    "protect_path": protect_path,
    "make_directory": make_directory,
    "hold_directory": hold_directory,
    "compare_place": compare_place,
    "open_terminal": open_terminal,
    "mount_console": mount_console,
    "replace_null": replace_null,
    "protect_root": simple(rf'mount_setattr\({FD}, "", AT_EMPTY_PATH, {{attr_set=MOUNT_ATTR_RDONLY,.* = 0.*'),
    "pivot_root": simple(rf"fchdir\({FD}\) = 0", r'pivot_root\("\.", "\."\) = 0', r'umount2\("\.", MNT_DETACH\) = 0',
                         r'chdir\("/"\) = 0'),
    "hide_kernel_mounts": hide_kernel_mounts,
    "move_root": simple(OVER_ROOT),
    "change_root": simple(rf"fchdir\({FD}\) = 0", r'chroot\("\."\) = 0', r'chdir\("/"\) = 0'),
    "set_root_propagation": set_root_propagation,
    "set_hostname": lambda what: quoted("sethostname", what),
    "set_domainname": lambda what: quoted("setdomainname", what),
    "set_rlimit": set_rlimit,
    "await_go": simple(rf'read\({FD}, "g", 1\) = 1'),
    "enter_directory": lambda what: [[rf'openat2\(AT_FDCWD.*, "{re.escape(what)}", .*', rf"fchdir\(\d+<{re.escape(what)}>\) = 0"]],
    "own_stdio": own_stdio,
    "limit_bounding": limit_bounding,
    "set_groups": set_groups,
    "set_ids": set_ids,
    "set_capabilities": set_capabilities,
    "forbid_new_privileges": simple(r"prctl\(PR_SET_NO_NEW_PRIVS, 1(, 0)*\) = 0"),
    "find_home": simple(r'openat2\(AT_FDCWD.*, "/etc/passwd", .*'),
    "find_program": simple(r"faccessat2\(.*, X_OK, AT_EACCESS\) = 0"),
    "report_ready": simple(rf"sendmsg\({FD}, .*MSG_NOSIGNAL\) = \d+"),
    "await_start": simple(r"ppoll\(.* = 1 .*"),
    "keep_descriptor": simple(),  # it is for close_descriptors
    "close_descriptors": close_descriptors,
    "report_execution": simple(rf"sendmsg\({FD}, .*MSG_NOSIGNAL\) = .*"),
    "map_handshake": simple(rf"mmap\(NULL, 4096, PROT_READ, MAP_SHARED, {FD}(\(deleted\))?, 0\) = 0x.*"),
    "report_listener": simple(rf"dup\({FD}\) = {FD}", rf"write\({FD}, .*, 16\) = 16"),
    "load_seccomp": load_seccomp,
    "await_delivery": simple(),  # it calls nothing: the filter may stop any call
    "execute": simple(r"execve\(.* = 0"),
}


# ---- after open_self -----------------------------------------------------------------------------
# A mount is put over "/", one of a file on a file of a tmpfs there, changed by mount(2), and moved to its place.

CHANGED_BY_NAME = [rf"fchdir\({FD}\) = 0", r'mount\("", "fd/\d+", "", MS_[A-Z_|]+, NULL\) = 0']


def moved_by_name(target, count):
    """A directory and a file, with so many calls of mount(2)."""
    cover = filesystem("tmpfs", [option("mode=700"), option("size=4k")], ["NOSUID", "NODEV"], "")[:-1]
    moved = [*CHANGED_BY_NAME * count, attached(target)]
    standing = [r'mknodat\(' + FD + r', "file", S_IFREG(, 0)?\) = 0', attached("/file")]
    return [[OVER_ROOT, *moved],
            [*cover, OVER_ROOT, *standing, *moved, rf"fchdir\({FD}\) = 0", r'umount2\("\.", MNT_DETACH\) = 0']]


def attach_tree_by_name(what):
    target = what.removeprefix("on ").partition(" (")[0]
    words = words_in_brackets(what)
    return [making for count in range(len(words), 0, -1) for way in moved_by_name(target, count)
            for making in with_made(target, *way)]


def cloned_by_name(path):
    clone = rf"open_tree\(\d+<[^>]*>, .*OPEN_TREE_CLONE.* = {FD}"
    return [[clone, *way] for way in moved_by_name(path.removesuffix(" read-only"), 1)]


def attach_root_by_name(what):
    count = len(words_in_brackets(what))
    return [[root_attached(what), *CHANGED_BY_NAME * count], [OVER_ROOT, *CHANGED_BY_NAME * count, root_attached(what)]]


BY_NAME = {
    "attach_root": attach_root_by_name,
    "attach_tree": attach_tree_by_name,
    "mask_path": cloned_by_name,
    "protect_path": cloned_by_name,
    "protect_root": simple(*CHANGED_BY_NAME),
    "remount_bind": lambda what: [CHANGED_BY_NAME * count for count in range(len(words_in_brackets(what)), 0, -1)],
}


def either(verb):
    return lambda what, usual=MEANINGS[verb]: [*usual(what), *BY_NAME[verb](what)]


MEANINGS.update({"open_self": simple(), **{verb: either(verb) for verb in BY_NAME}})
# Before its first step the stage hides, names itself and maps its plan.
PROLOGUE = [r"prctl\(PR_SET_DUMPABLE, SUID_DUMP_DISABLE\) = 0", r'prctl\(PR_SET_NAME, "bulkhead:init"\) = 0', r"mmap\(.*"]


def advance(calls, at, patterns):
    """The index after the last call of the patterns, or None: what is not neutral has to match in order."""
    for pattern in patterns:
        while at < len(calls) and not re.fullmatch(pattern, calls[at]):
            if not is_neutral(calls[at]):
                return None
            at += 1
        if at == len(calls):
            return None
        at += 1
    return at


def disagreement(calls, steps):
    """The first sentence in which trace and explanation differ, or None."""
    calls = from_root(calls, steps)
    at = advance(calls, 0, PROLOGUE)
    if at is None:
        return f"the stage does not begin as it should: {calls[:3]}"
    for step in steps:
        matches = (advance(calls, at, patterns) for patterns in MEANINGS[step["verb"]](step["object"]))
        behind = next((match for match in matches if match is not None), None)
        if behind is None:
            ahead = next((call for call in calls[at:] if not is_neutral(call)), "the end")
            return f"step {step['step']}, {step['verb']} {step['object']}: strace has {ahead}"
        at = behind
    rest = [call for call in calls[at:] if not is_neutral(call)]
    return f"no step explains {rest[0]}" if rest else None
