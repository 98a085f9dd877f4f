"""Landlock: what a process may open, connect to and signal from now on, for itself and all that it starts."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable

_LIBC = ctypes.CDLL(None, use_errno=True)
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_TO_TRUNCATE, _OF_TCP, _OF_DEVICES, _OF_SIGNALS = 3, 4, 5, 6  # the versions of the interface that brought these
_FIRST_VERSION = (1 << 13) - 1
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_ALL_TCP = 3
_ALL_SCOPES = 3  # abstract sockets and signals

READ = _EXECUTE | _READ_FILE | _READ_DIR
CHANGE = _FIRST_VERSION | _REFER | _TRUNCATE
USE = _READ_FILE | _READ_DIR | _WRITE_FILE | _TRUNCATE | _IOCTL_DEVICE


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Return the version of the kernel's interface, 0 where it has none."""
    answer: int = _LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _GET_VERSION)
    return max(0, answer)


def restrict(allowed: Iterable[tuple[str, int]], *, tcp: bool) -> None:
    """Allow nothing but these paths, each with its rights (``READ``, ``CHANGE``, ``USE``); absent paths are skipped.

    Raises:
        OSError: the kernel refuses.

    """
    spoken = version()
    handled = _handled(spoken)
    rules = _Ruleset(handled, _ALL_TCP if spoken >= _OF_TCP and not tcp else 0, _ALL_SCOPES)
    size = 24 if spoken >= _OF_SIGNALS else 16 if spoken >= _OF_TCP else 8
    ruleset = _checked(_LIBC.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    try:
        for path, rights in allowed:
            _allow(ruleset, path, rights & handled)
        _checked(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_LIBC.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def denies_tcp() -> bool:
    """Tell whether TCP can be denied."""
    return version() >= _OF_TCP


def scopes_signals() -> bool:
    """Tell whether signals to the processes outside can be denied."""
    return version() >= _OF_SIGNALS


def _handled(spoken: int) -> int:
    rights = _FIRST_VERSION
    rights |= _REFER if spoken > 1 else 0
    rights |= _TRUNCATE if spoken >= _TO_TRUNCATE else 0
    return rights | (_IOCTL_DEVICE if spoken >= _OF_DEVICES else 0)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(f"/proc/self/fd/{place}"):  # noqa: PTH112 - the runner's start is counted in milliseconds
            rights &= _ON_FILES
        rule = _PathRule(rights, place)
        _checked(_LIBC.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(place)


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer
