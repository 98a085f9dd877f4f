"""What Ray Data takes for a CSV file: `read_csv`, `map_batches` with two actors, `write_csv`.

    python -m bench.peers.ray_data MODEL.joblib IN.csv OUT_DIRECTORY [--processes 2]

Runs in an environment with ray[data]. Prints the seconds from the plan to its end; Ray itself is up before that.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import joblib


class Predictor:
    """Loads the model once an actor."""

    def __init__(self, path: str) -> None:
        self._model = joblib.load(path)

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401 - a pandas.DataFrame
        """Add the predictions to a batch."""
        probability = self._model.predict_proba(batch[list(self._model.feature_names_in_)])
        batch["prediction"] = self._model.classes_[probability.argmax(axis=1)]
        for position in range(probability.shape[1]):
            batch[f"probability_{position}"] = probability[:, position]
        return batch


def main() -> None:
    """Score, and print how long it took."""
    import ray

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("source", type=Path)
    arguments.add_argument("target", type=Path)
    arguments.add_argument("--processes", type=int, default=2)
    options = arguments.parse_args()
    ray.init(num_cpus=options.processes + 1, include_dashboard=False, log_to_driver=False)
    started = time.perf_counter()
    rows = ray.data.read_csv(str(options.source))
    scored = rows.map_batches(
        Predictor,
        fn_constructor_args=(str(options.model),),
        concurrency=options.processes,
        batch_size=100_000,
        batch_format="pandas",
    )
    scored.write_csv(str(options.target))
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
