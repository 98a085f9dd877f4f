"""What `mlflow models predict` takes for a CSV file: stores the model as MLflow has it, and runs its command line.

    python -m bench.peers.mlflow_predict MODEL.joblib IN.csv OUT.json

Runs in an environment with mlflow. Prints the seconds of the command, its own start included.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib


def main() -> None:
    """Score, and print how long it took."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    path, source, target = sys.argv[1:]
    model = joblib.load(path)
    # The file has columns that the model does not know; by its signature MLflow leaves them out, as users have it do.
    columns = Schema([ColSpec("double", str(name)) for name in model.feature_names_in_])
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model"
        signature = ModelSignature(inputs=columns)
        mlflow.sklearn.save_model(model, place, serialization_format="pickle", signature=signature)
        command = [sys.executable, "-m", "mlflow", "models", "predict", "--env-manager", "local"]
        command += ["-m", str(place), "-i", source, "-t", "csv", "-o", target]
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
