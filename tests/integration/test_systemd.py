# SPDX-License-Identifier: Apache-2.0
"""The systemd driver, where systemd is PID 1.

With Debian's crun 1.8.1 (--control --runtime /usr/bin/crun) these differ: its description is not the id; it tells
systemd of no limit, so daemon-reload takes them back; an empty slice is an error, an empty prefix is one in the unit's
name; it takes names with other numbers of colons; and it does not know all types of annotations.
"""

import contextlib
import pathlib

from harness import contains, equal, true
from marks import differs, parametrize
from systemd import (by_systemd, cgroups_path, create, driven, exists, goes, is_gone, maker, reload, scope, show,
                     systemctl)


@driven
def test_the_scope_is_seen_by_systemctl(t):
    """init is in prefix-name.scope in the slice of cgroupsPath, which is delegated."""
    by_systemd(t)
    box = t.sleeper()
    unit = scope(box, "bhtest-deep.slice")
    create(box)
    equal(show(unit, "ActiveState", "Slice", "Delegate", "Transient", "DefaultDependencies"),
          ("active", "bhtest-deep.slice", "yes", "yes", "no"), "properties")
    # crun's process is in a cgroup below
    contains(str(box.cgroup()), f"/sys/fs/cgroup/bhtest.slice/bhtest-deep.slice/{unit}", "cgroup")
    equal(show(unit, "ControlGroup"), (f"/bhtest.slice/bhtest-deep.slice/{unit}",), "ControlGroup")
    contains(show(unit, "Description")[0], box.id, "description")


@driven
def test_without_a_path_it_is_named_after_the_id(t):
    """No cgroupsPath: system.slice, and a scope with the runtime's name."""
    by_systemd(t)
    box = t.sleeper()
    create(box)
    equal(show(f"{maker(t)}-{box.id}.scope", "ActiveState", "Slice"), ("active", "system.slice"), "properties")


@differs("systemd refuses the unit's name")
@driven
def test_an_id_with_a_plus(t):
    """What a unit's name may not have is escaped in the default name."""
    by_systemd(t)
    box = t.sleeper()
    box.id += "+x"
    create(box)
    unit = f"bulkhead-{box.id.replace('+', chr(92) + 'x2b')}.scope"
    equal(show(unit, "ActiveState"), ("active",), "the unit")
    box.delete("--force").ok()
    goes(unit)


@driven
@parametrize("_, path, unit, slice_name", [("empty slice", ":bh:{}", "bh-{}.scope", "system.slice"),
                                           ("root slice", "-.slice:bh:{}", "bh-{}.scope", "-.slice")])
def test_parts_of_the_path(t, _, path, unit, slice_name):
    """Each part of slice:prefix:name."""
    by_systemd(t)
    box = t.sleeper()
    cgroups_path(box, path.format(box.id))
    create(box)
    equal(show(unit.format(box.id), "ActiveState", "Slice"), ("active", slice_name), "properties")


@differs("runc begins the name with the dash after the prefix")
@driven
def test_an_empty_prefix(t):
    """The scope is called like the name alone."""
    test_parts_of_the_path(t, "empty prefix", "system.slice::{}", "{}.scope", "system.slice")


@differs("runc wants the name in full")
@driven
def test_a_dash_is_the_root_slice(t):
    """slice "-"."""
    by_systemd(t)
    box = cgroups_path(t.sleeper(), "-:bh:x")
    cgroups_path(box, f"-:bh:{box.id}")
    create(box)
    equal(show(f"bh-{box.id}.scope", "Slice"), ("-.slice",), "slice")


def annotated(box, **properties):
    named = {f"org.systemd.property.{name}": value for name, value in properties.items()}
    box.bundle.edit(lambda config: config.update(annotations=named))
    return box


@driven
def test_annotations_are_properties(t):
    """org.systemd.property.*, as podman and CRI-O send them."""
    by_systemd(t)
    box = annotated(t.sleeper(), KillSignal="10", TimeoutStopUSec="uint64 30000000", CollectMode="'inactive'",
                    After="['basic.target']")
    unit = scope(box)
    create(box)
    equal(show(unit, "KillSignal", "TimeoutStopUSec", "CollectMode"), ("10", "30s", "inactive"), "properties")
    contains(show(unit, "After")[0], "basic.target", "After")


