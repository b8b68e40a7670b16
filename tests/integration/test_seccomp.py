# SPDX-License-Identifier: Apache-2.0
"""linux.seccomp: what a confined program gets for its system calls, by every entry of the machine."""

import platform
import struct

from harness import contains, equal, status_field
from marks import differs, needs, parametrize

NUMBERS = {"getpid": 39, "getppid": 110, "getuid": 102, "newest": 9999}
NUMBERS_I386 = {"getpid": 20, "getppid": 64, "getuid": 24, "newest": 9999}
X32 = 0x40000000
SIGSYS = 128 + 31
EPERM, EACCES, ENOSYS = 1, 13, 38
# What runc makes after its filter; bulkhead needs execve alone.
TAIL = ["execve", "write", "read", "close", "exit_group", "futex", "nanosleep", "openat", "fstat", "fcntl", "mmap", "munmap",
        "brk", "madvise", "sigaltstack", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn", "epoll_pwait", "epoll_ctl",
        "getpid", "gettid", "tgkill", "prctl", "capget", "capset", "setuid", "setgid", "setgroups", "chdir", "getcwd",
        "newfstatat", "readlinkat", "getdents64", "faccessat", "faccessat2", "clone", "sched_yield", "seccomp", "fchown",
        "getppid", "statfs", "fstatfs", "lseek", "ioctl", "pipe2", "keyctl", "close_range", "umask", "getuid", "setsid"]


def x86_64():
    return None if platform.machine() == "x86_64" else "the prober is made of x86-64 instructions"


def prober(calls):
    """A static ELF that makes each call, writes the results, 8 bytes each, to stdout and exits.

    A call is (entry, number, first argument); entry is "64" or "32".
    """
    code, base = b"", 0x400000
    results = base + 0x10000
    for at, (entry, number, argument) in enumerate(calls):
        if entry == "32":
            code += b"\xb8" + struct.pack("<I", number) + b"\xbb" + struct.pack("<I", argument) + b"\xcd\x80"
            code += b"\x48\x98"  # cdqe
        else:
            code += b"\x48\xb8" + struct.pack("<Q", number) + b"\x48\xbf" + struct.pack("<Q", argument) + b"\x0f\x05"
        code += b"\x48\xa3" + struct.pack("<Q", results + 8 * at)  # mov [results + 8 * at], rax
    code += (b"\xb8\x01\x00\x00\x00\xbf\x01\x00\x00\x00\x48\xbe" + struct.pack("<Q", results)
             + b"\xba" + struct.pack("<I", 8 * len(calls)) + b"\x0f\x05")  # write(1, results, size)
    code += b"\xb8\xe7\x00\x00\x00\x31\xff\x0f\x05"  # exit_group(0)
    header = 64 + 56
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + header, 64, 0, 0, 64, 56,
                                                          1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 7, 0, base, base, header + len(code), 0x11000, 0x1000)
    return elf + segment + code


def profile(default, *rules, **more):
    """A linux.seccomp; a rule is (names, action) or (names, action, further properties)."""
    syscalls = [{"names": rule[0] if isinstance(rule[0], list) else [rule[0]], "action": f"SCMP_ACT_{rule[1]}",
                 **(rule[2] if len(rule) > 2 else {})} for rule in rules]
    return {"defaultAction": f"SCMP_ACT_{default}", "syscalls": syscalls, **more}


def confined(t, seccomp, *calls, **process):
    """A container whose program is a prober of these calls."""
    bundle = t.bundle("/probe", **process)
    (bundle.rootfs / "probe").write_bytes(prober(calls))
    (bundle.rootfs / "probe").chmod(0o755)
    bundle.edit(lambda config: config["linux"].update(seccomp=seccomp))
    return t.container(bundle=bundle)


def results(t, seccomp, *calls, **process):
    """What the calls return, negative errnos among them."""
    out = t.scratch / "results"
    with open(out, "wb") as file:
        result = confined(t, seccomp, *calls, **process).run(stdout=file)
    equal((result.code, result.err), (0, ""), "exit code and stderr")
    data = out.read_bytes()
    return list(struct.unpack(f"<{len(data) // 8}q", data))


def call(name, argument=0):
    return ("64", NUMBERS[name], argument)


def call32(name, argument=0):
    return ("32", NUMBERS_I386[name], argument)


def callx32(name, argument=0):
    return ("64", NUMBERS[name] | X32, argument)


