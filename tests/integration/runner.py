# SPDX-License-Identifier: Apache-2.0
"""The loop: picks cases, runs each in a process of its own, checks for leaks, prints one line each."""

import argparse
import importlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import bundles
import harness
import isolation
import leaks
import memlock

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_RUNTIME = HERE.parent.parent / "build/release/bulkhead"
CONTROL_RUNTIME = "/usr/sbin/runc"
CONTROLS = {"runc": CONTROL_RUNTIME, "crun": "/usr/bin/crun"}
CONTROL_TRIES = 3  # runc races at times; what it passes once proves the case, and each failure is shown
SKIPPED = 77


def add_selection(parser, things):
    """The options of every suite that has titles to choose by."""
    parser.add_argument("--filter", action="append", default=[], metavar="WORD",
                        help=f"only {things} whose title contains it; may be given again")
    parser.add_argument("--without", action="append", default=[], metavar="WORD",
                        help=f"no {things} whose title contains it; may be given again")
    parser.add_argument("--list", action="store_true", help="print the titles and stop")
    parser.add_argument("--verbose", action="store_true", help="print the traceback of failures")


def share(text):
    """`2/3` is (1, 3): the second of three."""
    number, count = (int(word) for word in text.split("/"))
    if not 1 <= number <= count:
        raise argparse.ArgumentTypeError(f"{text} is no share")
    return number - 1, count


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/integration/run", description=__doc__)
    parser.add_argument("--runtime", type=pathlib.Path, help=f"the program under test (default {DEFAULT_RUNTIME})")
    parser.add_argument("--control", nargs="?", const="runc", choices=CONTROLS, metavar="NAME",
                        help="prove the cases: run those that test runc's behaviour with it; or with crun, of which "
                             "the topics resources_in_force, resources_values, update and refusals know")
    parser.add_argument("--native", action="store_true", help="keep the machine's own view of the cgroups")
    add_selection(parser, "cases")
    parser.add_argument("--topic", action="append", default=[], metavar="NAME",
                        help="only the cases of test_NAME.py; may be given again")
    parser.add_argument("--share", type=share, default=(0, 1), metavar="I/N",
                        help="of N runs beside each other that share the cases the I-th, from 1")
    parser.set_defaults(context=harness.Context)
    chosen = parser.parse_args(argv)
    # A view of our own would hide the units of systemd, which has made one tree for all anyway.
    chosen.booted = isolation.booted_by_systemd()
    chosen.native = chosen.native or chosen.booted
    chosen.must_be_tidy = not chosen.control
    return chosen


def may_have(topic, words):
    """Whether a case of the topic can have one of the words in its title."""
    return not words or any(":" not in word or topic.endswith(word.partition(":")[0]) for word in words)


def load_cases(chosen):
    for file in sorted(HERE.glob("test_*.py")):
        topic = file.stem.removeprefix("test_")
        if may_have(topic, chosen.filter) and (not chosen.topic or topic in chosen.topic):
            importlib.import_module(file.stem)
    found = [case for case in harness.CASES  # those of topics that another one imports are there, too
             if (not chosen.topic or case.topic in chosen.topic)
             and (not chosen.filter or any(word in case.title for word in chosen.filter))
             and not any(word in case.title for word in chosen.without)]
    number, count = chosen.share
    return found[number::count]


def main(argv):
    chosen = options(argv)
    if chosen.list:
        for case in load_cases(chosen):
            print(f"{case.title}{'' if case.control else f'  (not for the control: {case.why})'}")
        return 0
    problem = unready(chosen)
    if problem:
        print(f"integration: {problem}", file=sys.stderr)
        return 2
    if not isolation.inside():
        return isolation.enter(argv, chosen.native)
    isolation.settle(chosen.native)
    if chosen.control == "crun":
        memlock.intercept()
    return run_all(chosen, load_cases(chosen))


def runtime_path(chosen):
    return (chosen.runtime or pathlib.Path(CONTROLS[chosen.control] if chosen.control else DEFAULT_RUNTIME)).absolute()


def unready(chosen):
    """The reason why nothing can be run here, or None."""
    if os.geteuid() != 0:
        return "must run as root"
    if chosen.control and chosen.native and not chosen.booted:
        return "--control needs the pure v2 view: on a hybrid machine runc would use cgroup v1"
    if not os.access(runtime_path(chosen), os.X_OK):
        return f"{runtime_path(chosen)} is not there; build it or name another with --runtime"
    if not os.path.exists(bundles.BUSYBOX):
        return f"{bundles.BUSYBOX} is missing; install the package busybox-static"
    wrong = leaks.wrong_devices()
    return f"this machine is already damaged: {wrong[0]}" if wrong else None


