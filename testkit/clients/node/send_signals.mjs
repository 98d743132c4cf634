// A stock OpenTelemetry program with the OTLP/JSON exporters of logs and metrics. Knows nothing of Brokle; endpoint
// and key come from the standard OTEL_* environment. Prints the trace id as JSON.
import { TraceFlags, context, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";

const resource = resourceFromAttributes({ "service.name": "storefront" });
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const spanId = "00f067aa0ba902b7";
const inSpan = trace.setSpanContext(context.active(), { traceId, spanId, traceFlags: TraceFlags.SAMPLED });

const logs = new LoggerProvider({
  resource,
  processors: [new SimpleLogRecordProcessor({ exporter: new OTLPLogExporter() })],
});
logs.getLogger("web", "4.5.6").emit({
  severityNumber: SeverityNumber.ERROR,
  severityText: "ERROR",
  body: { order: 7, items: ["a", "b"] },
  attributes: { retries: 3, cached: false },
  eventName: "order.failed",
  context: inSpan,
});
await logs.forceFlush();
await logs.shutdown();

const meters = new MeterProvider({
  resource,
  readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter(), exportIntervalMillis: 60_000 })],
});
const meter = meters.getMeter("web", "4.5.6");
meter.createCounter("orders", { unit: "{order}", description: "Orders taken" }).add(5, { region: "eu" });
meter.createUpDownCounter("carts").add(-2);
meter.createGauge("temperature").record(21.5);
const latency = meter.createHistogram("latency", { unit: "ms" });
for (const value of [3, 30, 300]) latency.record(value, { route: "/pay" });
await meters.forceFlush();
await meters.shutdown();
console.log(JSON.stringify({ trace_id: traceId, span_id: spanId }));
