"""Models: the rules that `ml_assets` asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain import model_types
from gristmill.domain.asset import AssetType
from gristmill.service import model_content
from gristmill.service.ml_assets import Kind, Upload


def _check_entity(entity: Mapping[str, Any]) -> None:
    model_types.family(entity.get("type"))


def _check_content(upload: Upload) -> model_content.Checked:
    return model_content.check(upload.path, upload.type, limits=upload.limits)


MODEL = Kind(
    type=AssetType.MODEL,
    noun="model",
    roots=(
        "type",
        "software_spec",
        "label_column",
        "transformed_label_column",
        "schemas",
        "training_data_references",
        "test_data_references",
        "input_data_schema",
        "output_data_schema",
        "training_lib",
        "model_definition",
        "hyper_parameters",
        "metrics",
        "custom",
        "domain",
        "user_defined_objects",
        "hybrid_pipeline_software_specs",
        "tf_model_params",
        "model_version",
        "size",
    ),
    check_entity=_check_entity,
    check_content=_check_content,
)
