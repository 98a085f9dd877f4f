"""The pytest plugin, as users have it: the page's own example runs against a server that the plugin starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.acceptance.server import ROOT, environment

from gristmill.testing import running

pytestmark = pytest.mark.not_on_cluster("the plugin starts a server of its own, which stands alone")

pytest_plugins = ["pytester"]
PAGE = (ROOT / "docs" / "how-to" / "test-your-code.md").read_text(encoding="utf-8")
IS_SERVED = """
def test_the_server_is_its_own(gristmill_server, gristmill_space):
    from ibm_watsonx_ai import APIClient
    assert gristmill_server.url.startswith("https://")
    assert gristmill_server.data_dir.is_dir()
    found = APIClient(gristmill_server.credentials()).spaces.get_details(gristmill_space)
    assert found["metadata"]["id"] == gristmill_space
    assert "worker_cpus" not in gristmill_server.log.read_text()
"""


def test_the_example_of_the_page_runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    first, fixtures, own = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    pytester.makepyfile(test_scoring=first, conftest=fixtures, test_own=own, test_served=IS_SERVED)
    for name in environment({}).keys() & {"PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"}:
        monkeypatch.delenv(name)
    ended = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "ignore", timeout=240)
    ended.assert_outcomes(passed=3)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="WORKER_CPUS"), running(tmp_path, {"worker_cpus": "none"}):
        pass
