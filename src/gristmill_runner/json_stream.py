"""Reading JSON piece by piece from a file: one value in memory at a time, however large the document."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

_READ_BYTES = 256 * 1024
_LARGEST_VALUE = 64 * 1024 * 1024
_NEAR_THE_END = 16
_SPACE = re.compile(r"[ \t\r\n]*")


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON; send null for a missing value", name, 0)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


class Readable(Protocol):
    """What a text is read from, as bytes of UTF-8."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""


class JsonStream:
    """A cursor over a JSON text: the standard library reads each value, this finds where values begin and end.

    Raises what ``refusal`` makes of a phrase, such as "JSON: a comma is missing (character 12)", where the text is not
    that; positions count characters.
    """

    def __init__(self, file: Readable, *, refusal: Callable[[str], Exception]) -> None:
        self._file = file
        self._refusal = refusal
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._passed = 0
        self._ended = False

    def members(self) -> Iterator[str]:
        """Yield the names of an object's members; the caller reads each value before it asks for the next name."""
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"':
                self._refuse("a member's name in double quotes is missing")
            name = str(self.value())
            self._expect(":")
            yield name
            if self._comma_or("}"):
                return

    def elements(self) -> Iterator[None]:
        """Step through an array's elements; the caller reads each before it asks for the next."""
        self._expect("[")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield None
            if self._comma_or("]"):
                return

    def begins_with(self, character: str) -> bool:
        """Tell whether the next value begins with this character."""
        return self._peek() == character

    def value(self) -> Any:  # noqa: ANN401 - any JSON
        """Read one whole value."""
        return self._value()[0]

    def text(self) -> str:
        """Read one whole value and return its text on one line."""
        text = self._value()[1]
        # A raw line break can only be white space between tokens: inside strings JSON forbids it.
        return text.replace("\n", " ").replace("\r", " ") if "\n" in text or "\r" in text else text

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self._peek():
            self._refuse("something follows the document's end")

    def _value(self) -> tuple[Any, str]:
        self._peek()
        while True:
            decoded = self._decoded()
            # A number that touches the end of what was read may go on beyond it.
            if decoded is not None and (decoded[1] < len(self._text) or self._ended):
                value, end = decoded
                text, self._at = self._text[self._at : end], end
                return value, text
            self._more()

    def _decoded(self) -> tuple[Any, int] | None:
        """Decode the value at the cursor and return it with its end; None where more of it must be read first."""
        try:
            return _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            if self._ended or not self._may_be_cut(error):
                self._refuse(error.msg, at=error.pos if error.doc is self._text else self._at)
            return None
        except RecursionError:
            self._refuse("it is nested too deeply")
        except ValueError as error:
            self._refuse(f"a number is too long ({error})")

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _NEAR_THE_END

    def _comma_or(self, closing: str) -> bool:
        character = self._peek()
        if character not in {",", closing}:
            self._refuse(f"a comma or {closing} is missing")
        self._at += 1
        return character == closing

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            self._refuse(f"{character} is missing")
        self._at += 1

    def _peek(self) -> str:
        """Skip white space and return the next character, '' at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read on, twice as much as is held, so that a large value is tried a few times only."""
        if self._ended:
            return False
        kept = self._text[self._at :]
        if len(kept) > _LARGEST_VALUE:
            self._refuse(f"one value is larger than {_LARGEST_VALUE} characters")
        block = self._file.read(max(_READ_BYTES, len(kept)))
        try:
            text = self._decode.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise self._refusal(f"UTF-8: {error.reason}") from error
        self._ended = not block
        self._passed += self._at
        self._text, self._at = kept + text, 0
        return bool(text)

    def _refuse(self, what: str, *, at: int | None = None) -> NoReturn:
        position = self._passed + (self._at if at is None else at)
        raise self._refusal(f"JSON: {what} (character {position})")
