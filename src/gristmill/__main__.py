"""``python -m gristmill`` is the command ``gristmill``."""

from __future__ import annotations

from gristmill.cli.main import main

if __name__ == "__main__":
    main()
