# SPDX-License-Identifier: Apache-2.0
"""Where the tests keep what they fetch from Debian: trees, kernels, programs. Made once, it outlives a clone."""

import os
import pathlib

TOP = pathlib.Path(os.environ.get("BULKHEAD_CACHE", "/var/cache/bulkhead"))


def tree(release):
    """The engines of a release of Debian, with its system: tests/engines/tree makes it."""
    return TOP / "engines" / release
