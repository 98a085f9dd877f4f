"""The page on the settings, from the settings: ``python -m tests.reference.settings_page`` writes it anew."""

from __future__ import annotations

from pathlib import Path

from gristmill.cli.options import ENVIRONMENT_ONLY, SHORTER
from gristmill.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
_TOP = """\
# Settings

Each setting is an environment variable, and an option of `gristmill up`, `serve`, `work`, `migrate`, `janitor`,
`backup` and `restore`; the option wins. Secrets have no option, because anyone on a machine can read the command lines
of its processes. Sizes are in bytes, durations in seconds. What is set to nothing is not set; only
`GRISTMILL_HTTP_PORT` is off then.

| variable | option | default | what it is |
|---|---|---|---|
"""


def text() -> str:
    """Return the whole page."""
    return _TOP + "".join(_row(name) for name in Settings.model_fields)


def _row(name: str) -> str:
    field = Settings.model_fields[name]
    default = "" if field.default_factory or field.default is None else _shown(field.default)
    return f"| `GRISTMILL_{name.upper()}` | {_option(name)} | {default} | {field.description} |\n"


def _option(name: str) -> str:
    if name in ENVIRONMENT_ONLY:
        return ""
    flag = name.replace("_", "-")
    both = Settings.model_fields[name].annotation is bool
    flags = [f"--{flag}", *([f"--no-{flag}"] if both else []), *SHORTER.get(name, ())]
    return ", ".join(f"`{one}`" for one in flags)


def _shown(default: object) -> str:
    told = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{told}`" if told else ""


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
