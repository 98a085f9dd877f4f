"""How long a job takes in an environment that has to be built, in one that is there, and in the one that ships.

    python -m bench.environments [--jobs 20]

Each job scores one row. *first*: the specification's libraries are installed and compiled. *new deployment*: the
environment is there, its zygote too, the child is new. *warm*: the deployment's child is at hand. The server is a
`gristmill up` of its own; packages come from where uv is set up to find them, and from its cache.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from bench.server import Server, store_model
from bench.start_latency import seconds


def main() -> None:
    """Print a row for each case."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=20)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        space = server.new_space()
        for name, specification in (("shipped", None), ("built", _custom(server, space))):
            deployment = store_model(server, space, specification=specification)
            _row(f"{name}, first", [seconds(server, space, deployment)])
            fresh = [store_model(server, space, specification=specification) for _ in range(5)]
            _row(f"{name}, new deployment", [seconds(server, space, one) for one in fresh])
            _row(f"{name}, warm", [seconds(server, space, fresh[-1]) for _ in range(options.jobs)])


def _custom(server: Server, space: str) -> str:
    """Derive a specification from the server's own, with an extension that adds nothing to its libraries."""
    scope = {"space_id": space}
    document = {"name": "nothing", "type": "requirements_txt"}
    made = server.call("POST", "/v2/package_extensions", params=scope, json=document)
    server.call("PUT", made["entity"]["package_extension"]["href"], content=b"# nothing\n")
    extension = made["metadata"]["asset_id"]
    server.call("POST", f"/v2/package_extensions/{extension}/upload_complete", params=scope)
    listed = server.call("GET", "/v2/software_specifications", params=scope)["resources"]
    base = next(one["metadata"] for one in listed if one["metadata"]["name"].startswith("gristmill-py"))
    custom = {
        "name": "custom",
        "package_extensions": [{"guid": extension}],
        "base_software_specification": {"guid": base["asset_id"]},
    }
    server.call("POST", "/v2/software_specifications", params=scope, json=custom)
    return "custom"


def _row(name: str, times: list[float]) -> None:
    print(f"{name:24} median {statistics.median(times) * 1000:9.1f} ms, most {max(times) * 1000:9.1f} ms")


if __name__ == "__main__":
    main()
