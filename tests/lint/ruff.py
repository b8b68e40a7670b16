# SPDX-License-Identifier: Apache-2.0
"""ruff over the Python of the project.

Debian has no ruff, and PyPI is not asked. The npm registry has it as WebAssembly, by the authors of ruff; Node.js runs it.
"""

import base64
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
import urllib.request

import cache

VERSION = "0.14.14"
PACKAGE = f"https://registry.npmjs.org/@astral-sh/ruff-wasm-nodejs/-/ruff-wasm-nodejs-{VERSION}.tgz"
SHA512 = "LcWdYx1yzHrmWKo9oY/jRwD16+fQJgq+kpiHiOZd0uDWnhiPP9Ya82/x4hhWZQTz2/sX3QNMTQ09TKAJwEWcog=="
PLACE = cache.TOP / f"ruff-{VERSION}"
HERE = pathlib.Path(__file__).resolve().parent
CONFIG = "ruff.toml"
SECONDS = 120


def prepare():
    """Fetches the package, once. Several may do so at the same time: the first one's stays."""
    if PLACE.exists():
        return PLACE
    with urllib.request.urlopen(PACKAGE, timeout=SECONDS) as answer:
        archive = answer.read()
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != SHA512:
        raise RuntimeError(f"{PACKAGE} is not what it was")
    cache.TOP.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.TOP) as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(folder)
        try:
            pathlib.Path(folder, "package").rename(PLACE)
        except OSError:
            if not PLACE.exists():
                raise
            shutil.rmtree(pathlib.Path(folder, "package"))
    return PLACE


def is_python(path, text):
    """True of a module and of a program that says so in its first line."""
    first, _, _ = text.partition("\n")
    return path.endswith(".py") or (first.startswith("#!") and "python3" in first)


def options_of(text):
    """The settings in ruff.toml, in the form that the package takes."""
    return json.dumps(tomllib.loads(text))


def findings(tree):
    """What ruff says of each Python file of a tree."""
    files = {path: text for path, text in tree.files.items() if is_python(path, text)}
    command = ["node", HERE / "ruff.cjs", prepare() / "ruff_wasm.js", options_of(tree.text(CONFIG))]
    done = subprocess.run(command, input=json.dumps(files), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
                          check=False)
    said = done.stdout.splitlines()
    return said if done.returncode == 0 else [f"ruff ended with {done.returncode}", *said]
