# SPDX-License-Identifier: Apache-2.0
"""A real terminal emulator: a tmux server of the case's own, with a shell in its one window."""

import os
import shlex
import shutil
import subprocess
import termios
import time

from harness import BASE_ENV, Failure

PROMPT = "caller> "
SETTLED_SECONDS = 0.3


def missing():
    """The reason to skip, or None."""
    return None if shutil.which("tmux") else "tmux is not installed"


class Screen:
    """`box` in its shell is the command that the case is about; so every runtime shows the same words."""

    def __init__(self, scratch, command, name, rows=24, columns=80):
        scratch.joinpath(f"{name}.rc").write_text(
            f"PS1='{PROMPT}'; unset HISTFILE\nbind 'set enable-bracketed-paste off'\n"
            f"box() {{ {shlex.join(command)}; }}\n")
        self.socket = str(scratch / f"{name}.tmux")
        self.scratch, self.count = scratch, 0
        shell = shlex.join(["/bin/bash", "--noprofile", "--rcfile", str(scratch / f"{name}.rc"), "-i"])
        self.call("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), shell)
        self.call("set-option", "-g", "status", "off")
        self.resize(rows, columns)
        self.tty = self.call("display-message", "-p", "#{pane_tty}").strip()
        self.until(PROMPT)
        self.before = self.settings()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], check=False, stderr=subprocess.DEVNULL)

    def call(self, *words):
        env = {**BASE_ENV, "LANG": "C.UTF-8", "TERM": "xterm"}
        return subprocess.run(["tmux", "-u", "-S", self.socket, *words], env=env, cwd=self.scratch, check=True,
                              capture_output=True, text=True, timeout=10).stdout

    def resize(self, rows, columns):
        self.call("resize-window", "-x", str(columns), "-y", str(rows))

    def settings(self):
        terminal = os.open(self.tty, os.O_RDWR | os.O_NOCTTY)
        try:
            return termios.tcgetattr(terminal)
        finally:
            os.close(terminal)

    def type(self, text):
        self.call("send-keys", "-l", text)

    def keys(self, *names):
        """By tmux's names: Enter, Escape, C-c."""
        self.call("send-keys", *names)

    def enter(self, text):
        self.type(text)
        self.keys("Enter")

    def paste(self, text):
        (self.scratch / "paste").write_text(text)
        self.call("load-buffer", str(self.scratch / "paste"))
        self.call("paste-buffer", "-r")

    def lines(self):
        return [line.rstrip() for line in self.call("capture-pane", "-p").splitlines()]

    def until(self, *wanted, seconds=15):
        """Waits until lines that begin with these are shown in this order and the screen stands still: its lines."""
        end, before, still = time.monotonic() + seconds, None, 0.0
        while time.monotonic() < end:
            lines = self.lines()
            still = still + 0.05 if lines == before else 0.0
            before = lines
            if still >= SETTLED_SECONDS and in_order(wanted, lines):
                return lines
            time.sleep(0.05)
        raise Failure(f"after {seconds} s the screen does not show {wanted}:\n" + "\n".join(before))


def in_order(wanted, lines):
    rest = iter(lines)
    return all(any(line.startswith(start.rstrip()) for line in rest) for start in wanted)
