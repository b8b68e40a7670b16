# SPDX-License-Identifier: Apache-2.0
"""The registry: what an attack is, and how a case is written."""

import dataclasses

import harness

ATTACKERS = {
    "A1": "a malicious image", "A2": "a running container", "A3": "a neighbour that shares a directory",
    "A4": "an author of parts of config.json", "A5": "a sloppy caller", "A6": "another user of the host",
}
ATTACKS = []


@dataclasses.dataclass
class Attack:
    """One attack with its variants."""

    number: str
    attacker: str
    function: object
    needs: object
    deadline: int
    each: list
    twin_function: object = None
    twin_once: bool = False

    def twin(self, function=None, *, once=False):
        """Registers the harmless form: the same thing asked for without malice has to work."""
        if function is None:
            return lambda given: self.twin(given, once=once)
        self.twin_function, self.twin_once = function, once
        return self

    @property
    def name(self):
        return self.function.__name__

    def variants(self):
        """[(name, arguments)]"""
        return [(f"[{values[0]}]" if values else "", values) for values in self.each]

    def case(self, variant, values, harmless):
        """What the runner of tests/integration can run."""
        name = f"{self.name}{variant}" + (", harmless" if harmless else "")
        function = self.twin_function if harmless else self.function
        return harness.Case(name, self.number, function, True, "", "", self.deadline, self.needs, values)


def attack(number, attacker, needs=None, deadline=60, each=None):
    """Registers a function as an attack.

    It fails (harness.Failure) if the attack worked; the invariants are looked at behind it. each: a list of argument
    tuples, named by their first. What the attack does to runc and crun is in controls.tsv.
    """
    if attacker not in ATTACKERS:
        raise ValueError(f"no attacker {attacker}")
    lists = [()] if each is None else [values if isinstance(values, tuple) else (values,) for values in each]

    def register(function):
        made = Attack(number, attacker, function, needs, deadline, lists)
        ATTACKS.append(made)
        return made
    return register
