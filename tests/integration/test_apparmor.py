# SPDX-License-Identifier: Apache-2.0
"""AppArmor profiles of the process. The kernel must have AppArmor; tests/vm/run boots one that has it."""

import contextlib
import pathlib
import shutil
import subprocess

from harness import absent, contains, equal, eventually, read_text
from marks import needs, parametrize

ENABLED = pathlib.Path("/sys/module/apparmor/parameters/enabled")
LOADED = "/sys/kernel/security/apparmor/profiles"
LABEL = "cat /proc/self/attr/apparmor/current"
UNCONFINED = ["unconfined", "wrote /denied", "wrote /free"]
WRITES = "for d in /denied /free; do (echo x > $d/file) 2> /dev/null && echo wrote $d || echo refused $d; done"
# The profile allows everything but one thing: a container under no profile would do that one thing.
TEXT = """
profile {name} flags=(attach_disconnected{flags}) {{
    file,
    capability,
    network,
    signal,
    unix,
    deny /denied/** w,
}}
"""


def enabled():
    return ENABLED.exists() and ENABLED.read_text() == "Y\n"


def no_apparmor():
    if not enabled():
        return "this kernel has no AppArmor"
    return None if shutil.which("apparmor_parser") else "no apparmor_parser: scripts/install-packages vm"


@contextlib.contextmanager
def loaded(t, flags="", begin="bulkhead-test-"):
    """Keeps a profile in the kernel while the block runs; each run has a name of its own, because all share the kernel's list."""
    file, name = t.scratch / f"{begin}profile", begin + t.prefix
    file.write_text(TEXT.format(name=name, flags=flags))

    def parser(option):
        subprocess.run(["apparmor_parser", "--skip-cache", "--quiet", option, file], check=True)
    parser("--replace")
    try:
        yield name
    finally:
        parser("--remove")


def confined(t, script, profile, **process):
    """A shell under a profile, with a directory that the profile denies and one that it allows."""
    box = t.shell(script, apparmorProfile=profile, **process)
    box.bundle.writable()
    for name in ("denied", "free"):
        (box.bundle.rootfs / name).mkdir()
    return box


def refused(t, box, word):
    """Fails unless the runtime refuses the container with this word and leaves nothing of it."""
    result = box.run().exits(1)
    equal(result.out, "", "stdout")
    contains(result.err.lower(), word, "stderr")
    if t.bulkhead:
        contains(result.err, "/process/apparmorProfile", "stderr")
    t.no_state()


@needs(no_apparmor)
@parametrize("no_new_privileges", [(True,), (False,)])
def test_the_profile_is_enforced(t, no_new_privileges):
    """The program and its children run under the profile, which denies what its rules deny and nothing else."""
    with loaded(t) as name:
        result = confined(t, f"{LABEL}; {WRITES}", name, noNewPrivileges=no_new_privileges).run().ok()
    equal(result.lines(), [f"{name} (enforce)", "refused /denied", "wrote /free"], "stdout")


@needs(no_apparmor)
@parametrize("how", [("absent",), ("empty",)])
def test_without_a_profile_there_is_no_confinement(t, how):
    """The harmless twin: without a profile in the document the process has none, though one is loaded."""
    with loaded(t):
        box = confined(t, f"{LABEL}; {WRITES}", "")
        if how == "absent":
            box.bundle.edit(lambda config: config["process"].pop("apparmorProfile"))
        equal(box.run().ok().lines(), UNCONFINED, "stdout")


@needs(no_apparmor)
def test_the_first_program_itself_is_confined(t):
    """The very first program of the container has the label, not only what a shell starts."""
    with loaded(t) as name:
        box = t.container("cat", "/proc/self/attr/apparmor/current", apparmorProfile=name)
        equal(box.run().ok().out, f"{name} (enforce)\n", "label")


