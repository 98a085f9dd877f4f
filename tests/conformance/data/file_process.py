"""Stores or fetches one file in a process of its own, and tells how much memory that took.

Arguments: the type of the connection, its properties as JSON, the permitted folder, store or fetch, bucket, name, path.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import FileName
from gristmill.guard.address_guard import AddressGuard


def main() -> None:
    kind, properties, folder, verb, bucket, name, path = sys.argv[1:]
    places = Places(folders=(Path(folder),), guard=AddressGuard(["127.0.0.0/8"], private=True))
    with connect(kind, json.loads(properties), places=places) as source:
        # Files are what the types of this suite have.
        getattr(source, verb)(FileName(name=name, bucket=bucket or None), Path(path))
    # What getrusage tells begins with the memory of the process that forked this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    sys.stdout.write(str(int(status["VmHWM"].split()[0]) * 1024))


if __name__ == "__main__":
    main()
