"""Writes the description of the REST API from which the console's types are made.

python -m gristmill.api.openapi console/openapi.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fastapi import FastAPI

from gristmill.api.app import ROUTERS


def document() -> str:
    """Return the description of every route, as JSON, the same each time."""
    app = FastAPI(title="Gristmill")
    for router in ROUTERS:
        app.include_router(router)
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
