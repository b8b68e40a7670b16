# SPDX-License-Identifier: Apache-2.0
"""What a line gets: bundles as in tests/integration, the program under test, and the roots it keeps states in."""

import os
import pathlib
import subprocess

import harness
import leaks


class World(harness.Context):
    """`t`. `t.path` is the program; `t.control` is set where that is runc."""

    def __init__(self, runtime_path, *arguments):
        super().__init__(runtime_path, *arguments)
        self.path = str(runtime_path)
        self.default_root = pathlib.Path("/run", os.path.basename(self.path))  # of a caller who names no root
        self.ids = []

    def fresh_id(self):
        """An id that nobody else has; what remains of its container is deleted after the line."""
        self.ids.append(f"{self.prefix}-c{len(self.ids)}")
        return self.ids[-1]

    def directory(self, name):
        """A directory of this line, made once."""
        path = self.scratch / name
        path.mkdir(exist_ok=True)
        return path

    def running(self, *args, **process):
        """A running container, of a program or of a sleeper."""
        box = self.container(*args, **process) if args else self.sleeper(**process)
        box.run_detached().ok()
        return box

    def roots(self):
        """Every directory in which a caller of this line may have had states."""
        return [self.root, self.default_root, *self.scratch.glob("*roots/*"), *self.scratch.glob("xdg/*")]

    def cleanup(self):
        problems = super().cleanup()
        for root in self.roots():
            for name in set(os.listdir(root) if root.is_dir() else []) & set(self.ids):
                done = subprocess.run([self.path, "--root", root, "delete", "--force", name], text=True, timeout=20,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                if done.returncode != 0 or (done.stdout and not self.control):
                    problems.append(f"delete --force {name}: {done.returncode} {done.stdout}")
        return problems

    def invariants(self):
        left = {str(root / name) for root in self.roots() if root.is_dir()
                for name in set(os.listdir(root)) - leaks.ROOT_FURNITURE}
        return [] if self.control else [f"left in a state root: {path}" for path in sorted(left)]
