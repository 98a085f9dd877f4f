"""A scorer: a process forked by the coordinator, which loads the model once and scores the blocks that it is given."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import random
import resource
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from gristmill_runner.failure import cause_of, exit_code_of
from gristmill_runner.limits import adopt_orphans, end_with, flush_native_output, has_children, open_reserve
from gristmill_runner.loaders.load import load_model
from gristmill_runner.protocol import EXIT_COMPLETED, EXIT_FAILED, Cause, Spec
from gristmill_runner.run_context import Run
from gristmill_runner.scoring.block_scoring import BlockScoring
from gristmill_runner.scoring.messages import Farewell, receive, send
from gristmill_runner.scoring.place import LOADING, SCORING, Place
from gristmill_runner.surroundings import surroundings


def be_scorer(connection: Connection, place: Place, *, parent: int) -> NoReturn:
    """Leave everything of the coordinator behind and score until it hangs up; never return."""
    code = EXIT_FAILED
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        end_with(parent)
        adopt_orphans()
        _close_all_but(connection.fileno())
        faulthandler.enable(2)
        _seed_again()
        with contextlib.suppress(EOFError):
            _serve(connection, place)
        code = EXIT_COMPLETED
    except BaseException as error:  # noqa: BLE001 - a scorer must never go on as a second coordinator
        code = exit_code_of(error)
        traceback.print_exc()
    finally:
        _flush()
        os._exit(code)


def _serve(connection: Connection, place: Place) -> None:
    scorer = _Scorer(place)
    while True:
        beginning = receive(connection)
        run = Run(Path(beginning["directory"]), beginning["spec"])
        with surroundings(run.directory, run.spec):
            _serve_run(connection, scorer, run)
        gc.collect(0)
        send(connection, dict(_farewell()))


def _serve_run(connection: Connection, scorer: _Scorer, run: Run) -> None:
    scorer.begin(run)
    while order := receive(connection):
        answer = scorer.obey(order)
        _flush()
        send(connection, answer)


class _Scorer:
    """The model, when it is loaded, and the run that is at work."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._model: Any = None
        self._scoring: BlockScoring | None = None

    def begin(self, run: Run) -> None:
        """Take up a run."""
        self._run, self._scoring = run, None

    def obey(self, order: Any) -> dict[str, Any]:  # noqa: ANN401 - an Order
        """Score a block; whatever goes wrong with it becomes the cause of the run's failure."""
        number = order["number"]
        try:
            self._place.tell(LOADING, number)
            scoring = self._scoring = self._scoring or self._loaded()
            self._place.tell(SCORING, number)
            if "slices" in order:
                return {**scoring.survive(order, lambda start, stop: self._place.tell_slice(number, start, stop))}
            return {**scoring.score(order)}
        except BaseException as error:  # noqa: BLE001 - user code raises what it likes
            return {"number": number, "cause": _cause(error, self._run.spec)}
        finally:
            self._place.rest()

    def _loaded(self) -> BlockScoring:
        if self._model is None:
            self._model = load_model(self._run.asset, self._run.spec)
        return BlockScoring(self._run, self._model)


def _cause(error: BaseException, spec: Spec) -> Cause:
    open_reserve()
    return cause_of(error, memory_limit_bytes=spec.get("memory_limit_bytes"))


def _farewell() -> Farewell:
    used = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime
    return {"has_children": has_children(), "peak_bytes": used.ru_maxrss * 1024, "cpu_seconds": cpu}


def _close_all_but(own: int) -> None:
    """Let go of every open file but the standard ones and one's own.

    Their numbers stay taken: objects that came with the fork close them whenever they are collected.
    """
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - names of files that are open
            if descriptor > 2 and descriptor not in (own, nothing):
                with contextlib.suppress(OSError):
                    os.fstat(descriptor)
                    os.dup2(nothing, descriptor, inheritable=False)


def _seed_again() -> None:
    """Draw other random numbers than the other scorers."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _flush() -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    flush_native_output()
