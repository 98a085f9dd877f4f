"""``python -m tests.reference``: write the pages of the reference that come from the code."""

from __future__ import annotations

from tests.reference.pages import PAGES, REFERENCE

if __name__ == "__main__":
    for name, text in PAGES.items():
        (REFERENCE / name).write_text(text(), encoding="utf-8")
