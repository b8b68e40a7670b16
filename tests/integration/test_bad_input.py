# SPDX-License-Identifier: Apache-2.0
"""Bad input: the exit code of runc, the words that engines match, one line, a valid log, nothing left."""

import json
import os
import re
import shutil

from harness import contains, equal, true
from marks import differs, parametrize

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def log_documents(path):
    """The lines of the log; fails unless each is a JSON object that containerd can decode."""
    documents = [json.loads(line) for line in path.read_text().splitlines()]
    for document in documents:
        for key in ("level", "msg", "time"):
            true(isinstance(document.get(key), str), f"log line without {key}: {document}")
        true(TIME.fullmatch(document["time"]), f"time is {document['time']}")
    return documents


def check_error(t, result, log, words):
    """Checks all that every failure has in common."""
    equal(result.code, 1, f"exit code of {result}")
    equal(result.out, "", "stdout")
    documents = log_documents(log)
    errors = [document["msg"] for document in documents if document["level"] == "error"]
    true(errors, f"no error in the log: {documents}")
    for word in words:
        contains(errors[-1], word, "message in the log")
        contains(result.err, word, "stderr")
    if t.bulkhead:
        equal(result.err, errors[-1] + "\n", "stderr")
        equal(len(result.err.splitlines()), 1, "lines on stderr")
        equal(len(documents), 1, "log lines")
    t.no_state()


def refused(t, box, *words, verbs=("create", "run"), name=None):
    """Fails unless create and run both refuse the container."""
    for verb in verbs:
        log = t.scratch / f"{verb}.log"
        result = t.runtime("--log", log, "--log-format", "json", verb, "--bundle", box.bundle.path,
                           box.id if name is None else name)
        check_error(t, result, log, words)


def test_missing_bundle(t):
    """A bundle directory that does not exist."""
    box = t.container("true")
    shutil.rmtree(box.bundle.path)
    refused(t, box, "no such file or directory")


def test_bundle_is_a_file(t):
    """A bundle that is a file."""
    box = t.container("true")
    shutil.rmtree(box.bundle.path)
    box.bundle.path.touch()
    refused(t, box, "not a directory")


def test_missing_config(t):
    """A bundle without config.json: the message names the file."""
    box = t.container("true")
    (box.bundle.path / "config.json").unlink()
    refused(t, box, "JSON specification file config.json not found")


BROKEN = [("empty", "", "config.json"), ("half", '{"ociVersion": "1.0.2", "process": {', "config.json"),
          ("no json", "hello", "config.json"), ("array", "[]", "config.json"),
          ("comma", '{"ociVersion": "1.0.2",}', "config.json"),
          ("number as args", '{"ociVersion":"1.0.2","process":{"args":7}}', "/process/args"),
          ("string as uid", '{"ociVersion":"1.0.2","process":{"user":{"uid":"x"}}}', "/process/user/uid"),
          ("negative uid", '{"ociVersion":"1.0.2","process":{"user":{"uid":-1}}}', "/process/user/uid")]


@parametrize("_, text, place", BROKEN)
def test_broken_config(t, _, text, place):
    """A config.json that is not JSON, or has a value of the wrong type; bulkhead names the place."""
    box = t.container("true")
    (box.bundle.path / "config.json").write_text(text)
    refused(t, box, *([place] if t.bulkhead else []))


STRICT = [("trailing text", lambda text: text + b" x", "config.json"),
          ("duplicate key", lambda text: text.replace(b"{", b'{"hostname": "first",', 1), "hostname"),
          ("invalid utf-8", lambda text: text.replace(b"bulkhead-it", b"a\xff"), "UTF-8"),
          ("too deep", lambda text: text.replace(b"{", b'{"x":' + b"[" * 5000 + b"]" * 5000 + b",", 1), "config.json"),
          ("NUL in a string", lambda text: text.replace(b"bulkhead-it", b"a\\u0000b"), "/hostname")]


@differs("Go's decoder takes it without a word")
@parametrize("_, spoil, word", STRICT)
def test_strict_json(t, _, spoil, word):
    """bulkhead is stricter than Go's JSON decoder, and names the place."""
    box = t.container("true")
    config = box.bundle.path / "config.json"
    config.write_bytes(spoil(config.read_bytes()))
    refused(t, box, word)


@differs("Go's decoder names the Go field, not the JSON pointer")
def test_wrong_type_names_the_property(t):
    """The message has the JSON pointer of the property."""
    box = t.container("true")
    box.bundle.process(cwd=7)
    refused(t, box, "/process/cwd")


def test_root_missing(t):
    """A root.path that does not exist."""
    box = t.container("true")
    box.bundle.edit(lambda config: config["root"].update(path="nowhere"))
    refused(t, box, "nowhere", *(["no such file or directory"] if t.bulkhead else []))


