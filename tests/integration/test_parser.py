# SPDX-License-Identifier: Apache-2.0
"""The habits of runc's option parser, and the verbs that need no container."""

import json
import re

from harness import contains, equal, true
from marks import differs, parametrize


@parametrize("_, *words", [("one dash", "-bundle", "{}"), ("two dashes", "--bundle", "{}"), ("equals", "--bundle={}"),
                           ("one dash equals", "-bundle={}"), ("short", "-b", "{}"), ("short equals", "-b={}")])
def test_spellings_of_a_flag(t, _, words):
    """A long name may have one dash, a value may follow `=` or a blank."""
    box = t.container("echo", "parsed")
    flags = [word.format(box.bundle.path) for word in words]
    equal(t.runtime("run", *flags, box.id).ok().out, "parsed\n", "stdout")


@parametrize("flag, status", [("--detach=true", "running"), ("-d=true", "running"), ("--detach=false", None)])
def test_boolean_with_a_value(t, flag, status):
    """A boolean takes =true and =false."""
    box = t.container("sleep", "60") if status else t.container("true")
    t.runtime("run", flag, "--bundle", box.bundle.path, box.id).ok()
    equal(box.status(), status, "status")


def test_repeated_globals_the_last_wins(t):
    """--root and --log given twice: the second counts."""
    box = t.container("no-such-tool")
    first, second = t.scratch / "first.log", t.scratch / "second.log"
    command = [t.runtime.path, "--root", t.scratch / "wrong", "--log", first, "--log-format", "text", "--root", t.root,
               "--log", second, "--log-format=json", "run", "--bundle", box.bundle.path, box.id]
    t.runtime.exec([str(word) for word in command]).exits(1)
    true(json.loads(second.read_text().splitlines()[-1])["level"] == "error", "the second log has no error")
    true(not first.exists() or first.read_text() == "", "the first log was written")
    true(not (t.scratch / "wrong").exists(), "the first root was made")


def test_repeated_flag_the_last_wins(t):
    """--bundle given twice: the second counts."""
    box = t.container("echo", "second")
    t.runtime("run", "--bundle", "/no/such/bundle", "--bundle", box.bundle.path, box.id).ok()


@differs("runc 1.1.5 takes globals before the verb only; 1.5 takes them after it, too")
def test_globals_after_the_verb(t):
    """Global options may follow the verb."""
    box = t.container("echo", "here")
    command = [t.runtime.path, "run", "--root", str(t.root), "--bundle", str(box.bundle.path), box.id]
    equal(t.runtime.exec(command).ok().out, "here\n", "stdout")


def test_flags_after_the_id(t):
    """Flags may follow the id, as in `delete ID --force`."""
    box = t.sleeper()
    box.run_detached().ok()
    t.runtime("delete", box.id, "--force").ok()
    t.no_state()


@parametrize("_, *words", [("global", "--beer", "list"), ("verb", "list", "--beer"), ("short", "list", "-z"),
                           ("create", "create", "--beer", "x")])
def test_unknown_flag_fails(t, _, words):
    """A flag that does not exist is an error, not ignored."""
    t.runtime(*words).exits(1)
    t.no_state()


@parametrize("_, *words", [("create", "create", "--bundle"), ("list", "list", "--format"), ("log", "--log")])
def test_flag_without_its_value_fails(t, _, words):
    """A flag that needs a value and has none is an error in the words that engines match."""
    result = t.runtime(*words).exits(1)
    contains(result.out + result.err, "flag needs an argument", "output")


@parametrize("word", ["xml", "JSON"])
def test_unknown_log_format_fails(t, word):
    """--log-format is text or json and nothing else."""
    result = t.runtime("--log-format", word, "list").exits(1)
    contains(result.err, "log", "stderr")


@differs("runc 1.1.5 takes it; newer ones refuse")
def test_root_must_not_be_the_root(t):
    """--root / is refused."""
    result = t.runtime.exec([t.runtime.path, "--root", "/", "list"]).exits(1)
    contains(result.err, "root", "stderr")


@parametrize("value", ["true", "false", "auto"])
def test_rootless_with_equals(t, value):
    """--rootless=VALUE is taken; engines send it."""
    box = t.container("true")
    t.runtime(f"--rootless={value}", "run", "--bundle", box.bundle.path, box.id).ok()