@driven
def test_seconds_are_microseconds(t):
    """NameSec is NameUSec."""
    by_systemd(t)
    box = annotated(t.sleeper(), TimeoutStopSec="uint32 7")
    unit = scope(box)
    create(box)
    equal(show(unit, "TimeoutStopUSec"), ("7s",), "property")


@driven
@parametrize("_, name, value", [("no value", "KillSignal", "SIGTERM"), ("the wrong type", "KillSignal", "'TERM'"),
                                ("no property", "NoSuchThing", "5"), ("a short name", "Ab", "5")])
def test_bad_annotations_are_refused(t, _, name, value):
    """An annotation that is no property is an error; nothing is left."""
    by_systemd(t)
    box = annotated(t.sleeper(), **{name: value})
    unit = scope(box)
    true(box.create().code != 0, "it was created")
    t.no_state()
    true(is_gone(unit), f"{unit} is there")


@contextlib.contextmanager
def service(t, command):
    """A service that is started when somebody wants it; its name."""
    name = f"{t.prefix}.service"
    path = pathlib.Path("/run/systemd/system") / name
    path.write_text(f"[Service]\nType=oneshot\nTimeoutStartSec=infinity\nExecStart={command}\n")
    reload()
    try:
        yield name
    finally:
        systemctl("stop", name)
        path.unlink()
        systemctl("reset-failed", name, check=False)
        reload()


def behind(t, name, relation):
    """A container whose scope starts after this service; (container, scope)."""
    box = annotated(t.sleeper(), After=f"['{name}']", **{relation: f"['{name}']"})
    return box, scope(box)


def refused(t, box, unit, **options):
    """It is not created, and nothing of it is left; what is said."""
    result = box.create(**options)
    true(result.code != 0, "it was created")
    t.no_state()
    true(not exists(f"/sys/fs/cgroup/system.slice/{unit}"), "its cgroup is there")
    return result.err


@driven
def test_a_start_that_fails(t):
    """The job of the scope fails with the service that it requires: an error, and nothing is left."""
    by_systemd(t)
    with service(t, "/bin/false") as name:
        box, unit = behind(t, name, "Requires")
        said = refused(t, box, unit)
        goes(unit)
    if t.bulkhead:
        contains(said, f'unable to start unit "{unit}": ', "stderr")
        contains(said, "systemd could not start it: the job has the result dependency", "stderr")


@driven
def test_a_start_that_never_ends(t):
    """The scope waits for a service that is never done: an error after half a minute, and no unit is left that waits."""
    by_systemd(t)
    with service(t, "/bin/sleep 600") as name:
        box, unit = behind(t, name, "Wants")
        said = refused(t, box, unit, timeout=60)
        if t.bulkhead:
            goes(unit)
    goes(unit)  # runc leaves the job waiting for the service
    if t.bulkhead:
        contains(said, f'unable to start unit "{unit}": waiting for the job: no answer in time', "stderr")


PATHS = ["/absolute/path", "name", "system.slice:name", "a.slice:b:c:d", "system:bh:name", "a--b.slice:bh:name",
         "system.slice:bh:a b"]


@driven
@parametrize("path", PATHS)
def test_malformed_paths(t, path):
    """A cgroupsPath that is no slice:prefix:name is refused; nothing is left."""
    by_systemd(t)
    box = cgroups_path(t.sleeper(), path)
    result = box.create()
    true(result.code != 0, "it was created")
    if t.bulkhead:
        contains(result.err, f'config.json: /linux/cgroupsPath: "{path}": ', "stderr")
    t.no_state()


@differs("--cgroup-manager is crun's")
@driven
def test_the_flag_of_crun(t):
    """--cgroup-manager=systemd is the same."""
    by_systemd(t, "--cgroup-manager=systemd")
    box = t.sleeper()
    unit = scope(box)
    create(box)
    equal(show(unit, "ActiveState"), ("active",), "the unit")
