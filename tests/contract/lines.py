# SPDX-License-Identifier: Apache-2.0
"""A line of the contract between the engines and their runtime: one sentence, and a function that finds out."""

import dataclasses

LINES = []


@dataclasses.dataclass(frozen=True)
class Line:
    caller: str      # the engine, or what the lines of its file have in common
    name: str
    sentence: str
    function: object
    runc: str        # what Debian's runc does instead; empty where it keeps the line
    deadline: int
    values: tuple

    @property
    def title(self):
        return f"{self.caller}: {self.name}"

    def __call__(self, t):
        self.function(t, *self.values)


def line(runc="", each=None, deadline=30):
    """Registers a line; the docstring is its sentence, and `{}` in it the first value of `each`.

    runc: what Debian's runc does instead. It is called all the same, and must be seen to break the line.
    each: a list of argument tuples, one line each. deadline: seconds, behind which whoever still waits has lost.
    """
    def register(function):
        for values in [()] if each is None else each:
            values = values if isinstance(values, tuple) else (values,)
            name = function.__name__ + (f"[{values[0]}]" if values else "")
            sentence = function.__doc__.split("\n\n")[0].format(*values)
            LINES.append(Line(function.__module__.removeprefix("test_"), name, " ".join(sentence.split()), function,
                              runc.get(values[0], "") if isinstance(runc, dict) else runc, deadline, values))
        return function
    return register
