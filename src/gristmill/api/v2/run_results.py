"""`/v2/jobs/{id}/runs/{run}/results`: the files that a run left: an executed notebook, its page, a script's output."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi.responses import StreamingResponse

from gristmill.api.download import download
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.service import run_results

router = Router(prefix="/v2/jobs/{job_id}/runs/{run_id}/results", tag="job runs")


@router.get("")
def page(ctx: Ctx, me: Me, job_id: str, run_id: str) -> dict[str, Any]:
    """List the files of a run."""
    found = run_results.files(ctx, me, job_id, run_id)
    place = f"/v2/jobs/{job_id}/runs/{run_id}/results"
    rows = [
        {"name": file.name, "mime": file.mime, "size": file.size, "href": f"{place}/{quote(file.name, safe='')}"}
        for file in found
    ]
    return {"results": rows, "total_count": len(rows)}


@router.get("/{name}")
def content(ctx: Ctx, me: Me, job_id: str, run_id: str, name: str) -> StreamingResponse:
    """Stream a file. A page of HTML in it comes from user code: no browser may run it as one of this server's."""
    file, blocks = run_results.content(ctx, me, job_id, run_id, name)
    answer = download(file.name, blocks, size=file.size)
    answer.headers["content-security-policy"] = "sandbox; default-src 'none'"
    return answer
