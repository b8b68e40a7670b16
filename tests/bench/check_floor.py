#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that floor.c makes the container that bulkhead makes, that floor_exec.c starts the process in it that bulkhead
starts, and where runc's differ and why."""

import argparse
import pathlib
import re
import subprocess
import sys

import bench
import place
import runtimes

# What a program inside can see of its container, in sections.
PROBE = r"""
echo '# mounts'; cat /proc/self/mountinfo
echo '# status'; grep -E '^(Cap|NoNewPrivs|Seccomp|Uid|Gid|Groups|Umask|SigBlk|SigIgn|SigCgt)' /proc/self/status
echo '# devices'; ls -ln /dev | sed 's/ [A-Z][a-z][a-z] .*[0-9][0-9]:[0-9][0-9] / /'
echo '# limits'; cat /proc/self/limits
echo '# namespaces'
for name in cgroup ipc mnt net pid time user uts; do echo $name $(readlink /proc/self/ns/$name); done
echo '# network'; cat /sys/class/net/lo/flags
echo '# cgroup'; cat /proc/self/cgroup | grep '^0::'
echo '# descriptors'; ls /proc/1/fd; echo '# own descriptors'; ls /proc/$$/fd
echo '# process'; hostname; pwd; id; umask; env; cut -d' ' -f1,4,5,6,7 /proc/1/stat
echo "parent $(cut -d' ' -f4 /proc/$$/stat), leads its session: $(test "$(cut -d' ' -f6 /proc/$$/stat)" = $$; echo $?)"
echo '# allowed devices'
for node in null zero full random urandom; do head -c1 /dev/$node >/dev/null && echo $node; done
"""

# What may differ from bulkhead's container, and why. A pattern matches a line of one of the two.
ALLOWED = {
    "floor": [],
    "runc": [
        (r"^mounts: /sys root=/ ", "mount(2) makes the sysfs instance read-only, the new calls only this mount of it"),
        (r"^mounts: /(proc|sys)/\S+ root=/ .* tmpfs ", "runc masks each directory with a tmpfs of its own"),
        (r"^mounts: /proc/\S+ root=/null ",
         "bulkhead's masks of files are read-only mounts of the null device, runc's are not"),
    ],
}


def normal_mount(line):
    """A line of mountinfo without ids: target, options, propagation, then type, source and its options."""
    left, right = line.split(" - ")
    words = left.split()
    root, target, options, tags = words[3], words[4], words[5], words[6:]
    kinds = [tag.split(":")[0] for tag in tags]
    return " ".join([target, f"root={root}", options, *kinds, "-", right])


def normal(section, line, outside):
    """One comparable line, or None where nothing can be compared."""
    if section == "mounts":
        return normal_mount(line)
    if section == "namespaces":
        name, identity = line.split()
        return f"{name} {'the host' + chr(39) + 's' if identity == outside[name] else 'new'}"
    return re.sub(r"\s+", " ", line).strip()


def seen(text, outside):
    """The probe's output as a set of 'section: line'."""
    lines, section = [], ""
    for line in text.splitlines():
        if line.startswith("# "):
            section = line[2:]
        elif line.strip() and (usable := normal(section, line, outside)):
            lines.append(f"{section}: {usable}")
    return lines


def namespaces():
    return {name: str(pathlib.Path(f"/proc/self/ns/{name}").readlink())
            for name in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")}


def probe(who, work, command):
    """Runs the probe by a command of `who` and returns its lines."""
    with open(work / "null", "r+b") as null:
        done = subprocess.run(command, check=False, stdin=null, capture_output=True, text=True, cwd="/")
    who.remove()
    if done.returncode != 0:
        sys.exit(f"check_floor: {who.name}: exit status {done.returncode}: {done.stderr.strip()}")
    return seen(done.stdout, namespaces())


def probe_run(who, work):
    """In a container of its own."""
    who.remove()
    return probe(who, work, who.run("probe")[0])


def probe_exec(who, work):
    """In a container that is there."""
    if problem := bench.prepare("exec true", who):
        sys.exit(f"check_floor: {who.name}: {problem}")
    return probe(who, work, who.exec("probe")[0])


def compare(what, function, everybody, work):
    """One way to start the probe, by everybody; returns how many differ without a reason."""
    ours, failed = function(everybody["bulkhead"], work), 0
    for name in ALLOWED:
        if name in everybody:
            found = differences(ours, function(everybody[name], work))
            print(f"{what}: {name}: {len(found)} of {len(ours)} lines differ from bulkhead's")
            failed += judge(name, found) > 0
    return failed


def differences(ours, theirs):
    """Lines that only one side has, marked - for bulkhead's and + for the other's."""
    return [f"- {line}" for line in ours if line not in theirs] + [f"+ {line}" for line in theirs if line not in ours]


def judge(name, found):
    """Prints the differences with their reasons; returns how many have none."""
    unexplained = 0
    for difference in found:
        why = next((why for pattern, why in ALLOWED[name] if re.search(pattern, difference[2:])), None)
        unexplained += why is None
        print(f"  {difference}\n      {'allowed: ' + why if why else 'NOT EXPLAINED'}")
    return unexplained


def inside(options):
    work, failed = place.settle(), 0
    try:
        place.compile_programs(work)
        runtimes.make_bundles(work, options.bulkhead, PROBE)
        everybody = {who.name: who for who in runtimes.contestants(work, options.bulkhead)}
        ways = {"run": probe_run, "exec": probe_exec}
        for what, function in ways.items():
            failed += compare(what, function, everybody, work)
    finally:
        place.leave(work)
    checked = len(ways) * sum(name in everybody for name in ALLOWED)
    print(f"{checked - failed} passed, {failed} failed, {len(ways) * len(ALLOWED) - checked} skipped")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bulkhead", default=bench.PROJECT / "build/release/bulkhead", type=pathlib.Path)
    options = parser.parse_args()
    options.bulkhead = options.bulkhead.resolve()
    return inside(options) if place.isolation.inside() else place.enter(__file__, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
