# SPDX-License-Identifier: Apache-2.0
"""conmon: a `create` that fails, whose message is one read of stderr, and what it leaves behind."""

import os
import signal

from caller import merged, reap, spawn
from conmon import atoi
from harness import absent, contains, equal, eventually, true
from leaks import descendants
from marks import parametrize
from test_conmon import conmon, go, made


def without_config(bundle):
    (bundle.path / "config.json").unlink()


def broken_config(bundle):
    (bundle.path / "config.json").write_text("{")


def missing_source(bundle):
    bundle.add_mount("/mnt", "bind", "/no/such/source", "bind")


def missing_rootfs(bundle):
    bundle.edit(lambda config: config["root"].update(path="nothere"))


def failing_hook(bundle):
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "printf unhappy >&2; exit 1"]}
    bundle.edit(lambda config: config.update(hooks={"createRuntime": [hook]}))


def program(*args, **fields):
    return lambda bundle: bundle.process(args=list(args), **fields)


CAUSES = [
    ("no config.json", without_config, "config.json"),
    ("broken JSON", broken_config, ""),
    ("mount source missing", missing_source, "/no/such/source"),
    ("rootfs missing", missing_rootfs, "nothere"),
    ("hook fails", failing_hook, "hook"),
    ("program missing in PATH", program("nothere"), 'exec: "nothere": executable file not found in $PATH'),
    ("program missing", program("/no/such"), "/no/such: no such file or directory"),
    ("program is a directory", program("/etc"), "permission denied"),
    ("program is data", program("/etc/passwd"), "permission denied"),
    ("cwd below a file", program("true", cwd="/etc/passwd/x"), "not a directory"),
]


@parametrize("_, damage, phrase", CAUSES)
def test_one_read_is_the_message(t, _, damage, phrase):
    """`create` fails ({}): the first read of stderr is the whole message, no pid is told, and no state is left."""
    bundle, path = t.bundle("true"), t.scratch / "pidfile"
    damage(bundle)
    caller = conmon(t, arguments=["--log", t.scratch / "log"])
    message = caller.create(t.fresh_id(), bundle.path, pid_file=path).refused()
    contains(message, phrase, "the message")
    true(message.endswith("\n") and message.count("\n") == 1, f"not one line: {message!r}")
    true(atoi(path) <= 0, "a pid is in the pid file of a create that failed")
    t.no_state()


def test_an_id_twice(t):
    """A second `create` with the same id says that it exists, and the first container does not notice."""
    box = made(t, "sh", "-c", "exit 4")
    message = conmon(t).create(box.name, t.bundle("true").path, pid_file=t.scratch / "second").refused()
    contains(message, "container with given ID already exists", "the message")
    go(t, box)
    equal(box.exit_code(), 4, "exit code of the first")
    box.read()


def test_old_conmon_has_words(t):
    """conmon up to 2.1.12 tells nothing where stderr is empty; it is not, even where `--log` names a file, too."""
    caller = conmon(t, arguments=["--log", t.scratch / "log", "--log-format", "json"], old=True)
    message = caller.create(t.fresh_id(), t.bundle("/no/such").path).refused()
    contains(message, "no such file or directory", "the message")
    absent(message, '"level"', "the message")


def test_unknown_option(t):
    """An option that the runtime does not know fails `create`, and stderr names it."""
    message = conmon(t, options=["--no-such-option"]).create(t.fresh_id(), t.bundle("true").path)
    true(message.pid <= 0 and "no-such-option" in message.message, f"the message: {message.message!r}")


def test_systemd_cgroups_without_systemd(t):
    """-s, where systemd does not run: `create` is refused with a message that says so."""
    message = conmon(t, systemd=True).create(t.fresh_id(), t.bundle("true").path).refused()
    contains(message, "systemd", "the message")
    t.no_state()


def test_killed_on_the_way(t):
    """A `create` that is killed on its way leaves what `delete --force` clears away, processes and all."""
    name, bundle = t.fresh_id(), t.bundle("true")
    hook = {"path": "/bin/sleep", "args": ["sleep", "60"]}
    bundle.edit(lambda config: config.update(hooks={"createRuntime": [hook]}))
    child = spawn([t.path, "--root", t.root, "create", "--bundle", bundle.path, "--pid-file", t.scratch / "p", name],
                  cwd=t.scratch, session=True)
    eventually(lambda: any(entry[3] == "sleep" for entry in descendants(os.getpid()).values()), "no hook", 10)
    child.send_signal(signal.SIGKILL)
    child.wait()
    merged([t.path, "--root", t.root, "delete", "--force", name]).silent()
    for pid, (_, _, _, command) in descendants(os.getpid()).items():
        if command == "sleep":  # the hook: nobody's but its own
            os.kill(pid, signal.SIGKILL)
        reap(pid)
    t.no_state()
