"""Bare boosters of XGBoost and LightGBM, as their own files or pickles hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gristmill_runner.features import FRAME, MATRIX, Appetite
from gristmill_runner.loaders.estimator import EstimatorScorer
from gristmill_runner.loaders.scorer import PREDICTION, Scorer


class XgboostScorer:
    """Predicts what the booster's objective says: values, probabilities, or a probability a class."""

    libraries = ("xgboost",)
    outputs = (PREDICTION,)

    def __init__(self, booster: Any) -> None:  # noqa: ANN401 - xgboost comes untyped
        self._booster = booster
        names = booster.feature_names
        self._categories = "c" in (booster.feature_types or [])
        self.appetite = Appetite(names, booster.num_features(), FRAME if names else MATRIX, self._categories)

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return ``prediction``."""
        import xgboost

        return {PREDICTION: self._booster.predict(xgboost.DMatrix(features, enable_categorical=self._categories))}


class LightgbmScorer:
    """As XgboostScorer, for a LightGBM booster."""

    libraries = ("lightgbm",)
    outputs = (PREDICTION,)

    def __init__(self, booster: Any) -> None:  # noqa: ANN401 - lightgbm comes untyped
        self._booster = booster
        names = booster.feature_name()
        invented = names == [f"Column_{position}" for position in range(len(names))]
        shape = MATRIX if invented else FRAME
        categories = bool(booster.pandas_categorical)
        self.appetite = Appetite(None if invented else names, booster.num_feature(), shape, categories)

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return ``prediction``."""
        return {PREDICTION: self._booster.predict(features)}


def load_xgboost(path: Path) -> Scorer:
    """Load a model that XGBoost saved; one that its scikit-learn wrapper saved becomes that wrapper again."""
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(path)
    wrapped = json.loads(booster.attr("scikit_learn") or "{}").get("_estimator_type")
    wrapper = {"classifier": xgboost.XGBClassifier, "regressor": xgboost.XGBRegressor}.get(wrapped)
    if wrapper is None:
        return XgboostScorer(booster)
    model = wrapper()
    model.load_model(path)
    return EstimatorScorer(model)


def load_lightgbm(path: Path) -> Scorer:
    """Load a model that LightGBM saved as text."""
    import lightgbm

    return LightgbmScorer(lightgbm.Booster(model_file=str(path)))
