"""Every call that a batch user makes with the unmodified `ibm-watsonx-ai` client, one after the other.

A program of its own: the client keeps state of the process. Exits with the number of steps that failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path

from tests.acceptance.flow import (
    archives,
    batch,
    code,
    data,
    deployments,
    ending,
    jobs,
    models,
    patients,
    spaces,
    specifications,
    steps,
)
from tests.acceptance.flow.client_flow import Flow

PARTS = (spaces, specifications, models, code, data, deployments, jobs, batch, archives, patients, ending)


def main() -> int:
    """Run the flow that the command line describes; files go to the working directory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=("cpd", "cloud"), required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--user", default="admin")
    parser.add_argument("--verify", default="", help="the CA's certificate; without it the server is not verified")
    wanted = parser.parse_args()
    warnings.simplefilter("ignore")
    shared = {"url": wanted.url, "api_key": os.environ["API_KEY"], "verify": wanted.verify or False}
    if wanted.mode == "cpd":
        credentials = {**shared, "username": wanted.user, "instance_id": "openshift"}
    else:
        credentials = {**shared, "platform_url": wanted.url, "auth_url": f"{wanted.url}/identity/token"}
    flow = Flow(wanted.mode, credentials, Path.cwd())
    flow.recorder.mode = wanted.mode
    return steps.run([part.step for part in PARTS], flow, flow.recorder)


if __name__ == "__main__":
    sys.exit(main())
