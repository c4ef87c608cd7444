// box engine registry crossbar
/** What an agent exports: measurements for Prometheus, spans and measurements for OpenTelemetry. */

import assert from "node:assert/strict";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { startCollector } from "../fakes/otlp_collector.ts";
import { parsePrometheus } from "../fakes/prometheus_parser.ts";
import { AgentFixture } from "./agent_fixture.ts";

Deno.test("an agent tells Prometheus and OpenTelemetry what it does", async () => {
  await using fixture = await AgentFixture.start();
  await using collector = startCollector();
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device, {
    args: ["-profiling", "-profilingPort", "16061"],
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_SERVICE_NAME: "reagent",
      OTEL_METRIC_EXPORT_INTERVAL: "500",
      OTEL_BSP_SCHEDULE_DELAY: "200",
    },
  });
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.publish("Lamp", "1.0.0", { tickMs: 1_000 });
  const { after } = await fixture.studio.request(device, "Lamp", { target: "RUNNING" });
  await fixture.studio.waitForReport(device, { appName: "Lamp", state: "RUNNING" }, { after, limitMs: 30_000 });
  await fixture.studio.call(device, "get_images");
  const spans = await pollUntil("the spans have arrived", () => {
    const { spans } = collector;
    const found = spans.some(({ name }) => name === "get_images") &&
      spans.some(({ name }) => /^transition /.test(name));
    return Promise.resolve(found ? spans : undefined);
  });
  const call = spans.find(({ name }) => name === "get_images");
  assert.equal(call?.service, "reagent");
  assert.deepEqual([call?.kind, call?.attributes["rpc.system.name"]], [2, "wamp"]);
  const transition = spans.find(({ name }) => /^transition /.test(name));
  assert.equal(transition?.attributes["reagent.app.name"], "Lamp");
  // The runtime adds spans of its own, for requests.
  const steps = spans.filter(({ name, parentSpanId }) =>
    name.startsWith("step ") && parentSpanId === transition?.spanId
  );
  assert.ok(steps.length >= 4, `${steps.length} steps`);
  assert.ok(steps.every(({ traceId }) => traceId === transition?.traceId));
  const measured = await pollUntil("the measurements have arrived", () => {
    const names = new Map(collector.metrics.map((metric) => [metric.name, metric]));
    return Promise.resolve(names.has("reagent.app.step.duration") && names.has("process.cpu.time") ? names : undefined);
  });
  assert.deepEqual([measured.get("process.memory.usage")?.unit, measured.get("process.memory.usage")?.kind], [
    "By",
    "sum",
  ]);
  assert.equal(measured.get("rpc.server.call.duration")?.unit, "s");
  assert.ok(!JSON.stringify([collector.spans, collector.metrics]).includes(device.secret), "the secret is exported");
  const token = (await Deno.readTextFile(`${agent.folder}/profiling.token`)).trim();
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const headers = { authorization: `Bearer ${token}` };
  const text = await (await fetch("http://127.0.0.1:16061/metrics", { client, headers })).text();
  const families = parsePrometheus(text);
  const states = families.get("reagent_app_count")?.samples.map((
    { labels, value },
  ) => [labels.reagent_app_state, value]);
  assert.deepEqual(states, [["RUNNING", 1]]);
  assert.ok(families.has("rpc_server_call_duration_seconds") && families.has("reagent_app_step_duration_seconds"));
  assert.equal(await agent.stop(), 0);
});
