"""The page of errors, from the codes that stand in the source."""

from __future__ import annotations

from tests.reference.errors import Code, every_code
from tests.reference.markdown import code, page, table

_MOST_SENTENCES = 3
# Codes whose sentences are made elsewhere, of what was found.
MEANINGS = {
    "archive_too_large": "The archive has too many files, or would be too large unpacked; the sentence has the limit.",
    "bad_package_extension": "The package extension cannot be used; the sentence names what in it, and why.",
    "bad_requirement": "A line of the requirements or of the conda file cannot be used; the sentence names it.",
    "input_does_not_match_schema": "A row does not fit the model's schema; the sentence names row and column.",
    "invalid_connection_property": "A property of the connection is missing or wrong; the sentence names it.",
    "launch_failed": "The child could not be started, or its environment not be built; the sentence says why.",
    "method_not_allowed": "The route is there, but not for this method.",
    "no_such_route": "There is no such route.",
    "node_failed": "A node of the flow failed; the sentence names it, and has its cause.",
    "row_failed": "A row cannot be scored, and no more may be rejected; the sentence names row, column and value.",
}
_ABOUT = """
Every refusal and every failed run has a *code* that stays the same, and a sentence that says what is wrong and the
way out. The sentences may become better; programs go by codes. `…` stands for what is filled in.
"""
_REQUESTS = """
The body of a refusal is `{"trace", "errors": [{"code", "message", "target": {"type": "field", "name"}}],
"status_code"}`; `target` names the field, if it is about one. `429` and a user name that is shut out come with
`Retry-After`. Clients repeat what is answered `5xx`: then nothing was done.
"""
_RUNS = """
`status.failure` of a deployment job, `entity.job_run.cause` of a run and `gristmill run show` have code and sentence;
the traceback is in the log. The reasons of ticks that were refused and of schedules that are broken are here too.
"""


def text() -> str:
    """Return the page."""
    codes = every_code().values()
    refused = [[code(each.name), _statuses(each), _sentences(each)] for each in codes if each.statuses]
    failed = [[code(each.name), _sentences(each)] for each in codes if each.elsewhere]
    return page(
        "Errors",
        _ABOUT,
        "## Requests that are refused",
        _REQUESTS,
        table(["code", "status", "says"], refused),
        "## Runs that fail, and schedules that break",
        _RUNS,
        table(["code", "says"], failed),
    )


def _statuses(each: Code) -> str:
    return ", ".join(str(status) for status in sorted(each.statuses))


def _sentences(each: Code) -> str:
    told = [sentence.replace("``", "`").replace("<", "&lt;") for sentence in each.sentences or [MEANINGS[each.name]]]
    return "<br>".join(told[:_MOST_SENTENCES])
