import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import type { Dict } from "../../../lib/base/json.ts";
import { chooseStatus, StatusReporter } from "../../../lib/status/status_reporter.ts";
import { createBackend } from "../../../lib/backend/backend.ts";
import { offlineWire, type Wire } from "../../../lib/wamp/wire.ts";

const stats = { cpu_count: 4, storage_free: 5 };

/** A reporter on a wire that records calls and answers as a test wants. */
function createWorld(): {
  sent: unknown[];
  answers: { args: unknown[]; kwargs: Dict }[];
  disk: { isEmergency: boolean };
  reporter: StatusReporter;
} {
  const sent: unknown[] = [];
  const answers: { args: unknown[]; kwargs: Dict }[] = [];
  const wire: Wire = {
    ...offlineWire(),
    sessionId: 123,
    call: (uri, args) => {
      sent.push([uri, args]);
      return Promise.resolve(answers.shift() ?? { args: [], kwargs: {} });
    },
  };
  const disk = { isEmergency: false };
  const reporter = new StatusReporter({
    backend: createBackend(wire, () => ({ deviceKey: 345, swarmKey: 12, serialNumber: "SN-1" })),
    readStats: () => Promise.resolve(stats),
    tunnelCapable: () => false,
    isEmergency: () => disk.isEmergency,
    log: silentLog,
  });
  return { sent, answers, disk, reporter };
}

function reportOf(status: string): unknown {
  const report = { swarm_key: 12, device_key: 345, status, wamp_session_id: 123, stats, tunnel_capable: false };
  return ["reswarm.devices.update_device_status", [report]];
}

Deno.test("chooseStatus() returns CONFIGURING during every boot, even when the disk is full", () => {
  assert.equal(chooseStatus({ isBooting: true, isEmergency: false }), "CONFIGURING");
  assert.equal(chooseStatus({ isBooting: true, isEmergency: true }), "CONFIGURING");
  assert.equal(chooseStatus({ isBooting: false, isEmergency: false }), "CONNECTED");
  assert.equal(chooseStatus({ isBooting: false, isEmergency: true }), "EMERGENCY");
});

Deno.test("report() sends the current status", async () => {
  const { sent, disk, reporter } = createWorld();
  const { signal } = new AbortController();
  await reporter.report(signal);
  reporter.finishBoot();
  await reporter.report(signal);
  disk.isEmergency = true;
  await reporter.report(signal);
  reporter.beginBoot();
  await reporter.report(signal);
  assert.deepEqual(sent, ["CONFIGURING", "CONNECTED", "EMERGENCY", "CONFIGURING"].map(reportOf));
});

Deno.test("report() keeps the last base URL that was a string", async () => {
  const { answers, reporter } = createWorld();
  const { signal } = new AbortController();
  const baseUrls: unknown[] = [];
  const replies = [
    [],
    [{ reswarmBaseURL: "https://studio.example.com" }],
    [{}],
    [null],
    ["text"],
    [{ reswarmBaseURL: 5 }],
    [{ reswarmBaseURL: "" }],
    [{ reswarmBaseURL: "https://other.example.com" }],
  ];
  for (const args of replies) {
    answers.push({ args, kwargs: {} });
    await reporter.report(signal);
    baseUrls.push(reporter.baseUrl);
  }
  const first = "https://studio.example.com";
  assert.deepEqual(baseUrls, [undefined, first, first, first, first, first, first, "https://other.example.com"]);
});
