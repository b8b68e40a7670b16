# SPDX-License-Identifier: Apache-2.0
"""Many containers, several at a time: none is lost, none runs twice."""

import concurrent.futures

from harness import Failure

COUNT, AT_A_TIME = 200, 8


def script(number):
    """What a container of the crowd does: it signs its sheet in /seen, speaks, and ends with a status of its own."""
    return f"echo here >> /seen/{number}; echo I am {number}; exit {number % 100}"


def problem(number, result, sheets):
    """What is wrong with what came of a container, or None."""
    if (result.code, result.out) != (number % 100, f"I am {number}\n"):
        return f"container {number}: {result}"
    sheet = sheets / str(number)
    runs = sheet.read_text().count("here") if sheet.exists() else 0
    return f"container {number} ran {runs} times" if runs != 1 else None


def crowd(run, sheets, numbers):
    """Has `run(number, script)` run all of them, AT_A_TIME; `sheets` is what they see as /seen."""
    sheets.mkdir()
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        results = list(pool.map(lambda number: run(number, script(number)), numbers))
    problems = [problem(number, result, sheets) for number, result in zip(numbers, results, strict=True)]
    if any(problems):
        wrong = [each for each in problems if each]
        raise Failure(f"{len(wrong)} of {len(numbers)} went wrong:\n" + "\n".join(wrong[:5]))
