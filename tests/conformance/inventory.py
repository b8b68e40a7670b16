# SPDX-License-Identifier: Apache-2.0
"""What the parser reads, taken from its own tables: every JSON pointer, and the line that names its key."""

import dataclasses
import re

import table

SPEC = table.ROOT / "src/spec"
TABLE = re.compile(r"inline constexpr auto fields<(\w+)> = std::array\{(.*?)\};\n", re.S)
FIELD = re.compile(r'(?:field<&\w+::(\w+)[^"]*|Field<\w+>\{)"(\w+)"')
STRUCT = re.compile(r"^struct (\w+) \{[^\n]*\n(.*?)^\};", re.S | re.M)
MEMBER = re.compile(r"^\s+([\w:<>, ]+?)\s+(\w+)(?: = [^;]*)?;", re.M)


@dataclasses.dataclass(frozen=True)
class Key:
    """A key of the table of `owner`, in `file`."""
    file: str
    owner: str
    name: str


def tables():
    """{owner: [(key, member)]} and {owner: file}, of src/spec/fields*.hpp."""
    keys, files = {}, {}
    for file in sorted(SPEC.glob("fields*.hpp")):
        for owner, body in TABLE.findall(file.read_text()):
            keys[owner] = [(key, member) for member, key in FIELD.findall(body)]
            files[owner] = str(file.relative_to(table.ROOT))
    return keys, files


def members():
    """{(struct, member): type}, of the headers."""
    found = {}
    for file in sorted(SPEC.glob("*.hpp")):
        for name, body in STRUCT.findall(file.read_text()):
            for kind, member in MEMBER.findall(re.sub(r"//[^\n]*", "", body)):
                found[name, member] = kind
    return found


def inner(kind, owners):
    """The object type in a member's type, and what comes between the two pointers: "" or "/*"."""
    for name in re.findall(r"\w+", kind):
        if name in owners:
            return name, "/*" if "vector<" in kind or "map<" in kind else ""
    return None, ""


def read():
    """{pointer: Key}."""
    (keys, files), types, found = tables(), members(), {}

    def walk(owner, prefix):
        for key, member in keys[owner]:
            pointer = f"{prefix}/{key}"
            found[pointer] = Key(files[owner], owner, key)
            below, between = inner(types.get((owner, member), ""), keys)
            if below:
                walk(below, pointer + between)

    walk("Spec", "")
    return found