@needs(x86_64)
@parametrize("_, more, expected", [("errno", {}, -EPERM), ("errno 13", {"errnoRet": 13}, -EACCES),
                                                ("errno 0", {"errnoRet": 0}, 0)])
def test_a_rule_gives_its_errno(t, _, more, expected):
    """ERRNO answers with errnoRet, EPERM without one; other calls work."""
    found = results(t, profile("ALLOW", ("getuid", "ERRNO", more)), call("getuid"), call("getpid"))
    equal(found, [expected, 1], "results")


@differs("runc 1.1.5 makes many calls of its own between the filter and execve")
@needs(x86_64)
@parametrize("new_privileges", [True, False])
def test_a_minimal_profile_is_enough(t, new_privileges):
    """With only what the program itself calls allowed it starts, with and without no_new_privs; E46."""
    found = results(t, profile("ERRNO", (["execve", "write", "exit_group"], "ALLOW")), call("getpid"),
                    noNewPrivileges=not new_privileges)
    equal(found, [-EPERM], "results")


@needs(x86_64)
def test_newer_calls_do_not_exist(t):
    """A number above every one that the profile names answers ENOSYS, not the default's EPERM."""
    rules = profile("ERRNO", (TAIL, "ALLOW"), architectures=["SCMP_ARCH_X86_64"])
    found = results(t, rules, call("newest"), ("64", 101, 0))
    equal(found, [-ENOSYS, -EPERM], "results")


@needs(x86_64)
@parametrize("action", ["ALLOW", "LOG"])
def test_newer_calls_are_left_to_a_default_that_allows(t, action):
    """Where the default lets calls through, the kernel itself answers."""
    equal(results(t, profile(action), call("newest"), call("getpid")), [-ENOSYS, 1], "results")


@needs(x86_64)
def test_i386_calls_are_judged_by_their_own_numbers(t):
    """getuid of i386 is 24, which is another call on x86-64."""
    rules = profile("ALLOW", ("getuid", "ERRNO", {"errnoRet": 13}), architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])
    found = results(t, rules, call32("getuid"), call32("getpid"), call("getuid"), ("64", 24, 0))
    equal(found, [-EACCES, 1, -EACCES, 0], "results")


