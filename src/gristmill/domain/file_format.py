"""The format of a file by its name, as models and functions read and write it."""

from __future__ import annotations

from gristmill.domain.errors import Invalid

INPUTS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xlsb": "xlsx",
    ".xls": "xlsx",
    ".ods": "xlsx",
    ".zip": "zip",
}
_UNREADABLE = frozenset((".tar", ".tgz", ".7z", ".rar"))
_COMPRESSED = frozenset((".gz", ".zst", ".bz2"))
_OUTPUTS = {name: INPUTS[name] for name in (".csv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")}
_OUTPUTS.update({name: INPUTS[name] for name in (".arrow", ".feather", ".ipc", ".xlsx")})
_COMPRESSED_OUTPUTS = frozenset((".gz", ".zst"))
_COMPRESSIBLE = frozenset(("csv", "jsonl"))
_MIMES = {
    "csv": "text/csv",
    "jsonl": "application/x-ndjson",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_COMPRESSED_MIMES = {".gz": "application/gzip", ".zst": "application/zstd"}


def of_input(name: str) -> str:
    """Return the format of an input: CSV unless its ending says otherwise; what compresses it does not count."""
    return INPUTS.get(_endings(name)[0], "csv")


def of_output(name: str) -> str:
    """Return the format of an output: CSV unless its ending says otherwise."""
    return _OUTPUTS.get(_endings(name)[0], "csv")


def mime_of_output(name: str) -> str:
    """Return the media type of an output."""
    return _COMPRESSED_MIMES.get(_endings(name)[1]) or _MIMES[of_output(name)]


def check_input(name: str, *, where: str) -> None:
    """Refuse an input that cannot be read, where its ending tells that.

    Raises:
        Invalid: it names the member ``where`` and the way out.

    """
    ending = _endings(name)[0]
    if ending in _UNREADABLE:
        message = f"{where}: {name} is an archive that cannot be read; unpack it, or pack its files as .zip."
        raise Invalid(message, code="unsupported_format", field=where)


def check_output(name: str, *, where: str) -> None:
    """Refuse the name of an output whose format cannot be written.

    Raises:
        Invalid: it names the member ``where`` and the way out.

    """
    ending, compression = _endings(name)
    if ending in (INPUTS.keys() | _UNREADABLE) - _OUTPUTS.keys():
        known = ", ".join(sorted({*_OUTPUTS}))
        message = f"{where}: results cannot be written as {ending}; these can: {known}."
        raise Invalid(message, code="unsupported_format", field=where)
    if compression and (compression not in _COMPRESSED_OUTPUTS or of_output(name) not in _COMPRESSIBLE):
        message = f"{where}: only .csv and .jsonl can be compressed, as .gz or .zst; leave {compression} out."
        raise Invalid(message, code="unsupported_format", field=where)


def _endings(name: str) -> tuple[str, str]:
    """Return the ending that tells the format, and the one that tells of compression, empty where there is none."""
    stem, ending = _parted(name.lower().rpartition("/")[2])
    return (_parted(stem)[1], ending) if ending in _COMPRESSED else (ending, "")


def _parted(name: str) -> tuple[str, str]:
    stem, point, ending = name.rpartition(".")
    return (stem, point + ending) if stem and ending else (name, "")
