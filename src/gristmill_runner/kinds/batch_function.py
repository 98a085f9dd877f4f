"""Functions that take references, as AI services do: ``generate_batch(input_references, output_reference)``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

from gristmill_runner.batch_folder import run_in_batch
from gristmill_runner.failure import RunFailed, cause_of
from gristmill_runner.kinds.reply import described
from gristmill_runner.limits import open_reserve
from gristmill_runner.protocol import PAYLOAD, Cause, Result
from gristmill_runner.run_context import Run

NAME = "generate_batch"
_Batch = Callable[..., Any]


class RuntimeContext:
    """What the function around ``generate_batch`` is given: the run's space, and a token, good while it works."""

    def __init__(self) -> None:
        self._variables: dict[str, str] = {}

    def use(self, variables: dict[str, str]) -> None:
        """Speak of another run from now on; a function stays loaded from one to the next."""
        self._variables = dict(variables)

    def generate_token(self) -> str:
        """Return a token of the run's user."""
        return self._variables.get("USER_ACCESS_TOKEN", "")

    get_token = generate_token

    def get_space_id(self) -> str:
        """Return the id of the run's space."""
        return self._variables.get("SPACE_ID", "")


def offers_batch(module: ModuleType) -> bool:
    """Return whether the code has a ``generate_batch``, by itself or inside a function."""
    return callable(getattr(module, NAME, None)) or bool(_makers(module))


def batch_of(module: ModuleType, context: RuntimeContext, parameters: dict[str, Any]) -> _Batch:
    """Return ``generate_batch``; a function around it gets the context, and the deployment's parameters by name.

    Raises:
        RunFailed: ``no_scorer``, nothing of that name comes back.

    """
    own: _Batch | None = getattr(module, NAME, None)
    if own is not None and callable(own):
        return own
    for maker in _makers(module):
        made = maker(*_positional(maker, context), **parameters)
        candidates = made if isinstance(made, (tuple, list)) else [made]
        found: _Batch | None = next((each for each in candidates if getattr(each, "__name__", "") == NAME), None)
        if found is not None:
            return found
    raise RunFailed("no_scorer", f"the function around {NAME} does not return it")


def run_batch(run: Run, batch: _Batch) -> Result:
    """Call it with the run's references; what it leaves in BATCH_OUTPUT_DIR is zipped, whether it went well or not."""
    result = run_in_batch(run, lambda: _call(run, batch))
    if not (run.spec.get("output") or {}).get("path"):
        # It was not asked for files: most write where their references say.
        result.pop("warning", None)
    return result


def _call(run: Run, batch: _Batch) -> Cause | None:
    payload = json.loads((run.directory / PAYLOAD).read_text(encoding="utf-8"))
    scoring = payload.get("scoring") or {}
    try:
        reply = batch(scoring.get("input_data_references") or [], scoring.get("output_data_reference"))
    except Exception as error:  # noqa: BLE001 - the user's exception becomes the cause
        open_reserve()
        return cause_of(error, memory_limit_bytes=run.spec.get("memory_limit_bytes"))
    if reply is None:
        return None
    found = f"{NAME} returned {described(reply)}"
    return {"code": "reply_shape", "message": f"{found}; it must return None, and write its results itself"}


def _makers(module: ModuleType) -> list[FunctionType]:
    own = [member for member in vars(module).values() if isinstance(member, FunctionType)]
    return [member for member in own if member.__module__ == module.__name__ and _holds_batch(member.__code__)]


def _holds_batch(code: CodeType) -> bool:
    return any(isinstance(inner, CodeType) and inner.co_name == NAME for inner in code.co_consts)


def _positional(maker: FunctionType, context: RuntimeContext) -> tuple[RuntimeContext, ...]:
    """Return the context where the function's first parameter has no default."""
    first = next(iter(inspect.signature(maker).parameters.values()), None)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    wanted = first is not None and first.kind in kinds and first.default is first.empty
    return (context,) if wanted else ()
