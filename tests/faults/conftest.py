# SPDX-License-Identifier: Apache-2.0
"""How many faults were injected in all.

    pytest tests/faults -n 2                  every timeline, broken at every step in four ways: most of an hour
    pytest tests/faults -k "default"          some of them
"""

import creation


def pytest_terminal_summary(terminalreporter):
    count = {"faults": 0, "unheard": 0}
    for report in (each for each in terminalreporter.getreports("passed") if each.when == "call"):
        for name, value in report.user_properties:
            count[name] = count.get(name, 0) + (value if isinstance(value, int) else 0)
    if count["faults"]:
        terminalreporter.write_line(f"{count['faults']} faults injected, {count['unheard']} of them not reported: "
                                    f"{creation.UNHEARD_REASON}")
