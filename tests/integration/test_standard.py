# SPDX-License-Identifier: Apache-2.0
"""Sentences of the runtime-spec that no other topic is about."""

from harness import case, contains, equal, true


@case(each=["state", "create", "start", "kill", "delete"])
def an_operation_needs_an_id(t, verb):
    """Without an id every operation is an error (runtime.md, "Operations")."""
    result = t.runtime(verb)
    true(result.code != 0, f"{verb} without an id succeeded")
    contains(result.out + result.err, verb, "output")
    t.no_state()


@case(each=[("a size", {"height": 5, "width": 6}), ("half of one", {"height": 5}),
            ("more than a terminal can have", {"height": 65536, "width": 4294967295}), ("none", {})])
def console_size_without_a_terminal_is_ignored(t, _, size):
    """consoleSize is for a terminal (config.md, "Process"): without one, whatever it is, it changes nothing."""
    box = t.shell("test -t 0 && echo terminal; test -e /dev/console && echo console; echo end", terminal=False,
                  consoleSize=size)
    equal(box.run().ok().out, "end\n", "output")
    unset = t.shell("echo end", consoleSize=size)
    unset.bundle.edit(lambda config: config["process"].pop("terminal", None))
    equal(unset.run().ok().out, "end\n", "output where terminal is unset")


@case(control=False, why="runc takes what is left of 16 bits")
def console_size_with_a_terminal_has_to_fit(t):
    """With a terminal it is the size of one, and its numbers have 16 bits."""
    box = t.container("true", terminal=True, consoleSize={"height": 65536, "width": 1})
    contains(box.create("--console-socket", t.scratch / "none").exits(1).err,
             "/process/consoleSize/height: 65536: must be a whole number from 0 to 65535", "stderr")
