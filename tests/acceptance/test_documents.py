"""The code in the documents works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.server import API_KEY, ROOT, Server, environment

from gristmill.settings import Settings


@pytest.mark.parametrize("document", ["README.md", "docs/how-to/first-job.md"])
def test_the_python_of_a_document_runs(server: Server, tmp_path: Path, document: str) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    code = "\n".join(blocks)
    for written, here in {
        "https://127.0.0.1:18443": server.url,
        "YOUR-API-KEY": API_KEY,
        "gristmill-data/tls/ca.pem": str(server.ca),
    }.items():
        assert written in code
        code = code.replace(written, here)
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "prediction" in ended.stdout


def test_every_setting_is_in_the_reference() -> None:
    lines = (ROOT / "docs" / "reference" / "settings.md").read_text().splitlines()
    written = {found[1]: line for line in lines if (found := re.match(r"\| `GRISTMILL_(\w+)` ", line))}
    assert set(written) == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        assert str(field.description) in written[name.upper()]
