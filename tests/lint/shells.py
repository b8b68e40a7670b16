# SPDX-License-Identifier: Apache-2.0
"""shellcheck over the shell scripts of the project."""

import pathlib
import re
import subprocess
import tempfile

SHELL = re.compile(r"#!.*\b(ba)?sh\b")


def findings(tree):
    """What shellcheck says of each script; what a script includes (`.`) is read with it."""
    scripts = [path for path, text in tree.files.items() if SHELL.match(text)]
    with tempfile.TemporaryDirectory() as folder:
        for path in [*scripts, *tree.below("tests/engines/mirror"), *tree.below("tests/vm/guest/")]:
            target = pathlib.Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(tree.text(path))
        done = subprocess.run(["shellcheck", "-x", "-f", "gcc", *scripts], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
    said = done.stdout.splitlines()
    return said if said or done.returncode == 0 else [f"shellcheck ended with {done.returncode}"]
