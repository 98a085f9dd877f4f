"""How the child program is called: by an interpreter that may not know of it, with variables made from nothing."""

from __future__ import annotations

import os
from pathlib import Path

import gristmill_runner
from gristmill.launch.environments import Environment

# Loads the runner from its place without making its neighbours (the server's packages) importable.
_BOOTSTRAP = """
import importlib.util, sys
place = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location(
    "gristmill_runner", place + "/__init__.py", submodule_search_locations=[place]
)
package = sys.modules["gristmill_runner"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from gristmill_runner.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def command(environment: Environment, *arguments: str) -> list[str]:
    """Return the words that start it; ``arguments`` are those of ``gristmill_runner.__main__``."""
    place = str(Path(gristmill_runner.__file__).parent)
    return [str(environment.python), "-I", "-c", _BOOTSTRAP, place, *arguments]


def variables(environment: Environment, directory: Path) -> dict[str, str]:
    """Return a child's variables; ``directory`` is its home."""
    return {
        "PATH": os.pathsep.join([str(environment.python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "HOME": str(directory),
        "OMP_NUM_THREADS": "1",  # forked children hang in OpenMP pools that their parent started
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve a gigabyte, which counts against the limit
    }
