"""The box around user code: a child shuts itself in before the first line of it, and tells what holds.

landlock     nothing but its box may be changed, and little else be read
signals      no process outside the box can be signalled (Landlock)
tcp          no TCP connection where the network is forbidden and there is no netns (Landlock)
pidns        no process outside the box is seen, and none of those inside outlives the run
mountns      mounts of its own: everything read-only but the box ("readonly"), its own /proc ("procfs"), and
             empty places where services of the machine have their sockets ("sockets")
ipcns        shared memory of its own
netns        no network at all but a loopback interface of its own
userns       users of its own, where the server itself has no rights to make the namespaces
capabilities it has none, also where the server's user is root
rlimits      sizes of files, number of processes and of open files, no core files
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import sysconfig
from pathlib import Path
from typing import TypedDict

from gristmill_runner import landlock, namespaces

REQUIRED = ("landlock", "pidns", "mountns", "capabilities")
_MOST_PROCESSES = 1024
_MOST_OPEN_FILES = 65_536
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sys/devices/system")
_SETTINGS = (
    *("alternatives", "ca-certificates", "fonts", "gai.conf", "group", "host.conf", "hosts", "ld.so.cache"),
    *("ld.so.conf", "ld.so.conf.d", "locale.alias", "localtime", "mime.types", "nsswitch.conf", "os-release"),
    *("passwd", "pki/tls/certs", "pki/ca-trust", "protocols", "python3", "R", "resolv.conf", "services"),
    *("ssl/certs", "ssl/openssl.cnf", "timezone"),
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_PROBE_SECONDS = 10.0


class Box(TypedDict, total=False):
    """What a child may do. ``directory`` is all that it may change; ``readable`` are more paths that it may read.

    ``groups`` are the ``cgroup.procs`` files of the control groups that it joins.
    """

    directory: str
    readable: list[str]
    network: bool
    groups: list[str]
    file_bytes: int | None


def enter(box: Box) -> list[str]:
    """Give the process surroundings of its own; return what holds of them. Call ``restrict`` next.

    The process that returns may be a forked one: see ``namespaces``.

    Raises:
        OSError: a control group cannot be joined.

    """
    # Opened before they are out of reach, joined when the copies that forks make are made: those would count as its.
    groups = [os.open(group, os.O_WRONLY | os.O_CLOEXEC) for group in box.get("groups", [])]
    try:
        return _surroundings(box)
    finally:
        for group in groups:
            os.write(group, b"0")
            os.close(group)


def restrict(box: Box, entered: list[str]) -> list[str]:
    """Give up, for good, every right that the process does not need; return all that holds now.

    Raises:
        OSError: the kernel refuses what it has.

    """
    held = [*entered, "capabilities"] if namespaces.drop_capabilities() else [*entered]
    if landlock.version() == 0:
        return held
    # In a network of its own a child may connect to what it likes, which is itself.
    tcp = box.get("network", True) or "netns" in held
    landlock.restrict(_allowed(box, own_mounts="mountns" in held), tcp=tcp)
    held.append("landlock")
    held += ["signals"] if landlock.scopes_signals() else []
    return held + (["tcp"] if landlock.denies_tcp() and not tcp else [])


def probe(directory: Path) -> list[str]:
    """Return what would hold for a child without network: one is made and asked."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.setitimer(signal.ITIMER_REAL, _PROBE_SECONDS)
            box = Box(directory=str(directory), network=False)
            os.write(writing, " ".join(restrict(box, enter(box))).encode("ascii"))
        finally:
            os._exit(0)
    os.close(writing)
    try:
        os.waitpid(pid, 0)
        return os.read(reading, 4096).decode("ascii").split()
    finally:
        os.close(reading)


def missing(held: list[str], *, network: bool) -> list[str]:
    """Return what is not held of that which a required sandbox needs."""
    return [name for name in (*REQUIRED, *([] if network else ["netns"])) if name not in held]


def _surroundings(box: Box) -> list[str]:
    network = box.get("network", True)
    left = namespaces.leave(network=network)
    _bound(box.get("file_bytes"), own_users="userns" in left)
    if not left:
        return ["rlimits"]
    namespaces.become_second()
    if not network:
        namespaces.raise_loopback()
    return ["rlimits", *left, *namespaces.furnish(box["directory"])]


def _allowed(box: Box, *, own_mounts: bool) -> list[tuple[str, int]]:
    readable = [*_SYSTEM, *(f"/etc/{name}" for name in _SETTINGS), "/sys/fs/cgroup", *_own_python()]
    allowed = [(path, landlock.READ) for path in [*readable, *box.get("readable", [])]]
    allowed += [(f"/dev/{name}", landlock.USE) for name in _DEVICES]
    allowed.append((box["directory"], landlock.CHANGE))
    if own_mounts:  # these are the box's own now, where it is not below one of them itself
        places = [place for place in ("/dev/shm", "/tmp", "/run") if not box["directory"].startswith(place + "/")]  # noqa: S108
        allowed += [(place, landlock.CHANGE) for place in places]
    return allowed


def _own_python() -> list[str]:
    """Return where this interpreter, its packages and the runner lie."""
    paths = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, str(Path(__file__).parent)}
    paths |= {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return sorted(paths)


def _bound(file_bytes: int | None, *, own_users: bool) -> None:
    """Bound files and, where they are counted apart from those of the server's user, processes."""
    _lower(resource.RLIMIT_NOFILE, _MOST_OPEN_FILES)
    _lower(resource.RLIMIT_CORE, 0)
    if file_bytes is not None:
        _lower(resource.RLIMIT_FSIZE, file_bytes)
    if own_users:
        _lower(resource.RLIMIT_NPROC, _MOST_PROCESSES)


def _lower(kind: int, most: int) -> None:
    soft, hard = resource.getrlimit(kind)
    known = [limit for limit in (hard, most) if limit != resource.RLIM_INFINITY]
    hard = min(known)
    soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(kind, (soft, hard))
