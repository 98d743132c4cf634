"""A stock OpenTelemetry program that sends all three signals: a span with two log records in it, and metrics of every
kind that the SDK makes. Knows nothing of Brokle; endpoint, key and protocol come from the standard OTEL_* environment.
Prints the trace id as JSON."""

import json
import logging
import os

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor


def exporters():
    if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    else:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    return OTLPSpanExporter(), OTLPLogExporter(), OTLPMetricExporter()


def send():
    span_exporter, log_exporter, metric_exporter = exporters()
    spans = TracerProvider()
    spans.add_span_processor(SimpleSpanProcessor(span_exporter))
    logs = LoggerProvider()
    logs.add_log_record_processor(SimpleLogRecordProcessor(log_exporter))
    reader = PeriodicExportingMetricReader(metric_exporter, export_interval_millis=60_000)
    spread = View(instrument_name="spread", aggregation=ExponentialBucketHistogramAggregation())
    metrics = MeterProvider(metric_readers=[reader], views=[spread])

    logger = logging.getLogger("shop.payments")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=logs))
    with spans.get_tracer("shop", "1.2.3").start_as_current_span("pay") as span:
        logger.warning("card of %s declined", "u-7", extra={"attempt": 2})
        logs.get_logger("shop", "1.2.3").emit(
            LogRecord(
                timestamp=span.start_time,
                severity_number=SeverityNumber.INFO,
                body={"order": 7, "items": ["a", "b"], "total": 12.5},
                event_name="order.placed",
                attributes={"region": "eu", "express": True},
            )
        )
        meter = metrics.get_meter("shop", "1.2.3")
        meter.create_counter("orders", unit="{order}", description="Orders taken").add(5, {"region": "eu"})
        meter.create_up_down_counter("carts").add(-2)
        meter.create_gauge("temperature").set(21.5)
        meter.create_observable_gauge("pressure", callbacks=[lambda _: [Observation(1013)]])
        latency, spread = meter.create_histogram("latency", unit="ms"), meter.create_histogram("spread")
        for value in (3, 30, 300):
            latency.record(value, {"route": "/pay"})
            spread.record(value)
    for provider in (spans, logs, metrics):
        provider.force_flush()
        provider.shutdown()
    context = span.get_span_context()
    return {"trace_id": format(context.trace_id, "032x"), "span_id": format(context.span_id, "016x")}


if __name__ == "__main__":
    print(json.dumps(send()))
