# SPDX-License-Identifier: Apache-2.0
"""What a validation program said: its test lines, and a last one about how it ended."""

import collections
import re

LINE = re.compile(r"^(not ok|ok) (\d+)(?: - (.*?))?(?: # (SKIP|TODO)\b.*)?$")
PLAN = re.compile(r"^1\.\.(\d+)$")
REMARK = re.compile(r'^ +"error": "(.+)",?$')
ENDING = "the program ends without a complaint"


def parse(text, status):
    """[(verdict, title)] with the verdicts ok, not ok, skip. Titles are made unique by a number behind them.

    Many programs complain only by a remark that belongs to no test line, or by their exit status, or they die before
    their plan: what is left over is the verdict on ENDING.
    """
    lines, plan, seen, complaint = [], None, collections.Counter(), ""
    for row in text.splitlines():
        if found := LINE.match(row):
            verdict = "skip" if found[4] else found[1]
            title = found[3] or row.partition("# SKIP ")[2]
            seen[title] += 1
            lines.append((verdict, title if seen[title] == 1 else f"{title} ({seen[title]})"))
        elif found := PLAN.match(row):
            plan = int(found[1])
        elif not lines and (found := REMARK.match(row)):
            complaint = found[1]
    return [*lines, ("not ok" if wrong_end(lines, plan, complaint, status) else "ok", ENDING)]


def wrong_end(lines, plan, complaint, status):
    """Why the program as a whole has failed, or an empty string."""
    if status != 0:
        return f"ended with {status}"
    if lines and plan != len(lines):
        return f"{len(lines)} tests, and planned were {plan}"
    return complaint


def count(lines, verdict):
    return sum(each == verdict for each, _ in lines)
