"""Traces by OpenTelemetry, over OTLP/HTTP. Only here is it imported: it comes with the extra ``otel``."""

from __future__ import annotations

from datetime import datetime, timedelta

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gristmill.telemetry.traces import Attributes, Span, Traces

_EXPORT_SECONDS = 5.0
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_PROPAGATOR = TraceContextTextMapPropagator()


class OtelTraces(Traces):
    """Keeps spans at a collector. ``share`` from 0 to 1 is how many of the traces are kept that begin here."""

    keeps = True

    def __init__(self, url: str, *, share: float, version: str) -> None:
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "gristmill", "service.version": version}),
            sampler=ParentBased(TraceIdRatioBased(share)),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint=url, timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("gristmill", version)

    def begin(
        self, name: str, *, parent: str | None, at: datetime | None = None, attributes: Attributes | None = None
    ) -> Span:
        """Begin a span."""
        above = _PROPAGATOR.extract({"traceparent": parent}, context=Context()) if parent else Context()
        began = _nanoseconds(at)
        return _Kept(self._tracer.start_span(name, context=above, attributes=attributes, start_time=began))

    def close(self) -> None:
        """Send what has ended, and no more."""
        self._provider.shutdown()


class _Kept(Span):
    """A span that goes to the collector."""

    def __init__(self, span: OtelSpan) -> None:
        super().__init__(None)
        self._span = span

    @property
    def traceparent(self) -> str | None:
        """By which others put their spans beneath this one."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, context=set_span_in_context(self._span, Context()))
        return carrier.get("traceparent")

    def end(
        self,
        *,
        name: str | None = None,
        at: datetime | None = None,
        failed: str | None = None,
        attributes: Attributes | None = None,
    ) -> None:
        """End it."""
        if name:
            self._span.update_name(name)
        if attributes:
            self._span.set_attributes(attributes)
        if failed:
            self._span.set_status(StatusCode.ERROR, failed)
        self._span.end(end_time=_nanoseconds(at))


def _nanoseconds(at: datetime | None) -> int | None:
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000 if at else None
