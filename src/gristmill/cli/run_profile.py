"""`gristmill run profile`: a summary of a run's predictions, and how they differ from the run before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gristmill.cli.command import Session, command
from gristmill.cli.output import Column
from gristmill.cli.pages import Found
from gristmill.cli.run import Run, place, runs

if TYPE_CHECKING:
    from gristmill.cli.client import Json

_COLUMNS = (
    Column("COLUMN", "name"),
    Column("TYPE", "type"),
    Column("ROWS", "rows"),
    Column("NULLS", "nulls"),
    Column("MINIMUM", "minimum"),
    Column("MEAN", "mean"),
    Column("MAXIMUM", "maximum"),
    Column("DEVIATION", "deviation"),
    Column("DISTINCT", "distinct"),
    Column("MOST FREQUENT", "frequent"),
)
_MOST_CATEGORIES = 3


@command(runs, "profile")
def profile(session: Session, run: Run) -> None:
    """Show a summary of each column of a run's predictions, and what has jumped since the run of its job before."""
    found = session.client.get(f"{place(session, run).path}/profile")
    for column in found["results"]:
        names = [f"{name} ({count:,})" for name, count in (column.get("categories") or [])[:_MOST_CATEGORIES]]
        column["frequent"] = ", ".join(names) or None
    session.screen.listing(Found(found["results"]), _COLUMNS)
    session.screen.remark(_compared(found.get("compared")))


def _compared(compared: Json | None) -> str:
    if compared is None:
        return "There is no earlier run of its job to compare with."
    findings = "; ".join(compared["findings"])
    return f"Compared with run {compared['run_id']}: {findings or 'nothing has jumped'}."
