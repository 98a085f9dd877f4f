"""Dispatches a run to its kind; a kind's module is imported when it is first needed."""

from __future__ import annotations

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import Result
from gristmill_runner.run_context import Run


def run_kind(run: Run) -> Result:
    """Run the run's kind.

    Raises:
        RunFailed: ``unsupported_kind``, or why the run fails. Exceptions of user code pass through.

    """
    kind = run.spec.get("kind")
    if kind == "model":
        from gristmill_runner.kinds.model import run_model

        return run_model(run)
    if kind == "function":
        from gristmill_runner.kinds.function import run_function

        return run_function(run)
    if kind == "python_script":
        from gristmill_runner.kinds.python_script import run_python_script

        return run_python_script(run)
    return _run_other_kind(run, kind)


def _run_other_kind(run: Run, kind: str | None) -> Result:
    """Run a kind that starts a process of its own, or may."""
    if kind == "r_script":
        from gristmill_runner.kinds.r_script import run_r_script

        return run_r_script(run)
    if kind == "notebook":
        from gristmill_runner.kinds.notebook import run_notebook

        return run_notebook(run)
    if kind == "code_package":
        from gristmill_runner.kinds.code_package import run_code_package

        return run_code_package(run)
    if kind == "flow":
        from gristmill_runner.kinds.flow import run_flow

        return run_flow(run)
    if kind == "flow_node":
        from gristmill_runner.kinds.flow_node import run_node

        return run_node(run)
    raise RunFailed("unsupported_kind", f"this runner cannot run assets of kind {kind!r}")
