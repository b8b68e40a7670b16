# SPDX-License-Identifier: Apache-2.0
"""env, args, cwd, host name, domain name."""

import pytest

from harness import absent, contains, equal, true
from marks import differs

pytestmark = pytest.mark.by_the_stage

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(t, *entries, **process):
    """The lines of the program's environment; the first program prints it, without a shell."""
    box = t.container("env", **process)
    box.bundle.process(env=[DEFAULT_PATH, *entries])
    return box.run().ok().lines()


def test_env_is_exactly_as_given_and_home(t):
    """The program gets the document's environment, in order, and HOME."""
    found = environment(t, "A=1", "B=two words", "C=", "D=a=b")
    equal(found, [DEFAULT_PATH, "A=1", "B=two words", "C=", "D=a=b", "HOME=/root"], "environment")


def test_the_callers_environment_does_not_leak(t):
    """No variable of the runtime's own environment gets in."""
    box = t.container("env")
    caller = {"PATH": "/usr/bin", "SECRET": "hush", "LD_PRELOAD": "", "LC_ALL": "C"}
    equal(box.run(env=caller).ok().lines(), [DEFAULT_PATH, "TERM=xterm", "HOME=/root"], "environment")


def test_of_duplicates_the_last_wins(t):
    """Of a variable that the document gives twice, the program gets the last value, once."""
    found = environment(t, "A=first", "B=x", "A=last")
    equal(sorted(entry for entry in found if entry[:2] in ("A=", "B=")), ["A=last", "B=x"], "environment")


def test_home_of_the_user(t):
    """HOME is the user's directory in the container's passwd file."""
    contains(environment(t, user={"uid": 1000, "gid": 1000}), "HOME=/home/bob", "environment")


def test_home_of_an_unknown_user(t):
    """A user without an entry gets HOME=/."""
    contains(environment(t, user={"uid": 4242, "gid": 4242}), "HOME=/", "environment")


def test_home_as_given_wins(t):
    """The runtime leaves a HOME of the document alone."""
    found = environment(t, "HOME=/somewhere")
    equal([entry for entry in found if entry.startswith("HOME=")], ["HOME=/somewhere"], "HOME")


def test_many_variables(t):
    """2000 variables of 100 bytes arrive complete."""
    entries = [f"V{number}={'x' * 100}" for number in range(2000)]
    equal(len(environment(t, *entries)), 2002, "number of variables")


def test_args_are_passed_verbatim(t):
    """Arguments with blanks, newlines, quotes and no content arrive unchanged."""
    arguments = ["a b", "", "c\nd", "'\"$HOME", "-n", "ü"]
    out = t.output("sh", "-c", 'for i; do printf "<%s>" "$i"; done', "sh", *arguments)
    equal(out, "".join(f"<{argument}>" for argument in arguments), "arguments")


def test_many_arguments(t):
    """100,000 bytes of arguments arrive complete."""
    out = t.output("sh", "-c", 'echo "$# ${#1}"', "sh", *["y" * 100] * 1000)
    equal(out, "1000 100\n", "number and length")


def test_args_are_looked_up_in_the_documents_path(t):
    """The runtime finds a name without a slash through the PATH of the document; the first hit counts."""
    bundle = t.bundle("tool", env=["PATH=/first:/second"])
    bundle.program("first/tool", "#!/bin/sh\necho first\n").program("second/tool", "#!/bin/sh\necho second\n")
    equal(t.container(bundle=bundle).run().ok().out, "first\n", "stdout")


def test_lookup_passes_over_what_is_not_executable(t):
    """A file without the x bit and a directory of that name do not end the search."""
    bundle = t.bundle("tool", env=["PATH=/none:/first:/dir:/second"])
    bundle.program("first/tool", "no", 0o644).program("second/tool", "#!/bin/sh\necho second\n")
    (bundle.rootfs / "dir/tool").mkdir(parents=True)
    equal(t.container(bundle=bundle).run().ok().out, "second\n", "stdout")


