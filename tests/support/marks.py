# SPDX-License-Identifier: Apache-2.0
"""What a case is marked with. Here and not in harness.py, which also serves the engines' cases, where there is no pytest."""

import pytest

differs, breaks, attacker = pytest.mark.differs, pytest.mark.breaks, pytest.mark.attacker  # see pytest.ini


def needs(function):
    """The case is skipped where the function returns a reason."""
    return pytest.mark.needs.with_args(function)


def parametrize(names, rows):
    """pytest's, with each case named by its first value alone.

    A name with a star takes the rest of a row; what a row lacks is None. A row that is no tuple has one value.
    """
    words, rows = names.split(", "), [row if isinstance(row, tuple) else (row,) for row in rows]
    return pytest.mark.parametrize([word.lstrip("*") for word in words], [filled(words, row) for row in rows],
                                   ids=[str(row[0]) if row else "none" for row in rows])


def filled(words, row):
    plain = len(words) - words[-1].startswith("*")
    values = [*row[:plain], *[None] * (plain - len(row))]
    return [*values, row[plain:]] if plain < len(words) else values
