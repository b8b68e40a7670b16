# SPDX-License-Identifier: Apache-2.0
"""exec --no-new-privs, --cap, --apparmor and --process-label: the privileges of the program."""

import pytest

from harness import contains, equal, status_field
from marks import differs, needs, parametrize
from test_credentials import DEFAULT, mask, sets
from test_exec import running
from test_exec_flags import refused, status
from test_labels import has_module

pytestmark = [pytest.mark.by_the_stage, pytest.mark.any_cgroups]


@parametrize("flags, expected", [((), "0"), (("--no-new-privs",), "1"), (("--no-new-privs=false",), "0")])
def test_no_new_privs(t, flags, expected):
    """--no-new-privs sets the flag for this program, and init keeps its own."""
    box = running(t, noNewPrivileges=False)
    equal(status_field(status(box, *flags), "NoNewPrivs"), expected, "NoNewPrivs")
    equal(status_field(box.proc("status"), "NoNewPrivs"), "0", "NoNewPrivs of init")


def test_no_new_privs_of_the_container_holds_without_the_flag(t):
    """The value of the container's process is the default."""
    equal(status_field(status(running(t)), "NoNewPrivs"), "1", "NoNewPrivs")


@parametrize("_, added", [("none", []), ("one", ["CAP_NET_RAW"]), ("two", ["CAP_NET_RAW", "CAP_CHOWN"])])
def test_cap(t, _, added):
    """--cap adds to bounding, effective and permitted, never to inheritable, and to ambient only if it is inheritable."""
    found = sets(status(running(t), *[word for name in added for word in ("--cap", name)]))
    for kind in ("bounding", "effective", "permitted"):
        equal(found[kind], mask([*DEFAULT, *added]), kind)
    equal((found["inheritable"], found["ambient"]), (0, 0), "inheritable and ambient")


def test_cap_is_not_for_another_user(t):
    """Without ambient a user that is not root gets no capability of --cap."""
    found = sets(status(running(t), "--cap", "CAP_NET_RAW", "--user", "1000"))
    equal((found["permitted"], found["effective"], found["ambient"]), (0, 0, 0), "sets")
    equal(found["bounding"], mask([*DEFAULT, "CAP_NET_RAW"]), "bounding")


def test_cap_is_ambient_where_it_is_inheritable(t):
    """If the config has it as inheritable, --cap is ambient too, so that a user has it; the inheritable list does not grow."""
    box = t.sleeper()
    box.bundle.capabilities(**{kind: ["CAP_NET_RAW"] for kind in ("bounding", "permitted", "effective", "inheritable")})
    box.run_detached().ok()
    found = sets(status(box, "--cap", "CAP_NET_RAW", "--user", "1000"))
    equal([found[kind] for kind in ("ambient", "permitted", "effective", "inheritable")], [mask(["CAP_NET_RAW"])] * 4,
          "sets")
    found = sets(status(box, "--cap", "CAP_CHOWN"))
    equal(found["inheritable"], mask(["CAP_NET_RAW"]), "inheritable")


@differs("runc 1.1.5 panics")
def test_cap_without_capabilities_of_the_container(t):
    """If the config has no capabilities, the program has those of --cap and no others."""
    found = sets(status(running(t, capabilities=None), "--cap", "CAP_NET_RAW"))
    equal([found[kind] for kind in ("bounding", "permitted", "effective")], [mask(["CAP_NET_RAW"])] * 3, "sets")


def test_cap_is_not_for_the_container(t):
    """Neither the first process nor the next exec gets the capability."""
    box = running(t)
    status(box, "--cap", "CAP_NET_RAW")
    equal(sets(box.proc("status"))["bounding"], mask(DEFAULT), "bounding of init")
    equal(sets(status(box))["bounding"], mask(DEFAULT), "bounding of the next")


def test_an_unknown_cap_is_a_warning(t):
    """exec leaves out an unknown capability, logs a warning, and grants the others."""
    box, log = running(t), t.scratch / "log"
    result = t.runtime("--log", log, "exec", "--cap", "CAP_TIME_TRAVEL", "--cap", "CAP_NET_RAW", box.id, "cat",
                       "/proc/self/status").ok()
    equal(sets(result.out)["bounding"], mask([*DEFAULT, "CAP_NET_RAW"]), "bounding")
    contains(log.read_text(), "CAP_TIME_TRAVEL", "log")


@differs("runc 1.1.5: unable to apply caps: operation not permitted")
def test_a_cap_that_the_caller_lacks_is_a_warning(t):
    """exec leaves out a capability that its caller does not have, logs a warning, and grants the others."""
    box, log = running(t), t.scratch / "log"
    result = t.runtime("--log", log, "exec", "--cap", "CAP_SYS_TIME", "--cap", "CAP_NET_RAW", box.id, "cat",
                       "/proc/self/status", setup={"without_capabilities": [25]}).ok()
    for kind in ("bounding", "permitted", "effective"):
        equal(sets(result.out)[kind], mask([*DEFAULT, "CAP_NET_RAW"]), kind)
    contains(log.read_text(), "CAP_SYS_TIME cannot be granted", "log")


@needs(has_module)
@parametrize("flag", ["--apparmor", "--process-label"])
def test_a_label_that_cannot_be_set_is_refused(t, flag):
    """Without the security module a label is an error (E23): nothing runs without the confinement that was asked for."""
    refused(running(t), [flag, "some_label"], "apparmor" if flag == "--apparmor" else "selinux")


@parametrize("flag", ["--apparmor", "--process-label"])
def test_an_empty_label_asks_for_nothing(t, flag):
    """An empty label, as engines write it, asks for nothing."""
    running(t).exec("true", flags=[flag, ""]).ok()
