# SPDX-License-Identifier: Apache-2.0
"""A case: what an engine is told, and what must come of it, whatever runtime it calls."""

import dataclasses

CASES = []
NATIVE, GUEST = "native", "guest"


@dataclasses.dataclass(frozen=True)
class Case:
    topic: str
    name: str
    sentence: str
    function: object
    place: str       # GUEST where it takes controllers, systemd, or root with every capability
    fails: dict      # {generation: (why no runtime passes there, words of the problem)}
    generations: tuple  # whose engine has what it is about; empty: all
    deadline: int
    values: tuple
    smoke: bool

    @property
    def engine(self):
        return self.topic.partition("_")[0]

    @property
    def title(self):
        return f"{self.topic}: {self.name}"

    def expected(self, generation, problems):
        """Why it fails there with any runtime; empty where it should not, or fails in another way."""
        reason, words = self.fails.get(generation, ("", ""))
        return reason if not problems or (len(problems) == 1 and words in problems[0]) else ""

    def __call__(self, engine):
        self.function(engine, *self.values)


def case(place=NATIVE, each=None, fails=None, deadline=60, generations=(), smoke=False):
    """Registers a case of the engine whose name begins the file's; its docstring is what the table says of it.

    place: NATIVE or GUEST. each: a list of argument tuples, one case each, named by the first argument; `{}` in the
    docstring is that. fails: {generation: (reason, words of the problem)} where the engine itself does not get there:
    runc must fail, too.
    deadline: seconds natively; in a guest ten times as many. generations: those that have what the case is about.
    smoke: of what scripts/test asks each engine, with the first of `each`.
    """
    def register(function):
        for number, given in enumerate([()] if each is None else each):
            values = given if isinstance(given, tuple) else (given,)
            name = function.__name__ + (f"[{values[0]}]" if values else "")
            sentence = " ".join(function.__doc__.split("\n\n")[0].format(*values).split())
            CASES.append(Case(function.__module__.removeprefix("test_"), name, sentence, function, place, fails or {},
                              tuple(generations), deadline, values, smoke and number == 0))
        return function
    return register
