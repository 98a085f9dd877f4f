"""`/ml/v4/functions`."""

from __future__ import annotations

from gristmill.api.ml_v4.ml_asset_routes import routes_of
from gristmill.service.functions import FUNCTION

router = routes_of(FUNCTION, prefix="/ml/v4/functions", content="code")
