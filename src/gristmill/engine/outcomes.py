"""What an execution adds to the outcome of its run, and takes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gristmill.engine import flow_harvest, row_harvest
from gristmill.launch.launcher import Ending
from gristmill.launch.run_log import Masks
from gristmill.service.claims import Outcome


def with_packages(outcome: Outcome, installed: Mapping[str, str]) -> Outcome:
    """Add what was installed where the run worked: the child tells only what it knows to be used."""
    if outcome.result is None:
        return outcome
    packages = {**installed, **outcome.result.packages}
    return replace(outcome, result=replace(outcome.result, packages=packages))


def with_usage(outcome: Outcome, ending: Ending) -> Outcome:
    """Add what the run used and what held it."""
    if outcome.result is None:
        return outcome
    used = replace(
        outcome.result,
        peak_memory_bytes=ending.peak_bytes,
        cpu_seconds=round(ending.cpu_seconds, 3) if ending.cpu_seconds is not None else None,
        isolation=ending.isolation,
    )
    return replace(outcome, result=used)


def with_cap(outcome: Outcome, capped: str | None) -> Outcome:
    """Add that the run had less than it asked for: no warning of what it did, but what explains its pace."""
    return replace(outcome, result=replace(outcome.result, capped=capped)) if outcome.result else outcome


def without_secrets(outcome: Outcome, secrets: Sequence[str]) -> Outcome:
    """Mask secrets also in why a run failed: exceptions quote what they were given."""
    masks, cause = Masks(secrets), outcome.cause
    if outcome.warning:
        outcome = replace(outcome, warning=masks.masked(outcome.warning))
    if outcome.result is not None and outcome.result.rejections:
        outcome = replace(outcome, result=row_harvest.masked(outcome.result, masks))
    if outcome.result is not None and outcome.result.nodes:
        outcome = replace(outcome, result=flow_harvest.masked(outcome.result, masks))
    if cause is None:
        return outcome
    traceback = masks.masked(cause.traceback) if cause.traceback else None
    return replace(outcome, cause=replace(cause, message=masks.masked(cause.message), traceback=traceback))