def run_all(chosen, cases):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="bh-it-") as top:
        template = pathlib.Path(top, "template")
        bundles.make_template(template)
        for number, case in enumerate(cases):
            outcome = run_case(chosen, case, pathlib.Path(top, str(number)), template, number)
            counts[outcome] += 1
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    return 1 if counts["failed"] else 0


def skip_reason(chosen, case):
    if chosen.control and not case.control:
        return f"not for the control: {case.why}"
    if chosen.control == "crun" and case.crun:
        return f"not for crun as the control: {case.crun}"
    return case.needs() if case.needs else None


def run_case(chosen, case, scratch, template, number):
    reason = skip_reason(chosen, case)
    if reason:
        print(f"skip: {reason} - {case.title}", flush=True)
        return "skipped"
    begin = time.monotonic()
    for _ in range(1 if chosen.must_be_tidy else CONTROL_TRIES):
        scratch.mkdir()
        problems = isolated(chosen, case, scratch, template, f"it{os.getpid()}-{number}")
        shutil.rmtree(scratch, ignore_errors=True)
        if not problems:
            break
        if not chosen.must_be_tidy:
            print(f"the control failed {case.title}: {problems[0].strip()}", flush=True)
    print(f"{'FAIL' if problems else 'ok':4} {case.title} ({time.monotonic() - begin:.2f} s)", flush=True)
    for problem in problems:
        print("     " + problem.rstrip().replace("\n", "\n     "), flush=True)
    return "failed" if problems else "passed"


def isolated(chosen, case, scratch, template, prefix):
    """Runs the case in a child with a deadline; returns its problems."""
    report = scratch / "report"
    before = leaks.Snapshot(only_with=prefix if chosen.native else None)
    child = os.fork()
    if child == 0:
        os._exit(in_child(chosen, case, scratch, template, prefix, report))
    ended = wait_for(child, case.deadline)
    if not ended:
        leaks.kill_descendants(os.getpid())
    problems = [report.read_text()] if report.exists() else []
    if not ended:
        problems.append(f"still running after {case.deadline} s, killed")
    elif ended[0] != 0 and not problems:
        problems.append(f"the case's process ended with status {ended[0]}")
    return problems + held_against(chosen, wreckage(before))


def held_against(chosen, leavings):
    """What is left behind is a failure; where a control proves the case and not itself, it is a remark."""
    if chosen.must_be_tidy:
        return leavings
    for sentence in leavings:
        print(f"the control left something behind: {sentence}", flush=True)
    return []


def wait_for(child, seconds):
    """(status,) when the child has ended, else None."""
    descriptor = os.pidfd_open(child)
    try:
        ready = select.select([descriptor], [], [], seconds)[0]
        return (os.waitpid(child, 0)[1],) if ready else None
    finally:
        os.close(descriptor)


def in_child(chosen, case, scratch, template, prefix, report):
    """The case's own process: leader of a session, parent of every orphan the runtime leaves."""
    problems = []
    try:
        os.setsid()
        isolation.die_with_parent()
        isolation.become_subreaper()
        os.umask(0o022)
        t = chosen.context(runtime_path(chosen), chosen.control, scratch, template, prefix)
        before = leaks.Snapshot([str(t.null), *t.more_devices], only_with=prefix if chosen.native else None)
        problems += attempt(case, t, chosen.verbose)
        problems += t.cleanup()
        problems += held_against(chosen, before.leaks(t.root)) + t.invariants()
    except Exception:  # a fault of the harness itself: report it like a failure
        problems.append(traceback.format_exc())
    if problems:
        report.write_text("\n".join(problems))
    sys.stdout.flush()
    return 1 if problems else 0


def attempt(case, t, verbose):
    try:
        case(t)
    except harness.Failure as failure:
        return [traceback.format_exc() if verbose else f"{failure}{place(failure)}"]
    except (Exception, SystemExit):
        return [traceback.format_exc()]
    return []


def place(failure):
    """Where in the test file it failed."""
    frames = [frame for frame in traceback.extract_tb(failure.__traceback__)
              if pathlib.Path(frame.filename).name.startswith("test_")]
    return f"\n  at {pathlib.Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def wreckage(before):
    """After a case: removes by force what is left, so that the next case starts clean, and says so."""
    leaks.kill_descendants(os.getpid())
    sentences = []
    for line in sorted(leaks.mount_set() - before.mounts, reverse=True):
        point = line.split()[4]
        sentences.append(f"removed the mount {point}")
        subprocess.run(["umount", "--lazy", point], check=False, stderr=subprocess.DEVNULL)
    left = sorted(before.own_cgroups() - before.cgroups, reverse=True)
    for path in left:
        sentences.append(f"removed the cgroup {path}")
        isolation.remove_tree(path)
    sentences += before.device_leaks()
    before.repair_devices()
    return sentences
