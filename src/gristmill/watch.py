"""What those who watch a server get of it, put together from its settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from gristmill.deliver.lineage import FileLineage, HttpLineage, LineageSink
from gristmill.domain.lineage import LineageSource
from gristmill.service import metrics
from gristmill.service.context import Context
from gristmill.service.outlets import DirectOutlets
from gristmill.settings import CannotStart, Settings
from gristmill.telemetry import logs

_TRACES_PATH = "/v1/traces"
"""Where a collector takes spans, by OTLP's specification, unless its URL says otherwise."""


def begin_logs(settings: Settings) -> None:
    """Write the events of this process to standard error."""
    logs.configure(settings.log_level, sys.stderr, form=settings.log_format)


def serve_metrics(context: Context, settings: Settings) -> Callable[[], None]:
    """Answer Prometheus on the port that is for it alone, if there is one; return what ends that.

    Raises:
        CannotStart: the port cannot be listened on.

    """
    if settings.metrics_port is None:
        return lambda: None
    try:
        return context.meters.serve(settings.metrics_host, settings.metrics_port)
    except OSError as error:
        context.database.close()
        where = f"Port {settings.metrics_port} of {settings.metrics_host}"
        raise CannotStart(
            f"{where} cannot be listened on for metrics: {error.strerror or error}. Choose another with "
            "--metrics-port or GRISTMILL_METRICS_PORT."
        ) from error


def watched(context: Context, settings: Settings) -> Context:
    """Return the context of a server: metered, and with places for lineage and traces where there are any.

    Raises:
        CannotStart: one of the places cannot be.

    """
    return metrics.metered(_trace(_keep_lineage(context, settings), settings))


def _keep_lineage(context: Context, settings: Settings) -> Context:
    """Return the context, in which each change of a run tells what became of data, if there is a place for that.

    Raises:
        CannotStart: the place is neither a URL nor the absolute path of a file.

    """
    if settings.lineage is None:
        return context
    source = LineageSource(settings.lineage_namespace, version("gristmill"))
    outlets = replace(_direct(context), lineage=_lineage_sink(settings.lineage, settings.lineage_api_key))
    return replace(context, database=context.database.keeping_lineage(source), outlets=outlets)


def _direct(context: Context) -> DirectOutlets:
    assert isinstance(context.outlets, DirectOutlets), "a server has no others"
    return context.outlets


def _lineage_sink(place: str, api_key: str | None) -> LineageSink:
    if urlsplit(place).scheme in {"http", "https"} and urlsplit(place).hostname:
        return HttpLineage(place, api_key)
    if not Path(place).is_absolute():
        raise CannotStart("GRISTMILL_LINEAGE: it is neither http(s)://host/path nor the absolute path of a file.")
    return FileLineage(Path(place))


def _trace(context: Context, settings: Settings) -> Context:
    """Return the context, whose spans go to a collector, if there is one.

    Raises:
        CannotStart: it is no URL, or OpenTelemetry is not installed.

    """
    if settings.traces is None:
        return context
    url = urlsplit(settings.traces)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise CannotStart("GRISTMILL_TRACES: it is not like http://collector:4318.")
    try:
        from gristmill.telemetry.otel import OtelTraces
    except ImportError as error:
        way_out = "Install it with: pip install 'gristmill[otel]'"
        raise CannotStart(f"GRISTMILL_TRACES: OpenTelemetry is not installed here. {way_out}") from error
    whole = settings.traces if url.path.strip("/") else urlunsplit(url._replace(path=_TRACES_PATH))
    return replace(context, traces=OtelTraces(whole, share=settings.traces_share, version=version("gristmill")))