@needs(no_apparmor)
def test_the_label_is_seen_from_outside(t):
    """After create and start, the running program has the label in the host's /proc."""
    with loaded(t) as name:
        box = t.sleeper(apparmorProfile=name)
        box.create().ok()
        box.start().ok()
        eventually(lambda: box.proc("attr/apparmor/current") == f"{name} (enforce)\n", "the label is not there")
        box.delete("--force").ok()


@needs(no_apparmor)
def test_a_complaining_profile_is_no_less_a_label(t):
    """A profile in complain mode is applied like any other: the mode is the profile's own business."""
    with loaded(t, flags=",complain") as name:
        equal(confined(t, LABEL, name).run().ok().out, f"{name} (complain)\n", "label")


@needs(no_apparmor)
def test_unconfined_is_a_name_like_others(t):
    """`unconfined` exists in every kernel and can be asked for."""
    equal(confined(t, f"{LABEL}; {WRITES}", "unconfined").run().ok().lines(), UNCONFINED, "stdout")


@needs(no_apparmor)
@parametrize("begin", [("unconfined_",), ("unconfined-",)])
def test_a_name_that_begins_with_unconfined(t, begin):
    """A name that begins with unconfined is a profile of its own, not a word for no profile."""
    with loaded(t, begin=begin) as name:
        result = confined(t, f"{LABEL}; {WRITES}", name).run().ok()
    equal(result.lines(), [f"{name} (enforce)", "refused /denied", "wrote /free"], "stdout")


@needs(no_apparmor)
def test_the_container_cannot_leave_its_profile(t):
    """Without a change_profile rule nothing in the container can change its label."""
    attempt = "(echo -n 'changeprofile unconfined' > /proc/self/attr/current) 2> /dev/null && echo left; "
    with loaded(t) as name:
        equal(confined(t, attempt + LABEL, name).run().ok().out, f"{name} (enforce)\n", "stdout")


@needs(no_apparmor)
@parametrize("which", [("part_of_a_name",), ("more_than_a_name",), ("unconfined_and_more",)])
def test_a_profile_that_is_not_there_is_refused(t, which):
    """A name that the kernel does not know stops the container before its program; a part of a known name does not match."""
    with loaded(t) as name:
        wrong = {"part_of_a_name": name[:-1], "more_than_a_name": f"{name}0", "unconfined_and_more": "unconfined_y"}
        refused(t, confined(t, "echo started", wrong[which]), "apparmor")


@needs(no_apparmor)
def test_create_refuses_it_as_well(t):
    """`create` fails by itself: no container waits for a start that must fail."""
    contains(confined(t, "true", "bulkhead-nowhere").create().exits(1).err.lower(), "apparmor", "stderr")
    t.no_state()


@needs(no_apparmor)
def test_a_false_proc_does_not_swallow_the_label(t):
    """CVE-2019-16884: a directory of an image on top of /proc would receive the label in place of the kernel."""
    with loaded(t) as name:
        box = confined(t, "echo started", name)
        false = t.scratch / "false"
        for directory in ("self/attr/apparmor", "thread-self/attr/apparmor"):
            (false / directory).mkdir(parents=True)
            (false / directory / "exec").write_text("")
            (false / directory / "../exec").write_text("")
        box.bundle.edit(lambda config: config["mounts"][0].update(type="bind", source=str(false), options=["rbind"]))
        equal(box.run().exits(1).out, "", "stdout")
        t.no_state()


@needs(lambda: "this kernel has AppArmor" if enabled() else None)
def test_a_kernel_without_apparmor_is_no_excuse(t):
    """If the kernel cannot apply a profile, the container is refused; the profile is never left out in silence."""
    refused(t, t.container("true", apparmorProfile="bulkhead-nowhere"), "apparmor")


@needs(no_apparmor)
def test_the_tests_load_and_leave_nothing(t):
    """The kernel's list has the profile during a case, and not afterwards."""
    with loaded(t) as name:
        contains(read_text(LOADED), f"{name} (enforce)", LOADED)
    absent(read_text(LOADED), name, LOADED)
