# SPDX-License-Identifier: Apache-2.0
"""BuildKit's runc worker: attached runs that are kept, and attached execs into them."""

import hashlib
import json
import os
import pathlib
import signal

import isolation
from buildkit import AttachedTerminal, BuildKit, errors
from harness import contains, equal, eventually, true
from lines import line

WAITING = "echo ready; while :; do sleep 0.02; done"


def build(t, script, terminal=False, bundle=None, **how):
    """(worker, id, attached run) of a build step that is a shell script."""
    worker, name = BuildKit(t), t.fresh_id()
    bundle = bundle or t.bundle("sh", "-c", script, terminal=terminal)
    return worker, name, worker.run(bundle, name, kind=AttachedTerminal, **how) if terminal else worker.run(
        bundle, name, **how)


def running(t, script=WAITING):
    """The same, behind its first line `ready`."""
    worker, name, step = build(t, script)
    step.until("ready")
    return worker, name, step


def ended(worker, name, step):
    """Kills the step and deletes it."""
    worker.kill(name, 9).silent()
    equal(step.finish().code, 137, "exit status")
    worker.delete(name).silent()


@line(each=[0, 1, 3, 127, 255])
def the_status_of_the_step(t, code):
    """`run --keep` ends with the step's own exit status: {}."""
    worker, name, step = build(t, f"echo out; echo err >&2; exit {code}")
    answer = step.finish()
    equal((answer.out, answer.err, answer.code), ("out\n", "err\n", code), "the step")
    worker.delete(name).silent()


@line()
def the_status_of_a_killed_step(t):
    """`kill ID 9` of a canceled build makes the attached run end with 137."""
    ended(*running(t))


@line(each=["no_pivot", "keep"])
def flags_of_run(t, flag):
    """`--{}` is understood in front of the id."""
    worker, name, step = build(t, "echo out", **({"no_pivot": True} if flag == "no_pivot" else {}))
    equal(step.finish().ok().out, "out\n", "output")
    worker.delete(name).silent()


@line()
def kept_until_deleted(t):
    """Behind its end the state says stopped and pid 0, and `delete` without --force takes it away."""
    worker, name, step = build(t, "exit 3")
    equal(step.finish().code, 3, "exit status")
    state = worker.state(name)
    equal((state["status"], state["pid"]), ("stopped", 0), "state")
    worker.delete(name).silent()
    contains(worker.delete(name).failed().out, "does not exist", "the message of the second delete")


@line()
def not_kept_without_the_flag(t):
    """Without --keep nothing of a step is left behind its end."""
    worker, name, step = build(t, "exit 3", keep=False)
    equal(step.finish().code, 3, "exit status")
    contains(worker.delete(name).failed().out, "does not exist", "the message")


@line()
def the_cgroup_is_kept(t):
    """The cgroup of the step is there behind its end, with cgroup.events, and goes with `delete`."""
    name = t.fresh_id()
    worker, bundle = BuildKit(t), t.bundle("true")
    bundle.edit(lambda config: config["linux"].update(cgroupsPath=f"/{name}"))
    worker.run(bundle, name).finish().ok()
    cgroup = isolation.cgroup2_mount() / name
    contains((cgroup / "cgroup.events").read_text(), "populated 0", "cgroup.events")
    worker.delete(name).silent()
    true(not cgroup.exists(), f"{cgroup} is left")


@line(each=["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"])
def signals_are_passed_on(t, word):
    """SIG{} to the runtime reaches the step's process."""
    worker, name, step = running(t, f"trap 'exit 42' {word}; {WAITING}")
    step.signal(getattr(signal, f"SIG{word}"))
    equal(step.finish().code, 42, "exit status of the trap")
    worker.delete(name).silent()


@line()
def state_while_it_runs(t):
    """`state` becomes running, and its bundle and rootfs are directories in which the worker finds what it needs."""
    worker, name, step = running(t)
    state = worker.running(name)
    true(pathlib.Path(state["bundle"], "config.json").is_file(), f"no config.json in {state['bundle']}")
    true(pathlib.Path(state["rootfs"], "etc/passwd").is_file(), f"no passwd in {state['rootfs']}")
    ended(worker, name, step)


