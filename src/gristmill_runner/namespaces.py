"""Namespaces of a child's own: processes, mounts, shared memory, network; and no capability to leave them with."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path
from typing import NoReturn

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PIDS, _NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_MOUNT_SETATTR, _AT_FDCWD, _RECURSIVE = 442, -100, 0x8000
_READ_ONLY, _PRIVATE, _BIND = 1, 1 << 18, 0x1000
_NO_SUID, _NO_DEVICES, _NO_EXEC = 2, 4, 8
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_CAPABILITIES_VERSION = 0x20080522
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _UP = 0x8913, 0x8914, 1
_COVERED = ("/run", "/tmp")  # noqa: S108 - where sockets of services lie
_WAITING = ("/bin/cat", "/usr/bin/cat", "/run/current-system/sw/bin/cat")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108


def leave(*, network: bool) -> list[str]:
    """Leave the namespaces of the machine as far as that is allowed; return the names of what was left.

    The next forked process is the first of its process namespace; see ``become_second``.
    """
    wanted = _NEW_MOUNTS | _NEW_IPC | _NEW_PIDS | (0 if network else _NEW_NETWORK)
    names = ["pidns", "mountns", "ipcns", *([] if network else ["netns"])]
    if _LIBC.unshare(wanted) == 0:
        return names
    user, group = os.geteuid(), os.getegid()
    if _LIBC.unshare(wanted | _NEW_USER) != 0:
        return []
    with contextlib.suppress(OSError):
        _write("/proc/self/setgroups", "deny")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    return ["userns", *names]


def become_second() -> None:
    """Go on as the second process of the new namespace; never return in the one that left.

    The first is a program that waits for the end of a pipe: when the process that left is gone, so is it, and with it
    all that is left in the namespace. The one that left waits for the second, and then ends as that did.
    """
    reading, writing = os.pipe()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # meant for the second, which is of the same process group
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the first keeps that: whoever is left to it is reaped
    first = _spawned(reading)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(reading)
    second = os.fork()
    if second:
        _end_alike(second, first, writing)
    os.close(writing)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def furnish(box: str) -> list[str]:
    """Make everything read-only but the box; give the namespace its own /proc, shared memory, /run and /tmp.

    Returns the names of what could be done.
    """
    held = ["readonly"] if _set_attributes("/", _READ_ONLY, 0, propagation=_PRIVATE, recursive=True) else []
    if not held:
        _LIBC.mount(b"none", b"/", None, _PRIVATE | 0x4000, None)
    _mount(box, box, None, _BIND)
    _set_attributes(box, _NO_SUID | _NO_DEVICES, _READ_ONLY)
    if _mount("proc", "/proc", "proc", _NO_SUID | _NO_DEVICES | _NO_EXEC):
        held.append("procfs")
    _mount("tmpfs", _SHARED_MEMORY, "tmpfs", _NO_SUID | _NO_DEVICES)
    resolver = os.path.realpath("/etc/resolv.conf")
    names = _read(resolver) if resolver.startswith("/run/") else None
    covered = [_cover(place, box) for place in _COVERED if Path(place).is_dir() and not box.startswith(place + "/")]
    held += ["sockets"] if all(covered) else []
    if names is not None and not Path(resolver).exists():
        with contextlib.suppress(OSError):
            Path(resolver).parent.mkdir(parents=True, exist_ok=True)
            Path(resolver).write_bytes(names)
    return held


def raise_loopback() -> None:
    """Switch the loopback interface of a new network namespace on."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(plain, _SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(plain, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def drop_capabilities() -> bool:
    """Give up every capability, for good; False where that cannot be done."""
    number = 0
    while _LIBC.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) == 0:
        number += 1
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    return bool(_LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 and _LIBC.capset(header, none) == 0)


def _spawned(lifeline: int) -> int:
    """Start the first process, without the copy of this one that a fork makes."""
    program = next(path for path in _WAITING if os.path.exists(path))  # noqa: PTH110
    actions = [
        (os.POSIX_SPAWN_DUP2, lifeline, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    return os.posix_spawn(program, ["gristmill-box"], {}, file_actions=actions)


def _end_alike(second: int, first: int, lifeline: int) -> NoReturn:
    """Wait for the second process, end the namespace, wait until it is empty, and end as the second did."""
    _, status = os.waitpid(second, 0)
    os.close(lifeline)
    with contextlib.suppress(ProcessLookupError):
        os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)


def _cover(place: str, box: str) -> bool:
    """Put a directory of the box over one of the machine."""
    own = os.path.join(box, "." + place.strip("/"))  # noqa: PTH118 - as everything here: strings for the kernel
    with contextlib.suppress(OSError):
        os.mkdir(own, 0o700)  # noqa: PTH102
    return _mount(own, place, None, _BIND)


def _mount(source: str, target: str, kind: str | None, flags: int) -> bool:
    kind_bytes = kind.encode() if kind else None
    return bool(_LIBC.mount(os.fsencode(source), os.fsencode(target), kind_bytes, ctypes.c_ulong(flags), None) == 0)


def _set_attributes(path: str, on: int, off: int, *, propagation: int = 0, recursive: bool = False) -> bool:
    attributes = (ctypes.c_uint64 * 4)(on, off, propagation, 0)
    flags = _RECURSIVE if recursive else 0
    call = (_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(path), flags, ctypes.byref(attributes), ctypes.c_size_t(32))
    return bool(_LIBC.syscall(*call) == 0)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(text)


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None
