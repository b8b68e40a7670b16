# SPDX-License-Identifier: Apache-2.0
"""Rules about what was built. Each takes a file and returns sentences."""

import re
import subprocess

STAGE_LIMIT = 64 * 1024
INITIALISER_LIMIT = 11


def said(*command):
    """What a tool of binutils prints."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def undefined(file):
    """Nothing is left to be found in a library."""
    names = said("nm", "-u", file).split() + said("nm", "-D", "-u", file).split()
    return [f"{name} is undefined" for name in names if name not in ("U", "w")]


def constructors(file):
    """Nothing would have to run before the first instruction."""
    return [f"has {name}" for name in re.findall(r"\.(?:pre)?init_array|\.ctors", said("readelf", "-SW", file))]


def interpreter(file):
    """The kernel starts it alone: no PT_INTERP."""
    return ["has PT_INTERP"] if re.search(r"^\s*INTERP\s", said("readelf", "-lW", file), re.MULTILINE) else []


def many_initialisers(file, limit=INITIALISER_LIMIT):
    """Hardly anything runs before main(): those of libc and libstdc++, none of iostream, of a locale or of a library."""
    found = re.search(r"\.init_array\s+INIT_ARRAY\s+\w+ \w+ (\w+)", said("readelf", "-SW", file))
    count = int(found[1], 16) // 8 if found else 0
    return [f"has {count} static initialisers, more than {limit}"] if count > limit else []


def writable_code(file):
    """No segment can be written and executed."""
    return writable_code_in(said("readelf", "-lW", file))


def writable_code_in(headers):
    """The same, for the text of readelf; the stack counts."""
    return [f"segment {line.strip()}" for line in headers.splitlines()
            if re.match(r"\s*(LOAD|GNU_STACK)\s", line) and re.search(r"\sRWE\s", line)]


def too_large(file, limit=STAGE_LIMIT):
    """At most 64 KB."""
    size = file.stat().st_size
    return [f"has {size} bytes, more than {limit}"] if size > limit else []
