import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { agentReadings } from "../../../lib/telemetry/agent_readings.ts";
import { Histograms, seriesLimit } from "../../../lib/telemetry/histograms.ts";
import { durations, type Instrument, observed } from "../../../lib/telemetry/instruments.ts";
import { metricName, prometheusText } from "../../../lib/telemetry/prometheus.ts";
import { createTelemetry } from "../../../lib/telemetry/telemetry.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { parsePrometheus } from "../../fakes/prometheus_parser.ts";

const measures = {
  isConnected: true,
  silenceSeconds: 1.5,
  waitingBytes: 0,
  appStates: ["RUNNING", "RUNNING", "FAILED"],
  disks: [{ path: '/opt/"my\\reagent"\n', totalBytes: 100, freeBytes: 40 }],
};

Deno.test("what is measured can be read by Prometheus", async () => {
  const clock = new FakeClock();
  const telemetry = createTelemetry({ version: "1.2.3", isExported: false, clock });
  telemetry.observe(() => Promise.resolve(measures));
  await telemetry.record({ kind: "call", name: "get_images" }, () => clock.advance(30));
  const refused = telemetry.record({ kind: "call", name: "get_images" }, () => {
    return Promise.reject(new AgentError("denied", "no"));
  });
  await assert.rejects(refused, { code: "denied" });
  await telemetry.record({ kind: "transition", name: "run", about: { "reagent.app.name": "shop" } }, async (fail) => {
    await telemetry.record({ kind: "step", name: "pullImages" }, () => clock.advance(90_000));
    fail("exited");
  });
  const families = parsePrometheus(await telemetry.prometheusText());
  const value = (name: string, labels: Record<string, string>) => {
    const samples = [...families.values()].flatMap((family) => family.samples);
    return samples.find((sample) =>
      sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text)
    )?.value;
  };
  assert.equal(value("target_info", { service_name: "reagent", service_version: "1.2.3" }), 1);
  assert.equal(value("rpc_server_call_duration_seconds_count", { rpc_method: "get_images", error_type: "denied" }), 1);
  assert.equal(value("rpc_server_call_duration_seconds_bucket", { rpc_method: "get_images", le: "0.05" }), 1);
  assert.equal(value("rpc_server_call_duration_seconds_bucket", { rpc_method: "get_images", le: "0.025" }), 0);
  assert.equal(
    value("reagent_app_transition_duration_seconds_sum", { reagent_app_goal: "run", error_type: "exited" }),
    90,
  );
  assert.equal(value("reagent_app_step_duration_seconds_bucket", { reagent_app_step: "pullImages", le: "60" }), 0);
  assert.equal(value("reagent_app_step_duration_seconds_bucket", { reagent_app_step: "pullImages", le: "300" }), 1);
  assert.equal(value("reagent_app_count", { reagent_app_state: "RUNNING" }), 2);
  assert.equal(value("reagent_connection_established", {}), 1);
  assert.equal(value("system_filesystem_usage_bytes", { system_filesystem_state: "used" }), 60);
  assert.equal(
    families.get("system_filesystem_usage_bytes")?.samples[0]?.labels.system_filesystem_mountpoint,
    measures.disks[0]?.path,
  );
  assert.equal(families.get("process_cpu_time_seconds_total")?.type, "counter");
  assert.ok((value("process_memory_usage_bytes", {}) ?? 0) > 1_000_000);
  // Names of apps are what traces are for: each would be a series of its own.
  assert.ok(![...families.values()].some(({ samples }) => samples.some(({ labels }) => "reagent_app_name" in labels)));
});

const names: readonly [Instrument, string][] = [
  [observed.cpuTime, "process_cpu_time_seconds_total"],
  [observed.memory, "process_memory_usage_bytes"],
  [observed.threads, "process_thread_count"],
  [observed.connected, "reagent_connection_established"],
  [durations.call, "rpc_server_call_duration_seconds"],
];

Deno.test("metricName() translates names as OpenTelemetry does", () => {
  for (const [instrument, expected] of names) assert.equal(metricName(instrument), expected);
});

Deno.test("agentReadings() leaves out what is not known", () => {
  const readings = agentReadings({
    ...measures,
    isConnected: false,
    silenceSeconds: undefined,
    appStates: [],
    disks: [],
  });
  assert.deepEqual(readings.map(({ instrument, value }) => [instrument.name, value]), [
    ["reagent.connection.established", 0],
    ["reagent.connection.waiting", 0],
  ]);
});

Deno.test("Histograms keep a bounded number of series", () => {
  const histograms = new Histograms();
  for (let count = 0; count < seriesLimit + 10; count += 1) {
    histograms.add(durations.call, { attributes: { "rpc.method": String(count) }, seconds: 1 });
  }
  assert.equal(histograms.list().length, seriesLimit);
});

Deno.test("prometheusText() of a device of which nothing is known is a text all the same", () => {
  assert.equal(parsePrometheus(prometheusText({ readings: [], series: [], resource: { a: "b" } })).size, 1);
});

/** Texts that Prometheus refuses. */
const refused = [
  "a 1",
  "# TYPE a gauge\na 1\na 2\n",
  "# TYPE a gauge\na{b=1} 1\n",
  '# TYPE a gauge\na{b="\\x"} 1\n',
  "# TYPE a gauge\na one\n",
  "# TYPE a.b gauge\n",
  "# TYPE a gauge\n# TYPE b gauge\na 1\n",
  "# TYPE a strange\n",
  '# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
];

for (const text of refused) {
  Deno.test(`the parser of these tests refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parsePrometheus(text));
  });
}
