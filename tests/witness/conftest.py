# SPDX-License-Identifier: Apache-2.0
"""The witness is compiled once in each process that runs cases (the controller of several has none).

    pytest tests/witness -n 3                        every bundle with build/release/bulkhead
    pytest tests/witness --control runc              the same with runc, to prove the witness
    WITNESS_SEEDS=400 pytest tests/witness -k random more of the bundles that are drawn (20 of each kind otherwise)
"""

import pathlib

import pytest

HERE = pathlib.Path(__file__).resolve().parent


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    ours = [item.module for item in getattr(session, "items", ()) if HERE in item.path.parents]
    if ours and not session.config.option.collectonly:
        ours[0].probe()