@line()
def state_while_it_is_made(t):
    """From the first moment of a run on, `state` either fails or prints a whole document with a known word."""
    worker, name, step = build(t, WAITING)
    seen = set()

    def asked():
        answer = t.runtime.exec(worker.argv("state", name))
        if answer.code != 0:
            contains(answer.err, "does not exist", "the message")
            return False
        seen.add(json.loads(answer.out)["status"])
        return "running" in seen
    eventually(asked, "it does not run", 10)
    true(seen <= {"creating", "created", "running"}, f"states {seen}")
    ended(worker, name, step)


@line(each=[0, 7, 126, 255])
def the_status_of_an_exec(t, code):
    """An attached exec into a step ends with its process's status, {}, and leaves the step alone."""
    worker, name, step = running(t)
    answer = worker.execute(name, "sh", "-c", f"echo out; echo err >&2; exit {code}").finish()
    equal((answer.out, answer.err, answer.code), ("out\n", "err\n", code), "the exec")
    equal(worker.state(name)["status"], "running", "status")
    ended(worker, name, step)


@line()
def exec_as_another_user(t):
    """A user found below the state's rootfs, more environment and another directory are those of the exec."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", "id -u; id -g; pwd; echo $WORD", user="bob", env=["WORD=here"], cwd="/tmp")
    equal(done.finish().ok().out.split(), ["1000", "1000", "/tmp", "here"], "the exec")
    ended(worker, name, step)


@line()
def input_of_an_exec(t):
    """What the worker copies into an exec arrives whole, a megabyte of it, and so does its end."""
    worker, name, step = running(t)
    text = b"0123456789abcdef" * 65536
    done = worker.execute(name, "md5sum")
    for begin in range(0, len(text), 65536):
        done.attached.say(text[begin:begin + 65536])
    equal(done.finish().ok().out.split()[0], hashlib.md5(text).hexdigest(), "sum of what arrived")
    ended(worker, name, step)


@line()
def output_of_an_exec(t):
    """What an exec writes arrives whole, a megabyte of it, also where the exec ends at once behind it."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", "yes 0123456 | head -c 1048576")
    equal(hashlib.md5(done.finish().ok().out.encode()).hexdigest(), hashlib.md5(b"0123456\n" * 131072).hexdigest(),
          "sum of what arrived")
    ended(worker, name, step)


@line()
def the_pid_file_of_an_exec(t):
    """The pid file of an attached exec is there while it runs, and names the process itself in the host's numbers."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", "echo ready; read word")
    done.attached.until("ready")
    with open(f"/proc/{done.pid()}/cmdline", encoding="utf-8") as file:
        contains(file.read(), "read word", "command line")
    done.finish()
    ended(worker, name, step)


@line()
def an_exec_that_is_canceled(t):
    """SIGKILL to the pid in the exec's pid file ends the attached runtime with 137, and the step goes on."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", WAITING)
    done.attached.until("ready")
    done.cancel()
    equal(done.finish().code, 137, "exit status")
    equal(worker.state(name)["status"], "running", "status")
    ended(worker, name, step)


@line()
def an_exec_that_is_canceled_at_once(t):
    """An exec that is canceled as soon as its pid file is there ends as killed, and the step goes on."""
    worker, name, step = running(t)
    done = worker.execute(name, "sleep", "60")
    done.cancel()
    equal(done.finish().code, 137, "exit status")
    equal(worker.state(name)["status"], "running", "status")
    ended(worker, name, step)


@line()
def signals_to_an_exec(t):
    """A signal to the runtime of an attached exec reaches its process and not the step's."""
    worker, name, step = running(t, f"trap 'exit 9' TERM; {WAITING}")
    done = worker.execute(name, "sh", "-c", f"trap 'exit 42' TERM; {WAITING}")
    done.attached.until("ready")
    done.attached.signal(signal.SIGTERM)
    equal(done.finish().code, 42, "exit status of the trap")
    ended(worker, name, step)


@line()
def an_exec_dies_with_its_step(t):
    """When a step is killed, the attached execs in it end, too, with 137."""
    worker, name, step = running(t)
    done = worker.execute(name, "sh", "-c", WAITING)
    done.attached.until("ready")
    ended(worker, name, step)
    equal(done.finish().code, 137, "exit status")


