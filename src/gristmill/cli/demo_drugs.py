"""The demo's subject: which of five drugs helps a patient, learnt from made-up patients. The same ones every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

FIELDS = ("AGE", "SEX", "BP", "CHOLESTEROL", "NA", "K")
TEXTS = ("SEX", "BP", "CHOLESTEROL")
EXAMPLE = [[47, "M", "LOW", "HIGH", 0.739, 0.056], [47, "M", "LOW", "HIGH", 0.739, 0.056]]
"""The rows of the example in the documentation of the product that Gristmill speaks the API of."""

_NOISE = 0.02


def patients(count: int, *, seed: int) -> pd.DataFrame:
    """Return ``count`` patients with the columns ``FIELDS``."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "AGE": random.integers(15, 75, count),
            "SEX": random.choice(["F", "M"], count),
            "BP": random.choice(["LOW", "NORMAL", "HIGH"], count, p=[0.32, 0.3, 0.38]),
            "CHOLESTEROL": random.choice(["NORMAL", "HIGH"], count),
            "NA": random.uniform(0.5, 0.9, count).round(3),
            "K": random.uniform(0.02, 0.08, count).round(3),
        }
    )


def drugs(people: pd.DataFrame, *, seed: int) -> pd.Series:
    """Return what helped each patient: a rule, and some luck."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(seed)
    pressure, young = people["BP"], people["AGE"] < 50
    rules = [
        (people["NA"] / people["K"] > 15, "drugY"),
        ((pressure == "HIGH") & young, "drugA"),
        (pressure == "HIGH", "drugB"),
        ((pressure == "LOW") & (people["CHOLESTEROL"] == "HIGH"), "drugC"),
    ]
    helped = np.select([rule for rule, _ in rules], [name for _, name in rules], default="drugX")
    luck = random.random(len(people)) < _NOISE
    helped[luck] = random.choice(["drugA", "drugB", "drugC", "drugX", "drugY"], int(luck.sum()))
    return pd.Series(helped, name="DRUG")


def train(people: pd.DataFrame, helped: pd.Series) -> Pipeline:
    """Return a pipeline that was fitted to the patients: texts to columns of 0 and 1, then a small forest."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    encoder = make_column_transformer((OneHotEncoder(), list(TEXTS)), remainder="passthrough")
    forest = RandomForestClassifier(n_estimators=20, min_samples_leaf=5, random_state=0)
    return make_pipeline(encoder, forest).fit(people, helped)
