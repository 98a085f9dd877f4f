"""R for tests: in continuous integration it must be there, elsewhere a machine may go without."""

from __future__ import annotations

import os
import shutil

import pytest


def needs_r() -> None:
    """Skip the test where there is no R and none was promised."""
    if shutil.which("Rscript") is None:
        message = "there is no R: run `make r`, or apt-get install r-base-core r-cran-irkernel r-cran-jsonlite"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
