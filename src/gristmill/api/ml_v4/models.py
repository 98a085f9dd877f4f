"""`/ml/v4/models`."""

from __future__ import annotations

from gristmill.api.ml_v4.ml_asset_routes import routes_of
from gristmill.service.models import MODEL

router = routes_of(MODEL, prefix="/ml/v4/models", content="content")
