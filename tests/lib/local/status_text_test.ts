import assert from "node:assert/strict";
import { readAgentFacts } from "../../../lib/local/agent_facts.ts";
import { ageText, diskSizeText, paintFor, statusText } from "../../../lib/local/status_text.ts";

const facts = readAgentFacts({
  version: "1.2.3",
  pid: 71,
  uptimeSeconds: 7_300,
  device: { name: "pump\x1b[31m", serialNumber: "s-1", endpointUrl: "wss://router/ws" },
  connection: { state: "connected", forSeconds: 61, heardSecondsAgo: 1 },
  engine: { state: "available", environment: {} },
  apps: [
    {
      name: "Shop",
      stage: "PROD",
      appKey: 7,
      version: "1.0",
      state: "RUNNING",
      target: "RUNNING",
      container: "prod_7_shop",
    },
    { name: "a\nb", stage: "DEV", appKey: 8, version: "", state: "FAILED", target: "RUNNING", container: "dev_8_a" },
  ],
  disks: [{ path: "/", totalBytes: 32 * 1024 ** 3, freeBytes: 8 * 1024 ** 3 }],
  isEmergency: false,
  problems: [{ time: "2031-03-05T07:00:00Z", level: "warn", message: "Cannot connect", error: "refused" }],
  lastUpdate: "",
});

Deno.test("statusText() shows what people ask for first, with the texts of others escaped", () => {
  assert.equal(
    statusText(facts, paintFor(false)),
    [
      "Agent:       1.2.3, up 2 hours (pid 71)",
      "Device:      pump\\x1b[31m (s-1)",
      "Connection:  connected to wss://router/ws for 1 minute",
      "Engine:      available",
      "",
      "APP    STAGE   VERSION   STATE                      CONTAINER",
      "Shop   PROD    1.0       RUNNING                    prod_7_shop",
      "a\\nb   DEV     -         FAILED (wanted: RUNNING)   dev_8_a",
      "",
      "DISK   SIZE       AVAILABLE   USED",
      "/      32.0 GiB   8.0 GiB     75%",
      "",
      "Last warnings and errors:",
      "2031-03-05T07:00:00Z warn Cannot connect: refused",
    ].join("\n"),
  );
});

Deno.test("statusText() paints for a terminal only", () => {
  assert.ok(statusText(facts, paintFor(true)).includes("\x1b[32mconnected\x1b[0m to "));
});

Deno.test("statusText() of an agent of which nothing is known", () => {
  const text = statusText(readAgentFacts("nonsense"), paintFor(false));
  assert.match(text, /^Connection: {2}connecting to {2}\(last heard 0 seconds ago\)$/m);
  assert.match(text, /No apps/);
  assert.match(text, /No warnings or errors since the start$/);
});

Deno.test("durations and sizes are rounded to what people read", () => {
  assert.deepEqual([0, 1, 59, 60, 3_599, 3_600, 172_799, 172_800].map(ageText), [
    ...["0 seconds", "1 second", "59 seconds", "1 minute", "59 minutes", "1 hour", "47 hours", "2 days"],
  ]);
  assert.deepEqual([0, 1023, 1024, 5 * 1024 ** 4].map(diskSizeText), ["0 B", "1023 B", "1.0 KiB", "5.0 TiB"]);
});
