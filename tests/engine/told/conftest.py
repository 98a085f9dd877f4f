"""Ways out that write down what is told, in place of real ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gristmill.service.context import Context
from tests.make_outlets import RecordingOutlets


@pytest.fixture
def outlets() -> RecordingOutlets:
    return RecordingOutlets()


@pytest.fixture
def context(context: Context, outlets: RecordingOutlets) -> Context:
    """The context of every test, with ways out that write down."""
    return replace(context, outlets=outlets)