def test_the_log_is_appended(t):
    """A log file collects the errors of several calls, one JSON line each."""
    log = t.scratch / "log.json"
    for _ in range(2):
        t.runtime("--log", log, "--log-format", "json", "state", "nobody").exits(1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    equal([line["level"] for line in lines], ["error", "error"], "levels")


def test_success_logs_nothing(t):
    """A verb that succeeds writes neither to stderr nor to the log."""
    log = t.scratch / "log.json"
    box = t.sleeper()
    flags = ("--log", log, "--log-format", "json")
    t.runtime(*flags, "create", "--bundle", box.bundle.path, box.id).ok()
    for words in (("start", box.id), ("state", box.id), ("list",), ("delete", "--force", box.id)):
        t.runtime(*flags, *words).ok()
    equal(log.read_text() if log.exists() else "", "", "log")


def test_text_log(t):
    """The text format names the level and the message."""
    log = t.scratch / "log.txt"
    t.runtime("--log", log, "state", "nobody").exits(1)
    contains(log.read_text(), "level=error", "log")
    contains(log.read_text(), "does not exist", "log")


def test_early_errors_are_logged(t):
    """A bundle that is missing is in the log although nothing has begun."""
    log = t.scratch / "log.json"
    t.runtime("--log", log, "--log-format", "json", "create", "--bundle", "/no/such", "x").exits(1)
    contains(json.loads(log.read_text().splitlines()[-1])["msg"], "/no/such", "message")


def test_log_in_a_missing_directory_fails(t):
    """A log file that cannot be opened is an error on stderr."""
    result = t.runtime("--log", "/no/such/dir/log", "list").exits(1)
    contains(result.err, "/no/such/dir/log", "stderr")


def test_debug_works_and_stays_in_the_log(t):
    """--debug changes neither the exit code nor stdout; its lines are valid JSON in the log."""
    log = t.scratch / "log.json"
    box = t.container("echo", "out")
    result = t.runtime("--debug", "--log", log, "--log-format", "json", "run", "--bundle", box.bundle.path, box.id)
    equal(result.ok().out, "out\n", "stdout")
    levels = {json.loads(line)["level"] for line in log.read_text().splitlines()}
    true(levels <= {"debug", "info", "warning"} and "debug" in levels, f"levels are {levels}")


@parametrize("flag", ["--version", "-v"])
def test_version_shape(t, flag):
    """--version has the lines `NAME version X`, `commit: X`, `spec: X`; one line has the word version."""
    lines = t.runtime.exec([t.runtime.path, flag]).ok().lines()
    name = "bulkhead" if t.bulkhead else "runc"
    true(re.fullmatch(rf"{name} version \d\S*", lines[0]), f"first line is {lines[0]!r}")
    equal(len([line for line in lines if "version" in line]), 1, "lines with the word version")
    true(any(re.fullmatch(r"spec: \d+\.\d+\.\d+\S*", line) for line in lines), f"no spec line in {lines}")
    true(t.control or any(line.startswith("commit: ") for line in lines), f"no commit line in {lines}")


@parametrize("*words", [("--help",), ("-h",), ("help",), ("create", "--help"), ("run", "-h"), ("delete", "--help")])
def test_help_works(t, words):
    """Help goes to stdout and succeeds."""
    result = t.runtime.exec([t.runtime.path, *words]).ok()
    contains(result.out.lower(), "usage", "stdout")


@parametrize("verb", ["create", "start", "state", "kill", "delete", "list", "run", "spec", "features"])
def test_help_names_the_verb(t, verb):
    """The general help names every verb."""
    true(re.search(rf"^\s+{verb}\b", t.runtime.exec([t.runtime.path, "--help"]).ok().out, re.M), f"{verb} is missing")


def test_features_is_json(t):
    """`features` is an object with `linux`, version bounds, mount options and namespaces."""
    features = json.loads(t.runtime.exec([t.runtime.path, "features"]).ok().out)
    true(features["ociVersionMin"].startswith("1."), f"ociVersionMin is {features['ociVersionMin']}")
    true(features["ociVersionMax"].startswith("1."), f"ociVersionMax is {features['ociVersionMax']}")
    contains(features["mountOptions"], "ro", "mountOptions")
    for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup"):
        contains(features["linux"]["namespaces"], kind, "namespaces")
    contains(features["linux"]["capabilities"], "CAP_SYS_ADMIN", "capabilities")


def test_spec_writes_the_default_document(t):
    """`spec` writes config.json with the values everybody knows."""
    equal(t.runtime("spec", cwd=t.scratch).ok().out, "", "stdout")
    config = json.loads((t.scratch / "config.json").read_text())
    process = config["process"]
    equal((process["args"], process["terminal"], process["cwd"]), (["sh"], True, "/"), "args, terminal, cwd")
    equal(config["root"], {"path": "rootfs", "readonly": True}, "root")
    equal([mount["destination"] for mount in config["mounts"]],
          ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"], "mounts")
    equal({entry["type"] for entry in config["linux"]["namespaces"]},
          {"pid", "network", "ipc", "uts", "mount", "cgroup"}, "namespaces")


def test_spec_refuses_to_overwrite(t):
    """A config.json that is there is left alone."""
    (t.scratch / "config.json").write_text("mine")
    t.runtime("spec", cwd=t.scratch).exits(1)
    equal((t.scratch / "config.json").read_text(), "mine", "config.json")


@parametrize("flag", ["-b", "--bundle"])
def test_spec_with_a_bundle(t, flag):
    """`spec --bundle DIR` writes there."""
    (t.scratch / "there").mkdir()
    t.runtime("spec", flag, t.scratch / "there").ok()
    json.loads((t.scratch / "there/config.json").read_text())


def test_written_spec_runs(t):
    """The written document runs as it is, with the terminal switched off."""
    bundle = t.bundle()
    (bundle.path / "config.json").unlink()
    t.runtime("spec", "--bundle", bundle.path).ok()
    bundle.config = json.loads((bundle.path / "config.json").read_text())
    bundle.process(terminal=False, args=["echo", "hello"])
    equal(t.container(bundle=bundle).run().ok().out, "hello\n", "stdout")


def test_called_through_a_link_named_runc(t):
    """Under the name runc it is the same program."""
    link = t.scratch / "bin/runc"
    link.parent.mkdir()
    link.symlink_to(t.runtime.path)
    box = t.container("echo", "linked")
    command = [str(link), "--root", str(t.root), "run", "--bundle", str(box.bundle.path), box.id]
    equal(t.runtime.exec(command).ok().out, "linked\n", "stdout")


def test_called_by_name_through_path(t):
    """It works when it is found through PATH, from any directory."""
    link = t.scratch / "bin/runc"
    link.parent.mkdir()
    link.symlink_to(t.runtime.path)
    box = t.container("echo", "found")
    script = f"cd / && exec runc --root {t.root} run --bundle {box.bundle.path} {box.id}"
    environment = {"PATH": f"{link.parent}:/usr/bin:/bin"}
    equal(t.runtime.exec(["/bin/sh", "-c", script], env=environment).ok().out, "found\n", "stdout")
