# SPDX-License-Identifier: Apache-2.0
"""What pytest needs to know of our suites: the runtime under test, its control, and the place a case runs in.

    pytest tests/integration -n 3                      every case with build/release/bulkhead, in three processes
    pytest tests/integration --control runc            the same cases with runc, to prove the cases
    pytest tests/integration/test_kill.py -k frozen    some of them
"""

import os
import pathlib
import sys

import pytest

import apart
import bundles
import ground
import harness
import isolation
import leaks
import memlock
import places
import variants

sys.dont_write_bytecode = True
DEFAULT_RUNTIME = pathlib.Path(__file__).resolve().parent.parent / "build/release/bulkhead"
CONTROLS = harness.CONTROLS
CALLERS_SECONDS = 15  # the patience of a caller of tests/contract, alone on the machine


def pytest_addoption(parser):
    group = parser.getgroup("bulkhead")
    group.addoption("--runtime", type=pathlib.Path, help=f"the program under test (default {DEFAULT_RUNTIME})")
    group.addoption("--control", choices=CONTROLS, help="prove the cases: run those that say nothing else with runc, or crun")
    group.addoption("--native", action="store_true", help="keep the machine's own view of the cgroups")
    group.addoption("--times", type=int, default=1, metavar="N", help="each case so often in a row")
    group.addoption("--patience", type=float, default=1, metavar="N", help="deadlines N times as long: a slow machine")


def runtime_path(config):
    control = config.getoption("control")
    return (config.getoption("runtime") or (CONTROLS[control] if control else DEFAULT_RUNTIME)).absolute()


def unready(config):
    """The reason why nothing can be run here, or None."""
    if os.geteuid() != 0:
        return "must run as root"
    if config.getoption("control") and config.getoption("native") and not isolation.booted_by_systemd():
        return "--control needs the pure v2 view: on a hybrid machine runc would use cgroup v1"
    if not os.access(runtime_path(config), os.X_OK):
        return f"{runtime_path(config)} is not there; build it or name another with --runtime"
    if not os.path.exists(bundles.BUSYBOX):
        return f"{bundles.BUSYBOX} is missing; install the package busybox-static"
    wrong = leaks.wrong_devices()
    return f"this machine is already damaged: {wrong[0]}" if wrong else None


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Before anything is collected: a run of one process goes on in a place of its own, below us."""
    if config.option.collectonly or config.option.help or config.option.version or config.option.markers:
        return None
    if reason := unready(config):
        raise pytest.UsageError(reason)
    # A view of our own would hide the units of systemd, which has made one tree for all anyway.
    config.option.native = config.option.native or isolation.booted_by_systemd()
    return places.go_on_inside(config.option.native) if places.runs_alone(config) else None


def pytest_configure(config):
    os.environ["CONTRACT_SECONDS"] = str(int(CALLERS_SECONDS * config.getoption("patience")))
    config.pluginmanager.register(places.Places(config), "places")
    config.pluginmanager.register(apart.Apart(config), "apart")
    if config.getoption("control") == "crun" and places.runs_cases(config):
        memlock.intercept()


def pytest_itemcollected(item):
    differs = item.get_closest_marker("differs")
    if not (differs and differs.args) and not item.get_closest_marker("breaks"):
        item.add_marker("control_runc")


def pytest_collection_modifyitems(config, items):
    factor, usual = config.getoption("patience"), float(config.getini("timeout"))
    for item in items if factor > 1 else ():
        marker = item.get_closest_marker("timeout")
        item.add_marker(pytest.mark.timeout((marker.args[0] if marker else usual) * factor), append=False)
    items[:] = [item for item in items for _ in range(config.getoption("times"))]


def pytest_runtest_setup(item):
    control = item.config.getoption("control")
    differs = item.get_closest_marker("differs")
    if control and differs and (reason := how_it_differs(item, control, *differs.args, **differs.kwargs)):
        pytest.skip(f"not for {control} as the control: {reason}")
    for marker in item.iter_markers("needs"):
        if reason := marker.args[0]():
            pytest.skip(reason)


def how_it_differs(item, control, runc="", crun=""):
    """What the control does instead of what the case expects; crun: also a dictionary by the cases' names."""
    if isinstance(crun, dict):
        crun = crun.get(apart.parameters(item), "")
    return runc or (crun if control == "crun" else "")


def pytest_terminal_summary(terminalreporter):
    """What cases have to say with their results."""
    for report in [each for reports in terminalreporter.stats.values() for each in reports if hasattr(each, "user_properties")]:
        for name, text in report.user_properties:
            if name == "note" and report.when == "call":
                terminalreporter.write_line(f"note: {report.nodeid.rpartition('::')[2]}: {text}")


@pytest.fixture
def runtime(request):
    """The program under test."""
    return runtime_path(request.config)


@pytest.fixture
def control(request):
    """The name of the control that is under test in bulkhead's place, or None."""
    return request.config.getoption("control")


@pytest.fixture
def context():
    """The class of `t`; a suite may have its own."""
    return harness.Context


@pytest.fixture
def t(request, runtime, control, context):
    """The case's world: containers, bundles, the runtime. What it leaves behind fails the case."""
    here = request.node.stash[apart.HERE]
    made = context(runtime, control, here.scratch, here.template, here.prefix)
    made.properties = request.node.user_properties
    before = leaks.Snapshot([str(made.null), *made.more_devices], only_with=here.prefix if here.native else None)
    yield made
    problems = made.cleanup() + apart.held_against(control, before.leaks(made.root)) + made.invariants()
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def scratch(request):
    """A folder of this case alone, for what looks at a timeline: explain and faults."""
    here = request.node.stash[apart.HERE]
    return ground.Scratch(here.scratch, here.template)


@pytest.fixture
def edits(scratch):
    """{name: edit of a config}, and what these name is there meanwhile."""
    with variants.Variants(scratch.path) as named:
        yield named