@line()
def a_terminal(t):
    """A step with a terminal has the size of the worker's, and its output arrives whole up to its end."""
    worker, name, step = build(t, "stty size; exit 6", terminal=True, rows=31, columns=101)
    answer = step.finish()
    equal((answer.out, answer.code), ("31 101\r\n", 6), "the step")
    worker.delete(name).silent()


@line()
def a_terminal_that_changes(t):
    """A new size and SIGWINCH to the runtime change the size of the step's terminal, and the step is told."""
    worker, name, step = build(t, "trap 'stty size; exit 0' WINCH; stty -echo; " + WAITING, terminal=True)
    step.until("ready")
    step.resize(44, 133)
    equal(step.finish().out, "44 133\r\n", "what the step saw")
    worker.delete(name).silent()


@line()
def a_terminal_of_an_exec(t):
    """An attached exec with a terminal answers to keys, follows SIGWINCH, and ends with its process's status."""
    worker, name, step = running(t)
    script = "trap 'stty size' WINCH; stty -echo; echo ready; while ! read word; do :; done; echo got $word; exit 8"
    done = worker.execute(name, "sh", "-c", script, terminal=True)
    done.attached.until("ready")
    done.attached.resize(20, 50)
    done.attached.until("20 50")
    done.attached.say(b"this\r")
    answer = done.finish()
    equal((answer.out, answer.code), ("got this\r\n", 8), "the exec")
    ended(worker, name, step)


@line(runc="keeps the state of a container that never ran")
def a_step_that_cannot_run(t):
    """A missing program ends `run` with 1, says why on stderr and in the log, and nothing is left to delete."""
    worker, name = BuildKit(t), t.fresh_id()
    answer = worker.run(t.bundle("no-such-program"), name).finish()
    equal(answer.code, 1, "exit status")
    contains(answer.err, "executable file not found in $PATH", "stderr")
    contains(errors(worker.log)[-1]["msg"], "executable file not found in $PATH", "the log")
    contains(worker.run_or_error("state", name).failed().out, "does not exist", "the message of state")


@line()
def an_exec_that_cannot_run(t):
    """A missing program ends `exec` with 255, is said in the log, leaves no pid file, and the step goes on."""
    worker, name, step = running(t)
    done = worker.execute(name, "no-such-program")
    answer = done.finish()
    equal(answer.code, 255, "exit status")
    contains(answer.err, "executable file not found in $PATH", "stderr")
    equal("not found" in errors(worker.log)[-1]["msg"], True, "the log")
    true(not done.pid_file.exists(), "a pid file is left")
    ended(worker, name, step)


@line()
def one_log_for_all_builds(t):
    """Builds that fail beside each other append to one log: each its own line, whole, and none is lost."""
    worker, names = BuildKit(t), [t.fresh_id() for _ in range(6)]
    bundles = [t.bundle(f"missing-{number}") for number in range(6)]
    steps = [worker.run(bundle, name) for bundle, name in zip(bundles, names)]
    equal([step.finish().code for step in steps], [1] * 6, "exit statuses")
    said = [document["msg"] for document in errors(worker.log)]
    equal(sorted(number for number in range(6) for text in said if f"missing-{number}\"" in text), list(range(6)),
          f"the programs that the log names: {said}")


@line()
def a_log_of_success(t):
    """A build that succeeds adds no error to the log."""
    worker, name, step = build(t, "exit 3")
    equal(step.finish().code, 3, "exit status")
    worker.delete(name).silent()
    equal(errors(worker.log), [], "errors in the log")


@line()
def parents_of_many_at_once(t):
    """Builds below a cgroup that none of them has made yet can begin at the same time."""
    worker, names = BuildKit(t), [t.fresh_id() for _ in range(6)]
    top = isolation.cgroup2_mount() / f"{t.prefix}-top"
    bundles = [t.bundle("true").edit(lambda config, name=name: config["linux"].update(
        cgroupsPath=f"/{top.name}/buildkit/{name}")) for name in names]
    steps = [worker.run(bundle, name) for bundle, name in zip(bundles, names)]
    for step in steps:
        step.finish().ok()
    for name in names:
        worker.delete(name).silent()
    for path in (top / "buildkit", top):
        if path.exists():
            os.rmdir(path)