def test_root_is_a_file(t):
    """A root.path that is a file."""
    box = t.container("true")
    shutil.rmtree(box.bundle.rootfs)
    box.bundle.rootfs.touch()
    refused(t, box, "not a directory")


def test_no_root_property(t):
    """A document without root."""
    box = t.container("true")
    box.bundle.edit(lambda config: config.pop("root"))
    refused(t, box, "root")


def test_no_args(t):
    """A process without args cannot be created."""
    box = t.container("true")
    box.bundle.edit(lambda config: config["process"].pop("args"))
    refused(t, box, "args")


def test_no_process_to_run(t):
    """A document without process cannot be run."""
    box = t.container("true")
    box.bundle.edit(lambda config: config.pop("process"))
    refused(t, box, "process property must not be empty", verbs=["run"])


@differs("runc and crun want a process at create; config.md wants it at start")
def test_no_process_to_start(t):
    """Without process a container can be created, looked at and deleted; start is an error that changes nothing."""
    box = t.container("true")
    box.bundle.edit(lambda config: config.pop("process"))
    box.create().ok()
    equal(box.status(), "created", "status")
    contains(box.start().exits(1).err, "/process: process property must not be empty", "stderr")
    equal(box.status(), "created", "status after the error")
    process = t.scratch / "process.json"
    process.write_text(json.dumps({**t.bundle("id", "-u").config["process"]}))
    equal(box.exec(flags=["--process", process]).ok().out, "0\n", "a program of exec")
    box.delete().ok()
    t.no_state()


@parametrize("_, name", [
    ("empty",  ""), ("dot", "."), ("dot dot", ".."), ("slash", "a/b"), ("up", "../x"), ("space", "a b"),
    ("newline", "a\nb"), ("percent", "%s"), ("umlaut", "ä"), ("star", "*"), ("semicolon", "a;b")])
def test_invalid_id(t, _, name):
    """An id outside [A-Za-z0-9_+.-], or one that is . or .. itself."""
    box = t.container("true")
    words = ["container id"] if name == "" and t.control else ["invalid container ID format"]
    refused(t, box, *([] if name == "" else words), name=name)


@parametrize("name", ["a", "A_b+c-d.e", "0", "x-", ".hidden", "x" * 200])
def test_valid_id(t, name):
    """All characters of the grammar and a length of 200 are valid."""
    result = t.runtime("run", "--bundle", t.bundle("true").path, name)
    result.ok()


def test_id_exists(t):
    """An id in use: the message is on stderr and in the log, and the container stays as it is."""
    box = t.sleeper()
    box.create().ok()
    log = t.scratch / "log"
    result = t.runtime("--log", log, "--log-format", "json", "create", "--bundle", box.bundle.path, box.id).exits(1)
    contains(result.err, "container with given ID already exists", "stderr")
    contains(log_documents(log)[-1]["msg"], "container with given ID already exists", "log")
    equal(box.status(), "created", "status")


def test_program_not_in_path(t):
    """A name that no directory of PATH has."""
    refused(t, t.container("no-such-tool"), 'exec: "no-such-tool": executable file not found in $PATH')


def test_program_missing(t):
    """An absolute program that does not exist."""
    refused(t, t.container("/no/such/tool"), 'exec: "/no/such/tool": stat /no/such/tool: no such file or directory')


def test_program_not_executable(t):
    """A program without the x bit."""
    refused(t, t.container("/etc/passwd"), 'exec: "/etc/passwd": permission denied')


def test_program_is_a_directory(t):
    """A program that is a directory."""
    box = t.container("/etc")
    refused(t, box, 'exec: "/etc": ', *(["is a directory", "permission denied"] if t.bulkhead else []))


def test_program_is_empty(t):
    """An empty name as program."""
    refused(t, t.container(""))


def test_program_is_garbage(t):
    """An executable file that the kernel cannot run: run fails, and nothing stays."""
    bundle = t.bundle("/tool").program("tool", "\x7fNOT ELF")
    box = t.container(bundle=bundle)
    true(box.run().code != 0, "run succeeded")
    t.no_state()


def test_interpreter_is_missing(t):
    """A script whose interpreter does not exist fails, and nothing stays."""
    bundle = t.bundle("/tool").program("tool", "#!/no/such/interpreter\n")
    true(t.container(bundle=bundle).run().code != 0, "run succeeded")
    t.no_state()


def test_cwd_cannot_be_made(t):
    """A cwd that has a file as a parent."""
    box = t.container("true", cwd="/etc/passwd/x")
    refused(t, box, "not a directory", *(["/etc/passwd/x"] if t.bulkhead else []))