def test_argv0_stays_as_written(t):
    """argv[0] is the word of the document, not the path that was found."""
    equal(t.output("cat", "/proc/self/cmdline").split("\0")[0], "cat", "argv[0]")


def test_relative_program_is_taken_from_cwd(t):
    """A name with a slash that is not absolute is relative to cwd."""
    bundle = t.bundle("./tool", cwd="/opt").program("opt/tool", "#!/bin/sh\necho here\n")
    equal(t.container(bundle=bundle).run().ok().out, "here\n", "stdout")


def test_cwd_is_set(t):
    """The program starts in process.cwd."""
    equal(t.output("pwd", cwd="/home/bob"), "/home/bob\n", "pwd")


def test_missing_cwd_is_made(t):
    """If the root is writable, the runtime makes a missing cwd with its parents."""
    bundle = t.bundle("pwd", cwd="/made/for/you").writable()
    equal(t.container(bundle=bundle).run().ok().out, "/made/for/you\n", "pwd")
    true((bundle.rootfs / "made/for/you").is_dir(), "cwd is not there")


def test_cwd_in_a_mount(t):
    """The runtime makes a cwd in a tmpfs of the document, although the root is read-only."""
    bundle = t.bundle("pwd", cwd="/tmp/work").add_mount("/tmp", "tmpfs", "tmpfs")
    equal(t.container(bundle=bundle).run().ok().out, "/tmp/work\n", "pwd")


def test_cwd_must_be_absolute(t):
    """The runtime refuses a relative cwd and leaves nothing."""
    result = t.container("true", cwd="tmp").run().exits(1)
    contains(result.err.lower(), "cwd", "stderr")
    contains(result.err, "absolute", "stderr")
    t.no_state()


def test_cwd_through_a_link_stays_inside(t):
    """The runtime follows a cwd that is an absolute link within the container."""
    bundle = t.bundle("pwd", "-P", cwd="/link")
    (bundle.rootfs / "link").symlink_to("/home/bob")
    equal(t.container(bundle=bundle).run().ok().out, "/home/bob\n", "pwd")


def test_hostname_is_set(t):
    """The container has the document's host name; the host keeps its own."""
    with open("/proc/sys/kernel/hostname", encoding="ascii") as file:
        before = file.read()
    bundle = t.bundle("hostname").edit(lambda config: config.update(hostname="from-the-bundle"))
    equal(t.container(bundle=bundle).run().ok().out, "from-the-bundle\n", "host name")
    with open("/proc/sys/kernel/hostname", encoding="ascii") as file:
        equal(file.read(), before, "the host's name")


def test_without_hostname_the_hosts_is_seen(t):
    """A new uts namespace without a host name keeps the copy of the host's."""
    bundle = t.bundle("hostname").edit(lambda config: config.pop("hostname"))
    with open("/proc/sys/kernel/hostname", encoding="ascii") as file:
        equal(t.container(bundle=bundle).run().ok().out, file.read(), "host name")


@differs("runc 1.1.5 does not know domainname")
def test_domainname_is_set(t):
    """The container has the document's NIS domain name."""
    bundle = t.bundle("cat", "/proc/sys/kernel/domainname").edit(lambda config: config.update(domainname="dom.test"))
    equal(t.container(bundle=bundle).run().ok().out, "dom.test\n", "domain name")


def test_hostname_without_uts_namespace_is_refused(t):
    """Without a new uts namespace a host name would rename the machine: the runtime refuses it."""
    bundle = t.bundle("true").without_namespace("uts")
    result = t.container(bundle=bundle).run().exits(1)
    contains(result.err.lower(), "uts", "stderr")
    t.no_state()


def test_no_listen_or_notify_variables(t):
    """The runtime adds no variable of a service manager by itself."""
    found = " ".join(environment(t))
    for name in ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "_LIBCONTAINER"):
        absent(found, name, "environment")
