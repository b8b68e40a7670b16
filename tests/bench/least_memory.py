#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The smallest memory.max, without swap, under which `run` of a program that ends at once succeeds ten times.

    tests/vm/run -- tests/bench/least_memory.py

The limit is in force before the program's first instruction, so whatever the runtime does in the container's
cgroup until then has to fit in. Needs the memory controller in the cgroup2 tree.
"""

import json
import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import place  # noqa: E402  (no caches in the tree)
import peers  # noqa: E402
import runtimes  # noqa: E402

PROJECT = pathlib.Path(__file__).resolve().parent.parent.parent
BULKHEAD = PROJECT / "build/release/bulkhead"
PAGE = 4  # KiB
MOST = 32 * 1024
TIMES = 10
TIMEOUT = 60


def everybody(work):
    found = [runtimes.Runtime("bulkhead", [str(BULKHEAD)], work)]
    found += [runtimes.Runtime(name, [program], work) for name in ("runc", "crun") if (program := shutil.which(name))]
    if fetched := peers.crun():
        found.append(runtimes.Runtime(f"crun {peers.version(fetched).split()[-1]}", fetched, work))
    return found


def limit(work, bundle, kib):
    config = work / f"bundle-{bundle}" / "config.json"
    document = json.loads(config.read_text())
    document["linux"]["resources"]["memory"] = {"limit": kib * 1024, "swap": kib * 1024}
    config.write_text(json.dumps(document))


def fits(work, who, bundle, kib):
    limit(work, bundle, kib)
    for _ in range(TIMES):
        with open(work / "null", "r+b") as null:
            command, = who.run(bundle)
            try:
                code = subprocess.run(command, check=False, stdin=null, stdout=null, stderr=null, timeout=TIMEOUT).returncode
            except subprocess.TimeoutExpired:
                code = -1
        who.remove()
        if code != 0:
            return False
    return True


def least(work, who, bundle):
    """In KiB; None where even the most is too little."""
    too_little, enough = 0, MOST // PAGE
    if not fits(work, who, bundle, MOST):
        return None
    while enough - too_little > 1:
        middle = (too_little + enough) // 2
        if fits(work, who, bundle, middle * PAGE):
            enough = middle
        else:
            too_little = middle
    return enough * PAGE


def main():
    if not place.isolation.inside():
        return place.enter(__file__, [])
    work = place.settle()
    try:
        place.compile_programs(work)
        runtimes.make_bundles(work, BULKHEAD)
        for who in everybody(work):
            tiny, true = (least(work, who, bundle) for bundle in ("tiny", "true"))
            print(f"{who.name}: freestanding {tiny} KiB, busybox true {true} KiB", flush=True)
    finally:
        place.leave(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
