"""The meters of one process, and what it answers to Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from gristmill.telemetry.metrics import METRICS, Figure, Kind, Metric

Read = Callable[[], Iterable[Figure]]


class Meters:
    """Counts what this process does. Safe to use from any thread; each context has its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters = {one.name: self._counter(one) for one in METRICS if one.kind is Kind.COUNTER}
        self._histograms = {one.name: self._histogram(one) for one in METRICS if one.kind is Kind.HISTOGRAM}
        ProcessCollector(registry=self._registry)

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Add to a counter; ``labels`` in the order of the metric's."""
        counter = self._counters[metric.name]
        (counter.labels(*labels) if labels else counter).inc(by)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Put a value into a histogram. Clocks of servers differ: what seems to be less than nothing is nothing."""
        histogram = self._histograms[metric.name]
        (histogram.labels(*labels) if labels else histogram).observe(max(0.0, value))

    def read_also(self, read: Read) -> None:
        """Tell with each answer what ``read`` returns then."""
        self._registry.register(_Figures(read))

    def exposed(self, accept: str | None) -> tuple[bytes, str]:
        """Return all of it as Prometheus reads it, in the format of an ``Accept`` header, and that format's type."""
        encode, media_type = choose_encoder(accept or "")
        return encode(self._registry), media_type

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Answer on a port of its own, in plain HTTP, until what is returned is called.

        Raises:
            OSError: the port is in use or not allowed, or there is no such address here.

        """
        server, thread = start_http_server(port, addr=host, registry=self._registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self._registry)

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(metric.name, metric.help, metric.labels, buckets=metric.buckets, registry=self._registry)


class _Figures(Collector):
    """Implements prometheus_client's ``Collector`` with what is read at that moment."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def describe(self) -> list[Family]:
        """Name nothing: that would read everything when this is registered."""
        return []

    def collect(self) -> Iterator[Family]:
        """Yield a family for each gauge that has a value."""
        families: dict[str, GaugeMetricFamily] = {}
        for figure in self._read():
            metric = figure.metric
            family = families.get(metric.name)
            if family is None:
                family = families[metric.name] = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            family.add_metric(list(figure.labels), figure.value)
        yield from families.values()
