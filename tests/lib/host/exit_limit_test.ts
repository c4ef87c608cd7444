import assert from "node:assert/strict";
import { withInstalledPackages } from "../../../scripts/packages.ts";
import { projectRoot } from "../../../scripts/paths.ts";
import { startCollector } from "../../fakes/otlp_collector.ts";

/** At the exit a collection of measurements waits for a value that never comes, and the runtime for the collection. */
const hangingProgram = `
  const { limitExit } = await import(Deno.args[0]);
  const meter = Deno.telemetry.meterProvider.getMeter("test");
  const gauge = meter.createObservableGauge("never", {});
  const { promise, resolve } = Promise.withResolvers();
  gauge.addCallback(() => {
    resolve();
    return new Promise(() => {});
  });
  await promise;
  await limitExit(7, { limitMs: 300 });
  console.log("exits");
  Deno.exit(7);`;

Deno.test("limitExit() ends a process whose exit hangs, with its exit code", async () => {
  await using collector = startCollector();
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--quiet",
      withInstalledPackages,
      "-P=agent",
      "-",
      `${projectRoot}lib/host/exit_limit.ts`,
    ],
    cwd: projectRoot,
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "20",
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(20_000),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(hangingProgram));
  await writer.close();
  const { code, stdout } = await child.output();
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [7, "exits\n"]);
});
