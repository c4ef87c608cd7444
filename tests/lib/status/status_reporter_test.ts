import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { Dict } from "../../../lib/base/json.ts";
import { chooseStatus, StatusReporter } from "../../../lib/status/status_reporter.ts";
import { createBackend } from "../../../lib/backend/backend.ts";
import { offlineWire, type Wire } from "../../../lib/wamp/wire.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const stats = { cpu_count: 4, storage_free: 5 };

/** A reporter on a wire that records calls and answers as a test wants. */
function createWorld(): {
  sent: unknown[];
  answers: { args: unknown[]; kwargs: Dict }[];
  disk: { isEmergency: boolean };
  engine: { isAvailable: boolean };
  adopted: string[];
  held: Promise<void>[];
  clock: FakeClock;
  reporter: StatusReporter;
} {
  const sent: unknown[] = [];
  const answers: { args: unknown[]; kwargs: Dict }[] = [];
  const wire: Wire = {
    ...offlineWire(),
    sessionId: 123,
    call: async (uri, args) => {
      sent.push([uri, args]);
      await held.shift();
      return Promise.resolve(answers.shift() ?? { args: [], kwargs: {} });
    },
  };
  const disk = { isEmergency: false };
  const engine = { isAvailable: true };
  const adopted: string[] = [];
  const held: Promise<void>[] = [];
  const clock = new FakeClock();
  const reporter = new StatusReporter({
    backend: createBackend(wire, () => ({ deviceKey: 345, swarmKey: 12, serialNumber: "SN-1" })),
    readStats: () => Promise.resolve(stats),
    isEngineAvailable: () => Promise.resolve(engine.isAvailable),
    tunnelCapable: () => false,
    isEmergency: () => disk.isEmergency,
    adoptUpdateUrl: (url) => {
      adopted.push(url);
      return Promise.resolve();
    },
    clock,
    log: silentLog,
  });
  return { sent, answers, disk, engine, adopted, held, clock, reporter };
}

function reportOf(status: string, docker_available = true): unknown {
  const sentStats = { ...stats, docker_available };
  const device = { swarm_key: 12, device_key: 345 };
  const report = { ...device, status, wamp_session_id: 123, stats: sentStats, tunnel_capable: false };
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
  assert.deepEqual(sent, ["CONFIGURING", "CONNECTED", "EMERGENCY", "CONFIGURING"].map((status) => reportOf(status)));
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

Deno.test("change 1.5: report() says whether the container engine answers", async () => {
  const { sent, engine, reporter } = createWorld();
  const { signal } = new AbortController();
  for (const isAvailable of [true, false, true]) {
    engine.isAvailable = isAvailable;
    await reporter.report(signal);
  }
  assert.deepEqual(sent, [true, false, true].map((isAvailable) => reportOf("CONFIGURING", isAvailable)));
});

Deno.test("change 4: report() hands on the base of downloads, and only addresses that a program may come from", async () => {
  const { answers, adopted, reporter } = createWorld();
  const { signal } = new AbortController();
  const good = ["https://storage.example.com/reagent", "http://10.0.0.1:8080", "HTTPS://Example.com/"];
  const bad = [
    ...["", "ftp://example.com", "file:///root/agent", "example.com/reagent", "https://", "javascript:alert(1)"],
    ...["https://example.com/a b", "https://example.com/\n", ` ${good[0]}`, `https://${"x".repeat(1_100)}.com`],
    ...[
      "https://user:secret@example.com",
      "https://user@example.com",
      "https://example.com/?a",
      "https://example.com/#a",
    ],
    ...[5, null, ["https://example.com"], { url: "https://example.com" }],
  ];
  for (const agentUpdateURL of [...bad, ...good]) {
    answers.push({ args: [{ agentUpdateURL }], kwargs: {} });
    await reporter.report(signal);
  }
  await reporter.report(signal);
  assert.deepEqual(adopted, good);
});

Deno.test("change 1.7: reports of one connection are sent one after the other, and wait for 30 s at most", async () => {
  const { sent, held, clock, reporter } = createWorld();
  const { signal } = new AbortController();
  const gate = Promise.withResolvers<void>();
  held.push(gate.promise);
  const first = reporter.report(signal);
  await clock.advance(0);
  const second = reporter.report(signal);
  await clock.advance(29_999);
  assert.equal(sent.length, 1);
  const late = assert.rejects(second, (error) => {
    assert.ok(error instanceof AgentError && error.code === "busy");
    assert.equal(error.message, "previous device status update still in flight");
    return true;
  });
  await clock.advance(1);
  await late;
  const third = reporter.report(signal);
  await clock.advance(1_000);
  assert.equal(sent.length, 1);
  gate.resolve();
  await Promise.all([first, third]);
  assert.equal(sent.length, 2);
  assert.equal(clock.sleeping, 0);
});

Deno.test("change 1.7: a report on a new connection does not wait for one on the connection before", async () => {
  const { sent, held, clock, reporter } = createWorld();
  const { signal } = new AbortController();
  const gate = Promise.withResolvers<void>();
  held.push(gate.promise);
  const first = reporter.report(signal);
  await clock.advance(0);
  reporter.beginBoot();
  await reporter.report(signal);
  assert.equal(sent.length, 2);
  gate.resolve();
  await first;
});

Deno.test("change 1.7: a report that is given up leaves its turn to the next", async () => {
  const { sent, held, clock, reporter } = createWorld();
  const gate = Promise.withResolvers<void>();
  held.push(gate.promise);
  const first = reporter.report(new AbortController().signal);
  await clock.advance(0);
  const giveUp = new AbortController();
  const second = reporter.report(giveUp.signal);
  giveUp.abort();
  await assert.rejects(second, { code: "canceled" });
  gate.resolve();
  await first;
  await reporter.report(new AbortController().signal);
  assert.equal(sent.length, 2);
  assert.equal(clock.sleeping, 0);
});
