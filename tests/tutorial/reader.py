"""Somebody who follows the pages of the tutorial, block after block, against a server of the test's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.server import API_KEY, ROOT, Server, environment

TUTORIAL = ROOT / "docs" / "tutorial"
PAGES = ("first-job", "bad-rows", "schedule")
_STEP_SECONDS = 120
_LANGUAGES = {"first-job": "python"}


@dataclass(frozen=True)
class Reader:
    """Works in ``home``, with the command on the path and the key at hand."""

    server: Server
    home: Path

    def follow(self, page: str) -> str:
        """Do what the blocks of a page say, as one program; return what was printed."""
        language = _LANGUAGES.get(page, "sh")
        text = (TUTORIAL / f"{page}.md").read_text(encoding="utf-8")
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        assert blocks, f"{page} has no block in {language}"
        return self._run("".join(blocks), language)

    def _run(self, code: str, language: str) -> str:
        known = {
            "https://127.0.0.1:18443": self.server.url,
            "YOUR-API-KEY": API_KEY,
            "gristmill-data/tls/ca.pem": str(self.server.ca),
        }
        for written, here in known.items():
            code = code.replace(written, here)
        command = [sys.executable, "-W", "ignore", "-c", code] if language == "python" else ["bash", "-ec", code]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        variables = {
            "GRISTMILL_API_KEY": API_KEY,
            "GRISTMILL_URL": self.server.url,
            "HOME": str(self.home),
            "PATH": path,
        }
        ended = subprocess.run(
            command,
            cwd=self.home,
            env=environment(variables),
            capture_output=True,
            text=True,
            timeout=_STEP_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr
