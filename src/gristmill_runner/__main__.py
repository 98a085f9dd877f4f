"""``python -m gristmill_runner``: run one directory, serve several, be the zygote of those that serve, or a guard."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path

from gristmill_runner.failure import exit_code_of
from gristmill_runner.guard import guard
from gristmill_runner.interruption import Interruption
from gristmill_runner.limits import settle_child
from gristmill_runner.one_run import live_output, run_directory
from gristmill_runner.run_context import Shelf
from gristmill_runner.serve import serve, take_standard_input
from gristmill_runner.zygote import Zygote

_USAGE = """usage: gristmill_runner run DIRECTORY
       gristmill_runner serve REPLY_DESCRIPTOR      directories on standard input, a line each
       gristmill_runner zygote SOCKET_DESCRIPTOR MODULE...
       gristmill_runner guard COMMAND...            ended with all that it started when standard input ends
       gristmill_runner preview DIRECTORY ROWS WHOLE_BYTES      the first rows of its input, as JSON
"""
_PREVIEW_WORDS = 3


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return the exit code."""
    mode, rest = (arguments or [""])[0], arguments[1:]
    if mode == "run" and len(rest) == 1:
        settle_child()
        live_output()
        return _run(Path(rest[0]).resolve())
    if mode == "serve" and len(rest) == 1:
        if os.getpgrp() != os.getpid():
            os.setpgid(0, 0)
        serve(take_standard_input(), int(rest[0]))
    if mode == "preview" and len(rest) == _PREVIEW_WORDS:
        return _preview(Path(rest[0]), rows=int(rest[1]), whole_bytes=int(rest[2]))
    if mode == "zygote" and rest:
        Zygote(socket_descriptor=int(rest[0]), preload=rest[1:]).run()
        return 0
    if mode == "guard" and rest:
        return guard(rest)
    sys.stderr.write(_USAGE)
    return 2


def _run(directory: Path) -> int:
    try:
        return run_directory(directory, Shelf(), Interruption())["exit_code"]
    except OSError as error:
        traceback.print_exc()
        return exit_code_of(error)


def _preview(directory: Path, *, rows: int, whole_bytes: int) -> int:
    from gristmill_runner.preview import preview

    settle_child()
    sys.stdout.write(json.dumps(preview(directory, rows=rows, whole_bytes=whole_bytes)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
