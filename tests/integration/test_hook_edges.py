# SPDX-License-Identifier: Apache-2.0
"""Edges of what hooks find: new clocks, a root that becomes read-only, a kernel parameter of a device that a hook makes,
 a broken kept config."""

import pathlib

from harness import absent, contains, equal, true
from hooks import Journal, shell, whole_life
from marks import differs, parametrize

TOOLS = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; "
PID = "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); "
AHEAD = 100_000_000  # seconds


def uptime_in_a_hook(t, kind):
    """The uptime in seconds that a hook of a container with its own clocks reads."""
    journal = Journal(t)
    box = journal.box(hooks={kind: [shell(f"{TOOLS}cut -d. -f1 /proc/uptime > {journal.path}/uptime")]})

    def clocks(config):
        config["linux"]["namespaces"].append({"type": "time"})
        config["linux"]["timeOffsets"] = {"boottime": {"secs": AHEAD}}
    box.bundle.edit(clocks)
    whole_life(box)
    return int((journal.path / "uptime").read_text())


@differs("runc 1.1.5 knows no time namespaces")
@parametrize("kind", ["createContainer", "startContainer"])
def test_the_clocks_of_the_container(t, kind):
    """A hook in the container's namespaces has the container's clocks, before the program itself has them."""
    true(uptime_in_a_hook(t, kind) > AHEAD, "the clocks are the host's")


@differs("runc 1.1.5 knows no time namespaces")
@parametrize("kind", ["prestart", "poststart"])
def test_the_clocks_of_the_host(t, kind):
    """A hook in the runtime's namespaces has the host's clocks."""
    true(uptime_in_a_hook(t, kind) < AHEAD, "the clocks are the container's")


def test_a_root_that_will_be_read_only(t):
    """A createContainer hook writes below the root's path (as ldconfig does); the program cannot."""
    journal = Journal(t)
    bundle = journal.bundle("sh", "-c", "cat /etc/hook.conf; echo x > /etc/program.conf || echo refused")
    hook = shell(f"{TOOLS}echo from-hook > {bundle.rootfs}/etc/hook.conf")
    bundle.edit(lambda config: config["root"].update(readonly=True))
    bundle.edit(lambda config: config.update(hooks={"createContainer": [hook]}))
    equal(t.container(bundle=bundle).run().out, "from-hook\nrefused\n", "output")


def test_a_parameter_of_a_device_that_a_hook_brings(t):
    """The runtime sets a kernel parameter that names a network device after a hook has made the device."""
    journal = Journal(t)
    bundle = journal.bundle("cat", "/proc/sys/net/ipv4/conf/br-hook/forwarding")
    hook = shell(f"{TOOLS}{PID}nsenter --net=/proc/$pid/ns/net ip link add br-hook type bridge")
    bundle.edit(lambda config: config["linux"].update(sysctl={"net.ipv4.conf.br-hook.forwarding": "1"}))
    bundle.edit(lambda config: config.update(hooks={"createRuntime": [hook]}))
    equal(t.container(bundle=bundle).run().ok().out, "1\n", "parameter")


@differs("runc keeps no config")
@parametrize("text", ["{", "{}", None])
def test_a_kept_config_that_is_broken(t, text):
    """start fails and changes nothing; delete warns that no poststop hooks run, and deletes."""
    journal = Journal(t)
    box = journal.box(hooks=journal.noting("startContainer", "poststop"))
    box.create().ok()
    kept = pathlib.Path(t.root, box.id, "config.json")
    kept.unlink() if text is None else kept.write_text(text)
    contains(box.start().exits(1).err, "config.json", "stderr")
    equal(box.status(), "created", "status")
    warnings = t.runtime.warned()
    box.delete().ok()
    contains(warnings(), "poststop hooks cannot run", "the log")
    equal(journal.order(), [], "hooks")
    t.no_state()


@differs("runc keeps no config")
def test_a_kept_config_that_nobody_needs(t):
    """Without hooks for start and delete the runtime does not even read the kept config."""
    box = t.container("sleep", "60")
    box.create().ok()
    pathlib.Path(t.root, box.id, "config.json").unlink()
    box.start().ok()
    absent(box.delete("--force").ok().err, "hooks", "stderr")
