"""Data sources that follow a script, in place of real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gristmill.service.context import Context
from tests.engine.connected.referring import (
    PATIENTS,
)
from tests.fakes.connected import Behind


@pytest.fixture
def behind() -> Behind:
    return Behind(tables={"public.patients": PATIENTS}, files={"own/in.csv": b"age\n7\n", "b/dir/in.csv": b"age\n8\n"})


@pytest.fixture
def context(context: Context, behind: Behind) -> Context:
    return replace(context, connect=behind.connect)
