"""The console's files, as the package's build made them; what is no file there is a page of the console."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from gristmill.api.browser_safety import CONSOLE_POLICY

BUILT = Path(__file__).parents[1] / "static"
PATH = "/console/"
NOT_BUILT = (
    "This Gristmill has no console: `make console` in a clone of the repository builds it. "
    "The REST API and the command line work without it."
)
_PAGE = "index.html"
_FOR_EVER = "public, max-age=31536000, immutable"


def install(app: FastAPI, directory: Path = BUILT) -> None:
    """Serve the console below `PATH`, and lead there from the root."""
    app.router.routes += [
        Route("/", lambda _request: RedirectResponse(PATH), include_in_schema=False),
        Route(PATH.rstrip("/"), lambda _request: RedirectResponse(PATH), include_in_schema=False),
        Mount(PATH, _ConsoleFiles(directory=directory, check_dir=False), name="console"),
    ]


def is_built(directory: Path = BUILT) -> bool:
    """Whether there is a console to serve."""
    return (directory / _PAGE).is_file()


class _ConsoleFiles(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        if not is_built(Path(str(self.directory))):
            return PlainTextResponse(NOT_BUILT, status_code=503)
        # A name with a dot asks for a file: one that is gone must not be answered with a page.
        name = path if PurePosixPath(path).suffix else _PAGE
        response = await super().get_response(name, scope)
        response.headers["Content-Security-Policy"] = CONSOLE_POLICY
        response.headers["Cache-Control"] = _FOR_EVER if name.startswith("assets/") else "no-cache"
        return response

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Serve the gzip that the build laid beside a file to whoever takes one."""
        headers = Headers(scope=scope)
        packed = Path(f"{full_path}.gz")
        if "gzip" not in headers.get("accept-encoding", "") or not packed.is_file():
            return super().file_response(full_path, stat_result, scope, status_code)
        kind = FileResponse(full_path).media_type
        response = FileResponse(packed, media_type=kind, stat_result=packed.stat(), status_code=status_code)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        return NotModifiedResponse(response.headers) if self.is_not_modified(response.headers, headers) else response
