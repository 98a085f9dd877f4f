"""What tests do with a page: open it, and look at it as people with other eyes and windows would."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, expect

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_PHONE: ViewportSize = {"width": 320, "height": 720}
_DESK: ViewportSize = {"width": 1280, "height": 800}


@dataclass
class Visits:
    """A browser window. ``expected`` are parts of messages that this test's own bad input brings to its console.

    Every look is kept as a picture in the folder ``pictures``, if there is one, under the test's ``name``.
    """

    page: Page
    axe: str
    expected: list[str] = field(default_factory=list)
    pictures: Path | None = None
    name: str = ""
    _looks: int = 0

    def open(self, path: str, heading: str) -> Page:
        """Open a page of the console and wait until it is there."""
        self.page.goto(f"/console{path}")
        expect(self.page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        return self.page

    def look(self) -> None:
        """Let axe look at the page as it is now, in both themes and on a phone; nothing may overflow there."""
        self._looks += 1
        for look, theme in (("light", "cds--white"), ("dark", "cds--g100")):
            self.page.evaluate("theme => { document.documentElement.className = theme }", theme)
            self._pass(look)
        self.page.set_viewport_size(_PHONE)
        self._pass("phone")
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= _PHONE["width"], f"the page is {width} px wide on a phone"
        self.page.set_viewport_size(_DESK)

    def _pass(self, where: str) -> None:
        found = self._findings()
        if self.pictures:
            name = f"{self.name}-{self._looks}-{where}.png"
            self.page.screenshot(path=self.pictures / name, full_page=True)
        assert not found, f"{where}: {found}"

    def _findings(self) -> list[str]:
        # Evaluated from outside, so the page's own policy does not stand in its way. What is still fading is not there.
        self.page.evaluate("Promise.all(document.getAnimations().map(each => each.finished.catch(() => null)))")
        self.page.evaluate(self.axe)
        found: Any = self.page.evaluate("rules => axe.run(document, {runOnly: rules})", _RULES)
        return [
            f"{each['id']}: {each['help']}: {[node['html'] for node in each['nodes']][:3]}"
            for each in found["violations"]
        ]
