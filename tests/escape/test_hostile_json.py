# SPDX-License-Identifier: Apache-2.0
"""E50 and E59: a config.json that is too large, too deep, or wrong in any of many ways."""

import json
import os
import sys

import pytest

from harness import Failure, contains, equal, true
from marks import attacker, parametrize
from world import ended_well, mount_points, refused

SECONDS, KILOBYTES = 1.0, 64 * 1024
MEASURE = ("import resource,subprocess,sys\n"
           "code=subprocess.run(sys.argv[2:]).returncode\n"
           "used=resource.getrusage(resource.RUSAGE_CHILDREN)\n"
           "open(sys.argv[1],'w').write(f'{code} {used.ru_utime + used.ru_stime} {used.ru_maxrss}')\n")


def tortured(t, text):
    """Gives a config.json of these bytes to run: an error in a second of CPU and 64 MiB, no death by a signal, nothing
    left."""
    box = t.container("true")
    (box.bundle.path / "config.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    usage = t.scratch / "usage"
    command = t.runtime.command("run", "--bundle", box.bundle.path, box.id)
    result = t.runtime.exec([sys.executable, "-c", MEASURE, str(usage), *command])
    code, seconds, kilobytes = usage.read_text().split()
    true(int(code) > 0, f"{'accepted' if code == '0' else 'killed by signal ' + code}: {result}"[:1000])
    true(t.control or (int(code) == 1 and result.err.count("\n") == 1), f"exit {code}: {result}"[:1000])
    if float(seconds) > SECONDS * t.patience or int(kilobytes) > KILOBYTES:
        raise Failure(f"it took {seconds} s of CPU and {kilobytes} KiB")
    t.no_state()
    return result


def good(t):
    """The default config as text."""
    return (t.bundle("true").path / "config.json").read_text()


def inserted(text, more):
    """Members in front of the first one."""
    return text.replace("{", "{" + more + ",", 1)


BYTES = [
    ("nothing", lambda text: ""), ("blank", lambda text: " \n\t"), ("truncated", lambda text: text[:len(text) // 2]),
    ("one byte short", lambda text: text.rstrip()[:-1]), ("trailing letters", lambda text: text + "x"),
    ("trailing bracket", lambda text: text + "}"), ("second document", lambda text: text + text),
    ("trailing NUL", lambda text: text + "\0"), ("byte order mark", lambda text: b"\xef\xbb\xbf" + text.encode()),
    ("UTF-16", lambda text: text.encode("utf-16")), ("comment", lambda text: "/* x */" + text),
    ("single quotes", lambda text: text.replace('"', "'")),
    ("duplicate root", lambda text: inserted(text, '"root":{"path":"/"}')),
    ("duplicate process", lambda text: inserted(text, '"process":{"args":["sh"]}')),
    ("duplicate by escape", lambda text: inserted(text, '"ro\\u006ft":{"path":"/"}')),
    ("duplicate below", lambda text: text.replace('"uid"', '"uid":0,"uid"')),
    ("raw NUL in a string", lambda text: text.replace("bulkhead-it", "a\0b")),
    ("escaped NUL in a string", lambda text: text.replace("bulkhead-it", "a\\u0000b")),
    ("NUL in args", lambda text: text.replace('"true"', '"true\\u0000x"')),
    ("NUL in env", lambda text: text.replace("TERM=xterm", "TERM=x\\u0000y")),
    ("NUL in a key", lambda text: inserted(text, '"annotations":{"a\\u0000b":"c"}')),
    ("NUL in a path", lambda text: text.replace('"/dev/shm"', '"/dev/shm\\u0000x"')),
    ("invalid UTF-8", lambda text: text.encode().replace(b"bulkhead-it", b"a\xff\xfe")),
    ("overlong UTF-8", lambda text: text.encode().replace(b"bulkhead-it", b"a\xc0\xaf")),
    ("lone surrogate", lambda text: text.replace("bulkhead-it", "a\\ud800b")),
    ("control character", lambda text: text.replace("bulkhead-it", "a\x01b")),
    ("NaN", lambda text: text.replace('"uid": 0', '"uid": NaN')),
    ("leading zero", lambda text: text.replace('"uid": 0', '"uid": 00')),
    ("depth 65", lambda text: inserted(text, '"x":' + "[" * 65 + "]" * 65)),
    ("depth 100 000", lambda text: inserted(text, '"x":' + "[" * 100_000 + "]" * 100_000)),
    ("objects 100 000 deep", lambda text: inserted(text, '"x":' + '{"a":' * 100_000 + "1" + "}" * 100_000)),
    ("depth 5 million", lambda text: inserted(text, '"x":' + "[" * 5_000_000 + "]" * 5_000_000)),
    ("unclosed 5 million", lambda text: "[" * 5_000_000),
    ("200 MB string", lambda text: inserted(text, '"annotations":{"a":"' + "x" * 200_000_000 + '"}')),
    ("million keys", lambda text: inserted(text, '"x":{' + ",".join(f'"{i}":0' for i in range(1_100_000)) + "}")),
    ("number of a million digits", lambda text: text.replace('"uid": 0', '"uid": ' + "9" * 1_000_000)),
]


@attacker("A4")
@pytest.mark.timeout(120)
@parametrize("_, spoil", BYTES)
def test_E59_bytes_of_the_config(t, _, spoil):
    """Bytes that are no JSON, or JSON that two readers would read differently, or more than anybody needs."""
    tortured(t, spoil(good(t)))


@attacker("A4")
@pytest.mark.timeout(120)
@parametrize("*_", BYTES[:1])
def test_E59_harmless_unknown_words_are_no_crime(t, _):
    """Unknown keys, deep but not too deep, escapes and letters of other languages are taken."""
    text = inserted(good(t),
                    '"x":' + "[" * 50 + "]" * 50 + ',"y":{"\\u0061":"\\ud83d\\ude00 \u00e4"}')
    if t.bulkhead:  # Go takes these for ociVersion and root
        text = inserted(text, '"OCIVERSION":7,"Root":1')
    box = t.container("true")
    (box.bundle.path / "config.json").write_text(text)
    box.run().exits(0)


def at(pointer, value):
    """A change that sets the value at a JSON pointer; "-" appends."""
    def change(config):
        place = config
        *way, last = pointer.strip("/").split("/")
        for word in way:
            place = place[int(word) if isinstance(place, list) else word]
        if last == "-":
            place.append(value)
        else:
            place[int(last) if isinstance(place, list) else last] = value
    return change


VALUES = [
    ("uid string", "/process/user/uid", "0"), ("uid float", "/process/user/uid", 0.5),
    ("uid negative", "/process/user/uid", -1), ("uid 2^32", "/process/user/uid", 1 << 32),
    ("args string", "/process/args", "sh"), ("args number", "/process/args", [1]),
    ("args empty", "/process/args", []), ("env string", "/process/env", "A=b"),
    ("env without =", "/process/env", ["AB"]), ("env without a name", "/process/env", ["=b"]),
    ("cwd relative", "/process/cwd", "tmp"), ("cwd empty", "/process/cwd", ""),
    ("root missing path", "/root", {"readonly": True}), ("root number", "/root", 7),
    ("root readonly string", "/root/readonly", "yes"), ("version missing", "/ociVersion", None),
    ("version 2", "/ociVersion", "2.0.0"), ("version garbage", "/ociVersion", "latest"),
    ("terminal string", "/process/terminal", "true"), ("mounts object", "/mounts", {}),
    ("mount without destination", "/mounts/-", {"type": "tmpfs", "source": "x"}),
    ("mount options string", "/mounts/-", {"destination": "/tmp", "type": "tmpfs", "source": "x", "options": "ro"}),
    ("mount option unknown", "/mounts/-", {"destination": "/tmp", "type": "tmpfs", "source": "x", "options": ["beer"]}),
    ("mount type unknown", "/mounts/-", {"destination": "/tmp", "type": "beerfs", "source": "x"}),
    ("namespace unknown", "/linux/namespaces/-", {"type": "beer"}),
    ("namespace twice", "/linux/namespaces/-", {"type": "pid"}), ("namespace number", "/linux/namespaces/-", 7),
    ("capability number", "/process/capabilities/bounding", [1]),
    ("rlimit unknown", "/process/rlimits", [{"type": "RLIMIT_BEER", "soft": 1, "hard": 1}]),
    ("rlimit twice", "/process/rlimits", [{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}] * 2),
    ("rlimit soft above hard", "/process/rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]),
    ("rlimit negative", "/process/rlimits", [{"type": "RLIMIT_CORE", "soft": -1, "hard": 1}]),
    ("device rule type", "/linux/resources/devices", [{"allow": True, "type": "z", "access": "rwm"}]),
    ("device rule access", "/linux/resources/devices", [{"allow": True, "type": "c", "access": "rwx"}]),
    ("device rule number", "/linux/resources/devices", [{"allow": True, "type": "c", "major": -7, "access": "rwm"}]),
    ("masked path number", "/linux/maskedPaths/-", 7), ("hostname too long", "/hostname", "x" * 65),
    ("hostname number", "/hostname", 7), ("annotation number", "/annotations", {"a": 1}),
    ("hooks list", "/hooks", []), ("linux list", "/linux", []), ("process string", "/process", "sh"),
    ("propagation unknown", "/linux/rootfsPropagation", "sometimes"),
]


@attacker("A4")
@parametrize("_, pointer, value", VALUES)
def test_E59_values_of_the_config(t, _, pointer, value):
    """A value of a wrong type, out of range or out of the list is refused, with its place in the message."""
    config = json.loads(good(t))
    at(pointer, value)(config)
    result = tortured(t, json.dumps(config))
    if t.bulkhead and not pointer.endswith("-") and value not in ([], None):
        contains(result.err, "/" + pointer.split("/")[1], "stderr")


@attacker("A4")
@parametrize("*_", VALUES[:1])
def test_E59_harmless_values_as_they_should_be(t, _):
    """The same document with right values at those places runs; an unknown capability is only a warning."""
    box = t.container("true")
    for pointer, value in (("/process/user/uid", 1), ("/process/rlimits",
                                                      [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]),
                           ("/linux/maskedPaths/-", "/etc/group"), ("/annotations", {"a": "1"}),
                           ("/hostname", "x" * 64),
                           ("/linux/resources/devices", [{"allow": False, "type": "a", "access": "rwm"}])):
        box.bundle.edit(at(pointer, value))
    box.run().exits(0)


NAMESPACE_PATHS = [("regular file", "/etc/passwd"), ("wrong type", "/proc/self/ns/uts"),
                   ("directory", "/proc/self/ns"), ("missing", "/no/such"), ("device", "/dev/zero"),
                   ("relative", "proc/self/ns/net")]


@attacker("A4")
@parametrize("_, path", NAMESPACE_PATHS)
def test_E59_namespace_path_is_none(t, _, path):
    """A namespace path that is no namespace of that type is refused."""
    bundle = t.bundle("true").without_namespace("network")
    bundle.edit(at("/linux/namespaces/-", {"type": "network", "path": path}))
    refused(t, t.container(bundle=bundle).run())


@attacker("A4")
@parametrize("*_", NAMESPACE_PATHS[:1])
def test_E59_harmless_namespace_path_is_one(t, _):
    """One that is, is joined."""
    bundle = t.bundle("readlink", "/proc/self/ns/net").without_namespace("network")
    bundle.edit(at("/linux/namespaces/-", {"type": "network", "path": "/proc/self/ns/net"}))
    equal(t.container(bundle=bundle).run().exits(0).out.strip(), os.readlink("/proc/self/ns/net"), "namespace")


KINDS = ("pid", "net", "ipc", "uts", "mnt", "cgroup")


def isolated(t, bundle):
    """Whatever there was too much of: all of it is applied, with every namespace and mask, or there is a clean
    error."""
    bundle.process(args=["sh", "-c",
                         "for n in {}; do readlink /proc/self/ns/$n; done; cat /proc/self/mountinfo".format(" ".join(KINDS))])
    result = ended_well(t, t.container(bundle=bundle).run())
    if result.code != 0:
        t.no_state()
        return None
    lines = result.lines()
    own = [os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS]
    shared = [kind for kind, inside, outside in zip(KINDS, lines, own) if inside == outside]
    equal(shared, [], "namespaces that are the host's")
    points = {point for point, *_ in mount_points("\n".join(lines[len(KINDS):]))}
    equal({"/proc/sys", "/sys/fs/cgroup"} - points, set(), "mounts that are missing")
    return points


def many_mounts(t, count, length):
    """Binds from and to paths that are as long as they may be."""
    bundle = t.bundle().writable()
    deep = t.host_folder("deep")
    while len(str(deep)) < length:
        deep = deep / ("d" * 200)
    deep.mkdir(parents=True)
    bundle.add_mount("/many", "tmpfs", "tmpfs", "nr_inodes=0")
    bundle.config["mounts"] += [{"destination": f"/many/{number}", "type": "bind", "source": str(deep),
                                 "options": ["bind", "ro"]}
                                for number in range(count)]
    bundle.save()
    return bundle


SIZES = ["many binds of long paths", "64 KiB of hostname", "1 MiB of environment", "argument of 1 MiB", "1000 masks",
         "10 000 annotations", "300 groups", "mount data of 8 KiB"]


@attacker("A4")
@pytest.mark.timeout(180)
@parametrize("what", SIZES)
def test_E50_too_much_of_something(t, what):
    """Lists and strings larger than the fields of anybody's message (CVE-2021-43784): all applied, or a clean error;
    namespaces as configured."""
    bundle = t.bundle()
    count = t.rounds(200, 5000, 60)
    if what == "many binds of long paths":
        bundle = many_mounts(t, count, 3600)
    changes = {
        "64 KiB of hostname": at("/hostname", "x" * 65536),
        "1 MiB of environment": at("/process/env", [f"V{i}=" + "x" * 16000 for i in range(64)]),
        "argument of 1 MiB": at("/process/args", ["sh", "x" * (1 << 20)]),
        "1000 masks": at("/linux/maskedPaths", [*bundle.config["linux"]["maskedPaths"],
                                                *[f"/etc/none{i}" for i in range(500)], *["/etc/group"] * 100]),
        "10 000 annotations": at("/annotations", {f"a{i}": "x" * 50 for i in range(10_000)}),
        "300 groups": at("/process/user", {"uid": 0, "gid": 0, "additionalGids": list(range(300))}),
        "mount data of 8 KiB": at("/mounts/-", {"destination": "/tmp", "type": "tmpfs", "source": "x",
                                                "options": ["mode=0755"] * 800}),
    }
    if what in changes:
        bundle.edit(changes[what])
    if what == "argument of 1 MiB":
        refused(t, t.container(bundle=bundle).run())
        return
    points = isolated(t, bundle)
    if points is not None and what.startswith("many"):
        equal(len([point for point in points if point.startswith("/many/")]), count, "binds")


@attacker("A4")
@pytest.mark.timeout(180)
@parametrize("_", SIZES[:1])
def test_E50_harmless_much_of_something(t, _):
    """Less of it is applied as it should be."""
    points = isolated(t, many_mounts(t, 20, 1000))
    true(points is not None and {f"/many/{number}" for number in range(20)} <= points, "binds are missing")


@attacker("A4")
@parametrize("count", [340, 341, 5000])
def test_E50_many_id_mappings(t, count):
    """As many id mappings as the kernel takes, and more: all applied, or an error."""
    box = t.container("cat", "/proc/self/uid_map")
    mapping = [{"containerID": number, "hostID": 100000 + 2 * number, "size": 1} for number in range(count)]
    box.bundle.edit(at("/linux/namespaces/-", {"type": "user"}))
    box.bundle.edit(lambda config: config["linux"].update(uidMappings=mapping, gidMappings=mapping))
    for directory in (t.scratch, t.scratch.parent, box.bundle.path):
        directory.chmod(0o755)
    result = ended_well(t, box.run())
    true(result.code != 0 or len(result.lines()) == count, f"{len(result.lines())} of {count} mappings")


@attacker("A4")
@parametrize("_", [340])
def test_E50_harmless_few_id_mappings(t, _):
    """Two ranges are applied."""
    box = t.container("cat", "/proc/self/uid_map")
    mapping = [{"containerID": 0, "hostID": 100000, "size": 1}, {"containerID": 1, "hostID": 200000, "size": 65535}]
    box.bundle.edit(at("/linux/namespaces/-", {"type": "user"}))
    box.bundle.edit(lambda config: config["linux"].update(uidMappings=mapping, gidMappings=mapping))
    for directory in (t.scratch, t.scratch.parent, box.bundle.path):
        directory.chmod(0o755)
    equal([line.split() for line in box.run().exits(0).lines()], [["0", "100000", "1"], ["1", "200000", "65535"]],
          "uid_map")
