/** A collector of OpenTelemetry: takes OTLP over HTTP as JSON, and keeps what it gets. */

import { isDict } from "../../lib/base/json.ts";

/** A span. */
export interface CollectedSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  /** 2 for an error. */
  status: number;
  attributes: Readonly<Record<string, unknown>>;
  service: unknown;
}

/** A metric. */
export interface CollectedMetric {
  name: string;
  unit: string;
  /** `sum`, `gauge` or `histogram`. */
  kind: string;
  points: readonly Readonly<Record<string, unknown>>[];
}

/** A running collector. */
export interface Collector extends AsyncDisposable {
  endpoint: string;
  spans: CollectedSpan[];
  metrics: CollectedMetric[];
}

/** Starts one on a free port. */
export function startCollector(): Collector {
  const spans: CollectedSpan[] = [];
  const metrics: CollectedMetric[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const body: unknown = await request.json();
    if (pathname === "/v1/traces") spans.push(...spansOf(body));
    else if (pathname === "/v1/metrics") metrics.push(...metricsOf(body));
    return Response.json({});
  });
  return {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    spans,
    metrics,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function spansOf(body: unknown): CollectedSpan[] {
  return list(body, "resourceSpans").flatMap((resource) => {
    const service = attributesOf(field(resource, "resource"))["service.name"];
    return list(resource, "scopeSpans").flatMap((scope) => list(scope, "spans")).map((span) => ({
      name: String(field(span, "name")),
      kind: Number(field(span, "kind")),
      traceId: String(field(span, "traceId")),
      spanId: String(field(span, "spanId")),
      parentSpanId: String(field(span, "parentSpanId") ?? ""),
      status: Number(field(field(span, "status"), "code") ?? 0),
      attributes: attributesOf(span),
      service,
    }));
  });
}

function metricsOf(body: unknown): CollectedMetric[] {
  const scopes = list(body, "resourceMetrics").flatMap((resource) => list(resource, "scopeMetrics"));
  return scopes.flatMap((scope) => list(scope, "metrics")).map((metric) => {
    const kind = ["sum", "gauge", "histogram"].find((name) => field(metric, name) !== undefined) ?? "";
    const points = list(field(metric, kind), "dataPoints").map((point) => ({
      ...isDict(point) ? point : {},
      attributes: attributesOf(point),
    }));
    return { name: String(field(metric, "name")), unit: String(field(metric, "unit") ?? ""), kind, points };
  });
}

function attributesOf(value: unknown): Record<string, unknown> {
  return Object.fromEntries(
    list(value, "attributes").map((attribute) => {
      const [text] = Object.values(isDict(attribute) && isDict(attribute.value) ? attribute.value : {});
      return [String(field(attribute, "key")), text];
    }),
  );
}

function field(value: unknown, name: string): unknown {
  return isDict(value) ? value[name] : undefined;
}

function list(value: unknown, name: string): unknown[] {
  const found = field(value, name);
  return Array.isArray(found) ? found : [];
}
