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


@case()
def console_size_without_a_terminal_is_ignored(t):
    """consoleSize is for a terminal (config.md, "Process"): without one, a size changes nothing."""
    box = t.shell("test -t 0 && echo terminal; test -e /dev/console && echo console; echo end", terminal=False,
                  consoleSize={"height": 5, "width": 6})
    equal(box.run().ok().out, "end\n", "output")
