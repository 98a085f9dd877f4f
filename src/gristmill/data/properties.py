"""What a connection's properties say, checked as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.data.source import DataFailed

_TRUTH = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "": False}


class Properties:
    """A connection's properties. Each reader raises ``DataFailed`` (``data_invalid``) that names the property."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __repr__(self) -> str:
        return f"Properties({', '.join(sorted(self._values))})"

    def text(self, name: str) -> str | None:
        """Return a text, None where there is none or an empty one."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        text = str(value)
        if "\0" in text:
            raise invalid(name, "it has a zero character in it")
        return text

    def required(self, name: str) -> str:
        """Return a text that has to be there."""
        text = self.text(name)
        if text is None:
            raise invalid(name, "it is missing; add it to the connection")
        return text

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        text = self.text(name)
        if text is None:
            return default
        try:
            number = int(text)
        except ValueError:
            raise invalid(name, f"{text!r} is not a whole number") from None
        if not least <= number <= most:
            raise invalid(name, f"{number} is not between {least} and {most}")
        return number

    def boolean(self, name: str) -> bool | None:
        """Return true or false, None where it is not said."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        truth = _TRUTH.get(str(value).strip().lower())
        if truth is None:
            raise invalid(name, f"{value!r} is neither true nor false")
        return truth


def invalid(name: str, why: str) -> DataFailed:
    """Return the refusal of a property."""
    return DataFailed("data_invalid", f"properties.{name}: {why}.", field=f"properties.{name}")