def test_cwd_on_a_read_only_root(t):
    """The runtime makes a missing cwd in the image even if the root is read-only, as runc does."""
    bundle = t.bundle("pwd", cwd="/made")
    equal(t.container(bundle=bundle).run().ok().out, "/made\n", "pwd")


def change(t, function):
    box = t.container("true")
    box.bundle.edit(function)
    return box


def test_unknown_rlimit(t):
    """An rlimit whose name does not exist."""
    box = change(t, lambda config: config["process"].update(rlimits=[{"type": "RLIMIT_BEER", "soft": 1, "hard": 1}]))
    refused(t, box, "RLIMIT_BEER", *(["/process/rlimits/0"] if t.bulkhead else []))


@differs("runc 1.1.5 takes the first or the last without a word")
def test_duplicate_rlimit(t):
    """The same rlimit twice is an error, as the standard requires."""
    limits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}] * 2
    refused(t, change(t, lambda config: config["process"].update(rlimits=limits)), "RLIMIT_CORE")


def test_unknown_namespace(t):
    """A namespace type that does not exist."""
    box = change(t, lambda config: config["linux"]["namespaces"].append({"type": "beer"}))
    refused(t, box, "beer", *(["/linux/namespaces/6"] if t.bulkhead else []))


def test_duplicate_namespace(t):
    """The same namespace twice."""
    box = change(t, lambda config: config["linux"]["namespaces"].append({"type": "pid"}))
    refused(t, box, *(["pid", "/linux/namespaces/6"] if t.bulkhead else ["malformed"]))


def test_namespace_path_missing(t):
    """A namespace path that does not exist: the message names the path."""
    box = t.container(bundle=t.bundle("true").without_namespace("network"))
    box.bundle.edit(lambda config: config["linux"]["namespaces"].append({"type": "network", "path": "/no/such/ns"}))
    refused(t, box, "/no/such/ns", "no such file or directory")


@parametrize("what", ["type", "source"])
def test_unknown_file_system(t, what):
    """A mount whose file system type or source does not work: the message names the destination."""
    box = t.container("true")
    box.bundle.add_mount("/tmp", "beerfs" if what == "type" else "ext4", "/no/such/device")
    refused(t, box, "/tmp")


def test_unknown_mount_option(t):
    """An option that neither the runtime nor the file system knows."""
    box = t.container("true")
    box.bundle.add_mount("/tmp", "tmpfs", "tmpfs", "flavour=stout")
    refused(t, box, "/tmp")


@differs("runc 1.1.5 mounts it on the root")
def test_mount_without_destination(t):
    """The error for a mount without destination names the property."""
    box = change(t, lambda config: config["mounts"].append({"type": "tmpfs", "source": "x"}))
    refused(t, box, "/mounts/7")


def test_bind_of_a_directory_on_a_file(t):
    """A bind mount of a directory on a file of the image fails."""
    box = t.container("true")
    box.bundle.add_mount("/etc/passwd", "bind", "/tmp", "bind")
    refused(t, box, "/etc/passwd", "not a directory")


@differs("runc 1.1.5 accepts any version text")
def test_oci_version_of_another_major(t):
    """An ociVersion that is not 1.x is refused."""
    refused(t, change(t, lambda config: config.update(ociVersion="2.0.0")), "ociVersion")


def test_newer_minor_version_is_taken(t):
    """A document of a newer 1.x is accepted."""
    box = change(t, lambda config: config.update(ociVersion="1.99.0"))
    box.run().ok()


def test_unknown_properties_are_ignored(t):
    """An unknown property is not an error, as the standard requires."""
    box = change(t, lambda config: (config.update(beer=1), config["linux"].update(beer={"a": []})))
    box.run().ok()


def test_failure_names_no_secret(t):
    """No message shows the environment of the program."""
    box = t.container("no-such-tool")
    box.bundle.env("PASSWORD=hunter2")
    result = box.run().exits(1)
    true("hunter2" not in result.err, "the environment is in the message")


def test_a_failed_create_can_be_repeated(t):
    """After a failure the same id works at once."""
    box = t.container("no-such-tool")
    box.create().exits(1)
    box.bundle.process(args=["sleep", "60"])
    box.create().ok()


def test_failures_leave_the_root_file_system_readable(t):
    """A failure after the mounts leaves the bundle as it was: a later run works."""
    box = t.container("no-such-tool")
    box.run().exits(1)
    box.bundle.process(args=["echo", "fine"])
    equal(box.run().ok().out, "fine\n", "stdout")
    true(os.listdir(box.bundle.rootfs / "proc") == [], "something is left in rootfs/proc")
