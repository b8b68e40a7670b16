# SPDX-License-Identifier: Apache-2.0
"""The seccomp filter of an executed program, and the listener for its agent."""

import os

import pytest

from harness import contains, equal, eventually
from marks import differs, needs, parametrize
from test_exec_policy import boxed, same
from test_seccomp import EPERM, call, profile, prober, x86_64
from test_seccomp_listener import MKDIR, Agent, notifying

pytestmark = [pytest.mark.by_the_stage, pytest.mark.any_cgroups]


@parametrize("_, flag", [("no_new_privs", True), ("new privileges", False)])
def test_seccomp_is_that_of_the_container(t, _, flag):
    """The program has mode 2 and one filter, with and without no_new_privs."""
    seccomp = profile("ALLOW", ("reboot", "ERRNO"))
    found = same(boxed(t, lambda config: config["linux"].update(seccomp=seccomp), noNewPrivileges=flag))
    equal((found["Seccomp"], found["Seccomp_filters"]), ("2", "1"), "seccomp")


@needs(x86_64)
@parametrize("_, flag", [("no_new_privs", True), ("new privileges", False)])
def test_seccomp_is_in_force(t, _, flag):
    """An executed program cannot make a call that the profile refuses, and can make another."""
    box = t.sleeper(noNewPrivileges=flag)
    (box.bundle.rootfs / "probe").write_bytes(prober([call("getuid"), call("getppid")]))
    (box.bundle.rootfs / "probe").chmod(0o755)
    box.bundle.edit(lambda config: config["linux"].update(seccomp=profile("ALLOW", ("getuid", "ERRNO"))))
    box.run_detached().ok()
    with open(t.scratch / "results", "wb") as file:
        box.exec("/probe", stdout=file).exits(0)
    data = (t.scratch / "results").read_bytes()
    equal([int.from_bytes(data[at:at + 8], "little", signed=True) for at in (0, 8)], [-EPERM, 0], "results")


@differs("runc 1.1.5 makes many calls of its own between the filter and execve")
@needs(x86_64)
@parametrize("_, flag", [("no_new_privs", True), ("new privileges", False)])
def test_a_minimal_profile_is_enough(t, _, flag):
    """A profile that allows only the calls of the program itself does not stop exec."""
    calls = [call("getppid")]
    box = t.container("/probe", noNewPrivileges=flag)
    names = ["execve", "write", "exit_group", "pause"]
    (box.bundle.rootfs / "probe").write_bytes(prober(calls))
    (box.bundle.rootfs / "wait").write_bytes(prober([("64", 34, 0)]))  # pause(2)
    for name in ("probe", "wait"):
        (box.bundle.rootfs / name).chmod(0o755)
    box.bundle.process(args=["/wait"])
    box.bundle.edit(lambda config: config["linux"].update(seccomp=profile("ERRNO", (names, "ALLOW"))))
    box.run_detached().ok()
    with open(t.scratch / "results", "wb") as file:
        box.exec("/probe", stdout=file).exits(0)
    data = (t.scratch / "results").read_bytes()
    equal(int.from_bytes(data, "little", signed=True), -EPERM, "result")


def test_the_agent_gets_a_listener_of_its_own(t):
    """With SCMP_ACT_NOTIFY the agent gets another listener, and a state with the status running."""
    first = Agent(t.scratch / "agent")
    bundle = notifying(t, first.path, "mkdir", listenerMetadata="more").process(args=["sleep", "60"])
    box = t.container(bundle=bundle)
    box.run_detached().ok()
    eventually(lambda: first.state, "the agent was not told of the container")
    os.unlink(first.path)
    second = Agent(t.scratch / "agent")
    process = box.exec_detached("sh", "-c", "mkdir /nope 2> /dev/null; exit $?")
    equal(process.wait(), 1, "status")
    equal(second.seen, [MKDIR], "calls")
    equal((second.state["pid"], second.state["state"]["pid"]), (process.pid, box.pid), "pids")
    equal((second.state["state"]["status"], second.state["state"]["id"]), ("running", box.id), "state")
    equal((second.state["metadata"], second.state["fds"]), ("more", ["seccompFd"]), "metadata and fds")
    equal(first.seen, [], "calls that came to the first listener")


def test_without_an_agent_nothing_is_executed(t):
    """If the agent has gone, exec fails."""
    agent = Agent(t.scratch / "agent")
    box = t.container(bundle=notifying(t, agent.path, "mkdir").process(args=["sleep", "60"]))
    box.run_detached().ok()
    eventually(lambda: agent.state, "the agent was not told of the container")
    os.unlink(agent.path)
    contains(box.exec("true").exits(255).err, "exec failed: ", "stderr")
    equal(box.status(), "running", "status")
