"""Where connected data may lie: below folders that the administrator permitted, and outside of this server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gristmill.data.source import DataFailed
from gristmill.guard.address_guard import AddressGuard

_SETTING = "GRISTMILL_DATA_FOLDERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folders below which connections may name files and folders, and the addresses to which URLs may lead.

    Data lies in private networks more often than not, so these are good; loopback, link-local addresses and the
    server's own are not, as nobody but the server could reach what listens there.
    """

    folders: tuple[Path, ...] = ()
    guard: AddressGuard = field(default_factory=lambda: AddressGuard(private=True))

    def permitted(self, path: str, *, field: str) -> Path:
        """Return where a path leads in the end, if that is in a permitted folder, or is one. It need not exist.

        Raises:
            DataFailed: it is not absolute (``data_invalid``), or not permitted (``data_access_denied``).

        """
        if "\0" in path or not Path(path).is_absolute():
            raise DataFailed("data_invalid", f"{field}: {path!r} is not an absolute path.", field=field)
        if not self.folders:
            raise DataFailed(
                "data_access_denied",
                f"{field}: no folder of the server is open to connections; its administrator names them in {_SETTING}.",
                field=field,
            )
        # Links are followed first, so that none of them leads out.
        real = _resolved(path, field)
        if not any(real.is_relative_to(folder.resolve()) for folder in self.folders):
            raise DataFailed(
                "data_access_denied",
                f"{field}: {path} is not below a folder that is open to connections; the administrator names those in "
                f"{_SETTING}.",
                field=field,
            )
        return real


def _resolved(path: str, field: str) -> Path:
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError) as error:
        raise DataFailed("data_invalid", f"{field}: {path} cannot be followed: {error}.", field=field) from None
