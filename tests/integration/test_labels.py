# SPDX-License-Identifier: Apache-2.0
"""Labels of security modules on a kernel without the module; cases for a kernel with the module run in tests/vm."""

import pathlib

from harness import contains
from marks import differs, needs, parametrize


def has_module():
    """The cases are about a kernel without a security module: the reason to skip, or None."""
    enabled = pathlib.Path("/sys/module/apparmor/parameters/enabled")
    if enabled.exists() and enabled.read_text(encoding="ascii").startswith("Y"):
        return "this kernel has AppArmor"
    return "this kernel has SELinux" if pathlib.Path("/sys/fs/selinux/enforce").exists() else None


def refused(t, *words, **process):
    result = t.container("true", **process).run().exits(1)
    for word in words:
        contains(result.err, word, "stderr")
    t.no_state()


@needs(has_module)
@parametrize("profile", ["docker-default", "unconfined_x"])
def test_a_profile_that_cannot_be_applied_is_refused(t, profile):
    """A profile that no module would enforce is an error (E23)."""
    refused(t, "apparmor", apparmorProfile=profile)


@differs("runc has other words for it")
@needs(has_module)
def test_the_refusal_of_a_profile_names_the_property(t):
    """The error has the JSON pointer, the value and the reason."""
    refused(t, "/process/apparmorProfile", '"box"', "apparmor: config provided but apparmor not supported",
            apparmorProfile="box")


@needs(has_module)
def test_a_selinux_label_without_selinux_is_refused(t):
    """The same holds for SELinux, in runc's words."""
    refused(t, "selinux label is specified in config, but selinux is disabled or not supported",
            selinuxLabel="system_u:system_r:container_t:s0")


def test_empty_labels_ask_for_nothing(t):
    """An empty label, as engines write it, asks for nothing."""
    t.container("true", apparmorProfile="", selinuxLabel="").run().ok()
