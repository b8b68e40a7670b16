# SPDX-License-Identifier: Apache-2.0
"""Holds docs/waits.md to the sources: each place in src/ that can wait for somebody has a row with its bound there."""

import re

import sources
import tree as trees

PAPER = "docs/waits.md"
# Of the host, by their wrappers or raw; what is called by another name through these is a wait of theirs.
WRAPPED = r"\bsys::(?:wait_\w+|pause|send|receive|connect_\w+)|(?<!Result<bool> )\block_within"
RAW = (r"(?<![\w>])::(?:p?poll|p?select|epoll_p?wait2?|wait|wait3|wait4|waitid|waitpid|flock|connect|accept4?|recv\w*|send\w*|"
       r"sigwait\w*|sigtimedwait|sigsuspend|pause|(?:clock_)?nanosleep|u?sleep|write|mq_\w+|sem_\w+|pthread_join)\b")
OF_OTHERS = r"\bsd_bus_(?:wait|call|process)\b|\bevents\.wait|\bstd::this_thread::sleep_\w+|\bF_(?:OFD_)?SETLKW\b"
# Of the stage. Reads are from sockets, and from files that are looked at before.
OF_STAGE = r"\b__NR_(?:p?poll|p?select6|epoll_p?wait|wait4|waitid|futex|(?:clock_)?nanosleep|read|recvmsg|flock|connect|accept4?)\b"
CALL = re.compile("|".join((WRAPPED, RAW, OF_OTHERS, OF_STAGE)))
ROW = re.compile(r"^\| `([\w/.]+)` \| ([~\w]+) \| ([\w:.]+) \|(.*)\|$", re.MULTILINE)


def short(call):
    """A call as the table has it."""
    return re.sub(r"^(sys::|::|std::this_thread::)", "", call).removeprefix("__NR_").removeprefix("events.")


def found(tree):
    """{(file below src/, function, call)} of the code."""
    places = set()
    spans = sources.spans(tree)
    for path in tree.below("src/", *trees.SOURCE):
        for number, line in trees.lines_with(tree.text(path), CALL):
            inside = [(end - begin, name) for begin, end, name in spans.get(path, [])
                      if begin <= number <= end and not name.startswith("__anon")]
            name = min(inside)[1] if inside else "-"
            places |= {(path.removeprefix("src/"), name, short(call)) for call in CALL.findall(line)}
    return places


def rows(tree):
    """{(file, function, call): the other cells}"""
    return {(path, name, short(call)): [cell.strip() for cell in rest.split("|")]
            for path, name, call, rest in ROW.findall(tree.text(PAPER))}


def listed(tree):
    """A wait has a row, a row has a wait and all its cells, and what it calls a constant is one."""
    code, paper = found(tree), rows(tree)
    text = "\n".join(trees.code(tree.text(path)) for path in tree.below("src/", *trees.SOURCE))
    wrong = [f"{PAPER} has no row for {' '.join(place)}" for place in sorted(code - set(paper))]
    wrong += [f"{PAPER} has a row for {' '.join(place)}, which is not in src/" for place in sorted(set(paper) - code)]
    for place, cells in paper.items():
        if len(cells) != 3 or not all(cells):
            wrong.append(f"{PAPER}: {' '.join(place)}: who holds it, the bound and what then are to be said")
        wrong += [f"{PAPER}: {word} is not in src/" for word in re.findall(r"`(\w+)`", " ".join(cells))
                  if not re.search(rf"\b{word}\b", text)]
    return wrong
