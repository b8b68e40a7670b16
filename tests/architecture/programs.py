# SPDX-License-Identifier: Apache-2.0
"""Rules about what was built. Each takes a file and returns sentences."""

import json
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


# ---- hardening: SECURITY.md, "Hardening", says what each costs ----------------------------------------------------------

HARDENED = ("-fstack-protector-strong", "-fstack-clash-protection", "-ftrivial-auto-var-init=zero", "-D_FORTIFY_SOURCE=3")
HELPER = "/cgroups/systemd/host_helper/"


def weak_commands(build):
    """Every hosted file of src/ was compiled with the flags of HARDENED; those of the helper as position-independent, too."""
    return weak_commands_in(json.loads((build / "compile_commands.json").read_text()))


def weak_commands_in(commands):
    """The same, for the list; a file of the stage is freestanding."""
    wrong, seen = [], 0
    for command in commands:
        words = command["command"].split()
        if "/src/" not in command["file"] or not command["file"].endswith(".cpp") or "-ffreestanding" in words:
            continue
        seen += 1
        wanted = HARDENED + (("-fPIE",) if HELPER in command["file"] else ())
        wrong += [f"{command['file']}: compiled without {flag}" for flag in wanted if flag not in words]
    return wrong if seen else ["no file of src/ is compiled"]


def weak_headers(file):
    """Data that is relocated becomes read-only; the stack cannot be executed; no code is relocated."""
    return weak_headers_in(said("readelf", "-lW", file), said("readelf", "-dW", file))


def weak_headers_in(headers, dynamic):
    """The same, for the text of readelf."""
    return ([f"has no {name}" for name in ("GNU_RELRO", "GNU_STACK") if not re.search(rf"^\s*{name}\s", headers, re.MULTILINE)]
            + writable_code_in(headers) + (["has TEXTREL"] if "TEXTREL" in dynamic else []))


def fixed_or_lazy(file):
    """At an address of chance, every symbol found before main()."""
    return fixed_or_lazy_in(said("readelf", "-hW", file), said("readelf", "-dW", file))


def fixed_or_lazy_in(header, dynamic):
    """The same, for the text of readelf."""
    return ((["is no DYN"] if not re.search(r"Type:\s+DYN\b", header) else [])
            + ([] if re.search(r"\bNOW\b|BIND_NOW", dynamic) else ["binds lazily"]))
