"""The file that a child's output goes to, bounded, and without the values that nobody is to read."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

_MASK = b"****"
_LEAST_CHARACTERS = 4  # a shorter one would mask half of every log, and hide nothing


class Masks:
    """Replaces secret values in a stream of bytes, whatever its pieces.

    A value is also found as base64 (standard and of URLs), and quoted for a URL. Values of fewer than four characters
    are left alone.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= _LEAST_CHARACTERS for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self._forms))) if forms else None
        self._held_back = b""

    def feed(self, output: bytes) -> bytes:
        """Return what may be shown by now: all but an end that may be the beginning of a secret."""
        if self._pattern is None:
            return output
        text = self._pattern.sub(_MASK, self._held_back + output)
        keep = self._beginning(text)
        self._held_back = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> bytes:
        """Return what was held back, when nothing more comes."""
        rest, self._held_back = self._held_back, b""
        return rest

    def masked(self, text: str) -> str:
        """Return a text without the secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(_MASK, text.encode(errors="surrogateescape")).decode(errors="surrogateescape")

    def _beginning(self, text: bytes) -> int:
        """Return how many bytes at the end are the beginning of a form, at most."""
        for size in range(min(len(text), len(self._forms[0]) - 1), 0, -1):
            end = text[-size:]
            if any(form.startswith(end) for form in self._forms):
                return size
        return 0


class RunLog:
    """Appends what the child prints; once the bound is reached, says so and drops the rest.

    What a full disk does not take is missing, and the log says so as soon as there is room: nobody may wait for it.
    """

    def __init__(self, path: Path, limit_bytes: int, secrets: Iterable[str] = ()) -> None:
        self._file = path.open("ab", buffering=0)
        self._limit_bytes = limit_bytes
        self._room = limit_bytes - self._file.tell()
        self._missing_bytes = 0
        self._masks = Masks(secrets)

    def write(self, output: bytes) -> None:
        """Append output as long as there is room."""
        self._append(self._masks.feed(output))

    def close(self) -> None:
        """Write what was held back and close the file."""
        self._append(self._masks.rest())
        self._file.close()

    def _append(self, output: bytes) -> None:
        if self._room <= 0 or not output:
            return
        if self._missing_bytes and self._written(
            b"\n[%d bytes are missing: the disk was full]\n" % self._missing_bytes
        ):
            self._missing_bytes = 0
        kept = output[: self._room]
        self._missing_bytes += len(kept) - self._written(kept)
        self._room -= len(output)
        if self._room <= 0:
            self._written(f"\n[the log ends here: it reached {self._limit_bytes} bytes]\n".encode())

    def _written(self, output: bytes) -> int:
        """Return how much of it the disk took."""
        try:
            return self._file.write(output) or 0
        except OSError:
            return 0


def _forms(secret: str) -> list[bytes]:
    plain = secret.encode(errors="surrogateescape")
    encoded = [base64.b64encode(plain), base64.urlsafe_b64encode(plain)]
    lines = [line for line in plain.splitlines() if len(line) >= _LEAST_CHARACTERS]
    return [plain, *lines, *(form.rstrip(b"=") for form in encoded), quote(plain, safe="").encode("ascii")]
