"""Fitted estimators of the scikit-learn kind: its own, the wrappers of XGBoost and LightGBM, custom ones."""

from __future__ import annotations

from typing import Any

from gristmill_runner.failure import RunFailed
from gristmill_runner.features import FRAME, MATRIX, Appetite
from gristmill_runner.loaders.scorer import PREDICTION, PROBABILITY

# Their predict() is the class of the highest probability, so one call of the model gives both.
_LABEL_IS_ARGMAX = {
    "sklearn": (
        "LogisticRegression",
        "RandomForestClassifier",
        "ExtraTreesClassifier",
        "DecisionTreeClassifier",
        "ExtraTreeClassifier",
        "GradientBoostingClassifier",
        "HistGradientBoostingClassifier",
        "BaggingClassifier",
        "GaussianNB",
    ),
    "lightgbm": ("LGBMClassifier",),
    "xgboost": ("XGBClassifier", "XGBRFClassifier"),
}
_PACKAGES = {"sklearn": "scikit-learn"}


class EstimatorScorer:
    """Calls predict, and predict_proba where there is one."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - whatever was pickled
        if not hasattr(model, "predict"):
            raise RunFailed(
                "model_load_failed", f"the file holds a {type(model).__name__}, which has no predict method"
            )
        self._model = model
        self._classifies = hasattr(model, "predict_proba")
        self._one_call = self._classifies and _label_is_argmax(model)
        self.appetite = _appetite(model)
        self.outputs = [PREDICTION, PROBABILITY] if self._classifies else [PREDICTION]
        roots = dict.fromkeys(type(part).__module__.split(".")[0] for part in (model, _last_step(model)))
        self.libraries = tuple(_PACKAGES.get(root, root) for root in roots)

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return ``prediction``, and ``probability`` (a list a row, in the order of the classes) of classifiers."""
        if not self._classifies:
            return {PREDICTION: self._model.predict(features)}
        probability = self._model.predict_proba(features)
        if self._one_call and getattr(probability, "ndim", 0) == 2:
            return {PREDICTION: self._model.classes_[probability.argmax(axis=1)], PROBABILITY: probability}
        if isinstance(probability, list):  # one array an output: bring them together row by row
            probability = [[table[row] for table in probability] for row in range(len(probability[0]))]
        return {PREDICTION: self._model.predict(features), PROBABILITY: probability}


def _appetite(model: Any) -> Appetite:  # noqa: ANN401
    names, width = _asked(model, "feature_names_in_"), _asked(model, "n_features_in_")
    known = None if names is None else [str(name) for name in names]
    shape = MATRIX if known is None and width is not None else FRAME
    return Appetite(names=known, width=width, shape=shape, categories=_wants_categories(_last_step(model)))


def _asked(model: Any, attribute: str) -> Any:  # noqa: ANN401
    """Return what a model knows, or None: unfitted parts answer with many kinds of error."""
    try:
        return getattr(model, attribute, None)
    except Exception:  # noqa: BLE001 - properties of foreign classes raise what they like
        return None


def _wants_categories(model: Any) -> bool:  # noqa: ANN401
    booster = _asked(model, "booster_")
    if booster is not None:
        return bool(_asked(booster, "pandas_categorical"))
    return bool(_asked(model, "enable_categorical")) and "c" in (_asked(model, "feature_types") or ["c"])


def _label_is_argmax(model: Any) -> bool:  # noqa: ANN401
    last = type(_last_step(model))
    root = last.__module__.split(".")[0]
    return last.__name__ in _LABEL_IS_ARGMAX.get(root, ()) and hasattr(model, "classes_")


def _last_step(model: Any) -> Any:  # noqa: ANN401
    """Return the estimator at the end of pipelines and searches."""
    if type(model).__module__.split(".")[0] != "sklearn":
        return model
    if hasattr(model, "steps"):
        return _last_step(model.steps[-1][1])
    return _last_step(model.best_estimator_) if hasattr(model, "best_estimator_") else model