@needs(x86_64)
def test_x32_calls_are_judged(t):
    """A number with bit 30 is x32's, also where the kernel has no x32: the filter comes first."""
    rules = profile("ALLOW", ("getuid", "ERRNO", {"errnoRet": 13}), architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"])
    equal(results(t, rules, callx32("getuid"), call("getuid"))[0], -EACCES, "result")


@needs(x86_64)
@parametrize("_, entry", [("i386", call32), ("x32", callx32)])
def test_an_architecture_that_is_not_listed_is_death(t, _, entry):
    """A call by an entry that the profile does not list ends the process."""
    confined(t, profile("ALLOW"), entry("getpid")).run().exits(SIGSYS)


@needs(x86_64)
@parametrize("action", ["KILL", "KILL_THREAD", "KILL_PROCESS", "TRAP"])
def test_fatal_actions(t, action):
    """These end a program that makes the call, and leave one alone that does not."""
    rules = profile("ALLOW", ("getuid", action))
    confined(t, rules, call("getuid")).run().exits(SIGSYS)
    equal(results(t, rules, call("getpid")), [1], "results")


@needs(x86_64)
def test_a_trace_without_a_tracer_does_not_exist(t):
    """TRACE answers ENOSYS where nobody traces."""
    equal(results(t, profile("ALLOW", ("getuid", "TRACE")), call("getuid")), [-ENOSYS], "results")


@needs(x86_64)
@parametrize("operator, value, second, hit, missed", [
    ("EQ", 5, 0, 5, 6), ("NE", 5, 0, 6, 5), ("LT", 5, 0, 4, 5), ("LE", 5, 0, 5, 6),
                 ("GT", 5, 0, 6, 5), ("GE", 5, 0, 5, 4), ("MASKED_EQ", 0xf0, 0x50, 0x15f, 0x60)])
def test_comparisons(t, operator, value, second, hit, missed):
    """A rule with a condition holds for the arguments that it names, and for no others."""
    args = [{"index": 0, "value": value, "valueTwo": second, "op": f"SCMP_CMP_{operator}"}]
    found = results(t, profile("ALLOW", ("getpid", "ERRNO", {"args": args})), call("getpid", hit), call("getpid", missed))
    equal(found, [-EPERM, 1], "results")


@needs(x86_64)
def test_conditions_on_one_argument_are_alternatives(t):
    """Two conditions on the same argument: either is enough."""
    args = [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"} for value in (4, 5)]
    found = results(t, profile("ALLOW", ("getpid", "ERRNO", {"args": args})), *(call("getpid", n) for n in (3, 4, 5)))
    equal(found, [1, -EPERM, -EPERM], "results")


@needs(x86_64)
def test_unknown_names_are_passed_over(t):
    """A name that no kernel has does not hinder the others of its rule."""
    found = results(t, profile("ALLOW", (["no_such_call", "getuid"], "ERRNO")), call("getuid"))
    equal(found, [-EPERM], "results")


def test_the_program_knows_that_it_is_confined(t):
    """/proc/self/status says mode 2, and one filter; without a profile mode 0."""
    bundle = t.bundle("cat", "/proc/self/status")
    equal(status_field(t.container(bundle=bundle).run().ok().out, "Seccomp"), "0", "Seccomp")
    bundle.edit(lambda config: config["linux"].update(seccomp=profile("ALLOW", ("reboot", "ERRNO"))))
    text = t.container(bundle=bundle).run().ok().out
    equal((status_field(text, "Seccomp"), status_field(text, "Seccomp_filters")), ("2", "1"), "Seccomp")


@differs("runc has no cache")
@needs(x86_64)
def test_the_second_container_reads_the_cache(t):
    """Compiled programs stay below the state root, private, and say the same."""
    rules = profile("ALLOW", ("getuid", "ERRNO"))
    for _ in range(2):
        equal(results(t, rules, call("getuid")), [-EPERM], "results")
    directory = t.root / "cache:seccomp"
    files = list(directory.iterdir())
    equal((len(files), directory.stat().st_mode & 0o777, files[0].stat().st_mode & 0o777), (1, 0o700, 0o600), "cache")
    files[0].write_bytes(b"damaged")
    equal(results(t, rules, call("getuid")), [-EPERM], "results with a damaged cache")


@parametrize("_, seccomp, sentence", [
    ("defaultAction", {"defaultAction": "SCMP_ACT_NOTIFY"}, "SCMP_ACT_NOTIFY cannot be used as default action"),
    ("an action", {"defaultAction": "SCMP_ACT_MAYBE"}, "string SCMP_ACT_MAYBE is not a valid action for seccomp"),
    ("an operator", profile("ALLOW", ("read", "LOG", {"args": [{"index": 0, "value": 1, "op": "SCMP_CMP_X"}]})),
     "string SCMP_CMP_X is not a valid operator for seccomp"),
    ("an architecture", profile("ALLOW", architectures=["SCMP_ARCH_Z80"]),
     "string SCMP_ARCH_Z80 is not a valid arch for seccomp")])
def test_what_is_refused(t, _, seccomp, sentence):
    """Words that the standard does not have are errors, and nothing is left."""
    bundle = t.bundle("true").edit(lambda config: config["linux"].update(seccomp=seccomp))
    result = t.container(bundle=bundle).run().exits(1)
    contains(result.err, sentence, "stderr")
    t.no_state()


@differs("runc 1.1.5 takes them, or fails in the middle of the creation")
@parametrize("pointer, seccomp", [
    ("/linux/seccomp/defaultErrnoRet", profile("ALLOW", defaultErrnoRet=1)),
    ("/linux/seccomp/syscalls/0/errnoRet", profile("ALLOW", ("read", "KILL", {"errnoRet": 1}))),
    ("/linux/seccomp/syscalls/0/names", profile("ALLOW", ([], "KILL"))),
    ("/linux/seccomp/listenerPath", profile("ALLOW", ("getuid", "NOTIFY"))),
    ("/linux/seccomp/listenerMetadata", profile("ALLOW", listenerMetadata="x")),
    ("/linux/seccomp/flags/0", profile("ALLOW", flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])),
    ("/linux/seccomp/architectures/0", profile("ALLOW", architectures=["SCMP_ARCH_S390X"]))])
def test_what_is_refused_with_its_place(t, pointer, seccomp):
    """What contradicts itself is an error that names the place, and nothing is left."""
    bundle = t.bundle("true").edit(lambda config: config["linux"].update(seccomp=seccomp))
    contains(t.container(bundle=bundle).run().exits(1).err, pointer, "stderr")
    t.no_state()
